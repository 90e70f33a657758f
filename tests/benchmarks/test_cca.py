"""The baseline of benchmarks/flickr8k.py against the generalised eigenvalue problem that it stands for."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from helpers import ROOT
from scipy.linalg import eigh

sys.path.append(str(ROOT / "benchmarks"))

from cca import Problem, unit


def pairs(left: int, right: int, number: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of two sides that share four causes."""
    generator = np.random.default_rng(0)
    causes = generator.normal(size=(number, 4))
    return tuple(
        causes @ generator.normal(size=(4, columns)) + generator.normal(size=(number, columns)) + 3
        for columns in (left, right)
    )


def scaled(rows: np.ndarray) -> np.ndarray:
    rows = rows - rows.mean(axis=0)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return rows - rows.mean(axis=0)


def plain(left: np.ndarray, right: np.ndarray, r: tuple[float, float], k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return correlations and the cosines of all left with all right items, by one large eigenvalue problem."""
    x, y = scaled(left), scaled(right)
    covariances = [side.T @ side / len(side) for side in (x, y)]
    covariances = [
        each + amount * np.linalg.eigvalsh(each).mean() * np.eye(len(each))
        for each, amount in zip(covariances, r, strict=True)
    ]
    between, columns = x.T @ y / len(x), x.shape[1]
    across = np.zeros((columns + y.shape[1],) * 2)
    across[:columns, columns:], across[columns:, :columns] = between, between.T
    own = np.zeros_like(across)
    own[:columns, :columns], own[columns:, columns:] = covariances
    values, vectors = eigh(across, own)
    values, vectors = values[::-1][:k], vectors[:, ::-1][:, :k]
    projected = unit(x @ vectors[:columns] * values), unit(y @ vectors[columns:] * values)
    return values, projected[0] @ projected[1].T


@pytest.mark.parametrize(("left", "right"), [(5, 12), (12, 5), (7, 7), (5, 90)])
@pytest.mark.parametrize("r", [(0.1, 0.1), (0.03, 10.0)])
def test_solves_the_generalised_eigenvalue_problem(left: int, right: int, r: tuple[float, float]) -> None:
    x, y = pairs(left, right)
    correlations, cosines = plain(x, y, r, k=4)
    found = Problem(x, y).solve(*r, k=4)
    assert found.correlations == pytest.approx(correlations, rel=1e-6)
    assert found.left(x) @ found.right(y).T == pytest.approx(cosines, abs=1e-5)


def test_has_no_more_directions_than_columns_that_vary() -> None:
    x, y = pairs(3, 8)
    x = np.concatenate([x, np.ones((len(x), 2))], axis=1)
    found = Problem(x, y).solve(0.1, 0.1, k=128)
    assert len(found.correlations) == 3
    assert np.isfinite(found.left(x)).all()


def test_gives_partners_the_largest_cosine() -> None:
    x, _ = pairs(6, 6)
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]
    y = (x - x.mean(axis=0)) @ rotation
    found = Problem(x, y).solve(0.01, 0.01, k=6)
    cosines = found.left(x) @ found.right(y).T
    assert (cosines.argmax(axis=1) == np.arange(len(x))).all()
