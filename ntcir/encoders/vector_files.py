"""Vectors that somebody else computed, in files that came with the data: read, and checked before they are used."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ntcir.corpora.stacked_arrays import StackedArrays
from ntcir.encoders.vector_arrays import NotVectors, read_mat, read_npy, read_npz, read_stacked
from ntcir.encoders.vector_tables import read_parquet
from ntcir.encoders.vector_texts import ENDINGS, files_in, parts_of, read_side_by_side, read_text
from ntcir.system.errors import UserError, short
from ntcir.system.first_bytes import kind_of_bytes
from ntcir.system.progress import progress
from ntcir.system.regular import LARGEST_WEIGHTS, open_regular, sha256_of

_BLOCK = 1 << 22  # numbers that are checked at once
_LONG = 1 << 28  # numbers whose check is worth a progress bar
_HEAD = 16  # bytes by which the format is told; a file's name does not matter
_MOST_COLUMNS = 1 << 16
_HDF5 = (b"MATLAB 7.3", b"\x89HDF\r\n")

Read = tuple[np.ndarray, Sequence[str] | None]


@dataclass(frozen=True)
class VectorFile:
    """A file of vectors.

    Attributes:
        path: of the file, or of the folder.
        matrix: [rows, columns], real numbers of any type; a memory map where the file is an .npy.
        ids: of the rows, as the file has them; None where row i belongs to item i of the corpus's table.
        parts: the files that it was put together from, where these are several.
    """

    path: Path
    matrix: np.ndarray
    ids: Sequence[str] | None
    parts: Sequence[Path] = ()

    def fingerprint(self) -> str:
        """Return the SHA-256 of the file, as ``sha256sum`` prints it; of several files, that of their SHA-256.

        Raises:
            UserError: if one cannot be read any more.
        """
        if not self.parts:
            return _sha256(self.path)
        return hashlib.sha256("".join(f"{_sha256(part)}\n" for part in self.parts).encode()).hexdigest()

    def rows(self, numbers: np.ndarray) -> np.ndarray:
        """Return copies of rows, float32 [len(numbers), columns]; only these are read from a memory map."""
        with np.errstate(over="ignore"):  # told by `check_numbers`
            return np.asarray(self.matrix[numbers]).astype(np.float32)

    def check_numbers(self, names: Sequence[str]) -> None:
        """Check that all numbers are finite in single precision, a block of rows at a time.

        Args:
            names: of the rows' items, for the message.

        Raises:
            UserError: naming the first row and column that has none.
        """
        count, columns = self.matrix.shape
        step = max(1, _BLOCK // columns)
        if count * columns < _LONG:
            self._check(names, step, lambda rows: None)
            return
        with progress(f"Checking {self.path.name}", count) as advance:
            self._check(names, step, advance)

    def _check(self, names: Sequence[str], step: int, advance: Callable[[float], None]) -> None:
        for start in range(0, len(self.matrix), step):
            block = np.asarray(self.matrix[start : start + step])
            with np.errstate(over="ignore"):
                wrong = ~np.isfinite(block.astype(np.float32))
            if wrong.any():
                row, column = (int(at) for at in np.argwhere(wrong)[0])
                value = float(block[row, column])
                why = "too large for single precision" if np.isfinite(value) else "not a finite number"
                raise UserError(
                    f"{self.path}: row {start + row + 1} ({short(str(names[start + row]))}), column {column + 1} is "
                    f"{value!r}, which is {why}: correct it, or leave the row out in a file with ids."
                )
            advance(len(block))


def read_vectors(source: Path | StackedArrays, modality: str, id_columns: Sequence[str]) -> VectorFile:
    """Read a file of vectors: .npy, .npz, .mat (version 5) or .parquet, told apart by content; or text, by its ending.

    Args:
        source: the path of the file; an .npy is mapped into memory and not read. One with ``Train`` or ``Test`` in its
            name is read with the other one. Of a folder, all ``.dat`` files are read, side by side. Or arrays of an
            .mat, as a corpus names those that came with it.
        modality: names the array, where a file has several and none is called ``vectors``.
        id_columns: what the column of ids may be called in a table.

    Raises:
        UserError: if it is not such a file, damaged, empty, or not one matrix of real numbers.
    """
    path = source.path if isinstance(source, StackedArrays) else source
    try:
        folder = path.is_dir()
        head = b"" if folder else _head(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        files = files_in(path) if folder else [parts_of(path)] if _is_text(path, head) else []
        parts = [part for each in files for part in each]
        ids: Sequence[str] | None = None
        if isinstance(source, StackedArrays):
            _refuse_hdf5(head)
            matrix, parts = read_stacked(source), []
        elif folder or len(parts) > 1:
            matrix = read_side_by_side(files)
        else:
            parts = []
            matrix, ids = _read(path, head, modality, id_columns)
        _check_shape(matrix, ids)
    except (NotVectors, MemoryError) as error:
        reason = str(error) if isinstance(error, NotVectors) else "it needs more memory than there is"
        raise UserError(f"The vectors in {path} cannot be used: {reason}.") from error
    except OSError as error:
        raise _unreadable(path, error) from error
    return VectorFile(path, matrix, ids, parts)


def _head(path: Path) -> bytes:
    with open_regular(path, LARGEST_WEIGHTS) as file:
        return file.read(_HEAD)


def _read(path: Path, head: bytes, modality: str, id_columns: Sequence[str]) -> Read:
    if not head:
        raise NotVectors("the file is empty")
    readers: Mapping[bytes, Callable[[], Read]] = {
        b"\x93NUMPY": lambda: (read_npy(path), None),
        b"PK\x03\x04": lambda: read_npz(path, modality),
        b"PK\x05\x06": lambda: read_npz(path, modality),  # without members
        b"MATLAB": lambda: read_mat(path, modality),
        b"PAR1": lambda: read_parquet(path, id_columns),
    }
    _refuse_hdf5(head)
    for magic, read in readers.items():
        if head.startswith(magic):
            return read()
    if path.suffix.lower() == ".mat":  # which need not begin in any way
        return read_mat(path, modality)
    if _is_text(path, head):
        return read_text(path)
    what = kind_of_bytes(head) or ("a Python pickle, which may run code" if head[:1] == b"\x80" else None)
    raise NotVectors(
        f"it is not an .npy, .npz, .mat or .parquet file{f' but {what}' * bool(what)}: save it with numpy.save"
    )


def _is_text(path: Path, head: bytes) -> bool:
    """Return whether a file is read as text: one of such a name that does not begin like something else."""
    return bool(head) and path.suffix.lower() in ENDINGS and b"\0" not in head and kind_of_bytes(head) is None


def _sha256(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _refuse_hdf5(head: bytes) -> None:
    if head.startswith(_HDF5):
        raise NotVectors("it is HDF5, as MATLAB 7.3 writes: save it with -v7 (save FILE NAME -v7), or with numpy.save")


def _check_shape(matrix: np.ndarray, ids: Sequence[str] | None) -> None:
    if matrix.dtype.kind not in "biuf":
        raise NotVectors(f"they are of the type {matrix.dtype}, not real numbers")
    if matrix.ndim != 2:
        raise NotVectors(f"the array has {matrix.ndim} dimensions, not two: a row for each item")
    if 0 in matrix.shape:
        raise NotVectors(f"the array is empty ({matrix.shape[0]:,} rows, {matrix.shape[1]:,} columns)")
    if matrix.shape[1] > _MOST_COLUMNS:
        raise NotVectors(f"a row has {matrix.shape[1]:,} columns; at most {_MOST_COLUMNS:,} are read")
    if ids is not None and len(ids) != len(matrix):
        raise NotVectors(f"there are {len(ids):,} ids for {len(matrix):,} rows")


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(f"Cannot read the vectors {path}: {(error.strerror or str(error)).lower()}.")
