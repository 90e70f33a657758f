"""A bias against hubs: documents that are near to every query are ranked lower.

    score(q, d) = s(q, d) - beta h(d),    h(d) = T log mean_b exp(s(b, d) / T)

over the queries b of training, s being the cosine. With beta = 1 that is, up to a constant, T times the logarithm of
the inverted softmax (Smith et al. 2017, "Offline bilingual word vectors, orthogonal transformations and the inverted
softmax"; over a bank of training queries: Bogolin et al. 2022, "Cross Modal Retrieval with Querybank Normalisation").
h(d) depends on the model and the document alone: on no other document, and on no other query that is asked.

A score stays one inner product: a query's vector ends in 1, a document's in -beta h(d).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ntcir.model.trained import LAST, is_finished
from ntcir.sampling.relations import group_equal_rows
from ntcir.system.errors import UserError
from ntcir.system.progress import say

if TYPE_CHECKING:
    from ntcir.model.model import Model

_DOCUMENTS, _QUERIES = 512, 2048  # scores at once: 8 MB in double precision, which a processor's cache holds
_ADVISED = 0.7  # the beta that a sentence proposes


@dataclass(frozen=True)
class TrainingQueries:
    """The unit vectors of one modality's items in the training pairs.

    Attributes:
        vectors: float16 [distinct, dim], each once. Half precision moved no score by more than 3e-6 on `track`.
        counts: int64 [distinct], in how many pairs each is.
    """

    vectors: torch.Tensor
    counts: torch.Tensor

    @classmethod
    def of(cls, vectors: np.ndarray) -> TrainingQueries:
        """Take the vector of each pair's item, float16 [pairs, dim]."""
        _, first, counts = np.unique(group_equal_rows(vectors), return_index=True, return_counts=True)
        return cls(torch.from_numpy(vectors[first]), torch.from_numpy(counts.astype(np.int64)))

    @classmethod
    def of_state(cls, state: Mapping[str, torch.Tensor], dim: int) -> TrainingQueries:
        """Take what ``state`` returned.

        Raises:
            ValueError: if it does not fit vectors of ``dim`` dimensions.
            KeyError: if a part is missing.
        """
        vectors, counts = state["vectors"], state["counts"]
        if vectors.ndim != 2 or vectors.shape[1] != dim or counts.shape != vectors.shape[:1] or not len(counts):
            raise ValueError(f"training queries of shape {list(vectors.shape)} do not fit {dim} dimensions")
        if counts.dtype != torch.int64 or not vectors.is_floating_point() or bool((counts < 1).any()):
            raise ValueError("training queries are not vectors, each with the number of its pairs")
        return cls(vectors, counts)

    def state(self) -> dict[str, torch.Tensor]:
        """Return the tensors by name."""
        return {"vectors": self.vectors, "counts": self.counts}

    @property
    def pairs(self) -> int:
        """How many pairs they are of."""
        return int(self.counts.sum())

    @property
    def nbytes(self) -> int:
        """What they take in memory and on disk."""
        return self.vectors.nbytes + self.counts.nbytes

    def hubness(self, documents: np.ndarray, temperature: float) -> np.ndarray:
        """Return h of each document, float64 [documents]; exact but for inner products in single precision.

        Each pair counts once, as in training. In blocks, so that memory does not grow with documents and queries.

        Args:
            documents: float32 [documents, dim], unit vectors.
            temperature: T.
        """
        weights = self.counts.double().log() - math.log(self.pairs)
        rows = torch.from_numpy(np.ascontiguousarray(documents))
        logs = torch.full((len(rows),), -math.inf, dtype=torch.float64)
        for first in range(0, len(self.vectors), _QUERIES):  # the outer loop: each is brought to single precision once
            asked, weight = self.vectors[first : first + _QUERIES].float().T, weights[first : first + _QUERIES]
            for block, log in zip(torch.split(rows, _DOCUMENTS), torch.split(logs, _DOCUMENTS), strict=True):
                scores = (block @ asked).double().div_(temperature).add_(weight)
                log.copy_(torch.logaddexp(log, torch.logsumexp(scores, dim=1)))
        found: np.ndarray = logs.mul_(temperature).numpy()
        return found


def with_one(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of queries, float32 [..., dim], with a last coordinate of 1."""
    return np.concatenate([vectors, np.ones((*vectors.shape[:-1], 1), dtype=np.float32)], axis=-1)


def with_bias(
    vectors: np.ndarray, same: np.ndarray, queries: TrainingQueries, *, beta: float, temperature: float
) -> np.ndarray:
    """Return vectors of documents with a last coordinate of -beta h(d), float32 [documents, dim + 1].

    Args:
        vectors: float32 [documents, dim], unit vectors.
        same: int64 [documents]: equal numbers for documents that get the very same bias, that of the first of them.
        queries: of the modality that asks for these documents.
        beta: how much h counts.
        temperature: T.
    """
    _, first, back = np.unique(same, return_index=True, return_inverse=True)
    bias = -beta * queries.hubness(vectors[first], temperature)
    return np.concatenate([vectors, bias[back.reshape(-1), None].astype(np.float32)], axis=1)


def settle_bias(model: Model, folder: Path, beta: float | None = None) -> None:
    """Give a model that is asked the beta that is wanted, where it has what that needs.

    A training that was interrupted has no training queries yet: its own bias is left out, and that is said.

    Args:
        model: as it was loaded; its configuration gets the beta.
        folder: the model's.
        beta: as typed; the model's own if None.

    Raises:
        UserError: if the model cannot have a bias.
    """
    own = model.config.hubness.beta
    wanted = own if beta is None else beta
    if wanted and not model.training_queries:
        if beta is None and not is_finished(folder):
            say(
                f"WARNING: the training in {folder} was interrupted before it kept the training queries that "
                f"hubness.beta = {own:g} needs: the bias is left out."
            )
            wanted = 0.0
        else:
            raise without_queries(folder, wanted, own=own, resumable=(folder / LAST).is_file())
    if wanted != own:
        model.config = model.config.changed({"hubness.beta": wanted})


def without_queries(folder: Path | None, wanted: float, *, own: float = 0.0, resumable: bool = False) -> UserError:
    """Return the sentence about a bias for which a model lacks the training queries.

    Args:
        folder: the model's, if it is known.
        wanted: beta.
        own: beta of its training.
        resumable: whether its training has a checkpoint, so that it can be brought to its end, also again.
    """
    of = "The model" if folder is None else f"The model in {folder}"
    setting = f"--set hubness.beta={wanted if 0 < wanted <= 1 else _ADVISED:g}"
    if not resumable:
        advice = f"train again with {setting}"
    elif own:
        advice = "let its training end with --resume"
    else:
        advice = f"add --resume {setting} to the command that trained it, which takes no further step"
    return UserError(
        f"{of} keeps no training queries, so it cannot be asked with hubness.beta = {wanted:g}: {advice}, or ask "
        "with --set hubness.beta=0."
    )
