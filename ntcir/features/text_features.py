"""Captions in, stored features out: a text is encoded once, wherever it occurs, and an edited one anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from ntcir.corpora.corpus import Corpus
from ntcir.features.backlog import Backlog
from ntcir.features.blocks import Block, cut
from ntcir.features.corpus_folder import claim_folder
from ntcir.features.pipeline import resumable
from ntcir.features.store import FeatureStore
from ntcir.features.text_digests import SIGNATURE, digest
from ntcir.features.text_networks import TextNetwork, folder_name
from ntcir.modalities import pictured
from ntcir.system.errors import UserError, short
from ntcir.system.parallel import barrier, ranks
from ntcir.system.progress import progress, say

_MADE_BY = "eager fp32"


@dataclass(frozen=True)
class _Texts:
    """What is filled."""

    store: FeatureStore


class TextFeatures:
    """The features of texts by one network, stored in the folder of a corpus.

    Args:
        corpus: whose folder in the store it is; see ``with_pictures``.
        folder: the store.
        network: makes the features.
        texts: all those of the corpus: they are encoded in order of length, which wastes the least.

    Attributes:
        network: as given.
        dim: columns of a row.
        store: where the rows are.
    """

    def __init__(self, corpus: Corpus, folder: Path, network: TextNetwork, texts: Iterable[str]) -> None:
        self.network, self.dim = network, network.dim
        self.store = FeatureStore(claim_folder(folder, corpus) / folder_name(network), network.meta)
        self._texts = texts
        self._told: set[str] = set()  # texts that were said to be cut off

    @cached_property
    def _order(self) -> pd.Index:
        """The digests of the corpus's texts, those of the longest first."""
        return pd.Index(_by_length({digest(text): text for text in self._texts}), dtype=object)

    def ensure(self, texts: Sequence[str]) -> None:
        """Encode and store the texts that are not stored yet.

        Where torchrun has started several processes, each does a part of it, and all wait until all is there.

        Raises:
            UserError: if there is no room for the features, or one is not finite.
        """
        known = {digest(text): text for text in texts}
        backlog = Backlog([_Texts(self.store)], dict.fromkeys(known, SIGNATURE))
        backlog.check(list(known))
        lacking = [text for item, text in known.items() if backlog.lacks(item)]
        self._tell_cut(lacking)
        if lacking:
            self._encode(known, backlog)
        barrier()
        if lacking:
            backlog.refresh()  # another process's disk may be another, and what it has done not be seen here
            self._encode(known, backlog)

    def load(self, texts: Sequence[str]) -> np.ndarray:
        """Return the stored features of texts, float32 [len(texts), dim]; call ``ensure`` first."""
        rows = np.empty((len(texts), self.dim), dtype=np.float32)
        self.store.load([digest(text) for text in texts], [SIGNATURE] * len(texts), rows)
        return rows

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return the features of any texts, float32 [len(texts), dim]: those stored already, and others, unstored."""
        rows = np.empty((len(texts), self.dim), dtype=np.float32)
        stored = np.array([self.store.has(digest(text), SIGNATURE) for text in texts], dtype=bool)
        rows[stored] = self.load([text for text, there in zip(texts, stored, strict=True) if there])
        others = [text for text, there in zip(texts, stored, strict=True) if not there]
        if others:
            self._tell_cut(others)
            rows[~stored] = _finite(self.network, others)
        return rows

    def _encode(self, texts: Mapping[str, str], backlog: Backlog) -> None:
        """Do all blocks that no other process is working on; wait for the others, and do those that were given up."""
        lacking = sum(map(backlog.lacks, texts))
        if not lacking:
            return
        blocks = cut(self._order, _by_length(texts))
        numbers = [number for number, items in blocks.items() if any(map(backlog.lacks, items))]
        begin = ranks().part(len(numbers)).start  # each process begins elsewhere
        left = {number: blocks[number] for number in numbers[begin:] + numbers[:begin]}
        self.store.note_backend(_MADE_BY)
        try:
            with (
                resumable(self.store.folder),
                progress("Encoding captions", len(texts), len(texts) - lacking, " captions/s") as advance,
            ):
                while left:
                    busy: dict[int, list[str]] = {}
                    for block in backlog.claimed(left, busy, advance):
                        self._fill(block, texts)
                        backlog.write(block)
                        advance(len(block.items))
                    if busy:
                        backlog.wait()
                    left = busy
        finally:
            backlog.close()

    def _fill(self, block: Block, texts: Mapping[str, str]) -> None:
        rows = _finite(self.network, [texts[item] for item in block.items])
        block.rows[0].update(zip(block.items, rows, strict=True))

    def _tell_cut(self, texts: Sequence[str]) -> None:
        """Say how many texts are longer than what the network reads of them."""
        most = self.network.length
        if most is None:
            return
        # A token is a character or more, but for two of its own at the ends.
        long = [text for text in dict.fromkeys(texts) if len(text) > most - 2 and text not in self._told]
        cut_off = [text for text in long if self.network.tokens(text) > most]
        self._told.update(long)
        if cut_off:
            what = "1 caption is" if len(cut_off) == 1 else f"{len(cut_off):,} captions are"
            say(
                f"WARNING: {what} longer than the {most} tokens that {self.network.name} reads, and cut off there "
                f"(first: '{short(cut_off[0])}')."
            )


def _by_length(texts: Mapping[str, str]) -> list[str]:
    """Return the digests of texts, those of the longest first."""
    return sorted(texts, key=lambda item: (-len(texts[item]), item))


def _finite(network: TextNetwork, texts: Sequence[str]) -> np.ndarray:
    """Return what a network makes of texts, float32 [len(texts), dim].

    Raises:
        UserError: if a value is NaN or infinite.
    """
    rows = network.encode(texts)
    wrong = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(wrong):
        raise UserError(
            f"{network.name} gives features that are not finite (NaN or infinity) for the caption "
            f"'{short(texts[wrong[0]])}': check its weights."
        )
    return rows


def with_pictures(corpus: Corpus, pair: Sequence[str]) -> Corpus:
    """Return a corpus by whose pictures its folder in a store is known: those of a pair, if it has any."""
    shown = pictured(pair) or pictured(list(corpus.tables))
    return corpus if shown is None else corpus.picturing(shown.name)
