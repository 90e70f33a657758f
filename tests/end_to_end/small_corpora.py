"""A corpus of a few pictures for each layout that ``configs/`` is about, and which configuration is for which."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from drawing import draw_picture
from helpers import ROOT
from lifelogs import write_csv, write_lifelog, write_records
from published import coco_lists, karpathy_records, write_coco, write_flickr, write_karpathy, write_wikipedia

from ntcir.config import load_config
from ntcir.corpora.concepts import CONCEPTS_FILE

sys.path.append(str(ROOT / "benchmarks"))

from nuswide_files import write_corpus

SESSION = 6  # photographs of a day, frames of a lap
DAYS = ("2020-02-10", "2020-02-12", "2020-03-02", "2020-03-17", "2020-03-18")  # two each for training and topics
LAPS = ("lap00", "lap01", "lap03", "lap04", "lap06", "lap07", "lap09", "lap10")
PICTURES = {part: [f"{part}{number:02}.jpg" for number in range(count)] for part, count in [("train", 16), ("dev", 6)]}
WORDS = ("dog", "child", "red", "ball", "street", "water")


def captions_of(name: str) -> list[str]:
    """Return two captions of a picture, of words that are said of other pictures as well."""
    number = int(name[-6:-4])
    one, two, three = (WORDS[number * step % len(WORDS)] for step in (1, 2, 5))
    return [f"A {one} and a {two} .", f"A {three} near a {one} ."]


def write_days(folder: Path) -> Path:
    """Write a lifelog with captions and tags; within ten minutes there are several photographs."""
    names = [f"{day.replace('-', '')}_08{2 * n:02}32_000.jpg" for day in DAYS for n in range(SESSION)]
    write_lifelog(folder, located=[{"ImageID": name} for name in names])
    scenes = [("a man at a desk", "indoor,desk"), ("a cup on a table", "cup,table"), ("a street with cars", "road,car")]
    rows = [
        {"ImageID": name, "Caption": scenes[n % 3][0], "Tags": scenes[n % 3][1], "CaptionScore": 0.5}
        for n, name in enumerate(names)
    ]
    write_csv(folder / CONCEPTS_FILE, ("ImageID", "Tags", "OCR", "Caption", "CaptionScore"), rows)
    return folder


def write_laps(folder: Path) -> Path:
    """Write the laps that ``ablate-track.yaml`` names, ten frames a second."""
    rows = [
        {
            "file": f"{lap}_{n}.jpg", "timestamp": f"2021-05-{day:02}T08:00:00.{n}Z", "session": lap,
            "steering": (day * n) % 5 - 2, "throttle": (day + n) % 3 / 2,
        }
        for day, lap in enumerate(LAPS, start=1) for n in range(SESSION)
    ]  # fmt: skip
    return write_records(folder, rows)


def write_tubs(folder: Path) -> Path:
    """Write sessions of a car with the inertial readings that ``imu.yaml`` names."""
    left_out = load_config(ROOT / "configs" / "imu.yaml").sensors.exclude
    rows = [
        {
            "file": f"{lap}_{n}.jpg", "timestamp": f"2021-05-{day:02}T08:00:00.{n}Z", "session": lap,
            "gyr_y_mean": (day * n) % 5 - 2, "steering": n % 3 - 1,
        } | dict.fromkeys(left_out, 0.5 + n)
        for day, lap in enumerate(LAPS[:4], start=1) for n in range(SESSION)
    ]  # fmt: skip
    return write_records(folder, rows)


def write_flickr8k(folder: Path) -> Path:
    """Write pictures with their captions in Flickr8k's text files: training and ``dev``, as in ``../shared``."""
    names = [name for part in PICTURES.values() for name in part]
    lines = [f"{name}#{place}\t{text}" for name in names for place, text in enumerate(captions_of(name))]
    return write_flickr(folder, PICTURES, lines=lines)


def write_flickr30k(folder: Path) -> Path:
    """Write pictures with their captions in Karpathy's file."""
    train, test = PICTURES.values()
    records = karpathy_records({"train": train[2:], "val": train[:2], "test": test})
    for record in records:
        for sentence, text in zip(record["sentences"], captions_of(record["filename"]), strict=True):
            sentence["raw"] = text
    return write_karpathy(folder, records, file="dataset_flickr30k.json", pictures="flickr30k-images")


def write_coco_2017(folder: Path) -> Path:
    """Write pictures with their captions in COCO's files."""
    train, val = PICTURES.values()
    lists = {"train": coco_lists(train), "val": coco_lists(val, first=101)}
    for tree in lists.values():
        names = [record["file_name"] for record in tree["images"]]
        texts = [captions_of(name)[place] for place in range(2) for name in names]
        for annotation, text in zip(tree["annotations"], texts, strict=True):
            annotation["caption"] = text
    return write_coco(folder, lists)


def write_features(folder: Path) -> Path:
    """Write NUS-WIDE-LITE's lists, tags and low-level features, without a photograph, as they are published."""
    write_corpus(folder, (60, 12), 8, {"CH": 6, "WT": 4})
    return folder


def write_photographs(folder: Path) -> Path:
    """Write the same with photographs."""
    write_features(folder)
    for part in (folder / "image list").iterdir():
        for name in part.read_text(encoding="utf-8").split():
            draw_picture(folder / "images" / name.replace("\\", "/"), (8, 6))
    return folder


def write_vectors(folder: Path) -> Path:
    """Write the Wikipedia collection's lists and vectors; a tenth of the training pairs is for validation."""
    return write_wikipedia(folder, {"train": 40, "test": 12})


# A configuration to train with -> what writes a corpus that fits it. Ablations and tunings take that of their base.
CORPORA: dict[str, Callable[[Path], Path]] = {
    "cca": write_flickr8k,
    "cca-contrastive": write_flickr8k,
    "cca-gmlp": write_flickr8k,
    "coco": write_coco_2017,
    "demo": write_days,
    "demo-captions": write_days,
    "dual-path-coco": write_coco_2017,
    "dual-path-coco-2": write_coco_2017,
    "dual-path-flickr30k": write_flickr30k,
    "dual-path-flickr30k-2": write_flickr30k,
    "dual-path-flickr8k": write_flickr8k,
    "dual-path-flickr8k-2": write_flickr8k,
    "dual-path-flickr8k-squeezenet": write_flickr8k,
    "flickr30k": write_flickr30k,
    "flickr8k": write_flickr8k,
    "flickr8k-minilm": write_flickr8k,
    "imu": write_tubs,
    "least-squares": write_flickr8k,
    "nuswide": write_photographs,
    "nuswide-lowlevel": write_features,
    "organisers": write_days,
    "procrustes": write_flickr8k,
    "procrustes-contrastive": write_flickr8k,
    "procrustes-lifelog": write_days,
    "track": write_laps,
    "track-single": write_laps,
    "wikipedia": write_vectors,
    "ymx2l": write_days,
    "ymx2l-best": write_days,
}
