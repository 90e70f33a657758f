"""The map: hits with positions, the ground under them, and a map of the user's own."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response
from starlette.exceptions import HTTPException

from ntcir.serve.map_points import ground_of, map_of
from ntcir.serve.routes.asked import state_of
from ntcir.serve.site import Site
from ntcir.system.errors import UserError

_MOST_POINTS = 5_000
_PMTILES = "application/vnd.pmtiles"


def router(site: Site) -> APIRouter:
    """Return the routes of a site."""
    routes = APIRouter()
    catalogue = site.index.catalogue

    @cache
    def ground() -> dict[str, Any]:
        return ground_of(catalogue)

    def check() -> None:
        if not catalogue.placed:
            raise UserError(f"{site.index.corpus} has no positions, so there is no map.")

    @routes.get("/map")
    def points(request: Request, most: int = Query(2_000, ge=1, le=_MOST_POINTS)) -> dict[str, Any]:
        check()
        return map_of(site.ranker.rank(state_of(request)), catalogue, most)

    @routes.get("/map/ground")
    def ground_under_points() -> dict[str, Any]:
        check()
        return ground()

    @routes.get("/map.pmtiles")
    def tiles() -> Response:
        """Return the map's archive, of which a browser asks for ranges of bytes."""
        path = site.pmtiles
        if path is None:
            raise HTTPException(404, "The page was started without a map of your own: see ntcir serve --map.")
        if not path.is_file():
            raise HTTPException(404, f"The map {path.name} is gone.")
        return FileResponse(path, media_type=_PMTILES)

    return routes
