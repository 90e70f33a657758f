"""Writing the demo lifelog: photographs first, tables after them, the marker last."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ntcir.system.claims import claimed
from ntcir.system.errors import Interrupted, UserError
from ntcir.system.files import atomic_write, disk_errors
from ntcir.system.plain_json import parse_json
from ntcir.system.progress import say
from ntcir.system.regular import Irregular, open_regular, read_regular
from ntcir_demo.camera import Box
from ntcir_demo.drawing import JPEG_COMMENT, Progress, draw_all, picture_path, processes_for
from ntcir_demo.scenes import render_scene
from ntcir_demo.shots import DayPlan, Plan, Shot, day_plan

CONFIG, MARKER = "ntcir.yaml", "demo.json"
_VERSION = 4  # of what is drawn and written: an older demo is written again
_PICTURE = re.compile(r"\d{8}_\d{6}_000\.jpg")


@dataclass(frozen=True)
class DemoSummary:
    """What a demo lifelog holds.

    ``minutes`` counts the minutes with a photograph; ``without_heart_rate`` and ``without_position`` those of them that
    lack the reading; ``lost`` the photographs that the tables list but that are not on disk; ``written`` is false where
    the same demo was there already.
    """

    folder: Path
    days: int
    photographs: int
    minutes: int
    lost: int
    without_heart_rate: int
    without_position: int
    written: bool


def demo_config(per_day: int) -> str:
    """Return the text of the demo's ``ntcir.yaml`` for so many photographs a day.

    ``configs/demo.yaml`` is that for 120.
    """
    pool = max(2, min(200, 5 * per_day // 6 // 10 * 10))
    return f"""\
# A small network with random weights: it needs no download, and drawn scenes are told apart by their colours and shapes.
# Figures reached so say nothing of trained networks or of a real lifelog.
name: demo
features:
  backbones:
    - {{arch: squeezenet1_1, weights: random}}
  precision: fp32         # a processor with bf16 would be faster, and its figures others in the last digits
sensors:
  preset: full
  exclude: [local_hour]  # the organisers' input has no time of day
towers:
  image_dropout: 0.5
training:
  lr: 3.0e-4
  temperature: 0.2
# The detector that comes with the package; it saw scenes of other lives, drawn alike, at this size.
objects:
  detector: demo
  size: 320
# Photographs of the same things within ten minutes are positives of each other's readings.
positives:
  objects: true
  within_seconds: 600
topics:
  pool: {pool}
