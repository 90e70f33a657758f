"""Everything about a corpus that the page needs, on disk: made once, then opened without reading the corpus."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ntcir.config import Config
from ntcir.corpora.naming import corpus_name
from ntcir.encoders import open_pair
from ntcir.encoders.encoder import Rows
from ntcir.modalities import Modality, modality, pictured
from ntcir.model.model import Model
from ntcir.retrieval.asking import ALL, check_split, config_to_ask, corpus_root, corpus_to_ask
from ntcir.retrieval.galleries import gallery
from ntcir.search.compact import CompactVectors, CompactWriter
from ntcir.serve.index.catalogue import Catalogue
from ntcir.serve.index.documents import documents
from ntcir.serve.index.events import events_of
from ntcir.serve.index.facets import Facets
from ntcir.serve.index.files import INDEX, forget, read_catalogue, read_told, understanding, write_catalogue
from ntcir.serve.index.freshness import asked_with, changed, made_from
from ntcir.serve.index.items import gather, in_order_of_time
from ntcir.serve.index.word_files import damaged
from ntcir.system.claims import claimed
from ntcir.system.errors import UserError, counted, some
from ntcir.system.files import disk_errors
from ntcir.system.progress import say


@dataclass(frozen=True)
class Index:
    """What is known of the items of a corpus, and their vectors by one model.

    Attributes:
        folder: of the index; other parts of the page keep their files in it too.
        catalogue: a row an item.
        vectors: of the items as documents, in the catalogue's order.
        corpus: its name.
        root: its folder.
        columns: modality -> columns of the corpus's table.
        remarks: what a person should know, such as what was left out, a line each.
        facets: what a form offers to narrow by.
        made: a digest of what the index was made from: of another, rows may be other items.
    """

    folder: Path
    catalogue: Catalogue
    vectors: CompactVectors
    corpus: str
    root: Path
    columns: Mapping[str, list[str]]
    remarks: tuple[str, ...]
    facets: Facets
    made: str


def open_index(trained: Model, folder: Path, data: Path | None, where: Path, settings: Sequence[str] = ()) -> Index:
    """Open the index of a corpus by a model; make it where there is none, or what it was made from has changed.

    Pictures that were overwritten since are not noticed: remove the folder to have the index made again.

    Args:
        trained: the model; from here on it has the bias against hubs that is wanted, and knows where the features of
            the corpus are stored.
        folder: the model's.
        data: the corpus folder; the one the model was trained on if None.
        where: the folder that has an index in a folder of its own for each corpus and model.
        settings: as for ``ntcir search``.

    Raises:
        UserError: if there is no corpus, it does not fit the model, nothing of it can be read, the index is damaged, or
            another process is making it.
    """
    check_split(None, settings)
    root = corpus_root(trained, data).absolute()
    config = config_to_ask(trained, folder, root, settings)
    name = corpus_name(root)
    place = where / f"{name}-{_digest([str(folder.resolve()), asked_with(config)])[:12]}"

    def now() -> dict[str, Any]:
        vectors = [path for path in _vectors(config).values() if path is not None]
        return made_from(folder, config, root, (where, folder, config.features.store), vectors)

    found = _opened(place, now(), trained)
    if found is not None:
        return found
    with claimed(place, "end it"):
        told, there = read_told(place), now()
        if told is not None and (why := changed(told.get("from") or {}, there)):
            say(f"{name}: the index in {place} is made again: {why}.")
            told = None
        if told is None:
            with disk_errors(place):
                _make(trained, folder, data, place, settings, there)
        found = _opened(place, there, trained)  # where it is there, another process has just made it
    if found is None:
        raise damaged(place / INDEX, "it is not what was written")
    return found


def _opened(place: Path, now: Mapping[str, Any], trained: Model) -> Index | None:
    """Return the index in a folder if there is one and it is still right; the model gets what making it settled.

    Raises:
        UserError: if it is damaged.
    """
    told = read_told(place)
    if told is None or changed(told.get("from") or {}, now):
        return None
    catalogue, facets = read_catalogue(place, told)
    vectors = CompactVectors.open(place)
    if len(vectors) != len(catalogue) or vectors.dim != trained.dim + bool(trained.config.hubness.beta):
        raise damaged(place / INDEX, f"there are {len(vectors):,} vectors of {vectors.dim} columns")
    with understanding(place):
        trained.config = trained.config.changed(dict(told["settled"]))
        return Index(
            folder=place,
            catalogue=catalogue,
            vectors=vectors,
            corpus=str(told["corpus"]),
            root=Path(told["root"]),
            columns={name: list(columns) for name, columns in told["columns"].items()},
            remarks=tuple(told["remarks"]),
            facets=facets,
            made=_digest(told["from"]),
        )


def _make(
    trained: Model, folder: Path, data: Path | None, place: Path, settings: Sequence[str], there: Mapping[str, Any]
) -> None:
    """Make an index: the corpus is read and its items are encoded as ``ntcir search`` does.

    Raises:
        UserError: as ``open_index``.
    """
    forget(place)
    corpus, _ = corpus_to_ask(trained, folder, data, pooled=False, split=ALL, settings=settings)
    found = searched(trained.config)
    corpus.require_content(found.name, "to show what is found")
    rows = open_pair(trained.config, corpus, trained.encoders)[found.name]
    readable, unread = _readable(found, rows, gallery(corpus, ALL, found))
    ids, times = in_order_of_time(corpus, found, readable)
    items = gather(corpus, found, ids, times)
    with CompactWriter(place, trained.dim + bool(trained.config.hubness.beta)) as writer:
        for block in documents(trained, found, rows, ids, place):
            writer.add(block)
    vectors = CompactVectors.open(place)
    # A bias against hubs, the last column, tells nothing of what an item looks like.
    events = events_of(times, items.offsets, lambda taken: vectors.take(taken)[:, : trained.dim])
    config = trained.config
    settled: dict[str, str | None] = {"features.store": str(config.features.store)}
    settled |= {f"towers.{name}.vectors": str(path) if path else None for name, path in _vectors(config).items()}
    facts = {
        "from": there,
        "corpus": corpus.name,
        "root": str(corpus.root),
        "columns": {name: list(map(str, table.columns)) for name, table in corpus.tables.items()},
        "remarks": [*corpus.report.lines()[1:], *unread, *items.remarks],
        "settled": settled,
    }
    write_catalogue(place, items, events, facts)


def searched(config: Config) -> Modality:
    """Return the modality that the page finds: the one of the pair whose items are pictures, else the left one."""
    return pictured(config.pair) or modality(config.pair[0])


def _vectors(config: Config) -> dict[str, Path | None]:
    return {name: config.towers.of(name).vectors for name in config.pair}


def _readable(found: Modality, rows: Rows, ids: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the items that can be read, and what is to be said of the others.

    Raises:
        UserError: if none can.
    """
    there = rows.ensure(ids) if ids else np.empty(0, dtype=bool)
    if not there.any():
        raise UserError(f"There is nothing to search: none of the {found.plural} can be read.")
    unread = [item for item, is_there in zip(ids, there, strict=True) if not is_there]
    if not unread:
        return list(ids), []
    cannot = counted(len(unread), f"{found.noun} cannot be read and is", f"{found.plural} cannot be read and are")
    line = f"{cannot} not searched: {some(unread)}."
    say(f"WARNING: {line}")
    return [item for item, is_there in zip(ids, there, strict=True) if is_there], [line]


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
