"""Rooms and what stands in them."""

from __future__ import annotations

import math

import numpy as np

from ntcir_demo.canvas import Canvas, Plane
from ntcir_demo.colours import CLOTHES, RGB, WHITE, WOOD, hsv, mix, pick, shade
from ntcir_demo.light import Sky


def room(
    canvas: Canvas, w: float, d: float, h: float, wall: RGB, floor: RGB, *, style: str = "planks", back: float = 3.0,
    ceiling: RGB = (236, 234, 228), skirting: RGB = WHITE,
) -> None:  # fmt: skip
    """Draw an empty room: ``w`` metres wide around x = 0, from ``back`` metres behind the origin to z = ``d``.

    ``style`` of the floor: ``planks``, ``tiles``, ``carpet``.
    """
    x, z0 = w / 2, -back
    ground = canvas.level()
    ground.rect(-x, z0, x, d, floor)
    if style == "planks":
        for number in range(math.ceil(w / 0.28)):
            a = -x + number * 0.28
            ground.rect(a, z0, min(a + 0.27, x), d, shade(floor, 0.95 + 0.1 * ((number * 7919) % 11) / 11))
    elif style == "tiles":
        for row in range(math.ceil((d + 0.5) / 0.6)):
            for column in range(math.ceil(w / 0.6)):
                if (row + column) % 2:
                    a, b = -x + column * 0.6, -0.5 + row * 0.6
                    ground.rect(a, b, min(a + 0.6, x), min(b + 0.6, d), shade(floor, 0.9))
    canvas.level(y=h).rect(-x, z0, x, d, ceiling)
    for side in (-1, 1):
        p = canvas.plane((side * x, 0, 0), (0, 0, 1), (0, 1, 0))
        p.rect(z0, 0, d, h, shade(wall, 0.9 if side < 0 else 0.95))
        p.rect(z0, 0, d, 0.09, shade(skirting, 0.9))
    p = canvas.plane((0, 0, d), (1, 0, 0), (0, 1, 0))
    p.rect(-x, 0, x, h, wall)
    p.rect(-x, 0, x, 0.09, skirting)


def back_wall(canvas: Canvas, d: float) -> Plane:
    """Return the wall ahead as a surface: u to the right from the middle, v up from the floor."""
    return canvas.plane((0, 0, d), (1, 0, 0), (0, 1, 0))


def side_wall(canvas: Canvas, w: float, side: int) -> Plane:
    """Return the left (-1) or right (1) wall as a surface: u ahead, v up from the floor."""
    return canvas.plane((side * w / 2, 0, 0), (0, 0, 1), (0, 1, 0))


