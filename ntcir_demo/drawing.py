"""Drawing a demo's photographs, by several processes at once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from ntcir.system.errors import UserError
from ntcir.system.files import disk_errors
from ntcir_demo.camera import Box
from ntcir_demo.scenes import render_scene
from ntcir_demo.shots import Plan, Shot, day_plan

JPEG_COMMENT = b"ntcir demo lifelog: drawn, not photographed"
_QUALITY = 80
_CHUNK = 12  # photographs a task
_FEWEST = 24  # photographs for which another process is worth its start

Progress = Callable[[int, int], None]


def picture_path(folder: Path, shot: Shot) -> Path:
    """Return where a photograph lies in a demo's folder."""
    return folder / "images" / shot.name[:6] / shot.name[6:8] / shot.name


def processes_for(workers: int | None, photographs: int) -> int:
    """Return how many processes draw: as asked for, else one for each CPU, as far as it is worth its start."""
    if workers is not None:
        return min(workers, photographs)
    return max(1, min(os.cpu_count() or 1, photographs // _FEWEST))


def draw_all(folder: Path, plan: Plan, processes: int, progress: Progress | None) -> dict[str, list[Box]]:
    """Draw all photographs; return their boxes by file name."""
    tasks = [
        (number, first, min(first + _CHUNK, plan.per_day))
        for number in range(plan.days)
        for first in range(0, plan.per_day, _CHUNK)
    ]
    boxes: dict[str, list[Box]] = {}
    total = plan.days * plan.per_day
    for drawn in _in_turn(folder, plan, tasks) if processes == 1 else _at_once(folder, plan, tasks, processes):
        boxes.update(drawn)
        if progress:
            progress(len(boxes), total)
    return boxes


def _in_turn(folder: Path, plan: Plan, tasks: list[tuple[int, int, int]]) -> Iterator[dict[str, list[Box]]]:
    for task in tasks:
        yield _draw_some(folder, plan, *task)


def _at_once(
    folder: Path, plan: Plan, tasks: list[tuple[int, int, int]], processes: int
) -> Iterator[dict[str, list[Box]]]:
    # Spawned, not forked: the caller may hold threads (a network library's, say), which a fork would tear.
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=_end_with_parent)
    try:
        with _without_ctrl_c():
            running: list[Future[dict[str, list[Box]]]] = [
                pool.submit(_draw_some, folder, plan, *task) for task in tasks
            ]
        for future in as_completed(running):
            yield future.result()
    except BrokenProcessPool as error:
        raise UserError(
            "A process that draws the demo was killed, perhaps for want of memory: try fewer workers."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach: this one hears it, and lets them finish what they are drawing."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent() -> None:
    """Let this process end when the one that started it has been killed: nobody else would tell it that all is over."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _draw_some(folder: Path, plan: Plan, number: int, first: int, last: int) -> dict[str, list[Box]]:
    """Draw and save some photographs of one day."""
    boxes = {}
    for shot in day_plan(plan, number).shots[first:last]:
        path = picture_path(folder, shot)
        picture, boxes[shot.name] = render_scene(shot.moment)
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.save(path, "JPEG", quality=_QUALITY, comment=JPEG_COMMENT)
    return boxes
