"""On the way: on foot, by bicycle, by car, by bus; and in the park."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageChops

from ntcir_demo.camera import Camera
from ntcir_demo.canvas import HEIGHT, OVERSAMPLE, WIDTH, Canvas
from ntcir_demo.colours import BLACK, METAL, RGB, WHITE, hsv, mix, shade
from ntcir_demo.home import held, sleeve
from ntcir_demo.houses import KERB
from ntcir_demo.light import blend
from ntcir_demo.nature import bench, bush, dog, tree
from ntcir_demo.people import hand, person
from ntcir_demo.scenery import ahead, backdrop, haze, rain, seed_of
from ntcir_demo.stage import Stage
from ntcir_demo.street import street
from ntcir_demo.traffic import PAINTS, cyclist, street_lamp


def walk(stage: Stage) -> None:
    """On foot, on the left-hand pavement; the faster, the more the picture shakes."""
    effort = stage.moment.effort
    c = stage.look(Camera(x=-KERB - 1.25, y=1.42, yaw=6, pitch=1), 0.8 + 0.9 * effort)
    street(stage, c)
    if stage.chance(0.12):
        held(stage, "phone")
    _shake(stage, effort, 0.3 + 0.5 * effort)


def _shake(stage: Stage, strength: float, probability: float) -> None:
    if stage.chance(probability):
        across, down = (float(value) for value in stage.rng.random(2))
        stage.blur = (1.0 + 7.0 * strength * across, 0.5 + 5.0 * strength * down)


def ride(stage: Stage) -> None:
    """By bicycle, the handlebars in front."""
    rng, effort = stage.rng, stage.moment.effort
    c = stage.look(Camera(x=-KERB + 0.9, y=1.55, yaw=3, pitch=-7), 0.9 + 0.6 * effort)
    street(stage, c)
    p = c.screen((float(rng.normal(0, 0.03)), -0.36), float(rng.normal(0, 5)))
    frame = hsv(float(stage.fixed(60).random()), 0.6, 0.6)
    p.line(((0, -0.2), (0, 0.02)), 0.05, frame)
    p.line(((-0.42, -0.03), (-0.25, 0.05), (0.25, 0.05), (0.42, -0.03)), 0.032, (54, 56, 62))
    p.round_rect(-0.045, 0.035, 0.045, 0.105, 0.015, BLACK)
    p.text(str(round(stage.moment.speed * 3.6)), 0, 0.07, 0.04, (160, 230, 170), 200)
    p.ellipse(0.13, 0.085, 0.032, 0.032, METAL)
    cloth = sleeve(stage)
    hand(p.moved(-0.38, 0.03, 1.15, 14), cloth, left=True, fist=True)
    hand(p.moved(0.38, 0.03, 1.15, -14), cloth, left=False, fist=True)
    _shake(stage, 0.3 + 0.7 * effort, 0.6)


def drive(stage: Stage) -> None:
    """At the wheel of a car."""
    rng, m = stage.rng, stage.moment
    c = stage.look(Camera(x=-1.35, y=1.3, yaw=0, pitch=-2), 0.55)
    street(stage, c)
    p = c.screen((float(rng.normal(0, 0.015)), float(rng.normal(0, 0.012))), float(rng.normal(0, 1.2)))
    trim = mix((46, 48, 54), hsv(float(stage.fixed(61).random()), 0.4, 0.4), 0.25)
    p.poly(((-0.8, 0.6), (0.8, 0.6), (0.8, 0.42), (0.55, 0.455), (-0.6, 0.455), (-0.8, 0.42)), shade(trim, 0.8))
    p.poly(((-0.8, 0.5), (-0.62, 0.47), (-0.72, 0.1), (-0.8, -0.1)), shade(trim, 0.7))
    p.poly(((0.8, 0.5), (0.6, 0.47), (0.735, -0.05), (0.8, -0.3)), shade(trim, 0.7))
    p.rect(-0.02, 0.4, 0.02, 0.5, BLACK)
    p.round_rect(-0.2, 0.335, 0.13, 0.415, 0.025, BLACK)
    p.round_rect(-0.185, 0.348, 0.115, 0.402, 0.018, mix(stage.sky.horizon, (90, 96, 104), 0.4), 120)
    p.poly(((-0.8, -0.17), (-0.3, -0.125), (0.45, -0.13), (0.8, -0.2), (0.8, -0.6), (-0.8, -0.6)), trim)
    p.poly(
        (
            (-0.8, -0.17),
            (-0.3, -0.125),
            (0.45, -0.13),
            (0.8, -0.2),
            (0.8, -0.215),
            (0.45, -0.15),
            (-0.3, -0.145),
            (-0.8, -0.19),
        ),
        shade(trim, 1.35),
    )
    p.round_rect(-0.6, -0.4, -0.32, -0.2, 0.012, BLACK)
    screen = p.moved(-0.46, -0.3)
    screen.rect(-0.13, -0.09, 0.13, 0.09, (196, 214, 190), 200)
    fixed = stage.fixed(62, seed_of(int(m.along // 200)))
    for _ in range(4):
        a0, b0, a1, b1 = (float(value) for value in fixed.uniform(-1, 1, 4))
        screen.line(((a0 * 0.12, b0 * 0.08), (a1 * 0.12, b1 * 0.08)), 0.012, WHITE, 210)
    screen.ellipse(0, 0, 0.012, 0.012, (60, 110, 220), 230)
    p.arc(0.06, -0.26, 0.23, 0.13, 0, 180, BLACK)
    for a, share in ((-0.04, m.speed / 18), (0.16, 0.2 + 0.6 * m.effort)):
        dial = p.moved(a, -0.235)
        dial.ellipse(0, 0, 0.075, 0.075, (28, 30, 36))
        dial.arc(0, 0, 0.068, 0.068, 0, 180, (70, 74, 84), 60)
        t = math.pi * (1 - min(max(share, 0.0), 1.0))
        dial.line(((0, 0), (0.062 * math.cos(t), 0.062 * math.sin(t))), 0.008, (240, 90, 60), 230)
    turn = float(rng.normal(0, 9))
    wheel = p.moved(0.06, -0.47, 1.0, turn)
    ring = [(0.3 * math.cos(t), 0.27 * math.sin(t)) for t in np.linspace(-0.35, math.pi + 0.35, 24).tolist()]
    wheel.line(ring, 0.05, (30, 31, 35))
    wheel.poly(((-0.28, 0.0), (0.28, 0.0), (0.1, -0.12), (-0.1, -0.12)), (38, 40, 45))
    wheel.ellipse(0, -0.03, 0.09, 0.075, (52, 54, 60))
    cloth = sleeve(stage)
    hand(wheel.moved(-0.27, 0.1, 0.95, 28), cloth, left=True, fist=True)
    if stage.chance(0.75):
        hand(wheel.moved(0.27, 0.1, 0.95, -28), cloth, left=False, fist=True)
    _shake(stage, 0.25, 0.3)


def bus_ride(stage: Stage) -> None:
    """In a bus, the street passing outside its windows."""
    rng, m = stage.rng, stage.moment
    c = stage.look(Camera(x=-2.35, y=2.15, yaw=7, pitch=-3), 0.9)
    street(stage, c)
    _dim(stage, c)
    stage.ambient = blend((0.80, 0.78, 0.72), (0.97, 0.97, 0.98), stage.sky.day)
    x0, x1, floor, sill, lintel, top, end = -3.0, -0.5, 0.95, 1.75, 2.75, 3.05, 7.4
    inside, trim = (214, 216, 218), (52, 86, 140)
    c.level(y=top).rect(x0, -1, x1, end, (232, 232, 230))
    for a in (x0 + 0.55, x1 - 0.75):
        c.level(y=top - 0.005).rect(a, -1, a + 0.16, end, (255, 252, 240), 230)
    c.level(y=floor).rect(x0, -1, x1, end, (92, 96, 104))
    front = c.plane((0, 0, end), (1, 0, 0), (0, 1, 0))
    front.rect(x0, floor, x1, sill - 0.05, (74, 78, 86))
    front.rect(x0, lintel, x1, top, (60, 62, 68))
    front.rect(-2.0, lintel + 0.03, -1.1, lintel + 0.25, BLACK)
    front.text(f"STOP {int(m.along // 350) + 12}", -1.55, lintel + 0.14, 0.12, (255, 180, 60), 240)
    for edge in (x0, (x0 + x1) / 2 - 0.04, x1 - 0.08):
        front.rect(edge, sill - 0.05, edge + 0.08, lintel, (70, 72, 78))
    for edge in (x0, x1):
        wall = c.plane((edge, 0, 0), (0, 0, 1), (0, 1, 0))
        wall.rect(-1, floor, end, sill, inside)
        wall.rect(-1, sill - 0.12, end, sill, trim)
        wall.rect(-1, lintel, end, top, shade(inside, 0.95))
        for post in np.arange(-0.4, end, 1.56).tolist():
            wall.rect(post, sill, post + 0.09, lintel, (88, 92, 98))
    heads = stage.people(9)
    seats = [(a, b) for b in (6.2, 5.2, 4.2, 3.2, 2.2, 1.2) for a in (-2.5, -1.0)]
    taken = {int(seat) for seat in rng.permutation(len(seats))[:heads]}
    for number, (a, b) in enumerate(seats):
        if number in taken:
            c.later(
                a, b + 0.1, person, c, rng, a + float(rng.normal(0, 0.06)), b, pose="sit", facing="back", y=floor + 0.02
            )
        c.later(a, b - 0.15, _seat, c, a, b, floor, trim)
    for b in (2.7, 4.7):
        c.later(-1.75, b, c.box, (-1.77, floor, b), (-1.73, top, b + 0.04), (244, 200, 60))
    if stage.chance(min(0.7, 0.12 * m.crowd)):
        c.later(-1.75, 3.6, person, c, rng, -1.75, 3.6, facing="back" if rng.random() < 0.5 else "front", y=floor)
    c.flush()
    if stage.chance(0.35):
        held(stage, "phone")
    _shake(stage, 0.35, 0.35)


def _seat(c: Canvas, x: float, z: float, floor: float, colour: RGB) -> None:
    with c.thing("chair"):
        p = c.plane((x, floor, z - 0.22), (1, 0, 0), (0, 1, 0))
        p.round_rect(-0.4, 0.35, 0.4, 1.08, 0.1, shade(colour, 0.9))
        for a in (-0.2, 0.2):
            p.round_rect(a - 0.17, 0.42, a + 0.17, 1.02, 0.08, colour)
        p.line(((-0.36, 1.02), (0.36, 1.02)), 0.05, (244, 200, 60))


def _dim(stage: Stage, c: Canvas) -> None:
    """Give what is outside its own light, before lit surfaces inside are painted."""
    tint = tuple(round(255 * value) for value in stage.sky.outdoors())
    if min(tint) < 225:
        cover = Image.new("RGB", (WIDTH * OVERSAMPLE, HEIGHT * OVERSAMPLE), tint)
        c.image.paste(ImageChops.multiply(c.image, cover))
    c.lamps.clear()


def _bend(position: float) -> float:
    """Return how far to the right the park's path lies at a position, metres."""
    return 5.0 * math.sin(position / 31.0) + 2.5 * math.sin(position / 13.0 + 1.0)


