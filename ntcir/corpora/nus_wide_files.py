"""The files of NUS-WIDE-LITE: where they lie in its folder, and the two image lists that the others follow."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from ntcir.corpora.corpus import ReadingReport
from ntcir.corpora.records import image_id
from ntcir.corpora.text_files import read_lines
from ntcir.system.errors import UserError, short

PARTS = ("Train", "Test")  # as the names of files have them
_LIST = "{}_imageOutPutFileList.txt"
_ARCHIVES = (".tar.gz", ".tgz", ".tar", ".zip", ".rar", ".7z")
_PHOTO = re.compile(r"(?:.*_)?([^_]+?)(?:\.[A-Za-z0-9]+)?")  # 0020_2324200009.jpg is Flickr's photo 2324200009


class Listed(NamedTuple):
    """A photograph of an image list.

    Attributes:
        part: ``Train`` or ``Test``.
        row: its line in that list, counted from 0; the same line of any other file of the part is about it.
        file: relative path with / between, such as ``actor/0020_2324200009.jpg``.
        id: of the image item.
    """

    part: str
    row: int
    file: str
    id: str

    @property
    def photo(self) -> str:
        """Flickr's number of the photograph, by which ``All_Tags.txt`` names it."""
        found = _PHOTO.fullmatch(self.file.rpartition("/")[2])
        return found[1] if found else self.file


def find(root: Path, name: str) -> Path | None:
    """Return the file of that name in a folder or directly in one of its folders, the first by name."""
    places = (root / name, *sorted(root.glob(f"*/{name}")))
    return next((path for path in places if path.is_file()), None)


def find_all(root: Path, pattern: str) -> list[Path]:
    """Return the files that a pattern matches, by name, in the first folder that has any: the root, or one in it."""
    found = sorted(root.glob(pattern)) or sorted(root.glob(f"*/{pattern}"))
    return [path for path in found if path.parent == found[0].parent and path.is_file()]


def image_list(part: str) -> str:
    """Return the name of the image list of a part."""
    return _LIST.format(part)


def is_nus_wide(root: Path) -> bool:
    """Return whether the folder has either image list of NUS-WIDE-LITE."""
    return any(find(root, image_list(part)) is not None for part in PARTS)


def refuse_packed(root: Path) -> None:
    """Raise a UserError if the folder holds NUS-WIDE-LITE in an archive, or in a folder further down."""
    archive = _archive(root)
    if archive is not None:
        raise UserError(
            f"{root} holds NUS-WIDE in an archive, {short(archive)}: unpack it, and give the folder in which the image "
            "lists or the folder 'image list' lie."
        )
    inside = next((path for path in sorted(root.glob("*/")) if path.is_dir() and is_nus_wide(path)), None)
    if inside is not None:
        raise UserError(f"{root} is not the folder of NUS-WIDE-LITE, but {inside} in it is: give that one.")


def _archive(root: Path) -> str | None:
    names = sorted(path.name for path in root.iterdir()) if root.is_dir() else []
    return next((name for name in names if re.search("nus.?wi", name, re.I) and name.lower().endswith(_ARCHIVES)), None)


def packed(root: Path) -> str:
    """Return a hint for a sentence about a missing file, where an archive beside it is not unpacked."""
    archive = _archive(root)
    return "" if archive is None else f" ({short(archive)} is not unpacked)"


def read_image_lists(root: Path, report: ReadingReport) -> tuple[list[Listed], dict[str, int]]:
    """Read both image lists, that of training first.

    An id is the file's name, which is unique in the published lists; with its folder in front, where it is not.

    Args:
        root: the folder.
        report: told which photographs are listed twice; they are left out.

    Returns:
        the photographs, and the lines of each list.

    Raises:
        UserError: if a list is missing or empty, or a line names no file.
    """
    listed: list[tuple[str, int, str]] = []
    lengths = {}
    for part in PARTS:
        path = find(root, image_list(part))
        if path is None:
            raise UserError(f"{root} lacks {image_list(part)}{packed(root)}: NUS-WIDE-LITE has two image lists.")
        files = [_file(line.strip(), number, path) for number, line in enumerate(read_lines(path), start=1)]
        if not files:
            raise UserError(f"{path} is empty: it must name a photograph a line.")
        listed += [(part, row, file) for row, file in enumerate(files)]
        lengths[part] = len(files)
    first: dict[str, tuple[str, int, str]] = {}
    for entry in listed:
        first.setdefault(entry[2], entry)
    kept = list(first.values())
    report.drop(
        "photograph is listed twice",
        [f"line {row + 1} of {image_list(part)}" for part, row, file in listed if first[file] != (part, row, file)],
    )
    names = [file.rpartition("/")[2] for _, _, file in kept]
    unique = len(set(names)) == len(names)
    return [
        Listed(part, row, file, image_id(name if unique else file))
        for (part, row, file), name in zip(kept, names, strict=True)
    ], lengths


def _file(line: str, number: int, path: Path) -> str:
    """Return the relative path in a line such as ``actor\\0020_2324200009.jpg``."""
    parts = [part for part in re.split(r"[\\/]", line) if part not in ("", ".")]
    if not parts:
        raise UserError(f"{path}: line {number} is {line!r}, which names no photograph: copy the list again.")
    if ".." in parts:
        raise UserError(f"{path}: line {number} leads out of the folder ({short(line)}): correct it.")
    return "/".join(parts)
