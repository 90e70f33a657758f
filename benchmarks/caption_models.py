"""What is asked of captioned pictures, and what answers: trained towers, and regularised CCA on the same rows.

What is chosen is chosen by cross-validation among training pictures, of a corpus that has no others.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from cca import Cca, Problem
from torch import nn

from ntcir.config import Config
from ntcir.corpora.corpus import SPLITS, Corpus
from ntcir.encoders import open_rows
from ntcir.encoders.encoder import Encoder, Rows
from ntcir.measures.reciprocal import Figures
from ntcir.modalities import directions, pictured
from ntcir.model.model import Model, Vectors
from ntcir.model.split_ranks import whole_figures
from ntcir.retrieval.items import encoded
from ntcir.sampling.galleries import WholeSplit
from ntcir.sampling.relations import group_equal_rows
from ntcir.system.errors import UserError
from ntcir.system.progress import say
from ntcir.towers.tower import Tower
from ntcir.training.trainer import Trainer

FOLDS = 5
DIMENSIONS = 128  # of the space of CCA
REGULARISATIONS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)

ByDirection = dict[str, Figures]


class Opened:
    """A corpus and the rows of its items; networks are loaded once, whatever is trained on them.

    Args:
        config: resolved.
        corpus: with pairs of the configuration's modalities.
        kept: rows that are opened already.
    """

    def __init__(self, config: Config, corpus: Corpus, kept: Mapping[str, Rows] | None = None) -> None:
        self.config, self.corpus = config, corpus
        self._kept = dict(kept or {})
        for name in () if kept else reversed(config.pair):
            rows = open_rows(config, corpus, name)
            if not rows.is_fitted:
                rows.ensure(corpus.tables[name].index.tolist())
                self._kept[name] = rows

    def rows(self, encoders: Mapping[str, Encoder] | None = None) -> dict[str, Rows]:
        """Return rows by modality: by the encoders of a trained model, or by those that are yet to be fitted."""
        return {
            name: self._kept.get(name)
            or open_rows(self.config, self.corpus, name, encoders[name] if encoders else None)
            for name in self.config.pair
        }

    def of(self, corpus: Corpus) -> Opened:
        """Return the same for a corpus of the same items with other splits."""
        return Opened(self.config, corpus, self._kept)

    def changed(self, changes: Mapping[str, Any]) -> Opened:
        """Return the same by a configuration with other towers."""
        return Opened(self.config.changed(changes), self.corpus, self._kept)


@dataclass(frozen=True)
class Question:
    """Pairs all of whose items ask, and rank all of the other side.

    Attributes:
        opened: their corpus.
        whole: their items.
    """

    opened: Opened
    whole: WholeSplit

    @classmethod
    def of(cls, opened: Opened, split: str | None) -> Question:
        """Return a split as a question; the whole corpus if None.

        Raises:
            UserError: if an item cannot be read, for figures on fewer pictures would be others.
        """
        corpus, pair = opened.corpus, opened.config.pair
        pairs = corpus.pairs if split is None else corpus.split(split)
        for name, rows in opened.rows().items():
            ids = pairs[name].tolist()
            unread = [item for item, there in zip(ids, rows.ensure(ids), strict=True) if not there]
            if unread:
                raise UserError(f"{corpus.root}: {len(unread)} of {len(ids)} pairs cannot be read ({unread[0]}).")
        return cls(opened, WholeSplit.of(pairs, pair))

    def figures(self, vectors: Mapping[str, Vectors]) -> ByDirection:
        """Return what the figures of each direction are made of."""
        corpus = self.opened.corpus
        clusters = self.whole.clusters() if corpus.shared_are_positive else None
        return whole_figures(vectors, self.whole, directions(self.opened.config.pair), corpus, clusters=clusters)

    def answered(self, model: Model) -> ByDirection:
        """Return the figures of a model."""
        rows = self.opened.rows(model.encoders)
        return self.figures(
            {name: encoded(model, name, rows[name], list(ids)) for name, ids in self.whole.items.items()}
        )


def train(opened: Opened, config: Config) -> Model:
    """Train on the training split of a corpus."""
    with tempfile.TemporaryDirectory() as folder:
        Trainer(config, opened.corpus, opened.rows(), Path(folder)).run()
        return Model.load(Path(folder))


@dataclass(frozen=True)
class FittedCca:
    """CCA on what the towers' first linear layers would see: encoders, stems and projections.

    Attributes:
        encoders: by modality, fitted.
        stems: of the towers.
        cca: on the rows that come out of them.
        regularisation: of each side.
    """

    encoders: Mapping[str, Encoder]
    stems: Mapping[str, nn.Module]
    cca: Cca
    regularisation: tuple[float, float]

    def answer(self, question: Question) -> ByDirection:
        """Return the figures of a question."""
        rows = question.opened.rows(self.encoders)
        left, right = question.opened.config.pair
        found = {}
        for name, project in ((left, self.cca.left), (right, self.cca.right)):
            own = rows[name].load(list(question.whole.items[name]))
            found[name] = Vectors(project(stemmed(self.stems[name], own)), group_equal_rows(own))
        return question.figures(found)


@dataclass(frozen=True)
class CcaProblem:
    """Training pairs, decomposed for all regularisations: see ``FittedCca``."""

    encoders: Mapping[str, Encoder]
    stems: Mapping[str, nn.Module]
    problem: Problem

    @classmethod
    def of(cls, opened: Opened) -> CcaProblem:
        """Fit encoders and stems to the training split of a corpus."""
        config, train = opened.config, opened.corpus.split("train")
        rows, stems, seen = opened.rows(), {}, []
        for name, each in rows.items():
            ids = train[name].tolist()
            each.ensure(ids)
            each.fit(ids)
            loaded = each.load(ids)
            stem, _ = each.encoder.stem(config.towers.of(name), config)
            Tower(stem, nn.Identity()).fit(loaded)
            stems[name] = stem
            seen.append(stemmed(stem, loaded))
        return cls({name: each.encoder for name, each in rows.items()}, stems, Problem(*seen))

    def solve(self, left: float, right: float) -> FittedCca:
        """Return the solution for the regularisation of each side."""
        return FittedCca(self.encoders, self.stems, self.problem.solve(left, right, DIMENSIONS), (left, right))


def stemmed(stem: nn.Module, rows: np.ndarray) -> np.ndarray:
    """Return what a stem makes of rows, float32 [items, columns]."""
    with torch.inference_mode():
        seen: np.ndarray = stem.eval()(torch.from_numpy(rows)).numpy()
    return seen


def cca(training: Opened) -> FittedCca:
    """Return CCA on all training pictures, regularised as cross-validation among them chooses."""
    chosen = choose_regularisation(training)
    if not {REGULARISATIONS[0], REGULARISATIONS[-1]}.isdisjoint(chosen):
        say(f"WARNING: the regularisation {chosen} is at the edge of the values that are tried: {REGULARISATIONS}.")
    return CcaProblem.of(training).solve(*chosen)


def choose_regularisation(training: Opened) -> tuple[float, float]:
    """Return the regularisation of each side that has the best MRR of both directions, by cross-validation.

    Args:
        training: a corpus of training pictures alone.
    """
    totals: dict[tuple[float, float], float] = {}
    for fold in folds(training):
        problem, question = CcaProblem.of(fold), Question.of(fold, "val")
        for left in REGULARISATIONS:
            for right in REGULARISATIONS:
                found = problem.solve(left, right).answer(question)
                mrr = sum(figures.mean() for figures in found.values())
                totals[left, right] = totals.get((left, right), 0.0) + mrr
    return max(totals, key=lambda each: totals[each])


def training_only(corpus: Corpus) -> Corpus:
    """Return a corpus that has nothing but the pairs of its training split, and their items."""
    pairs = corpus.split("train").reset_index(drop=True)
    tables = {name: table.loc[table.index.isin(pairs[name])] for name, table in corpus.tables.items() if name in pairs}
    return replace(corpus, pairs=pairs, tables=tables)


def folds(training: Opened, number: int | None = None, seed: int = 0) -> Iterator[Opened]:
    """Yield a corpus of training pictures once for each fold, whose pictures are the validation split."""
    corpus, number = training.corpus, number or FOLDS
    shown = pictured(training.config.pair)
    if shown is None:
        raise UserError(f"The pair {' and '.join(training.config.pair)} has no pictures.")
    placed = corpus.pairs[shown.name].map(lambda picture: fold_of(picture, number, seed))
    for fold in range(number):
        splits = pd.Categorical(np.where(placed == fold, "val", "train"), categories=["", *SPLITS])
        yield training.of(replace(corpus, pairs=corpus.pairs.assign(split=splits)))


def fold_of(picture: str, number: int, seed: int) -> int:
    """Return the fold of a picture, by its name: it stays there whatever other pictures there are."""
    return int(hashlib.sha256(f"{seed} {picture}".encode()).hexdigest(), 16) % number
