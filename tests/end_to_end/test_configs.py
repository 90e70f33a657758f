"""Every file of ``configs/`` works on a small corpus: it is trained and asked in both directions, ablated or tuned.

What a file says is kept, but for where the data lie, networks with their weights and precision, the size of pictures,
and how much is done: steps, candidates of a pool, and of what is repeated one seed, fold and set of weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from detecting import make_detector
from helpers import ROOT, one_thread  # noqa: F401
from small_corpora import CORPORA, SESSION
from tiny_networks import require
from tiny_text_networks import tiny_encoder

from ntcir.ablation import run_ablation
from ntcir.ablation.rows import Table
from ntcir.config import Backbone, Config, load_config
from ntcir.config.places import TIMM
from ntcir.modalities import directions
from ntcir.model.folder import CONFIG
from ntcir.retrieval.evaluating import evaluate
from ntcir.training.trainer import train
from ntcir.tuning import run_tuning
from ntcir.workspace import read_corpus

pytestmark = pytest.mark.usefixtures("one_thread")
CONFIGS = ROOT / "configs"
FILES = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
ABLATIONS = [name for name in FILES if name.startswith("ablate-")]
TUNINGS = [name for name in FILES if name.startswith("tune-")]
# Run by a test that asks more of it.
ELSEWHERE = {"clip-lifelog": "training/test_untrained.py"}
TRAININGS = [name for name in FILES if name not in {*ABLATIONS, *TUNINGS, *ELSEWHERE}]
TINY = "shufflenet_v2_x0_5"
# What a configuration's model lies in under runs/ -> the configuration.
STARTS = {load_config(CONFIGS / f"{name}.yaml").run_name: name for name in TRAININGS}
LAYERS = {"layer3": "stage3", "layer4": "conv5"}  # of a ResNet -> of the network in its place
SMALLER = {"resnet18": TINY, "resnet50": TINY, f"{TIMM}tf_efficientnet_lite2": f"{TIMM}test_efficientnet"}
STEPS = 2
COMPONENTS = 8  # of fewer photographs there are no more
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


def corpus_for(name: str) -> Path:
    """Return the folder of the corpus that fits a configuration."""
    if name not in CORPORA:
        pytest.fail(
            f"No small corpus fits configs/{name}.yaml: name one in CORPORA of tests/end_to_end/small_corpora.py"
        )
    folder = Path("data") / CORPORA[name].__name__
    if not folder.exists():
        CORPORA[name](folder)
    return folder


def small_networks(networks: Iterable[Backbone | Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return networks that are small and have random weights, no two of them the same."""
    whole = [Backbone.model_validate(network).model_dump() for network in networks]
    if any(network["arch"].startswith(TIMM) for network in whole):
        require("timm")
    return [
        network
        | {
            "arch": SMALLER.get(network["arch"], network["arch"]),
            "levels": [{**level, "layer": LAYERS.get(level["layer"], level["layer"])} for level in network["levels"]],
            "weights": "random",
            "seed": number,
        }
        for number, network in enumerate(whole)
    ]


def small(config: Config) -> dict[str, Any]:
    """Return what a configuration is changed by to work on a small corpus, without downloads, in a moment."""
    if not DETECTOR.exists():
        make_detector(DETECTOR)
    if config.texts.network == "$NTCIR_MINILM" and not Path("minilm").exists():
        tiny_encoder(Path("minilm"))
    narrow = {}
    for name in config.pair:
        tower = config.towers.of(name)
        if tower.pca is not None:
            narrow[f"towers.{name}.pca"] = min(tower.pca, COMPONENTS)
        if tower.head == "cnn":
            narrow |= {
                f"towers.{name}.widths": [8] * len(tower.widths),
                f"towers.{name}.blocks": [1] * len(tower.blocks),
            }
    if config.texts.vectors is not None:
        narrow["texts.vectors"] = str(word_vectors().absolute())
    return narrow | {
        "features.backbones": small_networks(config.features.backbones),
        "features.precision": "fp32",
        "features.size": PIXELS,
        "features.crop": PIXELS * config.features.crop // config.features.size,
        "objects.detector": str(DETECTOR.absolute()),
        "objects.size": PIXELS,
        "topics.pool": SESSION,
        "training.iters": min(config.training.iters, STEPS),
    }


