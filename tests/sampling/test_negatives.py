"""Mined hard negatives, against loops over all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ntcir.config import Negatives
from ntcir.modalities import DEFAULT_PAIR
from ntcir.sampling import negatives
from ntcir.sampling.negatives import MiningReport, mine_by_model, renumbered, sample_to_mine

quick = settings(deadline=None, max_examples=80)
CEILING, ABSOLUTE, RELATIVE = "above the score ceiling", "within the absolute margin", "within the relative margin"


def unit(rows):
    return (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)).astype(np.float32)


def score(left, right):
    """Return the inner product as the search defines it."""
    return float(np.float32(sum(float(a) * float(b) for a, b in zip(left, right, strict=True))))


def mined_by_loops(queries, documents, forbidden, options, asked=None):
    """Return the rows and how many were refused why; relations take (query's pair, document's pair) numbers."""
    pairs = len(queries)
    rows, refused = [], dict.fromkeys(forbidden, 0)
    for name, value in ((CEILING, options.max_score), (ABSOLUTE, options.absolute_margin)):
        if value is not None:
            refused[name] = 0
    if options.relative_margin is not None:
        refused[RELATIVE] = 0
    for i in range(pairs):
        rows.append([])
        if asked is not None and i not in asked:
            continue
        scores = [score(queries[i], document) for document in documents]
        others = sorted((j for j in range(pairs) if j != i), key=lambda j: (-scores[j], j))
        for j in others[options.range_min : options.range_max]:
            reason = next((name for name, holds in forbidden.items() if holds(i, j)), None)
            if reason is None and options.max_score is not None and scores[j] > options.max_score:
                reason = CEILING
            if reason is None and options.absolute_margin is not None:
                reason = ABSOLUTE if scores[j] > scores[i] - options.absolute_margin else None
            if reason is None and options.relative_margin is not None:
                reason = RELATIVE if scores[j] > scores[i] - abs(scores[i]) * options.relative_margin else None
            if reason is None:
                rows[i].append(j)
            else:
                refused[reason] += 1
    return rows, refused


def listed(mined):
    """Return the rows without what fills them up, which must come last."""
    rows = [[j for j in row if j >= 0] for row in mined.rows.tolist()]
    assert all(j == -1 for row, kept in zip(mined.rows.tolist(), rows, strict=True) for j in row[len(kept) :])
    return rows


def check(images, sensors, forbidden, options, asked=None):
    """Mine both ways and compare with the loops."""
    chosen = None if asked is None else np.array(asked, dtype=np.int64)
    to_sensors, to_images = mine_by_model(images, sensors, forbidden, options, pairs=chosen, pair=DEFAULT_PAIR)
    swapped = {name: lambda i, j, holds=holds: holds(j, i) for name, holds in forbidden.items()}
    for mined, expected, of in (
        (to_sensors, mined_by_loops(images, sensors, forbidden, options, asked), "photographs"),
        (to_images, mined_by_loops(sensors, images, swapped, options, asked), "readings"),
    ):
        rows, refused = expected
        assert mined.rows.dtype == np.int64
        assert mined.rows.shape == (len(images), options.range_max - options.range_min)
        assert listed(mined) == rows
        report = mined.report
        assert report.refused == refused
        assert list(report.refused) == list(refused)
        number = len(images) if asked is None else len(asked)
        assert (report.of, report.pairs, report.kept) == (of, number, sum(map(len, rows)))
        assert report.without == number - sum(map(bool, rows))
        offered = max(0, min(options.range_max, len(images) - 1) - options.range_min)
        assert report.kept + sum(report.refused.values()) == number * offered
    return to_sensors, to_images


few = st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0])
margins = st.none() | st.sampled_from([0.0, 0.05, 0.3, 1.0])


@quick
@given(st.data(), st.integers(1, 12), margins, margins, st.none() | st.sampled_from([-0.5, 0.0, 0.5, 1.0]))
def test_mining_is_what_loops_find(data, pairs, absolute, relative, ceiling):
    images, sensors = (unit(data.draw(arrays(np.float32, (pairs, 3), elements=few))) for _ in range(2))
    low = data.draw(st.integers(0, 4))
    options = Negatives(
        range_min=low, range_max=low + data.draw(st.integers(1, 14)),
        max_score=ceiling, absolute_margin=absolute, relative_margin=relative,
    )  # fmt: skip
    keys = data.draw(arrays(np.int64, pairs, elements=st.integers(0, 3)))
    forbidden = {
        "of one kind": lambda left, right: keys[left] == keys[right],
        "just above": lambda left, right: keys[left] == keys[right] + 1,  # tells the directions apart
    }
    asked = data.draw(st.none() | st.lists(st.integers(0, pairs - 1), unique=True))
    check(images, sensors, forbidden, options, asked)


def lifelog(pairs=300, dim=24):
    """Return embeddings of which neighbours are similar and readings often equal."""
    draw = np.random.default_rng(0)
    walk = np.cumsum(draw.normal(size=(pairs, 4)) * 0.3, axis=0) @ draw.normal(size=(4, dim))
    return unit(walk + draw.normal(size=walk.shape)), unit(np.round(np.repeat(walk[::3], 3, axis=0)[:pairs], 1))


OPTIONS = {
    "as configured": Negatives(),
    "later ranks": Negatives(range_min=5, range_max=9),
    "the nearest only": Negatives(range_max=1),
    "more than there are": Negatives(range_min=290, range_max=1000),
    "beyond the last": Negatives(range_min=400, range_max=410),
    "ceiling": Negatives(max_score=0.8),
    "both margins": Negatives(absolute_margin=0.05, relative_margin=0.1, range_max=100),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_lifelog_is_mined_as_by_loops(name):
    images, sensors = lifelog()
    check(images, sensors, {"near": lambda left, right: abs(left - right) <= 4}, OPTIONS[name], list(range(0, 300, 7)))


def test_candidates_may_be_looked_at_in_any_portions(monkeypatch):
    images, sensors = lifelog()
    near = {"near": lambda left, right: abs(left - right) <= 4}
    whole = mine_by_model(images, sensors, near, Negatives(), pair=DEFAULT_PAIR)
    monkeypatch.setattr(negatives, "_CELLS", 1)
    for one, other in zip(whole, mine_by_model(images, sensors, near, Negatives(), pair=DEFAULT_PAIR), strict=True):
        assert np.array_equal(one.rows, other.rows)
        assert one.report == other.report


def test_a_margin_keeps_its_direction_where_the_positive_is_negative():
    # The own reading scores -0.5, the others -0.52 and -0.6: a margin of 10 % lies at -0.55, not at -0.45.
    images = np.array([[1, 0]] * 3, dtype=np.float32)
    sensors = np.array([[x, np.sqrt(1 - x * x)] for x in (-0.5, -0.52, -0.6)], dtype=np.float32)
    mined, _ = mine_by_model(images, sensors, {}, Negatives(relative_margin=0.1), pair=DEFAULT_PAIR)
    assert listed(mined)[0] == [2]


def test_equal_readings_tie_in_the_order_of_their_rows():
    draw = np.random.default_rng(1)
    distinct = unit(draw.normal(size=(5, 16)))
    codes = draw.integers(0, 5, 200)
    images = unit(draw.normal(size=(200, 16)))
    mined, _ = mine_by_model(images, distinct[codes], {}, Negatives(range_max=120), pair=DEFAULT_PAIR)
    for i, row in enumerate(mined.rows[:20].tolist()):
        scores = [score(images[i], distinct[codes[j]]) for j in row]
        assert all(a > b or (a == b and j < k) for a, b, j, k in zip(scores, scores[1:], row, row[1:], strict=False))
        assert len(set(row)) == 120
        assert i not in row


def test_where_all_are_refused_there_are_none_and_the_report_says_so():
    images, sensors = lifelog(30)
    mined, _ = mine_by_model(
        images, sensors, {"of everything": lambda left, right: left == left + 0 * right}, Negatives(), pair=DEFAULT_PAIR
    )
    assert (mined.rows == -1).all()
    assert mined.report.lines() == [
        "mined 0 hard negatives for 30 photographs; refused: 870 of everything",
        "30 of 30 photographs have no hard negative",
    ]


def test_a_pair_alone_has_no_negatives():
    one = np.ones((1, 1), dtype=np.float32)
    for mined in mine_by_model(one, one, {}, Negatives(relative_margin=0.05), pair=DEFAULT_PAIR):
        assert (mined.rows == -1).all()
        assert mined.report.refused == {RELATIVE: 0}


def test_no_pair_at_all_is_no_trouble():
    none = np.empty((0, 4), dtype=np.float32)
    assert mine_by_model(none, none, {}, Negatives(), pair=DEFAULT_PAIR)[0].rows.shape == (0, 50)


def test_a_report_calls_items_by_their_modality():
    of_left, of_right = mine_by_model(*lifelog(10), {}, Negatives(), pair=("sensor", "image"))
    assert (of_left.report.of, of_right.report.of) == ("readings", "photographs")


def test_the_report_reads_well():
    report = MiningReport("photographs", 27_907, 12_345, 0, {"near in time": 4_210, "pseudo-positive": 0, RELATIVE: 7})
    assert report.lines() == [
        "mined 12,345 hard negatives for 27,907 photographs; refused: 4,210 near in time, 7 within the relative margin"
    ]
    assert report.counts["pseudo-positive"] == 0
    assert report.counts["mined"] == 12_345
    assert MiningReport("readings", 2, 2, 0, {}).lines() == ["mined 2 hard negatives for 2 readings; refused: none"]


@pytest.mark.parametrize("sample", [2, 60, 1000])
def test_what_the_coming_steps_show_is_mined_for_among_a_sample(sample):
    draw = np.random.default_rng(0)
    coming = [draw.permutation(200)[:20] for _ in range(10)]
    asked, among = sample_to_mine(coming, 200, Negatives(share=0.25, sample=sample), [1, 2])
    assert set(asked) <= {row for rows in coming for row in rows.tolist()}
    assert len(asked) <= 50
    for rows in coming:  # each batch has as many as it is to show
        assert np.isin(rows, asked).sum() >= 5
    assert set(asked) <= set(among)
    assert len(among) == max(min(sample, 200), len(asked))
    for rows in (asked, among):
        assert np.array_equal(rows, np.unique(rows))
    again = sample_to_mine(coming, 200, Negatives(share=0.25, sample=sample), [1, 2])
    assert np.array_equal(asked, again[0])
    assert np.array_equal(among, again[1])
    if sample == 60:
        assert not np.array_equal(among, sample_to_mine(coming, 200, Negatives(sample=sample), [1, 3])[1])


def test_nothing_shown_is_nothing_mined_for():
    asked, among = sample_to_mine([np.arange(4)], 9, Negatives(share=0, sample=4), [0])
    assert len(asked) == 0
    assert len(among) == 4


def test_positions_in_a_sample_are_pairs_again():
    among = np.array([3, 5, 8])
    table = renumbered(np.array([[2, -1], [-1, -1], [0, 1]]), among, 10)
    assert table.shape == (10, 2)
    assert table[3].tolist() == [8, -1]
    assert table[8].tolist() == [3, 5]
    assert (np.delete(table, [3, 8], axis=0) == -1).all()
