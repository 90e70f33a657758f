"""torch's reader of checkpoints, kept from spending hours on a complaint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import _weights_only_unpickler

from ntcir.system.errors import short

_LONGEST = 500  # characters of a complaint


@contextmanager
def short_complaints() -> Iterator[None]:
    """Shorten what torch's unpickler complains of in this block, which may hold a name of a megabyte.

    torch searches a complaint by expressions that take a time quadratic in its length.
    """
    module: Any = _weights_only_unpickler
    original = module.Unpickler.load

    def load(self: Any) -> Any:
        try:
            return original(self)
        except module.UnpicklingError as error:
            raise module.UnpicklingError(short(str(error), _LONGEST)) from None

    module.Unpickler.load = load
    try:
        yield
    finally:
        module.Unpickler.load = original
