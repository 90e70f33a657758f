"""What a person asks on the search page, by words, pictures, readings and photographs, is what is found there."""

from __future__ import annotations

from pathlib import Path

from page_driver import Page
from selenium.webdriver.common.by import By


def photograph(page: Page, place: int) -> Path:
    """Return the file of a photograph by its place in time."""
    return page.site.index.root / page.site.index.catalogue.contents[place]


def test_words(page: Page) -> None:
    page.open("words")
    page.type("input.words", "a tree beside a path\n")
    assert page.right()
    assert page.question() == [("q", "a tree beside a path")]
    page.announced("48 photographs for “a tree beside a path”, best first.")
    assert page.driver.title.startswith("“a tree beside a path”")


def test_a_reading(page: Page) -> None:
    page.open()
    page.click("#search button", "Add a reading")
    page.type('#reading-dialog input[name="heart_rate(bpm)"]', "104")
    page.type('#reading-dialog input[name="semantic_name"]', "The Park")
    page.click("#reading-dialog button", "Ask")
    assert page.right()
    assert page.asked("r.heart_rate(bpm)") == ["104"]
    assert page.shows(".chip", "The Park")
    page.click(".chip button", "Remove heart rate")
    assert page.right()
    assert page.question() == [("r.semantic_name", "The Park")]


def test_a_picture_that_is_chosen_pasted_or_dropped(page: Page) -> None:
    page.open()
    path, own = photograph(page, 5), page.site.index.catalogue.ids[5]
    for way in ("choose", "paste", "drop"):
        if way == "choose":
            page.driver.find_element(By.CSS_SELECTOR, "#picture-file").send_keys(str(path))
        else:
            page.transfer(way, path, path.read_bytes())
        page.find(".chip", "your picture")
        assert page.right()
        assert [key for key, _ in page.question()] == ["picture"]
        assert page.ids()[0] == own
        page.click("#clear-query")
        page.until(lambda: page.question() == [])


def test_more_like_this(page: Page) -> None:
    page.open()
    chosen = page.ids()[5]
    page.act(5, "like")
    assert page.right()
    assert page.asked("like") == [chosen]
    assert page.ids()[0] == chosen


def test_what_happens_then(page: Page) -> None:
    page.open()
    first = page.ids()[4]
    page.act(4, "like")
    assert page.right()
    page.click("#then-button")
    then = page.ids()[7]
    page.act(7, "like")
    assert page.right()
    assert page.question() == [("like", first), ("then.like", then)]
    assert page.find(".partner").get_attribute("aria-label").startswith("Open what happens then:")
    page.set(".gap select", "1440")
    page.until(lambda: page.asked("then.within") == ["1440"])
    assert page.right()


def test_marks_move_the_query_and_are_taken_back(page: Page) -> None:
    page.open(like=page.site.index.catalogue.ids[0])
    before = page.ids()
    other = before[11]
    page.act(1, "wrong")
    page.announced("best first")
    assert page.right()
    page.act(page.ids().index(other), "right")
    page.until(lambda: page.asked("right") == [other])
    assert page.right()
    assert page.ids()[:12] != before[:12]
    assert page.shows(".chip", "moved towards 1, away from 1")
    page.keys("u", "u")
    page.until(lambda: page.asked("like") and not page.asked("right") and not page.asked("wrong"))
    assert page.right()
    assert page.ids()[:12] == before[:12]


def test_an_address_is_reloaded_and_the_way_back_is_open(page: Page) -> None:
    page.open()
    page.act(3, "like")
    assert page.right()
    page.click(".toggle", "Evening")
    page.until(lambda: page.asked("hours") == ["17-22"])
    assert page.right()
    found, where = page.ids(), page.question()
    page.driver.refresh()
    assert (page.ids(), page.question()) == (found, where)
    assert page.find(".toggle", "Evening").get_attribute("aria-pressed") == "true"
    page.driver.back()
    page.until(lambda: not page.asked("hours"))
    assert page.right()
    page.driver.back()
    page.until(lambda: page.question() == [])
    assert page.right()
    page.driver.forward()
    page.driver.forward()
    page.until(lambda: page.question() == where)
    assert page.right()
