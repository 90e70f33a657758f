"""Topics and what runs made of them: the page, its list, and one topic as a fragment of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response

from ntcir.modalities import direction as direction_named
from ntcir.serve.rendering import base_of, render
from ntcir.serve.site import Site
from ntcir.serve.studies.chart import chart
from ntcir.serve.studies.shown import Shower, kinds
from ntcir.serve.studies.studies import Studies
from ntcir.serve.studies.views import Choice, Views, bins
from ntcir.system.errors import UserError, did_you_mean, short

_MOST_AT_ONCE = 200  # rows of the list
_WORST = "worst"
_NONE = "There are no topics: start the page with --run and --topics."


def router(site: Site) -> APIRouter:
    """Return the routes of a site."""
    routes = APIRouter()
    studies = site.studies
    if studies is None:

        @routes.get("/topics")
        @routes.get("/topics/rows")
        @routes.get("/topic")
        def absent() -> Response:
            raise HTTPException(404, _NONE)

        return routes

    views = Views(studies)
    shower = Shower(studies, site.index.catalogue, site.asker.ways, site.asker.columns)
    numbers = {name: number for number, name in enumerate(studies.names)}
    directions = {name: kinds(direction_named(name)) for name in dict.fromkeys(studies.directions) if name}

    def number_of(topic: str) -> int:
        if topic not in numbers:
            hint = did_you_mean(topic, studies.names) if len(studies.names) < 2_000 else ""
            raise UserError(f"There is no topic {short(topic)!r} in the qrels{hint}.")
        return numbers[topic]

    @routes.get("/topics")
    def page(request: Request) -> Response:
        return render(
            request, "topics.html", studies=studies, groups=studies.groups, directions=directions,
            chart=chart(bins(studies)), page=_page(studies, site.index.corpus, request),
        )  # fmt: skip

    @routes.get("/topics/rows")
    def rows(
        sort: str = _WORST, direction: str = "", find: str = "", offset: int = Query(0, ge=0), topic: str = ""
    ) -> dict[str, Any]:
        order = views.of(Choice(sort, direction, find))
        if topic in numbers and len(place := np.flatnonzero(order == numbers[topic])):
            offset = int(place[0]) // _MOST_AT_ONCE * _MOST_AT_ONCE
        listed = order[offset : offset + _MOST_AT_ONCE].tolist()
        return {
            "total": len(order),
            "offset": offset,
            "at_once": _MOST_AT_ONCE,
            "rows": [shower.brief(number) for number in listed],
        }

    @routes.get("/topic")
    def topic(request: Request, id: str, sort: str = _WORST, direction: str = "", find: str = "") -> Response:
        number = number_of(id)
        order = views.of(Choice(sort, direction, find))
        place = np.flatnonzero(order == number)
        at = int(place[0]) if len(place) else None
        before = None if not at else studies.names[order[at - 1]]
        after = None if at is None or at + 1 == len(order) else studies.names[order[at + 1]]
        asked = studies.asked.get(id)
        right = None if asked is None else shower.right(number, asked)
        return render(
            request, "topic.html", id=id, asked=asked, before=before, after=after, place=at, total=len(order),
            directions=directions, direction=studies.directions[number],
            query=None if asked is None else shower.query(asked),
            search="" if asked is None else shower.search(asked),
            runs=shower.runs(number, asked), right=right, apart=dict(right.item.readings) if right else {},
            change=float(studies.change[number]) if len(studies.runs) > 1 else None,
        )  # fmt: skip

    return routes


def _page(studies: Studies, corpus: str, request: Request) -> dict[str, Any]:
    """Return what the scripts of the page need to know."""
    return {"base": base_of(request), "corpus": corpus, "runs": [run.name for run in studies.runs]}
