"""Collections and their items as rows of their file; for those who hold a transaction of it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

from ntcir.system.errors import UserError


@dataclass(frozen=True)
class Collection:
    """One collection, without its items.

    Attributes:
        number: by which it is known; no other one ever has the same.
        name: any text.
        corpus: the name of the corpus of its items.
        model: the name of the model with which it was begun.
        topic: the id of the topic that it answers, or None.
        note: any text.
        created: UTC, ISO 8601.
        count: items in it.
    """

    number: int
    name: str
    corpus: str
    model: str
    topic: str | None
    note: str
    created: str
    count: int


@dataclass(frozen=True)
class Kept:
    """An item of a collection.

    Attributes:
        item: its id in the corpus.
        place: ascending as items were added.
        score: of the query it was found by; None where nothing was asked.
        address: the page's address at which it was found (``ntcir.serve.state``).
        model: the name of the model that gave the score.
        added: UTC, ISO 8601.
    """

    item: str
    place: int
    score: float | None
    address: str
    model: str
    added: str


_COLLECTION = (
    "SELECT number, name, corpus, model, topic, note, created, "
    "(SELECT count(*) FROM items WHERE collection = number) AS count FROM collections"
)
_KEPT = "SELECT item, place, score, address, model, added FROM items WHERE collection = ?"


def now() -> str:
    """Return the time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def collections_of(connection: sqlite3.Connection) -> list[Collection]:
    """Return all collections but the deleted ones, in the order in which they were made."""
    rows = connection.execute(f"{_COLLECTION} WHERE deleted IS NULL ORDER BY number")
    return [Collection(**dict(row)) for row in rows]


def get(connection: sqlite3.Connection, number: int, *, deleted: bool = False) -> Collection:
    """Return a collection, also a deleted one where that is asked for.

    Raises:
        UserError: if there is none of that number.
    """
    row = connection.execute(f"{_COLLECTION} WHERE number = ? AND (deleted IS NULL OR ?)", (number, deleted)).fetchone()
    if row is None:
        raise UserError(f"There is no collection {number}: it may have been deleted.")
    return Collection(**dict(row))


def item_of(connection: sqlite3.Connection, number: int, item: str) -> Kept | None:
    """Return an item of a collection; None if it is not in it."""
    row = connection.execute(f"{_KEPT} AND item = ?", (number, item)).fetchone()
    return None if row is None else Kept(**dict(row))


def items_of(connection: sqlite3.Connection, number: int) -> list[Kept]:
    """Return the items of a collection, in the order in which they were added."""
    return [Kept(**dict(row)) for row in connection.execute(f"{_KEPT} ORDER BY place", (number,))]


def insert(connection: sqlite3.Connection, number: int, kept: Kept) -> None:
    """Write an item into a collection, at the place that it has."""
    columns = "collection, item, place, score, address, model, added"
    values = (number, kept.item, kept.place, kept.score, kept.address, kept.model, kept.added)
    connection.execute(f"INSERT INTO items ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", values)


def rename(connection: sqlite3.Connection, number: int, name: str, topic: str | None, note: str) -> None:
    """Write what a collection is called."""
    values = (name, topic, note, number)
    connection.execute("UPDATE collections SET name = ?, topic = ?, note = ? WHERE number = ?", values)
