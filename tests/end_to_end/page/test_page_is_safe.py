"""The search page shows words as words, takes nothing for a path, and does without what a corpus or a model lacks."""

from __future__ import annotations

import http.client
import json
import struct
import zlib
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from page_driver import Page
from page_sites import HOSTILE, TOKEN
from selenium.webdriver.common.by import By

# Elements that only text of the corpus, taken for HTML, would have made.
_MADE_OF_TEXT = (
    'return document.querySelectorAll(\'img[src="x"], script:not([src]):not([type="application/json"])\').length'
)


def ask(page: Page, path: str, host: str | None = None, token: str = TOKEN) -> tuple[int, str]:
    """Ask the server without a browser; return the status and what it answers."""
    where = urlsplit(page.served.address)
    connection = http.client.HTTPConnection(where.netloc)
    headers = {"Cookie": f"ntcir-{where.port}={token}"} | ({"Host": host} if host else {})
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_words_of_the_corpus_are_text(page: Page) -> None:
    """A place, a caption, a reading that is typed, words that are asked and a collection's name."""
    page.open(**{"label__semantic_name": HOSTILE})
    assert page.total() == "12 photographs"
    assert HOSTILE in page.tile(0).text
    page.tile(0).click()
    assert HOSTILE in page.find("#item-panel .item-caption").text
    assert HOSTILE in page.find("#item-panel .item-readings").text
    page.click("#item-panel [data-action=reading]")
    assert page.right()
    page.click("#collection-tab")
    page.click("#collection-panel button", "New collection")
    page.type("#collection-name", HOSTILE)
    page.click("#collection-dialog button", "Create")
    page.find("#collection-choice", HOSTILE)
    assert page.js(_MADE_OF_TEXT) == 0
    page.open("words", q=HOSTILE)
    assert page.right()
    assert page.find("#found").text == f"48 photographs for “{HOSTILE}”, best first"
    assert page.js(_MADE_OF_TEXT) == 0


def test_an_id_with_signs_of_addresses_leads_to_its_photograph(page: Page) -> None:
    page.open("captioned", like="%3Cb%3Ebold.jpg")  # as the corpus spells the file <b>bold.jpg
    assert page.right()
    assert page.find(".tile[data-index='0'] .foot").text.startswith("%3Cb%3Ebold.jpg")
    page.find(".tile[data-index='0'] img.there")
    page.find(".chip img")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[::1]"])
def test_another_name_is_refused(page: Page, host: str) -> None:
    status, text = ask(page, "/hits", host=host)
    assert status == 403
    assert "20200" not in text


def test_a_wrong_token_is_refused(page: Page) -> None:
    assert ask(page, "/hits", token="wrong")[0] == 403
    assert ask(page, "/words/hits", token="wrong")[0] == 403
    assert ask(page, "/?token=wrong", token="wrong")[0] == 403
    assert ask(page, "/hits")[0] == 200


@pytest.mark.parametrize("route", ["thumb", "picture", "item", "event", "day", "uploaded", "hits"])
def test_a_path_is_no_id(page: Page, route: str) -> None:
    secret = page.site.index.root / "secret.txt"
    secret.write_text("nobody may read this", encoding="utf-8")
    for path in (str(secret), "../../secret.txt", "images/../secret.txt", f"file://{secret}", "secret.txt\0.jpg"):
        key = {"uploaded": "picture", "hits": "like"}.get(route, "id")
        status, text = ask(page, f"/{route}?{key}={quote(path)}")
        assert status in (400, 404)
        assert "nobody may" not in text
        assert list(json.loads(text)) == ["error"]
    assert ask(page, f"/static/{quote('../running.py')}")[0] == 404
    assert ask(page, "/static/..%2frunning.py")[0] == 404


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes that says it has so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def test_a_picture_that_is_none_is_refused_in_a_sentence(page: Page) -> None:
    page.open()
    for data, why in ((bomb(60_000, 60_000), "pixels"), (b"GIF89a" + bytes(30), "not a picture")):
        with page.refusals(400):
            page.transfer("drop", Path("holiday.png"), data, "image/png")
            assert page.find("#complaint", why).text.endswith(".")
    assert page.question() == []
    assert page.total() == "48 photographs"


def test_a_photograph_that_is_gone_has_a_placeholder(page: Page) -> None:
    index = page.served.sites["captioned"].index
    path = index.root / "images" / "last.jpg"
    away = path.rename(path.with_suffix(".away"))
    page.forget()
    try:
        with page.refusals(404):
            page.open("captioned")
            place = page.ids().index("last.jpg")
            assert page.find(f'.tile[data-index="{place}"] .gone').text == "photograph is gone"
            page.tile(place).click()
            page.find("#item-panel .gone", "The photograph is gone.")
            page.act(place, "like")  # its vector is still there
            assert page.right()
            page.find(".chip", "like this")
    finally:
        away.rename(path)


def test_an_id_that_is_not_there_is_a_sentence_and_a_way_out(page: Page) -> None:
    with page.refusals(400, 404):
        page.open(like="nothing.jpg")
        assert "nothing.jpg" in page.find("#complaint").text
        page.click(".empty button", "Clear query")
        page.until(lambda: page.question() == [])
        assert page.total() == "48 photographs"
    assert not page.shows("#complaint")


def test_what_a_model_or_a_corpus_lacks_is_absent(page: Page) -> None:
    page.open()
    assert not page.driver.find_elements(By.CSS_SELECTOR, "input.words")  # a model of photographs and readings
    page.open("words")
    assert page.find("input.words")
    assert not page.driver.find_elements(By.CSS_SELECTOR, "#reading-dialog")
    assert not page.shows("#search button", "reading")
    page.open("captioned")
    page.type("input.words", "a clock\n")
    assert page.right()
    for part in (
        "#map-tab",
        "#map-panel",
        "#day-panel",
        "#group-toggle",
        "#then-button",
        "#filter-from",
        "#topics-link",
    ):
        assert not page.shows(part), part
    page.keys("\ue00c", "g", "d", "m", "[", "t")  # keys of parts that are not there
    assert page.right()
