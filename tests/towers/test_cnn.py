"""Convolutions over words: the published network, one position at a time, and its shapes at full size."""

from __future__ import annotations

import pytest
import torch
from helpers import one_thread, refusal  # noqa: F401
from torch import nn

import ntcir.towers.cnn
from ntcir.config import Config, Tower, load_config
from ntcir.encoders.vocabulary import Vocabulary
from ntcir.encoders.words import WordsEncoder
from ntcir.towers.cnn import Convolutions, ResidualBlock, with_previous
from ntcir.towers.heads import head_of
from ntcir.towers.norms import BatchNorm, groups_of
from ntcir.towers.pooling import VectorSequence
from ntcir.towers.starts import Starts
from ntcir.towers.tower import Tower as TrainedTower
from ntcir.towers.whole_batch import of_whole

pytestmark = pytest.mark.usefixtures("one_thread")
WIDTH, DIM, LENGTH, BATCH = 5, 6, 7, 3
NORMS = ("none", "batch", "group")


def options(**changes: object) -> Tower:
    small = {"blocks": [2, 2, 1, 1], "widths": [8, 12, 16, 8]}
    return Tower.model_validate({"encoder": "words", "head": "cnn", "standardise": False, **small} | changes)


def head(dtype: torch.dtype = torch.float32, *, trained: bool = True, **changes: object) -> Convolutions:
    """Return a head, by default with all its weights as training might leave them."""
    torch.manual_seed(1)
    made = head_of(WIDTH, DIM, options(**changes), LENGTH).to(dtype)
    assert isinstance(made, Convolutions)
    if trained:
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.add_(torch.randn_like(parameter) / 3)
    return made


def sequences(dtype: torch.dtype = torch.float32) -> VectorSequence:
    """Return captions of several lengths and starts; no word is a vector of zeros."""
    torch.manual_seed(2)
    there = torch.tensor([[1, 1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0, 0], [1] * LENGTH], dtype=torch.bool)
    return VectorSequence(torch.randn(BATCH, LENGTH, WIDTH, dtype=dtype) * there[..., None], there)


# --------------------------------------------------------------------------------------- one position at a time

Places = list[list[torch.Tensor]]  # of each item, the vector of each position


def scaled(values: torch.Tensor) -> torch.Tensor:
    return (values - values.mean()) / (values.var(unbiased=False) + 1e-5).sqrt()


def normed(items: Places, layer: nn.Module) -> Places:
    block = torch.stack([torch.stack(places) for places in items])
    out = torch.empty_like(block)
    if isinstance(layer, BatchNorm):
        for channel in range(block.shape[2]):
            out[:, :, channel] = scaled(block[:, :, channel])
    else:
        size = block.shape[2] // groups_of(block.shape[2])
        for row in range(len(block)):
            for first in range(0, block.shape[2], size):
                out[row, :, first : first + size] = scaled(block[row, :, first : first + size])
    return [list(places) for places in out * layer.weight + layer.bias]


def behind(items: Places, layers: nn.Sequential) -> Places:
    """Return what comes behind a layer's norm, or behind the layer and its bias where there is none."""
    if len(layers) == 2:
        return normed(items, layers[1])
    return [[vector + layers[0].bias for vector in places] for places in items]


def relu(items: Places) -> Places:
    return [[torch.where(vector > 0, vector, 0) for vector in places] for places in items]


def each(items: Places, matrix: torch.Tensor, step: int = 1) -> Places:
    return [[matrix @ places[at] for at in range(0, len(places), step)] for places in items]


def block_by_hand(items: Places, block: ResidualBlock, step: int) -> Places:
    inside = relu(behind(each(items, block.narrow[0].weight), block.narrow))
    matrix = block.pairs[0].weight
    before, here = matrix[:, : len(matrix)], matrix[:, len(matrix) :]
    moved: Places = []
    for places in inside:
        moved.append([])
        for at in range(0, len(places), step):
            vector = here @ places[at]
            if at:
                vector = vector + before @ places[at - 1]
            moved[-1].append(vector)
    out = behind(each(relu(behind(moved, block.pairs)), block.widen[0].weight), block.widen)
    past = items
    if not isinstance(block.past, nn.Identity):
        past = behind(each(items, block.past[0].weight, step), block.past)
    return relu([[a + b for a, b in zip(*pair, strict=True)] for pair in zip(out, past, strict=True)])


