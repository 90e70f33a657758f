"""What a model does not understand in a table of raw readings: reported, never dropped silently."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ntcir.corpora.numbers import Finding, read_numbers
from ntcir.encoders.categories import Vocabulary, words
from ntcir.encoders.floats import floats
from ntcir.encoders.presets import Columns
from ntcir.encoders.readings import ReadingsEncoder
from ntcir.system.errors import UserError, some


def understood(
    encoder: ReadingsEncoder,
    table: pd.DataFrame,
    counts: Sequence[int] | None = None,
    place: Callable[[int], str] = lambda row: "",
) -> tuple[pd.DataFrame, list[str]]:
    """Read the numbers of a table that was not made by the reader of the training corpus.

    Args:
        encoder: of the model that is to encode it.
        table: raw readings with the encoder's columns.
        counts: how many readings each row stands for; one where left out.
        place: names a row for the remarks, or is empty.

    Returns:
        the table with float64 columns of numbers, and a sentence for each kind of value that was read in a special way,
        is not a number, or is a category that training never showed.
    """
    weights = np.ones(len(table), dtype=np.int64) if counts is None else np.asarray(counts, dtype=np.int64)
    table, said = _with_numbers(encoder, table, weights, place)
    for column in encoder.columns.categorical:
        if unseen := _unseen(encoder.vocabulary(column), table[column], weights, place):
            said.append(f"{column}: {unseen}")
    return table, said


def silent_columns(encoder: ReadingsEncoder, table: pd.DataFrame) -> list[str]:
    """Return a warning for each column of numbers that the model has learnt from and that has no value in a table."""
    numbers = encoder.columns.numbers if len(table) else []
    # Of a column that was empty or constant in training the model has learnt nothing.
    idle = {
        column
        for column, deviation in zip(encoder.columns.numeric, encoder.statistics["deviation"], strict=False)
        if deviation == 0
    } - {*encoder.columns.cyclic, *(encoder.columns.location or ())}
    silent = [column for column in numbers if column not in idle and not np.isfinite(floats(table[column])).any()]
    return [f"WARNING: {column} has no readable value, but the model needs it." for column in silent]


def require_values(
    columns: Columns, training: pd.DataFrame, named: Sequence[str], root: Path, why: Mapping[str, str]
) -> None:
    """Check that the chosen columns have values in training.

    Args:
        columns: what is chosen.
        training: raw readings.
        named: the columns that must have some; the others may be empty, as a wide preset names more than there is.
        root: the corpus folder, for messages.
        why: column -> why it has no value though its cells are not empty; such a column is refused whoever chose it.

    Raises:
        UserError: naming the first column without values, and why it has none.
    """
    empty = _empty(columns, training)
    all_empty = len(empty) == len(columns.names)
    refused = empty if all_empty else [column for column in empty if column in named or column in why]
    if not refused:
        return
    first = refused[0]
    others = f" (nor have {some(refused[1:])})" if len(refused) > 1 else ""
    reason = why.get(first, f"all its {len(training):,} cells there are empty")
    them = "it" if len(refused) == 1 else "them"
    advice = f"correct the data, or leave {them} out with --set 'sensors.exclude=[{', '.join(refused)}]'"
    if all_empty:
        advice = "correct the data, or choose other columns in sensors.numeric and sensors.categorical"
    if not pd.api.types.is_numeric_dtype(training[first]) and training[first].notna().any():
        reason = f"it has no numbers but text such as {str(training[first].dropna().iloc[0])!r}"
        advice = "list it in sensors.categorical instead"
    raise UserError(
        f"The sensor column '{first}' has no value in the training split of {root}{others}: {reason}; {advice}."
    )


def idle_columns(encoder: ReadingsEncoder, training: pd.DataFrame) -> list[str]:
    """Return warnings about columns that tell a model nothing, empty and constant ones, and about text among numbers.

    Args:
        encoder: fitted to the training rows.
        training: raw readings.
    """
    _, said = _with_numbers(encoder, training, np.ones(len(training), dtype=np.int64), lambda row: "")
    empty = _empty(encoder.columns, training)
    constant = [column for column in encoder.names if column not in empty and _is_constant(encoder, training, column)]
    if empty:
        said.append(
            f"WARNING: these sensor columns have no value in training, so they carry no information: {some(empty, 30)}."
        )
    if constant:
        said.append(
            "WARNING: these sensor columns do not vary in training, so they carry no information: "
            f"{some(constant, 30)}."
        )
    return said


def _with_numbers(
    encoder: ReadingsEncoder, table: pd.DataFrame, weights: np.ndarray, place: Callable[[int], str]
) -> tuple[pd.DataFrame, list[str]]:
    """Return a table in which numbers that were text are numbers, and what is to be said of them."""
    table, said = table.copy(), []
    for column in encoder.columns.numbers:
        if not _is_float(table[column]):
            read = read_numbers(table[column], weights)
            said += [f"{column}: {remark}" for remark in read.remarks(place)]
            if column not in encoder.columns.categorical:  # which are read as they are written
                table[column] = read.values
    return table, said


def _is_float(column: pd.Series) -> bool:
    return column.dtype.kind in "fiu" and not np.isinf(column.to_numpy(dtype=np.float64)).any()


def _unseen(vocabulary: Vocabulary, column: pd.Series, weights: np.ndarray, place: Callable[[int], str]) -> str | None:
    """Return a sentence about the words of a column that training never showed, if there are any."""
    finding, filled = Finding(), 0
    for row, (word, count) in enumerate(zip(words(column), weights.tolist(), strict=True)):
        filled += count * (word is not None)
        if word is not None and vocabulary.spelled(word) not in vocabulary:
            finding.add(word, row, count)
    if not finding.count:
        return None
    verb = "was never seen in training and counts" if finding.count == 1 else "were never seen in training and count"
    return f"{finding.count:,} of {filled:,} values {verb} as unknown ({finding.first(place)})"


def _empty(columns: Columns, table: pd.DataFrame) -> list[str]:
    """Return the columns without any value."""

    def has_values(column: str) -> bool:
        if column in columns.categorical:
            return bool(table[column].notna().any())
        return bool(np.isfinite(floats(table[column])).any())

    return [column for column in columns.names if not has_values(column)]


def _is_constant(encoder: ReadingsEncoder, training: pd.DataFrame, column: str) -> bool:
    """Return whether a column with values says the same in all training rows."""
    if column in encoder.columns.numbers:
        values = floats(training[column])
        return bool(np.ptp(values[np.isfinite(values)]) == 0)
    said = words(training[column])
    if encoder.columns.categories == "embedding":
        return said.nunique(dropna=False) == 1
    shares = encoder.statistics["shares"][column]
    return len({0.0 if word is None else shares[word] for word in said}) == 1
