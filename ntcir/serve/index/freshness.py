"""What an index was made from, as far as that can be told without reading it: whether it is still right."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from ntcir.config import Config
from ntcir.corpora.photographs import ENDINGS
from ntcir.model.folder import reading
from ntcir.system.errors import counted, short
from ntcir.system.files import MODEL_FILE
from ntcir.system.regular import sha256_of
from ntcir.system.tensor_facts import DIGEST, read_facts
from ntcir.workspace import CORPUS_CONFIG

FORMAT = 1
_DEPTH = 3  # folders below the corpus's that are looked at: images/YYYYMM/DD
_MOST = 4096  # entries of a folder that is listed; of a longer one only its own time counts


def made_from(
    folder: Path, config: Config, root: Path, apart: Iterable[Path], vectors: Iterable[Path]
) -> dict[str, Any]:
    """Return what an index depends on, as JSON can hold it.

    Of the corpus these are the sizes and times of its files other than pictures, and the times of its folders, in which
    a picture that is added or removed shows. A picture that is overwritten does not.

    Args:
        folder: the model's.
        config: with which it is asked.
        root: the corpus's.
        apart: what may lie in the corpus's folder and is no part of it, such as the index itself.
        vectors: files that belong to the corpus and may lie elsewhere.
    """
    return {
        "format": FORMAT,
        "model": model_digest(folder),
        "asked": asked_with(config),
        "files": {**_files(root, apart), **{str(path): _state(path.stat()) for path in vectors if path.exists()}},
    }


def asked_with(config: Config) -> dict[str, Any]:
    """Return the settings that make documents what they are, besides the model."""
    hubness = config.hubness
    return {
        "corpus": str(config.data.path),
        "hubness": [hubness.beta, hubness.temperature] if hubness.beta else None,
        "outside": config.data.outside,
        "pictures": config.data.pictures and str(config.data.pictures),
        "vectors": {name: str(config.towers.of(name).vectors) for name in config.pair},
    }


def model_digest(folder: Path) -> str:
    """Return the digest of a model's weights and of what they vouch for, which they carry; of an old model, the file's.

    Raises:
        UserError: if the file cannot be read.
    """
    path = folder / MODEL_FILE
    with reading(folder):
        return read_facts(path).get(DIGEST) or sha256_of(path)


def changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return why an index is no longer right, as a clause; empty if it is."""
    if before.get("format") != now["format"]:
        return "another version of ntcir made it"
    if before.get("model") != now["model"]:
        return "the model has changed"
    if before.get("asked") != now["asked"]:
        return "the settings have changed"
    old, new = before.get("files"), now["files"]
    if not isinstance(old, dict):
        return "it does not say what it was made from"
    names = [name for name in {**new, **old} if old.get(name) != new.get(name)]
    if not names:
        return ""
    name = names[0]
    how = "is new" if name not in old else "is gone" if name not in new else "has changed"
    more = f", and so {counted(len(names) - 1, 'other has', 'others have')}" if len(names) > 1 else ""
    return f"{short(name)} {how}{more}"


def _files(root: Path, apart: Iterable[Path]) -> dict[str, list[int]]:
    here = root.resolve()
    skipped = {place for path in apart for place in (path.resolve(), *path.resolve().parents) if here in place.parents}
    return dict(sorted(_looked_at(root, "", skipped, _DEPTH)))


def _looked_at(folder: Path, prefix: str, skipped: set[Path], depth: int) -> Iterator[tuple[str, list[int]]]:
    """Yield the names, relative to the corpus, and the states of what counts in a folder."""
    for entry in _entries(folder):
        name = f"{prefix}{entry.name}"
        try:
            if entry.is_dir():
                if skipped and Path(entry.path).resolve() in skipped:
                    continue
                yield f"{name}/", [entry.stat().st_mtime_ns]
                if depth > 1:
                    yield from _looked_at(Path(entry.path), f"{name}/", skipped, depth - 1)
            elif not entry.name.lower().endswith(ENDINGS) and name != CORPUS_CONFIG:
                yield name, _state(entry.stat())
        except OSError:  # gone in the meantime, or a link that leads nowhere
            continue


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return what is in a folder, without hidden files; nothing where there is too much to look at."""
    try:
        with os.scandir(folder) as listed:
            found = list(islice(listed, _MOST + 1))
    except OSError:
        return []
    return [entry for entry in found if not entry.name.startswith(".")] if len(found) <= _MOST else []


def _state(status: os.stat_result) -> list[int]:
    return [status.st_size, status.st_mtime_ns]