def window(
    p: Plane, a0: float, b0: float, a1: float, b1: float, sky: Sky, rng: np.random.Generator,
    curtain: RGB | None = None, frame: RGB = WHITE, panes: int = 2, urban: float = 0.5,
) -> None:  # fmt: skip
    """Draw a window with what is outside: sky, roofs and trees by day, lights by night."""
    glow = int(70 + 180 * sky.day)
    w, h = a1 - a0, b1 - b0
    for band in range(6):
        p.rect(a0, b0 + h * band / 6, a1, b0 + h * (band + 1) / 6, mix(sky.horizon, sky.top, band / 6), glow)
    for _ in range(5):
        a, tall = a0 + w * float(rng.uniform(0, 0.8)), h * float(rng.uniform(0.15, 0.28 + 0.35 * urban))
        b = min(a + w * float(rng.uniform(0.14, 0.26)), a1)
        tone = hsv(
            float(rng.uniform(0.02, 0.11)) if rng.random() > urban else 0.58, 0.25, float(rng.uniform(0.45, 0.7))
        )
        p.rect(a, b0, b, b0 + tall, mix(shade(tone, 0.3), tone, sky.day), glow)
        for _ in range(3):
            s, t = a + (b - a) * float(rng.uniform(0.1, 0.7)), b0 + tall * float(rng.uniform(0.15, 0.75))
            lit = (250, 214, 130) if sky.day < 0.5 else shade(tone, 0.7)
            p.rect(s, t, s + (b - a) * 0.18, t + h * 0.05, lit, max(glow, 200) if sky.day < 0.5 else glow)
    for _ in range(3):
        leaf = mix((24, 34, 36), (92, 140, 82), sky.day)
        p.arc(
            a0 + w * float(rng.uniform(0.12, 0.88)),
            b0,
            w * 0.12,
            h * float(rng.uniform(0.15, 0.35)),
            0,
            180,
            leaf,
            glow,
        )
    t = 0.045
    for edge in range(panes + 1):
        a = a0 + w * edge / panes
        p.rect(a - t, b0 - t, a + t, b1 + t, frame)
    p.rect(a0 - t, b0 - t, a1 + t, b0 + t * 0.6, frame)
    p.rect(a0 - t, b1 - t * 0.6, a1 + t, b1 + t, frame)
    p.rect(a0 - 0.1, b0 - 0.09, a1 + 0.1, b0 - 0.03, shade(frame, 0.94))
    if curtain:
        for side, a in ((1, a0 - 0.1), (-1, a1 + 0.1)):
            for fold in range(4):
                s = a + side * fold * 0.075
                p.poly(((s, b0 - 0.3), (s + side * 0.08, b0 - 0.3), (s + side * 0.07, b1 + 0.12), (s, b1 + 0.12)),
                       shade(curtain, 1.0 if fold % 2 else 0.88))  # fmt: skip
        p.rect(a0 - 0.25, b1 + 0.11, a1 + 0.25, b1 + 0.14, shade(WOOD, 0.7))


def picture(p: Plane, a: float, b: float, w: float, h: float, rng: np.random.Generator) -> None:
    """Draw a framed picture on a wall."""
    p.rect(
        a - w / 2 - 0.03,
        b - h / 2 - 0.03,
        a + w / 2 + 0.03,
        b + h / 2 + 0.03,
        pick(rng, ((64, 52, 44), (210, 176, 110), (238, 236, 230))),
    )
    hue = float(rng.random())
    p.rect(a - w / 2, b - h / 2, a + w / 2, b + h / 2, hsv(hue, 0.3, 0.9))
    q = p.moved(a, b)
    if rng.random() < 0.5:
        q.poly(
            (
                (-w / 2, -h / 2),
                (w / 2, -h / 2),
                (w / 2, -h * 0.1),
                (0.1 * w, h * 0.16),
                (-w * 0.2, -h * 0.14),
                (-w / 2, 0.05 * h),
            ),
            hsv(hue + 0.3, 0.4, 0.6),
        )
        q.ellipse(0.2 * w, 0.26 * h, 0.08 * w, 0.08 * w, hsv(hue + 0.6, 0.5, 0.95))
    else:
        for _ in range(5):
            s, t = float(rng.uniform(-0.35, 0.35)), float(rng.uniform(-0.3, 0.3))
            q.ellipse(s * w, t * h, w * 0.13, w * 0.13, hsv(hue + float(rng.random()), 0.5, 0.8))


def door(p: Plane, a: float, colour: RGB = (222, 214, 200)) -> None:
    """Draw a door in a wall."""
    p.rect(a - 0.5, 0, a + 0.5, 2.1, shade(colour, 0.85))
    p.rect(a - 0.43, 0, a + 0.43, 2.04, colour)
    for b in (0.2, 1.15):
        p.rect(a - 0.3, b, a + 0.3, b + 0.75, shade(colour, 0.93))
    p.ellipse(a + 0.36, 1.02, 0.03, 0.03, (190, 160, 90))


def table(canvas: Canvas, x0: float, z0: float, x1: float, z1: float, y: float, colour: RGB, legs: bool = True) -> None:
    """Draw a table whose top is at height ``y``."""
    if legs:
        for x in (x0 + 0.03, x1 - 0.09):
            for z in (z1 - 0.09, z0 + 0.03):
                canvas.box((x, 0, z), (x + 0.06, y - 0.04, z + 0.06), shade(colour, 0.7))
    canvas.box((x0, y - 0.04, z0), (x1, y, z1), shade(colour, 0.9), top=colour)


