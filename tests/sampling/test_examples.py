"""What a step is shown, cell by cell, against the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ntcir.config import Augment, Negatives, Positives
from ntcir.sampling.examples import Composer, Examples
from ntcir.sampling.overlap import ObjectOverlap
from ntcir.sampling.positives import FalseNegatives, ObjectPositives

PAIRS, BATCH = 80, 20
DRAW = np.random.default_rng(0)
COUNTS = DRAW.poisson(0.8, (PAIRS, 3))
SECONDS = np.arange(PAIRS) * 45.0
GROUPS = np.repeat(["a", "b"], PAIRS // 2)
NEAR = FalseNegatives([f"i{n}" for n in range(PAIRS)], [f"s{n // 2}" for n in range(PAIRS)], SECONDS, None, 60.0)
HARD = np.where(DRAW.random((PAIRS, 5)) < 0.7, DRAW.integers(0, PAIRS, (PAIRS, 5)), -1)
HARD = np.take_along_axis(HARD, np.argsort(HARD < 0, axis=1, kind="stable"), axis=1)  # -1 only at the end


def composer(
    objects: bool = True, views: int = 3, negatives: bool = True, *,
    matched: float = 0.25, altered: float = 0.25, hard: float = 0.25,
) -> Composer:  # fmt: skip
    options = Positives(overlap=0.6, least=1, share=matched)
    matches = ObjectPositives(ObjectOverlap(COUNTS, np.ones(3), 1), GROUPS, SECONDS, options) if objects else None
    one = Composer(
        NEAR, 5, matches, options, Augment(views=views, share=altered),
        Negatives(share=hard),
    )  # fmt: skip
    if negatives:
        one.hard_images = {"model": HARD, "objects": HARD[::-1]}
        one.hard_sensors = {"model": HARD[::-1]}
    return one


def batch(step: int) -> np.ndarray:
    return np.random.default_rng(step).permutation(PAIRS)[:BATCH]


def same(one: Examples, other: Examples) -> bool:
    values: list[tuple[Any, Any]] = [(getattr(one, name), getattr(other, name)) for name in vars(one)]
    return all((a is None and b is None) or np.array_equal(a, b) for a, b in values)


@pytest.mark.parametrize("step", range(12))
@pytest.mark.parametrize(
    ("objects", "views", "negatives"),
    [(True, 0, False), (False, 3, False), (False, 0, True), (True, 3, False), (True, 0, True), (True, 3, True)],
)
def test_each_cell_is_what_the_definition_says(step, objects, views, negatives):
    one = composer(objects, views, negatives)
    rows = batch(step)
    shown = one(rows, step)
    assert shown.positives is not None
    assert shown.positives.shape == shown.ignored.shape == (len(shown.images), len(shown.sensors))
    for a, i in enumerate(shown.images):
        for b, j in enumerate(shown.sensors):
            known = i == j or i // 2 == j // 2 or abs(SECONDS[i] - SECONDS[j]) <= 60
            match = bool(one.objects and one.objects(np.array([i]), np.array([j]))[0])
            positive = b < BATCH and (i == j or match)
            assert bool(shown.positives[a, b]) == positive
            assert bool(shown.ignored[a, b]) == ((known or match) and not positive)


def test_a_bare_batch_has_its_diagonal_as_positives():
    shown = composer(False, 0, False)(batch(0), 0)
    assert shown.positives is None
    assert np.array_equal(shown.images, batch(0))
    assert np.array_equal(shown.sensors, batch(0))
    assert not shown.views.any()
    assert not shown.ignored.diagonal().any()


@pytest.mark.parametrize("step", range(12))
def test_the_batch_comes_first_and_what_is_added_belongs_to_it(step):
    one = composer()
    rows = batch(step)
    shown = one(rows, step)
    assert np.array_equal(shown.images[:BATCH], rows)
    assert np.array_equal(shown.sensors[:BATCH], rows)
    assert not shown.views[:BATCH].any()
    matched, altered = shown.images[BATCH : BATCH + 5], shown.images[shown.views > 0]
    assert one.objects is not None
    for row in matched:
        assert any(row in one.objects.matches[own] for own in rows)
    assert set(altered) <= set(rows)
    assert len(set(altered)) == len(altered) == 5
    assert set(shown.views[shown.views > 0]) <= {1, 2, 3}
    negatives = shown.images[BATCH + 10 :]
    own_negatives = {row for own in rows for table in (HARD, HARD[::-1]) for row in table[own] if row >= 0}
    assert len(negatives)
    assert set(negatives) <= own_negatives - set(rows)
    assert set(shown.sensors[BATCH:]) <= {row for own in rows for row in HARD[::-1][own] if row >= 0} - set(rows)


def test_a_hard_negative_that_nobody_calls_positive_is_a_negative_of_its_pair():
    hard = np.full((PAIRS, 1), -1)
    hard[10], hard[30] = 70, 75
    one = composer(False, 0, False, hard=1.0)
    one.hard_images, one.hard_sensors = {"model": hard}, {"model": hard}
    shown = one(np.array([10, 30]), 0)
    assert shown.images.tolist() == shown.sensors.tolist() == [10, 30, 70, 75]
    assert shown.positives is not None
    assert shown.positives.int().tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert not shown.ignored[:, :2].any()
    assert not shown.ignored[:2].any()


def test_shares_say_how_much_is_added():
    rows = batch(1)
    for share in (0.0, 0.5, 1.0):
        shown = composer(False, 2, False, altered=share)(rows, 0)
        assert (shown.views > 0).sum() == round(share * BATCH)
        shown = composer(True, 0, False, matched=share)(rows, 0)
        assert len(shown.images) - BATCH <= round(share * BATCH)
    assert len(composer(True, 0, False, matched=0.5)(rows, 0).images) == BATCH + 10


def test_a_step_depends_on_the_seed_and_its_number_alone():
    one = composer()
    first = [one(batch(step), step) for step in range(6)]
    again = [composer()(batch(step), step) for step in reversed(range(6))][::-1]
    assert all(same(a, b) for a, b in zip(first, again, strict=True))
    assert not same(one(batch(0), 0), one(batch(0), 1))
    other = composer()
    other.seed = 6
    assert not same(one(batch(0), 0), other(batch(0), 0))


def test_all_matches_and_views_come_up_in_time():
    one = composer(negatives=False)
    assert one.objects is not None
    seen = {(int(view), int(row)) for step in range(400) for view, row in zip(*_added(one, step), strict=True)}
    assert {(view, row) for view in (1, 2, 3) for row in range(PAIRS)} <= seen
    matched = {row for view, row in seen if view == 0}
    assert matched == set(one.objects.matches[one.objects.matches >= 0].tolist())


def _added(one: Composer, step: int) -> tuple[np.ndarray, np.ndarray]:
    shown = one(batch(step), step)
    return shown.views[BATCH:], shown.images[BATCH:]
