"""A catalogue on disk: arrays that are mapped into memory, texts, and one JSON file, written last, that vouches.

index.json           what the index was made from, names of columns, remarks, facets, and the size of each file
times, offsets, positions, events (.npy)
numbers.npy          float32 [columns, n]
labels.npy           int32 [columns, n]; the words themselves are in index.json
ids, contents, captions (.txt, .starts.npy, .digests.npy, .rows.npy)
vectors.*            of ``ntcir.search.compact``
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ntcir.serve.index.catalogue import UNKNOWN, Catalogue, Labels
from ntcir.serve.index.columns import merged
from ntcir.serve.index.facets import Facets, facets_of, read_facets
from ntcir.serve.index.items import Gathered
from ntcir.serve.index.word_files import WordFile, damaged, load_array, save_array, write_words
from ntcir.system.errors import reason_of, short
from ntcir.system.files import atomic_write
from ntcir.system.plain_json import parse_object
from ntcir.system.regular import read_regular

INDEX = "index.json"
_TIMES, _OFFSETS, _POSITIONS, _EVENTS = "times.npy", "offsets.npy", "positions.npy", "events.npy"
_NUMBERS, _LABELS = "numbers.npy", "labels.npy"
_VECTORS = "vectors.*"
_LATEST, _FARTHEST = 7_300_000_000, 86_400  # seconds from 1970: beyond 1900 to 2199; of a zone
# What may be wrong with what is parsed.
_DAMAGE = (KeyError, TypeError, ValueError, AttributeError)


def write_catalogue(folder: Path, items: Gathered, events: np.ndarray, facts: Mapping[str, Any]) -> None:
    """Write a catalogue; ``index.json`` is last, and has ``facts`` too.

    Args:
        folder: has the vectors already.
        items: but for events.
        events: int32 [n].
        facts: what JSON can hold.

    Raises:
        UserError: if there is no room or no permission.
    """
    columns, count = items.columns, len(items.ids)
    codes = [labels.codes for labels in columns.labels.values()]
    arrays = {
        _TIMES: items.times,
        _OFFSETS: items.offsets,
        _POSITIONS: items.positions.astype(np.float32),
        _EVENTS: events,
        _NUMBERS: merged(columns.numbers, count),
        _LABELS: np.stack(codes) if codes else np.empty((0, count), dtype=np.int32),
    }
    names = [save_array(folder, name, array) for name, array in arrays.items()]
    words = {"ids": items.ids, "contents": items.contents, "captions": items.captions}
    names += [name for stem, texts in words.items() if texts is not None for name in write_words(folder, stem, texts)]
    names += [path.name for path in folder.glob(_VECTORS)]
    told = {
        **facts,
        "modality": items.modality,
        "items": count,
        "zoned": items.zoned,
        "numbers": list(columns.numbers),
        "labels": [[column, list(labels.values)] for column, labels in columns.labels.items()],
        "captions": items.captions is not None,
        "sizes": {name: (folder / name).stat().st_size for name in names},
    }
    facets = facets_of(_catalogue(folder, told))
    atomic_write(folder / INDEX, json.dumps({**told, "facets": facets}, ensure_ascii=False) + "\n")


def forget(folder: Path) -> None:
    """Remove an index, ``index.json`` first; what others keep in its folder stays.

    Whoever has the index open keeps what is mapped into memory.
    """
    told = read_told(folder)
    (folder / INDEX).unlink(missing_ok=True)
    sizes = told.get("sizes") if told else None
    for name in sizes if isinstance(sizes, dict) else ():
        (folder / Path(name).name).unlink(missing_ok=True)


def read_told(folder: Path) -> dict[str, Any] | None:
    """Return what ``index.json`` says; None where it is absent or damaged, so that the index must be made."""
    try:
        return parse_object(read_regular(folder / INDEX))
    except (OSError, ValueError):
        return None


def read_catalogue(folder: Path, told: Mapping[str, Any]) -> tuple[Catalogue, Facets]:
    """Return a catalogue, mapped into memory, and what can be narrowed by.

    Raises:
        UserError: if a file is missing or has another size than it was written with, or does not fit the others.
    """
    with understanding(folder):
        for name, size in told["sizes"].items():
            _check_size(folder / name, size)
        return _catalogue(folder, told), read_facets(told["facets"])


@contextmanager
def understanding(folder: Path) -> Iterator[None]:
    """Turn an error about what ``index.json`` says into one sentence.

    Raises:
        UserError: if the body raises an error.
    """
    try:
        yield
    except _DAMAGE as error:
        raise damaged(folder / INDEX, f"its content is not that of an index: {reason_of(error)}") from error


def _check_size(path: Path, size: int) -> None:
    try:
        there = path.stat().st_size
    except OSError:
        raise damaged(path, "it is missing") from None
    if there != size:
        raise damaged(path, f"it has {there:,} bytes, not {size:,}")


def _check_values(folder: Path, told: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Check what would be taken for a place in a list, or for a time that nobody has.

    Raises:
        UserError: naming the file.
    """
    for (column, values), codes in zip(told["labels"], arrays[_LABELS], strict=True):
        if codes.max(initial=-1) >= len(values) or codes.min(initial=-1) < -1:
            raise damaged(folder / _LABELS, f"there is no such value of {short(column)}")
    times, offsets = arrays[_TIMES], arrays[_OFFSETS]
    if np.abs(times[times != UNKNOWN]).max(initial=0) > _LATEST or np.abs(offsets).max(initial=0) > _FARTHEST:
        raise damaged(folder / _TIMES, "it has times that no item of a corpus has")


def _catalogue(folder: Path, told: Mapping[str, Any]) -> Catalogue:
    count: int = told["items"]
    shapes = {
        _TIMES: (np.int64, (count,)),
        _OFFSETS: (np.int32, (count,)),
        _POSITIONS: (np.float32, (count, 2)),
        _EVENTS: (np.int32, (count,)),
        _NUMBERS: (np.float32, (len(told["numbers"]), count)),
        _LABELS: (np.int32, (len(told["labels"]), count)),
    }
    arrays: dict[str, np.ndarray] = {}
    for name, (kind, shape) in shapes.items():
        arrays[name] = load_array(folder / name)
        if arrays[name].dtype != kind or arrays[name].shape != shape:
            raise damaged(folder / name, f"it is {arrays[name].dtype} {list(arrays[name].shape)}")
    _check_values(folder, told, arrays)
    words = {name: WordFile(folder, name) for name in ("ids", "contents", *(["captions"] if told["captions"] else []))}
    for name, texts in words.items():
        if len(texts) != count:
            raise damaged(folder / f"{name}.txt", f"it has {len(texts):,} texts, not {count:,}")
    labels = zip(told["labels"], arrays[_LABELS], strict=True)
    return Catalogue(
        modality=str(told["modality"]),
        ids=words["ids"],
        contents=words["contents"],
        times=arrays[_TIMES],
        offsets=arrays[_OFFSETS],
        zoned=bool(told["zoned"]),
        positions=arrays[_POSITIONS],
        numbers=dict(zip(told["numbers"], arrays[_NUMBERS], strict=True)),
        labels={column: Labels(codes, values) for (column, values), codes in labels},
        captions=words.get("captions"),
        events=arrays[_EVENTS],
    )
