"""One shard of a store: rows, and an index that says whose they are and, by a digest, whether they are as written.

A copy of a store may be damaged in any way; whatever does not fit is ``Damaged``, and the shard does not count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from ntcir.system.errors import shown
from ntcir.system.files import atomic_path, atomic_write
from ntcir.system.plain_json import parse_object
from ntcir.system.regular import LARGEST_WEIGHTS, open_regular, read_regular

# Keys of an index: the digest of the rows, and that of all else in the index.
ROWS_DIGEST, INDEX_DIGEST = "rows_sha256", "sha256"


class Damaged(ValueError):
    """Why a shard does not count; the message is a phrase without a full stop."""


@dataclass(frozen=True)
class Contents:
    """What a shard holds.

    Attributes:
        ids: of its items, each once.
        signatures: of their files.
        lengths: rows of each.
        failed: id, signature and reason of items that could not be decoded.
        digest: SHA-256 (hex) of the rows' bytes; None where it was written before there was one.
        lists_failures: whether it says what failed; older ones left that to ``failed.csv``.
    """

    ids: list[str]
    signatures: list[str]
    lengths: list[int]
    failed: list[tuple[str, str, str]]
    digest: str | None
    lists_failures: bool


def is_index(name: str) -> bool:
    """Return whether a file's name is that of a shard's index."""
    return name.startswith("shard-") and name.endswith(".json")


def read_index(path: Path, width: int) -> Contents:
    """Read the index of a shard and look whether the rows beside it are as many as it says.

    Args:
        path: of the index.
        width: columns of a row.

    Raises:
        Damaged: if one of the two is not there, cannot be read, or does not fit.
    """
    try:
        index = as_index(parse_object(read_regular(path)))
        open_rows(path.with_suffix(".npy"), sum(index.lengths), width)
    except Damaged:
        raise
    except OSError as error:
        raise Damaged(_why(error)) from error
    except ValueError as error:
        raise Damaged("its index is not JSON") from error
    return index


def as_index(tree: Mapping[str, Any]) -> Contents:
    """Check the tree of an index.

    Raises:
        Damaged: if something in it is missing, not of its kind, or not as long as the rest.
    """
    ids, signatures, failed = tree.get("ids"), tree.get("signatures"), tree.get("failed", [])
    if not _is_texts(ids) or not _is_texts(signatures):
        raise Damaged("its ids or signatures are not lists of texts")
    lengths = tree.get("rows", [1] * len(ids))
    if not isinstance(lengths, list) or not all(type(each) is int and each >= 0 for each in lengths):
        raise Damaged("its numbers of rows are not whole numbers")
    if not len(ids) == len(signatures) == len(lengths):
        raise Damaged("its lists are not of one length")
    if len(set(ids)) < len(ids):
        raise Damaged("its ids are not distinct")
    if not isinstance(failed, list) or not all(_is_texts(each) and len(each) == 3 for each in failed):
        raise Damaged("its list of failures is not one")
    if INDEX_DIGEST in tree and tree[INDEX_DIGEST] != _digest_of_index(tree):
        raise Damaged("its index was changed after it was written: the digest is another")
    digest = tree.get(ROWS_DIGEST)
    if digest is not None and not isinstance(digest, str):
        raise Damaged(f"its digest is {shown(digest)}")
    return Contents(ids, signatures, lengths, [(i, s, why) for i, s, why in failed], digest, "failed" in tree)


def open_rows(path: Path, number: int, width: int) -> np.ndarray:
    """Map a shard's rows into memory, float32 [number, width].

    Raises:
        OSError: if the file cannot be read.
        Damaged: if it is not such an array and nothing else.
    """
    open_regular(path, LARGEST_WEIGHTS).close()
    try:
        rows = np.load(path, mmap_mode="r")
    except OSError:
        raise
    except Exception as error:  # numpy raises nearly anything on an invalid header
        raise Damaged("its rows are not a NumPy array") from error
    if not isinstance(rows, np.memmap) or rows.dtype != np.dtype("<f4") or rows.shape != (number, width):
        raise Damaged(f"its rows are not {number} x {width} numbers of single precision")
    if not rows.flags.c_contiguous or path.stat().st_size != rows.offset + rows.nbytes:
        raise Damaged("its rows are not as long as they should be")
    return rows


def check_rows(path: Path, number: int, width: int, digest: str | None) -> None:
    """Read a shard's rows and check them against the digest of its index.

    Raises:
        Damaged: if they are others, or cannot be read.
    """
    try:
        rows = open_rows(path, number, width)
    except OSError as error:
        raise Damaged(_why(error)) from error
    if digest is not None and digest_of(rows) != digest:
        raise Damaged("its rows were changed after they were written: the digest is another")


def write_shard(path: Path, rows: np.ndarray, index: Mapping[str, Any]) -> Contents:
    """Write rows, float32 [rows, width], to ``path`` (``.npy``), and then the index without which they do not count.

    Raises:
        UserError: if there is no room.
    """
    tree = {**index, ROWS_DIGEST: digest_of(rows)}
    tree[INDEX_DIGEST] = _digest_of_index(tree)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, rows)
    try:
        atomic_write(path.with_suffix(".json"), json.dumps(tree))
    except BaseException:
        if not path.with_suffix(".json").exists():  # without its index it would only take room
            path.unlink(missing_ok=True)
        raise
    return as_index(tree)


def digest_of(rows: np.ndarray) -> str:
    """Return the SHA-256 (hex) of the bytes of rows that lie in one piece."""
    return hashlib.sha256(memoryview(rows.reshape(-1).view(np.uint8).data)).hexdigest()


def _digest_of_index(tree: Mapping[str, Any]) -> str:
    counted = {key: value for key, value in tree.items() if key != INDEX_DIGEST}
    return hashlib.sha256(json.dumps(counted).encode()).hexdigest()


def _is_texts(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(type(each) is str for each in value)


def _why(error: OSError) -> str:
    what = "its rows cannot" if str(error.filename).endswith(".npy") else "its index cannot"
    return f"{what} be read: {(error.strerror or str(error)).lower()}"
