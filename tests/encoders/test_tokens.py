"""Sentences are taken apart into words of any script."""

from __future__ import annotations

import pytest

from ntcir.encoders.tokens import ENGLISH, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A dog jumps into the Water .", ["a", "dog", "jumps", "into", "the", "water"]),
        ("don't 'quote' the dogs' it''s", ["don't", "quote", "the", "dogs", "it", "s"]),
        ("Don\u2019t, caf\u00e9\u2019s", ["don't", "café's"]),
        ("two-piece t-shirt, 3rd snake_case 4,000", ["two", "piece", "t", "shirt", "3rd", "snake", "case", "4", "000"]),
        ("cafe\u0301 ÉTÉ", ["café", "été"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        (
            "Ein Hund\u00a0springt\u2014ins Wasser\u3002犬が走る",
            ["ein", "hund", "springt", "ins", "wasser", "犬が走る"],
        ),
        ("", []),
        (" .,!? -- '' 🐕\ufe0f \u0301", []),
    ],
)
def test_words_are_runs_of_letters_and_digits_in_lower_case(text, words):
    assert words_of(text) == words


def test_the_english_stop_words_are_words_as_captions_are_taken_apart():
    assert all(words_of(word) == [word] for word in ENGLISH)
    assert {"a", "the", "is", "with"} <= ENGLISH
    assert not {"man", "dog", "no", "not", "without", "two", "red", "running"} & ENGLISH
