"""What moves in a street: cars, buses, bicycles; and what stands there: lamps, traffic lights."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from ntcir_demo.canvas import Canvas, Plane
from ntcir_demo.colours import BLACK, METAL, RGB, WHITE, mix, pick, shade
from ntcir_demo.people import Look, person

PAINTS: tuple[RGB, ...] = (
    (186, 52, 50), (54, 96, 158), (232, 232, 228), (66, 70, 78), (150, 156, 162), (226, 176, 62), (74, 128, 98),
    (40, 44, 60),
)  # fmt: skip
_GLASS: RGB = (92, 116, 134)
# The side of a car from its tail: metres along, metres up.
_PROFILE = (
    (0.0, 0.32),
    (0.0, 0.82),
    (0.12, 0.98),
    (0.55, 1.42),
    (2.25, 1.46),
    (3.05, 0.99),
    (4.05, 0.84),
    (4.2, 0.62),
    (4.2, 0.32),
)
_WINDOW = ((0.42, 1.0), (0.72, 1.34), (2.2, 1.38), (2.85, 1.0))


def car(
    canvas: Canvas, rng: np.random.Generator, x: float, z: float, *, oncoming: bool, lights: bool, haze: RGB, far: float
) -> None:
    """Draw a car around (x, z) that goes our way or comes towards us; ``far`` of its colour is haze (0 to 1)."""
    paint = mix(pick(rng, PAINTS), haze, far)
    glass, tyre = mix(_GLASS, haze, far), mix((36, 36, 40), haze, far)
    length, half = 4.2, 0.87
    profile = [(length - a, b) for a, b in reversed(_PROFILE)] if oncoming else list(_PROFILE)
    panes = [(length - a, b) for a, b in _WINDOW] if oncoming else list(_WINDOW)
    near = z - length / 2
    canvas.level(x, 0.01, z).rect(
        -half - 0.1, -length / 2 - 0.1, half + 0.1, length / 2 + 0.1, mix((70, 72, 78), haze, far)
    )
    with canvas.thing("car"):
        p = canvas.plane((x, 0, near), (1, 0, 0), (0, 1, 0))
        for side in (-1, 1):
            p.rect(side * half - side * 0.24, 0, side * half, 0.34, tyre)
        for (l0, y0), (l1, y1) in reversed(list(pairwise(profile))):
            if y1 < y0 and canvas.camera.y < y0:
                continue
            tone = shade(paint, 0.94 if l1 == l0 else 1.1)
            canvas.paint(
                [
                    canvas.seen((x + a, b, near + c))
                    for a, b, c in ((-half, y0, l0), (half, y0, l0), (half, y1, l1), (-half, y1, l1))
                ],
                tone,
            )
        side = -1 if x > canvas.camera.x else 1
        if abs(x - canvas.camera.x) > half:
            flank = canvas.plane((x + side * half, 0, near), (0, 0, 1), (0, 1, 0))
            flank.poly(profile, shade(paint, 0.82))
            flank.poly(panes, shade(glass, 0.85))
            middle = 1.55 if not oncoming else length - 1.55
            flank.rect(middle - 0.03, 0.5, middle + 0.03, 1.4, shade(paint, 0.78))
            for a in (0.8, 3.4):
                flank.ellipse(a, 0.32, 0.33, 0.33, tyre)
                flank.ellipse(a, 0.32, 0.19, 0.19, mix(METAL, haze, far))
        _car_end(canvas, x, near, half, glass, oncoming, lights)


def _car_end(canvas: Canvas, x: float, near: float, half: float, glass: RGB, oncoming: bool, lights: bool) -> None:
    p = canvas.plane((x, 0, near - 0.005), (1, 0, 0), (0, 1, 0))
    if oncoming:
        # The windscreen leans back behind the bonnet.
        screen = [
            canvas.seen((x + a, b, near + c))
            for a, b, c in ((-0.76, 1.02, 1.18), (0.76, 1.02, 1.18), (0.64, 1.4, 1.88), (-0.64, 1.4, 1.88))
        ]
        canvas.paint(screen, glass)
        p.rect(-0.45, 0.42, 0.45, 0.56, BLACK)
        p.rect(-0.22, 0.34, 0.22, 0.42, WHITE)
    else:
        screen = [
            canvas.seen((x + a, b, near + c))
            for a, b, c in ((-0.7, 1.03, 0.15), (0.7, 1.03, 0.15), (0.6, 1.36, 0.48), (-0.6, 1.36, 0.48))
        ]
        canvas.paint(screen, glass)
        p.rect(-0.24, 0.52, 0.24, 0.64, (232, 214, 120))
    p.rect(-half, 0.3, half, 0.38, (52, 54, 58))
    lamp: RGB = (255, 246, 206) if oncoming else (226, 44, 40)
    for side in (-1, 1):
        p.round_rect(
            side * 0.66 - 0.15,
            0.6,
            side * 0.66 + 0.15,
            0.74,
            0.03,
            lamp if lights else shade(lamp, 0.85),
            255 if lights else 0,
        )
        if lights:
            canvas.lamp((x + side * 0.66, 0.67, near), 0.9, (0.4, 0.36, 0.22) if oncoming else (0.3, 0.04, 0.03))


def bus(
    canvas: Canvas, x: float, z: float, *, oncoming: bool, lights: bool, haze: RGB, far: float, number: str = "130"
) -> None:
    """Draw a double-decker bus around (x, z)."""
    body, trim = mix((238, 196, 44), haze, far), mix((32, 74, 132), haze, far)
    glass = mix((84, 104, 122), haze, far)
    half, length, top = 1.25, 10.0, 4.2
    near = z - length / 2
    canvas.level(x, 0.01, z).rect(-half - 0.1, -length / 2 - 0.1, half + 0.1, length / 2, mix((70, 72, 78), haze, far))
    with canvas.thing("bus"):
        canvas.box((x - half, 0.3, near), (x + half, top, near + length), body)
        side = -1 if x > canvas.camera.x else 1
        if abs(x - canvas.camera.x) > half:
            p = canvas.plane((x + side * (half + 0.005), 0, near), (0, 0, 1), (0, 1, 0))
            p.rect(0, 0.3, length, 1.0, shade(trim, 0.85))
            for a in np.arange(0.3, length - 1.0, 1.6).tolist():
                p.rect(a, 1.25, a + 1.45, 2.15, shade(glass, 0.9), 90 if lights else 0)
                p.rect(a, 2.85, a + 1.45, 3.75, shade(glass, 0.9), 90 if lights else 0)
            for a in (2.0, 7.6):
                p.ellipse(a, 0.45, 0.46, 0.46, (36, 36, 40))
        p = canvas.plane((x, 0, near - 0.005), (1, 0, 0), (0, 1, 0))
        p.rect(-half, 0.3, half, 0.95, trim)
        p.rect(-1.1, 2.9, 1.1, 3.8, glass, 80 if lights else 0)
        p.rect(-1.1, 1.15 if oncoming else 1.3, 1.1, 2.3, glass, 80 if lights else 0)
        p.rect(-0.75, 2.42, 0.75, 2.78, BLACK)
        p.text(number, 0.0, 2.6, 0.24, (255, 190, 70), 240)
        for edge in (-1, 1):
            colour: RGB = (255, 246, 206) if oncoming else (226, 44, 40)
            p.rect(edge * 0.95 - 0.16, 0.6, edge * 0.95 + 0.16, 0.76, colour, 255 if lights else 0)
            p.rect(edge * 0.9 - 0.2, 0, edge * 0.9 + 0.2, 0.32, (36, 36, 40))


def bicycle(canvas: Canvas, p: Plane, colour: RGB) -> None:
    """Draw a bicycle from the side on an upright surface, its front to the left."""
    with canvas.thing("bicycle"):
        _bicycle(p, colour)


def _bicycle(p: Plane, colour: RGB) -> None:
    for a in (-0.52, 0.52):
        ring = [(a + 0.32 * math.cos(t), 0.34 + 0.32 * math.sin(t)) for t in np.linspace(0, 2 * math.pi, 15).tolist()]
        p.line(ring, 0.045, BLACK)
        for t in (0.4, 1.45, 2.5):
            dx, dy = 0.31 * math.cos(t), 0.31 * math.sin(t)
            p.line(((a - dx, 0.34 - dy), (a + dx, 0.34 + dy)), 0.008, METAL)
    p.line(((0.52, 0.34), (0.08, 0.32), (-0.36, 0.82), (0.22, 0.82), (0.52, 0.34)), 0.04, colour)
    p.line(((0.08, 0.32), (0.26, 0.94)), 0.04, colour)
    p.line(((-0.52, 0.34), (-0.36, 0.82), (-0.33, 1.0), (-0.46, 1.02)), 0.04, shade(colour, 0.8))
    p.rect(0.14, 0.93, 0.38, 0.985, BLACK)


def cyclist(
    canvas: Canvas, rng: np.random.Generator, x: float, z: float, colour: RGB, crossing: bool, look: Look | None = None
) -> None:
    """Draw a bicycle with its rider: from the side when crossing our way, else from behind."""
    if crossing:
        p = canvas.upright(x, z, flip=bool(rng.random() < 0.5))
        person(canvas, rng, x + 0.1, z, pose="sit", facing="left" if p.u[0] > 0 else "right", y=0.42, look=look)
        bicycle(canvas, p, colour)
        return
    person(canvas, rng, x, z, pose="sit", facing="back", y=0.42, look=look)
    with canvas.thing("bicycle"):
        p = canvas.upright(x, z)
        p.round_rect(-0.03, 0.0, 0.03, 0.66, 0.028, BLACK)
        p.rect(-0.012, 0.4, 0.012, 0.95, colour)
        p.rect(-0.3, 1.0, 0.3, 1.03, METAL)
        p.ellipse(0, 0.78, 0.035, 0.035, (226, 44, 40), 200)


def street_lamp(canvas: Canvas, x: float, z: float, on: bool, haze: RGB, far: float) -> None:
    """Draw a street lamp; after dark it lights the road under it."""
    post = mix((78, 84, 90), haze, far)
    side = 1 if x < 0 else -1
    p = canvas.upright(x, z)
    p.rect(-0.05, 0, 0.05, 5.4, post)
    p.line(((0, 5.35), (side * 0.9, 5.55)), 0.08, post)
    p.rect(
        min(side * 0.8, side * 1.4),
        5.48,
        max(side * 0.8, side * 1.4),
        5.6,
        (255, 224, 160) if on else post,
        255 if on else 0,
    )
    if on:
        canvas.lamp((x + side * 1.1, 5.4, z), 1.0, (0.5, 0.42, 0.25))
        canvas.lamp((x + side * 1.1, 0.6, z), 3.2, (0.34, 0.28, 0.16))


def traffic_light(canvas: Canvas, x: float, z: float, green: bool) -> None:
    """Draw a traffic light."""
    with canvas.thing("traffic light"):
        p = canvas.upright(x, z)
        p.rect(-0.05, 0, 0.05, 2.4, (64, 66, 70))
        p.round_rect(-0.18, 2.3, 0.18, 3.2, 0.06, (34, 36, 40))
        for row, (colour, on) in enumerate(
            (((236, 60, 50), not green), ((240, 180, 60), False), ((80, 210, 110), green))
        ):
            p.ellipse(0, 3.03 - row * 0.28, 0.11, 0.11, colour if on else shade(colour, 0.3), 255 if on else 0)
