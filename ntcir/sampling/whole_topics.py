"""Topics of a corpus without days or sessions: every item of a split asks, and all of the other side is ranked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ntcir.corpora.corpus import Corpus
from ntcir.formats.topics import Topic, TopicSet
from ntcir.modalities import Direction, directions
from ntcir.system.errors import UserError

_DIGITS = 6  # of the number in a topic's id


def whole_topics(
    corpus: Corpus, *, pair: Sequence[str], number: int | None = None, pool: int | None = None, seed: int = 0
) -> TopicSet:
    """Return a topic for each item of the test split, in both directions; all of its partners are relevant.

    Ids are ``txt2img_000001``, counted within a direction over the whole split; a sample has those of the whole.

    Args:
        corpus: without groups.
        pair: the two modalities, by name.
        number: topics a direction, drawn at random; all by default.
        pool: candidates a topic, its partners and others drawn at random (as many partners as there is room for); by
            default there are no pools, and whole splits are ranked.
        seed: fixes the draws.

    Raises:
        UserError: if the test split is empty, or has fewer items than a pool is to have.
    """
    corpus.require_pair(pair)
    pairs = corpus.split("test")
    if pairs.empty:
        raise UserError(f"The test split of {corpus.root} has no pair: see data.split in the configuration.")
    drawn = TopicSet([], {}, {})
    for place, direction in enumerate(directions(pair)):
        generator = np.random.default_rng([seed, place])
        asks, answers = direction.query.name, direction.answer.name
        partners = _partners(pairs, asks, answers)
        items = list(partners)
        if number is not None and number < len(items):
            chosen = np.sort(generator.choice(len(items), size=number, replace=False))
        else:
            chosen = np.arange(len(items))
        topics = _topics(corpus, direction, [items[at] for at in chosen], chosen)
        drawn.topics.extend(topics)
        drawn.items.update({topic.topic_id: items[at] for topic, at in zip(topics, chosen, strict=True)})
        right = {topic.topic_id: partners[items[at]] for topic, at in zip(topics, chosen, strict=True)}
        if pool is not None:
            pools = _pools(right, pairs[answers].unique().tolist(), pool, generator, direction, corpus)
            drawn.pools.update(pools)
            right = {topic: [item for item in found if item in set(pools[topic])] for topic, found in right.items()}
        drawn.relevant.update(right)
    return drawn


def _partners(pairs: pd.DataFrame, asks: str, answers: str) -> dict[str, list[str]]:
    """Return each item that asks with its partners, both in the order of the pairs."""
    found: dict[str, dict[str, None]] = {}
    for asked, answer in zip(pairs[asks], pairs[answers], strict=True):
        found.setdefault(asked, {})[answer] = None
    return {asked: list(answer) for asked, answer in found.items()}


def _topics(corpus: Corpus, direction: Direction, items: Sequence[str], numbers: np.ndarray) -> list[Topic]:
    asks = direction.query
    table = corpus.tables[asks.name].loc[list(items)].to_dict("records")
    return [
        Topic(
            f"{direction.name}_{at + 1:0{_DIGITS}d}", "", asks.ask(item, {str(key): row[key] for key in row}), direction
        )
        for item, at, row in zip(items, numbers.tolist(), table, strict=True)
    ]


def _pools(
    right: Mapping[str, Sequence[str]],
    candidates: Sequence[str],
    size: int,
    generator: np.random.Generator,
    direction: Direction,
    corpus: Corpus,
) -> dict[str, list[str]]:
    """Return candidates for each topic, in random order."""
    if size > len(candidates):
        raise UserError(
            f"A pool of {size} needs more {direction.answer.plural} than the {len(candidates):,} in the test split of "
            f"{corpus.root}: give a smaller --pool, or none, and all are ranked."
        )
    pools = {}
    for topic, partners in right.items():
        kept = list(partners)
        if len(kept) > size:
            kept = [kept[at] for at in generator.choice(len(kept), size=size, replace=False)]
        known = set(kept)
        # So many more are drawn as may be partners themselves.
        drawn = generator.choice(len(candidates), size=min(size + len(partners), len(candidates)), replace=False)
        others = [item for at in drawn if (item := candidates[at]) not in known and item not in partners]
        pool = [*kept, *others[: size - len(kept)]]
        pools[topic] = [pool[at] for at in generator.permutation(len(pool))]
    return pools
