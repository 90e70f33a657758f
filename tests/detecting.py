"""What several tests of detections share: tiny detectors, pictures, and Ultralytics' own answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml
from PIL import Image

from ntcir.config import Objects
from ntcir.corpora.corpus import Corpus, ReadingReport
from ntcir.features.objects import COLUMNS, ObjectDetections
from ntcir.features.yolo import import_yolo

NAMES = ("cup", "desk lamp", "dog")
OPENVINO = "yolo11n_int8_openvino_model"


def make_detector(path: Path, *, bias: float = -2.0, spread: float = 0.6, seed: int = 0) -> Path:
    """Write a tiny YOLO11 with random weights that, for all its nonsense, sees many things in any picture."""
    yolo = import_yolo()
    import ultralytics

    layers = Path(ultralytics.__file__).parent / "cfg" / "models" / "11" / "yolo11.yaml"
    description = yaml.safe_load(layers.read_text(encoding="utf-8"))
    description |= {"nc": len(NAMES), "scales": {"n": [0.33, 0.0625, 64]}}
    path.with_suffix(".yaml").write_text(yaml.safe_dump(description), encoding="utf-8")
    torch.manual_seed(seed)
    model = yolo(str(path.with_suffix(".yaml")), task="detect")
    for module in model.model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0  # so that one batch sets its statistics, and no layer's output dies away
    model.model.train()
    with torch.no_grad():
        model.model(torch.rand(8, 3, 64, 64))
    for branch in model.model.eval().model[-1].cv3:
        torch.nn.init.normal_(branch[-1].weight, std=spread)
        torch.nn.init.constant_(branch[-1].bias, bias)
    model.model.names = dict(enumerate(NAMES))
    model.save(str(path))
    return path


def corpus_of(folder: Path) -> Corpus:
    """A corpus of the files in a folder; only its images matter here."""
    paths = sorted(path for path in folder.iterdir() if path.suffix in {".png", ".jpg"})
    images = pd.DataFrame({"path": [str(path) for path in paths]}, index=[path.name for path in paths])
    return Corpus(folder.name, folder, {"image": images}, pd.DataFrame(), False, "records", ReadingReport())


def write_blocks(folder: Path, number: int = 14) -> Path:
    """Write pictures of coloured blocks, wide and high ones, larger and smaller than what the detector takes."""
    folder.mkdir()
    draw = np.random.default_rng(6)
    for item in range(number):
        blocks = Image.fromarray(draw.integers(0, 256, (4, 5, 3), dtype=np.uint8))
        size = [(90, 60), (50, 75), (200, 160)][item % 3]
        blocks.resize(size, Image.Resampling.BICUBIC).save(folder / f"{item:03}.png")
    return folder


def options(path: Path | str, **changes: Any) -> Objects:
    return Objects(**({"detector": str(path), "size": 96, "batch": 4} | changes))


def ids_of(corpus: Corpus) -> list[str]:
    return [str(item) for item in corpus.images.index]


def detected(corpus: Corpus, how: Objects, store: Path) -> ObjectDetections:
    detections = ObjectDetections(corpus, how, store)
    detections.ensure(ids_of(corpus))
    return detections


def by_ultralytics(corpus: Corpus, path: Path, confidence: float, *, size: int, iou: float = 0.7) -> pd.DataFrame:
    """What Ultralytics predicts, one photograph after the other, straight from the files."""
    model = import_yolo()(str(path), task="detect")
    parts = []
    for item in ids_of(corpus):
        file = str(corpus.images.loc[item, "path"])
        (result,) = model.predict(file, imgsz=size, conf=confidence, iou=iou, verbose=False)
        rows = result.boxes.data.numpy()
        table = pd.DataFrame(rows[:, [4, 0, 1, 2, 3]], columns=COLUMNS[2:])
        table.insert(0, "image_id", item)
        table.insert(1, "class", [result.names[int(number)] for number in rows[:, 5]])
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def same(found: pd.DataFrame, expected: pd.DataFrame, pixels: float = 0.6) -> None:
    """Compare tables; Ultralytics cuts half pixels of padding where this keeps them."""
    assert found.columns.tolist() == COLUMNS
    order = ["image_id", "class", "confidence"]
    found, expected = (table.sort_values(order, ignore_index=True) for table in (found, expected))
    pd.testing.assert_frame_equal(found[order[:2]], expected[order[:2]], check_dtype=False)
    np.testing.assert_allclose(found["confidence"], expected["confidence"], atol=1e-4)
    np.testing.assert_allclose(found[COLUMNS[3:]], expected[COLUMNS[3:]], atol=pixels)
