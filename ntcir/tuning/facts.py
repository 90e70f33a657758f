"""What a tuning is begun with, all of which must be the same when it goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ntcir.config import Config, parse_config
from ntcir.config.comparison import first_difference, without_places
from ntcir.config.former import as_begun
from ntcir.system.errors import UserError, shown
from ntcir.tuning.plan import TuningPlan

_BASE, _DATA, _NETWORKS = "base", "data", "networks"


def facts_of(plan: TuningPlan, data: str, networks: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return what a tuning is begun with, but for the number of its trials.

    Args:
        plan: resolved.
        data: a digest of the pairs that are trained on and measured by, and of their items.
        networks: what is tried -> fingerprints of networks, detector and files of vectors.
    """
    tuning = plan.tuning.model_dump(mode="json", include={"search", "seeds", "metric", "seed"})
    facts = {_BASE: plan.base.model_dump(mode="json"), **tuning, "stages": plan.stages}
    prints = json.dumps({what: list(each) for what, each in networks.items()}, sort_keys=True)
    facts |= {_DATA: data, _NETWORKS: hashlib.sha256(prints.encode()).hexdigest()}
    return dict(json.loads(json.dumps(facts)))


def stage_name(number: int, fixed: Mapping[str, Any]) -> str:
    """Return what a stage's trials are kept under: with other values of earlier keys, they would be others."""
    digest = hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()[:12]
    return f"stage {number} {digest}" if fixed else f"stage {number}"


def require_same(ours: Mapping[str, Any], theirs: Mapping[str, Any] | None, folder: Path) -> None:
    """Check that a tuning would go on as it was begun.

    Args:
        ours: what it would go on with.
        theirs: what it was begun with; None if it is new.
        folder: of the tuning.

    Raises:
        UserError: naming the first thing that is different.
    """
    if theirs is None:
        return
    one, other = ({**facts, _BASE: _lasting(facts.get(_BASE))} for facts in (ours, theirs))
    if one == other:
        return
    key, asked, begun = first_difference(one, other)
    what = f"{key} was changed"
    if key in (_DATA, _NETWORKS):
        what = "the data, the networks' weights or the files of vectors are others than those it was begun with"
    elif not isinstance(asked, dict | list) and not isinstance(begun, dict | list):
        what += f" ({shown(begun)} to {shown(asked)})"
    raise UserError(
        f"Cannot continue the tuning in {folder}: {what}; choose another --out, or remove the folder to tune anew."
    )


def _lasting(tree: Any) -> Any:
    """Return a base without its name and without where things lie, its keys as they are called today."""
    try:
        config: Config = as_begun(parse_config(tree, "the base"), tree)
    except UserError:  # of a later version, or damaged: it differs
        return tree
    lasting = without_places(config, config.model_dump(mode="json"))
    return {key: value for key, value in lasting.items() if key not in ("name", "data")} | {
        "data": {key: value for key, value in lasting["data"].items() if key == "split"}
    }
