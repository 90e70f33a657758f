"""The items of topics and runs: those of the catalogue, such as photographs, and those that it does not have.

What else a topic asks with or a run ranks, such as readings, lies in the corpus only, which takes a while to read. So
the few items that are shown are written beside the index once.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ntcir.formats.official import number_of
from ntcir.modalities import Direction, Modality, modality
from ntcir.serve.index.catalogue import Catalogue
from ntcir.system.errors import counted
from ntcir.system.files import atomic_path
from ntcir.system.progress import say

if TYPE_CHECKING:
    import pandas as pd

    from ntcir.corpora.corpus import Corpus
    from ntcir.serve.index.index import Index

Needed = set[tuple[str, str]]  # modalities by name, and ids or numbers of their items
_FOLDER = "topics"


@dataclass(frozen=True)
class Stored:
    """An item that is not in the catalogue.

    Attributes:
        item: its id, of which the run may have the number only.
        query: what asks with it, as its modality makes it: readings by column, a sentence; None if it is empty.
        partner: the id of its first partner, which is in the catalogue; empty if none.
    """

    item: str
    query: Any
    partner: str


class StudyItems:
    """Looks items up in the catalogue, else in the file beside the index.

    Args:
        catalogue: of what can be found.
        path: the file, or None where all is in the catalogue.
    """

    def __init__(self, catalogue: Catalogue, path: Path | None) -> None:
        self._catalogue = catalogue
        self._lock = threading.Lock()
        self._file = None if path is None else _connect(path)

    def row(self, kind: Modality, item: str) -> int | None:
        """Return the row of an item in the catalogue, by its id or its number; None if it has none."""
        if kind.name != self._catalogue.modality:
            return None
        row = self._catalogue.ids.find(item)
        if row is None and (stored := self.stored(kind, item)) is not None:
            row = self._catalogue.ids.find(stored.item)
        return row

    def stored(self, kind: Modality, item: str) -> Stored | None:
        """Return an item that is not in the catalogue; None if the corpus has none of that id."""
        if self._file is None:
            return None
        with self._lock:
            found = self._file.execute(
                "SELECT item, query, partner FROM items WHERE modality = ? AND asked = ?", (kind.name, item)
            ).fetchone()
        return None if found is None else Stored(found[0], _query(kind, found[1]), found[2])

    def answer_row(self, direction: Direction, item: str) -> int | None:
        """Return the row of an item that a run ranks, None if the catalogue lacks it.

        The organisers call a photograph by its minute: that is the minute's first one.
        """
        row = self.row(direction.answer, item)
        if row is None and direction.answer.name == self._catalogue.modality:
            minute = self.stored(direction.query, item)
            row = None if minute is None else self._catalogue.ids.find(minute.partner)
        return row

    def knows(self, direction: Direction, item: str) -> bool:
        """Return whether the corpus has an item that a run ranks."""
        return self.answer_row(direction, item) is not None or self.stored(direction.answer, item) is not None


def _query(kind: Modality, cell: str) -> Any:
    try:
        return kind.parse(cell)
    except ValueError:  # such as a minute without any reading
        return None


def open_items(index: Index, needed: Needed, read: Callable[[], Corpus]) -> StudyItems:
    """Return what looks items up; the corpus is read if some of them are not in the catalogue, and not yet written.

    Args:
        index: beside which they are written.
        needed: the items.
        read: reads the corpus.

    Raises:
        UserError: if the corpus cannot be read, or nothing be written beside the index.
    """
    catalogue = index.catalogue
    # An id that the catalogue lacks is not in the corpus; a number may be that of an id with zeros before it.
    absent = sorted(
        (name, item)
        for name, item in needed
        if name != catalogue.modality or (item.isdigit() and catalogue.ids.find(item) is None)
    )
    if not absent:
        return StudyItems(catalogue, None)
    path = index.folder / _FOLDER / f"{_digest(index, absent)}.sqlite"
    if not _is_readable(path):
        what = counted(len(absent), "item", "items")
        say(f"Topics: reading {index.root} for {what} that the index does not have; this is done once.")
        corpus = read()
        with atomic_path(path) as temporary:
            _write(temporary, _found(absent, corpus, catalogue.modality))
    return StudyItems(catalogue, path)


def _digest(index: Index, absent: Iterable[tuple[str, str]]) -> str:
    """Return what the file is called: another index, or other items, have another one."""
    digest = hashlib.sha256(f"{index.root}\0{index.made}".encode(errors="replace"))
    for name, item in absent:
        digest.update(f"\0{name}\0{item}".encode(errors="replace"))
    return digest.hexdigest()[:24]


def _found(absent: Iterable[tuple[str, str]], corpus: Corpus, found: str) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield the rows of the file, of the items that the corpus has."""
    by_modality: dict[str, list[str]] = {}
    for name, item in absent:
        by_modality.setdefault(name, []).append(item)
    for name, asked in by_modality.items():
        if name not in corpus.tables:
            continue
        kind, table = modality(name), corpus.tables[name]
        spelled = _spelled(table, asked)
        partners = _partners(corpus, name, found, set(spelled.values()))
        rows = table.loc[list(spelled.values())]
        columns = [str(column) for column in rows.columns]
        for (typed, item), values in zip(spelled.items(), rows.itertuples(index=False, name=None), strict=True):
            query = kind.write(kind.ask(item, dict(zip(columns, values, strict=True))))
            yield name, typed, item, query, partners.get(item, "")


def _spelled(table: pd.DataFrame, asked: Iterable[str]) -> dict[str, str]:
    """Return the ids of items that the table has; one of digits only also by its number, unless two share it."""
    known = set(table.index)
    spelled = {item: item for item in asked if item in known}
    numbers = {item for item in asked if item not in known and item.isascii() and item.isdigit()}
    if numbers:
        by_number: dict[str, list[str]] = {}
        for item in table.index:
            by_number.setdefault(number_of(item), []).append(item)
        alone = {item: by_number.get(number_of(item), []) for item in numbers}
        spelled |= {item: ids[0] for item, ids in alone.items() if len(ids) == 1}
    return spelled


def _partners(corpus: Corpus, name: str, found: str, items: set[str]) -> Mapping[str, str]:
    """Return the first partner of each item among those that can be found."""
    if name == found or not {name, found} <= set(corpus.pairs.columns):
        return {}
    pairs = corpus.pairs[[name, found]].dropna()
    pairs = pairs[pairs[name].isin(items)].drop_duplicates(name)
    return dict(zip(pairs[name], pairs[found], strict=True))


def _write(path: Path, rows: Iterable[tuple[str, str, str, str, str]]) -> None:
    connection = sqlite3.connect(path)
    try:
        with connection:
            connection.execute(
                "CREATE TABLE items (modality TEXT, asked TEXT, item TEXT, query TEXT, partner TEXT, "
                "PRIMARY KEY (modality, asked)) WITHOUT ROWID"
            )
            connection.executemany("INSERT INTO items VALUES (?, ?, ?, ?, ?)", rows)
    finally:
        connection.close()


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True, check_same_thread=False)


def _is_readable(path: Path) -> bool:
    """Return whether the file is there and not damaged; one that is gets written again."""
    if not path.is_file():
        return False
    connection = _connect(path)
    try:
        return bool(connection.execute("PRAGMA quick_check").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()
