"""What image networks say of pictures, which stay frozen or are trained along: the encoder of such rows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ntcir.config import Backbone, Config, Tower
from ntcir.encoders.encoder import Facet, evened, saved_dim, under
from ntcir.encoders.projected import ProjectableEncoder, other_weights
from ntcir.features.backbones import FrozenNetwork
from ntcir.system.errors import UserError, some

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ntcir.towers.mirrored import Mirrored


class FrozenEncoder(ProjectableEncoder):
    """The features of one or more image networks, one behind the other.

    With ``features.mirror``, a row has those of the picture and then those of its mirror image, and a tower gets one of
    the two at a time; ``stem`` and ``positions`` are of one.

    Its facets are the levels of networks that have several, and whole networks otherwise.

    Args:
        dim: columns of a row before it is projected.
        fingerprints: of the networks, in order: what determines the features.
        networks: where they belong to the model: trained along with it, or stored inside so that it needs nothing else.
            None where the configuration says where they are found.
        widths: columns of each facet of one view. Models of earlier versions do not say: then there is one.
    """

    kind = "frozen"
    to_narrow = "take fewer networks, or a smaller grid of cells (features.backbones)"

    def __init__(
        self,
        dim: int,
        fingerprints: Sequence[str],
        networks: Sequence[FrozenNetwork] | None = None,
        widths: Sequence[int] = (),
    ) -> None:
        self.dim = self.made_dim = dim
        self.widths = list(widths)
        self.fingerprints = list(fingerprints)
        self.networks = None if networks is None else list(networks)

    @classmethod
    def positions(cls, tower: Tower, config: Config) -> int | None:
        """Return how many cells of a picture a gMLP is over; an MLP takes all that the networks say as one vector.

        Raises:
            UserError: if the networks divide pictures differently.
        """
        if tower.head != "gmlp" or tower.pca is not None:  # components are of the whole picture
            return None
        found = [facet for each in config.features.backbones for facet in _grids(each)]
        grids = [grid for _, grid in found]
        if len(set(grids)) > 1 and tower.facets == "joined":
            listed = ", ".join(f"{name} {grid} x {grid}" for name, grid in found)
            raise UserError(
                "A gMLP works on the cells of a picture, and the networks of features.backbones have different ones "
                f"({listed}): set the same grid for all, or use head: mlp."
            )
        return grids[0] ** 2 if grids[0] > 1 else None

    def stem(self, tower: Tower, config: Config) -> tuple[nn.Module, int]:
        """Return what evens out and standardises features, and gives those of each cell where these are a sequence."""
        width = self._width(config)
        stem = evened(tower, width)
        cells = self.positions(tower, config)
        if cells is None:
            return stem, width
        from torch import nn

        from ntcir.towers.cells import Cells

        return nn.Sequential(stem, Cells(cells)), width // cells

    def facets(self, config: Config) -> list[Facet]:
        """Return the levels, and the networks that have none, in the order of their columns."""
        found = [facet for each in config.features.backbones for facet in _grids(each)]
        widths = self.widths if self.projection is None else [self.projection.kept] * len(self.projection.widths)
        if len(widths) != len(found):  # of a model that does not say where one network ends
            return [Facet(some([name for name, _ in found]), np.arange(self._width(config)), self)]
        views, ends = self.dim // self._width(config), np.cumsum(widths)
        return [
            Facet(name, np.arange(end - width, end), _FrozenFacet(views * width, self.fingerprints, grid))
            for name, (_, grid), width, end in zip(_names(found, config), found, widths, ends.tolist(), strict=True)
        ]

    def views(self, tower: Tower, config: Config) -> Mirrored | None:
        """Return what tells a picture from its mirror image, where rows have both."""
        if not config.features.mirror:
            return None
        from ntcir.towers.mirrored import Mirrored

        return Mirrored(self._width(config))

    def _width(self, config: Config) -> int:
        """Return how many columns there are of one view."""
        return self.dim // 2 if config.features.mirror else self.dim

    def to_json(self) -> dict[str, Any]:
        """Return length and fingerprints, of the networks as they are now."""
        for network in self.networks or ():
            network.retrained()
        if self.networks:
            self.fingerprints = [str(network.meta["fingerprint"]) for network in self.networks]
        widths = self.widths if self.projection is None else self.projection.widths
        facets = {"widths": widths} if len(widths) > 1 or self.projection is not None else {}
        return self.described({"dim": self.made_dim, "fingerprints": self.fingerprints, **facets})

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> FrozenEncoder:
        """Make the encoder that ``to_json`` described.

        Raises:
            ValueError, KeyError: if the description is damaged.
        """
        prints = tree["fingerprints"]
        if not isinstance(prints, list) or not prints or not all(isinstance(each, str) for each in prints):
            raise ValueError("its fingerprints are not a list of texts")
        dim = saved_dim(tree)
        widths = tree.get("widths", [])
        if not isinstance(widths, list) or any(type(each) is not int or each < 1 for each in widths):
            raise ValueError("its widths are not numbers of columns")
        if widths and dim not in {sum(widths), 2 * sum(widths)}:
            raise ValueError(f"its {dim} columns are not those of its facets")
        return cls(dim, prints, widths=widths).as_described(tree, widths)

    def weights(self) -> dict[str, torch.Tensor]:
        """Return those of the networks that belong to the model, and those of the projection."""
        state = super().weights()
        for number, network in enumerate(self.networks or ()):
            state |= {name: value.cpu() for name, value in network.network.state_dict(prefix=f"{number}.").items()}
        return state

    def restore(self, config: Config, weights: Mapping[str, torch.Tensor]) -> None:
        """Give the networks that belong to the model their weights; they are made where it was read from a file.

        Raises:
            ValueError, RuntimeError: if weights are absent or do not fit.
        """
        networks = other_weights(weights)
        super().restore(config, {name: value for name, value in weights.items() if name not in networks})
        for number, network in enumerate(self.networks or ()):
            own = OrderedDict(under(f"{number}.", networks))
            # The versions of its modules, which files leave out and one of torchvision's networks (MNASNet) insists on.
            own._metadata = network.network.state_dict()._metadata  # type: ignore[attr-defined]
            network.network.load_state_dict(own)
        if self.networks is not None:
            return
        if not networks and not config.encoder.finetune:
            return
        try:
            self.networks = [
                FrozenNetwork(backbone, config.features, under(f"{number}.", networks))
                for number, backbone in enumerate(config.features.backbones)
            ]
        except UserError as error:  # which speaks of weights that a user names
            raise ValueError(str(error)) from error

    def embed(self, config: Config) -> list[FrozenNetwork]:
        """Make the networks that the configuration names part of the model, which then needs no other files.

        Raises:
            UserError: if their weights cannot be loaded, or are not those the model was trained with.
        """
        if self.networks is None:
            networks = [FrozenNetwork(backbone, config.features) for backbone in config.features.backbones]
            self.require([str(network.meta["fingerprint"]) for network in networks])
            self.networks = networks
        return self.networks

    def require(self, fingerprints: Sequence[str]) -> None:
        """Check that networks of these fingerprints are those the model was trained with.

        Raises:
            UserError: if they are others.
        """
        if list(fingerprints) != self.fingerprints:
            raise UserError(
                "The image networks have other weights or preprocessing than those the model was trained with: use "
                "the same weights, or train again."
            )


class _FrozenFacet(FrozenEncoder):
    """What makes the rows of one facet.

    Args:
        dim: columns of a row.
        fingerprints: of the networks.
        grid: cells on a side of a picture.
    """

    def __init__(self, dim: int, fingerprints: Sequence[str], grid: int) -> None:
        super().__init__(dim, fingerprints)
        self._grid = grid

    def positions(self, tower: Tower, config: Config) -> int | None:  # type: ignore[override]
        """Return how many cells of a picture a gMLP is over."""
        if tower.head != "gmlp" or tower.pca is not None or self._grid == 1:
            return None
        return self._grid**2

    def facets(self, config: Config) -> list[Facet]:
        """Return the facet itself."""
        return [Facet(self.kind, np.arange(self._width(config)), self)]


def facet_widths(encoder: FrozenEncoder, config: Config) -> dict[str, int]:
    """Return the columns of each facet of one view, by its name."""
    return {facet.name: len(facet.columns) for facet in encoder.facets(config)}


def _grids(backbone: Backbone) -> list[tuple[str, int]]:
    """Return the name of each facet of a network, and into how many cells on a side it divides a picture."""
    if backbone.levels:
        return [(f"{backbone.arch} {level.layer}", level.grid) for level in backbone.levels]
    return [(backbone.arch, backbone.grid if backbone.output == "pooled" else 1)]


def _names(found: Sequence[tuple[str, int]], config: Config) -> list[str]:
    """Return names that are different, also where a network is there with several weights."""
    names = [name for name, _ in found]
    of = [each for each in config.features.backbones for _ in _grids(each)]
    told = [
        f"{name} {Path(each.weights).name}" if names.count(name) > 1 else name
        for name, each in zip(names, of, strict=True)
    ]
    return [f"{name} ({place + 1})" if told.count(name) > 1 else name for place, name in enumerate(told)]
