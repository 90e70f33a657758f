"""The map: which hits are shown and where, what is under them, and a map of the user's own."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from small_index import catalogue as bare
from small_site import SmallRanker, SmallRanking, client

from ntcir.serve import map_points
from ntcir.serve.index.catalogue import Catalogue, Labels
from ntcir.serve.map_points import bounds_of, ground_of, map_of
from ntcir.serve.routes import maps

NAN = (np.nan, np.nan)


def placed(*positions: tuple[float, float], places: list[str] | None = None) -> Catalogue:
    found = replace(bare(np.arange(len(positions))), positions=np.array(positions, dtype=np.float32))
    if places is None:
        return found
    values = sorted(set(places), key=lambda name: -places.count(name))
    codes = np.array([values.index(name) if name else -1 for name in places], dtype=np.int32)
    return replace(found, labels={"semantic_name": Labels(codes, values)})


def line(count: int) -> Catalogue:
    """Items on a line, each third of which has no position."""
    return placed(*(NAN if row % 3 == 2 else (row / 8, row / 4) for row in range(count)))


def test_the_best_hits_with_positions_are_points_with_their_ranks():
    found = map_of(SmallRanking(9, True), line(9), 4)
    assert [point["rank"] for point in found["points"]] == [1, 2, 4, 5]
    assert found["points"][1] == {"id": "item-1", "position": [0.125, 0.25], "rank": 2, "score": 0.5}
    told = {name: found[name] for name in ("shown", "total", "looked", "without_position")}
    assert told == {"shown": 4, "total": 9, "looked": 5, "without_position": 1}
    assert found["bounds"] == {"south": 0, "west": 0, "north": 0.5, "east": 1}


@pytest.mark.parametrize("block", [1, 2, 3, 4, 100])
@pytest.mark.parametrize("most", [1, 3, 6, 100])
def test_the_same_is_found_however_many_hits_are_looked_at_at_once(monkeypatch, block, most):
    whole = map_of(SmallRanking(9, True), line(9), most)
    monkeypatch.setattr(map_points, "_FIRST_BLOCK", block)
    assert map_of(SmallRanking(9, True), line(9), most) == whole
    assert whole["shown"] + whole["without_position"] == whole["looked"]


def test_no_more_hits_are_looked_at_than_makes_sense(monkeypatch):
    monkeypatch.setattr(map_points, "_FIRST_BLOCK", 2)
    monkeypatch.setattr(map_points, "_DEEPEST", 4)
    found = map_of(SmallRanking(90, True), placed(*[NAN] * 90), 5)
    assert (found["shown"], found["looked"], found["without_position"], found["total"]) == (0, 6, 6, 90)
    assert (found["bounds"], found["places"]) == (None, [])


def test_where_nothing_is_asked_points_are_spaced_over_all_of_the_time():
    found = map_of(SmallRanking(9, False), line(9), 3)
    assert [(point["rank"], point["score"]) for point in found["points"]] == [(1, None), (4, None), (8, None)]
    assert (found["looked"], found["without_position"]) == (9, 3)


def test_no_hits_are_an_empty_map():
    found = map_of(SmallRanking(0, True), line(3), 5)
    assert (found["points"], found["total"], found["bounds"]) == ([], 0, None)


def test_places_are_counted_with_the_best_hit_of_each():
    catalogue = placed((0, 0), (1, 1), (1, 1), NAN, (2, 2), places=["Home", "Work", "Work", "Work", ""])
    assert map_of(SmallRanking(5, True), catalogue, 9)["places"] == [
        {"name": "Work", "count": 2, "rank": 2, "id": "item-1"},
        {"name": "Home", "count": 1, "rank": 1, "id": "item-0"},
    ]


@pytest.mark.parametrize(
    ("longitudes", "west", "east"),
    [
        ([10.0], 10, 10),
        ([-5.0, 10.0], -5, 10),
        ([179.0, -179.0], 179, -179),
        ([170.0, -170.0, 175.0, -160.0], 170, -160),
        ([-180.0, 180.0], -180, -180),
        ([-120.0, 0.0, 119.0], -120, 119),
        ([190.0, 170.0], 170, -170),
    ],
)
def test_bounds_go_over_the_date_line_where_that_is_shorter(longitudes, west, east):
    where = np.array([[index, longitude] for index, longitude in enumerate(longitudes)], dtype=np.float64)
    assert bounds_of(where) == {"south": 0, "west": west, "north": len(longitudes) - 1, "east": east}


def test_the_ground_is_where_items_are_with_the_most_of_them_first():
    found = ground_of(placed((53.5, -6.25), (-33.25, 151.5), NAN, (-33.25, 151.5), (-33.25001, 151.5)))
    assert found["cells"] == [[-33.25, 151.5, 3], [53.5, -6.25, 1]]
    assert found["step"] == 1e-4


@pytest.mark.parametrize("most", [1, 2, 5])
def test_the_ground_is_coarser_where_items_were_everywhere(monkeypatch, most):
    monkeypatch.setattr(map_points, "_MOST_CELLS", most)
    found = ground_of(placed(*((0.001 * row, -0.002 * row) for row in range(20))))
    assert len(found["cells"]) <= most
    assert sum(cell[2] for cell in found["cells"]) == 20
    assert found["step"] > 1e-4


def test_names_are_those_of_places_that_lie_together():
    near, far = [(53.5, -6.25)] * 6, [(row, row) for row in range(6)]
    few, unplaced = [(1.0, 1.0)] * 4, [NAN] * 6
    words = ["Home"] * 6 + ["Walking"] * 6 + ["Bar"] * 4 + ["Nowhere"] * 6
    found = ground_of(placed(*near, *far, *few, *unplaced, places=words))
    assert found["names"] == [{"name": "Home", "position": [53.5, -6.25], "count": 6}]


def routed(catalogue: Catalogue, pmtiles: Path | None = None, total: int = 9):
    index = SimpleNamespace(catalogue=catalogue, corpus="toy")
    return client(maps.router(SimpleNamespace(index=index, ranker=SmallRanker(total), pmtiles=pmtiles)))


def test_the_map_is_asked_for_with_the_state_of_the_page():
    page = routed(line(9))
    assert [point["score"] for point in page.get("/map?q=tea&most=2").json()["points"]] == [1.0, 0.5]
    assert page.get("/map/ground").json() == ground_of(line(9))
    assert page.get("/map?most=0").status_code == page.get("/map?most=9999999").status_code == 400
    assert "an area" in page.get("/map?box=1,2").json()["error"]


@pytest.mark.parametrize("address", ["/map", "/map/ground"])
def test_a_corpus_without_positions_has_no_map(address):
    answer = routed(placed(NAN, NAN)).get(address)
    assert (answer.status_code, answer.json()) == (400, {"error": "toy has no positions, so there is no map."})


def archive(folder: Path) -> bytes:
    """Write a map of one tile, as the specification of PMTiles version 3 has it, and return it."""
    directory = bytes([1, 0, 1, 4, 1])  # one entry: its id, run length, length, and offset + 1
    metadata, tile = b"{}", b"tile"
    places, start = [], 127
    for part in (directory, metadata, b"", tile):
        places += [start, len(part)]
        start += len(part)
    header = b"PMTiles\x03" + struct.pack("<11Q", *places, 1, 1, 1) + bytes([1, 1, 1, 2, 0, 0])
    header += struct.pack("<4iB2i", -1_800_000_000, -850_000_000, 1_800_000_000, 850_000_000, 0, 0, 0)
    content = header + directory + metadata + tile
    (folder / "own.pmtiles").write_bytes(content)
    return content


def test_a_map_of_the_users_own_is_sent_by_ranges_of_bytes(tmp_path):
    content = archive(tmp_path)
    assert len(content) == 127 + 11
    page = routed(line(3), tmp_path / "own.pmtiles")
    head = page.get("/map.pmtiles", headers={"Range": "bytes=0-126"})
    assert (head.status_code, head.content) == (206, content[:127])
    assert head.headers["content-range"] == f"bytes 0-126/{len(content)}"
    assert head.headers["content-type"] == "application/vnd.pmtiles"
    tag = {"If-Range": head.headers["etag"]}
    # A browser asks for more than there is of a small one.
    rest = page.get("/map.pmtiles", headers={"Range": "bytes=127-16383"} | tag)
    assert (rest.status_code, rest.content) == (206, content[127:])
    assert page.get("/map.pmtiles").content == content
    changed = page.get("/map.pmtiles", headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert (changed.status_code, changed.content) == (200, content)


@pytest.mark.parametrize(("asked", "status"), [("bytes=999-1010", 416), ("bytes=9-1", 400), ("tiles=0-1", 400)])
def test_a_range_that_there_is_not_is_refused(tmp_path, asked, status):
    archive(tmp_path)
    assert routed(line(3), tmp_path / "own.pmtiles").get("/map.pmtiles", headers={"Range": asked}).status_code == status


def test_there_is_no_map_of_the_users_own_unless_it_was_given_and_is_there(tmp_path):
    assert routed(line(3)).get("/map.pmtiles").status_code == 404
    assert routed(line(3), tmp_path / "own.pmtiles").get("/map.pmtiles").status_code == 404
