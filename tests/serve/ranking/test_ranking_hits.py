"""What the page ranks is what scoring everything and sorting finds, however it is narrowed, cut off and grouped."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
from helpers import refusal
from small_index import ranker, write_index

from ntcir.search.dots import dots
from ntcir.serve.index.catalogue import UNKNOWN
from ntcir.serve.state import Ask, Narrow, State, Then

ROWS, DIM, QUERIES = 500, 24, 20
KINDS = ["spread", "clustered", "tied", "collapsed", "negative", "biased"]
MASKS = ["all", "none", "one", "few", "half"]


@cache
def vectors(kind):
    draw = np.random.default_rng(KINDS.index(kind))
    queries, documents = draw.normal(size=(QUERIES, DIM)), draw.normal(size=(ROWS, DIM))
    if kind == "clustered":  # neighbours look alike, as photographs of one event do
        documents = np.repeat(documents[:20], 25, axis=0) + 0.02 * documents
    if kind == "tied":
        documents = documents[draw.integers(0, 12, ROWS)]
    if kind == "collapsed":
        documents = 1 + 1e-6 * documents
    if kind == "negative":
        queries, documents = 1 + 0.1 * queries, 0.1 * documents - 1
    queries, documents = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (queries, documents))
    if kind == "biased":
        queries[:, -1], documents[:, -1] = 1, -draw.uniform(size=ROWS)
    return queries.astype(np.float32), documents.astype(np.float32)


@cache
def exact(kind):
    queries, documents = vectors(kind)
    cells = np.tile(np.arange(ROWS), QUERIES)
    return dots(queries, documents, np.arange(QUERIES + 1) * ROWS, cells).reshape(QUERIES, ROWS)


def mask(name):
    found = np.zeros(ROWS, dtype=bool)
    draw = np.random.default_rng(1)
    rows = {"all": ROWS, "none": 0, "one": 1, "few": 9, "half": ROWS // 2}[name]
    found[draw.choice(ROWS, rows, replace=False)] = True
    return found


@cache
def events():
    return np.sort(np.random.default_rng(2).integers(0, 80, ROWS)).astype(np.int32)


def by_sorting(scores, kept, floor=None, grouped=False):
    """Return rows, and how many each stands for."""
    rows = [row for row in range(len(scores)) if kept[row] and (floor is None or float(scores[row]) >= floor)]
    rows.sort(key=lambda row: (-scores[row], row))
    if not grouped:
        return rows, [1] * len(rows)
    of = events()
    firsts = list({of[row]: row for row in reversed(rows)}.values())
    firsts.sort(key=lambda row: (-scores[row], row))
    sizes = Counter(of[rows].tolist())
    return firsts, [sizes[of[first]] for first in firsts]


@pytest.fixture(autouse=True)
def shallow(monkeypatch):
    """Depths at which there is something to leave out."""
    monkeypatch.setattr("ntcir.serve.ranking.ranking._DEPTH", 8)


def check(ranking, scores, rows, sizes, query):
    assert ranking.total == len(rows)
    for offset, count in ((0, 3), (5, 10), (0, 0), (len(rows) - 2, 9), (30, 200), (0, ROWS), (len(rows), 4)):
        hits = ranking.slice(offset, count)
        here = slice(max(0, offset), max(0, offset) + count)
        assert hits.rows.tolist() == rows[here]
        assert np.array_equal(hits.scores, scores[query][rows[here]])
        assert hits.sizes.tolist() == sizes[here]
        assert (hits.partners == -1).all()
        assert (hits.rows.dtype, hits.scores.dtype) == (np.int64, np.float32)


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("kept", MASKS)
@pytest.mark.parametrize("kind", KINDS)
def test_hits_are_those_that_sorting_finds(kind, kept, grouped, tmp_path):
    queries, documents = vectors(kind)
    index, passing = write_index(tmp_path, documents, events=events()), mask(kept)
    ranks = ranker(index, queries, passing if kept != "all" else None)
    scores = exact(kind)
    for query in range(2):
        for floor in (None, float(np.median(scores[query])), float(scores[query].max()), 9.0):
            rows, sizes = by_sorting(scores[query], passing, floor, grouped)
            ranking = ranks.rank(State(Ask(str(query)), floor=floor, grouped=grouped))
            check(ranking, scores, rows, sizes, query)
            assert ranking.remarks == (f"asked {query}",)


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("kind", ["spread", "tied", "collapsed"])
def test_each_item_knows_its_place(kind, grouped, tmp_path):
    queries, documents = vectors(kind)
    passing, of = mask("half"), events()
    ranking = ranker(write_index(tmp_path, documents, events=of), queries, passing).rank(
        State(Ask("0"), grouped=grouped)
    )
    rows, _ = by_sorting(exact(kind)[0], passing, None, grouped)
    places = {of[row] if grouped else row: place for place, row in enumerate(rows)}
    for row in range(0, ROWS, 5):
        key = of[row] if grouped else row
        assert ranking.position_of(row) == (places[key] if passing[row] else None)
    assert ranking.position_of(ROWS + 5) is None


@pytest.mark.parametrize("kept", MASKS)
def test_where_nothing_is_asked_items_are_in_order_of_time(kept, tmp_path):
    queries, documents = vectors("spread")
    passing, of = mask(kept), events()
    ranks = ranker(write_index(tmp_path, documents, events=of), queries, passing)
    rows = np.flatnonzero(passing)
    plain, grouped = ranks.rank(State(wrong=("item-1",))), ranks.rank(State(grouped=True))
    assert plain.slice(0, ROWS).rows.tolist() == rows.tolist()
    assert plain.slice(2, 3).rows.tolist() == rows[2:5].tolist()
    assert plain.slice(0, 9).scores is None
    firsts = [int(row) for place, row in enumerate(rows) if not place or of[row] != of[rows[place - 1]]]
    hits = grouped.slice(0, ROWS)
    assert hits.rows.tolist() == firsts
    assert hits.sizes.sum() == len(rows) == plain.total
    assert grouped.total == len(firsts)
    for row in range(0, ROWS, 50):
        assert plain.position_of(row) == (rows.tolist().index(row) if passing[row] else None)
        of_hit = next((place for place, first in enumerate(firsts) if of[first] == of[row]), None)
        assert grouped.position_of(row) == (of_hit if passing[row] else None)


# ---- then ----


def times(kind):
    draw = np.random.default_rng(3)
    found = np.sort(draw.integers(0, 60 * 400, ROWS)) * {"seconds": 1, "minutes": 60}[kind]
    if kind == "minutes":  # several in one second, and some without a time
        found = np.sort(np.concatenate([found[:-30] // 600 * 600, np.full(30, UNKNOWN)]))
    return found.astype(np.int64)


def by_two_loops(first, second, at, minutes, order, kept):
    scores, partners = {}, {}
    for row in range(ROWS):
        if not kept[row] or at[row] == UNKNOWN:
            continue
        gaps = at - at[row] if order == "after" else at[row] - at
        near = np.flatnonzero((at != UNKNOWN) & (gaps > 0) & (gaps <= minutes * 60))
        if len(near):
            partners[row] = int(near[np.argmax(second[near])])
            scores[row] = first[row] + second[partners[row]]
    rows = sorted(scores, key=lambda row: (-scores[row], row))
    return rows, [scores[row] for row in rows], [partners[row] for row in rows]


@pytest.mark.parametrize("order", ["after", "before"])
@pytest.mark.parametrize("minutes", [0.5, 20, 10080])
@pytest.mark.parametrize("clock", ["seconds", "minutes"])
@pytest.mark.parametrize("kind", ["spread", "clustered", "tied"])
def test_what_happens_then_is_what_two_loops_find(kind, clock, minutes, order, tmp_path):
    queries, documents = vectors(kind)
    at, passing, scores = times(clock), mask("half"), exact(kind)
    ranks = ranker(write_index(tmp_path, documents, at, events()), queries, passing)
    then = Then(Ask("1"), minutes, order)
    ranking = ranks.rank(State(Ask("0"), then))
    rows, sums, partners = by_two_loops(scores[0], scores[1], at, minutes, order, passing)
    assert ranking.total == len(rows)
    for offset, count in ((0, 4), (0, 40), (0, ROWS)):
        hits = ranking.slice(offset, count)
        here = slice(offset, offset + count)
        assert hits.rows.tolist() == rows[here]
        assert hits.scores.tolist() == [float(each) for each in sums[here]]
        assert hits.partners.tolist() == partners[here]
    for place in range(0, len(rows), 60):
        assert ranking.position_of(rows[place]) == place
    assert any("have no times" in each or "no time" in each for each in ranking.remarks) == (clock == "minutes")
    if rows:
        floor = float(sums[len(sums) // 3])
        most = sum(float(each) >= floor for each in sums)
        assert ranks.rank(State(Ask("0"), then, floor=floor)).total == most
        hits = ranks.rank(State(Ask("0"), then, grouped=True)).slice(0, ROWS)
        of = events()
        firsts = sorted({of[row]: row for row in reversed(rows)}.values(), key=rows.index)
        assert hits.rows.tolist() == firsts


def test_what_happens_then_needs_times_and_something_before(tmp_path):
    queries, documents = vectors("spread")
    timeless = ranker(write_index(tmp_path / "timeless", documents), queries)
    assert "have no times" in refusal(lambda: timeless.rank(State(Ask("0"), Then(Ask("1")))))
    timed = ranker(write_index(tmp_path / "timed", documents, times("seconds")), queries)
    assert "Say first what is looked for" in refusal(lambda: timed.rank(State(then=Then(Ask("1")))))


# ---- many at once ----


def test_many_at_once_find_what_each_finds_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("ntcir.serve.ranking.ranker._KEPT", 5)  # so that rankings are made again
    queries, documents = vectors("clustered")
    index = write_index(tmp_path, documents, times("seconds"), events())
    states = [State(Ask(str(number)), grouped=bool(number % 2)) for number in range(QUERIES)]
    states += [State(Ask(str(number)), Then(Ask(str(number + 1)))) for number in range(8)]
    alone = [ranker(index, queries).rank(state).slice(0, 60) for state in states]
    together = ranker(index, queries)
    with ThreadPoolExecutor(20) as people:
        found = list(people.map(lambda state: together.rank(state).slice(0, 60), states * 3))
    for one, other in zip(alone * 3, found, strict=True):
        assert np.array_equal(one.rows, other.rows)
        assert np.array_equal(one.scores, other.scores)
        assert np.array_equal(one.partners, other.partners)
    assert together.rank(states[-1]) is together.rank(states[-1])


def test_more_photographs_judged_make_another_ranking(tmp_path):
    queries, documents = vectors("spread")
    passing = np.ones(ROWS, dtype=bool)

    class Judging:
        judged = 1

    ranks = ranker(write_index(tmp_path, documents), queries, passing)
    ranks._quality = Judging()
    sharp, plain = State(Ask("0"), narrow=Narrow(sharp=True)), State(Ask("0"))
    before = ranks.rank(sharp), ranks.rank(plain)
    passing[:10], Judging.judged = False, 2
    assert (ranks.rank(sharp).total, before[0].total) == (ROWS - 10, ROWS)
    assert ranks.rank(plain) is before[1]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("floor", "total"), [(1e39, 0), (-1e39, ROWS)])
def test_a_floor_beyond_single_precision_is_above_or_below_everything(tmp_path, floor, total):
    queries, documents = vectors("spread")
    assert ranker(write_index(tmp_path, documents), queries).rank(State(Ask("0"), floor=floor)).total == total


def test_parts_of_the_page_that_ask_the_same_at_once_share_a_ranking(tmp_path):
    queries, documents = vectors("spread")
    ranks, made, gate = ranker(write_index(tmp_path, documents), queries), [], threading.Event()

    def slow(narrow, catalogue, quality):
        made.append(narrow)
        gate.wait(5)

    ranks._passing = slow
    with ThreadPoolExecutor(3) as people:
        found = [people.submit(ranks.rank, State(Ask("0"))) for _ in range(3)]
        threading.Timer(0.05, gate.set).start()
        assert len({id(each.result()) for each in found}) == len(made) == 1
    assert ranks._making == {}
