"""What all methods are asked: the corpus of each fold and the topics of its test split."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from ntcir.ablation.grid import Plan
from ntcir.config import Config
from ntcir.corpora.corpus import Corpus
from ntcir.encoders import open_rows
from ntcir.encoders.frozen import FrozenEncoder
from ntcir.features.corpus_folder import corpus_folder
from ntcir.features.store import signature
from ntcir.formats.topics import Topic, TopicSet
from ntcir.modalities import modality
from ntcir.model.split_ranks import mean_of
from ntcir.sampling.galleries import WholeSplit
from ntcir.sampling.pools import largest_pools
from ntcir.sampling.topics import build_topics
from ntcir.sampling.whole_topics import whole_topics
from ntcir.scoring import random_reciprocal_rank
from ntcir.system.errors import UserError, some
from ntcir.training.preparation import check_in_time, require_pictures
from ntcir.training.start import check_start
from ntcir.workspace import read_corpus

_PATH = "path"  # the column of a picture's file


@dataclass(frozen=True)
class Fold:
    """A way to split the corpus, and its topics.

    Attributes:
        name: empty where there is but one way.
        corpus: with the splits.
        topics: drawn from the test split.
        folder: where the topics were written.
        items: those that are trained on, validated on, asked with and ranked, by modality.
        digest: of all that a result depends on here: pairs, items, topics.
        clusters: by direction, which topics are no draws of their own, as those of one picture's captions are: a number
            for each, in the order of their ids; none where each topic is its own.
    """

    name: str
    corpus: Corpus
    topics: TopicSet
    folder: Path
    items: dict[str, list[str]]
    digest: str
    clusters: dict[str, np.ndarray] = field(default_factory=dict)

    def chances(self) -> dict[str, list[float]]:
        """Return by direction the reciprocal rank that a random order would give each topic on average."""
        whole = self.corpus.split("test")
        found = {}
        for direction, topics in self.topics.by_direction().items():
            answers = whole[topics[0].direction.answer.name].nunique()
            best = mean_of(self.corpus) == "best"
            found[direction] = [
                random_reciprocal_rank(
                    len(self.topics.pools.get(topic.topic_id, ())) or answers,
                    len(self.topics.relevant[topic.topic_id]) if best else 1,
                )
                for topic in topics
            ]
        return found

    def check(self, config: Config, method: str) -> None:
        """Check that the corpus has the items that a method's configuration asks for, and negatives to learn from.

        Networks are not loaded: see ``ntcir.ablation.stores``.

        Raises:
            UserError: naming the method and what is missing.
        """
        try:
            if config.solved is None:
                require_pictures(config)
            check_start(config)
            for name in config.pair:
                if config.towers.of(name).encoder != FrozenEncoder.kind:
                    open_rows(config, self.corpus, name)
            if len(self.corpus.split("train")) > 1:
                check_in_time(config, self.corpus)
        except UserError as error:
            raise UserError(f"The method '{method}': {error}") from error


def open_folds(plan: Plan, folder: Path) -> list[Fold]:
    """Read the corpus of each fold, and draw and write its topics.

    Args:
        plan: resolved.
        folder: of the ablation.

    Raises:
        UserError: if a split has not enough pairs.
    """
    folds = []
    configs = {fold: config for (_, _, fold), config in plan.configs.items()}  # all have the same data section
    for name, config in configs.items():
        corpus = read_corpus(config)
        topics = _draw(plan, corpus, f" of the fold '{name}'" * bool(name))
        place = folder / "topics" / (plan.slugs["folds"][name] if name else "")
        topics.save(place)
        items = {side: _items(corpus, topics, side) for side in plan.pair}
        digest = _digest(corpus, config.features.store, topics, items)
        folds.append(Fold(name, corpus, topics, place, items, digest, _clusters(corpus, topics, plan.pair)))
    return folds


def _clusters(corpus: Corpus, topics: TopicSet, pair: Sequence[str]) -> dict[str, np.ndarray]:
    """Return ``Fold.clusters``."""
    if not topics.items or not corpus.shared_are_positive:
        return {}
    whole = WholeSplit.of(corpus.split("test"), pair)
    of_item = {name: dict(zip(whole.items[name], numbers, strict=True)) for name, numbers in whole.clusters().items()}
    return {
        direction: np.array(
            [
                of_item[topic.direction.query.name][topics.items[topic.topic_id]]
                for topic in sorted(some, key=lambda topic: topic.topic_id)
            ]
        )
        for direction, some in topics.by_direction().items()
    }


def _items(corpus: Corpus, topics: TopicSet, name: str) -> list[str]:
    """Return the items of a modality that are trained on, validated on, asked with and ranked."""
    if topics.items:
        return corpus.pairs.loc[corpus.pairs["split"].isin(["train", "val", "test"]), name].unique().tolist()
    used = corpus.pairs[corpus.pairs["split"].isin(["train", "val"])]
    asked = [item for topic in topics.topics if topic.direction.query.name == name for item in _asked(topic, corpus)]
    pooled = [
        item for topic in topics.topics if topic.direction.answer.name == name for item in topics.pools[topic.topic_id]
    ]
    return list(dict.fromkeys([*used[name], *asked, *pooled]))


def _asked(topic: Topic, corpus: Corpus) -> list[str]:
    """Return the item that a topic asks with, none where it gives the item in full."""
    known = corpus.tables[topic.direction.query.name].index
    return [topic.query] if isinstance(topic.query, str) and topic.query in known else []


def _draw(plan: Plan, corpus: Corpus, where: str) -> TopicSet:
    """Draw topics from the test split; what it lacks is reported in the grid's words."""
    for split in ("train", "test"):
        if corpus.split(split).empty:
            raise UserError(f"The {split} split{where} has no pair in {corpus.root}: see data.split.")
    corpus.require_pair(plan.pair)
    pairs, chosen = corpus.split("test"), plan.grid.topics
    if not corpus.grouped:
        if chosen.per_day is not None or chosen.skip_short_days:
            key = "topics.per_day" if chosen.per_day is not None else "topics.skip_short_days"
            raise UserError(
                f"{plan.path}: {key} means nothing for {corpus.root}, which has no days or sessions: leave it out, or "
                "give topics.number."
            )
        return whole_topics(corpus, pair=plan.pair, number=chosen.number, pool=chosen.pool, seed=chosen.seed)
    if chosen.number is not None:
        raise UserError(
            f"{plan.path}: topics.number is for corpora without days or sessions, and {corpus.root} has some: give "
            "topics.per_day."
        )
    sizes = largest_pools(pairs, plan.pair)
    short = [f"{group} ({size})" for group, size in sizes.items() if size < max(plan.pool, plan.per_day)]
    if short and (not chosen.skip_short_days or len(short) == len(sizes)):
        items = " and ".join(modality(side).plural for side in plan.pair)
        raise UserError(
            f"Pools of {plan.pool} and {plan.per_day} topics a day need more {items} than there are in {some(short)} "
            f"in the test split{where}: set topics.pool to {min(sizes.values())} or less, or topics.skip_short_days."
        )
    return build_topics(
        corpus,
        pairs,
        pool=plan.pool,
        per_day=plan.per_day,
        seed=chosen.seed,
        skip_short=chosen.skip_short_days,
        pair=plan.pair,
    )


