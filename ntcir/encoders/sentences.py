"""Captions as the features of a frozen text network: a sentence encoder, or the text side of a CLIP-like model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ntcir.config import Config
from ntcir.encoders.encoder import Encoder, saved_dim
from ntcir.encoders.parts import WORD, Part, Parts, sentences_without
from ntcir.encoders.projected import ProjectableEncoder, ProjectableRows
from ntcir.features.text_digests import digest, readable
from ntcir.features.text_features import TextFeatures, with_pictures
from ntcir.features.text_networks import open_text_network
from ntcir.modalities.text import COLUMN
from ntcir.system.errors import UserError, short
from ntcir.system.progress import say

if TYPE_CHECKING:
    import pandas as pd

    from ntcir.corpora.corpus import Corpus


class SentencesEncoder(ProjectableEncoder):
    """The features of one text network, which is not in the model.

    Args:
        dim: columns of a row before it is projected.
        fingerprint: of the network: what determines the features.
        network: its name, for people.
    """

    kind = "sentences"

    def __init__(self, dim: int, fingerprint: str, network: str) -> None:
        self.dim = self.made_dim = dim
        self.fingerprints, self.network = [fingerprint], network

    def to_json(self) -> dict[str, Any]:
        """Return length, fingerprint and name."""
        return self.described({"dim": self.made_dim, "fingerprint": self.fingerprints[0], "network": self.network})

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> SentencesEncoder:
        """Make the encoder that ``to_json`` described.

        Raises:
            ValueError, KeyError: if the description is damaged.
        """
        for key in ("fingerprint", "network"):
            if not isinstance(tree[key], str):
                raise ValueError(f"its {key} is not a text")
        return cls(saved_dim(tree), tree["fingerprint"], tree["network"]).as_described(tree)

    def require(self, fingerprint: str, network: str) -> None:
        """Check that a network is the one the model was trained with.

        Raises:
            UserError: if it is another.
        """
        if fingerprint != self.fingerprints[0]:
            raise UserError(
                f"The text network {short(network)} has other weights or settings than the one the model was trained "
                f"with ({short(self.network)}): use the same one (texts.network), or train again."
            )


class SentenceRows(ProjectableRows):
    """The features of a corpus's captions, stored on disk by the captions' digests.

    Args:
        features: opened for the corpus.
        texts: the captions by id.
        encoder: of a trained model; made for these features if None.

    Raises:
        UserError: if the network is not that of the encoder.
    """

    def __init__(self, features: TextFeatures, texts: pd.Series, encoder: SentencesEncoder | None = None) -> None:
        self.features, self._texts = features, texts
        self._empty: set[str] = set()  # captions that were said to be empty
        print_, name = str(features.network.meta["fingerprint"]), features.network.name
        if encoder is None:
            encoder = SentencesEncoder(features.dim, print_, name)
        else:
            encoder.require(print_, name)
        self.encoder: SentencesEncoder = encoder

    @classmethod
    def open(cls, config: Config, corpus: Corpus, modality: str, encoder: Encoder | None) -> SentenceRows:
        """Load the network, and open what is stored of a corpus.

        Raises:
            UserError: if the network cannot be loaded, or is not that of the encoder.
        """
        texts = captions(corpus, modality)
        network = open_text_network(config.texts, config.features)
        features = TextFeatures(with_pictures(corpus, config.pair), config.features.store, network, texts)
        own = encoder if isinstance(encoder, SentencesEncoder) else None
        rows = cls(features, texts, own)
        if own is None:
            rows.project_as(config.towers.of(modality), modality, {network.name: features.dim})
        return rows

    def ensure(self, ids: Sequence[str]) -> np.ndarray:
        """Encode and store what is lacking; bool [len(ids)]: all True, for an empty caption has features too."""
        texts = self._of(ids)
        empty = [item for item, text in zip(ids, texts, strict=True) if not text.strip() and item not in self._empty]
        if empty:
            self._empty.update(empty)
            number = len(set(empty))
            what = "1 caption is empty" if number == 1 else f"{number:,} captions are empty"
            say(f"WARNING: {what}: encoded as the empty text, which tells nothing (first: {short(empty[0])}).")
        self.features.ensure(texts)
        return np.ones(len(ids), dtype=bool)

    def made(self, ids: Sequence[str]) -> np.ndarray:
        """Return stored features, float32 [len(ids), made_dim]."""
        return self.features.load(self._of(ids))

    def origins(self) -> list[str]:
        """Return the fingerprint of the network."""
        return list(self.encoder.fingerprints)

    def facts(self, ids: Sequence[str]) -> list[Any]:
        """Return what training on these captions depends on: the network and the words."""
        words = hashlib.sha256("".join(map(digest, self._of(ids))).encode()).hexdigest()
        return [self.encoder.to_json(), list(ids), words]

    def encode(self, queries: Mapping[str, str]) -> Iterator[tuple[list[str], np.ndarray]]:
        """Yield the features of texts that were typed, all at once; those of the corpus are read."""
        if queries:
            made = self.features.encode([readable(text) for text in queries.values()])
            yield list(queries), self.encoder.projected(made)

    def apart(self, content: str, row: np.ndarray, cells: int) -> Parts:
        """Take a caption apart into what stands between blanks, and encode all sentences at once."""
        words = content.split()
        texts = [content, *sentences_without(words, range(len(words)))]
        rows = self.encoder.projected(self.features.encode([readable(text) for text in texts]))
        return Parts(WORD, [Part(word) for word in words], rows[:1], rows[1:])

    def _of(self, ids: Sequence[str]) -> list[str]:
        return self._texts.loc[list(ids)].tolist()


def captions(corpus: Corpus, modality: str) -> pd.Series:
    """Return a corpus's captions by id, as networks can be given them.

    Raises:
        UserError: if its items of that modality have no words.
    """
    table = corpus.tables[modality]
    if COLUMN not in table:
        if modality in corpus.vectors:
            corpus.require_content(modality)
        raise UserError(f"The items of the modality '{modality}' in {corpus.root} have no column '{COLUMN}' of words.")
    return table[COLUMN].fillna("").map(readable)


def encode_corpus(corpus: Corpus, config: Config) -> str:
    """Encode all captions of a corpus, as far as they are not stored; return one sentence about what is there.

    Raises:
        UserError: if no modality of the pair has the encoder sentences, or as ``SentenceRows``.
    """
    name = next((each for each in config.pair if config.towers.of(each).encoder == SentencesEncoder.kind), None)
    if name is None:
        kinds = " and ".join(f"{each}: {config.towers.of(each).encoder}" for each in config.pair)
        raise UserError(
            f"Nothing of the configured pair is encoded by a text network ({kinds}): use a configuration with the "
            "encoder sentences, such as --set 'pair=[image, text]' --set towers.text.encoder=sentences."
        )
    corpus.require_pair(config.pair)
    rows = SentenceRows.open(config, corpus, name, None)
    ids = corpus.tables[name].index.tolist()
    rows.ensure(ids)
    return f"{corpus.name}: {len(ids):,} captions have features; stored in {rows.features.store.folder}"
