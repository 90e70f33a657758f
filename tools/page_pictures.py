"""Take the pictures of the search page that docs/page.md shows: in light, in dark, on a phone, and the topics of runs.

Without arguments the demo lifelog is drawn and two models are trained on it, in a temporary folder, which takes a few
minutes; otherwise what is there already is shown::

    python tools/page_pictures.py
    python tools/page_pictures.py --data data/demo --model runs/demo --topics topics/demo/topics.tsv \\
        --run runs/before/run.txt --run runs/demo/run.txt

It needs Chromium with its driver (on Debian, ``apt-get install chromium-driver``) and ``ntcir[dev]``.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from PIL import Image

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

import chromium
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).resolve().parents[1]
WIDE, NARROW = (1440, 900), (390, 844)
MOST_BYTES = 400_000  # of a picture; one that would have more gets a palette
COLOURS = 256
PATIENCE = 60  # seconds
# A brisk walk: what a sensor says of it.
READING = {"r.heart_rate(bpm)": "118", "r.movement": "Walking Outside", "r.calories": "6.5"}
_STILL = """const busy = document.querySelector("[aria-busy=true], .tile.waiting, .uploading");
    return !busy && [...document.images].every((each) => each.complete || each.loading === "lazy")"""


@dataclass(frozen=True)
class Shown:
    """What is shown; see ``ntcir serve``."""

    data: Path
    model: Path
    index: Path
    topics: Path
    runs: Sequence[Path]
    settings: Sequence[str] = ()

    def command(self) -> list[str]:
        """Return the command that serves it."""
        given = ["--data", self.data, "--model", self.model, "--index", self.index, "--topics", self.topics]
        given += ["--collections", self.index / "collections.sqlite"]
        given += [part for run in self.runs for part in ("--run", run)]
        given += [part for setting in self.settings for part in ("--set", setting)]
        return ntcir("serve", *given)


def ntcir(*arguments: object) -> list[str]:
    """Return a command of this tree's ``ntcir``."""
    return [sys.executable, "-m", "ntcir", *map(str, arguments)]


def draw_and_train(folder: Path) -> Shown:
    """Draw the demo lifelog, build its topics and run them with two models: one hardly trained, one as `make demo`."""
    data, topics, config = folder / "data" / "demo", folder / "topics", ROOT / "configs" / "demo.yaml"
    for command in (
        ntcir("demo", data),
        ntcir("build-topics", "--data", data, "--topics-per-day", "40", "--out", topics),
        ntcir("features", "objects", "--config", config, "--data", data),
    ):
        subprocess.run(command, cwd=folder, check=True)
    runs = []
    for name, steps in (("short", 60), ("demo", 500)):
        model = folder / "runs" / name
        subprocess.run(
            ntcir("train", "--config", config, "--data", data, "--iters", steps, "--out", model), cwd=folder, check=True
        )
        runs.append(model / "run.txt")
        with runs[-1].open("wb") as file:
            command = ntcir("run", topics / "topics.tsv", "--model", model)
            subprocess.run(command, cwd=folder, check=True, stdout=file)
    return Shown(data, folder / "runs" / "demo", folder / "index", topics / "topics.tsv", runs)


@contextmanager
def serving(shown: Shown, folder: Path) -> Iterator[str]:
    """Serve the page from a folder; its address is what comes."""
    with subprocess.Popen(shown.command(), cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        try:
            address = server.stdout.readline().strip() if server.stdout else ""
            if not address:
                sys.exit("ntcir serve did not start.")
            yield address
        finally:
            server.send_signal(signal.SIGINT)


class Camera:
    """A browser that takes pictures of the page."""

    def __init__(self, driver: Any, address: str, folder: Path) -> None:
        self._driver, self._folder = driver, folder
        self._origin = "{0.scheme}://{0.netloc}/".format(urlsplit(address))
        driver.get(address)
        driver.execute_script("localStorage.setItem('ntcir-welcomed', '1')")

    def open(self, path: str = "", size: tuple[int, int] = WIDE, *, dark: bool = False) -> None:
        """Open a page at a size in light or dark."""
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        self._driver.get(f"{self._origin}{path}")
        self._wait()

    def click(self, css: str) -> None:
        """Click what a selector finds first, as soon as it is there."""
        found = self._until("return document.querySelector(arguments[0])", css)
        self._driver.execute_script("arguments[0].click()", found)
        self._wait()

    def focus(self, css: str) -> None:
        """Put the focus on what a selector finds first, as a key does."""
        self._until("const one = document.querySelector(arguments[0]); one?.focus(); return one !== null", css)
        self._wait()

    def take(self, name: str) -> None:
        """Write a picture of what is seen."""
        self._wait()
        seen = Image.open(BytesIO(self._driver.get_screenshot_as_png())).convert("RGB")
        path = self._folder / name
        seen.save(path, optimize=True)
        if path.stat().st_size > MOST_BYTES:
            seen.quantize(COLOURS, kmeans=2, dither=Image.Dither.NONE).save(path, optimize=True)
        size = path.stat().st_size
        print(f"{path}: {seen.width} x {seen.height}, {size:,} bytes")
        if size > MOST_BYTES:
            sys.exit(f"{path} has more than {MOST_BYTES:,} bytes.")

    def _wait(self) -> None:
        """Wait until everything is there, and nothing moves any more."""
        self._until(_STILL)
        self._driver.execute_async_script("setTimeout(arguments[0], 900)")
        self._until(_STILL)

    def _until(self, script: str, *arguments: Any) -> Any:
        return WebDriverWait(self._driver, PATIENCE, 0.1).until(lambda it: it.execute_script(script, *arguments))


def take_all(camera: Camera) -> None:
    """Take the four pictures of docs/page.md."""
    asked = f"?{urlencode(READING)}"
    for name, dark in (("page.png", False), ("page-dark.png", True)):
        camera.open(asked, dark=dark)
        camera.focus('#grid .tile[data-index="1"] .shot')
        camera.take(name)
    camera.open(asked, NARROW)
    camera.take("page-narrow.png")
    camera.open("topics?sort=difference")
    camera.click("#topic-list tr:nth-child(3) .opens")
    camera.take("page-topics.png")


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a corpus folder")
    parser.add_argument("--model", type=Path, help="a model of pictures and readings; without, the demo is made")
    parser.add_argument("--index", type=Path, help="the folder of indexes; without, a temporary one")
    parser.add_argument("--topics", type=Path, help="the topics of the runs")
    parser.add_argument("--run", type=Path, action="append", default=[], help="a run; twice")
    parser.add_argument("--set", action="append", default=[], metavar="KEY.SUB=VALUE", help="as for ntcir serve")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="where the pictures go")
    given = parser.parse_args()
    if why := chromium.missing():
        sys.exit(why)
    if given.model and not (given.data and given.topics and len(given.run) == 2):
        parser.error("--model needs --data, --topics and two --run")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.model:
            paths = [path.absolute() for path in (given.data, given.model, given.index or folder, given.topics)]
            shown = Shown(*paths, [run.absolute() for run in given.run], given.set)
        else:
            shown = draw_and_train(folder)
        with serving(shown, folder) as address, chromium.browser(folder / "profile", size=WIDE) as driver:
            take_all(Camera(driver, address, given.out))


if __name__ == "__main__":
    main()
