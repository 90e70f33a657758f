"""The digests of a bundle's files, as ``sha256sum --check`` reads them: whether it was copied whole."""

from __future__ import annotations

from pathlib import Path

from ntcir.formats.manifest import sha256_of
from ntcir.system.files import atomic_write

SUMS = "SHA256SUMS"


def write_sums(folder: Path) -> None:
    """Write the digest of every file that is in a bundle now.

    Raises:
        UserError: if there is no room or no permission.
    """
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    atomic_write(folder / SUMS, "".join(f"{sha256_of(folder / name)}  {name}\n" for name in names if name != SUMS))


def changed_since(folder: Path) -> list[str]:
    """Return the files of a bundle that are missing or are not as they were written; none of one without digests."""
    if not (folder / SUMS).is_file():
        return []
    pairs = [line.split("  ", 1) for line in (folder / SUMS).read_text(encoding="utf-8").splitlines()]
    return [name for digest, name in pairs if not (folder / name).is_file() or sha256_of(folder / name) != digest]
