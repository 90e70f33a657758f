"""The detector that comes with the package, on scenes of the demo, none of which it was trained on."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from helpers import one_thread  # noqa: F401

from ntcir.config import Objects
from ntcir.corpora.corpus import Corpus, ReadingReport
from ntcir.features.detector import find_weights
from ntcir.features.objects import ObjectDetections
from ntcir_demo import CLASSES, Box, demo_picture

pytestmark = pytest.mark.usefixtures("one_thread")
SCENES = range(7, 1920, 80)  # over all days and hours


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[list[Box]], pd.DataFrame]:
    """What is to be seen in some scenes, and what the detector finds there."""
    folder = tmp_path_factory.mktemp("scenes")
    drawn = []
    for index in SCENES:
        picture, boxes = demo_picture(index)
        picture.save(folder / f"{index}.jpg", quality=80)
        drawn.append(boxes)
    images = pd.DataFrame({"path": [str(folder / f"{index}.jpg") for index in SCENES]}, index=[str(i) for i in SCENES])
    pairs = pd.DataFrame({"image": images.index})
    corpus = Corpus("scenes", folder, {"image": images}, pairs, False, "records", ReadingReport())
    detections = ObjectDetections(corpus, Objects(detector="demo", size=320), folder / "features")
    assert detections.names == CLASSES
    detections.ensure(images.index)
    return drawn, detections.table(images.index)


def overlap(one: Box, row: pd.Series) -> float:
    width = min(one.x2, row.x2) - max(one.x1, row.x1)
    height = min(one.y2, row.y2) - max(one.y1, row.y1)
    both = max(width, 0) * max(height, 0)
    return both / ((one.x2 - one.x1) * (one.y2 - one.y1) + (row.x2 - row.x1) * (row.y2 - row.y1) - both)


def test_most_of_what_it_finds_is_there(seen):
    drawn, table = seen
    boxes = dict(zip(map(str, SCENES), drawn, strict=True))
    hits = [
        any(box.label == row["class"] and overlap(box, row) > 0.5 for box in boxes[row["image_id"]])
        for _, row in table.iterrows()
    ]
    assert len(hits) > 60
    assert np.mean(hits) > 0.75


def test_it_finds_most_of_what_is_large_enough(seen):
    drawn, table = seen
    found = []
    for index, boxes in zip(SCENES, drawn, strict=True):
        own = table[table["image_id"] == str(index)]
        for box in boxes:
            if min(box.x2 - box.x1, box.y2 - box.y1) >= 60:  # of 1024 pixels; the detector sees a third of them
                found.append(any(row["class"] == box.label and overlap(box, row) > 0.5 for _, row in own.iterrows()))
    assert len(found) > 60
    assert np.mean(found) > 0.7


def test_it_is_small_and_says_nothing_of_where_it_was_trained():
    path = find_weights("demo")
    assert path.stat().st_size < 6e6
    words = re.findall(rb"[\x20-\x7e]{4,}", path.read_bytes())
    assert not [word for word in words if re.search(rb"/(home|root|tmp|work|Users|mnt|opt|usr|var)/", word)]
