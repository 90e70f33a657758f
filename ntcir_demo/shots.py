"""The whole demo, planned: its days, and the photographs of each."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from ntcir_demo.activities import ACTIVITIES
from ntcir_demo.body import Readings, read_day, weather_of
from ntcir_demo.day import MINUTES, TRIP, Segment, plan_day
from ntcir_demo.light import Weather, sun_elevation
from ntcir_demo.stage import Moment

LAST_TRAIN, LAST_VAL = dt.date(2020, 2, 29), dt.date(2020, 3, 16)
_FROM_TRIP = 30  # a demo of so many days has a weekend abroad; in a short one it would drown all other positions


@dataclass(frozen=True)
class Plan:
    """The arguments of a demo."""

    days: int
    per_day: int
    seed: int

    def dates(self) -> list[dt.date]:
        """Return the days: some before March, some until 16 March, some after, as the default splits ask for."""
        val = max(1, round(0.19 * self.days))
        train = min(max(1, round(0.62 * self.days)), self.days - val - 1)
        test = self.days - train - val
        ends = ((LAST_TRAIN, train), (LAST_VAL, val), (LAST_VAL + dt.timedelta(days=test), test))
        return [end - dt.timedelta(days=back) for end, count in ends for back in range(count - 1, -1, -1)]


@dataclass(frozen=True)
class Shot:
    """A photograph to be taken: when (UTC), and what there is to see."""

    when: dt.datetime
    moment: Moment

    @property
    def name(self) -> str:
        """Return its file name."""
        return f"{self.when:%Y%m%d_%H%M%S}_000.jpg"

    @property
    def minute(self) -> int:
        """Return the minute of its UTC day."""
        return self.when.hour * 60 + self.when.minute


@dataclass(frozen=True)
class DayPlan:
    """A UTC day: what was done, what was recorded, what was photographed.

    ``lost`` are photographs that the tables list but that are not on disk.
    """

    date: dt.date
    weather: Weather
    segments: list[Segment]
    readings: Readings
    shots: list[Shot]
    lost: list[Shot]


@lru_cache(maxsize=4)
def day_plan(plan: Plan, number: int) -> DayPlan:
    """Return a day of a demo by its number from 0; it depends on nothing but the plan and the number."""
    date = plan.dates()[number]
    rng = np.random.default_rng([plan.seed, date.toordinal()])
    weather = weather_of(date, rng)
    segments = plan_day(date, rng, weather.rain, plan.days >= _FROM_TRIP and date in TRIP)
    readings = read_day(date, segments, rng)
    taken = _times(segments, readings.segment, plan.per_day, rng)
    used = {minute for minute, _ in taken}
    shots = [
        _shot(plan, date, weather, segments, readings, minute, second, k) for k, (minute, second) in enumerate(taken)
    ]
    lost = []
    for k in range(_lost(plan, number)):
        free = [minute for minute in _awake(segments, readings.segment) if minute not in used]
        # Where every minute has a photograph, the lost one was its second.
        minute = int(rng.choice(free)) if free else taken[0][0]
        second = int(rng.integers(60))
        while (minute, second) in taken:
            second = (second + 1) % 60
        used.add(minute)
        lost.append(_shot(plan, date, weather, segments, readings, minute, second, plan.per_day + k))
    return DayPlan(date, weather, segments, readings, shots, lost)


def _lost(plan: Plan, number: int) -> int:
    """Return how many listed photographs of a day are not on disk: about 0.3% of all, and at least one in the demo."""
    total = max(1, round(0.003 * plan.days * plan.per_day))
    return (number + 1) * total // plan.days - number * total // plan.days


def _awake(segments: list[Segment], which: np.ndarray) -> list[int]:
    return [minute for minute in range(MINUTES) if segments[which[minute]].activity != "sleep"]


def _times(segments: list[Segment], which: np.ndarray, count: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Return ``count`` times (minute of the day, second), in order.

    The camera is worn in stretches over the waking day, more readily out of doors. Most minutes have one photograph,
    about a tenth (never more than a fifth) have two.
    """
    awake = np.array(_awake(segments, which))
    minutes = min(max(count - round(0.09 * count), -(-5 * count // 6)), len(awake))
    weight = np.array([_keenness(segments[which[minute]].activity) for minute in awake])
    stretches = min(max(3, round(minutes / 7)), minutes)
    edges = np.searchsorted(np.cumsum(weight) / weight.sum(), np.linspace(0, 1, stretches + 1)[1:-1])
    parts = [part for part in np.split(awake, edges) if len(part)]
    sizes = _shares(minutes, [len(part) for part in parts], rng)
    chosen: list[int] = []
    for part, size in zip(parts, sizes, strict=True):
        start = int(rng.integers(len(part) - size + 1))
        chosen += part[start : start + size].tolist()
    twice = {int(row) for row in rng.permutation(len(chosen))[: count - len(chosen)]}
    times = []
    for row, minute in enumerate(chosen):
        if row in twice:
            second = int(rng.integers(28))
            times += [(minute, second), (minute, second + 32)]
        else:
            times.append((minute, int(rng.integers(60))))
    return times


def _shares(total: int, room: list[int], rng: np.random.Generator) -> list[int]:
    """Share ``total`` minutes among stretches, unevenly, none getting more than it has room for."""
    wish = rng.uniform(0.5, 1.5, len(room))
    sizes = [min(space, int(total * part / wish.sum())) for space, part in zip(room, wish, strict=True)]
    left = total - sum(sizes)
    while left:
        for number in rng.permutation(len(room)).tolist():
            if left and sizes[number] < room[number]:
                sizes[number] += 1
                left -= 1
    return sizes


def _keenness(activity: str) -> float:
    """Return how readily the camera is worn."""
    if activity in ("desk", "evening", "flight", "hotel"):
        return 0.36
    return 1.7 if ACTIVITIES[activity].movement != "Inside" or activity in ("treadmill", "weights", "shop") else 1.0


def look_of(seed: int, key: str) -> int:
    """Return the seed of a place's look."""
    return int.from_bytes(hashlib.md5(f"{seed}/{key}".encode(), usedforsecurity=False).digest()[:6], "big")


def _shot(
    plan: Plan,
    date: dt.date,
    weather: Weather,
    segments: list[Segment],
    readings: Readings,
    minute: int,
    second: int,
    k: int,
) -> Shot:
    segment = segments[readings.segment[minute]]
    activity, route = ACTIVITIES[segment.activity], segment.route
    when = dt.datetime.combine(date, dt.time(minute // 60, minute % 60, second), tzinfo=dt.UTC)
    local = when.astimezone(ZoneInfo(segment.place.zone))
    seed = (plan.seed, date.toordinal(), k)
    rng = np.random.default_rng([*seed, 1])
    cover = 1.0 if rng.random() < 0.007 else float(rng.uniform(0.25, 0.8)) if rng.random() < 0.025 else 0.0
    forward = 1.0 if segment.finish >= segment.begin else -1.0
    latitude, longitude = float(readings.latitude[minute]), float(readings.longitude[minute])
    key = route.key if route else segment.place.key
    urban_green = (
        ((route.start.urban, route.start.green), (route.end.urban, route.end.green)) if route else ((0.3, 0.5),) * 2
    )
    return Shot(
        when,
        Moment(
            scene=activity.scene,
            look=look_of(plan.seed, key),
            seed=seed,
            hour=local.hour + local.minute / 60 + local.second / 3600,
            elevation=sun_elevation(when, latitude, longitude),
            weather=weather,
            effort=float(readings.effort[minute]),
            crowd=float(readings.crowd[minute]),
            along=float(readings.along[minute]) + forward * float(readings.speed[minute]) * second,
            backwards=forward < 0,
            speed=float(readings.speed[minute]),
            character=(urban_green[0], urban_green[1]),
            length=route.length if route else 1000.0,
            sea=bool(route and route.sea),
            cover=cover,
        ),
    )