"""  # noqa: E501 (the same text as in configs/demo.yaml)


def write_demo(
    folder: Path,
    *,
    days: int = 16,
    per_day: int = 120,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
) -> DemoSummary:
    """Write a synthetic lifelog in the layout of Lifelog-6.

    The same arguments give the same bytes, whatever the number of workers. A demo that was interrupted, or made with
    other arguments, is written again from its start, but for an ``ntcir.yaml`` that somebody has edited; one that is
    complete is left alone.

    Args:
        folder: where to; new, empty, or an earlier demo's.
        days: how many, 3 to 60, around 1 March 2020 as the default splits ask for.
        per_day: photographs a day on disk, 2 to 1000.
        seed: 0 or more; another seed is another person's life.
        workers: processes that draw; by default one for each CPU.
        progress: called with the number of photographs drawn so far and the number of all.

    Raises:
        UserError: if an argument is out of range, the folder holds other files, another command writes there, or the
            disk is full.
        Interrupted: on Ctrl-C.
    """
    _check(days, per_day, seed, workers)
    folder, plan = Path(folder), Plan(days, per_day, seed)
    planned = [day_plan(plan, number) for number in range(days)]

    def is_there() -> bool:
        with disk_errors(folder):
            return _found(folder) == _record(plan, complete=True) and _is_whole(folder, planned)

    if not is_there():
        with claimed(folder, "choose another folder"):
            if not is_there():  # another command may have written it in the meantime
                try:
                    _write(folder, plan, planned, processes_for(workers, days * per_day), progress)
                except KeyboardInterrupt:
                    raise Interrupted(
                        f"Interrupted: {folder} is not complete; the same command writes it from its start."
                    ) from None
                return _summary(folder, planned, written=True)
    return _summary(folder, planned, written=False)


def _write(folder: Path, plan: Plan, planned: list[DayPlan], processes: int, progress: Progress | None) -> None:
    """Write a demo in the place of an earlier one, if any."""
    found = _found(folder)
    if found is not None:
        _clear(folder, found)
    atomic_write(folder / MARKER, json.dumps(_record(plan, complete=False)) + "\n")
    boxes = draw_all(folder, plan, processes, progress)
    from ntcir_demo.tables import write_tables  # pandas is not needed to draw

    write_tables(folder, planned, boxes, plan.seed)
    if (folder / CONFIG).exists():
        say(f"{folder / CONFIG} was edited and is kept as it is: remove it and repeat the command for the demo's own.")
    else:
        atomic_write(folder / CONFIG, demo_config(plan.per_day))
    atomic_write(folder / MARKER, json.dumps(_record(plan, complete=True)) + "\n")


def demo_shot(index: int, *, days: int = 16, per_day: int = 120, seed: int = 0) -> Shot:
    """Return what is to be seen in photograph ``index`` of a demo (from 0, in order of time), and its file name.

    Raises:
        IndexError: if the demo has no such photograph.
        UserError: if an argument is out of range.
    """
    _check(days, per_day, seed, None)
    if not 0 <= index < days * per_day:
        raise IndexError(f"a demo of {days} days has photographs 0 to {days * per_day - 1}, not {index}")
    return day_plan(Plan(days, per_day, seed), index // per_day).shots[index % per_day]


def demo_picture(index: int, *, days: int = 16, per_day: int = 120, seed: int = 0) -> tuple[Image.Image, list[Box]]:
    """Draw photograph ``index`` of a demo again (before JPEG compression), with the boxes of the things in it.

    Returns:
        an RGB picture of 1024x768 and its boxes in pixels, as `render_scene` gives them.

    Raises:
        IndexError: if the demo has no such photograph.
        UserError: if an argument is out of range.
    """
    return render_scene(demo_shot(index, days=days, per_day=per_day, seed=seed).moment)


def _check(days: int, per_day: int, seed: int, workers: int | None) -> None:
    if not 3 <= days <= 60:
        raise UserError(f"days is {days}, but a demo lifelog has 3 to 60 days.")
    if not 2 <= per_day <= 1000:
        raise UserError(f"per-day is {per_day}, but a demo lifelog has 2 to 1000 photographs a day.")
    if seed < 0:
        raise UserError(f"seed is {seed}, but it must be 0 or more.")
    if workers is not None and workers < 1:
        raise UserError(f"workers is {workers}, but at least 1 is needed.")


def _record(plan: Plan, *, complete: bool) -> dict[str, object]:
    return {
        "format": "ntcir demo",
        "version": _VERSION,
        "days": plan.days,
        "per_day": plan.per_day,
        "seed": plan.seed,
        "complete": complete,
    }


def _found(folder: Path) -> dict[str, object] | None:
    """Return the marker of the demo that the folder holds, or None if the folder is empty or not there.

    Raises:
        UserError: if the folder holds anything else.
    """
    if not folder.exists():
        return None
    if not folder.is_dir():
        raise UserError(f"{folder} is a file; the demo lifelog needs a folder of its own.")
    marker, config = folder / MARKER, folder / CONFIG
    record: object = None
    with suppress(OSError, ValueError):
        record = parse_json(read_regular(marker))
    if not isinstance(record, dict) or record.get("format") != "ntcir demo":
        if any(path.name[:1] != "." for path in folder.iterdir()):
            raise UserError(f"{folder} holds files that are no demo lifelog: choose a new or empty folder.")
        return None
    if config.exists() and b"name: demo" not in read_regular(config).splitlines():
        raise UserError(f"{config} says that this folder is no longer 'name: demo': choose a new or empty folder.")
    return record


def _is_whole(folder: Path, days: list[DayPlan]) -> bool:
    """Return whether all files of a demo are there."""
    from ntcir_demo.tables import CONCEPTS, LOCATIONS, METADATA

    if not all((folder / name).is_file() for name in (CONFIG, METADATA, CONCEPTS, LOCATIONS)):
        return False
    return all(picture_path(folder, shot).is_file() for day in days for shot in day.shots)


def _clear(folder: Path, record: Mapping[str, object]) -> None:
    """Remove an earlier demo, and nothing that the demo did not write; ``record``: its marker."""
    from ntcir_demo.tables import CONCEPTS, LOCATIONS, METADATA

    with disk_errors(folder):
        config, per_day = folder / CONFIG, record.get("per_day")
        if config.exists() and isinstance(per_day, int) and config.read_bytes() == demo_config(per_day).encode():
            config.unlink()
        for name in (METADATA, CONCEPTS, LOCATIONS):
            (folder / name).unlink(missing_ok=True)
        for path in sorted((folder / "images").glob("*/*/*.jpg")):
            if _PICTURE.fullmatch(path.name) and _is_drawn(path):
                path.unlink()
        for parent in sorted((folder / "images").glob("**"), reverse=True):
            with suppress(OSError):  # not empty: somebody else's file is in it
                parent.rmdir()


def _is_drawn(path: Path) -> bool:
    """Return whether a JPEG says of itself that the demo drew it (or was cut off before it could say anything)."""
    try:
        with open_regular(path) as file:
            head = file.read(1024)
    except Irregular:
        return False
    return JPEG_COMMENT in head or not head


def _summary(folder: Path, days: list[DayPlan], *, written: bool) -> DemoSummary:
    minutes = [np.array(sorted({shot.minute for shot in day.shots})) for day in days]
    return DemoSummary(
        folder=folder,
        days=len(days),
        photographs=sum(len(day.shots) for day in days),
        minutes=sum(len(rows) for rows in minutes),
        lost=sum(len(day.lost) for day in days),
        without_heart_rate=sum(
            int(np.isnan(day.readings.heart[rows]).sum()) for day, rows in zip(days, minutes, strict=True)
        ),
        without_position=sum(int((~day.readings.located[rows]).sum()) for day, rows in zip(days, minutes, strict=True)),
        written=written,
    )
