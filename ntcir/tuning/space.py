"""The values that a key may be given in a search: a range of numbers, or a list of anything."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from pydantic import BeforeValidator, Field, SerializeAsAny, ValidationError, model_validator

from ntcir.config import Section
from ntcir.config.complaints import complaint

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_DIGITS = 4  # significant ones of a number that is drawn; more would say nothing
Drawn = str | int | float  # as a study keeps a value


class Space(Section, ABC):
    """The values of one key."""

    @abstractmethod
    def distribution(self, *, whole: bool) -> BaseDistribution:
        """Return it as Optuna draws from it.

        Args:
            whole: whether the key is a whole number.
        """

    @abstractmethod
    def ends(self) -> list[Any]:
        """Return values that must be valid for the key if all are."""

    @abstractmethod
    def value(self, drawn: Drawn) -> Any:
        """Return the value of the key that was drawn."""

    @abstractmethod
    def drawn(self, value: Any) -> Drawn | None:
        """Return how a study keeps a value of the key; None for one that is not of the space."""

    @abstractmethod
    def all(self, *, whole: bool) -> list[Any] | None:
        """Return all values there are; None if they cannot be counted.

        Args:
            whole: whether the key is a whole number.
        """


class Range(Space):
    """Numbers from ``low`` to ``high``, both included; whole ones where the key is a whole number."""

    low: float
    high: float
    log: bool = False  # whether what is ten times as much is as far away as a tenth
    step: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _makes_sense(self) -> Range:
        if not self.low < self.high:
            raise ValueError(f"low must be less than high, and {self.low:g} is not less than {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"with log, low must be above 0, not {self.low:g}")
        if self.log and self.step is not None:
            raise ValueError("give log or step, not both")
        if self.step is not None:
            steps = (self.high - self.low) / self.step
            if not math.isclose(steps, round(steps), abs_tol=1e-9):
                raise ValueError(f"steps of {self.step:g} do not lead from {self.low:g} to {self.high:g}")
        return self

    def distribution(self, *, whole: bool) -> BaseDistribution:
        """Return a distribution of whole numbers, or of others."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if whole:
            return IntDistribution(int(self.low), int(self.high), log=self.log, step=int(self.step or 1))
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def ends(self) -> list[Any]:
        """Return the lowest and the highest number."""
        return [self.low, self.high]

    @property
    def is_whole(self) -> bool:
        """Whether its ends and steps are whole numbers."""
        return all(number is None or number.is_integer() for number in (self.low, self.high, self.step))

    def value(self, drawn: Drawn) -> Any:
        """Return a number to a few digits, of which more would say nothing."""
        if isinstance(drawn, int):
            return drawn
        return min(max(float(f"{float(drawn):.{_DIGITS}g}"), self.low), self.high)

    def all(self, *, whole: bool) -> list[Any] | None:
        """Return the numbers of a range with steps, or of whole numbers."""
        step = self.step or (1.0 if whole else None)
        if step is None:
            return None
        numbers = [self.low + place * step for place in range(round((self.high - self.low) / step) + 1)]
        return [self.value(int(number) if whole else number) for number in numbers]

    def drawn(self, value: Any) -> Drawn | None:
        """Return the number, where it is within the range."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not self.low <= value <= self.high:
            return None
        steps = 0.0 if self.step is None else (value - self.low) / self.step
        number: Drawn = value
        return number if math.isclose(steps, round(steps), abs_tol=1e-9) else None


class Choices(Space):
    """A few values of any kind."""

    values: list[Any] = Field(min_length=2)

    @model_validator(mode="after")
    def _differ(self) -> Choices:
        labels = [as_yaml(value) for value in self.values]
        again = next((label for at, label in enumerate(labels) if label in labels[:at]), None)
        if again is not None:
            raise ValueError(f"{again} is listed twice")
        return self

    def distribution(self, *, whole: bool) -> BaseDistribution:
        """Return a distribution of the values as they are written: not all of them are numbers."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution([as_yaml(value) for value in self.values])

    def ends(self) -> list[Any]:
        """Return all values."""
        return list(self.values)

    def value(self, drawn: Drawn) -> Any:
        """Return the value that is written so."""
        return next(value for value in self.values if as_yaml(value) == drawn)

    def drawn(self, value: Any) -> Drawn | None:
        """Return how a value is written, where it is one of them."""
        label = as_yaml(value)
        return label if label in map(as_yaml, self.values) else None

    def all(self, *, whole: bool) -> list[Any]:
        """Return the values."""
        return list(self.values)


def as_yaml(value: Any) -> str:
    """Return a value as YAML writes it, on one line."""
    plain = json.loads(json.dumps(value, default=str))
    return yaml.safe_dump(plain, default_flow_style=True, width=10**6, sort_keys=False).removesuffix("...\n").strip()


def _space(value: Any) -> Any:
    """Return the space that a list, or keys and values, describe."""
    if isinstance(value, Space):
        return value
    if not isinstance(value, list | dict):
        raise ValueError("give a list of values, or low and high")
    try:
        return Choices(values=value) if isinstance(value, list) else Range.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        if isinstance(value, list):
            raise ValueError(
                "list two values at least" if first["type"] == "too_short" else complaint(first)
            ) from error
        known = ", ".join(Range.model_fields)
        why = f"it is not a key here; there are {known}" if first["type"] == "extra_forbidden" else complaint(first)
        raise ValueError(f"{key}: {why}" if key else why) from error


AnySpace = Annotated[SerializeAsAny[Space], BeforeValidator(_space)]
