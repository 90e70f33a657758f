"""Topics drawn from a corpus as the poster and the organisers draw them: by day and direction, in pools of a day."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ntcir.corpora.corpus import Corpus
from ntcir.formats.columns import LONGEST
from ntcir.formats.group_labels import group_labels
from ntcir.formats.topics import Topic, TopicSet
from ntcir.modalities import Direction, directions, modality
from ntcir.sampling.pools import largest_pools, sample_pool, sample_with_partners
from ntcir.system.errors import UserError, some
from ntcir.system.progress import say


def build_topics(
    corpus: Corpus,
    pairs: pd.DataFrame,
    *,
    pair: Sequence[str],
    pool: int = 200,
    per_day: int = 1,
    seed: int = 0,
    skip_short: bool = False,
) -> TopicSet:
    """Draw topics as the poster and the organisers do: per group and direction, one pair is asked for among ``pool``.

    A pool holds each item once, all of one day (session): of a lifelog, one photograph a minute. All candidates that
    are paired with what is asked are relevant; where partners of one item are positives, as the captions of a picture
    are, all of them are candidates (as many as the pool holds). A day's topics depend on the seed and the day only.
    Ids are ``sen2img_0316``; with the year where the days span several, with a number where there are several a day.

    Args:
        corpus: where the items come from.
        pairs: what to draw from, a part of ``corpus.pairs``.
        pair: the two modalities, by name.
        pool: candidates a topic, the right one included.
        per_day: topics a direction and day.
        seed: fixes the draw.
        skip_short: leave out, and name, days with fewer distinct items than the pool or the topics need.

    Raises:
        UserError: if the corpus has no such pairs, or there is none to draw from, or there is a day with too few and it
            is not to be left out.
    """
    corpus.require_pair(pair)
    both = directions(pair)
    if pairs.empty:
        left, right = (each.query.noun for each in both)
        raise UserError(f"There is no pair of {left} and {right} in the days asked for.")
    groups = _long_enough(pairs, pool, per_day, skip_short, pair)
    ending = len(f"_{per_day}") if per_day > 1 else 0
    room = LONGEST - max(len(f"{direction.name}_") for direction in both) - ending
    labels = group_labels(list(groups), corpus.groups_are_days, room)
    drawn = TopicSet([], {}, {})
    for number, direction in enumerate(both):
        asks, answers = direction.query.name, direction.answer.name
        for name, rows in groups.items():
            generator = np.random.default_rng([seed, zlib.crc32(name.encode()), number])
            targets = sample_pool(rows, per_day, generator, pair=pair)
            for place, target in enumerate(targets, start=1):
                suffix = f"_{place:0{len(str(per_day))}d}" if per_day > 1 else ""
                topic = _topic(f"{direction.name}_{labels[name]}{suffix}", direction, rows.loc[target], corpus)
                if corpus.shared_are_positive:
                    candidates = sample_with_partners(rows, pool, generator, target, asks, answers)
                else:
                    candidates = rows.loc[
                        sample_pool(rows, pool, generator, pair=pair, target=target), answers
                    ].tolist()
                paired = set(rows.loc[rows[asks] == rows.at[target, asks], answers])
                drawn.topics.append(topic)
                drawn.pools[topic.topic_id] = candidates
                drawn.relevant[topic.topic_id] = [document for document in candidates if document in paired]
    return drawn


def _long_enough(
    pairs: pd.DataFrame, pool: int, per_day: int, skip_short: bool, pair: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """Return the pairs of each group that has enough of them for a pool.

    Raises:
        UserError: if one has not and is not to be left out, or all would be.
    """
    groups = {str(name): rows for name, rows in pairs.groupby("group", sort=False)}
    sizes = largest_pools(pairs, pair)
    short = [f"{name} ({size})" for name, size in sizes.items() if size < max(pool, per_day)]
    items = " and ".join(modality(side).plural for side in pair)
    if short and skip_short and len(short) < len(sizes):
        say(f"Left out, with fewer {items} than a pool of {pool} needs: {some(short, 40)}.")
        return {name: rows for name, rows in groups.items() if sizes[name] >= max(pool, per_day)}
    if short:
        raise UserError(
            f"A pool of {pool} (and {per_day} topics a day) needs more {items} than there are in {some(short)}: give "
            f"--pool {min(sizes.values())} or less, other days with --from and --to, or leave them out with "
            "--skip-short-days."
        )
    return groups


def _topic(topic_id: str, direction: Direction, pair: pd.Series, corpus: Corpus) -> Topic:
    # The poster's are whole minutes; of records, which may have several pairs a second, the second is kept.
    moment = pair["timestamp"].floor("min") if corpus.layout == "lifelog" else pair["timestamp"]
    asks = direction.query
    item = str(pair[asks.name])
    row = {str(column): value for column, value in corpus.tables[asks.name].loc[item].items()}
    return Topic(topic_id, f"{moment:%Y-%m-%d %H:%M:%S}", asks.ask(item, row), direction)


def topic_pairs(corpus: Corpus, first: dt.date | None, last: dt.date | None) -> pd.DataFrame:
    """Return the pairs to ask for: those of the days from ``first`` to ``last`` (UTC, included), else the test split.

    Topics on days that a model is trained on measure memory, so that is said on stderr.

    Raises:
        UserError: if there is none; the sentence names the days that there are.
    """
    pairs = corpus.pairs
    days = pairs["timestamp"].dt.strftime("%Y-%m-%d")
    if first is None and last is None:
        chosen, what = corpus.split("test"), "test split"
    else:
        if first and last and first > last:
            raise UserError(f"--from {first} is after --to {last}.")
        chosen = pairs[(days >= str(first or "")) & (days <= str(last or "9999"))]
        what = f"range {first or 'the first day'} to {last or 'the last day'}"
    if chosen.empty:
        there = f"{days.min()} to {days.max()}"
        raise UserError(f"The {what} of {corpus.root} has no pair; there are pairs from {there} (--from, --to).")
    seen = (chosen["split"] == "train").sum()
    if seen:
        say(f"WARNING: {seen} of {len(chosen)} pairs are in the training split; their topics measure memory.")
    return chosen