def _digest(corpus: Corpus, store: Path, topics: TopicSet, items: Mapping[str, list[str]]) -> str:
    """Return what changes whenever a result could.

    Of pictures that is the state of their files, of other items what the table has of them.
    """
    pictured = [name for name in items if modality(name).pictured and _PATH in corpus.tables[name]]
    # Which mean is taken of several partners counts where it is not that of earlier versions.
    mean = [mean_of(corpus)] if corpus.shared_are_positive else []
    digest = hashlib.sha256(json.dumps([corpus.layout, corpus.groups_are_days, *mean]).encode())
    pairs = corpus.pairs[corpus.pairs["split"].isin(["train", "val", "test"])]
    others = [corpus.tables[name].loc[list(dict.fromkeys(pairs[name]))] for name in items if name not in pictured]
    for table in (pairs.astype({"split": str}), *others):
        digest.update(json.dumps([str(column) for column in table.columns]).encode())
        digest.update(pd.util.hash_pandas_object(table).to_numpy().tobytes())
    for name, concepts in sorted(corpus.categories.items()):
        digest.update(json.dumps([name, [str(concept) for concept in concepts.columns]]).encode())
        digest.update(concepts.to_numpy(dtype="float32").tobytes())
    for name in pictured:
        paths = corpus.tables[name][_PATH].reindex(items[name])
        digest.update(json.dumps([items[name], [signature(path) for path in paths]]).encode())
        stored = corpus_folder(store, corpus.picturing(name)).name
        if stored != corpus.name:  # another corpus has files of the same names and states
            digest.update(stored.encode("utf-8", "surrogateescape"))
    asked = [[topic.topic_id, topic.query] for topic in topics.topics]
    # One relevant document is written as itself, as in digests from before there could be several.
    relevant = {topic: found[0] if len(found) == 1 else found for topic, found in topics.relevant.items()}
    digest.update(json.dumps([asked, topics.pools, relevant]).encode())
    return digest.hexdigest()


def digest_of_data(corpus: Corpus, store: Path, items: Mapping[str, list[str]]) -> str:
    """Return what changes whenever the pairs of a corpus's splits or the items that are used of it do, topics aside."""
    return _digest(corpus, store, TopicSet([], {}, {}), items)
