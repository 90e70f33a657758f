"""Lines of the tables of `benchmarks/track.py` and `benchmarks/imu.py`: intervals draw blocks of consecutive frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ntcir.scoring import bootstrap

WAYS = ("img2sen", "sen2img")
BLOCK = 20  # consecutive frames, a second; so many stay together where frames are drawn anew


@dataclass(frozen=True)
class Asked:
    """How the frames of one lap came out.

    Attributes:
        lap: which.
        ranks: by direction, the reciprocal rank of each frame's partner in order of time, float64 [frames].
        facts: means besides, by name, such as the seconds of training.
    """

    lap: str
    ranks: dict[str, np.ndarray]
    facts: dict[str, float]


def print_row(name: str, asked: list[Asked], first: list[Asked] | None, *, settings: bool) -> None:
    """Print one line of the table."""
    cells = []
    for way in WAYS:
        values = by_lap(asked, way)
        cells.append(f"{np.concatenate(values).mean():.4f} {interval(values)}")
        if first is None:
            cells.append("")
            continue
        change = [ours - theirs for ours, theirs in zip(values, by_lap(first, way), strict=True)]
        cells.append(f"{np.concatenate(change).mean():+.4f} {interval(change, sign='+')}")
    facts = {fact: np.mean([each.facts[fact] for each in asked]) for fact in asked[0].facts}
    if settings:
        cells += (
            [f"{facts['last']:.4f}", f"{facts['seen']:.2f}, {facts['seen last']:.2f}"] if "last" in facts else ["", ""]
        )
    else:
        cells.append(f"{facts['seconds']:.1f}" if "seconds" in facts else "")
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def by_lap(asked: list[Asked], way: str) -> list[np.ndarray]:
    """Return the reciprocal ranks of each lap's frames, means over trainings, float64 [frames] a lap."""
    laps: dict[str, list[np.ndarray]] = {}
    for each in asked:
        laps.setdefault(each.lap, []).append(each.ranks[way])
    return [np.mean(values, axis=0) for values in laps.values()]


def interval(laps: list[np.ndarray], sign: str = "") -> str:
    """Return the interval of the mean over all frames, drawn in blocks of one lap's consecutive frames."""
    blocks = [lap[start : start + BLOCK] for lap in laps for start in range(0, len(lap), BLOCK)]
    sums, rows = np.array([block.sum() for block in blocks]), np.array([len(block) for block in blocks])
    low, high = bootstrap(sums, rows=rows)
    return f"[{low:{sign}.3f}, {high:{sign}.3f}]"
