"""A training that was interrupted ends as if it had not been."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forking import python
from helpers import (
    command_line,
    fit,
    one_thread,  # noqa: F401
    refusal,
    toy_config,
    toy_corpus,
    toy_trainer,
    write_pictures,
)
from safetensors.torch import load_file

import ntcir.training.trainer
from ntcir.config import load_config
from ntcir.model.folder import CARD, WEIGHTS
from ntcir.model.metrics import METRICS, read_metrics
from ntcir.model.model import Model
from ntcir.training.checkpoint import LAST, load_checkpoint, read_progress, save_checkpoint
from ntcir.training.run_folder import is_finished
from ntcir.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("one_thread")
# What could differ between a run in one piece and one in two: dropout, both kinds of batches, rates that change.
KINDS = [
    {"training__batches": batches, "training__schedule": schedule, "training__learn_temperature": schedule == "cosine"}
    for batches in ("all", "day") for schedule in ("constant", "cosine")
]  # fmt: skip
# And where hard negatives were mined before the interruption, or are due just then; and altered views.
KINDS.append({"negatives__model": True, "negatives__every": 7, "augment__views": 2})
# And what is drawn by an objective, or changes with the steps.
KINDS.append({"objectives": [{"kind": "triplet"}, {"kind": "ranking", "warm_up": 20}]})
# And what another optimizer keeps, with rates that fall just then.
DESCENT = {"training__optimizer": "sgd", "training__lr": 0.1, "training__weight_decay": 0.01}
KINDS.append({**DESCENT, "training__schedule": "step", "training__milestones": [15, 37]})
KINDS.append({**DESCENT, "training__momentum": 0.0})
DROPOUT = {"towers__image_dropout": 0.2, "towers__sensor_dropout": 0.2}


class Stopped(Exception):
    """Something that goes wrong in the middle of a training."""


def stop_before(monkeypatch: pytest.MonkeyPatch, step: int, action: Any) -> None:
    """Call ``action`` before a step is taken (from 0)."""
    whole = Trainer._step

    def interrupted(self: Trainer, number: int) -> float:
        if number == step:
            action()
        return whole(self, number)

    monkeypatch.setattr(Trainer, "_step", interrupted)


def fail() -> None:
    raise Stopped


def outcome(folder: Path) -> tuple[dict[str, bytes], dict[str, bytes], list[dict[str, Any]]]:
    """Return all that a training leaves, to the bit, but the seconds it took."""
    best, last = (
        {name: value.numpy().tobytes() for name, value in load_file(folder / name).items()} for name in (WEIGHTS, LAST)
    )
    rows = read_metrics(folder / METRICS)
    return best, last, [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(map(str, kind.values())))
@pytest.mark.parametrize("step", [3, 37])
def test_a_training_that_was_interrupted_ends_as_if_it_had_not_been(tmp_path, monkeypatch, kind, step):
    monkeypatch.setattr(ntcir.training.trainer, "CHECKPOINT_EVERY", 15)
    config = toy_config(training__iters=50, **DROPOUT, **kind)
    fit(config, tmp_path / "whole")
    with monkeypatch.context() as patch:
        stop_before(patch, step, fail)
        with pytest.raises(Stopped):
            fit(config, tmp_path / "pieces")
    assert read_progress(tmp_path / "pieces" / LAST).step == step // 15 * 15
    result = fit(config, tmp_path / "pieces", resume=True)
    assert outcome(tmp_path / "pieces") == outcome(tmp_path / "whole")
    assert result.steps == 50


def test_a_log_that_is_ahead_of_its_checkpoint_is_cut_back(tmp_path, monkeypatch):
    monkeypatch.setattr(ntcir.training.trainer, "CHECKPOINT_EVERY", 15)
    fit(toy_config(**DROPOUT), tmp_path / "whole")

    def full_disk(folder: Path, model: Any, optimizer: Any, progress: Any, mined: Any) -> None:
        if progress.step == 30:
            raise Stopped
        save_checkpoint(folder, model, optimizer, progress, mined)

    with monkeypatch.context() as patch:
        patch.setattr(ntcir.training.trainer, "save_checkpoint", full_disk)
        with pytest.raises(Stopped):
            fit(toy_config(**DROPOUT), tmp_path / "pieces")
    assert read_metrics(tmp_path / "pieces" / METRICS)[-1]["step"] == 30
    assert read_progress(tmp_path / "pieces" / LAST).step == 15
    fit(toy_config(**DROPOUT), tmp_path / "pieces", resume=True)
    assert outcome(tmp_path / "pieces") == outcome(tmp_path / "whole")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_training_after_its_step_with_everything_kept(tmp_path, monkeypatch, number):
    config = toy_config(**DROPOUT)
    fit(config, tmp_path / "whole")
    with monkeypatch.context() as patch:
        stop_before(patch, 22, lambda: os.kill(os.getpid(), number))
        sentence = refusal(fit, config, tmp_path / "pieces")
    assert "--resume" in sentence
    assert read_progress(tmp_path / "pieces" / LAST).step == 23
    before = signal.getsignal(number)
    fit(config, tmp_path / "pieces", resume=True)
    assert outcome(tmp_path / "pieces") == outcome(tmp_path / "whole")
    assert signal.getsignal(number) is before


def test_a_signal_in_the_last_step_comes_too_late_to_interrupt(tmp_path, monkeypatch):
    stop_before(monkeypatch, 9, lambda: os.kill(os.getpid(), signal.SIGINT))
    assert fit(toy_config(training__iters=10), tmp_path / "m").steps == 10


@pytest.mark.parametrize("rates", [{}, {"training__schedule": "step", "training__milestones": [10, 30]}])
def test_more_steps_can_be_added_to_a_training_that_is_done(tmp_path, rates):
    fit(toy_config(training__iters=40, **DROPOUT, **rates), tmp_path / "whole")
    fit(toy_config(training__iters=20, **DROPOUT, **rates), tmp_path / "pieces")
    fit(toy_config(training__iters=40, **DROPOUT, **rates), tmp_path / "pieces", resume=True)
    assert outcome(tmp_path / "pieces") == outcome(tmp_path / "whole")


def test_resuming_what_is_done_changes_nothing(tmp_path):
    first = fit(toy_config(), tmp_path / "m")
    before = outcome(tmp_path / "m")
    assert fit(toy_config(), tmp_path / "m", resume=True) == first
    assert outcome(tmp_path / "m") == before


def test_a_training_whose_model_a_later_version_saved_is_not_resumed(tmp_path):
    fit(toy_config(), tmp_path / "m")
    card = tmp_path / "m" / CARD
    card.write_text(json.dumps(json.loads(card.read_text(encoding="utf-8")) | {"version": 3}), encoding="utf-8")
    sentence = refusal(fit, toy_config(), tmp_path / "m", resume=True)
    assert "was saved by a newer ntcir (format 3; this one reads formats up to 2): upgrade ntcir." in sentence


def test_a_training_is_not_resumed_on_other_data(tmp_path):
    fit(toy_config(training__iters=20), tmp_path / "m")
    other = toy_corpus()
    other.sensors["a"] *= 2
    sentence = refusal(fit, toy_config(training__iters=40), tmp_path / "m", resume=True, corpus=other)
    assert "readings" in sentence
    assert fit(toy_config(training__iters=40), tmp_path / "m", resume=True).steps == 40


def test_resume_without_anything_to_resume_starts(tmp_path):
    assert fit(toy_config(training__iters=5), tmp_path / "m", resume=True).steps == 5


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"training__lr": 0.01}, "training.lr"),
        ({"seed": 5}, "seed"),
        ({"towers__dim": 16}, "towers.dim"),
        ({"sensors__exclude": ["a"]}, "sensors.exclude"),
        ({"features__backbones": [{"arch": "resnet18"}]}, "features.backbones"),
        ({"training__temperature": 0.9}, "objectives.0.temperature"),
    ],
)
def test_another_configuration_is_refused_by_its_key(tmp_path, changes, key):
    fit(toy_config(training__iters=20), tmp_path / "m")
    before = outcome(tmp_path / "m")
    sentence = refusal(fit, toy_config(training__iters=40, **changes), tmp_path / "m", resume=True)
    assert f"{key} was changed" in sentence
    assert outcome(tmp_path / "m") == before
    assert "training:" in (tmp_path / "m" / "config.yaml").read_text(encoding="utf-8")


def test_a_cosine_schedule_cannot_be_lengthened_afterwards(tmp_path):
    fit(toy_config(training__iters=20, training__schedule="cosine"), tmp_path / "m")
    longer = toy_config(training__iters=40, training__schedule="cosine")
    assert "training.iters was changed" in refusal(fit, longer, tmp_path / "m", resume=True)


def test_a_finished_training_is_not_overwritten(tmp_path):
    fit(toy_config(training__iters=20), tmp_path / "m")
    before = {path.name: path.read_bytes() for path in (tmp_path / "m").iterdir()}
    assert "already holds a trained model" in refusal(fit, toy_config(training__iters=30), tmp_path / "m")
    (tmp_path / "m" / LAST).rename(tmp_path / "elsewhere")  # a model that was handed on without its checkpoint
    assert "already holds a trained model" in refusal(fit, toy_config(training__iters=30), tmp_path / "m")
    (tmp_path / "elsewhere").rename(tmp_path / "m" / LAST)
    assert {path.name: path.read_bytes() for path in (tmp_path / "m").iterdir()} == before
    assert is_finished(tmp_path / "m")


@pytest.mark.parametrize("step", [12, 34])
def test_a_training_that_was_interrupted_is_not_begun_anew_without_being_asked(tmp_path, monkeypatch, step):
    monkeypatch.setattr(ntcir.training.trainer, "CHECKPOINT_EVERY", 30)
    with monkeypatch.context() as patch:
        stop_before(patch, step, fail)
        with pytest.raises(Stopped):
            fit(toy_config(), tmp_path / "m")
    # After step 10 there is a model, before step 30 no checkpoint but the first.
    assert (tmp_path / "m" / WEIGHTS).is_file()
    assert "--resume" in refusal(fit, toy_config(), tmp_path / "m")
    assert not is_finished(tmp_path / "m")


@pytest.mark.parametrize("damage", [b"", b"noise" * 100, None])
def test_a_damaged_checkpoint_is_one_sentence(tmp_path, damage):
    fit(toy_config(training__iters=20), tmp_path / "m")
    path = tmp_path / "m" / LAST
    path.write_bytes(path.read_bytes()[:-100] if damage is None else damage)
    assert str(path) in refusal(fit, toy_config(training__iters=40), tmp_path / "m", resume=True)


def test_a_checkpoint_of_other_shapes_is_one_sentence(tmp_path):
    fit(toy_config(training__iters=5), tmp_path / "m")
    other = toy_trainer(toy_config(towers__dim=16), tmp_path / "other")
    assert "Cannot resume" in refusal(load_checkpoint, tmp_path / "m", other.model, other._stepper.optimizer)


def test_a_checkpoint_holds_the_optimizer_to_the_bit(tmp_path):
    one = toy_trainer(toy_config(training__iters=5), tmp_path / "one")
    one.run()
    other = toy_trainer(toy_config(seed=3), tmp_path / "other")
    progress, _ = load_checkpoint(tmp_path / "one", other.model, other._stepper.optimizer)
    save_checkpoint(tmp_path / "other", other.model, other._stepper.optimizer, progress)
    assert (tmp_path / "other" / LAST).read_bytes() == (tmp_path / "one" / LAST).read_bytes()


# ------------------------------------------------------------------------------------------ the command, killed


def command(name: str) -> list[str]:
    settings = ["training.batches=day", "training.schedule=cosine", "training.validate_every=20"]
    return ["train", "--data", "data", "--iters", "120", "--out", name, *(f"--set={setting}" for setting in settings)]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus of pictures, and a training of 120 steps in one piece."""
    folder = tmp_path_factory.mktemp("killed")
    write_pictures(folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = command_line(*command("whole"))
    assert done.exit_code == 0, done.output
    return folder


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_a_command_that_is_killed_goes_on_with_resume_to_the_same_weights(pictures, monkeypatch, number):
    """The child stops itself in its 111th step: after a checkpoint, a model and a validation, and before the last."""
    name = f"killed-{number}"
    child = (
        "import os, sys\nfrom ntcir.training.trainer import Trainer\nwhole = Trainer._step\n"
        f"def step(self, number):\n    number == 110 and os.kill(os.getpid(), {int(number)})\n"
        "    return whole(self, number)\nTrainer._step = step\n"
        "from ntcir.cli import main\nmain()\n"
    )
    killed = python(child, *command(name), folder=pictures)
    if number == signal.SIGKILL:
        assert killed.returncode == -signal.SIGKILL
        assert read_progress(pictures / name / LAST).step == 100
    else:
        assert killed.returncode == 2
        assert "--resume" in killed.stderr
        assert "Traceback" not in killed.stderr
        assert read_progress(pictures / name / LAST).step == 111
    monkeypatch.chdir(pictures)
    resumed = command_line(*command(name), "--resume")
    assert resumed.exit_code == 0, resumed.output
    assert outcome(pictures / name) == outcome(pictures / "whole")
    assert (pictures / name / "curve.png").is_file()
    assert not list((pictures / name).glob(".*")), "a temporary file is left"


def test_a_real_network_s_features_are_learnt_too(pictures):
    rows = read_metrics(pictures / "whole" / METRICS)
    best = max((row["img2sen"] + row["sen2img"]) / 2 for row in rows if "img2sen" in row)
    assert best > 2 * np.mean([1 / rank for rank in range(1, 15)])


def test_a_training_of_raw_numbers_goes_on_with_them(tmp_path, capsys):
    """What was saved before numbers could be anything else does not say what becomes of them."""
    left_open = toy_config(training__iters=4, training__validate_every=2)
    raw = left_open.changed({"sensors.numbers": "raw"})
    fit(raw, tmp_path / "m")
    path = tmp_path / "m" / "config.yaml"
    path.write_text(path.read_text("utf-8").replace("  numbers:\n  - raw\n", ""), encoding="utf-8")
    other = left_open.changed({"sensors.numbers": "rbf"})
    assert "sensors.numbers was changed" in refusal(fit, other, tmp_path / "m", resume=True)
    for _ in range(2):  # the second time, it is spelled out
        capsys.readouterr()
        fit(left_open, tmp_path / "m", resume=True)
        assert "was begun with sensors.numbers = raw, and goes on with it" in capsys.readouterr().err
    assert load_config(path).sensors.numbers == ["raw"]
    assert Model.load(tmp_path / "m").encoders["sensor"].dim == 5  # a, b and c, the place's frequency, b's indicator


def test_numbers_may_be_spelled_out_or_left_open_when_a_training_goes_on(tmp_path):
    left_open = toy_config(training__iters=2)
    fit(left_open, tmp_path / "m")
    fit(left_open.changed({"sensors.numbers": "periodic"}), tmp_path / "m", resume=True)
    raw = left_open.changed({"sensors.numbers": "raw"})
    assert "sensors.numbers was changed" in refusal(fit, raw, tmp_path / "m", resume=True)
