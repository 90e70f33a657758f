"""Where the tower of captions begins: numbers of words to a bag of words, a sum of word vectors, or a sequence of them.

A row has the numbers of a caption's words, from 1, and then zeros: float32 [length], exact below 2^24. A caption
without a known word is a row of zeros, of which a bag and a sum are zeros as well, so that the head's bias alone, what
is true of all captions, says where it lies.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ntcir.towers.pooling import VectorSequence

_SHORT = 1e-12  # of a vector that is not brought to unit length, as in ``nn.functional.normalize``


class Bag(nn.Module):
    """Counts the words: a column a word.

    Args:
        words: of the vocabulary.
        rarity: what each word weighs, float32 [words]; rows then have unit length (TF-IDF). None: plain counts.
    """

    weights: torch.Tensor | None

    def __init__(self, words: int, rarity: np.ndarray | None = None) -> None:
        super().__init__()
        self._words = words
        # The encoder has what it is made of: it is not saved with the weights.
        self.register_buffer("weights", None if rarity is None else torch.from_numpy(rarity), persistent=False)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return float32 [batch, words]."""
        counts = rows.new_zeros(len(rows), 1 + self._words)
        counts.scatter_add_(1, rows.long(), torch.ones_like(rows))
        counts = counts[:, 1:]
        return counts if self.weights is None else nn.functional.normalize(counts * self.weights, dim=1, eps=_SHORT)

    def into(self, linear: nn.Linear, rows: torch.Tensor) -> torch.Tensor:
        """Return what a linear layer makes of the bags, float32 [batch, out], without bags that are nearly all zeros.

        It adds up the layer's columns of the words that are there: of 8,000 words, a tenth of the time.
        """
        numbers = _trimmed(rows.long())
        there = numbers > 0
        places = (numbers - 1).clamp(min=0)
        if self.weights is None:
            shares = there.to(linear.weight.dtype)
        else:
            shares = self.weights[places] * there
            repeated = (numbers[:, :, None] == numbers[:, None, :]).sum(dim=2)  # of each word, itself included
            length = (shares.square() * repeated).sum(dim=1, keepdim=True).sqrt()
            shares = shares / length.clamp(min=_SHORT)
        summed = nn.functional.embedding_bag(places, linear.weight.t(), mode="sum", per_sample_weights=shares)
        return summed if linear.bias is None else summed + linear.bias


class WordVectors(nn.Module):
    """A vector for each word; that of number 0 is zeros.

    Args:
        words: of the vocabulary.
        width: numbers of a vector.
        start: float32 [words, width] to begin with; random ones of about unit length if None.
        learnt: whether training changes them.
    """

    def __init__(self, words: int, width: int, start: np.ndarray | None, *, learnt: bool) -> None:
        super().__init__()
        weight = torch.zeros(1 + words, width)
        weight[1:] = torch.randn(words, width) / width**0.5 if start is None else torch.from_numpy(start)
        self.weight = nn.Parameter(weight, requires_grad=learnt)


class Summed(WordVectors):
    """The sum of the words' vectors.

    Args:
        words: of the vocabulary.
        width: numbers of a vector.
        start: float32 [words, width] to begin with; random ones if None.
        learnt: whether training changes them.
        rarity: what each word weighs, float32 [words]; sums then have unit length. None: all the same.
    """

    weights: torch.Tensor | None

    def __init__(
        self, words: int, width: int, start: np.ndarray | None, *, learnt: bool, rarity: np.ndarray | None = None
    ) -> None:
        super().__init__(words, width, start, learnt=learnt)
        padded = None if rarity is None else torch.from_numpy(np.concatenate([[0], rarity]).astype(np.float32))
        self.register_buffer("weights", padded, persistent=False)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return float32 [batch, width]."""
        numbers = _trimmed(rows.long())
        shares = None if self.weights is None else self.weights[numbers]
        summed = nn.functional.embedding_bag(numbers, self.weight, mode="sum", per_sample_weights=shares, padding_idx=0)
        return summed if shares is None else nn.functional.normalize(summed, dim=1, eps=_SHORT)


class InOrder(WordVectors):
    """The vectors of the words, in order. A caption without words has one, of zeros."""

    def forward(self, rows: torch.Tensor) -> VectorSequence:
        """Return float32 [batch, length, width], and bool [batch, length]: where a word is."""
        numbers = rows.long()
        there = numbers > 0
        there[:, 0] |= ~there.any(dim=1)
        return VectorSequence(nn.functional.embedding(numbers, self.weight, padding_idx=0), there)


def _trimmed(numbers: torch.Tensor) -> torch.Tensor:
    """Return rows of word numbers without the columns in which no row has a word, but for one."""
    longest = int((numbers > 0).sum(dim=1).max()) if len(numbers) else 0
    return numbers[:, : max(1, longest)]
