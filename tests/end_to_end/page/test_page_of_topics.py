"""Two runs side by side in the browser."""

from __future__ import annotations

from page_driver import Page
from page_sites import HOSTILE_TOPIC

_ROWS = 'return [...document.querySelectorAll("#topic-list tr[data-topic]")].map((each) => each.dataset.topic)'


def rows(page: Page) -> list[str]:
    """Return the topics of the list."""
    return page.until(f"const all = (() => {{ {_ROWS} }})(); return all.length ? all : null")


def test_two_runs(page: Page) -> None:
    page.open()
    page.click("#topics-link")
    worst = rows(page)
    assert page.find(".scores").text.count("first") == 1
    page.click(f'tr[data-topic="{worst[1]}"] .opens')
    page.find("#topic-panel h2", worst[1])
    assert len(page.js('return [...document.querySelectorAll("#topic-panel .run-answers")]')) == 2
    assert page.shows("#topic-panel .answer.right", "right")
    page.keys("j")
    page.find("#topic-panel h2", worst[2])
    page.keys("k", "k")
    page.find("#topic-panel h2", worst[0])
    page.set("#topic-sort", "difference")
    page.until(lambda: ("sort", "difference") in page.address())
    page.until(lambda: rows(page) != worst)
    page.keys("/", "sen2img")
    page.until(lambda: len(rows(page)) < len(worst) and all("sen2img" in topic for topic in rows(page)))


def test_a_topic_becomes_a_search(page: Page) -> None:
    page.open(path="topics")
    topic = next(each for each in rows(page) if each.startswith("sen2img"))
    page.click(f'tr[data-topic="{topic}"] .opens')
    page.find("#topic-panel h2", topic)
    page.click("#topic-panel a", "Open as a search")
    assert page.right()
    assert all(key.startswith("r.") for key, _ in page.question())
    assert page.question()


def test_a_name_of_a_topic_is_text(page: Page) -> None:
    page.open(path="topics")
    page.click(f"tr[data-topic='{HOSTILE_TOPIC}'] .opens")
    assert page.find("#topic-panel h2", HOSTILE_TOPIC)
    assert page.js("return document.querySelectorAll(\"img[src=x], img[src='x']\").length") == 0
