"""The pair of modalities that the organisers' files are about."""

from __future__ import annotations

from collections.abc import Sequence

from ntcir.modalities import DEFAULT_PAIR
from ntcir.system.errors import UserError


def require_official(pair: Sequence[str]) -> None:
    """Check that the organisers' format can hold topics of a pair.

    Raises:
        UserError: if its modalities are others than image and sensor.
    """
    if set(pair) != set(DEFAULT_PAIR):
        ours, theirs = " and ".join(pair), " and ".join(DEFAULT_PAIR)
        raise UserError(f"The organisers' format is for {theirs}, not for {ours}: use --format trec.")
