"""Photographs by id, small and large, and pictures that are uploaded to ask with."""

from __future__ import annotations

from asyncio import Semaphore
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.types import Message

from ntcir.features.decode import UnreadableImage
from ntcir.modalities import modality
from ntcir.serve.pictures.photographs import PictureGone
from ntcir.serve.pictures.uploads import MOST_BYTES, NotUploaded, TooLarge, too_large
from ntcir.serve.site import Site
from ntcir.system.errors import UserError, short

_READERS, _DECODERS = 4, 2
_OVERHEAD = 100_000  # bytes of a form besides the picture in it
_DAY, _YEAR = 24 * 3600, 365 * 24 * 3600

Result = TypeVar("Result")


class _Turns:
    """Lets few pictures at once have a thread: who scrolls must not keep those of the application from who asks.

    What waits for one waits here, where it keeps no thread.
    """

    def __init__(self) -> None:
        self._readers, self._decoders = Semaphore(_READERS), Semaphore(_DECODERS)

    async def read(self, call: Callable[[], Result]) -> Result:
        """Run what takes no time but the disk's."""
        async with self._readers:
            return await run_in_threadpool(call)

    async def decode(self, call: Callable[[], Result]) -> Result:
        """Run what decodes."""
        async with self._decoders:
            return await run_in_threadpool(call)


def router(site: Site) -> APIRouter:
    """Return the routes of a site."""
    routes = APIRouter()
    turns = _Turns()

    async def sent(request: Request, item: str, large: bool) -> Response:
        row = await turns.read(partial(_row_of, site, item))
        if row is None:
            raise HTTPException(404, f"There is no photograph '{short(item)}' in {site.index.corpus}.")
        try:
            tag = await turns.read(partial(site.thumbnails.tag, row)) + ("-large" if large else "")
            if _known(request, tag):
                return Response(status_code=304, headers=_caching(tag, _DAY))
            found = None if large else await turns.read(partial(site.thumbnails.kept, row))
            if found is None:
                make = site.thumbnails.large if large else site.thumbnails.small
                found = await turns.decode(partial(make, row))
        except (PictureGone, UnreadableImage) as error:
            raise HTTPException(404, f"The photograph '{short(item)}' cannot be shown: {error}.") from error
        return _jpeg(found, tag, _DAY)

    @routes.get("/thumb")
    async def thumb(request: Request, id: str) -> Response:
        return await sent(request, id, large=False)

    @routes.get("/picture")
    async def picture(request: Request, id: str) -> Response:
        return await sent(request, id, large=True)

    @routes.get("/uploaded")
    async def uploaded(picture: str) -> Response:
        try:
            found = await turns.read(lambda: site.uploads.path(picture).read_bytes())
        except NotUploaded as error:
            raise HTTPException(404, str(error)) from error
        except OSError as error:
            raise HTTPException(404, "The uploaded picture is gone.") from error
        return _jpeg(found, picture, _YEAR)

    @routes.post("/upload")
    async def upload(request: Request) -> Response:
        try:
            data = await uploaded_bytes(request)
            digest = await turns.decode(partial(site.uploads.add, data))
        except TooLarge as error:
            # What is left of the request is not read: the connection ends with the answer.
            raise HTTPException(413, str(error), {"Connection": "close"}) from error
        return JSONResponse({"picture": digest})

    return routes


async def uploaded_bytes(request: Request) -> bytes:
    """Return the picture of a request: its body, or the one file of a form.

    Raises:
        TooLarge: as soon as there are more than ``MOST_BYTES``.
        UserError: if it is a form without a picture, with several, or a damaged one.
    """
    form = request.headers.get("content-type", "").lower().startswith("multipart/form-data")
    most = MOST_BYTES + (_OVERHEAD if form else 0)
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most:
        raise too_large()
    left = most

    async def receive() -> Message:
        nonlocal left
        message = await request.receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise too_large()
        return message

    counted = Request(request.scope, receive)
    if not form:
        return b"".join([piece async for piece in counted.stream()])
    try:
        async with counted.form(max_files=1, max_fields=8, max_part_size=_OVERHEAD) as fields:
            files = [value for value in fields.values() if isinstance(value, UploadFile)]
            if not files:
                raise UserError("The form has no picture in it: choose one.")
            return await files[0].read()
    except HTTPException as error:
        raise UserError(f"The upload cannot be read: {error.detail}") from error


def _row_of(site: Site, item: str) -> int | None:
    """Return the row of a photograph, or None; what is found may be captions, which are no paths."""
    catalogue = site.index.catalogue
    return catalogue.ids.find(item) if modality(catalogue.modality).pictured else None


def _known(request: Request, tag: str) -> bool:
    """Return whether the browser has this very picture."""
    known = request.headers.get("if-none-match", "")
    return known.strip() == "*" or f'"{tag}"' in {each.strip().removeprefix("W/") for each in known.split(",")}


def _jpeg(content: bytes, tag: str, seconds: int) -> Response:
    return Response(content, media_type="image/jpeg", headers=_caching(tag, seconds))


def _caching(tag: str, seconds: int) -> dict[str, str]:
    return {"ETag": f'"{tag}"', "Cache-Control": f"private, max-age={seconds}"}
