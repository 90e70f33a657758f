"""Things that stand on tables and hang on walls: cups, books, laptops, clocks and what screens show."""

from __future__ import annotations

import math

import numpy as np

from ntcir_demo.canvas import Canvas, Plane
from ntcir_demo.colours import BLACK, CLOTHES, HAIRS, METAL, RGB, SKINS, WHITE, hsv, mix, pick, shade

CROCKERY: tuple[RGB, ...] = (
    (240, 238, 230),
    (206, 84, 72),
    (72, 122, 170),
    (238, 190, 84),
    (96, 160, 140),
    (60, 62, 70),
)
SHOWS = ("football", "news", "film", "nature", "cooking")


def cup(canvas: Canvas, rng: np.random.Generator, x: float, y: float, z: float, size: float = 1.0) -> None:
    """Draw a cup of coffee or tea."""
    colour = pick(rng, CROCKERY)
    with canvas.thing("cup"):
        k, up = size, canvas.upright(x, z, y)
        side = 1 if rng.random() < 0.5 else -1
        ring = [
            (side * k * (0.04 + 0.032 * math.cos(t)), k * (0.055 + 0.028 * math.sin(t)))
            for t in np.linspace(-1.7, 1.7, 9)
        ]
        up.line(ring, 0.011 * k, shade(colour, 0.82))
        canvas.level(x, y, z).ellipse(0, 0, 0.033 * k, 0.033 * k, shade(colour, 0.75))
        up.poly(((-0.033 * k, 0), (0.033 * k, 0), (0.043 * k, 0.1 * k), (-0.043 * k, 0.1 * k)), colour)
        up.poly(((0.012 * k, 0), (0.033 * k, 0), (0.043 * k, 0.1 * k), (0.016 * k, 0.1 * k)), shade(colour, 0.86))
        rim = canvas.level(x, y + 0.1 * k, z)
        rim.ellipse(0, 0, 0.043 * k, 0.043 * k, shade(colour, 1.08))
        rim.ellipse(0, 0, 0.036 * k, 0.036 * k, (92, 58, 36) if rng.random() < 0.6 else (176, 112, 52))


def bottle(canvas: Canvas, rng: np.random.Generator, x: float, y: float, z: float, size: float = 1.0) -> None:
    """Draw a bottle with a label."""
    colour = pick(rng, ((62, 112, 78), (124, 72, 46), (150, 196, 214), (60, 72, 110), (196, 220, 226)))
    with canvas.thing("bottle"):
        p = canvas.upright(x, z, y).moved(0, 0, size)
        p.poly(((-0.036, 0.0), (0.036, 0.0), (0.036, 0.17), (0.014, 0.215), (0.014, 0.27), (-0.014, 0.27),
                (-0.014, 0.215), (-0.036, 0.17)), colour)  # fmt: skip
        p.rect(0.014, 0.012, 0.027, 0.165, mix(colour, WHITE, 0.35))
        p.rect(-0.036, 0.05, 0.036, 0.12, pick(rng, (WHITE, (232, 208, 120), (206, 84, 72))))
        p.rect(-0.017, 0.262, 0.017, 0.288, pick(rng, (WHITE, (206, 60, 56), (52, 96, 150))))


def plate(canvas: Canvas, rng: np.random.Generator, x: float, y: float, z: float, food: bool = True) -> None:
    """Draw a plate, with something to eat or empty."""
    with canvas.thing("plate"):
        p = canvas.level(x, y + 0.012, z)
        p.ellipse(0, -0.008, 0.138, 0.138, (176, 172, 166))
        p.ellipse(0, 0, 0.138, 0.138, WHITE)
        p.ellipse(0, 0, 0.092, 0.092, (226, 224, 216))
        if food:
            for _ in range(int(rng.integers(4, 9))):
                hue = pick(rng, ((214, 154, 70), (120, 160, 66), (196, 74, 52), (232, 206, 120), (146, 92, 56)))
                a, b = rng.normal(0, 0.034, 2)
                p.ellipse(float(a), float(b), float(rng.uniform(0.016, 0.036)), float(rng.uniform(0.014, 0.03)), hue)


