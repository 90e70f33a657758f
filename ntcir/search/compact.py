"""Vectors of documents on disk, twice: in bf16 for a scan of all of them, in single precision for exact scores.

A folder has three files::

    vectors.f32     float32 [documents, dim], read row by row
    vectors.bf16    the same, rounded to bf16, memory-mapped
    vectors.json    written last: version, documents, dim, and what bounds the rounding

A scan says of each score what it is, give or take an error; what may be among the best is then scored exactly, as
``ntcir.search.nearest`` does it. The rows of ``vectors.f32`` are never mapped: pages that were touched would count as
the process's memory. Those of ``vectors.bf16`` are given back block by block.
"""

from __future__ import annotations

import mmap
import os
import warnings
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from io import BufferedReader
from pathlib import Path

import numpy as np
import torch

from ntcir.search.compact_files import FACTS_FILE, HALF_FILE, SINGLE_FILE, CompactWriter, Facts, damaged, facts_of
from ntcir.search.dots import dots
from ntcir.search.rounding import DOUBLE, HALF, SINGLE, adding, norms, vanishing, whole
from ntcir.system.machine import has_fast_bf16
from ntcir.system.plain_json import parse_object
from ntcir.system.regular import open_regular, read_regular

__all__ = ["CompactVectors", "CompactWriter"]

_MOST_BYTES = 1 << 44  # of a file of vectors
_SCAN = 1 << 16  # documents that are multiplied at once; a multiple of any page size in bytes
_WIDENED = 1 << 14  # documents that are brought to single precision at once, where there is no fast bf16
_SCORED = 1 << 14  # documents that are scored exactly at once
_GAP = 8  # rows between two that are wanted, up to which it is faster to read them as well
_RUN = 1 << 12  # rows that are read at once


