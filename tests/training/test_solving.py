"""Models that are solved at once: what they compute, say, refuse and leave behind."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import (  # noqa: F401
    ToyFeatures,
    command_line,
    fit,
    one_thread,
    refusal,
    toy_config,
    toy_corpus,
    toy_features,
    toy_rows,
)
from toy_captions import caption_config, captioned

import ntcir.encoders.frozen
import ntcir.training.paired_rows
import ntcir.training.solvable
import ntcir.training.stemmed
from ntcir.config import Config, Solved
from ntcir.config.registry import OBJECTIVES
from ntcir.corpora.corpus import Corpus
from ntcir.model.folder import CARD, CONFIG, WEIGHTS
from ntcir.model.model import Model
from ntcir.model.trained import LAST, is_finished, newest
from ntcir.objectives.linear_maps import LinearMaps
from ntcir.training.start import Start

pytestmark = pytest.mark.usefixtures("one_thread")


def solved_config(base: Config | None = None, **options: Any) -> Config:
    """Return a toy's configuration with procrustes; options of it, or dotted keys with ``__`` for the dots."""
    own = {key: options.pop(key) for key in ("kind", "pairs", "unit") if key in options}
    changes = {key.replace("__", "."): value for key, value in options.items()}
    return (base or toy_config()).changed({"objectives": [{"kind": "procrustes", **own}], **changes})


def texts_config(**changes: Any) -> Config:
    return solved_config(caption_config(**changes))


class Thirds(Solved):
    """A toy: of three maps the one that the validation split likes best."""

    kind: Literal["thirds"] = "thirds"

    def solve(self, problem):
        draw = np.random.default_rng(0)
        p, q = len(problem.moments.left), len(problem.moments.right)
        tried = [LinearMaps(draw.normal(size=(k, p)), draw.normal(size=(k, q))) for k in (2, 3, 4)]
        if problem.judge is None:
            return replace(tried[0], facts={"judged": 0})
        found = [problem.judge(maps) for maps in tried]
        return replace(tried[int(np.argmax(found))], facts={"judged": max(found), "all": found})


# --------------------------------------------------------------------------------------------- what is computed


def test_cosines_are_those_of_the_orthogonal_map_by_hand(tmp_path):
    corpus = toy_corpus()
    config = solved_config(towers__image__power=0.5, sensors__numbers="raw")  # of full rank
    fit(config, tmp_path / "model")
    model = Model.load(tmp_path / "model")
    rows = toy_rows(model.config, corpus)
    train_pairs = corpus.split("train")
    rows["sensor"].fit(train_pairs["sensor"].tolist())
    x, y = (rows[name].load(train_pairs[name].tolist()).astype(np.float64) for name in config.pair)
    x = np.sign(x) * np.sqrt(np.abs(x))
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    sides = [each - each.mean(axis=0) for each in (x, y)]
    left, right = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in sides)
    axes = np.linalg.eigh(left.T @ left)[1][:, ::-1][:, : y.shape[1]].T
    u, _, v = np.linalg.svd(right.T @ left @ axes.T)
    turned = left @ (u @ v @ axes).T
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    found = [model.unit_vectors(name, rows[name].load(train_pairs[name].tolist())) for name in config.pair]
    assert found[0] @ found[1].T == pytest.approx(turned @ right.T, abs=1e-5)
    assert model.config.towers.dim == found[0].shape[1] == y.shape[1]


def test_what_it_measures_is_far_better_than_chance_and_both_kinds_of_pairs_are_there(tmp_path):
    corpus = toy_corpus()
    again = corpus.pairs.assign(image=corpus.pairs["image"].str.replace("00_000", "30_000"))
    images = pd.concat([corpus.images, corpus.images.set_index(pd.Index(again["image"], name="image"))])
    both = replace(
        corpus,
        pairs=pd.concat([corpus.pairs, again]).sort_values("timestamp", kind="stable", ignore_index=True),
        tables={"image": images, "sensor": corpus.sensors},
    )
    for pairs, count in (("means", 90), ("all", 180)):
        result = fit(solved_config(pairs=pairs), tmp_path / pairs, corpus=both)
        assert json.loads((tmp_path / pairs / CARD).read_text())["solved"] == {"pairs": count}
        assert min(result.validation.values()) > 0.3  # 0.18 by chance
        what = f"{count} {'instances' if pairs == 'means' else 'pairs'}"
        assert f"procrustes, solved from {what} in " in result.sentence()


