"""What is said of readings that a model needs and does not get."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ntcir.encoders.presets import Columns
from ntcir.encoders.readings import ReadingsEncoder
from ntcir.encoders.understanding import silent_columns

COLUMNS = Columns(numeric=("pulse", "asleep", "floor", "lat"), location=("lat", "lng"), cyclic={"hour": 24.0})
TRAINING = pd.DataFrame(
    {
        "pulse": [60.0, 70],
        "asleep": [np.nan] * 2,
        "floor": [3.0, 3],
        "lat": [53.0] * 2,
        "lng": [-6.0, -7],
        "hour": [1, 2],
    }
)


def test_a_column_without_values_is_said_unless_training_had_none_or_one_either():
    encoder = ReadingsEncoder.fit(COLUMNS, TRAINING)
    assert silent_columns(encoder, TRAINING) == []
    nothing = TRAINING.assign(**dict.fromkeys(TRAINING, np.nan))
    said = silent_columns(encoder, nothing)
    assert [sentence.split()[1] for sentence in said] == ["pulse", "lat", "hour", "lng"]
    assert silent_columns(encoder, nothing[:0]) == []
