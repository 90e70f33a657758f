"""The instance loss against its equations, as plain loops and as two dense softmaxes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from batches import batch_of
from helpers import fit, fit_in_two_parts, one_thread, refusal, toy_config  # noqa: F401
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import linear
from torch.profiler import ProfilerActivity, profile

from ntcir.config import Config
from ntcir.model.metrics import METRICS, read_metrics
from ntcir.model.model import Model
from ntcir.objectives.batch import Batch
from ntcir.objectives.instance import Instance, choose
from ntcir.training.checkpoint import LAST
from ntcir.training.needs import of_instances

pytestmark = pytest.mark.usefixtures("one_thread")
CLASSES, DIM = 11, 5


def drawn(classes: int = CLASSES, left: int = 4, right: int = 6, dtype: Any = torch.float64, **facts: Any) -> Batch:
    """Return a batch of random vectors, whose classes are some of so many; those of 3 and 7 are on both sides."""
    draw = torch.Generator().manual_seed(1)
    vectors = [torch.randn(rows, DIM, generator=draw, dtype=torch.float64).to(dtype) for rows in (left, right)]
    numbers = [torch.randint(classes, (rows,), generator=draw) for rows in (left, right)]
    numbers[0][0], numbers[1][0], numbers[1][1] = 3, 3, 7
    features = tuple(each.requires_grad_() for each in vectors)
    return Batch(*features, None, None, tuple(numbers), features=features, **facts)  # type: ignore[arg-type]


def classifier(objective: Instance, classes: int = CLASSES, dtype: Any = torch.float64) -> nn.Module:
    torch.manual_seed(0)
    return objective.learnt(DIM, classes).to(dtype)


def by_loops(batch: Batch, weights: torch.Tensor, sides: tuple[float, float]) -> float:
    """Return the loss from its equations, one item and one class at a time."""
    total = 0.0
    assert batch.features is not None
    for share, vectors, numbers in zip(sides, batch.features, batch.instances, strict=True):
        costs = []
        for vector, own in zip(vectors.tolist(), numbers.tolist(), strict=True):
            scores = [sum(a * b for a, b in zip(vector, row, strict=True)) for row in weights.tolist()]
            costs.append(-math.log(math.exp(scores[own]) / sum(math.exp(score) for score in scores)))
        total += share * sum(costs) / len(costs)
    return total


def test_a_figure_that_is_noted_again_is_numbered_and_others_are_not():
    batch = drawn()
    for name in ("error", "error_of_all", "error", "error", "err"):
        batch.note(name, 0.0, 1.0)
    assert list(batch.figures) == ["error", "error_of_all", "error_2", "error_3", "err"]


@pytest.mark.parametrize("sides", [(1.0, 1.0), (1.0, 0.1), (0.0, 2.0)])
@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_it_is_the_weighted_sum_of_both_sides_mean_cross_entropy(sides, dtype, close):
    objective = Instance(sides=sides)
    batch, learnt = drawn(dtype=dtype), classifier(objective, dtype=dtype)
    loss = objective(batch, learnt)
    assert loss.dtype == dtype
    assert loss.item() == pytest.approx(by_loops(batch, learnt.classes, sides), abs=close)


def test_gradients_are_those_of_two_dense_softmaxes():
    objective = Instance(sides=(1.0, 0.1))
    batch, learnt = drawn(), classifier(objective)
    assert batch.features is not None
    leaves = [*batch.features, learnt.classes]
    dense = learnt.classes.new_zeros(())
    for share, vectors, numbers in zip(objective.sides, batch.features, batch.instances, strict=True):
        chances = torch.softmax(vectors @ learnt.classes.T, dim=1)
        dense = dense - share * torch.log(chances[torch.arange(len(numbers)), numbers]).mean()
    for found, expected in zip(
        torch.autograd.grad(objective(batch, learnt), leaves), torch.autograd.grad(dense, leaves), strict=True
    ):
        assert torch.allclose(found, expected, atol=1e-12, rtol=0)


def large_tensors(loss_of: Callable[[], torch.Tensor], weights: nn.Parameter) -> int:
    """Return how many tensors of W's size a step makes, and check that the optimizer gets the gradient as it is."""
    optimizer = torch.optim.SGD([weights], lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4, fused=True)
    for _ in range(2):  # the first one makes the momentum
        optimizer.zero_grad()
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
            loss_of().backward()
            optimizer.step()
    assert weights.grad is not None
    assert weights.grad.is_contiguous()
    return sum(each.self_cpu_memory_usage >= weights.nbytes for each in seen.events() or ())


