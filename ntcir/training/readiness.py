"""Whether a training can learn anything: reported before its first step; if it cannot, it is refused."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ntcir.config import Config
from ntcir.modalities import DEFAULT_PAIR, modality
from ntcir.sampling.batches import BatchSampler
from ntcir.sampling.census import Census, coming_batches, percent, remedy, take_census
from ntcir.sampling.relations import Relation
from ntcir.system.errors import UserError
from ntcir.system.progress import say


def check_negatives(
    config: Config,
    groups: np.ndarray,
    seconds: np.ndarray,
    relations: Mapping[str, Relation],
    *,
    mined: bool | None = None,
    grouped: bool = True,
) -> Census:
    """Count the negatives of the coming batches, and refuse a training that has none.

    Hard negatives count too: those mined by objects where there are any, those mined by the model where they can be.

    Args:
        config: resolved; ``training.batch`` is that of all processes together.
        groups: the group (day, session) of each pair.
        seconds: their times, float64 [pairs].
        relations: why two pairs are no negatives of each other -> the relation.
        mined: whether negatives were mined by objects; None where that is not known yet.
        grouped: whether the corpus has days or sessions; without, batches are drawn from all pairs.

    Raises:
        UserError: if there is nothing to learn from; the sentence says why, and which settings would do.
    """
    training, pair = config.training, config.pair
    if not grouped:
        training = training.model_copy(update={"batches": "all"})
    left, right = (modality(name) for name in pair)
    batches = _batches(config, groups, training.batches)
    census = take_census(relations, batches, pair)
    if census.is_fine:
        return census
    mixed = batches if training.batches == "all" else _batches(config, groups, "all")
    settings = remedy(relations, batches, mixed, seconds, training, pair)
    others = " or other readings (sensors)" if pair == DEFAULT_PAIR else ""
    advice = f"try {settings}" if settings else f"give other data for training (data.split){others}"
    why = f"of the other {right.plural} of a batch, {census.reasons(training)}"
    if not census.is_empty:
        if mined is not None:
            share = percent(census.without / len(census.negatives))
            say(
                f"WARNING: {share} of the {left.plural} have no negative in their batch and teach nothing (counted "
                f"in {census.batches} batches; {why}): {advice}.",
                kind=f"{left.plural} without negatives: {advice}",
            )
        return census
    by_objects = config.negatives.objects if mined is None else mined
    negatives = config.negatives
    by_model = negatives.model and negatives.every < training.iters and not take_census(relations, mixed, pair).is_empty
    if negatives.share == 0 or not (by_objects or by_model):
        raise UserError(f"Nothing can be learnt: no {left.noun} has a negative, because {why}; {advice}.")
    if mined is not None:
        when = "" if by_objects else f", from step {negatives.every} on"
        say(f"WARNING: the only negatives are mined ones{when}, because {why}: {advice}.")
    return census


def _batches(config: Config, groups: np.ndarray, mode: str) -> list[np.ndarray]:
    training = config.training
    sampler = BatchSampler(groups, training.batch, "day" if mode == "day" else "all", config.seed)
    return coming_batches(sampler, training.iters)
