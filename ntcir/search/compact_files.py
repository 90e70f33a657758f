"""The files of compact vectors (``ntcir.search.compact``): what is known of them, and how they are written."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
import torch

from ntcir.search.rounding import norms
from ntcir.system.errors import UserError
from ntcir.system.files import atomic_path, atomic_write, disk_errors
from ntcir.system.plain_json import is_finite_number

SINGLE_FILE, HALF_FILE, FACTS_FILE = "vectors.f32", "vectors.bf16", "vectors.json"
VERSION = 1


class Facts(NamedTuple):
    """What ``vectors.json`` says: how many, how wide, the greatest length, and the most that rounding moved one."""

    documents: int
    dim: int
    length: float
    moved: float


class CompactWriter:
    """Writes vectors of documents, a block after the other; as a context it is closed, or given up after an error.

    Files of that folder are replaced only in the end, and ``vectors.json`` last: without it nothing counts.

    Args:
        folder: made if it is not there.
        dim: columns of a vector.

    Raises:
        UserError: if nothing can be written there.
    """

    def __init__(self, folder: Path, dim: int) -> None:
        self._folder, self._dim = folder, dim
        self._documents, self._length, self._moved = 0, 0.0, 0.0
        self._stack = ExitStack()
        with ExitStack() as entered:
            self._files = [
                entered.enter_context(entered.enter_context(atomic_path(folder / name)).open("wb"))
                for name in (SINGLE_FILE, HALF_FILE)
            ]
            self._stack = entered.pop_all()

    def add(self, block: np.ndarray) -> None:
        """Append vectors, float32 [b, dim].

        Raises:
            ValueError: if they have another number of columns.
            UserError: if one is not finite, or there is no room.
        """
        if block.ndim != 2 or block.shape[1] != self._dim:
            raise ValueError(f"vectors of shape {block.shape} do not fit {self._dim} columns")
        if not len(block):
            return
        rows = torch.from_numpy(np.ascontiguousarray(block, dtype=np.float32))
        half = rows.bfloat16()
        moved = norms(half.float() - rows)
        if not np.isfinite(moved).all():
            row = self._documents + int(np.argmin(np.isfinite(moved)))
            raise UserError(f"The vector of the document in row {row:,} is not finite: train the model again.")
        self._length = max(self._length, float(norms(rows).max()))
        self._moved = max(self._moved, float(moved.max()))
        self._documents += len(block)
        with disk_errors(self._folder):
            self._files[0].write(rows.numpy().astype("<f4", copy=False).data)
            self._files[1].write(half.view(torch.int16).numpy().astype("<i2", copy=False).data)

    def close(self) -> None:
        """Put the files in their places.

        Raises:
            UserError: if there is no room.
        """
        facts = Facts(self._documents, self._dim, self._length, self._moved)
        with disk_errors(self._folder):
            (self._folder / FACTS_FILE).unlink(missing_ok=True)  # it is not of the files that come
            self._stack.close()
        atomic_write(self._folder / FACTS_FILE, json.dumps({"version": VERSION, **facts._asdict()}) + "\n")

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Close it; after an error nothing is replaced."""
        if error is None:
            self.close()
        else:
            self._stack.__exit__(kind, error, where)


def facts_of(tree: dict[str, Any]) -> Facts:
    """Return what ``vectors.json`` says.

    Raises:
        ValueError: if that is not valid.
    """
    if tree.get("version") != VERSION:
        raise ValueError(f"{FACTS_FILE} is of version {tree.get('version')!r}, and version {VERSION} is read")
    found = Facts(*(tree.get(name) for name in Facts._fields))  # type: ignore[arg-type]
    counts = (found.documents, found.dim)
    if any(type(each) is not int or each < 0 for each in counts) or not found.dim:
        raise ValueError(f"{FACTS_FILE} does not say how many vectors there are")
    if not all(is_finite_number(each) and each >= 0 for each in (found.length, found.moved)):
        raise ValueError(f"{FACTS_FILE} does not say how long they are")
    return found


def damaged(folder: Path, reason: str) -> UserError:
    """Return the sentence about files that cannot be used."""
    return UserError(f"The vectors in {folder} cannot be read ({reason}): remove that folder, and they are made again.")
