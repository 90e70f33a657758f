"""The installed package as a wheel, from its files: no build tool and no network is needed."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from importlib import metadata
from pathlib import Path

import ntcir
from ntcir.system.files import atomic_path

_WHEEL = "Wheel-Version: 1.0\nGenerator: ntcir\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_ENTRY_POINTS = "[console_scripts]\nntcir = ntcir.cli:main\n"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of every member, so that the same package gives the same bytes
_PLAIN_FILE = 0o100644 << 16


def write_wheel(folder: Path, package: Path | None = None) -> Path:
    """Write ``ntcir-VERSION-py3-none-any.whl`` into ``folder`` and return its path; the same files give the same bytes.

    Args:
        folder: made if it is not there.
        package: the folder of the package. [default: the one that is running]

    Raises:
        UserError: if there is no room or no permission.
    """
    package = package or Path(ntcir.__file__).parent
    members = {f"{package.name}/{name}": (package / name).read_bytes() for name in _files(package)}
    about = f"ntcir-{ntcir.__version__}.dist-info"
    members |= {f"{about}/{name}": data for name, data in _about(package).items()}
    record = [f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in sorted(members.items())]
    members[f"{about}/RECORD"] = "".join([*record, f"{about}/RECORD,,\n"]).encode()
    path = folder / f"ntcir-{ntcir.__version__}-py3-none-any.whl"
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, data in members.items():
            member = zipfile.ZipInfo(name, _EPOCH)
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, _PLAIN_FILE
            archive.writestr(member, data)
    return path


def _files(package: Path) -> list[str]:
    """Return the files of the package, code and data, by their path inside it; nothing hidden, nothing compiled."""
    names = (path.relative_to(package) for path in sorted(package.rglob("*")) if path.is_file())
    return [name.as_posix() for name in names if not any(_is_passing(part) for part in name.parts)]


def _is_passing(part: str) -> bool:
    return part.startswith(".") or part == "__pycache__" or part.endswith((".pyc", "~"))


def _about(package: Path) -> dict[str, bytes]:
    """Return the wheel's facts about the distribution: its metadata, its command, its licence."""
    texts = {"METADATA": _metadata(), "WHEEL": _WHEEL, "entry_points.txt": _ENTRY_POINTS}
    facts = {name: text.encode() for name, text in texts.items()}
    licence = _licence(package)
    return facts if licence is None else facts | {"licenses/LICENSE": licence}


def _distribution() -> metadata.Distribution | None:
    """Return what is installed as this package, if it is of the same version: an editable one may be out of date."""
    try:
        found = metadata.distribution("ntcir")
    except metadata.PackageNotFoundError:
        return None
    return found if found.version == ntcir.__version__ else None


def _metadata() -> str:
    installed = _distribution()
    text = installed and (installed.read_text("METADATA") or installed.read_text("PKG-INFO"))
    return text or f"Metadata-Version: 2.1\nName: ntcir\nVersion: {ntcir.__version__}\n"


def _licence(package: Path) -> bytes | None:
    """Return the licence, from the installed distribution or from beside the package in a checkout."""
    installed = _distribution()
    places = [Path(str(file.locate())) for file in (installed and installed.files) or () if file.name == "LICENSE"]
    return next((path.read_bytes() for path in [*places, package.parent / "LICENSE"] if path.is_file()), None)


def _digest(data: bytes) -> str:
    """Return a SHA-256 as RECORD spells it: base64 for addresses, without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
