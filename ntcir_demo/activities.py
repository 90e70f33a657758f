"""What a person does, and what that means for the body and for the picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Activity:
    """What doing something means for the body and for the picture.

    ``pulse`` is the heart rate (beats a minute) at no effort and ``span`` what full effort adds; ``burn`` are
    kilocalories a minute at middling effort; ``crowd`` is how many others there are at the busiest; ``speed`` is in
    metres a second on the way.
    """

    scene: str
    pulse: float
    span: float
    burn: float
    crowd: float
    movement: str = "Inside"
    speed: float = 0.0


ACTIVITIES: dict[str, Activity] = {
    "sleep": Activity("bedroom", 51, 7, 1.1, 0.0),
    "rise": Activity("bedroom", 64, 14, 1.6, 0.0),
    "breakfast": Activity("breakfast", 68, 12, 1.7, 0.8),
    "dinner": Activity("breakfast", 70, 12, 1.7, 1.1),
    "cook": Activity("cooking", 74, 18, 2.4, 0.0),
    "evening": Activity("evening", 56, 22, 1.3, 0.8),
    "visit": Activity("visit", 68, 18, 1.7, 2.2),
    "desk": Activity("desk", 61, 20, 1.5, 2.6),
    "meeting": Activity("meeting", 67, 20, 1.7, 3.2),
    "coffee": Activity("coffee", 76, 12, 2.0, 1.4),
    "lunch": Activity("cafe", 74, 12, 1.8, 3.6),
    "cafe": Activity("cafe", 68, 12, 1.6, 2.6),
    "restaurant": Activity("restaurant", 74, 16, 1.9, 3.0),
    "treadmill": Activity("treadmill", 104, 58, 9.5, 1.6),
    "weights": Activity("weights", 96, 40, 6.5, 2.0),
    "shop": Activity("shop", 84, 16, 3.0, 2.2),
    "walk": Activity("walk", 86, 32, 4.6, 2.2, "Walking Outside", 1.4),
    "wait": Activity("walk", 76, 10, 1.9, 2.6, "Walking Outside", 0.0),
    "cycle": Activity("ride", 102, 38, 7.5, 2.0, "Cycling", 4.4),
    "bus": Activity("bus_ride", 68, 12, 1.5, 4.0, "Public Transport", 5.2),
    "drive": Activity("drive", 66, 16, 1.9, 2.2, "Car", 7.0),
    "park": Activity("park", 88, 34, 4.8, 2.0, "Walking Outside", 1.3),
    "airport": Activity("airport", 78, 20, 2.4, 5.0),
    "flight": Activity("flight", 66, 12, 1.4, 3.0, "Airplane", 210.0),
    "hotel": Activity("bedroom", 62, 14, 1.5, 0.0),
}
