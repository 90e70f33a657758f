"""What an objective is to the configuration; the objectives themselves are in ``ntcir.objectives``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, SerializeAsAny, ValidationError
from pydantic_core import PydanticCustomError

from ntcir.config.registry import OBJECTIVES
from ntcir.config.section import Section
from ntcir.system.errors import did_you_mean, shown
from ntcir.system.lazy import load

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

    from ntcir.objectives.batch import Batch


class BaseObjective(Section, ABC):
    """What makes a model: something that training makes small, or that is solved at once; with settings of its own.

    An objective is a module of ``ntcir.objectives`` and a line in ``ntcir.config.registry``.

    Attributes:
        needs: what it needs of a corpus besides pairs: ``categories``, ``instances``.
        kind: by which it is named.
    """

    needs: ClassVar[frozenset[str]] = frozenset()

    kind: str


class Objective(BaseObjective):
    """What training makes small: a function of a batch.

    Attributes:
        label: what its loss is called in a chart, with the unit if it has one; its kind if None.
        carried: whether a training that begins from another model (``training.start``) goes on with what this objective
            has learnt there, where it has the same shape and, where ``needs`` names instances, numbers the same ones.
        contrasts: whether it learns from negatives, and nothing of an item without one.
        weight: what it is multiplied by in the sum of all.
    """

    label: ClassVar[str | None] = None
    carried: ClassVar[bool] = False
    contrasts: ClassVar[bool] = True

    weight: float = Field(1.0, gt=0)

    def learnt(self, dim: int, instances: int) -> nn.Module:
        """Return the parameters that the objective itself has, such as a temperature; without any by default.

        Args:
            dim: of the shared space.
            instances: classes that ``Batch.instances`` counts from 0.
        """
        from torch import nn

        return nn.Module()

    @abstractmethod
    def __call__(self, batch: Batch, learnt: nn.Module) -> torch.Tensor:
        """Return the loss of a batch, a scalar with gradient.

        Args:
            batch: embeddings, and who is a positive of whom.
            learnt: what ``learnt`` returned, trained so far.
        """

    def remedies(self) -> Mapping[str, str]:
        """Return settings that help where the loss is not finite: key -> what to do, such as ``raise``."""
        return {}

    def remedies_at_zero(self) -> Mapping[str, str]:
        """Return settings that help where the loss stays at 0: key -> what to do; by default the same ones."""
        return self.remedies()

    def remarks(self, iters: int, *, alone: bool) -> Iterator[str]:
        """Yield what is wrong with the settings without being an error: each as ``KEY = VALUE ...``, without a stop.

        Args:
            iters: steps of the training.
            alone: whether it is the only objective.
        """
        yield from ()

    def of_instances(self, count: int, dim: int, moments: int) -> Iterator[str]:
        """Yield sentences about a training on so many instances, before anything is allocated; by default none.

        Args:
            count: of the training split.
            dim: of the shared space; where there are several members, of all together.
            moments: numbers that the optimizer keeps for each that is learnt.

        Raises:
            UserError: if it cannot be trained on so few, or lacks a package.
        """
        yield from ()

    def prepare(self, learnt: nn.Module, rows: Callable[[], np.ndarray], seed: int) -> None:
        """Fill the buffers of ``learnt`` that depend on the training items; by default there are none.

        It is called once, before the first step of a training; one that is resumed, and a model that is loaded, have
        the buffers as they were saved. Of several processes the first calls it, and the others get its buffers.

        Args:
            learnt: what ``learnt`` returned.
            rows: returns the mean row of each training instance, as the stem of a tower makes it: float32
                [instances, width].
            seed: of what it draws.
        """


def objective_class(kind: str) -> type[BaseObjective]:
    """Return the class of an objective.

    Raises:
        KeyError: if there is none of that kind.
    """
    found: type[BaseObjective] = load(OBJECTIVES[kind])
    return found


def _objective(value: Any) -> Any:
    """Return the objective that keys and values describe."""
    if isinstance(value, BaseObjective):
        return value
    if not isinstance(value, dict) or "kind" not in value:
        why = f"give keys and values, with a kind; there are: {', '.join(OBJECTIVES)}"
        raise PydanticCustomError("objective", "{why}", {"why": why})
    kind = value["kind"]
    if not isinstance(kind, str) or kind not in OBJECTIVES:
        hint = did_you_mean(str(kind).lower(), OBJECTIVES) or f"; there are: {', '.join(OBJECTIVES)}"
        raise PydanticCustomError("objective", "{why}", {"why": f"there is no objective {shown(kind)}{hint}"})
    found = objective_class(kind)
    try:
        return found.model_validate(value)
    except ValidationError as error:
        # Raised as it is, it would lose the key within the objective.
        first = error.errors()[0]
        key, why = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            why = f"unknown key{did_you_mean(key, found.model_fields)}; known here: {', '.join(found.model_fields)}"
        told = {"why": f"{why[0].lower()}{why[1:]}"} | ({"key": key, "value": first["input"]} if key else {})
        raise PydanticCustomError("objective", "{why}", told) from error


AnyObjective = Annotated[SerializeAsAny[BaseObjective], BeforeValidator(_objective)]