def chair(canvas: Canvas, x: float, z: float, colour: RGB, towards: bool = True, y: float = 0.45) -> None:
    """Draw a chair, its back away from the camera (``towards``: whoever sits faces the camera) or near it."""
    with canvas.thing("chair"):
        back = z + 0.2 if towards else z - 0.2
        for dx in (-0.19, 0.16):
            for dz in (0.17, -0.2):
                canvas.box((x + dx, 0, z + dz), (x + dx + 0.03, y, z + dz + 0.03), shade(colour, 0.6))
        if towards:
            canvas.box((x - 0.2, y + 0.08, back - 0.02), (x + 0.2, y + 0.46, back + 0.02), colour)
        canvas.box((x - 0.21, y - 0.03, z - 0.21), (x + 0.21, y + 0.02, z + 0.21), colour)
        if not towards:
            canvas.box((x - 0.2, y + 0.08, back - 0.02), (x + 0.2, y + 0.46, back + 0.02), shade(colour, 0.94))


def couch(canvas: Canvas, x: float, z: float, colour: RGB, w: float = 1.9) -> None:
    """Draw a couch that faces the camera."""
    with canvas.thing("couch"):
        x0, x1 = x - w / 2, x + w / 2
        canvas.box((x0, 0.08, z + 0.5), (x1, 0.82, z + 0.75), shade(colour, 0.9))
        canvas.box((x0, 0.08, z - 0.2), (x1, 0.32, z + 0.5), shade(colour, 0.8))
        for a, b in ((x0 + 0.17, x - 0.01), (x + 0.01, x1 - 0.17)):
            canvas.box((a, 0.32, z - 0.22), (b, 0.45, z + 0.5), colour)
            canvas.box((a, 0.45, z + 0.42), (b, 0.84, z + 0.56), shade(colour, 1.04))
        for a in (x0, x1 - 0.17):
            canvas.box((a, 0.08, z - 0.2), (a + 0.17, 0.6, z + 0.6), shade(colour, 0.94))
        for a, hue in ((x0 + 0.38, 0.11), (x1 - 0.38, 0.55)):
            canvas.plane((a, 0.46, z + 0.38), (1, 0, 0), (0, 0.97, 0.2)).round_rect(
                -0.18, 0, 0.18, 0.32, 0.05, hsv(hue, 0.45, 0.86)
            )


def plant(canvas: Canvas, x: float, z: float, rng: np.random.Generator, tall: float = 1.1, y: float = 0.0) -> None:
    """Draw a plant in its pot."""
    with canvas.thing("potted plant"):
        p = canvas.upright(x, z, y).moved(0, 0, tall)
        leaf, pot = (
            hsv(float(rng.uniform(0.27, 0.4)), 0.5, 0.55),
            pick(rng, ((190, 104, 74), (226, 222, 212), (84, 96, 112))),
        )
        for number in range(11):
            t = math.radians(20 + 140 * number / 10 + float(rng.uniform(-8, 8)))
            far = float(rng.uniform(0.45, 0.72))
            a, b = far * math.cos(t) * 0.72, 0.28 + far * math.sin(t)
            p.line(((0, 0.26), (a, b)), 0.018, shade(leaf, 0.7))
            p.moved(a * 0.85, 0.28 + (b - 0.28) * 0.85, 1.0, math.degrees(t) - 90).ellipse(
                0, 0, 0.07, 0.17, shade(leaf, float(rng.uniform(0.8, 1.2)))
            )
        p.poly(((-0.14, 0), (0.14, 0), (0.19, 0.28), (-0.19, 0.28)), pot)
        p.rect(-0.2, 0.25, 0.2, 0.31, shade(pot, 0.9))


