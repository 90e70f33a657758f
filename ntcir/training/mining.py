"""Hard negatives that the model itself finds while it is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from ntcir.config import Config
from ntcir.modalities import modality
from ntcir.model.model import Model
from ntcir.sampling.examples import Side
from ntcir.sampling.negatives import HardNegatives, MiningReport, mine_by_model, renumbered, sample_to_mine
from ntcir.sampling.relations import group_equal_rows, within
from ntcir.system.parallel import by_first
from ntcir.training.data import TrainingData
from ntcir.training.watching import require_finite

BY_MODEL = "model"  # the kind of hard negatives, in a composer


@dataclass(frozen=True)
class Mining:
    """What one search found.

    Attributes:
        hard: takes the place of what was found before.
        reports: why there are not more: of the left items' negatives, and of the right items'.
        counts: the same for the metrics log; by what was found, such as ``sensors`` for the left items' negatives.
    """

    hard: HardNegatives
    reports: tuple[MiningReport, MiningReport]
    counts: dict[str, dict[str, int]]


class Miner:
    """Looks from time to time for what the model ranks high and should not.

    Args:
        config: resolved.
        model: as it is when it is asked.
    """

    def __init__(self, config: Config, model: Model) -> None:
        self._config, self._options, self._seed = config, config.negatives, config.seed
        self._model = model

    def is_due(self, step: int) -> bool:
        """Return whether the negatives are to be mined anew before step ``step`` (from 0)."""
        return self._options.model and step > 0 and step % self._options.every == 0

    def __call__(self, data: TrainingData, step: int) -> Mining:
        """Mine for the pairs of the coming steps, as far as these will show hard negatives of them.

        Of several processes the first searches: what is found must be the same everywhere, to the last digit.
        """
        coming = [data.sampler(later) for later in range(step, step + self._options.every)]
        asked, among = sample_to_mine(coming, data.pairs, self._options, [self._seed, 4, step])
        # All processes share the work of encoding what networks see that are trained along.
        left, right = (source.encode(among) for source in data.sources)
        return by_first(lambda: self._search(data, asked, among, left, right))

    def _search(
        self, data: TrainingData, asked: np.ndarray, among: np.ndarray, left: np.ndarray, right: np.ndarray
    ) -> Mining:
        """Search among some pairs.

        Args:
            data: relations, and names of the modalities.
            asked: whose negatives are looked for, int64 [any].
            among: where, int64 [n].
            left: rows of the left items of these, float32 [n, dim].
            right: those of the right items.
        """
        relations = {reason: within(relation, among) for reason, relation in data.composer.forbidden().items()}
        of_left, of_right = mine_by_model(
            self._vectors(data, Side.LEFT, left),
            self._vectors(data, Side.RIGHT, right),
            relations,
            self._options,
            pairs=np.searchsorted(among, asked),
            pair=data.pair,
        )
        hard = HardNegatives(*(renumbered(found.rows, among, data.pairs) for found in (of_right, of_left)))
        left_name, right_name = table_names(data)
        counts = {right_name: of_left.report.counts, left_name: of_right.report.counts}
        return Mining(hard, (of_left.report, of_right.report), counts)

    def _vectors(self, data: TrainingData, side: Side, rows: np.ndarray) -> np.ndarray:
        """Return the unit vectors of rows, float32 [n, dim]; without a bias against hubs, which losses do not see.

        Raises:
            UserError: if one is not finite.
        """
        name = data.pair[side]
        # Readings are often equal, pictures hardly ever: to compare them all would take longer than it saves.
        if modality(name).pictured:
            vectors = self._model.unit_vectors(name, rows)
        else:
            # Encoded in other places of a block, equal rows might differ in the last digit: each is encoded once.
            _, first, back = np.unique(group_equal_rows(rows), return_index=True, return_inverse=True)
            vectors = self._model.unit_vectors(name, rows[first])[back.reshape(-1)]
        require_finite(vectors, self._config)
        return vectors


def table_names(data: TrainingData) -> tuple[str, str]:
    """Return what the tables of left and right hard negatives are called in files, such as ``images``, ``sensors``."""
    left, right = data.pair
    return f"{left}s", f"{right}s"


def to_tensors(data: TrainingData) -> dict[str, torch.Tensor]:
    """Return what the model mined last, for a checkpoint; nothing where it has not mined yet."""
    found = data.composer.hard.get(BY_MODEL)
    if found is None:
        return {}
    return {
        name: torch.from_numpy(rows) for name, rows in zip(table_names(data), (found.left, found.right), strict=True)
    }


def from_tensors(data: TrainingData, tensors: Mapping[str, torch.Tensor]) -> TrainingData:
    """Return the data with the hard negatives of a checkpoint, if it has any."""
    if not tensors:
        return data
    left, right = (tensors[name].numpy() for name in table_names(data))
    return data.with_hard(BY_MODEL, HardNegatives(left, right))
