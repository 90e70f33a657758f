"""A small input in the organisers' form, made of noise: enough to see that a submission runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ntcir.encoders.readings import ReadingsEncoder
from ntcir.submission.pair import MODALS
from ntcir.submission.pixels import pixel_text
from ntcir.submission.write import record_text
from ntcir.system.files import atomic_path

CANDIDATES = 5  # a topic; there is one topic a direction
_BLOCKS, _BLOCK = (3, 6, 8), 12  # pictures of 96 x 72 pixels: blocks of one colour
_MISSING = 0.1  # of the readings


def write_example(path: Path, readings: ReadingsEncoder, seed: int = 0) -> None:
    """Write an input file: one topic a direction, the queries repeated in each record, as the organisers have it.

    Args:
        path: made with its folder.
        readings: a model's; its statistics say what readings look like.
        seed: of the noise.
    """
    draw = np.random.default_rng(seed)
    records = []
    for direction in MODALS:
        picture, reading = _picture(draw), _reading(draw, readings)  # the query is one of the two
        for number in draw.permutation(np.arange(1, 500))[:CANDIDATES]:
            if direction == "img2sen":
                reading = _reading(draw, readings)
            else:
                picture = _picture(draw)
            records.append(record_text(f"{direction}_001", f"{number:05d}", direction, picture, reading))
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"[" + b",\n".join(records) + b"]\n")


def _picture(draw: np.random.Generator) -> bytes:
    blocks = draw.integers(0, 256, _BLOCKS, dtype=np.uint8)
    return pixel_text(blocks.repeat(_BLOCK, axis=1).repeat(_BLOCK, axis=2))


def _reading(draw: np.random.Generator, readings: ReadingsEncoder) -> dict[str, Any]:
    """Return readings as the training split had them: numbers about their means, categories as often as there."""
    columns, statistics = readings.columns, readings.statistics
    values: dict[str, Any] = {}
    for name, centre in zip(columns.location or (), statistics["origin"] or (), strict=True):
        values[name] = centre + 0.01 * draw.normal()
    for name, period in columns.cyclic.items():
        values[name] = period * draw.random()
    measured = zip(columns.numeric, statistics["mean"], statistics["deviation"], strict=False)
    values |= {name: mean + deviation * draw.normal() for name, mean, deviation in measured}
    for name in columns.categorical:
        shares = statistics["shares"][name]
        odds = np.array(list(shares.values()), dtype=float)
        values[name] = str(draw.choice(list(shares), p=odds / odds.sum())) if shares else None
    named = [name for name in readings.names if name != "local_hour"]  # the organisers give no time of day
    return {name: None if draw.random() < _MISSING else values[name] for name in named}
