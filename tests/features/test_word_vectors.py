"""Files of word vectors as text: every published format, and what is wrong with one in a sentence."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from helpers import ROOT, refusal
from word_vector_files import lines_of

from ntcir.features.word_vectors import read_word_vectors

VECTORS = {"dog": [0.5, -1.25, 3.0], "the": [1e-3, 2.0, -7.5], "café": [0.0, 0.125, 1.0], "water": [9.0, 8.0, 7.0]}
WANTED = ["water", "café", "dog", "unheard"]
GLOVE = ROOT.parent / "shared" / "data" / "glove" / "glove-50d-5k.json"

PLAIN = lines_of(VECTORS, header=False)
FORMATS = {
    "glove.txt": PLAIN.encode(),
    "word2vec.txt": lines_of(VECTORS, header=True).encode(),
    "fasttext.vec": lines_of(VECTORS, header=True, end=" ").encode(),
    "tabs.txt": PLAIN.replace(" ", "\t").encode(),
    "windows.txt": PLAIN.replace("\n", "\r\n").encode(),
    "no-end.txt": PLAIN.rstrip("\n").encode(),
    "mark.txt": b"\xef\xbb\xbf" + PLAIN.encode(),
    "utf-16.txt": PLAIN.encode("utf-16"),
    "blank-lines.txt": PLAIN.encode() + b"\n\n",
    "brace.txt": b"{ 1 2 3\n" + PLAIN.encode(),
    "blanks-in-words.txt": b"the 1 2 3\n. . . 4 5 6\nat name@domain.com 7 8 9\n" + PLAIN.encode(),
    "glove.json": json.dumps(VECTORS).encode(),
    "indented.json": json.dumps(VECTORS, indent=1).encode(),
}


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_vectors_of_the_words_that_are_wanted(tmp_path, name, packed):
    content = FORMATS[name]
    path = written(tmp_path, f"{name}.gz" if packed else name, gzip.compress(content) if packed else content)
    found = read_word_vectors(path, WANTED)
    assert (found.width, found.remarks) == (3, [])
    assert list(found.vectors) == [word for word in (WANTED if "json" in name else VECTORS) if word in found.vectors]
    assert set(found.vectors) == {"water", "café", "dog"}
    for word, vector in found.vectors.items():
        assert vector.dtype == np.float32
        assert vector.tolist() == np.float32(VECTORS[word]).tolist()


def test_the_content_decides_and_not_the_name(tmp_path):
    assert read_word_vectors(written(tmp_path, "vectors.bin", FORMATS["glove.json"]), WANTED).width == 3


@pytest.mark.skipif(not GLOVE.is_file(), reason="../shared is absent")
def test_the_shared_glove_file_is_read():
    found = read_word_vectors(GLOVE, ["the", "dog", "water", "unheard-of"])
    assert found.width == 50
    assert list(found.vectors) == ["the", "dog", "water"]
    assert found.vectors["the"][:2].tolist() == np.float32([0.418, 0.24968]).tolist()


def test_a_header_that_says_another_number_of_words_is_told(tmp_path):
    path = written(tmp_path, "v.vec", b"9 3\n" + PLAIN.encode())
    assert read_word_vectors(path, WANTED).remarks == [
        f"{path}: WARNING: its header says 9 words, but it has 4: copy it again unless it was shortened on purpose."
    ]


def test_of_a_word_that_is_repeated_the_first_line_counts(tmp_path):
    path = written(tmp_path, "v.txt", PLAIN.encode() + b"dog 1 1 1\nthe 4 4 4\n")
    found = read_word_vectors(path, WANTED)
    assert found.vectors["dog"].tolist() == VECTORS["dog"]
    assert found.remarks == [f"{path}: words that have several lines, of which the first counts: 1 (dog)."]


BAD = {
    "a short line": (b"dog 1 2 3\nthe 1 2\ncat 1 2 3\n", "line 2 (the) has 2 numbers, where line 1 has 3"),
    "a long line": (b"dog 1 2 3\nthe 1 2 3 4\n", "line 2 (the) has 4 numbers, where line 1 has 3"),
    "a cut line": (b"dog 1 2 3\nwater 1 2", "line 2 (water) has 2 numbers, where line 1 has 3: the file is truncated"),
    "not as the header": (b"2 4\ndog 1 2 3\nthe 1 2 3\n", "line 2 (dog) has 3 numbers, where its header says 4"),
    "a header of nothing": (b"2 0\ndog\n", "its first word has 0 numbers; it must have 1 to 65,536"),
    "too wide": (b"2 70000\ndog 1\n", "its first word has 70,000 numbers; it must have 1 to 65,536"),
    "no numbers": (b"dog\nthe\n", "its first word has 0 numbers; it must have 1 to 65,536, parted by blanks"),
    "a sentence": (b"these are no vectors\n", "line 1 has 'are' where a number must be"),
    "a word for a number": (b"the 1 2 3\ndog 1 two 3\n", "line 2 has 'two' where a number must be"),
    "nan": (b"the 1 2 3\ndog 1 nan 3\n", "number 2 of line 2 is nan, which is not finite in single precision"),
    "infinite": (b"the 1 2 3\ndog inf 2 3\n", "number 1 of line 2 is inf"),
    "too large": (b"the 1 2 3\ndog 1 2 1e39\n", "number 3 of line 2 is 1e+39, which is not finite in single precision"),
    "latin-1": ("the 1 2 3\ncafé 1 2 3\n".encode("latin-1"), "line 2 is not UTF-8 (caf\\xe9): save it as UTF-8"),
    "empty": (b"", "it has no lines of a word and numbers"),
    "a header alone": (b"3 3\n", "it has no lines of a word and numbers"),
    "no known word": (b"le 1 2 3\nchien 4 5 6\n", "of 4 words of the captions it has none (water, café, dog, unheard)"),
    "an endless line": (b"dog " + b"1 " * 600_000, "line 1 is longer than 1,048,576 bytes"),
    "word2vec's binary": (b"1 2\ndog \x00\x00\x80\x3f\x00\x00\x00\x40\n", "it is word2vec's binary format"),
    "broken JSON": (b'{"dog": [1, 2', "it is not valid JSON (Expecting"),
    "JSON twice": (b'{"dog": [1], "dog": [2]}', "it is not valid JSON (the key 'dog' appears twice)"),
    "JSON too deep": (b'{"dog": ' + b"[" * 100_000, "it is too deeply nested"),
    "JSON of nothing": (b"{}", "it has no words"),
    "JSON numbers": (b'{"dog": 3}', "its first word has 0 numbers"),
    "JSON of two lengths": (b'{"the": [1, 2], "dog": [1]}', "'dog' has 1 numbers, where 'the' has 2"),
    "JSON no list": (b'{"the": [1, 2], "dog": "x"}', "'dog' has 'x', not a list of numbers"),
    "JSON words": (b'{"the": [1, 2], "dog": [1, "x"]}', "'dog' has 'x', which is not a finite number"),
    "JSON nan": (b'{"the": [1, 2], "dog": [1, NaN]}', "'dog' has nan, which is not a finite number"),
    "JSON true": (b'{"the": [1, 2], "dog": [1, true]}', "'dog' has True, which is not a finite number"),
    "JSON too large": (b'{"the": [1, 2], "dog": [1, 1e39]}', "number 2 of 'dog' is 1e+39"),
    "gzipped .bin": (gzip.compress(b"\xba\x16\x4f\x2f" + b"\0" * 99), "that is gzipped or comes from a pipe"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_said_in_a_sentence_that_names_the_place(tmp_path, case):
    content, expected = BAD[case]
    path = written(tmp_path, "vectors", content)
    sentence = refusal(read_word_vectors, path, WANTED)
    assert f"The word vectors in {path} cannot be used: " in sentence
    assert expected in sentence


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (gzip.compress(PLAIN.encode())[:-20], "the gzip file is truncated; copy it again"),
        (b"PK\x03\x04" + b"\0" * 99, "is compressed with ZIP"),
    ],
    ids=["gzip", "ZIP"],
)
def test_packed_files_that_cannot_be_unpacked_are_refused(tmp_path, content, expected):
    assert expected in refusal(read_word_vectors, written(tmp_path, "vectors", content), WANTED)


def test_what_is_no_file_is_refused(tmp_path):
    assert "no such file" in refusal(read_word_vectors, tmp_path / "none", WANTED)
    assert "is a directory" in refusal(read_word_vectors, tmp_path, WANTED)
    assert "too long" in refusal(read_word_vectors, tmp_path / ("x" * 300), WANTED)


def test_a_pipe_is_opened_once_as_whoever_writes_into_it_stops_when_it_is_closed(tmp_path, monkeypatch):
    pipe, opened, plainly = tmp_path / "pipe.txt", [], os.open
    os.mkfifo(pipe)

    def noted(path, *rest):
        opened.append(path)
        return plainly(path, *rest)

    monkeypatch.setattr(os, "open", noted)
    with subprocess.Popen(["sh", "-c", 'printf %s "$1" > "$0"', str(pipe), PLAIN]) as writer:
        found = read_word_vectors(pipe, WANTED)
    assert writer.returncode == 0
    assert opened.count(pipe) == 1
    assert set(found.vectors) == {"water", "café", "dog"}
