"""A toy layout: a records folder, with or without photographs, and captions.csv, which has several for each file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from helpers import write_pictures

from ntcir.corpora.corpus import Corpus, Request
from ntcir.corpora.records import read_records

CAPTIONS = "captions.csv"
PICTURELESS = "pictureless"  # a file that says: of this folder only captions and readings are read


def write_captions(folder: Path, *, several: int = 2, per_session: int = 14) -> Path:
    """Write pictures that show their readings, and captions that spell these: as many an, e, o ... as they are high."""
    write_pictures(folder, per_session=per_session)
    records = pd.read_csv(folder / "records.csv")
    rows = []
    for row in records.itertuples():
        spelt = " ".join(["a" * (row.warm // 16), "e" * (row.wet // 16), "o" * (row.noon // 16)])
        rows += [{"file": row.file, "text": f"{spelt} {'z' * number}"} for number in range(1, several + 1)]
    pd.DataFrame(rows).to_csv(folder / CAPTIONS, index=False)
    return folder


def is_captions(root: Path) -> bool:
    return (root / CAPTIONS).is_file()


def read_captions(root: Path, name: str, how: Request) -> Corpus:
    """Read records, and pair each of them with all of its captions."""
    corpus = read_records(root, how.split, name, outside=how.outside)
    captions = pd.read_csv(root / CAPTIONS, dtype=str)
    captions["caption"] = captions["file"] + "#" + captions.groupby("file").cumcount().astype(str)
    pairs = corpus.pairs.merge(captions, left_on="image", right_on="file").drop(columns=["file", "text"])
    table = captions.set_index("caption")[["text"]]
    tables = {**corpus.tables, "caption": table}
    if (root / PICTURELESS).is_file():
        del tables["image"]
        pairs = pairs.drop(columns="image")
    shown = root / "shown.csv"
    categories = {"image": pd.read_csv(shown, index_col=0)} if shown.is_file() else {}
    several = bool(captions["file"].duplicated().any())
    return replace(
        corpus, tables=tables, pairs=pairs, layout="captions", shared_are_positive=several, categories=categories
    )


def write_categories(folder: Path) -> None:
    """Write which photographs are warm and which are wet."""
    records = pd.read_csv(folder / "records.csv", index_col="file")
    (records[["warm", "wet"]] > 127).astype(np.int64).to_csv(folder / "shown.csv")
