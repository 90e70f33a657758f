"""What benchmarks/without_training.py is made of: models that begin from others, averages, folds and the curve."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from captioned import know_captions, write_captioned
from helpers import ROOT

from ntcir.config import load_config
from ntcir.corpora import open_corpus
from ntcir.measures.reciprocal import Figures

sys.path.append(str(ROOT / "benchmarks"))

import pair_curve
from caption_models import Opened
from model_fits import Method, answered, fits
from pair_curve import print_curve
from solved_methods import CCA, choices_of_captions, of_captions, solved
from without_training import joined

METHODS = [
    *solved({"procrustes": 3, "least squares": 3, CCA: 3}),
    Method("InfoNCE"),
    Method("InfoNCE from CCA", start=CCA),
    Method("averaged", average=(CCA, "InfoNCE")),
]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Pictures and captions of three splits, with small random networks."""
    know_captions(monkeypatch)
    root = write_captioned(tmp_path / "captioned")
    config = load_config(root / "ntcir.yaml", ["training.iters=2", "training.batch=8"]).changed(
        {"features.store": str(tmp_path / "store"), "features.backbones.0.grid": 1}
    )
    return Opened(config, open_corpus(root, config.data.split, pair=config.pair))


def test_what_is_solved_is_made_once_and_what_is_trained_once_a_seed(opened: Opened) -> None:
    made = {method.name: found for method, found in fits(opened, METHODS, 2)}
    assert {name: len(found) for name, found in made.items()} == {
        "procrustes": 1, "least squares": 1, CCA: 1, "InfoNCE": 2, "InfoNCE from CCA": 2, "averaged": 2,
    }  # fmt: skip
    begun = made["InfoNCE from CCA"][1].model.config
    assert begun.towers.dim == made[CCA][0].model.config.towers.dim
    assert begun.seed == 1
    assert Path(str(begun.training.start)).name == "CCA-0"
    assert set(answered(opened, made["averaged"][0].model, "test", None)) == {"img2txt", "txt2img"}


def test_an_average_has_the_mean_of_the_cosines(opened: Opened) -> None:
    made = {method.name: found for method, found in fits(opened, METHODS, 1)}
    [left, right] = opened.config.pair
    rows = opened.rows(made[CCA][0].model.encoders)
    pairs = opened.corpus.split("test")

    def cosines(name: str) -> np.ndarray:
        model = made[name][0].model
        of_left, of_right = (model.encode(side, rows[side].load(pairs[side].tolist())) for side in (left, right))
        found: np.ndarray = of_left.vectors @ of_right.vectors.T
        return found

    assert cosines("averaged") == pytest.approx((cosines(CCA) + cosines("InfoNCE")) / 2, abs=1e-5)


def test_clusters_of_several_folds_stay_apart() -> None:
    ranks = np.array([1.0, 2.0, 4.0])
    part = Figures(1 / ranks, np.ones(3, dtype=np.int64), ranks, ranks * np.nan, np.array([0, 0, 1]))
    both = joined([part, part])
    assert both.clusters is not None
    assert both.clusters.tolist() == [0, 0, 1, 2, 2, 3]
    assert both.ranks.tolist() == [1, 2, 4, 1, 2, 4]


def test_the_curve_has_a_column_for_each_number_of_pictures(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pair_curve, "PICTURES", (4, 1000))
    pictures = opened.corpus.split("train")[opened.config.pair[0]].nunique()
    print_curve(opened, METHODS[2:4], 2, tmp_path / "curve.png", [("InfoNCE", CCA)])
    lines = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert lines[0] == ["| method", "4 pictures", f"{pictures} pictures |"]
    assert [line[0] for line in lines[2:]] == ["| CCA", "| InfoNCE", "| InfoNCE, difference to CCA"]
    assert all(line[1].count("±") == 2 for line in lines[2:])  # other pictures in each draw
    assert [line[2].count("±") for line in lines[2:]] == [
        0,
        2,
        2,
    ]  # the same pictures, and other seeds of what is trained
    assert (tmp_path / "curve.png").stat().st_size > 1000


def test_methods_begin_from_those_before_them_and_can_be_configured(opened: Opened) -> None:
    for methods in (of_captions(opened.config), choices_of_captions(opened.config)):
        names = [method.name for method in methods]
        assert len(set(names)) == len(names)
        for place, method in enumerate(methods):
            assert {*([method.start] if method.start else []), *method.average} <= set(names[:place])
            opened.config.changed(method.changes)
