"""What is found, or was collected, as a file to be saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from fastapi import APIRouter, Request, Response

from ntcir.formats.conversion import DEFAULT_GROUP
from ntcir.serve.collecting.collections import Collections
from ntcir.serve.collecting.exports import MOST, USUAL, Export, Layout, Listed, as_run, as_table, listed
from ntcir.serve.index.catalogue import Catalogue
from ntcir.serve.routes.asked import state_of
from ntcir.serve.site import Site
from ntcir.system.errors import UserError, short

if TYPE_CHECKING:
    from ntcir.serve.ranking.ranking import Ranking

REMARK = "X-Remark"  # the header with what was left out or made up
_DEFAULT_RUN = "ntcir"
_COLLECTION, _HITS = "collection", "hits"


def router(site: Site) -> APIRouter:
    """Return the address ``/export``.

    Besides those of the page's state, which say what the hits are, it has these fields:

    ==================  ====================================================================================
    ``of``              ``hits`` or ``collection``
    ``collection``      the number of the collection
    ``format``          ``trec``, ``ntcir19`` or ``csv``
    ``topic``           the id of the topic, of a run; that of the collection by default
    ``group_id``        the GROUP-ID, of NTCIR-19's (``group`` is of the state: one hit an event)
    ``run_id``          the tag, or RUN-ID
    ``k``               how many hits
    ==================  ====================================================================================
    """
    routes = APIRouter()
    catalogue = site.index.catalogue

    @routes.get("/export")
    def export(request: Request) -> Response:
        fields = {key: value.strip() for key, value in request.query_params.multi_items()}  # the last one counts
        layout = _layout(fields.get("format", ""))
        if (of := fields.get("of") or _HITS) == _COLLECTION:
            found, name, topic = _collected(site.collections, fields.get("collection", ""))
        elif of == _HITS:
            ranking = site.ranker.rank(state_of(request))
            found, name, topic = _hits(ranking, catalogue, _depth(fields.get("k", ""), layout)), _HITS, ""
        else:
            raise UserError(f"of={short(of)} is not valid: it must be {_HITS} or {_COLLECTION}.")
        if layout == "csv":
            return _attached(as_table(catalogue, found, name))
        topic, group, run = (
            fields.get(key) or usual
            for key, usual in (("topic", topic), ("group_id", DEFAULT_GROUP), ("run_id", _DEFAULT_RUN))
        )
        return _attached(as_run(layout, found, topic, group, run))

    return routes


def _layout(text: str) -> Layout:
    if text not in MOST:
        raise UserError(f"format={short(text)} is not valid: it must be one of {', '.join(MOST)}.")
    return cast(Layout, text)


def _depth(text: str, layout: Layout) -> int:
    """Return how many hits are exported."""
    if not text:
        return USUAL[layout]
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise UserError(f"k={short(text)} is not valid: it must be a whole number from 1 to {MOST[layout]:,}.")
    return min(int(text), MOST[layout])


def _hits(ranking: Ranking, catalogue: Catalogue, depth: int) -> Listed:
    hits = ranking.slice(0, depth)
    return Listed([catalogue.ids[row] for row in hits.rows.tolist()], hits.scores, ranking.total)


def _collected(collections: Collections, number: str) -> tuple[Listed, str, str]:
    """Return what is in a collection, what a file of it is called, and its topic."""
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise UserError(f"collection={short(number)} is not valid: it must be the number of a collection.")
    of = collections.get(int(number))
    return listed(collections.items(of.number)), of.name, of.topic or ""


def _attached(export: Export) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{export.name}"'}
    if export.remarks:
        headers[REMARK] = " ".join(export.remarks)
    return Response(export.text.encode(), media_type=export.media_type, headers=headers)
