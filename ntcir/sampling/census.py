"""How many negatives the left items of a training have, counted in its own batches before the first step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ntcir.config import Training
from ntcir.modalities import modality
from ntcir.sampling.batches import BatchSampler
from ntcir.sampling.relations import NEAR, Relation, near_in_time, reasons

_CELLS = 1 << 23  # cells of batches that are counted, which takes a tenth of a second
_ROWS, _BATCHES = 512, 200  # pairs of a batch, and batches, that are counted at most
_RARE = 0.01  # a share of pairs that does not matter
_ROUND = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)  # seconds as people choose them


@dataclass(frozen=True)
class Census:
    """The negatives of the left items of some batches.

    Attributes:
        negatives: int64 [left items]: right items of its batch that are negatives of each.
        others: int64 [left items]: right items of its batch besides its own.
        masked: reason -> share of the others that are no negatives for it; there may be several reasons for one.
        batches: how many were looked at.
        pair: the modalities on the left and on the right.
    """

    negatives: np.ndarray
    others: np.ndarray
    masked: dict[str, float]
    batches: int
    pair: Sequence[str]

    @property
    def without(self) -> int:
        """How many of the left items have no negative."""
        return int((self.negatives == 0).sum())

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to learn from, but for a stray item."""
        return self.without > (1 - _RARE) * len(self.negatives)

    @property
    def is_fine(self) -> bool:
        """Whether there are negatives for all, but for a stray item."""
        return self.without <= _RARE * len(self.negatives)

    def sentence(self) -> str:
        """Return in one sentence what was counted."""
        middle, others = np.median(self.negatives), np.median(self.others)
        least, most = self.negatives.min(), self.negatives.max()
        left, right = (modality(name) for name in self.pair)
        spread = "" if least == most else f"median; {least} to {most}; "
        return (
            f"Each {left.noun} has {middle:.0f} of the {others:.0f} other {right.plural} of its batch as negatives "
            f"({spread}counted in {self.batches} {'batch' if self.batches == 1 else 'batches'})."
        )

    def reasons(self, training: Training) -> str:
        """Return why right items are no negatives, the commonest reason first."""
        keys = {
            NEAR: f" (training.near_seconds = {training.near_seconds:g})",
            **dict.fromkeys(reasons(self.pair).masked, " (training.mask_equal_readings)"),
        }
        common = sorted(((share, reason) for reason, share in self.masked.items() if share > 0), reverse=True)
        listed = [f"{percent(share)} are {reason}{keys.get(reason, '')}" for share, reason in common]
        return ", ".join(listed) or "a batch is a single pair"


def percent(share: float) -> str:
    """Return a share as a whole percentage for people."""
    return f"{100 * share:.0f}%" if share >= 0.01 else "less than 1%"


def coming_batches(sampler: BatchSampler, iters: int) -> list[np.ndarray]:
    """Return the batches of the first steps, int64 [batch] each; as many as can be counted in no time."""
    batches, cells = [], 0
    for step in range(min(iters, _BATCHES)):
        rows = sampler(step)
        batches.append(rows)
        cells += len(rows) * min(len(rows), _ROWS)
        if cells >= _CELLS:
            break
    return batches


def take_census(relations: Mapping[str, Relation], batches: Sequence[np.ndarray], pair: Sequence[str]) -> Census:
    """Count the negatives within batches.

    Args:
        relations: why two pairs are no negatives -> the relation.
        batches: the pairs of each, int64 [any].
        pair: the modalities on the left and on the right.
    """
    negatives, others = [], []
    masked = dict.fromkeys(relations, 0)
    for rows in batches:
        left, right = rows[:_ROWS, None], rows[None, :]
        own = left == right
        related = own.copy()
        for reason, relation in relations.items():
            found = relation(left, right)
            masked[reason] += int((found & ~own).sum())
            related |= found
        negatives.append((~related).sum(axis=1))
        others.append(np.full(len(left), len(rows) - 1))
    counted = np.concatenate(others)
    cells = max(int(counted.sum()), 1)
    shares = {reason: count / cells for reason, count in masked.items()}
    return Census(np.concatenate(negatives), counted, shares, len(batches), pair)


def remedy(
    relations: Mapping[str, Relation],
    batches: Sequence[np.ndarray],
    mixed: Sequence[np.ndarray],
    seconds: np.ndarray,
    training: Training,
    pair: Sequence[str],
) -> str:
    """Return the settings by which all would have negatives, the smallest change first; empty if none helps.

    Args:
        relations: why two pairs are no negatives -> the relation.
        batches: as they would be.
        mixed: as they would be with ``training.batches: all``.
        seconds: the times of the pairs, float64 [pairs].
        training: the settings as they are.
        pair: the modalities on the left and on the right.
    """
    ways = {"": batches} if training.batches == "all" else {"": batches, "training.batches=all": mixed}
    for way, drawn in ways.items():
        nearer = _window(drawn, seconds, training.near_seconds)
        for settings, left in _options(relations, drawn, seconds, nearer, pair):
            if (way or settings) and take_census(left, drawn, pair).is_fine:
                return " ".join(f"--set {setting}" for setting in (way, *settings) if setting)
    return ""


def _options(
    relations: Mapping[str, Relation],
    batches: Sequence[np.ndarray],
    seconds: np.ndarray,
    nearer: float,
    pair: Sequence[str],
) -> Iterator[tuple[list[str], dict[str, Relation]]]:
    """Yield settings and the relations that they leave: none, a shorter window, equal rows as negatives, both."""
    window, unmasked = f"training.near_seconds={nearer:g}", "training.mask_equal_readings=false"
    shorter = {NEAR: near_in_time(seconds, nearer)}
    masked = reasons(pair).masked
    distinct = {reason: relation for reason, relation in relations.items() if reason not in masked}
    yield [], dict(relations)
    if NEAR in relations:
        yield [window], {**relations, **shorter}
    # Where all rows are the same there is nothing to learn, whatever is masked.
    equal = {reason: relation for reason, relation in relations.items() if reason in masked}
    if equal and max(take_census(equal, batches, pair).masked.values()) < 1 - _RARE:
        yield [unmasked], distinct
        if NEAR in relations:
            yield [window, unmasked], {**distinct, **shorter}


def _window(batches: Sequence[np.ndarray], seconds: np.ndarray, current: float) -> float:
    """Return a ``near_seconds`` that leaves half of its batch to nine pairs in ten; 0 if there is none."""
    middles = [
        np.median(np.abs(seconds[rows[:_ROWS], None] - seconds[rows]), axis=1) for rows in batches if len(rows) > 1
    ]
    if not middles:
        return 0.0
    most = float(np.quantile(np.concatenate(middles), 0.1))
    return float(max((value for value in _ROUND if value < min(most, current)), default=0))