def bookshelf(canvas: Canvas, x: float, z: float, rng: np.random.Generator, w: float = 1.0, h: float = 1.9) -> None:
    """Draw a shelf full of books, its front towards the camera at depth ``z``."""
    canvas.box((x - w / 2, 0, z), (x + w / 2, h, z + 0.3), shade(WOOD, 0.85))
    p, rows = canvas.plane((x, 0, z - 0.003), (1, 0, 0), (0, 1, 0)), int(h / 0.38)
    for row in range(rows):
        b = 0.06 + row * (h - 0.08) / rows
        p.rect(-w / 2 + 0.04, b, w / 2 - 0.04, b + 0.33, shade(WOOD, 0.45))
        a = -w / 2 + 0.05
        with canvas.thing("book"):
            while a < w / 2 - 0.1:
                wide, tall = float(rng.uniform(0.03, 0.07)), float(rng.uniform(0.2, 0.3))
                p.rect(a, b, a + wide - 0.004, b + tall, shade(pick(rng, CLOTHES), float(rng.uniform(0.75, 1.05))))
                a += wide
                if rng.random() < 0.06:
                    a += 0.12


def floor_lamp(canvas: Canvas, x: float, z: float, on: bool, y: float = 0.0, h: float = 1.55) -> None:
    """Draw a lamp with a shade; it lights the room when on."""
    p = canvas.upright(x, z, y)
    p.rect(-0.012, 0, 0.012, h - 0.2, (86, 80, 74))
    canvas.level(x, y + 0.01, z).ellipse(0, 0, 0.14, 0.14, (86, 80, 74))
    p.poly(
        ((-0.2, h - 0.28), (0.2, h - 0.28), (0.13, h), (-0.13, h)),
        (252, 226, 170) if on else (226, 214, 190),
        250 if on else 0,
    )
    if on:
        canvas.lamp((x, y + h - 0.1, z), 1.5, (0.42, 0.34, 0.2))


def pendant(canvas: Canvas, x: float, y: float, z: float, top: float, on: bool, colour: RGB = (60, 62, 66)) -> None:
    """Draw a lamp that hangs from the ceiling."""
    p = canvas.upright(x, z, 0)
    p.rect(-0.008, y, 0.008, top, (50, 50, 52))
    p.poly(((-0.2, y), (0.2, y), (0.07, y + 0.16), (-0.07, y + 0.16)), colour)
    p.ellipse(0, y, 0.1, 0.035, (255, 236, 180) if on else (200, 196, 186), 255 if on else 0)
    if on:
        canvas.lamp((x, y - 0.1, z), 1.1, (0.24, 0.19, 0.11))


def bed(canvas: Canvas, x0: float, z0: float, x1: float, z1: float, colour: RGB, rumpled: np.random.Generator) -> None:
    """Draw a bed, its head at ``z1``."""
    with canvas.thing("bed"):
        canvas.box((x0 - 0.04, 0.1, z1), (x1 + 0.04, 1.05, z1 + 0.07), shade(WOOD, 0.9))
        canvas.box((x0, 0.12, z0), (x1, 0.5, z1), WHITE)
        for a, b in ((x0 + 0.08, (x0 + x1) / 2 - 0.04), ((x0 + x1) / 2 + 0.04, x1 - 0.08)):
            canvas.box((a, 0.5, z1 - 0.48), (b, 0.64, z1 - 0.06), (240, 236, 226))
        edge = z1 - 0.62
        canvas.box((x0 - 0.03, 0.24, z0 - 0.03), (x1 + 0.03, 0.56, edge), colour)
        top = canvas.level(0, 0.565, 0)
        top.rect(x0 - 0.02, edge - 0.22, x1 + 0.02, edge, mix(colour, WHITE, 0.7))
        for _ in range(5):
            a, b = float(rumpled.uniform(x0 + 0.1, x1 - 0.2)), float(rumpled.uniform(z0 + 0.2, edge - 0.4))
            top.poly(((a, b), (a + 0.3, b + 0.06), (a + 0.12, b + 0.12)), shade(colour, 0.92))
