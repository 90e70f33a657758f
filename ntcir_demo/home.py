"""Scenes at home: bedroom, an evening on the couch; a friend's home and a hotel are alike."""

from __future__ import annotations

from ntcir_demo.camera import Camera
from ntcir_demo.canvas import Canvas
from ntcir_demo.colours import CLOTHES, RGB, WOOD, hsv, pick, shade
from ntcir_demo.furniture import (
    back_wall,
    bed,
    bookshelf,
    couch,
    door,
    floor_lamp,
    picture,
    plant,
    room,
    side_wall,
    table,
    window,
)  # fmt: skip
from ntcir_demo.nature import dog
from ntcir_demo.people import hand, person, somebody
from ntcir_demo.stage import Stage
from ntcir_demo.things import SHOWS, book, bottle, clock, cup, phone, television

WARM = (0.80, 0.66, 0.48)


def walls(stage: Stage, key: int) -> tuple[RGB, RGB]:
    """Return the colours of the walls and the floor of a room of this place."""
    rng = stage.fixed(1, key)
    return hsv(float(rng.random()), float(rng.uniform(0.12, 0.3)), float(rng.uniform(0.8, 0.93))), pick(
        rng, (WOOD, (140, 98, 64), (196, 158, 116), (120, 90, 72))
    )


def sleeve(stage: Stage) -> RGB:
    """Return the colour of what the wearer wears today."""
    return pick(stage.fixed(99, stage.moment.seed[1] if len(stage.moment.seed) > 1 else 0), CLOTHES)


def bedroom(stage: Stage) -> None:
    """Getting up and going to bed."""
    rng, fix, m = stage.rng, stage.fixed(2), stage.moment
    wall, floor = walls(stage, 2)
    c = stage.look(Camera(x=-0.35, y=1.3, z=0.1, yaw=8, pitch=-11))
    stage.indoors((0.58, 0.46, 0.34), 0.75)
    room(c, 4.4, 4.2, 2.5, wall, floor)
    p = back_wall(c, 4.2)
    window(p, -1.5, 0.95, -0.1, 2.1, stage.sky, fix, curtain=hsv(float(fix.random()), 0.35, 0.7), urban=0.2)
    picture(p, 1.2, 1.75, 0.8, 0.5, fix)
    q = side_wall(c, 4.4, -1)
    q.rect(1.2, 0, 3.4, 2.2, (214, 196, 168))
    for a in (1.2, 1.94, 2.67):
        q.rect(a + 0.02, 0.05, a + 0.71, 2.15, (226, 210, 184))
        q.ellipse(a + 0.64, 1.1, 0.02, 0.03, (120, 100, 80))
    door(side_wall(c, 4.4, 1), 1.6)
    c.level(0, 0.004, 0).ellipse(-0.6, 2.4, 0.8, 0.9, hsv(float(fix.random()), 0.3, 0.75))
    blanket = hsv(float(fix.random()), 0.4, 0.72)
    c.later(1.1, 3.0, bed, c, 0.35, 1.9, 1.9, 4.0, blanket, rng)
    lit = stage.sky.day < 0.5
    c.later(0.0, 3.85, _nightstand, stage, c, lit)
    plant_rng = stage.fixed(3)
    c.later(-1.9, 3.8, plant, c, -1.85, 3.75, plant_rng, 1.0)
    if stage.chance(0.25):
        c.later(-0.7, 2.6, dog, c, rng, -0.7, 2.6, lying=True)
    c.flush()
    if m.hour > 20 and stage.chance(0.5):
        held(stage, "book")
    elif stage.chance(0.3):
        held(stage, "phone")


def _nightstand(stage: Stage, c: Canvas, lit: bool) -> None:
    c.box((-0.28, 0, 3.65), (0.2, 0.5, 4.1), shade(WOOD, 0.95))
    floor_lamp(c, -0.05, 3.85, lit, 0.5, 0.5)
    if stage.chance(0.5):
        book(c, stage.rng, 0.08, 0.5, 3.75, 20)
    else:
        cup(c, stage.rng, 0.08, 0.5, 3.75)


def held(stage: Stage, what: str) -> None:
    """Draw what the wearer holds in front: an open book, a phone or a cup."""
    c, rng, cloth = stage.canvas, stage.rng, sleeve(stage)
    p = c.screen((float(rng.normal(0, 0.05)), -0.24 + float(rng.normal(0, 0.04))), float(rng.normal(0, 5)))
    if what == "book":
        with c.thing("book"):
            p.poly(((-0.33, -0.17), (0.33, -0.17), (0.29, 0.18), (-0.29, 0.18)), shade(pick(rng, CLOTHES), 0.8))
            for side in (-1, 1):
                p.poly(
                    ((0, -0.165), (side * 0.315, -0.15), (side * 0.28, 0.17), (0, 0.16)),
                    (247, 241, 226) if side > 0 else (236, 229, 212),
                )
                for row in range(11):
                    ends = sorted((side * 0.03, side * (0.25 if row % 4 else float(rng.uniform(0.12, 0.24)))))
                    p.rect(ends[0], 0.125 - row * 0.024, ends[1], 0.132 - row * 0.024, (146, 142, 134))
        hand(p.moved(-0.31, -0.08), cloth, left=True, fist=True)
        hand(p.moved(0.31, -0.08), cloth, left=False, fist=True)
    elif what == "phone":
        phone(c, rng, p.moved(0.06, 0.08, 2.0))
        hand(p.moved(0.16, -0.02, 1.25), cloth, left=False, fist=True)
    else:
        colour = pick(rng, CLOTHES)
        with c.thing("cup"):
            p.poly(((-0.08, -0.12), (0.08, -0.12), (0.11, 0.13), (-0.11, 0.13)), colour)
            p.ellipse(0, 0.13, 0.11, 0.035, shade(colour, 1.15))
            p.ellipse(0, 0.13, 0.095, 0.027, (92, 58, 36))
        hand(p.moved(0.08, 0.0, 1.4), cloth, left=False, fist=True)


