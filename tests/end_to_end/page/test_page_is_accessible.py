"""The search page for everybody: names, landmarks, contrast, no movement that is not wanted, and any width."""

from __future__ import annotations

import pytest
from page_driver import Page

_VIEWS = ["", "words", "captioned"]
_CONTROLS = "button, a[href], input, select, textarea, summary, [role=tab], [role=listbox], dialog"
_NAMELESS = f"""const text = (each) => each?.textContent.trim();
    const name = (each) => each.getAttribute("aria-label") || each.title || text(each.labels?.[0]) || text(each)
        || text(document.getElementById(each.getAttribute("aria-labelledby"))) || each.placeholder || each.value
        || each.querySelector("img")?.alt;
    return [...document.querySelectorAll("{_CONTROLS}")]
      .filter((each) => !each.closest("[aria-hidden=true]") && !name(each)?.trim()).map((each) => each.outerHTML)"""
_WITHOUT_ALT = 'return [...document.querySelectorAll("img:not([alt])")].map((each) => each.outerHTML)'
_OVERFLOW = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
_TWICE = """const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
    return ids.filter((each, place) => ids.indexOf(each) !== place)"""
# The luminance of a colour, and the contrast of two, as WCAG 2.2 defines them.
_CONTRAST = """const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const light = (token) => {
      canvas.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(token).trim();
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((each) => each / 255)
        .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const [one, other] = arguments.map(light).sort((a, b) => b - a);
    return (one + 0.05) / (other + 0.05)""".replace("arguments.map", "[...arguments].map")
_TEXT = [("--ink", ground) for ground in ("--bg", "--surface", "--raised")] + [
    ("--muted", "--bg"), ("--muted", "--surface"), ("--muted", "--raised"), ("--accent-ink", "--accent"),
    ("--accent", "--surface"), ("--good", "--surface"), ("--bad", "--surface"),
]  # fmt: skip


@pytest.mark.parametrize("mount", _VIEWS)
def test_controls_have_names_and_pictures_texts(page: Page, mount: str) -> None:
    page.open(mount, like=page.served.sites[mount].index.catalogue.ids[0])
    page.tile(1).click()
    page.find("#item-panel .item-actions")
    assert page.js(_NAMELESS) == []
    assert page.js(_WITHOUT_ALT) == []
    assert page.js(_TWICE) == []
    assert page.js("return document.documentElement.lang") == "en"
    for landmark in ("main", "header", "form[role=search]", "aside[aria-label]", "nav[aria-label]", "h1", "h2"):
        assert page.find(landmark)


def test_dialogs_and_topics_have_names_too(page: Page) -> None:
    page.open()
    for opened in ("#search button[aria-label='Add a reading']", "#help-button", "#about-button"):
        page.click(opened)
        page.find("dialog[open]")
        assert page.js(_NAMELESS) == []
        page.click("dialog[open] button", "Close")
    page.open(path="topics")
    page.find("#topic-panel .topic")
    assert page.js(_NAMELESS) == []
    assert page.js(_WITHOUT_ALT) == []
    assert page.js(_TWICE) == []


def test_nothing_is_wider_than_the_window(page: Page) -> None:
    page.open(like=page.site.index.catalogue.ids[0], hours="8-20")
    page.tile(0).click()
    page.find("#item-panel .item-actions")
    for width in (1440, 1024, 390):
        page.resize(width, 844)
        page.until("return innerWidth === arguments[0]", width)
        assert page.js(_OVERFLOW) == 0
    for view in ("map", "day", "collection", "results"):
        page.click(f"#views [data-view={view}]")
        assert page.js(_OVERFLOW) == 0
    page.click("#filters-button")
    page.find("#filters button", "Close the filters")
    assert page.js(_OVERFLOW) == 0
    page.open(path="topics")
    page.find("#topic-list td")
    for width in (390, 1024):
        page.resize(width, 844)
        assert page.js(_OVERFLOW) == 0


def test_text_has_contrast_in_both_themes(page: Page) -> None:
    page.open()
    for scheme in ("light", "dark"):
        page.prefer(prefers_color_scheme=scheme)
        contrasts = {pair: page.js(_CONTRAST, *pair) for pair in _TEXT}
        assert {pair: value for pair, value in contrasts.items() if value < 4.5} == {}
        assert page.js(_CONTRAST, "--focus", "--bg") >= 3
    page.click("#theme-button")
    page.until('return document.documentElement.dataset.theme === "light"')
    page.driver.refresh()
    page.until('return document.documentElement.dataset.theme === "light"')
    page.js("localStorage.removeItem('ntcir-theme')")
    page.prefer(prefers_color_scheme="light")


def test_who_wants_no_movement_has_none(page: Page) -> None:
    page.prefer(prefers_reduced_motion="reduce")
    page.open()
    moving = """return [...document.querySelectorAll("*")].filter((each) => { const style = getComputedStyle(each);
        const long = (times) => times.split(",").some((time) => parseFloat(time) > 0.01);
        return long(style.transitionDuration) || (style.animationName !== "none" && long(style.animationDuration)); })
        .map((each) => each.className).slice(0, 5)"""
    assert page.js(moving) == []
    page.prefer(prefers_reduced_motion="no-preference")
