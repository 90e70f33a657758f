"""What benchmarks/dual_path.py trains: methods are configurations, compared with others of their table."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

import pandas as pd
import pytest
from helpers import ROOT, toy_corpus

sys.path.append(str(ROOT / "benchmarks"))

from dual_path import TABLES, Bench, some_of_training


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(Namespace(data=tmp_path / "data", weights=tmp_path / "weights", work=tmp_path / "work", seeds=1))


@pytest.mark.parametrize("table", TABLES)
def test_every_method_is_a_configuration_and_what_it_is_compared_with_is_there(table, bench):
    methods = TABLES[table]
    names = [method.name for method in methods]
    assert len({bench.folder(name, 0) for name in names}) == len(names)
    described = [bench.config(method, 0).to_yaml() for method in methods]
    assert len(set(described)) == len(methods)
    for place, method in enumerate(methods):
        config = bench.config(method, 3)
        assert config.seed == 3
        assert set(method.against) <= {*names}
        if method.start is not None:
            assert method.start in names[:place]
            assert config.training.start == bench.folder(method.start, 3)


def test_as_many_training_pictures_are_asked_as_there_are_to_be_asked_about():
    corpus = toy_corpus()
    asked = some_of_training(corpus)
    own = corpus.split("train")
    assert asked["image"].nunique() == corpus.split("test")["image"].nunique() < own["image"].nunique()
    assert pd.merge(asked, own).shape == asked.shape
