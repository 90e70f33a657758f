"""A small painter in three dimensions: flat shapes seen through a camera, with the boxes of the things drawn.

The world has x to the right, y up and z ahead, in metres. Everything is a flat polygon on a `Plane`; what is nearer is
painted later. Beside the picture a small map is painted with the same polygons, which knows of each spot what thing it
belongs to (for the boxes, occlusion included) and whether it shines by itself (for the light).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import ParamSpec

import numpy as np
from PIL import Image, ImageDraw

from ntcir_demo.camera import Box, Camera
from ntcir_demo.colours import RGB, shade
from ntcir_demo.outlines import Point, circle, letters

WIDTH, HEIGHT = 1024, 768
OVERSAMPLE = 2  # drawn larger and averaged: PIL's polygons have hard edges
MAP = 4  # the side in pixels of one spot of the map
NEAR = 0.08
MOST_THINGS = 250  # the map's ids fit a byte
_SMALLEST, _LEAST_SHOWN, _LEAST_INSIDE = 10.0, 0.4, 0.3

Vector = tuple[float, float, float]
P = ParamSpec("P")


@dataclass
class _Thing:
    """A labelled thing while it is being drawn: its extent on the screen, off-screen parts included."""

    label: str
    left: float = math.inf
    top: float = math.inf
    right: float = -math.inf
    bottom: float = -math.inf
    spots: int = 0


class Canvas:
    """The picture being painted, and the map beside it."""

    def __init__(self, camera: Camera, background: RGB = (0, 0, 0)) -> None:
        self.camera = camera
        self.image = Image.new("RGB", (WIDTH * OVERSAMPLE, HEIGHT * OVERSAMPLE), background)
        self.map = Image.new("RGB", (WIDTH // MAP, HEIGHT // MAP))  # red: id of the thing, green: glow
        self._draw = ImageDraw.Draw(self.image)
        self._map_draw = ImageDraw.Draw(self.map)
        self._map_used = False
        self._things: list[_Thing] = []
        self._inside = 0
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self.lamps: list[tuple[float, float, float, tuple[float, float, float]]] = []
        yaw, pitch, roll = (math.radians(angle) for angle in (camera.yaw, camera.pitch, camera.roll))
        cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (math.cos, math.sin))
        right, up, ahead = (cy, 0.0, -sy), (-sp * sy, cp, -sp * cy), (cp * sy, sp, cp * cy)
        self._rows = (
            tuple(cr * a - sr * b for a, b in zip(right, up, strict=True)),
            tuple(sr * a + cr * b for a, b in zip(right, up, strict=True)),
            ahead,
        )
        self.right = right  # the camera's right in the world, level

    def turned(self, v: Vector) -> Vector:
        """Return a world direction as the camera sees it (right, up, ahead)."""
        (a, b, c), x, y, z = self._rows, *v
        return (
            a[0] * x + a[1] * y + a[2] * z,
            b[0] * x + b[1] * y + b[2] * z,
            c[0] * x + c[1] * y + c[2] * z,
        )

    def seen(self, p: Vector) -> Vector:
        """Return a world point in the camera's coordinates."""
        return self.turned((p[0] - self.camera.x, p[1] - self.camera.y, p[2] - self.camera.z))

    def plane(self, origin: Vector, u: Vector, v: Vector) -> Plane:
        """Return a flat surface in the world: ``origin + a u + b v``."""
        return Plane(self, self.seen(origin), self.turned(u), self.turned(v))

    def upright(self, x: float, z: float, y: float = 0.0, flip: bool = False) -> Plane:
        """Return a surface that stands on a point and faces the camera, like a cardboard figure."""
        k = -1.0 if flip else 1.0
        return self.plane((x, y, z), (k * self.right[0], 0.0, k * self.right[2]), (0.0, 1.0, 0.0))

    def level(self, x: float = 0.0, y: float = 0.0, z: float = 0.0, turn: float = 0.0) -> Plane:
        """Return a horizontal surface; its v axis points ahead, turned by some degrees to the right."""
        c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        return self.plane((x, y, z), (c, 0.0, -s), (s, 0.0, c))

    def screen(self, shift: Point = (0.0, 0.0), roll: float = 0.0) -> Plane:
        """Return the picture itself as a surface: origin in the middle, one unit is the picture's height."""
        k = HEIGHT / self.camera.focal
        c, s = math.cos(math.radians(roll)), math.sin(math.radians(roll))
        return Plane(self, (shift[0] * k, shift[1] * k, 1.0), (c * k, -s * k, 0.0), (s * k, c * k, 0.0))

    def box(self, low: Vector, high: Vector, colour: RGB, top: RGB | None = None, glow: int = 0) -> None:
        """Draw the faces of an upright cuboid that can be seen, the top lighter than the sides."""
        (x0, y0, z0), (x1, y1, z1), camera = low, high, self.camera
        faces: list[tuple[Sequence[Vector], RGB]] = []
        if camera.x < x0 or camera.x > x1:
            x = x0 if camera.x < x0 else x1
            faces.append((((x, y0, z0), (x, y1, z0), (x, y1, z1), (x, y0, z1)), shade(colour, 0.8)))
        if camera.z < z0 or camera.z > z1:
            z = z0 if camera.z < z0 else z1
            faces.append((((x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)), shade(colour, 0.92)))
        if camera.y > y1:
            faces.append((((x0, y1, z0), (x1, y1, z0), (x1, y1, z1), (x0, y1, z1)), top or shade(colour, 1.1)))
        elif camera.y < y0:
            faces.append((((x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)), shade(colour, 0.6)))
        for corners, tone in faces:
            self.paint([self.seen(corner) for corner in corners], tone, glow)

    def lamp(self, p: Vector, reach: float, colour: tuple[float, float, float]) -> None:
        """Put a light (0 to 1 a channel) at a point; it brightens the picture for ``reach`` metres around."""
        x, y, z = self.seen(p)
        if z > 0.3:
            k = self.camera.focal / z
            self.lamps.append((WIDTH / 2 + k * x, HEIGHT / 2 - k * y, k * reach, colour))

    def later(self, x: float, z: float, paint: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Queue a painter, with its arguments, of a thing at a place on the floor; `flush` calls the farthest first."""
        away = math.hypot(x - self.camera.x, z - self.camera.z)
        self._queue.append((-away, len(self._queue), partial(paint, *args, **kwargs)))

    def flush(self) -> None:
        """Call the queued painters, the farthest first."""
        queue, self._queue = sorted(self._queue, key=lambda item: item[:2]), []
        for _, _, paint in queue:
            paint()

    @contextmanager
    def thing(self, label: str) -> Iterator[None]:
        """Everything drawn inside belongs to one thing of this class (an inner thing is a thing of its own)."""
        outer, before = self._inside, len(self._things)
        if before >= MOST_THINGS:
            yield
            return
        self._things.append(_Thing(label))
        self._inside, self._map_used = before + 1, True
        try:
            yield
        finally:
            thing = self._things[before]
            # How many spots it covers before anything nearer is painted over it.
            thing.spots = self._count(before + 1, thing) if thing.right > thing.left else 0
            self._inside = outer

    def paint(self, corners: list[Vector], colour: RGB, glow: int = 0) -> None:
        """Paint a polygon given in the camera's coordinates; ``glow`` (0 to 255) is the light that it gives."""
        if min(corner[2] for corner in corners) < NEAR:
            corners = _in_front(corners)
            if len(corners) < 3:
                return
        f = self.camera.focal
        xs = [WIDTH / 2 + f * x / z for x, _, z in corners]
        ys = [HEIGHT / 2 - f * y / z for _, y, z in corners]
        left, right, top, bottom = min(xs), max(xs), min(ys), max(ys)
        if self._inside:
            thing = self._things[self._inside - 1]
            thing.left, thing.right = min(thing.left, left), max(thing.right, right)
            thing.top, thing.bottom = min(thing.top, top), max(thing.bottom, bottom)
        if right < 0 or left > WIDTH or bottom < 0 or top > HEIGHT:
            return
        self._draw.polygon([OVERSAMPLE * c for p in zip(xs, ys, strict=True) for c in p], fill=colour)
        if self._map_used or glow:
            self._map_used = True
            self._map_draw.polygon([c / MAP for p in zip(xs, ys, strict=True) for c in p], fill=(self._inside, glow, 0))

    def boxes(self) -> list[Box]:
        """Return the boxes of the things that can be seen well enough to be named."""
        ids = np.asarray(self.map)[..., 0]
        found = []
        for number, thing in enumerate(self._things, 1):
            if thing.right <= thing.left:
                continue
            x1, y1, x2, y2 = _clip(thing)
            if x2 - x1 < _SMALLEST or y2 - y1 < _SMALLEST:
                continue
            rows, columns = np.nonzero(ids[_window(thing)] == number)
            if len(rows) < max(1.0, _LEAST_SHOWN * thing.spots):
                continue
            whole = (thing.right - thing.left) * (thing.bottom - thing.top)
            if (x2 - x1) * (y2 - y1) < _LEAST_INSIDE * whole:
                continue
            down, across = int(y1 / MAP), int(x1 / MAP)
            # The map is coarse: where nothing hides an edge, the exact outline holds.
            x1, x2 = max(x1, (across + columns.min() - 1) * MAP), min(x2, (across + columns.max() + 2) * MAP)
            y1, y2 = max(y1, (down + rows.min() - 1) * MAP), min(y2, (down + rows.max() + 2) * MAP)
            if x2 - x1 >= _SMALLEST and y2 - y1 >= _SMALLEST:
                found.append(Box(thing.label, *(round(float(edge), 1) for edge in (x1, y1, x2, y2))))
        return found

    def _count(self, number: int, thing: _Thing) -> int:
        rows, columns = _window(thing)
        part = self.map.crop((columns.start, rows.start, columns.stop, rows.stop))
        return part.histogram()[number] if part.width and part.height else 0


class Plane:
    """A flat surface to draw on, in metres along its two axes."""

    def __init__(self, canvas: Canvas, origin: Vector, u: Vector, v: Vector) -> None:
        self.canvas, self.o, self.u, self.v = canvas, origin, u, v

    def moved(self, a: float, b: float, scale: float = 1.0, turn: float = 0.0) -> Plane:
        """Return the same surface with its origin moved, its unit scaled, and turned in itself by some degrees."""
        o, u, v = self.o, self.u, self.v
        c, s = math.cos(math.radians(turn)) * scale, math.sin(math.radians(turn)) * scale
        return Plane(
            self.canvas,
            (o[0] + a * u[0] + b * v[0], o[1] + a * u[1] + b * v[1], o[2] + a * u[2] + b * v[2]),
            (c * u[0] + s * v[0], c * u[1] + s * v[1], c * u[2] + s * v[2]),
            (c * v[0] - s * u[0], c * v[1] - s * u[1], c * v[2] - s * u[2]),
        )

    def poly(self, points: Sequence[Point], colour: RGB, glow: int = 0) -> None:
        """Draw a polygon."""
        (ox, oy, oz), (ux, uy, uz), (vx, vy, vz) = self.o, self.u, self.v
        self.canvas.paint(
            [(ox + a * ux + b * vx, oy + a * uy + b * vy, oz + a * uz + b * vz) for a, b in points], colour, glow
        )

    def rect(self, a0: float, b0: float, a1: float, b1: float, colour: RGB, glow: int = 0) -> None:
        """Draw a rectangle between two corners."""
        self.poly(((a0, b0), (a1, b0), (a1, b1), (a0, b1)), colour, glow)

    def round_rect(self, a0: float, b0: float, a1: float, b1: float, r: float, colour: RGB, glow: int = 0) -> None:
        """Draw a rectangle with rounded corners of radius ``r``."""
        corners = ((a1 - r, b1 - r, 0), (a0 + r, b1 - r, 1), (a0 + r, b0 + r, 2), (a1 - r, b0 + r, 3))
        points = []
        for a, b, quarter in corners:
            for step in range(4):
                angle = (quarter + step / 3) * math.pi / 2
                points.append((a + r * math.cos(angle), b + r * math.sin(angle)))
        self.poly(points, colour, glow)

    def ellipse(self, a: float, b: float, ra: float, rb: float, colour: RGB, glow: int = 0) -> None:
        """Draw a full ellipse around (a, b)."""
        self.poly([(a + ra * c, b + rb * s) for c, s in circle(22 if max(ra, rb) < 0.3 else 44)], colour, glow)

    def arc(
        self, a: float, b: float, ra: float, rb: float, start: float, end: float, colour: RGB, glow: int = 0
    ) -> None:
        """Draw the part of an ellipse between two angles (degrees, from the u axis towards v), cut off straight."""
        angles = np.radians(np.linspace(start, end, 14)).tolist()
        self.poly([(a + ra * math.cos(t), b + rb * math.sin(t)) for t in angles], colour, glow)

    def line(self, points: Sequence[Point], width: float, colour: RGB, glow: int = 0) -> None:
        """Draw a bent line of some width with square ends."""
        for (a0, b0), (a1, b1) in pairwise(points):
            length = math.hypot(a1 - a0, b1 - b0) or 1.0
            a, b = (b1 - b0) / length * width / 2, (a0 - a1) / length * width / 2
            self.poly(((a0 + a, b0 + b), (a1 + a, b1 + b), (a1 - a, b1 - b), (a0 - a, b0 - b)), colour, glow)

    def text(self, words: str, a: float, b: float, height: float, colour: RGB, glow: int = 0) -> None:
        """Write words centred on (a, b), ``height`` high."""
        runs, columns, rows = letters(words)
        k = height / rows
        for row, first, last in runs:
            left, up = a + (first - columns / 2) * k, b + (rows / 2 - row) * k
            self.rect(left, up - k * 1.04, left + (last - first) * k, up, colour, glow)


def _in_front(corners: list[Vector]) -> list[Vector]:
    """Cut a polygon at the near plane, so that nothing behind the camera is projected."""
    kept: list[Vector] = []
    for a, b in zip(corners, corners[1:] + corners[:1], strict=True):
        if a[2] >= NEAR:
            kept.append(a)
        if (a[2] >= NEAR) != (b[2] >= NEAR):
            t = (NEAR - a[2]) / (b[2] - a[2])
            kept.append((a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), NEAR))
    return kept


def _clip(thing: _Thing) -> tuple[float, float, float, float]:
    left, right = (min(max(edge, 0.0), WIDTH) for edge in (thing.left, thing.right))
    top, bottom = (min(max(edge, 0.0), HEIGHT) for edge in (thing.top, thing.bottom))
    return left, top, right, bottom


def _window(thing: _Thing) -> tuple[slice, slice]:
    """Return the rows and columns of the map that a thing can touch."""
    left, top, right, bottom = _clip(thing)
    return slice(int(top / MAP), int(bottom / MAP) + 1), slice(int(left / MAP), int(right / MAP) + 1)
