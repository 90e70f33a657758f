"""Whatever goes wrong is answered in one sentence: JSON, or a paragraph where a fragment of the page was asked for."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from markupsafe import escape
from starlette.exceptions import HTTPException

from ntcir.system.errors import UserError, escaped

# What the libraries say, and what the page says.
_SENTENCES = {
    "Not Found": "There is no such page.",
    "Method Not Allowed": "This address cannot be asked in this way: its method is another one.",
    "There was an error parsing the body": "The request is not valid JSON.",
}


def refusal(request: Request, status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer that says why there is no other."""
    headers = {"Cache-Control": "no-store", **(headers or {})}
    if request.headers.get("hx-request"):
        return HTMLResponse(f'<p class="error" role="alert">{escape(escaped(sentence))}</p>', status, headers)
    return JSONResponse({"error": escaped(sentence)}, status, headers)


def add_refusals(app: FastAPI) -> None:
    """Make an application answer so, whatever a route raises: a ``UserError`` or an ``HTTPException``."""
    app.add_exception_handler(UserError, _mistake)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _malformed)


async def _mistake(request: Request, error: Exception) -> Response:
    return refusal(request, 400, str(error))


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return refusal(request, error.status_code, _SENTENCES.get(error.detail, error.detail), error.headers)


async def _malformed(request: Request, error: Exception) -> Response:
    """Name the first thing that is wrong with a request, without repeating what it says."""
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    if first.get("type") == "json_invalid":
        return refusal(request, 400, "The request is not valid JSON.")
    where = ".".join(str(part) for part in first["loc"][1:])
    return refusal(request, 400, f"{where or 'The request'} is not valid: {first['msg']}.")
