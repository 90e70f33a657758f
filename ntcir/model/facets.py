"""Which facet of an encoder each member of an ensemble sees (``towers.MODALITY.facets``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ntcir.config import Config
from ntcir.encoders.encoder import Encoder, Facet


@dataclass(frozen=True)
class Seen:
    """What a member sees of one modality.

    Attributes:
        number: of the facet among those that members see.
        encoder: of these columns alone.
        columns: which these are of a row's, int64 [width]; None: all of them.
    """

    number: int
    encoder: Encoder
    columns: np.ndarray | None


def seen_by(member: int, config: Config, encoders: Mapping[str, Encoder]) -> dict[str, Seen]:
    """Return what a member sees of each modality, the left one first; facets of the left one change fastest."""
    result = {}
    for name in config.pair:
        facets = alternating(name, config, encoders[name])
        member, number = divmod(member, len(facets) or 1)
        seen = Seen(number, facets[number].encoder, facets[number].columns) if facets else None
        result[name] = seen or Seen(0, encoders[name], None)
    return result


def alternating(name: str, config: Config, encoder: Encoder) -> list[Facet]:
    """Return the facets of a modality that members see in turn; none where each sees all of them, or there is one."""
    if config.towers.of(name).facets == "joined":
        return []
    facets = encoder.facets(config)
    return facets if len(facets) > 1 else []


def idle_facets(config: Config, encoders: Mapping[str, Encoder]) -> Iterator[str]:
    """Yield a sentence for facets that no member sees, and for alternating ones where there is nothing to alternate."""
    count = config.towers.members
    turns = 1  # members from one facet to the next
    for name in config.pair:
        facets = alternating(name, config, encoders[name])
        if config.towers.of(name).facets == "alternate" and not facets:
            yield (
                f"towers.{name}.facets = alternate has no effect: the encoder {encoders[name].kind} has a single facet."
            )
        unseen = [facet.name for facet in facets[-(-count // turns) :]]
        if unseen:
            yield (
                f"towers.{name}.facets = alternate, and with towers.members = {count} no member sees "
                f"{', '.join(unseen)}: set towers.members={turns * len(facets)} or more."
            )
        turns *= len(facets) or 1