def by_hand(vectors: torch.Tensor, made: Convolutions) -> torch.Tensor:
    items: Places = [list(places) for places in vectors]
    if len(made.first):
        items = normed(items, made.first[-1])
    for number, group in enumerate(made.groups):
        for place, block in enumerate(group):
            items = block_by_hand(items, block, 2 if number in (1, 2) and place == 0 else 1)
    most = [torch.stack([vector[channel] for vector in places]).max() for places in items for channel in range(8)]
    pooled = [torch.stack(most[first : first + 8]) for first in range(0, len(most), 8)]
    return torch.stack([places[0] for places in behind([[made.last[0].weight @ x] for x in pooled], made.last)])


@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 3e-3), (torch.float64, 1e-9)])
@pytest.mark.parametrize("norm", NORMS)
def test_values_and_gradients_are_those_of_the_published_network(norm, dtype, near):
    made, given, results = head(dtype, norm=norm), sequences(dtype), []
    for call in (made, lambda sequence: by_hand(sequence.vectors, made)):
        vectors = given.vectors.clone().requires_grad_()
        made.zero_grad()
        found = call(VectorSequence(vectors, given.there))
        (found.square() * torch.arange(1, 1 + DIM)).sum().backward()
        results.append([found.detach(), vectors.grad, *(parameter.grad.clone() for parameter in made.parameters())])
    for ours, theirs in zip(*results, strict=True):
        assert ours.dtype == dtype
        torch.testing.assert_close(ours, theirs, rtol=near, atol=near * max(1e-2, float(theirs.abs().amax())))


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("length", [1, 4, 5])
def test_pairs_of_neighbours_give_a_convolution(length, step):
    torch.manual_seed(3)
    vectors, kernel = torch.randn(2, length, 3), torch.randn(4, 3, 2)
    padded = nn.functional.pad(vectors.transpose(1, 2), (1, 0))
    expected = nn.functional.conv1d(padded, kernel, stride=step).transpose(1, 2)
    found = with_previous(vectors, step) @ torch.cat([kernel[:, :, 0], kernel[:, :, 1]], dim=1).T
    torch.testing.assert_close(found, expected)


# ----------------------------------------------------------------------------------------------------- full size


@pytest.fixture(scope="module")
def full() -> Convolutions:
    """The network of the paper."""
    settings = Tower.model_validate({"encoder": "words", "head": "cnn", "standardise": False, "norm": "batch"})
    made = head_of(300, 2048, settings, 32)
    assert isinstance(made, Convolutions)
    return made.eval()


def test_groups_of_the_full_size_have_the_published_shapes(full):
    shapes: list[tuple[int, ...]] = []
    for layer in (full.first, *full.groups, full.last):
        layer.register_forward_hook(lambda module, given, found: shapes.append(tuple(found.shape[1:])))
    with torch.inference_mode():
        full(VectorSequence(torch.randn(1, 32, 300), torch.ones(1, 32, dtype=torch.bool)))
    assert shapes == [(32, 300), (32, 256), (16, 512), (8, 1024), (8, 2048), (2048,)]
    assert [len(group) for group in full.groups] == [3, 4, 6, 1]


def test_blocks_of_the_full_size_have_the_published_widths(full):
    def convolutions(width: int, inner: int, out: int) -> list[tuple[int, int]]:
        return [(inner, width), (inner, 2 * inner), (out, inner)]

    first, second, third, fourth = (
        [[tuple(layer.weight.shape) for layer in block.modules() if isinstance(layer, nn.Linear)] for block in group]
        for group in full.groups
    )
    assert first == [[*convolutions(300, 128, 256), (256, 300)], *[convolutions(256, 64, 256)] * 2]
    assert second == [[*convolutions(256, 512, 512), (512, 256)], *[convolutions(512, 128, 512)] * 3]
    assert third == [[*convolutions(512, 1024, 1024), (1024, 512)], *[convolutions(1024, 256, 1024)] * 5]
    assert fourth == [[*convolutions(1024, 2048, 2048), (2048, 1024)]]
    assert full.last[0].weight.shape == (2048, 2048)


