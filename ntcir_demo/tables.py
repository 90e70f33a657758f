"""The three tables of the demo lifelog, with the gaps and repetitions that the real ones have."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from ntcir.system.files import atomic_write
from ntcir_demo.activities import ACTIVITIES
from ntcir_demo.body import SLEEP_COLUMNS
from ntcir_demo.camera import Box
from ntcir_demo.day import MINUTES
from ntcir_demo.places import METRES_A_DEGREE
from ntcir_demo.shots import DayPlan, Shot

METADATA, CONCEPTS, LOCATIONS = "lsc22_metadata.csv", "lsc22_visual_concepts.csv", "vaisl_gps.csv"
METADATA_COLUMNS = (
    "minute_id", "utc_time", "local_time", "latitude", "longitude", "altitude", "semantic_name", "time_zone",
    "heart_rate(bpm)", "heart_rate_conf", "calories", "distance", "artist name", "song name", "album name",
    "sleep_level", "awake", *SLEEP_COLUMNS, "ImageID",
)  # fmt: skip
LOCATION_COLUMNS = (
    "ImageID", "minute_id", "stop", "new_lat", "new_lng", "foursquare_id", "original_name", "categories", "parent",
    "movement", "movement_prob", "city", "country", "new_timezone",
)  # fmt: skip
CONCEPT_COLUMNS = ("ImageID", "Tags", "OCR", "Caption", "CaptionScore")

MOVEMENTS = ("Airplane", "Car", "Inside", "Cycling", "Walking Outside", "Public Transport")
# Of each scene: tags, what can be read there, and how a caption begins.
_WORDS: dict[str, tuple[str, str, str]] = {
    "bedroom": ("indoor,bedroom,room", "", "a bedroom"),
    "breakfast": ("indoor,kitchen,table,food", "", "eating at a kitchen table"),
    "cooking": ("indoor,kitchen,stove,food", "", "cooking at a stove in a kitchen"),
    "evening": ("indoor,living room,furniture", "", "a living room"),
    "visit": ("indoor,living room,people", "", "people talking in a living room"),
    "desk": ("indoor,office,computer,desk", "", "working at a computer in an office"),
    "meeting": ("indoor,office,meeting room,table", "", "a meeting room"),
    "coffee": ("indoor,office,coffee machine", "COFFEE", "a coffee machine on a counter"),
    "cafe": ("indoor,cafe,table,food", "COFFEE CAKE", "sitting at a table in a cafe"),
    "restaurant": ("indoor,restaurant,table,food", "", "eating at a table in a restaurant"),
    "treadmill": ("indoor,gym,treadmill,exercise", "", "running on a treadmill in a gym"),
    "weights": ("indoor,gym,barbell,exercise", "", "lifting a barbell in a gym"),
    "shop": ("indoor,supermarket,shelf,aisle", "TEA MILK BREAD", "shopping in an aisle of a supermarket"),
    "airport": ("indoor,airport,hall", "DEPARTURES", "a hall of an airport"),
    "flight": ("indoor,airplane,seat", "", "the seats of an airplane"),
    "walk": ("outdoor,street,road,building", "BAKERY", "walking along a street of houses"),
    "ride": ("outdoor,street,road,bicycle handlebar", "", "cycling along a street"),
    "drive": ("car interior,road,steering wheel", "", "driving a car on a road"),
    "bus_ride": ("vehicle interior,bus,seat,window", "STOP", "sitting in a bus"),
    "park": ("outdoor,park,grass,path", "", "walking on a path in a park"),
}


def write_tables(folder: Path, days: Sequence[DayPlan], boxes: dict[str, list[Box]], seed: int) -> None:
    """Write the three CSV files.

    Args:
        folder: where.
        days: the days in order.
        boxes: the boxes of each picture by its file name; the lost ones have none.
        seed: of the gaps and repetitions.
    """
    rngs = [np.random.default_rng([seed, day.date.toordinal(), 2]) for day in days]
    concepts = pd.concat([_concepts(day, boxes, rng) for day, rng in zip(days, rngs, strict=True)], ignore_index=True)
    _write(folder / CONCEPTS, concepts, index=False)
    locations = pd.concat([_locations(day, rng) for day, rng in zip(days, rngs, strict=True)], ignore_index=True)
    _write(folder / LOCATIONS, _repeated(locations, np.random.default_rng([seed, 3])), index=False)
    minutes = pd.concat([_minutes(day, rng) for day, rng in zip(days, rngs, strict=True)], ignore_index=True)
    _write(folder / METADATA, minutes, index=True)


def _write(path: Path, table: pd.DataFrame, index: bool) -> None:
    atomic_write(path, table.to_csv(index=index, lineterminator="\n"))


def listed(day: DayPlan) -> list[Shot]:
    """Return a day's photographs in order, those included that are not on disk."""
    return sorted([*day.shots, *day.lost], key=lambda shot: shot.when)


