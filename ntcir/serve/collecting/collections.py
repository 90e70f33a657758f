"""Collections: what a person has put aside, by name, kept in a file; whatever is changed can be undone.

Every change is written to a journal with what was there before, in the same transaction. So the last changes can be
undone one after the other, also after a restart, also by another server that has the same file open.
"""

from __future__ import annotations

import sqlite3
from dataclasses import asdict
from pathlib import Path

from ntcir.formats.columns import LONGEST, is_word
from ntcir.serve.collecting.file import CollectionsFile
from ntcir.serve.collecting.journal import Undone, record, undo_last
from ntcir.serve.collecting.rows import (
    Collection,
    Kept,
    collections_of,
    get,
    insert,
    item_of,
    items_of,
    now,
    rename,
)
from ntcir.system.errors import UserError, short

FILE = Path("collections.sqlite")  # where they are kept by default
MOST_COLLECTIONS, MOST_ITEMS = 1000, 10_000
LONGEST_NAME, LONGEST_NOTE, LONGEST_ADDRESS = 200, 2000, 8192  # characters


class Collections:
    """The collections in a file; all methods may be called from several threads.

    Those of other corpora are listed and can be read, but only be changed where their corpus is served.

    Args:
        path: of the file; made where it is not there.
        corpus: the name of the corpus that is served.
        model: the name of the model that is served.

    Raises:
        UserError: by this and by every method, if the file cannot be used (``CollectionsFile``).
    """

    def __init__(self, path: Path, corpus: str, model: str) -> None:
        self._file = CollectionsFile(path)
        self.corpus, self.model = corpus, model

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    # ------------------------------------------------------------------------------------------------------- reading

    def all(self) -> list[Collection]:
        """Return the collections of all corpora, in the order in which they were made."""
        with self._file.reading() as connection:
            return collections_of(connection)

    def get(self, number: int) -> Collection:
        """Return a collection.

        Raises:
            UserError: if there is none of that number.
        """
        with self._file.reading() as connection:
            return get(connection, number)

    def items(self, number: int) -> list[Kept]:
        """Return what is in a collection, in the order in which it was added.

        Raises:
            UserError: if there is none of that number.
        """
        with self._file.reading() as connection:
            get(connection, number)
            return items_of(connection, number)

    # ------------------------------------------------------------------------------------------------------ changing

    def create(self, name: str, topic: str | None = None, note: str = "") -> Collection:
        """Begin a collection; its name need not be unlike others.

        Raises:
            UserError: if the name is empty or too long, the topic cannot be an id, or there are too many.
        """
        name, topic, note = _checked(name, topic, note)
        with self._file.writing() as connection:
            [there] = connection.execute("SELECT count(*) FROM collections WHERE deleted IS NULL").fetchone()
            if there >= MOST_COLLECTIONS:
                raise UserError(f"There are {there:,} collections, the most that a file keeps: delete some.")
            values = (name, self.corpus, self.model, topic, note, now())
            number = connection.execute(
                "INSERT INTO collections (name, corpus, model, topic, note, created) VALUES (?, ?, ?, ?, ?, ?)", values
            ).lastrowid
            record(connection, int(number or 0), "create", {})
            return get(connection, int(number or 0))

    def change(self, number: int, name: str, topic: str | None = None, note: str = "") -> Collection:
        """Give a collection another name, topic and note.

        Raises:
            UserError: as ``create`` does; if there is none of that number, or it is of another corpus.
        """
        name, topic, note = _checked(name, topic, note)
        with self._file.writing() as connection:
            old = self._own(connection, number)
            record(connection, number, "rename", {"name": old.name, "topic": old.topic, "note": old.note})
            rename(connection, number, name, topic, note)
            return get(connection, number)

    def delete(self, number: int) -> None:
        """Delete a collection; it comes back when that is undone.

        Raises:
            UserError: if there is none of that number, or it is of another corpus.
        """
        with self._file.writing() as connection:
            self._own(connection, number)
            record(connection, number, "delete", {})
            connection.execute("UPDATE collections SET deleted = ? WHERE number = ?", (now(), number))

    def add(self, number: int, item: str, score: float | None = None, address: str = "") -> bool:
        """Put an item at the end of a collection; return whether it was not in it already, where it stays as it is.

        Args:
            number: of the collection.
            item: its id; that the corpus has it is the caller's business.
            score: finite.
            address: at which it was found.

        Raises:
            UserError: if the id or the address is too long, there are too many items, there is no collection of that
                number, or it is of another corpus.
        """
        if not is_word(item):
            raise UserError(f"{short(item)!r} is not the id of an item: use 1 to {LONGEST} bytes without blanks.")
        if len(address) > LONGEST_ADDRESS:
            raise UserError(f"The address has {len(address):,} characters; at most {LONGEST_ADDRESS:,} are kept.")
        with self._file.writing() as connection:
            of = self._own(connection, number)
            if item_of(connection, number, item) is not None:
                return False
            if of.count >= MOST_ITEMS:
                raise UserError(
                    f"'{short(of.name)}' has {of.count:,} items, the most of a collection: begin another one."
                )
            last = "SELECT coalesce(max(place), 0) FROM items WHERE collection = ?"
            [place] = connection.execute(last, (number,)).fetchone()
            record(connection, number, "add", {"item": item})
            insert(connection, number, Kept(item, place + 1, score, address, self.model, now()))
            return True

    def remove(self, number: int, item: str) -> None:
        """Take an item out of a collection.

        Raises:
            UserError: if it is not in it, there is no collection of that number, or it is of another corpus.
        """
        with self._file.writing() as connection:
            of = self._own(connection, number)
            there = item_of(connection, number, item)
            if there is None:
                raise UserError(f"{short(item)} is not in '{short(of.name)}'.")
            record(connection, number, "remove", asdict(there))
            connection.execute("DELETE FROM items WHERE collection = ? AND item = ?", (number, item))

    def undo(self) -> Undone:
        """Undo the last change to the collections of this corpus that was not undone yet.

        Raises:
            UserError: if there is none.
        """
        with self._file.writing() as connection:
            return undo_last(connection, self.corpus)

    def _own(self, connection: sqlite3.Connection, number: int) -> Collection:
        """Return a collection that may be changed."""
        found = get(connection, number)
        if found.corpus != self.corpus:
            raise UserError(
                f"'{short(found.name)}' is a collection of {short(found.corpus)}, not of {short(self.corpus)}: it can "
                "be read here, but not changed."
            )
        return found


def _checked(name: str, topic: str | None, note: str) -> tuple[str, str | None, str]:
    """Return what a collection is called, without the blanks around it."""
    name, topic, note = name.strip(), (topic or "").strip() or None, note.strip()
    if not name:
        raise UserError("The collection has no name: type one.")
    for what, text, most in (("name", name, LONGEST_NAME), ("note", note, LONGEST_NOTE)):
        if len(text) > most:
            raise UserError(f"The {what} has {len(text):,} characters; at most {most:,} are possible.")
    if topic is not None and not is_word(topic):
        raise UserError(f"The topic {short(topic)!r} cannot be an id: use 1 to {LONGEST} bytes without blanks.")
    return name, topic, note
