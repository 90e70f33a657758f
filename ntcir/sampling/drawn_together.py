"""Which queries of a split are no draws of their own: neighbours in time, and captions of one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ntcir.corpora.corpus import Corpus
from ntcir.formats.columns import Floats, Ints
from ntcir.sampling.galleries import WholeSplit
from ntcir.sampling.relations import instances
from ntcir.significance.neighbours import Neighbours, neighbours


@dataclass(frozen=True)
class DrawnTogether:
    """What an interval over the queries of a split draws.

    Attributes:
        codes: by modality that asks, the block of each query, int64 [queries]; empty where each is drawn by itself.
        timed: the blocks of neighbours in time, over the queries of both directions, where that is what they are.
    """

    codes: Mapping[str, Ints] = field(default_factory=dict)
    timed: Neighbours | None = None

    def notes(self) -> tuple[str, ...]:
        """Return sentences about blocks of neighbours, for whoever reads an interval over them."""
        if self.timed is None:
            return ()
        return (f"Intervals draw {self.timed.described('query', 'queries')}.", *self.timed.remarks())


def in_pools(drawn: pd.DataFrame, pair: Sequence[str], corpus: Corpus) -> DrawnTogether:
    """Return what is drawn together where each of some pairs asks once in either direction.

    Args:
        drawn: the pairs, with the columns ``group`` and ``timestamp``.
        pair: the two modalities, by name.
        corpus: says whether partners are positives, so that the captions of a picture belong together.
    """
    linked = instances(*(drawn[name].to_numpy() for name in pair)) if corpus.shared_are_positive else None
    codes = None if linked is None else dict.fromkeys(pair, linked)
    rows = {name: np.arange(len(drawn)) for name in pair}
    return _together(drawn, rows, rows, codes)


def in_whole(pairs: pd.DataFrame, whole: WholeSplit, corpus: Corpus) -> DrawnTogether:
    """Return what is drawn together where each item of some pairs asks once.

    Args:
        pairs: with the columns ``group`` and ``timestamp``.
        whole: their items.
        corpus: as for ``in_pools``.
    """
    codes = whole.clusters() if corpus.shared_are_positive else None
    return _together(pairs, whole.items, whole.place, codes)


def _together(
    pairs: pd.DataFrame,
    items: Mapping[str, np.ndarray],
    place: Mapping[str, np.ndarray],
    linked: Mapping[str, Ints] | None,
) -> DrawnTogether:
    """Return blocks of neighbours in time, within which linked items stay together; without times, what is linked."""
    without_times = DrawnTogether(linked or {})
    seconds = seconds_of_pairs(pairs)
    if np.isnan(seconds).all():
        return without_times
    times, sessions, asked, clusters = [], [], [], []
    session = pairs["group"].factorize(use_na_sentinel=False)[0]
    for number, name in enumerate(items):
        # An item asks once, whatever the number of its pairs; its time is that of the first.
        first = np.lexsort((seconds, place[name]))
        first = first[np.unique(place[name][first], return_index=True)[1]]
        times.append(seconds[first])
        sessions.append(session[first])
        asked.append(np.full(len(items[name]), number))
        clusters.append(np.arange(len(first)) if linked is None else linked[name])
    time, sessioned = np.concatenate(times), np.concatenate(sessions)
    if linked is not None:
        if np.isnan(time).any():  # a block of its own would part what is linked
            return without_times
        time, sessioned = _as_the_earliest(np.concatenate(clusters), time, sessioned)
    found = neighbours(time, np.concatenate(asked), sessioned, dense=True)
    if found is None:
        return without_times
    ends = np.cumsum([len(part) for part in times])[:-1]
    return DrawnTogether(dict(zip(items, np.split(found.codes, ends), strict=True)), found)


def _as_the_earliest(clusters: Ints, times: Floats, sessions: Ints) -> tuple[Floats, Ints]:
    """Return times and sessions, (items,) both, with those of the earliest of each cluster for all of it."""
    order = np.lexsort((times, clusters))
    _, first, codes = np.unique(clusters[order], return_index=True, return_inverse=True)
    earliest = np.empty(len(order), dtype=np.int64)
    earliest[order] = order[first][codes.reshape(-1)]
    return times[earliest], sessions[earliest]


def seconds_of_pairs(pairs: pd.DataFrame) -> Floats:
    """Return the times of pairs in seconds since 1970, float64 [pairs], NaN where there is none."""
    return np.asarray((pairs["timestamp"] - pd.Timestamp(0, tz="UTC")).dt.total_seconds(), dtype=np.float64)