def bowl(canvas: Canvas, rng: np.random.Generator, x: float, y: float, z: float) -> None:
    """Draw a bowl of cereal or soup."""
    colour, inside = pick(rng, CROCKERY), pick(rng, ((236, 226, 200), (214, 140, 60), (196, 92, 60)))
    with canvas.thing("bowl"):
        canvas.level(x, y, z).ellipse(0, 0, 0.045, 0.045, shade(colour, 0.7))
        canvas.upright(x, z, y).poly(((-0.045, 0), (0.045, 0), (0.085, 0.07), (-0.085, 0.07)), shade(colour, 0.86))
        rim = canvas.level(x, y + 0.07, z)
        rim.ellipse(0, 0, 0.085, 0.085, colour)
        rim.ellipse(0, 0, 0.074, 0.074, inside)
        for _ in range(6):
            a, b = rng.uniform(-0.045, 0.045, 2)
            rim.ellipse(float(a), float(b), 0.012, 0.01, shade(inside, 0.84))


def book(
    canvas: Canvas, rng: np.random.Generator, x: float, y: float, z: float, turn: float = 0.0, opened: bool = False
) -> None:
    """Draw a book that lies shut or open."""
    colour = pick(rng, CLOTHES)
    with canvas.thing("book"):
        p = canvas.level(x, y + 0.004, z, turn)
        if opened:
            p.rect(-0.165, -0.115, 0.165, 0.115, shade(colour, 0.8))
            for side in (-1, 1):
                p.poly(
                    ((0, -0.108), (side * 0.158, -0.104), (side * 0.158, 0.104), (0, 0.108)),
                    (246, 240, 224) if side > 0 else (236, 229, 212),
                )
                for row in range(9):
                    b = 0.082 - row * 0.02
                    ends = sorted((side * 0.02, side * float(rng.uniform(0.1, 0.14))))
                    p.rect(ends[0], b, ends[1], b + 0.006, (150, 146, 138))
            return
        p.rect(-0.075, -0.11, 0.085, 0.105, shade(colour, 0.55))
        p.rect(-0.075, -0.115, 0.08, 0.11, (236, 230, 214))
        q = canvas.level(x, y + 0.03, z, turn)
        q.rect(-0.08, -0.11, 0.08, 0.11, colour)
        q.rect(-0.05, 0.03, 0.05, 0.07, mix(colour, WHITE, 0.75))


def phone(canvas: Canvas, rng: np.random.Generator, p: Plane, glow: int = 170) -> None:
    """Draw a phone on a surface: in a hand or on a table, 15 cm long."""
    with canvas.thing("cell phone"):
        p.round_rect(-0.038, -0.076, 0.038, 0.076, 0.01, BLACK)
        p.rect(-0.033, -0.066, 0.033, 0.068, hsv(float(rng.uniform(0.5, 0.7)), 0.35, 0.85), glow)
        for row in range(4):
            p.round_rect(
                -0.028, 0.038 - row * 0.028, float(rng.uniform(0.0, 0.028)), 0.056 - row * 0.028, 0.004, WHITE, glow
            )


def laptop(
    canvas: Canvas, rng: np.random.Generator, x: float, y: float, z: float, shows: str, back: bool = False
) -> None:
    """Draw an open laptop, its keys towards the camera (or its back, where somebody sits opposite)."""
    with canvas.thing("laptop"):
        if back:
            p = canvas.plane((x, y, z), (1, 0, 0), (0, 0.95, -0.3))
            p.round_rect(-0.17, 0, 0.17, 0.22, 0.015, (172, 176, 182))
            p.ellipse(0, 0.115, 0.02, 0.02, WHITE)
            return
        base = canvas.level(x, y + 0.012, z)
        base.round_rect(-0.175, -0.24, 0.175, 0.0, 0.015, (168, 172, 178))
        base.rect(-0.15, -0.125, 0.15, -0.02, (58, 60, 66))
        for row in range(4):
            base.line(((-0.146, -0.036 - row * 0.025), (0.146, -0.036 - row * 0.025)), 0.016, (84, 88, 94))
        base.round_rect(-0.05, -0.22, 0.05, -0.145, 0.008, (150, 154, 160))
        lid = canvas.plane((x, y + 0.012, z), (1, 0, 0), (0, 0.95, 0.31))
        lid.round_rect(-0.175, 0.0, 0.175, 0.235, 0.012, (44, 46, 52))
        screen(lid.moved(0, 0.12), rng, 0.325, 0.205, shows)


