"""The words that a model knows: those of the captions that it was trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ntcir.config import Texts
from ntcir.encoders.tokens import ENGLISH, words_of
from ntcir.system.errors import shown


@dataclass(frozen=True)
class Vocabulary:
    """Words, each with a number, from 1; 0 is no word.

    Attributes:
        words: those seen most often in training first, those seen equally often by the alphabet.
        frequencies: how many training captions have each word.
        captions: of the training split.
    """

    words: Sequence[str]
    frequencies: Sequence[int]
    captions: int

    @classmethod
    def of(cls, texts: Iterable[str], options: Texts) -> Vocabulary:
        """Count the words of training captions; there may be none.

        Args:
            texts: the captions, each once.
            options: ``min_count``, ``most`` and ``stop_words``.
        """
        counts: Counter[str] = Counter()
        having: Counter[str] = Counter()
        captions = 0
        for text in texts:
            words = words_of(text)
            counts.update(words)
            having.update(set(words))
            captions += 1
        ignored = stop_words(options)
        common = (word for word, count in counts.items() if count >= options.min_count and word not in ignored)
        known = sorted(common, key=lambda word: (-counts[word], word))[: options.most]
        return cls(known, [having[word] for word in known], captions)

    def __len__(self) -> int:
        """How many words there are."""
        return len(self.words)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each word."""
        return {word: number for number, word in enumerate(self.words, start=1)}

    def numbered(self, text: str) -> list[int]:
        """Return the numbers of a sentence's words, in order; words that are not known are left out."""
        found = map(self.numbers.get, words_of(text))
        return [number for number in found if number is not None]

    def rarity(self) -> np.ndarray:
        """Return how much each word weighs, float32 [words]: ``ln((1 + captions) / (1 + captions with it)) + 1``.

        That is the smoothed inverse document frequency of scikit-learn's TfidfVectorizer.
        """
        having = np.asarray(self.frequencies, dtype=np.float64)
        return (np.log((1 + self.captions) / (1 + having)) + 1).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """Return everything that ``from_json`` needs."""
        return {"words": list(self.words), "frequencies": list(self.frequencies), "captions": self.captions}

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> Vocabulary:
        """Make the vocabulary that ``to_json`` described.

        Raises:
            ValueError, KeyError: if something is not there, or does not fit the rest.
        """
        words, having, captions = tree["words"], tree["frequencies"], tree["captions"]
        if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
            raise ValueError(f"its words are {shown(words)}, not a list of texts")
        if not words or len(set(words)) < len(words):
            raise ValueError("its words are none, or one is there twice")
        if type(captions) is not int or captions < 1:
            raise ValueError(f"it has {shown(captions)} for the number of captions")
        if not isinstance(having, list) or len(having) != len(words):
            raise ValueError(f"its frequencies are {shown(having)}, not a number for each of {len(words)} words")
        if not all(type(count) is int and 1 <= count <= captions for count in having):
            raise ValueError(f"its frequencies are not all numbers of the {captions} captions")
        return cls(words, having, captions)


def stop_words(options: Texts) -> frozenset[str]:
    """Return the words that are left out, as sentences are taken apart."""
    if options.stop_words == "none":
        return frozenset()
    if options.stop_words == "english":
        return ENGLISH
    return frozenset(word for given in options.stop_words for word in words_of(given))
