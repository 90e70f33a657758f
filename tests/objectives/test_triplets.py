"""The triplet losses and the hinge over the hardest, against their equations written out as loops."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from batches import KINDS, PRECISIONS, as_drawn, batch_of, cosine, distance, gradients, held_to
from helpers import one_thread  # noqa: F401
from torch import nn
from torch.nn.functional import normalize

from ntcir.config.objective import objective_class
from ntcir.objectives.batch import Batch
from ntcir.objectives.ranking import Ranking
from ntcir.objectives.soft_margin import SoftMargin
from ntcir.objectives.soft_weighted import SoftWeighted
from ntcir.objectives.triplet import Triplet
from ntcir.objectives.triplets import InBatchTriplets

pytestmark = pytest.mark.usefixtures("one_thread")
TRIPLETS = ["triplet", "soft_weighted", "soft_margin"]
ZERO = torch.tensor(0.0)


def turned(batch: Batch) -> Batch:
    """Return the batch with its sides exchanged."""
    return Batch(
        batch.right,
        batch.left,
        None if batch.positives is None else batch.positives.T,
        None if batch.ignored is None else batch.ignored.T,
        (batch.instances[1], batch.instances[0]),
        None if batch.categories is None else (batch.categories[1], batch.categories[0]),
    )


def drawn(batch: Batch) -> list[list[int | None]]:
    """Return the negative of each item, of the left ones and of the right ones, that the step's seed draws."""
    draw = torch.Generator().manual_seed(batch.seed)
    found: list[list[int | None]] = []
    for each in (batch, turned(batch)):
        lots, (_, negative) = torch.rand(len(each.left), len(each.right), generator=draw), as_drawn(each)
        found.append(
            [max((j for j in range(len(row)) if row[j]), key=lambda j, i=i: lots[i, j], default=None)
             for i, row in enumerate(negative)]
        )  # fmt: skip
    return found


def nearest(batch: Batch) -> list[list[int | None]]:
    """Return the nearest negative of each item, the first of equals."""
    found: list[list[int | None]] = []
    for each in (batch, turned(batch)):
        away = 2 - 2 * each.left.detach() @ each.right.detach().T
        _, negative = as_drawn(each)
        found.append(
            [min((j for j in range(len(row)) if row[j]), key=lambda j, i=i: away[i, j], default=None)
             for i, row in enumerate(negative)]
        )  # fmt: skip
    return found


def slow(batch: Batch, options: InBatchTriplets) -> torch.Tensor:
    """Equations 8 to 11, one anchor pair at a time."""
    chosen = nearest(batch) if options.negatives == "hardest" else drawn(batch)
    total = batch.left.sum() * 0
    for each, negatives in zip((batch, turned(batch)), chosen, strict=True):
        costs = []
        positive, _ = as_drawn(each)
        assert each.categories is not None
        for i, row in enumerate(positive):
            k = negatives[i]
            for j, is_partner in enumerate(row):
                if not is_partner or k is None:
                    continue
                s = cosine(each.categories[0][i], each.categories[1][k])
                gap = distance(each.left[i], each.right[j]) - distance(each.left[i], each.right[k])
                margin = options.margin * (math.log(1 + s) if options.kind == "soft_margin" else 1)
                weight = s if options.kind == "soft_weighted" else 1
                costs.append(weight * max(ZERO, gap + margin))
        total = total + (torch.stack(costs).mean() if costs else 0)
    return total


def slow_ranking(batch: Batch, options: Ranking) -> torch.Tensor:
    """The hinges of VSE, of VSE++ and of a random negative, one anchor pair at a time."""
    total = batch.left.sum() * 0
    summed = batch.step < options.warm_up and options.negatives == "hardest"
    for each, lots in zip((batch, turned(batch)), drawn(batch), strict=True):
        costs = []
        positive, negative = as_drawn(each)
        for i, row in enumerate(positive):
            for j, is_partner in enumerate(row):
                score = each.left[i] @ each.right[j]
                hinges = [
                    max(ZERO, options.margin - score + each.left[i] @ each.right[k])
                    for k, is_negative in enumerate(negative[i])
                    if is_negative and (options.negatives == "hardest" or k == lots[i])
                ]  # fmt: skip
                if is_partner and hinges:
                    costs.append(sum(hinges) if summed else max(hinges))
        total = total + (torch.stack(costs).mean() if costs else 0)
    return total


