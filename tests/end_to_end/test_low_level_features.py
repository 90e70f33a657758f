"""NUS-WIDE-LITE in its published files, generated and small: trained on and evaluated as its configuration stands."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from helpers import ROOT, command_line, one_thread  # noqa: F401

from ntcir.ablation.grid import read_plan
from ntcir.config import load_config

sys.path.append(str(ROOT / "benchmarks"))

from nuswide_files import write_corpus

pytestmark = pytest.mark.usefixtures("one_thread")


def test_low_level_features_and_tags_go_from_files_to_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_corpus(Path("nus"), (240, 120), 12, {"CH": 12, "WT": 8})
    small = ["training.batch=64", "training.validate_every=20", "towers.image.hidden=64", "towers.text.hidden=64"]
    settings = [word for setting in small for word in ("--set", setting)]
    config = str(ROOT / "configs" / "nuswide-lowlevel.yaml")
    trained = command_line(
        "train", "--config", config, "--data", "nus", "--iters", "60", "--out", "runs/nus", *settings
    )  # fmt: skip
    assert trained.exit_code == 0, trained.output
    assert "360 of 360 photographs are not under" in trained.stderr
    assert not Path("features").exists()  # no network was asked for anything
    evaluated = command_line("evaluate", "--model", "runs/nus", "--json")
    assert evaluated.exit_code == 0, evaluated.output
    found = json.loads(evaluated.stdout)
    assert {"img2txt", "txt2img"} <= set(found)


def test_the_configurations_and_the_comparison_of_losses_are_valid(tmp_path: Path) -> None:
    for name in ("nuswide", "nuswide-lowlevel"):
        config = load_config(ROOT / "configs" / f"{name}.yaml")
        assert config.pair == ("image", "text")
        assert config.data.split.by == "official"
    plan = read_plan(ROOT / "configs" / "ablate-nuswide.yaml", tmp_path)
    assert [config.objectives[0].kind for config in plan.configs.values()] == [
        "pairwise", "pairwise", "triplet", "triplet", "soft_weighted", "soft_margin", "info_nce", "ranking"
    ]  # fmt: skip
    assert {config.towers.of("image").encoder for config in plan.configs.values()} == {"vectors"}
