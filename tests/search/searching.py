"""What tests of searching share: embeddings that are hard to search, and what sorting all scores finds."""

from __future__ import annotations

import numpy as np

ROWS, DIM = 400, 40
KINDS = ["spread", "apart", "crowded", "collapsed", "halfway", "lengths", "few", "biased"]


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def exact(queries, documents):
    return (queries.astype(np.float64) @ documents.astype(np.float64).T).astype(np.float32)


def by_sorting(queries, documents, k):
    scores = exact(queries, documents)
    rows = np.array([sorted(range(len(documents)), key=lambda j: (-row[j], j))[:k] for row in scores])
    return rows, np.take_along_axis(scores, rows, axis=1)


def embeddings(kind):
    draw = np.random.default_rng(0)
    spread = draw.normal(size=(ROWS, DIM))
    if kind == "spread":
        return unit(draw.normal(size=(ROWS, DIM))), unit(spread)
    if kind == "apart":  # all scores are negative
        return unit(0.1 * spread + 1), unit(0.1 * draw.normal(size=(ROWS, DIM)) - 1)
    if kind == "crowded":  # too near for bf16
        return unit(draw.normal(size=(ROWS, DIM))), unit(1 + 1e-3 * spread)
    if kind == "collapsed":  # too near for single precision
        return unit(1 + 1e-6 * draw.normal(size=(ROWS, DIM))), unit(1 + 1e-6 * spread)
    if kind == "halfway":  # bf16 is as wrong as it can be, and always in the same direction
        signs = draw.choice([1, 1 + 2**-8 - 2**-20, 1 + 2**-8 + 2**-20], (2, ROWS, DIM))
        return tuple((signs * np.float32(1 / np.sqrt(DIM))).astype(np.float32))
    if kind == "lengths":
        length = 10 ** draw.uniform(-3, 3, (2, ROWS, 1))
        return tuple(
            (rows * long).astype(np.float32) for rows, long in zip((spread, spread[::-1]), length, strict=True)
        )
    if kind == "biased":  # a bias against hubs: queries end in 1, documents in a number that outweighs their cosine
        ones, bias = np.ones((ROWS, 1)), -2 * draw.uniform(size=(ROWS, 1))
        queries, documents = unit(draw.normal(size=(ROWS, DIM - 1))), unit(spread[:, 1:])
        return tuple(np.concatenate(each, axis=1, dtype=np.float32) for each in ((queries, ones), (documents, bias)))
    rounded = np.round(spread[:, :4])  # "few": many of them equal
    return unit(draw.normal(size=(ROWS, 4))), unit(rounded + 0.5)
