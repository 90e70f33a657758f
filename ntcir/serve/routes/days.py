"""Days: photographs, readings and the way of one, and which of its photographs are hits."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import APIRouter, Request

from ntcir.serve import typed
from ntcir.serve.days import Days
from ntcir.serve.routes.hits import row_of, state_of
from ntcir.serve.site import Site
from ntcir.system.errors import UserError, short

_DEEPEST = 1_000  # a hit of a worse rank is not marked in its day


def router(site: Site) -> APIRouter:
    """Return the routes of a site."""
    routes = APIRouter()
    catalogue = site.index.catalogue
    days = Days(catalogue, site.index.facets.get("numbers", {}))

    @routes.get("/day")
    def day(day: str = "", id: str = "") -> dict[str, Any]:
        if not catalogue.timed:
            raise UserError(f"{site.index.corpus} has no times, so there are no days.")
        row = row_of(site, id) if id else None
        if day:
            wanted = typed.Single({"day": [day]})("day", typed.day, None)
        elif row is None:
            raise UserError("Which day? Add day=2020-03-16 or the id of an item to the address.")
        else:
            wanted = days.day_of(row)
        if wanted is None:
            raise UserError(f"The time of {short(id)!r} is not known, and so its day is not.")
        return days.describe(wanted, row)

    @routes.get("/day/hits")
    def hits_of_day(request: Request, day: str) -> dict[str, Any]:
        """Return which items of a day are hits, and their ranks; none where everything is."""
        wanted = typed.Single({"day": [day]})("day", typed.day, None)
        state = state_of(request)
        if wanted is None or not (state.ranked or state.narrow):
            return {"ranks": {}, "ranked": False}
        ranking = site.ranker.rank(state)
        found = ranking.slice(0, _DEEPEST if state.ranked else ranking.total).rows
        ranks = np.flatnonzero(np.isin(found, days.rows(wanted)))
        return {"ranks": {catalogue.ids[int(found[rank])]: int(rank) + 1 for rank in ranks}, "ranked": state.ranked}

    return routes
