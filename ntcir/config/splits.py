"""The ways to split a corpus into training, validation and test."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ntcir.config.section import Section

DateRange = tuple[dt.date, dt.date]


class DateSplit(Section):
    """Split by the day of the photograph, first and last day included (default: the YMX2L poster's)."""

    by: Literal["date"] = "date"
    train: DateRange = (dt.date(2020, 1, 1), dt.date(2020, 2, 29))
    val: DateRange = (dt.date(2020, 3, 1), dt.date(2020, 3, 16))
    test: DateRange = (dt.date(2020, 3, 17), dt.date(2020, 3, 31))

    @model_validator(mode="after")
    def _apart(self) -> DateSplit:
        ranges = sorted([self.train, self.val, self.test])
        if any(first > last for first, last in ranges):
            raise ValueError("each range of days runs from its first day to its last")
        if any(early[1] >= late[0] for early, late in pairwise(ranges)):
            raise ValueError("the ranges of days of train, val and test must not overlap")
        return self


class SessionSplit(Section):
    """Split by session; where none are named, the last sessions in time are test and val (at least one of each)."""

    by: Literal["session"] = "session"
    train: list[str] | None = None
    val: list[str] | None = None
    test: list[str] | None = None

    @model_validator(mode="after")
    def _apart(self) -> SessionSplit:
        named = [*(self.train or []), *(self.val or []), *(self.test or [])]
        if len(named) != len(set(named)):
            raise ValueError("a session may be in one split only")
        return self


class FractionSplit(Section):
    """Split all pairs, in order of time and in one piece each, so that near-duplicates stay together."""

    by: Literal["fraction"] = "fraction"
    train: float = Field(0.7, gt=0, lt=1)
    val: float = Field(0.15, ge=0, lt=1)
    test: float = Field(0.15, ge=0, lt=1)

    @model_validator(mode="after")
    def _sum(self) -> FractionSplit:
        if self.train + self.val + self.test > 1 + 1e-9:
            raise ValueError("the fractions of train, val and test must not sum to more than 1")
        return self


class OfficialSplit(Section):
    """Split as a corpus's own files say: collections of captioned pictures are published with a split.

    ``train``, ``val`` and ``test`` name parts as the files do (``train``, ``restval``, ``val``, ``dev``, ``test``).
    Those that are not named are the parts of the usual names; without a test part, that of validation is asked about,
    and without one left for validation, some of the training pictures are held out, drawn by ``seed``.
    """

    by: Literal["official"] = "official"
    train: list[str] | None = None
    val: list[str] | None = None
    test: list[str] | None = None
    held_out: float = Field(0.1, gt=0, lt=1)  # of the training pictures, where they are needed for validation
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _apart(self) -> OfficialSplit:
        named = [*(self.train or []), *(self.val or []), *(self.test or [])]
        if len(named) != len(set(named)):
            raise ValueError("a part may be in one split only")
        return self


class AutoSplit(Section):
    """The corpus's own split, where it is published with one.

    Else by the poster's dates where there are such days; else by session, of which three are needed; else by fraction.
    """

    by: Literal["auto"] = "auto"


Split = Annotated[AutoSplit | DateSplit | SessionSplit | FractionSplit | OfficialSplit, Field(discriminator="by")]
