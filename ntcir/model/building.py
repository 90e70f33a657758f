"""The layers of a model as they begin: its towers, and what its objectives learn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from ntcir.config import Config
from ntcir.encoders.encoder import Encoder
from ntcir.model.facets import Seen, seen_by
from ntcir.towers.ensemble import Ensemble
from ntcir.towers.heads import head_of
from ntcir.towers.stems import Select
from ntcir.towers.tower import Tower

_MEMBERS = 11  # by which the members' seeds differ from whatever else is drawn from the configuration's seed


@dataclass
class _Side:
    """The layers of one modality's towers, as far as they are made."""

    stems: list[nn.Module] = field(default_factory=list)  # of each member
    heads: list[nn.Module] = field(default_factory=list)
    fixed: dict[int, tuple[nn.Module, int]] = field(default_factory=dict)  # stems that learn nothing, by their facet


def new_layers(config: Config, encoders: Mapping[str, Encoder], instances: int) -> tuple[nn.ModuleDict, nn.ModuleList]:
    """Make the towers by modality, and what each objective has of its own, with random weights.

    Each member of an ensemble has weights from a seed of its own; those of the first are a single model's.

    Args:
        config: resolved.
        encoders: by modality, fitted.
        instances: that the objectives tell apart.
    """
    sides = {name: _Side() for name in config.pair}
    learnt = []
    with torch.random.fork_rng(devices=[]):
        for member in range(config.towers.members):
            torch.manual_seed(_seed(config.seed, member))
            for name, seen in seen_by(member, config, encoders).items():
                _add_member(sides[name], seen, name, config)
            learnt.append([each.learnt(config.towers.dim, instances) for each in config.losses])
    towers = nn.ModuleDict({name: _tower(side, name, config, encoders[name]) for name, side in sides.items()})
    return towers, nn.ModuleList(_by_objective(learnt))


def new_learnt(config: Config, instances: int) -> nn.ModuleList:
    """Make what each objective has of its own; see ``new_layers``."""
    members = range(config.towers.members)
    dim = config.towers.dim
    return nn.ModuleList(_by_objective([[each.learnt(dim, instances) for each in config.losses] for _ in members]))


def _seed(seed: int, member: int) -> int:
    return seed if member == 0 else int(np.random.default_rng([seed, _MEMBERS, member]).integers(2**63))


def _add_member(side: _Side, seen: Seen, name: str, config: Config) -> None:
    """Make the layers of one more member."""
    options, encoder = config.towers.of(name), seen.encoder
    if seen.number not in side.fixed:
        stem, width = encoder.stem(options, config)
        if seen.columns is not None:
            stem = nn.Sequential(Select(seen.columns), stem)
        if not any(True for _ in stem.parameters()):
            side.fixed[seen.number] = stem, width
    else:
        stem, width = side.fixed[seen.number]
    side.stems.append(stem)
    side.heads.append(head_of(width, config.towers.dim, options, encoder.positions(options, config)))


def _tower(side: _Side, name: str, config: Config, encoder: Encoder) -> Tower:
    views = encoder.views(config.towers.of(name), config)
    if config.towers.members == 1:
        return Tower(side.stems[0], side.heads[0], views, config.towers.rectify)
    return Ensemble(side.stems, side.heads, views, config.towers.rectify)


def _by_objective(by_member: list[list[nn.Module]]) -> list[nn.Module]:
    """Return, of each objective, what it has of its own; of several members, a list of theirs."""
    if len(by_member) == 1:
        return by_member[0]
    return [nn.ModuleList(parts) for parts in zip(*by_member, strict=True)]