def monitor(canvas: Canvas, rng: np.random.Generator, x: float, y: float, z: float, shows: str) -> None:
    """Draw a computer screen on its foot."""
    with canvas.thing("tv"):
        canvas.level(x, y + 0.003, z).ellipse(0, 0, 0.13, 0.08, (60, 62, 68))
        p = canvas.plane((x, y, z), (1, 0, 0), (0, 1, 0.06))
        p.rect(-0.022, 0, 0.022, 0.14, (74, 76, 82))
        p.round_rect(-0.3, 0.1, 0.3, 0.46, 0.012, (38, 40, 46))
        screen(p.moved(0, 0.283), rng, 0.57, 0.325, shows)


def television(canvas: Canvas, rng: np.random.Generator, p: Plane, shows: str | None) -> None:
    """Draw a television on an upright surface, its foot at the origin; off if it shows nothing."""
    with canvas.thing("tv"):
        p.round_rect(-0.66, 0.05, 0.66, 0.82, 0.02, (26, 27, 31))
        p.poly(((-0.3, 0), (0.3, 0), (0.2, 0.06), (-0.2, 0.06)), (40, 42, 46))
        if shows:
            screen(p.moved(0, 0.44), rng, 1.26, 0.7, shows)
        else:
            p.rect(-0.63, 0.09, 0.63, 0.79, (46, 50, 58))
            p.poly(((-0.1, 0.09), (0.3, 0.09), (0.55, 0.79), (0.25, 0.79)), (58, 62, 70))


def screen(p: Plane, rng: np.random.Generator, w: float, h: float, shows: str, glow: int = 225) -> None:
    """Draw what a screen shows, centred on the origin: code, text, mail, call, chart, or one of `SHOWS`."""
    q = p.moved(-w / 2, -h / 2)

    def bar(a0: float, b0: float, a1: float, b1: float, colour: RGB) -> None:
        q.rect(a0 * w, b0 * h, a1 * w, b1 * h, colour, glow)

    if shows == "code":
        bar(0, 0, 1, 1, (36, 40, 52))
        for row in range(11):
            start = 0.06 + 0.06 * int(rng.integers(0, 4))
            for _ in range(int(rng.integers(1, 4))):
                end = start + float(rng.uniform(0.06, 0.2))
                bar(
                    start,
                    0.9 - row * 0.08,
                    min(end, 0.96),
                    0.935 - row * 0.08,
                    hsv(float(rng.choice([0.1, 0.3, 0.5, 0.8])), 0.45, 0.9),
                )
                start = end + 0.02
    elif shows in ("text", "mail"):
        bar(0, 0, 1, 1, (236, 238, 240))
        bar(0, 0.92, 1, 1, (58, 96, 160) if shows == "text" else (186, 74, 66))
        left = 0.2 if shows == "text" else 0.36
        if shows == "mail":
            bar(0, 0, 0.33, 0.92, (212, 218, 226))
        for row in range(10):
            bar(left, 0.82 - row * 0.08, float(rng.uniform(left + 0.2, 0.92)), 0.845 - row * 0.08, (140, 144, 150))
    elif shows == "chart":
        bar(0, 0, 1, 1, (240, 240, 236))
        bar(0.08, 0.12, 0.94, 0.13, (90, 90, 96))
        for column in range(6):
            bar(
                0.12 + column * 0.14,
                0.13,
                0.2 + column * 0.14,
                0.2 + 0.62 * float(rng.random()),
                hsv(0.55 + 0.05 * column, 0.55, 0.8),
            )
    elif shows == "call":
        bar(0, 0, 1, 1, (44, 46, 54))
        for column in range(2):
            for row in range(2):
                a, b = 0.03 + column * 0.485, 0.04 + row * 0.48
                bar(a, b, a + 0.455, b + 0.44, hsv(float(rng.random()), 0.25, 0.75))
                tile = q.moved((a + 0.228) * w, b * h)
                tile.arc(0, 0, 0.13 * w, 0.2 * h, 0, 180, pick(rng, CLOTHES), glow)
                tile.ellipse(0, 0.27 * h, 0.055 * w, 0.1 * h, pick(rng, SKINS), glow)
                tile.arc(0, 0.29 * h, 0.058 * w, 0.09 * h, 0, 180, pick(rng, HAIRS), glow)
    else:
        _programme(q, rng, w, h, shows, glow)


