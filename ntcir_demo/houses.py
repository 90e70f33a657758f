"""The houses along a street, from cottages with front gardens to shops and glass offices; or the sea on one side."""

from __future__ import annotations

import math

import numpy as np

from ntcir_demo.canvas import Canvas, Plane
from ntcir_demo.colours import RGB, WHITE, hsv, mix, pick, shade
from ntcir_demo.nature import tree
from ntcir_demo.scenery import ahead, character, haze, mood, seed_of
from ntcir_demo.stage import Stage

PLOT = 12.0  # metres of street that a house takes
FAR = 150.0
KERB, FRONT = 3.9, 6.5  # metres from the middle of the road to the pavement's edge and to the first walls
SIGNS = ("BOOKS", "BAKERY", "BAR", "FLOWERS", "PHARMACY", "TEA", "FISH", "BIKES", "POST", "BANK", "PIZZA", "SHOES")


def rows(stage: Stage, c: Canvas) -> None:
    """Draw the houses, the farthest first."""
    m = stage.moment
    here = math.floor(m.along / PLOT)
    steps = range(math.ceil(FAR / PLOT), -2, -1)
    for step in steps:
        number = here - step if m.backwards else here + step
        z0, z1 = sorted((ahead(stage, number * PLOT), ahead(stage, (number + 1) * PLOT)))
        for bank in (0, 1):
            side = (-1, 1)[bank] * (-1 if m.backwards else 1)
            if m.sea and bank == 1:
                _shore(stage, c, side, number, z0, z1, step == steps[0])
            else:
                _house(stage, c, side, stage.fixed(42, bank, seed_of(number)), number * PLOT, z0, z1)


def _house(stage: Stage, c: Canvas, side: int, rng: np.random.Generator, position: float, z0: float, z1: float) -> None:
    urban, green = character(stage, position)
    kind = urban + float(rng.normal(0, 0.12))
    far = haze(stage, z0)
    sky, horizon = stage.sky, stage.sky.horizon
    wall = mix(
        mix(mood(stage, position), hsv(float(rng.random()), 0.35, 0.8), 0.3),
        (196, 92, 70),
        0.35 * float(rng.random()) * (kind < 0.7),
    )
    if kind > 0.72:
        wall = mix(wall, (128, 160, 184), 0.6)
    if rng.random() < 0.22 * green:
        # A gap between the houses: a garden with trees.
        for dx, dz in ((1.5, 2.0), (3.5, 6.0), (2.0, 9.5)):
            shape = int(rng.integers(1 << 30))
            c.later(
                side * (FRONT + dx),
                z0 + dz,
                tree,
                c,
                side * (FRONT + dx),
                z0 + dz,
                np.random.default_rng(shape),
                0.3,
                horizon,
                far,
            )
        return
    storeys = 2 if kind < 0.42 else int(rng.integers(3, 5)) if kind < 0.72 else int(rng.integers(5, 10))
    setback = 3.0 if kind < 0.42 else 0.0
    x, h = side * (FRONT + setback), 0.5 + 3.0 * storeys
    tone = mix(wall, horizon, far)
    # The wall towards us, seen over a lower neighbour, then the front.
    c.plane((x, 0, z0), (side, 0, 0), (0, 1, 0)).rect(0, 0, 11, h, mix(shade(wall, 0.72), horizon, far))
    if kind < 0.55:
        roof = mix(hsv(0.04, 0.2, float(rng.uniform(0.32, 0.46))), horizon, far)
        c.plane((x, 0, z0), (side, 0, 0), (0, 1, 0)).poly(
            ((0, h), (9, h), (4.5, h + 2.6)), mix(shade(wall, 0.72), horizon, far)
        )
        c.plane((x - side * 0.3, h, z0), (0, 0, 1), (side * 0.87, 0.5, 0)).rect(0, 0, PLOT, 5.4, roof)
        c.box(
            (x + side * 4.2 - 0.4, h + 1.6, z0 + 0.6),
            (x + side * 4.2 + 0.4, h + 3.5, z0 + 1.4),
            mix((150, 88, 70), horizon, far),
        )
    p = c.plane((x, 0, z0), (0, 0, 1), (0, 1, 0))
    p.rect(0, 0, PLOT, h, tone)
    if z0 > 110:
        return
    if kind < 0.42:
        _cottage(stage, c, p, rng, wall, far)
        hedge = mix(hsv(0.3, 0.4, float(rng.uniform(0.36, 0.5))), horizon, far)
        c.box(
            (min(side * FRONT, side * (FRONT + 0.5)), 0, z0 + 0.2),
            (max(side * FRONT, side * (FRONT + 0.5)), 0.85, z0 + 8.5),
            hedge,
        )
    elif kind < 0.72:
        _shopfront(stage, c, p, side, rng, wall, far, storeys)
    else:
        _offices(stage, p, rng, wall, far, storeys)
    if sky.day < 0.35:
        c.lamp((x, 1.5, z0 + 6), 3.0, (0.10, 0.08, 0.04) if kind < 0.42 else (0.22, 0.17, 0.09))


