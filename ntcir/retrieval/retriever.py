"""Topics in, a ranked run out: queries and candidates encoded by a model, scored and written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ntcir.corpora.corpus import SPLITS, Corpus
from ntcir.corpora.records import image_id
from ntcir.encoders.understanding import silent_columns, understood
from ntcir.features.decode import UnreadableImage
from ntcir.features.image_features import ImageFeatures
from ntcir.formats.manifest import reading_set
from ntcir.formats.runs import format_ranking, read_pools
from ntcir.formats.tags import run_tag
from ntcir.formats.topics import Topic, read_topics
from ntcir.model.model import Model, Vectors
from ntcir.retrieval.asking import check_split, corpus_to_ask
from ntcir.search.ranking import rank_all, score_candidates, top_k
from ntcir.system.errors import UserError, some
from ntcir.system.progress import say
from ntcir.training.trainer import is_finished
from ntcir.workspace import find_file, newest_model, pool_file

_BLOCK = 8192  # photographs whose features are in memory at once
WORST = np.float32(-1.0)  # the least cosine there is: the score of a candidate that cannot be read

_Ranking = tuple[np.ndarray, np.ndarray]  # ids and scores, float32, best first


@dataclass
class _Items:
    """The encoded items of one modality."""

    position: dict[str, int]
    vectors: Vectors

    def pick(self, ids: Sequence[str] | np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return which ids are there (bool), and the vectors and twin numbers of those."""
        there = np.array([item in self.position for item in ids], dtype=bool)
        rows = np.array([self.position[item] for item in ids if item in self.position], dtype=np.int64)
        return there, self.vectors.vectors[rows], self.vectors.twins[rows]


