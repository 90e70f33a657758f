"""A model that is solved at once, without training: moments of the training pairs -> a linear map a side.

The pairs are read in blocks, twice: for the means, and for the second moments of the centred rows. So memory does not
grow with the pairs. Several processes, as torchrun starts them, take a part of the pairs each and add up what they
find.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from ntcir.config import Config, Solved
from ntcir.corpora.corpus import Corpus
from ntcir.encoders.encoder import Rows
from ntcir.modalities import modality
from ntcir.model.model import Model
from ntcir.objectives.choosing import NO_SPLIT
from ntcir.objectives.linear_maps import LinearMaps, Problem
from ntcir.objectives.second_moments import PairMoments, products_of, sums_of
from ntcir.system.errors import UserError
from ntcir.system.parallel import ranks
from ntcir.system.progress import progress, say
from ntcir.system.tensors import total
from ntcir.training.measured import errors_of, logged, means_of
from ntcir.training.paired_rows import PairedRows
from ntcir.training.preparation import check_in_time
from ntcir.training.readable import readable_pairs, require_pairs
from ntcir.training.result import TrainingResult
from ntcir.training.solvable import linear_of, require_solvable
from ntcir.training.stemmed import standardise, stemmed, widths_of
from ntcir.training.training_queries import keep_queries, of_table
from ntcir.training.validation import Validation


def solve(config: Config, corpus: Corpus, rows: Mapping[str, Rows], folder: Path) -> TrainingResult:
    """Solve for the towers' linear layers, and save the model.

    Args:
        config: resolved, with an objective that is solved.
        corpus: with a training split.
        rows: opened for the corpus, not yet fitted; what is not stored of them is computed.
        folder: gets the model.

    Raises:
        UserError: if there are too few readable pairs, a row is not finite, or nothing can be solved from them.
    """
    objective = config.solved
    if objective is None:
        raise ValueError("the configuration has no objective that is solved")
    require_pairs(corpus, rows)
    if objective.judged and len(corpus.split("val")) < 2:
        raise UserError(NO_SPLIT)
    check_in_time(config, corpus)
    require_solvable(config, corpus, rows)
    train, val = readable_pairs(corpus, rows)
    encode = {name: each.load for name, each in rows.items()}
    validation = Validation(corpus, val, encode, [], config) if len(val) > 1 else None
    started = time.perf_counter()
    facts = {"corpus": corpus.name, "training_pairs": len(train)}
    model = Model(config, {name: each.encoder for name, each in rows.items()}, facts)
    standardise(model, rows, train)
    solver = _Solver(model, objective, validation)
    paired = partial(PairedRows.of, train, load=stemmed(model, rows), widths=widths_of(model))
    solved = solver.solved(paired(how=objective.pairs), paired(how="means"))
    seconds = time.perf_counter() - started
    log = logged(validation.figures(solved.model)) if validation else {}
    ways = [each.name for each in solved.model.directions]
    measured = means_of(log, ways)
    # Without the seconds: the same pairs give the same files.
    found = {"pairs": solved.pairs, **solved.facts}
    solved.model.card |= {"step": 0, "iters": 0, "validation": measured, "solved": found}
    keep_queries(solved.model, of_table(rows, train), len(train))
    if ranks().first:
        solved.model.save(folder)
    told = _told(objective, found, seconds)
    return TrainingResult(folder, 0, 0, measured, told, seconds, errors=errors_of(log, ways))


@dataclass(frozen=True)
class _Found:
    """What was solved.

    Attributes:
        model: with the maps in its towers.
        pairs: that it was solved from: instances, where these are what is paired.
        facts: of the maps.
    """

    model: Model
    pairs: int
    facts: Mapping[str, object]


@dataclass(frozen=True)
class _Solver:
    """Solves an objective.

    Attributes:
        model: whose towers have their statistics.
        objective: that is solved.
        validation: measures models; None where there is nothing to measure by.
    """

    model: Model
    objective: Solved
    validation: Validation | None

    def solved(self, pairs: PairedRows, means: PairedRows) -> _Found:
        """Return the model of maps that were solved from pairs, of as many dimensions as there are; say if fewer.

        Args:
            pairs: what is solved from.
            means: the instances, independent of each other, by which an objective may choose its settings.

        Raises:
            UserError: if nothing can be solved from the pairs.
        """
        config, kind = self.model.config, self.objective.kind
        if pairs.count < 2:
            raise UserError(
                "All training pairs are linked by items that they share, which makes them one instance, and two are "
                f"needed: set objectives.0.pairs=all, so that {kind} is solved from all pairs."
            )
        moments = moments_of_pairs(pairs, unit=self.objective.unit)
        for name, second in zip(config.pair, (moments.left, moments.right), strict=True):
            if not second.any():
                raise UserError(
                    f"All {modality(name).plural} of the training split have the same row, so {kind} cannot tell them "
                    f"apart: choose another towers.{name}.encoder, or other data."
                )
        try:
            maps = self.objective.solve(
                Problem(moments, config.towers.dim, self._judge(moments), self._moments_of_means(pairs, means))
            )
        except np.linalg.LinAlgError as error:
            raise UserError(f"{kind} could not be solved from these pairs ({error}).") from error
        self._say_dimensions(len(maps.left), moments)
        return _Found(filled(self.model, moments, maps), moments.count, maps.facts)

    def _moments_of_means(self, pairs: PairedRows, means: PairedRows) -> Callable[[], PairMoments] | None:
        """Return what computes the moments of two or more instances; None where these are the pairs themselves."""
        if not 2 <= means.count < pairs.count:
            return None
        return lambda: moments_of_pairs(means, unit=self.objective.unit)

    def _judge(self, moments: PairMoments) -> Callable[[LinearMaps], float] | None:
        """Return what measures maps by the validation split: the mean MRR of both directions."""
        validation = self.validation
        if validation is None:
            return None

        def judge(maps: LinearMaps) -> float:
            measured = validation(filled(self.model, moments, maps)).values()
            return sum(measured) / len(measured)

        return judge

    def _say_dimensions(self, dim: int, moments: PairMoments) -> None:
        """Say why the shared space has fewer dimensions than were asked for.

        Raises:
            UserError: if there are too few to tell items apart.
        """
        config = self.model.config
        left, right = config.pair
        widths = f"{len(moments.left):,} ({left}) and {len(moments.right):,} ({right})"
        rows = f"{moments.count:,} pairs of rows of {widths} columns"
        if dim < 2:
            raise UserError(
                f"{rows} determine {dim or 'no'} dimension{'s' * (dim != 1)} in which they can be compared, and 2 are "
                "needed: give more pairs, or rows with more columns that vary."
            )
        if dim < config.towers.dim:
            say(
                f"The shared space has {dim:,} dimensions, not the {config.towers.dim:,} of towers.dim: {rows} "
                "determine no more."
            )


def moments_of_pairs(pairs: PairedRows, *, unit: bool) -> PairMoments:
    """Return the moments of the pairs of all processes together.

    Args:
        pairs: two or more.
        unit: whether centred rows are brought to unit length.
    """
    with progress("Solving", 2 * len(pairs.part), unit=" pairs/s") as advance:
        count, *sums = _total(*sums_of(pairs.blocks(advance)))
        means = sums[0] / count, sums[1] / count
        products = _total(*products_of(pairs.blocks(advance), means, unit=unit))
    return PairMoments(int(count), *means, *(each / count for each in products))


def filled(model: Model, moments: PairMoments, maps: LinearMaps) -> Model:
    """Return the model with maps as the layers of its towers; the space has as many dimensions as these.

    Each map is multiplied by a number, which changes no cosine, so that its weights are as large as those of a new
    layer: a training that begins from them needs no learning rate of its own.

    Raises:
        UserError: if a map is not finite.
    """
    dim = len(maps.left)
    if dim != model.config.towers.dim:
        other = Model(model.config.changed({"towers.dim": dim}), model.encoders, model.card)
        for name in model.config.pair:
            other.tower(name).stem.load_state_dict(model.tower(name).stem.state_dict())
        model = other
    means = moments.left_mean, moments.right_mean
    for name, weight, mean in zip(model.config.pair, (maps.left, maps.right), means, strict=True):
        weight = weight * _to_size_of_new(weight)
        bias = -weight @ mean
        if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
            raise UserError(f"What was solved for the {name} tower is not finite: its rows are too large or too small.")
        linear = linear_of(model, name)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight))
            linear.bias.copy_(torch.from_numpy(bias))
    return model


def _to_size_of_new(weight: np.ndarray) -> float:
    """Return what brings weights, float64 [k, columns], to the root mean square that ``nn.Linear`` begins with."""
    size = np.sqrt(np.square(weight).mean())
    return float(1 / (size * np.sqrt(3 * weight.shape[1]))) if size > 0 else 1.0


def _told(objective: Solved, found: Mapping[str, object], seconds: float) -> str:
    """Return what was solved, for a sentence."""
    plain = {name: fact for name, fact in found.items() if name != "pairs" and isinstance(fact, str | int | float)}
    facts = ", ".join(f"{name} {f'{fact:.3g}' if isinstance(fact, float) else fact}" for name, fact in plain.items())
    pairs = f"{found['pairs']:,} pairs" if objective.pairs == "all" else f"{found['pairs']:,} instances"
    return f"{objective.kind}, solved from {pairs} in {seconds:.2g} s{f' ({facts})' if facts else ''}"


def _total(*values: int | np.ndarray) -> list[np.ndarray]:
    """Return the sums over all processes."""
    return [total(torch.from_numpy(np.asarray(value, dtype=np.float64))).numpy() for value in values]
