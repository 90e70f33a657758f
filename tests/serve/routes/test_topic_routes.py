"""The page of topics over HTTP: its list, its fragments, and what is refused."""

from __future__ import annotations

import html
import re
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from studying import ITEMS, Desk, minute, photo

from ntcir.serve.app import create_app
from ntcir.serve.routes import topics


def client_of(desk: Desk, *runs: Any, ways: frozenset[str] = frozenset({"reading"})) -> TestClient:
    studies = desk.open(*runs) if runs else None
    asker = SimpleNamespace(ways=ways, columns=["heart_rate(bpm)", "movement"])
    site: Any = SimpleNamespace(index=desk.index(), asker=asker, studies=studies, quality=None)
    with pytest.MonkeyPatch.context() as patch:  # other addresses need other parts of a site
        patch.setattr("ntcir.serve.app.ROUTERS", (topics.router,))
        return TestClient(create_app(site, token=None), raise_server_exceptions=False)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path / "desk")


@pytest.fixture
def client(desk):
    return client_of(desk, desk.run_at("one.txt", {0: 14, 1: 1, 2: 2}), desk.run_at("two.txt", {0: 1, 1: 2, 3: 3}))


def fragment(client: TestClient, **query: str) -> str:
    answer = client.get("/topic", params=query, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return answer.text


def test_the_page_has_the_scores_of_both_runs(client):
    page = client.get("/topics").text
    assert "one.txt" in page
    assert "two.txt" in page
    assert page.count('<rect class="bar run-1"') == page.count('<rect class="bar run-2"') == 7
    for figure in ("0.3929", "0.4583", "photograph → reading", "4 topics"):
        assert figure in page, figure
    # One policy for scripts and styles: nothing of the page is inline.
    assert not re.search(r"<script(?![^>]*(src=|application/json))|<style|\sstyle=|\son\w+=", page)


def test_the_list_is_json(client):
    answer = client.get("/topics/rows", params={"sort": "difference"}).json()
    assert (answer["total"], answer["offset"]) == (4, 0)
    first = answer["rows"][0]
    assert first["topic"] == "t0"
    assert first["photo"] == photo(0)
    assert first["ranks"] == ["14", "1"]
    assert first["change"] == pytest.approx(1 - 1 / 14)
    lacking = next(row for row in answer["rows"] if row["topic"] == "t3")
    assert (lacking["ranks"], lacking["ranked"]) == ([None, "3"], [False, True])
    assert lacking["query"].startswith("63")


def test_a_long_list_comes_in_pages(tmp_path):
    desk = Desk(tmp_path, topics=450)
    client = client_of(desk, desk.run("run.txt", {number: [(number, 1.0)] for number in range(450)}))
    answer = client.get("/topics/rows", params={"sort": "id", "offset": 400}).json()
    assert (answer["total"], len(answer["rows"])) == (450, 50)
    around = client.get("/topics/rows", params={"sort": "id", "topic": answer["rows"][7]["topic"]}).json()
    assert around["offset"] == 400
    assert client.get("/topics/rows", params={"topic": "of an old address"}).json()["offset"] == 0
    assert len(client.get("/topics/rows").json()["rows"]) == 200


def test_a_topic_shows_the_query_the_ten_best_and_the_right_one(client):
    text = fragment(client, id="t0", sort="id")
    assert text.count('<li class="answer') == 10 + 1 + 10
    assert text.count('<li class="answer right"') == 2
    assert text.count('class="gap"') == 1
    assert "right at <b>14</b> of 30" in text
    assert "right at <b>1</b> of 30" in text
    assert f'src="/thumb?id={photo(0)}"' in text
    assert f'href="/?like={photo(0)}"' in text
    assert 'data-before="" data-after="t1"' in text
    assert "1 of 4" in text
    assert html.unescape(text).count(minute(0)) >= 2
    lacking = fragment(client, id="t3")
    assert "the run lacks this topic" in lacking
    assert "r.heart_rate%28bpm%29=63" in lacking


def test_topics_follow_each_other_as_they_are_listed(client):
    text = fragment(client, id="t3", sort="id", direction="sen2img")
    assert 'data-before="t1" data-after=""' in text
    assert "2 of 2" in text
    assert 'data-before="" data-after=""' in fragment(client, id="t0", direction="sen2img")


def test_what_a_corpus_or_a_run_says_is_text(desk):
    run = desk.run("<img>.txt", {3: [(4, 1.0)], 2: [(3, 1.0), (2, 0.5)]})
    client = client_of(desk, run)
    for text in (client.get("/topics").text, fragment(client, id="t2"), fragment(client, id="t3")):
        assert "<script>alert" not in text
        assert "<img>.txt" not in text
    assert "&lt;script&gt;alert(1)" in fragment(client, id="t2")


def test_an_item_of_another_corpus_is_an_id(desk):
    run = desk.run("run.txt", {1: [(1, 1.0)]})
    with run.open("a") as file:
        file.write("t1 Q0 ../secret.jpg 2 0.5 run\n")
    text = fragment(client_of(desk, run), id="t1")
    assert "not in this corpus" in text
    assert "id=../secret.jpg" not in text


@pytest.mark.parametrize(
    ("address", "status", "sentence"),
    [
        ("/topic?id=nothing", 400, "There is no topic 'nothing' in the qrels"),
        ("/topics/rows?sort=up", 400, "sort=up is not valid"),
        ("/topics/rows?direction=up", 400, "There is no direction 'up'"),
        ("/topics/rows?offset=-1", 400, "offset is not valid"),
        ("/topic", 400, "id is not valid"),
    ],
)
def test_what_is_not_there_is_one_sentence(client, address, status, sentence):
    answer = client.get(address)
    assert answer.status_code == status
    assert sentence in answer.json()["error"]


@pytest.mark.parametrize("address", ["/topics", "/topics/rows", "/topic?id=t0"])
def test_without_runs_there_is_no_page(desk, address):
    answer = client_of(desk).get(address)
    assert answer.status_code == 404
    assert "--run and --topics" in answer.json()["error"]


def test_one_run_has_no_differences(desk):
    client = client_of(desk, desk.run_at("run.txt", {0: 1, 1: ITEMS}))
    page = client.get("/topics").text
    assert "difference</th>" not in page
    assert "largest gain" not in page
    assert 'class="topics-page runs-1"' in page
    assert client.get("/topics/rows").json()["rows"][0]["change"] is None
    assert "compares two runs" in client.get("/topics/rows?sort=gains").json()["error"]
