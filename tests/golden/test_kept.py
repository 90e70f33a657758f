"""Models, a training that was interrupted and a feature store from before modalities were told apart: still read.

What lies under ``kept/`` was written by that code, all on the corpus ``data`` and with ``write_network``'s weights:

    features      the features of all its photographs
    model-1       a training as the corpus's own configuration says, and the run that it answered
    model-2       a training in which every key of the configuration differs from its default, but encoder.finetune
                  (with which the networks would lie here too), and its run
    interrupted   a training (``KINDS["interrupted"]``) that Ctrl-C ended in its 13th step of 20

Of the models' folders, charts and what no command needs are left out; ``/kept`` stands for where all this lay.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from comparing import differences, run_differences
from helpers import command_line, one_thread  # noqa: F401
from measuring import (
    KEPT,
    KINDS,
    RAW,
    VALUES,
    copy_kept,
    official,
    ranking,
    train_words,
    training,
    typed,
)

pytestmark = pytest.mark.usefixtures("one_thread")
KNOWN = json.loads(VALUES.read_text(encoding="utf-8"))
ROUNDING = 2e-5  # between processors, of a model that is only asked; after a training more
TOLERANCE = 2e-4
WHOLE = ["--pools", "none", "--split", "all", "--depth", "8"]


def contents(folder: Path) -> dict[str, bytes]:
    """Return what is in a folder, but for the note of where the corpora lie that a store serves."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "corpus.json")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return copy_kept(tmp_path, "features", "topics", "model-1", "model-2", "interrupted")


@pytest.mark.parametrize("name", ["model-1", "model-2"])
def test_a_kept_model_answers_as_it_did(place, name):
    text, said = typed(place, "run", "topics/topics.tsv", "--model", name, *WHOLE)
    assert run_differences(ranking(text), ranking((KEPT / name / "run.txt").read_text("utf-8")), ROUNDING) == []
    assert ("Encoding photographs" in said) == (name == "model-2")  # only the other one's features are kept
    assert "WARNING" not in said
    assert contents(place / "features") == contents(KEPT / "features")


def test_a_kept_model_answers_a_corpus_that_lies_elsewhere(place):
    (place / "data").rename(place / "moved")
    text, _ = typed(place, "run", "topics/topics.tsv", "--model", "model-1", *WHOLE, "--data", "moved")
    assert run_differences(ranking(text), ranking((KEPT / "model-1" / "run.txt").read_text("utf-8")), ROUNDING) == []


def test_a_kept_model_scores_the_organisers_input_as_it_did(place):
    typed(place, "build-topics", "--data", "data", "--topics-per-day", "3", "--format", "official", "--out", "drawn")
    names = ["--model", "model-1", "--group", "G", "--run", "1"]
    typed(place, "predict", "drawn/input.json", "scores.csv", *names)
    assert differences(official(place / "scores.csv"), KNOWN["predict"], TOLERANCE) == []


def test_a_kept_store_has_all_that_a_training_needs(place):
    before = contents(place / "features")
    table, _ = typed(place, "features", "status", "--data", "data", "--json")
    (store,) = json.loads(table)
    assert [store[key] for key in ("items", "done", "failed", "missing")] == [28, 28, 0, 0]
    _, said = typed(place, *train_words("new", RAW | KINDS["plain"], "data"))
    assert "Encoding photographs" not in said
    assert contents(place / "features") == before
    assert differences(training(place / "new"), KNOWN["plain"], TOLERANCE) == []


def test_a_kept_training_goes_on_to_the_weights_of_one_in_one_piece(place):
    words = train_words("interrupted", KINDS["interrupted"], "data")  # which leave sensors.numbers open
    with contextlib.chdir(place):
        refused = command_line(*words)
    assert refused.exit_code == 2
    assert "(step 13 of 20)" in refused.stderr
    begun = training(place / "interrupted")
    _, said = typed(place, *words, "--resume")
    assert "20 steps" in said
    assert "was begun with sensors.numbers = raw, and goes on with it" in said
    found = training(place / "interrupted")
    assert found["losses"][:13] == begun["losses"]
    assert differences(found, KNOWN["interrupted"], TOLERANCE) == []
    assert contents(place / "features") == contents(KEPT / "features")
