"""What a search has found, as a page, a contact sheet, lines and JSON; ids, captions and names are other people's."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ntcir.modalities import direction
from ntcir.report.contact_sheet import MOST, draw_sheet
from ntcir.report.search_page import page_of
from ntcir.report.searches import FILES, as_json, as_lines, write_search
from ntcir.retrieval.searching import Findings, Hit

HOSTILE = [
    "</p><script>alert(1)</script>",
    '" onerror="alert(1)',
    "<img src=http://example.org/x.png>",
    "&lt;b&gt; & <b>",
    "a\u202eb\x1b[2J",
    "\ud800 half",
    "{title} {0} {",
    "$x_1$ 猫 مرحبا",
]


@pytest.fixture
def picture(tmp_path) -> str:
    path = tmp_path / "<i>&.png"
    pixels = np.random.default_rng(0).integers(0, 255, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((800, 600)).save(path)
    return str(path)


def findings(way: str, query: Any, hits: list[Hit], random: list[Hit] | None = None) -> Findings:
    return Findings(direction(way), query, Path("runs/<b>"), "my & corpus", 12345, hits, random or [])


class Tags(HTMLParser):
    """Which tags a page has, what it loads, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("text", HOSTILE)
def test_a_page_loads_nothing_and_runs_nothing_whatever_it_shows(picture, text, tmp_path):
    hits = [Hit(text, 0.5, picture, text)]
    page = page_of(findings("txt2img", text, hits, hits))
    page.encode()  # UTF-8 can hold it
    seen = Tags(page)
    assert seen.tags <= {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "ol", "li", "b", "img"}
    loaded = [value for name, value in seen.attributes if name in {"src", "href", "style", "background"}]
    assert all(value.startswith("data:image/jpeg;base64,") for value in loaded)
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert "default-src 'none'" in page
    assert "\u202e" not in page
    write_search(findings("txt2img", text, hits), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(FILES)


def test_a_page_shows_the_text_as_it_is_written(picture):
    page = page_of(findings("txt2img", "<b>bold</b> & more", [Hit("id-1", 0.25, picture, 'a "dog"')]))
    text = Tags(page).text
    assert "<b>bold</b> & more" in text
    assert 'a "dog"' in text
    assert "12,345 photographs of my & corpus, searched by runs/<b>" in text
    assert "0.2500" in text


def test_pictures_in_a_page_are_small_copies(picture):
    page = page_of(findings("sen2img", {"warm": 3}, [Hit("id-1", 0.25, picture, None)]))
    assert 'width="360" height="270"' in page
    assert re.search(r"\bimg {[^}]*max-width: 100%; height: auto;", page)  # in a narrow place as high as it is wide
    assert "warm:  3" in page


@pytest.mark.parametrize(
    ("way", "query", "content"),
    [("img2sen", None, {"heart": 80.5, "place": "<home>"}), ("img2txt", None, "a <cat>"), ("txt2sen", "aa", {"a": 1})],
)
def test_whatever_is_found_is_shown_in_every_form(picture, tmp_path, way, query, content):
    partner = picture if query is None else "a caption"
    result = findings(way, query or picture, [Hit(f"id-{n}", 0.5 - n / 100, content, partner) for n in range(3)])
    write_search(result, tmp_path / "out")
    with Image.open(tmp_path / "out/sheet.png") as drawn:
        drawn.verify()
    text = Tags(page_of(result)).text
    assert all(str(value) in text for value in (content.values() if isinstance(content, dict) else [content]))
    [hit, *_] = json.loads(as_json(result))["hits"]
    key = "text" if isinstance(content, str) else "sensor"
    assert hit == {"rank": 1, "id": "id-0", "score": 0.5, key: content} | (
        {"path": picture} if query is None else {"text": partner}
    )


def test_a_picture_that_cannot_be_read_leaves_its_place(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    result = findings("txt2img", "aa", [Hit("id", 0.5, str(tmp_path / "bad.png"), None)])
    write_search(result, tmp_path / "out")
    assert "cannot be read" in Tags(page_of(result)).text


def test_lines_are_one_a_hit_whatever_is_in_a_caption():
    hits = [Hit("id", 0.123456, "x.jpg", "two\n lines\tand \ud800 more"), Hit("it", 0.1, "y.jpg", None)]
    lines = as_lines(findings("txt2img", "aa", hits, hits[:1])).encode().decode().splitlines()
    assert lines == [
        "1\t0.1235\tid\ttwo lines and \\ud800 more",
        "2\t0.1000\tit",
        "random\t0.1235\tid\ttwo lines and \\ud800 more",
    ]


def test_of_long_readings_the_first_are_on_the_line():
    reading = {f"column{n}": n for n in range(20)} | {"heart_rate(bpm)": 80}
    line = as_lines(findings("img2sen", "q.jpg", [Hit("id", 0.5, reading, "x.jpg")]))
    assert line.startswith("1\t0.5000\tid\theart_rate(bpm): 80; column0: 0; ")
    assert line.endswith("; ...\n")


def test_json_holds_what_utf8_cannot():
    text = "\ud800 and \udce9 of a file's name"
    raw = as_json(findings("txt2img", text, [Hit("id", np.float32(0.1).item(), text, text)])).encode()
    tree = json.loads(raw)
    assert tree["query"] == tree["hits"][0]["text"] == tree["hits"][0]["path"] == text
    assert np.float32(tree["hits"][0]["score"]) == np.float32(0.1)


@pytest.mark.parametrize(("hits", "random"), [(1, 0), (5, 5), (7, 7), (11, 0), (60, 0)])
def test_a_sheet_has_a_place_for_each_item_up_to_a_number(picture, tmp_path, hits, random):
    def several(number: int) -> list[Hit]:
        return [Hit(f"id-{n}", 0.5, "nothing.png", "a caption") for n in range(number)]

    path = tmp_path / "sheet.png"
    draw_sheet(findings("txt2img", "some words " * 60, several(hits), several(random)), path)
    rows = -(-min(hits, MOST) // 5) + -(-min(random, MOST) // 5)
    with Image.open(path) as drawn:
        assert drawn.width == (1500 if hits > 1 else 600)
        assert 250 * rows < drawn.height < 420 * rows + 400


@pytest.mark.parametrize(("way", "beside"), [("txt2img", 0), ("img2txt", 2), ("sen2img", 2), ("sen2txt", 2)])
@pytest.mark.parametrize("hits", [1, 2, 3, 4])
def test_a_sheet_of_few_items_is_narrower_and_has_no_blank_side(picture, tmp_path, way, beside, hits):
    query = {"txt": "aa", "img": picture, "sen": {"heart": 80}}[way[:3]]
    content = picture if way.endswith("img") else "a caption"
    path = tmp_path / "sheet.png"
    draw_sheet(findings(way, query, [Hit("id", 0.5, content, None)] * hits), path)
    with Image.open(path) as drawn:
        assert drawn.width == pytest.approx(max(1500 * (hits + beside) / (5 + beside), 600), abs=1)
        pixels = np.asarray(drawn.convert("L"))
    # Something stands in the last tenth of it, below the title.
    assert (pixels[110:, -drawn.width // 10 :] < 250).any()


@pytest.mark.parametrize("way", ["img2txt", "sen2txt", "img2sen"])
def test_boxes_of_text_are_as_tall_as_their_lines(picture, tmp_path, way):
    heights = []
    query = picture if way.startswith("img") else {"heart": 80}
    for lines in (2, 9):
        content = {f"c{n}": n for n in range(lines)} if way.endswith("sen") else "twenty letters a line " * lines
        path = tmp_path / "sheet.png"
        draw_sheet(findings(way, query, [Hit("id", 0.5, content, None)] * 10), path)
        with Image.open(path) as drawn:
            pixels = np.asarray(drawn.convert("L"))
        column = pixels[:, -40]  # through the last boxes: their upper and lower edges
        edges = np.flatnonzero((column < 240) & (np.roll(column, 1) >= 240))
        heights.append(edges[1] - edges[0])
    assert heights[0] < 140 < heights[1] < 320


def test_letters_that_the_font_lacks_are_no_warnings(tmp_path, recwarn):
    draw_sheet(findings("txt2img", "猫 मछली", [Hit("猫", 0.5, "nothing.png", "猫")]), tmp_path / "sheet.png")
    assert not [warning for warning in recwarn if re.search("Glyph", str(warning.message))]
