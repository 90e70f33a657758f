"""The SQLite file in which collections are kept: opened, checked, and written in transactions.

A file that is not SQLite's, that another program made, or that a later version wrote is refused before anything in it
is touched: the header of an SQLite file has a program's id and a version of its own, which are read as bytes.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ntcir.system.errors import UserError, reason_of
from ntcir.system.files import disk_errors, require_writable
from ntcir.system.regular import open_regular

VERSION = 1
_PROGRAM = 0x4E544352  # "NTCR", by which a file of ours is known
_MAGIC = b"SQLite format 3\0"
_VERSION_AT, _PROGRAM_AT = slice(60, 64), slice(68, 72)  # of the header: user_version and application_id, big-endian
_HEADER = 100  # bytes
_LARGEST = 1 << 36  # bytes of a file that is opened
_PATIENCE = 10.0  # seconds that a transaction waits for that of another server

_SCHEMA = (
    """CREATE TABLE collections (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        corpus TEXT NOT NULL,
        model TEXT NOT NULL,
        topic TEXT,
        note TEXT NOT NULL,
        created TEXT NOT NULL,
        deleted TEXT
    )""",
    """CREATE TABLE items (
        collection INTEGER NOT NULL REFERENCES collections (number) ON DELETE CASCADE,
        item TEXT NOT NULL,
        place INTEGER NOT NULL,
        score REAL,
        address TEXT NOT NULL,
        model TEXT NOT NULL,
        added TEXT NOT NULL,
        PRIMARY KEY (collection, item)
    ) WITHOUT ROWID""",
    """CREATE TABLE journal (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        collection INTEGER NOT NULL REFERENCES collections (number) ON DELETE CASCADE,
        action TEXT NOT NULL,
        before TEXT NOT NULL,
        at TEXT NOT NULL
    )""",
    "CREATE INDEX journal_by_collection ON journal (collection)",
    f"PRAGMA application_id = {_PROGRAM}",
    f"PRAGMA user_version = {VERSION}",
)


class CollectionsFile:
    """One file, for all threads of this process; other processes may have it open as well.

    Args:
        path: made with its folder where it is not there.

    Raises:
        UserError: if it is not a file of collections, is of a later version, or cannot be written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        _check(path)
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            require_writable(path.parent)
        with _in_a_sentence(path):
            self._connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise
        state = path.stat()
        self._file = state.st_dev, state.st_ino

    def _prepare(self) -> None:
        """Make the tables where there are none yet; of two processes that begin at once, one does."""
        with _in_a_sentence(self.path):
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA foreign_keys = ON")
            with _transaction(self._connection, "IMMEDIATE"):
                if not self._connection.execute("PRAGMA user_version").fetchone()[0]:
                    for statement in _SCHEMA:
                        self._connection.execute(statement)
            # A mode of the file, not of the connection: if somebody else is just writing, the next to open it sets it.
            with suppress(sqlite3.OperationalError):
                self._connection.execute("PRAGMA journal_mode = WAL")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection within a transaction, which is undone if the body raises.

        Raises:
            UserError: if the file cannot be written to, or is no longer there.
        """
        with self._transaction("IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection within a transaction that sees the file as it is now.

        Raises:
            UserError: if the file cannot be read, or is no longer there.
        """
        with self._transaction("DEFERRED") as connection:
            yield connection

    def close(self) -> None:
        """Close the file. Its log goes into it, so that it can be copied alone, unless somebody else has it open."""
        with self._lock, _in_a_sentence(self.path):
            self._connection.close()

    @contextmanager
    def _transaction(self, kind: str) -> Iterator[sqlite3.Connection]:
        with self._lock, _in_a_sentence(self.path):
            self._check_place()
            with _transaction(self._connection, kind):
                yield self._connection

    def _check_place(self) -> None:
        """Refuse to go on in a file that has been deleted: what is written to it would be lost without a word."""
        try:
            state = self.path.stat()
        except OSError:
            state = None
        if state is None or (state.st_dev, state.st_ino) != self._file:
            raise UserError(f"{self.path} has been removed or replaced while it was open: start the server again.")


def _check(path: Path) -> None:
    """Refuse what is not a file of collections, without touching it; one without any byte counts as new."""
    try:
        with open_regular(path, _LARGEST) as file:
            head = file.read(_HEADER)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(f"{path} cannot be opened: {(error.strerror or str(error)).lower()}.") from error
    if not head:
        return
    program, version = (int.from_bytes(head[part], "big") for part in (_PROGRAM_AT, _VERSION_AT))
    if len(head) < _HEADER or not head.startswith(_MAGIC) or program != _PROGRAM:
        what = "is not an SQLite file" if not head.startswith(_MAGIC) else "is a database of another program"
        raise UserError(f"{path} {what}: name another file for the collections with --collections.")
    if version > VERSION:
        raise UserError(
            f"{path} has version {version} of the format of collections, and this ntcir reads up to {VERSION}: update "
            "ntcir, or name another file with --collections."
        )


@contextmanager
def _transaction(connection: sqlite3.Connection, kind: str) -> Iterator[None]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _in_a_sentence(path: Path) -> Iterator[None]:
    """Turn what SQLite cannot do into one sentence.

    Raises:
        UserError: if the body raises an error of SQLite, or a text is none that a file can hold.
    """
    try:
        yield
    except UnicodeEncodeError as error:
        raise UserError("The text contains half of a character (a surrogate): type it again.") from error
    except UnicodeDecodeError as error:  # SQLite quotes a damaged schema in its own complaint about it
        raise UserError(f"{path} is damaged: restore it from a copy, or move it away to begin anew.") from error
    except sqlite3.Error as error:
        # Beside the code in its last byte SQLite may say more; what Python itself complains about has none.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise UserError(f"No space left to write {path}: free some space; nothing was changed.") from error
        if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
            raise UserError(
                f"No permission to write {path}, or beside it: name another file with --collections."
            ) from error
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise UserError(f"{path} is being written by another program: try again.") from error
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise UserError(f"{path} is damaged: restore it from a copy, or move it away to begin anew.") from error
        raise UserError(f"{path} cannot be used ({reason_of(error)}): nothing was changed.") from error
