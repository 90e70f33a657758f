"""What leads from a stem to the shared space."""

from __future__ import annotations

from torch import nn

from ntcir.config import Tower
from ntcir.towers.dropout import BatchDropout


def mlp(width: int, dim: int, options: Tower) -> nn.Sequential:
    """Make linear layers with ReLU and dropout between them; one layer is a linear map, none the identity.

    The YMX2L poster (experimental setup) has one layer for images and two for sensor readings.

    Args:
        width: of the rows that come in.
        dim: of the shared space; ``width``, where there are no layers.
        options: ``layers``, ``hidden``, ``dropout`` between layers and ``input_dropout`` before the first.
    """
    layers: list[nn.Module] = [BatchDropout(options.input_dropout)] if options.input_dropout else []
    if options.layers == 0:
        return nn.Sequential(*layers)
    for _ in range(options.layers - 1):
        layers += [nn.Linear(width, options.hidden), nn.ReLU()]
        if options.dropout:
            layers.append(BatchDropout(options.dropout))
        width = options.hidden
    return nn.Sequential(*layers, nn.Linear(width, dim))
