"""What determines the features of a frozen text network, as a fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ntcir.features.store import STORE_VERSION

if TYPE_CHECKING:
    import torch


def fingerprinted(meta: Mapping[str, Any], state: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """Return what determines features of texts, with the digest of the weights and the fingerprint of all.

    Args:
        meta: the network's settings, as JSON values.
        state: its weights.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    whole = {**meta, "weights_sha256": digest.hexdigest()}
    counted = json.dumps({**whole, "version": STORE_VERSION}, sort_keys=True)
    return {**whole, "fingerprint": hashlib.sha256(counted.encode()).hexdigest()}
