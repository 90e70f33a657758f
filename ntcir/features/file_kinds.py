"""What a file is that was given as weights and is none: most often a failed download, or one format for another."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

_START = 4096  # bytes by which a kind of file is recognised
_LFS = b"version https://git-lfs.github.com/spec/"


def kind_of(path: Path) -> str | None:
    """Return what a file is, if it is nothing that holds weights: a phrase that follows "is"; None otherwise.

    Raises:
        OSError: if it cannot be read.
    """
    if path.is_dir():
        return "a folder, not a file of weights"
    with path.open("rb") as file:
        start = file.read(_START)
    return _by_start(start) or (_kind_of_archive(path) if start.startswith(b"PK") else _kind_of_tar(path, start))


def _by_start(start: bytes) -> str | None:
    words = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        return "empty"
    if not start.strip(b"\0"):
        return "full of zeros: an interrupted download or copy; fetch it again"
    if start.startswith(_LFS):
        return "a Git LFS pointer, not the file itself: run `git lfs pull` where it comes from"
    if words[:1] == b"<" and any(tag in words[:512].lower() for tag in (b"<html", b"<!doctype", b"<?xml", b"<head")):
        return "a web page (HTML or XML), perhaps a failed download: download the file itself"
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        return "an HDF5 file, such as Keras writes: convert it to a torch state dict"
    if start.startswith(b"\x93NUMPY"):
        return "a NumPy array: save a torch state dict"
    if start.startswith(b"\x1f\x8b"):
        return "compressed by gzip: unpack it first"
    if start.startswith((b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c", b"Rar!")):
        return "a compressed archive: unpack it first"
    if start.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF")):
        return "a picture"
    if start.startswith(b"%PDF"):
        return "a PDF document"
    if start.startswith(b"GGUF"):
        return "a GGUF file of a language model"
    if start.startswith(b"TFL3", 4):
        return "a TensorFlow Lite model"
    return _kind_of_text(start)


def _kind_of_text(start: bytes) -> str | None:
    try:
        text = start[: start.rfind(b"\n") + 1 or len(start)].decode("utf-8")
    except UnicodeDecodeError:
        return None
    if not all(letter.isprintable() or letter in "\t\r\n\f" for letter in text):
        return None
    lines = [line.strip() for line in text.splitlines()]
    if text.startswith("#!") or any(line.startswith(("import ", "from ", "def ", "class ")) for line in lines):
        return "a script, not weights"
    if text.lstrip().startswith(("{", "[")):
        return "a JSON file, not weights"
    return "a text file, not weights"


def _kind_of_archive(path: Path) -> str | None:
    """Return what a ZIP is that is not a file of torch's."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return "truncated or damaged (a torch file or ZIP without its end): fetch or copy it again"
    endings = {name.split("/", 1)[-1] for name in names}
    if "constants.pkl" in endings:
        return "a TorchScript archive, a network with its code: save the network's state_dict() instead"
    if "data.pkl" in endings:
        return None
    if "config.json" in endings and "model.weights.h5" in endings:
        return "a Keras model: convert it to a torch state dict"
    return "a ZIP archive, not a torch file: unpack it first"


def _kind_of_tar(path: Path, start: bytes) -> str | None:
    # Torch's oldest files are tars too, which torch still reads.
    if start[257:262] != b"ustar" or not tarfile.is_tarfile(path):
        return None
    with tarfile.open(path) as archive:
        first = archive.next()
    return (
        None
        if first is None or first.name in {"sys_info", "pickle", "storages", "tensors"}
        else ("a tar archive: unpack it first")
    )


def is_onnx(path: Path) -> bool:
    """Return whether a file is an ONNX network, as far as its first bytes tell."""
    with path.open("rb") as file:
        start = file.read(64)
    # Field 1, the version of the format, and field 2, who made it.
    return len(start) > 4 and start[0] == 0x08 and start[1] < 0x20 and start[2] == 0x12
