"""What a training says of its items is said in the nouns of the configuration's pair."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import command_line, one_thread, refusal, write_pictures  # noqa: F401
from second_pair import know_them

import ntcir.training.data_parallel
from ntcir.config import Config
from ntcir.training.data_parallel import check_same
from ntcir.training.preparation import require_pictures
from ntcir.training.remarks import idle_settings

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    know_them(monkeypatch)


@pytest.mark.parametrize(
    ("pair", "plural"),
    [(["image", "sensor"], "photographs"), (["photo", "meter"], "slides"), (["meter", "photo"], "slides")],
)
def test_a_share_that_comes_to_nothing_is_of_the_pair_s_pictures(pair, plural):
    changes: dict[str, Any] = {
        "pair": pair, "augment.views": 1, "augment.share": 0.001, "positives.objects": True, "positives.share": 0.001
    }  # fmt: skip
    said = " ".join(idle_settings(Config().changed(changes), np.array([500])))
    assert f"no altered {plural}:" in said
    assert f"no matched {plural}:" in said


@pytest.mark.parametrize(
    ("pair", "words"), [(("image", "sensor"), "photographs, readings"), (("photo", "note"), "slides, notes")]
)
def test_a_process_that_sees_something_else_is_told_of_what(monkeypatch, pair, words):
    monkeypatch.setattr(ntcir.training.data_parallel, "gather_objects", lambda digest: [digest, "another"])
    assert f"sees other {words} or network weights" in refusal(check_same, "one", pair)


def test_settings_of_pictures_are_refused_for_a_pair_without_any():
    assert "augment.views needs photographs" in refusal(
        require_pictures, Config().changed({"pair": ["note", "meter"], "augment.views": 1})
    )


def test_a_training_that_goes_on_with_other_items_is_told_of_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    data = write_pictures(tmp_path / "data")
    text = (data / "ntcir.yaml").read_text(encoding="utf-8")
    text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("towers"))
    (data / "ntcir.yaml").write_text(f"pair: [photo, meter]\ntowers: {{dim: 16}}\n{text}", encoding="utf-8")
    done = command_line("train", "--data", "data", "--iters", "4", "--out", "out")
    assert done.exit_code == 0, done.output
    records = (data / "records.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (data / "records.csv").write_text("".join([*records[:3], *records[4:]]), encoding="utf-8")
    failed = command_line("train", "--data", "data", "--iters", "8", "--out", "out", "--resume")
    assert failed.exit_code == 2, failed.output
    assert "the slides, levels or network weights are not those" in failed.stderr
