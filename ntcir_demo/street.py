"""The street: the same houses at the same place on every day, whoever and whatever passes by."""

from __future__ import annotations

import math

import numpy as np

from ntcir_demo.canvas import Canvas
from ntcir_demo.colours import mix, pick, shade
from ntcir_demo.houses import FAR, FRONT, KERB, rows
from ntcir_demo.nature import bench, bush, dog, tree
from ntcir_demo.people import person
from ntcir_demo.scenery import ahead, backdrop, character, haze, rain, seed_of
from ntcir_demo.stage import Stage
from ntcir_demo.traffic import PAINTS, bicycle, bus, car, cyclist, street_lamp, traffic_light


def street(stage: Stage, c: Canvas) -> None:
    """Draw the street ahead: sky, road, houses on both sides (or the sea on one), and everybody in it."""
    m, sky = stage.moment, stage.sky
    stage.ambient = sky.outdoors()
    backdrop(stage, c)
    wet = 0.82 if m.weather.rain else 1.0
    asphalt = shade((104, 106, 112), wet)
    ground = c.level()
    urban, green = character(stage, m.along)
    ground.rect(-400, -3, 400, 290, mix(mix((176, 172, 164), (116, 148, 92), green), sky.horizon, 0.25))
    for start, end in ((-3.0, 25.0), (25.0, 70.0), (70.0, 290.0)):
        far = haze(stage, start) * 0.8
        paving = mix(shade((172, 168, 160), wet), sky.horizon, far)
        ground.rect(-FRONT, start, -KERB, end, paving)
        ground.rect(KERB, start, FRONT, end, shade(paving, 0.97))
        ground.rect(-KERB, start, KERB, end, mix(asphalt, sky.horizon, far))
        for side in (-1, 1):
            ground.rect(side * KERB - 0.09, start, side * KERB + 0.09, end, mix((206, 202, 194), sky.horizon, far))
    # Lines and flagstones lie where they lie: they move past as one goes.
    offset = ahead(stage, 0.0) % 6.0
    for number in range(14):
        z = offset + 6.0 * number
        ground.rect(-0.07, z, 0.07, z + 3.0, mix((226, 222, 208), sky.horizon, haze(stage, z) * 0.8))
        for side in (-1, 1):
            ground.rect(
                min(side * KERB, side * FRONT),
                z,
                max(side * KERB, side * FRONT),
                z + 0.05,
                mix((150, 146, 140), sky.horizon, haze(stage, z)),
            )
    rows(stage, c)
    _furniture(stage, c, green)
    _traffic(stage, c, urban)
    _passers(stage, c)
    c.flush()
    if m.weather.rain:
        rain(stage, c)


def _furniture(stage: Stage, c: Canvas, green: float) -> None:
    """Queue what stands on the pavements: trees, lamps, traffic lights, parked bicycles."""
    m, sky = stage.moment, stage.sky
    horizon = sky.horizon
    for number in range(math.floor((m.along - FAR) / 9), math.ceil((m.along + FAR) / 9)):
        position = number * 9.0
        z = ahead(stage, position)
        if not 1.5 < z < 100:
            continue
        far = haze(stage, z)
        for bank in (0, 1):
            rng = stage.fixed(44, bank, seed_of(number))
            side = (-1, 1)[bank] * (-1 if m.backwards else 1)
            what, shape = float(rng.random()), int(rng.integers(1 << 30))
            x = side * (KERB + 0.45)
            if what < 0.12 + 0.55 * green:
                c.later(x, z, tree, c, x, z, np.random.default_rng(shape), 0.45, horizon, far)
            elif what > 0.88 and z < 40:
                paint = pick(rng, PAINTS)
                c.later(x, z, bicycle, c, c.plane((x, 0, z), (0, 0, 1), (0, 1, 0)), paint)
            elif what > 0.8 and z < 40:
                if m.sea:
                    c.later(side * FRONT, z, bench, c, side * (FRONT - 0.9), z)
                else:
                    c.later(x, z, bush, c, side * FRONT, z, np.random.default_rng(shape), horizon, far, True)
            if number % 3 == bank:
                c.later(x, z + 4.5, street_lamp, c, x, z + 4.5, sky.day < 0.4, horizon, far)
            if number % 26 == 0 and z < 70:
                c.later(x, z - 0.2, traffic_light, c, x, z - 0.2, stage.moment.speed > 0.5)


def _traffic(stage: Stage, c: Canvas, urban: float) -> None:
    """Queue parked cars (some are there every day) and what drives or rides."""
    m, rng, sky = stage.moment, stage.rng, stage.sky
    lights = sky.day < 0.6 or m.weather.rain
    clear = 9.0 if abs(c.camera.x) < KERB else 3.5
    for number in range(math.floor((m.along - FAR) / 7), math.ceil((m.along + FAR) / 7)):
        z = ahead(stage, number * 7.0)
        fix = stage.fixed(45, seed_of(number))
        if clear < z < 80 and fix.random() < 0.35 * (1 - 0.5 * urban) and stage.chance(0.75):
            far, shape = haze(stage, z), int(fix.integers(1 << 30))
            x = KERB - 0.95
            c.later(
                x, z, car, c, np.random.default_rng(shape), x, z, oncoming=True, lights=False, haze=sky.horizon, far=far
            )
    busy = (0.4 + 0.9 * urban) * (
        0.5
        + 1.1 * math.exp(-(((m.hour - 8.4) / 1.6) ** 2))
        + 1.1 * math.exp(-(((m.hour - 17.4) / 1.8) ** 2))
        + (0.5 if 9 < m.hour < 19 else 0)
    )
    slots = rng.permutation(14)[: min(int(rng.poisson(1.6 * busy)), 7)].tolist()
    for slot in slots:
        oncoming = slot >= 7
        z, x = clear + 5 + 9.5 * (slot % 7) + float(rng.uniform(0, 3)), (1.1 if oncoming else -1.6)
        far, shape = haze(stage, z), int(rng.integers(1 << 30))
        if rng.random() < 0.14 and z > 16:
            c.later(x, z, bus, c, x, z, oncoming=oncoming, lights=lights, haze=sky.horizon, far=far)
        elif rng.random() < 0.2 and not oncoming:
            c.later(-3.1, z, cyclist, c, np.random.default_rng(shape), -3.1, z, PAINTS[shape % 8], False)
        else:
            c.later(
                x,
                z,
                car,
                c,
                np.random.default_rng(shape),
                x,
                z,
                oncoming=oncoming,
                lights=lights,
                haze=sky.horizon,
                far=far,
            )
    if rng.random() < 0.1 and abs(c.camera.x) > KERB:
        z, shape = float(rng.uniform(9, 20)), int(rng.integers(1 << 30))
        c.later(
            0, z, cyclist, c, np.random.default_rng(shape), float(rng.uniform(-1.5, 1.5)), z, PAINTS[shape % 8], True
        )


def _passers(stage: Stage, c: Canvas) -> None:
    """Queue the people on the pavements, some with a dog."""
    rng, shadow = stage.rng, (134, 130, 126)
    for _ in range(stage.people(7)):
        side = -1 if rng.random() < 0.62 else 1
        x, z = side * float(rng.uniform(KERB + 0.5, FRONT - 0.5)), float(rng.uniform(3.4, 34))
        facing = "back" if rng.random() < 0.5 else "front"
        c.later(x, z, person, c, rng, x, z, pose="walk", facing=facing, shadow=shadow)
        if rng.random() < 0.13:
            c.later(x + 0.7, z - 0.2, dog, c, rng, x + 0.7, z - 0.2, shadow=shadow)
