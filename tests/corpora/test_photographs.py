"""Names in a table that are not quite those of the files: found where one file only can be meant."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from ntcir.corpora import photographs
from ntcir.corpora.photographs import BLANKS, CASE, CUT, ENDING, OUTSIDE, PREFIX, UNICODE, WINDOWS, find_photographs

CAFE = unicodedata.normalize("NFC", "café.jpg")


def folder_of(tmp_path: Path, *files: str) -> Path:
    folder = tmp_path / "images"
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(b"")
    return folder


@pytest.mark.parametrize(
    ("name", "file", "repairs"),
    [
        ("sub/a.jpg", "sub/a.jpg", set()),
        ("./sub/a.jpg", "./sub/a.jpg", set()),  # found as it is written
        ("images/sub/a.jpg", "sub/a.jpg", {PREFIX}),
        ("./images/b.jpg", "b.jpg", {PREFIX}),
        ("IMAGES/b.jpg", "b.jpg", {PREFIX}),
        ("sub\\a.jpg", "sub/a.jpg", {WINDOWS}),
        (".\\images\\sub\\a.jpg", "sub/a.jpg", {WINDOWS, PREFIX}),
        ("C:\\Users\\me\\images\\sub\\a.jpg", "sub/a.jpg", {WINDOWS, PREFIX}),
        ("\\\\server\\share\\images\\b.jpg", "b.jpg", {WINDOWS, PREFIX}),
        ("C:\\DCIM\\b.jpg", "b.jpg", {WINDOWS, CUT}),
        ("C:\\images\\DCIM\\b.jpg", "b.jpg", {WINDOWS, CUT}),
        ("D:/photos/sub/a.jpg", "sub/a.jpg", {CUT}),
        ("/home/me/photos/sub/a.jpg", "sub/a.jpg", {CUT}),
        ("/home/me/images/b.jpg", "b.jpg", {PREFIX}),
        (" b.jpg ", "b.jpg", {BLANKS}),
        ("B.JPG", "b.jpg", {CASE}),
        ("images\\SUB\\A.jpg", "sub/a.jpg", {WINDOWS, PREFIX, CASE}),
        (unicodedata.normalize("NFD", CAFE), CAFE, {UNICODE}),
        ("b", "b.jpg", {ENDING}),
        ("SUB/A", "sub/a.jpg", {ENDING}),
    ],
)
def test_a_name_means_the_one_file_it_can_mean(tmp_path, name, file, repairs):
    folder = folder_of(tmp_path, "sub/a.jpg", "b.jpg", "b.json", CAFE)
    found = find_photographs(folder, [name])
    assert found.files == [file]
    assert found.repairs == {repair: [0] for repair in repairs}
    assert found.problems == {}


@pytest.mark.parametrize(
    "name",
    ["a.jpg", "day2/a.jpg", "x" * 300 + ".jpg", "x\0y.jpg", "images", ".", "..", "\\", "images/../../secret.jpg",
     "..\\secret.jpg", "C:\\..\\secret.jpg", "b.jpg/a.jpg", "readings", "a" * 5000, "/", "C:"],
)  # fmt: skip
def test_a_name_of_nothing_is_one_row_s_problem(tmp_path, name):
    folder = folder_of(tmp_path, "day1/a.jpg", "b.jpg", "readings.csv")
    (tmp_path / "secret.jpg").write_bytes(b"")
    found = find_photographs(folder, [name, "b.jpg"])
    assert found.files == [None, "b.jpg"]
    assert found.problems == {"photograph is listed but not on disk (looked for under images/)": [0]}


@pytest.mark.parametrize("name", ["A.jpg", "a", "images/A.JPG"])
def test_a_name_of_several_files_is_none_of_them(tmp_path, name):
    folder = folder_of(tmp_path, "a.jpg", "a.JPG")
    found = find_photographs(folder, [name])
    assert found.files == [None]
    assert found.problems == {"file name matches several files that differ only in case or extension": [0]}


def test_paths_of_different_folders_are_not_taken_for_one_photograph(tmp_path):
    folder = folder_of(tmp_path, "a.jpg", "b.jpg")
    found = find_photographs(folder, ["C:\\day1\\a.jpg", "C:\\day2\\a.jpg", "C:\\day1\\b.jpg"])
    assert found.files == [None, None, "b.jpg"]
    assert found.problems == {"file is the same as another path's once their folders are removed": [0, 1]}
    assert found.repairs == {WINDOWS: [2], CUT: [2]}


def test_what_was_found_as_written_is_found_so(tmp_path):
    folder = folder_of(tmp_path, "a.jpg", "day/b.jpg")
    names = ["./a.jpg", "day/../a.jpg", str(folder / "a.jpg"), str(folder / "day" / ".." / "a.jpg"), "../images/a.jpg"]
    assert find_photographs(folder, names).files == names


def test_a_name_leads_out_of_the_folder_only_where_that_is_allowed(tmp_path):
    folder = folder_of(tmp_path, "a.jpg")
    (tmp_path / "far" / "day").mkdir(parents=True)
    (folder / "day").symlink_to(tmp_path / "far" / "day")
    (folder / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    for place in (tmp_path, tmp_path / "far", tmp_path / "far" / "day"):
        (place / "outside.jpg").write_bytes(b"")
    inside = ["a.jpg", "day/outside.jpg", "link.jpg", str(folder / "day" / "outside.jpg")]
    leaving = [
        "../outside.jpg", "day/../../outside.jpg", "day/../outside.jpg", str(tmp_path / "outside.jpg"),
        str(folder / ".." / "outside.jpg"),
    ]  # fmt: skip
    found = find_photographs(folder, [*inside, *leaving])
    assert found.files == [*inside, *[None] * 5]
    assert found.problems == {OUTSIDE: [4, 5, 6, 7, 8]}
    assert find_photographs(folder, [*inside, *leaving], outside=True).files == [*inside, *leaving]


def test_the_folder_is_looked_through_only_for_names_that_are_not_there(tmp_path, monkeypatch):
    folder = folder_of(tmp_path, "a.jpg")
    monkeypatch.setattr(photographs, "files_under", lambda folder: pytest.fail("not needed"))
    assert find_photographs(folder, ["a.jpg"]).files == ["a.jpg"]


def test_links_to_folders_are_followed_and_circles_end(tmp_path):
    elsewhere = tmp_path / "disk2"
    elsewhere.mkdir()
    (elsewhere / "a.jpg").write_bytes(b"")
    folder = folder_of(tmp_path, "b.jpg")
    (folder / "day").symlink_to(elsewhere)
    (folder / "again").symlink_to(folder)
    assert find_photographs(folder, ["DAY/A.JPG", "B.jpg"]).files == ["day/a.jpg", "b.jpg"]


def test_without_a_folder_nothing_is_found(tmp_path):
    assert find_photographs(tmp_path / "images", ["a.jpg"]).files == [None]


def test_what_is_read_of_an_absolute_path_does_not_depend_on_what_else_is_on_the_machine(tmp_path):
    folder = folder_of(tmp_path, "a.jpg")
    name = str(tmp_path / "photos" / "a.jpg")
    before = find_photographs(folder, [name])
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"")
    assert before == find_photographs(folder, [name])
    assert before.files == ["a.jpg"]
    assert find_photographs(folder, [name], outside=True).files == [name]
