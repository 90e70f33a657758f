"""The metrics log of a training while it is under way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ntcir.model.metrics import read_metrics
from ntcir.system.files import atomic_write


class MetricsLog:
    """Keeps a row a step, and writes them.

    Args:
        path: where the log is, or will be.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: list[dict[str, Any]] = []

    def resume(self, step: int) -> None:
        """Take over the log that is there, cut back to what was known after ``step`` steps.

        Raises:
            UserError: if it cannot be read, or is not a log.
        """
        self._rows = [row for row in read_metrics(self._path) if row["step"] <= step]

    def add(self, row: dict[str, Any]) -> None:
        """Append the row of a step; it has ``step`` and ``loss``."""
        self._rows.append(row)

    @property
    def rows(self) -> Sequence[dict[str, Any]]:
        """All rows so far."""
        return self._rows

    def at(self, step: int) -> dict[str, Any]:
        """Return the row of a step; an empty one where there is none."""
        return next((row for row in self._rows if row["step"] == step), {})

    def save(self) -> None:
        """Write all rows, all of them or none."""
        atomic_write(self._path, "".join(json.dumps(row) + "\n" for row in self._rows))
