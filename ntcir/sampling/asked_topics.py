"""The topics that somebody asks for, drawn as the corpus allows: by day, or of a whole split."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ntcir.config import Config
from ntcir.corpora.corpus import Corpus
from ntcir.formats.topics import TopicSet
from ntcir.sampling.topics import build_topics, topic_pairs
from ntcir.sampling.whole_topics import whole_topics
from ntcir.system.errors import UserError


@dataclass(frozen=True)
class TopicRequest:
    """What is typed of ``ntcir build-topics``; None for what is left open.

    Attributes:
        first: the first day.
        last: the last day, included.
        pool: candidates a topic.
        per_day: topics a direction and day.
        number: topics a direction.
        seed: fixes the draw.
        skip_short: leave out days with too few items for the pool.
    """

    first: dt.date | None = None
    last: dt.date | None = None
    pool: int | None = None
    per_day: int | None = None
    number: int | None = None
    seed: int = 0
    skip_short: bool = False


def draw_topics(corpus: Corpus, request: TopicRequest, config: Config) -> TopicSet:
    """Draw topics from a corpus.

    Args:
        corpus: with splits.
        request: as typed.
        config: has the pair, and what is left open.

    Raises:
        UserError: if the corpus cannot give such topics.
    """
    if not corpus.grouped:
        by_day = {
            "--from": request.first, "--to": request.last, "--topics-per-day": request.per_day,
            "--skip-short-days": request.skip_short,
        }  # fmt: skip
        if typed := [option for option, value in by_day.items() if value]:
            raise UserError(
                f"{corpus.root} has no days or sessions, so {typed[0]} means nothing there: its topics are all items "
                "of the test split, or a sample of them with --topics N."
            )
        return whole_topics(corpus, pair=config.pair, number=request.number, pool=request.pool, seed=request.seed)
    if request.number is not None:
        raise UserError(
            f"--topics is for corpora without days or sessions, and {corpus.root} has some: give the number for each "
            "with --topics-per-day."
        )
    return build_topics(
        corpus,
        topic_pairs(corpus, request.first, request.last),
        pair=config.pair,
        pool=request.pool or config.topics.pool,
        per_day=request.per_day or config.topics.per_day,
        seed=request.seed,
        skip_short=request.skip_short,
    )
