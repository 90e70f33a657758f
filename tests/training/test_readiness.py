"""A training that learns nothing, or does something in vain, says so before it begins."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import command_line, fit, one_thread, refusal, toy_config, toy_corpus, write_pictures  # noqa: F401

from ntcir.config import Config
from ntcir.modalities import DEFAULT_PAIR
from ntcir.sampling.negatives import MiningReport
from ntcir.sampling.relations import NEAR
from ntcir.training.remarks import idle_settings, of_validation
from ntcir.training.watching import Watch, nothing_mined

pytestmark = pytest.mark.usefixtures("one_thread")


def clips(folder: Path, seconds: int = 3) -> Path:
    """Write three clips of photographs so many seconds apart, to be read with the defaults of masking."""
    write_pictures(folder, ("c1", "c2", "c3"))
    text = (folder / "records.csv").read_text(encoding="utf-8")
    apart = re.sub(
        r"08:(\d\d):00Z", lambda time: f"08:{int(time[1]) * seconds // 60:02d}:{int(time[1]) * seconds % 60:02d}Z", text
    )
    (folder / "records.csv").write_text(apart, encoding="utf-8")
    settings = (folder / "ntcir.yaml").read_text(encoding="utf-8").replace("near_seconds: 0, ", "")
    (folder / "ntcir.yaml").write_text(settings, encoding="utf-8")
    return folder


def train(folder: Path, *settings: str, iters: int = 2) -> tuple[int, str]:
    arguments = [part for setting in settings for part in ("--set", setting)]
    done = command_line("train", "--data", str(folder / "data"), "--iters", str(iters), "--out", "out", *arguments)
    return done.exit_code, done.stderr


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    clips(tmp_path / "data")
    return tmp_path


def test_clips_that_lie_within_the_window_are_refused_and_what_is_advised_trains(here):
    code, said = train(here)
    assert code == 2
    assert "100% are near in time (training.near_seconds = 60)" in said
    assert "Encoding" not in said
    assert not (here / "out").exists()
    advised = re.findall(r"--set (\S+=[^\s.]+)", said)
    assert advised == ["training.near_seconds=10"]
    code, said = train(here, *advised)
    assert code == 0
    assert "Each photograph has 7 of the 13 other readings of its batch as negatives" in said
    losses = [json.loads(line)["loss"] for line in (here / "out" / "metrics.jsonl").read_text().splitlines()]
    assert min(losses) > 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["training.batches=day"], "near in time"),
        (["training.near_seconds=0", "sensors.preset=none", "sensors.numeric=[still]"], "with an equal reading"),
        (["negatives.model=true"], "near in time"),  # which never comes to mine
        (["negatives.model=true", "negatives.every=1"], "near in time"),  # nor finds any
    ],
)
def test_whatever_leaves_no_negative_is_refused(here, settings, words):
    text = (here / "data" / "records.csv").read_text(encoding="utf-8").splitlines()
    still = [f"{line},{'still' if number == 0 else 7}" for number, line in enumerate(text)]
    (here / "data" / "records.csv").write_text("\n".join(still) + "\n", encoding="utf-8")
    code, said = train(here, *settings)
    assert code == 2
    assert words in said
    assert "Encoding" not in said


def test_photographs_without_a_negative_among_others_are_counted(tmp_path, capsys):
    corpus = toy_corpus()
    corpus.pairs.loc[corpus.pairs["group"] == "2020-02-01", "timestamp"] = pd.Timestamp("2020-02-01", tz="UTC")
    fit(
        toy_config(training__iters=2, training__near_seconds=1, training__batches="day", seed=1),
        tmp_path,
        corpus=corpus,
    )
    said = capsys.readouterr().err
    assert re.search(
        r"WARNING: \d+% of the photographs have no negative in their batch .*\(counted in 2 batches; ",
        said,
    )
    assert "--set training.batches=all" in said


def test_mined_negatives_of_other_days_are_negatives_too(tmp_path, capsys):
    mined = {"training__batches": "day", "training__near_seconds": 20_000, "negatives__model": True}
    config = toy_config(training__iters=4, negatives__every=2, **mined)
    fit(config, tmp_path / "mined")
    assert "the only negatives are mined ones, from step 2 on" in capsys.readouterr().err
    assert "near in time" in refusal(fit, config.changed({"negatives.share": 0}), tmp_path / "none")


def remarks(sizes: list[int] | None = None, **changes: object) -> str:
    config = Config().changed({key.replace("__", "."): value for key, value in changes.items()})
    return " ".join(idle_settings(config, np.array(sizes or [300, 300])))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"training__batch": 700}, "training.batch = 700 is more than the 600 training pairs"),
        ({"training__batch": 400, "training__batches": "day"}, "more than the 300 pairs of the largest day"),
        ({"positives__overlap": 0.5}, "positives.overlap is set but not used: positives.objects is false"),
        ({"positives__overlap": 0.5, "positives__most": 3}, "positives.overlap, positives.most are set but not used"),
        (
            {"hubness__queries": 5, "hubness__temperature": 0.5},
            "hubness.temperature, hubness.queries are set but not used: hubness.beta is 0",
        ),
        ({"augment__share": 0.5}, "augment.share is set but not used: augment.views is 0"),
        ({"negatives__max_score": 0.5}, "negatives.max_score is set but not used"),
        ({"training__momentum": 0.5}, "training.momentum is set but not used: training.optimizer is adam."),
        (
            {"training__schedule": "step", "training__milestones": [499, 500]},
            "training.milestones: 500 is beyond training.iters = 500, so that rates do not fall there: lower it, or",
        ),
        (
            {"training__schedule": "step", "training__milestones": [10, 600, 700]},
            "training.milestones: 600, 700 are beyond training.iters = 500, so that rates do not fall there: lower",
        ),
        (
            {"objectives": [{"kind": "instance"}], "training__near_seconds": 5, "training__mask_equal_readings": False},
            "training.near_seconds is set but not used: no objective learns from negatives. "
            "training.mask_equal_readings is set but not used: no objective learns from negatives.",
        ),
        (
            {"objectives": [{"kind": "instance"}], "negatives__model": True},
            "negatives.model is true, and no objective learns from negatives",
        ),
        ({"encoder__lr": 0.5}, "encoder.lr is set but not used: encoder.finetune is false"),
        ({"positives__objects": True, "positives__share": 0}, "positives.share = 0 of a batch of 256"),
        ({"augment__views": 2, "augment__share": 0.001}, "augment.share = 0.001 of a batch of 256"),
        ({"negatives__model": True, "negatives__share": 0}, "negatives.share = 0 of a batch"),
        (
            {"negatives__model": True, "negatives__objects": True, "negatives__share": 0.004},
            "negatives.share = 0.004 of a batch",
        ),
        ({"negatives__model": True, "negatives__every": 500}, "negatives.every = 500 is not less than training.iters"),
        (
            {"negatives__model": True, "negatives__range_min": 599, "negatives__range_max": 700},
            "range_min = 599 is beyond",
        ),
        (
            {"negatives__model": True, "negatives__sample": 9, "negatives__range_min": 20},
            "the pairs that are searched (negatives.sample = 9)",
        ),
        ({"negatives__objects": True, "negatives__near_seconds": 0, "negatives__similar": 0}, "are both 0"),
    ],
)
def test_a_setting_without_effect_is_said(changes, words):
    assert words in remarks(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"positives__objects": True, "positives__overlap": 0.5},
        {"negatives__objects": True, "positives__least": 1},
        {"augment__views": 1}, {"negatives__model": True, "negatives__every": 499}, {"encoder__finetune": True},
    ],
)  # fmt: skip
def test_a_setting_with_effect_is_not(changes):
    assert remarks(**changes) == ""


def test_days_of_a_single_pair_are_told_of_where_batches_are_days():
    assert "2 training pairs are alone" in remarks([1, 300, 1], training__batches="day")
    assert "training.batches = day has no effect" in remarks([1, 1, 1], training__batches="day")
    assert "alone" not in remarks([1, 300, 1])


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ([], "has no pair"), ([1], "has a single pair"), ([1, 1, 1], "every validation pair is alone"),
        ([1, 30], "1 of 31 validation pairs"), ([2, 30], ""),
    ],
)  # fmt: skip
def test_a_validation_that_measures_nothing_is_told_of(sizes, words):
    said = " ".join(of_validation(np.array(sizes, dtype=int)))
    assert (words in said) if words else said == ""


def report(kept: int = 0, **refused: int) -> MiningReport:
    return MiningReport("photographs", 10, kept, 10, {key.replace("_", " "): count for key, count in refused.items()})


def test_mining_that_keeps_nothing_is_told_of_once(capsys):
    watch = Watch(Config())
    for _ in range(3):
        watch.mined([report(near_in_time=7, within_the_relative_margin=900)])
    (line,) = capsys.readouterr().err.splitlines()
    assert "kept no hard negative for 10 photographs" in line
    assert "900 within the relative margin; lower negatives.relative_margin" in line


@pytest.mark.parametrize(
    ("mined", "by", "words"),
    [
        (report(kept=1, near_in_time=9), "the model", None),
        (report(), "the model", "no candidate: lower negatives.range_min"),
        (report(), "objects", "no candidate: lower positives.least"),
        (report(above_the_score_ceiling=3), "the model", "raise negatives.max_score"),
        (report(showing_the_same_objects=3), "objects", "raise negatives.max_overlap"),
        (report(**{NEAR.replace(" ", "_"): 3}), "objects", "lower training.near_seconds"),
    ],
)
def test_what_would_help_mining_is_named(mined, by, words):
    said = nothing_mined(mined, by, DEFAULT_PAIR)
    assert (said is None) if words is None else words in str(said)


def test_mining_beyond_the_corpus_is_said_in_a_training(tmp_path, capsys):
    ranks = {"negatives__range_min": 200, "negatives__range_max": 300}
    fit(toy_config(training__iters=6, negatives__model=True, negatives__every=2, **ranks), tmp_path)
    said = capsys.readouterr().err
    assert said.count("negatives.range_min = 200 is beyond the 89 other training pairs") == 1
    assert said.count("kept no hard negative for") == 2  # photographs and readings, once each


def test_a_loss_that_stays_0_is_told_of_once(capsys):
    watch = Watch(Config())
    for loss in [0.0] * 24 + [0.1] + [0.0] * 80:
        watch.loss(loss)
    assert capsys.readouterr().err.count("the loss has been 0 for 25 steps") == 1


@pytest.mark.parametrize("place", ["a file", "a file/below", "/proc/below", "dangling/below"])
def test_a_folder_that_takes_no_model_is_refused_before_the_corpus_is_read(here, place):
    (here / "a file").touch()
    (here / "dangling").symlink_to("nowhere")
    done = command_line("train", "--data", "data", "--out", place)
    assert done.exit_code == 2
    assert "read 42 rows" not in done.stderr
    assert place.split("/below")[0] in done.stderr
