"""A person's plausible day: what they do from midnight to midnight, where, and how they get there."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from ntcir_demo.activities import ACTIVITIES
from ntcir_demo.places import PARK_PATH, PLACES, Place, Route, route_between

HOME_ZONE = ZoneInfo("Europe/Dublin")
HOLIDAYS = frozenset({dt.date(2020, 1, 1), dt.date(2020, 3, 17)})
TRIP = (dt.date(2020, 2, 15), dt.date(2020, 2, 16))  # a weekend in Copenhagen, an hour ahead
MINUTES = 1440


@dataclass(frozen=True)
class Segment:
    """A stretch of the day with one activity.

    ``start`` and ``end`` are minutes since midnight on the home clock. On the way, ``route`` is followed from ``begin``
    to ``finish`` (metres); otherwise ``place`` is where it happens.
    """

    start: int
    end: int
    activity: str
    place: Place
    route: Route | None = None
    begin: float = 0.0
    finish: float = 0.0


def home_offset(date: dt.date) -> int:
    """Return by how many minutes the home clock is ahead of UTC at noon of a day."""
    offset = dt.datetime.combine(date, dt.time(12), tzinfo=HOME_ZONE).utcoffset()
    return int(offset.total_seconds() // 60) if offset else 0


def plan_day(date: dt.date, rng: np.random.Generator, rain: bool = False, away: bool = False) -> list[Segment]:
    """Return the segments of a day, without gaps, from midnight on the home clock to two hours after the next one.

    Args:
        date: the day; weekends and holidays are spent otherwise than working days.
        rng: decides on everything.
        rain: whether it rains on the way to work (then nobody cycles or walks far).
        away: whether the person is abroad on that day.
    """
    if away:
        day = _Planner(rng, "home" if date == TRIP[0] else "hotel")
        (_fly_out if date == TRIP[0] else _fly_home)(day)
    else:
        day = _Planner(rng, "home")
        (_free_day if date.weekday() >= 5 or date in HOLIDAYS else _working_day)(day, rain, date.weekday() == 5)
    return day.asleep()


class _Planner:
    """Writes a day from morning to night: `stay` somewhere, `go` somewhere else."""

    def __init__(self, rng: np.random.Generator, at: str) -> None:
        self.rng, self.at, self.clock = rng, at, 0
        self.segments: list[Segment] = []

    def near(self, minutes: float, spread: float) -> int:
        """Return about so many minutes."""
        return max(2, round(float(self.rng.normal(minutes, spread))))

    def maybe(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def one_of(self, *options: str) -> str:
        return options[int(self.rng.integers(len(options)))]

    def stay(self, activity: str, minutes: int) -> None:
        """Do something here for some minutes."""
        if minutes > 0:
            self.segments.append(Segment(self.clock, self.clock + minutes, activity, PLACES[self.at]))
            self.clock += minutes

    def until(self, activity: str, hour: float, spread: float = 10) -> None:
        """Do something here until about some hour."""
        self.stay(activity, self.near(hour * 60, spread) - self.clock)

    def go(self, to: str, mode: str) -> None:
        """Go somewhere: ``walk``, ``cycle``, ``drive`` or ``bus`` (with a walk to the stop and a wait)."""
        route, backwards = route_between(self.at, to)
        if mode == "bus" and route.length > 900:
            self._way(route, backwards, "walk", 0, 260)
            self._way(route, backwards, "wait", 260, 260, self.near(5, 1.5))
            self._way(route, backwards, "bus", 260, route.length - 240)
            self._way(route, backwards, "walk", route.length - 240, route.length)
        else:
            self._way(route, backwards, "walk" if mode == "bus" else mode, 0, route.length)
        self.at = to

    def out_and_back(self, to: str, far: float) -> None:
        """Take a turn around the block: some metres along a route, and back."""
        route, backwards = route_between(self.at, to)
        far = min(far, route.length)
        self._way(route, backwards, "walk", 0, far)
        self._way(route, not backwards, "walk", route.length - far, route.length)

    def stroll(self, far: float) -> None:
        """Walk through the park and back."""
        far = min(far, PARK_PATH.length)
        self._way(PARK_PATH, False, "park", 0, far)
        self._way(PARK_PATH, True, "park", PARK_PATH.length - far, PARK_PATH.length)

    def _way(
        self, route: Route, backwards: bool, mode: str, begin: float, finish: float, minutes: int | None = None
    ) -> None:
        if minutes is None:
            speed = ACTIVITIES[mode].speed * float(self.rng.uniform(0.9, 1.1))
            minutes = max(1, round((finish - begin) / speed / 60))
        ends = (route.length - begin, route.length - finish) if backwards else (begin, finish)
        place = route.end if (finish > route.length / 2) != backwards else route.start
        self.segments.append(Segment(self.clock, self.clock + minutes, mode, place, route, *ends))
        self.clock += minutes

    def asleep(self) -> list[Segment]:
        """Sleep till after the next midnight, and return the day."""
        self.stay("sleep", MINUTES + 120 - self.clock)
        return self.segments


def _morning(day: _Planner, wake: float, spread: float) -> None:
    day.until("sleep", wake, spread)
    day.stay("rise", day.near(18, 3))
    day.stay("breakfast", day.near(25, 4))


def _night(day: _Planner, hour: float) -> None:
    day.until("evening", hour, 12)
    day.stay("rise", day.near(22, 4))


def _working_day(day: _Planner, rain: bool, _: bool) -> None:
    _morning(day, 6.75, 10)
    mode = day.one_of("bus", "drive") if rain else day.one_of("walk", "cycle", "bus", "bus", "drive")
    day.go("office", mode)
    day.until("desk", 10.4)
    day.stay("coffee", day.near(15, 3))
    if day.maybe(0.5):
        day.until("desk", 11.2)
        day.stay("meeting", day.near(48, 8))
    day.until("desk", 12.6)
    day.go("lunch", "walk")
    day.stay("lunch", day.near(36, 5))
    day.go("office", "walk")
    if day.maybe(0.65):
        day.until("desk", 14.1, 6)
        day.stay("meeting", day.near(45, 8))
    day.until("desk", 15.6)
    day.stay("coffee", day.near(14, 3))
    day.until("desk", 17.0, 15)
    evening = float(day.rng.random())
    if evening < 0.42:
        day.go("gym", mode)
        day.stay("treadmill", day.near(28, 5))
        day.stay("weights", day.near(22, 5))
        day.go("home", mode)
    elif evening < 0.56:
        day.go("restaurant", "walk" if mode == "walk" else mode)
        day.stay("restaurant", day.near(80, 12))
        day.go("home", "bus" if mode == "walk" else mode)
    else:
        day.go("home", mode)
        if day.maybe(0.5):
            day.go("shop", "walk")
            day.stay("shop", day.near(20, 4))
            day.go("home", "walk")
        elif day.maybe(0.5):
            day.go("cafe", "walk")
            day.stay("cafe", day.near(32, 6))
            day.go("home", "walk")
    if not 0.42 <= evening < 0.56:
        day.stay("cook", day.near(36, 6))
        day.stay("dinner", day.near(30, 5))
    if day.maybe(0.4) and day.clock < 21 * 60:
        day.out_and_back("shop", float(day.rng.uniform(350, 700)))
    elif day.maybe(0.18) and day.clock < 20 * 60:
        day.go("friend", "drive")
        day.stay("visit", day.near(80, 15))
        day.go("home", "drive")
    _night(day, 22.7)


def _free_day(day: _Planner, rain: bool, saturday: bool) -> None:
    _morning(day, 7.6, 14)
    outside = day.maybe(0.45 if rain else 0.9)
    if outside:
        mode = day.one_of("walk", "cycle", "walk")
        day.go("park", mode)
        day.stroll(float(day.rng.uniform(700, 1100)))
        day.go("home", mode)
    if not outside or day.maybe(0.75):
        day.go("cafe", "walk")
        day.stay("cafe", day.near(48, 8))
        day.go("home", "walk")
    day.until("evening", 13.0)
    day.stay("cook", day.near(28, 5))
    day.stay("dinner", day.near(28, 4))
    if day.maybe(0.5):
        day.go("gym", "drive" if rain else day.one_of("cycle", "drive"))
        day.stay("treadmill", day.near(32, 5))
        day.stay("weights", day.near(20, 4))
        day.go("home", "drive")
    if day.maybe(0.6):
        day.go("shop", day.one_of("walk", "drive"))
        day.stay("shop", day.near(28, 5))
        day.go("home", "walk")
    if day.maybe(0.4):
        day.go("friend", "drive")
        day.stay("visit", day.near(105, 15))
        day.go("home", "drive")
    if saturday and day.maybe(0.6):
        day.until("evening", 18.6)
        day.go("restaurant", "bus")
        day.stay("restaurant", day.near(95, 12))
        day.go("home", "bus")
    else:
        day.until("evening", 18.2)
        day.stay("cook", day.near(40, 6))
        day.stay("dinner", day.near(34, 5))
    _night(day, 22.9)


def _fly_out(day: _Planner) -> None:
    _morning(day, 5.7, 6)
    day.go("airport", "drive")
    day.stay("airport", day.near(75, 8))
    day.go("arrivals", "flight")
    day.stay("airport", day.near(30, 5))
    day.go("hotel", "bus")
    day.stay("hotel", day.near(40, 6))
    day.go("harbour", "walk")
    day.stay("cafe", day.near(50, 8))
    day.out_and_back("hotel", 700)
    day.go("hotel", "walk")
    day.until("hotel", 18.3)
    day.stay("restaurant", day.near(90, 10))
    day.until("hotel", 22.4)


def _fly_home(day: _Planner) -> None:
    day.until("sleep", 7.0)
    day.stay("hotel", day.near(25, 4))
    day.stay("cafe", day.near(35, 5))
    day.go("harbour", "walk")
    day.stay("cafe", day.near(40, 5))
    day.go("hotel", "walk")
    day.until("hotel", 13.5)
    day.go("arrivals", "bus")
    day.stay("airport", day.near(85, 8))
    day.go("airport", "flight")
    day.stay("airport", day.near(25, 4))
    day.go("home", "drive")
    day.stay("dinner", day.near(35, 5))
    _night(day, 22.5)