class Retriever:
    """Answers topics about a corpus with a trained model.

    Args:
        model: trained.
        corpus: has the candidates.

    Raises:
        UserError: if the corpus lacks sensor columns the model was trained on, or the networks' weights are others.
    """

    def __init__(self, model: Model, corpus: Corpus) -> None:
        corpus.require_columns(model.readings.names)
        self._model, self._corpus = model, corpus
        self._features = ImageFeatures(corpus, model.config.features, model.networks)
        model.require_networks(self._features.fingerprints)

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
        pictures = self._pictures_asked(topics)
        queries = self._readings_asked(topics)
        # Pictures asked for and pictures to rank are encoded together, so that one that cannot be read ends nothing.
        inside = {name for name in pictures.values() if name in self._corpus.images.index}
        wanted: dict[str, set[str]] = {"img2sen": set(), "sen2img": inside}
        for topic in topics:
            wanted[topic.direction].update(candidates[topic.topic_id])
        documents = {
            "img2sen": self._encode_readings(sorted(wanted["img2sen"])),
            "sen2img": self._encode_images(sorted(wanted["sen2img"])),
        }
        queries |= self._encode_asked(pictures, documents["sen2img"])
        silent = [topic.topic_id for topic in topics if topic.topic_id not in queries]
        if not queries:
            raise UserError(f"No topic can be answered: none of their pictures can be decoded ({some(silent)}).")
        if silent:
            say(f"WARNING: {len(silent)} topics are left out because their picture cannot be decoded: {some(silent)}.")
        asked = [topic for topic in topics if topic.topic_id in queries]
        if pools is None:
            yield from self._rank_split(asked, queries, candidates, documents, depth, tag)
            return
        for topic in asked:
            ids = np.asarray(candidates[topic.topic_id], dtype=object)
            there, vectors, twins = documents[topic.direction].pick(ids)
            scores = np.full(len(ids), WORST, dtype=np.float32)
            scores[there] = score_candidates(queries[topic.topic_id], vectors, twins)
            best = top_k(scores, ids, len(ids))
            yield format_ranking(topic.topic_id, ids[best].tolist(), scores[best], tag)

    @staticmethod
    def _rank_split(
        topics: Sequence[Topic],
        queries: Mapping[str, np.ndarray],
        candidates: Mapping[str, Sequence[str]],
        documents: Mapping[str, _Items],
        depth: int,
        tag: str,
    ) -> Iterator[str]:
        """Yield the rankings of topics whose candidates are the same within a direction."""
        rankings: dict[str, Iterator[_Ranking]] = {}
        for direction, items in documents.items():
            asked = [topic.topic_id for topic in topics if topic.direction == direction]
            if asked:
                ids = np.asarray(candidates[asked[0]], dtype=object)
                rankings[direction] = _rank(np.stack([queries[topic] for topic in asked]), items, ids, depth)
        for topic in topics:
            best, scores = next(rankings[topic.direction])
            yield format_ranking(topic.topic_id, best.tolist(), scores, tag)

    def _candidates(
        self, topics: Sequence[Topic], pools: Mapping[str, Sequence[str]] | None, split: str
    ) -> dict[str, Sequence[str]]:
        answer = {"img2sen": "sensor", "sen2img": "image"}
        if pools is None:
            pairs = self._corpus.pairs if split == "all" else self._corpus.split(split)
            if pairs.empty:
                raise UserError(
                    f"The split '{split}' of {self._corpus.root} is empty: choose one of {', '.join(SPLITS)} or all."
                )
            whole = {name: pairs[name].unique().tolist() for name in ("image", "sensor")}
            return {topic.topic_id: whole[answer[topic.direction]] for topic in topics}
        for topic in topics:
            if topic.topic_id not in pools:
                raise UserError(
                    f"The topic {topic.topic_id} has no pool: add its candidates to the pools file, "
                    "or rank a whole split with --pools none."
                )
            table = self._corpus.tables[answer[topic.direction]]
            unknown = [item for item in pools[topic.topic_id] if item not in table.index]
            if unknown:
                raise UserError(
                    f"The pool of {topic.topic_id} has documents that are not in {self._corpus.root}: {some(unknown)}; "
                    "are topics and data of the same corpus?"
                )
        return {topic.topic_id: pools[topic.topic_id] for topic in topics}

    def _readings_asked(self, topics: Sequence[Topic]) -> dict[str, np.ndarray]:
        """Return a unit vector for each topic that gives readings."""
        asked = {topic.topic_id: topic.query for topic in topics if isinstance(topic.query, dict)}
        if not asked:
            return {}
        known = [str(column) for column in self._corpus.sensors.columns]
        names = self._model.readings.names
        # A minute may lack just the readings that this model uses; its topic is answered all the same.
        mute = [topic for topic, query in asked.items() if all(query.get(name) is None for name in names)]
        if mute:
            say(f"WARNING: {len(mute)} topics give none of the readings this model uses ({some(names)}): {some(mute)}.")
        table = self._model.readings.table(list(asked.values()), known, list(asked))
        table, remarks = understood(self._model.readings, table, place=lambda row: f"topic {list(asked)[row]}")
        for remark in remarks:
            say(f"topics: {remark}")
        return dict(zip(asked, self._model.encode_readings(table).vectors, strict=True))

    def _pictures_asked(self, topics: Sequence[Topic]) -> dict[str, str]:
        """Return topic id -> image id or file, for each topic that gives a picture."""
        pictures = {topic.topic_id: topic.query for topic in topics if isinstance(topic.query, str)}
        known = self._corpus.images.index
        # Who writes a topic by hand writes the file's name, which is not the id where it has a blank.
        quoted = {topic: image_id(name) for topic, name in pictures.items() if name not in known}
        pictures |= {topic: name for topic, name in quoted.items() if name in known}
        for topic, name in pictures.items():
            if name not in known and not _is_file(name):
                place = self._corpus.root
                raise UserError(
                    f"The topic {topic} asks for the image '{name}', which is neither in {place} nor a file."
                )
        return pictures

    def _encode_asked(self, pictures: Mapping[str, str], items: _Items) -> dict[str, np.ndarray]:
        """Return a unit vector for each topic whose picture can be decoded."""
        vectors: dict[str, np.ndarray] = {}
        for topic, name in pictures.items():
            if name in items.position:
                vectors[topic] = items.vectors.vectors[items.position[name]]
            elif name not in self._corpus.images.index:  # a file of its own
                try:
                    features = self._features.encode_files([name])
                except UnreadableImage:
                    continue
                vectors[topic] = self._model.encode_images(features).vectors[0]
        return vectors

    def _encode_readings(self, ids: Sequence[str]) -> _Items:
        encoder = self._model.readings
        table, remarks = understood(encoder, self._corpus.sensors.loc[list(ids)], place=lambda row: str(ids[row]))
        for remark in [*remarks, *silent_columns(encoder, table)]:
            say(f"{self._corpus.name}: {remark}")
        return _Items({item: row for row, item in enumerate(ids)}, self._model.encode_readings(table))

    def _encode_images(self, ids: Sequence[str]) -> _Items:
        """Encode photographs in blocks; those that cannot be decoded are left out."""
        if not ids:
            return _Items({}, self._model.encode_images(np.empty((0, self._model.image_dim), dtype=np.float32)))
        present = self._features.ensure(ids)
        readable = [item for item, there in zip(ids, present, strict=True) if there]
        seen: dict[bytes, int] = {}
        blocks = [
            self._model.encode_images(self._features.load(readable[start : start + _BLOCK]), seen)
            for start in range(0, len(readable), _BLOCK)
        ]
        vectors = np.concatenate([block.vectors for block in blocks])
        twins = np.concatenate([block.twins for block in blocks])
        return _Items({item: row for row, item in enumerate(readable)}, Vectors(vectors, twins))


