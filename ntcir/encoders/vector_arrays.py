"""Vectors in files of named arrays: numpy's .npy and .npz, and MATLAB's .mat."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ntcir.corpora.stacked_arrays import Part, StackedArrays
from ntcir.encoders.mat_files import NotText, Variable, read_variables
from ntcir.system.errors import counted, short, some
from ntcir.system.regular import LARGEST

VECTORS, IDS = "vectors", "ids"
_MOST_PACKED = 100  # times its size that a large file may have unpacked: floats are hardly packed at all


class NotVectors(ValueError):
    """Why a file's content cannot be used as vectors: a phrase without a full stop."""


class _Header(NamedTuple):
    shape: tuple[int, ...]
    kind: str


def read_npy(path: Path) -> np.ndarray:
    """Map the array of an .npy file into memory.

    Raises:
        OSError: if it cannot be read.
        NotVectors: if it is damaged, or holds Python objects.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # numpy raises nearly anything on an invalid header
        if "object" in str(error).lower():
            raise NotVectors(_objects("it")) from error
        raise NotVectors("the .npy file is truncated or damaged: copy it again") from error
    if not isinstance(array, np.memmap):
        raise NotVectors("the .npy file is damaged: copy it again")
    if array.size and path.stat().st_size != array.offset + array.nbytes:
        raise NotVectors("the .npy file has data after its array: save it alone with numpy.save")
    return array


def read_npz(path: Path, modality: str) -> tuple[np.ndarray, Sequence[str] | None]:
    """Read the vectors of an .npz file, and their ids where it has an array ``ids``.

    Raises:
        OSError: if it cannot be read.
        NotVectors: if it is damaged, or nobody can tell which array is meant.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            members = {info.filename: info for info in file.zip.infolist() if info.filename.endswith(".npy")}
            headers = {each.removesuffix(".npy"): _header(file.zip, each) for each in members}
            name = _chosen(headers, modality)
            for each in (name, IDS) if IDS in headers else (name,):
                if headers[each].kind == "O":
                    raise NotVectors(_objects(f"the array {short(each)}"))
                check_unpacked(path, members[f"{each}.npy"].file_size)
            return file[name], _texts(file[IDS]) if IDS in headers else None
    except (OSError, NotVectors, MemoryError):
        raise
    except Exception as error:  # of zipfile, zlib and numpy
        raise NotVectors("the .npz file is truncated or damaged: copy it again") from error


def read_mat(path: Path, modality: str) -> tuple[np.ndarray, Sequence[str] | None]:
    """Read the vectors of a MATLAB file of version 5, and their ids where it has a variable ``ids`` of texts.

    Raises:
        OSError: if it cannot be read.
        NotVectors: if it is damaged, or nobody can tell which variable is meant.
    """
    with _mat_faults():
        variables = read_variables(path)
        kinds = {"numeric": "f", "complex": "c"}
        headers = {name: _Header(each.shape, kinds.get(each.kind, each.kind)) for name, each in variables.items()}
        name = _chosen(headers, modality)
        matrix = _matrix(path, variables, name)
        if IDS not in variables:
            return matrix, None
        check_unpacked(path, variables[IDS].size)
        return matrix, _cells(variables[IDS])


def read_stacked(stacked: StackedArrays) -> np.ndarray:
    """Read the rows of a MATLAB file's variables, of version 5, that belong to the items of a corpus.

    Returns:
        [items, columns], row i of item i.

    Raises:
        OSError: if it cannot be read.
        NotVectors: if it is damaged, lacks a variable, or a variable has not as many rows as its list has lines.
    """
    with _mat_faults():
        variables = read_variables(stacked.path)
        found = []
        for part in stacked.parts:
            if part.array not in variables:
                has = f"it has {some(map(short, variables))}" if variables else "it has no variable"
                raise NotVectors(f"there is no variable {part.array} ({has})")
            found.append(_rows_of(part, _matrix(stacked.path, variables, part.array)))
        widths = {matrix.shape[1] for matrix in found}
        if len(widths) > 1:
            told = " and ".join(
                f"{part.array} has {matrix.shape[1]:,}" for part, matrix in zip(stacked.parts, found, strict=True)
            )
            raise NotVectors(f"the variables have different numbers of columns: {told}")
        return np.concatenate(found)


