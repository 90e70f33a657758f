"""What determines the features of a frozen network, as a fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ntcir.features.store import STORE_VERSION

if TYPE_CHECKING:
    import torch


def weights_sha256(state: Mapping[str, torch.Tensor]) -> str:
    """Return the SHA-256 of weights, their names included; their order does not matter."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def fingerprint_of(meta: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what determines features, JSON values, and of the version of the store."""
    counted = json.dumps({**meta, "version": STORE_VERSION}, sort_keys=True)
    return hashlib.sha256(counted.encode()).hexdigest()
