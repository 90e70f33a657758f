"""Raw sensor readings to numbers that a network can take, with statistics of the training split only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ntcir.config import Config, Tower
from ntcir.encoders.categories import Vocabulary, words
from ntcir.encoders.encoder import Encoder, Facet
from ntcir.encoders.floats import as_float, floats
from ntcir.encoders.number_encodings import blocks_of, encoded_numbers, facet_columns
from ntcir.encoders.presets import Columns
from ntcir.encoders.readings_layout import WAVELENGTHS, places_of, waves_of
from ntcir.encoders.saved_readings import check_saved, columns_from_json, columns_to_json
from ntcir.system.errors import UserError, did_you_mean, shown, some

if TYPE_CHECKING:
    from torch import nn

METRES_PER_DEGREE = 111_320.0  # of latitude
MISSING, UNKNOWN = 0, 1  # codes of a categorical column; the known categories follow
# Standardised numbers end here: no reading of a split of a hundred million is so far out (its s.d. would be larger),
# and a typed 1e300 must not overflow in the towers.
LIMIT = 1e4


class ReadingsEncoder(Encoder):
    """Turns a table of raw readings into float32 [rows, dim].

    The first ``continuous`` columns are the numbers, which have mean 0 and s.d. 1 over the training split, what their
    encodings make of them, sines and cosines of cyclic columns and positions, and 0/1 indicators; the last
    ``len(vocabularies)`` columns are category codes for embeddings, where those are chosen. A missing number is the
    mean (0 after standardising) with its indicator set to 1; columns that never lack a reading in training have no
    indicator. A column without variance becomes 0. A category is a word: the number 1 and the text "1" are the same
    one.

    Args:
        columns: what to encode and how.
        statistics: what ``fit`` found; JSON values only.
    """

    kind = "readings"
    repeats = True

    def __init__(self, columns: Columns, statistics: Mapping[str, Any]) -> None:
        self.columns = columns
        self.statistics = dict(statistics)
        self._vocabularies: dict[str, Vocabulary] = {}

    @classmethod
    @np.errstate(over="ignore", invalid="ignore")  # numbers near 1e308: such a column counts as flat
    def fit(cls, columns: Columns, training: pd.DataFrame, rare: int = 2) -> ReadingsEncoder:
        """Take the statistics from the training rows (one row a pair, so that they count as often as they train).

        Args:
            columns: what to encode and how; all must be in the table.
            training: raw readings.
            rare: categories seen fewer times than this share the bucket of unknown ones (embeddings only).

        Raises:
            UserError: if there is nothing to encode, or a column of text is to be standardised.
        """
        if not columns.names:
            raise UserError("No sensor columns are chosen: list some in sensors.numeric or sensors.categorical.")
        # Frequencies first: as numbers they are standardised with the rest.
        counts = {column: words(training[column]).dropna().value_counts() for column in columns.categorical}
        statistics: dict[str, Any] = {
            "shares": {column: (count / max(1, len(training))).to_dict() for column, count in counts.items()},
            "vocabularies": {
                column: sorted(count.index[count >= rare])
                for column, count in counts.items()
                if columns.categories == "embedding"
            },
            "origin": None,
        }
        if columns.location:
            origin = [
                float(np.nanmean(v)) if np.isfinite(v).any() else 0.0 for v in _position(training, columns.location)
            ]
            statistics["origin"] = origin
        encoder = cls(columns, statistics)
        raw, names = encoder._numbers(training)
        gaps = np.isnan(raw)
        empty = gaps.all(axis=0)
        for column in (name for name, nothing in zip(names, empty, strict=True) if nothing):
            if not pd.api.types.is_numeric_dtype(training[column]) and training[column].notna().any():
                raise UserError(f"The sensor column '{column}' has no numbers: list it in sensors.categorical instead.")
        filled = np.where(empty, 0.0, raw)
        mean, deviation = np.nanmean(filled, axis=0), np.nanstd(filled, axis=0)
        # Rounding leaves a constant column a deviation of about 1e-16 of its size, which must not be divided by.
        flat = ~np.isfinite(deviation) | (deviation <= np.maximum(1e-12 * np.abs(mean), 1e-100))
        encoder.statistics |= {
            "mean": np.where(flat, 0.0, mean).tolist(),
            "deviation": np.where(flat, 0.0, deviation).tolist(),
            "indicators": [name for name, gap in zip(names, gaps.any(axis=0) & ~empty, strict=True) if gap],
        }
        return encoder

    @property
    def names(self) -> list[str]:
        """The raw columns needed, in order."""
        return self.columns.names

    def vocabulary(self, column: str) -> Vocabulary:
        """Return the words that a categorical column had in training, the rare ones too."""
        if column not in self._vocabularies:
            self._vocabularies[column] = Vocabulary(self.statistics["shares"][column])
        return self._vocabularies[column]

    def _spelled(self, column: pd.Series) -> list[str | None]:
        """Return a column's categories as training spelled them."""
        vocabulary = self.vocabulary(str(column.name))
        return [None if word is None else vocabulary.spelled(word) for word in words(column)]

    @property
    def vocabulary_sizes(self) -> list[int]:
        """How many codes each embedded column has, the missing and the unknown one included."""
        return [len(vocabulary) + 2 for vocabulary in self.statistics["vocabularies"].values()]

    @property
    def continuous(self) -> int:
        """How many of the encoded columns are numbers rather than codes."""
        numbers = len(self.statistics["mean"]) * blocks_of(self.columns.encodings)
        waves = 4 * len(WAVELENGTHS) if self.columns.location else 0
        return numbers + 2 * len(self.columns.cyclic) + waves + len(self.statistics["indicators"])

    @property
    def dim(self) -> int:  # type: ignore[override]
        """The length of an encoded reading."""
        return self.continuous + len(self.vocabulary_sizes)

    def stem(self, tower: Tower, config: Config) -> tuple[nn.Module, int]:
        """Return learnt vectors in place of category codes; the rows are standardised already."""
        from torch import nn

        from ntcir.towers.stems import EmbedCodes

        if not self.vocabulary_sizes:
            return nn.Identity(), self.dim
        embed = EmbedCodes(self.continuous, self.vocabulary_sizes, config.sensors.embedding_dim, silent=UNKNOWN + 1)
        return embed, embed.dim

    def facets(self, config: Config) -> list[Facet]:
        """Return one facet for each encoding of numbers; all have the numbers themselves and the other columns."""
        names = self.columns.encodings
        columns = facet_columns(names, len(self.statistics["mean"]), self.dim)
        alone = [ReadingsEncoder(replace(self.columns, encodings=(name,)), self.statistics) for name in names]
        return [Facet(*each) for each in zip(names, columns, alone, strict=True)]

    def random_vectors(self) -> tuple[str, str] | None:
        """Return categories, where there are codes of any."""
        return ("categories", "sensors.categories=frequency") if self.vocabulary_sizes else None

    @np.errstate(over="ignore", invalid="ignore")
    def encode(self, table: pd.DataFrame) -> np.ndarray:
        """Encode raw readings, float32 [rows, dim]; never NaN. A column that the table lacks is missing throughout."""
        table = table.reindex(columns=self.names)
        raw, names = self._numbers(table)
        deviation = np.asarray(self.statistics["deviation"])
        scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 0)
        standard = (raw - np.asarray(self.statistics["mean"])) * scale
        parts = encoded_numbers(np.nan_to_num(np.clip(standard, -LIMIT, LIMIT), nan=0.0), self.columns.encodings)
        for column, period in self.columns.cyclic.items():
            parts.append(waves_of((floats(table[column]) / period)[:, None]))
        if self.columns.location:
            parts.append(self._waves(table))
        wanted = [names.index(name) for name in self.statistics["indicators"]]
        parts.append(np.isnan(raw[:, wanted]).astype(np.float64))
        for column, vocabulary in self.statistics["vocabularies"].items():
            codes = {word: code for code, word in enumerate(vocabulary, start=2)}
            known = self._spelled(table[column])
            found = [MISSING if word is None else codes.get(word, UNKNOWN) for word in known]
            parts.append(np.asarray(found, dtype=np.float64).reshape(-1, 1))
        # Adding 0 turns -0 into 0, so that equal readings have equal bytes.
        return np.ascontiguousarray(np.concatenate(parts, axis=1), dtype=np.float32) + np.float32(0)

    def places(self) -> dict[str, list[int]]:
        """Return raw column -> the encoded columns that come from it; each of these comes from one raw column."""
        return places_of(self.columns, self.statistics)

    def means(self, training: pd.DataFrame) -> np.ndarray:
        """Return what encoded columns are in a reading that tells nothing, float32 [dim].

        Of standardised columns, 0, which is their mean over the training split; of sines, cosines, bumps and
        indicators, the mean over the given readings, for a model does not keep it; of category codes, the unknown one.

        Args:
            training: raw readings, with numbers as numbers.
        """
        row = np.zeros(self.dim, dtype=np.float32)
        plain = slice(len(self.statistics["mean"]), self.continuous)
        if len(training):
            row[plain] = self.encode(training)[:, plain].mean(axis=0, dtype=np.float64)
        row[self.continuous :] = UNKNOWN
        return row

    def accepts(self, column: str, value: Any) -> bool:
        """Return whether a value read from JSON can be a reading of this column.

        Where a number is needed, a number or a text, which may spell one. A category may be a text, a number or a truth
        value. None is missing.
        """
        if value is None:
            return True
        if column in self.columns.numbers:
            return isinstance(value, int | float | str) and not isinstance(value, bool)
        return not isinstance(value, list | dict)

    def table(
        self, readings: Sequence[Mapping[str, Any]], known: Sequence[str], topics: Sequence[str] = ()
    ) -> pd.DataFrame:
        """Make a table of hand-written readings (column -> number, text or null).

        Args:
            readings: one mapping a row; columns that are left out are missing.
            known: the columns there are in the corpus, which may be given though this model does not use them.
            topics: whose readings they are, for messages.

        Raises:
            UserError: for an unknown column, or what spells no number where one is needed.
        """
        for place, row in enumerate(readings):
            whose = f" of the topic {topics[place]}" if topics else ""
            for column, value in row.items():
                if column not in self.names and column not in known:
                    hint = did_you_mean(column, [*self.names, *known])
                    raise UserError(f"Unknown reading '{column}'{whose}{hint}; this model uses {some(self.names, 20)}.")
                if column in self.names and not (self.accepts(column, value) and self._is_clear(column, value)):
                    raise UserError(f"The reading '{column}'{whose} must be a number, not {shown(value)}.")
        return pd.DataFrame(
            [{column: row.get(column) for column in self.names} for row in readings], columns=self.names, dtype=object
        )

    def _is_clear(self, column: str, value: Any) -> bool:
        """Return whether a value that is accepted says a finite number, where one is needed, or nothing."""
        if column not in self.columns.numbers or value is None or value != value:  # NaN is missing
            return True
        return bool(np.isfinite(as_float(value)))

    def to_json(self) -> dict[str, Any]:
        """Return everything needed to make the same encoder again."""
        return {"columns": columns_to_json(self.columns), "statistics": self.statistics}

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> ReadingsEncoder:
        """Make the encoder that ``to_json`` described.

        Raises:
            ValueError: if something is not there, or does not fit the rest.
        """
        check_saved(tree)
        return cls(columns_from_json(tree["columns"]), tree["statistics"])

    def _numbers(self, table: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
        """Return the columns to be standardised, float64 [rows, columns] with NaN where missing, and their names."""
        parts = [floats(table[column]) for column in self.columns.numeric]
        names = list(self.columns.numeric)
        # Cyclic columns and positions need no indicator: missing, they are (0, 0), not any angle's sine and cosine.
        for column in self.columns.categorical:
            if self.columns.categories == "frequency":
                shares = self.statistics["shares"][column]
                # Missing is 0, as the organisers have it; so is a category that training never saw.
                known = self._spelled(table[column])
                parts.append(np.array([0.0 if word is None else shares.get(word, 0.0) for word in known], dtype=float))
                names.append(column)
        stacked = np.stack(parts, axis=1) if parts else np.empty((len(table), 0))
        return stacked, names

    def _waves(self, table: pd.DataFrame) -> np.ndarray:
        """Return sines and cosines of the position in metres at each wavelength; 0 where the position is missing."""
        if self.columns.location is None:
            return np.empty((len(table), 0))
        latitude, longitude = _position(table, self.columns.location)
        origin = self.statistics["origin"]
        north = (latitude - origin[0]) * METRES_PER_DEGREE
        east = (longitude - origin[1]) * METRES_PER_DEGREE * np.cos(np.deg2rad(origin[0]))
        return waves_of(np.stack([metres / wave for wave in WAVELENGTHS for metres in (north, east)], axis=1))


def _position(table: pd.DataFrame, location: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
    return floats(table[location[0]]), floats(table[location[1]])
