"""A person who has nothing but the demo types what to look for, and sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers import command_line, one_thread  # noqa: F401

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.usefixtures("drawn")
def test_words_find_scenes_of_the_demo():
    # Of three days, two are for training: what is asked for is on them.
    small = ["--set", "features.size=64", "--set", "features.crop=64", "--set", "data.split={by: fraction}"]
    # The demo's own configuration is taken, by which objects are detected; that takes most of the time.
    pair = ["--set", "pair=[image, text]", "--set", "positives.objects=false"]
    done = command_line("train", *small, *pair, "--iters", "80", "--out", "runs/words")
    assert done.exit_code == 0, done.output
    for query, scene in {
        "eating in a restaurant": "eating at a table in a restaurant",  # of 90 photographs, 5
        "working at the computer in the office": "working at a computer in an office",
    }.items():
        done = command_line("search", query, "--k", "5", "--json", "--model", "runs/words")
        assert done.exit_code == 0, done.output
        hits = json.loads(done.stdout)["hits"]
        assert sum(hit["text"].startswith(scene) for hit in hits) >= 3
        assert (Path("search") / query.replace(" ", "-") / "index.html").is_file()


@pytest.fixture(scope="module")
def drawn_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo-search")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = command_line("demo", "--days", "3", "--per-day", "30")
        assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def drawn(drawn_once: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(drawn_once)
