"""What surrounds every route: work that waits, bodies that have an end, and mistakes of the program that are said."""

from __future__ import annotations

import sys
import threading
import traceback

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ntcir.serve.pictures.quality import Quality
from ntcir.serve.refusals import refusal
from ntcir.system.progress import say

MOST_BODY = 21_000_000  # bytes: an upload, and a little more so that its own limit is met first


class Attentive:
    """Holds the work in the background while a request is answered.

    Args:
        app: answers.
        quality: works in the background.
    """

    def __init__(self, app: ASGIApp, quality: Quality) -> None:
        self._app, self._quality = app, quality

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with self._quality.busy():
            await self._app(scope, receive, send)


class Limited:
    """Refuses a request whose body has more than ``MOST_BODY`` bytes, as soon as it has.

    Args:
        app: answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        left = MOST_BODY

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:  # what follows is not read: the connection ends with the answer
                sentence = f"The request has more than {MOST_BODY // 1_000_000} megabytes."
                raise HTTPException(413, sentence, {"Connection": "close"})
            return message

        await self._app(scope, counted if scope["type"] == "http" else receive, send)


class Unexpected:
    """Answers what nobody foresaw with one sentence, and writes its traceback to standard error, once a place.

    Args:
        app: answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._said: set[tuple[str, int]] = set()
        self._lock = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def noticed(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noticed)
        except ClientDisconnect:  # whoever asked has gone
            return
        except Exception as error:
            self._tell(scope, error)
            if started:  # half an answer cannot become another one: the connection is broken off
                raise
            sentence = "The page could not do this because of a mistake in the program: see where it was started."
            await refusal(Request(scope), 500, sentence)(scope, receive, send)

    def _tell(self, scope: Scope, error: Exception) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        place = (frames[-1].filename, frames[-1].lineno or 0) if frames else ("", 0)
        with self._lock:
            if place in self._said:
                return
            self._said.add(place)
        # Not the query: what a person has asked is nobody's business who is sent the traceback.
        say(f"WARNING: {scope['path']!r} could not be answered. Please report this, which is a mistake in ntcir:")
        traceback.print_exception(error, file=sys.stderr)
