"""What all methods are asked: the corpus of each fold and the topics of its test split."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ntcir.ablation.grid import Plan
from ntcir.config import Config
from ntcir.corpora.corpus import Corpus
from ntcir.encoders.presets import chosen_columns
from ntcir.features.corpus_folder import corpus_folder
from ntcir.features.store import signature
from ntcir.formats.topics import TopicSet
from ntcir.modalities import modality
from ntcir.modalities.image import IMAGE
from ntcir.sampling.pools import largest_pools
from ntcir.sampling.topics import build_topics
from ntcir.system.errors import UserError, some
from ntcir.training.preparation import check_in_time
from ntcir.workspace import read_corpus


@dataclass(frozen=True)
class Fold:
    """A way to split the corpus, and its topics.

    Attributes:
        name: empty where there is but one way.
        corpus: with the splits.
        topics: drawn from the test split.
        folder: where the topics were written.
        images: the photographs that are trained on, validated on and asked for.
        digest: of all that a result depends on here: pairs, readings, photographs, topics.
    """

    name: str
    corpus: Corpus
    topics: TopicSet
    folder: Path
    images: list[str]
    digest: str

    def check(self, config: Config, method: str) -> None:
        """Check that the corpus has the readings that a method's configuration asks for, and negatives to learn from.

        Raises:
            UserError: naming the method and what it lacks.
        """
        try:
            columns = chosen_columns(config.sensors, self.corpus.sensors, self.corpus.layout)
            self.corpus.require_columns(columns.names)
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
        topics = _draw(plan, corpus, config.pair, f" of the fold '{name}'" * bool(name))
        place = folder / "topics" / (plan.slugs["folds"][name] if name else "")
        topics.save(place)
        images = _images(corpus, config.pair, topics)
        store = corpus_folder(config.features.store, corpus) if images else config.features.store / corpus.name
        folds.append(Fold(name, corpus, topics, place, images, _digest(corpus, config.pair, store, topics, images)))
    return folds


def _images(corpus: Corpus, pair: Sequence[str], topics: TopicSet) -> list[str]:
    """Return the photographs that are trained on, validated on and asked for; none if the pair has none."""
    if IMAGE.name not in pair:
        return []
    used = corpus.pairs.loc[corpus.pairs["split"].isin(["train", "val"]), IMAGE.name]
    asked = [topic.query for topic in topics.topics if topic.direction.query is IMAGE]
    ranked = [topic.topic_id for topic in topics.topics if topic.direction.answer is IMAGE]
    return list(dict.fromkeys([*used, *asked, *(item for topic in ranked for item in topics.pools[topic])]))


def _draw(plan: Plan, corpus: Corpus, pair: Sequence[str], where: str) -> TopicSet:
    """Draw topics from the test split; what it lacks is said in the grid's words."""
    for split in ("train", "test"):
        if corpus.split(split).empty:
            raise UserError(f"The {split} split{where} has no pair in {corpus.root}: see data.split.")
    corpus.require_pair(pair)
    pairs, chosen = corpus.split("test"), plan.grid.topics
    sizes = largest_pools(pairs, pair)
    short = [f"{group} ({size})" for group, size in sizes.items() if size < max(plan.pool, plan.per_day)]
    if short and (not chosen.skip_short_days or len(short) == len(sizes)):
        items = " and ".join(modality(side).plural for side in pair)
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
        pair=pair,
    )


def _digest(corpus: Corpus, pair: Sequence[str], store: Path, topics: TopicSet, images: list[str]) -> str:
    """Return what changes whenever a result could."""
    digest = hashlib.sha256(json.dumps([corpus.layout, corpus.groups_are_days]).encode())
    pairs = corpus.pairs[corpus.pairs["split"].isin(["train", "val", "test"])]
    others = [name for name in pair if name != IMAGE.name]  # photographs are known by their files
    tables = [corpus.tables[name].loc[list(dict.fromkeys(pairs[name]))] for name in others]
    for table in (pairs.astype({"split": str}), *tables):
        digest.update(json.dumps([str(column) for column in table.columns]).encode())
        digest.update(pd.util.hash_pandas_object(table).to_numpy().tobytes())
    paths = corpus.images["path"].reindex(images).tolist() if images else []
    digest.update(json.dumps([images, [signature(path) for path in paths]]).encode())
    if store.name != corpus.name:  # another corpus has files of the same names and states
        digest.update(store.name.encode("utf-8", "surrogateescape"))
    asked = [[topic.topic_id, topic.query] for topic in topics.topics]
    # One relevant document is written as itself, as in digests from before there could be several.
    relevant = {topic: found[0] if len(found) == 1 else found for topic, found in topics.relevant.items()}
    digest.update(json.dumps([asked, topics.pools, relevant]).encode())
    return digest.hexdigest()
