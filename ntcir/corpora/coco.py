"""COCO's captions as they are published: a JSON file a part, and a folder of pictures for each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeGuard

from ntcir.corpora.caption_files import read_lists, the_only_one
from ntcir.corpora.captioned import Collection, captioned_corpus
from ntcir.corpora.corpus import Corpus, Request

ANNOTATIONS = "annotations"
_NAME = re.compile(r"captions_([A-Za-z]+)(2014|2017)\.json")


def is_coco(root: Path) -> bool:
    """Return whether the folder has files of captions under ``annotations/``."""
    return bool(_files(root))


def read_coco(root: Path, name: str, how: Request) -> Corpus:
    """Read ``annotations/captions_{train,val}2017.json``, or those of 2014; the parts are those of the files' names.

    Of two years, which have the same pictures in other parts, that one is read whose pictures are in the folder. A
    caption's number is the ``id`` of its annotation.

    Raises:
        UserError: if a file cannot be read or is not of that form; if either of two years may be meant.
    """
    collection = Collection()
    files = _files(root)
    year = _year(root, files, collection)
    for part, path in files[year].items():
        lists = read_lists(path, ["images", "annotations"])
        pictures = _add_pictures(lists["images"], part, f"{part}{year}", path, collection)
        _add_captions(lists.pop("annotations"), pictures, path, collection)
    return captioned_corpus(root, name, "coco", collection, how)


def _files(root: Path) -> dict[str, dict[str, Path]]:
    """Return year -> part -> file."""
    files: dict[str, dict[str, Path]] = {}
    for path in sorted((root / ANNOTATIONS).glob("captions_*.json")):
        if (found := _NAME.fullmatch(path.name)) and path.is_file():
            files.setdefault(found[2], {})[found[1]] = path
    return files


def _year(root: Path, files: dict[str, dict[str, Path]], collection: Collection) -> str:
    """Return the year that is read; of several, the only one for which there is a folder of pictures."""
    if len(files) > 1:
        pictured = [
            year
            for year, parts in files.items()
            if any((place / f"{part}{year}").is_dir() for part in parts for place in (root, root / "images"))
        ]
        year = the_only_one(root / ANNOTATIONS, pictured or list(files), "COCO's captions")
        others = ", ".join(path.name for other in files if other != year for path in files[other].values())
        collection.report.notes.append(f"{others} are not read: only pictures of {year} are in the folder")
        return year
    return next(iter(files))


def _add_pictures(
    records: list[Any], part: str, folder: str, path: Path, collection: Collection
) -> dict[str | int, str]:
    """Add the pictures of a file; return id -> file name."""
    names: dict[str | int, str] = {}
    for number, record in enumerate(records):
        where = f"images[{number}]"
        key = record.get("id") if isinstance(record, dict) else None
        if not _is_id(key):
            collection.report.drop(f"entry of {path.name} that is not an object with an id", [where])
        elif key in names:
            collection.report.drop(f"picture's id appears twice in {path.name}", [f"{where}, {key}"])
        elif name := collection.add_picture(record.get("file_name"), where, part, folder):
            names[key] = name
    return names


def _add_captions(records: list[Any], pictures: dict[str | int, str], path: Path, collection: Collection) -> None:
    for number, record in enumerate(records):
        key = record.get("image_id") if isinstance(record, dict) else None
        if not _is_id(key) or not _is_id(record.get("id")):
            collection.report.drop(
                f"entry of {path.name} that is not an object with an id and an image_id", [f"annotations[{number}]"]
            )
        elif key not in pictures:
            collection.report.drop(
                f"caption whose image_id is not that of a picture of {path.name}", [f"{key}#{record['id']}"]
            )
        else:
            collection.add_caption(pictures[key], record["id"], record.get("caption"))


def _is_id(value: object) -> TypeGuard[str | int]:
    return isinstance(value, str | int) and not isinstance(value, bool)
