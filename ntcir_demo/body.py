"""What the trackers say of a day, minute by minute: pulse, calories, distance, position, sleep, music."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np

from ntcir_demo.activities import ACTIVITIES
from ntcir_demo.day import MINUTES, Segment, home_offset
from ntcir_demo.light import Weather
from ntcir_demo.places import METRES_A_DEGREE

# Where it is busy at which hour: (activity, hour, width in hours).
_RUSH = {
    "desk": (13.0, 4.5), "meeting": (13.0, 6.0), "coffee": (13.0, 5.0), "lunch": (12.9, 1.0), "cafe": (11.5, 3.0),
    "restaurant": (20.0, 2.0), "treadmill": (18.5, 2.5), "weights": (18.5, 2.5), "shop": (17.8, 2.5), "bus": (8.5, 5.0),
    "walk": (14.0, 5.5), "wait": (14.0, 5.5), "cycle": (14.0, 5.5), "drive": (14.0, 5.5), "park": (13.0, 3.5),
}  # fmt: skip
_ARTISTS = (("The Tidal Lanterns", "Harbour Nights", ("Foghorn", "Low Water", "Seven Bridges")),
            ("Maeve Quill", "Paper Weather", ("Umbrella Song", "Slow Bus", "Windows")),
            ("Copper Fox Trio", "Live at Pier 9", ("Third Round", "Blue Gate", "Encore")))  # fmt: skip
SLEEP_COLUMNS = (
    "minutesToFallAsleep", "minutesAsleep", "minutesAwake", "minutesAfterWakeup", "timeInBed", "sleep_efficiency",
)  # fmt: skip


@dataclass(frozen=True)
class Readings:
    """A UTC day, minute by minute.

    All arrays have the shape (1440,). ``segment`` numbers the day's segments; positions are true ones, in degrees and
    metres; ``heart`` is in beats a minute (NaN where the tracker was off), ``calories`` in kilocalories and
    ``distance`` in kilometres a minute, ``along`` in metres on the route, ``speed`` in metres a second; ``effort``
    (0 to 1) and ``crowd`` (expected number of others) are what the pictures show; ``located`` is whether there was a
    position; ``music`` holds artist, song and album.
    """

    segment: np.ndarray
    along: np.ndarray
    effort: np.ndarray
    crowd: np.ndarray
    speed: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    altitude: np.ndarray
    heart: np.ndarray
    confidence: np.ndarray
    calories: np.ndarray
    distance: np.ndarray
    located: np.ndarray
    sleep_level: list[str | None]
    sleep_summary: dict[str, float]
    music: list[tuple[str, str, str] | None]


def weather_of(date: dt.date, rng: np.random.Generator) -> Weather:
    """Return the weather of a day."""
    cloud = float(rng.beta(1.1, 1.0))
    return Weather(cloud, bool(cloud > 0.5 and rng.random() < 0.45))


def read_day(date: dt.date, segments: list[Segment], rng: np.random.Generator) -> Readings:
    """Return what the trackers recorded on a day spent so."""
    offset = home_offset(date)
    clock = np.arange(MINUTES) + offset
    starts = np.array([segment.start for segment in segments])
    which = np.searchsorted(starts, clock, side="right") - 1
    effort, crowd, along = np.zeros(MINUTES), np.zeros(MINUTES), np.zeros(MINUTES)
    speed, truth = np.zeros(MINUTES), np.zeros((MINUTES, 3))
    for number, segment in enumerate(segments):
        rows = np.flatnonzero(which == number)
        if not len(rows):
            continue
        effort[rows] = _effort(segment.activity, len(rows), rng)
        crowd[rows] = _crowd(segment.activity, clock[rows] / 60, rng)
        along[rows], speed[rows] = _progress(segment, clock[rows], effort[rows], rng)
        truth[rows] = _whereabouts(segment, along[rows], rng)
    heart = _heart(segments, which, effort, crowd, rng)
    calories, distance = _spent(segments, which, effort, speed, rng)
    asleep = np.array([segments[number].activity == "sleep" for number in which])
    heart[_gaps(asleep, rng)] = np.nan
    confidence = np.where(np.isnan(heart), np.nan, np.clip(3 - rng.poisson(0.35 + 0.8 * effort), 0, 3))
    located = ~_patches(MINUTES, 9, 5.0, rng)
    levels, summary = _sleep(asleep, rng)
    return Readings(
        which, along, effort, crowd, speed, truth[:, 0], truth[:, 1], truth[:, 2], heart, confidence, calories,
        distance, located, levels, summary, _music(segments, which, rng),
    )  # fmt: skip


def smooth_noise(n: int, hold: float, rng: np.random.Generator) -> np.ndarray:
    """Return noise of mean 0 and s.d. 1 in which each value keeps the share ``hold`` of the one before."""
    values, fresh = np.empty(n), rng.normal(size=n)
    value = float(rng.normal())
    for number in range(n):
        value = hold * value + math.sqrt(1 - hold * hold) * float(fresh[number])
        values[number] = value
    return values


def _effort(activity: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return how hard each of n minutes is, 0 to 1."""
    if activity == "treadmill":
        ramp = np.clip(np.arange(n) / 9, 0, 1) * np.clip((n - np.arange(n)) / 4, 0.15, 1)
        waves = 0.72 + 0.24 * np.sin(np.arange(n) / 2.3 + rng.uniform(0, 6.3))
        return np.clip(ramp * waves, 0.02, 1)
    if activity in ("desk", "evening"):
        # Quiet for a quarter of an hour, then a telephone call or a match on television, and so on.
        values = np.empty(n)
        row = 0
        while row < n:
            block = int(rng.integers(9, 24))
            values[row : row + block] = rng.uniform(0.72, 0.95) if rng.random() < 0.26 else rng.uniform(0.05, 0.55)
            row += block
        return np.clip(values + 0.05 * smooth_noise(n, 0.5, rng), 0, 1)
    return np.clip(0.45 + 0.24 * smooth_noise(n, 0.8, rng), 0, 1)


