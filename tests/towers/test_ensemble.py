"""Several towers as one: their unit vectors side by side."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import normalize

from ntcir.config import Tower as Options
from ntcir.towers.dropout import BatchDropout
from ntcir.towers.ensemble import Ensemble
from ntcir.towers.gmlp import gmlp
from ntcir.towers.heads import mlp
from ntcir.towers.mirrored import Mirrored
from ntcir.towers.stems import EmbedCodes, Power, Select, Standardise
from ntcir.towers.tower import Tower
from ntcir.towers.whole_batch import of_whole
from ntcir.towers.word_stems import Bag

OPTIONS = Options(encoder="frozen", layers=2, hidden=6, standardise=False)
ROWS = np.random.default_rng(0).normal(2, 3, (9, 10)).astype(np.float32)
COLUMNS = [np.arange(4), np.array([0, 5, 9]), np.arange(10)]


class Counted(nn.Identity):
    """Counts how often it is called."""

    calls = 0

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return input


def members(dim: int = 16, options: Options = OPTIONS) -> tuple[list[nn.Module], list[nn.Module]]:
    """Return stems of three facets and heads of six members, of which each stem has two."""
    stems = [nn.Sequential(Select(each), Power(0.5), Standardise(len(each))) for each in COLUMNS]
    return stems * 2, [mlp(len(COLUMNS[number % 3]), dim, options) for number in range(6)]


@pytest.mark.parametrize("rectify", ["never", "always"])
@pytest.mark.parametrize("views", [None, Mirrored(10)])
def test_a_vector_is_those_of_towers_that_are_alone_and_a_cosine_the_mean_of_theirs(views, rectify):
    stems, heads = members()
    both = Ensemble(stems, heads, views, rectify)
    alone = [
        Tower(copy.deepcopy(stem), copy.deepcopy(head), views, rectify) for stem, head in zip(stems, heads, strict=True)
    ]
    rows = ROWS if views is None else np.concatenate([ROWS, ROWS[:, ::-1]], axis=1)
    for each in [both, *alone]:
        each.eval().fit(rows)
    asked = torch.from_numpy(rows)
    vectors, each = both(asked), torch.stack([tower(asked) for tower in alone])
    assert torch.allclose(vectors, each.transpose(0, 1).flatten(1) / 6**0.5, atol=1e-6)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(9), atol=1e-6)
    assert torch.allclose(vectors @ vectors.T, (each @ each.transpose(1, 2)).mean(dim=0), atol=1e-6)
    assert torch.allclose(both.features(asked), torch.cat([tower.features(asked) for tower in alone], dim=1), atol=1e-5)
    assert both(asked[:0]).shape == (0, 96)
    stemmed = torch.cat([tower.stemmed(asked) for tower in alone[:3]], dim=1)
    assert torch.allclose(both.stemmed(asked), stemmed, atol=1e-6)


def test_a_stem_of_several_members_is_saved_and_asked_once():
    stem = Counted()
    both = Ensemble([stem] * 4, [mlp(10, 5, OPTIONS) for _ in range(4)], None, "never")
    both(torch.from_numpy(ROWS))
    assert stem.calls == 1
    stems, heads = members()
    names = set(Ensemble(stems, heads, None, "never").state_dict())
    assert {name for name in names if name.startswith("stem")} == {
        f"stem.{number}.2.{statistic}" for number in range(3) for statistic in ("mean", "scale")
    }
    assert {"head.0.0.weight", "head.5.2.bias"} <= names


def test_stems_that_learn_are_each_members_own():
    stems = [EmbedCodes(1, [4], 3) for _ in range(2)]
    both = Ensemble(stems, [mlp(4, 5, OPTIONS) for _ in stems], None, "never")
    both.features(torch.tensor([[0.5, 2.0], [1.0, 3.0]])).sum().backward()
    assert all(table.grad is not None for stem in stems for table in stem.parameters())
    assert both.features(torch.zeros(2, 2))[0, :5].tolist() != both.features(torch.zeros(2, 2))[0, 5:].tolist()


def test_each_member_drops_by_itself():
    dropping = Options(encoder="frozen", layers=1, standardise=False, input_dropout=0.5)
    first = mlp(10, 5, dropping)
    both = Ensemble([nn.Identity()] * 2, [first, copy.deepcopy(first)], None, "never").train()
    features = both.features(torch.from_numpy(ROWS))
    assert not torch.allclose(features[:, :5], features[:, 5:])
    both.eval()
    assert torch.equal(*both.features(torch.from_numpy(ROWS)).chunk(2, dim=1))


def test_bags_of_words_are_left_to_the_first_layers():
    bag, heads = Bag(7), [mlp(7, 5, OPTIONS) for _ in range(3)]
    rows = torch.tensor([[1.0, 3, 3, 0], [7, 0, 0, 0]])
    expected = torch.cat([normalize(head(bag(rows)), dim=1) for head in heads], dim=1) / 3**0.5
    assert torch.allclose(Ensemble([bag] * 3, heads, None, "never")(rows), expected, atol=1e-6)


def test_an_ensemble_begins_as_one_of_as_many_members():
    one, other = (Ensemble(*members(), None, "never").eval() for _ in range(2))
    one.fit(ROWS)
    rows = torch.from_numpy(ROWS)
    assert not torch.allclose(one(rows), other(rows))
    other.begin_as(one)
    assert torch.equal(one(rows), other(rows))
    with pytest.raises(ValueError, match="several members"):
        one.begin_as(Tower(nn.Identity(), mlp(10, 5, OPTIONS)))
    stems, heads = members()
    with pytest.raises(ValueError, match="zip"):
        one.begin_as(Ensemble(stems[:4], heads[:4], None, "never"))


def test_gated_members_grow_from_linear_ones():
    linear = Options(encoder="frozen", layers=1, standardise=False)
    gated = Options(encoder="frozen", head="gmlp", layers=1, hidden=4, standardise=False)
    one = Ensemble([nn.Identity()] * 2, [mlp(10, 6, linear) for _ in range(2)], None, "never").eval()
    other = Ensemble([nn.Identity()] * 2, [gmlp(10, 6, gated, None) for _ in range(2)], None, "never").eval()
    other.grow_from(one)
    rows = torch.from_numpy(ROWS)
    assert torch.allclose(one(rows), other(rows), atol=1e-4)


@pytest.mark.parametrize("columns", COLUMNS)
def test_columns_are_taken_of_arrays_and_tensors_alike(columns):
    select = Select(columns)
    assert np.array_equal(select.of(ROWS), ROWS[:, columns])
    assert np.array_equal(select(torch.from_numpy(ROWS)).numpy(), ROWS[:, columns])
    assert not select.state_dict()


@pytest.mark.parametrize("p", [0.1, 0.5, 0.999999])
@pytest.mark.parametrize("positions", [None, 40])
def test_quick_masks_drop_as_many_and_belong_to_a_batch(p, positions):
    layer = BatchDropout(p, positions)
    layer.quick = True
    shape = (301, 33) if positions is None else (50, 37, 7)
    ones = torch.ones(shape)
    torch.manual_seed(0)
    whole = layer(ones)
    assert whole[whole > 0].tolist() == pytest.approx([1 / (1 - min(p, 1 - 2**-16))] * int((whole > 0).sum()), rel=1e-4)
    assert (whole == 0).float().mean().item() == pytest.approx(p, abs=0.02)
    torch.manual_seed(0)
    with of_whole(layer, shape[0], slice(5, 9)):
        assert torch.equal(layer(ones[5:9]), whole[5:9])
    assert torch.equal(layer.eval()(ones), ones)
