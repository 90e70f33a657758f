"""People, and the wearer's own hands."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ntcir_demo.canvas import Canvas, Plane
from ntcir_demo.colours import CLOTHES, HAIRS, RGB, SKINS, TROUSERS, WHITE, mix, pick, shade

WEARER_SKIN: RGB = (226, 178, 143)


@dataclass(frozen=True)
class Look:
    """What somebody looks like."""

    skin: RGB
    hair: RGB
    top: RGB
    trousers: RGB
    long_hair: bool
    jacket: bool
    tall: float  # metres


def somebody(rng: np.random.Generator) -> Look:
    """Return the look of somebody or other."""
    top = pick(rng, CLOTHES)
    return Look(
        pick(rng, SKINS), pick(rng, HAIRS), top, pick(rng, TROUSERS), bool(rng.random() < 0.45),
        bool(rng.random() < 0.5), float(rng.uniform(1.56, 1.86)),
    )  # fmt: skip


def person(
    canvas: Canvas, rng: np.random.Generator, x: float, z: float, *, pose: str = "stand", facing: str = "front",
    look: Look | None = None, y: float = 0.0, shadow: RGB | None = None,
) -> None:  # fmt: skip
    """Draw somebody who stands on a spot.

    Args:
        canvas: what to draw on.
        rng: decides on the look (unless given) and on the moment of the step.
        x: metres to the right.
        z: metres ahead.
        pose: ``stand``, ``walk``, ``run`` or ``sit`` (on a seat 0.45 m high, of which they cover most).
        facing: ``front`` (towards the camera), ``back``, ``left`` or ``right``.
        look: what they look like.
        y: height of the floor under them.
        shadow: colour of their shadow on the floor, or none.
    """
    look = look or somebody(rng)
    phase = float(rng.uniform(0, 2 * math.pi))
    if shadow:
        canvas.level(x, y + 0.005, z).ellipse(0, 0, 0.34, 0.2, shadow)
    with canvas.thing("person"):
        p = canvas.upright(x, z, y, flip=facing == "right").moved(0, 0, look.tall / 1.72)
        if facing in ("left", "right"):
            _sideways(p, look, pose, phase)
        else:
            _straight(p, look, pose, phase, back=facing == "back")


def _straight(p: Plane, look: Look, pose: str, phase: float, back: bool) -> None:
    hip = 0.5 if pose == "sit" else 0.86
    step = 0.10 * math.sin(phase) if pose in ("walk", "run") else 0.0
    shoe = shade(look.trousers, 0.5)
    for side in (-1, 1):
        lift = max(0.0, side * step)
        knee = 0.09 if pose != "sit" else 0.14
        shin = shade(look.trousers, 0.72 if pose == "sit" else 1.0 if side < 0 else 0.9)
        p.poly(((side * 0.02, hip + 0.02), (side * 0.17, hip + 0.02), (side * (knee + 0.06), 0.05 + lift),
                (side * (knee - 0.05), 0.05 + lift)), shin)  # fmt: skip
        p.ellipse(side * (knee + 0.01), 0.04 + lift, 0.07, 0.045, shoe)
    neck = hip + 0.56
    if look.long_hair and not back:
        p.round_rect(-0.15, neck - 0.08, 0.15, neck + 0.26, 0.1, shade(look.hair, 0.85))
    for side in (-1, 1):
        swing = side * step
        elbow = (side * 0.27, hip + 0.27 + swing * 0.3)
        hand = (side * 0.25, hip + 0.04 + swing) if pose != "sit" else (side * 0.15, hip + 0.04)
        p.line(((side * 0.19, neck - 0.05), elbow, hand), 0.095, shade(look.top, 0.86))
        p.ellipse(elbow[0], elbow[1], 0.047, 0.047, shade(look.top, 0.86))
        p.ellipse(hand[0], hand[1], 0.05, 0.055, look.skin)
    p.poly(((-0.16, hip - 0.04), (0.16, hip - 0.04), (0.18, hip + 0.25), (0.235, neck - 0.06), (0.19, neck - 0.005),
            (0.07, neck + 0.02), (-0.07, neck + 0.02), (-0.19, neck - 0.005), (-0.235, neck - 0.06),
            (-0.18, hip + 0.25)), look.top)  # fmt: skip
    if look.jacket and not back:
        p.poly(
            ((-0.05, neck + 0.02), (0.05, neck + 0.02), (0.03, hip - 0.04), (-0.03, hip - 0.04)),
            mix(look.top, WHITE, 0.7),
        )
    if pose == "sit" and not back:
        for side in (-1, 1):
            s, lap = side, shade(look.trousers, 1.1)
            p.poly(
                ((s * 0.01, hip + 0.12), (s * 0.19, hip + 0.12), (s * 0.25, hip - 0.06), (s * 0.03, hip - 0.08)), lap
            )
            p.ellipse(side * 0.14, hip - 0.06, 0.11, 0.085, shade(look.trousers, 1.3))
    p.rect(-0.045, neck - 0.01, 0.045, neck + 0.08, shade(look.skin, 0.88))
    _head(p.moved(0, neck + 0.19), look, back)


def _head(p: Plane, look: Look, back: bool) -> None:
    if back:
        p.ellipse(0, 0, 0.108, 0.132, look.skin)
        p.ellipse(0, 0.025, 0.116, 0.125, look.hair)
        if look.long_hair:
            p.round_rect(-0.13, -0.27, 0.13, 0.05, 0.08, look.hair)
        return
    for side in (-1, 1):
        p.ellipse(side * 0.105, -0.005, 0.02, 0.03, shade(look.skin, 0.9))
    p.ellipse(0, 0, 0.105, 0.132, look.skin)
    p.arc(0, 0.03, 0.115, 0.115, 8, 172, look.hair)
    p.poly(((-0.113, 0.05), (-0.03, 0.065), (0.1, 0.1), (0.05, 0.14), (-0.07, 0.13)), look.hair)
    for side in (-1, 1):
        p.ellipse(side * 0.042, 0.005, 0.013, 0.016, (40, 34, 34))
        p.ellipse(side * 0.06, -0.04, 0.02, 0.013, mix(look.skin, (226, 110, 100), 0.35))
    p.arc(0, -0.05, 0.035, 0.03, 190, 350, (168, 74, 70))


def _sideways(p: Plane, look: Look, pose: str, phase: float) -> None:
    """Draw somebody facing to the left of the plane."""
    hip = 0.5 if pose == "sit" else 0.86
    stride = {"walk": 0.22, "run": 0.36}.get(pose, 0.04)
    shoe = shade(look.trousers, 0.5)
    for side in (1, -1):
        tone = shade(look.trousers, 0.82 if side > 0 else 1.0)
        if pose == "sit":
            foot = (-0.42 + 0.05 * side, 0.05)
            p.line(((0.0, hip + 0.04), (-0.4, hip + 0.02), foot), 0.14, tone)
            p.ellipse(-0.4, hip + 0.02, 0.07, 0.07, tone)
        else:
            swing = stride * math.sin(phase) * side
            bend = (-0.06 - 0.16 * (pose == "run")) * max(0.0, side * math.cos(phase)) if stride > 0.1 else 0.0
            knee, foot = (
                (swing * 0.55 + bend, 0.46),
                (swing, 0.06 + 0.1 * (pose == "run") * max(0.0, math.cos(phase) * side)),
            )
            p.line(((0.0, hip + 0.03), knee, foot), 0.13, tone)
            p.ellipse(knee[0], knee[1], 0.066, 0.066, tone)
        p.ellipse(foot[0] - 0.05, foot[1] - 0.015, 0.11, 0.045, shoe)
    neck = hip + 0.56
    if look.long_hair:
        p.round_rect(-0.02, neck - 0.1, 0.13, neck + 0.25, 0.06, shade(look.hair, 0.85))
    p.poly(((-0.13, hip - 0.04), (0.13, hip - 0.04), (0.13, hip + 0.3), (0.1, neck), (-0.07, neck + 0.01),
            (-0.14, hip + 0.34)), look.top)  # fmt: skip
    swing = -stride * math.sin(phase)
    hand = (swing - 0.06, hip + 0.06) if pose != "sit" else (-0.32, hip + 0.2)
    if pose == "run":
        hand = (swing - 0.2, hip + 0.3)
    elbow = (swing * 0.5 + 0.03, hip + 0.27)
    p.line(((0.0, neck - 0.06), elbow, hand), 0.1, shade(look.top, 0.82))
    p.ellipse(elbow[0], elbow[1], 0.05, 0.05, shade(look.top, 0.82))
    p.ellipse(hand[0], hand[1], 0.05, 0.055, look.skin)
    p.rect(-0.05, neck - 0.02, 0.04, neck + 0.09, shade(look.skin, 0.88))
    h = p.moved(-0.02, neck + 0.19)
    h.poly(((-0.1, 0.02), (-0.135, -0.03), (-0.09, -0.04)), look.skin)
    h.ellipse(0, 0, 0.112, 0.13, look.skin)
    h.arc(0.015, 0.02, 0.118, 0.125, -60, 150, look.hair)
    h.ellipse(0.03, -0.01, 0.02, 0.03, shade(look.skin, 0.88))
    h.ellipse(-0.065, 0.015, 0.012, 0.016, (40, 34, 34))
    h.line(((-0.1, -0.065), (-0.065, -0.068)), 0.012, (168, 74, 70))


def hand(p: Plane, sleeve: RGB, *, left: bool, fist: bool = False, skin: RGB = WEARER_SKIN) -> None:
    """Draw one of the wearer's hands: the knuckles at the origin, the forearm coming from below (unit: about 1 m)."""
    k = -1.0 if left else 1.0
    p.poly(((k * 0.0, -0.10), (k * 0.085, -0.09), (k * 0.26, -0.52), (k * 0.06, -0.55)), sleeve)
    p.poly(((k * -0.008, -0.11), (k * 0.09, -0.095), (k * 0.094, -0.125), (k * -0.002, -0.14)), shade(sleeve, 0.8))
    p.round_rect(min(k * -0.012, k * 0.088), -0.115, max(k * -0.012, k * 0.088), 0.012, 0.028, skin)
    for finger in range(4):
        a, long = k * (0.0 + 0.026 * finger), 0.03 if fist else (0.062, 0.075, 0.07, 0.052)[finger]
        tone = shade(skin, 0.97 if finger % 2 else 1.02)
        p.round_rect(a - 0.0125, -0.02, a + 0.0125, long, 0.011, tone)
    p.line(((k * -0.005, -0.07), (k * -0.045, -0.02), (k * -0.038, 0.015)), 0.026, shade(skin, 0.95))
    p.ellipse(k * -0.038, 0.015, 0.013, 0.013, shade(skin, 0.95))
