"""Scenes out of the house: the gym, the shop."""

from __future__ import annotations

import math

import numpy as np

from ntcir_demo.camera import Camera
from ntcir_demo.canvas import Canvas, Plane
from ntcir_demo.colours import METAL, WHITE, hsv, mix, pick
from ntcir_demo.furniture import back_wall, plant, room, side_wall, window
from ntcir_demo.home import held, sleeve
from ntcir_demo.people import hand, person
from ntcir_demo.stage import Stage
from ntcir_demo.things import bottle, clock, phone

GOODS = ("FRUIT", "BREAD", "MILK", "TEA", "PASTA", "FISH", "SOAP", "SWEETS")


def _hall(stage: Stage) -> Canvas:
    """Draw the gym's hall: mirrors to the left, a window front ahead."""
    m, fix = stage.moment, stage.fixed(70)
    hue = float(fix.random())
    c = stage.canvas
    stage.indoors((0.88, 0.89, 0.92), 0.4)
    room(
        c, 9.0, 7.0, 3.2, hsv(hue, 0.3, 0.7), (78, 82, 90), style="tiles", ceiling=(96, 100, 108), skirting=(60, 62, 68)
    )
    p = back_wall(c, 7.0)
    for number in range(4):
        window(
            p,
            -4.1 + 2.1 * number,
            0.7,
            -2.2 + 2.1 * number,
            2.7,
            stage.sky,
            stage.fixed(71, number),
            frame=(62, 66, 72),
            panes=1,
            urban=0.9,
        )
    mirror = side_wall(c, 9.0, -1)
    for number in range(4):
        mirror.rect(0.5 + 1.6 * number, 0.3, 2.0 + 1.6 * number, 2.4, (176, 194, 204))
        mirror.poly(
            (
                (0.9 + 1.6 * number, 0.3),
                (1.3 + 1.6 * number, 0.3),
                (1.9 + 1.6 * number, 2.4),
                (1.5 + 1.6 * number, 2.4),
            ),
            (200, 214, 222),
        )
    side_wall(c, 9.0, 1).rect(0.0, 1.5, 7.0, 1.9, hsv(hue + 0.5, 0.6, 0.75))
    clock(c, p.moved(0.0, 2.92), m.hour, 0.2)
    lights = c.level(y=3.19)
    for a in (-3.0, 0.0, 3.0):
        lights.rect(a - 0.15, 0.5, a + 0.15, 6.5, (255, 255, 250), 245)
    return c


def treadmill(stage: Stage) -> None:
    """On the treadmill: the faster it runs, the more bars it shows and the more the camera shakes."""
    rng, effort = stage.rng, stage.moment.effort
    stage.look(Camera(x=0.0, y=1.55, pitch=-13), 0.8 + 1.1 * effort)
    c = _hall(stage)
    guests = stage.people(3)
    for number, (x, z) in enumerate(((-2.2, 3.6), (2.2, 3.8), (0.6, 5.4))):
        c.later(x, z, _machine, c, x, z)
        if number < guests:
            c.later(x, z - 0.4, person, c, rng, x, z - 0.5, pose="run", facing="back", y=0.2)
    c.flush()
    for side in (-1, 1):
        c.box((side * 0.42 - 0.04, 0.2, 0.1), (side * 0.42 + 0.04, 1.05, 0.95), (58, 60, 66))
    belt = c.level(0, 0.15, 0)
    belt.rect(-0.36, -0.5, 0.36, 1.0, (40, 41, 45))
    stripe = float(rng.random())
    for number in range(4):
        b = (number + stripe) * 0.32 - 0.3
        belt.rect(-0.36, b, 0.36, b + 0.035, (70, 72, 78))
    p = c.plane((0, 1.06, 0.78), (1, 0, 0), (0, 0.78, 0.62))
    p.round_rect(-0.46, -0.04, 0.46, 0.42, 0.05, (44, 46, 52))
    p.rect(-0.4, 0.03, 0.4, 0.36, (18, 22, 30))
    _bars(p, effort)
    p.text(f"{5.5 + 8.0 * effort:.1f}", 0.27, 0.25, 0.1, (120, 230, 160), 250)
    p.ellipse(0.2, 0.12, 0.025, 0.025, (236, 70, 80), 255)
    p.ellipse(0.235, 0.12, 0.025, 0.025, (236, 70, 80), 255)
    p.poly(((0.178, 0.112), (0.257, 0.112), (0.2175, 0.06)), (236, 70, 80), 255)
    if stage.chance(0.5):
        bottle(c, rng, 0.52, 1.02, 0.86, 0.9)
    if stage.chance(0.35):
        phone(c, rng, p.moved(-0.2, -0.02, 1.1, 90))
    cloth = sleeve(stage)
    if stage.chance(0.5):
        swing = 0.12 * math.sin(float(rng.uniform(0, 6.3)))
        hand(c.screen((-0.4, -0.3 + swing), -20), cloth, left=True, fist=True)
        hand(c.screen((0.4, -0.3 - swing), 20), cloth, left=False, fist=True)
    if stage.chance(0.25 + 0.7 * effort):
        stage.blur = (1.0 + 2.5 * effort, 1.0 + 6.5 * effort * float(rng.random()))


