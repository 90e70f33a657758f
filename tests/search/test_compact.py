"""Vectors on disk: what a scan says is no further off than it says, and scores are those of every other search."""

from __future__ import annotations

import json
import os
from contextlib import suppress

import numpy as np
import pytest
from helpers import refusal
from searching import KINDS, embeddings, exact

from ntcir.search.compact import CompactVectors, CompactWriter
from ntcir.search.dots import dots


def write(folder, documents, block=130):
    with CompactWriter(folder, documents.shape[1]) as writer:
        for start in range(0, len(documents), block):
            writer.add(documents[start : start + block])
    return CompactVectors.open(folder)


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_scan_is_within_its_error(kind, fast, tmp_path, monkeypatch):
    monkeypatch.setattr("ntcir.search.compact.has_fast_bf16", lambda: fast)
    monkeypatch.setattr("ntcir.search.compact._SCAN", 256)
    monkeypatch.setattr("ntcir.search.compact._WIDENED", 128)
    monkeypatch.setattr("ntcir.search.compact.CompactVectors._give_back", lambda *_: None)  # blocks are below a page
    queries, documents = embeddings(kind)
    vectors = write(tmp_path, documents)
    found, error = vectors.approximate(queries[:20])
    assert (found.dtype, error.dtype, found.shape, error.shape) == (np.float32, np.float64, (20, len(documents)), (20,))
    off = np.abs(found.astype(np.float64) - exact(queries[:20], documents))
    assert (off <= error[:, None]).all()
    # And the bound is of use: a few times what rounding to eight bits does to the longest.
    sizes = np.linalg.norm(queries[:20], axis=1) * np.linalg.norm(documents, axis=1).max()
    assert (error <= 0.02 * sizes).all()


def test_exact_scores_are_to_the_bit_those_of_other_searches(tmp_path, monkeypatch):
    monkeypatch.setattr("ntcir.search.compact._SCORED", 100)
    monkeypatch.setattr("ntcir.search.compact._RUN", 16)
    queries, documents = embeddings("spread")
    vectors = write(tmp_path, documents)
    draw = np.random.default_rng(0)
    expected = dots(queries[:1], documents, np.array([0, 400]), np.arange(400))
    cases = [np.arange(400), np.array([7]), np.array([], dtype=np.int64), draw.integers(0, 400, 333)]
    cases += [np.sort(draw.choice(400, 60, replace=False)), np.array([399, 0, 399])]
    for rows in cases:
        assert np.array_equal(vectors.take(rows), documents[rows])
        assert vectors.take(rows).dtype == np.float32
        assert np.array_equal(vectors.scores(queries[0], rows), expected[rows])


def test_no_documents_are_none(tmp_path):
    with CompactWriter(tmp_path / "new", 5) as writer:
        writer.add(np.empty((0, 5), dtype=np.float32))
    vectors = CompactVectors.open(tmp_path / "new")
    assert (len(vectors), vectors.dim) == (0, 5)
    assert vectors.approximate(np.ones((2, 5), dtype=np.float32))[0].shape == (2, 0)


def test_vectors_appear_as_a_whole(tmp_path):
    documents = embeddings("spread")[1]
    before = write(tmp_path, documents[:50])
    with suppress(InterruptedError), CompactWriter(tmp_path, documents.shape[1]) as writer:
        writer.add(documents)
        raise InterruptedError
    assert np.array_equal(CompactVectors.open(tmp_path).take(np.arange(50)), documents[:50])
    write(tmp_path, documents[50:])
    assert np.array_equal(before.take(np.arange(50)), documents[:50])  # whoever has them open still reads them
    assert np.array_equal(CompactVectors.open(tmp_path).take(np.arange(350)), documents[50:])
    assert {path.name for path in tmp_path.iterdir()} == {"vectors.f32", "vectors.bf16", "vectors.json"}


@pytest.mark.parametrize("name", ["vectors.f32", "vectors.bf16"])
@pytest.mark.parametrize("size", [0, -1, -4096, 1])
def test_a_file_of_another_size_is_refused(name, size, tmp_path):
    write(tmp_path, embeddings("spread")[1])
    there = (tmp_path / name).stat().st_size
    os.truncate(tmp_path / name, there + size if size else 0)
    message = refusal(lambda: CompactVectors.open(tmp_path))
    assert f"{name} has {there + size if size else 0:,} bytes instead of {there:,}" in message
    assert str(tmp_path) in message


def test_a_file_that_is_truncated_while_it_is_open_is_refused(tmp_path):
    queries, documents = embeddings("spread")
    vectors = write(tmp_path, documents)
    os.truncate(tmp_path / "vectors.f32", 100)
    assert "vectors.f32 is truncated" in refusal(lambda: vectors.scores(queries[0], np.arange(30)))
    os.truncate(tmp_path / "vectors.bf16", 100)
    assert "vectors.bf16 has 100 bytes" in refusal(lambda: vectors.approximate(queries[:1]))


@pytest.mark.parametrize(
    "change", [{"version": 2}, {"documents": -1}, {"documents": "9"}, {"dim": 0}, {"moved": None}, {"length": "long"}]
)
def test_damaged_facts_are_refused(change, tmp_path):
    write(tmp_path, embeddings("spread")[1])
    path = tmp_path / "vectors.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert "vectors.json" in refusal(lambda: CompactVectors.open(tmp_path))
    path.write_text("{")
    assert "cannot be read" in refusal(lambda: CompactVectors.open(tmp_path))
    path.unlink()
    assert "No such file" in refusal(lambda: CompactVectors.open(tmp_path))


def test_vectors_that_are_not_finite_are_refused(tmp_path):
    documents = embeddings("spread")[1].copy()
    documents[137, 2] = np.nan
    assert "row 137 is not finite" in refusal(lambda: write(tmp_path, documents))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="do not fit 3 columns"):
        CompactWriter(tmp_path, 3).add(documents)