def test_the_full_size_has_as_many_parameters_as_by_hand(full):
    total = 2 * 300 + 2048 * 2048 + 2 * 2048
    width = 300
    for blocks, out, inner in ((3, 256, 128), (4, 512, 512), (6, 1024, 1024), (1, 2048, 2048)):
        total += width * inner + 2 * inner**2 + inner * out + width * out + 2 * (inner + inner + out + out)
        total += (blocks - 1) * (out * out // 4 + 2 * (out // 4) ** 2 + out // 4 * out + 2 * (out // 4 * 2 + out))
        width = out
    assert sum(parameter.numel() for parameter in full.parameters()) == total == 30_301_784


# ------------------------------------------------------------------------------------------------ how it begins


@pytest.mark.parametrize("norm", NORMS)
def test_it_begins_as_its_shortcuts_and_all_of_it_is_learnt_after_a_first_step(norm):
    made, given = head(trained=False, norm=norm, widths=[32, 32, 32, 32]), sequences()
    vectors = made.first(given.vectors)
    block = made.groups[0][0]
    assert torch.equal(block(vectors), block.past(vectors).relu())
    for _ in range(2):
        made.zero_grad()
        made(given).square().cumsum(dim=1).sum().backward()
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.sub_(0.1 * parameter.grad)
    assert {name for name, parameter in made.named_parameters() if not parameter.grad.any()} == set()


def test_without_norms_vectors_of_many_blocks_keep_their_size_at_first():
    torch.manual_seed(1)
    deep = head_of(64, 32, options(blocks=[3, 4, 6, 1], widths=[64, 64, 64, 64]), 16)
    found = deep(VectorSequence(torch.randn(8, 16, 64), torch.ones(8, 16, dtype=torch.bool)))
    assert 0.1 < found.std() < 20


# -------------------------------------------------------------------------------------------- items and batches


@pytest.mark.parametrize("norm", NORMS)
def test_items_are_independent_but_for_those_of_a_batch_in_training(norm):
    made, given = head(norm=norm), sequences()

    def of(part: slice) -> torch.Tensor:
        return made(VectorSequence(given.vectors[part], given.there[part])).detach()

    assert torch.allclose(of(slice(0, 2)), of(slice(None))[:2], atol=1e-4) == (norm != "batch")
    made.eval()
    assert torch.allclose(of(slice(0, 2)), of(slice(None))[:2], atol=1e-5)
    assert of(slice(0, 0)).shape == (0, DIM)


@pytest.mark.parametrize("norm", ["none", "group"])
def test_dropout_is_the_same_however_many_processes_share_a_batch(norm):
    made, given = head(norm=norm, dropout=0.5, input_dropout=0.3), sequences()

    def of(part: slice) -> torch.Tensor:
        torch.manual_seed(3)
        return made(VectorSequence(given.vectors[part], given.there[part]))

    whole, parts = of(slice(None)), []
    for part in (slice(0, 2), slice(2, 3), slice(3, 3)):
        with of_whole(made, BATCH, part):
            parts.append(of(part))
    assert torch.allclose(torch.cat(parts), whole, atol=1e-5)
    assert not torch.allclose(made.eval()(given), whole, atol=1e-3)
    parts[2].sum().backward()
    assert all(parameter.grad is not None and not parameter.grad.any() for parameter in made.parameters())


def test_where_nothing_is_learnt_rows_are_taken_some_at_a_time(monkeypatch):
    made, given, sizes = head(norm="batch").eval(), sequences(), []
    usual = made(given).detach()
    made.first.register_forward_hook(lambda module, rows, found: sizes.append(len(found)))
    monkeypatch.setattr(ntcir.towers.cnn, "_AT_ONCE", 16 * LENGTH * 2)
    with torch.inference_mode():
        assert torch.allclose(made(given), usual, atol=1e-5)
    assert sizes == [2, 1]


# ------------------------------------------------------------------------------------------- what it is a head of


def words_tower(*settings: str) -> tuple[WordsEncoder, Config, TrainedTower]:
    config = load_config(
        None, ["pair=[image,text]", "texts.form=sequence", "texts.width=6", "texts.length=6", "towers.dim=8",
               "towers.text.head=cnn", "towers.text.blocks=[1,2]", "towers.text.widths=[8,12]", *settings]
    )  # fmt: skip
    encoder = WordsEncoder.of(Vocabulary.of(["a dog runs", "a dog jumps into the water"], config.texts), config.texts)
    tower = config.towers.of("text")
    torch.manual_seed(4)
    stem, width = encoder.stem(tower, config)
    made = head_of(width, 8, tower, encoder.positions(tower, config))
    return encoder, config, TrainedTower(stem, made, encoder.views(tower, config), config.towers.rectify)


def rows_of(encoder: WordsEncoder, *texts: str) -> torch.Tensor:
    return torch.from_numpy(encoder.rows([encoder.numbered(text) for text in texts]))


@pytest.mark.parametrize("shift", ["never", "training", "always"])
def test_captions_have_unit_vectors_long_and_empty_ones_too(shift):
    encoder, _, tower = words_tower(f"texts.shift={shift}", "towers.text.norm=group")
    assert isinstance(tower.views, Starts) == (shift != "never")
    rows = rows_of(encoder, "a dog runs", "runs dog a", "", "?!", "a " * 20)
    assert tower.eval()(rows).norm(dim=1).tolist() == pytest.approx([1] * 5, abs=1e-5)
    with torch.no_grad():
        for parameter in tower.head.parameters():
            parameter.add_(torch.randn_like(parameter) / 2)
    assert tower.train()(rows).norm(dim=1).tolist() == pytest.approx([1] * 5, abs=1e-5)
    vectors = tower.eval()(rows)
    assert vectors.norm(dim=1).tolist() == pytest.approx([1] * 5, abs=1e-5)
    assert torch.allclose(vectors[2], vectors[3], atol=1e-6)
    assert not torch.allclose(vectors[0], vectors[1], atol=1e-2)  # it sees the order of words
    tower.train()(rows).square().cumsum(dim=1).sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in tower.parameters())


