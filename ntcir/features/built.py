"""A network of some library with its weights in it, and how features come out of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from ntcir.config import Features
from ntcir.features.preprocessing import Preprocessing


@dataclass(frozen=True)
class Built:
    """What a library's module makes of a ``Backbone``.

    Attributes:
        network: the module, [batch, 3, height, width] -> [batch, dim]; its state dict is what is saved.
        preprocess: the section ``features`` -> what the network is given.
        trunk: the part up to its last feature map [batch, channels, height, width], where that is to be pooled.
        head: the name of its last linear layer, if it ends with one.
        cut: whether the features are what ``head`` is given; otherwise they are the network's output.
        spare: how the names begin of weights that say nothing in the features.
        folds: whether tracing it for folding norms into convolutions is worth trying.
    """

    network: nn.Module
    preprocess: Callable[[Features], Preprocessing]
    trunk: nn.Module | None = None
    head: str | None = None
    cut: bool = False
    spare: tuple[str, ...] = ()
    folds: bool = False
