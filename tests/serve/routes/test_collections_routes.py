"""Collections over HTTP: what is listed, changed and undone, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from small_site import IDS, SmallSite, Texts, client, small_catalogue

from ntcir.serve.hits import one
from ntcir.serve.routes import collections

SCRIPT = "<script>alert('x')</script>"


@pytest.fixture
def page(tmp_path: Path) -> TestClient:
    return client(collections.router(SmallSite(tmp_path)))


def test_a_collection_is_made_filled_read_and_taken_back(page):
    made = page.post("/collections", json={"name": SCRIPT, "topic": "KIS26001"}).json()
    place = f"/collections/{made['number']}"
    assert (made["name"], made["topic"], made["count"], made["here"]) == (SCRIPT, "KIS26001", 0, True)
    added = page.post(f"{place}/items", json={"id": IDS[1], "score": 0.5, "address": "?q=tea&min.x=1.0"}).json()
    assert (added["added"], added["count"]) == (True, 1)
    assert page.post(f"{place}/items", json={"id": IDS[1]}).json()["added"] is False
    page.post(f"{place}/items", json={"id": IDS[4]})
    first, second = page.get(place).json()["items"]
    assert (first["id"], first["rank"], first["score"], first["gone"]) == (IDS[1], 1, 0.5, False)
    assert first["address"] == "q=tea&min.x=1"  # as the page writes it
    assert (first["day"], first["clock"], first["weekday"]) == ("2020-03-16", "17:51:20", "Mon")
    assert (first["position"], first["event"]) == ([53.0, -6.0], 0)
    assert first["labels"] == {"place": '=HYPERLINK("http://x","y")'}
    assert (second["day"], second["position"], second["labels"]) == (None, None, {})
    assert page.post(f"{place}/remove", json={"id": IDS[1]}).json()["count"] == 1
    assert page.post(f"{place}/rename", json={"name": "tea"}).json()["topic"] is None
    assert page.post(f"{place}/delete").json() == {"deleted": made["number"]}
    assert page.get("/collections").json() == {"collections": []}
    words = [page.post("/collections/undo").json()["undone"] for _ in range(3)]
    assert words == [
        "'tea' is back, with 1 item",
        f"'tea' is '{SCRIPT}' again",
        f"put {IDS[1]} back into '{SCRIPT}'",
    ]
    assert [each["count"] for each in page.get("/collections").json()["collections"]] == [2]


def test_what_the_corpus_no_longer_has_is_told_as_gone(tmp_path):
    site = SmallSite(tmp_path)
    number = site.collections.create("old").number
    site.collections.add(number, IDS[0])
    site.index.catalogue = replace(small_catalogue(), ids=Texts(["x"] * 5))
    [item] = client(collections.router(site)).get(f"/collections/{number}").json()["items"]
    there = one(site.index.catalogue, 0)
    assert set(item) == {*there, "rank", "score", "address", "added", "gone"}  # as of any other
    assert (item["id"], item["gone"], item["day"], item["labels"]) == (IDS[0], True, None, {})


@pytest.mark.parametrize(
    ("place", "body", "said"),
    [
        ("/collections", {"name": " "}, "The collection has no name"),
        ("/collections", {"name": "x", "topic": "a b"}, "cannot be an id"),
        ("/collections/1/items", {"id": "../../etc/passwd"}, "../../etc/passwd is not in this corpus"),
        ("/collections/1/items", {"id": IDS[0], "address": "floor=x"}, "floor=x is not valid"),
        ("/collections/1/items", {"id": IDS[0], "address": "a=1&" * 2000}, "it has more than 1000 fields"),
        ("/collections/1/remove", {"id": "nothing.jpg"}, "nothing.jpg is not in 'first'"),
        ("/collections/7/items", {"id": IDS[0]}, "There is no collection 7"),
        ("/collections/7/delete", {}, "There is no collection 7"),
    ],
)
def test_what_is_refused_is_one_sentence(page, place, body, said):
    page.post("/collections", json={"name": "first"})
    done = page.post(place, json=body)
    assert done.status_code == 400
    assert said in done.json()["error"]
    assert page.get("/collections/1").json()["items"] == []


@pytest.mark.parametrize(
    ("place", "body"),
    [
        ("/collections", {"name": "x" * 100_000}),
        ("/collections", {"name": 3}),
        ("/collections", {"name": "x", "corpus": "other"}),
        ("/collections/1/items", {"id": IDS[0], "score": "NaN"}),
        ("/collections/1/items", {}),
        ("/collections/0/delete", {}),
        (f"/collections/{2**70}/delete", {}),
        ("/collections/one/delete", {}),
    ],
)
def test_what_is_not_such_a_request_is_refused(page, place, body):
    answer = page.post(place, json=body)
    assert answer.status_code == 400
    assert " is not valid: " in answer.json()["error"]
