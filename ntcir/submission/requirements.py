"""What ``ntcir predict`` needs installed: the distributions, their versions here, and their size."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path

from ntcir.config import Config
from ntcir.config.places import OPEN_CLIP, TIMM
from ntcir.system.errors import UserError

# What predicting imports. The package's other requirements are for detection, augmentation, charts and scoring.
ROOTS = (
    "click", "numpy", "pandas", "pillow", "pydantic", "PyYAML", "rich", "safetensors", "torch", "torchvision",
)  # fmt: skip
# What image networks of other libraries import besides: how their names begin -> the distribution.
_LIBRARIES = {TIMM: "timm", OPEN_CLIP: "open_clip_torch"}
# Installed together from one index, which the Dockerfile chooses: a torch of one index beside a torchvision of another
# dies at import.
TORCH = ("torch", "torchvision")
_BROUGHT_BY_TORCH = ("nvidia-", "cuda-", "triton", "pytorch-triton")  # or not, as its index has it
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")
_EXTRA = re.compile(r"""\bextra\s*==\s*["']([^"']+)["']""")


def roots_of(config: Config) -> tuple[str, ...]:
    """Return what predicting with a model of this configuration imports."""
    names = [backbone.arch for backbone in config.features.backbones]
    wanted = (_LIBRARIES[prefix] for prefix in _LIBRARIES if any(name.startswith(prefix) for name in names))
    return (*ROOTS, *wanted)


def closure(roots: Sequence[str] = ROOTS) -> list[metadata.Distribution]:
    """Return the installed distributions that ``roots`` need, with all that these need in turn, sorted by name.

    A requirement on a condition (an operating system, a version of Python) is taken where it is installed: that an
    installer left it out says that the condition does not hold here.

    Raises:
        UserError: if one that is needed on no condition is not installed.
    """
    found: dict[str, metadata.Distribution] = {}
    done: set[tuple[str, str]] = set()
    waiting = [(root, "", "ntcir predict") for root in roots]
    while waiting:
        name, extra, asked_by = waiting.pop()
        key = _normal(name)
        if (key, extra) in done:
            continue
        done.add((key, extra))
        try:
            found[key] = metadata.distribution(name)
        except metadata.PackageNotFoundError as error:
            raise UserError(f"{name}, which {asked_by} needs, is not installed: install it.") from error
        for line in found[key].requires or ():
            waiting += [(*need, found[key].metadata["Name"]) for need in _needed(line, extra)]
    return [found[key] for key in sorted(found)]


def _needed(line: str, extra: str) -> list[tuple[str, str]]:
    """Return the (name, extra) that a line of a distribution's requirements adds under one of its extras ("": none)."""
    match = _NAME.match(line)
    if match is None:
        return []
    marker = line.partition(";")[2]
    of_extras = {_normal(name) for name in _EXTRA.findall(marker)}
    if extra not in of_extras if of_extras else extra:
        return []
    name = match[1]
    if marker.strip() and not _is_installed(name):
        return []
    return [(name, ""), *((name, _normal(wanted)) for wanted in (match[2] or "").split(",") if wanted.strip())]


def _is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def pins(distributions: Iterable[metadata.Distribution]) -> str:
    """Return ``requirements.txt``: exact versions, without torch and what torch brings along."""
    return _lines(item for item in distributions if not _is_torch(item))


def torch_pins(distributions: Iterable[metadata.Distribution]) -> str:
    """Return ``torch-requirements.txt``: torch and torchvision, whose builds for CPUs and GPUs share a version."""
    return _lines(item for item in distributions if _key(item) in TORCH)


def _lines(distributions: Iterable[metadata.Distribution]) -> str:
    # A local version, as in 2.11.0+cu128, is on no public index.
    return "".join(f"{_key(item)}=={item.version.partition('+')[0]}\n" for item in distributions)


def installed_bytes(distributions: Iterable[metadata.Distribution]) -> tuple[int, int]:
    """Return how many bytes the distributions take on disk, and how many of these torch and what it brings take."""
    total = torch = 0
    for item in distributions:
        size = sum(_size(file) for file in item.files or ())
        total += size
        torch += size if _is_torch(item) else 0
    return total, torch


def modules(distribution: metadata.Distribution) -> dict[str, Path]:
    """Return what a distribution has under ``site-packages``: name there -> where it lies.

    A package is there as a whole; of a folder that several distributions share, file by file. Commands are not.

    Raises:
        UserError: if its installer left no list of them.
    """
    if distribution.files is None:
        name = distribution.metadata["Name"]
        raise UserError(
            f"The files of {name} are not known: install it with pip, or skip the rehearsal with --no-rehearsal."
        )
    files = [file for file in distribution.files if ".." not in file.parts]
    names = {str(file) for file in files}
    found = {}
    for file in files:
        top = file.parts[0]
        whole = top.endswith((".dist-info", ".egg-info")) or f"{top}/__init__.py" in names
        found[top if whole else str(file)] = Path(str(distribution.locate_file(top if whole else file)))
    return found


def _size(file: metadata.PackagePath) -> int:
    """Return a file's size, from the list it is in or, where that does not say, from the disk; 0 if it is gone."""
    if file.size is not None:
        return int(file.size)
    try:
        return Path(str(file.locate())).stat().st_size
    except OSError:
        return 0


def _is_torch(distribution: metadata.Distribution) -> bool:
    return _key(distribution) in TORCH or _key(distribution).startswith(_BROUGHT_BY_TORCH)


def _key(distribution: metadata.Distribution) -> str:
    return _normal(distribution.metadata["Name"])


def _normal(name: str) -> str:
    """Return a distribution's or an extra's name as installers compare it."""
    return re.sub(r"[-_.]+", "-", name).lower().strip()
