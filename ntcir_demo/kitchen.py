"""Scenes in the kitchen: breakfast, cooking."""

from __future__ import annotations

from ntcir_demo.camera import Camera
from ntcir_demo.canvas import Canvas
from ntcir_demo.colours import CLOTHES, METAL, RGB, WHITE, WOOD, hsv, mix, pick, shade
from ntcir_demo.furniture import (
    back_wall,
    chair,
    pendant,
    plant,
    room,
    table,
    window,
)  # fmt: skip
from ntcir_demo.home import WARM, sleeve, walls
from ntcir_demo.people import hand, person, somebody
from ntcir_demo.stage import Stage
from ntcir_demo.things import book, bottle, bowl, clock, cup, phone, plate


def breakfast(stage: Stage) -> None:
    """At the kitchen table, for breakfast or dinner."""
    rng, m = stage.rng, stage.moment
    c = _kitchen(stage, Camera(y=1.22, yaw=-3, pitch=-17))
    top, y = pick(stage.fixed(5), ((206, 170, 126), (226, 218, 204), (170, 124, 84))), 0.74
    wood = pick(stage.fixed(6), (WOOD, (110, 84, 70), (216, 210, 198)))
    for number in range(stage.people(2)):
        x = (-0.46, 0.52)[number] + float(rng.normal(0, 0.05))
        c.later(x, 1.55, person, c, rng, x, 1.62, pose="sit", look=somebody(stage.fixed(7, int(x > 0))))
    c.later(0.55, 1.8, chair, c, 0.52, 1.62, wood)
    c.later(-0.5, 1.8, chair, c, -0.46, 1.62, wood)
    c.flush()
    table(c, -0.85, 0.28, 0.85, 1.2, y, top)
    c.later(0.55, 1.0, bottle, c, rng, 0.5, y, 1.0)
    evening = m.hour > 15
    if evening or stage.chance(0.4):
        c.later(0, 0.55, plate, c, rng, 0.0 + float(rng.normal(0, 0.04)), y, 0.56)
    else:
        c.later(0, 0.55, bowl, c, rng, 0.02, y, 0.56)
    c.later(0.27, 0.62, cup, c, rng, 0.27, y, 0.66)
    if stage.chance(0.6):
        c.later(-0.36, 0.62, phone, c, rng, c.level(-0.36, y + 0.01, 0.62, float(rng.normal(-8, 12))))
    if stage.chance(0.4):
        c.later(-0.4, 0.9, book, c, rng, -0.42, y, 0.92, float(rng.normal(0, 20)), opened=True)
    c.later(0.0, 1.0, plant, c, -0.05, 1.05, stage.fixed(8), 0.28, y)
    c.flush()
    if stage.chance(0.45):
        hand(c.screen((0.2 + float(rng.normal(0, 0.04)), -0.33)), sleeve(stage), left=False)


def _kitchen(stage: Stage, camera: Camera) -> Canvas:
    """Draw the kitchen without what is near: units along the wall ahead, a window, the fridge."""
    fix, m = stage.fixed(4), stage.moment
    wall, _ = walls(stage, 4)
    units = pick(fix, ((120, 158, 150), (92, 124, 158), (216, 208, 190), (184, 128, 104)))
    c = stage.look(camera)
    stage.indoors(WARM, 0.75)
    room(c, 4.2, 3.4, 2.5, wall, (206, 198, 186), style="tiles")
    p = back_wall(c, 3.4)
    for row in range(4):
        for column in range(14):
            tone = shade((236, 232, 222), 0.94 + 0.06 * ((row * 5 + column * 3) % 4) / 3)
            p.rect(-2.1 + column * 0.3, 0.92 + row * 0.14, -1.82 + column * 0.3, 1.04 + row * 0.14, tone)
    window(p, -0.55, 1.15, 0.6, 2.15, stage.sky, fix, frame=(240, 238, 232), urban=0.25)
    for a in (-2.0, -1.3, 0.85):
        p.rect(a, 1.55, a + 0.66, 2.25, units)
        p.rect(a + 0.04, 1.6, a + 0.62, 2.2, shade(units, 1.08))
        p.rect(a + 0.54, 1.66, a + 0.57, 1.8, METAL)
    clock(c, p.moved(1.78, 1.95), m.hour)
    c.box((-2.1, 0, 2.8), (1.3, 0.88, 3.39), units)
    front = c.plane((0, 0, 2.797), (1, 0, 0), (0, 1, 0))
    for number in range(5):
        a = -2.05 + number * 0.67
        front.rect(a + 0.03, 0.12, a + 0.62, 0.82, shade(units, 1.06))
        front.rect(a + 0.24, 0.74, a + 0.4, 0.765, METAL)
    front.rect(-0.62, 0.1, -0.06, 0.6, (60, 62, 68))
    c.box((-2.12, 0.88, 2.76), (1.32, 0.92, 3.39), (92, 88, 86))
    c.box((1.36, 0, 2.75), (2.02, 1.85, 3.38), (214, 218, 222))
    fridge = c.plane((1.36, 0, 2.747), (1, 0, 0), (0, 1, 0))
    fridge.rect(0, 1.2, 0.66, 1.215, (150, 154, 160))
    fridge.rect(0.05, 1.3, 0.08, 1.6, METAL)
    for number in range(4):
        fridge.rect(
            0.25 + 0.09 * number,
            1.4 + 0.07 * (number % 3),
            0.32 + 0.09 * number,
            1.49 + 0.07 * (number % 3),
            hsv(0.23 * number, 0.5, 0.9),
        )
    cup(c, stage.rng, -1.0, 0.92, 3.05)
    bottle(c, stage.rng, 1.05, 0.92, 3.15)
    p = c.upright(-1.5, 3.1, 0.92)
    p.poly(((-0.1, 0), (0.1, 0), (0.07, 0.22), (-0.07, 0.22)), METAL)
    p.arc(0, 0.2, 0.07, 0.04, 0, 180, (60, 60, 64))
    if stage.sky.day < 0.6:
        pendant(c, 0.1, 1.85, 1.9, 2.5, True, pick(fix, CLOTHES))
    return c