def _pane(
    stage: Stage, p: Plane, rng: np.random.Generator, a: float, b: float, w: float, h: float, far: float, lit: float
) -> None:
    """Draw a window that mirrors the sky by day and may be lit by night."""
    horizon = stage.sky.horizon
    on = bool(rng.random() < lit) and stage.sky.day < 0.55
    glass = (252, 214, 132) if on else mix(mix((64, 78, 92), stage.sky.top, 0.35), horizon, far)
    p.rect(a, b, a + w, b + h, glass, int(215 * (1 - far * 0.6)) if on else 0)


def _cottage(stage: Stage, c: Canvas, p: Plane, rng: np.random.Generator, wall: RGB, far: float) -> None:
    horizon = stage.sky.horizon
    frame, paint = mix(WHITE, horizon, far), mix(hsv(float(rng.random()), 0.68, 0.62), horizon, far)
    for half in (0.0, 6.0):
        a = half + float(rng.uniform(0.5, 0.8))
        p.rect(a, 0.2, a + 1.1, 2.5, frame)
        p.rect(a + 0.1, 0.2, a + 1.0, 2.1, paint)
        p.arc(a + 0.55, 2.1, 0.45, 0.36, 0, 180, mix((226, 226, 206), horizon, far))
        for b, wide in ((0.9, 2.3), (3.8, 1.3), (3.8, -1.0)):
            s = a + 1.7 if wide > 0 else a - 0.1
            w = abs(wide) if wide > 0 else 1.1
            if b > 3 and wide > 0:
                s = a + 2.2
            p.rect(s - 0.12, b - 0.12, s + w + 0.12, b + 1.52, frame)
            _pane(stage, p, rng, s, b, w, 1.4, far, 0.55)
            p.rect(s + w / 2 - 0.04, b, s + w / 2 + 0.04, b + 1.4, frame)
    p.rect(0, 3.2, PLOT, 3.32, mix(shade(wall, 0.82), horizon, far))


def _shopfront(
    stage: Stage, c: Canvas, p: Plane, side: int, rng: np.random.Generator, wall: RGB, far: float, storeys: int
) -> None:
    horizon, open_now = stage.sky.horizon, 8 < stage.moment.hour < 20
    for half in (0.0, 6.0):
        band, sign = mix(hsv(float(rng.random()), 0.5, 0.5), horizon, far), pick(rng, SIGNS)
        p.rect(half + 0.2, 0, half + 5.8, 3.3, shade(band, 0.85))
        glow = int(200 * (1 - far * 0.6)) if open_now and stage.sky.day < 0.6 else 0
        p.rect(half + 0.5, 0.6, half + 3.9, 2.5, mix((250, 226, 170) if glow else (96, 116, 128), horizon, far), glow)
        for number in range(5):
            tone = mix(hsv(float(rng.random()), 0.5, 0.8), horizon, far)
            p.rect(
                half + 0.7 + 0.64 * number,
                0.65,
                half + 1.15 + 0.64 * number,
                0.95 + float(rng.uniform(0, 0.6)),
                tone,
                glow,
            )
        p.rect(half + 4.3, 0, half + 5.4, 2.4, mix((70, 62, 58), horizon, far))
        p.rect(half + 0.2, 2.65, half + 5.8, 3.3, band)
        if far < 0.3:
            # Letters run against the u axis on the right-hand side, where one reads from the nearer end.
            q = p.moved(half + 3.0, 2.97)
            if side > 0:
                q = Plane(c, q.o, (-q.u[0], -q.u[1], -q.u[2]), q.v)
            q.text(sign, 0, 0, 0.42, mix((246, 238, 214), horizon, far), glow)
        if rng.random() < 0.5:
            for stripe in range(8):
                a = half + 0.4 + stripe * 0.45
                p.poly(
                    ((a, 2.6), (a + 0.45, 2.6), (a + 0.45, 2.25), (a, 2.25)),
                    mix(WHITE, horizon, far) if stripe % 2 else band,
                )
    for row in range(1, storeys):
        for column in range(5):
            a, b = 0.8 + 2.2 * column, 0.9 + 3.0 * row
            p.rect(a - 0.1, b - 0.14, a + 1.3, b + 1.74, mix(shade(wall, 1.2), horizon, far))
            _pane(stage, p, rng, a, b, 1.2, 1.6, far, 0.35)


