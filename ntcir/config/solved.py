"""What an objective that is solved is to the configuration: a model is computed at once, and nothing is trained."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Literal

from ntcir.config.objective import AnObjective, objective_class
from ntcir.config.registry import OBJECTIVES
from ntcir.modalities import modality

if TYPE_CHECKING:
    from ntcir.config.experiment import Config
    from ntcir.objectives.linear_maps import LinearMaps, Problem


class Solved(AnObjective):
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


def switched(tree: dict[str, Any]) -> None:
    """Take from a configuration's tree what was so by default because it was solved, or because it was trained."""
    del tree["training"]["iters"]
    for name in tree["pair"]:
        usual = modality(name).tower.get("layers", 1)
        if tree["towers"][name]["layers"] in {1, usual}:
            del tree["towers"][name]["layers"]


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
            return (
                f"{kind} solves for the one linear layer of each tower, and towers.{name}.head = {tower.head}: set "
                f"towers.{name}.head=mlp, and train a {tower.head} that begins from what is solved (training.start)"
            )
        if tower.layers != 1:
            return (
                f"{kind} solves for the one linear layer of each tower, and towers.{name}.layers = {tower.layers}: "
                f"set towers.{name}.layers=1"
            )
    idle = {
        "training.start": config.training.start is not None,
        "encoder.finetune": config.encoder.finetune,
        "augment.views": config.augment.views > 0,
        "positives.objects": config.positives.objects,
        "negatives.objects": config.negatives.objects,
        "negatives.model": config.negatives.model,
    }
    for key, is_set in idle.items():
        if is_set:
            return f"{kind} is solved, not trained, which {key} is for: turn it off, or train from what is solved"
    return None