class CompactVectors:
    """The vectors of documents; thread-safe.

    Args:
        folder: of the files, for messages.
        facts: what is known of them.
        single: ``vectors.f32``, opened.
        half: ``vectors.bf16``, opened.

    Attributes:
        dim: columns of a vector.
    """

    def __init__(self, folder: Path, facts: Facts, single: BufferedReader, half: BufferedReader) -> None:
        self._folder, self._facts, self._single, self._half = folder, facts, single, half
        self.dim = facts.dim
        weakref.finalize(self, _close, single, half)
        self._require_size(single, 4)
        self._require_size(half, 2)
        self._map: mmap.mmap | None = None
        self._rounded = torch.empty((0, facts.dim), dtype=torch.bfloat16)
        if facts.documents:
            self._map = mmap.mmap(half.fileno(), 0, access=mmap.ACCESS_READ)
            bits = np.frombuffer(self._map, dtype="<i2").reshape(facts.documents, facts.dim)
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=".*not writable")  # and nothing writes to it
                self._rounded = torch.from_numpy(bits).view(torch.bfloat16)

    def __len__(self) -> int:
        return self._facts.documents

    @classmethod
    def open(cls, folder: Path) -> CompactVectors:
        """Open the vectors that a ``CompactWriter`` wrote.

        Raises:
            UserError: if there are none, or a file is damaged, truncated or of another version.
        """
        with ExitStack() as opened:
            try:
                facts = facts_of(parse_object(read_regular(folder / FACTS_FILE)))
                single, half = (
                    opened.enter_context(open_regular(folder / name, _MOST_BYTES)) for name in (SINGLE_FILE, HALF_FILE)
                )
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
                raise damaged(folder, reason) from error
            opened.pop_all()  # from here on they are closed with the vectors
        return cls(folder, facts, single, half)

    def approximate(self, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return about what all documents score, and how far that may be from what ``scores`` returns.

        A query is split into two numbers of bf16 each, so that what rounding does to it hardly counts.

        Args:
            queries: float32 [m, dim], finite.

        Returns:
            float32 [m, documents] and the error of each query's, float64 [m].

        Raises:
            UserError: if a file has been truncated since it was opened.
        """
        self._require_size(self._half, 2)  # reading a page past the end would end the process
        found = np.empty((len(queries), len(self)), dtype=np.float32)
        asked, scores = torch.from_numpy(np.ascontiguousarray(queries)), torch.from_numpy(found)
        if has_fast_bf16():
            return found, self._scan_in_half(asked, scores)
        return found, self._scan_widened(asked, scores)

    def scores(self, query: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return inner products in double precision, rounded to single, to the bit those of ``ntcir.search.dots``.

        Args:
            query: float32 [dim].
            rows: int64 [k], of documents, in any order.

        Returns:
            float32 [k].

        Raises:
            UserError: if a file has been truncated since it was opened.
        """
        found = np.empty(len(rows), dtype=np.float32)
        asked = np.ascontiguousarray(query)[None]
        for start in range(0, len(rows), _SCORED):
            some = self.take(rows[start : start + _SCORED])
            found[start : start + len(some)] = dots(asked, some, np.array([0, len(some)]), np.arange(len(some)))
        return found

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Return vectors of documents, float32 [k, dim]; arguments and errors as for ``scores``."""
        if not len(rows):
            return np.empty((0, self.dim), dtype=np.float32)
        if (np.diff(rows) > 0).all():
            return self._read(rows)
        wanted, back = np.unique(rows, return_inverse=True)
        return self._read(wanted)[back.reshape(-1)]

    def _read(self, rows: np.ndarray) -> np.ndarray:
        """Return the vectors of ascending rows, neighbours by one call of the system."""
        found = np.empty((len(rows), self.dim), dtype="<f4")
        cuts = np.flatnonzero(np.diff(rows) > _GAP) + 1
        for run in _pieces(np.concatenate([[0], cuts, [len(rows)]])):
            here = rows[run]
            first, count = int(here[0]), int(here[-1] - here[0]) + 1
            if count == len(here):
                self._fill(found[run], first)
            else:
                between = np.empty((count, self.dim), dtype="<f4")
                self._fill(between, first)
                found[run] = between[here - first]
        return found.astype(np.float32, copy=False)

    def _fill(self, vectors: np.ndarray, first: int) -> None:
        left, offset = vectors.data.cast("B"), 4 * self.dim * first
        while left:
            read = os.preadv(self._single.fileno(), [left], offset)
            if not read:
                raise damaged(self._folder, f"{SINGLE_FILE} is truncated")
            left, offset = left[read:], offset + read

    def _scan_in_half(self, queries: torch.Tensor, scores: torch.Tensor) -> np.ndarray:
        coarse = queries.bfloat16()
        fine = (queries - coarse.float()).bfloat16()
        both, most = torch.cat([coarse, fine]), torch.zeros(2 * len(queries))
        for start in range(0, len(self), _SCAN):
            products = torch.mm(both, self._rounded[start : start + _SCAN].T)
            most = torch.maximum(most, products.abs().amax(dim=1).float())
            coarser, finer = products[: len(queries)].float(), products[len(queries) :].float()
            torch.add(coarser, finer, out=scores[:, start : start + _SCAN])
            self._give_back(start, _SCAN)
        of_coarse, of_fine = most.double().numpy().reshape(2, -1)
        # Each product is rounded to bf16, and once more to single precision when the two are added.
        rounding = HALF * (of_coarse + of_fine) + SINGLE * 2 * (of_coarse + of_fine)
        left = norms(queries - coarse.float() - fine.float())
        inputs = self._error(queries, left, norms(coarse.float()) + norms(fine.float()))
        return np.asarray(inputs + rounding)

    def _scan_widened(self, queries: torch.Tensor, scores: torch.Tensor) -> np.ndarray:
        # Whoever asks torch for less than single precision gets it, and the bound would be wrong.
        kind = torch.float32 if torch.get_float32_matmul_precision() == "highest" else torch.float64
        asked = queries.to(kind)
        for start in range(0, len(self), _WIDENED):
            products = torch.mm(asked, self._rounded[start : start + _WIDENED].to(kind).T)
            scores[:, start : start + _WIDENED] = products
            if (start + _WIDENED) % _SCAN == 0 or start + _WIDENED >= len(self):
                self._give_back(start // _SCAN * _SCAN, _SCAN)
        return self._error(queries, np.zeros(len(queries)), norms(queries))

    def _error(self, queries: torch.Tensor, left: np.ndarray, added: np.ndarray) -> np.ndarray:
        """Return how far sums of products may be from exact scores.

        Args:
            queries: float32 [m, dim].
            left: the length of what rounding left out of each query, float64 [m].
            added: the length of what was multiplied, float64 [m].
        """
        sizes, rounded = norms(queries), self._facts.length + self._facts.moved
        inputs = sizes * self._facts.moved + left * rounded  # Cauchy-Schwarz
        summing = adding(self.dim, SINGLE) * added * rounded + 2 * adding(self.dim, DOUBLE) * sizes * rounded
        exact = SINGLE * sizes * rounded  # which is rounded to single precision itself
        return whole(inputs + summing + exact + 2 * vanishing(self.dim, sizes, rounded))

    def _give_back(self, start: int, count: int) -> None:
        """Give the pages of documents back to the system, which keeps them in its cache as long as it can."""
        if self._map is not None and hasattr(mmap, "MADV_DONTNEED"):
            first = 2 * self.dim * start
            self._map.madvise(mmap.MADV_DONTNEED, first, min(2 * self.dim * count, len(self._map) - first))

    def _require_size(self, file: BufferedReader, width: int) -> None:
        has, needs = os.fstat(file.fileno()).st_size, width * self._facts.documents * self._facts.dim
        if has != needs:
            name = SINGLE_FILE if file is self._single else HALF_FILE
            raise damaged(self._folder, f"{name} has {has:,} bytes instead of {needs:,}")


def _pieces(cuts: np.ndarray) -> Iterator[slice]:
    """Yield what lies between cuts, in pieces of bounded length."""
    for start, stop in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        for first in range(start, stop, _RUN):
            yield slice(first, min(first + _RUN, stop))


def _close(*files: BufferedReader) -> None:
    for file in files:
        file.close()