def word_vectors() -> Path:
    """Return a file of word vectors."""
    path = Path("vectors.txt")
    path.write_text("a 0.1 0.2 0.3\ndog 0.3 -0.2 0.1\n", encoding="utf-8")
    return path


def trained(name: str) -> Path:
    """Return the folder of a configuration's model, trained where nobody has done so."""
    folder = Path("runs") / name
    config = load_config(CONFIGS / f"{name}.yaml")
    if not folder.exists():
        changes = small(config) | {"data.path": str(corpus_for(name).absolute())}
        if config.training.start is not None:  # the model of another of these files, which says how wide it came out
            start = trained(STARTS[config.training.start.name])
            changes |= {"training.start": str(start.absolute()), "towers.dim": load_config(start / CONFIG).towers.dim}
        config = config.changed(changes).anchored()
        train(config, lambda: read_corpus(config), folder)
    return folder


@pytest.mark.parametrize("name", TRAININGS)
def test_a_configuration_is_trained_and_answers_in_both_directions(name):
    found = evaluate(trained(name), None).to_json()
    assert set(found) == {"all", *(each.name for each in directions(load_config(CONFIGS / f"{name}.yaml").pair))}
    for group in found.values():
        assert group["topics"] > 1
        assert all(math.isfinite(value) for value in group.values() if isinstance(value, float))
        assert 0 < group["MRR"] <= 1


def described(name: str) -> tuple[dict[str, Any], Path]:
    """Return what describes many trainings, made small, and the folder of its corpus."""
    tree = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text(encoding="utf-8"))
    base = CONFIGS / tree["base"]
    changes = tree.get("changes", {})
    tree |= {"base": str(base), "changes": changes | small(load_config(base).changed(changes))}
    for method in tree.get("methods", {}).values():
        for value in method.values():
            if isinstance(value, dict) and "pca" in value:
                value["pca"] = min(value["pca"], COMPONENTS)
    return tree, corpus_for(base.stem)


def write(name: str, tree: dict[str, Any]) -> Path:
    path = Path(f"{name}.yaml")
    path.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_method_of_an_ablation_is_trained_and_measured(name):
    tree, corpus = described(name)
    del tree["changes"]["training.iters"]  # the grid's own
    tree["changes"]["negatives.every"] = 1  # so that the second step has some
    tree |= {"iterations": [STEPS], "seeds": 1}
    if "weights" in tree:
        # The last ones are all networks together, where a grid has several.
        weights, changes = list(tree["weights"].items())[-1]
        tree["weights"] = {weights: changes | {"features.backbones": small_networks(changes["features.backbones"])}}
    if "folds" in tree:
        tree["folds"] = dict(list(tree["folds"].items())[:1])
    if "topics" in tree:
        tree["topics"] |= {"pool": SESSION, "per_day": 2}
    tables: list[Table] = []
    run_ablation(write(name, tree), corpus, None, tables.append)
    table = tables[-1]
    assert [row.cell.method for row in table.rows] == list(tree["methods"])
    for row in table.rows:
        assert set(row.mrr) == {each.name for each in directions(load_config(Path(tree["base"])).pair)}
        assert all(0 < mrr.value <= 1 for mrr in row.mrr.values())
    assert len({tuple(mrr.value for mrr in row.mrr.values()) for row in table.rows}) > 1  # the methods do differ


@pytest.mark.parametrize("name", TUNINGS)
def test_a_trial_of_each_stage_of_a_tuning_is_measured(name):
    tree, corpus = described(name)
    tuned = run_tuning(write(name, tree), corpus, None, 1, lambda tuned: None)
    assert [list(trial.values) for trial in tuned.trials] == tree.get("stages", [list(tree["search"])])
    assert all(0 < trial.value <= 1 for trial in tuned.trials)


def test_no_line_is_about_a_configuration_that_is_gone():
    assert {*CORPORA, *ELSEWHERE} <= {*FILES}
    for name, test in ELSEWHERE.items():
        assert f'"{name}.yaml"' in (ROOT / "tests" / test).read_text(encoding="utf-8")
