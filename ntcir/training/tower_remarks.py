"""Settings of towers that have no effect on a training, reported before it begins."""

from __future__ import annotations

from collections.abc import Iterator

from ntcir.config import Config, Tower
from ntcir.modalities import modality
from ntcir.system.errors import some


def idle_towers(config: Config) -> Iterator[str]:
    """Yield a sentence for the settings of each tower that are of another head than it has."""
    for name in config.pair:
        tower = config.towers.of(name)
        if tower.head != "cnn":
            continue
        usual = modality(name).tower
        keys = [
            key
            for key in ("layers", "hidden")
            if getattr(tower, key) != usual.get(key, Tower.model_fields[key].default)
        ]
        if keys:
            named = some([f"towers.{name}.{key}" for key in keys], 2)
            verb = "is" if len(keys) == 1 else "are"
            yield f"{named} {verb} set but not used: the layers of a cnn are its blocks and widths."