@pytest.mark.parametrize("sample", [None, 20])
def test_a_step_makes_one_tensor_of_the_classifier_s_size_its_gradient(sample):
    objective, classes = Instance(sample=sample), 5000
    batch = drawn(classes, dtype=torch.float32)
    learnt = classifier(objective, classes, torch.float32)
    learnt.classes = nn.Parameter(learnt.classes.detach().repeat(1, 8))  # larger than the scores of the batch
    assert batch.features is not None
    features = tuple(each.detach().repeat(1, 8) for each in batch.features)
    batch = replace(batch, features=features)
    assert large_tensors(lambda: objective(batch, learnt), learnt.classes) == 1
    left, right = (each.detach() for each in features)

    def as_two_layers() -> torch.Tensor:
        return (linear(left, learnt.classes) ** 2).sum() + (linear(right, learnt.classes) ** 2).sum()

    assert large_tensors(as_two_layers, learnt.classes) > 1


def test_of_sampled_classes_it_is_the_softmax_over_these():
    objective = Instance(sample=2)
    batch, learnt = drawn(40, seed=3), classifier(objective, 40)
    found = objective(batch, learnt)
    found.backward()
    chosen = learnt.classes.grad.abs().sum(dim=1).nonzero()[:, 0]
    own = torch.cat(batch.instances).unique()
    assert len(chosen) == len(own) + 2
    assert set(own.tolist()) < set(chosen.tolist())
    numbers = tuple(torch.searchsorted(chosen, each) for each in batch.instances)
    less = Batch(batch.left, batch.right, None, None, numbers, features=batch.features)  # type: ignore[arg-type]
    assert found.item() == pytest.approx(by_loops(less, learnt.classes[chosen], (1, 1)), abs=1e-12)
    other = objective(drawn(40, seed=4), learnt)
    assert other.item() != found.item()
    assert objective(drawn(40, seed=3), learnt).item() == found.item()
    assert Instance(sample=40)(batch, learnt).item() == Instance()(batch, learnt).item()


def test_other_classes_are_drawn_evenly_and_never_twice():
    wanted, draw = torch.tensor([5, 1, 5]), torch.Generator().manual_seed(0)
    counts = torch.zeros(8)
    for _ in range(1500):
        chosen, places = choose(wanted, 8, 2, draw)
        assert chosen is not None
        assert len(chosen.unique()) == 4
        assert torch.equal(chosen[places], wanted)
        counts[chosen] += 1
    assert counts[[1, 5]].tolist() == [1500, 1500]
    assert all(430 < counts[each] < 570 for each in (0, 2, 3, 4, 6, 7))


def test_what_is_dropped_depends_on_the_step_s_seed_and_differs_between_the_sides():
    objective = Instance(dropout=0.5)
    vectors = torch.ones(3, 400)
    numbers = torch.tensor([0, 1, 2])

    def seen(seed: int) -> list[torch.Tensor]:
        draw = torch.Generator().manual_seed(seed)
        return [objective._dropped(vectors, draw) for _ in range(2)]

    (left, right), (again, _) = seen(0), seen(0)
    assert set(left.unique().tolist()) == {0.0, 2.0}
    assert 0.4 < left.eq(0).double().mean() < 0.6
    assert torch.equal(left, again)
    assert not torch.equal(left, right)
    learnt = objective.learnt(400, 3)

    def value(seed: int, state: int) -> float:
        torch.manual_seed(state)
        batch = Batch(vectors, vectors, None, None, (numbers, numbers), features=(vectors, vectors), seed=seed)
        return objective(batch, learnt).item()

    assert value(0, 1) == value(0, 2) != value(1, 1)


def test_errors_count_the_classes_that_score_as_high_and_a_tie_is_not_won():
    objective, nobody = Instance(), nn.Module()
    # Each item's vector is its scores: W is the identity.
    nobody.classes = nn.Parameter(torch.eye(7))
    left = torch.tensor([[9.0, 1, 2, 3, 4, 5, 6], [5, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5, 6]])  # ranks 1, 3 (tie), 7
    right = torch.tensor([[4.0, 4, 4, 4, 4, 0, 0], [4, 4, 4, 4, 4, 4, 0]])  # ties with 4 and with 5 others
    zero = torch.zeros(3, dtype=torch.int64)
    batch = Batch(left, right, None, None, (zero, zero[:2]), features=(left, right))
    objective(batch, nobody)
    assert batch.figures == {
        "top1_error": (pytest.approx(2 / 3), 1.0),
        "top5_error": (pytest.approx(1 / 3), 0.5),
    }
    objective(batch, nobody)
    assert set(batch.figures) == {"top1_error", "top5_error", "top1_error_2", "top5_error_2"}


