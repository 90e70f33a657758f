"""Pictures and the captions written about them: what a collection's files say, and the corpus that it makes.

A layout's reader fills a ``Collection`` from its files; ``captioned_corpus`` looks for the pictures and does the rest,
which is the same for all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ntcir.corpora.corpus import SPLITS, Corpus, ReadingReport, Request
from ntcir.corpora.official_splits import assign_official
from ntcir.corpora.picture_files import file_name, find_pictures, other_pictures
from ntcir.corpora.records import image_id
from ntcir.formats.columns import are_words, as_word

_CONTROL = re.compile("[\0-\x1f\x7f-\x9f]")
_GROUP = "all"  # the one group of a collection without days and sessions


class Caption(NamedTuple):
    """A caption, and the file name of the picture that it is about."""

    picture: str
    text: str


@dataclass
class Collection:
    """Pictures and captions as the files of a collection have them, in their order; what is wrong with them is dropped.

    Attributes:
        report: told of what is dropped.
        parts: file name of each picture -> the part of the published split that it is in, empty where it is in none.
        folders: file name of each picture -> the folder that the files give for it, or empty.
        captions: id -> caption.
    """

    report: ReadingReport = field(default_factory=ReadingReport)
    parts: dict[str, str] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    captions: dict[str, Caption] = field(default_factory=dict)

    def add_picture(self, written: object, where: str, part: str = "", folder: str = "") -> str | None:
        """Add a picture by its file name, by which it is known here; return that, or None if it is dropped.

        One that is listed again, with the same part and folder, is the same picture.

        Args:
            written: what is in the place of the name.
            where: its place in the file, for the report.
            part: of the published split; empty for none.
            folder: in which the collection's files say the picture is.
        """
        name = file_name(written)
        if name is None:
            self.report.drop("picture without a valid file name", [where])
        elif name in self.parts:
            same = (part, folder) == (self.parts[name], self.folders[name])
            self.report.drop("picture is listed twice" + (", the second time in another part" * (not same)), [name])
            return name if same else None
        else:
            self.parts[name], self.folders[name] = part, folder
        return name

    def add_caption(self, picture: str, number: object, text: object) -> None:
        """Add a caption of a picture that is there; its id is the picture's, ``#`` and its number in the files."""
        name = f"{picture}#{number}"
        caption = _clean(text)
        if caption is None:
            self.report.drop("caption is not text", [name])
        elif not caption:
            self.report.drop("caption is empty", [name])
        elif name in self.captions:
            self.report.drop("caption id appears twice", [name])
        else:
            self.captions[name] = Caption(picture, caption)


def captioned_corpus(root: Path, name: str, layout: str, collection: Collection, how: Request) -> Corpus:
    """Return the corpus of a collection: each caption and its picture are a pair, in the order of the pictures.

    ``image`` has the column ``path``; its ids are the file names, quoted where a run cannot hold them. ``text`` has the
    column ``text``; its ids are those of the picture with ``#`` and a number. There are no times and no groups.

    Raises:
        UserError: if ``data.pictures`` is no folder; if the split is not one that the collection has.
    """
    found = _pictures(root, collection, how.pictures)
    order = {picture: number for number, picture in enumerate(found)}
    kept = [(key, caption) for key, caption in collection.captions.items() if caption.picture in found]
    kept.sort(key=lambda item: order[item[1].picture])  # stable: captions stay in their order
    ids = {picture: image_id(picture) for picture in found}
    texts = _text_ids([(ids[about], key[len(about) + 1 :]) for key, (about, _) in kept])
    tables = {
        "image": _table(list(ids.values()), "image", path=list(found.values())),
        "text": _table(texts, "text", text=[caption.text for _, caption in kept]),
    }
    pairs = undated_pairs({"image": [ids[caption.picture] for _, caption in kept], "text": texts})
    parts = [collection.parts[caption.picture] for _, caption in kept]
    splits = assign_official(parts, pairs["image"].tolist(), how.split, collection.report)
    pairs["split"] = pd.Categorical(splits, categories=["", *SPLITS])
    collection.report.counts["pairs"] = len(pairs)
    return Corpus(
        name, root, tables, pairs, False, layout, collection.report, grouped=False, annotations=frozenset({"text"})
    )


def undated_pairs(items: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return pairs without times, all in one group and in no split yet: a column of ids a modality."""
    pairs = pd.DataFrame({name: pd.Series(list(ids), dtype=object) for name, ids in items.items()})
    return pairs.assign(
        group=pd.Series(_GROUP, index=pairs.index, dtype=object),
        timestamp=pd.Series(pd.NaT, index=pairs.index, dtype="datetime64[ns, UTC]"),
    )


def _pictures(root: Path, collection: Collection, pictures: Path | None) -> dict[str, str]:
    """Return the pictures that are on disk, in their order: file name -> absolute path.

    One without a caption is in no pair, and stays in the table all the same: a search can find it.
    """
    report = collection.report
    report.counts["captions"] = len(collection.captions)
    report.counts["pictures"] = len(collection.parts)
    captioned = {caption.picture for caption in collection.captions.values()}
    report.drop("picture without a caption", [picture for picture in collection.parts if picture not in captioned])
    found, problems = find_pictures(root, collection.folders, pictures)
    for key, caption in collection.captions.items():
        if caption.picture in problems:
            report.drop(problems[caption.picture], [key])
    report.drop("picture on disk that no caption is about", other_pictures(root, collection.parts))
    report.counts["pictures on disk"] = len(found)
    return {picture: found[picture] for picture in collection.folders if picture in found}


def _table(ids: list[str], name: str, **columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(columns, index=pd.Index(ids, dtype=object, name=name))


def _text_ids(parts: Sequence[tuple[str, str]]) -> list[str]:
    """Return the ids of captions, from those of their pictures and their numbers."""
    # Quoting takes ten times as long as all else for the 616,767 captions of COCO, where nothing needs it.
    ids = [f"{picture}#{number if number.isalnum() else image_id(number)}" for picture, number in parts]
    return ids if are_words(ids) else [as_word(item) for item in ids]


def _clean(text: object) -> str | None:
    """Return a caption on one line, with single blanks; None if it is not text."""
    if not isinstance(text, str):
        return None
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # halves of characters, which JSON can hold
            return None
    return " ".join((text if text.isprintable() else _CONTROL.sub(" ", text)).split())
