"""What leads from a stem to the shared space."""

from __future__ import annotations

from torch import nn

from ntcir.config import Tower
from ntcir.towers.cnn import Convolutions
from ntcir.towers.dropout import dropouts
from ntcir.towers.gmlp import gmlp
from ntcir.towers.norms import normed
from ntcir.towers.pooling import MaxOverSequence


def head_of(width: int, dim: int, options: Tower, positions: int | None = None) -> nn.Module:
    """Make the head that a tower's settings name.

    Args:
        width: of the vectors that come in.
        dim: of the shared space.
        options: ``head`` and its settings.
        positions: of the longest sequence, where the stem gives a ``VectorSequence`` for each item; None for single
            vectors.

    Raises:
        ValueError: if the head is for sequences, and the stem gives single vectors.
    """
    if options.head == "gmlp":
        return gmlp(width, dim, options, positions)
    if options.head == "cnn":
        if positions is None:
            raise ValueError("a cnn works on sequences of vectors, and these rows are single ones")
        return Convolutions(width, dim, options)
    each = mlp(width, dim, options)
    return each if positions is None else MaxOverSequence(each)


def mlp(width: int, dim: int, options: Tower) -> nn.Sequential:
    """Make linear layers with ReLU and dropout between them; one layer is a linear map, none the identity.

    Behind each layer is its norm, if any. The YMX2L poster (experimental setup) has one layer for images and two for
    sensor readings, without norms.

    Args:
        width: of the rows that come in.
        dim: of the shared space; ``width``, where there are no layers.
        options: ``layers``, ``hidden``, ``norm``, ``dropout`` between layers and ``input_dropout`` before the first.
    """
    layers = dropouts(options.input_dropout)
    if options.layers == 0:
        return nn.Sequential(*layers)
    for _ in range(options.layers - 1):
        layers += [*normed(nn.Linear(width, options.hidden), options.norm), nn.ReLU(), *dropouts(options.dropout)]
        width = options.hidden
    return nn.Sequential(*layers, *normed(nn.Linear(width, dim), options.norm))