@pytest.mark.parametrize(("dtype", "close"), PRECISIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("negatives", ["random", "hardest"])
@pytest.mark.parametrize("loss", TRIPLETS)
def test_triplets_are_those_of_the_loops_in_value_and_gradient(dtype, close, kind, negatives, loss):
    objective: Any = objective_class(loss).model_validate({"negatives": negatives, "margin": 0.7})
    value = held_to(lambda batch: slow(batch, objective), objective, batch_of(kind, dtype, seed=4), close)
    if kind in ("no positive", "no negative", "one, no negative"):
        assert value == 0
    elif kind != "one":  # which may satisfy its margin
        assert value > 0


@pytest.mark.parametrize(("dtype", "close"), PRECISIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("step", "negatives"), [(0, "hardest"), (4, "hardest"), (5, "hardest"), (0, "random")])
def test_the_hinge_is_that_of_the_loops_before_and_after_its_warm_up(dtype, close, kind, step, negatives):
    objective = Ranking(margin=0.3, warm_up=5, negatives=negatives)
    held_to(lambda batch: slow_ranking(batch, objective), objective, batch_of(kind, dtype, step=step, seed=4), close)


@pytest.mark.parametrize("loss", TRIPLETS)
def test_of_equally_hard_negatives_the_first_counts(loss):
    batch = batch_of("diagonal")
    objective: Any = objective_class(loss).model_validate({"negatives": "hardest"})
    place = normalize(torch.ones(1, batch.left.shape[1], dtype=batch.left.dtype), dim=1)
    tied = replace(batch, right=place.expand_as(batch.right))  # all right items lie at one place
    expected = slow(tied, objective)
    found = objective(tied, nn.Module())
    assert found.item() == pytest.approx(expected.item(), abs=1e-12)
    for one, other in zip(gradients(found, batch), gradients(expected, batch), strict=True):
        assert torch.allclose(one, other, atol=1e-12)


@pytest.mark.parametrize("loss", ["soft_weighted", "soft_margin"])
def test_items_without_categories_have_a_similarity_of_0_and_not_nan(loss):
    batch = batch_of("diagonal")
    assert batch.categories is not None
    for side in batch.categories:
        side.zero_()
    found = objective_class(loss)()(batch, nn.Module())
    assert (found == 0) if loss == "soft_weighted" else (found > 0)
    assert all(torch.isfinite(each).all() for each in gradients(found, batch))


@pytest.mark.parametrize("loss", [*TRIPLETS, "ranking"])
def test_random_negatives_are_fixed_by_the_step_s_seed_and_by_nothing_else(loss):
    objective: Any = objective_class(loss).model_validate({"negatives": "random"})

    def value(seed: int, state: int) -> float:
        torch.manual_seed(state)
        found: torch.Tensor = objective(batch_of("several", step=state, seed=seed), nn.Module())
        return found.item()

    assert value(0, 1) == value(0, 2)
    assert len({value(seed, 1) for seed in range(4)}) > 1


def test_random_negatives_are_drawn_evenly_from_all_negatives():
    from ntcir.objectives.triplets import any_of

    negatives = torch.tensor([[False, True, True, True, False]]).expand(3000, 5)
    chosen = any_of(negatives, torch.Generator().manual_seed(0))
    counts = torch.bincount(chosen[:, 0], minlength=5).tolist()
    assert counts[0] == counts[4] == 0
    assert all(900 < each < 1100 for each in counts[1:4])


def test_what_is_asked_by_default_is_what_the_equations_ask():
    assert Triplet().negatives == "random"
    assert SoftWeighted().negatives == SoftMargin().negatives == Ranking().negatives == "hardest"
    assert not Triplet.needs
    assert not Ranking.needs


@pytest.mark.parametrize(("iters", "said"), [(100, True), (50, True), (101, False), (0, False)])
def test_a_warm_up_that_never_ends_is_said(iters, said):
    assert bool(list(Ranking(warm_up=100).remarks(iters, alone=True))) == said
    assert not list(Ranking(negatives="random").remarks(iters, alone=True))


@pytest.mark.parametrize(("steps", "said"), [(50, True), (0, False), (100, False)])
def test_a_warm_up_is_not_used_with_random_negatives(steps, said):
    found = list(Ranking(negatives="random", warm_up=steps).remarks(500, alone=True))
    assert found == ["warm_up = 50 is set but not used: negatives are random"] * said
