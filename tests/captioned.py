"""A captioned corpus: pictures that show their readings, several captions of each, no days, no times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import write_pictures
from letters import WORDS

import ntcir.corpora
from ntcir.corpora.corpus import Corpus, ReadingReport, Request
from ntcir.encoders import KINDS

TABLE = "captioned.csv"
SEVERAL = 3
PER_SPLIT = {"train": 28, "val": 9, "test": 11}
CONFIG = """name: captioned
pair: [image, text]
features: {backbones: [{arch: squeezenet1_1, weights: random, grid: 2}], size: 64, crop: 64, resize: squash}
towers: {dim: 16}
training: {batch: 24, lr: 0.003, validate_every: 5}
"""


def know_captions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the layout known, and an encoder of captions."""
    monkeypatch.setitem(KINDS, "words", WORDS["words"])
    monkeypatch.setattr(ntcir.corpora, "LAYOUTS", [(is_captioned, read_captioned), *ntcir.corpora.LAYOUTS])


def write_captioned(folder: Path, **captions: str) -> Path:
    """Write pictures, and captions that spell what they show: as many an a, e, o as it is high.

    Args:
        folder: to be made.
        captions: of single pictures by number, such as ``_3``, in place of their first one.
    """
    number = sum(PER_SPLIT.values())
    write_pictures(folder, ["s1"], number)
    records = pd.read_csv(folder / "records.csv")
    splits = [split for split, count in PER_SPLIT.items() for _ in range(count)]
    rows: list[dict[str, Any]] = []
    for place, (row, split) in enumerate(zip(records.itertuples(), splits, strict=True)):
        spelt = " ".join(["a" * (row.warm // 16 + 1), "e" * (row.wet // 16), "o" * (row.noon // 16)])
        for caption in range(SEVERAL):
            text = captions.get(f"_{place}", spelt) if caption == 0 else f"{spelt} {'z' * caption}"
            rows.append({"image": row.file, "text": f"{row.file}#{caption}", "words": text, "split": split})
    pd.DataFrame(rows).to_csv(folder / TABLE, index=False)
    (folder / "records.csv").unlink()
    (folder / "ntcir.yaml").write_text(CONFIG, encoding="utf-8")
    return folder


def is_captioned(root: Path) -> bool:
    """Return whether a folder was written by ``write_captioned``."""
    return (root / TABLE).is_file()


def read_captioned(root: Path, name: str, how: Request) -> Corpus:
    """Read such a folder."""
    rows = pd.read_csv(root / TABLE, dtype=str, keep_default_na=False)
    images = rows["image"].unique()
    paths = [str((root / "images" / name).absolute()) for name in images]
    pairs = rows[["image", "text"]].assign(
        group="all", timestamp=pd.Series(pd.DatetimeIndex([pd.NaT] * len(rows), tz="UTC")),
        split="" if how.split is None else rows["split"],
    )  # fmt: skip
    tables = {
        "image": pd.DataFrame({"path": paths}, index=pd.Index(images, name="image")),
        "text": rows.set_index("text")[["words"]].rename(columns={"words": "text"}),
    }
    report = ReadingReport({"pictures": len(images), "captions": len(rows)})
    return Corpus(name, root, tables, pairs, False, "captioned", report, grouped=False, annotations=frozenset({"text"}))


def partners(folder: Path, split: str) -> dict[str, np.ndarray]:
    """Return the captions of each picture of a split."""
    rows = pd.read_csv(folder / TABLE, dtype=str)
    return {image: some["text"].to_numpy() for image, some in rows[rows["split"] == split].groupby("image")}
