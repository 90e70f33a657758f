"""Photographs in, stored features out: what is missing is computed, what is there is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from ntcir.config import Features
from ntcir.corpora.corpus import Corpus
from ntcir.errors import UserError
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.decode import UnreadableImage, decode
from ntcir.features.store import FeatureStore, signature
from ntcir.progress import progress, say

SHARD_ITEMS = 512  # what a killed run loses at most; 8 MB of ResNet50 features


class ImageFeatures:
    """The features of a corpus's photographs under one configuration.

    Opening loads the networks; ``ensure`` computes what the stores lack; ``load`` reads.

    Attributes:
        dim: length of a feature vector, all networks concatenated in the order of the configuration.
    """

    def __init__(self, corpus: Corpus, options: Features) -> None:
        self._corpus = corpus
        self._options = options
        self.networks = [FrozenNetwork(backbone, options) for backbone in options.backbones]
        self.stores = [FeatureStore(self._folder(network), network.meta) for network in self.networks]
        self.dim = sum(network.dim for network in self.networks)
        self._signatures: dict[str, str] = {}

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
        paths = dict(zip(ids, self._corpus.images["path"].reindex(list(ids)), strict=True))
        for item, path in paths.items():
            if item not in self._signatures:
                self._signatures[item] = signature(path)
        signs = self._signatures
        todo = [item for item in paths if any(store.needs(item, signs[item]) for store in self.stores)]
        if todo:
            self._extract(todo, paths)
        present = np.array([all(store.has(item, signs[item]) for store in self.stores) for item in ids], dtype=bool)
        if len(ids) and not present.any():
            item = ids[0]
            reason = next((store.failed[item][1] for store in self.stores if item in store.failed), "unknown")
            raise UserError(f"None of the {len(ids)} photographs can be read; the first, {paths[item]}: {reason}.")
        if not present.all():
            listed = self.stores[0].folder / "failed.csv"
            say(f"{(~present).sum()} unreadable photographs are left out; they are listed in {listed}")
        return present

    def load(self, ids: Sequence[str]) -> np.ndarray:
        """Return the stored features of ``ids``, float32 [len(ids), dim]; call ``ensure`` first."""
        features = np.empty((len(ids), self.dim), dtype=np.float32)
        start = 0
        for store in self.stores:
            store.load(ids, features[:, start : start + store.dim])
            start += store.dim
        return features

    def encode_files(self, paths: Sequence[str]) -> np.ndarray:
        """Return the features of pictures that are in no corpus, float32 [len(paths), dim], without storing them.

        Raises:
            UnreadableImage: if one cannot be decoded.
        """
        pictures = torch.from_numpy(np.stack([decode(path, self._options) for path in paths]))
        with torch.inference_mode():
            return np.concatenate([network(pictures).numpy() for network in self.networks], axis=1)

    def _extract(self, todo: Sequence[str], paths: dict[str, str]) -> None:
        signs = self._signatures
        lacking = {
            number: {item for item in todo if store.needs(item, signs[item])}
            for number, store in enumerate(self.stores)
        }
        waiting: dict[int, tuple[list[str], list[np.ndarray]]] = {
            number: ([], []) for number, lack in lacking.items() if lack
        }
        failures: dict[str, tuple[str, str]] = {}

        def flush() -> None:
            for number, (items, rows) in waiting.items():
                if items:
                    self.stores[number].append(items, [signs[item] for item in items], np.concatenate(rows))
                self.stores[number].note_failed(
                    {item: why for item, why in failures.items() if item in lacking[number]}
                )
                items.clear()
                rows.clear()
            failures.clear()

        with progress("Encoding photographs", len(paths), len(paths) - len(todo), " images/s") as advance:
            for batch in self._decoded(todo, paths):
                failures |= {item: (signs[item], why) for item, why in batch if isinstance(why, str)}
                good = {item: picture for item, picture in batch if isinstance(picture, np.ndarray)}
                for number, (items, rows) in waiting.items():
                    chosen = [item for item in good if item in lacking[number]]
                    if chosen:
                        pictures = torch.from_numpy(np.stack([good[item] for item in chosen]))
                        with torch.inference_mode():
                            rows.append(self.networks[number](pictures).numpy())
                        items.extend(chosen)
                if any(len(items) >= SHARD_ITEMS for items, _ in waiting.values()):
                    flush()
                advance(len(batch))
            flush()

    def _decoded(self, todo: Sequence[str], paths: dict[str, str]) -> Iterator[list[tuple[str, np.ndarray | str]]]:
        """Yield batches of (id, uint8 picture or why there is none), decoded by threads two batches ahead."""

        def attempt(item: str) -> tuple[str, np.ndarray | str]:
            try:
                return item, decode(paths[item], self._options)
            except UnreadableImage as error:
                return item, str(error)

        waiting = iter(todo)
        size = self._options.batch
        with ThreadPoolExecutor(max_workers=max(1, torch.get_num_threads())) as pool:
            ahead = [pool.submit(attempt, item) for item in islice(waiting, 3 * size)]
            while ahead:
                batch = [future.result() for future in ahead[:size]]
                ahead = ahead[size:] + [pool.submit(attempt, item) for item in islice(waiting, size)]
                yield batch
