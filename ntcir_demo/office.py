"""Scenes at work and at table elsewhere: the desk, a meeting, the coffee corner, a cafe, a restaurant."""

from __future__ import annotations

from ntcir_demo.canvas import Camera, Canvas
from ntcir_demo.colours import METAL, RGB, WHITE, WOOD, hsv, mix, pick, shade
from ntcir_demo.furniture import back_wall, chair, door, pendant, picture, plant, room, side_wall, table, window
from ntcir_demo.home import held, sleeve, walls
from ntcir_demo.people import hand, person, somebody
from ntcir_demo.stage import Stage
from ntcir_demo.things import book, bottle, clock, cup, laptop, monitor, phone, plate, screen

COOL = (0.88, 0.90, 0.93)
_CHAIR: RGB = (70, 78, 92)


def desk(stage: Stage) -> None:
    """At the desk; a busy hour shows in paper, cups and a telephone at hand."""
    rng, m, fix = stage.rng, stage.moment, stage.fixed(20)
    calling = m.effort > 0.66
    # One stands up and paces when the telephone rings.
    c = stage.look(Camera(y=1.62, z=-0.35, pitch=-15, yaw=10) if calling else Camera(y=1.2, pitch=-13, yaw=-4))
    stage.indoors(COOL, 0.45)
    room(c, 8.0, 6.5, 2.9, (228, 230, 228), (118, 126, 138), style="carpet", ceiling=(240, 240, 238))
    _strip_lights(c, 2.9)
    p = back_wall(c, 6.5)
    for number in range(4):
        window(
            p,
            -3.7 + number * 1.9,
            0.9,
            -2.1 + number * 1.9,
            2.5,
            stage.sky,
            stage.fixed(21, number),
            frame=(206, 210, 214),
            panes=1,
            urban=0.95,
        )
    accent = hsv(float(fix.random()), 0.36, 0.7)
    side_wall(c, 8.0, -1).rect(2.0, 0.4, 6.0, 2.5, accent)
    clock(c, side_wall(c, 8.0, 1).moved(4.6, 2.1), m.hour, 0.22)
    for x, z in ((-2.4, 4.6), (0.3, 4.9), (2.7, 4.5)):
        c.later(x, z, _colleague, stage, c, x, z)
    c.later(3.2, 2.6, plant, c, 3.1, 2.7, stage.fixed(22), 1.5)
    if stage.people(4) > 2:
        x = float(rng.uniform(-1.8, 1.8))
        c.later(x, 3.4, person, c, rng, x, 3.4, pose="walk", facing=pick(rng, ("left", "right")), shadow=(96, 104, 116))
    c.flush()
    y, top = 0.74, pick(fix, ((214, 186, 150), (232, 230, 224), (186, 146, 108)))
    c.box((-1.2, 0.75, 1.14), (1.2, 1.02, 1.18), shade(accent, 0.9))
    table(c, -1.2, 0.3, 1.2, 1.14, y, top)
    shows = ("code", "text", "mail", "chart")[int(stage.fixed(23, int(m.hour * 3)).integers(4))]
    monitor(c, rng, 0.32, y, 0.95, "call" if calling else shows)
    laptop(c, rng, -0.42, y, 0.92, "mail" if stage.chance(0.5) else "text")
    c.level(0.3, y + 0.012, 0.56).round_rect(-0.22, -0.07, 0.22, 0.07, 0.015, (226, 226, 224))
    keys = c.level(0.3, y + 0.016, 0.56)
    for row in range(4):
        keys.line(((-0.2, 0.045 - row * 0.03), (0.2, 0.045 - row * 0.03)), 0.02, (150, 152, 156))
    c.level(0.62, y + 0.015, 0.58).ellipse(0, 0, 0.032, 0.05, (60, 62, 68))
    _desk_clutter(stage, c, y)
    cloth = sleeve(stage)
    if calling and stage.chance(0.6):
        held(stage, "phone")
    elif stage.chance(0.65):
        hand(c.screen((-0.03 + float(rng.normal(0, 0.03)), -0.36 + float(rng.normal(0, 0.02)))), cloth, left=True)
        hand(c.screen((0.26 + float(rng.normal(0, 0.04)), -0.36 + float(rng.normal(0, 0.02)))), cloth, left=False)


