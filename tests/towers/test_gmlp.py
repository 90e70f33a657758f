"""Gated blocks: the published equations, one position at a time; what is not there neither gives nor takes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from helpers import one_thread, refusal, toy_config  # noqa: F401
from torch import nn

import ntcir.towers.gmlp
from ntcir.config import Backbone, Config, Features, Tower, load_config
from ntcir.encoders.frozen import FrozenEncoder
from ntcir.encoders.vocabulary import Vocabulary
from ntcir.encoders.words import WordsEncoder
from ntcir.features.backbones import FrozenNetwork
from ntcir.towers.cells import Cells
from ntcir.towers.gmlp import GatedSequence
from ntcir.towers.heads import head_of
from ntcir.towers.pooling import VectorSequence
from ntcir.towers.tower import Tower as TrainedTower
from ntcir.towers.whole_batch import of_whole

pytestmark = pytest.mark.usefixtures("one_thread")
WIDTH, DIM, LONGEST = 5, 4, 6
LENGTHS = (3, 1, 5)


def options(**changes: object) -> Tower:
    return Tower.model_validate({"head": "gmlp", "layers": 2, "hidden": 6, "standardise": False} | changes)


def head(positions: int | None, dtype: torch.dtype = torch.float32, *, trained: bool = True, **changes: object):
    """Return a head, by default with all its weights as training might leave them."""
    torch.manual_seed(1)
    made = head_of(WIDTH, DIM, options(**changes), positions).to(dtype)
    if trained:
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.add_(torch.randn_like(parameter) / 2)
    return made


def sequences(dtype: torch.dtype = torch.float32, length: int = LONGEST) -> VectorSequence:
    """Return sequences of several lengths; where nothing is there, numbers all the same."""
    torch.manual_seed(2)
    there = torch.arange(length) < torch.tensor(LENGTHS)[:, None]
    vectors = torch.randn(len(LENGTHS), LONGEST, WIDTH, dtype=dtype)
    more = torch.randn(len(LENGTHS), max(0, length - LONGEST), WIDTH, dtype=dtype)
    return VectorSequence(torch.cat([vectors, more], dim=1)[:, :length], there)


# ------------------------------------------------------------------------------------- the equations, as plain loops


def normed(values: list[torch.Tensor], weights: Mapping[str, torch.Tensor], name: str) -> list[torch.Tensor]:
    mean = sum(values) / len(values)
    deviation = (sum((value - mean) ** 2 for value in values) / len(values) + 1e-5) ** 0.5
    pairs = zip(weights[f"{name}.weight"], weights[f"{name}.bias"], strict=True)
    return [(value - mean) / deviation * w + b for value, (w, b) in zip(values, pairs, strict=True)]


def linear(values: list[torch.Tensor], weights: Mapping[str, torch.Tensor], name: str) -> list[torch.Tensor]:
    rows = zip(weights[f"{name}.weight"], weights[f"{name}.bias"], strict=True)
    return [sum(w * value for w, value in zip(row, values, strict=True)) + b for row, b in rows]


def gelu(value: torch.Tensor) -> torch.Tensor:
    return value * (1 + torch.erf(value / 2**0.5)) / 2


def block_by_hand(
    item: list[list[torch.Tensor]], weights: Mapping[str, torch.Tensor], name: str, spatial: bool
) -> list[list[torch.Tensor]]:
    """Return what a block makes of the vectors of one item, number by number."""
    hidden = [[gelu(z) for z in linear(normed(x, weights, f"{name}.norm"), weights, f"{name}.into")] for x in item]
    half = len(hidden[0]) // 2
    given = [normed(z[half:], weights, f"{name}.gate.norm") for z in hidden]
    matrix, bias = (weights[f"{name}.gate.project.{what}"] for what in ("weight", "bias"))
    out = []
    for place, (x, z) in enumerate(zip(item, hidden, strict=True)):
        gate = []
        for channel in range(half):
            if spatial:
                opened = sum(matrix[place, other] * v[channel] for other, v in enumerate(given)) + bias[place]
            else:
                opened = sum(matrix[channel, other] * given[place][other] for other in range(half)) + bias[channel]
            gate.append(z[channel] * opened)
        out.append([a + b for a, b in zip(x, linear(gate, weights, f"{name}.back"), strict=True)])
    return out


def by_hand(item: torch.Tensor, made: nn.Module) -> torch.Tensor:
    """Return the vector of one item, [dim], of the vectors that are there, [positions, width]."""
    weights = dict(made.named_parameters())
    spatial = isinstance(made, GatedSequence)
    first, blocks = ("first.0", ["blocks.0", "blocks.1"]) if spatial else ("0", ["1", "2"])
    vectors = [linear(list(x), weights, first) for x in item]
    for name in blocks:
        vectors = block_by_hand(vectors, weights, name, spatial)
    return torch.stack([sum(numbers) / len(vectors) for numbers in zip(*vectors, strict=True)])


@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 1e-4), (torch.float64, 1e-10)])
@pytest.mark.parametrize("positions", [LONGEST, None], ids=["sequences", "single vectors"])
def test_values_and_gradients_are_those_of_the_equations(positions, dtype, near):
    made, (vectors, there) = head(positions, dtype), sequences(dtype)
    items = [vectors[row, :length] for row, length in enumerate(LENGTHS)] if positions else list(vectors[:, :1])
    results = []
    for found in (
        made(VectorSequence(vectors, there) if positions else vectors[:, 0]),
        torch.stack([by_hand(item, made) for item in items]),
    ):
        made.zero_grad()
        (found.square() * torch.arange(1, 1 + DIM)).sum().backward()
        results.append([found.detach(), *(each.grad.clone() for each in made.parameters())])
    for ours, theirs in zip(*results, strict=True):
        assert ours.dtype == dtype
        torch.testing.assert_close(ours, theirs, rtol=near, atol=near)


# ------------------------------------------------------------------------------------------------- how it begins


def test_a_head_begins_as_its_linear_layer_with_open_gates():
    single, vectors = head(None, trained=False), torch.randn(7, WIDTH)
    assert torch.equal(single(vectors), single[0](vectors))
    made, (rows, there) = head(LONGEST, trained=False), sequences()
    means = torch.stack([rows[row, :length].mean(dim=0) for row, length in enumerate(LENGTHS)])
    assert torch.allclose(made(VectorSequence(rows, there)), made.first(means), atol=1e-6)
    passed, gating = torch.randn(2, 3, LONGEST, 3)
    opened = made.blocks[0].gate(passed, gating, there)
    assert torch.allclose(opened, passed, rtol=2e-3, atol=0)
    assert not torch.equal(opened, passed)
    assert torch.allclose(single[1].gate(passed[0], gating[0]), passed[0], rtol=2e-3, atol=0)


def test_all_of_a_block_is_learnt_after_a_first_step():
    for positions in (LONGEST, None):
        made = head(positions, trained=False)
        optimizer = torch.optim.SGD(made.parameters(), lr=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            made(sequences() if positions else sequences().vectors[:, 0]).square().cumsum(dim=1).sum().backward()
            optimizer.step()
        still = {name for name, each in made.named_parameters() if not each.grad.any()}
        assert still == set()


# --------------------------------------------------------------------------------------------- what is not there


def test_positions_without_anything_neither_give_nor_take():
    made, (vectors, there) = head(LONGEST), sequences()
    vectors.requires_grad_()
    usual = made(VectorSequence(vectors, there))
    usual.square().sum().backward()
    assert not vectors.grad[~there].any()
    assert vectors.grad[there].any(dim=1).all()
    others = torch.where(there[..., None], vectors, 1e3)
    assert torch.allclose(made(VectorSequence(others, there)), usual, atol=1e-5)


def test_more_padding_and_other_rows_change_nothing():
    made = head(LONGEST)
    usual = made(sequences())
    assert torch.allclose(made(sequences(length=max(LENGTHS))), usual, atol=1e-5)
    for row in range(len(LENGTHS)):
        alone = VectorSequence(*(part[row : row + 1] for part in sequences()))
        assert torch.allclose(made(alone), usual[row : row + 1], atol=1e-5)


@pytest.mark.parametrize("positions", [LONGEST, None], ids=["sequences", "single vectors"])
def test_a_process_without_a_row_of_the_batch_has_gradients_of_zero(positions):
    made = head(positions, dropout=0.5)
    given = VectorSequence(*(part[:0] for part in sequences()))
    with of_whole(made, len(LENGTHS), slice(0, 0)):
        made(given if positions else given.vectors[:, 0]).sum().backward()
    assert all(each.grad is not None and not each.grad.any() for each in made.parameters())


def test_dropout_does_not_depend_on_where_a_batch_is_cut_off(monkeypatch):
    made, found = head(LONGEST, dropout=0.5, input_dropout=0.2), []
    for trimmed in (VectorSequence.trimmed, lambda sequence: sequence):
        monkeypatch.setattr(VectorSequence, "trimmed", trimmed)
        torch.manual_seed(3)
        found.append((made(sequences()), torch.rand(1)))
    assert torch.allclose(found[0][0], found[1][0], atol=1e-5)
    assert found[0][1] == found[1][1]


def test_where_nothing_is_learnt_rows_are_taken_some_at_a_time(monkeypatch):
    made = head(LONGEST).eval()
    usual = made(sequences()).detach()
    shapes = []
    made.first.register_forward_hook(lambda module, given, found: shapes.append(tuple(found.shape)))
    monkeypatch.setattr(ntcir.towers.gmlp, "_AT_ONCE", 6 * max(LENGTHS) * 2)
    with torch.inference_mode():
        assert torch.allclose(made(sequences()), usual, atol=1e-5)
        assert made(VectorSequence(*(part[:0] for part in sequences()))).shape == (0, DIM)
    assert shapes[:2] == [(2, max(LENGTHS), DIM), (1, max(LENGTHS), DIM)]


@pytest.mark.parametrize("positions", [LONGEST, None], ids=["sequences", "single vectors"])
def test_dropout_is_the_same_however_many_processes_share_a_batch(positions):
    made = head(positions, dropout=0.5, input_dropout=0.2)

    def of(part: slice) -> torch.Tensor:
        torch.manual_seed(3)
        given = VectorSequence(*(each[part] for each in sequences()))
        return made(given if positions else given.vectors[:, 0])

    whole, parts = of(slice(None)), []
    for part in (slice(0, 2), slice(2, 3)):  # the first has shorter sequences than the whole
        with of_whole(made, len(LENGTHS), part):
            parts.append(of(part))
    assert torch.allclose(torch.cat(parts), whole, atol=1e-5)
    assert not torch.allclose(made.eval()(sequences() if positions else sequences().vectors[:, 0]), whole, atol=1e-3)


# ------------------------------------------------------------------------------------------ what it is a head of


def words_tower(*settings: str) -> tuple[WordsEncoder, TrainedTower]:
    config = load_config(
        None, ["pair=[image,text]", "texts.width=6", "texts.length=9", "towers.dim=8", "towers.text.head=gmlp",
               "towers.text.hidden=6", *settings]
    )  # fmt: skip
    encoder = WordsEncoder.of(Vocabulary.of(["a dog runs", "a dog jumps into the water"], config.texts), config.texts)
    tower = config.towers.of("text")
    stem, width = encoder.stem(tower, config)
    return encoder, TrainedTower(stem, head_of(width, 8, tower, encoder.positions(tower, config)))


@pytest.mark.parametrize("form", ["bag", "sum", "sequence"])
def test_captions_have_unit_vectors_those_without_a_word_too(form):
    encoder, tower = words_tower(f"texts.form={form}")
    assert isinstance(tower.head, GatedSequence) == (form == "sequence")
    texts = ["a dog runs", "runs dog a", "", "?!", "a " * 20]
    vectors = tower(torch.from_numpy(encoder.rows([encoder.numbered(text) for text in texts])))
    assert vectors.norm(dim=1).tolist() == pytest.approx([1] * len(texts), abs=1e-5)
    assert torch.equal(vectors[2], vectors[3])
    vectors.square().cumsum(dim=1).sum().backward()
    assert all(torch.isfinite(each.grad).all() for each in tower.parameters() if each.grad is not None)


def test_a_gate_over_words_sees_their_order():
    for form, alike in (("sum", True), ("sequence", False)):
        encoder, tower = words_tower(f"texts.form={form}")
        with torch.no_grad():
            for parameter in tower.head.parameters():
                parameter.add_(torch.randn_like(parameter))
        one, other = tower(torch.from_numpy(encoder.rows([encoder.numbered(t) for t in ("a dog runs", "runs a dog")])))
        assert torch.allclose(one, other, atol=1e-3) == alike


def grid_config(*grids: int, **changes: object) -> Config:
    networks = [{"arch": "squeezenet1_1", "weights": "random", "grid": grid} for grid in grids]
    return toy_config(features__backbones=networks, towers__image__head="gmlp", towers__image__hidden=8, **changes)


def test_cells_are_those_of_the_networks_whatever_the_stem_does_before():
    config = grid_config(2, 2, towers__image__power=0.5)
    networks = [
        FrozenNetwork(Backbone(arch="squeezenet1_1", weights="random", grid=2, seed=seed), Features(size=64, crop=64))
        for seed in (0, 1)
    ]
    pictures = torch.randint(0, 256, (4, 3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        rows = torch.cat([network(pictures) for network in networks], dim=1)
        maps = []
        for network in networks:
            assert network.trunk is not None
            scaled = (pictures.float() - network.mean) / network.std
            maps.append(nn.functional.adaptive_avg_pool2d(network.trunk(scaled), 2))
        whole = torch.cat(maps, dim=1)  # [pictures, channels of both, 2, 2]
        vectors, there = Cells(4)(rows)
        assert there.all()
        for cell in range(4):
            torch.testing.assert_close(vectors[:, cell], whole[:, :, cell // 2, cell % 2])
    encoder = FrozenEncoder(rows.shape[1], ["one", "other"])
    options = config.towers.of("image")
    stem, width = encoder.stem(options, config)
    tower = TrainedTower(stem, head_of(width, 32, options, encoder.positions(options, config)))
    tower.fit(rows.numpy())
    assert width == 2 * 512
    raised = np.sqrt(rows.double().numpy())
    flat = (raised - raised.mean(axis=0)) / np.maximum(raised.std(axis=0), 1e-12)
    seen = tower.stem(rows).vectors.numpy()
    assert seen == pytest.approx(flat.reshape(4, -1, 4).transpose(0, 2, 1), abs=2e-3)
    assert tower(rows).norm(dim=1).tolist() == pytest.approx([1] * 4, abs=1e-5)


@pytest.mark.parametrize(("grid", "output", "positions"), [(1, "pooled", None), (2, "logits", None), (3, "pooled", 9)])
def test_features_without_cells_are_single_vectors(grid, output, positions):
    config = toy_config(
        features__backbones=[{"arch": "resnet18", "weights": "random", "grid": grid, "output": output}],
        towers__image__head="gmlp",
    )
    assert FrozenEncoder.positions(config.towers.of("image"), config) == positions
    assert FrozenEncoder.positions(config.towers.of("image").model_copy(update={"head": "mlp"}), config) is None


# ------------------------------------------------------------------------------------------- what is no gMLP


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"layers": 0}, "a gmlp with layers: 0 has no block: set layers to 1 or more, or head to mlp"),
        ({"hidden": 7}, "hidden = 7 cannot be split into the two halves of a gmlp: give an even number, 4 or more"),
        ({"hidden": 2}, "hidden = 2 cannot be split into the two halves of a gmlp: give an even number, 4 or more"),
        ({"head": "gmpl"}, "towers.image.head = 'gmpl' is not valid: input should be 'mlp', 'gmlp' or 'cnn'"),
    ],
)
def test_settings_that_make_no_gated_block_are_refused(changes, why):
    settings = [f"towers.image.{key}={value}" for key, value in ({"head": "gmlp"} | changes).items()]
    assert why in refusal(load_config, None, settings)
    usual = load_config(None, [f"towers.image.{key}={value}" for key, value in changes.items() if key == "hidden"])
    assert usual.towers.of("image").head == "mlp"


def test_what_is_solved_has_no_gated_blocks_of_its_own():
    sentence = refusal(load_config, None, ["objectives=[{kind: procrustes}]", "towers.image.head=gmlp"])
    assert "procrustes solves for the one linear layer of each tower, and towers.image.head = gmlp" in sentence
    assert "set towers.image.head=mlp, and train a gmlp that begins from what is solved" in sentence


def test_networks_that_divide_pictures_differently_are_refused():
    config = grid_config(2, 3)
    sentence = refusal(FrozenEncoder(30, ["one", "other"]).stem, config.towers.of("image"), config)
    assert "different ones (squeezenet1_1 2 x 2, squeezenet1_1 3 x 3): set the same grid for all" in sentence