def test_among_five_classes_none_is_wrong_at_5():
    batch = drawn(5, dtype=torch.float32)
    batch.instances[1][1] = 4
    Instance()(batch, classifier(Instance(), 5, torch.float32))
    assert batch.figures["top5_error"] == (0, 0)


def test_a_batch_of_unit_rows_only_is_refused():
    with pytest.raises(ValueError, match="before unit length"):
        Instance()(batch_of("diagonal"), classifier(Instance()))


@pytest.mark.parametrize("sides", [[0, 0], [-1, 2], [float("nan"), 1], [float("inf"), 1]])
def test_sides_that_are_no_two_weights_are_refused(sides):
    assert "sides" in refusal(Config().changed, {"objectives": [{"kind": "instance", "sides": sides}]})


@pytest.mark.parametrize("sides", [1, [1], [1, 1, 1], None])
def test_sides_that_are_not_two_are_refused_with_what_they_are(sides):
    sentence = refusal(Config().changed, {"objectives": [{"kind": "instance", "sides": sides}]})
    assert f"objectives.0.sides = {sides} is not valid: give two numbers, the weights of the left and" in sentence


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ["2.1 GiB", "70,000 classes x 2,000 dimensions", "as weights, gradient and 2 of"]),
        ({"training.optimizer": "sgd"}, ["1.6 GiB", "gradient and 1 of"]),
        ({"training.optimizer": "sgd", "training.momentum": 0.0}, ["1.0 GiB", "as weights and gradient. A"]),
        ({"towers.dim": 500}, None),
        ({"objectives.0.clusters": 3000}, None),
        ({"objectives.0.sample": 3000}, ["2.1 GiB"]),
    ],
)
def test_a_large_classifier_is_told(changes, said):
    config = Config().changed({"objectives": [{"kind": "instance"}], "towers.dim": 2000} | changes)
    found = list(of_instances(config, 70_000))
    assert len(found) == (said is not None)
    assert all(each in found[0] for each in said or [])


@pytest.mark.parametrize(
    ("changes", "classes"),
    [({}, None), ({"sample": 89}, None), ({"sample": 90}, 90), ({"sample": 9, "clusters": 5}, 5)],
)
def test_a_sample_of_all_classes_is_told(changes, classes):
    config = Config().changed({"objectives": [{"kind": "instance"} | changes]})
    said = [] if classes is None else [f"and there are {classes} classes: the softmax is over all of them."]
    assert [each.partition(", ")[2] for each in of_instances(config, 90)] == said


INSTANCE = [{"kind": "ranking", "weight": 2, "warm_up": 10}, {"kind": "instance", "sides": [1, 0.1], "dropout": 0.2}]


def test_a_training_learns_the_classes_logs_the_errors_and_resumes_to_the_bit(tmp_path):
    config = toy_config(objectives=INSTANCE, towers__rectify="training", training__iters=80, sensors__numbers="raw")
    fit(config, tmp_path / "whole")
    rows = read_metrics(tmp_path / "whole" / METRICS)
    for side in ("image", "sensor"):
        errors = [row[f"{side}_top1_error"] for row in rows]
        assert all(0 <= row[f"{side}_top5_error"] <= row[f"{side}_top1_error"] <= 1 for row in rows)
        assert sum(errors[-5:]) < 0.9 * sum(errors[:5])
    fit_in_two_parts(config, tmp_path / "resumed", 12, 5)
    whole, resumed = (load_file(tmp_path / place / LAST) for place in ("whole", "resumed"))
    assert all(torch.equal(whole[name], value) for name, value in resumed.items())
    assert Model.load(tmp_path / "whole").learnt[1].classes.shape == (90, 32)


def test_it_learns_from_pairs_without_negatives(tmp_path):
    config = toy_config(objectives=[{"kind": "instance"}], training__iters=1, training__near_seconds=1e9)
    assert fit(config, tmp_path / "m").steps == 1
    both = config.changed({"objectives": [{"kind": "instance"}, {"kind": "info_nce"}]})
    assert "no photograph has a negative" in refusal(fit, both, tmp_path / "n")