def _crowd(activity: str, hours: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return how many others to expect at each of the given hours."""
    most = np.full(len(hours), ACTIVITIES[activity].crowd)
    if activity in _RUSH:
        peak, width = _RUSH[activity]
        most = most * (0.25 + 0.75 * np.exp(-(((hours - peak) / width) ** 2)))
    return np.maximum(most * (1 + 0.35 * smooth_noise(len(hours), 0.85, rng)), 0)


def _progress(
    segment: Segment, clock: np.ndarray, effort: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return where on its way (metres) and how fast (metres a second) somebody is at the start of each minute."""
    n = segment.end - segment.start
    if segment.route is None:
        # In a shop one walks up and down the aisles; elsewhere this is of no account.
        return (clock - segment.start) * 7.0 * (segment.activity == "shop"), np.zeros(len(clock))
    pace = 0.5 + _fitted(n, effort)
    if segment.activity in ("bus", "drive", "cycle"):
        pace = np.where(rng.random(n) < 0.2, 0.15, pace)  # red lights and stops
    share = np.concatenate(([0.0], np.cumsum(pace))) / max(float(pace.sum()), 1e-9)
    rows = clock - segment.start
    metres = segment.begin + (segment.finish - segment.begin) * share[:-1][rows]
    way = abs(segment.finish - segment.begin)
    return metres, way * pace[rows] / max(float(pace.sum()), 1e-9) / 60


def _fitted(n: int, effort: np.ndarray) -> np.ndarray:
    """Return an array of length n that follows ``effort`` as far as it goes (a day's edge may cut a way short)."""
    return np.resize(effort, n) if len(effort) else np.full(n, 0.5)


def _whereabouts(segment: Segment, along: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return true latitude, longitude and altitude, shape (n, 3)."""
    if segment.route is not None:
        return np.array([segment.route.at(float(metres)) for metres in along])
    # Each activity has its own corner of a building: the canteen is not where the desk is.
    corner = sum(ord(letter) * (7 + number) for number, letter in enumerate(segment.activity))
    north, east = 14.0 * math.sin(corner), 18.0 * math.cos(1.7 * corner)
    place = segment.place
    spot = (place.latitude + north / METRES_A_DEGREE, place.longitude + 1.67 * east / METRES_A_DEGREE, place.altitude)
    return np.tile(spot, (len(along), 1))


def _heart(
    segments: list[Segment], which: np.ndarray, effort: np.ndarray, crowd: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return the pulse: what the activity asks for, reached with some delay, with company, coffee and noise on top."""
    doing = [ACTIVITIES[segments[number].activity] for number in which]
    asked = np.array([activity.pulse for activity in doing]) + np.array([activity.span for activity in doing]) * effort
    asked += 0.8 * np.minimum(crowd, 5)
    beats, value = np.empty(MINUTES), float(asked[0])
    for number in range(MINUTES):
        value += 0.62 * (float(asked[number]) - value)
        beats[number] = value
    today = float(rng.normal(0, 1.5))
    noise = 2.1 * smooth_noise(MINUTES, 0.88, rng) + 1.0 * rng.normal(size=MINUTES)
    return np.clip(np.rint(beats + today + noise), 42, 185)


def _spent(
    segments: list[Segment], which: np.ndarray, effort: np.ndarray, speed: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return kilocalories and kilometres on foot, a minute each."""
    names = [segments[number].activity for number in which]
    burn = np.array([ACTIVITIES[name].burn for name in names])
    calories = burn * (0.6 + 0.8 * effort) * (1 + 0.06 * rng.normal(size=MINUTES))
    on_foot = np.isin(names, ["walk", "park", "wait"])
    running = np.array(names) == "treadmill"
    pottering = np.isin(names, ["cook", "shop", "coffee", "rise", "airport", "visit"])
    kilometres = np.where(on_foot, speed * 0.06, 0) + np.where(running, (5.5 + 8 * effort) / 60, 0)
    kilometres += np.where(pottering & (rng.random(MINUTES) < 0.5), rng.uniform(0.003, 0.03, MINUTES), 0)
    return np.round(np.maximum(calories, 0.9), 2), np.round(kilometres * (1 + 0.05 * rng.normal(size=MINUTES)), 4)


def _patches(n: int, count: float, long: float, rng: np.random.Generator) -> np.ndarray:
    """Return a mask of about ``count`` stretches of about ``long`` minutes each."""
    mask = np.zeros(n, bool)
    for _ in range(int(rng.poisson(count))):
        start = int(rng.integers(n))
        mask[start : start + 1 + int(rng.poisson(long))] = True
    return mask


def _gaps(asleep: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return when the tracker recorded no pulse: while it is charged, and now and then when it slips."""
    mask = _patches(MINUTES, 32, 3.0, rng) & (~asleep | (rng.random(MINUTES) < 0.3))
    awake = np.flatnonzero(~asleep)
    if rng.random() < 0.8 and len(awake) > 60:
        start = int(rng.choice(awake[:-60]))
        mask[start : start + int(rng.integers(25, 70))] = True
    return mask


def _sleep(asleep: np.ndarray, rng: np.random.Generator) -> tuple[list[str | None], dict[str, float]]:
    """Return the sleep level of each minute (none by day) and the night's summary."""
    levels: list[str | None] = [None] * MINUTES
    level = "light"
    for minute in np.flatnonzero(asleep).tolist():
        if rng.random() < 0.045:
            level = str(rng.choice(["light", "light", "deep", "rem", "wake"]))
        levels[minute] = level
    bed = int(asleep[: MINUTES // 2].sum()) + int(rng.integers(20, 60))
    wake = sum(name == "wake" for name in levels[: MINUTES // 2]) + int(rng.integers(5, 25))
    fall, after = int(rng.integers(0, 14)), int(rng.integers(0, 6))
    down = max(bed - wake - fall - after, 0)
    values = (fall, down, wake, after, bed, round(100 * down / max(bed, 1)))
    return levels, dict(zip(SLEEP_COLUMNS, map(float, values), strict=True))


def _music(segments: list[Segment], which: np.ndarray, rng: np.random.Generator) -> list[tuple[str, str, str] | None]:
    """Return what was heard: now and then something on the way or in the gym."""
    heard: list[tuple[str, str, str] | None] = [None] * MINUTES
    for number, segment in enumerate(segments):
        if segment.activity not in ("walk", "bus", "treadmill", "weights", "cook") or rng.random() > 0.3:
            continue
        for minute in np.flatnonzero(which == number).tolist():
            artist, album, songs = _ARTISTS[(minute // 12) % len(_ARTISTS)]
            heard[minute] = (artist, songs[(minute // 4) % len(songs)], album)
    return heard
