"""Weights of image networks: published ones from their address, or a checkpoint from a path."""

from __future__ import annotations

import logging
import re
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch

from ntcir.features.file_kinds import is_onnx, kind_of
from ntcir.features.unpickling import short_complaints
from ntcir.system.errors import UserError, short
from ntcir.system.home import settle_torch_home
from ntcir.system.libraries import confine_libraries
from ntcir.system.progress import say
from ntcir.system.regular import sha256_of
from ntcir.system.tensor_files import read_tensors

PLACES365_URL = "http://places2.csail.mit.edu/models_places365/{arch}_places365.pth.tar"
# As a third party lists it; the publisher states none.
PLACES365_SHA256 = {"resnet50": "46529c86902bd0cfb0ea562a30b2850c28d2620d96282b3db9c318e1d774f6c5"}
PLACES365_CLASSES = 365
# What data-parallel training, torch.compile, Lightning and others put in front of the keys of a network's weights.
_WRAPPERS = ("module.", "_orig_mod.", "model.", "network.", "net.", "backbone.", "encoder.", "_forward_module.")
_DENSE = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")


def published_state(arch: str, weights: str) -> dict[str, torch.Tensor]:
    """Return the state dict of published weights: ``places365``, ``imagenet``, or torchvision's ``IMAGENET1K_V2``.

    Downloaded once, with progress, into torch's hub folder.

    Raises:
        UserError: if there are no such weights, they cannot be fetched (the sentence says where to put the file), or
            their checksum is wrong.
    """
    if weights == "places365":
        return read_checkpoint(_places365_file(arch))
    confine_libraries()
    import torchvision

    known = {str(item.name): item for item in torchvision.models.get_model_weights(arch)}
    name = "IMAGENET1K_V1" if weights == "imagenet" else weights
    if name not in known:
        names = ", ".join(["imagenet", "places365", "random", *known])
        raise UserError(
            f"There are no weights '{weights}' for {arch}: give {names}, or the path of a checkpoint that exists."
        )
    return read_checkpoint(_fetch(known[name].url))


def _places365_file(arch: str) -> Path:
    if arch not in {"resnet18", "resnet50"}:
        raise UserError(f"Places365 weights are published for resnet18 and resnet50 here, not for {arch}.")
    path = _fetch(PLACES365_URL.format(arch=arch))
    expected, found = PLACES365_SHA256.get(arch), sha256_of(path)
    if expected is None:
        say(f"No checksum is known for {path.name}; its SHA-256 is {found}.")
    elif found != expected:
        raise UserError(
            f"{path} has the SHA-256 {found}, not {expected}: remove it to fetch it again, or, if you trust the file, "
            "give its path as `weights`."
        )
    return path


def published_folder() -> Path:
    """Return torch's folder of published weights, which is missing before the first download."""
    settle_torch_home()
    return Path(torch.hub.get_dir()) / "checkpoints"