def _bars(p: Plane, effort: float) -> None:
    """Draw the bars of the display: green when easy, red when hard."""
    for number in range(10):
        on = number < 1 + round(9 * effort)
        colour = hsv(0.36 - 0.036 * number, 0.75, 0.95 if on else 0.2)
        p.rect(-0.37 + number * 0.045, 0.07, -0.335 + number * 0.045, 0.12 + 0.021 * number, colour, 245 if on else 0)


def _machine(c: Canvas, x: float, z: float) -> None:
    c.box((x - 0.42, 0.0, z - 1.0), (x + 0.42, 0.2, z + 0.7), (60, 62, 68), top=(44, 46, 50))
    for side in (-1, 1):
        c.box((x + side * 0.38 - 0.03, 0.2, z + 0.55), (x + side * 0.38 + 0.03, 1.25, z + 0.62), METAL)
    c.box((x - 0.42, 1.15, z + 0.5), (x + 0.42, 1.4, z + 0.66), (50, 52, 58))


def weights(stage: Stage) -> None:
    """At the weights: the harder, the more plates on the bar."""
    rng, effort, fix = stage.rng, stage.moment.effort, stage.fixed(72)
    stage.look(Camera(x=0.4, y=1.45, yaw=-14, pitch=-7), 1.0 + 0.5 * effort)
    c = _hall(stage)
    rack = [hsv(float(fix.random()), 0.55, 0.72) for _ in range(8)]

    def shelf() -> None:
        for b in (0.45, 0.85):
            c.box((-2.6, b, 4.2), (0.6, b + 0.06, 4.6), (58, 60, 66))
            q = c.plane((-2.45, b + 0.14, 4.18), (1, 0, 0), (0, 1, 0))
            for number in range(8):
                for a in (-0.07, 0.07):
                    q.round_rect(number * 0.38 + a - 0.05, -0.08, number * 0.38 + a + 0.05, 0.08, 0.02, rack[number])
                q.rect(number * 0.38 - 0.06, -0.02, number * 0.38 + 0.06, 0.02, METAL)

    c.later(-1.0, 4.4, shelf)
    c.later(1.9, 3.2, _bench, c, 1.9, 3.2)
    c.later(-1.8, 2.6, _bench, c, -1.8, 2.6)
    for number in range(stage.people(4)):
        x, z = ((1.2, 3.6), (-1.2, 3.3), (2.6, 4.6), (-2.6, 4.0))[number]
        c.later(x, z, person, c, rng, x, z, facing=pick(rng, ("front", "back", "left", "right")), shadow=(58, 60, 66))
    c.flush()
    p = c.screen((float(rng.normal(0, 0.03)), -0.2 + 0.12 * float(rng.random())), float(rng.normal(0, 6)))
    p.line(((-0.7, 0), (0.7, 0)), 0.03, METAL)
    for side in (-1, 1):
        for number in range(1 + round(3 * effort)):
            a, tall = side * (0.42 + 0.05 * number), 0.17 - 0.018 * number
            p.round_rect(a - 0.021, -tall, a + 0.021, tall, 0.015, rack[number])
    cloth = sleeve(stage)
    hand(p.moved(-0.2, -0.02, 1.2), cloth, left=True, fist=True)
    hand(p.moved(0.2, -0.02, 1.2), cloth, left=False, fist=True)
    if stage.chance(0.2 + 0.5 * effort):
        stage.blur = (1.0, 1.0 + 5.0 * effort * float(rng.random()))


def _bench(c: Canvas, x: float, z: float) -> None:
    with c.thing("bench"):
        c.box((x - 0.05, 0, z - 0.4), (x + 0.05, 0.42, z + 0.4), (60, 62, 68))
        c.box((x - 0.18, 0.42, z - 0.6), (x + 0.18, 0.5, z + 0.6), (150, 46, 46))


