"""Filters, the map, the strip of the day and events: each is linked with the hits, both ways."""

from __future__ import annotations

from page_driver import Page
from page_sites import DAYS, SCENES


def test_filters(page: Page) -> None:
    page.open()
    page.set("#filter-from", DAYS[1])
    page.until(lambda: page.total() == "32 photographs")
    page.set("#filter-to", DAYS[1])
    page.until(lambda: page.total() == "16 photographs")
    page.click(".toggle", "Evening")
    page.until(lambda: page.total() == "4 photographs")
    page.click("#clear-filters")
    page.until(lambda: page.total() == "48 photographs")
    page.click(".checks label", "The Park")
    page.until(lambda: page.total() == "12 photographs")
    assert page.right()
    page.set('input[aria-label="Least heart rate (bpm)"]', "105.5")
    page.until(lambda: page.total() == "6 photographs")
    page.click('.toggle[aria-label="Monday"]')
    page.until(lambda: page.total() == "2 photographs")
    assert page.right()
    assert dict(page.question()) == {
        "label.semantic_name": "The Park", "min.heart_rate(bpm)": "105.5", "weekday": "mon",
    }  # fmt: skip
    page.click(".toggle", "Night")
    page.until(lambda: page.total() == "0 photographs")
    page.click(".empty button", "Clear filters")
    page.until(lambda: page.total() == "48 photographs")


def test_events(page: Page) -> None:
    page.open()
    events = page.site.index.catalogue.events.tolist()
    page.click("#group-toggle")
    page.until(lambda: page.asked("group") == ["event"])
    assert page.right()
    assert page.total() == f"{len(set(events))} events"
    large = next(place for place, event in enumerate(dict.fromkeys(events)) if events.count(event) > 1)
    page.click(f'.tile[data-index="{large}"] .in-event')
    assert page.find("#event-panel h3").text.startswith("Event of ")
    page.find("#event-panel [aria-posinset='2']")
    page.keys("\ue00c")
    page.until(lambda: not page.shows("#event-panel"))


def test_the_map(page: Page) -> None:
    """A circle of the map opens its hit; what is pointed at has a ring; its view becomes the area."""
    page.open(label__semantic_name="Home")
    page.until('return document.querySelectorAll("#map-panel .map-hit").length > 0')
    assert not page.shows(".map-selected")
    page.keys("\ue015")  # an arrow: into the grid
    page.find(".map-selected")
    page.hover(page.tile(3))
    page.find(".map-hovered")
    page.click("#map-panel button", "Search in this area")
    south, west, north, east = map(float, page.until(lambda: page.asked("box"))[0].split(","))
    home = SCENES[0]
    assert south < home.latitude < north
    assert west < home.longitude < east
    assert page.right()
    page.click(".checks label", "Home")  # nothing else is in that area
    page.until(lambda: not page.asked("label.semantic_name"))
    page.until(lambda: page.total() == "12 photographs")
    page.click("#map-panel button", "Clear area")
    page.until(lambda: page.total() == "48 photographs")


def test_a_circle_of_the_map(page: Page) -> None:
    page.open(label__semantic_name="Home", hours="8-9", to=DAYS[0])
    page.until('return document.querySelectorAll("#map-panel .map-hit").length > 0')
    opened = page.js("""const all = [...document.querySelectorAll("#map-panel .map-hit")];
        all.find((each) => each.textContent === "")?.click(); return all.map((each) => each.textContent)""")
    if "" not in opened:  # all together: they come apart, or are listed
        page.click("#map-panel .map-hit")
        page.until("""const all = [...document.querySelectorAll("#map-panel .map-hit")];
            const one = all.find((each) => !each.textContent); one?.click(); return Boolean(one)""")
    chosen = page.until(lambda: page.asked("at"))[0]
    assert chosen in page.ids()
    page.find(f'.tile.selected[data-id="{chosen}"]')
    assert page.find("#item-panel .item-facts code").text == chosen


def test_the_strip_of_the_day(page: Page) -> None:
    page.open()
    page.tile(0).click()
    page.until('return document.querySelector(".day-picker").value === arguments[0]', DAYS[0])
    page.find(".strip-photograph[aria-selected=true]")
    page.click(".strip-photograph[aria-posinset='3']")
    third = page.ids()[2]
    page.until(lambda: page.asked("at") == [third])
    page.find(f'.tile.selected[data-id="{third}"]')
    page.click(".day-step", "Next day")
    page.until('return document.querySelector(".day-picker").value === arguments[0]', DAYS[1])
    assert page.find(".day-summary").text.startswith("Mon 2 Mar 2020")
    page.keys("[")
    page.until('return document.querySelector(".day-picker").value === arguments[0]', DAYS[0])
    assert page.find(".reading-value").text.strip() != ""
