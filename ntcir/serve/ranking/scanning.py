"""Scans of all vectors for many people at once: whoever asks during a scan takes part in the next one together."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Condition
from typing import TYPE_CHECKING

import numpy as np

from ntcir.serve.ranking.workers import Workers

if TYPE_CHECKING:
    from ntcir.search.compact import CompactVectors

TOGETHER = 8  # queries of a scan: twice as many would take nearly twice as long
KEPT_BYTES = 1 << 26  # of scores that are kept

Scores = tuple[np.ndarray, float]  # about what all documents score, float32 [n], and how far that may be off


class _Request:
    """A query that waits for its scores, or for why there are none."""

    def __init__(self, query: np.ndarray, scores: Scores | None = None) -> None:
        self.query, self.scores = query, scores
        self.error: Exception | None = None

    @property
    def done(self) -> bool:
        return self.scores is not None or self.error is not None

    def result(self) -> Scores:
        """Return the scores; raise what stood in their way."""
        if self.scores is None:
            raise self.error or InterruptedError
        return self.scores


class Scans:
    """Scans vectors, one scan at a time, and keeps the last scores in bounded memory; thread-safe.

    Args:
        vectors: of all documents.
        kept_bytes: of scores that are kept, at least those of one query.
        together: queries of a scan, at most.
    """

    def __init__(self, vectors: CompactVectors, kept_bytes: int = KEPT_BYTES, together: int = TOGETHER) -> None:
        self._vectors, self._together = vectors, together
        self._most_kept = max(1, kept_bytes // max(1, 4 * len(vectors)))
        self._scanner = Workers(1)
        self._changed = Condition()
        self._busy = False
        self._waiting: OrderedDict[bytes, _Request] = OrderedDict()
        self._scanned: dict[bytes, _Request] = {}  # that the present scan answers
        self._kept: OrderedDict[bytes, Scores] = OrderedDict()

    def approximate(self, query: np.ndarray) -> Scores:
        """Return ``CompactVectors.approximate`` of one query, float32 [dim]; the scores are not to be written to."""
        return self.approximate_all([query])[0]

    def approximate_all(self, queries: Sequence[np.ndarray]) -> list[Scores]:
        """Return the scores of several queries, float32 [dim] each, which are scanned together."""
        with self._changed:
            answers = [self._answer(query) for query in queries]
            while not all(each.done for each in answers):
                if self._busy:
                    self._changed.wait()
                else:
                    self._scan()
        return [each.result() for each in answers]

    def _answer(self, query: np.ndarray) -> _Request:
        """Return what has the scores of a query, or will have them after a scan."""
        key = query.tobytes()
        if key in self._kept:
            self._kept.move_to_end(key)
            return _Request(query, self._kept[key])
        # Parts of the page ask the same at once, the later ones when the scan has begun.
        return self._scanned.get(key) or self._waiting.setdefault(key, _Request(query))

    def kept(self, key: bytes, make: Callable[[], Scores]) -> Scores:
        """Return scores that were worked out from those of scans, kept like them; made where they are not there."""
        with self._changed:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._changed:
            self._keep(key, made)
        return made

    def _keep(self, key: bytes, scores: Scores) -> None:
        self._kept[key] = scores
        while len(self._kept) > self._most_kept:
            self._kept.popitem(last=False)

    def _scan(self) -> None:
        """Answer some of those that wait, without the lock; whoever is done then leaves the next scan to another."""
        some = [self._waiting.popitem(last=False) for _ in range(min(self._together, len(self._waiting)))]
        self._scanned, self._busy = dict(some), True
        self._changed.release()
        scores: list[Scores] = []
        error: Exception | None = None
        try:
            scores = self._scanner.do(lambda: self._scores(np.stack([request.query for _, request in some])))
        except Exception as raised:  # whoever waits is to hear of it
            error = raised
        finally:
            self._changed.acquire()
            self._scanned, self._busy = {}, False
            for place, (key, request) in enumerate(some):
                if scores:
                    request.scores = scores[place]
                    self._keep(key, scores[place])
                else:
                    request.error = error or InterruptedError("the scan was interrupted")
            self._changed.notify_all()

    def _scores(self, queries: np.ndarray) -> list[Scores]:
        found, errors = self._vectors.approximate(queries)
        # Each on its own, so that the others' memory can go.
        return [(row if len(found) == 1 else row.copy(), float(off)) for row, off in zip(found, errors, strict=True)]
