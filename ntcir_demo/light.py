"""Light: where the sun is, what the sky looks like, and how a painted scene becomes a photograph."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from ntcir_demo.canvas import HEIGHT, MAP, OVERSAMPLE, WIDTH, Canvas
from ntcir_demo.colours import RGB, mix

Tint = tuple[float, float, float]

_GRAINS = (2.0, 3.5, 6.0, 9.0)  # standard deviations of the sensor's noise, from bright to dark
_VEIL = 16  # the side in pixels of one spot of what covers the lens
_MARGIN = 160  # how much larger than a picture the sheet of noise is, so that each picture takes another part


@dataclass(frozen=True)
class Weather:
    """The sky of a day: ``cloud`` from 0 (blue) to 1 (grey), ``rain`` or not."""

    cloud: float = 0.3
    rain: bool = False


@dataclass(frozen=True)
class Sky:
    """The sky at a moment: its colours at the top and at the horizon, and how much daylight there is (0 to 1)."""

    top: RGB
    horizon: RGB
    day: float
    weather: Weather = Weather()

    def outdoors(self) -> Tint:
        """Return the light in the open."""
        grey = self.weather.cloud
        noon: Tint = (1.0 - 0.08 * grey, 1.0 - 0.06 * grey, 1.0 - 0.02 * grey)
        night: Tint = (0.25, 0.27, 0.40)
        warm = max(0.0, 1.0 - abs(self.day - 0.5) / 0.45) * (1.0 - 0.7 * grey)
        low = blend(night, noon, self.day)
        return (min(1.0, low[0] + 0.16 * warm), low[1] + 0.03 * warm, low[2] - 0.08 * warm)


def blend(a: Tint, b: Tint, t: float) -> Tint:
    """Return the light a share ``t`` of the way from ``a`` to ``b``."""
    return (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t)


def sun_elevation(when: dt.datetime, latitude: float, longitude: float) -> float:
    """Return the height of the sun above the horizon in degrees, within about a degree.

    Args:
        when: a moment in UTC.
        latitude: degrees to the north.
        longitude: degrees to the east.
    """
    day = when.timetuple().tm_yday
    hours = when.hour + when.minute / 60 + when.second / 3600
    declination = math.radians(-23.44 * math.cos(math.radians(360 / 365 * (day + 10))))
    b = math.radians(360 * (day - 81) / 364)
    equation = 9.87 * math.sin(2 * b) - 7.53 * math.cos(b) - 1.5 * math.sin(b)  # minutes
    angle = math.radians(15 * (hours + longitude / 15 + equation / 60 - 12))
    phi = math.radians(latitude)
    height = math.sin(phi) * math.sin(declination) + math.cos(phi) * math.cos(declination) * math.cos(angle)
    return math.degrees(math.asin(max(-1.0, min(1.0, height))))


def sky_at(elevation: float, weather: Weather) -> Sky:
    """Return the sky for a height of the sun in degrees."""
    day = _step(-7.0, 10.0, elevation)
    golden = _step(-7.0, -1.0, elevation) * (1 - _step(2.0, 11.0, elevation)) * (1 - 0.65 * weather.cloud)
    top = mix((14, 20, 48), mix((88, 150, 220), (158, 172, 186), weather.cloud), day)
    horizon = mix((38, 44, 78), mix((206, 228, 242), (206, 212, 216), weather.cloud), day)
    if weather.rain:
        top, horizon = mix(top, (96, 104, 116), 0.5 * day), mix(horizon, (150, 158, 168), 0.5 * day)
    return Sky(mix(top, (150, 104, 150), 0.6 * golden), mix(horizon, (252, 176, 112), 0.85 * golden), day, weather)


def _step(low: float, high: float, x: float) -> float:
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


def develop(
    canvas: Canvas, ambient: Tint, rng: np.random.Generator, blur: tuple[float, float] = (0.0, 0.0),
    veil: np.ndarray | None = None,
) -> Image.Image:  # fmt: skip
    """Turn what was painted into a photograph of 1024x768.

    Args:
        canvas: the painted scene, its map and its lamps.
        ambient: the light everywhere, 0 to 1 a channel; what glows by itself and what is near a lamp is brighter.
        rng: decides on the grain.
        blur: motion blur, pixels to either side, across and down.
        veil: what covers the lens, from `lens_cover`; nothing by default.
    """
    picture = canvas.image.reduce(OVERSAMPLE)
    glow = np.asarray(canvas.map)[..., 1].astype(np.float32) / 255
    light = _light_map(canvas, ambient, glow)
    picture = ImageChops.multiply(picture, _enlarged(light))
    level = float(np.mean(ambient))
    if level < 0.8 and glow.max() > 0.3:
        picture = ImageChops.screen(picture, _bloom(picture, glow, 0.9 * (0.8 - level)))
    if max(blur) >= 1:
        picture = picture.filter(ImageFilter.BoxBlur((blur[0], blur[1])))
    seen = 1.0
    if veil is not None:
        picture, seen = _covered(picture, veil, rng), 1 - 0.7 * float(veil.mean())
    return _grained(picture, float(light.mean()) * seen, rng)


def lens_cover(cover: float, rng: np.random.Generator) -> np.ndarray:
    """Return what a sleeve or a strap before the lens hides: float32 of shape (48, 64), 0 (nothing) to 1 (all).

    It grows from the lower left corner with ``cover`` (0 to 1); at 1 the picture is as good as black.
    """
    rows, columns = HEIGHT // _VEIL, WIDTH // _VEIL
    ys, xs = np.mgrid[0:rows, 0:columns].astype(np.float32)
    slope = float(rng.uniform(0.5, 1.6))
    away = (xs + slope * (rows - ys)) / (columns + slope * rows)
    veil: np.ndarray = np.clip((cover * 1.25 - away) * 6, 0, 1)
    return veil


def _light_map(canvas: Canvas, ambient: Tint, glow: np.ndarray) -> np.ndarray:
    """Return how much of its colour each spot shows, float32 of shape (rows, columns, 3)."""
    rows, columns = glow.shape
    light = np.empty((rows, columns, 3), np.float32)
    light[:] = ambient
    light *= _vignette(rows, columns)[..., None]
    ys, xs = np.arange(rows, dtype=np.float32)[:, None] * MAP, np.arange(columns, dtype=np.float32)[None, :] * MAP
    for x, y, reach, colour in canvas.lamps:
        if -3 * reach < x < WIDTH + 3 * reach and -3 * reach < y < HEIGHT + 3 * reach:
            across = np.exp(-(((xs - x) / reach) ** 2))
            light += (np.exp(-(((ys - y) / reach) ** 2)) * across)[..., None] * np.array(colour, np.float32)
    np.maximum(light, glow[..., None], out=light)
    return np.clip(light, 0, 1, out=light)


def _enlarged(small: np.ndarray) -> Image.Image:
    picture = Image.fromarray((small * 255).astype(np.uint8))
    return picture.filter(ImageFilter.BoxBlur(0.7)).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)


def _bloom(picture: Image.Image, glow: np.ndarray, strength: float) -> Image.Image:
    """Return the halo around whatever shines in the dark."""
    small = np.asarray(picture.reduce(MAP)).astype(np.float32) * np.clip(glow * strength, 0, 1)[..., None]
    halo = Image.fromarray(small.astype(np.uint8)).reduce(2).filter(ImageFilter.GaussianBlur(7))
    return halo.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)


def _covered(picture: Image.Image, veil: np.ndarray, rng: np.random.Generator) -> Image.Image:
    cloth = Image.new("RGB", picture.size, (26 + int(rng.integers(30)), 24 + int(rng.integers(16)), 28))
    mask = Image.fromarray((veil * 252).astype(np.uint8)).resize(picture.size, Image.Resampling.BICUBIC)
    return Image.composite(cloth, picture, mask)


def _grained(picture: Image.Image, level: float, rng: np.random.Generator) -> Image.Image:
    """Add the sensor's noise: the darker the scene, the more of it."""
    grain = min(int((1 - level) * len(_GRAINS)), len(_GRAINS) - 1)
    left, top = int(rng.integers(_MARGIN)), int(rng.integers(_MARGIN))
    sheet = _noise_sheet(grain).crop((left, top, left + WIDTH, top + HEIGHT))
    return ImageChops.add(picture, sheet, 1, -128)


@lru_cache(maxsize=len(_GRAINS))
def _noise_sheet(grain: int) -> Image.Image:
    """Return a sheet of grey noise around 128, the same in each process."""
    rng = np.random.default_rng([7, grain])
    shape = (HEIGHT + _MARGIN, WIDTH + _MARGIN)
    luma = rng.normal(0, _GRAINS[grain], shape)[..., None]
    chroma = rng.normal(0, _GRAINS[grain] * 0.35, (*shape, 3))
    return Image.fromarray(np.clip(np.rint(128 + luma + chroma), 0, 255).astype(np.uint8))


@lru_cache(maxsize=2)
def _vignette(rows: int, columns: int) -> np.ndarray:
    """Return the lens' fall-off towards the corners, float32 of shape (rows, columns)."""
    ys, xs = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    fall: np.ndarray = 1 - 0.16 * (xs**2 + ys**2) ** 1.2 / 2**1.2 - 0.05 * ys
    return fall.astype(np.float32)