def test_asked_vectors_are_sums_over_all_starts_before_unit_length_by_hand():
    encoder, _, tower = words_tower("texts.shift=always", "towers.text.norm=batch", "towers.rectify=training")
    tower(rows_of(encoder, "a dog runs", "a dog jumps", "water"))  # running means are not those of a beginning
    tower.eval()
    with torch.no_grad():
        for text in ("a dog jumps into", "a", "a dog jumps into the water", ""):
            numbers = encoder.numbered(text)
            starts = range(6 - len(numbers) + 1) if numbers else [0]
            total = torch.zeros(8)
            for start in starts:
                placed = torch.tensor([[0] * start + numbers + [0] * (6 - len(numbers) - start)])
                there = torch.ones(1, 6, dtype=torch.bool)
                total += tower.head(VectorSequence(tower.stem.weight[placed], there))[0]
            expected = total / total.norm()
            assert torch.allclose(tower(rows_of(encoder, text))[0], expected, atol=1e-5)
            assert (expected < 0).any()  # not rectified


def test_vectors_and_gradients_of_a_tower_are_the_same_however_many_processes_share_a_batch():
    encoder, _, tower = words_tower(
        "texts.shift=training", "towers.text.norm=group", "towers.text.dropout=0.3", "towers.text.input_dropout=0.3"
    )
    rows, found = rows_of(encoder, "a dog runs", "water", "", "the dog jumps into the water"), []
    for parts in ([slice(None)], [slice(0, 1), slice(1, 4)]):
        tower.zero_grad()
        vectors = []
        for part in parts:
            torch.manual_seed(3)
            with of_whole(tower, len(rows), part):
                vectors.append(tower(rows[part]))
        torch.cat(vectors).square().cumsum(dim=1).sum().backward()
        found.append([torch.cat(vectors).detach(), *(parameter.grad.clone() for parameter in tower.parameters())])
    for whole, parted in zip(*found, strict=True):
        torch.testing.assert_close(parted, whole, rtol=1e-3, atol=1e-4)


def test_a_tower_begins_as_another_with_its_running_means_and_its_count_of_batches():
    encoder, _, trained = words_tower("towers.text.norm=batch", "towers.text.dropout=0.5")
    _, _, fresh = words_tower("towers.text.norm=batch", "towers.text.input_dropout=0.5")
    for _ in range(3):
        trained(rows_of(encoder, "a dog runs", "a dog jumps", "water"))
    fresh.begin_as(trained)
    given, taken = trained.state_dict().values(), fresh.state_dict().values()
    assert all(torch.equal(one, other) for one, other in zip(given, taken, strict=True))
    norm = fresh.head.last[-1]
    assert (int(norm.num_batches_tracked), bool(norm.running_mean.any())) == (3, True)


# ------------------------------------------------------------------------------------------------ what is no CNN


def test_rows_that_are_no_sequences_are_refused():
    with pytest.raises(ValueError, match="a cnn works on sequences"):
        head_of(WIDTH, DIM, options(), None)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (["texts.form=sum"], "texts.form is sum: set texts.form to sequence"),
        (["towers.text.blocks=[1]"], "must have the same number of entries, one for each group"),
        (["towers.text.widths=[8,10]"], "widths = [8, 10] must be multiples of 4, and 10 is not"),
        (["towers.text.head=mlp"], "blocks and widths are used with head: cnn only, and head is mlp: leave them out"),
        (["towers.text.encoder=sentences"], "a cnn works on words in order, and the encoder is sentences"),
        (
            ["objectives=[{kind: procrustes}]"],
            "towers.text.head = cnn: set towers.text.head=mlp, or choose an objective that is trained",
        ),
    ],
)
def test_settings_that_make_no_cnn_are_refused(settings, why):
    assert why in refusal(words_tower, *settings)
