"""What is found: pages of hits, and the photographs of an event."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import APIRouter, Query, Request

from ntcir.serve.hits import describe
from ntcir.serve.routes.asked import row_of, state_of
from ntcir.serve.site import Site

MOST_SHOWN = 100_000  # hits: a browser's window is not endless
_MOST_AT_ONCE = 500
_MOST_OF_EVENT = 2_000


def router(site: Site) -> APIRouter:
    """Return the routes of a site."""
    routes = APIRouter()
    catalogue = site.index.catalogue

    @routes.get("/hits")
    def hits(
        request: Request, offset: int = Query(0, ge=0), count: int = Query(60, ge=1, le=_MOST_AT_ONCE)
    ) -> dict[str, Any]:
        state = state_of(request)
        ranking = site.ranker.rank(state)
        found = ranking.slice(offset, max(0, min(count, MOST_SHOWN - offset)))
        told = describe(catalogue, found.rows, found.scores, first=offset, sizes=found.sizes, partners=found.partners)
        return {
            "total": ranking.total,
            "shown_at_most": MOST_SHOWN,
            "unit": "event" if state.grouped else "hit",
            "ranked": found.scores is not None,
            "remarks": list(ranking.remarks),
            "hits": told,
        }

    @routes.get("/event")
    def event(id: str) -> dict[str, Any]:
        row = row_of(site, id)
        first, last = np.searchsorted(catalogue.events, [catalogue.events[row], catalogue.events[row] + 1])
        rows = np.arange(first, min(last, first + _MOST_OF_EVENT))
        return {"total": int(last - first), "hits": describe(catalogue, rows)}

    @routes.get("/status")
    def status() -> dict[str, Any]:
        return {
            "items": len(catalogue),
            "quality": site.quality.counts() if site.quality is not None else None,
            "gone": site.thumbnails.gone(),
        }

    return routes