def test_the_same_pairs_give_the_same_files_and_the_sentence_has_the_seconds(tmp_path):
    config = solved_config()
    results = [fit(config, tmp_path / name) for name in ("one", "other")]
    for name in (CARD, CONFIG, WEIGHTS):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()
    assert "seconds" not in (tmp_path / "one" / CARD).read_text()
    assert all(result.seconds > 0 for result in results)
    assert {path.name for path in (tmp_path / "one").iterdir()} == {
        "config.yaml", "dropped.csv", "encoders.json", "model.json", "model.safetensors"
    }  # fmt: skip
    assert is_finished(tmp_path / "one")
    assert newest(tmp_path) == tmp_path / "other"


def test_statistics_are_those_of_a_training_though_rows_come_in_blocks(tmp_path, monkeypatch):
    asked: list[int] = []
    load = ToyFeatures.load
    monkeypatch.setattr(ntcir.training.paired_rows, "BLOCK", 16)
    monkeypatch.setattr(ntcir.training.stemmed, "BLOCK", 16)
    monkeypatch.setattr(ToyFeatures, "load", lambda self, ids: asked.append(len(ids)) or load(self, ids))
    days = ("2020-02-01", "2020-02-02", "2020-03-20")  # no validation, whose rows are in memory
    fit(solved_config(), tmp_path / "solved", corpus=toy_corpus(days))
    assert max(asked) == 16
    fit(toy_config(training__iters=1), tmp_path / "trained", corpus=toy_corpus(days))
    solved, trained = (Model.load(tmp_path / name).state() for name in ("solved", "trained"))
    for name in ("mean", "scale"):
        assert torch.allclose(solved[f"towers.image.stem.{name}"], trained[f"towers.image.stem.{name}"])


@pytest.mark.parametrize("validated", [True, False])
def test_an_objective_may_choose_by_the_validation_split(tmp_path, monkeypatch, validated):
    monkeypatch.setitem(OBJECTIVES, "thirds", f"{__name__}:Thirds")
    days = ("2020-02-01", "2020-02-02", *(["2020-03-01"] if validated else []), "2020-03-20")
    result = fit(solved_config(kind="thirds"), tmp_path / "model", corpus=toy_corpus(days))
    found = json.loads((tmp_path / "model" / CARD).read_text())["solved"]
    if not validated:
        assert found["judged"] == 0
        assert result.validation == {}
        return
    assert len(set(found["all"])) == 3
    assert found["judged"] == max(found["all"]) == pytest.approx(np.mean(list(result.validation.values())))
    assert f"(judged {found['judged']:.3g}); validation MRR img2sen" in result.sentence()


# ------------------------------------------------------------------------------------------------ what is said


def test_settings_that_only_training_has_are_named(tmp_path, capsys):
    config = solved_config(
        towers__image__input_dropout=0.5, towers__rectify="training", augment__views=2, positives__objects=True
    )
    assert not config.needs_objects
    fit(config, tmp_path / "model")
    said = capsys.readouterr().err
    assert (
        "training.batch, training.lr, training.near_seconds, training.validate_every and 4 more are set but not used: "
        "procrustes is solved, not trained."
    ) in said
    assert "negative" not in said


@pytest.mark.parametrize(
    ("config", "advice"),
    [
        (texts_config(texts__form="sum"), "the text tower's vectors of words stay random"),
        (texts_config(sensors__categories="embedding", sensors__categorical=["place"]), "set sensors.categories="),
        (texts_config(texts__form="bag", texts__tfidf=True), None),
    ],
    ids=["words", "categories", "neither"],
)
def test_vectors_that_stay_random_are_named(tmp_path, capsys, config, advice):
    fit(config, tmp_path / "model", corpus=captioned())
    said = capsys.readouterr().err
    assert ("stay random" in said) == (advice is not None)
    assert advice is None or advice in said