def _desk_clutter(stage: Stage, c: Canvas, y: float) -> None:
    rng, busy = stage.rng, stage.moment.effort
    for number in range(round(5 * busy)):
        sheet = c.level(-0.85 + 0.03 * number, y + 0.004 + 0.003 * number, 0.72, float(rng.normal(0, 14)))
        sheet.rect(-0.105, -0.148, 0.105, 0.148, WHITE if number % 2 else (232, 232, 226))
        for row in range(6):
            sheet.rect(-0.08, 0.1 - row * 0.035, 0.07, 0.106 - row * 0.035, (170, 172, 178))
    if stage.chance(0.3 + 0.6 * busy):
        cup(c, rng, -0.08 + float(rng.normal(0, 0.02)), y, 0.74)
    if stage.chance(0.4):
        phone(c, rng, c.level(0.86, y + 0.008, 0.66, float(rng.normal(8, 8))), 110)
    if stage.chance(0.35):
        bottle(c, rng, 0.95, y, 0.95)
    if stage.chance(0.3):
        book(c, rng, 0.92, y, 0.8, float(rng.normal(0, 15)))


def _colleague(stage: Stage, c: Canvas, x: float, z: float) -> None:
    """Draw a desk farther off, with somebody at it during office hours, most of the time."""
    seat = round(x * 10)
    there = stage.fixed(24, seat & 0xFF, int(stage.moment.hour * 1.5)).random() < min(
        0.85, 0.3 + 0.18 * stage.moment.crowd
    )
    chair(c, x, z + 0.55, _CHAIR)
    if there:
        person(c, stage.rng, x, z + 0.45, pose="sit", look=somebody(stage.fixed(25, seat & 0xFF)))
    table(c, x - 0.75, z - 0.3, x + 0.75, z + 0.35, 0.74, (214, 186, 150))
    laptop(c, stage.rng, x + 0.05, 0.74, z + 0.05, "text", back=True)


def _strip_lights(c: Canvas, h: float) -> None:
    p = c.level(y=h - 0.01)
    for a in (-2.2, 0.0, 2.2):
        for b in (1.2, 3.4, 5.4):
            p.rect(a - 0.5, b, a + 0.5, b + 0.22, (255, 254, 246), 255)


