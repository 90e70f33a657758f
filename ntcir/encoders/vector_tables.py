"""Vectors in Parquet tables: a column of ids, and the numbers in one column of lists or in a column each."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ntcir.encoders.vector_arrays import NotVectors, check_unpacked
from ntcir.system.errors import UserError, short, some

if TYPE_CHECKING:
    import polars as pl

# What pandas calls the column of an index without a name.
_NAMELESS_INDEX = "__index_level_0__"


def read_parquet(path: Path, id_columns: Sequence[str]) -> tuple[np.ndarray, Sequence[str] | None]:
    """Read the vectors of a Parquet file, and their ids where it has a column of them.

    Args:
        path: of the file.
        id_columns: what the column of ids may be called; the first that is there is taken.

    Raises:
        NotVectors: if it is damaged, or has another kind of columns.
        UserError: if polars is not installed.
    """
    try:
        import polars as pl
    except ImportError as error:
        raise UserError(f"Reading {path} needs polars: pip install 'ntcir[parquet]'.") from error
    try:
        # Nothing in a file's name is a pattern or a column.
        with _silent():
            scan = pl.scan_parquet(str(path.absolute()), glob=False, hive_partitioning=False)
            rows = int(scan.select(pl.len()).collect().item())
            check_unpacked(path, 8 * rows * len(scan.collect_schema()))
            table = scan.collect()
    except (OSError, NotVectors, MemoryError):
        raise
    except (Exception, pl.exceptions.PanicException) as error:  # polars panics at some damaged files
        raise NotVectors("the Parquet file is truncated or damaged: copy it again") from error
    found = next((name for name in (*id_columns, _NAMELESS_INDEX) if name in table.columns), None)
    numbers = table.drop(found) if found else table
    return _matrix(numbers, id_columns), _ids(table[found]) if found else None


@contextmanager
def _silent() -> Iterator[None]:
    """Keep polars from writing a trace of its own to standard error before it raises what is told here."""
    if sys.stderr is not None:
        sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _ids(column: pl.Series) -> list[str]:
    import polars as pl

    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if column.dtype != pl.String:
        raise NotVectors(f"its ids ({short(column.name)}) are {column.dtype}, not text, as the corpus writes them")
    if column.null_count():
        row = column.is_null().arg_max()
        raise NotVectors(f"row {(row or 0) + 1} has no id in the column {short(column.name)}")
    return [str(each) for each in column.to_list()]


def _matrix(table: pl.DataFrame, id_columns: Sequence[str]) -> np.ndarray:
    """Return the numbers of a table, [rows, columns]; NaN where there is none."""
    import polars as pl

    lists = [name for name, dtype in table.schema.items() if dtype in (pl.List, pl.Array)]
    if lists:
        if table.width > 1:
            raise NotVectors(
                f"the column {short(lists[0])} has lists, and there are others ({some(table.columns)}): keep the ids "
                "and one column of lists"
            )
        return _unlisted(table[lists[0]])
    for name, dtype in table.schema.items():
        if not (dtype.is_numeric() or dtype == pl.Boolean):
            raise NotVectors(
                f"the column {short(name)} is {dtype}, not numbers: remove it or, if it has the ids, call it "
                f"'{id_columns[0]}'"
            )
    if not table.width:
        raise NotVectors("it has no columns of numbers")
    # Decimals and integers beside each other have no type of numpy's in common.
    types = set(table.dtypes)
    return (table if types <= {pl.Float32} else table.cast(pl.Float64)).to_numpy()


def _unlisted(column: pl.Series) -> np.ndarray:
    """Return a column of lists of one length, [rows, numbers]."""
    import polars as pl

    if isinstance(column.dtype, pl.Array):
        column = column.arr.to_list()
    inner = column.dtype.inner  # type: ignore[attr-defined]
    if not (inner.is_numeric() or inner == pl.Boolean):
        raise NotVectors(f"the column {short(column.name)} is {column.dtype}, not lists of numbers")
    lengths = column.list.len().fill_null(0).to_numpy()
    if len(set(lengths.tolist())) > 1:
        row = int(np.argmax(lengths != lengths[0]))
        raise NotVectors(f"row {row + 1} has {lengths[row]:,} numbers, and row 1 has {lengths[0]:,}")
    if not len(lengths) or not lengths[0]:
        return np.empty((len(lengths), 0), dtype=np.float32)
    flat = column.explode()
    return (flat if inner == pl.Float32 else flat.cast(pl.Float64)).to_numpy().reshape(len(lengths), -1)
