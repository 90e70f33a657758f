"""What the page knows of each item that can be found: a row an item, in memory-mapped columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

UNKNOWN = np.iinfo(np.int64).min  # a time that is not known


class Words(Protocol):
    """Texts by row, such as ids, that need not be in memory."""

    def __len__(self) -> int: ...

    def __getitem__(self, row: int) -> str: ...

    def find(self, text: str) -> int | None:
        """Return the first row that has this very text, or None."""


@dataclass(frozen=True)
class Labels:
    """A column of words of which many items have the same, such as places.

    Attributes:
        codes: int32 [n], an index into ``values``; -1 where an item has none.
        values: distinct, the most frequent first.
    """

    codes: np.ndarray
    values: Sequence[str]


@dataclass(frozen=True)
class Catalogue:
    """Items of the modality that is found, in order of time where there are times.

    Attributes:
        modality: what the items are, by name.
        ids: of the items.
        contents: the path of a picture; of anything else what a person reads, such as a caption.
        times: int64 [n], seconds since 1970 in UTC; ``UNKNOWN`` where there is none.
        offsets: int32 [n], seconds that local time is ahead of UTC; where an item's zone is not known, as for the item
            before it.
        zoned: whether any zone is known; otherwise days and hours are those of UTC, which the page says.
        positions: float32 [n, 2], latitude and longitude in degrees; NaN where there is none.
        numbers: column -> float32 [n], the reading of an item's first partner; NaN where there is none.
        labels: column -> words of an item's first partner, such as places and activities.
        captions: by row what was written about an item, or None where the corpus has no captions beside its items.
        events: int32 [n], the number of an item's event, ascending with rows; all different where there are no times.
    """

    modality: str
    ids: Words
    contents: Words
    times: np.ndarray
    offsets: np.ndarray
    zoned: bool
    positions: np.ndarray
    numbers: Mapping[str, np.ndarray]
    labels: Mapping[str, Labels]
    captions: Words | None
    events: np.ndarray

    def __len__(self) -> int:
        return len(self.times)

    @property
    def timed(self) -> bool:
        """Whether any item has a time: without, there are no days, no strip and no "then"."""
        return bool(self.known_times().any())

    @property
    def placed(self) -> bool:
        """Whether any item has a position: without, there is no map."""
        return bool(np.isfinite(self.positions).any())

    def known_times(self) -> np.ndarray:
        """Return which items have a time, bool [n]."""
        return np.asarray(self.times != UNKNOWN)

    def local(self) -> np.ndarray:
        """Return local times, int64 [n], seconds since 1970 on the wall clock; ``UNKNOWN`` where there is none."""
        return np.where(self.times == UNKNOWN, UNKNOWN, self.times + self.offsets)
