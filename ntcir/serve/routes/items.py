"""One item in full, as a fragment of the page."""

from __future__ import annotations

import math
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ntcir.modalities import modality
from ntcir.report.items import lines_of
from ntcir.serve.hits import one
from ntcir.serve.rendering import render
from ntcir.serve.routes.hits import row_of
from ntcir.serve.site import Site


def router(site: Site) -> APIRouter:
    """Return the routes of a site."""
    routes = APIRouter()
    catalogue = site.index.catalogue

    @routes.get("/item")
    def item(request: Request, id: str) -> Response:
        row = row_of(site, id)
        readings: dict[str, Any] = {
            name: float(column[row]) for name, column in catalogue.numbers.items() if math.isfinite(column[row])
        }
        readings |= {
            name: each.values[code] for name, each in catalogue.labels.items() if (code := int(each.codes[row])) >= 0
        }
        lines = [line.split(":  ", 1) for line in lines_of(readings)]
        return render(
            request, "item.html", item=one(catalogue, row), readings=lines,
            pictured=modality(catalogue.modality).pictured, timed=catalogue.timed,
        )  # fmt: skip

    return routes
