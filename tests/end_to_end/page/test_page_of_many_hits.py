"""A hundred thousand hits are as fast to scroll through as ten."""

from __future__ import annotations

from page_driver import Page
from selenium.webdriver.common.keys import Keys

_COUNT = 'return document.querySelectorAll("#grid .tile").length'
_LAST = """const all = [...document.querySelectorAll("#grid .tile[data-id]")];
    return all.find((each) => each.getAttribute("aria-posinset") === "100000")?.dataset.id ?? null"""


def test_the_last_of_100_000_hits_is_reached(page: Page) -> None:
    page.open("many", q="anything")
    assert page.total() == "100,000 photographs"
    assert page.right()
    last = page.site.index.catalogue.ids[int(page.site.ranker.rank(page.state()).slice(99_999, 1).rows[0])]
    for part in (0.2, 0.55, 0.9):
        page.js("const grid = document.querySelector('#grid'); grid.scrollTop = grid.scrollHeight * arguments[0]", part)
        assert page.until(lambda: len(page.ids()) > 5)
        assert page.js(_COUNT) < 400
    page.js("document.activeElement.blur()")
    page.keys(Keys.ARROW_DOWN)
    page.keys(Keys.END)
    assert page.until(_LAST) == last
    page.until('return document.activeElement.closest(".tile")?.getAttribute("aria-posinset") === "100000"')
    page.until('return document.activeElement.closest(".tile").querySelector("img.there") !== null')
    assert page.js(_COUNT) < 400
    page.keys(Keys.HOME)
    page.until('return document.activeElement.closest(".tile")?.getAttribute("aria-posinset") === "1"')
    assert page.right()
