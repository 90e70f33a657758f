"""InfoNCE against the definition, written out as loops."""

from __future__ import annotations

import math

import pytest
import torch
from helpers import one_thread  # noqa: F401
from torch.nn.functional import normalize

from ntcir.objectives.info_nce import info_nce

pytestmark = pytest.mark.usefixtures("one_thread")
precisions = pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])


def vectors(rows: int, seed: int = 0, dtype: torch.dtype = torch.float64, dim: int = 6) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(rows, dim, generator=draw, dtype=torch.float64), dim=1).to(dtype)


def cells(rows: int, columns: int, seed: int, share: float) -> torch.Tensor:
    return torch.rand(rows, columns, generator=torch.Generator().manual_seed(seed)) < share


def slow(queries, documents, temperature, positives, ignored, symmetric) -> float:
    """The definition: the mean over queries of the mean over their positives of -log softmax, one cell at a time."""

    def one_way(left, right, positive, skipped) -> float:
        losses = []
        for i in range(len(left)):
            mine = [j for j in range(len(right)) if positive[i][j]]
            if not mine:
                continue
            scores = [sum(a * b for a, b in zip(left[i], row, strict=True)) / temperature for row in right]
            total = math.fsum(math.exp(scores[j]) for j in range(len(right)) if positive[i][j] or not skipped[i][j])
            losses.append(-sum(scores[j] - math.log(total) for j in mine) / len(mine))
        return sum(losses) / len(losses) if losses else 0.0

    left, right, positive, skipped = (table.tolist() for table in (queries, documents, positives, ignored))
    forth = one_way(left, right, positive, skipped)
    if not symmetric:
        return forth
    back = one_way(right, left, [list(row) for row in zip(*positive, strict=True)],
                   [list(row) for row in zip(*skipped, strict=True)])  # fmt: skip
    return (forth + back) / 2


@precisions
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("temperature", [0.07, 0.5, 1.0])
def test_one_positive_a_row_as_in_the_loops(dtype, close, symmetric, masked, temperature):
    queries, documents = vectors(9, 0, dtype), vectors(9, 1, dtype)
    ignored, diagonal = cells(9, 9, 2, 0.4), torch.eye(9, dtype=torch.bool)
    found = info_nce(queries, documents, temperature, ignored=ignored if masked else None, symmetric=symmetric)
    expected = slow(queries, documents, temperature, diagonal, ignored & masked, symmetric)
    assert found.dtype == dtype
    assert found.item() == pytest.approx(expected, rel=close)


@precisions
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("masked", [True, False])
def test_several_positives_and_rows_without_any_as_in_the_loops(dtype, close, symmetric, masked):
    queries, documents = vectors(8, 3, dtype), vectors(11, 4, dtype)
    positives, ignored = cells(8, 11, 5, 0.25), cells(8, 11, 6, 0.4)
    positives[2] = False
    positives[:, 7] = False
    assert (positives.sum(dim=1) > 1).any()
    found = info_nce(
        queries, documents, 0.2, positives=positives, ignored=ignored if masked else None, symmetric=symmetric
    )
    expected = slow(queries, documents, 0.2, positives, ignored & masked, symmetric)
    assert found.item() == pytest.approx(expected, rel=close)


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("symmetric", [True, False])
def test_the_diagonal_may_be_said_or_left_out(masked, symmetric):
    queries, documents = vectors(7, 0), vectors(7, 1)
    ignored = cells(7, 7, 2, 0.5) if masked else None
    short = info_nce(queries, documents, 0.3, ignored=ignored, symmetric=symmetric)
    said = info_nce(
        queries, documents, 0.3, positives=torch.eye(7, dtype=torch.bool), ignored=ignored, symmetric=symmetric
    )
    assert short.item() == pytest.approx(said.item(), rel=1e-12)


