"""Which file under ``images/`` a name in a table means, where it is not exactly the name of a file there."""

from __future__ import annotations

import errno
import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

# What an export may leave off a name; a file of readings beside a photograph must not be taken for it.
ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
_DRIVE = re.compile(r"[A-Za-z]:|//")
# The errors of an impossible name; any other error is the disk's fault and not the name's.
_NO_NAME = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL, errno.EILSEQ, errno.EBADF}

_ABSENT = "photograph is listed but not on disk (looked for under images/)"
OUTSIDE = "photograph is outside images/ (allow that with --set data.outside=true)"
_SEVERAL = "file name matches several files that differ only in case or extension"
_SHARED = "file is the same as another path's once their folders are removed"
# How names are altered.
BLANKS, WINDOWS, PREFIX = "without surrounding blanks", "with / for \\", "without ./ and the path to images/"
CUT, CASE, UNICODE = "without the folders of another machine", "ignoring case", "in another Unicode normal form"
ENDING = "with the missing extension"


@dataclass
class Photographs:
    """Where the photographs of a table are.

    Attributes:
        files: of each row the file, relative to the folder; None where there is none, or none that is certain.
        repairs: how names were altered to be those of files -> the rows.
        problems: why rows have no file -> the rows; one reason a row.
    """

    files: list[str | None]
    repairs: dict[str, list[int]] = field(default_factory=dict)
    problems: dict[str, list[int]] = field(default_factory=dict)


def find_photographs(folder: Path, names: Sequence[str], *, outside: bool = False) -> Photographs:
    """Find the file that each name means.

    A name of a file is taken as it is; the folder is looked through only if there are others. Of those, blanks around
    them, ``./``, Windows separators and what leads to ``images/`` are dropped, likewise the folders of an absolute path
    of another machine, the longest part that fits; then case, the form of Unicode and a missing ending are overlooked.
    What could be several files is none. Nothing outside the folder is found so.

    An absolute path, or one with ``..``, that leads out of the folder is taken as it is only if ``outside`` says so: a
    table that came from somebody else must not pick pictures of this machine. Links in the folder are followed wherever
    they lead, for large collections are often put together by them; a name that climbs out of one by ``..`` is not.

    Args:
        folder: where photographs are looked for.
        names: as the table has them.
        outside: whether names may lead out of the folder.

    Raises:
        OSError: if the disk cannot be read.
    """
    found = Photographs([name if is_file(folder, name) else None for name in names])
    elsewhere = set() if outside else {row for row, file in enumerate(found.files) if file and leads_out(folder, file)}
    for row in elsewhere:
        found.files[row] = None
    absent = [row for row, file in enumerate(found.files) if file is None]
    if not absent:
        return found
    index = _Index(folder)
    cut: dict[str, set[str]] = {}  # file -> the paths that lead to it once their folders are cut
    for row in absent:
        match = index.find(names[row])
        if isinstance(match, str):
            problem = OUTSIDE if row in elsewhere and match == _ABSENT else match
            found.problems.setdefault(problem, []).append(row)
            continue
        file, repairs = match
        found.files[row] = file
        for repair in repairs:
            found.repairs.setdefault(repair, []).append(row)
        if CUT in repairs:
            cut.setdefault(file, set()).add(names[row].strip().replace("\\", "/"))
    _refuse_doubtful(found, cut)
    return found


def _refuse_doubtful(found: Photographs, cut: dict[str, set[str]]) -> None:
    """Undo matches of one file with several paths of other folders: these were different photographs."""
    doubtful = {row for row in found.repairs.get(CUT, []) if len(cut[found.files[row] or ""]) > 1}
    if doubtful:
        for row in doubtful:
            found.files[row] = None
        found.problems[_SHARED] = sorted(doubtful)
        found.repairs = {how: [row for row in rows if row not in doubtful] for how, rows in found.repairs.items()}


