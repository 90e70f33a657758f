"""The search page as an ASGI application, which another one can mount."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from ntcir.serve.guard import Guard
from ntcir.serve.middleware import Attentive, Limited, Unexpected
from ntcir.serve.refusals import add_refusals
from ntcir.serve.routes import ROUTERS
from ntcir.serve.site import Site

STATIC = Path(__file__).parent / "static"


def create_app(site: Site, *, token: str | None, hosts: Sequence[str] = ()) -> FastAPI:
    """Return the application.

    Args:
        site: what it shows.
        token: what the address must have the first time; None where whoever mounts it asks for a login.
        hosts: names, without port, by which it may be called; any if empty, which only who mounts it should choose.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if site.quality is not None:
            site.quality.start()
        yield
        if site.quality is not None:
            site.quality.stop()

    app = FastAPI(title="ntcir", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    if site.quality is not None:
        app.add_middleware(Attentive, quality=site.quality)
    app.add_middleware(Limited)
    app.add_middleware(Unexpected)
    app.add_middleware(Guard, token=token, hosts=hosts)
    for router in ROUTERS:
        app.include_router(router(site))
    app.mount("/static", Library(directory=STATIC), name="static")
    add_refusals(app)
    return app


class Library(StaticFiles):
    """Scripts, styles and symbols, which a browser keeps and asks each time whether they are still the same."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Return a file, or that it is the one that the browser has."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response
