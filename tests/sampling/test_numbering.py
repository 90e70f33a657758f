"""The digest of which instances have which numbers."""

from __future__ import annotations

import numpy as np

from ntcir.sampling.numbering import numbering


def test_neither_the_order_of_pairs_nor_that_of_modalities_matters_and_all_else_does():
    items = {"image": ["a", "b", "b"], "sensor": ["1", "2", "3"]}
    numbers = np.array([0, 1, 1])
    digest = numbering(items, numbers)
    turned = {name: items[name][::-1] for name in reversed(items)}
    assert numbering(turned, numbers[::-1]) == digest
    assert numbering(items, numbers[::-1]) != digest
    assert numbering(items | {"sensor": ["1", "2", "4"]}, numbers) != digest
