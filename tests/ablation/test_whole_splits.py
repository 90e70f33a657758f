"""An ablation on captions and pictures: every item of the test split asks, and all of the split is ranked."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from captioned import PER_SPLIT, SEVERAL, know_captions, write_captioned
from helpers import command_line, one_thread, toy_corpus  # noqa: F401

from ntcir.ablation.folds import digest_of_data
from ntcir.model.model import Model

pytestmark = pytest.mark.usefixtures("one_thread")
TEST = PER_SPLIT["test"]
GRID: dict[str, Any] = {
    "base": "data/ntcir.yaml", "iterations": [10], "seeds": 2,
    "methods": {
        "cold": {"objectives": [{"kind": "info_nce", "temperature": 0.05}]},
        "hot": {"objectives": [{"kind": "info_nce", "temperature": 10.0}]},
    },
}  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_captioned(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    know_captions(monkeypatch)
    return tmp_path


def ablate(**changes: Any) -> Any:
    Path("grid.yaml").write_text(yaml.safe_dump({**GRID, **changes}, sort_keys=False), encoding="utf-8")
    return command_line("ablate", "grid.yaml", "--data", "data", "--out", "grid")


def rows() -> list[dict[str, str]]:
    with Path("grid/results.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_is_what_the_evaluation_of_its_trainings_finds(here):
    done = ablate()
    assert done.exit_code == 0, f"{done.output}{done.exception!r}"
    first = rows()[0]
    assert first["topics"] == f"img2txt:{TEST} txt2img:{TEST * SEVERAL}"
    found = []
    for seed in (0, 1):
        config = str(next(Path("grid/configs").glob("10-cold-*.yaml")))
        out = f"runs/{seed}"
        again = ["train", "--config", config, "--data", "data", "--out", out, "--set", f"seed={seed}"]
        assert command_line(*again).exit_code == 0
        found.append(json.loads(command_line("evaluate", "--model", out, "--json").stdout))
    for way in ("img2txt", "txt2img"):
        assert float(first[way]) == pytest.approx(sum(each[way]["MRR"] for each in found) / 2, abs=1e-6)
        assert float(first[f"{way}_random"]) == pytest.approx(found[0][way]["random_MRR"], abs=1e-6)
    text = Path("grid/table.md").read_text(encoding="utf-8")
    assert "MRR (by the best-ranked relevant document)" in text
    assert (
        f"{TEST} topics img2txt and {TEST * SEVERAL} topics txt2img, each of which ranks the whole test split" in text
    )
    assert "interval over clusters of topics, such as a picture's captions" in text
    assert "ntcir evaluate --model" in next(Path("grid/configs").glob("10-hot-*.yaml")).read_text(encoding="utf-8")
    assert not Path("grid/topics/pools.tsv").exists()
    model = Model.load(Path("runs/0"))
    assert model.config.pair == ("image", "text")


def test_what_is_done_is_not_done_again_and_a_sample_of_topics_is_another_question(here):
    assert ablate(seeds=1).exit_code == 0
    kept = sorted(path.name for path in Path("grid/cells").iterdir())
    assert ablate(seeds=1).exit_code == 0
    assert sorted(path.name for path in Path("grid/cells").iterdir()) == kept
    assert ablate(seeds=1, topics={"number": 5}).exit_code == 0
    assert rows()[0]["topics"] == "5"
    assert len(list(Path("grid/cells").iterdir())) == 2 * len(kept)


def test_pools_can_be_asked_for(here):
    done = ablate(seeds=1, topics={"pool": 6})
    assert done.exit_code == 0, f"{done.output}{done.exception!r}"
    assert "in pools of 6" in Path("grid/table.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("key", [{"per_day": 3}, {"skip_short_days": True}])
def test_keys_of_days_are_refused(here, key):
    done = ablate(topics=key)
    assert done.exit_code == 2
    assert f"topics.{next(iter(key))} means nothing for" in done.stderr.splitlines()[-1]


def test_changed_categories_have_another_digest(tmp_path):
    corpus = toy_corpus()
    items = {"sensor": corpus.pairs["sensor"].unique().tolist()}
    concepts = pd.DataFrame({"sky": 1, "sea": 0}, index=corpus.sensors.index)
    seen = {
        digest_of_data(replace(corpus, categories=categories), tmp_path, items)
        for categories in ({}, {"sensor": concepts}, {"sensor": 1 - concepts}, {"sensor": concepts[["sea", "sky"]]})
    }
    assert len(seen) == 4
