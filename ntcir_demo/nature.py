"""Dogs, trees and other things that grow."""

from __future__ import annotations

import math

import numpy as np

from ntcir_demo.canvas import Canvas
from ntcir_demo.colours import RGB, hsv, mix, pick, shade

FURS: tuple[RGB, ...] = ((190, 136, 82), (72, 56, 48), (228, 216, 196), (150, 110, 76))


def dog(
    canvas: Canvas, rng: np.random.Generator, x: float, z: float, lying: bool = False, shadow: RGB | None = None
) -> None:
    """Draw a dog, standing or lying, seen from the side."""
    fur = pick(rng, FURS)
    dark = shade(fur, 0.75)
    if shadow:
        canvas.level(x, 0.004, z).ellipse(0, 0, 0.42, 0.16, shadow)
    with canvas.thing("dog"):
        p = canvas.upright(x, z, 0.0, flip=bool(rng.random() < 0.5))
        if lying:
            p.line(((0.3, 0.1), (0.52, 0.06), (0.6, 0.12)), 0.05, dark)
            p.ellipse(0.05, 0.15, 0.36, 0.15, fur)
            p.ellipse(0.22, 0.13, 0.17, 0.14, shade(fur, 0.92))
            p.line(((-0.2, 0.05), (-0.48, 0.04)), 0.07, fur)
            p.line(((0.2, 0.04), (0.02, 0.035)), 0.07, dark)
            h = p.moved(-0.36, 0.25)
        else:
            swing = 0.08 * math.sin(float(rng.uniform(0, 6.3)))
            for a, tone in ((0.24, dark), (-0.2, dark)):
                p.line(((a, 0.3), (a - swing, 0.02)), 0.075, tone)
            p.line(((0.3, 0.46), (0.46, 0.62), (0.5, 0.7)), 0.05, dark)
            p.round_rect(-0.32, 0.28, 0.34, 0.54, 0.12, fur)
            for a in (0.27, -0.24):
                p.line(((a, 0.32), (a + swing, 0.02)), 0.08, fur)
            p.line(((-0.24, 0.46), (-0.37, 0.64)), 0.16, fur)
            p.rect(-0.36, 0.54, -0.26, 0.59, (196, 50, 48))
            h = p.moved(-0.4, 0.66)
        h.ellipse(0, 0, 0.125, 0.11, fur)
        h.round_rect(-0.23, -0.075, -0.04, 0.03, 0.045, shade(fur, 1.08))
        h.ellipse(-0.22, 0.01, 0.026, 0.022, (34, 30, 30))
        h.ellipse(-0.06, 0.035, 0.016, 0.018, (34, 30, 30))
        h.poly(((0.02, 0.1), (0.11, 0.07), (0.12, -0.08), (0.05, -0.06)), dark)


def tree(
    canvas: Canvas,
    x: float,
    z: float,
    rng: np.random.Generator,
    bare: float,
    haze: RGB,
    far: float,
    tall: float | None = None,
) -> None:
    """Draw a tree.

    Args:
        canvas: what to draw on.
        x: metres to the right.
        z: metres ahead.
        rng: decides on its shape.
        bare: 0 in leaf, 1 in winter.
        haze: the colour that things take on in the distance.
        far: how much of that colour, 0 to 1.
        tall: height in metres.
    """
    h = tall or float(rng.uniform(4.5, 8.0))
    trunk = mix(hsv(0.07, 0.35, float(rng.uniform(0.32, 0.45))), haze, far)
    leaf = mix(hsv(float(rng.uniform(0.2, 0.36)), 0.42, float(rng.uniform(0.42, 0.6))), haze, far)
    with canvas.thing("tree"):
        p = canvas.upright(x, z).moved(0, 0, h)
        p.poly(((-0.035, 0), (0.035, 0), (0.018, 0.5), (-0.018, 0.5)), trunk)
        for number in range(7):
            t = math.radians(25 + 130 * number / 6 + float(rng.uniform(-9, 9)))
            long = float(rng.uniform(0.3, 0.5))
            root = 0.3 + 0.03 * number
            a, b = long * math.cos(t) * 0.8, root + long * math.sin(t)
            p.line(((0, root), (a * 0.6, root + (b - root) * 0.5), (a, b)), 0.016, trunk)
            for twig in (-1, 1):
                p.line(((a * 0.6, root + (b - root) * 0.5), (a * 0.7 + twig * 0.1, b * 0.96)), 0.008, trunk)
        if rng.random() >= bare:
            for number in range(9):
                t = 2 * math.pi * number / 9 + float(rng.uniform(-0.3, 0.3))
                a, b = 0.19 * math.cos(t), 0.68 + 0.19 * math.sin(t)
                r = float(rng.uniform(0.12, 0.17))
                p.ellipse(
                    a, b, r, r * 0.92, shade(leaf, 0.88 + 0.22 * (0.5 + 0.5 * math.sin(t)) * (1 - 0.4 * math.cos(t)))
                )
            p.ellipse(0, 0.7, 0.2, 0.19, shade(leaf, 1.05))


def bush(
    canvas: Canvas, x: float, z: float, rng: np.random.Generator, haze: RGB, far: float, flowers: bool = False
) -> None:
    """Draw a bush, in flower or not."""
    leaf = mix(hsv(float(rng.uniform(0.24, 0.38)), 0.45, float(rng.uniform(0.38, 0.5))), haze, far)
    p = canvas.upright(x, z)
    for number in range(5):
        p.ellipse(-0.5 + 0.25 * number, 0.3 + 0.12 * float(rng.random()), 0.36, 0.36, shade(leaf, 0.85 + 0.07 * number))
    if flowers:
        hue = float(rng.choice([0.0, 0.14, 0.85, 0.92]))
        for _ in range(9):
            p.ellipse(
                float(rng.uniform(-0.6, 0.6)),
                float(rng.uniform(0.15, 0.65)),
                0.045,
                0.045,
                mix(hsv(hue, 0.55, 0.95), haze, far),
            )


def bench(canvas: Canvas, x: float, z: float, colour: RGB = (142, 100, 66)) -> None:
    """Draw a park bench that faces the camera."""
    with canvas.thing("bench"):
        for a in (x - 0.7, x + 0.62):
            canvas.box((a, 0, z - 0.2), (a + 0.08, 0.44, z + 0.25), (60, 62, 66))
        for b in (0.55, 0.7, 0.85):
            canvas.box((x - 0.8, b, z + 0.22), (x + 0.8, b + 0.1, z + 0.26), colour)
        canvas.box((x - 0.8, 0.42, z - 0.22), (x + 0.8, 0.47, z + 0.24), colour)
