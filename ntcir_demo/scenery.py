"""What all views out of doors share: where along a route one is, the sky, the haze, the rain."""

from __future__ import annotations

import math

from ntcir_demo.canvas import Canvas
from ntcir_demo.colours import RGB, WHITE, hsv, mix
from ntcir_demo.stage import Stage

BLOCK = 130.0  # metres over which the mood of the houses changes


def seed_of(position: int) -> int:
    """Return a seed for a place along a route, which may lie before its start."""
    return position & 0xFFFFFFFF


def mood(stage: Stage, position: float) -> RGB:
    """Return the colour that the houses around a position (metres along the route) have in common."""
    block, part = math.floor(position / BLOCK), position / BLOCK % 1.0
    tones = []
    for number in (block, block + 1):
        rng = stage.fixed(40, seed_of(number))
        tones.append(hsv(float(rng.random()), float(rng.uniform(0.18, 0.5)), float(rng.uniform(0.6, 0.86))))
    return mix(tones[0], tones[1], part * part * (3 - 2 * part))


def character(stage: Stage, position: float) -> tuple[float, float]:
    """Return how urban and how green it is at a position, 0 to 1 each."""
    m = stage.moment
    t = min(max(position / max(m.length, 1.0), 0.0), 1.0)
    (u0, g0), (u1, g1) = m.character
    return u0 + (u1 - u0) * t, g0 + (g1 - g0) * t


def ahead(stage: Stage, position: float) -> float:
    """Return how far ahead of the wearer (metres) a position along the route is."""
    return (stage.moment.along - position) if stage.moment.backwards else (position - stage.moment.along)


def haze(stage: Stage, z: float) -> float:
    """Return how much of what is ``z`` metres away the air hides, 0 to 1."""
    reach = 70.0 if stage.moment.weather.rain else 230.0 - 90.0 * stage.moment.weather.cloud
    return 1.0 - math.exp(-max(z, 0.0) / reach)


def backdrop(stage: Stage, c: Canvas) -> None:
    """Draw the sky with its clouds, sun, moon or stars."""
    sky, rng = stage.sky, stage.rng
    p = c.upright(
        c.camera.x + 300 * math.sin(math.radians(c.camera.yaw)), c.camera.z + 300 * math.cos(math.radians(c.camera.yaw))
    )
    bands = 18
    p.rect(-600, -60, 600, 4, sky.horizon, 255)
    for band in range(bands):
        b = 3 + 330 * (band / bands) ** 1.25
        p.rect(-600, b, 600, 450, mix(sky.horizon, sky.top, band / (bands - 1)), 255)
    if sky.day < 0.25:
        for _ in range(int(26 * (1 - stage.moment.weather.cloud))):
            a, b = float(rng.uniform(-300, 300)), float(rng.uniform(30, 260))
            p.ellipse(a, b, 0.8, 0.8, (230, 232, 240), 170)
    elif stage.moment.elevation < 14 and stage.moment.weather.cloud < 0.6:
        a = float(stage.fixed(41).uniform(-120, 120))
        p.ellipse(a, 14 + 5 * max(stage.moment.elevation, 0), 15, 15, (255, 236, 190), 230)
    for _ in range(int(2 + 7 * stage.moment.weather.cloud)):
        a, b, wide = float(rng.uniform(-280, 280)), float(rng.uniform(60, 240)), float(rng.uniform(18, 46))
        tone = mix(sky.top, mix(sky.horizon, WHITE, 0.5), 0.35 + 0.3 * float(rng.random()))
        for puff in range(4):
            p.ellipse(
                a + (puff - 1.5) * wide * 0.55, b + (4 if puff in (1, 2) else 0), wide * 0.5, wide * 0.2, tone, 255
            )
        p.round_rect(a - wide * 1.2, b - wide * 0.2, a + wide * 1.2, b - wide * 0.02, wide * 0.09, tone, 255)


def rain(stage: Stage, c: Canvas) -> None:
    """Draw falling rain."""
    p, rng = c.screen(), stage.rng
    tone = mix(stage.sky.horizon, WHITE, 0.3)
    for a, b, long in rng.uniform((-0.7, -0.5, 0.02), (0.7, 0.5, 0.07), size=(46, 3)).tolist():
        p.line(((a, b), (a - long * 0.14, b - long)), 0.0016, tone)
