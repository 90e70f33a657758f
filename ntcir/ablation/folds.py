"""What all methods are asked: the corpus of each fold and the topics of its test split."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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
from ntcir.sampling.pools import largest_pools
from ntcir.sampling.topics import build_topics
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
    """

    name: str
    corpus: Corpus
    topics: TopicSet
    folder: Path
    items: dict[str, list[str]]
    digest: str

    def check(self, config: Config, method: str) -> None:
        """Check that the corpus has the items that a method's configuration asks for, and negatives to learn from.

        Networks are not loaded: see ``ntcir.ablation.stores``.

        Raises:
            UserError: naming the method and what is missing.
        """
        try:
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
        folds.append(Fold(name, corpus, topics, place, items, _digest(corpus, config.features.store, topics, items)))
    return folds


def _items(corpus: Corpus, topics: TopicSet, name: str) -> list[str]:
    """Return the items of a modality that are trained on, validated on, asked with and ranked."""
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
    digest = hashlib.sha256(json.dumps([corpus.layout, corpus.groups_are_days]).encode())
    pairs = corpus.pairs[corpus.pairs["split"].isin(["train", "val", "test"])]
    others = [corpus.tables[name].loc[list(dict.fromkeys(pairs[name]))] for name in items if name not in pictured]
    for table in (pairs.astype({"split": str}), *others):
        digest.update(json.dumps([str(column) for column in table.columns]).encode())
        digest.update(pd.util.hash_pandas_object(table).to_numpy().tobytes())
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
