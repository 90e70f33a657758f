"""The methods that are compared: solved, trained, and trained from what was solved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from model_fits import Method

from ntcir.config import Config

PROCRUSTES, LEAST_SQUARES, CCA = "procrustes", "least squares", "CCA"
_SOLVED = {
    PROCRUSTES: {"kind": "procrustes"},
    LEAST_SQUARES: {"kind": "least_squares"},
    CCA: {"kind": "cca"},
}


def solved(dims: Mapping[str, int], **changes: Any) -> list[Method]:
    """Return the methods that are solved, each in a space of so many dimensions."""
    return [
        Method(
            name,
            {"objectives": [objective], "training.iters": 0, "augment.views": 0, "towers.dim": dims[name], **changes},
        )
        for name, objective in _SOLVED.items()
    ]


def gated(pair: Sequence[str]) -> dict[str, Any]:
    """Return what makes both towers gated blocks behind a linear layer."""
    own = {"head": "gmlp", "layers": 1, "hidden": 256, "dropout": 0.5}
    return {f"towers.{name}.{key}": value for name in pair for key, value in own.items()}


# A training that begins from a map keeps a rate at which the map is not forgotten.
_GENTLY = {"training.lr": 3e-4}


def of_captions(config: Config) -> list[Method]:
    """Return the methods of a corpus with captions."""
    return [
        *solved({PROCRUSTES: 384, LEAST_SQUARES: 384, CCA: 128}),
        Method("InfoNCE"),
        Method("InfoNCE from procrustes", start=PROCRUSTES),
        Method("InfoNCE from CCA", _GENTLY, start=CCA),
        Method("gMLP", gated(config.pair)),
        Method("gMLP from CCA", _GENTLY | {"training.iters": 100} | gated(config.pair), start=CCA),
        Method("CCA and InfoNCE, averaged", average=(CCA, "InfoNCE")),
    ]


def of_curve(config: Config) -> list[Method]:
    """Return the methods of the curve over numbers of training pictures."""
    return [
        *solved({PROCRUSTES: 384, LEAST_SQUARES: 384, CCA: 128}),
        Method("InfoNCE"),
        Method("InfoNCE from CCA", _GENTLY, start=CCA),
        Method("CCA and InfoNCE, averaged", average=(CCA, "InfoNCE")),
    ]


def choices_of_captions(config: Config) -> list[Method]:
    """Return what is chosen from by cross-validation: settings of maps, rates and lengths of trainings from these."""
    picture = config.pair[0]
    as_they_are = {f"towers.{picture}.power": 1.0}
    procrustes, least_squares, cca = solved({PROCRUSTES: 384, LEAST_SQUARES: 384, CCA: 128})
    settings: dict[str, dict[str, Any]] = {
        "all correlations alike": {"objectives.0.power": 0},
        "weighted by correlations": {"objectives.0.power": 1},
        "means of captions": {"objectives.0.pairs": "means"},
        "64 dimensions": {"towers.dim": 64},
        "384 dimensions": {"towers.dim": 384},
        "r = 0.1": {"objectives.0.regularisation": 0.1},
        "r = 1": {"objectives.0.regularisation": 1},
        "r = 10": {"objectives.0.regularisation": 10},
        "r = 10 and 3": {"objectives.0.regularisation": [10, 3]},
        "features as they are": as_they_are,
    }
    one_way = {
        f"{name} mapped": {"objectives.0.maps": side} for name, side in zip(config.pair, ("left", "right"), strict=True)
    }
    found = [
        *varied(procrustes, {"128 dimensions": {"towers.dim": 128}, "features as they are": as_they_are}),
        *varied(least_squares, one_way),
        *varied(cca, settings),
        Method("InfoNCE"),
    ]
    for start in (PROCRUSTES, CCA):
        for rate, steps in ((3e-4, 50), (3e-4, 250), (1e-3, 250)):
            changes = {"training.lr": rate, "training.iters": steps}
            found.append(Method(f"InfoNCE from {start}, lr {rate:g}, {steps} steps", changes, start=start))
        for steps in (50, 100):
            changes = {"training.lr": 3e-4, "training.iters": steps} | gated(config.pair)
            found.append(Method(f"gMLP from {start}, lr 0.0003, {steps} steps", changes, start=start))
    return found


def varied(method: Method, settings: Mapping[str, Mapping[str, Any]]) -> list[Method]:
    """Return a method that is solved, and the same with other settings, one at a time."""
    others = [Method(f"{method.name}, {name}", _with(method.changes, changes)) for name, changes in settings.items()]
    return [method, *others]


def _with(changes: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Return changes with others on top, of which some are keys of the objective."""
    [objective] = changes["objectives"]
    own = {key.removeprefix("objectives.0."): value for key, value in others.items() if key.startswith("objectives.0.")}
    rest = {key: value for key, value in others.items() if not key.startswith("objectives.0.")}
    return {**changes, **rest, "objectives": [{**objective, **own}]}


def of_vectors(config: Config) -> list[Method]:
    """Return the methods of the Wikipedia collection, whose texts have 10 columns that sum to 1."""
    published = {"kind": CCA.lower(), "regularisation": 1e-4, "power": 0, "unit": False}
    classical = {"objectives": [published], "training.iters": 0, "towers.dim": 7, "data.split.val": []}
    plain = {f"towers.{name}.standardise": False for name in config.pair}
    return [
        Method("CCA as published, k = 7", classical | plain),
        *solved({PROCRUSTES: 9, LEAST_SQUARES: 9, CCA: 9}),
        Method("InfoNCE"),
        Method("InfoNCE from procrustes", start=PROCRUSTES),
        Method("InfoNCE from CCA", start=CCA),
        Method("gMLP", gated(config.pair)),
        Method("gMLP from CCA", gated(config.pair), start=CCA),
    ]


def of_readings(config: Config) -> list[Method]:
    """Return the methods of a records corpus; a training that begins from a map has one layer in each tower, too."""
    linear = {f"towers.{name}.layers": 1 for name in config.pair}
    cells = {f"towers.{config.pair[0]}.{key}": value for key, value in {"head": "gmlp", "hidden": 128}.items()}
    return [
        *solved({PROCRUSTES: 14, LEAST_SQUARES: 14, CCA: 14}),
        Method("InfoNCE"),
        Method("InfoNCE from procrustes", linear, start=PROCRUSTES),
        Method("InfoNCE from CCA", linear, start=CCA),
        Method("gMLP over cells", cells | {"towers.dim": 128}),
    ]
