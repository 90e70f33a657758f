"""One seed on one fold: trained from each count of iterations to the next, and asked the topics."""

from __future__ import annotations

import shutil
from pathlib import Path

from ntcir.ablation.folds import Fold
from ntcir.ablation.results import Result
from ntcir.config import Config, load_config
from ntcir.formats.topics import POOLS, QRELS, TOPICS
from ntcir.model.folder import CARD, CONFIG, WEIGHTS
from ntcir.model.model import Model
from ntcir.model.split_ranks import mean_of
from ntcir.model.trained import LAST, read_progress
from ntcir.retrieval.evaluating import reciprocal_ranks
from ntcir.retrieval.retriever import Retriever
from ntcir.scoring import score
from ntcir.system.errors import UserError
from ntcir.system.files import atomic_write
from ntcir.system.plain_json import parse_object
from ntcir.system.regular import read_regular
from ntcir.training.trainer import train


def is_prefix(config: Config) -> bool:
    """Return whether a longer training begins with just this one, so that it may go on where this one ended.

    A schedule that depends on the number of steps makes other steps of the first ones; and a training validates after
    its last step, where a longer one does not unless it is a step at which one is due. What is solved has no steps.
    """
    training = config.training
    whole = training.iters % training.validate_every == 0
    return config.solved is None and training.schedule == "constant" and whole


def train_and_answer(
    config: Config, fold: Fold, folder: Path, before: Result | None, what: dict[str, object]
) -> Result:
    """Train, from a shorter training in ``folder`` if there is one, and answer the fold's topics.

    Args:
        config: resolved.
        fold: data and topics.
        folder: of the model.
        before: the result of the shorter training of which this is the continuation, if it was measured.
        what: which training it is.

    Raises:
        Interrupted: on Ctrl-C.
        UserError: if training or answering fails.
    """
    start = _resumable(config, folder)
    if start is None:
        shutil.rmtree(folder, ignore_errors=True)
    result = train(config, lambda: fold.corpus, folder, resume=start is not None)
    seconds = _whole_seconds(result.clock(), start or 0, config.training.iters, before)
    return Result(answer_topics(fold, folder), seconds, result.best_step, what)


def _resumable(config: Config, folder: Path) -> int | None:
    """Return how many steps of just this training are done in a folder; None if it must begin anew."""
    try:
        if not (folder / LAST).is_file():
            return None
        done = read_progress(folder / LAST).step
        best = parse_object(read_regular(folder / CARD))["step"] if (folder / WEIGHTS).is_file() else 0
        # A model that is ahead of the steps asked for would answer in their place.
        if max(done, best) > config.training.iters:
            return None
        theirs = load_config(folder / CONFIG).changed({"training.iters": config.training.iters})
    except (UserError, OSError, ValueError, LookupError, TypeError):  # damaged: a training costs seconds
        return None
    return done if theirs == config else None


def _whole_seconds(clock: float, start: int, iters: int, before: Result | None) -> float:
    """Return the seconds of a training of ``iters`` steps whose last piece, from ``start``, took ``clock``.

    A piece that was repeated or lost with a killed process is reckoned by the pace of the others.
    """
    known, steps = (before.seconds, int(before.what["iterations"])) if before else (0.0, 0)
    if start >= iters:
        return max(clock, known)
    return round(known + clock * (iters - steps) / (iters - max(start, 0)), 3)


def answer_topics(fold: Fold, folder: Path) -> dict[str, dict[str, float]]:
    """Return the reciprocal rank of each topic by direction, as `ntcir run` and `ntcir score` would find it.

    Where whole splits are ranked no run is written, which would be of millions of lines.

    Args:
        fold: data and topics.
        folder: of the model; the run is written there.
    """
    by_direction = fold.topics.by_direction()
    if not fold.topics.pools:
        found = reciprocal_ranks(Model.load(folder), fold.corpus, fold.corpus.split("test"))
        items = fold.topics.items
        return {
            direction: {topic.topic_id: found[direction].get(items[topic.topic_id], 0.0) for topic in topics}
            for direction, topics in by_direction.items()
        }
    retriever = Retriever(Model.load(folder), fold.corpus)
    lines = retriever.run(fold.topics.topics, fold.topics.pools, tag="ablate", depth=1, split="test")
    run = folder / "run.txt"
    atomic_write(run, "".join(lines))
    place = fold.folder
    report = score(run, place / QRELS, pools_path=place / POOLS, topics_path=place / TOPICS, mrr=mean_of(fold.corpus))
    return {
        direction: {topic.topic: topic.reciprocal_rank for topic in report.topics if topic.direction == direction}
        for direction in by_direction
    }
