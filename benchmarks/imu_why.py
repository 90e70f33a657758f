"""What transfers between sessions of `imu` and what does not: `benchmarks/imu.py --why` prints these tables.

Asked of ridge regression: the other direction of travel, mirrored pictures, one half of a session by the other, fewer
columns, readings shifted in time, and how far readings must be known for a rank.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from imu_frames import POOL, TRAININGS, Answer, Floats, Frames, ask, others, regress, same
from PIL import Image
from track_table import BLOCK, WAYS, interval

from ntcir.config import Config

HALF = 100
SHIFTS = (-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0)  # seconds
LAGS = (1, 2, 3, 5)  # frames
LEAST = 0.25  # correlation below which a column counts as one of which another session's pictures say little


def print_reasons(config: Config) -> None:
    """Print all tables."""
    frames = Frames.of(config)
    answers = {
        name: [ask(frames, session, training) for session in frames.sessions] for name, training in TRAININGS.items()
    }
    print_mounting(frames)
    print_columns(frames, answers)
    print_weak(frames)
    print_trainings(frames, answers)
    print_halves(frames)
    print_shifts(frames)
    print_precision(frames, answers["the five other sessions"])


def print_mounting(frames: Frames) -> None:
    """Print how the sensor is mounted, by tub: where gravity points, and what turning does to the axes beside."""
    print("\n| tub | mean acceleration (x, y, z) | gyr_x per gyr_y | gyr_z per gyr_y |\n|---|---|---:|---:|")
    column = {name: frames.readings[:, place] for place, name in enumerate(frames.columns)}
    for session in (frames.sessions[0], frames.sessions[-1]):
        tub = frames.tub(session)
        gravity = ", ".join(f"{column[f'acl_{axis}_mean'][tub].mean():.2f}" for axis in "xyz")
        slopes = [np.polyfit(column["gyr_y_mean"][tub], column[f"gyr_{axis}_mean"][tub], 1)[0] for axis in "xz"]
        print(f"| {session.split('-')[0]} | {gravity} | {slopes[0]:+.3f} | {slopes[1]:+.3f} |")


def print_columns(frames: Frames, answers: dict[str, list[Answer]]) -> None:
    """Print by column the mean readings of both tubs, and how predictions correlate with what is read."""
    names = [name for name in TRAININGS if name.startswith(("the five other", "two of the same tub", "three"))][:4]
    tubs = [frames.tub(session) for session in (frames.sessions[0], frames.sessions[-1])]
    print(f"\n| column | mean, {' | '.join(['first tub', 'mean, second tub', *names])} |")
    print(f"|---|{'---:|' * (2 + len(names))}")
    found = [np.mean([answer.correlations() for answer in answers[name]], axis=0) for name in names]
    for place, column in enumerate(frames.columns):
        means = [f"{frames.readings[tub, place].mean():.2f}" for tub in tubs]
        print(f"| {column} | {' | '.join([*means, *(f'{each[place]:+.2f}' for each in found)])} |")


def print_weak(frames: Frames) -> None:
    """Print which columns transfer badly among five sessions, each asked about by the other four."""
    for session in frames.sessions:
        five = [each for each in frames.sessions if each != session]
        found = []
        for asked in five:
            own, trained = frames.session == asked, np.isin(frames.session, five) & (frames.session != asked)
            regression = regress(frames.pictures[trained], frames.readings[trained])
            found.append(regression(frames.pictures[own], frames.readings[own]).correlations())
        weak = np.array(frames.columns)[np.mean(found, axis=0) < LEAST]
        print(f"Below {LEAST} among the sessions without {session}: {', '.join(weak)}")


def print_trainings(frames: Frames, answers: dict[str, list[Answer]]) -> None:
    """Print the MRR of each training, and of steps that act on the first one's readings."""
    first = answers["the five other sessions"]
    kept = np.mean([answer.correlations() for answer in first], axis=0) >= LEAST
    rows = {name: [answer.ranks() for answer in each] for name, each in answers.items()}
    rows["the five, only columns that transfer"] = [
        Answer(answer.predicted[:, kept], answer.actual[:, kept]).ranks() for answer in first
    ]
    rows["the five, predictions and readings centred by session (not legal)"] = [
        Answer(answer.predicted - answer.predicted.mean(axis=0), answer.actual - answer.actual.mean(axis=0)).ranks()
        for answer in first
    ]
    print(f"\nMRR in pools of {POOL}, intervals over blocks of {BLOCK} frames; differences from the first.\n")
    print_ranks(rows)


def print_ranks(rows: dict[str, list[dict[str, Floats]]]) -> None:
    """Print a line for each training: MRR by direction and the paired difference from the first."""
    print("| trained on | img2sen | difference | sen2img | difference |\n|---|---|---|---|---|")
    first = next(iter(rows.values()))
    for name, each in rows.items():
        cells = []
        for way in WAYS:
            values = [ranks[way] for ranks in each]
            change = [ours[way] - theirs[way] for ours, theirs in zip(each, first, strict=True)]
            cells.append(f"{np.concatenate(values).mean():.4f} {interval(values)}")
            mean = np.concatenate(change).mean()
            cells.append("" if each is first else f"{mean:+.4f} {interval(change, sign='+')}")
        print(f"| {name} | {' | '.join(cells)} |")


