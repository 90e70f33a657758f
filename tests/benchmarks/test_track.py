"""What the benchmark on `track` changes back is `configs/track-single.yaml`."""

from __future__ import annotations

import sys

from helpers import ROOT

from ntcir.config import load_config

sys.path.append(str(ROOT / "benchmarks"))

from track_rows import BEFORE


def test_what_everything_is_compared_with_is_the_configuration_of_that_name():
    changed = load_config(ROOT / "configs" / "track.yaml").changed({**BEFORE, "name": "track-single"})
    assert changed == load_config(ROOT / "configs" / "track-single.yaml")
