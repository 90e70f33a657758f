"""Which topics are drawn together, because they are close in time: numbers of blocks, from times or labels.

Topics about neighbouring frames are answered alike, so that an interval that draws single topics is too narrow. Blocks
of neighbours are drawn instead, without overlap (Carlstein, The use of subseries values for estimating the variance of
a general statistic from a stationary sequence, Annals of Statistics 14, 1986).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ntcir.formats.columns import Floats, Ints


def consecutive(times: Floats, asked: Ints, length: int, gap: float = np.inf, sessions: Ints | None = None) -> Ints:
    """Return blocks of topics that follow one another in time, int64 (topics,).

    A block ends as soon as it has ``length`` topics of one direction; those of the other direction that are asked in
    the same time belong to it. Topics of the same time are never parted. One without a time is a block of its own.

    Args:
        times: of the topics, in seconds, NaN where unknown, (topics,).
        asked: a number for the direction of each, (topics,).
        length: topics of a block, at least.
        gap: seconds between two topics beyond which a block ends, however short it is.
        sessions: a number for the session of each, (topics,), at the end of which a block ends too; if None, there is
            one.
    """
    blocks = np.full(len(times), -1)
    within = np.zeros(len(times), dtype=np.int64) if sessions is None else sessions
    order = np.lexsort((times, within))
    order = order[~np.isnan(times[order])]
    block, last, before, held = -1, -np.inf, -1, dict[int, int]()
    rows = zip(*(column.tolist() for column in (order, times[order], asked[order], within[order])), strict=True)
    for topic, time, direction, session in rows:
        is_full = time > last and (time - last > gap or max(held.values(), default=length) >= length)
        if session != before or is_full:
            block, held = block + 1, {}
        blocks[topic] = block
        held[direction] = held.get(direction, 0) + 1
        last, before = time, session
    return _numbered(blocks)


def windows(times: Floats, seconds: float) -> Ints:
    """Return blocks of the topics of each window of so many seconds, by the clock, int64 (topics,).

    Windows begin at multiples of their length, so that they are the same whatever topics there are. A topic without a
    time, NaN, is a block of its own.
    """
    known = ~np.isnan(times)
    blocks = np.full(len(times), -1)
    blocks[known] = np.unique(np.floor(times[known] / seconds), return_inverse=True)[1].reshape(-1)
    return _numbered(blocks)


def labelled(labels: Sequence[str]) -> Ints:
    """Return blocks of the topics of each label, int64 (topics,); one with an empty label is a block of its own."""
    known: dict[str, int] = {}
    return _numbered(np.array([known.setdefault(label, len(known)) if label else -1 for label in labels], np.int64))


def _numbered(blocks: Ints) -> Ints:
    """Return blocks with numbers in the order of their first topics, where -1 is a block of its own.

    Where each topic is one, what is drawn of them is then what is drawn of topics.
    """
    own = np.flatnonzero(blocks < 0)
    blocks[own] = blocks.max(initial=-1) + 1 + np.arange(len(own))
    first, codes = np.unique(blocks, return_index=True, return_inverse=True)[1:]
    return np.argsort(np.argsort(first))[codes.reshape(-1)].astype(np.int64)
