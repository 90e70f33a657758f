"""Named choices of sensor columns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import pandas as pd

from ntcir.config import Sensors
from ntcir.corpora.corpus import OFFICIAL_KEYS
from ntcir.corpora.positions import position_columns
from ntcir.system.errors import UserError, did_you_mean

ORGANISERS_NUMERIC = (
    "heart_rate(bpm)", "heart_rate_conf", "calories", "distance", "minutesAsleep", "minutesAwake",
    "minutesAfterWakeup", "timeInBed", "sleep_efficiency", "new_lat", "new_lng",
)  # fmt: skip
ORGANISERS_CATEGORICAL = ("semantic_name", "categories", "movement", "city")


@dataclass(frozen=True)
class Columns:
    """The sensor columns a model is given, by how they are encoded.

    Attributes:
        numeric: standardised.
        categorical: by training frequency or as embeddings (``categories``).
        cyclic: column -> period; encoded as sine and cosine.
        location: (latitude, longitude) columns to encode at several wavelengths too, or none.
        categories: how categorical columns are encoded.
        encodings: what becomes of standardised numbers, frequencies of categories included.
    """

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    cyclic: dict[str, float] = field(default_factory=dict)
    location: tuple[str, str] | None = None
    categories: Literal["frequency", "embedding"] = "frequency"
    encodings: tuple[str, ...] = ("raw",)

    @property
    def names(self) -> list[str]:
        """All columns, each once."""
        return list(dict.fromkeys([*self.numeric, *self.categorical, *self.cyclic, *(self.location or ())]))

    @property
    def numbers(self) -> list[str]:
        """Those of the columns that are read as numbers, each once."""
        return list(dict.fromkeys([*self.numeric, *self.cyclic, *(self.location or ())]))

    def there(self, sensors: pd.DataFrame) -> Columns:
        """Return those of the columns that a table has."""
        return replace(
            self,
            numeric=tuple(column for column in self.numeric if column in sensors),
            categorical=tuple(column for column in self.categorical if column in sensors),
            cyclic={column: period for column, period in self.cyclic.items() if column in sensors},
            location=self.location if self.location and set(self.location) <= set(sensors.columns) else None,
        )


# The poster names heart rate, latitude and longitude, not the columns; VAISL's positions are this project's choice.
_YMX2L = Columns(numeric=("heart_rate(bpm)", "new_lat", "new_lng"))
_ORGANISERS = Columns(numeric=ORGANISERS_NUMERIC, categorical=ORGANISERS_CATEGORICAL)
_FULL = Columns(
    numeric=(*ORGANISERS_NUMERIC, "altitude", "awake", "minutesToFallAsleep", "movement_prob", "local_hour"),
    categorical=(*ORGANISERS_CATEGORICAL, "stop", "original_name", "parent", "country", "sleep_level"),
    cyclic={"local_hour": 24.0},
    location=("new_lat", "new_lng"),
    categories="embedding",
)
PRESETS = {"ymx2l": _YMX2L, "organisers": _ORGANISERS, "full": _FULL, "none": Columns()}


def chosen_columns(options: Sensors, sensors: pd.DataFrame, layout: str) -> Columns:
    """Return the columns that a configuration asks for, of a sensor table in a corpus layout.

    ``auto`` is ``ymx2l`` for a lifelog and every column for other layouts: without the local hour, and without columns
    that the organisers' input cannot have.

    Raises:
        UserError: if a column to exclude is none, or there is no position to encode.
    """
    if options.preset == "full":
        base = _FULL.there(sensors)
    elif options.preset != "auto":
        base = PRESETS[options.preset]
    elif layout == "lifelog":
        base = _YMX2L
    else:
        readings = [column for column in sensors.columns if column not in {"local_hour", *OFFICIAL_KEYS}]
        numbers = tuple(column for column in readings if pd.api.types.is_numeric_dtype(sensors[column]))
        base = Columns(numeric=numbers, categorical=tuple(column for column in readings if column not in numbers))
    out = set(options.exclude)
    known = [*base.names, *options.numeric, *options.categorical, *options.cyclic, *map(str, sensors.columns)]
    for column in options.exclude:
        if column not in known:
            raise UserError(
                f"sensors.exclude names '{column}', which is not a sensor column{did_you_mean(column, known)}."
            )
    location = base.location
    if options.location == "fourier" and location is None:
        location = _location(base.numeric, sensors)
        if location is None:
            raise UserError("sensors.location = fourier needs position columns, such as new_lat and new_lng.")
    if options.location == "raw" or (location and set(location) & out):
        location = None
    kept = (column for column in (*base.numeric, *options.numeric) if column not in out)
    categorical = (column for column in (*base.categorical, *options.categorical) if column not in out)
    return Columns(
        numeric=tuple(dict.fromkeys(kept)),
        categorical=tuple(dict.fromkeys(categorical)),
        cyclic={column: period for column, period in {**base.cyclic, **options.cyclic}.items() if column not in out},
        location=location,
        categories=options.categories or base.categories,
        encodings=options.encodings,
    )


def named_columns(options: Sensors, layout: str) -> list[str]:
    """Return the columns that a configuration means one by one, other than those of a preset that takes what is there.

    These are the columns that the configuration names, and the few of ``ymx2l``.
    """
    few = options.preset == "ymx2l" or (options.preset == "auto" and layout == "lifelog")
    named = [*(_YMX2L.names if few else ()), *options.numeric, *options.categorical, *options.cyclic]
    return list(dict.fromkeys(named))


def _location(numeric: tuple[str, ...], sensors: pd.DataFrame) -> tuple[str, str] | None:
    """Return the pair of columns that hold a position."""
    return next(iter(position_columns([*numeric, *sensors.columns])), None)
