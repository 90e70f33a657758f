"""What benchmarks/flickr8k.py is made of: folds of training pictures alone, CCA, and the rows of its tables."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from captioned import know_captions, partners, write_captioned
from helpers import ROOT, refusal

from ntcir.config import load_config
from ntcir.corpora import open_corpus
from ntcir.measures.reciprocal import Figures, random_reciprocal_rank

sys.path.append(str(ROOT / "benchmarks"))

import caption_choice
import caption_models
from caption_choice import choice, variants
from caption_models import Opened, Question, cca, fold_of, folds, train, training_only
from caption_table import Table, chance_cells, difference_cells, figure_cells, within
from flickr8k import CONFIGS, baselines_of


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Pictures and captions of three splits, with small random networks."""
    know_captions(monkeypatch)
    monkeypatch.setattr(caption_models, "FOLDS", 2)
    root = write_captioned(tmp_path / "captioned")
    config = load_config(root / "ntcir.yaml", ["training.iters=4", "training.batch=8"]).changed(
        {"features.store": str(tmp_path / "store"), "features.backbones.0.grid": 1}
    )
    return Opened(config, open_corpus(root, config.data.split, pair=config.pair))


def figures(ranks: Sequence[float], clusters: Sequence[int]) -> Figures:
    found = np.array(ranks, dtype=np.float64)
    return Figures(1 / found, np.ones(len(found), int), found, np.full(len(found), np.nan), np.array(clusters))


def test_what_is_chosen_by_has_nothing_but_training_pictures(opened: Opened) -> None:
    known = partners(opened.corpus.root, "train")
    training = training_only(opened.corpus)
    assert set(training.images.index) == set(training.pairs["image"]) == set(known)
    captions = {caption for some in known.values() for caption in some}
    assert set(training.tables["text"].index) == set(training.pairs["text"]) == captions


def test_each_training_picture_is_validated_on_once_with_all_of_its_captions(opened: Opened) -> None:
    training = opened.of(training_only(opened.corpus))
    validated = [fold.corpus.split("val") for fold in folds(training, 3)]
    for fold, val in zip(folds(training, 3), validated, strict=True):
        assert fold.corpus.split("test").empty
        assert set(fold.corpus.split("train")["image"]).isdisjoint(val["image"])
    assert sorted(text for val in validated for text in val["text"]) == sorted(training.corpus.pairs["text"])
    assert all(len(val) for val in validated)


def test_the_fold_of_a_picture_is_that_of_its_name_and_seed() -> None:
    names = [f"{number}.jpg" for number in range(200)]
    first = [fold_of(name, 5, 0) for name in names]
    assert first == [fold_of(name, 5, 0) for name in names]
    assert first != [fold_of(name, 5, 1) for name in names]
    assert set(first) == set(range(5))


def test_random_orders_have_what_all_orders_have_on_average() -> None:
    for size, relevant in [(5, 1), (6, 2), (4, 4)]:
        orders = list(itertools.permutations(range(size)))
        best = [1 + min(order.index(item) for item in range(relevant)) for order in orders]
        assert within(size, relevant) == pytest.approx(
            [np.mean([rank <= k for rank in best]) for k in range(1, size + 1)]
        )
        mrr, *_, median = chance_cells(size, np.array([relevant]))
        assert float(mrr) == pytest.approx(random_reciprocal_rank(size, relevant), abs=1e-4)
        assert int(median) == sorted(best)[(len(best) - 1) // 2]


def test_cells_are_means_over_trainings() -> None:
    trainings = [figures([1, 2, 4, 20], [0, 0, 1, 1]), figures([1, 4, 4, 2], [0, 0, 1, 1])]
    mrr, at_1, at_5, at_10, median = figure_cells(trainings)
    assert mrr.startswith(f"{(1.8 + 2.0) / 8:.4f} [")
    assert (at_1, at_5, at_10, median) == ("25.0", "87.5", "87.5", "3")


def test_differences_are_paired_and_drawn_by_picture() -> None:
    clusters = np.repeat(np.arange(30), 5)
    ranks = np.random.default_rng(0).integers(2, 40, len(clusters)).astype(float)
    better, same = difference_cells([figures(ranks - 1, clusters)], [figures(ranks, clusters)]), None
    assert better[0].startswith("**+")
    assert better[-1] == ""
    same = difference_cells([figures(ranks, clusters)], [figures(ranks, clusters)])
    assert same == ["+0.0000 [+0.0000, +0.0000]", "+0.0", "+0.0", "+0.0", ""]
    # Five captions of one picture that differ alike are one draw: the interval is wider than over captions.
    gain = [figures(ranks * np.where(clusters % 2, 1, 2), clusters)], [figures(ranks, clusters)]
    alone = [figures(each[0].ranks, np.arange(len(ranks))) for each in gain]

    def width(cells: list[str]) -> float:
        low, high = cells[0].strip("*").split("[")[1].rstrip("]").split(", ")
        return float(high) - float(low)

    assert width(difference_cells(*gain)) > 1.2 * width(difference_cells([alone[0]], [alone[1]]))


def test_towers_and_cca_answer_the_same_question(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caption_models, "REGULARISATIONS", (0.1, 1.0, 10.0))
    question = Question.of(opened, "test")
    baseline = cca(Opened(opened.config, training_only(opened.corpus))).answer(question)
    answers = question.answered(train(opened, opened.config))
    assert {name: len(each.ranks) for name, each in baseline.items()} == {"img2txt": 11, "txt2img": 33}
    assert {name: len(each.ranks) for name, each in answers.items()} == {"img2txt": 11, "txt2img": 33}
    assert baseline["txt2img"].mean() > random_reciprocal_rank(11)
    table = Table(question)
    table.add("towers", [answers])
    table.compare("difference", [answers], [baseline])
    assert str(table).startswith("11 pictures and 33 captions:\n\n| method | txt2img MRR | R@1 |")
    assert {line.count("|") for line in table.lines} == {12}


def test_a_table_of_choices_has_a_column_for_each_number_of_steps(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caption_choice, "STEPS", (2, 6))
    training = Opened(opened.config, training_only(opened.corpus))
    lines = list(choice(training, {"towers.image.input_dropout": (0.0, 0.5)}))
    assert lines[0] == "| txt2img / img2txt | 2 steps | 4 steps | 6 steps | difference at 4 |"
    assert [line.split(" | ")[0] for line in lines[2:]] == [
        "| as it stands",
        "| towers.image.input_dropout = 0.5 (for 0.0)",
    ]
    assert all(lines[2].split(" | ")[1:4])
    assert lines[3].split(" | ")[3] == ""  # longer than the configuration says
    cosine = training.changed({"training.schedule": "cosine"})
    assert "training.schedule = cosine is not valid" in refusal(list, choice(cosine, {}))


@pytest.mark.parametrize("name", CONFIGS)
def test_each_key_of_the_grid_is_one_of_the_configurations(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTCIR_MINILM", str(ROOT))
    config = load_config(ROOT / name)
    found = dict(variants(config, caption_choice.GRID))
    assert found.pop("as it stands") == {}
    for changes in found.values():
        assert config.changed(changes) != config


def test_cca_is_also_on_powers_where_towers_are() -> None:
    config = load_config(ROOT / CONFIGS[0]).changed({"towers.image.power": 1.0})
    assert baselines_of(config) == {"CCA": {}}
    assert baselines_of(config.changed({"towers.image.power": 0.5})) == {
        "CCA": {"towers.image.power": 1.0},
        "CCA with power": {},
    }
