"""Towers without layers: rows go into the shared space as they are, and so must be as wide as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ntcir.config import Config, Tower
from ntcir.encoders.encoder import Encoder
from ntcir.model.facets import alternating
from ntcir.system.errors import UserError


def require_widths(config: Config, encoders: Mapping[str, Encoder]) -> None:
    """Check that rows which no layer changes have the width of the shared space.

    Args:
        config: resolved.
        encoders: by modality; those that are not fitted yet may be left out.

    Raises:
        UserError: naming the tower, and the setting that helps.
    """
    dim, widths = config.towers.dim, _bare(config, encoders)
    if len(set(widths.values())) > 1:
        listed = " and ".join(f"those of {name} are {width} wide" for name, width in widths.items())
        raise UserError(
            f"With layers: 0 in both towers, rows are compared as they are, but {listed}: use the two sides of one "
            "model, or give a tower a layer (towers.MODALITY.layers=1)."
        )
    members = config.towers.members
    if members > 1 and not any(_learns(config, encoders)) and not any(_alternates(config, encoders)):
        raise UserError(
            f"towers.members = {members} would be {members} times the same model, because both towers have layers: 0: "
            "set towers.members=1, or give a tower a layer (towers.MODALITY.layers=1)."
        )
    for name, width in widths.items():
        if width != dim:
            raise UserError(
                f"towers.{name}.layers = 0 leaves rows as they are, which are {width} wide, but towers.dim = {dim}: "
                f"set towers.dim={width}, or towers.{name}.layers=1."
            )


def require_learnable(config: Config, encoders: Mapping[str, Encoder]) -> None:
    """Check that a training has something to learn.

    Args:
        config: resolved.
        encoders: by modality; what those that are not fitted yet bring along is not known.

    Raises:
        UserError: if no tower has a weight, and no network is trained along.
    """
    if not config.encoder.finetune and not any(_learns(config, encoders)):
        raise UserError(
            "Nothing can be trained, because both towers have layers: 0: set training.iters=0 for a model of the "
            "networks' features as they are, or give a tower a layer (towers.MODALITY.layers=1)."
        )


def _bare(config: Config, encoders: Mapping[str, Encoder]) -> dict[str, int]:
    """Return the widths of the rows that no layer changes, by modality."""
    towers = {name: config.towers.of(name) for name in encoders}
    return {name: _width(name, config, encoders[name]) for name, tower in towers.items() if _is_bare(tower)}


def _width(name: str, config: Config, encoder: Encoder) -> int:
    """Return the width of rows as they are; of alternating facets, one that is not that of the shared space, if any."""
    facets = [facet.encoder for facet in alternating(name, config, encoder)] or [encoder]
    widths = [each.stem(config.towers.of(name), config)[1] for each in facets]
    return next((width for width in widths if width != config.towers.dim), widths[0])


def _learns(config: Config, encoders: Mapping[str, Encoder]) -> Iterator[bool]:
    """Yield of each tower whether it has weights; it may have some where its encoder is not fitted yet."""
    for name in config.pair:
        tower = config.towers.of(name)
        if not _is_bare(tower) or name not in encoders:
            yield True
        else:
            stem, _ = encoders[name].stem(tower, config)
            yield any(True for _ in stem.parameters())


def _alternates(config: Config, encoders: Mapping[str, Encoder]) -> Iterator[bool]:
    """Yield of each tower whether members see different columns."""
    for name in config.pair:
        yield name in encoders and bool(alternating(name, config, encoders[name]))


def _is_bare(tower: Tower) -> bool:
    """Return whether a tower has no layers. Those of a CNN are counted otherwise."""
    return tower.layers == 0 and tower.head != "cnn"
