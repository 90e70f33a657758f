"""The vocabulary: which words are known, in which order, and how much each weighs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ntcir.config import Texts
from ntcir.encoders.vocabulary import Vocabulary

TEXTS = ["a dog runs and a dog barks", "the cat runs", "A DOG!", ""]


def vocabulary(**options: Any) -> Vocabulary:
    return Vocabulary.of(TEXTS, Texts(**options))


def test_words_are_in_order_of_frequency_then_of_the_alphabet():
    found = vocabulary()
    assert found.words == ["a", "dog", "runs", "and", "barks", "cat", "the"]
    assert found.frequencies == [2, 2, 2, 1, 1, 1, 1]  # captions, not words
    assert found.captions == 4
    assert found.numbered("The dog, unheard of, RUNS") == [7, 2, 3]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"min_count": 2}, ["a", "dog", "runs"]),
        ({"min_count": 3}, ["a", "dog"]),
        ({"min_count": 4}, []),
        ({"most": 2}, ["a", "dog"]),
        ({"stop_words": "english"}, ["dog", "runs", "barks", "cat"]),
        ({"stop_words": ["Dog", "runs"]}, ["a", "and", "barks", "cat", "the"]),
        ({"stop_words": ["dog"], "most": 2}, ["a", "runs"]),
    ],
)
def test_options_leave_words_out(options, words):
    assert vocabulary(**options).words == words


def test_rare_words_weigh_more_by_the_smoothed_formula():
    rarity = vocabulary().rarity()
    assert rarity.dtype == np.float32
    expected = [math.log(5 / 3) + 1] * 3 + [math.log(5 / 2) + 1] * 4
    assert rarity == pytest.approx(np.array(expected), rel=1e-6)


def test_it_is_saved_and_made_again():
    found = vocabulary(min_count=2)
    assert Vocabulary.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    "change",
    [
        {"words": ["a", "a", "dog"]}, {"words": []}, {"words": "abc"}, {"words": ["a", "dog", 3]},
        {"words": ["a", "", "dog"]}, {"frequencies": [2, 2]}, {"frequencies": [2, 2, 5]}, {"frequencies": [2, 2, 0]},
        {"frequencies": [2, 2, 1.5]}, {"captions": 0}, {"captions": "4"}, {"captions": None},
    ],
)  # fmt: skip
def test_a_damaged_one_is_refused(change):
    with pytest.raises(ValueError, match=r"its|it has"):
        Vocabulary.from_json(vocabulary(min_count=2).to_json() | change)
