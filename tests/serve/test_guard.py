"""Who may ask the page, and what browsers are told."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from ntcir.serve.guard import HEADERS, Guard

TOKEN = "a-token"
CHANGES = {"X-Requested-With": "ntcir"}


def guarded(token: str | None = TOKEN, hosts=("localhost", "127.0.0.1", "[::1]")) -> Guard:
    async def answer(request):
        return PlainTextResponse(f"hello {request.query_params.get('q', '')}")

    routes = [Route("/", answer, methods=["GET", "POST"]), Route("/deep/er", answer)]
    return Guard(Starlette(routes=routes), token, hosts)


def client(app=None, base="http://127.0.0.1:8000", **kwargs) -> TestClient:
    return TestClient(app or guarded(), base_url=base, **kwargs)


def test_the_token_becomes_a_cookie_and_leaves_the_address():
    with client() as one:
        first = one.get(f"/?q=cup&token={TOKEN}", follow_redirects=False)
        assert first.status_code == 303
        assert first.headers["location"] == "/?q=cup"
        cookie = first.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert one.get("/?q=cup").text == "hello cup"


@pytest.mark.parametrize("token", [TOKEN, "an-old-one"])
def test_the_token_leaves_the_address_of_somebody_who_has_the_cookie(token):
    with client() as one:
        one.get(f"/?token={TOKEN}")
        again = one.get(f"/?q=cup&token={token}&at=1", follow_redirects=False)
        assert again.status_code == 303
        assert again.headers["location"] == "/?q=cup&at=1"
        assert one.post(f"/?token={token}", headers=CHANGES).status_code == 200


@pytest.mark.parametrize("address", ["/", "/?token=", "/?token=wrong", f"/?token={TOKEN}x", f"/?Token={TOKEN}"])
def test_without_the_token_nothing_is_shown(address):
    with client() as one:
        answer = one.get(address)
        assert answer.status_code == 403
        assert answer.json() == {"error": "The token is missing or wrong: use the address that was printed."}


def test_a_cookie_that_is_wrong_or_no_cookie_is_refused():
    with client() as one:
        for cookie in ("ntcir-80=wrong", "ntcir-80", "=;;\x7f=", "ntcir-80=" + "x" * 5000):
            assert one.get("/", headers={"Cookie": cookie}).status_code == 403


@pytest.mark.parametrize("other", ['theme={"dark":[1, 2]}', "a b=c", "=;;\x7f=", "alone", 'quoted="'])
def test_cookies_of_other_pages_of_the_machine_do_not_matter(other):
    with client() as one:
        one.get(f"/?token={TOKEN}")
        own = "; ".join(f"{name}={value}" for name, value in one.cookies.items())
        one.cookies.clear()
        assert one.get("/", headers={"Cookie": f"{other}; {own}"}).status_code == 200


def test_a_redirect_stays_on_the_page():
    with client() as one:
        location = one.get(f"//evil.example/?token={TOKEN}", follow_redirects=False).headers["location"]
        assert not location.startswith("//")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil",
        "",
        "[::2]",
        "127.0.0.2",
        "127.0.0.1:80@evil.example",
        "127.0.0.1:evil",
        "[::1]evil",
        "[::1",
        "localhost/",
    ],
)
def test_another_host_is_refused_with_the_right_token_too(host):
    with client() as one:
        answer = one.get(f"/?token={TOKEN}", headers={"Host": host}, follow_redirects=False)
        assert answer.status_code == 403
        assert "is not called" in answer.json()["error"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000"])
def test_its_own_names_are_let_through(host):
    with client() as one:
        assert one.get(f"/?token={TOKEN}", headers={"Host": host}, follow_redirects=False).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {},
        CHANGES | {"Origin": "http://evil.example"},
        CHANGES | {"Origin": "null"},
        CHANGES | {"Sec-Fetch-Site": "cross-site"},
        CHANGES | {"Sec-Fetch-Site": "same-site"},
        {"X-Requested-With": "XMLHttpRequest"},
    ],
)
def test_another_page_changes_nothing(headers):
    with client() as one:
        one.get(f"/?token={TOKEN}")
        assert one.post("/", headers=headers).status_code == 403


def test_the_page_itself_may_change_something():
    with client() as one:
        one.get(f"/?token={TOKEN}")
        headers = CHANGES | {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
        assert one.post("/", headers=headers).status_code == 200


def test_a_post_with_the_token_in_its_address_is_no_way_in():
    with client() as one:
        assert one.post(f"/?token={TOKEN}", headers=CHANGES).status_code == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
def test_other_methods_are_unknown(method):
    with client() as one:
        answer = one.request(method, f"/?token={TOKEN}", headers={"Origin": "http://evil.example"})
        assert answer.status_code == 405
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("address", ["/", f"/?token={TOKEN}", "/not-there"])
def test_every_answer_tells_the_browser_to_load_nothing_from_elsewhere(address):
    with client() as one:
        for answer in (one.get(address, follow_redirects=False), one.get(address)):
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS
            assert answer.headers["cache-control"] == "no-store"
            assert "unsafe" not in answer.headers["content-security-policy"]
            assert "*" not in answer.headers["content-security-policy"]


def test_mounted_elsewhere_the_address_and_the_cookie_keep_the_place():
    app = Starlette(routes=[Mount("/photos", app=guarded())])
    with client(app) as one:
        first = one.get(f"/photos/deep/er?token={TOKEN}&q=1", follow_redirects=False)
        assert first.headers["location"] == "/photos/deep/er?q=1"
        assert "path=/photos" in first.headers["set-cookie"].lower()
        assert one.get("/photos/deep/er?q=1").text == "hello 1"


def test_who_mounts_it_may_ask_for_a_login_instead():
    with client(guarded(token=None, hosts=()), base="http://search.example") as one:
        assert one.get("/?q=cup").text == "hello cup"
        assert one.post("/").status_code == 403
