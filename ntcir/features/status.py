"""Which of a corpus's features are stored, and which are missing, without loading a network."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ntcir.corpora.corpus import Corpus
from ntcir.features.corpus_folder import corpus_folder
from ntcir.features.store import STORE_VERSION, DetectionStore, FeatureStore, signature, stored_meta
from ntcir.features.text_digests import SIGNATURE, digests
from ntcir.modalities.text import COLUMN, TEXT
from ntcir.system.errors import UserError, escaped
from ntcir.system.progress import say


@dataclass(frozen=True)
class StoreStatus:
    """What a store holds of a corpus.

    Attributes:
        store: its folder.
        kind: ``features``, ``mirror`` (of mirror images), ``view`` (of altered photographs), ``objects`` or ``texts``
            (features of captions).
        fingerprint: of what made it.
        made_by: the backends that worked it out, the latest last; none of detections.
        items: photographs of the corpus; of ``texts``, its different captions, or those stored where it has none.
        done: those stored in the present state of their file.
        failed: those that could not be decoded in it.
        missing: the others.
        bytes: on disk.
    """

    store: str
    kind: str
    fingerprint: str
    made_by: list[str]
    items: int
    done: int
    failed: int
    missing: int
    bytes: int


def corpus_status(corpus: Corpus, store: Path) -> list[StoreStatus]:
    """Return the status of each store of a corpus, in order of their folders; of one that cannot be read, say why.

    Args:
        corpus: whose photographs.
        store: the folder of all features.

    Raises:
        UserError: if the folder cannot be read.
    """
    root = corpus_folder(store, corpus)
    folders = _folders(root)
    if not folders:
        say(f"There is nothing in {root}: `ntcir features images` computes features.")
        return []
    signs = {str(item): signature(path) for item, path in corpus.images["path"].items()}
    captions = corpus.tables.get(TEXT.name)
    texts = dict.fromkeys([] if captions is None else digests(captions[COLUMN]), SIGNATURE)
    found = []
    for folder in folders:
        try:
            found.append(_status(folder, signs, texts))
        except UserError as error:
            say(str(error))
    return found


def _folders(root: Path) -> list[Path]:
    """Return the folders of all stores; of one that cannot be read, say so."""

    def tell(error: OSError) -> None:
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            return
        told = UserError(f"Cannot read {error.filename}: {(error.strerror or str(error)).lower()}.")
        if Path(error.filename) == root:
            raise told from error
        say(str(told))

    return sorted(Path(folder) for folder, _, names in os.walk(root, onerror=tell) if "meta.json" in names)


def _status(folder: Path, signs: dict[str, str], texts: dict[str, str]) -> StoreStatus:
    meta = _meta_of(folder)
    opened = FeatureStore(folder, meta) if "dim" in meta else DetectionStore(folder, meta)
    if "texts" in meta:
        signs = texts
    failed = sum(opened.failure(item, sign) is not None for item, sign in signs.items())
    done = sum(opened.has(item, sign) for item, sign in signs.items()) if signs else len(opened)
    return StoreStatus(
        store=str(folder),
        kind=_kind(meta),
        fingerprint=str(meta["fingerprint"]),
        made_by=opened.backends if isinstance(opened, FeatureStore) else [],
        items=len(signs) or done,
        done=done,
        failed=failed,
        missing=max(len(signs) - done - failed, 0),
        bytes=sum(map(_size, folder.iterdir())),
    )


def _kind(meta: dict[str, Any]) -> str:
    if "dim" not in meta:
        return "objects"
    return next((kind for kind in ("view", "mirror", "texts") if kind in meta), "features")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:  # half written a moment ago, and now under another name
        return 0


def _meta_of(folder: Path) -> dict[str, Any]:
    """Return what made a store of this version; one of features has ``dim``, one of a view ``view`` besides."""
    meta = stored_meta(folder) or {}
    if meta.get("version") != STORE_VERSION or not isinstance(meta.get("fingerprint"), str):
        raise UserError(f"{folder} is a store of another version of ntcir; move or remove it.")
    if "dim" in meta and not (type(meta["dim"]) is int and meta["dim"] > 0):
        raise UserError(f"{folder / 'meta.json'} is not readable; remove the folder to compute its features again.")
    return meta


def as_json(stores: Sequence[StoreStatus]) -> str:
    """Return the status as JSON: an array, an object a store."""
    return json.dumps([asdict(each) for each in stores], indent=1)


def as_table(stores: Sequence[StoreStatus]) -> str:
    """Return the status as a table for people."""
    header = ["done", "failed", "missing", "MB", "by", "store"]
    rows = [
        [
            f"{each.done:,}",
            f"{each.failed:,}",
            f"{each.missing:,}",
            f"{each.bytes / 1e6:,.1f}",
            escaped(", ".join(each.made_by)) or "-",
            escaped(each.store),
        ]
        for each in stores
    ]
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    numbers = {0, 1, 2, 3}
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in [header, *rows]
    )
