"""What is named in a registry and loaded when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def load(name: str) -> Any:
    """Return what ``module:attribute`` names.

    Raises:
        ImportError, AttributeError: if it is not there.
    """
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