def _fetch(url: str) -> Path:
    """Return the file in torch's hub folder, fetched from ``url`` unless it is there."""
    folder = published_folder()
    path = folder / url.rsplit("/", 1)[-1]
    if not path.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            say(f"Fetching {url}")
            # torchvision's names carry the first digits of the file's SHA-256 ("resnet50-0676ba61.pth").
            digits = path.stem.rsplit("-", 1)[-1] if "-" in path.stem else None
            torch.hub.download_url_to_file(url, str(path), hash_prefix=digits, progress=True)
        except (URLError, HTTPException, OSError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise UserError(
                f"Cannot fetch {url} ({reason}): put the file at {path}, or give its path as `weights`."
            ) from error
    return path


def read_checkpoint(path: Path) -> dict[str, torch.Tensor]:
    """Read a checkpoint (``.safetensors``, or a torch file holding a state dict, perhaps under ``state_dict``).

    What data-parallel training, ``torch.compile`` and wrappers put in front of all keys (``module.``, ``_orig_mod.``,
    ``model.`` and others, also several) is taken off. Only tensors and plain values are unpickled, never code.

    Raises:
        UserError: if the file is not there, cannot be read or is no such checkpoint; the sentence says what it is.
    """
    if not path.is_file():
        where = f"{path}{', which is a folder' * path.is_dir()}"
        raise UserError(f"There are no weights at {where}. Put the file there, or give its path as `weights`.")
    try:
        kind = "an ONNX network: give its torch weights" if is_onnx(path) else kind_of(path)
        if kind:
            raise UserError(f"{path} is not a checkpoint of tensors: it is {kind}.")
        tree: Any = _safetensors(path) if _is_safetensors(path) else _unpickle(path)
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"Cannot read the weights {path}: {(error.strerror or str(error)).lower()}.") from error
    except MemoryError as error:
        raise UserError(f"Not enough memory to read the weights {path}.") from error
    except Exception as error:  # unpicklers raise nearly anything on files that are not pickles
        raise UserError(f"{path} is not a checkpoint of tensors ({_reason(error)}).") from error
    if isinstance(tree, torch.nn.Module):  # torch unpickles these once a detector was opened, which allows them
        kind = type(tree).__name__
        raise UserError(f"{path} is not a checkpoint of tensors (it is a whole {kind}): save its state_dict() alone.")
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(tree, dict) and isinstance(tree.get(key), dict):
            tree = tree[key]
    if not isinstance(tree, dict) or not tree or not all(isinstance(value, torch.Tensor) for value in tree.values()):
        raise UserError(f"{path} holds no state dict (names and tensors).")
    prefix = _shared_prefix([str(key) for key in tree])
    state = OrderedDict((_name(str(key).removeprefix(prefix)), value) for key, value in tree.items())
    versions = getattr(tree, "_metadata", None)
    if versions is not None:  # of the modules: torch renames old ones' weights by it
        front = prefix or "module."
        state._metadata = OrderedDict(  # type: ignore[attr-defined]
            ("" if f"{key}." == front else str(key).removeprefix(front), value) for key, value in versions.items()
        )
    return state


def _shared_prefix(keys: Sequence[str]) -> str:
    """Return what wrappers put in front of all keys; empty where they put nothing there."""
    prefix = ""
    while True:
        wrapper = next((w for w in _WRAPPERS if all(key.startswith(prefix + w) for key in keys)), None)
        if wrapper is None:
            return prefix
        prefix += wrapper


def _is_safetensors(path: Path) -> bool:
    """Return whether a file begins as those of safetensors do, whatever its name says."""
    with path.open("rb") as file:
        start = file.read(9)
    length = int.from_bytes(start[:8], "little")
    return start[8:] == b"{" and length <= path.stat().st_size - 8


def _safetensors(path: Path) -> dict[str, torch.Tensor]:
    tensors, _ = read_tensors(path)
    return tensors


def _reason(error: Exception) -> str:
    """Return why a file is not a checkpoint, without torch's advice to trust it."""
    words = " ".join(str(error).split())
    if found := re.search(r"GLOBAL ([\w.]+)", words):
        return f"it holds Python objects besides tensors, of {short(found[1])}: save the network's state_dict() alone"
    if "TorchScript" in words:
        return "it is a TorchScript archive: save the network's state_dict() instead"
    if words.startswith("Weights only load failed"):
        return "its pickle is damaged, or holds more than tensors: save the network's state_dict() alone"
    return words[:200]


def _name(key: str) -> str:
    """Return the name a weight has today: without ``module.``, and DenseNet's ``norm.1`` as ``norm1``."""
    return _DENSE.sub(r"\1\2", key.removeprefix("module."))


def _unpickle(path: Path) -> Any:
    try:
        return _load(path)
    except Exception as error:
        # Places365's files were saved under Python 2: their strings may not be UTF-8.
        logging.getLogger(__name__).debug("reading %s as latin1 after %s", path, error)
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", UserWarning
            )  # torch warns that the encoding has no effect here, and uses it
            return _load(path, encoding="latin1")


def _load(path: Path, **options: Any) -> Any:
    with path.open("rb") as file, short_complaints():  # given a path, torch goes by its suffix
        return torch.load(file, map_location="cpu", weights_only=True, **options)
