"""Photographs in, stored features out: what is missing is computed, what is there is read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from ntcir.config import Features
from ntcir.corpora.corpus import Corpus
from ntcir.errors import UserError
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.decode import UnreadableImage, decode
from ntcir.features.store import STORE_VERSION, FeatureStore, signature
from ntcir.progress import progress, say

SHARD_ITEMS = 512  # what a killed run loses at most; 8 MB of ResNet50 features


class Alteration(Protocol):
    """Makes other pictures of a photograph, such as an ``Augmenter``; may be called by several threads at once."""

    @property
    def meta(self) -> Mapping[str, Any]:
        """What determines the pictures; can be written as JSON."""
        ...

    def __call__(self, picture: np.ndarray, item: str, view: int) -> np.ndarray:
        """Return view ``view`` of the photograph ``item``; both pictures are uint8 [3, height, width]."""
        ...


class ImageFeatures:
    """The features of a corpus's photographs under one configuration.

    Opening loads the networks; ``ensure`` computes what the stores lack; ``load`` reads.

    Args:
        corpus: whose photographs.
        options: networks, preprocessing, and where the stores lie.
        networks: in place of those that ``options`` names, such as fine-tuned ones.

    Attributes:
        dim: length of a feature vector, all networks concatenated in the order of the configuration.
    """

    def __init__(self, corpus: Corpus, options: Features, networks: Sequence[FrozenNetwork] | None = None) -> None:
        self._corpus = corpus
        self._options = options
        if networks is None:
            networks = [FrozenNetwork(backbone, options) for backbone in options.backbones]
        self.networks = list(networks)
        self.stores = [FeatureStore(self._folder(network), network.meta) for network in self.networks]
        self.dim = sum(network.dim for network in self.networks)
        self._signatures: dict[str, str] = {}
        outputs = [_Output(network, store) for network, store in zip(self.networks, self.stores, strict=True)]
        self._extraction = _Extraction(corpus, options, outputs, self._signatures)

    @property
    def fingerprints(self) -> list[str]:
        """What determines the features, one fingerprint a network."""
        return [str(network.meta["fingerprint"]) for network in self.networks]

    def _folder(self, network: FrozenNetwork) -> Path:
        weights = Path(network.backbone.weights).name.split(".")[0]
        name = f"{network.backbone.arch}-{weights}-{network.meta['fingerprint'][:10]}"
        return self._options.store / self._corpus.name / name

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
        _load(self.stores, ids, features)
        return features

    def views(self, alteration: Alteration, number: int) -> AlteredFeatures:
        """Return the features of views 0 to ``number`` - 1 of each photograph, stored beside those of the originals.

        Raises:
            UserError: if a folder of theirs cannot be used.
        """
        outputs = []
        for view in range(number):
            for network, store in zip(self.networks, self.stores, strict=True):
                meta = _view_meta(network, alteration, view)
                folder = store.folder / f"view-{meta['alteration_sha256'][:8]}-{view + 1}"
                outputs.append(_Output(network, FeatureStore(folder, meta), view))
        return AlteredFeatures(
            _Extraction(self._corpus, self._options, outputs, self._signatures, alteration), number, self.dim
        )

    def encode_files(self, paths: Sequence[str]) -> np.ndarray:
        """Return the features of pictures that are in no corpus, float32 [len(paths), dim], without storing them.

        Raises:
            UnreadableImage: if one cannot be decoded.
        """
        pictures = np.stack([decode(path, self._options) for path in paths])
        return encode_pictures(self.networks, pictures, len(paths))

    def decode_many(self, ids: Sequence[str], alteration: Alteration | None = None, view: int = 0) -> torch.Tensor:
        """Return photographs as the networks are given them, uint8 [len(ids), 3, crop, crop]; nothing is stored.

        Args:
            ids: in any order, also repeatedly.
            alteration: applied to each of them, where there is one.
            view: the number of the view it is to make.

        Raises:
            UserError: if one cannot be decoded.
        """
        paths = self._corpus.images["path"]
        result = np.empty((len(ids), 3, self._options.crop, self._options.crop), dtype=np.uint8)

        def draw(place: int) -> None:
            item = ids[place]
            try:
                picture = decode(paths[item], self._options)
            except UnreadableImage as error:
                raise UserError(f"The photograph {paths[item]} cannot be read: {error}.") from error
            result[place] = picture if alteration is None else alteration(picture, item, view)

        with _threads() as pool:
            list(pool.map(draw, range(len(ids))))
        return torch.from_numpy(result)


class AlteredFeatures:
    """The features of several altered views of a corpus's photographs; see ``ImageFeatures.views``.

    Attributes:
        number: how many views.
        dim: length of a feature vector.
    """

    def __init__(self, extraction: _Extraction, number: int, dim: int) -> None:
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
            _load(stores, ids, features[view])
        return features


@dataclass(frozen=True)
class _Output:
    """Where what a network says of one view of the photographs goes; view None is the photographs as they are."""

    network: FrozenNetwork
    store: FeatureStore
    view: int | None = None


Views = dict[int | None, np.ndarray]  # of one photograph: number -> picture


class _Extraction:
    """Stores that are filled together: a photograph is decoded once for all of them that lack it."""

    def __init__(
        self,
        corpus: Corpus,
        options: Features,
        outputs: Sequence[_Output],
        signatures: dict[str, str],
        alteration: Alteration | None = None,
    ) -> None:
        self._images = corpus.images
        self._options = options
        self.outputs = list(outputs)
        self._signatures = signatures
        self._alteration = alteration

    def ensure(self, ids: Sequence[str]) -> np.ndarray:
        """Compute and store what any of the stores lacks of ``ids``; see ``ImageFeatures.ensure``."""
        paths = dict(zip(ids, self._images["path"].reindex(list(ids)), strict=True))
        for item, path in paths.items():
            if item not in self._signatures:
                self._signatures[item] = signature(path)
        signs = self._signatures
        stores = [output.store for output in self.outputs]
        todo = [item for item in paths if any(store.needs(item, signs[item]) for store in stores)]
        if todo:
            self._extract(todo, paths)
        present = np.array([all(store.has(item, signs[item]) for store in stores) for item in ids], dtype=bool)
        if len(ids) and not present.any():
            item = ids[0]
            reason = next((store.failed[item][1] for store in stores if item in store.failed), "unknown")
            raise UserError(f"None of the {len(ids)} photographs can be read; the first, {paths[item]}: {reason}.")
        if not present.all():
            listed = stores[0].folder / "failed.csv"
            say(f"{(~present).sum()} unreadable photographs are left out; they are listed in {listed}")
        return present

    def _extract(self, todo: Sequence[str], paths: Mapping[str, str]) -> None:
        signs = self._signatures
        # What each store lacks, and the items and rows that wait for its next shard.
        lacking = [{item for item in todo if output.store.needs(item, signs[item])} for output in self.outputs]
        waiting: list[tuple[list[str], list[np.ndarray]]] = [([], []) for _ in self.outputs]
        failures: dict[str, tuple[str, str]] = {}

        def flush() -> None:
            for output, lack, (items, rows) in zip(self.outputs, lacking, waiting, strict=True):
                if items:
                    output.store.append(items, [signs[item] for item in items], np.concatenate(rows))
                output.store.note_failed({item: why for item, why in failures.items() if item in lack})
                items.clear()
                rows.clear()
            failures.clear()

        what = "Encoding photographs" if self._alteration is None else "Encoding altered photographs"
        with progress(what, len(paths), len(paths) - len(todo), " images/s") as advance:
            for batch in self._drawn(todo, paths, lacking):
                failures |= {item: (signs[item], why) for item, why in batch if isinstance(why, str)}
                good = {item: views for item, views in batch if not isinstance(views, str)}
                for number, items, rows in self._encoded(good, lacking):
                    waiting[number][0].extend(items)
                    waiting[number][1].append(rows)
                if any(len(items) >= SHARD_ITEMS for items, _ in waiting):
                    flush()
                advance(len(batch))
            flush()

    def _encoded(
        self, pictures: Mapping[str, Views], lacking: Sequence[set[str]]
    ) -> Iterator[tuple[int, list[str], np.ndarray]]:
        """Yield (output, items, rows [items, dim]); a network is run once for all its views."""
        for network in dict.fromkeys(output.network for output in self.outputs):
            chosen = {
                number: [item for item in pictures if item in lacking[number]]
                for number, output in enumerate(self.outputs)
                if output.network is network
            }
            stack = [pictures[item][self.outputs[number].view] for number, items in chosen.items() for item in items]
            if not stack:
                continue
            rows = encode_pictures([network], np.stack(stack), self._options.batch)
            start = 0
            for number, items in chosen.items():
                if items:
                    yield number, items, rows[start : start + len(items)]
                start += len(items)

    def _drawn(
        self, todo: Sequence[str], paths: Mapping[str, str], lacking: Sequence[set[str]]
    ) -> Iterator[list[tuple[str, Views | str]]]:
        """Yield batches of (id, views or why there are none), decoded and altered by threads two batches ahead."""

        def attempt(item: str) -> tuple[str, Views | str]:
            try:
                picture = decode(paths[item], self._options)
            except UnreadableImage as error:
                return item, str(error)
            wanted = {output.view for output, lack in zip(self.outputs, lacking, strict=True) if item in lack}
            return item, {view: self._altered(picture, item, view) for view in wanted}

        busy = {output.view for output, lack in zip(self.outputs, lacking, strict=True) if lack}
        size = max(1, self._options.batch // len(busy))  # all views of a batch together are as many as networks take
        waiting = iter(todo)
        with _threads() as pool:
            ahead = [pool.submit(attempt, item) for item in islice(waiting, 3 * size)]
            while ahead:
                batch = [future.result() for future in ahead[:size]]
                ahead = ahead[size:] + [pool.submit(attempt, item) for item in islice(waiting, size)]
                yield batch

    def _altered(self, picture: np.ndarray, item: str, view: int | None) -> np.ndarray:
        return picture if view is None or self._alteration is None else self._alteration(picture, item, view)


def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=max(1, torch.get_num_threads()))


def encode_pictures(networks: Sequence[FrozenNetwork], pictures: np.ndarray, batch: int) -> np.ndarray:
    """Return what the networks, wherever they are, say of uint8 [n, 3, height, width]: float32 [n, their dims].

    Args:
        networks: whose features are put one behind the other.
        pictures: as ``decode`` returns them.
        batch: pictures at a time.
    """
    columns = []
    with torch.inference_mode():
        for network in networks:
            device = network.mean.device
            parts = [torch.from_numpy(pictures[start : start + batch]) for start in range(0, len(pictures), batch)]
            columns.append(np.concatenate([network(part.to(device)).cpu().numpy() for part in parts]))
    return np.concatenate(columns, axis=1)


def _load(stores: Sequence[FeatureStore], ids: Sequence[str], out: np.ndarray) -> None:
    """Copy the features of ``ids`` from stores beside one another into ``out`` float32 [len(ids), their dims]."""
    start = 0
    for store in stores:
        store.load(ids, out[:, start : start + store.dim])
        start += store.dim


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
