"""Scenes on the way to other countries: the airport, a flight."""

from __future__ import annotations

from ntcir_demo.camera import Camera
from ntcir_demo.canvas import Canvas, Plane
from ntcir_demo.colours import BLACK, RGB, WHITE, hsv, mix, pick
from ntcir_demo.furniture import back_wall, room, side_wall
from ntcir_demo.home import held
from ntcir_demo.people import person
from ntcir_demo.stage import Stage
from ntcir_demo.things import screen


def airport(stage: Stage) -> None:
    """In the departure hall, aeroplanes behind the glass."""
    rng = stage.rng
    c = stage.look(Camera(y=1.4, pitch=-3), 1.3)
    stage.indoors((0.84, 0.85, 0.88), 0.7)
    room(c, 14.0, 11.0, 4.5, (214, 218, 222), (150, 152, 156), style="tiles", ceiling=(206, 210, 214))
    p = back_wall(c, 11.0)
    glow = int(80 + 170 * stage.sky.day)
    for band in range(8):
        p.rect(-7, 0.3 + band * 0.5, 7, 0.8 + band * 0.5, mix(stage.sky.horizon, stage.sky.top, band / 8), glow)
    p.rect(-7, 0.3, 7, 1.0, mix((40, 42, 48), (134, 140, 140), stage.sky.day), glow)
    for a, hue in ((-3.6, 0.38), (3.0, 0.6)):
        _aeroplane(
            p.moved(a + float(stage.fixed(75, int(stage.moment.hour)).uniform(-1, 1)), 1.1, 1.4),
            hsv(hue, 0.6, 0.7),
            glow,
        )
    for a in range(-7, 8, 2):
        p.rect(a - 0.06, 0.3, a + 0.06, 4.5, (120, 126, 132))
    board = c.plane((-1.6, 2.7, 6.0), (1, 0, 0), (0, 1, 0))
    board.rect(0, 0, 3.2, 1.2, (24, 28, 40))
    board.text("DEPARTURES", 1.1, 1.05, 0.16, (250, 200, 80), 230)
    for row in range(5):
        board.rect(0.1, 0.1 + row * 0.16, 0.5, 0.18 + row * 0.16, (240, 240, 236), 200)
        board.rect(0.7, 0.1 + row * 0.16, 1.4 + float(rng.uniform(0, 0.8)), 0.18 + row * 0.16, (250, 210, 110), 200)
    for x in (-3.4, -2.6, 2.4, 3.2):
        c.later(x, 4.6, _lounge, c, x, 4.6)
    for number in range(stage.people(8)):
        x, z = float(rng.uniform(-4.5, 4.5)), float(rng.uniform(3.0, 8.5))
        c.later(
            x,
            z,
            person,
            c,
            rng,
            x,
            z,
            pose="walk",
            facing=pick(rng, ("front", "back", "left", "right")),
            shadow=(120, 122, 126),
        )
        if number % 2:
            c.later(x + 0.5, z, _suitcase, c, x + 0.5, z, hsv(float(rng.random()), 0.5, 0.6))
    c.flush()


def _lounge(c: Canvas, x: float, z: float) -> None:
    with c.thing("chair"):
        c.box((x - 0.35, 0.4, z - 0.3), (x + 0.35, 0.48, z + 0.3), (60, 66, 90))
        c.box((x - 0.35, 0.48, z + 0.25), (x + 0.35, 0.95, z + 0.32), (70, 76, 102))


def _suitcase(c: Canvas, x: float, z: float, colour: RGB) -> None:
    with c.thing("suitcase"):
        c.box((x - 0.2, 0.05, z - 0.13), (x + 0.2, 0.65, z + 0.13), colour)
        c.upright(x, z).line(((-0.1, 0.65), (-0.1, 1.0), (0.1, 1.0), (0.1, 0.65)), 0.025, BLACK)


def _aeroplane(p: Plane, tail: RGB, glow: int) -> None:
    p.round_rect(-1.6, 0.0, 1.5, 0.42, 0.2, (240, 240, 242), glow)
    p.poly(((-1.55, 0.3), (-1.2, 0.32), (-1.5, 0.95), (-1.75, 0.95)), tail, glow)
    p.poly(((0.2, 0.12), (-0.3, 0.12), (-0.75, -0.2), (-0.5, -0.2)), (196, 200, 206), glow)
    for number in range(9):
        p.rect(-1.0 + number * 0.24, 0.24, -0.92 + number * 0.24, 0.31, (70, 84, 100), glow)


def flight(stage: Stage) -> None:
    """In an aeroplane: rows of seats, and clouds behind small round windows."""
    rng = stage.rng
    c = stage.look(Camera(x=0.0, y=1.5, z=0.3, yaw=-16, pitch=-6), 0.9)
    stage.indoors((0.66, 0.66, 0.72), 0.5)
    room(c, 3.4, 9.0, 2.1, (222, 222, 224), (72, 76, 90), style="carpet", ceiling=(232, 232, 234))
    glow = int(90 + 160 * stage.sky.day)
    for edge in (-1, 1):
        p = side_wall(c, 3.4, edge)
        for b in range(9):
            p.ellipse(0.6 + b, 1.15, 0.2, 0.27, (196, 198, 202))
            p.ellipse(0.6 + b, 1.15, 0.155, 0.22, stage.sky.top, glow)
            p.arc(0.6 + b, 1.1, 0.15, 0.16, 180, 360, mix(stage.sky.horizon, WHITE, 0.6), glow)
        p.rect(0, 1.6, 9, 2.0, (206, 208, 214))
    for number, z in enumerate((7.0, 6.1, 5.2, 4.3, 3.4, 2.5, 1.6, 0.8)):
        for x in (-1.0, 1.0):
            if rng.random() < 0.6 and number < 7:
                c.later(x, z + 0.1, person, c, rng, x, z, pose="sit", facing="back")
            c.later(x, z, _row, stage, c, x, z)
    if stage.chance(0.4):
        c.later(0, 4.0, person, c, rng, 0, 4.0, facing="front")
    c.flush()
    if stage.chance(0.4):
        held(stage, pick(rng, ("book", "cup", "phone")))


def _row(stage: Stage, c: Canvas, x: float, z: float) -> None:
    with c.thing("chair"):
        p = c.plane((x, 0, z - 0.15), (1, 0, 0), (0, 1, 0))
        for a in (-0.34, 0.16):
            p.round_rect(a - 0.22, 0.4, a + 0.22, 1.22, 0.08, (50, 66, 112))
            p.round_rect(a - 0.16, 1.0, a + 0.16, 1.2, 0.05, (226, 226, 222))
            screen(p.moved(a, 0.84), stage.fixed(76, int(10 * z), int(x > 0), int(a > 0)), 0.22, 0.14, "film", 160)
