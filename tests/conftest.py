"""Fixtures that several tests share: the writers of tiny corpora, and the way to the real data."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lifelogs import write_lifelog, write_records

import ntcir.modalities
from ntcir.modalities import Modality


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect tests without looking for garbage, and never look at what is there by then.

    Libraries and thousands of tests are a million objects that stay: to go through them again and again took a third of
    the collection.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share tests out in large pieces, unless another way is asked for.

    By xdist's own default the pieces are smallest at the end, where the files with the dearest fixtures are: each of
    these would be made by every worker.
    """
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.getoption("dist") == "load" else None


@pytest.fixture
def make_lifelog() -> Callable[..., Path]:
    """The writer of tiny lifelogs: ``make_lifelog(folder, days=..., per_day=..., located=..., minutes=...)``."""
    return write_lifelog


@pytest.fixture
def make_records() -> Callable[..., Path]:
    """The writer of tiny records folders: ``make_records(folder, rows)``."""
    return write_records


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the project; a test that needs it is skipped where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the real data, ../shared, is not here")
    return folder


@pytest.fixture
def caption(monkeypatch: pytest.MonkeyPatch) -> Modality:
    """A third modality, for as long as a test lasts: its cells look like anything, a file's name too."""
    words = Modality("caption", "cap", "caption", "captions", str, str, lambda item, row: f"see {item}", ("vectors",))
    monkeypatch.setitem(ntcir.modalities._MODALITIES, words.name, words)
    return words
