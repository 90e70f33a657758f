"""What is checked before anything slow."""

from __future__ import annotations

import os
import sqlite3
import struct
from pathlib import Path

import pytest

from ntcir.serve.opening import Wanted, open_site
from ntcir.system.errors import UserError


def archive(data: int = 10) -> bytes:
    """Return a PMTiles archive of four parts."""
    places = (127, 5, 132, 2, 134, 0, 134, data)
    return (b"PMTiles\x03" + struct.pack("<8Q", *places)).ljust(127, b"\0") + bytes(7 + data)


def mbtiles(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE tiles (tile_data BLOB)")
    file.close()


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda path: path.write_bytes(archive()[:-1]), "is truncated: it has 143 bytes of 144 or more"),
        (lambda path: path.write_bytes(archive()[:126]), "is truncated: it has 126 bytes of 127 or more"),
        (lambda path: path.write_bytes(b"PMTiles\x02".ljust(200)), "is not a PMTiles archive of version 3"),
        (lambda path: path.write_bytes(b"\x89PNG"), "is not a PMTiles archive of version 3"),
        (lambda path: path.write_bytes(b""), "is not a PMTiles archive of version 3"),
        (mbtiles, "is an SQLite file, perhaps MBTiles: make PMTiles of it"),
        (os.mkfifo, "it is a named pipe, not a file"),
        (Path.mkdir, "is a directory"),
        (lambda path: None, "cannot be read: no such file"),
    ],
)
def test_a_map_that_cannot_be_shown_is_refused_before_anything_slow(tmp_path, make, expected):
    make(tmp_path / "own.pmtiles")
    with pytest.raises(UserError, match=expected):
        open_site(Wanted(model=tmp_path / "none", pmtiles=tmp_path / "own.pmtiles"))


def test_a_whole_map_is_not_what_is_wrong(tmp_path):
    (tmp_path / "own.pmtiles").write_bytes(archive())
    with pytest.raises(UserError, match="no trained model"):
        open_site(Wanted(model=tmp_path / "none", pmtiles=tmp_path / "own.pmtiles"))
