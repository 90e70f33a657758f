"""The search page without a mouse: everything is reached, and what is reached is seen."""

from __future__ import annotations

from page_driver import Page
from selenium.webdriver.common.keys import Keys

_FOCUSED = 'return document.activeElement.closest(".tile")?.dataset.id ?? null'
_VISIBLY = """const one = document.activeElement;
    const drawn = (each, pseudo) => { const style = getComputedStyle(each, pseudo);
      return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none"; };
    const around = [one, one.closest(".tile"), one.closest(".box"), one.closest("label")].filter(Boolean);
    const text = one.getAttribute("aria-label") ?? one.textContent.trim();
    const name = `${one.tagName} ${one.id} ${one.className} ${text}`.slice(0, 90);
    return [name, one === document.body || around.some((each) => drawn(each))]"""


def test_a_search_without_a_mouse(page: Page) -> None:
    page.open("words")
    page.keys("/", "a computer on a desk", Keys.ENTER)
    assert page.right()
    assert page.question() == [("q", "a computer on a desk")]
    page.keys(Keys.ESCAPE)  # out of the field, whose words stay
    page.keys(Keys.ARROW_RIGHT)
    page.until(f"{_FOCUSED} === arguments[0]", page.ids()[0])
    assert page.question() == [("q", "a computer on a desk")]
    page.keys(Keys.ARROW_RIGHT)
    second = page.ids()[1]
    page.until(f"{_FOCUSED} === arguments[0]", second)
    page.keys(Keys.ENTER)
    page.until(lambda: page.asked("at") == [second])
    assert page.find("#item-panel .item-facts code", second)
    page.keys(Keys.ESCAPE)
    page.until(lambda: page.asked("at") == [])
    page.keys("r")
    page.until(lambda: page.asked("right") == [second])
    assert page.right()
    page.until(f"{_FOCUSED} === arguments[0]", second)  # it keeps the focus wherever it is now
    page.keys("w")
    page.until(lambda: page.asked("wrong") == [second] and not page.asked("right"))
    page.keys("u")
    page.until(lambda: page.asked("right") == [second] and not page.asked("wrong"))
    page.keys("u")
    page.until(lambda: not page.asked("right"))
    assert page.right()
    page.keys("c")
    page.announced(": 1 photograph.")
    page.keys("u")
    page.announced("Undone")
    page.keys("e")
    assert page.find("#event-panel h3").text.startswith("Event of ")
    page.keys("e")
    page.until(lambda: not page.shows("#event-panel"))
    page.keys("?")
    page.find("#help-dialog kbd", "PgUp")
    page.keys(Keys.ESCAPE)
    page.until('return !document.querySelector("#help-dialog")')
    page.keys("f")
    page.until('return document.querySelector("#filters").contains(document.activeElement)')


def test_every_stop_of_the_tab_key_is_seen(page: Page) -> None:
    page.open(like=page.site.index.catalogue.ids[0])
    stops = []
    for _ in range(150):
        page.keys(Keys.TAB)
        name, visible = page.js(_VISIBLY)
        if name.startswith("BODY") or (stops and name == stops[0][0]):
            break
        stops.append((name, visible))
    assert len(stops) > 20
    assert [name for name, visible in stops if not visible] == []
    assert any("tile" in name or "shot" in name for name, _ in stops)


def test_the_day_is_gone_into_and_left(page: Page) -> None:
    page.open()
    page.keys(Keys.ARROW_RIGHT)
    first, second = page.ids()[:2]
    page.until(f"{_FOCUSED} === arguments[0]", first)
    page.keys("d")
    page.until(
        'return document.activeElement.matches(".strip") && document.querySelector(".strip [aria-selected=true]")'
    )
    page.keys(Keys.ARROW_RIGHT, "c")  # what is looked at there, not the hit in the grid
    page.announced("Collected")
    assert page.find(f'.tile[data-id="{second}"] .badges .collected')
    page.keys("u")
    page.announced("Undone")
    page.keys(Keys.ESCAPE)
    page.until(f"{_FOCUSED} !== null")


def test_a_button_that_goes_away_does_not_take_the_focus_with_it(page: Page) -> None:
    page.open(like=page.site.index.catalogue.ids[0], hours="0-23")
    for pressed in ("#then-button", '[title="Remove this part"]', "#clear-query", "#clear-filters"):
        page.js("document.querySelector(arguments[0]).focus()", pressed)
        page.keys(Keys.ENTER)
        page.until(
            """const held = document.activeElement;
            return held !== document.body && held.checkVisibility() && !held.matches(arguments[0])""", pressed,
        )  # fmt: skip
    page.keys("f")
    page.until('return document.activeElement.id === "filter-from"')  # not a bar, which is hidden from who hears


def test_what_is_said_after_a_mark_is_both_the_mark_and_the_answer(page: Page) -> None:
    page.open(like=page.site.index.catalogue.ids[0])
    page.keys(Keys.ARROW_RIGHT, "r")
    page.announced("Marked right. ")
    page.announced("best first")