def _rank(queries: np.ndarray, items: _Items, ids: np.ndarray, depth: int) -> Iterator[_Ranking]:
    """Yield for each query the best of the items ``ids``, of which those that cannot be read have the worst score."""
    there, vectors, twins = items.pick(ids)
    readable = ids[there]
    unread = np.sort(ids[~there])[::-1][:depth]
    worst = np.full(len(unread), WORST, dtype=np.float32)
    for best, scores in rank_all(queries, vectors, twins, readable, depth):
        found, values = np.concatenate([readable[best], unread]), np.concatenate([scores, worst])
        if len(unread):
            order = top_k(values, found, depth)
            found, values = found[order], values[order]
        yield found, values


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except OSError:  # such as a name that is too long
        return False


def answer(
    topics: Path,
    model: Path | None,
    data: Path | None,
    *,
    tag: str | None,
    pools: str | None,
    depth: int,
    split: str | None,
    settings: Sequence[str] = (),
) -> list[str]:
    """Return the whole run for a topic file, one text a topic.

    Args:
        topics: as typed, or under ``topics/``.
        model: the model's folder; the newest under ``runs/`` if None.
        data: the corpus folder; the one the model was trained on if None.
        tag: the run's name; made from the model's folder if None.
        pools: a file, ``none`` to rank a whole split, or None for the file beside the topics, if there is one.
        depth: documents a topic, without pools.
        split: what is ranked without pools; if None, the test split of the model's own corpus or the whole of another.
        settings: of ``data.split``, ``data.outside`` and ``features.store``, in place of the model's.

    Raises:
        UserError: for anything missing or wrong.
    """
    check_split(split, settings)
    place = find_file(topics)
    with reading_set(place):
        asked = read_topics(place)
        candidate_file = pool_file(pools, place)
        candidates = read_pools(candidate_file) if candidate_file else None
    folder = model or newest_model()
    if tag is not None:  # before the work, not after it
        tag = run_tag(tag, folder)
    trained = Model.load(folder)
    if not is_finished(folder):
        say(f"WARNING: the training in {folder} was interrupted; its best model so far answers.")
    say(f"Answering {len(asked)} topics of {place} with {folder} on {data or trained.config.data.path}")
    pooled = candidates is not None
    corpus, ranked = corpus_to_ask(trained, folder, data, pooled=pooled, split=split, settings=settings)
    tag = run_tag(tag, folder)
    return list(Retriever(trained, corpus).run(asked, candidates, tag=tag, depth=depth, split=ranked))
