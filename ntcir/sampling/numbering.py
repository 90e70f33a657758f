"""Which instances of a training split have which numbers: told by a digest, which another training compares."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

import numpy as np


def numbering(items: Mapping[str, Sequence[str] | np.ndarray], instances: np.ndarray) -> str:
    """Return a digest of the pairs and of their instances' numbers; the order of pairs and of modalities is no matter.

    Args:
        items: of each modality, the item of each pair.
        instances: the number of each pair's instance, int64 [pairs].
    """
    sides = [[str(item) for item in items[name]] for name in sorted(items)]
    pairs = sorted(zip(*sides, instances.tolist(), strict=True))
    return hashlib.sha256(json.dumps([sorted(items), pairs]).encode()).hexdigest()
