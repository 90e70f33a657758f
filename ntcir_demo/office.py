"""Scenes at work: the desk, a meeting, the coffee corner."""

from __future__ import annotations

from ntcir_demo.camera import Camera
from ntcir_demo.canvas import Canvas
from ntcir_demo.colours import RGB, WHITE, WOOD, hsv, pick, shade
from ntcir_demo.furniture import back_wall, chair, door, plant, room, side_wall, table, window
from ntcir_demo.home import held, sleeve
from ntcir_demo.people import hand, person, somebody
from ntcir_demo.stage import Stage
from ntcir_demo.things import book, bottle, clock, cup, laptop, monitor, phone, screen

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
