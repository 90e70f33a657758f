"""A bundle tried as the organisers will run it, but on a small input and outside a container."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ntcir.submission.cleanroom import CleanRoom
from ntcir.submission.layout import INPUT, OUTPUT, ImageLayout, listing
from ntcir.submission.requirements import ROOTS
from ntcir.submission.sums import changed_since
from ntcir.system.errors import UserError
from ntcir.system.temporaries import TemporaryFolder

HEADER = ["group_id", "run_id", "topic_id", "dmr_minute_id", "score"]
TOLERANCE = 1e-4  # between a score in the bundle and one here: a kernel may add in another order
_SECONDS = 1800.0
_LINES = 4  # of the end of what a failed submission wrote

Scores = dict[tuple[str, str], float]


def rehearse(bundle: Path, source: Path, group: str, run: str, roots: Sequence[str] = ROOTS) -> bool:
    """Run a bundle's ``submission.sh`` on its example in a clean environment, and compare with the model's own answer.

    It is run twice, in copies of the image's folders: as ``./submission.sh`` where folders are mounted below ``/app``,
    and as ``~/submission.sh`` where one is mounted over all of it. The answer is left as ``example/expected.csv``.

    Args:
        bundle: its folder.
        source: the folder of the model that it was made of.
        group: the group id.
        run: the run id.
        roots: the distributions that the image has, with all that they need.

    Returns:
        Whether the network was taken away, which not all systems allow.

    Raises:
        UserError: if it fails, scores other candidates than it was given or gives other scores, or writes where it
            should not.
    """
    example = bundle / "example" / "input.json"
    wanted = [(str(record["topic_id"]), str(record["dmr_minute_id"])) for record in json.loads(example.read_bytes())]
    with TemporaryFolder("ntcir-rehearsal-") as folder:
        room = CleanRoom(folder / "room", next(bundle.glob("*.whl")), roots)
        layouts = [ImageLayout(folder / "below", bundle, False), ImageLayout(folder / "covered", bundle, True)]
        found = [_scores(_play(room, bundle, example, layout), group, run, wanted) for layout in layouts]
        expected = folder / "expected.csv"
        _predict_here(example, expected, source, group, run)
        right = _scores(expected, group, run, wanted)
        for scores in found:
            _compare(scores, right)
        if changed := changed_since(bundle):
            raise _failure(f"{changed[0]} differs from what was written")
        shutil.copyfile(expected, bundle / "example" / expected.name)
    return room.isolated


def _play(room: CleanRoom, bundle: Path, example: Path, layout: ImageLayout) -> Path:
    """Run the bundle's script as the organisers do, and return the file it wrote."""
    shutil.copyfile(example, layout.app / INPUT)
    before = listing(bundle) | layout.listing()
    try:
        result = room.run(layout.command, layout.app, _SECONDS, layout.variables)
    except subprocess.TimeoutExpired as error:
        raise _failure(f"submission.sh did not finish within {_SECONDS:.0f} s") from error
    if result.returncode:
        said = _last_words(result.stderr).replace(f"{bundle.absolute()}{os.sep}", "")
        raise _failure(f"submission.sh ended with exit code {result.returncode}: {said}")
    output = layout.app / OUTPUT
    if not output.is_file():
        raise _failure("submission.sh succeeded but wrote no output file")
    if changed := before ^ (listing(bundle) | layout.listing()):
        raise _failure(f"submission.sh wrote something else than its output: {min(changed)[0]}")
    return output


def _last_words(text: str) -> str:
    """Return the last output of a failed submission: its one sentence, or else the last few lines."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines and lines[-1].startswith("Error: "):
        return lines[-1].removeprefix("Error: ")
    return " | ".join(lines[-_LINES:]) or "no message"


def _predict_here(example: Path, target: Path, source: Path, group: str, run: str) -> None:
    from ntcir.submission.predict import predict

    with contextlib.redirect_stderr(io.StringIO()):  # its remarks were made when the bundle was made
        predict(str(example), str(target), source, group=group, run=run)


def _scores(path: Path, group: str, run: str, wanted: list[tuple[str, str]]) -> Scores:
    """Read an output file and check it as a whole.

    Raises:
        UserError: if it is not the header and one finite score for each (topic, candidate) wanted, under the ids.
    """
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    if header != HEADER:
        raise _failure(f"the output begins with {','.join(header)!r} instead of {','.join(HEADER)}")
    scores: Scores = {}
    for row in rows:
        if len(row) != len(HEADER) or row[:2] != [group, run]:
            raise _failure(f"the output has the line {','.join(row)!r}, which is not a score of {group}-{run}")
        key = (row[2], row[3])
        if key in scores:
            raise _failure(f"the output has candidate {key[1]} of topic {key[0]} twice")
        scores[key] = _number(row[4])
        if not math.isfinite(scores[key]):
            raise _failure(f"the output scores candidate {key[1]} of topic {key[0]} {row[4]!r}, which is not a number")
    if other := set(wanted) ^ set(scores):
        topic, candidate = min(other)
        word = "lacks" if (topic, candidate) in set(wanted) else "has"
        raise _failure(f"the output {word} candidate {candidate} of topic {topic}, unlike the input")
    return scores


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _compare(found: Scores, expected: Scores) -> None:
    worst = max(found, key=lambda key: abs(found[key] - expected[key]))
    if abs(found[worst] - expected[worst]) > TOLERANCE:
        raise _failure(
            f"candidate {worst[1]} of topic {worst[0]} has the score {found[worst]:.6g} in the bundle and "
            f"{expected[worst]:.6g} here"
        )


def _failure(what: str) -> UserError:
    return UserError(f"The rehearsal failed, so no bundle was made: {what.rstrip('.')}.")
