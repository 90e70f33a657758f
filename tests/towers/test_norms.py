"""Normalisation behind layers, against plain loops; groups and running means leave items independent of each other."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from helpers import one_thread, refusal  # noqa: F401
from torch import nn

from ntcir.config import Tower, load_config
from ntcir.towers.heads import head_of
from ntcir.towers.norms import BatchNorm, GroupNorm, groups_of, norms
from ntcir.towers.pooling import VectorSequence

pytestmark = pytest.mark.usefixtures("one_thread")
WIDTH, DIM = 5, 64


def made(norm: str, positions: int | None = None, **changes: object) -> nn.Module:
    torch.manual_seed(1)
    options = {"standardise": False, "layers": 2, "hidden": 32, "norm": norm} | changes
    head = head_of(WIDTH, DIM, Tower.model_validate(options), positions)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(torch.randn_like(parameter) / 2)
    return head


def scaled(values: torch.Tensor) -> torch.Tensor:
    return (values - values.mean()) / (values.var(unbiased=False) + 1e-5).sqrt()


def by_hand(layer: nn.Module, rows: torch.Tensor) -> torch.Tensor:
    """Return what a norm makes of float32 [batch, channels] or [batch, length, channels]."""
    out = torch.empty_like(rows)
    if isinstance(layer, BatchNorm):
        for channel in range(rows.shape[-1]):
            out[..., channel] = scaled(rows[..., channel])
    else:
        size = rows.shape[-1] // groups_of(rows.shape[-1])
        alone = rows.dim() == 2 or not layer._across
        for item in product(*map(range, rows.shape[:-1])) if alone else range(len(rows)):
            for first in range(0, rows.shape[-1], size):
                group = (*item, slice(first, first + size)) if alone else (item, ..., slice(first, first + size))
                out[group] = scaled(rows[group])
    return out * layer.weight + layer.bias


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(6, 48), (3, 4, 48), (1, 4, 48), (3, 1, 48)])
@pytest.mark.parametrize(("kind", "across"), [("batch", True), ("group", True), ("group", False)])
def test_values_and_gradients_are_those_of_plain_loops(kind, across, shape, dtype):
    torch.manual_seed(2)
    (layer,) = norms(kind, shape[-1], across=across)
    layer = layer.to(dtype)
    with torch.no_grad():
        layer.weight.normal_()
        layer.bias.normal_()
    rows = torch.randn(shape, dtype=dtype)
    results = []
    for call in (layer, lambda given: by_hand(layer, given)):
        given = rows.clone().requires_grad_()
        layer.zero_grad()
        found = call(given)
        (found.square() * torch.arange(1, 1 + shape[-1])).sum().backward()
        results.append([found.detach(), given.grad, layer.weight.grad.clone(), layer.bias.grad.clone()])
    near = 1e-9 if dtype == torch.float64 else 2e-4
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=near, atol=near * 50)


@pytest.mark.parametrize(
    ("channels", "groups"), [(2048, 32), (512, 32), (300, 15), (256, 16), (64, 4), (48, 3), (17, 1), (8, 1), (1, 1)]
)
def test_groups_are_equal_and_never_single_channels(channels, groups):
    assert groups_of(channels) == groups
    if channels > 1:
        assert norms("group", channels)[0](torch.randn(2, channels)).abs().amax() > 0.1


def test_layers_of_an_mlp_are_normalised_the_last_one_too_and_have_no_bias():
    for kind, layer in (("batch", BatchNorm), ("group", GroupNorm)):
        head = made(kind, dropout=0.5)
        names = [type(each).__name__ for each in head]
        assert names == ["Linear", layer.__name__, "ReLU", "BatchDropout", "Linear", layer.__name__]
        assert all(each.bias is None for each in head if isinstance(each, nn.Linear))
        assert [type(each).__name__ for each in made(kind, layers=1)] == ["Linear", layer.__name__]
    assert [type(each).__name__ for each in made("none")] == ["Linear", "ReLU", "Linear"]
    assert all(each.bias is not None for each in made("none") if isinstance(each, nn.Linear))


@pytest.mark.parametrize("positions", [None, 4])
def test_items_are_independent_but_for_those_of_a_batch_in_training(positions):
    torch.manual_seed(3)
    rows = torch.randn(6, 4, WIDTH)
    there = torch.arange(4) < torch.tensor([1, 2, 3, 4, 1, 2])[:, None]
    given = (lambda part: VectorSequence(rows[part], there[part])) if positions else (lambda part: rows[part, 0])
    for kind in ("batch", "group"):
        head = made(kind, positions)
        first = head(given(slice(0, 3))) - head(given(slice(None)))[:3]
        assert torch.allclose(first, torch.zeros(()), atol=1e-5) == (kind == "group")
        head.eval()
        assert torch.allclose(head(given(slice(0, 3))), head(given(slice(None)))[:3], atol=1e-5)
        assert head(given(slice(0, 0))).shape == (0, DIM)


def test_words_that_are_not_there_do_not_count_in_a_batch():
    torch.manual_seed(4)
    vectors, there = torch.randn(3, 5, WIDTH), torch.arange(5) < torch.tensor([2, 1, 3])[:, None]
    head = made("batch", 5, layers=1)
    linear, norm = head.each
    seen = torch.cat([linear(vectors[row, :length]) for row, length in enumerate((2, 1, 3))])
    every = by_hand(norm, seen)
    expected = torch.stack([part.amax(dim=0) for part in every.split([2, 1, 3])])
    found = head(VectorSequence(vectors, there))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(norm.running_mean, 0.1 * seen.mean(dim=0))
    found.square().sum().backward()
    assert linear.weight.grad.any()
    other = torch.where(there[..., None], vectors, 1e3)
    assert torch.allclose(head(VectorSequence(other, there)), found, atol=1e-5)


@pytest.mark.parametrize("rows", [0, 1])
def test_a_batch_of_one_is_refused_in_a_sentence(rows):
    assert f"this training has a batch of {rows}: give it more training pairs, or set towers.MODALITY.norm=group" in (
        refusal(made("batch"), torch.randn(rows, WIDTH))
    )
    assert made("group")(torch.randn(rows, WIDTH)).shape == (rows, DIM)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (["norm=batch", "layers=0"], "norm = batch goes behind a layer, and layers is 0: set norm to none"),
        (["norm=group", "layers=2", "hidden=1"], "norm = group turns a single channel into 0, and hidden is 1"),
        (["norm=batch", "head=gmlp"], "a gmlp has normalisation of its own, and norm is batch"),
    ],
)
def test_norms_without_a_layer_or_a_use_are_refused(settings, why):
    assert why in refusal(load_config, None, [f"towers.image.{setting}" for setting in settings])


def test_what_is_solved_has_no_norm():
    sentence = refusal(load_config, None, ["objectives=[{kind: procrustes}]", "towers.image.norm=group"])
    assert "towers.image.norm = group puts a normalisation behind it: set towers.image.norm=none" in sentence


def test_what_is_solved_has_no_relu_behind_it():
    sentence = refusal(load_config, None, ["objectives=[{kind: cca}]", "towers.rectify=always"])
    assert "towers.rectify = always puts a ReLU behind it: set towers.rectify=never" in sentence
