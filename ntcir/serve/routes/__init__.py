"""The page's addresses, a file each kind: ``router`` makes those of a site."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter

from ntcir.serve.routes import hits, items, pages, topics
from ntcir.serve.site import Site

ROUTERS: tuple[Callable[[Site], APIRouter], ...] = (pages.router, hits.router, items.router, topics.router)
