"""Where the photographs of a lifelog lie: a folder a day, under one of the layouts that exports have."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np

# A day YYYYMMDD -> its folder. The first is that of the export; the others are those of copies seen elsewhere.
LAYOUTS: dict[str, Callable[[str], str]] = {
    "images/YYYYMM/DD/": lambda day: f"images/{day[:6]}/{day[6:]}",
    "YYYYMM/DD/": lambda day: f"{day[:6]}/{day[6:]}",
    "LSC23_highres_images/YYYYMM/DD/": lambda day: f"LSC23_highres_images/{day[:6]}/{day[6:]}",
    "images/YYYY-MM-DD/": lambda day: f"images/{day[:4]}-{day[4:6]}-{day[6:]}",
    "images/YYYYMMDD/": lambda day: f"images/{day}",
    "images/": lambda day: "images",
}
USUAL = next(iter(LAYOUTS))
ABSENT = f"photograph is listed but not on disk (looked for in {USUAL})"


def find_days(root: Path, names: Sequence[str]) -> tuple[np.ndarray, dict[str, list[str]]]:
    """Find photographs by listing each folder once; a name contains its second, so it can mean one file only.

    Args:
        root: the lifelog.
        names: of files, which begin with ``YYYYMMDD``.

    Returns:
        the path of each, object [names], None where it is in no layout; and layouts other than the usual -> the names
        found there.
    """
    look = cache(lambda folder: _names_in(root / folder))
    paths: list[str | None] = []
    elsewhere: dict[str, list[str]] = {}
    prefix = f"{root.absolute()}{os.sep}"
    folders = {day: {layout: place(day) for layout, place in LAYOUTS.items()} for day in {name[:8] for name in names}}
    for name in names:
        for layout, folder in folders[name[:8]].items():
            if name in look(folder):
                paths.append(f"{prefix}{folder.replace('/', os.sep)}{os.sep}{name}")
                if layout != USUAL:
                    elsewhere.setdefault(layout, []).append(name)
                break
        else:
            paths.append(None)
    return np.array(paths, dtype=object), elsewhere


def _names_in(folder: Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))  # noqa: PTH208 (names, not Path objects)
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
