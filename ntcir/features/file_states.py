"""Photographs as files: where they are, in which state, and what is said of those that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ntcir.features.store import signature
from ntcir.system.errors import UserError
from ntcir.system.progress import say


class FileStates:
    """The paths of a corpus's photographs and the states of their files, which are looked at once each.

    Args:
        images: the photographs; has ``path``, indexed by id.

    Attributes:
        signatures: id -> the state of its file, as far as it was looked at.
    """

    def __init__(self, images: pd.DataFrame) -> None:
        self.images = images
        self.signatures: dict[str, str] = {}

    def look(self, ids: Sequence[str]) -> dict[str, str]:
        """Note the states of the files of ``ids``, and return their paths."""
        paths = dict(zip(ids, self.images["path"].reindex(list(ids)), strict=True))
        for item, path in paths.items():
            if item not in self.signatures:
                self.signatures[item] = signature(path)
        return paths

    def of(self, ids: Sequence[str]) -> list[str]:
        """Return the states of the files of ``ids``."""
        self.look(ids)
        return [self.signatures[item] for item in ids]


def require_some(ids: Sequence[str], present: np.ndarray, path: str, reason: str) -> None:
    """Check that not all of some photographs are unreadable.

    Args:
        ids: of the photographs.
        present: bool [len(ids)], which could be read, or were before.
        path: of the first.
        reason: why the first could not be read.

    Raises:
        UserError: if there are some, and none could be read.
    """
    if len(ids) and not present.any():
        raise UserError(f"None of the {len(ids)} photographs can be read; the first, {path}: {reason}.")


def tell_unreadable(present: np.ndarray, listed: Path, passing: Mapping[str, str]) -> None:
    """Say how many photographs could not be read.

    Args:
        present: bool [photographs], which could.
        listed: the file that lists the others.
        passing: id -> why it could not be read this time, of those that are tried again the next.
    """
    if not present.all():
        say(f"{(~present).sum()} unreadable photographs are left out; they are listed in {listed}")
    if passing:
        item, why = next(iter(passing.items()))
        say(f"{len(passing)} of them could not be read this time and will be tried again next time: {item}: {why}")
