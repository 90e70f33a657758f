"""The principal components of rows, as an interrupted training had them: fitted anew, they might differ in a digit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ntcir.encoders.encoder import Rows, under
from ntcir.encoders.projected import ProjectableRows, projection_weights
from ntcir.model.trained import LAST, reading_checkpoint
from ntcir.system.parallel import by_first


def keep_projections(rows: Mapping[str, Rows], folder: Path) -> None:
    """Let rows be projected as they were until a training was interrupted, if there was one.

    Args:
        rows: of the training's corpus, not yet fitted.
        folder: of the training.

    Raises:
        UserError: if its checkpoint is damaged or cannot be read.
    """
    from ntcir.system.tensor_files import read_tensors

    planned = {
        name: each
        for name, each in rows.items()
        if isinstance(each, ProjectableRows) and each.encoder.projection is not None
    }
    if not planned or not by_first((folder / LAST).is_file):
        return
    with reading_checkpoint(folder / LAST):
        tensors, _ = read_tensors(folder / LAST)
        for name, each in planned.items():
            own = projection_weights(under(f"model.networks.{name}.", tensors))
            projection = each.encoder.projection
            if projection is not None:
                projection.restore(own)
                each.keep(projection)
