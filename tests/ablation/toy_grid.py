"""A small grid on a corpus of pictures, which the tests of ablations change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

SESSION = 14
GRID: dict[str, Any] = {
    "base": "data/ntcir.yaml",
    "changes": {"training.validate_every": 5},
    "iterations": [5, 10],
    "methods": {"plain": {}, "+ hot": {"training.temperature": 0.5}},
    "weights": {"tiny": None},
    "seeds": 2,
    "folds": {
        "first lap": {"data.split": {"by": "session", "test": ["s1"], "val": ["s2"]}},
        "third": {"data.split": {"by": "session", "test": ["s3"], "val": ["s4"]}},
    },
    "topics": {"pool": SESSION, "per_day": 6},
}


def write_grid(path: Path, **changes: Any) -> Path:
    """Write the grid with other values; its base is that of the corpus beside it, else in the current folder."""
    base = {} if (path.parent / "data").is_dir() else {"base": str(Path("data/ntcir.yaml").absolute())}
    path.write_text(yaml.safe_dump({**GRID, **base, **changes}, sort_keys=False), encoding="utf-8")
    return path
