"""What is known of the items of a corpus, in the order in which the page has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ntcir.corpora.corpus import Corpus
from ntcir.corpora.written import written_about
from ntcir.modalities import Modality, modality
from ntcir.retrieval.queries import READING
from ntcir.serve.index.catalogue import UNKNOWN
from ntcir.serve.index.columns import Columns, Partners, positions_of, single_labels
from ntcir.serve.index.local_time import LOCAL_HOUR, ZONES, carried, offsets_by_hour, offsets_by_zone
from ntcir.system.errors import counted

_CATEGORY = "category"


@dataclass
class Gathered:
    """A catalogue in memory, but for events; see ``Catalogue``.

    Attributes:
        remarks: what a person should know, a line each.
    """

    modality: str
    ids: list[str]
    contents: list[str]
    times: np.ndarray
    offsets: np.ndarray
    zoned: bool
    positions: np.ndarray
    columns: Columns
    captions: list[str] | None
    remarks: list[str]


def in_order_of_time(corpus: Corpus, found: Modality, ids: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """Return items in order of the time of their first pairs, and that time; those without follow as they are.

    Returns:
        ids, and int64 [n], seconds since 1970 in UTC or ``UNKNOWN``.
    """
    pairs = corpus.pairs if corpus.links is None else corpus.links
    first = pairs.dropna(subset=[found.name]).drop_duplicates(found.name).set_index(found.name)["timestamp"]
    stamps = pd.DatetimeIndex(first.reindex(list(ids)))
    exact = stamps.tz_localize(None).to_numpy().astype("datetime64[us]")  # a camera takes many frames a second
    order = np.argsort(exact, kind="stable")  # NaT comes last
    seconds = exact.astype("datetime64[s]").astype(np.int64)  # NaT becomes UNKNOWN
    return [ids[row] for row in order], seconds[order]


def gather(corpus: Corpus, found: Modality, ids: Sequence[str], times: np.ndarray) -> Gathered:
    """Return what is known of items.

    Args:
        corpus: that has them.
        found: their modality.
        ids: of the items, in order of time.
        times: int64 [n], as of ``in_order_of_time``.
    """
    readings = _readings(corpus, found, ids)
    offsets, zoned, remarks = _offsets(found, times, readings)
    positions = np.full((len(ids), 2), np.nan, dtype=np.float32)
    columns = Columns()
    for partners in readings:
        own = positions_of(partners)
        positions = np.where(np.isnan(positions), own, positions)
        columns.add(partners)
    remarks += columns.remarks()
    if found.name in corpus.categories:
        category = single_labels(corpus.categories[found.name], pd.Index(ids))
        if isinstance(category, str):
            remarks.append(f"Categories are not offered: {category}.")
        else:
            columns.labels.setdefault(_CATEGORY, category)
    captions, more = _captions(corpus, found, ids)
    return Gathered(
        found.name, list(ids), _contents(corpus, found, ids), times, offsets, zoned, positions, columns, captions,
        remarks + more,
    )  # fmt: skip


def _readings(corpus: Corpus, found: Modality, ids: Sequence[str]) -> list[Partners]:
    """Return the readings of items: their own, or those of their first partners."""
    listed: list[Partners] = []
    for name, table in corpus.tables.items():
        if not READING.holds(modality(name)):
            continue
        if name == found.name:
            wanted = pd.Index(ids)
        else:
            wanted = pd.Index(corpus.partners(found.name, name).reindex(list(ids)), dtype=object)
        listed.append(Partners(table, table.index.get_indexer(wanted)))
    return listed


def _offsets(found: Modality, times: np.ndarray, readings: Sequence[Partners]) -> tuple[np.ndarray, bool, list[str]]:
    """Return how far local time is ahead of UTC, whether that is known of any item, and what is to be said of it."""
    timed = times != UNKNOWN
    if not timed.any():
        return np.zeros(len(times), dtype=np.int32), False, []
    zones = [partners.words(column) for column in ZONES for partners in readings if column in partners]
    offsets, known = offsets_by_zone(times, zones)
    if not known.any():
        hours = [partners.numbers(LOCAL_HOUR) for partners in readings if LOCAL_HOUR in partners]
        offsets, known = offsets_by_hour(times, hours[0]) if hours else (offsets, known)
        if not offsets.any():  # as the timestamps are written they say UTC
            known[:] = False
    if not known.any():
        return offsets, False, ["No time zone is known: days and hours are those of UTC."]
    unknown = int((timed & ~known).sum())
    said = f"{counted(unknown, found.noun + ' has', found.plural + ' have')} no known time zone: that of the"
    return (
        np.where(timed, carried(offsets, known), 0).astype(np.int32),
        True,
        [f"{said} {found.noun} before counts."] if unknown else [],
    )


def _contents(corpus: Corpus, found: Modality, ids: Sequence[str]) -> list[str]:
    """Return paths of pictures; of other items what a person reads."""
    table = corpus.tables[found.name].loc[list(ids)]
    if found.content is not None:
        texts: list[str] = table[found.content].astype(str).tolist()
        return texts
    columns = [str(column) for column in table.columns]
    rows = (dict(zip(columns, row, strict=True)) for row in table.itertuples(index=False, name=None))
    return [found.write(found.ask(item, row)) for item, row in zip(ids, rows, strict=True)]


def _captions(corpus: Corpus, found: Modality, ids: Sequence[str]) -> tuple[list[str] | None, list[str]]:
    if not found.pictured:
        return None, []
    written, remarks = written_about(corpus, found.name)
    if written is None or written.empty:
        return None, remarks
    return written.reindex(list(ids)).fillna("").astype(str).tolist(), remarks