def _programme(q: Plane, rng: np.random.Generator, w: float, h: float, shows: str, glow: int) -> None:
    def bar(a0: float, b0: float, a1: float, b1: float, colour: RGB) -> None:
        q.rect(a0 * w, b0 * h, a1 * w, b1 * h, colour, glow)

    if shows == "football":
        for stripe in range(8):
            bar(stripe / 8, 0, (stripe + 1) / 8, 1, (70, 156, 74) if stripe % 2 else (82, 170, 84))
        middle = float(rng.uniform(0.2, 0.8))
        bar(middle - 0.006, 0, middle + 0.006, 1, WHITE)
        for number in range(11):
            a, b = float(rng.uniform(0.05, 0.93)), float(rng.uniform(0.06, 0.8))
            bar(a, b, a + 0.025, b + 0.11, (206, 52, 52) if number % 2 else (240, 240, 240))
        bar(0.04, 0.88, 0.3, 0.96, (30, 34, 60))
    elif shows == "news":
        bar(0, 0, 1, 1, (52, 92, 158))
        bar(0.55, 0.32, 0.94, 0.9, (108, 158, 208))
        q.arc(0.28 * w, 0.16 * h, 0.17 * w, 0.34 * h, 0, 180, (40, 44, 60), glow)
        q.ellipse(0.28 * w, 0.6 * h, 0.075 * w, 0.15 * h, pick(rng, SKINS), glow)
        q.arc(0.28 * w, 0.64 * h, 0.08 * w, 0.13 * h, 0, 180, pick(rng, HAIRS), glow)
        bar(0, 0.05, 1, 0.2, (186, 44, 48))
        bar(0.05, 0.1, 0.7, 0.145, WHITE)
    elif shows == "film":
        hue = float(rng.random())
        bar(0, 0, 1, 1, (18, 16, 20))
        bar(0, 0.12, 1, 0.88, hsv(hue, 0.5, 0.36))
        q.ellipse(float(rng.uniform(0.3, 0.7)) * w, 0.6 * h, 0.1 * w, 0.17 * h, hsv(hue + 0.45, 0.4, 0.92), glow)
        bar(0, 0.12, 1, 0.34, hsv(hue, 0.6, 0.2))
    elif shows == "nature":
        bar(0, 0, 1, 1, (126, 190, 230))
        q.poly(
            ((0, 0.3 * h), (0.3 * w, 0.8 * h), (0.55 * w, 0.4 * h), (0.8 * w, 0.7 * h), (w, 0.35 * h), (w, 0), (0, 0)),
            (96, 130, 110),
            glow,
        )
        bar(0, 0, 1, 0.3, (88, 156, 80))
    else:
        bar(0, 0, 1, 1, (232, 214, 180))
        bar(0, 0, 1, 0.3, (176, 124, 80))
        q.ellipse(0.5 * w, 0.32 * h, 0.24 * w, 0.12 * h, (70, 72, 78), glow)
        q.ellipse(0.5 * w, 0.34 * h, 0.2 * w, 0.09 * h, hsv(float(rng.uniform(0, 0.25)), 0.7, 0.85), glow)


def clock(canvas: Canvas, p: Plane, hour: float, r: float = 0.16) -> None:
    """Draw a clock on a surface, centred on the origin, that shows the local hour (0 to 24)."""
    with canvas.thing("clock"):
        p.ellipse(0, 0, r, r, (60, 58, 62))
        p.ellipse(0, 0, r * 0.88, r * 0.88, WHITE)
        for mark in range(12):
            t = mark * math.pi / 6
            p.ellipse(r * 0.74 * math.cos(t), r * 0.74 * math.sin(t), r * 0.05, r * 0.05, METAL)
        for turns, long, wide in ((hour / 12, 0.45, 0.1), (hour % 1.0, 0.68, 0.07)):
            t = math.pi / 2 - 2 * math.pi * turns
            p.line(((0, 0), (r * long * math.cos(t), r * long * math.sin(t))), r * wide, BLACK)
