"""Third-party libraries, kept from reporting, fetching, installing and writing outside our cache folder.

Left to themselves, OpenVINO sends an event to an analytics service, under a permanent id kept in the home folder, each
time it is imported; Ultralytics sends one for each prediction, asks a name server whether there is a network, and
installs what it lacks; albumentations asks for a newer version of itself. A function that imports one of ``CONFINED``
calls ``confine_libraries`` first.
"""

from __future__ import annotations

import os
import sys

from ntcir.system.home import share_caches

CONFINED = ("albumentations", "matplotlib", "onnxruntime", "openvino", "torchvision", "ultralytics")

# Set whatever the environment says: a user who lets another program use the network has not asked this one to.
_ENVIRONMENT = {
    "YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "NO_ALBUMENTATIONS_UPDATE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",  # albumentations imports the client of Hugging Face's hub where it is installed
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