def test_fewer_dimensions_than_asked_for_are_said_and_saved(tmp_path, capsys):
    fit(solved_config(sensors__numbers="raw"), tmp_path / "narrow")
    width = Model.load(tmp_path / "narrow").config.towers.dim
    assert width < 24
    assert (
        f"The shared space has {width} dimensions, not the 32 of towers.dim: 90 pairs of rows of 24 (image) and "
        f"{width} (sensor) columns determine no more."
    ) in capsys.readouterr().err
    fit(solved_config(), tmp_path / "few", corpus=toy_corpus(("2020-02-01", "2020-03-20"), 4))
    assert "The shared space has 3 dimensions, not the 32" in capsys.readouterr().err
    fit(solved_config(towers__dim=2), tmp_path / "as asked")
    assert "The shared space" not in capsys.readouterr().err


def test_validation_that_tells_nothing_is_said_without_weights_that_are_kept(tmp_path, capsys):
    fit(solved_config(), tmp_path / "none", corpus=toy_corpus(("2020-02-01", "2020-03-20")))
    assert "kept" not in capsys.readouterr().err
    alone = toy_corpus(("2020-02-01", "2020-03-01", "2020-03-20"), 6)
    days = alone.pairs["group"].where(alone.pairs["split"] != "val", [f"day-{n}" for n in range(len(alone.pairs))])
    fit(solved_config(), tmp_path / "alone", corpus=replace(alone, pairs=alone.pairs.assign(group=days)))
    said = capsys.readouterr().err
    assert "WARNING: every validation pair is alone in its day (session)" in said
    assert "kept" not in said


# --------------------------------------------------------------------------------------------- what is refused


def refused(config: Config, folder: Path, corpus: Corpus | None = None) -> str:
    sentence = refusal(fit, config, folder, corpus=corpus)
    assert not (folder / WEIGHTS).exists()
    return sentence


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("standardise", [True, False])
def test_a_row_that_is_not_finite_is_named(tmp_path, monkeypatch, value, standardise):
    item = toy_corpus().pairs["image"][40]
    load = ToyFeatures.load

    def bad(self: ToyFeatures, ids: list[str]) -> np.ndarray:
        found = load(self, ids)
        found[[each == item for each in ids], 3] = value
        return found

    monkeypatch.setattr(ToyFeatures, "load", bad)
    said = refused(solved_config(towers__image__standardise=standardise), tmp_path / "model")
    assert f"The row of the photograph {item}, by the encoder frozen, has a number that is not finite" in said


def test_a_side_without_variance_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(ToyFeatures, "load", lambda self, ids: np.full((len(ids), 24), 0.1, np.float32))
    for standardise in (True, False):
        said = refused(solved_config(towers__image__standardise=standardise), tmp_path / "model")
        assert "All photographs of the training split have the same row" in said


def test_pairs_that_determine_too_little_are_refused(tmp_path):
    said = refused(solved_config(), tmp_path / "model", toy_corpus(("2020-02-01",), 2))
    assert "2 pairs of rows of 24 (image)" in said
    assert "determine 1 dimension in which they can be compared, and 2 are needed" in said
    one = solved_config(sensors__preset="none", sensors__numeric=["a"])
    assert "determine 1 dimension" in refused(one, tmp_path / "model")


def test_pairs_that_are_all_linked_are_one_instance_or_all_pairs(tmp_path):
    corpus = toy_corpus(("2020-02-01",), 8)
    linked = pd.concat([corpus.pairs, corpus.pairs.assign(image=corpus.pairs["image"].shift(-1)).dropna()])
    corpus = replace(corpus, pairs=linked.reset_index(drop=True))
    assert "set objectives.0.pairs=all, so that procrustes is solved" in refused(
        solved_config(), tmp_path / "m", corpus
    )
    fit(solved_config(pairs="all"), tmp_path / "all", corpus=corpus)


def nothing_is_encoded(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ToyFeatures, "ensure", lambda self, ids: pytest.fail("it was encoded"))


