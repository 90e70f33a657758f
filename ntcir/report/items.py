"""How an item looks, or reads, in a picture: that is for its modality to say."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from ntcir.modalities import Modality
from ntcir.report.canvas import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Shown first where a reading has them; what else there is follows.
_FIRST = ("heart_rate(bpm)", "new_lat", "new_lng", "movement", "semantic_name", "city", "calories", "distance")
_LAST = ("local_hour",)
_LINES, _WIDTH = 14, 30
_SPACING = 1.55  # of lines, in their letters' size
# Of a caption, which is read and not looked up: larger letters, and what then fits into the frame.
_LARGER, _TEXT_LINES, _TEXT_WIDTH = 1.35, 11, 24
PLAIN = "#c5ccd3"  # of frames

# Draws an item on axes in letters of a size in points: a picture's path, else what is asked with the item.
Drawing = Callable[["Axes", Any, float], None]


def drawing_of(modality: Modality) -> Drawing:
    """Return what draws the items of a modality."""
    return next(draw for holds, draw in _DRAWINGS if holds(modality))


def frame(axes: Axes, colour: str, width: float) -> None:
    """Put a frame around an item, and take the ticks away."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(color=colour, linewidth=width)


def _draw_picture(axes: Axes, path: str, size: float) -> None:
    from ntcir.features.decode import UnreadableImage, load_image

    try:
        axes.imshow(load_image(path, at_least=400))
    except UnreadableImage:
        axes.text(0.5, 0.5, "cannot be read", ha="center", va="center", transform=axes.transAxes, color=INK)


def lines_of(readings: dict[str, Any]) -> list[str]:
    """Return a reading as lines, ``column:  value``, what tells most first."""
    return [f"{name}:  {_value(readings[name])}" for name in in_order(readings)]


def in_order(columns: Collection[str]) -> list[str]:
    """Return the columns of readings, what tells most first."""
    names = [name for name in _FIRST if name in columns]
    names += [name for name in columns if name not in (*_FIRST, *_LAST)]
    return names + [name for name in _LAST if name in columns]


def height_of(modality: Modality, content: Any, size: float) -> float | None:
    """Return the inches that an item's lines take as ``drawing_of`` draws them; None for a picture, which has none."""
    if modality.pictured:
        return None
    if isinstance(content, dict):
        lines, most = lines_of(content), _LINES
    else:
        lines, most, size = _wrapped(content), _TEXT_LINES, _LARGER * size
    return (min(len(lines), most + 1) + 1) * size * _SPACING / 72


def _draw_readings(axes: Axes, readings: dict[str, Any], size: float) -> None:
    _draw_lines(axes, lines_of(readings), size)


def _draw_text(axes: Axes, query: Any, size: float) -> None:
    _draw_lines(axes, _wrapped(query), _LARGER * size, _TEXT_LINES)


def _wrapped(text: Any) -> list[str]:
    return textwrap.wrap(str(text), _TEXT_WIDTH)


def _draw_lines(axes: Axes, lines: list[str], size: float, most: int = _LINES) -> None:
    more = [f"({len(lines) - most} more)"] if len(lines) > most else []
    text = "\n".join(line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…" for line in lines[:most] + more)
    style: dict[str, Any] = {"fontsize": size, "color": INK, "linespacing": _SPACING, "parse_math": False}
    # Letters that are wider than usual must not move the frames.
    axes.text(0.04, 0.97, text, va="top", transform=axes.transAxes, **style).set_in_layout(False)


def _value(value: Any) -> str:
    if isinstance(value, int | float):
        return f"{value:.6g}" if abs(value) < 180 else f"{value:g}"
    return str(value)


# The first that holds: pictures, readings by column, and anything else as text.
_DRAWINGS: tuple[tuple[Callable[[Modality], bool], Drawing], ...] = (
    (lambda modality: modality.pictured, _draw_picture),
    (lambda modality: "readings" in modality.encoders, _draw_readings),
    (lambda modality: True, _draw_text),
)
