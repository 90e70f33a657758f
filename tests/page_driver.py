"""The search page in a browser, as a person has it: what is typed, pointed at and seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from chromium import requests, said
from page_sites import TOKEN, Served
from selenium.common.exceptions import JavascriptException, StaleElementReferenceException, TimeoutException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from ntcir.serve.site import Site
from ntcir.serve.state import State

PATIENCE = 15  # seconds
_LOOK = 0.05  # seconds between two looks at whether something is so
_NOT_YET = (JavascriptException, StaleElementReferenceException)
_TILES = """return [...document.querySelectorAll("#grid .tile[data-id]")]
    .sort((a, b) => a.dataset.index - b.dataset.index).map((each) => each.dataset.id)"""
# An answer is there when nothing is asked, and each tile in sight knows its hit.
_SETTLED = """const waits = document.querySelector("#results[aria-busy], #grid .tile.waiting");
    return !waits && !["…", undefined].includes(document.querySelector("#found")?.textContent)"""


class Page:
    """A window with the page.

    Args:
        driver: of the browser.
        served: what it shows.
        downloads: the folder in which files are saved.
    """

    def __init__(self, driver: Any, served: Served, downloads: Path) -> None:
        self.driver, self.served, self.downloads = driver, served, downloads
        self._mount = ""
        self.resize()
        # Files are saved without a question.
        saved = {"behavior": "allow", "downloadPath": str(downloads)}
        driver.execute_cdp_cmd("Browser.setDownloadBehavior", saved)
        driver.get(f"{served.address}?token={TOKEN}")

    def begin(self) -> None:
        """Be somebody else, in front of an empty window."""
        self._mount = ""
        self.resize()
        self.driver.get("about:blank")

    # Where one is

    @property
    def site(self) -> Site:
        """What is shown."""
        return self.served.sites[self._mount]

    def open(self, mount: str = "", path: str = "", **asked: str) -> None:
        """Go to a site, anew; dots in keys of the address are written ``__``."""
        self._mount = mount
        query = urlencode({key.replace("__", "."): value for key, value in asked.items()})
        where = f"{self.served.address}{mount}/{path}" if mount else f"{self.served.address}{path}"
        self.driver.get(f"{where}?{query}" if query else where)
        if not path:
            self.until(_SETTLED)

    def resize(self, width: int = 1440, height: int = 900) -> None:
        """Give the page another size, in pixels."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, **media: str) -> None:
        """Let the browser prefer something; underscores are hyphens."""
        features = [{"name": name.replace("_", "-"), "value": value} for name, value in media.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def forget(self) -> None:
        """Let the browser forget what it has loaded."""
        self.driver.execute_cdp_cmd("Network.clearBrowserCache", {})

    def address(self) -> list[tuple[str, str]]:
        """Return what the address says."""
        return parse_qsl(urlsplit(self.driver.current_url).query, keep_blank_values=True)

    def question(self) -> list[tuple[str, str]]:
        """Return what the address asks, without how the page looks."""
        return [(key, value) for key, value in self.address() if key not in ("at", "day", "tab")]

    def asked(self, key: str) -> list[str]:
        """Return the values of a key of the address."""
        return [value for name, value in self.address() if name == key]

    # What is seen

    def js(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page."""
        return self.driver.execute_script(script, *arguments)

    def until(self, wanted: str | Callable[[], Any], *arguments: Any) -> Any:
        """Wait for something, a script that returns it or a function; return it."""

        def look(_: Any) -> Any:
            with suppress(*_NOT_YET):
                return self.js(wanted, *arguments) if isinstance(wanted, str) else wanted()

        try:
            return WebDriverWait(self.driver, PATIENCE, _LOOK).until(look)
        except TimeoutException:
            complaint = self.js('return document.querySelector("#complaint:not([hidden])")?.textContent')
            raise AssertionError(f"It did not come to that: {wanted}; complaint: {complaint}") from None

    def find(self, css: str, text: str = "") -> WebElement:
        """Return the first visible element of a selector, with a text if one is named; it is waited for."""
        script = """return [...document.querySelectorAll(arguments[0])].find((each) => each.checkVisibility()
            && (each.textContent.includes(arguments[1]) || each.getAttribute("aria-label")?.includes(arguments[1])))"""
        return self.until(script, css, text)

    def shows(self, css: str, text: str = "") -> bool:
        """Return whether an element with such a text is visible now."""
        return any(text in each.text for each in self.driver.find_elements(By.CSS_SELECTOR, css) if each.is_displayed())

    def ids(self) -> list[str]:
        """Return the hits in sight, once they are there."""
        self.until(_SETTLED)
        return self.js(_TILES)

    def total(self) -> str:
        """Return how many hits there are, as the page says it."""
        self.until(_SETTLED)
        return str(self.js('return document.querySelector("#found b").textContent'))

    def state(self) -> State:
        """Return what the address asks, as the server reads it."""
        return State.of(self.address())

    def expected(self, count: int = 12) -> list[str]:
        """Return the first hits of what the address asks, worked out without the page."""
        ranking = self.site.ranker.rank(self.state())
        return [self.site.index.catalogue.ids[row] for row in ranking.slice(0, count).rows]

    def right(self) -> bool:
        """Return whether the page shows, in order, what the address asks; it has time to."""
        return bool(self.until(lambda: self.js(_SETTLED) and self.js(_TILES)[:12] == self.expected()))

    def announced(self, text: str) -> None:
        """Wait until a screen reader is told something."""
        self.until('return document.querySelector("#announcement").textContent.includes(arguments[0])', text)

    # What is done

    def click(self, css: str, text: str = "") -> None:
        """Click an element with the mouse."""
        self.find(css, text).click()

    def hover(self, element: WebElement) -> None:
        """Rest the mouse on an element."""
        ActionChains(self.driver, duration=0).move_to_element(element).perform()

    def type(self, css: str, text: str) -> None:
        """Type into a field what it then has."""
        field = self.find(css)
        field.clear()
        field.send_keys(text)

    def set(self, css: str, value: str) -> None:
        """Fill a field and leave it."""
        script = """arguments[0].value = arguments[1];
            for (const each of ["input", "change"]) arguments[0].dispatchEvent(new Event(each, { bubbles: true }))"""
        self.js(script, self.find(css), value)

    def keys(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        ActionChains(self.driver, duration=0).send_keys(*keys).perform()

    def tile(self, place: int) -> WebElement:
        """Return the tile at a place, from 0."""
        self.until(_SETTLED)
        return self.find(f'#grid .tile[data-index="{place}"]')

    def act(self, place: int, name: str) -> None:
        """Point at a tile and click one of its buttons: right, wrong, collect or like."""
        self.hover(self.tile(place))
        self.click(f'#grid .tile[data-index="{place}"] .tile-actions .{name}')

    def transfer(self, event: str, path: Path, data: bytes, kind: str = "image/jpeg") -> None:
        """Paste or drop a file: ``paste`` or ``drop``."""
        script = """const [event, name, bytes, kind] = arguments;
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], name, { type: kind }));
            const made = event === "paste"
              ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true })
              : new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
            document.body.dispatchEvent(made)"""
        self.js(script, event, path.name, list(data), kind)

    def saved(self, name: str) -> Path:
        """Wait for a file that is saved; return it."""
        path = self.downloads / name
        self.until(lambda: path.is_file() and path.stat().st_size > 0)
        return path

    # What is never to happen

    def troubles(self) -> list[str]:
        """Return what the console complained of, and each request to elsewhere, since the last time."""
        origin = self.served.address
        own = (origin, "data:", f"blob:{origin}", "about:", "chrome:")
        told = [line for line in said(self.driver) if "favicon" not in line]
        return told + [f"asked elsewhere: {url}" for url in requests(self.driver) if not url.startswith(own)]

    @contextmanager
    def refusals(self, *codes: int) -> Iterator[None]:
        """Expect the server to refuse something, which the console tells; everything else is trouble still."""
        assert self.troubles() == []
        yield
        told = self.troubles()
        others = [line for line in told if not any(f"status of {code}" in line for code in codes)]
        assert others == []
        assert told, f"nothing was refused with {codes}"
