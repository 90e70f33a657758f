"""Which spellings of a category mean the same."""

from __future__ import annotations

import pandas as pd
import pytest

from ntcir.encoders.categories import Vocabulary
from ntcir.encoders.presets import Columns
from ntcir.encoders.readings import MISSING, UNKNOWN, ReadingsEncoder
from ntcir.encoders.understanding import understood


@pytest.mark.parametrize(
    ("known", "asked", "meant"),
    [
        (["Home", "Work"], "Home", "Home"),
        (["Home", "Work"], " home ", "Home"),
        (["Walking Outside"], "walking  outside", "Walking Outside"),
        (["Caf\u00e9"], "Cafe\u0301", "Caf\u00e9"),
        (["Home"], "House", "House"),
        # Two words that differ in their spelling only are told apart by it.
        (["HOME", "home"], "home", "home"),
        (["HOME", "home"], "Home", "Home"),
        # Numerals.
        (["1", "2"], "1.0", "1"),
        (["1.0", "2.0"], "1", "1.0"),
        (["007", "8"], "7", "007"),
        (["7", "007"], "7.0", "7.0"),
        (["-0"], "0", "-0"),
        (["2.5"], "2.50", "2.5"),
        (["1000"], "1e3", "1000"),
        (["4b5b1f8c"], "4B5B1F8C", "4b5b1f8c"),
        # Truth values, where there is nothing else.
        *((known, asked, known[0]) for known in (["True", "False"], ["TRUE", "FALSE", "ERR"], ["1.0", "0.0"], ["yes"])
          for asked in ("True", "true", "TRUE", "1", "1.0", "yes", "T")),
        *((["True", "False"], asked, "False") for asked in ("false", "FALSE", "0", "0.0", "no")),
        (["True", "False"], "ERR", "ERR"),
        (["1", "2", "3"], "True", "True"),
        (["no", "se", "dk"], "False", "False"),
        (["True", "TRUE", "False"], "1.0", "1.0"),
    ],
)  # fmt: skip
def test_a_word_is_what_training_spelled_so_or_meant_so(known, asked, meant):
    assert Vocabulary(known).spelled(asked) == meant
    assert (meant in Vocabulary(known)) == (meant in known)


@pytest.mark.parametrize("categories", ["frequency", "embedding"])
@pytest.mark.parametrize("asked", ["True", "TRUE", "1.0", "1", 1.0, 1, True, "yes"])
@pytest.mark.parametrize("spelling", [("True", "False"), ("TRUE", "FALSE"), ("1.0", "0.0"), (1.0, 0.0)])
def test_a_truth_value_is_encoded_alike_in_every_spelling(categories, asked, spelling):
    training = pd.DataFrame({"stop": [spelling[0]] * 7 + [spelling[1]] * 3})
    encoder = ReadingsEncoder.fit(Columns(categorical=("stop",), categories=categories), training)
    expected = encoder.encode(pd.DataFrame({"stop": [spelling[0]]}))
    assert encoder.encode(pd.DataFrame({"stop": [asked]}, dtype=object)).tolist() == expected.tolist()


def test_words_never_seen_in_training_are_counted_and_those_seen_rarely_are_not():
    training = pd.DataFrame({"stop": ["True"] * 5 + ["False"] * 4, "place": [*["home"] * 8, "once"]})
    encoder = ReadingsEncoder.fit(Columns(categorical=("stop", "place"), categories="embedding"), training)
    asked = pd.DataFrame({"stop": ["true", "ERR", None, 0.0], "place": ["once", "home", "HOME", None]}, dtype=object)
    _, said = understood(encoder, asked, [1, 37, 5, 162], lambda row: f"record {row + 1}")
    assert said == [
        "stop: 37 of 200 values were never seen in training and count as unknown (first: 'ERR' in record 2)"
    ]
    codes = encoder.encode(asked)
    assert codes[1].tolist()[0] == UNKNOWN
    assert codes[2].tolist()[0] == codes[3].tolist()[1] == MISSING


def test_an_older_model_s_statistics_are_enough():
    training = pd.DataFrame({"stop": ["True"] * 3 + ["False"]})
    tree = ReadingsEncoder.fit(Columns(categorical=("stop",)), training).to_json()
    assert set(tree["statistics"]) == {"shares", "vocabularies", "origin", "mean", "deviation", "indicators"}
    again = ReadingsEncoder.from_json(tree)
    assert again.encode(pd.DataFrame({"stop": [1.0]}))[0, 0] == again.encode(pd.DataFrame({"stop": ["True"]}))[0, 0]
