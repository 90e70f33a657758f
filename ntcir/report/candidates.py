"""A topic's ranking in the names of the corpus: the organisers number minutes, a picture needs what they stand for."""

from __future__ import annotations

from ntcir.corpora.corpus import Corpus
from ntcir.formats.matching import any_official
from ntcir.formats.official import OfficialQrels, by_number, number_of
from ntcir.formats.runs import Qrels, Run
from ntcir.formats.topics import Topic


def ranked_items(
    topic: Topic, run: Run, qrels: Qrels | None, corpus: Corpus
) -> tuple[list[tuple[str, float]], set[str]]:
    """Return a topic's candidates with their scores, best first, and the relevant ones.

    Candidates that are numbers become items of the corpus: where the organisers' qrels say which minute each is, by
    that (of a minute's photographs the first stands for all), otherwise by the number of the item's own id. What is not
    known keeps its number.
    """
    if qrels is None or not any_official(run, qrels):
        return run.ranking(topic.topic_id), qrels.relevant(topic.topic_id) if qrels else set()
    run, qrels = by_number(run), by_number(qrels)
    if isinstance(qrels, OfficialQrels) and (qrels.minute != b"").any():
        items = _items(topic, qrels, corpus)
    else:
        items = _numbered(topic, corpus)
    ranking = [(items.get(document, document), score) for document, score in run.ranking(topic.topic_id)]
    return ranking, {items.get(document, document) for document in qrels.relevant(topic.topic_id)}


def _numbered(topic: Topic, corpus: Corpus) -> dict[str, str]:
    """Return the items that a topic may rank whose ids are digits only, by their number; none that two ids share."""
    table = corpus.tables[topic.direction.answer.name]
    spelled: dict[str, list[str]] = {}
    for item in table.index:
        spelled.setdefault(number_of(item), []).append(item)
    return {number: items[0] for number, items in spelled.items() if len(items) == 1}


def _items(topic: Topic, qrels: OfficialQrels, corpus: Corpus) -> dict[str, str]:
    """Return the items of the minutes that the qrels number for a topic."""
    rows = [row for row, code in enumerate(qrels.topic.tolist()) if qrels.topics[code] == topic.topic_id]
    minutes = {qrels.document[row].decode(): qrels.minute[row].decode() for row in rows}
    asks, answers = topic.direction
    if not answers.pictured:
        return {number: minute for number, minute in minutes.items() if minute in corpus.tables[answers.name].index}
    first = dict(zip(corpus.pairs[asks.name][::-1], corpus.pairs[answers.name][::-1], strict=True))
    return {number: first[minute] for number, minute in minutes.items() if minute in first}
