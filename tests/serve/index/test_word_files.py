"""Texts by row that are not in memory."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import refusal

from ntcir.serve.index import word_files
from ntcir.serve.index.word_files import WordFile, write_words

TEXTS = ["b/ä.jpg", "", "a\nb", "日本", "b/ä.jpg", "\0", "ab", "a", "😀", "b"]


def opened(folder, texts) -> WordFile:
    write_words(folder, "ids", texts)
    return WordFile(folder, "ids")


def test_texts_are_read_and_found(tmp_path):
    words = opened(tmp_path, TEXTS)
    assert [words[row] for row in range(len(words))] == TEXTS
    assert [words.find(text) for text in TEXTS] == [0, 1, 2, 3, 0, 5, 6, 7, 8, 9]
    assert [words.find(text) for text in ("c", "b/ä", "ä.jpg", "\ud800", "a" * 100)] == [None] * 5
    for row in (-1, len(TEXTS)):
        with pytest.raises(IndexError):
            words[row]


def test_texts_that_share_a_digest_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(word_files, "_digest", lambda text: (1 << 64) - 1 - len(text))
    words = opened(tmp_path, TEXTS)
    assert [words.find(text) for text in TEXTS] == [0, 1, 2, 3, 0, 5, 6, 7, 8, 9]
    assert words.find("cd") is None


def test_there_may_be_none_and_they_may_be_empty(tmp_path):
    assert (len(opened(tmp_path, [])), opened(tmp_path, []).find("a")) == (0, None)
    words = opened(tmp_path, ["", ""])
    assert (words[1], words.find("")) == ("", 0)


def test_damage_is_noticed(tmp_path):
    opened(tmp_path, TEXTS)
    whole = (tmp_path / "ids.txt").read_bytes()
    (tmp_path / "ids.txt").write_bytes(whole[:-1])
    assert f"ids.txt is damaged (it has {len(whole) - 1} bytes, not {len(whole)})" in refusal(WordFile, tmp_path, "ids")
    (tmp_path / "ids.txt").write_bytes(b"\xff" * len(whole))
    assert "text 0 is not UTF-8" in refusal(WordFile(tmp_path, "ids").__getitem__, 0)
    np.save(tmp_path / "ids.rows.npy", np.zeros(3, dtype=np.int32))
    assert "is damaged" in refusal(WordFile, tmp_path, "ids")
    np.save(tmp_path / "ids.rows.npy", np.array([{"pickled": 1}]), allow_pickle=True)
    assert "ids.rows.npy is damaged (it is truncated or not an array)" in refusal(WordFile, tmp_path, "ids")
