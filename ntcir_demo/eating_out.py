"""Scenes at table elsewhere: a cafe, a restaurant."""

from __future__ import annotations

from ntcir_demo.camera import Camera
from ntcir_demo.canvas import Canvas
from ntcir_demo.colours import METAL, WOOD, hsv, mix, shade
from ntcir_demo.furniture import back_wall, chair, pendant, picture, room, side_wall, table, window
from ntcir_demo.home import sleeve, walls
from ntcir_demo.people import hand, person, somebody
from ntcir_demo.stage import Stage
from ntcir_demo.things import book, bottle, cup, laptop, phone, plate


def cafe(stage: Stage) -> None:
    """In a cafe: a round table in front, the counter behind."""
    rng, m, fix = stage.rng, stage.moment, stage.fixed(31)
    wall, floor = walls(stage, 31)
    c = stage.look(Camera(y=1.2, pitch=-12, yaw=3))
    stage.indoors((0.82, 0.70, 0.55), 0.6)
    room(c, 6.4, 5.4, 2.9, wall, floor)
    p = back_wall(c, 5.4)
    p.rect(-2.2, 1.55, 0.6, 2.6, (46, 52, 50))
    p.text("COFFEE", -1.5, 2.4, 0.16, (240, 232, 210))
    p.text("CAKE", 0.0, 2.4, 0.16, (240, 210, 150))
    for row in range(5):
        p.rect(-2.0, 2.15 - row * 0.12, -1.1, 2.18 - row * 0.12, (190, 188, 176))
        p.rect(-0.4, 2.15 - row * 0.12, 0.3, 2.18 - row * 0.12, (190, 188, 176))
    window(side_wall(c, 6.4, 1), 1.4, 0.5, 4.6, 2.4, stage.sky, fix, frame=(70, 62, 56), panes=3, urban=0.6)
    picture(side_wall(c, 6.4, -1), 3.0, 1.7, 1.2, 0.8, fix)
    c.later(-0.8, 4.2, _counter, c)
    if stage.chance(0.85):
        c.later(
            -0.4, 4.9, person, c, rng, -0.5 + float(rng.normal(0, 0.3)), 4.9, look=somebody(stage.fixed(32)), y=0.05
        )
    for number in range(3):
        pendant(
            c,
            -1.6 + number * 1.1,
            2.0,
            4.0,
            2.9,
            m.hour > 15 or stage.sky.day < 0.7,
            hsv(float(fix.random()), 0.4, 0.5),
        )
    _guests(stage, c, ((-1.7, 2.9), (1.5, 3.0), (2.3, 2.0)))
    c.flush()
    _round_table(stage, c)


def _counter(c: Canvas) -> None:
    """Draw the counter of a cafe with its cakes."""
    c.box((-2.4, 0, 4.1), (0.9, 1.05, 4.6), (124, 84, 58), top=(206, 180, 146))
    case = c.plane((-2.3, 0.35, 4.097), (1, 0, 0), (0, 1, 0))
    case.rect(0, 0, 1.5, 0.62, (248, 236, 206), 215)
    for row in range(2):
        for number in range(6):
            case.arc(
                0.15 + number * 0.24,
                0.06 + row * 0.3,
                0.09,
                0.13,
                0,
                180,
                hsv(0.02 + 0.03 * ((number + row) % 4), 0.55, 0.85),
                190,
            )
    c.box((0.0, 1.05, 4.2), (0.6, 1.5, 4.55), METAL)


def _guests(stage: Stage, c: Canvas, tables: tuple[tuple[float, float], ...]) -> None:
    """Draw the other tables, with as many guests as there are at this time of day."""
    guests = stage.people(2 * len(tables))
    for number, (x, z) in enumerate(tables):
        for side in (-1, 1):
            a = x + side * 0.62
            c.later(a, z + 0.1, chair, c, a, z, (92, 70, 54))
            if 2 * number + (side > 0) < guests:
                facing = "right" if side < 0 else "left"
                c.later(a, z, person, c, stage.rng, a, z, pose="sit", facing=facing)

        def small_table(x: float = x, z: float = z) -> None:
            c.box((x - 0.03, 0, z - 0.03), (x + 0.03, 0.7, z + 0.03), (60, 58, 58))
            c.level(x, 0.7, z).ellipse(0, 0, 0.36, 0.36, shade(WOOD, 0.8))
            c.level(x, 0.73, z).ellipse(0, 0, 0.36, 0.36, shade(WOOD, 1.1))
            cup(c, stage.rng, x - 0.12, 0.73, z)

        c.later(x, z - 0.05, small_table)


