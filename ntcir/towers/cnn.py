"""A residual network of convolutions over the words of captions: the text path of the dual-path network.

Zheng, Zheng, Garrett, Yang, Xu and Shen (2020), "Dual-Path Convolutional Image-Text Embeddings with Instance Loss",
section 3.2. The words' vectors are normalised, without ReLU. Groups of blocks follow, each of which makes of X::

    Y = relu(norm(X A))               1 x 1: [length, inner]
    Y = relu(norm([Y before, Y] B))   1 x 2: each position with the one before it, which is zeros at the first
    out = relu(S(X) + norm(Y C))      1 x 1: [length, width]

S is norm(X D) in the first block of a group, and X itself in the others. The first block of the second and of the third
group takes every other position only, in B and in D. Its inner width is that of the group, or half of that in the first
group; that of the other blocks is a quarter. Of the positions left, the maximum counts, channel by channel; then come
dropout, a linear layer to the shared space, and its norm.

Positions without a word are zeros at first and are then treated like all others: where a caption begins makes a
difference, and so all positions are always there. A 1 x 2 convolution is computed as a linear layer on pairs of
neighbours.

This project's choices, where the authors do not say: layers begin as He et al. (2015) have it, and the last norm of a
block, or its last layer where there is no norm, begins at zero, so that a network begins as its shortcuts (Goyal et al.
2017, section 5.1).
"""

from __future__ import annotations

import torch
from torch import nn

from ntcir.config.towers import Norm, Tower
from ntcir.towers.dropout import dropouts
from ntcir.towers.norms import normed, norms
from ntcir.towers.pooling import VectorSequence

_HALVED = (1, 2)  # groups, from 0, that take every other position
_AT_ONCE = 1 << 24  # numbers of the widest layer where nothing is learnt: 64 MiB


class ResidualBlock(nn.Module):
    """Three layers and what goes past them.

    Args:
        width: channels that come in.
        inner: channels inside.
        out: channels that go out.
        norm: behind each layer.
        step: takes each position, or every ``step``-th.
        projects: whether what goes past has a layer of its own.
    """

    def __init__(self, width: int, inner: int, out: int, norm: Norm, *, step: int = 1, projects: bool = False) -> None:
        super().__init__()
        self._step = step
        self.narrow = nn.Sequential(*normed(_linear(width, inner), norm, across=True))
        self.pairs = nn.Sequential(*normed(_linear(2 * inner, inner), norm, across=True))
        self.widen = nn.Sequential(*normed(_linear(inner, out), norm, across=True))
        self.past = nn.Sequential(*normed(_linear(width, out), norm, across=True)) if projects else nn.Identity()
        for parameter in self.widen[-1].parameters():  # of the norm, or of the layer without one
            nn.init.zeros_(parameter)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return float32 [batch, length / step rounded up, out] of [batch, length, width]."""
        inside = self.narrow(vectors).relu_()
        inside = self.pairs(with_previous(inside, self._step)).relu_()
        past = self.past(vectors[:, :: self._step])
        result: torch.Tensor = self.widen(inside).add_(past).relu_()
        return result


class Convolutions(nn.Module):
    """The whole network, from the vectors of words to the shared space.

    Args:
        width: of the words' vectors.
        dim: of the shared space.
        options: ``blocks`` and ``widths`` of the groups, ``norm``, ``dropout`` before the last layer and
            ``input_dropout`` of the words' vectors.
    """

    def __init__(self, width: int, dim: int, options: Tower) -> None:
        super().__init__()
        self._widest = max(options.widths)
        self.first = nn.Sequential(*dropouts(options.input_dropout), *norms(options.norm, width, across=True))
        self.groups = nn.ModuleList()
        for number, (blocks, out) in enumerate(zip(options.blocks, options.widths, strict=True)):
            self.groups.append(_group(width, out, blocks, options.norm, number))
            width = out
        self.last = nn.Sequential(*dropouts(options.dropout), *normed(_linear(width, dim), options.norm))

    def forward(self, sequence: VectorSequence) -> torch.Tensor:
        """Return float32 [batch, dim]."""
        vectors = sequence.vectors
        if torch.is_grad_enabled() or self.training:
            return self._pooled(vectors)
        rows = max(1, _AT_ONCE // (self._widest * max(1, vectors.shape[1])))
        return torch.cat([self._pooled(part) for part in torch.split(vectors, rows)])

    def _pooled(self, vectors: torch.Tensor) -> torch.Tensor:
        vectors = self.first(vectors)
        for group in self.groups:
            vectors = group(vectors)
        result: torch.Tensor = self.last(vectors.amax(dim=1))
        return result


def with_previous(vectors: torch.Tensor, step: int = 1) -> torch.Tensor:
    """Return each vector behind the one before it, zeros at first: float32 [batch, length / step, 2 * width].

    Args:
        vectors: float32 [batch, length, width].
        step: 2 for every other position, from the first.
    """
    batch, length, width = vectors.shape
    padded = nn.functional.pad(vectors, (0, 0, 1, 0))
    if step == 1:
        return torch.cat([padded[:, :-1], vectors], dim=2)
    kept = (length + 1) // 2
    return padded[:, : 2 * kept].reshape(batch, kept, 2 * width)


def _group(width: int, out: int, blocks: int, norm: Norm, number: int) -> nn.Sequential:
    """Return the blocks of a group, counted from 0."""
    inner = out if number else out // 2
    first = ResidualBlock(width, inner, out, norm, step=2 if number in _HALVED else 1, projects=True)
    return nn.Sequential(first, *(ResidualBlock(out, out // 4, out, norm) for _ in range(blocks - 1)))


def _linear(width: int, out: int) -> nn.Linear:
    layer = nn.Linear(width, out)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return layer
