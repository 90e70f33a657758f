"""Words that can be ids in files of columns, and how other texts become such words."""

from __future__ import annotations

import pytest

from ntcir.formats.columns import LONGEST, are_words, as_word, is_word


@pytest.mark.parametrize("text", ["a", "a/b", "001", "é", "名" * 85, "x" * LONGEST, "a%20b"])
def test_a_word_stays_as_it_is(text):
    assert is_word(text)
    assert as_word(text) == text


@pytest.mark.parametrize(
    "text", ["a b", "tab\there", "\x00", "\x1f", "no\u00a0break", "a\u2028b", "x" * 257, "名" * 86]
)
@pytest.mark.parametrize("most", [64, 240, LONGEST])
def test_what_is_none_becomes_one_that_fits(text, most):
    assert not is_word(text)
    assert is_word(as_word(text, most))
    assert len(as_word(text, most).encode()) <= most


def test_texts_that_are_cut_stay_apart():
    texts = ["x" * 300, "x" * 301, "x" * 150 + "y" + "x" * 150, "x" * 299 + "\x00"]
    assert len({as_word(text) for text in texts}) == len(texts)


@pytest.mark.parametrize("text", ["", " "])
def test_nothing_is_no_word(text):
    assert not is_word(text)


@pytest.mark.parametrize("odd", ["", " ", "a b", "a\nb", "a\tb", "\x1b[1m", "a\x7f", "x" * (LONGEST + 1)])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_many_texts_are_words_only_if_each_is_one(odd, at):
    texts = ["a", "20200316_1650", "x" * LONGEST]
    assert are_words(texts)
    assert are_words([])
    texts.insert(at, odd)
    assert not are_words(texts)
