"""One browser and one server for all tests of the search page in this folder; without Chromium they are skipped."""

from __future__ import annotations

from collections.abc import Iterator

import chromium
import pytest
from helpers import one_thread  # noqa: F401
from page_driver import Page
from page_sites import captioned, many_hits, served, site, train, two_runs, write_days


@pytest.fixture(scope="package")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The page over four sites.

    At the root a lifelog by a model of readings, with topics and two runs; ``words``, the same by a model of captions;
    ``captioned``, captioned pictures without times and positions; ``many``, 100,000 photographs.
    """
    if why := chromium.missing():
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("pages")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        root = write_days(folder / "data" / "days")
        readings = train("[image, sensor]", "runs/readings", "demo.yaml")
        words = train("[image, text]", "runs/words", "demo-captions.yaml")
        sites = {
            "": site(folder, readings, root, **two_runs(readings)),
            "words": site(folder, words, root),
            "captioned": site(folder, words, captioned(folder / "data" / "captioned")),
            "many": many_hits(folder / "many"),
        }
        (folder / "downloads").mkdir()
        with served(sites) as pages, chromium.browser(folder / "profile") as driver:
            yield Page(driver, pages, folder / "downloads")


@pytest.fixture
def page(window: Page) -> Iterator[Page]:
    """The page, to be opened; in the end nothing has gone wrong, and nothing was asked of anybody else."""
    window.begin()
    yield window
    assert window.troubles() == []
