"""Third-party libraries, kept from reporting, fetching, installing and writing outside our cache folder.

Left to themselves, OpenVINO sends an event to an analytics service, under a permanent id kept in the home folder, each
time it is imported; Ultralytics sends one for each prediction, asks a name server whether there is a network, and
installs what it lacks; albumentations asks for a newer version of itself. A function that imports one of ``CONFINED``
calls ``confine_libraries`` first.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from ntcir.system.home import share_caches

CONFINED = (
    "albumentations", "matplotlib", "onnxruntime", "open_clip", "openvino", "sentence_transformers", "timm",
    "torchvision", "transformers", "ultralytics",
)  # fmt: skip

# Set whatever the environment says: a user who lets another program use the network has not asked this one to.
_ENVIRONMENT = {
    "YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "NO_ALBUMENTATIONS_UPDATE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",  # albumentations imports the client of Hugging Face's hub where it is installed
    "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",  # otherwise tokenizers warn in a process that starts others
    "DO_NOT_TRACK": "1",  # heeded by several libraries, and perhaps by one that comes later
}  # fmt: skip
_OPENVINO_TELEMETRY = "openvino_telemetry"


def confine_libraries() -> None:
    """Keep libraries from using the network and from writing outside our cache folder, for the rest of the process.

    What other code in the process has imported before has already done what it does on import.
    """
    share_caches()
    os.environ.update(_ENVIRONMENT)
    # None makes importing it fail, and then OpenVINO falls back on a stub of its own that sends nothing. The switches
    # it offers are no help: a file in the home folder, or a variable that says that this is a CI job.
    sys.modules[_OPENVINO_TELEMETRY] = None  # type: ignore[assignment]


@contextmanager
def hushed() -> Iterator[None]:
    """Keep what libraries log and warn of from the user's screen; what goes wrong is raised all the same.

    Nothing of our own may be said within, for that is logged too.
    """
    root, disabled = logging.getLogger(), logging.root.manager.disable
    handlers = list(root.handlers)
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        root.handlers[:] = handlers  # logging.warning() gives the root logger one where it has none
