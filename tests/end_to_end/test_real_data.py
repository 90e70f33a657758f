"""Real photographs, real readings, real weights: trained on some laps, asked on others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
WEIGHTS = SHARED / "weights" / "squeezenet1_1_imagenet_features.pth"

needs_weights = pytest.mark.skipif(not WEIGHTS.is_file(), reason="needs ../shared/weights")


def ntcir(*words: str, cwd: Path) -> str:
    result = subprocess.run([sys.executable, "-m", "ntcir", *words], cwd=cwd, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


@needs_weights
@pytest.mark.skipif(not (SHARED / "data" / "track").is_dir(), reason="needs ../shared/data/track")
def test_track_beats_random_on_laps_not_trained_on(tmp_path: Path) -> None:
    common = ["--config", str(ROOT / "configs" / "track.yaml"), "--data", str(SHARED / "data" / "track")]
    weights = ["--set", f"features.backbones.0.weights={WEIGHTS}"]
    ntcir("build-topics", *common, "--topics-per-day", "100", cwd=tmp_path)
    ntcir("train", *common, *weights, "--iters", "200", cwd=tmp_path)
    (tmp_path / "run.txt").write_text(ntcir("run", "topics.tsv", cwd=tmp_path))
    scores = json.loads(ntcir("score", "--json", cwd=tmp_path))
    for direction in ("img2sen", "sen2img"):
        assert scores[direction]["topics"] == 100
        assert scores[direction]["random_MRR"] == pytest.approx(0.0294, abs=1e-4)
        # The whole interval lies above chance; the trained model is some four times it.
        assert scores[direction]["MRR_95"][0] > 2 * scores[direction]["random_MRR"]


@needs_weights
@pytest.mark.skipif(not (SHARED / "data" / "campus").is_dir(), reason="needs ../shared/data/campus")
def test_campus_goes_through_although_it_is_tiny(tmp_path: Path) -> None:
    data = ["--data", str(SHARED / "data" / "campus")]
    network = f"features.backbones=[{{arch: squeezenet1_1, weights: {WEIGHTS}}}]"
    ntcir("build-topics", *data, "--pool", "8", "--topics-per-day", "8", cwd=tmp_path)
    ntcir("train", *data, "--set", network, "--iters", "50", cwd=tmp_path)
    (tmp_path / "run.txt").write_text(ntcir("run", "topics.tsv", cwd=tmp_path))
    scores = json.loads(ntcir("score", "--json", cwd=tmp_path))
    assert scores["all"]["topics"] == 16
    assert scores["all"]["random_MRR"] == pytest.approx(sum(1 / rank for rank in range(1, 9)) / 8)
