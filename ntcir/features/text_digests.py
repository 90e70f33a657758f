"""How a store of features knows a text: by its digest, so that an edited one is another, and equal ones are one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

# A text's id is its digest, so it has but one state.
SIGNATURE = "sha256"


def digest(text: str) -> str:
    """Return the id of a text in a store: 32 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def readable(text: object) -> str:
    """Return a text as networks can be given it: halves of characters, which JSON may have, become question marks."""
    return str(text).encode("utf-8", "replace").decode()


def digests(texts: Iterable[object]) -> set[str]:
    """Return the ids of texts, equal ones once."""
    return {digest(readable(text)) for text in texts}
