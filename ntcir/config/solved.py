"""Objectives that are solved in closed form: the model is computed at once, and nothing is trained."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Literal

from ntcir.config.objective import BaseObjective, objective_class
from ntcir.config.registry import OBJECTIVES
from ntcir.modalities import modality

if TYPE_CHECKING:
    from ntcir.config.experiment import Config
    from ntcir.objectives.linear_maps import LinearMaps, Problem


class Solved(BaseObjective):
    """A linear map of each side into the shared space, solved from second moments of the training pairs.

    The rows that a tower's stem gives are centred, and only their direction counts where ``unit`` is true; what is
    solved becomes the one linear layer of each tower.

    Attributes:
        pairs: what is paired: ``means``, of each instance the mean of its left and of its right items, such as a
            picture and the mean of its captions; or ``all`` pairs, a picture with each of its captions.
        unit: whether rows are brought to unit length once they are centred.
    """

    pairs: Literal["means", "all"] = "means"
    unit: bool = True

    @property
    def judged(self) -> bool:
        """Whether something is chosen by the validation split, so that there must be one."""
        return False

    @abstractmethod
    def solve(self, problem: Problem) -> LinearMaps:
        """Return the maps.

        Raises:
            UserError: if there are none.
        """


def is_solved(objectives: Any) -> bool:
    """Return whether objectives, as keys and values that are yet to be checked, hold one that is solved."""
    if not isinstance(objectives, list):
        return False
    kinds = [each.get("kind") if isinstance(each, dict) else getattr(each, "kind", None) for each in objectives]
    return any(
        isinstance(kind, str) and kind in OBJECTIVES and issubclass(objective_class(kind), Solved) for kind in kinds
    )


def forget_defaults(tree: dict[str, Any]) -> None:
    """Take from a configuration's tree what has another default where a model is solved than where it is trained.

    That is for a tree whose objectives have just become of the other sort: ``training.iters``, and ``layers`` of the
    towers. A number of layers that is a default of neither sort was chosen by somebody, and stays.
    """
    del tree["training"]["iters"]
    for name, tower in tree["towers"].items():
        if isinstance(tower, dict) and tower["layers"] in {1, modality(name).tower.get("layers", 1)}:
            del tower["layers"]


def complaint(config: Config, solved: Solved) -> str | None:
    """Return what a model that is solved cannot have, and what to do; None where there is nothing of the kind."""
    kind = solved.kind
    if len(config.objectives) > 1:
        return f"{kind} is solved, not trained, and stands alone: leave the other objectives out"
    if config.training.iters:
        return f"{kind} is solved, not trained, so it has no steps: leave training.iters (--iters) out"
    for name in config.pair:
        tower = config.towers.of(name)
        if tower.head != "mlp":
            # Only a gmlp begins with a layer that may have been solved for.
            advice = "or choose an objective that is trained"
            if tower.head == "gmlp":
                advice = "and train a gmlp that begins from what is solved (training.start)"
            return (
                f"{kind} solves for the one linear layer of each tower, and towers.{name}.head = {tower.head}: set "
                f"towers.{name}.head=mlp, {advice}"
            )
        if tower.norm != "none":
            return (
                f"{kind} solves for the one linear layer of each tower, and towers.{name}.norm = {tower.norm} puts a "
                f"normalisation behind it: set towers.{name}.norm=none"
            )
    if config.towers.members > 1:
        return (
            f"{kind} solves for a single pair of towers, and towers.members = {config.towers.members}: set "
            "towers.members=1"
        )
    if config.towers.rectify == "always":
        return (
            f"{kind} solves for a linear map into the shared space, and towers.rectify = always puts a ReLU behind it: "
            "set towers.rectify=never"
        )
    layers = {f"towers.{name}.layers": config.towers.of(name).layers for name in config.pair}
    if others := {key: number for key, number in layers.items() if number != 1}:
        found = " and ".join(f"{key} = {number}" for key, number in others.items())
        return (
            f"{kind} solves for the one linear layer of each tower, and {found}: "
            f"set {' and '.join(f'{key}=1' for key in others)}"
        )
    for key, is_set in {
        "training.start": config.training.start is not None,
        "encoder.finetune": config.encoder.finetune,
    }.items():
        if is_set:
            return (
                f"{kind} is solved, not trained, and {key} is a part of training: turn it off, or solve first and "
                "train from that model (training.start)"
            )
    return None
