"""How two pairs of a split can be related, so that the one's left item is no negative of the other's right item.

A relation is a function of two arrays of pairs' positions: of the pairs whose left items, and of those whose right
items are compared. The arrays are broadcast against each other, and the answer is bool of their common shape. Where a
relation looks only at pairs, as all of these do, it is symmetric.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from ntcir.modalities import DEFAULT_PAIR, modality

Relation = Callable[[np.ndarray, np.ndarray], np.ndarray]
NEAR = "near in time"  # why two pairs are no negatives, as reports call it


class Reasons(NamedTuple):
    """Why two pairs are no negatives of each other, in the words of reports and of the metrics log.

    Attributes:
        same: they share an item.
        equal: their right items have equal rows.
        equal_left: their left items have equal rows.
    """

    same: str
    equal: str
    equal_left: str

    @property
    def masked(self) -> tuple[str, str]:
        """Those that ``training.mask_equal_readings`` switches on."""
        return self.equal, self.equal_left


def reasons(pair: Sequence[str]) -> Reasons:
    """Return the reasons in the words of a pair of modalities."""
    left, right = (modality(name).noun for name in pair)
    # A reading's id is its minute, and that is what a person knows it by.
    item = "minute" if tuple(pair) == DEFAULT_PAIR else right
    return Reasons(f"of the same {left} or {item}", f"with an equal {right}", f"with an equal {left}")


def same_item(left_ids: Sequence[str] | np.ndarray, right_ids: Sequence[str] | np.ndarray) -> Relation:
    """Relate pairs that share the left or the right item, by id: two captions of one picture; a pair and itself.

    Args:
        left_ids: the left item of each pair.
        right_ids: the right item of each pair.
    """
    left_codes, right_codes = _codes(left_ids), _codes(right_ids)
    return lambda left, right: (left_codes[left] == left_codes[right]) | (right_codes[left] == right_codes[right])


def near_in_time(seconds: np.ndarray, within: float) -> Relation:
    """Relate pairs that were recorded at most ``within`` seconds apart.

    Args:
        seconds: the time of each pair; taken as float64, since float32 would know the time of today to minutes only.
        within: in seconds; 0 relates what was recorded at the same moment.
    """
    times = np.array(seconds, dtype=np.float64)
    return lambda left, right: np.abs(times[left] - times[right]) <= within


def equal_rows(rows: np.ndarray) -> Relation:
    """Relate pairs whose items have the same encoded row, such as two minutes with the same readings.

    Args:
        rows: of the items on one side of each pair, float [pairs, dim] without NaN.
    """
    numbers = group_equal_rows(rows)
    return lambda left, right: numbers[left] == numbers[right]


def either_way(relation: Relation) -> Relation:
    """Return a relation that holds where the given one holds in either order."""
    return lambda left, right: relation(left, right) | relation(right, left)


def swapped(relation: Relation) -> Relation:
    """Return a relation with its arguments the other way round."""
    return lambda left, right: relation(right, left)


def within(relation: Relation, among: np.ndarray) -> Relation:
    """Return a relation of pairs as one of positions in ``among``, int64 [any]."""
    return lambda left, right: relation(among[left], among[right])


def group_equal_rows(rows: np.ndarray, seen: dict[bytes, int] | None = None) -> np.ndarray:
    """Return a number for each row of a matrix, the same for equal rows; int64 [rows].

    Args:
        rows: float [rows, columns] without NaN.
        seen: what earlier blocks of the same matrix had; added to.
    """
    numbers = {} if seen is None else seen
    # Adding 0 turns -0 into 0. A digest, because rows may be long and many.
    keys = (blake2b((row + 0).tobytes(), digest_size=16).digest() for row in rows)
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def instances(left_ids: Sequence[str] | np.ndarray, right_ids: Sequence[str] | np.ndarray) -> np.ndarray:
    """Return the instance that each pair shows, numbered from 0: int64 [pairs].

    Pairs that share an item are of one instance, and so are those that are linked by others in between. A picture with
    its five captions is one instance; so is a minute with all its photographs.

    Args:
        left_ids: the left item of each pair.
        right_ids: the right item of each pair.
    """
    sides = _codes(left_ids), _codes(right_ids)
    numbers = np.arange(len(sides[0]))
    while True:
        before = numbers
        for codes in sides:  # the lowest number of an item's pairs is given to all of them
            lowest = np.full(codes.max(initial=-1) + 1, len(codes))
            np.minimum.at(lowest, codes, numbers)
            numbers = lowest[codes]
        numbers = numbers[numbers]  # a number is the position of a pair, whose own may be lower: chains stay cheap
        if np.array_equal(before, numbers):
            return np.unique(numbers, return_inverse=True)[1].reshape(-1)


def _codes(ids: Sequence[str] | np.ndarray) -> np.ndarray:
    """Return a number for each id, the same for equal ids; int64 [ids]."""
    return np.unique(np.asarray(ids, dtype=str), return_inverse=True)[1].reshape(-1)
