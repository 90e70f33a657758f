"""Files that belong together: a manifest beside them says which, so that a mixture of two sets is refused.

Each file of a set appears whole, but a set is several files, and a process may be killed between two of them. A set's
manifest is therefore written before the first of its files takes its name. It holds the digest of each new file and,
until the last one has its name, of those that they are to replace. Whoever reads one of the files checks them all: they
are the new set, the earlier one, or a mixture, which is refused. A file that is of neither was edited by hand, which is
allowed, and said.

The files themselves are plain TREC and CSV without room for a mark. Where there is no manifest, as beside files that
were written by hand or by other tools, nothing is checked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ntcir.system.errors import UserError
from ntcir.system.files import atomic_path, atomic_write
from ntcir.system.plain_json import parse_object
from ntcir.system.progress import say

_WHOLE = 1 << 28  # bytes; of larger files, such as the organisers' input, samples are digested
_SAMPLES, _SAMPLE = 64, 1 << 20
_WRITER = "ntcir build-topics"

Digests = dict[str, str]


@dataclass(frozen=True)
class FileSet:
    """Files of a folder that are written together.

    Attributes:
        manifest: the name of the file that says so.
        names: of the others.
    """

    manifest: str
    names: tuple[str, ...]


OFFICIAL_TOPICS = "input.topics.tsv"  # topics.tsv may lie beside it, which is of the other set
TREC = FileSet("topics.manifest.json", ("topics.tsv", "pools.tsv", "qrels.txt"))
OFFICIAL = FileSet("input.manifest.json", ("input.json", OFFICIAL_TOPICS, "qrels.csv"))
_SET_OF = {name: each for each in (TREC, OFFICIAL) for name in each.names}


@dataclass(frozen=True)
class _Manifest:
    """What a manifest says.

    Attributes:
        files: the digests of the set.
        earlier: those of the files that it replaces; none once that is done.
        mixed: whether these were a mixture, so that they do not stand if the set was not written after all.
    """

    files: Digests
    earlier: Digests
    mixed: bool

    def split(self, found: Mapping[str, str]) -> tuple[list[str], list[str], list[str]]:
        """Return which of the files found are of this set only, of the earlier only, and of neither."""
        new: list[str] = []
        old: list[str] = []
        other: list[str] = []
        for name, digest in found.items():
            fits, fitted = digest == self.files.get(name), digest == self.earlier.get(name)
            if not fits and not fitted:
                other.append(name)
            elif fits != fitted:
                (new if fits else old).append(name)
        return new, old, other


@contextmanager
def write_set(files: FileSet, folder: Path, without: Sequence[str] = ()) -> Iterator[dict[str, Path]]:
    """Yield a temporary path for each file of a set; they take their names when the body succeeds.

    If this is interrupted between two of them, whoever reads one is told: see ``check_set``.

    Args:
        files: the set.
        folder: where it is written.
        without: names of those that it does not have this time; earlier files of these names are removed.

    Raises:
        UserError: if there is no room or no permission, or another process wrote the set at the same time.
    """
    with ExitStack() as stack:
        places = {name: stack.enter_context(atomic_path(folder / name)) for name in files.names if name not in without}
        yield places
        # All are there in full before the first takes its name.
        new = {name: digest_of(place) for name, place in places.items()}
        _announce(files, folder, new)
    for name in without:
        try:
            (folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise UserError(f"Cannot remove {folder / name}: {(error.strerror or str(error)).lower()}.") from error
    if _found(files, folder) != new:
        raise UserError(
            f"Another process wrote {', '.join(files.names)} in {folder} at the same time: run `{_WRITER}` again."
        )
    _write(files, folder, {"files": new})


def check_set(*paths: Path) -> None:
    """Check the files that belong together with those that are about to be read; report one that was edited.

    Args:
        paths: of any files; most belong to no set.

    Raises:
        UserError: if files of two sets are mixed, or a manifest cannot be read.
    """
    places = dict.fromkeys((path.parent, _SET_OF[path.name]) for path in paths if path.name in _SET_OF)
    for folder, files in places:
        if (folder / files.manifest).is_file():
            _check(files, folder)


def _check(files: FileSet, folder: Path) -> None:
    manifest, found = _read(folder / files.manifest), _found(files, folder)
    new, old, other = manifest.split(found)
    if old and (new or manifest.mixed):
        raise UserError(
            f"The files {', '.join(found)} in {folder} do not belong together: `{_WRITER}` was interrupted while "
            "writing them; run it again."
        )
    for name in other:
        say(
            f"WARNING: {folder / name} has been changed since it was written with {folder / _other(files, name)}; if "
            f"they still belong together, remove {folder / files.manifest}."
        )


@contextmanager
def reading_set(path: Path, own: Path | None = None) -> Iterator[None]:
    """Check as ``check_set`` does before files of a set are read, and that nobody replaced them meanwhile.

    Args:
        path: of any file.
        own: a file that the body itself may write.

    Raises:
        UserError: as ``check_set``, or if another process wrote the set while it was read.
    """
    check_set(path)
    before = _states(path, own)
    yield
    if _states(path, own) != before:
        raise UserError(f"The files beside {path} were rewritten while they were being read: run the command again.")


def digest_of(path: Path) -> str:
    """Return a file's SHA-256; of one beyond 256 MiB, that of its size and of 64 samples of 1 MiB.

    The organisers' input takes 100 GB, and reading all of it twice takes minutes. Two such files of different topics
    differ in every sample.
    """
    size = path.stat().st_size
    if size <= _WHOLE:
        return sha256_of(path)
    total = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for number in range(_SAMPLES):
            file.seek((size - _SAMPLE) * number // (_SAMPLES - 1))
            total.update(file.read(_SAMPLE))
    return f"{_SAMPLES} samples: {total.hexdigest()}"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of all of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _announce(files: FileSet, folder: Path, new: Digests) -> None:
    """Write the manifest of a set whose files are about to take their names."""
    found, place = _found(files, folder), folder / files.manifest
    mixed = False
    if place.is_file():
        try:
            manifest = _read(place)
            of_new, of_old, _ = manifest.split(found)
            mixed = bool(of_old and (of_new or manifest.mixed))
        except UserError:  # a damaged one says nothing about the files beside it
            mixed = True
    _write(files, folder, {"files": new, "earlier": found, "mixed": mixed})


def _write(files: FileSet, folder: Path, tree: Mapping[str, Any]) -> None:
    atomic_write(folder / files.manifest, json.dumps({"written_by": _WRITER, **tree}, indent=1) + "\n")


def _found(files: FileSet, folder: Path) -> Digests:
    """Return the digests of the files that are there."""
    digests = {}
    for name in files.names:
        if (folder / name).is_file():
            try:
                digests[name] = digest_of(folder / name)
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                raise UserError(f"Cannot read {folder / name}: {reason}.") from error
    return digests


def _states(path: Path, own: Path | None) -> list[tuple[int, int, int] | None]:
    """Return what changes when a file of the set, or its manifest, is replaced or written."""
    files = _SET_OF.get(path.name)
    places = [path.parent / name for name in (files.manifest, *files.names)] if files else []
    states: list[tuple[int, int, int] | None] = []
    for place in places:
        if own is not None and place.absolute() == own.absolute():
            continue
        try:
            state = place.stat()
            states.append((state.st_ino, state.st_size, state.st_mtime_ns))
        except OSError:
            states.append(None)
    return states


def _read(place: Path) -> _Manifest:
    """Return what a manifest says.

    Raises:
        UserError: if it is damaged or cannot be read.
    """
    try:
        tree = parse_object(place.read_bytes())
        files, earlier, mixed = tree["files"], tree.get("earlier", {}), tree.get("mixed", False)
        if not isinstance(mixed, bool) or not all(isinstance(each, dict) for each in (files, earlier)):
            raise ValueError("it does not list files")
    except OSError as error:
        raise UserError(f"Cannot read {place}: {(error.strerror or str(error)).lower()}.") from error
    except (ValueError, KeyError) as error:
        raise UserError(
            f"{place} is damaged, so it is not known whether the files beside it belong together: run `{_WRITER}` "
            "again, or remove it if they do."
        ) from error
    return _Manifest(files, earlier, mixed)


def _other(files: FileSet, name: str) -> str:
    return next(each for each in files.names if each != name)