def _rows_of(part: Part, matrix: np.ndarray) -> np.ndarray:
    if len(matrix) != part.lines:
        rows = counted(len(matrix), "row", "rows")
        raise NotVectors(
            f"{part.array} has {rows}, but {part.listed} has {counted(part.lines, 'line', 'lines')}: copy both from "
            "the same release"
        )
    kept: np.ndarray = matrix[part.kept]
    return kept


def _matrix(path: Path, variables: Mapping[str, Variable], name: str) -> np.ndarray:
    """Return the values of a variable that is to be a matrix of real numbers."""
    if variables[name].kind != "numeric":
        raise NotVectors(f"the variable {short(name)} is {variables[name].kind}, not a matrix of real numbers")
    check_unpacked(path, variables[name].size)
    return variables[name].numbers()


@contextmanager
def _mat_faults() -> Iterator[None]:
    """Tell what a fault in a MATLAB file means.

    Raises:
        NotVectors: for whatever else a damaged file raises.
    """
    try:
        yield
    except NotVectors:
        raise
    except (ValueError, struct.error, zlib.error) as error:
        raise NotVectors(
            "the .mat file is truncated, damaged or older than version 5: copy it again, or save it with -v7"
        ) from error


def check_unpacked(path: Path, size: int) -> None:
    """Refuse what would fill the memory from a small file.

    Args:
        path: of the file.
        size: bytes when it is unpacked.

    Raises:
        NotVectors: if they are out of all proportion.
    """
    if size > LARGEST and size > _MOST_PACKED * path.stat().st_size:
        raise NotVectors(
            f"uncompressed it would have {size / 2**30:,.0f} GB, more than {_MOST_PACKED} times the file: save it "
            "with numpy.save, which does not compress"
        )


def _header(archive: zipfile.ZipFile, name: str) -> _Header:
    """Return shape and kind of a member of an .npz file, without reading it."""
    with archive.open(name) as file:
        version = np.lib.format.read_magic(file)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = reader(file)
    return _Header(shape, dtype.kind)


def _chosen(headers: Mapping[str, _Header], modality: str) -> str:
    """Return the array that is meant: ``vectors``, the one named by the modality, or the only matrix of numbers.

    Raises:
        NotVectors: if there is none, or one of several.
    """
    for name in (VECTORS, modality):
        if name in headers:
            return name
    arrays = [name for name in headers if name != IDS]
    matrices = [name for name in arrays if len(headers[name].shape) == 2 and headers[name].kind in "biuf"]
    if len(matrices) == 1:
        return matrices[0]
    if len(arrays) == 1 and headers[arrays[0]].kind != "sparse":
        return arrays[0]  # whose faults are told where it is checked
    has = f"it has {some(map(short, arrays))}" if arrays else "it has no array"
    if not matrices:
        sparse = [name for name in arrays if headers[name].kind == "sparse"]
        hint = f": {short(sparse[0])} is sparse, save full({short(sparse[0])})" if sparse else ""
        raise NotVectors(f"there is no two-dimensional array of real numbers ({has}){hint}")
    raise NotVectors(
        f"there are {len(matrices)} arrays ({has}): name the one that is meant '{VECTORS}' or '{modality}'"
    )


def _texts(ids: np.ndarray) -> list[str]:
    """Return the array ``ids`` as texts.

    Raises:
        NotVectors: if it is not one of texts.
    """
    if ids.ndim != 1 or ids.dtype.kind not in "US":
        raise NotVectors(
            f"its ids are an array of the type {ids.dtype} with {ids.ndim} dimensions, not a list of texts: save "
            "numpy.array(ids, dtype=str), each id as the corpus writes it"
        )
    if ids.dtype.kind == "S":
        try:
            return [each.decode("utf-8") for each in ids.tolist()]
        except UnicodeDecodeError as error:
            raise NotVectors("its ids are not UTF-8 text") from error
    return [str(each) for each in ids.tolist()]


def _cells(ids: Variable) -> list[str]:
    """Return MATLAB's ``ids``, a cell array of texts or a matrix of characters, as texts.

    Raises:
        NotVectors: if they are neither.
    """
    advice = "save a cell array of texts, each id as the corpus writes it"
    if ids.kind not in {"cell", "char"}:
        raise NotVectors(f"its ids are {ids.kind}, not texts: {advice}")
    try:
        return ids.texts()
    except NotText as error:
        raise NotVectors(f"its ids are not all texts ({error}): {advice}") from error


def _objects(what: str) -> str:
    return f"{what} holds Python objects, which may run code when they are read: save an array of numbers"
