"""Rankings of states, for many people at once: made once, and kept for as long as there is room."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from ntcir.serve.index.catalogue import UNKNOWN, Catalogue
from ntcir.serve.index.filters import Judged, passing
from ntcir.serve.ranking.ranking import ItemScores, QueryScores, Ranking
from ntcir.serve.ranking.scanning import Scans
from ntcir.serve.ranking.temporal import ThenScores, Windows
from ntcir.serve.ranking.workers import Workers
from ntcir.serve.state import Narrow, State, Then
from ntcir.system.errors import UserError, counted
from ntcir.system.machine import cores

if TYPE_CHECKING:
    from ntcir.serve.ranking.asking import Asker, Searched

_KEPT = 32  # rankings
_KEPT_BYTES = 1 << 25  # of them
_Key = tuple[State, int]  # and how many photographs were judged, where that counts
Passing = Callable[[Narrow, Catalogue, Judged | None], np.ndarray | None]


class Ranker:
    """Ranks the items of an index for states; thread-safe. The last rankings and scans are kept, in bounded memory.

    Args:
        index: of the corpus that is searched.
        asker: makes vectors of what is asked.
        quality: of photographs, for who leaves out blurred and dark ones; None where nobody knows it.
        passing: says which items pass.
    """

    def __init__(self, index: Searched, asker: Asker, quality: Judged | None, passing: Passing = passing) -> None:
        self._index, self._asker, self._quality, self._passing = index, asker, quality, passing
        self._scans = Scans(index.vectors)
        self._lock = Lock()
        self._kept: OrderedDict[_Key, Ranking] = OrderedDict()
        self._making: dict[_Key, Lock] = {}
        self._windows: Windows | None = None  # the last ones
        self._workers = Workers(cores())

    def rank(self, state: State) -> Ranking:
        """Return the ranking of a state, its first hits worked out.

        Raises:
            UserError: if it cannot be asked so, see ``Asker.query``; if it is narrowed by what there is not; or if only
                what happens then is asked.
        """
        # More photographs may have been judged since.
        sought = state.narrow.sharp or state.narrow.bright
        key = state, self._quality.judged if sought and self._quality is not None else 0
        return self._known(key) or self._first(key, state)

    def _first(self, key: _Key, state: State) -> Ranking:
        """Return a ranking that is made once, though parts of the page ask for it at once."""
        with self._lock:
            making = self._making.setdefault(key, Lock())
        with making:
            try:
                found = self._known(key) or self._made(state)
                self._keep(key, found)
                return found
            finally:
                with self._lock:
                    self._making.pop(key, None)

    def _known(self, key: _Key) -> Ranking | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: _Key, ranking: Ranking) -> None:
        with self._lock:
            self._kept[key] = ranking
            while len(self._kept) > 1 and (len(self._kept) > _KEPT or self._bytes() > _KEPT_BYTES):
                self._kept.popitem(last=False)

    def _made(self, state: State) -> Ranking:
        scores, remarks = self._scores(state) if state.ranked else (None, ())
        if scores is not None:
            scores.approximate()  # together with others who ask now
        return self._workers.do(lambda: self._ranking(state, scores, tuple(dict.fromkeys(remarks))))

    def _bytes(self) -> int:
        return sum(ranking.nbytes for ranking in self._kept.values())

    def _ranking(self, state: State, scores: ItemScores | None, remarks: tuple[str, ...]) -> Ranking:
        catalogue = self._index.catalogue
        kept = self._passing(state.narrow, catalogue, self._quality)
        if kept is None:
            kept = np.ones(len(catalogue), dtype=bool)
        events = catalogue.events if state.grouped else None
        ranking = Ranking(kept, scores, self._workers, floor=state.floor, events=events, remarks=remarks)
        ranking.slice(0, 1)
        return ranking

    def _scores(self, state: State) -> tuple[ItemScores, tuple[str, ...]]:
        """Return what items score for a state in which something is asked, and what is to be said of that."""
        catalogue, vectors = self._index.catalogue, self._index.vectors
        if state.then and not state.ask and not state.right:
            raise UserError("Say first what is looked for: what happens before or after it comes second.")
        query = self._asker.query(state.ask, state.right, state.wrong)
        remarks = self._asker.remarks(state.ask)
        if not state.then:
            return QueryScores(vectors, self._scans, query), remarks
        if not catalogue.timed:
            raise UserError(
                f"The items of {self._index.corpus} have no times, so that none is before or after another: ask "
                "without what happens then."
            )
        if timeless := int(np.count_nonzero(catalogue.times == UNKNOWN)):
            cannot = counted(timeless, "item has no time and cannot", "items have no time and cannot")
            remarks += (f"{cannot} be found by what happens before or after.",)
        then = self._asker.query(state.then.ask)
        scores = ThenScores(vectors, self._scans, query, then, self._windows_of(state.then))
        return scores, remarks + self._asker.remarks(state.then.ask)

    def _windows_of(self, then: Then) -> Windows:
        """Return the windows of a state, kept for the next one, which mostly has the same."""
        kept = self._windows
        if kept is None or (kept.minutes, kept.order) != (then.minutes, then.order):
            self._windows = kept = Windows.of(self._index.catalogue.times, then.minutes, then.order)
        return kept
