"""The optimizers of a training against their formulas, and the rates of what they learn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from helpers import fit, one_thread, refusal, toy_config, toy_trainer  # noqa: F401
from toy_captions import caption_config, captioned
from toy_classes import classes  # noqa: F401

from ntcir.config import Config
from ntcir.model.folder import WEIGHTS
from ntcir.towers.word_stems import WordVectors
from ntcir.training.checkpoint import load_checkpoint
from ntcir.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("one_thread")
SGD = {"training__optimizer": "sgd", "training__lr": 0.05}


def steps_of(one: Trainer, count: int) -> Iterator[tuple[list[np.ndarray | None], list[np.ndarray]]]:
    """Yield, of each step, the gradients of all that is learnt, and the weights after it."""
    for step in range(count):
        one._step(step)
        learnt = one._stepper.learnt
        yield (
            [None if item.grad is None else item.grad.double().numpy().copy() for item in learnt],
            [item.detach().double().numpy().copy() for item in learnt],
        )


@pytest.mark.parametrize("momentum", [0.9, 0.3, 0.0])
@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_descent_is_nesterovs_with_weight_decay(tmp_path, momentum, decay):
    """Sutskever et al. 2013 as torch states it: d = g + decay w; b = momentum b + d; w -= rate (d + momentum b)."""
    config = toy_config(**SGD, training__momentum=momentum, training__weight_decay=decay)
    one = toy_trainer(config, tmp_path)
    weights = [item.detach().double().numpy().copy() for item in one._stepper.learnt]
    momenta = [np.zeros_like(each) for each in weights]
    for gradients, after in steps_of(one, 5):
        for place, gradient in enumerate(gradients):
            assert gradient is not None
            descent = gradient + decay * weights[place]
            momenta[place] = momentum * momenta[place] + descent
            weights[place] -= 0.05 * (descent + momentum * momenta[place])
            np.testing.assert_allclose(after[place], weights[place], rtol=0, atol=1e-6)
    assert any(np.abs(each).max() > 1e-3 for each in momenta)


def test_what_has_no_gradient_at_first_is_learnt_by_descent_once_it_has(tmp_path):
    one = toy_trainer(toy_config(**SGD), tmp_path)
    first, second = one._stepper.learnt[:2]
    before = second.detach().clone()
    first.grad = torch.ones_like(first)
    one._stepper.optimizer.step()
    assert torch.equal(second, before)
    second.grad = torch.ones_like(second)
    one._stepper.optimizer.step()
    assert torch.allclose(second, before - 0.05 * 1.9)


def test_a_step_of_descent_makes_no_copy_of_a_gradient(tmp_path):
    one = toy_trainer(toy_config(**SGD, training__weight_decay=0.01), tmp_path)
    one._step(0)
    with torch.profiler.profile(profile_memory=True) as noted:
        one._stepper.optimizer.step()
    largest = max(event.self_cpu_memory_usage for event in noted.key_averages())
    assert largest < 4 * max(item.numel() for item in one._stepper.learnt)


def rates(one: Trainer, step: int) -> list[float]:
    one._step(step)
    return [group["lr"] for group in one._stepper.optimizer.param_groups]


def test_word_vectors_have_a_rate_of_their_own_and_only_then_a_group(tmp_path):
    words: dict[str, Any] = {"texts__form": "sum", "training__schedule": "step", "training__milestones": [2, 5]}
    corpus = captioned()
    usual = toy_trainer(caption_config(**words), tmp_path, corpus)
    assert len(usual._stepper.optimizer.param_groups) == 1
    one = toy_trainer(caption_config(**words, texts__vectors_rate=0.01), tmp_path, corpus)
    towers, vectors = one._stepper.optimizer.param_groups
    (found,) = [part for part in one.model.towers.modules() if isinstance(part, WordVectors)]
    assert len(vectors["params"]) == 1
    assert vectors["params"][0] is found.weight
    ours, theirs = ({id(item) for item in group} for group in (one._stepper.learnt, one.model.towers.parameters()))
    assert ours == theirs | {id(item) for item in one.model.learnt.parameters() if item.requires_grad}
    assert id(found.weight) not in {id(item) for item in towers["params"]}
    for step, divisor in ((0, 1), (1, 1), (2, 10), (4, 10), (5, 100), (9, 100)):
        assert rates(one, step) == pytest.approx([3e-3 / divisor, 3e-5 / divisor])
    fixed = toy_trainer(caption_config(**words, texts__vectors_rate=0.01, texts__train_vectors=False), tmp_path, corpus)
    assert len(fixed._stepper.optimizer.param_groups) == 1


def test_a_lower_rate_moves_word_vectors_less(tmp_path):
    moved = []
    for rate in (1.0, 0.01):
        config = caption_config(**SGD, texts__form="sum", texts__vectors_rate=rate)
        one = toy_trainer(config, tmp_path, captioned())
        vectors = next(part for part in one.model.towers.modules() if isinstance(part, WordVectors)).weight
        before = vectors.detach().clone()
        one._step(0)
        moved.append(vectors.detach() - before)
    assert torch.allclose(moved[1], 0.01 * moved[0], rtol=1e-2, atol=1e-8)
    assert moved[0].abs().max() > 1e-4


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [({}, SGD), (SGD, {}), (SGD, SGD | {"training__momentum": 0.0}), (SGD | {"training__momentum": 0.0}, SGD)],
)
def test_a_checkpoint_of_another_optimizer_is_one_sentence(tmp_path, theirs, ours):
    fit(toy_config(training__iters=2, **theirs), tmp_path / "m")
    sentence = refusal(fit, toy_config(training__iters=4, **ours), tmp_path / "m", resume=True)
    assert "training." in sentence
    assert "was changed" in sentence
    one = toy_trainer(toy_config(**ours), tmp_path / "other")  # a configuration that was changed by hand
    sentence = refusal(load_checkpoint, tmp_path / "m", one.model, one._stepper.optimizer)
    assert "it is a checkpoint of another optimizer" in sentence


def test_descent_learns(tmp_path):
    result = fit(toy_config(**SGD | {"training__lr": 1.0}, training__iters=40), tmp_path / "m")
    assert (tmp_path / "m" / WEIGHTS).is_file()
    assert result.best_step > 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"training.schedule": "step"}, "schedule = step needs milestones, the steps after which"),
        ({"training.milestones": [5]}, "milestones = [5] are of schedule = step, and schedule is constant"),
        ({"training.schedule": "step", "training.milestones": [5, 3]}, "[5, 3] must be in ascending order"),
        ({"training.schedule": "step", "training.milestones": [3, 3]}, "each of them once"),
    ],
)
def test_milestones_that_no_schedule_has_are_refused(changes, said):
    assert said in refusal(Config().changed, changes)
