"""Photographs in, stored features out: what is missing is computed, what is there is read."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch

from ntcir.config import Features
from ntcir.corpora.corpus import Corpus
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.backends import EAGER, KINDS, Backend, is_there
from ntcir.features.backlog import Output
from ntcir.features.corpus_folder import claim_folder
from ntcir.features.decode import Squares, UnreadableImage, decode, decode_squares
from ntcir.features.extraction import Alteration, Extraction
from ntcir.features.file_states import FileStates
from ntcir.features.inference import batch_of
from ntcir.features.mirror import mirror_store, mirrored
from ntcir.features.preprocessing import Square, distinct
from ntcir.features.stages import Clock, pool
from ntcir.features.store import STORE_VERSION, FeatureStore
from ntcir.system.errors import UserError
from ntcir.system.machine import cores
from ntcir.system.progress import say


class ImageFeatures:
    """The features of a corpus's photographs under one configuration.

    Opening loads the networks; ``ensure`` computes what the stores lack; ``load`` reads. With ``features.mirror``, a
    row has the features of the picture, and behind them those of its mirror image.

    Args:
        corpus: whose photographs.
        options: networks, preprocessing, and where the stores lie.
        networks: in place of those that ``options`` names, such as fine-tuned ones.

    Attributes:
        width: length of what all networks say of one picture, concatenated in the order of the configuration.
        mirror: whether mirror images are encoded too.
        dim: length of a row: ``width``, or twice that.
    """

    def __init__(self, corpus: Corpus, options: Features, networks: Sequence[FrozenNetwork] | None = None) -> None:
        self._corpus = corpus
        self._options = options
        if networks is None:
            networks = [FrozenNetwork(backbone, options) for backbone in options.backbones]
        self.networks = list(networks)
        home = claim_folder(options.store, corpus)
        self.stores = [FeatureStore(home / _folder_name(network), network.meta) for network in self.networks]
        self.width = sum(network.dim for network in self.networks)
        self.mirror = options.mirror
        self.dim = self.width * (2 if self.mirror else 1)
        self._squares = distinct(network.preprocessing for network in self.networks)
        self._files = FileStates(corpus.images)
        outputs = [Output(network, store) for network, store in zip(self.networks, self.stores, strict=True)]
        if self.mirror:
            outputs += [Output(each.network, mirror_store(each.network, each.store), mirrored=True) for each in outputs]
        self._rows = [output.store for output in outputs]  # whose features make a row, one behind the other
        self._backends: dict[FrozenNetwork, Backend] = {}
        self._extraction = Extraction(self._files, options, outputs, self._backends)

    @property
    def fingerprints(self) -> list[str]:
        """What determines the features, one fingerprint a network."""
        return [str(network.meta["fingerprint"]) for network in self.networks]

    @property
    def clock(self) -> Clock:
        """What the last extraction took, by stage."""
        return self._extraction.clock

    def ensure(self, ids: Sequence[str]) -> np.ndarray:
        """Compute and store the features of ``ids`` that are not stored yet.

        Returns:
            bool [len(ids)]: which items have features; the others could not be decoded and are in ``failed.csv``.

        Raises:
            UserError: if there is no room for the features, or none of the pictures can be read.
        """
        return self._extraction.ensure(ids)

    def load(self, ids: Sequence[str]) -> np.ndarray:
        """Return the stored features of ``ids``, float32 [len(ids), dim]; call ``ensure`` first."""
        features = np.empty((len(ids), self.dim), dtype=np.float32)
        self._extraction.load(self._rows, ids, features)
        return features

    def views(self, alteration: Alteration, number: int) -> AlteredFeatures:
        """Return the features of views 0 to ``number`` - 1 of each photograph, stored beside those of the originals.

        These have no mirror images: how they are altered is for the alteration to say.

        Raises:
            UserError: if a folder of theirs cannot be used.
        """
        outputs = []
        for view in range(number):
            for network, store in zip(self.networks, self.stores, strict=True):
                meta = _view_meta(network, alteration, view)
                folder = store.folder / f"view-{meta['alteration_sha256'][:8]}-{view + 1}"
                outputs.append(Output(network, FeatureStore(folder, meta), view))
        extraction = Extraction(self._files, self._options, outputs, self._backends, alteration)
        return AlteredFeatures(extraction, number, self.width)

    def encode_files(self, paths: Sequence[str]) -> np.ndarray:
        """Return the features of pictures that are in no corpus, float32 [len(paths), dim], without storing them.

        Raises:
            UnreadableImage: if one cannot be decoded.
        """
        pictures = [decode_squares(path, self._squares) for path in paths]
        return encode_pictures(self.networks, pictures, batch_of(self._options, self.networks[0].mean.device))

    def one_square(self) -> Square:
        """Return what all networks are given.

        Raises:
            UserError: if their preprocessing differs.
        """
        if len(self._squares) > 1:
            names = ", ".join(network.backbone.arch for network in self.networks)
            raise UserError(
                f"The networks of features.backbones ({names}) are given different pictures, which fine-tuning cannot "
                "do: set the same `preprocessing: features` for all, or fine-tune one network."
            )
        return self._squares[0]

    def decode_many(self, ids: Sequence[str], alteration: Alteration | None = None, view: int = 0) -> torch.Tensor:
        """Return photographs as the networks are given them, uint8 [len(ids), 3, crop, crop]; nothing is stored.

        Args:
            ids: in any order, also repeatedly.
            alteration: applied to each of them, where there is one.
            view: the number of the view it is to make.

        Raises:
            UserError: if one cannot be decoded, or the networks are given different pictures.
        """
        square = self.one_square()
        paths = self._corpus.images["path"]
        result = np.empty((len(ids), 3, square.crop, square.crop), dtype=np.uint8)

        def draw(place: int) -> None:
            item = ids[place]
            try:
                picture = decode(paths[item], square)
            except UnreadableImage as error:
                raise UserError(f"The photograph {paths[item]} cannot be read: {error}.") from error
            result[place] = picture if alteration is None else alteration(picture, item, view)

        with pool(cores()) as readers:
            list(readers.map(draw, range(len(ids))))
        return torch.from_numpy(result)


class AlteredFeatures:
    """The features of several altered views of a corpus's photographs; see ``ImageFeatures.views``.

    Attributes:
        number: how many views.
        dim: length of a feature vector.
    """

    def __init__(self, extraction: Extraction, number: int, dim: int) -> None:
        self._extraction = extraction
        self.number, self.dim = number, dim

    def ensure(self, ids: Sequence[str]) -> np.ndarray:
        """Compute and store what is missing; returns and raises as ``ImageFeatures.ensure`` does."""
        return self._extraction.ensure(ids)

    def load(self, ids: Sequence[str]) -> np.ndarray:
        """Return the stored features of ``ids``, float32 [number, len(ids), dim]; call ``ensure`` first."""
        features = np.empty((self.number, len(ids), self.dim), dtype=np.float32)
        for view in range(self.number):
            stores = [output.store for output in self._extraction.outputs if output.view == view]
            self._extraction.load(stores, ids, features[view])
        return features


_UNUSUAL = re.compile(r"[^\w.-]+")  # in names of folders

# What runs networks outside extraction, made ready once: network -> its state, and the backend.
_KEPT: WeakKeyDictionary[FrozenNetwork, tuple[str, Backend]] = WeakKeyDictionary()


def encode_corpus(corpus: Corpus, options: Features) -> str:
    """Encode all photographs of a corpus, as far as they are not stored; return one sentence about what is there.

    Raises:
        UserError: as ``ImageFeatures`` and its ``ensure``.
    """
    features = ImageFeatures(corpus, options)
    present = features.ensure(corpus.images.index.tolist())
    places = ", ".join(str(store.folder) for store in features.stores)
    both = ", and so have their mirror images" if features.mirror else ""
    return f"{corpus.name}: {present.sum():,} of {len(present):,} photographs have features{both}; stored in {places}"


def encode_pictures(networks: Sequence[FrozenNetwork], pictures: Sequence[Squares], batch: int) -> np.ndarray:
    """Return what the networks, wherever they are, say of pictures: float32 [n, their dims].

    With ``features.mirror``, what they say of the mirror images follows: float32 [n, twice their dims].

    This is for a few pictures at a time, which no start of a compiler would pay for: it is done by torch as it is,
    unless ``features.backend`` names another.

    Args:
        networks: whose features are put one behind the other.
        pictures: of each the squares that the networks are given.
        batch: pictures at a time.
    """
    rows = []
    for draw in (_as_it_is, mirrored) if networks[0].options.mirror else (_as_it_is,):
        for network in networks:
            square = network.preprocessing.square
            rows.append(_kept(network, batch).encode(draw(picture[square]) for picture in pictures))
    return np.concatenate(rows, axis=1)


def _as_it_is(picture: np.ndarray) -> np.ndarray:
    return picture


def _kept(network: FrozenNetwork, batch: int) -> Backend:
    """Return what runs a network, made ready once for its weights and the place they are at."""
    device = network.mean.device
    state = f"{network.meta['fingerprint']} {device} {batch}"
    if network not in _KEPT or _KEPT[network][0] != state:
        kind = network.options.backend if network.options.backend != "auto" else EAGER
        if not is_there(kind, device):  # a submission must not fail for want of speed
            say(f"WARNING: the backend {kind} is not available here; {EAGER} is used instead.")
            kind = EAGER
        try:
            backend = KINDS[kind](network, batch, device)
        except UserError as error:  # nor for a compiler that is not well
            if kind == EAGER:
                raise
            say(f"WARNING: {error} {EAGER} is used instead.")
            kind, backend = EAGER, KINDS[EAGER](network, batch, device)
        if (kind, network.options.precision) == (EAGER, "fp32"):
            return backend  # which took no time, and runs the network itself: kept, it would keep that for ever
        _KEPT[network] = state, backend
    return _KEPT[network][1]


def _folder_name(network: FrozenNetwork) -> str:
    """Return the name of the folder of a network's features."""
    weights = Path(network.backbone.weights).name.split(".")[0]
    arch = _UNUSUAL.sub("-", network.backbone.arch)[:100]  # timm:NAME
    return f"{arch}-{weights}-{network.meta['fingerprint'][:10]}"


def _view_meta(network: FrozenNetwork, alteration: Alteration, view: int) -> dict[str, Any]:
    """Return what determines the features of a view: the network, the alteration and the view's number."""
    described = dict(alteration.meta)
    digest = sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
    counted = [network.meta["fingerprint"], digest, view, STORE_VERSION]
    fingerprint = sha256(json.dumps(counted).encode()).hexdigest()
    return {
        "network": network.meta["fingerprint"],
        "alteration": described,
        "alteration_sha256": digest,
        "view": view,
        "dim": network.dim,
        "fingerprint": fingerprint,
    }