def park(stage: Stage) -> None:
    """On a path through the park: trees, flower beds and a pond that stay where they are."""
    m, sky, rng = stage.moment, stage.sky, stage.rng
    c = stage.look(Camera(y=1.42, pitch=0), 0.8 + 0.8 * m.effort)
    stage.ambient = sky.outdoors()
    backdrop(stage, c)
    away = -1.0 if m.backwards else 1.0
    here = _bend(m.along) * away
    lawn = hsv(0.25 + 0.05 * math.sin(m.along / 90.0 + stage.moment.look), 0.42, 0.58)
    hills = c.upright(0, 200)
    for number in range(9):
        a, fix = -240 + 60 * number, stage.fixed(63, number)
        hills.arc(a, 0, 55, float(fix.uniform(9, 20)), 0, 180, mix(hsv(0.32, 0.3, 0.45), sky.horizon, 0.55))
    ground = c.level()
    for start, end in ((110.0, 280.0), (60.0, 110.0), (30.0, 60.0), (12.0, 30.0), (-3.0, 12.0)):
        ground.rect(-400, start, 400, end, mix(lawn, sky.horizon, 0.75 * haze(stage, start)))
    for b in range(100, -3, -3):
        a0, a1 = (_bend(m.along + away * (b + db)) * away - here for db in (0.0, 3.05))
        path = mix((206, 186, 150), sky.horizon, haze(stage, b) * 0.8)
        ground.poly(((a0 - 1.5, b), (a0 + 1.5, b), (a1 + 1.5, b + 3.05), (a1 - 1.5, b + 3.05)), path)
    for number in range(math.floor((m.along - 110) / 4), math.ceil((m.along + 110) / 4)):
        _clump(stage, c, number * 4.0, away, here)
    for _ in range(stage.people(5)):
        z = float(rng.uniform(4, 30))
        x = _bend(m.along + away * z) * away - here + float(rng.uniform(-1.1, 1.1))
        running = bool(rng.random() < 0.2)
        c.later(
            x,
            z,
            person,
            c,
            rng,
            x,
            z,
            pose="run" if running else "walk",
            facing="front" if rng.random() < 0.6 else "back",
            shadow=(150, 136, 110),
        )
    if stage.chance(0.55):
        z, x = float(rng.uniform(3, 9)), float(rng.uniform(-2.5, 2.5))
        c.later(x, z, dog, c, rng, x, z, shadow=shade(lawn, 0.8))
    if stage.chance(0.12):
        z = float(rng.uniform(7, 16))
        x = _bend(m.along + away * z) * away - here
        c.later(0, z, cyclist, c, rng, x, z, PAINTS[int(rng.integers(8))], True)
    c.flush()
    if m.weather.rain:
        rain(stage, c)
    if stage.chance(0.1):
        held(stage, "phone")
    _shake(stage, m.effort, 0.3 + 0.4 * m.effort)


