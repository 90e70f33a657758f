"""What objectives have learnt, taken over from the model that a training begins from (``training.start``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from torch import nn

from ntcir.config import Objective
from ntcir.model.model import Model
from ntcir.sampling.numbering import numbering
from ntcir.system.progress import say


def tell_instances(model: Model, pairs: pd.DataFrame, instances: np.ndarray) -> None:
    """Let a model tell later trainings which items it is that its objectives number, where these are carried there.

    Args:
        model: gets its ``numbering``.
        pairs: that it is trained on, with a column for each modality.
        instances: the number of each pair's instance, int64 [pairs].
    """
    if any(each.carried and "instances" in each.needs for each in model.config.losses):
        model.numbering = numbering({name: pairs[name].tolist() for name in model.config.pair}, instances)


def carry_learnt(theirs: Model, ours: Model, place: Path) -> None:
    """Go on with what the objectives of another model have learnt, where they declare so; say what came of it.

    Args:
        theirs: the model that a training begins from.
        ours: its own, as it was made.
        place: the folder of theirs.
    """
    for kind in dict.fromkeys(each.kind for each in ours.config.losses if each.carried):
        here, there = list(_of_kind(kind, ours)), list(_of_kind(kind, theirs))
        if not any(learnt.state_dict() for _, learnt in here):
            continue
        why = _misfit(here, there, ours, theirs, place)
        if why is None:
            here[0][1].load_state_dict(there[0][1].state_dict())
            say(f"training.start: what the objective {kind} has learnt is taken from {place}.")
        else:
            say(f"training.start: what the objective {kind} learns begins anew: {why}.")


_Learning = tuple[Objective, nn.Module]


def _of_kind(kind: str, model: Model) -> Iterator[_Learning]:
    """Yield the objectives of a kind, each with what it has learnt."""
    for objective, learnt in zip(model.config.losses, model.learnt, strict=True):
        if objective.kind == kind:
            yield objective, learnt


def _misfit(here: list[_Learning], there: list[_Learning], ours: Model, theirs: Model, place: Path) -> str | None:
    """Return why what was learnt there cannot be gone on with here, as a phrase; None if it can."""
    if len(there) != 1:
        return f"{place} has {len(there) or 'no'} objectives of this kind"
    if len(here) != 1:
        return f"this training has {len(here)} objectives of this kind"
    if "instances" in here[0][0].needs:
        if not theirs.numbering:
            return f"{place} does not say which instances it was trained on"
        if theirs.numbering != ours.numbering:
            return (
                f"the {theirs.instances:,} instances that {place} was trained on are not the {ours.instances:,} of "
                "these training pairs"
            )
    shapes = [{name: list(value.shape) for name, value in each[0][1].state_dict().items()} for each in (here, there)]
    if shapes[0].keys() != shapes[1].keys():
        ours_has, theirs_has = (" and ".join(each) or "nothing" for each in shapes)
        return f"{place} has learnt its {theirs_has}, and this training learns its {ours_has}"
    for name, shape in shapes[0].items():
        if shape != shapes[1][name]:
            return f"its parameter {name} has the shape {shapes[1][name]} in {place}, and {shape} here"
    return None
