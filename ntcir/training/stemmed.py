"""The rows of items as the stems of their towers make them, which is what a linear layer is solved for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch

from ntcir.encoders.encoder import Rows
from ntcir.modalities import modality
from ntcir.model.model import Model
from ntcir.system.errors import UserError, short
from ntcir.training.paired_rows import BLOCK, Load
from ntcir.training.solvable import linear_of


def standardise(model: Model, rows: Mapping[str, Rows], train: pd.DataFrame) -> None:
    """Let the stems take their statistics of training items, as often as they are in pairs."""
    for name in model.config.pair:
        if model.config.towers.of(name).standardise:
            ids, load = train[name].tolist(), _finite(name, rows[name])
            model.tower(name).fit_to(load(ids[start : start + BLOCK]) for start in range(0, len(ids), BLOCK))


def stemmed(model: Model, rows: Mapping[str, Rows]) -> dict[str, Load]:
    """Return what gives the rows of items as the towers' stems make them, by modality.

    Of an item that has several views it is the mean over them: what is solved for is a linear layer, the views' vectors
    are added up when something is asked, and only the direction of that sum counts.
    """

    def of(name: str) -> Load:
        tower, load = model.tower(name).eval(), _finite(name, rows[name])

        def stem_of(ids: Sequence[str]) -> np.ndarray:
            with torch.inference_mode():
                made: np.ndarray = tower.stemmed(torch.from_numpy(load(ids))).numpy()
            return made

        return stem_of

    return {name: of(name) for name in model.config.pair}


def widths_of(model: Model) -> dict[str, int]:
    """Return how wide the rows are that the stems make, by modality."""
    return {name: linear_of(model, name).in_features for name in model.config.pair}


def _finite(name: str, rows: Rows) -> Load:
    """Return what loads rows of a modality, and refuses one that is not finite."""

    def load(ids: Sequence[str]) -> np.ndarray:
        loaded = rows.load(ids)
        fine = np.isfinite(loaded).all(axis=1)
        if not fine.all():
            item = ids[int(fine.argmin())]
            raise UserError(
                f"The row of the {modality(name).noun} {short(item)}, by the encoder {rows.encoder.kind}, has a number "
                "that is not finite: leave it out, or encode it anew (an empty features.store)."
            )
        return loaded

    return load
