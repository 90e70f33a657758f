"""The organisers' files are about photographs and readings."""

from __future__ import annotations

import pytest
from helpers import refusal

from ntcir.submission.pair import require_official


@pytest.mark.parametrize("pair", [("image", "sensor"), ("sensor", "image")])
def test_either_order_of_the_official_pair_is_one(pair):
    require_official(pair)


@pytest.mark.parametrize("pair", [("image", "text"), ("text", "image"), ("text", "sensor")])
def test_another_pair_is_refused(pair):
    assert f"for image and sensor, not for {' and '.join(pair)}: use --format trec" in refusal(require_official, pair)
