"""Keys of the section ``texts`` that do nothing are named before a training begins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ntcir.config import Config
from ntcir.training.remarks import idle_settings


def said(**changes: Any) -> list[str]:
    """Return what is said of the section ``texts``; dots in keys are written ``__``."""
    config = Config().changed({key.replace("__", "."): value for key, value in changes.items()})
    return [sentence for sentence in idle_settings(config, np.array([1000])) if "texts." in sentence]


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "no captions": ({"texts__tfidf": True}, "texts.tfidf is set but not used: no encoder is words or sentences."),
    "a bag": (
        {"pair": ["image", "text"], "texts__vectors": "a.vec", "texts__train_vectors": False},
        "texts.vectors, texts.train_vectors are set but not used: texts.form is bag.",
    ),
    "a sequence": (
        {"pair": ["image", "text"], "texts__form": "sequence", "texts__tfidf": True},
        "texts.tfidf is set but not used: texts.form is sequence.",
    ),
    "a file": (
        {"pair": ["image", "text"], "texts__form": "sum", "texts__vectors": "a.vec", "texts__width": 50},
        "texts.width is set but not used: the file of texts.vectors says how long its vectors are.",
    ),
    "words that an MLP does not place": (
        {"pair": ["image", "text"], "texts__form": "sequence", "texts__shift": "always"},
        "texts.shift is set but not used: only a tower with head: cnn knows where words are.",
    ),
    "a rate of frozen vectors": (
        {
            "pair": ["image", "text"], "texts__form": "sum", "texts__vectors": "a.vec", "texts__train_vectors": False,
            "texts__vectors_rate": 0.1,
        },
        "texts.vectors_rate is set but not used: texts.train_vectors is false.",
    ),
    "words": (
        {"pair": ["text", "sensor"], "texts__batch": 5},
        "texts.batch is set but not used: the encoder is words.",
    ),
    "sentences": (
        {"pair": ["text", "sensor"], "towers__text__encoder": "sentences", "texts__min_count": 5},
        "texts.min_count is set but not used: the encoder is sentences.",
    ),
    "random and frozen": (
        {"pair": ["text", "sensor"], "texts__form": "sum", "texts__train_vectors": False},
        "texts.train_vectors is false, and texts.vectors names no file: words keep random vectors.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_keys_without_effect_are_named_with_the_reason(case):
    changes, sentence = CASES[case]
    assert said(**changes) == [sentence]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"pair": ["image", "text"], "texts__tfidf": True, "texts__min_count": 2, "texts__stop_words": "english"},
        {"pair": ["image", "text"], "texts__form": "sum", "texts__tfidf": True, "texts__width": 50},
        {
            "pair": ["image", "text"], "texts__form": "sequence", "texts__vectors": "a.vec",
            "texts__train_vectors": False,
        },
        {"pair": ["image", "text"], "towers__text__encoder": "sentences", "texts__batch": 5},
        {
            "pair": ["image", "text"], "texts__form": "sequence", "texts__shift": "training",
            "texts__vectors_rate": 0.1, "towers__text__head": "cnn",
        },
    ],
)  # fmt: skip
def test_nothing_is_said_of_keys_that_have_an_effect(changes):
    assert said(**changes) == []


def test_every_key_of_the_section_is_of_an_encoder():
    from ntcir.config import Texts
    from ntcir.training.text_remarks import _OF

    assert {key for keys in _OF.values() for key in keys} == set(Texts.model_fields)
