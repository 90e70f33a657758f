"""fastText's binary models: the published format, and vectors of words that are made of their parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers import refusal
from word_vector_files import write_fasttext

from ntcir.features.fasttext import Subwords, fnv1a
from ntcir.features.word_vectors import read_word_vectors

WORDS = ["</s>", "dog", "café"]
BUCKETS, WIDTH = 50, 4


def matrix(rows: int = len(WORDS) + BUCKETS) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, WIDTH)).astype(np.float32)


def model(folder: Path, **options) -> Path:
    return write_fasttext(
        folder / "model.bin", WORDS, options.pop("matrix", matrix()), **{"buckets": BUCKETS} | options
    )


@pytest.mark.parametrize(
    ("text", "value"),
    # 32-bit FNV-1a of ASCII, as published; bytes above 127 are sign-extended by fastText, which changes them.
    [(b"", 0x811C9DC5), (b"a", 0xE40C292C), (b"foobar", 0xBF9CF968)],
)
def test_the_hash_is_fnv_1a(text, value):
    assert fnv1a(text) == value


def test_bytes_above_127_are_negative_in_the_hash():
    value = (2166136261 ^ (2**32 + np.int8(-61).item())) * 16777619 % 2**32  # 0xC3
    assert fnv1a(b"\xc3") == value
    assert value != (2166136261 ^ 0xC3) * 16777619 % 2**32


@pytest.mark.parametrize(
    ("word", "least", "most", "parts"),
    [
        ("dog", 3, 4, ["<do", "<dog", "dog", "dog>", "og>"]),
        ("dog", 1, 2, ["<d", "d", "do", "o", "og", "g", "g>"]),
        ("né", 2, 3, ["<n", "<né", "né", "né>", "é>"]),
        ("dog", 6, 9, []),
        ("dog", 0, 0, []),
    ],
)
def test_parts_are_runs_of_letters_between_brackets(word, least, most, parts):
    found = list(Subwords(least, most, 7, 2)._parts(f"<{word}>".encode()))
    assert found == [part.encode() for part in parts]
    assert Subwords(least, most, 7, 2).rows(word.encode()) == [2 + fnv1a(part.encode()) % 7 for part in parts]


def test_a_word_s_vector_is_the_mean_of_its_own_and_its_parts(tmp_path):
    found = read_word_vectors(model(tmp_path), ["café", "dogs", "dog"])
    assert found.width == WIDTH
    subwords, rows = Subwords(3, 6, BUCKETS, len(WORDS)), matrix()
    for word, own in (("dog", [1]), ("café", [2]), ("dogs", [])):
        expected = rows[[*own, *subwords.rows(word.encode())]].mean(axis=0)
        assert found.vectors[word] == pytest.approx(expected, abs=1e-6)
    assert found.remarks == [
        f"{tmp_path / 'model.bin'}: words that are not in its dictionary have the mean of their n-grams: 1 (dogs)."
    ]


def test_without_parts_a_word_that_is_not_in_the_dictionary_has_none(tmp_path):
    found = read_word_vectors(model(tmp_path, buckets=0, most=0, least=0, matrix=matrix(3)), ["dogs", "dog"])
    assert list(found.vectors) == ["dog"]
    assert found.vectors["dog"].tolist() == matrix(3)[1].tolist()
    assert found.remarks == []


def test_labels_are_no_words_and_supervised_models_of_version_11_have_no_parts(tmp_path):
    options = {"version": 11, "model": 3, "labels": ["cat"], "matrix": matrix()}
    found = read_word_vectors(model(tmp_path, **options), ["cat", "dog"])
    assert list(found.vectors) == ["dog"]
    assert found.vectors["dog"].tolist() == matrix()[1].tolist()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"version": 13}, "it is a fastText model of version 13; 12 can be read"),
        ({"quantised": True}, "it is quantised (.ftz), which is not read"),
        ({"matrix": matrix(20)}, "its matrix has 20 rows for 3 words and 50 buckets: it is damaged"),
        ({"width": 5}, "its matrix is 53 x 4, and its vectors have 5 numbers: it is damaged"),
        ({"width": 0}, "its settings make no sense: it is damaged"),
        ({"buckets": -1}, "its settings make no sense"),
        ({"least": -1}, "its settings make no sense"),
        ({"matrix": matrix() * np.float32(np.nan)}, "number 1 of the vector of 'dog' is nan"),
    ],
)
def test_what_is_wrong_with_a_model_is_said_in_a_sentence(tmp_path, options, expected):
    path = model(tmp_path, **options)
    sentence = refusal(read_word_vectors, path, ["dog"])
    assert f"The word vectors in {path} cannot be used: {expected}" in sentence


def test_wherever_a_model_is_cut_it_is_called_truncated(tmp_path):
    whole = model(tmp_path).read_bytes()
    behind_input = len(whole) - 1 - 16 - len(WORDS) * WIDTH * 4
    for size in range(5, behind_input, 7):
        (tmp_path / "cut.bin").write_bytes(whole[:size])
        assert "it is truncated: copy it again" in refusal(read_word_vectors, tmp_path / "cut.bin", ["dog"])
    (tmp_path / "cut.bin").write_bytes(whole[:behind_input])  # the output vectors are not needed
    assert list(read_word_vectors(tmp_path / "cut.bin", ["dog"]).vectors) == ["dog"]


def test_a_model_of_none_of_the_words_is_refused(tmp_path):
    path = model(tmp_path, buckets=0, most=0, matrix=matrix(3))
    assert "of 1 words of the captions it has none (chien)" in refusal(read_word_vectors, path, ["chien"])
