"""The pair of modalities that the organisers' files are about."""

from __future__ import annotations

from collections.abc import Sequence

from ntcir.modalities import directions
from ntcir.system.errors import UserError

OFFICIAL_PAIR = ("image", "sensor")
# Direction -> input_modal and output_modal, as their records call query and answer.
MODALS = {each.name: (each.query.name, each.answer.name) for each in directions(OFFICIAL_PAIR)}


def require_official(pair: Sequence[str]) -> None:
    """Check that the organisers' format can hold topics of a pair.

    Raises:
        UserError: if its modalities are others than image and sensor.
    """
    if set(pair) != set(OFFICIAL_PAIR):
        ours, theirs = " and ".join(pair), " and ".join(OFFICIAL_PAIR)
        raise UserError(f"The organisers' format is for {theirs}, not for {ours}: use --format trec.")
