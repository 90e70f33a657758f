"""Pictures as the features of image networks, which stay frozen or are trained along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ntcir.config import Config
from ntcir.corpora.records import image_id
from ntcir.encoders.encoder import Encoder
from ntcir.encoders.frozen_encoder import FrozenEncoder, facet_widths
from ntcir.encoders.parts import CELL, Part, Parts
from ntcir.encoders.projected import ProjectableRows
from ntcir.features.decode import UnreadableImage
from ntcir.features.image_features import ImageFeatures
from ntcir.features.occlusion import encode_occluded
from ntcir.system.errors import UserError, short

if TYPE_CHECKING:
    from ntcir.corpora.corpus import Corpus
    from ntcir.features.extraction import Alteration

__all__ = ["FrozenEncoder", "FrozenRows"]

_BLOCK = 4096  # photographs whose views are read at once


class FrozenRows(ProjectableRows):
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
            widths = [width for network in features.networks for width in network.widths]
            encoder = FrozenEncoder(features.dim, features.fingerprints, own, widths)
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
        rows = cls(features, corpus, modality, own, trained=config.encoder.finetune)
        if own is None:
            rows.project_as(config.towers.of(modality), modality, facet_widths(rows.encoder, config))
        return rows

    def ensure(self, ids: Sequence[str]) -> np.ndarray:
        """Compute and store what is lacking; bool [len(ids)]: which photographs can be read."""
        return self.features.ensure(ids)

    def made(self, ids: Sequence[str]) -> np.ndarray:
        """Return stored features, float32 [len(ids), made_dim]."""
        return self.features.load(ids)

    def altered(self, alteration: Alteration, views: int, ids: Sequence[str]) -> np.ndarray:
        """Return the features of altered photographs, float16 [views, len(ids), width], stored like the others.

        They have the width of a picture alone, also where rows have its mirror image too: an altered picture stands for
        itself. Half the precision is more than enough for what is altered at random, and half the memory.
        """
        stored = self.features.views(alteration, views)
        stored.ensure(ids)
        projection, width = self.encoder.projection, self.features.width
        result = np.empty((views, len(ids), projection.dim if projection else width), dtype=np.float16)
        for start in range(0, len(ids), _BLOCK):
            loaded = stored.load(ids[start : start + _BLOCK])
            result[:, start : start + _BLOCK] = (
                [projection(view) for view in loaded] if projection is not None else loaded
            )
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
                yield [topic], self.encoder.projected(self.features.encode_files([path]))
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
        rows = self.encoder.projected(rows)
        numbers = range(1, cells + 1)
        parts = [Part(f"{line},{column}") for line in numbers for column in numbers]
        return Parts(CELL, parts, rows[:1], rows[1:], area)


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except OSError:  # such as a name that is too long
        return False
