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
from ntcir.serve.routes.asked import row_of
from ntcir.serve.site import Site


def router(site: Site) -> APIRouter:
    """Return the routes of a site."""
    routes = APIRouter()
    catalogue = site.index.catalogue
    found = modality(catalogue.modality)

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
        asks = {name: spelled(readings[name]) for name in site.asker.columns if name in readings}
        return render(
            request, "item.html", item=one(catalogue, row), readings=lines, asks=asks,
            pictured=found.pictured, noun=found.noun, timed=catalogue.timed,
        )  # fmt: skip

    return routes


def spelled(value: float | str) -> str:
    """Return a value of a reading as one types it to ask with it; numbers are single precision, so 9 digits are all."""
    return value if isinstance(value, str) else f"{value:.9g}"
