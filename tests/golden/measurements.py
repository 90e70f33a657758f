"""The measurements of the golden tests by name: what ``record.py`` writes down and ``test_golden.py`` takes again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from measuring import (
    KINDS,
    MINED,
    RAW,
    Json,
    copy_kept,
    detected,
    draw_lifelog,
    lines,
    official,
    ranking,
    settings,
    stored,
    train,
    train_together,
    typed,
)

FILES = ("topics.tsv", "pools.tsv", "qrels.txt", "qrels.csv")
GRID = {
    "base": "data/ntcir.yaml", "changes": {"training.validate_every": 10, **RAW}, "iterations": [10, 20],
    "methods": {"plain": {}, "hot": {"training.temperature": 0.5}}, "weights": {"small": None}, "seeds": 2,
    "folds": {"late": {"data.split": {"by": "session", "test": ["s2"], "val": ["s4"]}}},
    "topics": {"pool": 8, "per_day": 4},
}  # fmt: skip


class Places:
    """Folders in which measurements are taken, made when one is needed first.

    Args:
        root: where they lie.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def copy(self, name: str) -> Path:
        """Return a new folder with the kept corpus, ``data``, and its network."""
        return copy_kept(self.root / name)

    @cached_property
    def kept(self) -> Path:
        """The kept corpus, without its store."""
        return self.copy("kept")

    @cached_property
    def answering(self) -> Path:
        """The kept corpus with topics in both formats and a model, ``asked``."""
        folder = self.kept
        train(folder, "asked", KINDS["plain"])
        drawn = ["build-topics", "--data", "data", "--topics-per-day", "3"]
        typed(folder, *drawn)
        typed(folder, *drawn, "--format", "official")
        return folder

    @cached_property
    def lifelog(self) -> Path:
        """A drawn lifelog, with all that ``mined`` needs of it."""
        folder = self.root / "drawn"
        folder.mkdir()
        draw_lifelog(folder)
        return folder

    @cached_property
    def mined(self) -> Json:
        """What the training on the lifelog learns; its model is ``mined``."""
        return train(self.lifelog, "mined", MINED, "lifelog")


def kept_features(places: Places) -> Json:
    typed(places.kept, "features", "images", "--data", "data")
    return stored(places.kept / "features")


def trained(kind: str) -> Callable[[Places], Json]:
    return lambda places: train(places.kept, kind, KINDS[kind])


def topics(places: Places) -> Json:
    folder = places.answering / "topics"
    digest = hashlib.sha256((folder / "input.json").read_bytes()).hexdigest()  # pixels of PNGs: nothing is rounded
    return {name: lines(folder / name) for name in FILES} | {"input.json": digest}


def run(places: Places) -> Json:
    text, _ = typed(places.answering, "run", "topics/topics.tsv", "--model", "asked")
    (places.answering / "run.txt").write_text(text, encoding="utf-8")
    whole, _ = typed(
        places.answering, "run", "topics/topics.tsv", "--model", "asked", "--pools", "none", "--split", "all",
        "--depth", "5", "--tag", "whole",
    )  # fmt: skip
    return {"pools": ranking(text), "whole": ranking(whole)}


def score(places: Places) -> Json:
    """Score the run of ``run`` and the CSV of ``predict``, which are the same."""
    run(places)
    predict(places)
    scored = {"run.txt": ["--measures", "RR nDCG@5"], "scores.csv": ["--mrr", "best"]}
    return {
        name: json.loads(typed(places.answering, "score", name, "--json", *words)[0]) for name, words in scored.items()
    }


def predict(places: Places) -> Json:
    names = ["--model", "asked", "--group", "G", "--run", "1"]
    typed(places.answering, "predict", "topics/input.json", "scores.csv", *names)
    return official(places.answering / "scores.csv")


def ablation(places: Places) -> Json:
    (places.kept / "ablate-small.yaml").write_text(json.dumps(GRID), encoding="utf-8")
    typed(places.kept, "ablate", "ablate-small.yaml", "--data", "data", "--out", "grid")
    header, *rows = [row.split(",") for row in lines(places.kept / "grid" / "results.csv")]
    shown = [dict(zip(header, row, strict=True)) for row in rows]
    return {"rows": [{key: value for key, value in row.items() if key != "seconds"} for row in shown]}


def lifelog_features(places: Places) -> Json:
    assert places.mined
    typed(places.lifelog, "features", "images", "--data", "lifelog", *settings(MINED))
    found = stored(places.lifelog / "features")
    return {name: items for name, items in found.items() if "squeezenet" in name}


def objects(places: Places) -> Json:
    return detected(places.lifelog, MINED)


def lifelog_run(places: Places) -> Json:
    assert places.mined
    typed(places.lifelog, "build-topics", "--data", "lifelog", "--pool", "6", "--topics-per-day", "2")
    text, _ = typed(places.lifelog, "run", "topics/topics.tsv", "--model", "mined", "--data", "lifelog")
    return ranking(text)


def two_processes(places: Places) -> Json:
    assert places.mined
    return train_together(places.lifelog, "shared", MINED, "lifelog")


MEASUREMENTS: dict[str, Callable[[Places], Json]] = {
    "kept features": kept_features,
    **{kind: trained(kind) for kind in KINDS},
    "topics": topics,
    "run": run,
    "score": score,
    "predict": predict,
    "ablation": ablation,
    "objects": objects,
    "mined": lambda places: places.mined,
    "lifelog features": lifelog_features,
    "lifelog run": lifelog_run,
    "two processes": two_processes,
}
