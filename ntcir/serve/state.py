"""What a person asks of the page, as the address of the page says it; nothing else of it is kept anywhere.

===============================  =======================================================================
``q=WORDS``                      words
``like=ID``                      an item of the corpus; repeatable
``picture=DIGEST``               a picture that was uploaded (``ntcir.serve.pictures.uploads``); repeatable
``r.COLUMN=VALUE``               a reading, a column each
``then.q``, ``then.like``, ...   the same, of what happens ``then.within=MINUTES`` ``then.order=after|before``
``right=ID``, ``wrong=ID``       what was marked; repeatable
``from=DATE``, ``to=DATE``       local days, both included
``hours=8-12``                   local hours from ... up to, also over midnight (``22-4``), also ``8.5-12``
``weekday=mon``                  repeatable
``label.COLUMN=VALUE``           a place, an activity or another column of words; repeatable
``min.COLUMN``, ``max.COLUMN``   the range of a column of numbers
``box=S,W,N,E``                  an area of the map, degrees; W may be greater than E, over the date line
``sharp=1``, ``bright=1``        without blurred, without dark photographs
``floor=SCORE``                  only what scores at least so much
``group=event``                  one hit an event
===============================  =======================================================================
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import urlencode

from ntcir.serve import typed
from ntcir.system.errors import UserError, short

WITHIN = 120.0  # minutes between what is asked and what happens then
_THEN = "then."
_MOST_MARKS = 200  # of each kind: an address has an end

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Ask:
    """One thing that is asked for: the sum of its parts.

    Attributes:
        words: empty if none.
        like: ids of items of the corpus.
        pictures: digests of uploaded pictures.
        reading: columns and their values as typed.
    """

    words: str = ""
    like: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    reading: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words or self.like or self.pictures or self.reading)


@dataclass(frozen=True)
class Then:
    """What happens some time after, or before, what is asked for.

    Attributes:
        ask: what.
        minutes: at most so many between the two.
        order: whether it happens after what is found, or before it.
    """

    ask: Ask = Ask()
    minutes: float = WITHIN
    order: typed.Order = "after"

    def __bool__(self) -> bool:
        return bool(self.ask)


@dataclass(frozen=True)
class Narrow:
    """Which items can be found at all.

    Attributes:
        first: local day, or None.
        last: local day, or None; included.
        hours: local hours of the day, from and up to; over midnight where the first is greater.
        weekdays: 0 is Monday; any if empty.
        labels: columns of words and the values that will do.
        ranges: columns of numbers, least and most; either may be infinite.
        area: of the map.
        sharp: without blurred photographs.
        bright: without dark photographs.
    """

    first: date | None = None
    last: date | None = None
    hours: tuple[float, float] | None = None
    weekdays: frozenset[int] = frozenset()
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    ranges: tuple[tuple[str, float, float], ...] = ()
    area: typed.Area | None = None
    sharp: bool = False
    bright: bool = False

    def __bool__(self) -> bool:
        return self != Narrow()


@dataclass(frozen=True)
class State:
    """Everything that an address says.

    Attributes:
        ask: what is looked for; where nothing is, all that passes is shown in order of time.
        then: what happens before or after.
        right: ids of items towards which the query moves.
        wrong: ids of items from which it moves away.
        narrow: which items can be found.
        floor: the least score, or None.
        grouped: whether one hit an event is shown.
    """

    ask: Ask = Ask()
    then: Then = Then()
    right: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    narrow: Narrow = field(default_factory=Narrow)
    floor: float | None = None
    grouped: bool = False

    @property
    def ranked(self) -> bool:
        """Whether anything is asked, so that items have scores."""
        return bool(self.ask or self.then or self.right)

    @classmethod
    def of(cls, pairs: Pairs) -> State:
        """Read an address: decoded keys and values in their order; keys of other things are left alone.

        Raises:
            UserError: if a value is not valid.
        """
        given: dict[str, list[str]] = {}
        for key, value in pairs:
            if value.strip():
                given.setdefault(key, []).append(value)
        one = typed.Single(given)
        usual: typed.Order = "after"
        return cls(
            ask=_ask(given, ""),
            then=Then(
                _ask(given, _THEN), one("then.within", typed.minutes, WITHIN), one("then.order", typed.order, usual)
            ),
            right=_few(given, "right"),
            wrong=_few(given, "wrong"),
            narrow=_narrow(given, one),
            floor=one("floor", typed.number, None),
            grouped=one("group", typed.group, "none") == "event",
        )

    def pairs(self) -> list[tuple[str, str]]:
        """Return the address as keys and values: what ``of`` reads as this state."""
        found = _ask_pairs(self.ask, "")
        if self.then:
            found += _ask_pairs(self.then.ask, _THEN)
            found += [("then.within", typed.spelled(self.then.minutes)), ("then.order", self.then.order)]
        found += [("right", item) for item in self.right] + [("wrong", item) for item in self.wrong]
        found += _narrow_pairs(self.narrow)
        found += [("floor", typed.spelled(self.floor))] if self.floor is not None else []
        return found + ([("group", "event")] if self.grouped else [])

    def address(self) -> str:
        """Return the address as a query string, without the question mark."""
        return urlencode(self.pairs())


def _ask(given: Mapping[str, list[str]], prefix: str) -> Ask:
    column = f"{prefix}r."
    return Ask(
        words=" ".join(given.get(f"{prefix}q", [""])[-1].split()),
        like=tuple(dict.fromkeys(given.get(f"{prefix}like", []))),
        pictures=tuple(dict.fromkeys(given.get(f"{prefix}picture", []))),
        reading=tuple(
            (key.removeprefix(column), values[-1].strip()) for key, values in given.items() if key.startswith(column)
        ),
    )


def _narrow(given: Mapping[str, list[str]], one: typed.Single) -> Narrow:
    labels = {key.removeprefix("label."): values for key, values in given.items() if key.startswith("label.")}
    ranges = dict.fromkeys(key[4:] for key in given if key.startswith(("min.", "max.")))
    low = {column: one(f"min.{column}", typed.number, -math.inf) for column in ranges}
    high = {column: one(f"max.{column}", typed.number, math.inf) for column in ranges}
    for column in ranges:
        if low[column] > high[column]:
            raise UserError(
                f"The range of {short(column)} is empty: its minimum, {low[column]:g}, is above its maximum, "
                f"{high[column]:g}."
            )
    first, last = one("from", typed.day, None), one("to", typed.day, None)
    if first and last and first > last:
        raise UserError(f"There is no day from {first} to {last}: the first is after the last.")
    weekdays = {typed.weekday(value.strip().lower()) for value in given.get("weekday", [])}
    return Narrow(
        first=first,
        last=last,
        hours=one("hours", typed.hours, None),
        weekdays=frozenset(weekdays) if len(weekdays) < len(typed.WEEKDAYS) else frozenset(),
        labels=tuple((column, tuple(dict.fromkeys(values))) for column, values in labels.items()),
        ranges=tuple((column, low[column], high[column]) for column in ranges),
        area=one("box", typed.area, None),
        sharp=one("sharp", typed.flag, False),
        bright=one("bright", typed.flag, False),
    )


def _few(given: Mapping[str, list[str]], key: str) -> tuple[str, ...]:
    items = tuple(dict.fromkeys(given.get(key, [])))
    if len(items) > _MOST_MARKS:
        raise UserError(f"At most {_MOST_MARKS} items can be marked {key}, and {len(items)} are: take some back.")
    return items


def _ask_pairs(ask: Ask, prefix: str) -> list[tuple[str, str]]:
    found = [(f"{prefix}q", ask.words)] if ask.words else []
    found += [(f"{prefix}like", item) for item in ask.like]
    found += [(f"{prefix}picture", digest) for digest in ask.pictures]
    return found + [(f"{prefix}r.{column}", value) for column, value in ask.reading]


def _narrow_pairs(narrow: Narrow) -> list[tuple[str, str]]:
    found = [(key, day.isoformat()) for key, day in (("from", narrow.first), ("to", narrow.last)) if day]
    found += [("hours", "-".join(map(typed.spelled, narrow.hours)))] if narrow.hours else []
    found += [("weekday", typed.WEEKDAYS[day]) for day in sorted(narrow.weekdays)]
    found += [(f"label.{column}", value) for column, values in narrow.labels for value in values]
    for column, low, high in narrow.ranges:
        found += [
            (f"{key}.{column}", typed.spelled(end)) for key, end in (("min", low), ("max", high)) if math.isfinite(end)
        ]
    if narrow.area:
        area = narrow.area
        found.append(("box", ",".join(map(typed.spelled, (area.south, area.west, area.north, area.east)))))
    flags: Iterable[tuple[str, bool]] = (("sharp", narrow.sharp), ("bright", narrow.bright))
    return found + [(key, "1") for key, on in flags if on]
