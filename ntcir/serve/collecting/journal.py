"""What was done to collections, and how it is undone: every change is written down with what was there before."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Literal, NamedTuple

from ntcir.serve.collecting.rows import Kept, get, insert, now, rename
from ntcir.system.errors import UserError, counted, short

MOST_UNDOS = 1000  # changes that the journal keeps; what was deleted before is gone for good

Action = Literal["create", "rename", "delete", "add", "remove"]


class Undone(NamedTuple):
    """What was undone, in words, and the number of the collection that it was about."""

    words: str
    number: int


def record(connection: sqlite3.Connection, number: int, action: Action, before: dict[str, Any]) -> None:
    """Write a change to the journal, and forget those of long ago."""
    connection.execute(
        "INSERT INTO journal (collection, action, before, at) VALUES (?, ?, ?, ?)",
        (number, action, json.dumps(before), now()),
    )
    connection.execute("DELETE FROM journal WHERE number <= (SELECT max(number) FROM journal) - ?", (MOST_UNDOS,))
    connection.execute(
        "DELETE FROM collections WHERE deleted IS NOT NULL AND number NOT IN "
        "(SELECT collection FROM journal WHERE action = 'delete')"
    )


def undo_last(connection: sqlite3.Connection, corpus: str) -> Undone:
    """Undo the last change to the collections of a corpus that was not undone yet.

    Raises:
        UserError: if there is none.
    """
    last = connection.execute(
        "SELECT journal.number, collection, action, before FROM journal JOIN collections "
        "ON collections.number = collection WHERE corpus = ? ORDER BY journal.number DESC LIMIT 1",
        (corpus,),
    ).fetchone()
    if last is None:
        raise UserError("There is nothing to undo.")
    connection.execute("DELETE FROM journal WHERE number = ?", (last["number"],))
    try:
        words = _revert(connection, last["collection"], last["action"], json.loads(last["before"]))
    except (KeyError, TypeError, ValueError):  # what is damaged must not be in the way of earlier changes for ever
        words = "left out a change whose record is damaged: it cannot be undone"
    return Undone(words, last["collection"])


def _revert(connection: sqlite3.Connection, number: int, action: str, before: dict[str, Any]) -> str:
    """Undo a change, all later ones having been undone; return in words what was done."""
    name = f"'{short(get(connection, number, deleted=True).name)}'"
    if action == "add":
        connection.execute("DELETE FROM items WHERE collection = ? AND item = ?", (number, before["item"]))
        return f"took {short(before['item'])} out of {name} again"
    if action == "remove":
        insert(connection, number, Kept(**before))
        return f"put {short(before['item'])} back into {name}"
    if action == "rename":
        rename(connection, number, **before)
        return f"{name} is '{short(before['name'])}' again"
    if action == "delete":
        connection.execute("UPDATE collections SET deleted = NULL WHERE number = ?", (number,))
        return f"{name} is back, with {counted(get(connection, number).count, 'item', 'items')}"
    connection.execute("DELETE FROM collections WHERE number = ?", (number,))
    return f"{name}, which was new, is gone again"
