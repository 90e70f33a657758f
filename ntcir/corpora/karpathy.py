"""Karpathy's splits of Flickr8k, Flickr30k and MSCOCO: one JSON file with pictures, captions and parts.

A. Karpathy and L. Fei-Fei: Deep visual-semantic alignments for generating image descriptions, CVPR 2015.
"""

from __future__ import annotations

from pathlib import Path

from ntcir.corpora.caption_files import read_lists, the_only_one
from ntcir.corpora.captioned import Collection, captioned_corpus
from ntcir.corpora.coco import is_coco
from ntcir.corpora.corpus import Corpus, Request
from ntcir.corpora.flickr import is_flickr

FILES = ("dataset_flickr8k.json", "dataset_flickr30k.json", "dataset_coco.json")


def is_karpathy(root: Path) -> bool:
    """Return whether the folder has one of the files."""
    return any((root / name).is_file() for name in FILES)


def read_karpathy(root: Path, name: str, how: Request) -> Corpus:
    """Read a folder with ``dataset_flickr8k.json``, ``dataset_flickr30k.json`` or ``dataset_coco.json``.

    The parts are the file's: ``train``, ``restval``, ``val`` and ``test``. A caption's number is its ``sentid``, or its
    place among the picture's where there is none; its text is ``raw``.

    Raises:
        UserError: if there are several such files, or the file cannot be read or is not of that form.
    """
    there = [file for file in FILES if (root / file).is_file()]
    path = root / the_only_one(root, there, "Karpathy's splits")
    collection = Collection()
    for is_other, what in ((is_flickr, "the text files of Flickr"), (is_coco, "COCO's annotations")):
        if is_other(root):
            collection.report.notes.append(f"{path.name} is read, {what} in the same folder are not")
    for number, record in enumerate(read_lists(path, ["images"])["images"]):
        where = f"images[{number}]"
        if isinstance(record, dict):
            _add(record, where, collection)
        else:
            collection.report.drop(f"entry of {path.name} that is not an object", [where])
    return captioned_corpus(root, name, "karpathy", collection, how)


def _add(record: dict[str, object], where: str, collection: Collection) -> None:
    part, folder = (value if isinstance(value := record.get(key), str) else "" for key in ("split", "filepath"))
    picture = collection.add_picture(record.get("filename"), where, part, folder)
    sentences = record.get("sentences")
    if picture is None or not isinstance(sentences, list):  # a picture without captions is counted as such
        return
    for number, sentence in enumerate(sentences):
        if isinstance(sentence, dict):
            written = sentence.get("sentid")
            known = isinstance(written, int) and not isinstance(written, bool)
            collection.add_caption(picture, written if known else number, sentence.get("raw"))
        else:
            collection.add_caption(picture, number, None)
