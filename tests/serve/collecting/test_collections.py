"""Collections: kept in a file, undone step by step, shared by two servers, and refused where the file is not ours."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from helpers import refusal

from ntcir.serve.collecting import collections, journal
from ntcir.serve.collecting.collections import Collections

SCRIPT = "<script>alert('café')</script>\u202e"


@pytest.fixture
def kept(tmp_path: Path) -> Collections:
    return Collections(tmp_path / "collections.sqlite", "demo", "model")


def again(kept: Collections, corpus: str = "demo") -> Collections:
    return Collections(kept._file.path, corpus, "other model")


def ids(kept: Collections, number: int) -> list[str]:
    return [each.item for each in kept.items(number)]


def test_what_is_put_aside_is_there_after_a_restart(kept):
    made = kept.create(f" {SCRIPT} ", "KIS26001", "a note")
    assert kept.add(made.number, "b.jpg", 0.25, "q=coffee")
    assert kept.add(made.number, "a.jpg")
    assert not kept.add(made.number, "b.jpg", 0.75, "q=tea")  # it is there, and stays as it is
    kept.close()
    assert [each.name for each in kept._file.path.parent.iterdir()] == ["collections.sqlite"]  # it can be copied
    later = again(kept)
    [found] = later.all()
    assert (found.name, found.topic, found.note, found.count) == (SCRIPT, "KIS26001", "a note", 2)
    assert (found.corpus, found.model) == ("demo", "model")
    assert [(each.item, each.score, each.address) for each in later.items(made.number)] == [
        ("b.jpg", 0.25, "q=coffee"),
        ("a.jpg", None, ""),
    ]


def test_every_change_is_undone_in_turn_also_after_a_restart(kept):
    number = kept.create("coffee").number
    kept.add(number, "a.jpg", 0.5)
    kept.add(number, "b.jpg")
    kept.remove(number, "a.jpg")
    kept.change(number, "tea", "AD26001", "hot")
    kept.delete(number)
    kept.close()
    later = again(kept)
    assert later.all() == []
    assert "There is no collection" in refusal(later.items, number)
    assert later.undo() == ("'tea' is back, with 1 item", number)
    assert later.undo().words == "'tea' is 'coffee' again"
    assert (later.get(number).topic, later.get(number).note) == (None, "")
    assert later.undo().words == "put a.jpg back into 'coffee'"
    assert [(each.item, each.score) for each in later.items(number)] == [("a.jpg", 0.5), ("b.jpg", None)]
    assert later.undo().words == "took b.jpg out of 'coffee' again"
    assert later.undo().words == "took a.jpg out of 'coffee' again"
    assert later.undo().words == "'coffee', which was new, is gone again"
    assert later.all() == []
    assert refusal(later.undo) == "There is nothing to undo."
    assert later.create("new").number > number  # an old address never leads to another collection


def test_the_journal_forgets_and_what_was_deleted_goes_with_it(kept, monkeypatch):
    monkeypatch.setattr(journal, "MOST_UNDOS", 3)
    number = kept.create("old").number
    kept.add(number, "a.jpg")
    kept.delete(number)
    other = kept.create("new").number
    for item in ("a.jpg", "b.jpg", "c.jpg"):
        kept.add(other, item)
    rows = sqlite3.connect(kept._file.path)
    assert rows.execute("SELECT count(*) FROM collections").fetchone() == (1,)
    assert rows.execute("SELECT collection FROM items GROUP BY collection").fetchall() == [(other,)]
    for _ in range(3):
        kept.undo()
    assert (refusal(kept.undo), ids(kept, other)) == ("There is nothing to undo.", [])


def test_two_servers_and_their_threads_share_a_file(kept):
    number = kept.create("shared").number
    servers = [kept, again(kept)]
    items = [f"{at}.jpg" for at in range(40)]
    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(lambda at: servers[at % 2].add(number, items[at // 2]), range(80)))
    assert sum(added) == 40
    assert sorted(ids(kept, number)) == sorted(items) == sorted(ids(servers[1], number))
    assert servers[1].undo().number == number
    assert kept.get(number).count == 39


def test_two_servers_make_a_file_at_once(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: Collections(tmp_path / "new" / "c.sqlite", "demo", "m"), range(4)))
    made[0].create("one")
    assert [each.all()[0].name for each in made] == ["one"] * 4


def test_collections_of_another_corpus_are_read_and_not_changed(kept):
    number = kept.create("coffee").number
    kept.add(number, "a.jpg")
    other = again(kept, "elsewhere")
    assert ids(other, number) == ["a.jpg"]
    sentence = "'coffee' is a collection of demo, not of elsewhere: it can be read here, but not changed."
    for change in (other.delete, lambda at: other.add(at, "b.jpg"), lambda at: other.change(at, "tea")):
        assert refusal(change, number) == sentence
    assert refusal(other.undo) == "There is nothing to undo."


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((" \n",), "The collection has no name"),
        (("x" * 201,), "The name has 201 characters; at most 200 are possible."),
        (("x", None, "n" * 2001), "The note has 2,001 characters"),
        (("x", "two words"), "The topic 'two words' cannot be an id"),
        (("\ud800",), "The text contains half of a character"),
    ],
)
def test_what_cannot_be_a_collection(kept, arguments, sentence):
    assert sentence in refusal(kept.create, *arguments)
    number = kept.create("fine").number
    assert sentence in refusal(kept.change, number, *arguments)
    assert [each.name for each in kept.all()] == ["fine"]


@pytest.mark.parametrize("item", ["", "two words", "x" * 257, "\ud800", "a\0b"])
def test_what_cannot_be_an_item(kept, item):
    number = kept.create("fine").number
    assert "is not the id of an item" in refusal(kept.add, number, item)
    assert "is not in 'fine'" in refusal(kept.remove, number, item.replace("\ud800", "?"))


def test_limits_are_said_when_they_are_reached(kept, monkeypatch):
    monkeypatch.setattr(collections, "MOST_ITEMS", 2)
    monkeypatch.setattr(collections, "MOST_COLLECTIONS", 1)
    number = kept.create("full").number
    kept.add(number, "a.jpg")
    kept.add(number, "b.jpg")
    assert "'full' has 2 items, the most of a collection" in refusal(kept.add, number, "c.jpg")
    assert not kept.add(number, "a.jpg")  # nothing is added, so nothing is wrong
    assert "There are 1 collections, the most that a file keeps" in refusal(kept.create, "one more")
    assert "The address has 9,000 characters" in refusal(kept.add, number, "c.jpg", None, "q" * 9000)


# Files that are not ours, or no longer


def write_other(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE bookmarks (x)")
    other.close()


def write_newer(path: Path) -> None:
    Collections(path, "demo", "m").close()
    with sqlite3.connect(path) as ours:
        ours.execute("PRAGMA user_version = 7")
    ours.close()


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (lambda path: path.write_text("topic_id,query\n"), "is not an SQLite file: name another file"),
        (lambda path: path.write_bytes(b"SQLite format 3\0"), "is a database of another program"),
        (write_other, "is a database of another program: name another file for the collections with --collections."),
        (write_newer, "has version 7 of the format of collections, and this ntcir reads up to 1: update"),
    ],
)
def test_a_file_that_is_not_ours_is_refused_and_not_touched(tmp_path, write, sentence):
    path = tmp_path / "c.sqlite"
    write(path)
    before = path.read_bytes()
    assert sentence in refusal(Collections, path, "demo", "m")
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["c.sqlite"]


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("folder", "/folder cannot be opened: is a directory."),
        ("file/c.sqlite", "/file/c.sqlite cannot be opened: not a directory."),
        ("/proc/c.sqlite", "Cannot write to /proc: no file can be created in /proc."),
        ("/dev/zero", "/dev/zero cannot be opened: it is a device, not a file."),
    ],
)
def test_where_there_can_be_no_file(tmp_path, place, sentence):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    assert sentence in refusal(Collections, tmp_path / place, "demo", "m")


def test_an_empty_file_is_begun(tmp_path):
    (tmp_path / "c.sqlite").touch()
    assert Collections(tmp_path / "c.sqlite", "demo", "m").create("first").number == 1


def test_a_full_disk_changes_nothing(kept):
    number = kept.create("coffee").number
    [pages] = kept._file._connection.execute("PRAGMA page_count").fetchone()
    kept._file._connection.execute(f"PRAGMA max_page_count = {pages}")

    def fill() -> None:
        for at in range(100):
            kept.add(number, f"{at}.jpg", None, "q=" + "x" * 4000)

    assert "collections.sqlite: free some space; nothing was changed." in refusal(fill)
    there = ids(kept, number)
    assert there == ids(again(kept), number)
    assert kept.get(number).count == len(there)
    assert kept.undo().number == number  # the file is whole


def test_a_read_only_file_is_said(kept):
    kept._file._connection.execute("PRAGMA query_only = ON")
    assert "No permission to write" in refusal(kept.create, "x")


def test_a_damaged_file_is_said(kept):
    number = kept.create("coffee").number
    kept.close()
    raw = bytearray(kept._file.path.read_bytes())
    raw[4096:] = b"\xff" * (len(raw) - 4096)
    kept._file.path.write_bytes(raw)
    assert "is damaged: restore it from a copy" in refusal(again(kept).items, number)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_taken_away_is_not_written_to_in_silence(kept, replaced):
    kept._file.path.unlink()
    if replaced:
        write_other(kept._file.path)
    assert "has been removed or replaced while it was open" in refusal(kept.create, "lost")


def test_a_file_that_somebody_else_writes_to_for_long_is_said(kept):
    kept._file._connection.execute("PRAGMA busy_timeout = 20")
    other = sqlite3.connect(kept._file.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert "is being written by another program: try again." in refusal(kept.create, "x")
    assert kept.all() == []  # reading goes on meanwhile
    other.execute("ROLLBACK")
    kept.create("x")
