"""What makes rows of numbers from raw items, and such rows of a corpus's items."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ntcir.config import Config, Tower
from ntcir.encoders.parts import Parts
from ntcir.modalities import Query
from ntcir.system.errors import UserError

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ntcir.corpora.corpus import Corpus
    from ntcir.features.extraction import Alteration
    from ntcir.towers.views import Views


@dataclass(frozen=True)
class Facet:
    """Columns of an encoder's rows that encode an item by themselves, such as one level of a network.

    Attributes:
        name: for people, such as ``features.7`` or ``periodic``.
        columns: int64 [width], ascending: which columns these are, of one view where items have several. Facets may
            share columns.
        encoder: what makes rows of these columns alone: its ``dim``, ``stem`` and ``positions`` are theirs.
    """

    name: str
    columns: np.ndarray
    encoder: Encoder


_TYPED = "the query"  # stands for the id of a topic where there is none


class Encoder:
    """Turns raw items into rows of numbers: fitted on the training split, saved with the model, knows no corpus.

    Attributes:
        kind: its name in ``towers.MODALITY.encoder``.
        repeats: whether different items often have equal rows, which cannot be told apart.
        to_narrow: what to set for fewer columns, as an imperative for a message; None where nothing is to be set.
        dim: columns of a row.
        fingerprints: of the networks whose features are kept in ``features.store``, if it has any.
    """

    kind: ClassVar[str]
    repeats: ClassVar[bool] = False
    to_narrow: ClassVar[str | None] = None
    dim: int
    fingerprints: Sequence[str] = ()

    def stem(self, tower: Tower, config: Config) -> tuple[nn.Module, int]:
        """Return the layer that a tower on these rows begins with, and the width of what comes out of it."""
        return evened(tower, self.dim), self.dim

    @classmethod
    def positions(cls, tower: Tower, config: Config) -> int | None:
        """Return how many vectors the stem gives for an item at most, where it gives a ``VectorSequence``.

        By default it gives a single vector: None. The settings alone tell, so that a head that does not fit them is
        refused before anything is read.

        Raises:
            UserError: if such a head cannot work on these rows.
        """
        return None

    def views(self, tower: Tower, config: Config) -> Views | None:
        """Return what knows the views of items whose vectors are added up when something is asked.

        By default an item has one: None. Where there are several, the stem gets rows of one view each.
        """
        return None

    def facets(self, config: Config) -> list[Facet]:
        """Return the facets of a row, in order; by default there is one, of all columns."""
        return [Facet(self.kind, np.arange(self.dim), self)]

    def random_vectors(self) -> tuple[str, str] | None:
        """Return what the stem has vectors of that mean nothing until they are trained, and the setting without them.

        By default there are none: None.
        """
        return None

    def to_json(self) -> dict[str, Any]:
        """Return everything needed to make the same encoder again, but for weights; nothing by default."""
        return {}

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> Encoder:
        """Make the encoder that ``to_json`` described; one that knows nothing is made without arguments.

        Raises:
            ValueError, KeyError, TypeError: if the description is damaged.
        """
        return cls()

    def weights(self) -> dict[str, torch.Tensor]:
        """Return the weights that are saved with it, by name; none by default."""
        return {}

    def restore(self, config: Config, weights: Mapping[str, torch.Tensor]) -> None:
        """Take the weights that ``weights`` returned.

        Raises:
            ValueError: if they do not fit.
        """
        if weights:
            raise ValueError(f"there are weights of an encoder that has none ({self.kind})")


class Rows(ABC):
    """What an encoder makes of the items of one table of a corpus.

    Attributes:
        encoder: makes the rows.
    """

    encoder: Encoder

    @classmethod
    @abstractmethod
    def open(cls, config: Config, corpus: Corpus, modality: str, encoder: Encoder | None) -> Rows:
        """Open what the encoder makes of a corpus's items.

        Args:
            config: resolved.
            corpus: with a table of the modality.
            modality: its name.
            encoder: of a trained model; None for one that is yet to be fitted.

        Raises:
            UserError: if it cannot be used on this corpus.
        """

    @property
    def dim(self) -> int:
        """Columns of a row."""
        return self.encoder.dim

    @property
    def is_fitted(self) -> bool:
        """Whether ``fit`` takes statistics of training items."""
        return type(self).fit is not Rows.fit

    def ensure(self, ids: Sequence[str]) -> np.ndarray:
        """Make ready what ``load`` returns.

        Returns:
            bool [len(ids)]: which items have rows; all by default.
        """
        return np.ones(len(ids), dtype=bool)

    def check(self, ids: Sequence[str]) -> None:  # noqa: B027 (most have nothing to check)
        """Check that training items can be learnt from, as far as that is told at once.

        Raises:
            UserError: if nothing can be learnt from these items.
        """

    def fit(self, ids: Sequence[str]) -> list[str]:
        """Take the statistics of training items (as often as they train), before ``load`` is called; none by default.

        Returns:
            sentences about what tells a model nothing.

        Raises:
            UserError: if nothing can be learnt from these items.
        """
        return []

    @abstractmethod
    def load(self, ids: Sequence[str]) -> np.ndarray:
        """Return rows of items, float32 [len(ids), dim]; call ``ensure`` first."""

    def altered(self, alteration: Alteration, views: int, ids: Sequence[str]) -> np.ndarray:
        """Return rows of several altered views of items, float16 [views, len(ids), dim].

        Where rows have several views of an item, one behind the other, these may have the columns of one view only.

        Raises:
            UserError: if the encoder cannot see altered items.
        """
        raise UserError(f"augment.views needs the encoder frozen: {self.encoder.kind} cannot see altered items.")

    def origins(self) -> list[str]:
        """Return fingerprints of the networks or files that the rows come from; none by default."""
        return []

    def facts(self, ids: Sequence[str]) -> list[Any]:
        """Return what training on these items depends on besides the configuration, as JSON values."""
        return [list(ids), self.encoder.to_json()]

    def named(self, query: Query) -> str | None:
        """Return the item of the corpus that a query names, or None where it is given in full, as by default.

        Raises:
            UserError: if it can be neither; the phrase goes on from "The topic ... asks for".
        """
        return None

    def encode(self, queries: Mapping[str, Query]) -> Iterator[tuple[list[str], np.ndarray]]:
        """Yield topic ids and rows, float32 [topics, dim], of queries that are given in full, some at a time.

        Queries that cannot be read are left out.

        Raises:
            UserError: naming the topic whose query is wrong; by default any is.
        """
        for topic in queries:
            raise UserError(
                f"The topic {topic} gives its query in full, but the encoder {self.encoder.kind} only knows items of "
                "its corpus."
            )
        yield from ()

    @property
    def has_parts(self) -> bool:
        """Whether ``apart`` takes items apart."""
        return type(self).apart is not Rows.apart

    def apart(self, content: Query, row: np.ndarray, cells: int) -> Parts:
        """Take an item apart, and encode it without each of its parts, for explaining scores.

        Args:
            content: what would be asked with it; of a picture, its path.
            row: of the whole item, float32 [1, dim].
            cells: on a side of a picture.

        Raises:
            UserError: if the encoder does not know parts, as by default, or the item cannot be read.
        """
        raise UserError(f"The encoder {self.encoder.kind} does not know parts of items.")

    def ask(self, query: Query) -> np.ndarray | None:
        """Return the row of a query that a person types in full, float32 [1, dim]; None if it cannot be read.

        Raises:
            UserError: if it is wrong.
        """
        return next((encoded for _, encoded in self.encode({_TYPED: query})), None)


def evened(tower: Tower, width: int) -> nn.Module:
    """Return what evens out and standardises rows of that width, as far as a tower's settings ask for it.

    Principal components stay as they are: columns are raised to the power before these are taken.
    """
    from torch import nn

    from ntcir.towers.stems import Power, Standardise

    if tower.pca is not None:
        return nn.Identity()
    standardise = Standardise(width) if tower.standardise else nn.Identity()
    return standardise if tower.power == 1 else nn.Sequential(Power(tower.power), standardise)


def saved_dim(tree: Mapping[str, Any]) -> int:
    """Return ``dim`` of a saved encoder.

    Raises:
        ValueError, KeyError: if it is not a number of columns, or not there.
    """
    dim = tree["dim"]
    if type(dim) is not int or dim < 1:
        raise ValueError("its dim is not a number of columns")
    return dim


def under(prefix: str, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the weights whose names begin so, without that beginning."""
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
