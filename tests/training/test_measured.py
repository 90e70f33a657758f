"""A validation as the log has it, and the smoothed curve by which a step is chosen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers import fit, fit_in_two_parts, one_thread, toy_config, toy_trainer  # noqa: F401
from safetensors.torch import load_file

from ntcir.measures.reciprocal import Figures
from ntcir.model.folder import CARD, WEIGHTS
from ntcir.model.metrics import METRICS, read_metrics
from ntcir.model.model import Model
from ntcir.training.measured import smoothed, told
from ntcir.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("one_thread")
WAYS = ("img2sen", "sen2img")


def measured_by(curve: list[float]) -> type:
    """Return a validation of a training that learns as a curve says, whatever it does."""

    class Told:
        def __init__(self) -> None:
            self.left = list(curve)

        def figures(self, model: Model) -> dict[str, Figures]:
            value = self.left.pop(0)
            ones = np.ones(2)
            return {way: Figures(np.array([value, value]), ones.astype(np.int64), ones, ones) for way in WAYS}

    return Told


def kept_step(folder: Path, curve: list[float], over: int) -> tuple[int, dict[str, object]]:
    """Return the step whose model is kept of a training with a validation a step, and what the model says of it."""
    config = toy_config(training__iters=len(curve), training__validate_every=1, training__smoothing=over)
    trainer: Trainer = toy_trainer(config, folder)
    object.__setattr__(trainer._data, "validation", measured_by(curve)())
    result = trainer.run()
    card = json.loads((folder / CARD).read_text())
    assert card["step"] == result.best_step
    assert result.validation == card["validation"]
    return result.best_step, card


@pytest.mark.parametrize(("over", "expected"), [(1, 2), (2, 5), (3, 6), (6, 6), (7, 6)], ids=lambda value: str(value))
def test_the_step_kept_is_the_best_of_the_smoothed_curve_and_no_early_peak(tmp_path, over, expected):
    curve = [0.1, 0.9, 0.1, 0.5, 0.6, 0.45]
    step, card = kept_step(tmp_path, curve, over)
    means = {at: sum(curve[at - over : at]) / over for at in range(over, 7)}
    if over < 7:
        assert means[step] == pytest.approx(max(means.values()))
    assert step == expected
    if over == 1:
        assert "smoothed" not in card  # the files of such models are as they were
    else:
        some = curve[max(0, step - over) : step]
        assert card["smoothed"] == {"mean": pytest.approx(sum(some) / len(some)), "validations": len(some)}


@pytest.mark.parametrize(("over", "curve"), [(1, [0.2, 0.5, 0.5, 0.5]), (2, [0.1, 0.2, 0.3, 0.2, 0.3])])
def test_of_equally_good_steps_the_first_is_kept(tmp_path, over, curve):
    assert kept_step(tmp_path, curve, over)[0] == (2 if over == 1 else 3)


def test_fewer_validations_than_are_smoothed_over_keep_the_last_and_say_so(tmp_path):
    result = fit(toy_config(training__iters=20, training__smoothing=5), tmp_path / "m")
    assert result.best_step == 20
    assert "the last, step 20 (there were fewer validations than training.smoothing)" in result.sentence()


def test_a_smoothed_training_that_is_resumed_keeps_the_same_model(tmp_path):
    config = toy_config(training__lr=0.3, training__smoothing=3)  # so high that training gets worse at times
    whole = fit(config, tmp_path / "whole")
    parts = fit_in_two_parts(config, tmp_path / "parts", stop=37, every=5)
    assert (parts.best_step, parts.validation, parts.errors) == (whole.best_step, whole.validation, whole.errors)
    one, two = (load_file(tmp_path / name / WEIGHTS) for name in ("whole", "parts"))
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert (tmp_path / "whole" / CARD).read_bytes() == (tmp_path / "parts" / CARD).read_bytes()
    rows = [row for row in read_metrics(tmp_path / "whole" / METRICS) if WAYS[0] in row]
    curve = {row["step"]: smoothed([r for r in rows if r["step"] <= row["step"]], WAYS, 3) for row in rows}
    best = max(each.mean for each in curve.values() if each.validations == 3)
    assert curve[whole.best_step].mean == best
    assert "the best by the mean of 3 validations, step" in whole.sentence()


def test_the_standard_error_is_by_blocks_of_queries_that_are_neighbours_in_time(tmp_path):
    config = toy_config(training__iters=10, topics__pool=500)
    result = fit(config, tmp_path / "m")  # validates on one day of 30 readings, by the minute: ten blocks of 3
    row = read_metrics(tmp_path / "m" / METRICS)[-1]
    validation = toy_trainer(config, tmp_path / "other")._data.validation
    assert validation is not None
    order = np.argsort(validation._drawn["timestamp"].to_numpy())
    for way, figures in validation.figures(Model.load(tmp_path / "m")).items():
        blocks = figures.sums[order].reshape(10, 3).mean(axis=1)
        assert row[f"{way}_se"] == pytest.approx(np.std(blocks, ddof=1) / np.sqrt(10))
        assert f"{way} {row[way]:.4f} ± {row[f'{way}_se']:.4f}" in result.sentence()


@pytest.mark.parametrize(("errors", "words"), [({}, "a2b 0.1235"), ({"a2b": 0.01}, "a2b 0.1235 ± 0.0100")])
def test_the_closing_line_has_the_standard_error_where_there_is_one(errors, words):
    assert told({"a2b": 0.12345}, errors) == words
