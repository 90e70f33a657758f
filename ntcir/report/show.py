"""One topic as a picture: the query, its ten best candidates, the right one framed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ntcir.corpora.corpus import Corpus
from ntcir.formats.manifest import check_set
from ntcir.formats.matching import read_qrels, read_run
from ntcir.formats.official import OfficialRun
from ntcir.formats.reading import is_standard_input, named
from ntcir.formats.topics import QRELS, Topic, read_topics
from ntcir.measures.reciprocal import Mrr, usual_mean
from ntcir.modalities import Modality
from ntcir.report.candidates import ranked_items
from ntcir.report.canvas import INK, canvas
from ntcir.report.items import PLAIN, drawing_of, frame
from ntcir.search.ranking import average_ranks
from ntcir.system.errors import UserError, did_you_mean
from ntcir.workspace import beside, corpus_to_show, find_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BEST = 10
RIGHT = "#1f9d55"
_OFFICIAL_QRELS = "qrels.csv"


def draw_topic(topic_id: str, run: Path, topics: Path, out: Path, data: Path | None) -> Path:
    """Draw a topic and the best of its ranking; return the picture's path.

    Args:
        topic_id: one of the topic file's.
        run: a run that has the topic, of any format that can be scored; ``-`` for standard input.
        topics: the topic file, as typed or under ``topics/``; qrels beside it tell which candidate is right, and
            ``qrels.csv`` which minute each number of an organisers' run stands for.
        out: the PNG to write.
        data: the corpus folder; where None, the newest model's, else as everywhere.

    Raises:
        UserError: if topic, run or corpus do not have what is asked for.
    """
    place = find_file(topics)
    asked = {topic.topic_id: topic for topic in read_topics(place)}
    if topic_id not in asked:
        raise UserError(f"{place} has no topic '{topic_id}'{did_you_mean(topic_id, asked)}.")
    if not is_standard_input(run) and not run.exists():
        raise UserError(
            f"There is no run {run}: write one with `ntcir run {topics} > run.txt`, or name one with --run."
        )
    ranked = read_run(run)
    if topic_id not in ranked.topics:
        raise UserError(f"{named(run)} has no line for the topic {topic_id}.")
    qrels = (beside(place, _OFFICIAL_QRELS) if isinstance(ranked, OfficialRun) else None) or beside(place, QRELS)
    check_set(place, *([qrels] if qrels else []))
    corpus = corpus_to_show(data)
    corpus.require_pair([each.name for each in asked[topic_id].direction])
    for each in asked[topic_id].direction:
        corpus.require_content(each.name, "to draw the topic")
    ranking, relevant = ranked_items(asked[topic_id], ranked, read_qrels(qrels) if qrels else None, corpus)
    with canvas(out, figsize=(15, 7.2), dpi=100, layout="constrained", facecolor="white") as figure:
        _draw(figure, asked[topic_id], ranking, relevant, corpus)
    return out


def _draw(figure: Figure, topic: Topic, ranking: list[tuple[str, float]], relevant: set[str], corpus: Corpus) -> None:
    grid = figure.add_gridspec(2, 7)
    query = figure.add_subplot(grid[:, :2])
    query.set_title(
        f"{topic.topic_id}   {topic.timestamp}\nquery", fontsize=12, color=INK, loc="left", parse_math=False
    )
    asks, answers = topic.direction
    drawing_of(asks)(query, _asked(topic, corpus), 11)
    if asks.pictured:
        query.set_xlabel(topic.query, fontsize=9, color=INK, parse_math=False)
    frame(query, INK, 1.0)
    for place, (document, score) in enumerate(ranking[:BEST]):
        axes = figure.add_subplot(grid[place // 5, 2 + place % 5])
        right = document in relevant
        axes.set_title(
            f"{place + 1}.   {score:.4f}{'   right' if right else ''}",
            fontsize=10,
            color=RIGHT if right else INK,
            loc="left",
        )
        drawing_of(answers)(axes, _item(document, answers, corpus), 7.5)
        axes.set_xlabel(document, fontsize=7, color=INK, parse_math=False)
        frame(axes, RIGHT if right else PLAIN, 4.0 if right else 0.8)
    summary = _summary(ranking, relevant, usual_mean([topic.direction.name]))
    figure.suptitle(summary, fontsize=11, color=INK, x=0.99, ha="right", parse_math=False)


def _summary(ranking: list[tuple[str, float]], relevant: set[str], mean: Mrr = "official") -> str:
    """Return where the right ones came, ties sharing the average rank as in the score, which takes that mean."""
    if not relevant:
        return "the right one is not known"
    own = [place for place, (document, _) in enumerate(ranking) if document in relevant]
    if not own:
        return f"the right one is not among the {len(ranking)} ranked"
    scores = np.array([[score for _, score in ranking]])
    ranks = average_ranks(np.repeat(scores, len(own), axis=0), np.array(own))
    reciprocal = float((1 / ranks).sum()) / len(relevant)
    listed = ", ".join(f"{rank:g}" for rank in ranks[:5]) + (", ..." if len(own) > 5 else "")
    if len(relevant) == 1:
        return f"the right one has rank {listed} of {len(ranking)}, reciprocal rank {reciprocal:.4f}"
    found = f"{len(own)} of the {len(relevant)} right ones have ranks {listed} of {len(ranking)}"
    if mean == "best":
        return f"{found}, reciprocal rank of the best {1 / ranks.min():.4f}"
    return f"{found}, mean 1/rank {reciprocal:.4f}"


def _asked(topic: Topic, corpus: Corpus) -> Any:
    """Return what to draw of a query: the path of a picture, else the query."""
    return _picture_path(topic.query, topic.direction.query, corpus) if topic.direction.query.pictured else topic.query


def _item(name: str, modality: Modality, corpus: Corpus) -> Any:
    """Return what to draw of a candidate: the path of a picture, else what would be asked with it."""
    if modality.pictured:
        return _picture_path(name, modality, corpus)
    table = corpus.tables[modality.name]
    if name not in table.index:
        raise UserError(
            f"The run ranks '{name}', which is not in {corpus.root}: do run and data belong to the same corpus?"
        )
    return modality.ask(name, {str(column): value for column, value in table.loc[name].items()})


def _picture_path(name: str, modality: Modality, corpus: Corpus) -> str:
    table = corpus.tables[modality.name]
    if name not in table.index and not Path(name).is_file():
        raise UserError(
            f"The {modality.name} '{name}' is not in {corpus.root}: do topics, run and data belong to the same corpus?"
        )
    return str(table["path"].get(name, name))
