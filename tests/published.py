"""Writes small collections of captioned pictures in the files in which these are published."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from drawing import draw_picture
from scipy.io import savemat

# Part -> pictures, as most tests have them.
PARTS = {"train": [f"t{number}.jpg" for number in range(6)], "dev": ["d0.jpg", "d1.jpg"], "test": ["e0.jpg", "e1.jpg"]}
LISTS = {part: f"Flickr_8k.{part}Images.txt" for part in PARTS}


def captions_of(name: str, number: int = 2) -> list[str]:
    """Return as many captions of a picture."""
    return [f"Picture {name} , said {'again ' * place}." for place in range(number)]


def write_pictures_of(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        draw_picture(folder / name, (8, 6))


def write_flickr(
    root: Path, parts: Mapping[str, Sequence[str]] = PARTS, *, lines: Sequence[str] | None = None,
    pictures: str | None = "images", file: str = "Flickr8k.token.txt", lists: Mapping[str, str] = LISTS,
) -> Path:  # fmt: skip
    """Write a folder in Flickr8k's official text files.

    Args:
        root: made if it is not there.
        parts: part -> pictures; of the part "", a list is not written.
        lines: of the file of captions; two a picture where left out.
        pictures: the folder of pictures, None for none.
        file: the name of the file of captions.
        lists: part -> the name of its list.
    """
    root.mkdir(parents=True, exist_ok=True)
    names = [name for part in parts.values() for name in part]
    if lines is None:
        lines = [f"{name}#{place}\t{text}" for name in names for place, text in enumerate(captions_of(name))]
    (root / file).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    for part in filter(None, parts):
        (root / lists[part]).write_text("".join(f"{name}\n" for name in parts[part]), encoding="utf-8")
    if pictures is not None:
        write_pictures_of(root / pictures, names)
    return root


def karpathy_records(parts: Mapping[str, Sequence[str]], folder: str | None = None) -> list[dict[str, Any]]:
    """Return the records of a Karpathy-split file."""
    records: list[dict[str, Any]] = []
    for part, names in parts.items():
        for name in names:
            first, number = 2 * len(records), len(records)
            sentences = [
                {"tokens": text.lower().split(), "raw": text, "imgid": number, "sentid": first + place}
                for place, text in enumerate(captions_of(name))
            ]
            record = {"sentids": [first, first + 1], "imgid": number, "sentences": sentences, "split": part}
            records.append(record | {"filename": name} | ({} if folder is None else {"filepath": folder}))
    return records


def write_karpathy(
    root: Path, records: Sequence[Any], *, file: str = "dataset_flickr8k.json", pictures: str = "images"
) -> Path:
    """Write a Karpathy-split file and a picture for each record that names one."""
    root.mkdir(parents=True, exist_ok=True)
    (root / file).write_text(json.dumps({"images": records, "dataset": "flickr8k"}), encoding="utf-8")
    named = [record for record in records if isinstance(record, dict) and isinstance(record.get("filename"), str)]
    for record in named:
        write_pictures_of(root / pictures / str(record.get("filepath", "")), [record["filename"]])
    return root


def coco_lists(names: Sequence[str], first: int = 1, captions: int = 2) -> dict[str, list[dict[str, Any]]]:
    """Return a COCO captions file's lists; captions are not in the order of the pictures."""
    images = [{"id": first + place, "file_name": name, "height": 6, "width": 8} for place, name in enumerate(names)]
    annotations = [
        {"image_id": image["id"], "id": 100 * number + int(str(image["id"])), "caption": text}
        for number in range(captions)
        for image in images
        for text in captions_of(str(image["file_name"]), captions)[number : number + 1]
    ]
    return {"images": images, "annotations": annotations}


def write_coco(root: Path, lists: Mapping[str, Any], *, year: int = 2017, within: str = "", drawn: bool = True) -> Path:
    """Write ``annotations/captions_PART<year>.json`` for each part, and its pictures into ``PART<year>/``."""
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    for part, tree in lists.items():
        (root / "annotations" / f"captions_{part}{year}.json").write_text(json.dumps(tree), encoding="utf-8")
        if drawn:
            write_pictures_of(root / within / f"{part}{year}", [record["file_name"] for record in tree["images"]])
    return root


def write_wikipedia(root: Path, sizes: Mapping[str, int], categories: Sequence[str] = ("art", "music")) -> Path:
    """Write the Wikipedia collection's lists and vectors: row i of a part has category i, in turns, and shows it.

    A picture's vector begins with its number in its part, a text's with the negative of it.
    """
    root.mkdir(parents=True, exist_ok=True)
    (root / "categories.list").write_text("".join(f"{name}\n" for name in categories), encoding="utf-8")
    draw, arrays = np.random.default_rng(0), {}
    for part, rows in sizes.items():
        numbers = np.arange(rows)
        of_row = numbers % len(categories)
        lines = [f"{part}-{row}.1\t{part}{row}\t{of_row[row] + 1}\n" for row in range(rows)]
        (root / f"{part}set_txt_img_cat.list").write_text("".join(lines), encoding="utf-8")
        shown = np.eye(len(categories))[of_row]
        for side, sign, width in (("I", 1, 4), ("T", -1, 2)):
            noise = draw.normal(size=(rows, width))
            arrays[f"{side}_{part[:2]}"] = np.column_stack([sign * numbers, noise, 3 * shown + noise[:, :1]])
    savemat(root / "raw_features.mat", arrays)
    return root
