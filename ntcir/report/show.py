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
from ntcir.report.candidates import ranked_items
from ntcir.report.canvas import canvas
from ntcir.search.ranking import average_ranks
from ntcir.system.errors import UserError, did_you_mean
from ntcir.workspace import beside, corpus_to_show, find_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BEST = 10
RIGHT, PLAIN, INK = "#1f9d55", "#c5ccd3", "#22303c"
# Shown first where a reading has them; what else there is follows.
_FIRST = ("heart_rate(bpm)", "new_lat", "new_lng", "movement", "semantic_name", "city", "calories", "distance")
_OFFICIAL_QRELS = "qrels.csv"
_LAST = ("local_hour",)
_LINES, _WIDTH = 14, 30


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
    if isinstance(topic.query, dict):
        _show_readings(query, topic.query, size=11)
    else:
        _show_picture(query, _picture_path(topic.query, corpus))
        query.set_xlabel(topic.query, fontsize=9, color=INK, parse_math=False)
    _frame(query, INK, 1.0)
    for place, (document, score) in enumerate(ranking[:BEST]):
        axes = figure.add_subplot(grid[place // 5, 2 + place % 5])
        right = document in relevant
        axes.set_title(
            f"{place + 1}.   {score:.4f}{'   right' if right else ''}",
            fontsize=10,
            color=RIGHT if right else INK,
            loc="left",
        )
        if topic.direction.answer.name == "sensor":
            _show_readings(axes, _reading(document, corpus), size=7.5)
        else:
            _show_picture(axes, _picture_path(document, corpus))
        axes.set_xlabel(document, fontsize=7, color=INK, parse_math=False)
        _frame(axes, RIGHT if right else PLAIN, 4.0 if right else 0.8)
    figure.suptitle(_summary(ranking, relevant), fontsize=11, color=INK, x=0.99, ha="right", parse_math=False)


def _summary(ranking: list[tuple[str, float]], relevant: set[str]) -> str:
    """Return where the right ones came, ties sharing the average rank as in the score."""
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
    return f"{found}, mean 1/rank {reciprocal:.4f}"


def _picture_path(name: str, corpus: Corpus) -> str:
    if name not in corpus.images.index and not Path(name).is_file():
        raise UserError(f"The image '{name}' is not in {corpus.root}: are topics, run and data of the same corpus?")
    return str(corpus.images["path"].get(name, name))


def _reading(sensor: str, corpus: Corpus) -> dict[str, Any]:
    if sensor not in corpus.sensors.index:
        raise UserError(
            f"The run ranks '{sensor}', which is not in {corpus.root}: are run and data of the same corpus?"
        )
    return {str(column): value for column, value in corpus.sensors.loc[sensor].dropna().items()}


def _show_picture(axes: Axes, path: str) -> None:
    from ntcir.features.decode import UnreadableImage, load_image

    try:
        axes.imshow(load_image(path, at_least=400))
    except UnreadableImage:
        axes.text(0.5, 0.5, "cannot be read", ha="center", va="center", transform=axes.transAxes, color=INK)


def _show_readings(axes: Axes, readings: dict[str, Any], size: float) -> None:
    names = [name for name in _FIRST if name in readings]
    names += [name for name in readings if name not in (*_FIRST, *_LAST)]
    names += [name for name in _LAST if name in readings]
    lines = [f"{name}:  {_value(readings[name])}" for name in names[:_LINES]]
    more = [f"({len(names) - _LINES} more)"] if len(names) > _LINES else []
    text = "\n".join(line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…" for line in lines + more)
    style: dict[str, Any] = {"fontsize": size, "color": INK, "linespacing": 1.55, "parse_math": False}
    axes.text(0.04, 0.97, text, va="top", transform=axes.transAxes, **style)


def _value(value: Any) -> str:
    if isinstance(value, int | float):
        return f"{value:.6g}" if abs(value) < 180 else f"{value:g}"
    return str(value)


def _frame(axes: Axes, colour: str, width: float) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(color=colour, linewidth=width)