@pytest.mark.parametrize("general", [True, False])
def test_a_positive_is_never_ignored(general):
    queries, documents = vectors(5, 0), vectors(5, 1)
    positives = torch.eye(5, dtype=torch.bool)
    everything = torch.ones(5, 5, dtype=torch.bool)
    # With all negatives ignored each positive is certain.
    loss = info_nce(queries, documents, 0.1, positives=positives if general else None, ignored=everything)
    assert loss.item() == pytest.approx(0, abs=1e-12)


def test_the_masks_given_are_left_as_they_were():
    ignored = torch.ones(4, 4, dtype=torch.bool)
    info_nce(vectors(4, 0), vectors(4, 1), 0.1, ignored=ignored)
    assert ignored.all()


@pytest.mark.parametrize("general", [True, False])
@pytest.mark.parametrize("symmetric", [True, False])
def test_gradients_are_those_of_finite_differences(general, symmetric):
    queries, documents = vectors(5, 0).requires_grad_(), vectors(5, 1).requires_grad_()
    temperature = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    positives = torch.eye(5, dtype=torch.bool)
    if general:
        positives[0, 3] = True
        positives[2] = False
    ignored = cells(5, 5, 2, 0.4)
    ignored[:, 4] = True

    def loss(left: torch.Tensor, right: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        return info_nce(
            left, right, scale, positives=positives if general else None, ignored=ignored, symmetric=symmetric
        )

    assert torch.autograd.gradcheck(loss, (queries, documents, temperature))


@pytest.mark.parametrize("general", [True, False])
def test_an_ignored_pair_neither_attracts_nor_repels(general):
    queries, documents = torch.eye(4, dtype=torch.float64).requires_grad_(), vectors(4, 1, dim=4).requires_grad_()
    ignored = torch.zeros(4, 4, dtype=torch.bool)
    ignored[0, 2] = True
    positives = torch.eye(4, dtype=torch.bool) if general else None
    info_nce(queries, documents, 0.2, positives=positives, ignored=ignored).backward()
    # With unit queries along the axes, the gradient of document j along axis i is that of the cell (i, j).
    assert queries.grad is not None
    assert documents.grad is not None
    cell = documents.grad.T
    assert cell[0, 2] == 0
    assert (cell[~ignored] != 0).all()


def test_a_row_with_nothing_but_ignored_cells_has_no_loss_and_a_finite_gradient():
    queries, documents = vectors(3, 0).requires_grad_(), vectors(3, 1).requires_grad_()
    positives = torch.eye(3, dtype=torch.bool)
    positives[1] = False
    ignored = torch.zeros(3, 3, dtype=torch.bool)
    ignored[1] = True
    loss = info_nce(queries, documents, 0.2, positives=positives, ignored=ignored)
    assert loss.item() == pytest.approx(slow(queries, documents, 0.2, positives, ignored, True))
    loss.backward()
    assert queries.grad is not None
    assert queries.grad[1].tolist() == [0] * 6
    assert torch.isfinite(queries.grad).all()


@pytest.mark.parametrize("masked", [True, False])
def test_without_any_positive_the_loss_is_0_and_so_is_its_gradient(masked):
    queries, documents = vectors(3, 0).requires_grad_(), vectors(4, 1).requires_grad_()
    nothing = torch.zeros(3, 4, dtype=torch.bool)
    loss = info_nce(queries, documents, 0.2, positives=nothing, ignored=~nothing if masked else None)
    loss.backward()
    assert loss.item() == 0
    assert queries.grad is not None
    assert queries.grad.abs().sum().item() == 0


def test_alike_vectors_at_a_low_temperature_do_not_overflow():
    same = torch.ones(6, 4) / 2
    loss = info_nce(same.requires_grad_(), same, 1e-3)
    assert loss.item() == pytest.approx(math.log(6), rel=1e-5)


def test_a_learnt_temperature_is_lowered_where_the_right_ones_are_nearest_and_raised_where_not():
    queries = vectors(6, 0, dim=8)
    for documents, sign in ((queries, 1), (queries.roll(1, 0), -1)):
        temperature = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
        info_nce(queries, documents, temperature).backward()
        assert temperature.grad is not None
        assert temperature.grad.item() * sign > 0
