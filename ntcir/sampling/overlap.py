"""How far two photographs show the same objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import torch

from ntcir.system.errors import UserError, did_you_mean, some

_MOST_OF_A_CLASS = 255  # more of them than this are not told apart; it bounds the length of the codes


def class_weights(
    counts: np.ndarray,
    names: Sequence[str],
    kind: Literal["rarity", "equal"] = "rarity",
    by_hand: Mapping[str, float] | None = None,
) -> np.ndarray:
    """Return what each class weighs, float32 [classes].

    Args:
        counts: int [photographs, classes]: how often each class was detected.
        names: of the classes.
        kind: ``rarity`` weighs a class log(photographs / photographs showing it) + 1, as search engines weigh words
            (smooth inverse document frequency); ``equal`` weighs each 1.
        by_hand: class -> weight, in place of that.

    Raises:
        UserError: if a weight is given for a class that there is not.
    """
    weights = np.ones(counts.shape[1], dtype=np.float32)
    if kind == "rarity":
        showing = np.maximum((counts > 0).sum(axis=0), 1)
        weights += np.log(max(len(counts), 1) / showing).astype(np.float32)
    check_weights(by_hand or {}, names)
    for name, weight in (by_hand or {}).items():
        weights[list(names).index(name)] = weight
    return weights


def check_weights(by_hand: Mapping[str, float], names: Sequence[str]) -> None:
    """Check that weights are given for classes that count.

    Raises:
        UserError: naming the first that is none.
    """
    for name in by_hand:
        if name not in names:
            hint = did_you_mean(name, names) or f" (there are {some(names, 20)})"
            raise UserError(f"positives.class_weights names '{name}', which is not a counted class{hint}.")


class ObjectOverlap:
    """Weighted overlap of class counts: sum of w min(a, b) over sum of w max(a, b), the weighted Jaccard index.

    A count is written in unary: three cups are three ones. The sum of the minima is then the inner product of two such
    codes, and all overlaps of a batch are one matrix product.

    Args:
        counts: int [photographs, classes].
        weights: float [classes], 0 or more.
        least: photographs with fewer objects (of classes that weigh anything) show nothing; nothing overlaps
            with nothing.
    """

    def __init__(self, counts: np.ndarray, weights: np.ndarray, least: int = 1) -> None:
        enough = counts[:, weights > 0].sum(axis=1) >= least
        counts = np.where(enough[:, None], np.minimum(counts, _MOST_OF_A_CLASS), 0)
        highest = counts.max(axis=0, initial=0)
        levels = [(number, level) for number, most in enumerate(highest) for level in range(int(most))]
        self._codes = np.zeros((len(counts), len(levels)), dtype=np.float32)
        for column, (number, level) in enumerate(levels):
            self._codes[:, column] = (counts[:, number] > level) * np.sqrt(weights[number])
        self._sizes = np.square(self._codes).sum(axis=1)
        self.shows = self._sizes > 0

    def __len__(self) -> int:
        return len(self._codes)

    def between(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the overlap of each of ``left`` with each of ``right`` (positions), float32 [left, right], 0 to 1."""
        # By torch: the threads of numpy's own library would keep spinning, and slow the training steps down.
        common = torch.mm(torch.from_numpy(self._codes[left]), torch.from_numpy(self._codes[right]).T).numpy()
        return self._ratio(common, self._sizes[left][:, None], self._sizes[right])

    def elementwise(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the overlaps of broadcast positions, float32 of their common shape."""
        left, right = np.broadcast_arrays(left, right)
        common = np.einsum("...d,...d->...", self._codes[left], self._codes[right])
        return self._ratio(common, self._sizes[left], self._sizes[right])

    @staticmethod
    def _ratio(common: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        union = left + right - common
        return np.asarray(np.divide(common, union, out=np.zeros_like(common), where=union > 0))