def _clump(stage: Stage, c: Canvas, position: float, away: float, here: float) -> None:
    """Queue what grows and stands around one position of the path."""
    z = ahead(stage, position)
    if not 1.5 < z < 105:
        return
    far, horizon = haze(stage, z), stage.sky.horizon
    middle = _bend(position) * away - here
    for bank in (0, 1):
        rng = stage.fixed(64, bank, seed_of(int(position)))
        side, shape = (-1, 1)[bank] * away, int(rng.integers(1 << 30))
        what, off = float(rng.random()), float(rng.uniform(2.6, 16))
        x = middle + side * off
        if what < 0.45:
            c.later(x, z, tree, c, x, z, np.random.default_rng(shape), 0.35, horizon, far)
        elif what < 0.72:
            c.later(x, z, bush, c, x, z, np.random.default_rng(shape), horizon, far, True)
        elif what < 0.79 and z < 40:
            c.later(middle + side * 2.4, z, bench, c, middle + side * 2.4, z)
        elif what < 0.86:
            # Under everything else, so at once.
            water = c.level(middle + side * (8 + off / 2), 0.0, z)
            water.ellipse(0, 0, 6.2, 3.4, mix((150, 150, 120), horizon, far))
            water.ellipse(0, 0, 5.8, 3.1, mix(mix(stage.sky.top, (90, 130, 150), 0.4), horizon, far))
        if bank and round(position / 4) % 7 == 0:
            c.later(middle + 2.0 * away, z, street_lamp, c, middle + 2.0 * away, z, stage.sky.day < 0.4, horizon, far)
