"""The Chromium of this machine, without a window: for tests of the search page and for its pictures in the docs.

Run as a program, ``python tests/chromium.py``, it tells whether there is one.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Debian calls the browser chromium, others chromium-browser or google-chrome.
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_DRIVER = "chromedriver"
# /dev/shm is small in containers, where the sandbox needs rights that root's process there does not have.
_OPTIONS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars", "--disable-gpu")


def missing() -> str | None:
    """Return what is not on this machine, as the reason for which a test is skipped; None if all is there."""
    lacking = [name for name in (_DRIVER,) if shutil.which(name) is None]
    lacking += ["chromium"] if _browser() is None else []
    if not lacking:
        return None
    return f"{' and '.join(lacking)} not on this machine (on Debian, apt-get install chromium-driver)"


def _browser() -> str | None:
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


@contextmanager
def browser(profile: Path, *, size: tuple[int, int] = (1440, 900), dark: bool = False) -> Iterator[Any]:
    """Open a browser that keeps everything in ``profile``, and close it at the end.

    Every request that it makes is in its log, for :func:`requests`, and what its console says for :func:`said`.

    Args:
        profile: a folder for its files.
        size: of the page, in pixels.
        dark: whether it prefers dark pages.
    """
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = _browser() or ""
    for each in (*_OPTIONS, f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}"):
        options.add_argument(each)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(shutil.which(_DRIVER), env={**os.environ, "SE_OFFLINE": "true"})
    driver = webdriver.Chrome(options=options, service=service)
    try:
        # The window is not the page: narrow pages are only to be had so.
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        yield driver
    finally:
        driver.quit()


def requests(driver: Any) -> list[str]:
    """Return the addresses of all requests since the last call."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return [each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"]


def said(driver: Any) -> list[str]:
    """Return what the console complained of since the last call: errors, and what the page's policy forbids."""
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


if __name__ == "__main__":
    print(missing() or "There is a Chromium.")  # noqa: T201
    sys.exit(1 if missing() else 0)
