"""What a request must have before it reaches the application: the right host, the token, no other page's doing.

The page shows a person's life, so nothing but the browser that was given the address may ask for it. Another program on
the machine does not know the token. Another web page does not have the cookie for what it embeds (``SameSite=Lax``) and
cannot send the header that changes need; by a name that it points at this machine (DNS rebinding) it has not even the
right ``Host``.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request, cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ntcir.serve.refusals import refusal

TOKEN = "token"
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:@/]+)(?::[0-9]*)?")
MARK = ("x-requested-with", "ntcir")  # of requests that change something: no form of another page can send it
_SAFE = frozenset({"GET", "HEAD"})
_METHODS = _SAFE | {"POST"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """Lets requests through that the page itself has made, and tells browsers to load nothing from elsewhere.

    Args:
        app: the application.
        token: what an address must have once, and a cookie from then on; None where somebody else asks for a login.
        hosts: names, without port, by which the page may be called; any if empty.
    """

    def __init__(self, app: ASGIApp, token: str | None, hosts: Iterable[str]) -> None:
        self._app, self._token = app, token
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it in one sentence."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # there are no web sockets here
            return
        response = self._refusal(scope) or self._welcome(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await (response or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the answer to a request that nobody may make, whatever token it has."""
        request = Request(scope)
        headers = request.headers
        if scope["method"] not in _METHODS:
            return refusal(request, 405, f"The page does not know the method {scope['method'][:20]!r}.")
        host = _name_of(headers.get("host", ""))
        if self._hosts and host not in self._hosts:
            return refusal(
                request, 403, f"The page is not called {host[:80]!r}: use the address that was printed at the start."
            )
        if scope["method"] not in _SAFE and (headers.get(MARK[0]) != MARK[1] or not _same_origin(headers)):
            return refusal(request, 403, "Only the page itself may change something.")
        return None

    def _welcome(self, scope: Scope) -> Response | None:
        """Return a cookie for the token, or a refusal; None for a request that has the cookie, and no token."""
        if self._token is None:
            return None
        name = cookie_name(scope)
        known = _same(_cookie(scope, name), self._token)
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        typed = [value for key, value in pairs if key == TOKEN]
        if known and (scope["method"] not in _SAFE or not typed):
            return None
        if not known and (scope["method"] not in _SAFE or not typed or not _same(typed[-1], self._token)):
            return refusal(Request(scope), 403, "The token is missing or wrong: use the address that was printed.")
        # The token leaves the address, so that it does not get into bookmarks, pictures of the screen or the history.
        rest = urlencode([(key, value) for key, value in pairs if key != TOKEN])
        root = scope.get("root_path", "")
        path = "/" + (root + scope["path"].removeprefix(root)).lstrip("/")  # two slashes would name another host
        answer = RedirectResponse(f"{path}?{rest}" if rest else path, 303)
        answer.set_cookie(name, self._token, httponly=True, samesite="lax", path=root or "/")
        return answer


def new_token() -> str:
    """Return a token that nobody can guess."""
    return secrets.token_urlsafe(24)


def cookie_name(scope: Scope) -> str:
    """Return the name of the cookie: cookies do not tell ports apart, and several pages may run at once."""
    server = scope.get("server") or ("", 0)
    return f"ntcir-{server[1] or 0}"


def _cookie(scope: Scope, name: str) -> str:
    """Return a cookie. Other pages of this machine have theirs in the same header, whatever they may look like."""
    return cookie_parser(Headers(scope=scope).get("cookie", "")).get(name, "")


def _same(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode(), token.encode())


def _name_of(host: str) -> str:
    """Return the name in a Host header, without the port; an IPv6 address keeps its brackets.

    What is not a name and a port is returned whole, so that it is none of the page's names.
    """
    host = host.strip().lower()
    parts = _HOST.fullmatch(host)
    return parts[1] if parts else host


def _same_origin(headers: Headers) -> bool:
    """Return whether a request comes from the page itself, as far as the browser says."""
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2] == headers.get("host")