def meeting(stage: Stage) -> None:
    """In a meeting: the more people, the livelier."""
    rng, m, fix = stage.rng, stage.moment, stage.fixed(26)
    wall = hsv(float(fix.uniform(0.5, 0.65)), 0.22, 0.82)
    # Whoever has the floor stands.
    c = stage.look(Camera(y=1.6, z=-0.2, pitch=-14) if m.effort > 0.62 else Camera(y=1.22, pitch=-8))
    stage.indoors(COOL, 0.3)
    room(c, 5.4, 5.6, 2.8, wall, (132, 124, 118), style="carpet")
    p = back_wall(c, 5.6)
    p.rect(-1.35, 0.95, 1.35, 2.45, (70, 72, 78))
    screen(
        p.moved(0, 1.7),
        stage.fixed(27, int(m.hour * 6)),
        2.6,
        1.42,
        ("chart", "text", "call")[int(stage.fixed(28, int(m.hour)).integers(3))],
    )
    clock(c, p.moved(2.0, 2.3), m.hour, 0.18)
    window(side_wall(c, 5.4, -1), 1.0, 0.9, 4.6, 2.2, stage.sky, fix, frame=(206, 210, 214), panes=3, urban=0.95)
    door(side_wall(c, 5.4, 1), 3.6, (150, 170, 180))
    seats = ((-1.35, 3.2), (1.35, 3.0), (-1.35, 2.1), (1.35, 1.9), (-0.5, 4.3), (0.5, 4.3))
    taken = {int(seat) for seat in rng.permutation(len(seats))[: min(len(seats), 1 + stage.people(5))]}
    for number, (x, z) in enumerate(seats):
        facing = "front" if abs(x) < 1 else ("right" if x < 0 else "left")
        c.later(x, z + 0.3, chair, c, x, z, _CHAIR)
        if number in taken:
            who = somebody(stage.fixed(29, number))
            c.later(x, z, person, c, rng, x, z, pose="sit", facing=facing, look=who)

    def big_table() -> None:
        table(c, -0.95, 0.5, 0.95, 3.9, 0.74, (196, 152, 110))
        for number in sorted(taken, key=lambda seat: -seats[seat][1]):
            x, z = seats[number]
            a, b = x * 0.5, min(z, 3.6)
            if number % 2:
                laptop(c, rng, a, 0.74, b, "text", back=True)
            else:
                cup(c, rng, a, 0.74, b)

    c.later(0, 1.4, big_table)
    c.flush()
    if stage.chance(0.6):
        laptop(c, rng, float(rng.normal(0, 0.05)), 0.74, 1.0, pick(rng, ("text", "chart", "mail")))
    else:
        book(c, rng, 0.0, 0.74, 0.8, float(rng.normal(0, 8)), opened=True)
    cup(c, rng, 0.33, 0.74, 0.85)
    if stage.chance(0.5):
        hand(c.screen((0.18, -0.34)), sleeve(stage), left=False)


def coffee(stage: Stage) -> None:
    """In the coffee corner at work."""
    rng, m, fix = stage.rng, stage.moment, stage.fixed(30)
    colour = hsv(float(fix.random()), 0.45, 0.66)
    c = stage.look(Camera(y=1.42, pitch=-7), 1.2)
    stage.indoors((0.86, 0.85, 0.82), 0.3)
    room(c, 4.6, 3.2, 2.7, (238, 234, 226), (168, 164, 158), style="tiles")
    p = back_wall(c, 3.2)
    p.rect(-2.3, 0.9, 2.3, 1.5, colour)
    p.text("COFFEE", -1.2, 2.2, 0.2, shade(colour, 0.7))
    clock(c, p.moved(1.7, 2.25), m.hour)
    for number in range(6):
        q = p.moved(-0.2 + number * 0.24, 1.72)
        q.rect(-0.16, -0.1, 0.16, -0.06, WOOD)
        q.poly(((-0.05, -0.06), (0.05, -0.06), (0.06, 0.06), (-0.06, 0.06)), hsv(0.17 * number, 0.45, 0.85))
    c.box((-2.3, 0, 2.5), (2.3, 0.9, 3.2), (220, 216, 208), top=(96, 92, 90))
    c.box((-0.65, 0.9, 2.6), (0.05, 1.45, 3.1), (64, 66, 72))
    q = c.plane((-0.3, 0.9, 2.597), (1, 0, 0), (0, 1, 0))
    q.rect(-0.26, 0.08, 0.26, 0.3, (34, 35, 40))
    q.round_rect(-0.22, 0.36, 0.1, 0.5, 0.02, (110, 190, 220), 170)
    q.ellipse(0.22, 0.43, 0.035, 0.035, (220, 70, 60), 200)
    for a in (-1.7, -1.45, 0.35, 0.6, 0.85):
        cup(c, rng, a, 0.9, 2.75, 1.3)
    bottle(c, rng, 1.2, 0.9, 2.9)
    c.later(-2.0, 1.9, plant, c, -1.95, 2.1, fix, 1.3)
    for number in range(stage.people(3)):
        x, z = ((0.95, 1.9), (-1.2, 2.1), (1.75, 2.2))[number]
        c.later(x, z, person, c, rng, x, z, facing=pick(rng, ("front", "left", "right")), shadow=(132, 128, 124))
    c.flush()
    held(stage, "cup" if stage.chance(0.8) else "phone")


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