def _minutes(day: DayPlan, rng: np.random.Generator) -> pd.DataFrame:
    """Return the metadata of a day: a row for each of its minutes, but for a few that the export lost."""
    r, names = day.readings, [day.segments[number] for number in day.readings.segment]
    midnight = dt.datetime.combine(day.date, dt.time(), tzinfo=dt.UTC)
    times = [midnight + dt.timedelta(minutes=minute) for minute in range(MINUTES)]
    images: dict[int, list[str]] = {}
    for shot in listed(day):
        images.setdefault(shot.minute, []).append(shot.name)
    known = r.located & (rng.random(MINUTES) > 0.06)
    told = rng.random(MINUTES) < 0.3  # local_time is often empty
    slept = [level is not None for level in r.sleep_level]
    columns: dict[str, Iterable[object]] = {
        "minute_id": [f"{time:%Y%m%d_%H%M}" for time in times],
        "utc_time": [f"UTC_{time:%Y-%m-%d_%H:%M}" for time in times],
        "local_time": [
            f"{time.astimezone(ZoneInfo(name.place.zone)):%Y-%m-%d_%H:%M}" if tell else None
            for time, name, tell in zip(times, names, told, strict=True)
        ],
        "latitude": _where(known, r.latitude + rng.normal(0, 14, MINUTES) / METRES_A_DEGREE, 6),
        "longitude": _where(known, r.longitude + 1.67 * rng.normal(0, 14, MINUTES) / METRES_A_DEGREE, 6),
        "altitude": _where(known, r.altitude + rng.normal(0, 4, MINUTES), 1),
        "semantic_name": [
            name.place.name if here and name.route is None else None for name, here in zip(names, known, strict=True)
        ],
        "time_zone": [name.place.zone if here else None for name, here in zip(names, known, strict=True)],
        "heart_rate(bpm)": r.heart,
        "heart_rate_conf": r.confidence,
        "calories": r.calories,
        "distance": r.distance,
        "artist name": [song[0] if song else None for song in r.music],
        "song name": [song[1] if song else None for song in r.music],
        "album name": [song[2] if song else None for song in r.music],
        "sleep_level": r.sleep_level,
        "awake": [float(level == "wake") if level else None for level in r.sleep_level],
        # The summary of the night stands beside the minutes of the night.
        **{name: [value if asleep else None for asleep in slept] for name, value in r.sleep_summary.items()},
        "ImageID": [str(images[minute]) if minute in images else None for minute in range(MINUTES)],
    }
    kept = rng.random(MINUTES) > 0.002
    kept[list(images)] = True
    return pd.DataFrame(columns, columns=list(METADATA_COLUMNS))[kept]


def _where(known: np.ndarray, values: np.ndarray, digits: int) -> np.ndarray:
    return np.where(known, np.round(values, digits), np.nan)


def _locations(day: DayPlan, rng: np.random.Generator) -> pd.DataFrame:
    """Return a row for each listed photograph of a day."""
    rows = []
    for shot in listed(day):
        r, segment = day.readings, day.segments[day.readings.segment[shot.minute]]
        place, route = segment.place, segment.route
        latitude, longitude = float(r.latitude[shot.minute]), float(r.longitude[shot.minute])
        if route:
            latitude, longitude, _ = route.at(shot.moment.along)
        north, east = rng.normal(0, 7, 2).tolist()
        slip, guess, sure = rng.random(3).tolist()
        found = bool(r.located[shot.minute] or slip < 0.4)
        movement = ACTIVITIES[segment.activity].movement
        if slip > 0.975:  # the classifier of movements errs
            movement = MOVEMENTS[int(guess * len(MOVEMENTS))]
        stop = route is None
        rows.append(
            (
                shot.name, f"{shot.when:%Y%m%d_%H%M}", stop,
                round(latitude + north / METRES_A_DEGREE, 6) if found else None,
                round(longitude + 1.67 * east / METRES_A_DEGREE, 6) if found else None,
                *((place.foursquare_id, place.name, place.categories, place.parent) if stop else (None,) * 4),
                movement, round(0.99 - 0.45 * sure**3, 4),
                place.city if found else None, place.country if found else None, place.zone,
            )
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(LOCATION_COLUMNS))


def _repeated(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return the table with some of its rows twice, in their places: about 0.5%, at least one."""
    again = rng.choice(len(table), size=max(1, round(0.005 * len(table))), replace=False)
    return table.iloc[np.sort(np.concatenate((np.arange(len(table)), again)))]


def _concepts(day: DayPlan, boxes: dict[str, list[Box]], rng: np.random.Generator) -> pd.DataFrame:
    """Return what a computer saw in each listed photograph: mostly what is there."""
    rows = []
    for shot in listed(day):
        tags, sign, caption = _WORDS[shot.moment.scene]
        seen = list(dict.fromkeys(box.label for box in boxes.get(shot.name, []) if rng.random() < 0.9))
        dark = shot.moment.cover > 0.9
        if seen:
            caption += " with " + " and ".join(("an " if label[0] in "aeiou" else "a ") + label for label in seen[:2])
        read = sign if sign and rng.random() < 0.4 and not dark else None
        rows.append(
            (
                shot.name, None if dark else ",".join(dict.fromkeys((*tags.split(","), *seen))), read,
                "a dark room" if dark else caption, round(float(rng.uniform(0.35, 0.95)), 4),
            )
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(CONCEPT_COLUMNS))