def leads_out(folder: Path, name: str) -> bool:
    """Return whether a path, relative to a folder or absolute, names what is not in it; links in it are."""
    climbs = ".." in Path(name).parts
    if not climbs and (not Path(name).is_absolute() or Path(name).is_relative_to(folder.absolute())):
        return False
    return not (folder / name).resolve().is_relative_to(folder.resolve())


def is_file(folder: Path, name: str) -> bool:
    """Return whether a folder has a file of that name; the name may be anything.

    Raises:
        OSError: if the disk cannot be read.
    """
    try:
        return stat.S_ISREG(os.stat(os.path.join(folder, name)).st_mode)  # noqa: PTH116, PTH118 (five times as fast)
    except ValueError:  # a zero byte
        return False
    except OSError as error:
        if error.errno in _NO_NAME:
            return False
        raise


class _Index:
    """The files under a folder: by name, by name whatever its case and form of Unicode, and so by name less ending."""

    def __init__(self, folder: Path) -> None:
        self.files = set(files_under(folder))

    @cached_property
    def _folded(self) -> dict[str, list[str]]:
        folded: dict[str, list[str]] = {}
        for file in self.files:
            folded.setdefault(_fold(file), []).append(file)
        return folded

    @cached_property
    def _stems(self) -> dict[str, list[str]]:
        stems: dict[str, list[str]] = {}
        for file in self.files:
            stem, ending = os.path.splitext(_fold(file))  # noqa: PTH122
            if ending in ENDINGS:
                stems.setdefault(stem, []).append(file)
        return stems

    def find(self, name: str) -> tuple[str, set[str]] | str:
        """Return the file that a name means and how the name was altered, or why there is none."""
        for candidate, repairs in _candidates(name):
            if candidate in self.files:
                return candidate, repairs
            folded = _fold(candidate)
            for table, repair in ((self._folded, CASE), (self._stems, ENDING)):
                files = table.get(folded, [])
                same = [file for file in files if _composed(file).startswith(_composed(candidate))]
                if len(same) == 1:  # another form of Unicode, or just the ending
                    return same[0], repairs | {UNICODE if repair is CASE else ENDING}
                if len(files) == 1:
                    return files[0], repairs | {repair}
                if files:
                    return _SEVERAL
        return _ABSENT


def _candidates(name: str) -> Iterator[tuple[str, set[str]]]:
    """Yield what a name may be under the folder, the likeliest first, with how it was altered."""
    repairs: set[str] = set()
    text = name.strip()
    if text != name:
        repairs.add(BLANKS)
    if "\\" in text:
        text = text.replace("\\", "/")
        repairs.add(WINDOWS)
    absolute = text.startswith("/") or _DRIVE.match(text) is not None
    whole = [part for part in re.sub(r"^[A-Za-z]:", "", text).split("/") if part not in ("", ".")]
    if ".." in whole or not whole:
        return
    if not absolute:
        yield "/".join(whole), repairs | ({PREFIX} if "/".join(whole) != text else set())
    inside = max((at for at, part in enumerate(whole[:-1]) if part.lower() == "images"), default=-1)
    if inside >= 0:
        yield "/".join(whole[inside + 1 :]), repairs | {PREFIX}
    if absolute:
        for start in range(inside + 1, len(whole)):
            yield "/".join(whole[start:]), repairs | {CUT}


def files_under(folder: Path) -> Iterator[str]:
    """Yield the files under a folder, relative to it, with / between; links to folders are followed, each once."""
    seen = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        state = os.stat(place)  # noqa: PTH116
        if (state.st_dev, state.st_ino) in seen:  # a link to a folder above
            folders.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        folders.sort()
        inside = place[len(str(folder)) :].strip(os.sep)
        prefix = f"{inside.replace(os.sep, '/')}/" if inside else ""
        yield from (prefix + file for file in files)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _fold(text: str) -> str:
    return _composed(text).casefold()
