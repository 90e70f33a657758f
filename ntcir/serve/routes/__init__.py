"""The page's addresses, a file each kind: ``router`` makes those of a site."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter

from ntcir.serve.routes import collections, days, exports, hits, items, maps, pages, pictures, topics
from ntcir.serve.site import Site

ROUTERS: tuple[Callable[[Site], APIRouter], ...] = tuple(
    each.router for each in (pages, hits, items, pictures, maps, days, collections, exports, topics)
)
