"""Every file of ``configs/`` works on a small corpus: it is trained and asked in both directions, ablated or tuned.

What a file says is kept, but for where the data lie, networks and their weights, the size of pictures, the number of
steps and the size of pools.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from detecting import make_detector
from helpers import ROOT, command_line, one_thread  # noqa: F401
from small_corpora import CORPORA, SESSION
from tiny_text_networks import tiny_encoder

from ntcir.config import Backbone, Config, load_config
from ntcir.config.places import TIMM
from ntcir.modalities import directions

pytestmark = pytest.mark.usefixtures("one_thread")
CONFIGS = ROOT / "configs"
FILES = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
ABLATIONS = [name for name in FILES if name.startswith("ablate-")]
TUNINGS = [name for name in FILES if name.startswith("tune-")]
# Run by a test that asks more of it.
ELSEWHERE = {"clip-lifelog": "training/test_untrained.py"}
TRAININGS = [name for name in FILES if name not in {*ABLATIONS, *TUNINGS, *ELSEWHERE}]
SMALLER = {"resnet50": "resnet18", f"{TIMM}tf_efficientnet_lite2": f"{TIMM}test_efficientnet"}
STEPS = 2
PIXELS = 64
DETECTOR = Path("detector.pt")


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Iterator[Path]:  # noqa: F811
    """The current folder: the small corpora, features of their pictures and models that are found by later tests."""
    folder = tmp_path_factory.mktemp("configs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("NTCIR_MINILM", str(folder / "minilm"))
        yield folder


def corpus_for(name: str) -> str:
    """Return the folder of the corpus that fits a configuration."""
    if name not in CORPORA:
        pytest.fail(f"No small corpus fits configs/{name}.yaml: name one in CORPORA of tests/end_to_end/small_corpora.py")
    folder = Path("data") / CORPORA[name].__name__
    if not folder.exists():
        CORPORA[name](folder)
    return str(folder)


def small_networks(networks: Iterable[Backbone | Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return networks that are small and have random weights, no two of them the same."""
    whole = [Backbone.model_validate(network).model_dump() for network in networks]
    return [
        network | {"arch": SMALLER.get(network["arch"], network["arch"]), "weights": "random", "seed": number}
        for number, network in enumerate(whole)
    ]


def small(config: Config) -> dict[str, Any]:
    """Return what a configuration is changed by to work on a small corpus, without downloads, in a moment."""
    if not DETECTOR.exists():
        make_detector(DETECTOR)
    if config.texts.network == "$NTCIR_MINILM" and not Path("minilm").exists():
        tiny_encoder(Path("minilm"))
    return {
        "features.backbones": small_networks(config.features.backbones),
        "features.size": PIXELS,
        "features.crop": PIXELS * config.features.crop // config.features.size,
        "objects.detector": str(DETECTOR.absolute()),
        "objects.size": PIXELS,
        "negatives.every": 1,
        "topics.pool": SESSION,
        "training.iters": min(config.training.iters, STEPS),
    }


def succeeds(*arguments: str) -> str:
    """Type a command that succeeds; return what it wrote to standard output."""
    done = command_line(*arguments)
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    return done.stdout


def trained(name: str) -> str:
    """Return the folder of a configuration's model, trained where nobody has done so."""
    folder = f"runs/{name}"
    path = CONFIGS / f"{name}.yaml"
    config = load_config(path)
    if config.training.start is not None:
        trained(config.training.start.name)
    if not Path(folder).exists():
        settings = [word for key, value in small(config).items() for word in ("--set", f"{key}={json.dumps(value)}")]
        succeeds("train", "--config", str(path), "--data", corpus_for(name), "--out", folder, *settings)
    return folder


def numbers(tree: Any) -> Iterator[float]:
    """Yield the numbers in what JSON held."""
    if isinstance(tree, dict | list):
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from numbers(part)
    elif isinstance(tree, int | float):
        yield tree


@pytest.mark.parametrize("name", TRAININGS)
def test_a_configuration_is_trained_and_evaluated(name):
    found = json.loads(succeeds("evaluate", "--model", trained(name), "--json"))
    assert set(found) == {"all", *(each.name for each in directions(load_config(CONFIGS / f"{name}.yaml").pair))}
    assert all(map(math.isfinite, numbers(found)))
    assert all(0 < group["MRR"] <= 1 and group["topics"] > 1 for group in found.values())


def described(name: str) -> tuple[dict[str, Any], str]:
    """Return what describes many trainings, made small, and the folder of its corpus."""
    tree = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text(encoding="utf-8"))
    base = CONFIGS / tree["base"]
    tree |= {"base": str(base), "changes": tree.get("changes", {}) | small(load_config(base))}
    return tree, corpus_for(base.stem)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_method_of_an_ablation_is_trained_and_measured(name):
    tree, corpus = described(name)
    del tree["changes"]["training.iters"]  # the grid's own
    tree |= {"iterations": [STEPS], "seeds": 1}
    if "weights" in tree:
        # The last ones are all networks together, where a grid has several.
        weights, changes = list(tree["weights"].items())[-1]
        networks = small_networks(changes.pop("features.backbones"))
        tree["weights"] = {weights: changes | {"features.backbones": networks}}
    if "folds" in tree:
        tree["folds"] = dict(list(tree["folds"].items())[:2])
    if "topics" in tree:
        tree["topics"] |= {"pool": SESSION, "per_day": 2}
    path = Path(f"{name}.yaml")
    path.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    succeeds("ablate", str(path), "--data", corpus, "--out", f"runs/{name}")
    rows = rows_of(Path("runs") / name / "results.csv")
    assert [row["method"] for row in rows] == list(tree["methods"])
    for direction in directions(load_config(Path(tree["base"])).pair):
        assert all(0 < float(row[direction.name]) <= 1 for row in rows)


@pytest.mark.parametrize("name", TUNINGS)
def test_a_trial_of_each_stage_of_a_tuning_is_measured(name):
    tree, corpus = described(name)
    path = Path(f"{name}.yaml")
    path.write_text(yaml.safe_dump(tree | {"trials": 1}, sort_keys=False), encoding="utf-8")
    succeeds("tune", str(path), "--data", corpus, "--out", f"runs/{name}")
    rows = rows_of(Path("runs") / name / "trials.csv")
    assert [row["stage"] for row in rows] == [str(number + 1) for number in range(len(tree.get("stages", [1])))]
    assert all(0 < float(row["value"]) <= 1 for row in rows)


def test_no_line_is_about_a_configuration_that_is_gone():
    assert {*CORPORA, *ELSEWHERE} == {*FILES} - {*ABLATIONS, *TUNINGS}
    for name, test in ELSEWHERE.items():
        assert f'"{name}.yaml"' in (ROOT / "tests" / test).read_text(encoding="utf-8")
