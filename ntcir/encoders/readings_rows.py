"""The sensor readings of a corpus, encoded: the columns that the configuration chooses, or those of a trained model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ntcir.config import Config
from ntcir.corpora.corpus import SPLITS, Corpus
from ntcir.encoders.encoder import Encoder, Rows
from ntcir.encoders.parts import COLUMN, Part, Parts
from ntcir.encoders.presets import chosen_columns, named_columns
from ntcir.encoders.readings import ReadingsEncoder
from ntcir.encoders.understanding import idle_columns, require_values, silent_columns, understood
from ntcir.system.errors import counted, some
from ntcir.system.progress import say


class ReadingsRows(Rows):
    """The encoded readings of a corpus.

    Args:
        config: resolved; chooses the columns of a new encoder.
        corpus: whose readings.
        modality: of these.
        encoder: of a trained model; None for one that ``fit`` makes.

    Raises:
        UserError: if the corpus lacks a column.
    """

    def __init__(self, config: Config, corpus: Corpus, modality: str, encoder: ReadingsEncoder | None = None) -> None:
        self._options, self._corpus, self._modality = config.sensors, corpus, modality
        # All readings as they are in the corpus, and as this encoder understands them.
        self._raw = self._table = corpus.tables[modality]
        self._columns = chosen_columns(config.sensors, self._raw, corpus.layout) if encoder is None else encoder.columns
        corpus.require_columns(self._columns.names, modality)
        self._is_others = encoder is not None
        if encoder is not None:
            self.encoder: ReadingsEncoder = encoder

    @classmethod
    def open(cls, config: Config, corpus: Corpus, modality: str, encoder: Encoder | None) -> ReadingsRows:
        """Check that a corpus has the columns.

        Raises:
            UserError: if it lacks one.
        """
        return cls(config, corpus, modality, encoder if isinstance(encoder, ReadingsEncoder) else None)

    def check(self, ids: Sequence[str]) -> None:
        """Check that the chosen columns have values in training, before anything takes long.

        Raises:
            UserError: naming the first column without values.
        """
        corpus = self._corpus
        named = named_columns(self._options, corpus.layout)
        require_values(self._columns, self._raw.loc[list(ids)], named, corpus.root, corpus.report.empty)

    def fit(self, ids: Sequence[str]) -> list[str]:
        """Take the statistics of training readings; return which columns tell nothing.

        Raises:
            UserError: if a column that is needed has no value.
        """
        self.check(ids)
        table = self._raw.loc[list(ids)]
        self.encoder = ReadingsEncoder.fit(self._columns, table, self._options.rare)
        return idle_columns(self.encoder, table)

    def ensure(self, ids: Sequence[str]) -> np.ndarray:
        """Read the numbers of a corpus that the encoder was not fitted to, and say what it does not understand.

        A column is read as a whole: what a comma is for in one cell, the others tell.

        Returns:
            bool [len(ids)]: all True; a reading that is not understood is missing.
        """
        if self._is_others:
            distinct = list(dict.fromkeys(ids))
            table = self._raw.loc[distinct]
            self._table, remarks = understood(self.encoder, table, place=lambda row: distinct[row])
            for remark in [*remarks, *silent_columns(self.encoder, self._table)]:
                say(f"{self._corpus.name}: {remark}")
        return np.ones(len(ids), dtype=bool)

    def load(self, ids: Sequence[str]) -> np.ndarray:
        """Return encoded readings, float32 [len(ids), dim]."""
        return self.encoder.encode(self._table.loc[list(ids)])

    def named(self, query: Mapping[str, Any]) -> str | None:
        """Return None: a topic gives its readings in full."""
        return None

    def encode(self, queries: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[list[str], np.ndarray]]:
        """Encode readings by column, written by hand, all at once.

        Raises:
            UserError: for an unknown column, or what spells no number where one is needed.
        """
        if not queries:
            return
        topics, names = list(queries), self.encoder.names
        # A minute may lack just the readings that this model uses; its topic is still answered.
        mute = [topic for topic, query in queries.items() if all(query.get(name) is None for name in names)]
        known = [str(column) for column in self._raw.columns]
        table = self.encoder.table(list(queries.values()), known, topics)
        if mute:
            topics_give = counted(len(mute), "topic gives", "topics give")
            say(f"WARNING: {topics_give} none of the readings this model uses ({some(names)}): {some(mute)}.")
        table, remarks = understood(self.encoder, table, place=lambda row: f"topic {topics[row]}")
        for remark in remarks:
            say(f"topics: {remark}")
        yield topics, self.encoder.encode(table)

    def ask(self, query: Mapping[str, Any]) -> np.ndarray:
        """Encode a reading that a person types.

        Raises:
            UserError: for an unknown column, or what spells no number where one is needed.
        """
        table = self.encoder.table([query], [str(column) for column in self._raw.columns])
        if all(query.get(name) is None for name in self.encoder.names):
            say(f"WARNING: the query gives none of the readings this model uses ({some(self.encoder.names)}).")
        table, remarks = understood(self.encoder, table)
        for remark in remarks:
            say(f"the query: {remark}")
        return self.encoder.encode(table)

    def apart(self, content: Mapping[str, Any], row: np.ndarray, cells: int) -> Parts:
        """Take a reading apart into raw columns; what comes from a column that is left out has its training mean."""
        places, means = self.encoder.places(), self.encoder.means(self._training())
        without = np.repeat(row, len(places), axis=0)
        for one, columns in zip(without, places.values(), strict=True):
            one[columns] = means[columns]
        return Parts(COLUMN, [Part(name) for name in places], row, without)

    def _training(self) -> pd.DataFrame:
        """Return the training split's readings, as often as they train; of a corpus that is not split, all."""
        pairs = self._corpus.split(SPLITS[0])
        if pairs.empty:
            say(f"{self._corpus.name} has no training split: averages are taken over all of its pairs.")
            pairs = self._corpus.pairs
        table, _ = understood(self.encoder, self._raw.loc[pairs[self._modality].dropna().tolist()])
        return table