def test_a_sequence_is_refused_before_anything_is_encoded(tmp_path, monkeypatch):
    corpus = captioned()
    images = toy_corpus()
    corpus = replace(
        corpus,
        tables=corpus.tables | {"image": images.images},
        pairs=corpus.pairs.assign(image=images.pairs["image"]),
    )
    nothing_is_encoded(monkeypatch)
    config = Config().changed({"pair": ["image", "text"], "texts.form": "sequence", "texts.length": 8})
    said = refused(solved_config(config), tmp_path / "model", corpus)
    assert (
        "takes one row for each caption, and the encoder words gives a sequence of them: set texts.form to bag or sum"
        in said
    )


def test_rows_that_are_too_wide_are_refused_before_anything_is_encoded(tmp_path, monkeypatch):
    nothing_is_encoded(monkeypatch)
    monkeypatch.setattr(ntcir.training.solvable, "MOST_COLUMNS", 5)
    said = refused(texts_config(), tmp_path / "words", captioned())
    assert "The rows of captions have 12 columns" in said
    assert said.endswith("at most 5 columns can be solved for: lower texts.most or raise texts.min_count.")
    assert "(features.backbones)" in refused(solved_config(), tmp_path / "pictures")


def test_a_head_of_another_kind_is_refused_by_name(tmp_path, monkeypatch):
    nothing_is_encoded(monkeypatch)
    monkeypatch.setattr(ntcir.model.building, "head_of", lambda *_: torch.nn.Tanh())
    assert "towers.image has a head of another kind (Tanh)" in refused(solved_config(), tmp_path / "model")


# ------------------------------------------------------------------------------------------------- the folder


def test_a_finished_model_is_neither_resumed_nor_overwritten(tmp_path, capsys):
    folder = tmp_path / "model"
    fit(solved_config(), folder, resume=True)  # as a command that is tried again after a failure may say
    assert "There is nothing to resume" in capsys.readouterr().err
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    said = refusal(fit, solved_config(), folder, resume=True)
    assert "already holds a model, and procrustes is solved at once, so there is nothing to resume" in said
    assert "already holds a trained model: choose another --out" in refusal(fit, solved_config(), folder)
    assert "already holds a trained model" in refusal(fit, toy_config(), folder, resume=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_folder_with_a_training_is_left_alone(tmp_path):
    fit(toy_config(training__iters=2), tmp_path / "run")
    for resume in (True, False):
        said = refusal(fit, solved_config(), tmp_path / "run", resume=resume)
        assert "holds a training, and procrustes is solved, not trained: choose another --out." in said
    assert (tmp_path / "run" / LAST).is_file()


# ------------------------------------------------------------------------------------------ training from there


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: F811
    """A solved model."""
    folder = tmp_path_factory.mktemp("solved") / "model"
    fit(solved_config(), folder)
    return folder


def from_there(place: Path, **changes: Any) -> Config:
    dim = Model.load(place).config.towers.dim
    return toy_config(
        **{
            "training__start": str(place),
            "towers__dim": dim,
            "towers__sensor_layers": 1,
            "training__iters": 4,
            **changes,
        }
    )


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_training_begins_with_the_very_function_that_was_solved(place, tmp_path, dropout):
    config = from_there(place, towers__image__input_dropout=dropout, towers__sensor__input_dropout=dropout / 2)
    start = Start.of(config, tmp_path / "model", resume=False)
    assert start is not None
    corpus = toy_corpus()
    rows = toy_rows(config, corpus)
    for name in config.pair:
        rows[name].fit(corpus.split("train")[name].tolist())
    begun, solved = Model(config, {name: each.encoder for name, each in rows.items()}, {}, 90), Model.load(place)
    start.give_towers(begun)
    for name in config.pair:
        loaded = rows[name].load(corpus.split("test")[name].tolist())
        assert np.array_equal(begun.unit_vectors(name, loaded), solved.unit_vectors(name, loaded))
    assert fit(config, tmp_path / "model").steps == 4


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"towers__dim": 32}, "and this training 32: set towers.dim="),
        ({"towers__sensor_layers": 2}, "and this training 2: set towers.sensor.layers=1, or name another model."),
    ],
)
def test_what_does_not_fit_what_was_solved_is_told_with_what_to_set(place, tmp_path, changes, advice):
    assert advice in refusal(fit, from_there(place, **changes), tmp_path / "model")
