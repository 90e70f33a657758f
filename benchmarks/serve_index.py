"""The index of a large lifelog, generated: 725,000 items with vectors, times, positions, readings and labels.

A small lifelog is drawn and a model with vectors of that many dimensions trained on it, both for real, so that what is
asked goes through real towers; the rows of its index are then replaced by generated ones.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from ntcir.model.model import Model
from ntcir.search.compact import CompactWriter
from ntcir.serve.index.catalogue import Labels
from ntcir.serve.index.columns import Columns
from ntcir.serve.index.files import INDEX, write_catalogue
from ntcir.serve.index.index import open_index
from ntcir.serve.index.items import Gathered

BLOCK = 16_384  # rows that are generated at once
EVENT = 20  # photographs of an event share much of what there is to see
_START, _STEP = 1_546_300_800, 63  # 1 January 2019; seconds from one photograph to the next
_PLACES, _ACTIVITIES = 300, 7
_SMALL = (
    "features.backbones=[{arch: squeezenet1_1, weights: random}]", "features.size=64", "features.crop=64",
    "topics.pool=8",
)  # fmt: skip


def command(work: Path, *typed: str) -> None:
    """Run ``ntcir`` in a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "ntcir", *typed], cwd=work, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"ntcir {' '.join(typed)}: {done.stderr.strip().splitlines()[-1]}")


def prepare(work: Path, items: int, dim: int) -> tuple[Path, Path, Path]:
    """Return the folders of the model, the corpus and the indexes; what is there of an earlier call is kept."""
    work.mkdir(parents=True, exist_ok=True)
    model, data, where = work / "runs" / "large", work / "data" / "demo", work / "index"
    if not (model / "model.json").is_file():
        command(work, "demo", "--days", "6", "--per-day", "16")
        settings = [part for each in (*_SMALL, f"towers.dim={dim}") for part in ("--set", each)]
        command(work, "train", "--data", "data/demo", "--iters", "5", "--out", "runs/large", *settings)
    done = work / "generated.json"
    if not done.is_file() or json.loads(done.read_text()) != [items, dim]:
        shutil.rmtree(where, ignore_errors=True)
        index = open_index(Model.load(model), model, data, where)
        facts = {
            key: value for key, value in json.loads((index.folder / INDEX).read_text()).items()
            if key in {"from", "corpus", "root", "columns", "remarks", "settled"}
        }  # fmt: skip
        picture = index.catalogue.contents[0]
        generate(index.folder, facts, picture, items, dim)
        done.write_text(json.dumps([items, dim]))
    return model, data, where


def generate(folder: Path, facts: dict[str, object], picture: str, items: int, dim: int) -> None:
    """Write an index of generated items, all of which show one picture."""
    random = np.random.default_rng(0)
    with CompactWriter(folder, dim) as writer:
        for start in range(0, items, BLOCK):
            count = min(BLOCK, items - start)
            shared = random.standard_normal((-(-count // EVENT), dim), dtype=np.float32).repeat(EVENT, axis=0)[:count]
            rows = random.standard_normal((count, dim), dtype=np.float32) + 2 * shared
            writer.add(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    times = _START + _STEP * np.arange(items, dtype=np.int64)
    names = pd.to_datetime(times, unit="s").strftime("%Y%m/%d/%Y%m%d_%H%M%S_000.jpg").tolist()
    walk = random.standard_normal((items, 2)).cumsum(axis=0) / 300
    hours = times % 86_400 / 3600
    heart = 65 + 20 * np.sin((hours - 9) / 24 * 2 * np.pi) + 8 * random.standard_normal(items)
    numbers = {
        "heart_rate(bpm)": np.where(random.random(items) < 0.1, np.nan, heart).astype(np.float32),
        "calories": random.gamma(2, 1, items).astype(np.float32),
        "distance": random.exponential(3, items).astype(np.float32),
        "altitude": (20 + walk[:, 0]).astype(np.float32),
    }
    labels = {
        "semantic_name": _labels(random.zipf(1.5, items // EVENT + 1).repeat(EVENT)[:items] % _PLACES, "Place"),
        "movement": _labels(random.integers(0, _ACTIVITIES, items // EVENT + 1).repeat(EVENT)[:items], "Activity"),
    }
    gathered = Gathered(
        modality="image", ids=names, contents=[picture] * items, times=times, offsets=np.zeros(items, np.int32),
        zoned=True, positions=(np.array([53.35, -6.26]) + walk / 50).astype(np.float32),
        columns=Columns(numbers=numbers, labels=labels), captions=None, remarks=[],
    )  # fmt: skip
    write_catalogue(folder, gathered, (np.arange(items) // EVENT).astype(np.int32), facts)


def _labels(codes: np.ndarray, noun: str) -> Labels:
    counts = np.bincount(codes)
    order = np.argsort(-counts, kind="stable")
    place = np.empty(len(counts), dtype=np.int32)
    place[order] = np.arange(len(counts), dtype=np.int32)
    return Labels(place[codes], [f"{noun} {number}" for number in range(len(counts))])
