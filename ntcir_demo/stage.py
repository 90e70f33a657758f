"""What a painter is told of a photograph, and what all scenes share."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ntcir_demo.camera import Camera
from ntcir_demo.canvas import Canvas
from ntcir_demo.light import Sky, Tint, Weather, blend, sky_at


@dataclass(frozen=True)
class Moment:
    """What there is to see when a photograph is taken.

    Attributes:
        scene: name of the scene, a key of `ntcir_demo.scenes.SCENES`.
        look: seed of the place's own look; the same for all photographs taken there.
        seed: seeds of what changes from photograph to photograph.
        hour: local hour, 0 to 24.
        elevation: height of the sun in degrees.
        weather: the day's weather.
        effort: how hard the wearer is at it, 0 to 1; what that means depends on the scene.
        crowd: how many other people to expect.
        along: metres along the route, for scenes on the way.
        backwards: whether the wearer goes towards the route's start.
        speed: metres a second.
        character: what the route looks like at its start and at its end: (urban, green) from 0 to 1 each.
        length: of the route in metres.
        sea: whether there is the sea on one side of the route.
        cover: how much of the lens is covered, 0 to 1.
    """

    scene: str
    look: int = 0
    seed: tuple[int, ...] = (0,)
    hour: float = 12.0
    elevation: float = 30.0
    weather: Weather = field(default_factory=Weather)
    effort: float = 0.3
    crowd: float = 1.0
    along: float = 0.0
    backwards: bool = False
    speed: float = 0.0
    character: tuple[tuple[float, float], tuple[float, float]] = ((0.3, 0.5), (0.3, 0.5))
    length: float = 1000.0
    sea: bool = False
    cover: float = 0.0


class Stage:
    """A canvas with a moment: the painters' common ground."""

    def __init__(self, moment: Moment) -> None:
        self.moment = moment
        self.rng = np.random.default_rng(moment.seed)
        self.sky: Sky = sky_at(moment.elevation, moment.weather)
        self.canvas = Canvas(Camera())
        self.ambient: Tint = (0.9, 0.9, 0.9)
        self.blur = (0.0, 0.0)

    def fixed(self, *key: int) -> np.random.Generator:
        """Return a generator for what belongs to the place: the same in all its photographs."""
        return np.random.default_rng([self.moment.look, *key])

    def look(self, camera: Camera, sway: float = 1.0) -> Canvas:
        """Start the canvas with a camera near the given one: nobody stands twice in the same spot.

        ``sway`` scales how far: 1 is about 6 cm, 7 degrees of yaw and 3 of pitch and roll (standard deviations).
        """
        dx, dy, dz, yaw, pitch, roll = (float(value) * sway for value in self.rng.normal(size=6))
        self.canvas = Canvas(
            replace(
                camera,
                x=camera.x + 0.06 * dx, y=camera.y + 0.03 * dy, z=camera.z + 0.05 * dz,
                yaw=camera.yaw + 7.0 * yaw, pitch=camera.pitch + 2.6 * pitch, roll=camera.roll + 2.4 * roll,
            )
        )  # fmt: skip
        return self.canvas

    def chance(self, probability: float) -> bool:
        """Return whether something happens to be there this time."""
        return bool(self.rng.random() < probability)

    def people(self, most: int) -> int:
        """Return how many of the others are in sight: about as many as `Moment.crowd`, at most ``most``."""
        return min(int(self.rng.poisson(max(self.moment.crowd, 0.0))), most)

    def indoors(self, lamps: Tint, windows: float = 0.6) -> None:
        """Set the light of a room: its lamps after dark, daylight (warm or grey) as far as there are windows."""
        daylight = blend((0.42, 0.43, 0.48), (0.97, 0.97, 0.96), self.sky.day * (1 - 0.35 * self.moment.weather.cloud))
        self.ambient = blend(lamps, daylight, windows * self.sky.day)