def print_halves(frames: Frames) -> None:
    """Print the MRR of the second half of a session, by what is trained on."""
    rows: dict[str, list[dict[str, Floats]]] = {}
    for session in frames.sessions:
        own = np.flatnonzero(frames.session == session)
        before, after = own[: len(own) // 2], own[len(own) // 2 :]
        two, five = (np.flatnonzero(select(frames, session)) for select in (same, others))
        parts = {
            "the five other sessions": five,
            "the first half": before,
            "two of the same tub": two,
            "the first half, two of the same tub": np.concatenate([before, two]),
        }
        for name, part in parts.items():
            answer = regress(frames.pictures[part], frames.readings[part])(
                frames.pictures[after], frames.readings[after]
            )
            rows.setdefault(name, []).append(answer.ranks(HALF))
    print(f"\nThe second half of each session, in pools of {HALF} of it.\n")
    print_ranks(rows)


def print_shifts(frames: Frames) -> None:
    """Print how readings some time after a frame correlate with what the frame alone, or its motion, says of them."""
    print(f"\n| correlation | {' | '.join(f'{shift:+.2f} s' for shift in SHIFTS)} |\n|---|{'---:|' * len(SHIFTS)}")
    shown = [frames.columns.index(name) for name in ("gyr_y_mean", "steering", "acl_x_mean")]
    lines: dict[str, list[float]] = {frames.columns[place]: [] for place in shown}
    lines["gyr_y_mean, from two frames' motion"] = []
    motions = [turning(frames, session) for session in frames.sessions]
    for shift in SHIFTS:
        moved = np.concatenate([shifted(frames, session, shift) for session in frames.sessions])
        found = []
        for session in frames.sessions:
            own, trained = frames.session == session, same(frames, session)
            answer = regress(frames.pictures[trained], moved[trained])(frames.pictures[own], moved[own])
            found.append(answer.correlations())
        for place in shown:
            lines[frames.columns[place]].append(float(np.mean(found, axis=0)[place]))
        yaw = [shifted(frames, session, shift)[:, shown[0]] for session in frames.sessions]
        correlations = [abs(np.asarray(np.corrcoef(pair))[0, 1]) for pair in zip(motions, yaw, strict=True)]
        lines["gyr_y_mean, from two frames' motion"].append(float(np.mean(correlations)))
    for name, values in lines.items():
        print(f"| {name} | {' | '.join(f'{value:.2f}' for value in values)} |")


def shifted(frames: Frames, session: str, shift: float) -> Floats:
    """Return what a session's columns read so many seconds later, interpolated, float64 [frames, columns]."""
    own = frames.session == session
    seconds = frames.seconds[own]
    return np.stack([np.interp(seconds + shift, seconds, column) for column in frames.readings[own].T], axis=1)


def turning(frames: Frames, session: str) -> Floats:
    """Return how fast the scene moves sideways around each frame, as the gyroscope's mean over half a second each way.

    The shift between neighbouring frames is that at which the brightness of their columns, above the road, correlates
    best; in pixels a second, float64 [frames].
    """
    own = np.flatnonzero(frames.session == session)
    profiles = []
    for place in own:
        with Image.open(frames.paths[place]) as picture:
            profiles.append(np.asarray(picture.convert("L"), dtype=np.float64)[15:55].mean(axis=0))
    seconds = frames.seconds[own]
    speeds = np.array([sideways(*pair) for pair in pairwise(profiles)]) / np.diff(seconds)
    middles = (seconds[1:] + seconds[:-1]) / 2
    near = [np.abs(middles - moment) <= 0.5 for moment in seconds]
    return np.array(
        [speeds[each].mean() if each.any() else speeds[min(n, len(speeds) - 1)] for n, each in enumerate(near)]
    )


def sideways(before: Floats, after: Floats, furthest: int = 25) -> int:
    """Return by how many pixels a row of brightness has moved."""

    def likeness(shift: int) -> float:
        width = len(before) - abs(shift)
        return float(np.corrcoef(before[max(shift, 0) :][:width], after[max(-shift, 0) :][:width])[0, 1])

    return max(range(-furthest, furthest + 1), key=likeness)


def print_precision(frames: Frames, first: list[Answer]) -> None:
    """Print how far a reading is known from one a few frames earlier, and from predictions as good as the regression's.

    The latter are a session's readings with noise, so that each column correlates with its reading as it does for the
    regression, with the best that a prediction can make of it; twice as many columns of noise would change nothing.
    """
    generator = np.random.default_rng(0)
    rows: dict[str, list[dict[str, Floats]]] = {}
    for session, answer in zip(frames.sessions, first, strict=True):
        own = frames.readings[frames.session == session]
        actual = (own - own.mean(axis=0)) / own.std(axis=0)
        rows.setdefault("the regression", []).append(answer.ranks())
        for name, least in (("noise as good as the regression", 0.0), ("noise, every column at least 0.7", 0.7)):
            known = np.maximum(answer.correlations(), least)
            noise = generator.standard_normal(actual.shape)
            guess = known * (known * actual + np.sqrt(1 - known**2) * noise)
            rows.setdefault(name, []).append(Answer(guess, actual).ranks())
        for lag in LAGS:
            earlier = Answer(np.roll(actual, lag, axis=0), actual)
            rows.setdefault(f"the reading {lag} frames earlier", []).append(earlier.ranks())
    print(f"\nWhat would be enough, in pools of {POOL}.\n")
    print_ranks(rows)