def _round_table(stage: Stage, c: Canvas) -> None:
    rng, y = stage.rng, 0.74
    c.level(0, y - 0.035, 0.72).ellipse(0, 0, 0.52, 0.42, shade(WOOD, 0.6))
    c.level(0, y, 0.72).ellipse(0, 0, 0.52, 0.42, shade(WOOD, 1.15))
    if stage.chance(0.7):
        plate(c, rng, float(rng.normal(-0.03, 0.04)), y, 0.62, food=stage.chance(0.8))
    cup(c, rng, 0.26, y, 0.72)
    what = int(rng.integers(4))
    if what == 0:
        laptop(c, rng, -0.02, y, 0.98, "text")
    elif what == 1:
        book(c, rng, -0.3, y, 0.78, float(rng.normal(0, 15)), opened=True)
    elif what == 2:
        phone(c, rng, c.level(-0.3, y + 0.008, 0.68, float(rng.normal(-10, 10))))
    if stage.chance(0.45):
        hand(c.screen((0.2 + float(rng.normal(0, 0.05)), -0.34)), sleeve(stage), left=False)


def restaurant(stage: Stage) -> None:
    """Dinner out: a laid table, friends opposite, bricks and candles."""
    rng, fix = stage.rng, stage.fixed(33)
    brick = hsv(float(fix.uniform(0.0, 0.06)), 0.5, 0.62)
    c = stage.look(Camera(y=1.2, pitch=-11))
    stage.indoors((0.66, 0.50, 0.36), 0.4)
    room(c, 6.0, 4.8, 2.8, mix(brick, (60, 40, 36), 0.2), (96, 70, 54))
    p = back_wall(c, 4.8)
    for row in range(16):
        for column in range(13):
            a = -3.0 + column * 0.5 + (row % 2) * 0.25
            p.rect(
                a,
                0.1 + row * 0.17,
                min(a + 0.47, 3.0),
                0.25 + row * 0.17,
                shade(brick, 0.9 + 0.2 * ((row * 3 + column * 5) % 7) / 7),
            )
    for a in (-1.8, 0.0, 1.8):
        picture(p, a, 1.85, 0.7, 0.55, fix)
    _guests(stage, c, ((-2.0, 3.2), (2.0, 3.3)))
    for number in range(1 + stage.people(2)):
        x = (0.0, -0.62, 0.62)[number]
        c.later(x, 1.7, chair, c, x, 1.75, (84, 56, 44))
        c.later(x, 1.6, person, c, rng, x, 1.62, pose="sit", look=somebody(stage.fixed(34, number)))
    pendant(c, 0.0, 1.95, 1.9, 2.8, True, (150, 60, 50))
    c.flush()
    y = 0.74
    table(c, -0.9, 0.3, 0.9, 1.3, y, (236, 230, 220))
    for x in (-0.5, 0.0, 0.5):
        plate(c, rng, x, y, 1.1, food=stage.chance(0.7))
    candle = c.upright(-0.2, 0.86, y)
    candle.rect(-0.018, 0, 0.018, 0.11, (240, 230, 206))
    candle.ellipse(0, 0.135, 0.011, 0.026, (255, 206, 110), 255)
    c.lamp((-0.2, y + 0.15, 0.86), 0.6, (0.34, 0.24, 0.12))
    bottle(c, rng, 0.18, y, 0.95, 1.1)
    plate(c, rng, float(rng.normal(0, 0.03)), y, 0.58)
    _glass(c, 0.27, y, 0.68)
    if stage.chance(0.6):
        hand(c.screen((0.17 + float(rng.normal(0, 0.04)), -0.34)), sleeve(stage), left=False, fist=True)
        hand(c.screen((-0.22 + float(rng.normal(0, 0.04)), -0.35)), sleeve(stage), left=True, fist=True)


def _glass(c: Canvas, x: float, y: float, z: float) -> None:
    with c.thing("wine glass"):
        c.level(x, y + 0.003, z).ellipse(0, 0, 0.035, 0.035, (206, 212, 216))
        p = c.upright(x, z, y)
        p.rect(-0.005, 0, 0.005, 0.09, (206, 212, 216))
        p.arc(0, 0.17, 0.042, 0.085, 180, 360, (212, 218, 222))
        p.arc(0, 0.15, 0.036, 0.064, 180, 360, (142, 34, 48))
