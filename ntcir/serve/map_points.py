"""What the map shows: hits with positions, an area that holds them, and the ground under them.

An area is as in the address of the page: over the date line its west is greater than its east.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ntcir.serve.hits import main_labels, told
from ntcir.serve.index.catalogue import Catalogue

if TYPE_CHECKING:
    from ntcir.serve.ranking.ranking import Ranking

_FIRST_BLOCK = 2_000  # hits that are looked at first; then twice as many each time
_DEEPEST = 100_000  # hits that are looked at: of those without positions there may be many
_MOST_PLACES = 50
_MOST_CELLS = 20_000
_FINEST = 1e-4  # degrees: about ten metres
_COARSER = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000)
_MOST_NAMES = 200
_NAMED = 5  # items that a place must have
_NEAR = 0.004  # degrees, about 400 m, within which most items of a place lie
_MOST = 0.8


def map_of(ranking: Ranking, catalogue: Catalogue, most: int) -> dict[str, Any]:
    """Return the hits that the map shows as JSON has them.

    Of ranked hits these are the best with positions; where nothing is asked, some that are evenly spaced in time.

    Args:
        ranking: of the hits.
        catalogue: of the items.
        most: so many points at most.

    Returns:
        ``points`` (each with ``id``, ``position``, ``rank``, ``score``); ``shown``, how many these are; ``total``, of
        all hits; ``looked``, how many of them were looked at, and ``without_position``, how many of those have none;
        ``places``, the words under the points with counts, and the best point of each; ``bounds``, or None.
    """
    rows, ranks, scores, looked, without = _chosen(ranking, catalogue, most)
    where = catalogue.positions[rows].astype(np.float64).round(6)
    points = [
        {"id": catalogue.ids[row], "position": position, "rank": rank + 1, "score": score}
        for row, position, rank, score in zip(rows.tolist(), where.tolist(), ranks.tolist(), scores, strict=True)
    ]
    return {
        "points": points,
        "shown": len(points),
        "total": ranking.total,
        "looked": looked,
        "without_position": without,
        "places": _places(catalogue, rows, ranks),
        "bounds": bounds_of(where),
    }


def _chosen(
    ranking: Ranking, catalogue: Catalogue, most: int
) -> tuple[np.ndarray, np.ndarray, list[float | None], int, int]:
    """Return rows, places in the ranking and scores of points; how many hits were looked at, and those with none."""
    rows, ranks, scores = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    looked = without = 0
    ranked = True
    for found in _blocks(ranking):
        ranked = found.scores is not None
        known = np.flatnonzero(np.isfinite(catalogue.positions[found.rows]).all(axis=1))
        if ranked:
            known = known[: most - len(rows)]
            scores = np.r_[scores, found.scores[known]]
        rows, ranks = np.r_[rows, found.rows[known]], np.r_[ranks, looked + known]
        # What lies behind the last point is not looked at.
        seen = int(known[-1]) + 1 if ranked and len(rows) >= most else len(found.rows)
        looked, without = looked + seen, without + seen - len(known)
        if ranked and len(rows) >= most:
            break
    if len(rows) > most:
        spaced = np.linspace(0, len(rows) - 1, most).round().astype(np.int64)
        rows, ranks = rows[spaced], ranks[spaced]
    as_told: list[float | None] = [told(score) for score in scores.tolist()] if ranked else [None] * len(rows)
    return rows, ranks, as_told, looked, without


def _blocks(ranking: Ranking) -> Iterator[Any]:
    """Yield a ranking from its beginning; all at once where it is in order of time, which costs nothing."""
    offset, count = 0, _FIRST_BLOCK
    while offset < min(ranking.total, _DEEPEST):
        found = ranking.slice(offset, count)
        if found.scores is None:
            yield ranking.slice(0, ranking.total)
            return
        yield found
        offset, count = offset + count, 2 * count


def _places(catalogue: Catalogue, rows: np.ndarray, ranks: np.ndarray) -> list[dict[str, Any]]:
    """Return the words under points with their counts and the first point of each, the most frequent first."""
    columns = main_labels(catalogue)
    if not columns:
        return []
    column = catalogue.labels[columns[0]]
    codes = column.codes[rows].tolist()
    first: dict[int, int] = {}
    for place, code in enumerate(codes):
        first.setdefault(code, place)
    counts = Counter(code for code in codes if code >= 0).most_common(_MOST_PLACES)
    return [
        {
            "name": column.values[code], "count": count, "rank": int(ranks[first[code]]) + 1,
            "id": catalogue.ids[int(rows[first[code]])],
        }
        for code, count in counts
    ]  # fmt: skip


def bounds_of(where: np.ndarray) -> dict[str, float] | None:
    """Return the smallest area around positions (float64 [k, 2]); over the date line if that is less wide."""
    if not len(where):
        return None
    south, north = float(where[:, 0].min()), float(where[:, 0].max())
    longitudes = np.unique((where[:, 1] + 180) % 360 - 180)
    gaps = np.diff(np.r_[longitudes, longitudes[0] + 360])
    widest = int(gaps.argmax())  # the area is all but the widest gap
    return {
        "south": south,
        "west": round(float(longitudes[(widest + 1) % len(longitudes)]), 6),
        "north": north,
        "east": round(float(longitudes[widest]), 6),
    }


def ground_of(catalogue: Catalogue) -> dict[str, Any]:
    """Return where the items of a corpus lie, for want of streets, as JSON has it.

    Returns:
        ``cells`` (latitude, longitude, count), ``step``, their size in degrees, and ``names`` of places that lie
        together (``name``, ``position``, ``count``), the most frequent first.
    """
    where = catalogue.positions
    where = np.asarray(where[np.isfinite(where).all(axis=1)], np.float64)
    step = _FINEST
    cells, counts = np.empty((0, 2)), np.empty(0, np.int64)
    for coarser in _COARSER:
        step = _FINEST * coarser
        cells, counts = _cells(where, step)
        if len(cells) <= _MOST_CELLS:
            break
    order = np.argsort(-counts, kind="stable")[:_MOST_CELLS]
    told = [
        [*position, count]
        for position, count in zip(cells[order].round(6).tolist(), counts[order].tolist(), strict=True)
    ]
    return {"cells": told, "step": step, "names": _names(catalogue)}  # fmt: skip


def _cells(where: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the cells of a grid that positions lie in, by their middles, and how many in each."""
    steps = np.rint(where / step).astype(np.int64)
    width = round(720 / step) + 1  # of both coordinates one number: unique is then fast
    numbers, counts = np.unique((steps[:, 0] + width) * 2 * width + steps[:, 1] + width, return_counts=True)
    return np.stack([numbers // (2 * width) - width, numbers % (2 * width) - width], axis=1) * step, counts


def _names(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Return the words that name a place: whose items lie together."""
    found: list[dict[str, Any]] = []
    placed = np.isfinite(catalogue.positions).all(axis=1)
    for name in main_labels(catalogue):
        column = catalogue.labels[name]
        codes = np.where(placed, column.codes, -1)
        rows = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[rows], np.arange(min(len(column.values), _MOST_NAMES) + 1))
        for code, (first, last) in enumerate(pairwise(starts.tolist())):
            if last - first < _NAMED:
                continue
            where = catalogue.positions[rows[first:last]].astype(np.float64)
            middle = np.median(where, axis=0)
            if (np.abs(where - middle).max(axis=1) < _NEAR).mean() >= _MOST:
                told = {"position": middle.round(6).tolist(), "count": last - first}
                found.append({"name": column.values[code]} | told)
    found.sort(key=lambda each: -each["count"])
    return list({each["name"]: each for each in reversed(found)}.values())[::-1][:_MOST_NAMES]
