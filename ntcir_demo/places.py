"""Where the person of the demo lifelog lives, works and goes, and the ways between: spots in and around Dublin."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache

METRES_A_DEGREE = 111_320.0
_DETOUR = 1.25  # streets are longer than the straight line


@dataclass(frozen=True)
class Place:
    """A place with what the lifelog's location columns say of it.

    ``latitude`` and ``longitude`` in degrees, ``altitude`` in metres; ``urban`` and ``green`` (0 to 1) say what the
    streets around look like.
    """

    key: str
    name: str
    categories: str
    parent: str
    latitude: float
    longitude: float
    altitude: float
    urban: float
    green: float
    city: str = "Dublin"
    country: str = "Ireland"
    zone: str = "Europe/Dublin"

    @property
    def foursquare_id(self) -> str:
        """Return a made-up venue number of 24 hexadecimal digits."""
        return hashlib.md5(self.key.encode(), usedforsecurity=False).hexdigest()[:24]


_DENMARK = {"city": "Copenhagen", "country": "Denmark", "zone": "Europe/Copenhagen"}
PLACES: dict[str, Place] = {
    place.key: place
    for place in (
        Place("home", "Home", "Home (private)", "Residence", 53.3655, -6.2090, 9, 0.12, 0.8),
        Place("office", "Harbour Labs", "Office", "Professional & Other Places", 53.3398, -6.2370, 5, 0.95, 0.1),
        Place("gym", "Dockside Gym", "Gym / Fitness Center", "Outdoors & Recreation", 53.3478, -6.2297, 4, 0.9, 0.1),
        Place("cafe", "Bay Cafe", "Coffee Shop", "Food", 53.3630, -6.2035, 6, 0.35, 0.6),
        Place("lunch", "Canal Kitchen", "Cafe", "Food", 53.3412, -6.2425, 7, 0.75, 0.3),
        Place("shop", "Clontarf Market", "Supermarket", "Shop & Service", 53.3640, -6.1990, 7, 0.5, 0.35),
        Place("park", "St Anne's Park", "Park", "Outdoors & Recreation", 53.3705, -6.1760, 14, 0.2, 0.95),
        Place("friend", "Friend's House", "Home (private)", "Residence", 53.3890, -6.2470, 46, 0.1, 0.85),
        Place("restaurant", "The Brick Oven", "Italian Restaurant", "Food", 53.3441, -6.2640, 15, 0.65, 0.15),
        Place("airport", "Dublin Airport", "Airport", "Travel & Transport", 53.4264, -6.2499, 74, 0.6, 0.4),
        Place(
            "arrivals", "Copenhagen Airport", "Airport", "Travel & Transport", 55.6180, 12.6508, 5, 0.7, 0.3, **_DENMARK
        ),
        Place("hotel", "Hotel Skipper", "Hotel", "Travel & Transport", 55.6790, 12.5700, 6, 0.6, 0.3, **_DENMARK),
        Place("harbour", "New Harbour", "Plaza", "Outdoors & Recreation", 55.6798, 12.5912, 3, 0.55, 0.3, **_DENMARK),
    )
}
_BY_THE_SEA = {frozenset(("home", "park")), frozenset(("hotel", "harbour"))}


@dataclass(frozen=True)
class Route:
    """A way between two places; positions on it are metres from its start."""

    start: Place
    end: Place
    length: float
    sea: bool = False

    @property
    def key(self) -> str:
        """Return the route's name."""
        return f"{self.start.key}-{self.end.key}"

    def at(self, along: float) -> tuple[float, float, float]:
        """Return latitude, longitude (degrees) and altitude (metres) of a position; the way winds a little."""
        t = min(max(along / self.length, 0.0), 1.0)
        a, b = self.start, self.end
        bow = 90.0 / METRES_A_DEGREE * math.sin(math.pi * t) * math.sin(3 * math.pi * t)
        north, east = b.latitude - a.latitude, (b.longitude - a.longitude) * _narrow(a.latitude)
        far = math.hypot(north, east) or 1.0
        latitude = a.latitude + t * north - bow * east / far
        longitude = a.longitude + t * (b.longitude - a.longitude) + bow * north / far / _narrow(a.latitude)
        altitude = (
            a.altitude + t * (b.altitude - a.altitude) + 4.0 * math.sin(math.pi * t) * math.sin(5 * math.pi * t + 1)
        )
        return latitude, longitude, altitude


def _narrow(latitude: float) -> float:
    return math.cos(math.radians(latitude))


def metres_between(a: Place, b: Place) -> float:
    """Return the straight distance between two places in metres."""
    north = (b.latitude - a.latitude) * METRES_A_DEGREE
    east = (b.longitude - a.longitude) * METRES_A_DEGREE * _narrow((a.latitude + b.latitude) / 2)
    return math.hypot(north, east)


@lru_cache(maxsize=256)
def route_between(a: str, b: str) -> tuple[Route, bool]:
    """Return the route between two places by their keys, and whether going from ``a`` to ``b`` follows it backwards.

    There is one route for both directions, so that the way home passes the same houses as the way out.
    """
    order = list(PLACES)
    first, second = sorted((a, b), key=order.index)
    start, end = PLACES[first], PLACES[second]
    return Route(start, end, metres_between(start, end) * _DETOUR, frozenset((a, b)) in _BY_THE_SEA), first != a


# The path through the park: from its gate to the east.
PARK_END = Place("park end", "St Anne's Park", "Park", "Outdoors & Recreation", 53.3722, -6.1630, 21, 0.1, 1.0)
PARK_PATH = Route(PLACES["park"], PARK_END, metres_between(PLACES["park"], PARK_END) * _DETOUR)