def cooking(stage: Stage) -> None:
    """At the cooker: pots steam the more, the busier it gets."""
    rng, m, fix = stage.rng, stage.moment, stage.fixed(9)
    wall, _ = walls(stage, 4)
    c = stage.look(Camera(x=0.12, y=1.5, z=-0.12, pitch=-24))
    stage.indoors(WARM, 0.55)
    c.plane((0, 0, 1.05), (1, 0, 0), (0, 1, 0)).rect(-3, 0, 3, 2.6, wall)
    p = c.plane((0, 0, 1.049), (1, 0, 0), (0, 1, 0))
    tile = hsv(float(fix.random()), 0.28, 0.8)
    for row in range(5):
        for column in range(18):
            p.rect(
                -1.8 + column * 0.2,
                0.9 + row * 0.12,
                -1.61 + column * 0.2,
                1.01 + row * 0.12,
                shade(tile, 0.93 + 0.09 * ((row * 5 + column * 7) % 5) / 4),
            )
    p.rect(-1.6, 1.5, -0.3, 1.54, WOOD)
    for number in range(5):
        jar = hsv(float(fix.random()), 0.5, 0.75)
        p.round_rect(-1.45 + number * 0.23, 1.54, -1.3 + number * 0.23, 1.74, 0.02, jar)
        p.rect(-1.44 + number * 0.23, 1.74, -1.31 + number * 0.23, 1.77, (90, 80, 70))
    p.poly(((0.1, 1.55), (0.9, 1.55), (0.72, 1.9), (0.28, 1.9)), METAL)
    c.level(0, 0.9, 0).rect(-3, -0.3, 3, 1.05, (206, 198, 184))
    hob = c.level(0, 0.903, 0)
    hob.rect(0.08, 0.38, 0.92, 0.98, (46, 46, 50))
    for a, b in ((0.29, 0.55), (0.7, 0.55), (0.29, 0.82), (0.7, 0.82)):
        hob.ellipse(a, b, 0.12, 0.1, (74, 72, 74))
    hot = m.effort
    for number, (a, b) in enumerate(((0.29, 0.55), (0.7, 0.8), (0.7, 0.55))[: 1 + round(2 * hot)]):
        _pot(stage, c, a, b, number, tile)
    board = c.level(-0.38, 0.905, 0.58, float(rng.normal(0, 5)))
    board.round_rect(-0.24, -0.15, 0.24, 0.15, 0.03, (196, 150, 96))
    for _ in range(int(rng.integers(5, 16))):
        a, b = float(rng.uniform(-0.2, 0.2)), float(rng.uniform(-0.11, 0.11))
        board.ellipse(a, b, 0.025, 0.02, pick(rng, ((208, 70, 54), (110, 156, 60), (236, 168, 62), (240, 232, 200))))
    board.poly(((0.02, -0.05), (0.2, 0.0), (0.2, 0.04), (0.02, -0.01)), (206, 210, 216))
    bottle(c, rng, -0.85, 0.9, 0.9)
    bottle(c, rng, -0.97, 0.9, 0.86, 0.8)
    if stage.chance(0.5):
        plate(c, rng, -0.95, 0.9, 0.55, food=False)
    if stage.chance(0.75):
        cloth = sleeve(stage)
        hand(c.screen((-0.12 + float(rng.normal(0, 0.05)), -0.33)), cloth, left=True, fist=True)
        hand(c.screen((0.16 + float(rng.normal(0, 0.06)), -0.3)), cloth, left=False, fist=True)
    c.lamp((0.5, 1.3, 0.9), 0.8, (0.3, 0.25, 0.15))


def _pot(stage: Stage, c: Canvas, x: float, z: float, number: int, wall: RGB) -> None:
    tone = (METAL, (178, 60, 52), (62, 64, 70))[number % 3]
    flame = c.level(x, 0.91, z)
    flame.ellipse(0, 0, 0.13, 0.105, (90, 140, 240), 220)
    p = c.upright(x, z, 0.915)
    p.poly(((-0.115, 0), (0.115, 0), (0.12, 0.13), (-0.12, 0.13)), tone)
    p.rect(0.12, 0.085, 0.24, 0.105, (50, 48, 50))
    rim = c.level(x, 1.045, z)
    rim.ellipse(0, 0, 0.12, 0.1, shade(tone, 1.15))
    rim.ellipse(0, 0, 0.105, 0.088, hsv(0.05 + 0.07 * number, 0.6, 0.75))
    for puff in range(round(5 * stage.moment.effort)):
        a, b = float(stage.rng.normal(0, 0.05)), 0.2 + 0.08 * puff
        p.ellipse(a, b, 0.05 + 0.012 * puff, 0.035 + 0.01 * puff, mix(wall, WHITE, 0.5 - 0.07 * puff))
