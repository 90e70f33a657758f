"""Race: reading a whole Lifelog-6's metadata with ``ntcir.corpora`` against pandas.read_csv of both files and a merge.

    python benchmarks/metadata.py [--images 725000] [--minutes 780000] [--repeats 3]

The corpus is made up: rows of the real ones' columns and width, and an empty file for each photograph. The peer joins
the two files and does no more: it does not look whether a photograph is on disk, drops no duplicates, sorts nothing,
knows no local time and splits nothing.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from score import Cost, machine, measure

START = dt.datetime(2019, 1, 1)

OWN = """
import json
from pathlib import Path
from ntcir.config import AutoSplit
from ntcir.corpora import open_corpus
corpus = open_corpus(Path("lifelog"), AutoSplit())
print(json.dumps({"pairs": len(corpus.pairs), "minutes": len(corpus.sensors)}))
"""

PEER = """
import json
import pandas as pd
located = pd.read_csv("lifelog/vaisl_gps.csv", low_memory=False)
minutes = pd.read_csv("lifelog/lsc22_metadata.csv", low_memory=False)
joined = located.merge(minutes, on="minute_id", how="left")
print(json.dumps({"pairs": len(joined), "minutes": joined["minute_id"].nunique()}))
"""

PROCESSES = {"`ntcir.corpora.open_corpus`": OWN, "`pandas.read_csv` twice and `merge`": PEER}

METADATA_HEADER = (
    ",minute_id,utc_time,local_time,latitude,longitude,altitude,semantic_name,time_zone,heart_rate(bpm),heart_rate_conf,"
    "calories,distance,artist name,song name,album name,sleep_level,awake,minutesToFallAsleep,minutesAsleep,"
    "minutesAwake,minutesAfterWakeup,timeInBed,sleep_efficiency,ImageID\n"
)
LOCATION_HEADER = (
    "ImageID,minute_id,stop,new_lat,new_lng,foursquare_id,original_name,categories,parent,movement,movement_prob,city,"
    "country,new_timezone\n"
)


def write_lifelog(root: Path, images: int, minutes: int) -> None:
    """Write the two files and an empty file for each photograph, spread evenly over the waking minutes."""
    root.mkdir()
    draw = random.Random(0)
    waking = sum(map(_wakes, range(minutes)))
    places = [_place(draw, number) for number in range(2000)]
    with (root / "lsc22_metadata.csv").open("w") as metadata, (root / "vaisl_gps.csv").open("w") as located:
        metadata.write(METADATA_HEADER)
        located.write(LOCATION_HEADER)
        place, awake, done = places[0], 0, 0
        for number in range(minutes):
            if number % 45 == 0:
                place = draw.choice(places)
            awake += _wakes(number)
            upto = awake * images // waking
            names = list(_photographs(number, upto - done))
            _write_minute(metadata, draw, number, place, names)
            for name in names:
                located.write(f"{name},{name[:13]},{place}\n")
            _touch(root, names)
            done = upto


def _wakes(minute: int) -> bool:
    return minute // 60 % 24 >= 7


def _place(draw: random.Random, number: int) -> str:
    """Return what the location columns say of one place."""
    kind = draw.choice(["Coffee Shop", "Office", "Residential Building", "Train Station", "Grocery Store", "Park"])
    movement = draw.choice(["Inside", "Car", "Walking Outside", "Public Transport"])
    where = f"{draw.uniform(51, 54):.10f},{draw.uniform(-9, -6):.10f},{draw.getrandbits(96):024x}"
    return (
        f"{draw.random() < 0.7},{where},\"The {kind} number {number}, Main Street\",\"['{kind}', 'Building']\","
        f"Shop & Service,{movement},{draw.random():.12f},Dublin,Ireland,Europe/Dublin"
    )


def _photographs(minute: int, number: int) -> Iterator[str]:
    for photograph in range(number):
        yield f"{START + dt.timedelta(minutes=minute, seconds=photograph * 30):%Y%m%d_%H%M%S}_000.jpg"


def _write_minute(file: TextIO, draw: random.Random, number: int, place: str, names: list[str]) -> None:
    now = START + dt.timedelta(minutes=number)
    _, latitude, longitude, *_ = place.split(",", 3)
    music = "Some Artist,A Song of Some Length,The Album" if number % 50 == 0 else ",,"
    night = ",,,,,,," if _wakes(number) else f"light,{number % 7},12,{380 + number % 60},35,3,{430 + number % 60},92"
    heart = f"{draw.uniform(50, 130):.4f},{number % 4}" if number % 9 else ","
    listed = f'"{names}"' if names else ""
    file.write(
        f"{number},{now:%Y%m%d_%H%M},UTC_{now:%Y-%m-%d_%H:%M},,{latitude},{longitude},{draw.uniform(0, 90):.6f},"
        f"HOME,Europe/Dublin,{heart},{draw.uniform(1, 9):.6f},{draw.uniform(0, 90):.4f},{music},{night},{listed}\n"
    )


def _touch(root: Path, names: list[str]) -> None:
    for name in names:
        folder = root / "images" / name[:6] / name[6:8]
        try:
            os.close(os.open(folder / name, os.O_CREAT))
        except FileNotFoundError:
            folder.mkdir(parents=True)
            os.close(os.open(folder / name, os.O_CREAT))


def main() -> None:
    """Race and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=725_000)
    parser.add_argument("--minutes", type=int, default=780_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    if options.minutes < 1440 or options.images > 2 * options.minutes * 17 // 24:
        parser.error("at least a day of minutes and at most two photographs in each waking one, please")
    costs: dict[str, list[Cost]] = {name: [] for name in PROCESSES}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.perf_counter()
        write_lifelog(folder / "lifelog", options.images, options.minutes)
        written = time.perf_counter() - began
        size = sum(path.stat().st_size for path in (folder / "lifelog").glob("*.csv")) / 1e6
        for _ in range(options.repeats):  # in turns, so that a busy moment hits all alike
            for name, code in PROCESSES.items():
                costs[name].append(measure(["-c", code], folder))
    print(f"| {options.images:,} photographs, {options.minutes:,} minutes | pairs | minutes joined | s | peak RSS MB |")
    print("|---|---:|---:|---:|---:|")
    for name, each in costs.items():
        found = json.loads(each[0].output)
        seconds = statistics.median(cost.seconds for cost in each)
        peak = max(cost.megabytes for cost in each)
        print(f"| {name} | {found['pairs']:,} | {found['minutes']:,} | {seconds:.1f} | {peak:.0f} |")
    print(
        f"\n{machine()}; median of {options.repeats} whole processes in turns, start-up included; "
        f"{size:.0f} MB of CSV, made in {written:.0f} s."
    )


if __name__ == "__main__":
    main()
