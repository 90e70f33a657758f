"""What a request asks about: the state that its address says, and the row of an item."""

from __future__ import annotations

from fastapi import Request

from ntcir.serve.site import Site
from ntcir.serve.state import State
from ntcir.system.errors import UserError, short


def state_of(request: Request) -> State:
    """Return what the address of a request says.

    Raises:
        UserError: if a value is not valid.
    """
    return State.of(request.query_params.multi_items())


def row_of(site: Site, item: str) -> int:
    """Return the row of an item.

    Raises:
        UserError: if there is none of that id.
    """
    row = site.index.catalogue.ids.find(item)
    if row is None:
        raise UserError(f"There is no '{short(item)}' in {site.index.corpus}.")
    return row
