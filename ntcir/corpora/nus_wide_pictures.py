"""Where the photographs of NUS-WIDE-LITE lie, which are not published with its lists."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ntcir.corpora.corpus import ReadingReport
from ntcir.corpora.nus_wide_files import Listed
from ntcir.corpora.photographs import files_under
from ntcir.system.errors import UserError, short

_USUAL = "images"  # where they would lie, in folders named by the search word that found them


def locate(root: Path, pictures: Path | None, listed: Sequence[Listed], report: ReadingReport) -> list[str]:
    """Return the absolute path of each photograph, or where it would lie: they are not published with the lists.

    A photograph is found anywhere in the corpus's folder or in ``pictures``, by its name: that in a folder of the
    listed name comes first.

    Raises:
        UserError: if ``pictures`` is not a folder.
    """
    if pictures is not None and not pictures.is_dir():
        raise UserError(f"data.pictures = {pictures} is not a folder.")
    wanted = {entry.file.rpartition("/")[2]: entry.file for entry in listed}
    exact: dict[str, str] = {}
    by_name: dict[str, str] = {}
    for place in filter(None, (root, pictures)):
        for file, name in _pictures(place, wanted):
            path = os.path.join(place.absolute(), file)  # noqa: PTH118 (a Path each takes a second)
            by_name.setdefault(name, path)
            if f"/{file}".endswith(f"/{wanted[name]}"):
                exact.setdefault(name, path)
    found = by_name | exact
    absent = [entry.id for entry in listed if entry.file.rpartition("/")[2] not in found]
    if absent:
        where = f"{root} and {pictures}" if pictures else str(root)
        report.notes.append(
            f"{len(absent):,} of {len(wanted):,} photographs are not under {where} (first: {short(absent[0])}): their "
            "vectors can be used, networks cannot (data.pictures names one more folder)"
        )
    usual = str(root.absolute() / _USUAL)
    return [found.get(entry.file.rpartition("/")[2]) or f"{usual}/{entry.file}" for entry in listed]


def _pictures(place: Path, wanted: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the wanted files in a folder: relative path and name."""
    for file in files_under(place):
        name = file.rpartition("/")[2]
        if name in wanted:
            yield file, name
