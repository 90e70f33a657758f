"""A contact sheet of what a search has found: the query, the best items in rows, those drawn at random beneath them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ntcir.modalities import Direction
from ntcir.report.canvas import INK, canvas
from ntcir.report.items import PLAIN, drawing_of, frame
from ntcir.retrieval.searching import Findings, Hit
from ntcir.system.errors import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

MOST = 50  # items of a list that are drawn; the page has all
_ACROSS = 5
_QUERY = 2  # columns of a query that is not words, which stand above
_WIDE, _HEAD, _CAPTION = 15.0, 0.8, 0.85  # inches: the sheet, what is above a list, what is around an item
_LINED = 2.0  # inches of an item that is lines of text
_LETTERS, _LINES = 34, 2  # of the text beneath an item
_TITLE, _TITLE_LINES = 130, 3


def draw_sheet(findings: Findings, path: Path) -> None:
    """Draw what was found as PNG.

    Args:
        findings: of which the first ``MOST`` hits are drawn, and as many of those drawn at random.
        path: the PNG to write.
    """
    lists = {"": findings.hits[:MOST], "at random, for comparison": findings.random[:MOST]}
    lists = {heading: hits for heading, hits in lists.items() if hits}
    boxed = not _is_words(findings)
    across = _ACROSS + (_QUERY if boxed else 0)
    rows = [-(-len(hits) // _ACROSS) for hits in lists.values()]
    row = (0.75 * _WIDE / across if findings.direction.answer.pictured else _LINED) + _CAPTION
    size = (_WIDE, max(_HEAD * (1 + len(rows)) + row * sum(rows), 5.0 if boxed else 0.0))
    with canvas(path, figsize=size, dpi=100, layout="constrained", facecolor="white") as figure:
        figure.suptitle(_title(findings), fontsize=13, color=INK, x=0.01, ha="left", parse_math=False)
        right: Figure | SubFigure = figure
        if boxed:
            left, right = figure.subfigures(1, 2, width_ratios=[_QUERY, _ACROSS], squeeze=False)[0]
            _draw_query(left.add_subplot(), findings)
        parts = right.subfigures(len(rows), 1, height_ratios=rows, squeeze=False)[:, 0]
        for part, (heading, hits) in zip(parts, lists.items(), strict=True):
            if heading:
                part.suptitle(heading, fontsize=12, color=INK, x=0.01, ha="left")
            _draw_list(part, hits, findings.direction, ranked=not heading)


def summary(findings: Findings) -> str:
    """Return in one line what was searched, and with what."""
    way, model = findings.direction, short(str(findings.model))
    return f"{way.name}: {findings.searched:,} {way.answer.plural} of {findings.corpus}, searched by {model}"


def _is_words(findings: Findings) -> bool:
    return isinstance(findings.query, str) and not findings.direction.query.pictured


def _title(findings: Findings) -> str:
    words = textwrap.wrap(short(findings.query, _TITLE * _TITLE_LINES), _TITLE) if _is_words(findings) else []
    return "\n".join([*words, summary(findings)])


def _draw_query(axes: Axes, findings: Findings) -> None:
    asks = findings.direction.query
    axes.set_title("query", fontsize=12, color=INK, loc="left")
    drawing_of(asks)(axes, findings.query, 11)
    axes.set_anchor("N")
    if asks.pictured:
        axes.set_xlabel(_beneath(Path(str(findings.query)).name), fontsize=9, color=INK, parse_math=False)
    frame(axes, INK, 1.0)


def _draw_list(part: SubFigure, hits: Sequence[Hit], direction: Direction, *, ranked: bool) -> None:
    asks, answers = direction
    grid = part.add_gridspec(-(-len(hits) // _ACROSS), _ACROSS)
    for place, hit in enumerate(hits):
        axes = part.add_subplot(grid[place // _ACROSS, place % _ACROSS])
        rank = f"{place + 1}.   " if ranked else ""
        axes.set_title(f"{rank}{hit.score:.4f}", fontsize=10, color=INK, loc="left")
        drawing_of(answers)(axes, hit.content, 7.5)
        told = [hit.id] if asks.pictured or not isinstance(hit.partner, str) else [hit.id, hit.partner]
        axes.set_xlabel("\n".join(map(_beneath, told)), fontsize=7.5, color=INK, parse_math=False)
        frame(axes, PLAIN, 0.8)


def _beneath(text: str) -> str:
    lines = textwrap.wrap(short(text, 200), _LETTERS) or [""]
    return "\n".join(lines[:_LINES]) + ("…" if len(lines) > _LINES else "")
