"""The rows of the tables of `benchmarks/track.py`: name -> what is changed in `configs/track.yaml`."""

from __future__ import annotations

from typing import Any

# `configs/track-single.yaml`: one pair of towers, before encodings of numbers, levels, ensembles and the hubness bias.
BEFORE = {
    "features.backbones": [{"arch": "squeezenet1_1", "grid": 2}],
    "sensors.numbers": ["raw"],
    "towers": {"image": {"standardise": False, "input_dropout": 0.5}},
    "training": {"iters": 500, "lr": 1e-4, "near_seconds": 0.25},
    "objectives": [{"kind": "info_nce", "temperature": 0.3}],
    "hubness.beta": 0.0,
}
PERIODIC = {"sensors.numbers": ["periodic"]}
UNBIASED = {"hubness.beta": 0.0}
ONE_HEAD = {"towers.members": 1, "towers.image.facets": "joined", "towers.sensor.facets": "joined"}
# What each ingredient brings: name -> what is changed in `configs/track.yaml`. Differences are from the first.
INGREDIENTS: dict[str, dict[str, Any]] = {
    "configs/track-single.yaml": BEFORE,
    "+ periodic readings": BEFORE | PERIODIC,
    "+ hubness bias": BEFORE | {"hubness.beta": 0.7},
    "+ periodic readings, hubness bias": BEFORE | PERIODIC | {"hubness.beta": 0.7},
    "three levels in one small head": ONE_HEAD | UNBIASED,
    "three levels in one small head, hubness bias": ONE_HEAD,
    "three levels, 2 heads each": {"towers.members": 6} | UNBIASED,
    "three levels, 2 heads each, hubness bias": {"towers.members": 6},
    "three levels, 6 heads each": UNBIASED,
    "configs/track.yaml (three levels, 6 heads each, hubness bias)": {},
}
# The settings of training, in the configuration as it was before.
PLAIN = BEFORE | {
    "features.backbones": [{"arch": "squeezenet1_1"}],
    "towers": {"image": {"standardise": False}},
    "training": {"iters": 500, "lr": 1e-4, "near_seconds": 0.0, "mask_equal_readings": False},
    "objectives": [{"kind": "info_nce", "temperature": 0.5}],
}
SHARP = {"objectives": [{"kind": "info_nce", "temperature": 0.07}]}
MASKED = {"training": {"iters": 500, "lr": 1e-4, "near_seconds": 0.25}}
SETTINGS: dict[str, dict[str, Any]] = {
    "configs/track-single.yaml": BEFORE,
    "without dropout": BEFORE | {"towers": {"image": {"standardise": False}}},
    "one cell instead of 2 x 2": BEFORE | {"features.backbones": [{"arch": "squeezenet1_1"}]},
    "without near-in-time masking": BEFORE | {"training": PLAIN["training"]},
    "batches of one lap": BEFORE | {"training": {**MASKED["training"], "batches": "day"}},
    "temperature 0.07": BEFORE | SHARP,
    "plain (one cell, no dropout, no masking, temperature 0.5)": PLAIN,
    "plain, temperature 0.07": PLAIN | SHARP,
    "plain, temperature 0.07, masking": PLAIN | SHARP | MASKED,
    "plain, temperature 0.07, dropout 0.5": PLAIN | SHARP | {"towers": BEFORE["towers"]},
}
TABLES = {"ingredients": INGREDIENTS, "settings": SETTINGS}
