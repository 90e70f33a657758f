"""A model that is solved at once, without training: moments of the training pairs -> a linear map a side.

The pairs are read in blocks, twice: for the means, and for the second moments of the centred rows. So memory does not
grow with the pairs. Several processes, as torchrun starts them, take a part of the pairs each and add up what they
find.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from ntcir.config import Config, Solved
from ntcir.corpora.corpus import Corpus
from ntcir.encoders.encoder import Rows
from ntcir.model.model import Model
from ntcir.objectives.linear_maps import LinearMaps, PairMoments, Problem, products_of, sums_of
from ntcir.sampling.relations import instances
from ntcir.system.errors import UserError
from ntcir.system.parallel import ranks
from ntcir.system.progress import say
from ntcir.system.tensors import total
from ntcir.training.readable import readable_pairs, require_pairs
from ntcir.training.result import TrainingResult
from ntcir.training.validation import Validation

BLOCK = 4096  # pairs whose rows are in memory at once


def solve(config: Config, corpus: Corpus, rows: Mapping[str, Rows], folder: Path) -> TrainingResult:
    """Solve for the towers' linear layers, and save the model.

    Args:
        config: resolved, with an objective that is solved.
        corpus: with a training split.
        rows: opened for the corpus, not yet fitted; what is not stored of them is computed.
        folder: gets the model.

    Raises:
        UserError: if there are too few readable pairs, or nothing can be solved from them.
    """
    objective = config.solved
    if objective is None:
        raise ValueError("the configuration has no objective that is solved")
    require_pairs(corpus, rows)
    train, val = readable_pairs(corpus, rows)
    started = time.perf_counter()
    pairs = TrainingPairs(config, rows, train)
    model = Model(config, {name: each.encoder for name, each in rows.items()}, pairs.facts(corpus), pairs.instances)
    pairs.fit(model)
    moments = pairs.moments(model, objective)
    validation = None
    if len(val) > 1:
        validation = Validation(corpus, val, {name: each.load for name, each in rows.items()}, [], config)
    maps = objective.solve(Problem(moments, config.towers.dim))
    model = filled(model, moments, maps)
    seconds = time.perf_counter() - started
    measured = dict(validation(model)) if validation else {}
    model.card |= {"step": 0, "iters": 0, "validation": measured, "solved": {"seconds": seconds, **maps.facts}}
    if ranks().first:
        model.save(folder)
    return TrainingResult(
        folder, 0, 0, measured, solved=f"{objective.kind}, solved from {len(train):,} pairs in {seconds:.2g} s"
    )


@dataclass(frozen=True)
class TrainingPairs:
    """The pairs that are solved from, in the order of their instances.

    Attributes:
        config: resolved.
        rows: of the items, by modality, fitted.
        train: readable pairs.
    """

    config: Config
    rows: Mapping[str, Rows]
    train: pd.DataFrame

    def facts(self, corpus: Corpus) -> dict[str, object]:
        """Return what the model's card says of the data."""
        return {"corpus": corpus.name, "training_pairs": len(self.train)}

    @cached_property
    def _shown(self) -> np.ndarray:
        """The instance of each pair, int64 [pairs]."""
        left, right = self.config.pair
        return instances(self.train[left].to_numpy(), self.train[right].to_numpy())

    @property
    def instances(self) -> int:
        """How many instances the pairs show."""
        return int(self._shown.max()) + 1

    def fit(self, model: Model) -> None:
        """Let the towers' stems take their statistics."""
        for name, each in self.rows.items():
            if self.config.towers.of(name).standardise:
                model.tower(name).fit(each.load(self.train[name].tolist()))

    def moments(self, model: Model, objective: Solved) -> PairMoments:
        """Return the moments of what the stems make of the rows."""
        count, *sums = _total(*sums_of(self._blocks(model, objective)))
        means = sums[0] / count, sums[1] / count
        products = _total(*products_of(self._blocks(model, objective), means, unit=objective.unit))
        return PairMoments(int(count), *means, *(each / count for each in products))

    def _blocks(self, model: Model, objective: Solved) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield paired rows of this process's part, float32 [n, p] and [n, q]."""
        order = np.argsort(self._shown, kind="stable")
        shown = self._shown[order]
        first = np.flatnonzero(np.diff(shown, prepend=-1))  # of each instance
        numbers = np.arange(len(first))[ranks().part(len(first))]
        ends = np.append(first, len(order))
        start = int(ends[numbers[0]]) if len(numbers) else 0
        for number in numbers:
            end = int(ends[number + 1])
            if end - start >= BLOCK or number == numbers[-1]:
                taken = self.train.iloc[order[start:end]]
                x, y = (self._stemmed(model, name, taken[name].tolist()) for name in self.config.pair)
                if objective.pairs == "means":
                    x, y = (_means(part, shown[start:end]) for part in (x, y))
                yield x, y
                start = end

    def _stemmed(self, model: Model, name: str, ids: list[str]) -> np.ndarray:
        """Return what a tower's stem makes of items, float32 [ids, width]."""
        stem = model.tower(name).stem.eval()
        with torch.inference_mode():
            found: np.ndarray = stem(torch.from_numpy(self.rows[name].load(ids))).numpy()
        return found


def filled(model: Model, moments: PairMoments, maps: LinearMaps) -> Model:
    """Return the model with maps as the layers of its towers; the space has as many dimensions as these."""
    dim = len(maps.left)
    asked = model.config.towers.dim
    if dim < asked:
        say(
            f"towers.dim = {asked} is more than the {dim} dimensions in which the sides can be compared, so the shared "
            f"space has {dim}."
        )
        narrow = Model(model.config.changed({"towers.dim": dim}), model.encoders, model.card, model.instances)
        for name in model.config.pair:
            narrow.tower(name).stem.load_state_dict(model.tower(name).stem.state_dict())
        model = narrow
    means = moments.left_mean, moments.right_mean
    for name, weight, mean in zip(model.config.pair, (maps.left, maps.right), means, strict=True):
        linear = _linear(model.tower(name).head)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight))
            linear.bias.copy_(torch.from_numpy(-weight @ mean))
    return model


def _linear(head: nn.Module) -> nn.Linear:
    """Return the one linear layer of a head.

    Raises:
        UserError: if the head is of another kind.
    """
    layers = [layer for layer in head.children() if not isinstance(layer, nn.Dropout)]
    if len(layers) != 1 or not isinstance(layers[0], nn.Linear):
        raise UserError("What is solved is one linear layer a side, and a tower has a head of another kind.")
    return layers[0]


def _means(rows: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Return the mean row of each instance, float32 [instances, columns]; the rows of an instance follow each other."""
    starts = np.flatnonzero(np.diff(shown, prepend=-1))
    counts = np.diff(np.append(starts, len(rows)))
    return np.asarray(np.add.reduceat(rows, starts, axis=0) / counts[:, None], dtype=np.float32)


def _total(*values: int | np.ndarray) -> list[np.ndarray]:
    """Return the sums over all processes."""
    return [total(torch.from_numpy(np.asarray(value, dtype=np.float64))).numpy() for value in values]
