"""The pairwise loss against equations 3, 4, 6 and 7, written out as loops."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch
from batches import KINDS, PRECISIONS, as_drawn, batch_of, cosine, distance, held_to
from helpers import one_thread, refusal  # noqa: F401
from torch import nn

from ntcir.config import load_config
from ntcir.objectives.batch import Batch
from ntcir.objectives.pairwise import Pairwise

pytestmark = pytest.mark.usefixtures("one_thread")
EQUATIONS: dict[str, dict[str, Any]] = {
    "3": {"similarity": 1},
    "6": {"similarity": 0.3},
    "6, only apart": {"similarity": 0, "margin": 2.5},
    "7": {"similarity": 0.4, "margin": 1.7, "betas": [0.5, 0.3, 0.2]},
    "7, only intra-modal": {"betas": 0},
}


def slow(batch: Batch, options: Pairwise) -> torch.Tensor:
    """The equations, one pair of items at a time."""
    a1, a2, c = options.similarity, 1 - options.similarity, options.margin
    assert batch.categories is not None

    def cell(f: torch.Tensor, g: torch.Tensor, s: float) -> torch.Tensor:
        return a1 * s * distance(f, g) + (a2 * max(torch.tensor(0.0), c - distance(f, g)) if s == 0 else 0)

    def mean(costs: list[torch.Tensor]) -> torch.Tensor:
        return torch.stack(costs).mean() if costs else batch.left.sum() * 0

    positive, negative = as_drawn(batch)
    v, w = batch.categories
    numbers = batch.instances
    across = []
    for i, j in product(range(len(v)), range(len(w))):
        if positive[i][j] or negative[i][j]:
            s = cosine(v[i], w[j])
            across.append(cell(batch.left[i], batch.right[j], 1.0 if positive[i][j] and s == 0 else s))
    within = []
    for side, (rows, concepts) in enumerate(((batch.left, v), (batch.right, w))):
        costs = []
        for i, j in product(range(len(rows)), repeat=2):
            s = cosine(concepts[i], concepts[j])
            costs.append(cell(rows[i], rows[j], 1.0 if numbers[side][i] == numbers[side][j] and s == 0 else s))
        within.append(mean(costs))
    b1, b2, b3 = options.betas
    return b1 * mean(across) + b2 * within[0] + b3 * within[1]


@pytest.mark.parametrize(("dtype", "close"), PRECISIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("equation", EQUATIONS)
def test_value_and_gradient_are_those_of_the_loops(dtype, close, kind, equation):
    objective = Pairwise.model_validate(EQUATIONS[equation])
    held_to(lambda batch: slow(batch, objective), objective, batch_of(kind, dtype), close)


def test_of_paired_items_with_categories_the_loss_is_equation_3_over_its_cells():
    batch = batch_of("diagonal")
    assert batch.categories is not None
    v, w = batch.categories
    v[:, 0] = 1
    w.copy_(v)
    cells = product(range(len(v)), range(len(w)))
    whole = torch.stack([cosine(v[i], w[j]) * distance(batch.left[i], batch.right[j]) for i, j in cells]).sum()
    found = Pairwise(similarity=1)(batch, nn.Module()) * len(v) * len(w)
    assert found.item() == pytest.approx(whole.item(), rel=1e-6)


@pytest.mark.parametrize("betas", [1, 0, [0.2, 0.4, 0.4]])
def test_items_without_categories_are_similar_to_nothing_but_their_partners(betas):
    batch = batch_of("diagonal")
    assert batch.categories is not None
    for side in batch.categories:
        side.zero_()
    objective = Pairwise(betas=betas)
    loss = objective(batch, nn.Module())
    assert torch.isfinite(loss)
    assert loss.item() == pytest.approx(slow(batch, objective).item())
    assert loss.item() > 0


def test_partners_without_categories_are_drawn_together():
    batch = batch_of("one, no negative")  # whose only items have no category
    loss = Pairwise()(batch, nn.Module())
    assert loss.item() == pytest.approx(distance(batch.left[0], batch.right[0]).item() / 2)


def test_an_ignored_cell_is_neither_drawn_together_nor_kept_apart():
    batch = batch_of("diagonal, ignored")
    assert batch.ignored is not None
    ignored = batch.ignored.clone()
    ignored[:] = True
    ignored.fill_diagonal_(False)  # so that partners alone are left
    loss = Pairwise(similarity=1)(replace(batch, ignored=ignored), nn.Module())
    apart = [distance(one, other).item() for one, other in zip(batch.left, batch.right, strict=True)]
    similarity = [cosine(v, w) or 1.0 for v, w in zip(*batch.categories, strict=True)]  # type: ignore[misc]
    assert loss.item() == pytest.approx(sum(s * d for s, d in zip(similarity, apart, strict=True)) / len(apart))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("similarity: 0.5, dissimilarity: 0.6", "similarity and dissimilarity must sum to 1, not 1.1"),
        ("similarity: 0.3, dissimilarity: 0.3", "not 0.6: leave dissimilarity out, or give 0.7"),
        ("similarity: -0.1", "objectives.0.similarity = -0.1 is not valid"),
        ("similarity: 1.5, dissimilarity: -0.5", "objectives.0.similarity = 1.5 is not valid"),
        ("betas: [0.5, 0.5, 0.5]", "the betas must sum to 1, not 1.5"),
        ("betas: [0.5, 0.7, -0.2]", "no beta may be below 0"),
        ("betas: 1.2", "give the first of the betas, from 0 to 1, or all three"),
        ("betas: -1", "give the first of the betas"),
        ("betas: true", "objectives.0.betas = True is not valid"),
        ("betas: [0.5, 0.5]", "objectives.0.betas"),
        ("margin: 0", "objectives.0.margin = 0 is not valid"),
        ("margin: 4.5", "objectives.0.margin = 4.5 is not valid"),
        ("similarity: .nan", "objectives.0.similarity = nan is not valid"),
    ],
)
def test_weights_that_are_none_are_refused_in_a_sentence(settings, words):
    assert words in refusal(load_config, None, [f"objectives=[{{kind: pairwise, {settings}}}]"])


def test_one_beta_stands_for_three_and_one_weight_for_two():
    one = load_config(None, ["objectives=[{kind: pairwise, betas: 0.6, similarity: 0.2, dissimilarity: 0.8}]"])
    assert one.objectives[0] == Pairwise(betas=(0.6, 0.2, 0.2), similarity=0.2, dissimilarity=0.8)
    again = one.changed({"objectives.0.betas": 1, "objectives.0.dissimilarity": None, "objectives.0.similarity": 0.9})
    assert again.objectives[0] == Pairwise(similarity=0.9)


@pytest.mark.parametrize(("similarity", "alone", "said"), [(1, True, True), (1, False, False), (0.9, True, False)])
def test_nothing_that_keeps_apart_is_said(similarity, alone, said):
    assert bool(list(Pairwise(similarity=similarity).remarks(100, alone=alone))) == said
