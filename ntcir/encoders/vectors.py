"""Vectors that came with the data, as somebody else computed them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ntcir.config import Config
from ntcir.corpora.records import image_id
from ntcir.encoders.encoder import Encoder, saved_dim
from ntcir.encoders.projected import ProjectableEncoder, ProjectableRows
from ntcir.encoders.vector_files import VectorFile, read_vectors
from ntcir.modalities import Query, modality
from ntcir.system.errors import UserError, short
from ntcir.system.home import expanded
from ntcir.system.progress import say

if TYPE_CHECKING:
    from ntcir.corpora.corpus import Corpus

_ID_COLUMN = "id"
_SHA256 = re.compile("[0-9a-f]{64}")


class VectorsEncoder(ProjectableEncoder):
    """Knows how long the vectors are; whatever computed them is not here.

    Args:
        dim: columns of a row before it is projected.
        fingerprint: SHA-256 of the file with which the model was trained.
    """

    kind = "vectors"

    def __init__(self, dim: int, fingerprint: str) -> None:
        self.dim = self.made_dim = dim
        self.fingerprint = fingerprint

    def to_json(self) -> dict[str, Any]:
        """Return length and fingerprint."""
        return self.described({"dim": self.made_dim, "fingerprint": self.fingerprint})

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> VectorsEncoder:
        """Make the encoder that ``to_json`` described.

        Raises:
            ValueError, KeyError: if the description is damaged.
        """
        fingerprint = tree["fingerprint"]
        if not isinstance(fingerprint, str) or not _SHA256.fullmatch(fingerprint):
            raise ValueError("its fingerprint is not a SHA-256")
        return cls(saved_dim(tree), fingerprint).as_described(tree)


class VectorRows(ProjectableRows):
    """The rows of a file of vectors that belong to the items of a corpus.

    Args:
        file: of vectors.
        corpus: whose items.
        name: of their modality.
        encoder: of a trained model; made for this file if None.

    Raises:
        UserError: if rows and items do not fit, a number is not finite, or the rows are of another length than those
            the model was trained on.
    """

    def __init__(self, file: VectorFile, corpus: Corpus, name: str, encoder: VectorsEncoder | None = None) -> None:
        self._file, self._corpus, self._modality = file, corpus, modality(name)
        self._known = corpus.tables[name].index
        columns = file.matrix.shape[1]
        if encoder is not None and encoder.made_dim != columns:
            raise UserError(
                f"The vectors in {file.path} have {columns:,} columns, but the model was trained on "
                f"{encoder.made_dim:,}: give vectors of the same kind in towers.{name}.vectors."
            )
        # The items that have rows and, at the same places, the numbers of these rows in the file.
        self._items, self._numbers = self._in_order() if file.ids is None else self._by_id(file.ids)
        file.check_numbers(self._known.tolist() if file.ids is None else file.ids)
        self.encoder: VectorsEncoder = encoder or VectorsEncoder(columns, file.fingerprint())

    @classmethod
    def open(cls, config: Config, corpus: Corpus, modality: str, encoder: Encoder | None) -> VectorRows:
        """Read the file that the configuration names, or the one that came with the corpus, and match it to the corpus.

        Raises:
            UserError: if it cannot be used.
        """
        path = config.towers.of(modality).vectors or corpus.vectors.get(modality)
        if path is None:
            raise UserError(
                f"towers.{modality}.encoder is vectors, but no file is named: give it in towers.{modality}.vectors "
                f"({corpus.root} brings none of its own)."
            )
        names = (str(corpus.tables[modality].index.name or modality), _ID_COLUMN)
        file = read_vectors(expanded(path) if isinstance(path, Path) else path, modality, names)
        own = encoder if isinstance(encoder, VectorsEncoder) else None
        rows = cls(file, corpus, modality, own)
        if own is None:
            rows.project_as(config.towers.of(modality), modality, {str(file.path): rows.encoder.dim})
        return rows

    def _in_order(self) -> tuple[pd.Index, np.ndarray]:
        count, items = len(self._file.matrix), len(self._known)
        if count != items:
            turned = self._file.matrix.shape[1] == items
            advice = "transpose it" if turned else "give a row for each in the corpus's order, or the rows' ids as well"
            raise UserError(
                f"{self._file.path} has {count:,} rows without ids, but {self._corpus.name} has {items:,} "
                f"{self._modality.plural}: {advice}."
            )
        return self._known, np.arange(count)

    def _by_id(self, ids: Sequence[str]) -> tuple[pd.Index, np.ndarray]:
        """Return the items that have rows, and the rows' numbers; what does not fit is counted and named."""
        path, name = self._file.path, self._corpus.name
        noun, plural = self._modality.noun, self._modality.plural
        rows = _index(ids)
        unknown = ~rows.isin(self._known)
        if unknown.any():  # who writes a file's name may not know that an id has no blanks
            rows = _index([image_id(item) if odd else item for item, odd in zip(ids, unknown, strict=True)])
            unknown = ~rows.isin(self._known)
        if unknown.all():
            raise UserError(
                f"None of the {len(rows):,} ids in {path} is one of the {plural} of {name} (first: {short(ids[0])}; "
                f"an id of the corpus: {short(str(self._known[0])) if len(self._known) else 'there is none'})."
            )
        if unknown.any():
            first = short(ids[int(unknown.argmax())])
            say(f"{path}: {unknown.sum():,} of {len(rows):,} rows belong to no {noun} of {name} (first: {first}).")
        twice = rows.duplicated() & ~unknown
        if twice.any():
            first = short(ids[int(twice.argmax())])
            say(f"WARNING: {path}: {twice.sum():,} rows repeat the id of an earlier row and are left out ({first}).")
        without = ~self._known.isin(rows)
        if without.any():
            first = short(str(self._known[int(without.argmax())]))
            say(
                f"WARNING: {without.sum():,} of {len(self._known):,} {plural} of {name} have no vector in {path} and "
                f"are left out (first: {first})."
            )
        taken = ~unknown & ~twice
        return rows[taken], np.flatnonzero(taken)

    def _places(self, ids: Sequence[str]) -> np.ndarray:
        """Return the numbers of the items' rows in the file, int64 [len(ids)]; -1 where there is none."""
        found = self._items.get_indexer(_index(ids))
        return np.where(found < 0, -1, self._numbers[found])

    def ensure(self, ids: Sequence[str]) -> np.ndarray:
        """Return which items have vectors, bool [len(ids)]."""
        return self._places(ids) >= 0

    def made(self, ids: Sequence[str]) -> np.ndarray:
        """Return the vectors of items that have some, float32 [len(ids), made_dim].

        Raises:
            KeyError: if an item has none.
        """
        places = self._places(ids)
        if (places < 0).any():
            raise KeyError(ids[int((places < 0).argmax())])
        return self._file.rows(places)

    def origins(self) -> list[str]:
        """Return the SHA-256 of the file."""
        return [self._file.fingerprint()]

    def facts(self, ids: Sequence[str]) -> list[Any]:
        """Return what training on these items depends on: the file, and which of its rows are theirs."""
        return [list(ids), self.encoder.to_json(), self._places(ids).tolist()]

    def named(self, query: Query) -> str:
        """Return the item of that id or file name.

        Raises:
            UserError: if there is none, or the query is given in full.
        """
        usual = self._modality.encoders[0]
        why = (
            f"this model knows {self._modality.plural} by the vectors that came with the data and cannot encode "
            f"others (a model with towers.{self._modality.name}.encoder={usual} can)"
        )
        if not isinstance(query, str):
            raise UserError(f"a {self._modality.noun} that is given in full, but {why}")
        for name in (query, image_id(query)):
            if name in self._known:
                return name
        raise UserError(f"the {self._modality.noun} '{short(query)}', which is not in {self._corpus.root}, and {why}")


def _index(ids: Sequence[str]) -> pd.Index:
    index: pd.Index = pd.Index(np.array(ids, dtype=object))
    return index
