"""The pictures that are made of one photograph: its views, each in the squares that networks want."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch

from ntcir.features.backlog import Output
from ntcir.features.decode import UnreadableImage
from ntcir.features.preprocessing import Square


class Wanted(NamedTuple):
    """Which picture of a photograph is wanted.

    Attributes:
        view: the number of an altered view; None is the photograph as it is.
        square: in which it is given to a network.
        mirrored: whether left and right are exchanged.
    """

    view: int | None
    square: Square
    mirrored: bool


Views = dict[Wanted, np.ndarray | torch.Tensor]  # of a photograph, each uint8 [3, crop, crop]


def wanted_by(output: Output) -> Wanted:
    """Return which picture of a photograph an output wants."""
    return Wanted(output.view, output.network.preprocessing.square, output.mirrored)


def unaltered(
    found: Mapping[Square, torch.Tensor] | UnreadableImage, outputs: Sequence[Output]
) -> Views | UnreadableImage:
    """Return what outputs without altered views want of a photograph, given its squares."""
    if isinstance(found, UnreadableImage):
        return found
    wanted = dict.fromkeys(map(wanted_by, outputs))
    return {each: found[each.square].flip(-1) if each.mirrored else found[each.square] for each in wanted}
