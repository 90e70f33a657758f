"""Real photographs, real readings, real weights: trained on some laps, asked on others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers import ROOT, command_line

SHARED = ROOT.parent / "shared"
WEIGHTS = SHARED / "weights" / "squeezenet1_1_imagenet_features.pth"

needs_weights = pytest.mark.skipif(not WEIGHTS.is_file(), reason="needs ../shared/weights")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def ntcir(*words: str) -> str:
    result = command_line(*words)
    assert result.exit_code == 0, result.stderr
    return result.stdout


@needs_weights
@pytest.mark.skipif(not (SHARED / "data" / "track").is_dir(), reason="needs ../shared/data/track")
def test_track_beats_random_on_laps_not_trained_on() -> None:
    common = ["--config", str(ROOT / "configs" / "track.yaml"), "--data", str(SHARED / "data" / "track")]
    # Small pictures, and a member for each level, are enough for what is asked here.
    changes = {
        "features.backbones.0.weights": WEIGHTS, "features.size": 112, "features.crop": 112, "towers.members": 3,
    }  # fmt: skip
    small = [word for key, value in changes.items() for word in ("--set", f"{key}={value}")]
    ntcir("build-topics", *common, "--topics-per-day", "100")
    ntcir("train", *common, *small, "--iters", "150")
    Path("run.txt").write_text(ntcir("run", "topics.tsv"))
    scores = json.loads(ntcir("score", "--json"))
    for direction in ("img2sen", "sen2img"):
        assert scores[direction]["topics"] == 100
        assert scores[direction]["random_MRR"] == pytest.approx(0.0294, abs=1e-4)
        # The whole interval lies above chance; the trained model is some four times it.
        assert scores[direction]["MRR_95"][0] > 2 * scores[direction]["random_MRR"]


@needs_weights
@pytest.mark.skipif(not (SHARED / "data" / "campus").is_dir(), reason="needs ../shared/data/campus")
def test_campus_goes_through_although_it_is_tiny() -> None:
    data = ["--data", str(SHARED / "data" / "campus")]
    network = f"features.backbones=[{{arch: squeezenet1_1, weights: {WEIGHTS}}}]"
    ntcir("build-topics", *data, "--pool", "8", "--topics-per-day", "8")
    ntcir("train", *data, "--set", network, "--iters", "50")
    Path("run.txt").write_text(ntcir("run", "topics.tsv"))
    scores = json.loads(ntcir("score", "--json"))
    assert scores["all"]["topics"] == 16
    assert scores["all"]["random_MRR"] == pytest.approx(sum(1 / rank for rank in range(1, 9)) / 8)
