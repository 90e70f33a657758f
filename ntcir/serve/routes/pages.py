"""The page itself."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ntcir.modalities import modality
from ntcir.serve.rendering import base_of, render
from ntcir.serve.site import Site


def router(site: Site) -> APIRouter:
    """Return the routes of a site."""
    routes = APIRouter()

    @routes.get("/")
    def page(request: Request) -> Response:
        return render(request, "page.html", site=about(site) | {"base": base_of(request)})

    return routes


def about(site: Site) -> dict[str, Any]:
    """Return what the page needs to know before anything is asked."""
    catalogue = site.index.catalogue
    found = modality(catalogue.modality)
    return {
        "corpus": site.index.corpus,
        "model": site.model.name,
        "items": len(catalogue),
        "noun": found.noun,
        "plural": found.plural,
        "pictured": found.pictured,
        "ways": sorted(site.asker.ways),
        "columns": list(site.asker.columns),
        "facets": site.index.facets,
        "timed": catalogue.timed,
        "zoned": catalogue.zoned,
        "placed": catalogue.placed,
        "captioned": catalogue.captions is not None,
        "judged": site.quality is not None,
        "topics": site.studies is not None,
        "pmtiles": site.pmtiles is not None,
        "remarks": list(site.index.remarks),
    }
