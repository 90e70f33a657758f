"""The Wikipedia collection as vectors: 2,866 sections of articles and their pictures, of ten categories.

Rasiwasia, Costa Pereira, Coviello, Doyle, Lanckriet, Levy, Vasconcelos: A new approach to cross-modal multimedia
retrieval (ACM Multimedia 2010). A picture is a histogram of 128 SIFT words, a text its probabilities of 10 topics;
pictures and words themselves are not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ntcir.corpora.captioned import undated_pairs
from ntcir.corpora.corpus import SPLITS, Corpus, ReadingReport, Request
from ntcir.corpora.official_splits import assign_official
from ntcir.corpora.records import image_id
from ntcir.corpora.stacked_arrays import Part, StackedArrays
from ntcir.corpora.text_files import read_lines
from ntcir.formats.columns import as_word
from ntcir.system.errors import UserError, some

_LISTS = {"train": "trainset_txt_img_cat.list", "test": "testset_txt_img_cat.list"}
_CATEGORIES = "categories.list"
_VECTORS = "raw_features.mat"
_ARRAYS = {"image": "I", "text": "T"}  # of the file of vectors: I_tr, I_te, T_tr, T_te
_ENDINGS = {"train": "tr", "test": "te"}
_UNREAD = ("images", "texts")  # folders of the full release


class _Line(NamedTuple):
    """A line of a list that can be used: where it is, and the text, the picture and the category that it names."""

    part: str
    row: int
    text: str
    image: str
    category: int  # from 0


@dataclass
class _Reader:
    """Reads the lists, and tells the report of lines that cannot be used.

    Attributes:
        folder: that has the files.
        categories: by name, in order.
        report: told of what is left out.
    """

    folder: Path
    categories: Sequence[str]
    report: ReadingReport

    def read(self) -> tuple[list[_Line], dict[str, int]]:
        """Return the lines that can be used, those for training first, and how many lines each list has.

        Raises:
            UserError: if a list is missing, empty or not text.
        """
        found: list[_Line] = []
        lengths: dict[str, int] = {}
        for part, name in _LISTS.items():
            lines = read_lines(_required(self.folder, name))
            if not lines:
                raise UserError(f"{self.folder / name} is empty: expected a text, a picture and a category per line.")
            lengths[part] = len(lines)
            parsed = (self._parsed(part, row, line) for row, line in enumerate(lines))
            found += [line for line in parsed if line is not None]
        return self._distinct(found), lengths

    def _parsed(self, part: str, row: int, line: str) -> _Line | None:
        where = f"line {row + 1} of {_LISTS[part]}"
        words = line.split()
        if len(words) != 3:
            self.report.drop("line is not a text, a picture and a category", [where])
            return None
        text, image, number = words
        is_known = number.isascii() and number.isdecimal() and 1 <= int(number[:9]) <= len(self.categories)
        if not is_known:
            self.report.drop(f"category is not a number from 1 to {len(self.categories)}", [f"{where}: {number}"])
            return None
        return _Line(part, row, as_word(text), image_id(image), int(number) - 1)

    def _distinct(self, lines: Sequence[_Line]) -> list[_Line]:
        """Return the lines without those whose text or picture an earlier one has: each has one vector."""
        texts: set[str] = set()
        images: set[str] = set()
        kept = []
        for line in lines:
            if line.text in texts or line.image in images:
                what = f"text {line.text}" if line.text in texts else f"picture {line.image}"
                where = f"line {line.row + 1} of {_LISTS[line.part]}"
                self.report.drop("text or picture is listed twice", [f"{where}: {what}"])
                continue
            texts.add(line.text)
            images.add(line.image)
            kept.append(line)
        return kept


def is_wikipedia(root: Path) -> bool:
    """Return whether a folder, or one directly in it, has either list of the Wikipedia collection."""
    return _folder(root) is not None


def read_wikipedia(root: Path, name: str, how: Request) -> Corpus:
    """Read the published lists; the vectors are read by the encoder ``vectors``.

    A line of a list is a text, a tab, its picture, a tab and a category counted from 1. Lines that cannot be used are
    left out with their rows of vectors. Both tables have the column ``category``.

    Raises:
        UserError: if a file is missing, empty or not text.
    """
    folder = _folder(root) or root
    report = ReadingReport()
    categories = _categories(_required(folder, _CATEGORIES))
    _required(folder, _VECTORS)
    lines, lengths = _Reader(folder, categories, report).read()
    items = {"image": [line.image for line in lines], "text": [line.text for line in lines]}
    numbers = np.array([line.category for line in lines], dtype=np.int64)
    pairs = undated_pairs(items)
    splits = assign_official([line.part for line in lines], items["image"], how.split, report)
    pairs["split"] = pd.Categorical(splits, categories=["", *SPLITS])
    report.counts |= {"categories": len(categories), "pairs": len(pairs)}
    _tell_unread(folder, how, report)
    labels = np.eye(len(categories), dtype=np.uint8)[numbers]
    indices = {modality: pd.Index(ids, dtype=object, name=modality) for modality, ids in items.items()}
    named = np.array(categories, dtype=object)[numbers]
    return Corpus(
        name,
        root,
        {modality: pd.DataFrame({"category": named}, index=index) for modality, index in indices.items()},
        pairs,
        groups_are_days=False,
        layout="wikipedia",
        report=report,
        categories={
            modality: pd.DataFrame(labels, index=index, columns=list(categories)) for modality, index in indices.items()
        },
        grouped=False,
        annotations=frozenset({"text"}),
        vectors={modality: _vectors(folder, modality, lines, lengths) for modality in items},
    )


def _folder(root: Path) -> Path | None:
    """Return the folder that has a list: the root, or the first in it by name."""
    for name in _LISTS.values():
        for path in (root / name, *sorted(root.glob(f"*/{name}"))):
            if path.is_file():
                return path.parent
    return None


def _required(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise UserError(f"{folder} lacks {name}, which the Wikipedia collection has: copy it there.")
    return path


def _categories(path: Path) -> list[str]:
    """Return the names of the categories, a line each.

    Raises:
        UserError: if there is none, or a name is empty or not the only one of its kind.
    """
    names = [line.strip() for line in read_lines(path)]
    if not names:
        raise UserError(f"{path} is empty: expected the name of a category per line.")
    for number, name in enumerate(names, start=1):
        if not name or name in names[: number - 1]:
            what = f"repeats the category '{name}'" if name else "is empty"
            raise UserError(f"{path}: line {number} {what}: expected the name of a category per line.")
    return names


def _vectors(folder: Path, modality: str, lines: Sequence[_Line], lengths: dict[str, int]) -> StackedArrays:
    parts = [
        Part(
            f"{_ARRAYS[modality]}_{_ENDINGS[part]}",
            listed,
            lengths[part],
            np.array([line.row for line in lines if line.part == part], dtype=np.int64),
        )
        for part, listed in _LISTS.items()
    ]
    return StackedArrays(folder / _VECTORS, parts)


def _tell_unread(folder: Path, how: Request, report: ReadingReport) -> None:
    if how.pictures is not None:
        report.notes.append(f"data.pictures = {how.pictures} is not used: of this collection only vectors are read")
    if there := [name for name in _UNREAD if (folder / name).is_dir()]:
        report.notes.append(f"the folders {some(there)} are not read: of this collection only vectors are")
