"""The pictures that are made of one photograph: its views, each in the squares that networks want."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from ntcir.features.backlog import Output
from ntcir.features.decode import UnreadableImage
from ntcir.features.preprocessing import Square

# The views of a photograph, number and square -> uint8 [3, crop, crop]; None is the photograph as it is.
Views = dict[tuple[int | None, Square], np.ndarray | torch.Tensor]


def wanted_by(output: Output) -> tuple[int | None, Square]:
    """Return which picture of a photograph an output wants."""
    return output.view, output.network.preprocessing.square


def unaltered(found: Mapping[Square, torch.Tensor] | UnreadableImage) -> Views | UnreadableImage:
    """Return the squares of a photograph as views, of which it is the only one."""
    return found if isinstance(found, UnreadableImage) else {(None, square): found[square] for square in found}
