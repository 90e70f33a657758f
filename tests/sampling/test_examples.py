"""What a step is shown, cell by cell, against the definition."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest

from ntcir.config import Positives
from ntcir.modalities import DEFAULT_PAIR
from ntcir.sampling.examples import Composer, Examples, Shares, Side
from ntcir.sampling.negatives import HardNegatives
from ntcir.sampling.overlap import ObjectOverlap
from ntcir.sampling.positives import FalseNegatives, ObjectPositives

PAIRS, BATCH = 80, 20
DRAW = np.random.default_rng(0)
COUNTS = DRAW.poisson(0.8, (PAIRS, 3))
SECONDS = np.arange(PAIRS) * 45.0
GROUPS = np.repeat(["a", "b"], PAIRS // 2)
NEAR = FalseNegatives(
    [f"i{n}" for n in range(PAIRS)], [f"s{n // 2}" for n in range(PAIRS)], SECONDS, None, 60.0, pair=DEFAULT_PAIR
)
HARD = np.where(DRAW.random((PAIRS, 5)) < 0.7, DRAW.integers(0, PAIRS, (PAIRS, 5)), -1)
HARD = np.take_along_axis(HARD, np.argsort(HARD < 0, axis=1, kind="stable"), axis=1)  # -1 only at the end
BY_KIND = {"objects": (HARD[::-1], HARD), "model": (HARD, HARD[::-1])}


def composer(
    objects: bool = True, views: int = 3, negatives: bool = True, *,
    matched: float = 0.25, altered: float = 0.25, hard: float = 0.25, side: Side = Side.LEFT,
) -> Composer:  # fmt: skip
    options = Positives(overlap=0.6, least=1)
    matches = ObjectPositives(ObjectOverlap(COUNTS, np.ones(3), 1), GROUPS, SECONDS, options) if objects else None
    one = Composer(NEAR, 5, Shares(matched, altered, views, hard), matches, side=side)
    for kind, found in BY_KIND.items() if negatives else ():
        one = one.with_hard(kind, HardNegatives(*(found if side is Side.LEFT else found[::-1])))
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
    assert shown.positives.shape == shown.ignored.shape == (len(shown.left), len(shown.right))
    for a, i in enumerate(shown.left):
        for b, j in enumerate(shown.right):
            known = i == j or i // 2 == j // 2 or abs(SECONDS[i] - SECONDS[j]) <= 60
            match = bool(one.objects and one.objects(np.array([i]), np.array([j]))[0])
            positive = b < BATCH and (i == j or match)
            assert bool(shown.positives[a, b]) == positive
            assert bool(shown.ignored[a, b]) == ((known or match) and not positive)


def test_a_bare_batch_has_its_diagonal_as_positives():
    shown = composer(False, 0, False)(batch(0), 0)
    assert shown.positives is None
    assert np.array_equal(shown.left, batch(0))
    assert np.array_equal(shown.right, batch(0))
    assert not shown.left_views.any()
    assert not shown.right_views.any()
    assert not shown.ignored.diagonal().any()


@pytest.mark.parametrize("step", range(12))
def test_the_batch_comes_first_and_what_is_added_belongs_to_it(step):
    one = composer()
    rows = batch(step)
    shown = one(rows, step)
    assert np.array_equal(shown.left[:BATCH], rows)
    assert np.array_equal(shown.right[:BATCH], rows)
    assert not shown.left_views[:BATCH].any()
    matched, altered = shown.left[BATCH : BATCH + 5], shown.left[shown.left_views > 0]
    assert one.objects is not None
    for row in matched:
        assert any(row in one.objects.matches[own] for own in rows)
    assert set(altered) <= set(rows)
    assert len(set(altered)) == len(altered) == 5
    assert set(shown.left_views[shown.left_views > 0]) <= {1, 2, 3}
    negatives = shown.left[BATCH + 10 :]
    own_negatives = {row for own in rows for table in (HARD, HARD[::-1]) for row in table[own] if row >= 0}
    assert len(negatives)
    assert set(negatives) <= own_negatives - set(rows)
    assert set(shown.right[BATCH:]) <= own_negatives - set(rows)


def test_a_hard_negative_that_nobody_calls_positive_is_a_negative_of_its_pair():
    hard = np.full((PAIRS, 1), -1)
    hard[10], hard[30] = 70, 75
    one = composer(False, 0, False, hard=1.0)
    shown = one.with_hard("model", HardNegatives(hard, hard))(np.array([10, 30]), 0)
    assert shown.left.tolist() == shown.right.tolist() == [10, 30, 70, 75]
    assert shown.positives is not None
    assert shown.positives.int().tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert not shown.ignored[:, :2].any()
    assert not shown.ignored[:2].any()


def test_shares_say_how_much_is_added():
    rows = batch(1)
    for share in (0.0, 0.5, 1.0):
        shown = composer(False, 2, False, altered=share)(rows, 0)
        assert (shown.left_views > 0).sum() == round(share * BATCH)
        shown = composer(True, 0, False, matched=share)(rows, 0)
        assert len(shown.left) - BATCH <= round(share * BATCH)
    assert len(composer(True, 0, False, matched=0.5)(rows, 0).left) == BATCH + 10


def test_a_step_depends_on_the_seed_and_its_number_alone():
    one = composer()
    first = [one(batch(step), step) for step in range(6)]
    again = [composer()(batch(step), step) for step in reversed(range(6))][::-1]
    assert all(same(a, b) for a, b in zip(first, again, strict=True))
    assert not same(one(batch(0), 0), one(batch(0), 1))
    assert not same(one(batch(0), 0), replace(one, seed=6)(batch(0), 0))


def test_all_matches_and_views_come_up_in_time():
    one = composer(negatives=False)
    assert one.objects is not None
    seen = {(int(view), int(row)) for step in range(400) for view, row in zip(*_added(one, step), strict=True)}
    assert {(view, row) for view in (1, 2, 3) for row in range(PAIRS)} <= seen
    matched = {row for view, row in seen if view == 0}
    assert matched == set(one.objects.matches[one.objects.matches >= 0].tolist())


def _added(one: Composer, step: int) -> tuple[np.ndarray, np.ndarray]:
    shown = one(batch(step), step)
    return shown.left_views[BATCH:], shown.left[BATCH:]


@pytest.mark.parametrize("step", range(6))
@pytest.mark.parametrize(("objects", "views", "negatives"), [(False, 0, False), (False, 3, True), (True, 3, True)])
def test_pictures_on_the_right_are_shown_what_pictures_on_the_left_are(step, objects, views, negatives):
    rows = batch(step)
    one = composer(objects, views, negatives)(rows, step)
    other = composer(objects, views, negatives, side=Side.RIGHT)(rows, step)
    assert np.array_equal(one.left, other.right)
    assert np.array_equal(one.right, other.left)
    assert np.array_equal(one.left_views, other.right_views)
    assert np.array_equal(one.right_views, other.left_views)
    assert np.array_equal(one.ignored, other.ignored.T)
    assert (one.positives is None) == (other.positives is None) == (not (objects or views or negatives))
    if one.positives is not None and other.positives is not None:
        assert np.array_equal(one.positives, other.positives.T)


def test_a_composer_is_not_changed_by_what_is_mined_later():
    one = composer()
    before = one(batch(0), 0)
    other = one.with_hard("model", HardNegatives(HARD[::-1], HARD[:, ::-1].copy()))
    assert same(one(batch(0), 0), before)
    assert list(other.hard) == list(one.hard)  # the order of kinds is that of the draws
    with pytest.raises(FrozenInstanceError):
        one.hard = {}  # type: ignore[misc]


# ------------------------------------------------------------------------------- items that have several partners

PICTURES = [f"p{n // 5}" for n in range(PAIRS)]  # five captions each
CAPTIONS = [f"c{n}" if n % 7 else "c0" for n in range(PAIRS)]  # some captions are those of other pictures too


def captioned(objects: bool, negatives: bool, side: Side = Side.LEFT) -> Composer:
    """Return a composer whose pairs are positives of each other where they share an item."""
    known = FalseNegatives(PICTURES, CAPTIONS, SECONDS, None, 60.0, pair=DEFAULT_PAIR)
    one = composer(objects, 3 if objects else 0, negatives, side=side)
    return replace(one, false_negatives=known, shared=known.same)


@pytest.mark.parametrize("step", range(8))
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("objects", "negatives"), [(False, False), (False, True), (True, False), (True, True)])
def test_captions_of_a_picture_are_positives_of_all_that_it_is_shown_with(step, side, objects, negatives):
    one = captioned(objects, negatives, side)
    rows = batch(step)
    shown = one(rows, step)
    assert shown.positives is not None
    assert shown.positives[:BATCH, :BATCH].sum() > BATCH
    hard = {*shown.left[BATCH:], *shown.right[BATCH:]} - set(rows) if negatives else set()
    for a, i in enumerate(shown.left):
        for b, j in enumerate(shown.right):
            shares = PICTURES[i] == PICTURES[j] or CAPTIONS[i] == CAPTIONS[j]
            match = bool(one.objects and one.objects(np.array([i]), np.array([j]))[0])
            near = abs(SECONDS[i] - SECONDS[j]) <= 60
            across = b >= BATCH if side is Side.LEFT else a >= BATCH
            assert bool(shown.positives[a, b] | shown.ignored[a, b]) == (shares or match or near)
            if not objects:  # what is added is hard
                assert bool(shown.positives[a, b]) == (shares and i not in hard and j not in hard)
            elif not negatives:
                assert bool(shown.positives[a, b]) == ((shares or match) and not across)
            else:
                assert not (shown.positives[a, b] and across)
                assert not (shown.positives[a, b] and not (shares or match))


def test_a_negative_that_shares_an_item_with_another_pair_of_the_batch_is_ignored_there():
    hard = np.full((PAIRS, 1), -1)
    hard[1] = 41  # of picture p8, which is in the batch, with caption c41
    one = replace(captioned(False, False), shares=Shares(hard=1.0)).with_hard("model", HardNegatives(hard, hard))
    shown = one(np.array([1, 43, 4]), 0)
    assert shown.left.tolist() == shown.right.tolist() == [1, 43, 4, 41]
    assert shown.positives is not None
    assert shown.positives.int().tolist() == [[1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]
    assert shown.ignored[:, 3].tolist() == [False, True, False, True]
    assert shown.ignored[3].tolist() == [False, True, False, True]
