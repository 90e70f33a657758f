"""An explanation as a picture: words in colours, a photograph under a map of its cells, columns as bars."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ntcir.encoders.parts import CELL, WORD
from ntcir.features.decode import load_image
from ntcir.report.canvas import INK, canvas, import_matplotlib
from ntcir.retrieval.explaining import Contribution, Explanation, Side
from ntcir.system.errors import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

_WIDE, _MARGIN, _GAP = 12.0, 0.35, 0.3  # inches: the figure, around it, between what it shows
_HEAD, _HEADING = 0.75, 0.35  # inches: above all; above each item
_LETTERS = 150  # of a line across the figure
_LOWERS, _NEITHER, _RAISES = "#c0392b", "#f4f4f2", "#1e8449"
_UNKNOWN, _PALE = "#9aa3ab", "#d9dde1"
_TALLEST, _BAR, _SHADE = 4.6, 0.15, 0.62  # inches of a photograph, of the colours beside it; how much a cell covers
_WORD_SIZE, _AMOUNT_SIZE, _COLUMN_SIZE = 14.0, 8.5, 9.0  # points
_LINE, _BETWEEN, _PAD = 0.62, 0.17, 0.06  # inches: a line of words; between words; around one
_LONGEST_WORD, _LONGEST_COLUMN = 50, 46  # letters
_COLUMN, _NAMES, _AXIS = 0.24, 4.2, 0.55  # inches: a column's bar; their names; the axis beneath
_MOST = 200  # words or columns that are drawn; the JSON has all
_SMALLEST = 1e-9  # of the scale of colours, where no part contributes anything


def draw_explanation(explanation: Explanation, path: Path) -> None:
    """Draw an explanation as PNG: pictures first, then the rest.

    Args:
        explanation: what is drawn.
        path: the PNG to write.
    """
    sides = sorted(explanation.sides, key=lambda side: side.kind != CELL)
    with canvas(path, figsize=(_WIDE, 1.0), dpi=100, facecolor="white") as figure:
        heights = [_HEADING + _height(side) for side in sides]
        tall = _HEAD + sum(heights) + _GAP * len(sides)
        figure.set_size_inches(_WIDE, tall)
        hubness = "" if explanation.bias is None else f", {explanation.ranked_by:.4f} with the bias against hubs"
        by = f"by {short(str(explanation.model))} on {short(explanation.corpus)}"
        _write(figure, f"score {explanation.score:.4f}{hubness}   {by}", tall - 0.3, 14)
        legend = "green raises the score, red lowers it: the score with the part minus the score without it"
        _write(figure, f"{legend}; grey parts do not count", tall - 0.55, 9)
        top = tall - _HEAD
        for side, height in zip(sides, heights, strict=True):
            _write(figure, _heading(side), top - 0.2, 11)
            _DRAWN.get(side.kind, _draw_columns)(figure, side, top - height, height - _HEADING)
            top -= height + _GAP


def _write(figure: Figure, text: str, at: float, size: float) -> None:
    """Write a line at a height in inches."""
    line = short(text, _LETTERS)
    figure.text(_MARGIN / _WIDE, at / figure.get_figheight(), line, fontsize=size, color=INK, parse_math=False)


def _heading(side: Side) -> str:
    item = side.item if side.item is not None else Path(str(side.content)).name if side.kind == CELL else "as given"
    cut = side.kind != CELL and len(side.parts) > _MOST
    return f"{side.modality.noun}: {item}" + (f" ({_MOST} of {len(side.parts):,} {side.kind}s)" if cut else "")


def _drawn(side: Side) -> list[Contribution]:
    """Return the words or columns that are drawn: the first words, the columns that contribute most."""
    if side.kind == WORD:
        return side.parts[:_MOST]
    return sorted(side.parts, key=lambda part: -abs(part.amount or 0.0))[:_MOST]


def _axes(figure: Figure, left: float, bottom: float, width: float, height: float, **options: Any) -> Axes:
    """Return axes at a place in inches."""
    tall = figure.get_figheight()
    return figure.add_axes((left / _WIDE, bottom / tall, width / _WIDE, height / tall), **options)


def _colours() -> Colormap:
    import_matplotlib()
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("contribution", [_LOWERS, _NEITHER, _RAISES])


def _most(parts: Sequence[Contribution]) -> float:
    """Return the end of the scale of colours."""
    return max([_SMALLEST, *(abs(part.amount) for part in parts if part.amount is not None)])


def _height(side: Side) -> float:
    """Return the inches that an item takes."""
    if side.kind == CELL:
        return _shape(side)[1]
    if side.kind == WORD:
        return _LINE * max(len(_lines(side)), 1)
    return _COLUMN * len(_drawn(side)) + _AXIS


# A photograph, and the same under the map of its cells.


def _shape(side: Side) -> tuple[float, float]:
    """Return width and height in inches of a photograph that is drawn twice, side by side."""
    width, height = load_image(str(side.content), at_least=400).size
    widest = (_WIDE - 2 * _MARGIN - 2 * _GAP - _BAR - 0.6) / 2
    scale = min(widest / width, _TALLEST / height)
    return width * scale, max(height * scale, 1.2)


def _draw_cells(figure: Figure, side: Side, bottom: float, height: float) -> None:
    picture = load_image(str(side.content), at_least=400)
    wide, _ = _shape(side)
    cells = round(len(side.parts) ** 0.5)
    amounts = np.array([part.amount for part in side.parts]).reshape(cells, cells)
    most = _most(side.parts)
    left, top, right, down = side.area or (0.0, 0.0, 1.0, 1.0)
    extent = (left * picture.width, right * picture.width, down * picture.height, top * picture.height)
    plain = _axes(figure, _MARGIN, bottom, wide, height)
    covered = _axes(figure, _MARGIN + wide + _GAP, bottom, wide, height)
    plain.imshow(picture)
    covered.imshow(picture.convert("L"), cmap="gray", vmin=0, vmax=255)
    map_ = covered.imshow(
        amounts, cmap=_colours(), vmin=-most, vmax=most, alpha=_SHADE, extent=extent, interpolation="nearest"
    )
    for axes in (plain, covered):
        axes.set_xlim(0, picture.width)
        axes.set_ylim(picture.height, 0)
        axes.set_xticks([])
        axes.set_yticks([])
    bar = figure.colorbar(map_, cax=_axes(figure, _MARGIN + 2 * wide + 1.6 * _GAP, bottom, _BAR, height))
    bar.ax.tick_params(labelsize=8, colors=INK)
    bar.set_alpha(1.0)


# Words, each on its colour, with what it contributes beneath.


def _lines(side: Side) -> list[list[tuple[Contribution, float, float]]]:
    """Return lines of words, each with where it begins and how wide it is, in inches."""
    lines: list[list[tuple[Contribution, float, float]]] = []
    at = _WIDE
    for part in _drawn(side):
        width = max(_width(_shown(part.name), _WORD_SIZE), _width(amount_of(part), _AMOUNT_SIZE)) + 2 * _PAD
        if at + width > _WIDE - 2 * _MARGIN:
            lines.append([])
            at = 0.0
        lines[-1].append((part, at, width))
        at += width + _BETWEEN
    return lines


def _width(text: str, size: float) -> float:
    """Return the inches that a text takes."""
    import_matplotlib()
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    width, _, _ = text_to_path.get_text_width_height_descent(text, FontProperties(size=size), ismath=False)
    return float(width) / 72


def _shown(word: str) -> str:
    return short(word, _LONGEST_WORD)


def amount_of(part: Contribution) -> str:
    """Return what a part contributes, or why it does not count."""
    return str(part.note) if part.amount is None else f"{round(part.amount, 4) + 0.0:+.4f}"  # without -0.0000


def _draw_words(figure: Figure, side: Side, bottom: float, height: float) -> None:
    import_matplotlib()
    from matplotlib.patches import Rectangle

    wide = _WIDE - 2 * _MARGIN
    axes = _axes(figure, _MARGIN, bottom, wide, height, xlim=(0, wide), ylim=(height, 0))
    axes.set_axis_off()
    colours, most = _colours(), _most(side.parts)
    if not side.parts:
        axes.text(0, _LINE / 2, "(empty)", fontsize=_WORD_SIZE, color=_UNKNOWN, va="center")
    for number, line in enumerate(_lines(side)):
        for part, at, width in line:
            counts = part.amount is not None
            colour = colours(0.5 + 0.5 * (part.amount or 0.0) / most) if counts else "white"
            dark = counts and abs(part.amount or 0.0) > 0.6 * most
            top, middle = number * _LINE, at + width / 2
            axes.add_patch(Rectangle((at, top), width, 0.3, facecolor=colour, edgecolor=_PALE, linewidth=0.8))
            ink = "white" if dark else INK if counts else _UNKNOWN
            style: dict[str, Any] = {"ha": "center", "va": "center", "parse_math": False}
            axes.text(middle, top + 0.15, _shown(part.name), fontsize=_WORD_SIZE, color=ink, **style)
            axes.text(
                middle, top + 0.4, amount_of(part), fontsize=_AMOUNT_SIZE, color=INK if counts else _UNKNOWN, **style
            )


# Columns, as bars.


def _draw_columns(figure: Figure, side: Side, bottom: float, height: float) -> None:
    parts = sorted(_drawn(side), key=lambda part: part.amount or 0.0)
    amounts = [part.amount or 0.0 for part in parts]
    wide = _WIDE - 2 * _MARGIN - _NAMES - 0.6
    axes = _axes(figure, _MARGIN + _NAMES, bottom + _AXIS, wide, height - _AXIS)
    colours = [_RAISES if amount > 0 else _LOWERS for amount in amounts]
    axes.barh(range(len(parts)), amounts, color=colours, height=0.7)
    axes.set_yticks(range(len(parts)), [_column(part, side.content) for part in parts], fontsize=_COLUMN_SIZE)
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.set_ylim(-0.6, len(parts) - 0.4)
    most = 1.25 * _most(parts)
    axes.set_xlim(-most, most)
    axes.axvline(0, color=INK, linewidth=0.8)
    style: dict[str, Any] = {"va": "center", "fontsize": _AMOUNT_SIZE, "color": INK}
    for place, (part, amount) in enumerate(zip(parts, amounts, strict=True)):
        sign = 1 if amount >= 0 else -1
        aligned = "left" if amount >= 0 else "right"
        axes.text(amount + sign * 0.01 * most, place, amount_of(part), ha=aligned, **style)
    axes.tick_params(colors=INK, labelsize=_COLUMN_SIZE)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _column(part: Contribution, reading: Any) -> str:
    value = reading.get(part.name) if isinstance(reading, dict) else None
    told = "not given" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    name = textwrap.shorten(part.name, _LONGEST_COLUMN, placeholder="…")
    return short(f"{name} = {told}", _LONGEST_COLUMN)


_DRAWN = {CELL: _draw_cells, WORD: _draw_words}
