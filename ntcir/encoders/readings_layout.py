"""Where in an encoded reading what is: which encoded columns come from which raw one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ntcir.encoders.number_encodings import blocks_of
from ntcir.encoders.presets import Columns

# Wavelengths of the position's sines and cosines, in metres: from the rooms of a house to the towns of a region.
WAVELENGTHS = (100.0, 300.0, 1e3, 3e3, 10e3, 30e3, 100e3)


def waves_of(turns: np.ndarray) -> np.ndarray:
    """Return the sines and then the cosines of a number of full turns, float64 [rows, 2 * columns]; 0 for NaN."""
    angles = 2 * np.pi * np.remainder(turns, 1.0)
    return np.asarray(np.nan_to_num(np.concatenate([np.sin(angles), np.cos(angles)], axis=1), nan=0.0))


def places_of(columns: Columns, statistics: Mapping[str, Any]) -> dict[str, list[int]]:
    """Return raw column -> the encoded columns that come from it; each of these comes from one raw column.

    Args:
        columns: what is encoded and how.
        statistics: of a fitted encoder.
    """
    origins = list(columns.numeric)  # of each encoded column, in their order
    origins += columns.categorical if columns.categories == "frequency" else ()
    origins *= blocks_of(columns.encodings)  # each function of all numbers, one behind the other
    for column in columns.cyclic:
        origins += [column, column]
    # Latitude and longitude take turns, once for the sines and once for the cosines.
    origins += [*(columns.location or ())] * (2 * len(WAVELENGTHS))
    origins += [*statistics["indicators"], *statistics["vocabularies"]]
    places: dict[str, list[int]] = {column: [] for column in columns.names}
    for place, column in enumerate(origins):
        places[column].append(place)
    return places
