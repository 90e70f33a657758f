"""What a grid shares between configurations that differ in how captions are read, and what not."""

from __future__ import annotations

import pytest
from toy_captions import caption_config

from ntcir.ablation.stores import _key


@pytest.mark.parametrize(
    "changes", [{"texts__vectors": "a.vec", "texts__form": "sum"}, {"texts__form": "sum"}, {"texts__min_count": 2}]
)
def test_captions_that_are_read_in_another_way_have_other_rows(changes):
    usual, other = caption_config(), caption_config(**changes)
    assert _key(usual, "text") != _key(other, "text")
    assert _key(usual, "sensor") == _key(other, "sensor")
    assert _key(caption_config(**changes), "text") == _key(other, "text")
