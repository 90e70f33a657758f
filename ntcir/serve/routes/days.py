"""Days: photographs, readings and the way of one, and which of its photographs are hits."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import APIRouter, Request

from ntcir.serve import typed
from ntcir.serve.days import Days
from ntcir.serve.routes.asked import row_of, state_of
from ntcir.serve.site import Site
from ntcir.system.errors import UserError, short

# Of ranked hits, which may be all that there is, the best are marked in their day: a tenth, within these.
_TENTH, _FEWEST, _DEEPEST = 10, 50, 1_000


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
            return days.describe(typed.single("day", day, typed.day), row)
        if row is None:
            raise UserError("Which day? Add day=2020-03-16 or the id of an item to the address.")
        wanted = days.day_of(row)
        if wanted is None:
            raise UserError(f"The time of {short(id)!r} is not known, and so its day is not.")
        return days.describe(wanted, row)

    @routes.get("/day/hits")
    def hits_of_day(request: Request, day: str) -> dict[str, Any]:
        """Return which items of a day are hits, or among the best, and their ranks; none where everything is a hit."""
        wanted = typed.single("day", day, typed.day)
        state = state_of(request)
        if not (state.ranked or state.narrow):
            return {"ranks": {}, "ranked": False, "looked": 0, "total": 0}
        ranking = site.ranker.rank(state)
        looked = ranking.total
        if state.ranked:
            looked = min(looked, max(_FEWEST, min(looked // _TENTH, _DEEPEST)))
        found = ranking.slice(0, looked).rows
        ranks = np.flatnonzero(np.isin(found, days.rows(wanted))).tolist()
        return {
            "ranks": {catalogue.ids[int(found[rank])]: rank + 1 for rank in ranks},
            "ranked": state.ranked,
            "looked": looked,
            "total": ranking.total,
        }

    return routes