def _offices(stage: Stage, p: Plane, rng: np.random.Generator, wall: RGB, far: float, storeys: int) -> None:
    horizon, lit = stage.sky.horizon, 0.6 if stage.moment.hour < 20 else 0.25
    columns = int(rng.integers(4, 7))
    w = PLOT / columns
    for row in range(storeys):
        for column in range(columns):
            _pane(stage, p, rng, column * w + 0.12, 0.5 + 3.0 * row, w - 0.24, 2.5, far, lit)
    if rng.random() < 0.6:
        p.rect(0, 3.0, PLOT, 3.5, mix(hsv(float(rng.random()), 0.5, 0.7), horizon, far))


def _shore(stage: Stage, c: Canvas, side: int, number: int, z0: float, z1: float, first: bool) -> None:
    """Draw the sea with its wall and railing instead of a house."""
    sky, far = stage.sky, haze(stage, z0)
    if first:
        water = mix(mix(sky.top, (60, 104, 120), 0.5), sky.horizon, 0.15)
        edge = side * (FRONT + 0.4)
        for start, end, tone in ((-3, 40, 0.9), (40, 110, 1.0), (110, 290, 1.1)):
            c.level(0, -0.4, 0).rect(min(edge, side * 400), start, max(edge, side * 400), end, shade(water, tone))
        _chimneys(stage, c, side)
    rng = stage.fixed(43, seed_of(number))
    wave = mix(mix(sky.horizon, WHITE, 0.4), sky.horizon, far)
    for _ in range(3):
        a, z = side * float(rng.uniform(8, 50)), float(rng.uniform(z0, z1))
        c.level(a, -0.39, z).rect(-1.3, 0, 1.3, 0.12, wave)
    if rng.random() < 0.12:
        x, hull = side * float(rng.uniform(14, 30)), mix(hsv(float(rng.random()), 0.6, 0.7), sky.horizon, far)
        p = c.upright(x, z0 + 6, -0.4)
        p.poly(((-1.8, 0.6), (1.8, 0.6), (1.3, 0), (-1.3, 0)), hull)
        p.rect(-0.04, 0.6, 0.04, 4.6, mix((90, 80, 74), sky.horizon, far))
        p.poly(((0.12, 0.9), (1.6, 0.9), (0.12, 4.3)), mix(WHITE, sky.horizon, far))
    c.box(
        (min(side * FRONT, side * (FRONT + 0.4)), 0, z0),
        (max(side * FRONT, side * (FRONT + 0.4)), 0.55, z1),
        mix((168, 162, 152), sky.horizon, far),
    )
    rail = c.plane((side * FRONT, 0, z0), (0, 0, 1), (0, 1, 0))
    for b in (0.8, 1.05):
        rail.rect(0, b, PLOT, b + 0.05, mix((62, 92, 120), sky.horizon, far))
    for post in range(6):
        rail.rect(post * 2.0, 0.5, post * 2.0 + 0.07, 1.1, mix((62, 92, 120), sky.horizon, far))


def _chimneys(stage: Stage, c: Canvas, side: int) -> None:
    """Draw the two striped chimneys across the bay, which come closer along the way."""
    m = stage.moment
    away = 190.0
    x = side * (40 + 50 * (m.along / max(m.length, 1.0)))
    c.level(0, -0.38, 0).rect(
        min(side * 20, side * 400), 180, max(side * 20, side * 400), 292, mix((110, 120, 110), stage.sky.horizon, 0.5)
    )
    for dx in (0.0, 9.0):
        p = c.upright(x + dx, away)
        for stripe in range(6):
            tone: RGB = (206, 66, 58) if stripe % 2 else (240, 236, 230)
            p.rect(
                -2.2 + 0.08 * stripe,
                6.0 * stripe,
                2.2 - 0.08 * stripe,
                6.0 * (stripe + 1),
                mix(tone, stage.sky.horizon, 0.35),
            )
