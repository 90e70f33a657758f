"""Figures that no change of the code may change: features, weights, runs, scores and tables, as they were recorded.

``record.py`` says how; ``measurements.py`` has what is measured. Ids, orders, counts and texts are compared exactly,
numbers within a tolerance. Between a processor's widest instructions and its oldest ones (no AVX, no FMA; other kernels
of torch, oneDNN, MKL and numpy) features, and weights and losses after 20 steps, differ by up to 3e-6 of the largest
number beside them, and scores by 2e-5. What a change of the training's meaning does is larger, and the last test here
sees to it that it is noticed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from comparing import differences, run_differences
from helpers import one_thread  # noqa: F401
from measurements import MEASUREMENTS, Places
from measuring import KINDS, VALUES, Json, lines, train

pytestmark = pytest.mark.usefixtures("one_thread")
TOLERANCE = 2e-4
TIGHT = 5e-5  # of features
KNOWN: Json = json.loads(VALUES.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Places:  # noqa: F811
    return Places(tmp_path_factory.mktemp("golden"))


@pytest.mark.parametrize("name", [name for name in MEASUREMENTS if name not in {"run", "lifelog run", "two processes"}])
def test_a_figure_is_as_it_was(places, name):
    tolerance = TIGHT if "features" in name else TOLERANCE
    assert differences(MEASUREMENTS[name](places), KNOWN[name], tolerance) == []


def test_a_run_is_as_it_was(places):
    found = MEASUREMENTS["run"](places)
    for kind, expected in KNOWN["run"].items():
        assert run_differences(found[kind], expected, TOLERANCE) == []


def test_a_run_on_a_lifelog_is_as_it_was(places):
    assert run_differences(MEASUREMENTS["lifelog run"](places), KNOWN["lifelog run"], TOLERANCE) == []


def test_two_processes_learn_what_one_has_learnt(places):
    """All that is matched, altered and mined is shared out; what comes of it are the weights of one process."""
    assert differences(MEASUREMENTS["two processes"](places), KNOWN["mined"], TOLERANCE) == []


def swap_readings(folder: Path, one: int, other: int) -> None:
    """Give two photographs of the kept corpus each other's readings."""
    path = folder / "data" / "records.csv"
    rows = [line.split(",") for line in lines(path)]
    rows[one][3:], rows[other][3:] = rows[other][3:], rows[one][3:]
    path.write_text("\n".join(map(",".join, rows)) + "\n", encoding="utf-8")


NOTICED: dict[str, dict[str, Any]] = {
    "another seed": {"seed": 1},
    "another order of draws": {"training.batches": "day"},
    "other negatives": {"training.near_seconds": 60},
    "one direction only": {"training.symmetric": False},
    "a rate that is higher by a hundredth": {"training.lr": 1.01e-3},
    "two readings that changed places": {},
}


@pytest.mark.parametrize("what", NOTICED)
def test_the_tolerance_lets_no_change_of_a_training_through(places, what):
    """The least of these moves losses by 0.003 and weights by 0.002, relative to the largest beside them."""
    folder = places.copy(what)
    if not NOTICED[what]:
        swap_readings(folder, 2, 3)
    found = train(folder, "other", KINDS["plain"] | NOTICED[what])
    for part in ("losses", "weights"):
        assert len(differences(found[part], KNOWN["plain"][part], TOLERANCE)) > 2
