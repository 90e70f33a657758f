"""Topics in, a ranked run out: queries and candidates encoded by a model, scored and written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ntcir.corpora.corpus import Corpus
from ntcir.encoders import open_pair
from ntcir.encoders.encoder import Rows
from ntcir.formats.runs import format_ranking
from ntcir.formats.topics import Topic
from ntcir.modalities import Direction
from ntcir.model.model import Model
from ntcir.retrieval.asking import pairs_of
from ntcir.retrieval.items import Items
from ntcir.search.ranking import rank_all, score_candidates, top_k
from ntcir.system.errors import UserError, some
from ntcir.system.progress import say

# The least cosine there is, and so the score of a candidate that cannot be read where scores are cosines.
WORST = np.float32(-1.0)

_Ranking = tuple[np.ndarray, np.ndarray]  # ids and scores, float32, best first


class Retriever:
    """Answers topics about a corpus with a trained model.

    Args:
        model: trained.
        corpus: has the candidates.
        rows: of the corpus's items by modality, where they are opened already.

    Raises:
        UserError: if the corpus lacks what the model was trained on, or the networks' weights are others.
    """

    def __init__(self, model: Model, corpus: Corpus, rows: Mapping[str, Rows] | None = None) -> None:
        self._model, self._corpus = model, corpus
        self._rows = rows or open_pair(model.config, corpus, model.encoders)

    def run(
        self, topics: Sequence[Topic], pools: Mapping[str, Sequence[str]] | None, *, tag: str, depth: int, split: str
    ) -> Iterator[str]:
        """Yield each topic's ranking as TREC lines.

        Args:
            topics: what is asked.
            pools: the candidates of each topic, all of which are ranked; None ranks the whole split to a depth.
            tag: the last column.
            depth: how many documents a topic, without pools.
            split: which split, without pools; ``all`` for the whole corpus.

        Raises:
            UserError: if a query or a candidate is unknown, or no topic can be answered.
        """
        candidates = self._candidates(topics, pools, split)
        named = self._named(topics)
        queries = self._given(topics, named)
        documents = self._documents(topics, candidates, named)
        for topic in topics:
            items = documents[topic.direction.query.name]
            if (item := named.get(topic.topic_id)) is not None and item in items.position:
                queries[topic.topic_id] = items.vectors.vectors[items.position[item]]
        queries = {topic: self._model.as_queries(vector) for topic, vector in queries.items()}
        asked = self._readable(topics, queries)
        for answers in {topic.direction.answer.name for topic in asked}:
            documents[answers] = documents[answers].as_documents(self._model, answers)
        worst = worst_score(self._model)
        if pools is None:
            yield from self._rank_split(asked, queries, candidates, documents, depth, tag, worst)
            return
        for topic in asked:
            ids = np.asarray(candidates[topic.topic_id], dtype=object)
            there, vectors, twins = documents[topic.direction.answer.name].pick(ids)
            scores = np.full(len(ids), worst, dtype=np.float32)
            scores[there] = score_candidates(queries[topic.topic_id], vectors, twins)
            best = top_k(scores, ids, len(ids))
            yield format_ranking(topic.topic_id, ids[best].tolist(), scores[best], tag)

    @staticmethod
    def _rank_split(
        topics: Sequence[Topic],
        queries: Mapping[str, np.ndarray],
        candidates: Mapping[str, Sequence[str]],
        documents: Mapping[str, Items],
        depth: int,
        tag: str,
        worst: np.float32,
    ) -> Iterator[str]:
        """Yield the rankings of topics whose candidates are the same within a direction."""
        rankings: dict[Direction, Iterator[_Ranking]] = {}
        for direction in dict.fromkeys(topic.direction for topic in topics):
            asked = [topic.topic_id for topic in topics if topic.direction == direction]
            ids = np.asarray(candidates[asked[0]], dtype=object)
            vectors = np.stack([queries[topic] for topic in asked])
            rankings[direction] = _rank(vectors, documents[direction.answer.name], ids, depth, worst)
        for topic in topics:
            best, scores = next(rankings[topic.direction])
            yield format_ranking(topic.topic_id, best.tolist(), scores, tag)

    def _candidates(
        self, topics: Sequence[Topic], pools: Mapping[str, Sequence[str]] | None, split: str
    ) -> dict[str, Sequence[str]]:
        if pools is None:
            pairs = pairs_of(self._corpus, split)
            whole = {name: pairs[name].unique().tolist() for name in self._model.config.pair}
            return {topic.topic_id: whole[topic.direction.answer.name] for topic in topics}
        for topic in topics:
            if topic.topic_id not in pools:
                raise UserError(
                    f"The topic {topic.topic_id} has no pool: add its candidates to the pools file, "
                    "or rank a whole split with --pools none."
                )
            table = self._corpus.tables[topic.direction.answer.name]
            unknown = [item for item in pools[topic.topic_id] if item not in table.index]
            if unknown:
                raise UserError(
                    f"The pool of {topic.topic_id} has documents that are not in {self._corpus.root}: "
                    f"{some(unknown)}; do topics and data belong to the same corpus?"
                )
        return {topic.topic_id: pools[topic.topic_id] for topic in topics}

    def _named(self, topics: Sequence[Topic]) -> dict[str, str | None]:
        """Return topic id -> the item of the corpus that it asks with, None where the query is given in full."""
        named = {}
        for topic in topics:
            try:
                named[topic.topic_id] = self._rows[topic.direction.query.name].named(topic.query)
            except UserError as error:
                raise UserError(f"The topic {topic.topic_id} asks for {error}.") from error
        return named

    def _given(self, topics: Sequence[Topic], named: Mapping[str, str | None]) -> dict[str, np.ndarray]:
        """Return topic id -> unit vector of the queries that are given in full and can be read."""
        vectors: dict[str, np.ndarray] = {}
        for modality, rows in self._rows.items():
            queries = {
                topic.topic_id: topic.query
                for topic in topics
                if topic.direction.query.name == modality and named[topic.topic_id] is None
            }
            for read, encoded in rows.encode(queries):
                vectors |= dict(zip(read, self._model.unit_vectors(modality, encoded), strict=True))
        return vectors

    def _documents(
        self, topics: Sequence[Topic], candidates: Mapping[str, Sequence[str]], named: Mapping[str, str | None]
    ) -> dict[str, Items]:
        """Return the candidates of all topics, encoded, by modality.

        Items that are asked with are among them, so that one that cannot be read ends nothing.
        """
        wanted: dict[str, set[str]] = {modality: set() for modality in self._rows}
        seen: set[int] = set()
        for topic in topics:
            ranked = candidates[topic.topic_id]
            if id(ranked) not in seen:  # of a whole split, all topics of a direction have the same list
                seen.add(id(ranked))
                wanted[topic.direction.answer.name].update(ranked)
            item = named[topic.topic_id]
            if item is not None:
                wanted[topic.direction.query.name].add(item)
        return {
            modality: Items.encoded(self._model, modality, rows, sorted(wanted[modality]))
            for modality, rows in self._rows.items()
        }

    def _readable(self, topics: Sequence[Topic], queries: Mapping[str, np.ndarray]) -> list[Topic]:
        """Return the topics whose query has a vector.

        Raises:
            UserError: if there is none.
        """
        silent = [topic for topic in topics if topic.topic_id not in queries]
        if silent:
            ids = some([topic.topic_id for topic in silent])
            asks = silent[0].direction.query
            if not queries:
                raise UserError(f"No topic can be answered: none of their {asks.plural} can be read ({ids}).")
            say(f"WARNING: {len(silent)} topics are left out because their {asks.noun} cannot be read: {ids}.")
        return [topic for topic in topics if topic.topic_id in queries]


def worst_score(model: Model) -> np.float32:
    """Return the least score there is, that of a candidate that cannot be read: no hubness is above 1."""
    return np.float32(WORST - np.float32(model.config.hubness.beta))


def _rank(queries: np.ndarray, items: Items, ids: np.ndarray, depth: int, worst: np.float32) -> Iterator[_Ranking]:
    """Yield for each query the best of the items ``ids``, of which those that cannot be read have the worst score."""
    there, vectors, twins = items.pick(ids)
    readable = ids[there]
    unread = np.sort(ids[~there])[::-1][:depth]
    lowest = np.full(len(unread), worst, dtype=np.float32)
    for best, scores in rank_all(queries, vectors, twins, readable, depth):
        found, values = np.concatenate([readable[best], unread]), np.concatenate([scores, lowest])
        if len(unread):
            order = top_k(values, found, depth)
            found, values = found[order], values[order]
        yield found, values
