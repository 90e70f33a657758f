"""What a grid computes before its first training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import one_thread, write_pictures  # noqa: F401
from toy_grid import write_grid

import ntcir.training.preparation
from ntcir.ablation.folds import open_folds
from ntcir.ablation.grid import read_plan
from ntcir.ablation.stores import Stores

pytestmark = pytest.mark.usefixtures("one_thread")
DETECTOR = "toy detector"


@pytest.fixture
def detected(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The pictures in which objects were looked for."""
    seen: set[str] = set()

    class Detections:
        names, fingerprint = ("cup", "person"), DETECTOR

        def __init__(self, *_: Any) -> None: ...

        def ensure(self, ids: list[str]) -> np.ndarray:
            seen.update(ids)
            return np.ones(len(ids), dtype=bool)

    monkeypatch.setattr(ntcir.training.preparation, "ObjectDetections", Detections)
    return seen


def test_objects_are_detected_beforehand_where_they_are_the_categories_of_a_method(tmp_path, monkeypatch, detected):
    monkeypatch.chdir(tmp_path)
    write_pictures(Path("data"))
    methods = {"InfoNCE": {}, "pairwise": {"objectives": [{"kind": "pairwise"}]}}
    plan = read_plan(write_grid(Path("ablate-toy.yaml"), methods=methods, folds={}), Path("data"))
    stores = Stores(plan, open_folds(plan, tmp_path / "out"))
    prints = {method: stores.fingerprints(config) for (method, _, _), config in plan.configs.items()}
    assert DETECTOR in prints["pairwise"]
    assert DETECTOR not in prints["InfoNCE"]
    stores.fill()
    assert {name[:2] for name in detected} == {"s1", "s2"}  # those that are trained on
