"""What all methods are asked: the corpus of each fold and the topics of its test split."""

from __future__ import annotations

import hashlib
import json
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
        topics = _draw(plan, corpus, f" of the fold '{name}'" * bool(name))
        place = folder / "topics" / (plan.slugs["folds"][name] if name else "")
        topics.save(place)
        used = corpus.pairs[corpus.pairs["split"].isin(["train", "val"])]
        image = modality("image")
        asked = [topic.query for topic in topics.topics if topic.direction.query is image]
        pooled = [
            item for topic in topics.topics if topic.direction.answer is image for item in topics.pools[topic.topic_id]
        ]
        images = list(dict.fromkeys([*used["image"], *asked, *pooled]))
        store = corpus_folder(config.features.store, corpus)
        folds.append(Fold(name, corpus, topics, place, images, _digest(corpus, store, topics, images)))
    return folds


def _draw(plan: Plan, corpus: Corpus, where: str) -> TopicSet:
    """Draw topics from the test split; what it lacks is said in the grid's words."""
    for split in ("train", "test"):
        if corpus.split(split).empty:
            raise UserError(f"The {split} split{where} has no pair in {corpus.root}: see data.split.")
    pairs, chosen = corpus.split("test"), plan.grid.topics
    minutes = pairs.groupby("group", sort=False)["sensor"].nunique()
    short = minutes[minutes < max(plan.pool, plan.per_day)]
    if len(short) and (not chosen.skip_short_days or len(short) == len(minutes)):
        listed = some(f"{group} ({number})" for group, number in short.items())
        raise UserError(
            f"Pools of {plan.pool} and {plan.per_day} topics a day are more than the minutes with photographs of "
            f"{listed} in the test split{where}: set topics.pool to {minutes.min()} or less, or topics.skip_short_days."
        )
    return build_topics(
        corpus, pairs, pool=plan.pool, per_day=plan.per_day, seed=chosen.seed, skip_short=chosen.skip_short_days
    )


def _digest(corpus: Corpus, store: Path, topics: TopicSet, images: list[str]) -> str:
    """Return what changes whenever a result could."""
    digest = hashlib.sha256(json.dumps([corpus.layout, corpus.groups_are_days]).encode())
    pairs = corpus.pairs[corpus.pairs["split"].isin(["train", "val", "test"])]
    minutes = list(dict.fromkeys(pairs["sensor"]))
    for table in (pairs.astype({"split": str}), corpus.sensors.loc[minutes]):
        digest.update(json.dumps([str(column) for column in table.columns]).encode())
        digest.update(pd.util.hash_pandas_object(table).to_numpy().tobytes())
    paths = corpus.images["path"].reindex(images)
    digest.update(json.dumps([images, [signature(path) for path in paths]]).encode())
    if store.name != corpus.name:  # another corpus has files of the same names and states
        digest.update(store.name.encode("utf-8", "surrogateescape"))
    asked = [[topic.topic_id, topic.query] for topic in topics.topics]
    # One relevant document is written as itself, as in digests from before there could be several.
    relevant = {topic: found[0] if len(found) == 1 else found for topic, found in topics.relevant.items()}
    digest.update(json.dumps([asked, topics.pools, relevant]).encode())
    return digest.hexdigest()
