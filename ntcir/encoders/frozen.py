"""Pictures as the features of image networks, which stay frozen or are trained along."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ntcir.config import Config, Tower
from ntcir.corpora.records import image_id
from ntcir.encoders.encoder import Encoder, Rows, evened, saved_dim, under
from ntcir.encoders.parts import CELL, Part, Parts
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.decode import UnreadableImage
from ntcir.features.image_features import ImageFeatures
from ntcir.features.occlusion import encode_occluded
from ntcir.system.errors import UserError, short

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ntcir.corpora.corpus import Corpus
    from ntcir.features.extraction import Alteration
    from ntcir.towers.mirrored import Mirrored

_BLOCK = 4096  # photographs whose views are read at once


class FrozenEncoder(Encoder):
    """The features of one or more image networks, one behind the other.

    With ``features.mirror``, a row has those of the picture and then those of its mirror image, and a tower gets one of
    the two at a time; ``stem`` and ``positions`` are of one.

    Args:
        dim: columns of a row.
        fingerprints: of the networks, in order: what determines the features.
        networks: where they belong to the model: trained along with it, or stored inside so that it needs nothing else.
            None where the configuration says where they are found.
    """

    kind = "frozen"
    to_narrow = "take fewer networks, or a smaller grid of cells (features.backbones)"

    def __init__(self, dim: int, fingerprints: Sequence[str], networks: Sequence[FrozenNetwork] | None = None) -> None:
        self.dim = dim
        self.fingerprints = list(fingerprints)
        self.networks = None if networks is None else list(networks)

    @classmethod
    def positions(cls, tower: Tower, config: Config) -> int | None:
        """Return how many cells of a picture a gMLP is over; an MLP takes all that the networks say as one vector.

        Raises:
            UserError: if the networks divide pictures differently.
        """
        if tower.head != "gmlp":
            return None
        networks = config.features.backbones
        grids = [each.grid if each.output == "pooled" else 1 for each in networks]
        if len(set(grids)) > 1:
            listed = ", ".join(f"{each.arch} {grid} x {grid}" for each, grid in zip(networks, grids, strict=True))
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
        return {"dim": self.dim, "fingerprints": self.fingerprints}

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> FrozenEncoder:
        """Make the encoder that ``to_json`` described.

        Raises:
            ValueError, KeyError: if the description is damaged.
        """
        prints = tree["fingerprints"]
        if not isinstance(prints, list) or not prints or not all(isinstance(each, str) for each in prints):
            raise ValueError("its fingerprints are not a list of texts")
        return cls(saved_dim(tree), prints)

    def weights(self) -> dict[str, torch.Tensor]:
        """Return those of the networks that belong to the model."""
        state: dict[str, torch.Tensor] = {}
        for number, network in enumerate(self.networks or ()):
            state |= {name: value.cpu() for name, value in network.network.state_dict(prefix=f"{number}.").items()}
        return state

    def restore(self, config: Config, weights: Mapping[str, torch.Tensor]) -> None:
        """Give the networks that belong to the model their weights; they are made where it was read from a file.

        Raises:
            ValueError, RuntimeError: if weights are absent or do not fit.
        """
        for number, network in enumerate(self.networks or ()):
            own = OrderedDict(under(f"{number}.", weights))
            # The versions of its modules, which files leave out and one of torchvision's networks (MNASNet) insists on.
            own._metadata = network.network.state_dict()._metadata  # type: ignore[attr-defined]
            network.network.load_state_dict(own)
        if self.networks is not None:
            return
        if not weights and not config.encoder.finetune:
            return
        try:
            self.networks = [
                FrozenNetwork(backbone, config.features, under(f"{number}.", weights))
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


class FrozenRows(Rows):
    """The features of a corpus's pictures, stored on disk.

    Args:
        features: opened for the corpus.
        corpus: whose pictures.
        modality: of these.
        encoder: of a trained model; made for these features if None.
        trained: whether the networks are trained along, and so belong to the model.

    Raises:
        UserError: if the networks are not those of the encoder.
    """

    def __init__(
        self,
        features: ImageFeatures,
        corpus: Corpus,
        modality: str,
        encoder: FrozenEncoder | None = None,
        *,
        trained: bool = False,
    ) -> None:
        self.features, self._modality = features, modality
        self._known, self._root = corpus.tables[modality].index, corpus.root
        if encoder is None:
            own = features.networks if trained else None
            encoder = FrozenEncoder(features.dim, features.fingerprints, own)
        else:
            encoder.require(features.fingerprints)
        self.encoder: FrozenEncoder = encoder

    @classmethod
    def open(cls, config: Config, corpus: Corpus, modality: str, encoder: Encoder | None) -> FrozenRows:
        """Load the networks, and open what is stored of a corpus.

        Raises:
            UserError: if there are no photographs; if weights cannot be obtained, or are not those of the encoder; if
                the tower cannot work on the features of these networks.
        """
        corpus.require_content(modality)
        FrozenEncoder.positions(config.towers.of(modality), config)  # before networks are loaded
        own = encoder if isinstance(encoder, FrozenEncoder) else None
        features = ImageFeatures(corpus.picturing(modality), config.features, own.networks if own else None)
        return cls(features, corpus, modality, own, trained=config.encoder.finetune)

    def ensure(self, ids: Sequence[str]) -> np.ndarray:
        """Compute and store what is lacking; bool [len(ids)]: which photographs can be read."""
        return self.features.ensure(ids)

    def load(self, ids: Sequence[str]) -> np.ndarray:
        """Return stored features, float32 [len(ids), dim]."""
        return self.features.load(ids)

    def altered(self, alteration: Alteration, views: int, ids: Sequence[str]) -> np.ndarray:
        """Return the features of altered photographs, float16 [views, len(ids), width], stored like the others.

        They have the width of a picture alone, also where rows have its mirror image too: an altered picture stands for
        itself. Half the precision is more than enough for what is altered at random, and half the memory.
        """
        stored = self.features.views(alteration, views)
        stored.ensure(ids)
        result = np.empty((views, len(ids), self.features.width), dtype=np.float16)
        for start in range(0, len(ids), _BLOCK):
            result[:, start : start + _BLOCK] = stored.load(ids[start : start + _BLOCK])
        return result

    def origins(self) -> list[str]:
        """Return the fingerprints of the networks."""
        return self.features.fingerprints

    def facts(self, ids: Sequence[str]) -> list[Any]:
        """Return what training on these photographs depends on."""
        return [self.features.fingerprints, list(ids)]

    def named(self, query: str) -> str | None:
        """Return the photograph of that id or file name, or None where the query is the path of a picture elsewhere.

        Raises:
            UserError: if there is no such picture.
        """
        # Who writes a topic by hand writes the file's name, which is not the id where it has a blank.
        for name in (query, image_id(query)):
            if name in self._known:
                return name
        if not _is_file(query):
            raise UserError(f"the {self._modality} '{query}', which is neither in {self._root} nor a file")
        return None

    def encode(self, queries: Mapping[str, str]) -> Iterator[tuple[list[str], np.ndarray]]:
        """Yield the features of pictures elsewhere, one by one; those that cannot be decoded are left out."""
        for topic, path in queries.items():
            try:
                yield [topic], self.features.encode_files([path])
            except UnreadableImage:
                continue

    def apart(self, content: str, row: np.ndarray, cells: int) -> Parts:
        """Take a picture apart into ``cells`` x ``cells`` cells, and encode it with each of them hidden.

        Raises:
            UserError: if it cannot be decoded, or has fewer pixels a side than that.
        """
        try:
            rows, area = encode_occluded(self.features.networks, content, cells)
        except UnreadableImage as error:
            raise UserError(f"{short(content)} cannot be read: {str(error).rstrip('.')}.") from error
        numbers = range(1, cells + 1)
        parts = [Part(f"{line},{column}") for line in numbers for column in numbers]
        return Parts(CELL, parts, rows[:1], rows[1:], area)


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except OSError:  # such as a name that is too long
        return False
