"""What surrounds every route: requests without an end, and mistakes of the program."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from ntcir.serve import app as application
from ntcir.serve import middleware
from ntcir.serve.guard import HEADERS

CHANGES = {"X-Requested-With": "ntcir"}


class Named(BaseModel):
    name: str


def routes(site) -> APIRouter:
    found = APIRouter()

    @found.get("/broken")
    def broken() -> None:
        raise RuntimeError(f"cannot read {site.model}")

    @found.get("/half")
    def half() -> StreamingResponse:
        def pieces():
            yield b"half"
            raise RuntimeError("the other half")

        return StreamingResponse(pieces())

    @found.get("/left")
    def left() -> None:
        raise ClientDisconnect

    @found.post("/named")
    def named(called: Named) -> dict[str, str]:
        return {"name": called.name}

    @found.post("/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    return found


@pytest.fixture
def page(monkeypatch) -> TestClient:
    monkeypatch.setattr(application, "ROUTERS", (routes,))
    site = SimpleNamespace(quality=None, model="/home/somebody/model")
    return TestClient(application.create_app(site, token=None), raise_server_exceptions=False, headers=CHANGES)


def test_what_nobody_foresaw_is_one_sentence_here_and_a_traceback_there(page, capsys):
    for _ in range(3):
        answer = page.get("/broken?q=private")
        assert answer.status_code == 500
        assert "mistake in the program" in answer.json()["error"]
        assert "somebody" not in answer.text
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    said = capsys.readouterr().err
    assert said.count("RuntimeError: cannot read") == 1
    assert "/broken" in said
    assert "private" not in said


def test_a_fragment_of_the_page_tells_it_as_a_fragment(page):
    answer = page.get("/broken", headers={"HX-Request": "true"})
    assert answer.text.startswith('<p class="error" role="alert">')


def test_half_an_answer_is_broken_off_and_told(page, capsys):
    page.get("/half")
    assert "the other half" in capsys.readouterr().err


def test_who_leaves_in_the_middle_of_a_request_is_no_mistake_of_the_program(page, capsys):
    page.get("/left")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("address", ["/named", "/raw"])
def test_a_body_has_an_end(page, monkeypatch, address):
    monkeypatch.setattr(middleware, "MOST_BODY", 1_000_000)
    answer = page.post(address, content=b"x" * 1_000_001, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.json() == {"error": "The request has more than 1 megabytes."}
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000, b"", b"\x1f\x8b", b'{"name": ' + b"1" * 5_000 + b"}"])
def test_what_is_not_json_is_refused_in_a_sentence(page, body):
    answer = page.post("/named", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    sentence = answer.json()["error"]
    assert sentence == ("The request is not valid JSON." if body else "The request is not valid: Field required.")


@pytest.mark.parametrize(("method", "address"), [("POST", "/broken"), ("GET", "/named"), ("HEAD", "/broken")])
def test_a_method_that_an_address_does_not_have_is_refused(page, method, address):
    answer = page.request(method, address)
    assert answer.status_code == 405
    assert answer.headers["allow"]
    if method != "HEAD":
        assert answer.json()["error"].startswith("This address cannot be asked in this way")
