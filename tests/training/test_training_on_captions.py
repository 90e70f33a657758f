"""Trainings on captions' words, in every form: they learn, resume to the bit, and later need no file of vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import fit, fit_in_two_parts, one_thread, refusal  # noqa: F401
from safetensors.torch import load_file
from toy_captions import LEVELS, caption_config, captioned
from word_vector_files import lines_of

from ntcir.config import Config
from ntcir.encoders import open_pair
from ntcir.encoders.words_rows import WordRows
from ntcir.model.folder import WEIGHTS
from ntcir.model.model import Model
from ntcir.training.checkpoint import LAST

pytestmark = pytest.mark.usefixtures("one_thread")
WORDS = [word for level in LEVELS.values() for word in level]
FORMS: dict[str, dict[str, Any]] = {
    "bag": {},
    "tf-idf": {"texts__tfidf": True, "texts__stop_words": "english"},
    "sum": {"texts__form": "sum"},
    "weighted sum": {"texts__form": "sum", "texts__tfidf": True},
    "sum of a file": {"texts__form": "sum", "texts__vectors": "FILE"},
    "frozen sum": {"texts__form": "sum", "texts__vectors": "FILE", "texts__train_vectors": False},
    "sequence": {"texts__form": "sequence", "texts__vectors": "FILE", "towers__text__layers": 2},
    "frozen sequence": {"texts__form": "sequence", "texts__vectors": "FILE", "texts__train_vectors": False},
    "convolutions": {
        "texts__form": "sequence", "texts__vectors": "FILE", "texts__length": 9, "texts__shift": "always",
        "towers__text__head": "cnn", "towers__text__blocks": [1, 2], "towers__text__widths": [16, 32],
        "towers__text__norm": "batch", "towers__rectify": "training",
    },
}  # fmt: skip


def write_vectors(folder: Path, seed: int = 4) -> Path:
    draw = np.random.default_rng(seed)
    path = folder / "vectors.txt"
    path.write_text(lines_of({word: draw.normal(size=9).tolist() for word in WORDS}, header=False), encoding="utf-8")
    return path


def config_of(form: str, folder: Path, **more: Any) -> Config:
    path = str(write_vectors(folder))
    own = {key: path if value == "FILE" else value for key, value in FORMS[form].items()}
    return caption_config(**own, **more)


def weights_of(model: Path) -> dict[str, torch.Tensor]:
    return load_file(model / WEIGHTS)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_learnt_and_saved_without_the_file(form, tmp_path):
    config = config_of(form, tmp_path, training__iters=80)
    result = fit(config, tmp_path / "model", corpus=captioned())
    # Of 30 candidates a validation day; guessing has 0.13.
    assert min(result.validation.values()) > 0.3
    (tmp_path / "vectors.txt").unlink()
    model = Model.load(tmp_path / "model")
    corpus = captioned()
    rows = open_pair(model.config, corpus, model.encoders)["text"]
    vectors = model.encode("text", rows.load(corpus.pairs["text"].tolist())).vectors
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("form", ["frozen sum", "frozen sequence"])
def test_frozen_vectors_stay_as_the_file_has_them(form, tmp_path):
    fit(
        config_of(form, tmp_path, training__iters=20, training__weight_decay=0.1),
        tmp_path / "model",
        corpus=captioned(),
    )
    weight = weights_of(tmp_path / "model")["towers.text.stem.weight"]
    known = Model.load(tmp_path / "model").encoders["text"].vocabulary  # type: ignore[attr-defined]
    written = {line.split()[0]: line.split()[1:] for line in (tmp_path / "vectors.txt").read_text().splitlines()}
    for word, row in zip(known.words, weight[1:], strict=True):
        assert row.tolist() == np.float32(written.get(word, [0] * 9)).tolist()
    learnt = {name for name in load_file(tmp_path / "model" / LAST) if name.startswith("optimizer.")}
    fit(config_of("sum", tmp_path, training__iters=20), tmp_path / "other", corpus=captioned())
    others = {name for name in load_file(tmp_path / "other" / LAST) if name.startswith("optimizer.")}
    assert len(others - learnt) == 3  # the state of one weight more


@pytest.mark.parametrize("form", ["tf-idf", "sum of a file", "frozen sum", "sequence", "convolutions"])
def test_a_training_that_was_interrupted_ends_as_if_it_had_not_been(form, tmp_path):
    config = config_of(form, tmp_path, training__iters=12, towers__text__dropout=0.2, towers__text__input_dropout=0.2)
    whole = fit(config, tmp_path / "whole", corpus=captioned())
    parts = fit_in_two_parts(config, tmp_path / "parts", stop=7, every=5, corpus=captioned())
    assert parts.validation == whole.validation
    one, other = weights_of(tmp_path / "whole"), weights_of(tmp_path / "parts")
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("changed", ["captions", "vectors"])
def test_a_training_is_not_resumed_with_other_captions_or_vectors(changed, tmp_path):
    fit(config_of("sum of a file", tmp_path, training__iters=5), tmp_path / "model", corpus=captioned())
    config = config_of("sum of a file", tmp_path, training__iters=9)
    if changed == "vectors":
        write_vectors(tmp_path, seed=5)
    corpus = captioned(texts={} if changed == "vectors" else {2: "A warm and slow day, bright"})
    sentence = refusal(fit, config, tmp_path / "model", corpus=corpus, resume=True)
    assert "Cannot resume" in sentence
    assert "not those it was started with" in sentence


def test_captions_without_words_train_and_are_ranked_by_the_prior(tmp_path, capsys):
    texts = dict.fromkeys((1, 2, 3, 92, 93), "") | {40: "?!"}
    for form in ("bag", "weighted sum", "sequence", "convolutions"):
        result = fit(config_of(form, tmp_path, training__iters=10), tmp_path / form, corpus=captioned(texts=texts))
        assert all(np.isfinite(value) for value in result.validation.values())
        assert capsys.readouterr().err.count("captions have no word that the model knows") == 1
        state = weights_of(tmp_path / form)
        assert all(torch.isfinite(value).all() for value in state.values())


def test_equal_captions_are_no_negatives_of_each_other(capsys, tmp_path):
    said = []
    for masked in (True, False):
        config = caption_config(training__iters=1, training__mask_equal_readings=masked, training__batch=90)
        fit(config, tmp_path / str(masked), corpus=captioned())
        said.append(capsys.readouterr().err)
    assert "Each caption has 89 of the 89 other readings of its batch as negatives" in said[1]
    assert "89 of the 89" not in said[0]


def test_a_training_begins_from_a_model_only_if_it_knows_the_same_words(tmp_path, capsys, monkeypatch):
    fit(caption_config(training__iters=5), tmp_path / "first", corpus=captioned())
    begun = caption_config(training__iters=5, training__start=str(tmp_path / "first"))
    fit(begun, tmp_path / "second", corpus=captioned())
    # As many words, but not the same.
    other = captioned(texts={0: "A chilly and slow day, dark."})
    other.tables["text"]["text"] = other.tables["text"]["text"].str.replace("cold", "chilly")
    with monkeypatch.context() as patch:
        patch.setattr(WordRows, "ensure", lambda *_: pytest.fail("something was made ready first"))
        sentence = refusal(fit, begun, tmp_path / "third", corpus=other)
    assert f"training.start: the text tower of {tmp_path / 'first'} knows 12 words" in sentence
    assert "are not the 12 of these training captions" in sentence
    # All of its words and another: in vain only if every caption can be read.
    capsys.readouterr()
    more = captioned(texts={0: "A cold and foggy day, dark."})
    assert "which are not the 13 of these" in refusal(fit, begun, tmp_path / "fourth", corpus=more)
    warned = f"WARNING: training.start: the text tower of {tmp_path / 'first'} knows 12 words, and these training"
    assert warned in capsys.readouterr().err


def test_word_vectors_of_another_width_are_refused_before_anything_is_encoded(tmp_path, monkeypatch):
    summed = caption_config(training__iters=1, texts__form="sum")
    fit(summed, tmp_path / "first", corpus=captioned())
    monkeypatch.setattr(WordRows, "ensure", lambda *_: pytest.fail("something was made ready first"))
    begun = summed.changed({"training.start": str(tmp_path / "first"), "texts.width": 8})
    sentence = refusal(fit, begun, tmp_path / "second", corpus=captioned())
    assert "are 12 wide, and those of this training 8: leave texts.vectors out and set texts.width=12" in sentence