def shop(stage: Stage) -> None:
    """In an aisle of the supermarket; each metre of shelf keeps its goods."""
    rng, m = stage.rng, stage.moment
    c = stage.look(Camera(y=1.45, pitch=-7), 1.2)
    stage.ambient = (0.97, 0.98, 1.0)
    room(c, 4.4, 12.0, 3.0, (226, 230, 226), (208, 206, 200), style="tiles", ceiling=(236, 238, 238))
    lights = c.level(y=2.99)
    lights.rect(-0.2, 0, 0.2, 12, (255, 255, 250), 255)
    p = back_wall(c, 12.0)
    p.rect(-2.2, 0, 2.2, 2.2, (170, 196, 214))
    for number in range(5):
        p.rect(-2.1 + number * 0.86, 0.2, -1.32 + number * 0.86, 2.0, (222, 236, 240), 225)
    aisle, start = int(stage.fixed(73, int(m.hour * 12)).integers(5)), -(m.along % 1.0)
    for step in range(12, -2, -1):
        z = start + step
        for side in (-1, 1):
            _shelf(stage, c, side, z, stage.fixed(74, aisle, (side + 1), (math.floor(m.along) + step) % 24))
    hue = 0.13 * aisle
    for number, z in enumerate((8.5, 4.5)):
        sign = c.plane((0, 2.35, z), (1, 0, 0), (0, 1, 0))
        sign.rect(-0.8, 0, 0.8, 0.42, hsv(hue, 0.65, 0.7))
        sign.text(GOODS[(aisle + 3 * number) % len(GOODS)], 0, 0.21, 0.24, WHITE)
    for _ in range(stage.people(4)):
        x, z = float(rng.choice([-1, 1])) * float(rng.uniform(0.2, 0.85)), float(rng.uniform(2.6, 9))
        c.later(
            x,
            z,
            person,
            c,
            rng,
            x,
            z,
            facing=pick(rng, ("front", "back", "left", "right")),
            pose="walk",
            shadow=(168, 166, 160),
        )
    if stage.chance(0.2):
        c.later(1.0, 3.5, plant, c, 1.0, 3.5, rng, 0.9)
    c.flush()
    if stage.chance(0.7):
        _trolley(stage, c)
    elif stage.chance(0.5):
        held(stage, "phone")


def _shelf(stage: Stage, c: Canvas, side: int, z: float, fix: np.random.Generator) -> None:
    p = c.plane((side * 1.35, 0, z), (0, 0, 1), (0, 1, 0))
    p.rect(0, 0, 1.0, 2.1, (186, 188, 190))
    hue = float(fix.random())
    for row in range(4):
        b = 0.14 + 0.49 * row
        p.rect(0, b, 1.0, b + 0.42, (92, 96, 102))
        a, tone = (
            0.02,
            hsv(hue + float(fix.normal(0, 0.09)), float(fix.uniform(0.35, 0.75)), float(fix.uniform(0.65, 0.95))),
        )
        wide, tall = float(fix.uniform(0.1, 0.22)), float(fix.uniform(0.22, 0.38))
        while a + wide < 1.0:
            if fix.random() < 0.93:
                p.rect(a, b, a + wide - 0.012, b + tall, tone)
                if z < 5:
                    p.rect(a + 0.015, b + tall * 0.35, a + wide - 0.03, b + tall * 0.65, mix(tone, WHITE, 0.65))
            a += wide
        p.rect(0, b - 0.05, 1.0, b, (236, 236, 230))
        p.rect(0.3, b - 0.045, 0.42, b - 0.008, (240, 206, 80))


def _trolley(stage: Stage, c: Canvas) -> None:
    rng, p = stage.rng, c.screen((float(stage.rng.normal(0, 0.02)), -0.3))
    rim = (150, 156, 162)
    p.poly(((-0.46, -0.02), (0.46, -0.02), (0.33, 0.14), (-0.33, 0.14)), (120, 124, 130))
    for number in range(int(rng.integers(2, 9))):
        a, b = float(rng.uniform(-0.3, 0.24)), float(rng.uniform(-0.02, 0.08))
        p.rect(
            a,
            b,
            a + float(rng.uniform(0.06, 0.13)),
            b + float(rng.uniform(0.05, 0.13)),
            hsv(float(rng.random()), 0.55, 0.85 if number % 2 else 0.7),
        )
    for number in range(9):
        a = -0.46 + number * 0.115
        p.line(((a, -0.3), (a, 0.0)), 0.007, rim)
    for b in (-0.08, -0.15):
        p.line(((-0.46, b), (0.46, b)), 0.007, rim)
    p.line(((-0.33, 0.14), (-0.47, 0.0), (0.47, 0.0), (0.33, 0.14), (-0.33, 0.14)), 0.014, rim)
    p.line(((-0.5, -0.03), (0.5, -0.03)), 0.034, (206, 60, 56))
    cloth = sleeve(stage)
    hand(p.moved(-0.3, -0.02, 1.1), cloth, left=True, fist=True)
    hand(p.moved(0.28, -0.02, 1.1), cloth, left=False, fist=True)
