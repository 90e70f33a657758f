"""MATLAB's .mat files of version 5 (``save -v6`` and ``-v7``): matrices of numbers, and lists of texts.

The format is that of MathWorks' "MAT-File Format" (chapter 1). It is read here because files come with data from
elsewhere, and scipy ends the whole process at some damaged ones.
"""

from __future__ import annotations

import math
import mmap
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ntcir.system.regular import LARGEST_WEIGHTS, open_regular

_HEADER = 128  # bytes in front: a text, and at the end the version and the order of bytes
_ORDERS = {b"IM": "<", b"MI": ">"}
_MATRIX, _COMPRESSED = 14, 15  # types of elements
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_CLASSES = {1: "cell", 2: "struct", 3: "object", 4: "char", 5: "sparse"} | dict.fromkeys(range(6, 16), "numeric")
_COMPLEX = 0x0800
_PEEK = 1 << 12  # bytes in which a variable's class, size and name are found


class NotText(ValueError):
    """A cell holds something else than one text."""


class _Element(NamedTuple):
    kind: int
    data: memoryview
    end: int  # where the next one begins


@dataclass(frozen=True)
class Variable:
    """A variable of a .mat file, whose values are not read yet.

    Attributes:
        name: of the variable.
        kind: ``numeric``, ``complex``, ``sparse``, ``char``, ``cell``, ``struct``, ``object`` or ``unknown``.
        shape: rows, columns, ...
        size: bytes of it when unpacked.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    size: int
    _data: memoryview
    _order: str
    _packed: bool

    def numbers(self) -> np.ndarray:
        """Return a numeric variable's values.

        Raises:
            ValueError, struct.error, zlib.error: if the file is damaged.
        """
        content = self._content()
        return _values(_element(content, _head(content, self._order).end, self._order), self.shape, self._order)

    def texts(self) -> list[str]:
        """Return the rows of a matrix of characters, without the blanks behind them, or the texts of a cell array.

        Raises:
            NotText: if a cell is not one text.
            ValueError, struct.error, zlib.error: if the file is damaged.
        """
        content = self._content()
        at = _head(content, self._order).end
        if self.kind == "char":
            return _lines(_element(content, at, self._order), self.shape, self._order)
        found: list[str] = []
        for _ in range(math.prod(self.shape)):
            cell = _element(content, at, self._order)
            inner = _head(cell.data, self._order)
            if inner.kind != "char" or inner.shape[0] > 1:
                raise NotText(f"cell {len(found) + 1} is {inner.kind}, size {'x'.join(map(str, inner.shape))}")
            found += _lines(_element(cell.data, inner.end, self._order), inner.shape, self._order) or [""]
            at = cell.end
        return found

    def _content(self) -> memoryview:
        if not self._packed:
            return self._data
        return _element(memoryview(_unpacked(self._data, self.size + 8)), 0, self._order).data


class _Head(NamedTuple):
    kind: str
    shape: tuple[int, ...]
    name: str
    end: int


def read_variables(path: Path) -> dict[str, Variable]:
    """Return the variables of a .mat file by name; their values stay on the disk.

    Raises:
        OSError: if it cannot be read.
        ValueError, struct.error, zlib.error: if it is damaged, or of another version.
    """
    with open_regular(path, LARGEST_WEIGHTS) as file:
        view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    order = _ORDERS.get(bytes(view[_HEADER - 2 : _HEADER]))
    if order is None:
        raise ValueError("it has no byte order")
    found = (_variable(element, order) for element in _elements(view, _HEADER, order))
    return {variable.name: variable for variable in found if variable.name}


def _variable(element: _Element, order: str) -> Variable:
    packed = element.kind == _COMPRESSED
    data, size = element.data, len(element.data)
    if packed:
        start = memoryview(_unpacked(data, _PEEK))
        kind, size = struct.unpack_from(f"{order}II", start)
        data = start[8:]
    else:
        kind = element.kind
    if kind != _MATRIX:
        raise ValueError(f"an element of the type {kind} is not a variable")
    head = _head(data, order)
    return Variable(head.name, head.kind, head.shape, size, element.data, order, packed)


def _unpacked(data: memoryview, most: int) -> bytes:
    return zlib.decompressobj().decompress(data, most)


def _elements(view: memoryview, at: int, order: str) -> Iterator[_Element]:
    while at < len(view):
        element = _element(view, at, order)
        yield element
        at = element.end


def _element(view: memoryview, at: int, order: str) -> _Element:
    (tag,) = struct.unpack_from(f"{order}I", view, at)
    if size := tag >> 16:  # a small one: type, size and up to four bytes in eight
        if size > 4:
            raise ValueError("a small element is too large")
        return _Element(tag & 0xFFFF, _part(view, at + 4, size), at + 8)
    (size,) = struct.unpack_from(f"{order}I", view, at + 4)
    # All but packed ones end at a multiple of eight bytes.
    padding = 0 if tag == _COMPRESSED else -size % 8
    return _Element(tag, _part(view, at + 8, size), at + 8 + size + padding)


def _part(view: memoryview, start: int, size: int) -> memoryview:
    if start + size > len(view):
        raise ValueError("it is truncated")
    return view[start : start + size]


def _head(content: memoryview, order: str) -> _Head:
    """Return what a matrix says of itself in front of its values."""
    flags = _element(content, 0, order)
    (word,) = struct.unpack_from(f"{order}I", flags.data)
    kind = _CLASSES.get(word & 0xFF, "unknown")
    if kind == "unknown":  # such as a function, which has no size
        return _Head(kind, (), "", flags.end)
    if kind == "numeric" and word & _COMPLEX:
        kind = "complex"
    sizes = _element(content, flags.end, order)
    shape = tuple(np.frombuffer(sizes.data, f"{order}i4").tolist())
    if len(shape) < 2 or min(shape) < 0:
        raise ValueError(f"a variable has the size {shape}")
    name = _element(content, sizes.end, order)
    return _Head(kind, shape, bytes(name.data).decode("utf-8"), name.end)


def _values(element: _Element, shape: tuple[int, ...], order: str) -> np.ndarray:
    if element.kind not in _NUMBERS:
        raise ValueError(f"values of the type {element.kind} are not numbers")
    return np.frombuffer(element.data, order + _NUMBERS[element.kind]).reshape(shape, order="F")


def _lines(element: _Element, shape: tuple[int, ...], order: str) -> list[str]:
    encoding = _TEXTS.get(element.kind)
    if encoding is None:
        raise ValueError(f"values of the type {element.kind} are not characters")
    wide = encoding in {"utf-16", "utf-32"}
    text = bytes(element.data).decode(encoding + ("-le" if order == "<" else "-be") * wide)
    if shape[0] == 1:
        return [text]
    letters = np.array(list(text), dtype=object).reshape(shape, order="F")
    return ["".join(line).rstrip() for line in letters.tolist()]
