"""From a corpus and a configuration to what a training is shown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import (
    ToyFeatures,
    command_line,
    fit,
    one_thread,  # noqa: F401
    refusal,
    toy_config,
    toy_corpus,
    toy_features,
    toy_rows,
)

import ntcir.encoders.frozen
import ntcir.training.preparation
from ntcir.config import AutoSplit, Config
from ntcir.corpora import open_corpus
from ntcir.encoders import open_pair, open_rows
from ntcir.features.objects import COLUMNS
from ntcir.model.metrics import METRICS, read_metrics
from ntcir.training.preparation import Preparation
from ntcir_demo import write_demo

pytestmark = pytest.mark.usefixtures("one_thread")
CLASSES = ("cup", "person", "tree")


class ToyDetections:
    """Stands for ``ObjectDetections``: what is in a photograph follows from its name."""

    nothing, sign = False, "toy detector"

    def __init__(self, corpus: Any, options: Any, store: Path) -> None:
        self.counted, self.fingerprint = CLASSES, self.sign

    def ensure(self, ids: Sequence[str]) -> np.ndarray:
        return np.ones(len(ids), dtype=bool)

    def counts(self, ids: Sequence[str]) -> np.ndarray:
        draw = [np.random.default_rng(list(item.encode())).poisson(0.7, len(CLASSES)) for item in ids]
        return np.array(draw).reshape(-1, len(CLASSES)) * (not self.nothing)


@pytest.fixture
def detected(monkeypatch: pytest.MonkeyPatch) -> type[ToyDetections]:
    monkeypatch.setattr(ToyDetections, "nothing", False)
    monkeypatch.setattr(ntcir.training.preparation, "ObjectDetections", ToyDetections)
    return ToyDetections


def prepared(config: Config) -> Preparation:
    return prepared_with(config, toy_corpus())


def everything(**changes: Any) -> Config:
    method = {
        "positives__objects": True, "positives__overlap": 0.5, "positives__least": 1, "augment__views": 2,
        "negatives__objects": True, "negatives__model": True, "negatives__every": 10, "negatives__near_seconds": 3600,
    }  # fmt: skip
    return toy_config(**(method | changes))


def test_nobody_is_asked_for_objects_that_nobody_uses(monkeypatch):
    monkeypatch.setattr(ntcir.training.preparation, "ObjectDetections", None)
    data = prepared(toy_config(augment__views=0))
    assert data.overlap is None
    assert data.augmenter is None
    assert data.views_of("image") is None
    assert not data.composer().hard


def test_a_training_knows_its_matches_and_hard_negatives(detected, capsys):
    data = prepared(everything())
    composer = data.composer()
    assert composer.objects is not None
    counts = detected(None, None, Path()).counts(data.train["image"].tolist())
    groups = data.train["group"].tolist()
    weights = np.log(len(counts) / (counts > 0).sum(axis=0)) + 1
    matched = 0
    for i, row in enumerate(composer.objects.matches):
        for j in row[row >= 0]:
            both = (weights * np.minimum(counts[i], counts[j])).sum()
            assert both / (weights * np.maximum(counts[i], counts[j])).sum() >= 0.5 - 1e-5
            assert groups[i] == groups[j]
            matched += 1
    assert matched > 50
    found = composer.hard["objects"]
    hard = found.left
    assert hard is found.right
    assert (hard >= 0).sum() > 50
    reasons = composer.forbidden()
    assert list(reasons)[-1] == "pseudo-positive"
    for i, row in enumerate(hard):
        for j in row[row >= 0]:
            assert not any(relation(np.array([i]), np.array([j])) for relation in reasons.values())
    said = capsys.readouterr().err
    assert "have pseudo-positives" in said
    assert "hard negatives" in said


def test_views_are_those_of_the_training_photographs(monkeypatch):
    monkeypatch.setattr(ntcir.encoders.frozen, "_BLOCK", 7)
    data = prepared(toy_config(augment__views=2))
    views = data.views_of("image")
    assert views is not None
    assert views.dtype == np.float16
    plain = data.loaded["image"]
    assert np.allclose(views, [plain + 0.1, plain + 0.2], atol=2e-3 * np.abs(plain).max())


def test_a_corpus_without_any_detection_is_trained_on_without(detected, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(detected, "nothing", True)
    result = fit(everything(augment__views=0, negatives__model=False), tmp_path / "none")
    assert "continuing without" in capsys.readouterr().err
    assert result.steps == 60
    # Nothing but the batch is left to learn from.
    fit(toy_config(), tmp_path / "plain")
    assert (
        read_metrics(tmp_path / "none" / METRICS)[-1]["loss"] == read_metrics(tmp_path / "plain" / METRICS)[-1]["loss"]
    )


def test_all_parts_together_change_the_loss_and_are_counted(detected, tmp_path):
    losses = {}
    for name, config in {
        "plain": toy_config(),
        "objects": everything(augment__views=0, negatives__objects=False, negatives__model=False),
        "views": toy_config(augment__views=2),
        "mined": toy_config(negatives__model=True, negatives__every=10),
        "all": everything(),
    }.items():
        fit(config, tmp_path / name)
        rows = read_metrics(tmp_path / name / METRICS)
        losses[name] = rows[-1]["loss"]
        mined = {row["step"]: row["mined"] for row in rows if "mined" in row}
        assert list(mined) == ([11, 21, 31, 41, 51] if name in ("mined", "all") else [])
        for counts in mined.values():
            assert set(counts) == {"images", "sensors"}
            # Ten steps show hard negatives of four of their sixteen pairs each.
            assert 20 < counts["images"]["pairs"] == counts["sensors"]["pairs"] <= 40
            assert ("pseudo-positive" in counts["images"]) == (name == "all")
    assert len(set(losses.values())) == len(losses)


def test_a_transform_that_is_none_is_said_before_anything_is_encoded(monkeypatch):
    monkeypatch.setattr(ToyFeatures, "ensure", None)
    sentence = refusal(prepared, toy_config(augment__views=1, augment__transforms=[{"name": "Rotat"}]))
    assert "did you mean 'Rotate'" in sentence


def test_a_class_weight_for_no_class_is_one_sentence(detected):
    assert "did you mean 'cup'" in refusal(prepared, everything(positives__class_weights={"cups": 2.0}))


def test_another_detector_is_no_resuming(detected, tmp_path, monkeypatch):
    fit(everything(training__iters=20), tmp_path / "one")
    monkeypatch.setattr(detected, "sign", "another detector")
    assert "Cannot resume" in refusal(fit, everything(training__iters=40), tmp_path / "one", resume=True)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("positives__overlap", 0), ("positives__overlap", 1.5), ("positives__share", 2), ("positives__most", 0),
        ("positives__within_seconds", -1), ("augment__views", -1), ("augment__share", 1.01), ("objects__confidence", 0),
        ("objects__confidence", 1), ("objects__iou", 0), ("negatives__max_overlap", 1), ("negatives__max_score", 1.5),
        ("negatives__range_max", 0), ("negatives__range_min", 50), ("negatives__relative_margin", -0.1),
        ("negatives__every", 0), ("encoder__chunk", 0), ("encoder__precision", "fp8"),
        ("positives__class_weights", {"cup": -1}), ("augment__transforms", [{"limit": 3}]),
    ],
)  # fmt: skip
def test_a_threshold_out_of_range_is_one_sentence(key, value):
    sentence = refusal(toy_config, **{key: value})
    assert key.split("__")[0] in sentence


def test_the_whole_method_on_a_drawn_lifelog(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_demo(Path("data/demo"), days=3, per_day=12, workers=1)
    done = command_line("features", "objects", "--csv", "objects.csv")
    assert done.exit_code == 0, done.output
    lines = Path("objects.csv").read_text().splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert len(lines) > 36
    done = command_line(
        "train", "--iters", "20", "--set", "positives.objects=true", "--set", "positives.least=1",
        "--set", "augment.views=1", "--set", "negatives.objects=true", "--set", "negatives.model=true",
        "--set", "negatives.every=10", "--set", "topics.pool=10",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "have pseudo-positives" in done.stderr


# ----------------------------------------------------------------------------------------- columns that say nothing


def toy_with(**columns: Any) -> Any:
    """Return the toy corpus with other columns of readings."""
    corpus = toy_corpus()
    for column, values in columns.items():
        corpus.sensors[column] = values
    return corpus


def prepared_with(config: Config, corpus: Any) -> Preparation:
    return Preparation.of(config, corpus, toy_rows(config, corpus))


@pytest.mark.parametrize(
    "named",
    [{"sensors__numeric": ["mute"]}, {"sensors__categorical": ["mute"]}, {"sensors__cyclic": {"mute": 24}}],
)
def test_a_column_that_is_named_and_has_no_value_in_training_is_refused(named: dict[str, Any]) -> None:
    corpus = toy_with(mute=np.nan)
    corpus.sensors.iloc[-1, -1] = 1.0  # a value in the test split is of no use
    sentence = refusal(prepared_with, toy_config(**named), corpus)
    assert "'mute' has no value in the training split of toy" in sentence
    assert "all its 90 cells there are empty" in sentence
    assert "--set 'sensors.exclude=[mute]'" in sentence


def test_the_reason_for_an_empty_column_is_said_where_it_is_known() -> None:
    corpus = toy_with(mute=np.nan)
    corpus.report.empty["mute"] = "no minute with photographs has a row in lsc22_metadata.csv"
    sentence = refusal(prepared_with, toy_config(sensors__numeric=["mute"]), corpus)
    assert "no minute with photographs has a row in lsc22_metadata.csv" in sentence


def test_an_only_column_without_values_is_refused_whoever_chose_it() -> None:
    corpus = toy_with(a=np.nan, b=np.nan)
    corpus.sensors["c"] = corpus.sensors["place"] = np.nan
    with toy_features(of=toy_corpus()):
        rows = open_pair(toy_config(), corpus)
    sentence = refusal(Preparation.of, toy_config(), corpus, rows)
    assert "'a' has no value in the training split" in sentence
    assert "sensors.numeric" in sentence


def test_empty_and_constant_columns_of_a_wide_choice_are_said_and_change_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    corpus = toy_with(mute=np.nan, same=3.0, word="always", each=[f"w{number}" for number in range(150)])
    data = prepared_with(toy_config(), corpus)
    assert data.loaded["sensor"].shape == (90, data.rows["sensor"].dim)
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "WARNING: these sensor columns have no value in training, so they carry no information: mute.",
        "WARNING: these sensor columns do not vary in training, so they carry no information: same, word, each.",
    ]


def test_nothing_is_said_of_columns_that_vary(capsys: pytest.CaptureFixture[str]) -> None:
    prepared(toy_config())
    assert capsys.readouterr().err == ""


def test_text_in_a_column_that_is_named_as_numeric_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    corpus = toy_with(gear=["1", "2", "reverse"] * 50)
    prepared_with(toy_config(sensors__preset="none", sensors__numeric=["gear"]), corpus)
    assert "gear: 30 of 90 values are not numbers and count as missing (first: 'reverse')" in capsys.readouterr().err


@pytest.mark.parametrize("preset", ["auto", "ymx2l", "organisers", "full"])
@pytest.mark.parametrize(("minutes", "reason"), [("%d/%m/%Y %H:%M", "no minute with"), ("%Y%m%d_%H%M", "none of its")])
def test_a_lifelog_without_any_heart_rate_is_not_trained_with_a_constant(
    make_lifelog: Any, tmp_path: Path, minutes: str, reason: str, preset: str
) -> None:
    names = [f"20200228_{hour:02d}0032_000.jpg" for hour in range(8, 20)]
    times = [dt.datetime.strptime(name[:13], "%Y%m%d_%H%M").strftime(minutes) for name in names]
    rows = [{"minute_id": time, "heart_rate(bpm)": "fast"} for time in times]
    corpus = open_corpus(
        make_lifelog(tmp_path / "life", located=[{"ImageID": name} for name in names], minutes=rows), AutoSplit()
    )
    config = toy_config(sensors__preset=preset)
    # It is refused before any picture is looked at.
    sentence = refusal(Preparation.of, config, corpus, {"sensor": open_rows(config, corpus, "sensor")})
    assert "'heart_rate(bpm)' has no value in the training split" in sentence
    assert reason in sentence
    assert "sensors.exclude=[heart_rate(bpm)" in sentence
