"""Where items are in shards: as a dictionary of (id, signature) has it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ntcir.features.shard_index import ABSENT, ShardIndex

NAMES = st.sampled_from(["a", "b", "c d", ""])
ENTRIES = st.lists(st.tuples(NAMES, NAMES, st.integers(0, 2**20), st.integers(0, 2**40), st.integers(0, 300)))


@given(ENTRIES)
def test_it_is_a_dictionary_of_items_in_the_state_of_their_files(entries):
    places, expected = ShardIndex(), {}
    for item, sign, *place in entries:
        places.add(item, sign, *place)
        expected[item, sign] = place
    assert len(places) == len(expected)
    pairs = [(item, sign) for item in ("a", "b", "c d", "") for sign in ("a", "b", "c d", "")]
    assert [places.has(*pair) for pair in pairs] == [pair in expected for pair in pairs]
    found = places.of([item for item, _ in pairs], [sign for _, sign in pairs])
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, [expected.get(pair, ABSENT) for pair in pairs])


def test_nothing_asked_is_nothing_found():
    assert ShardIndex().of([], []).shape == (0, 3)
