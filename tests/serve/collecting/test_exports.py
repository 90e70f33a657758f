"""Hits and collections as files: read back by our own readers, cut where the task says so, safe in a spreadsheet."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from helpers import refusal
from small_site import IDS, PLACES, SmallSite, Texts, client, small_catalogue

from ntcir.formats.lifelog_run import LifelogRun, format_run
from ntcir.formats.matching import read_run
from ntcir.formats.runs import check_run
from ntcir.serve.routes import exports

RUN = "topic=KIS26001&run_id=r1&group_id=DCU"


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    return SmallSite(tmp_path)


@pytest.fixture
def page(site: SmallSite) -> TestClient:
    return client(exports.router(site))


def saved(page: TestClient, folder: Path, query: str) -> Path:
    done = page.get(f"/export?{query}")
    assert done.status_code == 200, done.text
    name = done.headers["content-disposition"].removeprefix('attachment; filename="').removesuffix('"')
    assert name.isascii()
    assert set(name.lower()) <= set("abcdefghijklmnopqrstuvwxyz0123456789-._")
    (folder / name).write_bytes(done.content)
    return folder / name


def refused(page: TestClient, query: str) -> str:
    done = page.get(f"/export?{query}")
    assert done.status_code == 400, done.text
    return done.json()["error"]


@pytest.mark.parametrize(("layout", "name"), [("trec", "ntcir-KIS26001.txt"), ("ntcir19", "ntcir-KIS26001.csv")])
def test_hits_are_read_back_as_a_run(page, site, tmp_path, layout, name):
    path = saved(page, tmp_path, f"q=tea&group=event&{RUN}&format={layout}&k=3")
    assert path.name == name
    assert site.ranker.asked.grouped  # what the state calls group is not the GROUP-ID
    run = read_run(path)
    check_run(run)
    assert (run.topics, run.tags) == (["KIS26001"], ["r1"])
    scores = (1 / np.arange(1, 4)).astype(np.float32)
    assert run.ranking("KIS26001") == [(item, pytest.approx(float(s))) for item, s in zip(IDS, scores, strict=False)]
    assert [np.float32(score) for _, score in run.ranking("KIS26001")] == scores.tolist()
    assert isinstance(run, LifelogRun) == (layout == "ntcir19")
    assert page.get(f"/export?q=tea&{RUN}&format={layout}&k=3").headers["x-remark"].startswith("Of 5, the first 3 are")


@pytest.mark.parametrize("layout", ["trec", "ntcir19"])
def test_a_collection_without_comparable_scores_keeps_its_order(page, site, tmp_path, layout):
    number = site.collections.create("coffee", "AD26001").number
    site.collections.add(number, IDS[0], 0.25, "q=tea")
    site.collections.add(number, IDS[1], 0.75, "q=coffee")
    query = f"of=collection&collection={number}&format={layout}"
    run = read_run(saved(page, tmp_path, query))  # the topic is the collection's
    assert run.ranking("AD26001") == [(IDS[0], 2.0), (IDS[1], 1.0)]
    assert "the order is written as 2, ... 2, 1." in page.get(f"/export?{query}").headers["x-remark"]


def test_a_collection_of_one_query_keeps_its_scores(page, site, tmp_path):
    number = site.collections.create("../<script>é\n").number
    for item, score in zip(IDS, (0.25, 0.75, 0.5), strict=False):
        site.collections.add(number, item, score, f"q=tea&floor={score}")  # the same query, narrowed down
    query = f"of=collection&collection={number}"
    path = saved(page, tmp_path, f"{query}&format=trec&topic=t1")
    assert read_run(path).ranking("t1") == [(IDS[1], 0.75), (IDS[2], 0.5), (IDS[0], 0.25)]
    assert "x-remark" not in page.get(f"/export?{query}&format=trec&topic=t1").headers
    assert saved(page, tmp_path, f"{query}&format=csv").name == "ntcir-script.csv"


def test_more_than_the_task_takes_is_cut_and_said(site, tmp_path):
    catalogue = small_catalogue()
    many = Texts(f"{at}.jpg" for at in range(101))
    site.index.catalogue = replace(catalogue, ids=many, times=np.zeros(101, np.int64))
    site.ranker.total = 101
    page = client(exports.router(site))
    done = page.get(f"/export?q=tea&{RUN}&format=ntcir19&k=500")
    assert done.headers["x-remark"] == (
        "Of 101, the first 100 are exported, as many as NTCIR-19 Lifelog takes of a topic (100)."
    )
    assert len(done.text.splitlines()) == 101
    done = page.get(f"/export?q=tea&{RUN}&format=ntcir19&k=3")  # as many as were asked for
    assert done.headers["x-remark"] == "Of 101, the first 3 are exported."
    number = site.collections.create("many", "AD26001").number
    for item in many:
        site.collections.add(number, item)
    done = page.get(f"/export?of=collection&collection={number}&format=ntcir19")
    assert "Of 101, the first 100 are exported" in done.headers["x-remark"]
    assert done.text.splitlines()[1] == "ORG,ntcir,AD26001,0.jpg,100"
    assert len(page.get(f"/export?of=collection&collection={number}&format=trec").text.splitlines()) == 101


def test_a_table_has_no_cell_that_a_spreadsheet_would_work_out(page, tmp_path):
    path = saved(page, tmp_path, "q=tea&format=csv")
    header, *rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8")))
    assert header == ["rank", "id", "score", "time", "local_time", "latitude", "longitude", "place"]
    assert rows[0] == [
        "1", IDS[0], "1", "2020-03-16T16:50:48Z", "2020-03-16T17:50:48", "53.25", "-6.125", "Café"
    ]  # fmt: skip
    assert [row[1] for row in rows] == [*IDS[:2], "'=1+1.jpg", "'@sum.jpg", IDS[4]]
    assert [row[-1].removeprefix("'") for row in rows] == [*PLACES, ""]
    assert rows[2][-1] == "'-2+3"
    assert rows[3][3:7] == ["1969-12-31T23:59:59Z", "1969-12-31T18:59:59", "-33.5", "151.25"]
    assert rows[4][2:] == ["0.200000003", "", "", "", "", ""]
    with_words = [cell for row in rows for cell in (row[1], row[-1])]
    assert not [cell for cell in with_words if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]


def test_nothing_asked_is_exported_in_its_order(page, tmp_path):
    rows = list(csv.reader(io.StringIO(saved(page, tmp_path, "format=csv").read_text(encoding="utf-8"))))
    assert [row[2] for row in rows[1:]] == [""] * 5
    assert read_run(saved(page, tmp_path, f"{RUN}&format=trec")).ranking("KIS26001")[0] == (IDS[0], 5.0)


def test_photographs_that_are_gone_stay_in_a_table(page, site):
    number = site.collections.create("old").number
    site.collections.add(number, "gone.jpg")
    done = page.get(f"/export?of=collection&collection={number}&format=csv")
    assert done.headers["x-remark"] == "1 photograph is no longer in the corpus."
    assert done.text.splitlines()[1] == "1,gone.jpg,,,,,,"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("q=tea", "format= is not valid: it must be one of trec, ntcir19, csv."),
        ("q=tea&format=pdf", "format=pdf is not valid"),
        ("q=tea&format=trec", "A run needs the id of its topic"),
        ("q=tea&format=trec&topic=two words", "'two words' cannot be an id or a tag"),
        ("q=tea&format=trec&topic=t&run_id=a b", "'a b' cannot be an id or a tag"),
        ("q=tea&format=ntcir19&topic=t&group_id=D/U", "The GROUP-ID 'D/U' is not valid"),
        ("q=tea&format=ntcir19&topic=t&run_id=é", "The RUN-ID 'é' is not valid"),
        ("q=tea&format=csv&k=0", "k=0 is not valid: it must be a whole number from 1 to 100,000."),
        ("q=tea&format=ntcir19&topic=t&k=many", "k=many is not valid: it must be a whole number from 1 to 100."),
        ("of=all&format=csv", "of=all is not valid"),
        ("of=collection&format=csv", "collection= is not valid"),
        ("of=collection&collection=1&format=csv", "There is no collection 1"),
        ("q=tea&floor=high&format=csv", "floor=high is not valid"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(page, query, said):
    assert said in refused(page, query)


def test_an_empty_list_is_a_table_and_no_run(page, site):
    site.ranker.total = 0
    assert page.get("/export?q=tea&format=csv").text.count("\n") == 1
    assert "There is nothing to export" in refused(page, f"q=tea&format=trec&{RUN}")


@pytest.mark.parametrize(
    ("rankings", "said"),
    [
        ([("t", [f"{at}.jpg" for at in range(101)], np.arange(101.0))], "Topic t has 101 photographs, but NTCIR-19"),
        ([("t", ["a"], np.ones(1)), ("t", ["b"], np.ones(1))], "Topic t is ranked twice"),
        ([("t", ["a", "b"], np.array([1, np.nan]))], "Topic t has a NaN or infinite score, for b."),
        ([("t", ["a", "a"], np.ones(2))], "Topic t ranks 1 documents more than once."),
        ([("t", ["a b"], np.ones(1))], "'a b' cannot be an id"),
    ],
)
def test_what_cannot_be_a_run_of_the_task(rankings, said):
    assert said in refusal(format_run, "DCU", "r1", rankings)
