"""Many topics at once, as ``search`` finds one: a whole corpus ranked for each, written as a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ntcir.corpora.corpus import Corpus
from ntcir.encoders import open_pair
from ntcir.encoders.encoder import Rows
from ntcir.formats import lifelog_run
from ntcir.formats.conversion import DEFAULT_GROUP
from ntcir.formats.runs import format_ranking
from ntcir.formats.search_topics import SearchTopic, read_search_topics
from ntcir.formats.tags import run_tag
from ntcir.modalities import Direction, directions
from ntcir.model.model import Model
from ntcir.retrieval.asking import ALL, check_split, corpus_to_ask, warn_if_interrupted
from ntcir.retrieval.galleries import gallery
from ntcir.retrieval.queries import PICTURE
from ntcir.retrieval.query_rows import encoded_query, searchable
from ntcir.search.ranking import rank_all
from ntcir.system.errors import UserError, some
from ntcir.system.progress import say
from ntcir.workspace import find_file, newest_model

BatchFormat = Literal["trec", "ntcir19"]
DEPTH = lifelog_run.MOST_IMAGES  # documents a topic, where nobody says


@dataclass(frozen=True)
class Wanted:
    """The run that is wanted.

    Attributes:
        format: of the run.
        group: the GROUP-ID; None for the default.
        run: the RUN-ID, in a TREC run the tag; made from the name of the model's folder if None.
        depth: documents a topic.
    """

    format: BatchFormat = "trec"
    group: str | None = None
    run: str | None = None
    depth: int = DEPTH

    def check(self, tag: str) -> None:
        """Check what can be checked before the work.

        Args:
            tag: of the run, as it was typed or made.

        Raises:
            UserError: if an id cannot stand in the run, or the task does not take so many documents.
        """
        if self.format == "ntcir19":
            lifelog_run.check_ids(self.group or DEFAULT_GROUP, tag)
            if self.depth > lifelog_run.MOST_IMAGES:
                most = f"at most {lifelog_run.MOST_IMAGES} images per topic"
                raise UserError(f"--k {self.depth:,} is too many: NTCIR-19 Lifelog takes {most}.")
        elif self.group is not None:
            raise UserError("--group is of NTCIR-19's format: a TREC run has no group; leave it out.")


@dataclass(frozen=True)
class _Asked:
    """A topic that can be asked: its id, which modality asks, and its vector, float32 [dim]."""

    topic_id: str
    direction: Direction
    vector: np.ndarray


def search_topics(
    topics: Path,
    model: Path | None,
    data: Path | None,
    wanted: Wanted,
    *,
    split: str | None = None,
    settings: Sequence[str] = (),
) -> str:
    """Return the whole run for a file of topics; those that cannot be asked are named on stderr.

    A topic's scores are those that ``search`` gives to its query alone.

    Args:
        topics: as typed, or under ``topics/``; ``-`` for standard input.
        model: the model's folder; the newest under ``runs/`` if None.
        data: the corpus folder; the one the model was trained on if None.
        wanted: the run.
        split: whose pairs' items are searched; if None, all items of the corpus.
        settings: as for ``run``.

    Raises:
        UserError: for anything missing or wrong, and if no topic can be asked.
    """
    check_split(split, settings)
    place = topics if str(topics) == "-" else find_file(topics)
    given = read_search_topics(place)
    folder = model or newest_model()
    tag = run_tag(wanted.run, folder, "--run-id")
    wanted.check(tag)
    trained = Model.load(folder)
    warn_if_interrupted(folder)
    say(f"Searching for {len(given)} topics of {place} with {folder} in {data or trained.config.data.path}")
    corpus, searched = corpus_to_ask(trained, folder, data, pooled=False, split=split or ALL, settings=settings)
    rows = open_pair(trained.config, corpus, trained.encoders)
    asked = list(_askable(given, place, _Asking(trained, corpus, rows, wanted.format)))
    rankings = _rankings(asked, trained, corpus, searched, rows, wanted.depth)
    if wanted.format == "trec":
        return "".join(format_ranking(topic, ids, scores, tag) for topic, ids, scores in rankings)
    if wanted.group is None:
        say(f"The GROUP-ID is {DEFAULT_GROUP}: give your own with --group before you hand the run in.")
    return lifelog_run.format_run(wanted.group or DEFAULT_GROUP, tag, rankings)


@dataclass(frozen=True)
class _Asking:
    """What it takes to make a vector of a topic."""

    model: Model
    corpus: Corpus
    rows: Mapping[str, Rows]
    format: BatchFormat

    def vector(self, topic: SearchTopic) -> _Asked:
        """Return a topic as the model is asked with it.

        Raises:
            UserError: if it cannot be, for the reason that the sentence gives.
        """
        direction = self._direction(topic)
        if self.format == "ntcir19" and not direction.answer.pictured:
            raise UserError(
                f"asked with a {direction.query.noun}, the model finds {direction.answer.plural}, but NTCIR-19 Lifelog "
                f"takes photographs: ask with {direction.answer.plural}."
            )
        asks = direction.query
        try:
            query = asks.parse(topic.query)
        except ValueError as error:
            raise UserError(f"{error}.") from error
        encoded = encoded_query(query, self.corpus, self.rows[asks.name], asks)
        vector = self.model.as_queries(self.model.unit_vectors(asks.name, encoded.row)[0])
        return _Asked(topic.topic_id, direction, vector)

    def _direction(self, topic: SearchTopic) -> Direction:
        """Return which modality asks: as it is named, or as the query tells.

        Of a query that may be words or name a picture, it is a picture if there is such a one.
        """
        both = directions(self.model.config.pair)
        if topic.direction:
            named = next((each for each in both if each.name == topic.direction), None)
            if named is None:
                can = " and ".join(each.name for each in both)
                raise UserError(f"its direction is {topic.direction}, but the model answers {can}.")
            return named
        fitting = [each for each in both if each.query.takes(topic.query)]
        if len(fitting) > 1:
            shown = [each for each in fitting if PICTURE.holds(each.query) and self._is_picture(topic.query, each)]
            fitting = shown or [each for each in fitting if not PICTURE.holds(each.query)]
        if not fitting:
            can = " or ".join(each.query.noun for each in both)
            raise UserError(f"its query is not a {can}.")
        return fitting[0]

    def _is_picture(self, query: str, direction: Direction) -> bool:
        """Return whether a query is the id of a photograph of the corpus, or the path of a file with an ending."""
        try:
            item = self.rows[direction.query.name].named(query)
        except UserError:
            return False
        return item is not None or bool(Path(query).suffix)


def _askable(topics: Sequence[SearchTopic], place: Path, asking: _Asking) -> Iterator[_Asked]:
    """Yield the topics that can be asked; the others are counted and named.

    Raises:
        UserError: if there is none.
    """
    reasons: dict[str, str] = {}
    for topic in topics:
        try:
            yield asking.vector(topic)
        except UserError as error:
            reasons[topic.topic_id] = str(error).rstrip(".")
    if not reasons:
        return
    listed = f"{some(list(reasons))} (the first: {next(iter(reasons.values()))})"
    if len(reasons) == len(topics):
        raise UserError(f"None of the {len(topics):,} topics of {place} can be asked: {listed}.")
    say(
        f"WARNING: {len(reasons):,} of {len(topics):,} topics of {place} cannot be asked, and are not in the run: "
        f"{listed}."
    )


def _rankings(
    topics: Sequence[_Asked], model: Model, corpus: Corpus, searched: str, rows: Mapping[str, Rows], depth: int
) -> Iterator[tuple[str, list[str], np.ndarray]]:
    """Yield topics in their order, with the ids and the scores, float32, of the best; each direction in one pass."""
    ids: dict[Direction, np.ndarray] = {}
    best: dict[Direction, Iterator[tuple[np.ndarray, np.ndarray]]] = {}
    for direction in dict.fromkeys(topic.direction for topic in topics):
        answers = direction.answer
        items = searchable(model, rows[answers.name], gallery(corpus, searched, answers), answers)
        queries = np.stack([topic.vector for topic in topics if topic.direction == direction])
        ids[direction] = np.asarray(list(items.position), dtype=object)
        best[direction] = rank_all(queries, items.vectors.vectors, items.vectors.twins, ids[direction], depth)
    for topic in topics:
        found, scores = next(best[topic.direction])
        yield topic.topic_id, ids[topic.direction][found].tolist(), scores
