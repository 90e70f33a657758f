"""Whether the readings of a model that a training begins from are encoded as that training's are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ntcir.encoders.encoder import Encoder
from ntcir.encoders.presets import Columns
from ntcir.encoders.readings import ReadingsEncoder
from ntcir.model.folder import CONFIG
from ntcir.system.errors import UserError, some


def check_same_readings(name: str, theirs: Encoder, ours: Encoder, place: Path) -> None:
    """Check that the columns of encoded readings mean the same, which their number alone does not tell.

    Raises:
        UserError: if they do not.
    """
    if not (isinstance(theirs, ReadingsEncoder) and isinstance(ours, ReadingsEncoder)):
        return
    tower = f"training.start: the {name} tower of {place}"
    made, wanted = (",".join(encoder.columns.encodings) for encoder in (theirs, ours))
    if made != wanted and _chosen(theirs) == replace(_chosen(ours), encodings=theirs.columns.encodings):
        raise UserError(
            f"{tower} has sensors.numbers = {made}, and this training {wanted}: set sensors.numbers=[{made}], or name "
            "another model."
        )
    if _chosen(theirs) != _chosen(ours):
        only = {
            "there": [column for column in theirs.names if column not in ours.names],
            "here": [column for column in ours.names if column not in theirs.names],
        }
        which = ", ".join(f"only {where}: {some(columns)}" for where, columns in only.items() if columns)
        raise UserError(
            f"{tower} has other sensor columns than this training ({which or 'the same ones encoded differently'}): "
            f"set sensors as in {place / CONFIG}, or name another model."
        )
    for key, what in (("indicators", "columns with missing values"), ("vocabularies", "categories")):
        if theirs.statistics[key] != ours.statistics[key]:
            raise UserError(
                f"{tower} knows other {what} than this training split has: name a model that was trained on the same "
                "data."
            )


def _chosen(encoder: ReadingsEncoder) -> Columns:
    """Return the columns of an encoder; how categories are encoded does not matter where there are none."""
    columns = encoder.columns
    return columns if columns.categorical else replace(columns, categories="frequency")