def evening(stage: Stage, at_table: bool = False) -> None:
    """In the living room, on the couch before the television or with a book; the family and the dog come and go."""
    rng, m, fix = stage.rng, stage.moment, stage.fixed(10)
    wall, floor = walls(stage, 10)
    c = stage.look(Camera(y=1.12, yaw=4, pitch=-7), 1.3)
    stage.indoors((0.60, 0.47, 0.36), 0.7)
    room(c, 5.2, 4.4, 2.6, wall, floor)
    p = back_wall(c, 4.4)
    window(p, 1.0, 0.8, 2.2, 2.1, stage.sky, fix, curtain=hsv(float(fix.random()), 0.45, 0.62), urban=0.25)
    picture(p, -1.9, 1.75, 0.7, 0.55, fix)
    clock(c, p.moved(0.62, 2.15), m.hour)
    picture(side_wall(c, 5.2, -1), 2.6, 1.6, 0.9, 0.7, fix)
    door(side_wall(c, 5.2, 1), 2.4)
    rug = hsv(float(fix.random()), 0.4, 0.66)
    ground = c.level(0, 0.004, 0)
    ground.ellipse(0, 2.0, 1.5, 0.95, rug)
    ground.ellipse(0, 2.0, 1.25, 0.75, shade(rug, 1.13))
    shelf = stage.fixed(11)
    c.later(-1.9, 4.0, bookshelf, c, -1.95, 4.05, shelf, 1.0, 1.35)
    show = None
    if m.hour > 16 or stage.chance(0.3):
        # The channel stays for a quarter of an hour; football is what gets the pulse up.
        show = "football" if m.effort > 0.62 else SHOWS[1:][int(stage.fixed(12, int(m.hour * 4)).integers(4))]
    wood = shade(WOOD, 0.8)

    def set_with_stand() -> None:
        c.box((-1.15, 0, 3.5), (0.85, 0.46, 4.0), wood)
        television(c, rng, c.plane((-0.15, 0.46, 3.7), (1.35, 0, 0), (0, 1.35, 0)), show)

    c.later(0, 3.7, set_with_stand)
    if show:
        c.lamp((-0.1, 0.9, 3.8), 1.3, (0.12, 0.14, 0.2))
    green = stage.fixed(13)
    c.later(1.1, 4.2, plant, c, 1.12, 4.15, green, 0.9)
    c.later(-1.3, 4.1, floor_lamp, c, -1.36, 4.1, stage.sky.day < 0.6)
    c.later(1.75, 3.0, couch, c, 1.75, 3.1, hsv(float(stage.fixed(14).random()), 0.4, 0.6), 1.5)
    for number in range(stage.people(3)):
        x, z = ((1.45, 2.85), (2.05, 2.85), (-1.5, 3.0))[number]
        who = somebody(stage.fixed(7, number % 2)) if not at_table else somebody(stage.fixed(15, number))
        pose = "sit" if number < 2 else "stand"
        c.later(x, z - 0.3, person, c, rng, x, z, pose=pose, look=who)
    if stage.chance(0.45):
        # Beside the low table, where it can be seen.
        x, z = (-1.25 + float(rng.normal(0, 0.12)), float(rng.uniform(1.9, 2.6)))
        c.later(x, z, dog, c, rng, x, z, lying=bool(stage.chance(0.6)))

    def low_table() -> None:
        table(c, -0.6, 1.35, 0.6, 1.95, 0.42, (186, 140, 98))
        if stage.chance(0.7):
            cup(c, rng, float(rng.uniform(-0.4, 0.4)), 0.42, 1.6)
        if stage.chance(0.5):
            book(c, rng, float(rng.uniform(-0.4, 0.1)), 0.42, 1.75, float(rng.normal(0, 30)))
        if stage.chance(0.4):
            bottle(c, rng, 0.42, 0.42, 1.8)

    c.later(0, 1.65, low_table)
    c.flush()
    _knees(stage, c)
    if show is None:
        held(stage, "book")
    elif stage.chance(0.3):
        held(stage, "phone")
    elif stage.chance(0.2):
        held(stage, "cup")


def _knees(stage: Stage, c: Canvas) -> None:
    """Draw the wearer's own knees, at the lower edge of what one sees from a couch."""
    colour = pick(
        stage.fixed(98, stage.moment.seed[1] if len(stage.moment.seed) > 1 else 0),
        ((52, 62, 88), (44, 44, 50), (112, 98, 82)),
    )
    for side in (-1, 1):
        x = side * 0.17 + float(stage.rng.normal(0, 0.02))
        c.plane((x, 0.62, 0.62), (1, 0, 0), (0, 0.6, 0.8)).ellipse(0, -0.02, 0.095, 0.1, shade(colour, 1.15))
        c.plane((x, 0.62, 0.62), (1, 0, 0), (0, 0.25, -0.97)).rect(-0.095, 0, 0.095, 0.6, colour)


def visit(stage: Stage) -> None:
    """At a friend's home."""
    evening(stage, at_table=True)
