"""Small damage to a file's bytes, as disks, networks and hands do it; the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def mutations(data: bytes, number: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield ``number`` damaged versions of ``data``, each with what was done to it; none is ``data`` itself."""
    draw = np.random.default_rng([seed, len(data)])
    kinds = ("flipped bit", "truncated", "inserted", "deleted", "zeros", "swapped byte")
    made = 0
    while data and made < number:
        kind = kinds[made % len(kinds)]
        # Half of them near the beginning, where headers are.
        place = int(draw.integers(0, max(1, min(len(data), 200) if draw.random() < 0.5 else len(data))))
        length = int(draw.integers(1, 9))
        head, rest = data[:place], data[place:]
        if kind == "flipped bit":
            changed = head + bytes([rest[0] ^ 1 << int(draw.integers(0, 8))]) + rest[1:] if rest else b"\1"
        elif kind == "truncated":
            changed = head
        elif kind == "inserted":
            changed = head + draw.bytes(length) + rest
        elif kind == "deleted":
            changed = head + rest[length:]
        elif kind == "zeros":
            changed = head + b"\0" * min(length, len(rest)) + rest[length:]
        else:
            changed = head + draw.bytes(1) + rest[1:]
        if changed != data:
            made += 1
            yield f"{kind} at {place}", changed
