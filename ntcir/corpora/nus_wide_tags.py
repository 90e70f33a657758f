"""The tags of NUS-WIDE-LITE's photographs, from whichever of the published files is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ntcir.corpora.corpus import ReadingReport
from ntcir.corpora.nus_wide_files import PARTS, Listed, find, image_list, packed
from ntcir.corpora.text_files import read_bytes, read_lines
from ntcir.corpora.zero_one import read_matrix
from ntcir.system.errors import UserError, short

RAW = "All_Tags.txt"
CONCEPTS = "Concepts81.txt"
# 0/1 matrices, a row a photograph and a column a tag -> the file with the names of the tags.
_MATRICES = {"Lite_Tags1k_{}.txt": "TagList1k.txt", "Lite_Tags81_{}.txt": CONCEPTS}
_UNDECODABLE = "\N{REPLACEMENT CHARACTER}"


def read_tags(
    root: Path, listed: Sequence[Listed], lengths: Mapping[str, int], report: ReadingReport
) -> list[str] | None:
    """Return the tags of each photograph, joined by blanks; empty where it has none.

    The tags as they were typed, of the full set (``All_Tags.txt``), come before the matrices of the 1,000 most frequent
    ones and of those that are concepts.

    Args:
        root: the corpus's folder.
        listed: the photographs.
        lengths: the lines of each part's image list.
        report: told which file was read and what in it is of no use.

    Returns:
        None where there is no file of tags.

    Raises:
        UserError: if a file cannot be read, its numbers of lines or columns are wrong, or what belongs to it is absent.
    """
    raw = find(root, RAW)
    if raw is not None:
        return _raw(raw, listed, report)
    for pattern, names in _MATRICES.items():
        files = {part: find(root, pattern.format(part)) for part in PARTS}
        if any(files.values()):
            return _of_matrices(root, files, pattern, names, listed, lengths, report)
    return None


def require_tags(root: Path) -> None:
    """Raise a UserError that says which files of tags are read."""
    matrices = " or ".join(pattern.format("Train") for pattern in _MATRICES)
    raise UserError(
        f"{root} has no tags{packed(root)}, and the captions of NUS-WIDE are tags: add {RAW} of the full set (NUS_WID_"
        f"Tags), or the folder NUS-WIDE-Lite_tags ({matrices}, and the same for Test)."
    )


def _raw(path: Path, listed: Sequence[Listed], report: ReadingReport) -> list[str]:
    """Read lines of Flickr's photo number, blanks, and tags with blanks between them."""
    wanted = {entry.photo for entry in listed}
    found: dict[str, str] = {}
    others: list[str] = []
    again: list[str] = []
    damaged = 0
    # Tags in any script may hold what str.splitlines takes for the end of a line.
    for line in read_bytes(path).decode("utf-8", "replace").split("\n"):
        words = line.split()
        if not words:
            continue
        photo, tags = words[0], " ".join(words[1:])
        if photo not in wanted:
            others.append(photo)
        elif photo in found:
            again.append(photo)
        else:
            damaged += _UNDECODABLE in tags
            found[photo] = tags
    report.notes.append(f"captions are the tags in {path.name}, as they were typed")
    for problem, photos in (
        ("of photographs that the image lists do not name", others),
        ("that repeat a photograph, of which the first is used", again),
    ):
        if photos:
            report.notes.append(f"lines of {path.name} {problem}: {len(photos):,} (first: {short(photos[0])})")
    if damaged:
        report.notes.append(f"{damaged:,} lines of {path.name} hold bytes that are not UTF-8, read as {_UNDECODABLE}")
    return [found.get(entry.photo, "") for entry in listed]


def _of_matrices(
    root: Path,
    files: Mapping[str, Path | None],
    pattern: str,
    names: str,
    listed: Sequence[Listed],
    lengths: Mapping[str, int],
    report: ReadingReport,
) -> list[str]:
    """Read a matrix a part, whose columns are tags."""
    path = find(root, names)
    if path is None:
        raise UserError(
            f"{root} has {pattern.format('Train')} without {names}, which names its columns and is published with the "
            "tags of the full set (NUS_WID_Tags): add it."
        )
    tags = np.array([" ".join(line.split()) for line in read_lines(path)], dtype=object)
    captions: dict[str, list[str]] = {}
    for part, file in files.items():
        if file is None:
            raise UserError(f"{root} lacks {pattern.format(part)}, but has that of the other part: add it.")
        matrix = read_matrix(file, lengths[part], len(tags), image_list(part))
        ends = np.cumsum(matrix.sum(axis=1, dtype=np.int64))[:-1]
        captions[part] = [" ".join(tags[columns]) for columns in np.split(np.nonzero(matrix)[1], ends)]
    report.notes.append(
        f"captions are the tags in {pattern.format('Train')}, of {len(tags):,}, in the order of {path.name}"
    )
    return [captions[entry.part][entry.row] for entry in listed]
