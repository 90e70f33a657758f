"""The page and an item's fragment: what is there, what is absent, and that nothing of a corpus is ever HTML."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from types import SimpleNamespace

import numpy as np
import pytest
from fastapi.testclient import TestClient
from small_site import IDS, small_catalogue

from ntcir.serve.app import create_app
from ntcir.serve.index.catalogue import UNKNOWN

SCRIPT = "</script><script>alert(1)</script>"


def client(catalogue=None, **changes) -> TestClient:
    catalogue = catalogue or replace(
        small_catalogue(), numbers={"heart_rate(bpm)": np.float32([72.5, np.nan, 1, 2, 3])}
    )
    index = SimpleNamespace(
        catalogue=catalogue, corpus=SCRIPT, remarks=(SCRIPT,), facets={"labels": {SCRIPT: []}}, columns={}
    )
    site = SimpleNamespace(
        index=index,
        asker=SimpleNamespace(ways=frozenset({"reading"}), columns=("heart_rate(bpm)", "place", "steps")),
        model=SimpleNamespace(name="best"),
        quality=None,
        collections=None,
        studies=None,
        pmtiles=None,
    )
    vars(site).update(changes)
    return TestClient(create_app(site, token=None))


def told(page: str) -> dict:
    found = re.search(r'<script type="application/json" id="site">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_the_page_has_a_place_for_every_part():
    page = client().get("/").text
    for name in ("top", "search", "filters", "results", "map-panel", "day-panel", "item-panel", "collection-panel"):
        assert page.count(f'id="{name}"') == 1
    assert "5 photographs" in page


def test_scripts_are_kept_by_the_browser_as_long_as_they_are_the_same():
    first = client().get("/static/js/core.js")
    assert first.headers["cache-control"] == "no-cache"
    again = client().get("/static/js/core.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["cache-control"]) == (304, b"", "no-cache")
    assert client().get("/").headers["cache-control"] == "no-store"


def test_names_of_a_corpus_are_text():
    page = client().get("/").text
    assert "<script>alert" not in page
    assert told(page)["corpus"] == SCRIPT
    assert not re.search(r"<script(?![^>]*(src=|application/json))|<style|\sstyle=|\son\w+=", page)


@pytest.mark.parametrize(
    ("changes", "absent"),
    [({"times": np.full(5, UNKNOWN)}, "day"), ({"positions": np.full((5, 2), np.nan, np.float32)}, "map")],
)
def test_parts_that_a_corpus_has_nothing_for_are_absent(changes, absent):
    page = client(replace(small_catalogue(), **changes)).get("/").text
    assert re.search(rf'id="{absent}-panel"[^>]* hidden', page)
    assert f'data-view="{absent}"' not in page
    assert f'id="{absent}-tab"' not in page


def test_an_item_is_told_in_full():
    text = client().get("/item", params={"id": IDS[0]}).text
    assert "Mon 2020-03-16" in text
    assert "17:50:48" in text
    assert "53.25000, -6.12500" in text
    # As the filters and the charts spell it, with the column's own name beside it.
    assert re.search(r'<th[^>]* title="heart_rate\(bpm\)">heart rate \(bpm\)</th><td>72.5</td>', text)


def test_one_asks_by_those_readings_of_an_item_that_the_model_uses():
    with client() as page:
        reading = re.search(r'data-reading="([^"]*)"', page.get("/item", params={"id": IDS[0]}).text)
        assert reading
        assert json.loads(unescape(reading[1])) == {"heart_rate(bpm)": "72.5", "place": "Café"}
        assert "Ask by reading" in page.get("/item", params={"id": IDS[0]}).text
    with client(small_catalogue()) as page:
        assert "Ask by reading" not in page.get("/item", params={"id": "untimed.jpg"}).text


def test_a_reading_is_never_html():
    text = client().get("/item", params={"id": "@sum.jpg"}).text
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


@pytest.mark.parametrize("name", ["nothing.jpg", "<b>", "../../etc/passwd"])
def test_an_item_that_is_not_there_is_a_sentence_where_the_item_would_be(name):
    answer = client().get("/item", params={"id": name}, headers={"HX-Request": "true"})
    assert answer.status_code == 400
    assert answer.text.startswith('<p class="error" role="alert">There is no ')
    assert "<b>" not in answer.text
