"""A contact sheet of what a search has found: the query, the best items in rows, those drawn at random beneath them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ntcir.modalities import Direction, Modality
from ntcir.report.canvas import INK, canvas
from ntcir.report.items import PLAIN, drawing_of, frame, height_of
from ntcir.retrieval.searching import Findings, Hit
from ntcir.system.errors import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

MOST = 50  # items of a list that are drawn; the page has all
_ACROSS = 5  # items side by side, if there are so many
_QUERY = 2  # columns of a query that is not words, which stand above
_WIDE, _NARROWEST = 15.0, 6.0  # inches: a sheet with all columns, and one with few
_HEAD, _HEADING, _AROUND = 0.7, 0.5, 0.85  # inches: above all, above a list that has a heading, around an item
_PICTURE = 0.75  # height of most pictures in their width
_ITEM_SIZE, _QUERY_SIZE = 7.5, 11.0  # points
_LETTERS, _LINES = 34, 2  # of the text beneath an item
_TITLE, _TITLE_LINES, _TITLE_HEIGHT = 130, 3, 0.23  # letters across the widest sheet; lines; inches of one


def draw_sheet(findings: Findings, path: Path) -> None:
    """Draw what was found as PNG.

    Args:
        findings: of which the first ``MOST`` hits are drawn, and as many of those drawn at random.
        path: the PNG to write.
    """
    lists = {"": findings.hits[:MOST], "at random, for comparison": findings.random[:MOST]}
    lists = {heading: hits for heading, hits in lists.items() if hits}
    beside = 0 if _is_words(findings) else _QUERY
    across = min(_ACROSS, max(map(len, lists.values()), default=1))
    # A sheet of few items is narrower; their size is the same.
    wide = max(_WIDE * (across + beside) / (_ACROSS + beside), _NARROWEST)
    column = wide / (across + beside)
    row = _height(findings.direction.answer, [hit.content for hits in lists.values() for hit in hits], column)
    heights = [row * -(-len(hits) // across) + _HEADING * bool(heading) for heading, hits in lists.items()]
    query = _height(findings.direction.query, [findings.query], beside * column, _QUERY_SIZE) if beside else 0.0
    below = max(query - sum(heights), 0.0)  # what is left free beneath the lists, so that no box is stretched
    title = _title(findings, int(_TITLE * wide / _WIDE))
    size = (wide, _HEAD + _TITLE_HEIGHT * title.count("\n") + sum(heights) + below)
    with canvas(path, figsize=size, dpi=100, layout="constrained", facecolor="white") as figure:
        figure.suptitle(title, fontsize=13, color=INK, x=0.01, ha="left", parse_math=False)
        right: Figure | SubFigure = figure
        if beside:
            left, right = figure.subfigures(1, 2, width_ratios=[beside, across], squeeze=False)[0]
            _draw_query(left.add_subplot(), findings, beside * column)
        ratios = [*heights, below] if below else heights
        parts = right.subfigures(len(ratios), 1, height_ratios=ratios, squeeze=False)[:, 0]
        for part, (heading, hits) in zip(parts, lists.items(), strict=False):
            if heading:
                part.suptitle(heading, fontsize=12, color=INK, x=0.01, ha="left")
            _draw_list(part, hits, findings.direction, across, ranked=not heading)


def summary(findings: Findings) -> str:
    """Return in one line what was searched, and with what."""
    way, model = findings.direction, short(str(findings.model))
    return f"{way.name}: {findings.searched:,} {way.answer.plural} of {findings.corpus}, searched by {model}"


def _is_words(findings: Findings) -> bool:
    return isinstance(findings.query, str) and not findings.direction.query.pictured


def _title(findings: Findings, letters: int) -> str:
    words = textwrap.wrap(short(findings.query, letters * _TITLE_LINES), letters) if _is_words(findings) else []
    return "\n".join([*words, *textwrap.wrap(summary(findings), letters)])


def _height(modality: Modality, contents: Sequence[Any], width: float, size: float = _ITEM_SIZE) -> float:
    """Return the inches that the tallest of some items takes, with what is around it."""
    lines = [height_of(modality, content, size) or 0.0 for content in contents]
    return (_PICTURE * width if modality.pictured else max(lines, default=0.0)) + _AROUND


def _draw_query(axes: Axes, findings: Findings, width: float) -> None:
    asks = findings.direction.query
    axes.set_title("query", fontsize=12, color=INK, loc="left")
    drawing_of(asks)(axes, findings.query, _QUERY_SIZE)
    if lines := height_of(asks, findings.query, _QUERY_SIZE):
        axes.set_box_aspect(lines / width)
    axes.set_anchor("N")
    if asks.pictured:
        axes.set_xlabel(_beneath(Path(str(findings.query)).name), fontsize=9, color=INK, parse_math=False)
    frame(axes, INK, 1.0)


def _draw_list(part: SubFigure, hits: Sequence[Hit], direction: Direction, across: int, *, ranked: bool) -> None:
    asks, answers = direction
    grid = part.add_gridspec(-(-len(hits) // across), across)
    for place, hit in enumerate(hits):
        axes = part.add_subplot(grid[place // across, place % across])
        rank = f"{place + 1}.   " if ranked else ""
        axes.set_title(f"{rank}{hit.score:.4f}", fontsize=10, color=INK, loc="left")
        drawing_of(answers)(axes, hit.content, _ITEM_SIZE)
        told = [hit.id] if asks.pictured or not isinstance(hit.partner, str) else [hit.id, hit.partner]
        axes.set_xlabel("\n".join(map(_beneath, told)), fontsize=_ITEM_SIZE, color=INK, parse_math=False)
        frame(axes, PLAIN, 0.8)


def _beneath(text: str) -> str:
    lines = textwrap.wrap(short(text, 200), _LETTERS) or [""]
    return "\n".join(lines[:_LINES]) + ("…" if len(lines) > _LINES else "")
