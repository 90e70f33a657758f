"""Flickr8k and Flickr30k in their official text files: a caption a line, and lists of the pictures of each part."""

from __future__ import annotations

from pathlib import Path

from ntcir.corpora.caption_files import the_only_one
from ntcir.corpora.captioned import Collection, captioned_corpus
from ntcir.corpora.corpus import Corpus, Request
from ntcir.corpora.photographs import ENDINGS
from ntcir.corpora.picture_files import file_name
from ntcir.corpora.text_files import read_lines
from ntcir.system.errors import short
from ntcir.system.regular import exists

# The files of captions of Flickr8k and of Flickr30k, and the lists of each part's pictures. The latter's are those of
# Flickr30k Entities, where names lack their ending.
LISTS = {
    "Flickr8k.token.txt": {
        "train": "Flickr_8k.trainImages.txt", "dev": "Flickr_8k.devImages.txt", "test": "Flickr_8k.testImages.txt"
    },
    "results_20130124.token": {"train": "train.txt", "val": "val.txt", "test": "test.txt"},
}  # fmt: skip


def is_flickr(root: Path) -> bool:
    """Return whether the folder has one of the files of captions."""
    return any((root / name).is_file() for name in LISTS)


def read_flickr(root: Path, name: str, how: Request) -> Corpus:
    """Read a folder with ``Flickr8k.token.txt`` or ``results_20130124.token``.

    A line is ``PICTURE.jpg#0``, a tab and a caption. The parts are ``train``, ``dev`` (of Flickr30k, ``val``) and
    ``test``, as far as their lists are there; a picture in several of them stays in the first.

    Raises:
        UserError: if a file cannot be read or is not UTF-8; if there are two files of captions.
    """
    there = [file for file in LISTS if (root / file).is_file()]
    path = root / the_only_one(root, there, "captions of Flickr")
    collection = Collection()
    _read_captions(path, collection)
    for part, file in LISTS[path.name].items():
        if exists(root / file):
            _read_list(root / file, part, path, collection)
    return captioned_corpus(root, name, "flickr", collection, how)


def _read_captions(path: Path, collection: Collection) -> None:
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        key, tab, text = line.partition("\t")
        picture, mark, index = key.strip().rpartition("#")
        if not tab:
            collection.report.drop(f"line of {path.name} without a tab", [f"line {number}"])
        elif not mark:
            collection.report.drop(f"line of {path.name} that does not begin with PICTURE#NUMBER", [f"line {number}"])
        else:
            name = file_name(picture)
            if name not in collection.parts:
                name = collection.add_picture(picture, f"line {number}")
            if name is not None:
                collection.add_caption(name, index, text)


def _read_list(path: Path, part: str, captions: Path, collection: Collection) -> None:
    """Read which pictures are in a part; their names may lack the ending."""
    several, unknown = [], []
    for line in filter(None, map(str.strip, read_lines(path))):
        stem = file_name(line) or line
        name = next((stem + end for end in ("", *ENDINGS) if stem + end in collection.parts), None)
        if name is None:
            unknown.append(line)
        elif collection.parts[name] in ("", part):
            collection.parts[name] = part
        else:
            several.append(f"{short(name)} in {collection.parts[name]} and {part}")
    collection.report.drop(f"picture of {path.name} that has no caption in {captions.name}", unknown)
    if several:
        pictures = f"{len(several):,} picture{'s' * (len(several) > 1)} of {path.name}"
        stay = "stay" if len(several) > 1 else "stays"
        collection.report.notes.append(f"{pictures} {stay} in the part of another list (first: {several[0]})")
