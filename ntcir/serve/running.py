"""The page on a port of this machine, until Ctrl-C."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket
import sys
from contextlib import closing, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ntcir.system.browser import open_address
from ntcir.system.errors import UserError
from ntcir.system.progress import say
from ntcir.system.streams import write_output

if TYPE_CHECKING:
    from ntcir.serve.site import Site

LOOPBACK = "127.0.0.1"
_LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
_LIBRARIES = ("fastapi", "jinja2", "python_multipart", "uvicorn")
_GRACE = 2  # seconds that answers have at the end
_WAITING = 128  # connections that wait to be accepted
_OPEN = 256  # connections at once


@dataclass(frozen=True)
class Place:
    """Where the page is to be reached.

    Attributes:
        host: an address of this machine, or a name of one.
        port: 0 for any that is free.
        remote: whether a host that others can reach is meant.
    """

    host: str = LOOPBACK
    port: int = 0
    remote: bool = False


def require_extra() -> None:
    """Check that the libraries of the page are installed; nothing that this module imports needs them.

    Raises:
        UserError: naming one that is not.
    """
    for name in _LIBRARIES:
        if find_spec(name) is None:
            raise UserError(f"The page needs {name}, which is not installed: pip install 'ntcir[serve]'.")


def bind(place: Place) -> socket.socket:
    """Return a socket that listens there; nothing else is started yet.

    Raises:
        UserError: if the host is not of this machine, others can reach it and that is not meant, or the port is taken.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise UserError(f"--host {place.host} is not an address of this machine.") from error
    if not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback and not place.remote:
        raise UserError(
            f"--host {place.host} can be reached from other machines: whoever gets the address sees every photograph "
            "and reading, and nothing is encrypted on the way. Add --allow-remote if that is what you want, or leave "
            "--host out and forward the port with ssh -L."
        )
    # Only where the protocol is named does asyncio send small answers at once (TCP_NODELAY): they would wait 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_WAITING)
    except OSError as error:
        listening.close()
        raise _cannot_listen(place, error) from error
    return listening


def _cannot_listen(place: Place, error: OSError) -> UserError:
    if error.errno == errno.EADDRINUSE:
        return UserError(
            f"Port {place.port} is in use, perhaps by another page: choose another with --port, or leave it out for "
            "one that is free."
        )
    if error.errno == errno.EACCES:
        return UserError(f"Port {place.port} is not open to you: choose one from 1024 on, or leave --port out.")
    return UserError(f"--host {place.host} is not an address of this machine.")


def serve(site: Site, listening: socket.socket, place: Place, *, opened: bool = False) -> None:
    """Serve the page until Ctrl-C; its address goes to standard output.

    Args:
        site: what it shows.
        listening: as ``bind`` returned it.
        place: where that is.
        opened: whether the page is opened in the browser.
    """
    import uvicorn

    from ntcir.serve.app import create_app
    from ntcir.serve.guard import TOKEN, new_token

    token = new_token()
    address = f"http://{_host_in_address(listening, place)}/?{TOKEN}={token}"
    own = place.host.lower()
    names = [*_LOCAL_NAMES, f"[{own}]" if ":" in own else own]
    # Whoever listens on all addresses is called by any of them.
    everywhere = ipaddress.ip_address(listening.getsockname()[0].partition("%")[0]).is_unspecified
    app = create_app(site, token=token, hosts=() if everywhere else names)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, date_header=False, limit_concurrency=_OPEN,
        timeout_graceful_shutdown=_GRACE, ws="none", lifespan="on", log_level="error",
    )  # fmt: skip
    server = uvicorn.Server(config)
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # uploads that are no uploads are refused, not told
    if place.remote:
        say("WARNING: others can reach this page: whoever has its address sees everything, and nothing is encrypted.")
    # Ctrl-C may come before the server listens to it, and is raised again when the last answer is given.
    with closing(listening), closing(site.collections), suppress(KeyboardInterrupt):
        write_output(f"{address}\n")
        sys.stdout.flush()  # whoever reads it, reads it now
        say("Ctrl-C ends the page.")
        if opened:
            open_address(address, "the address")  # the socket listens already, so the browser waits for its answer
        server.run(sockets=[listening])
    say("The page is closed.")


def _host_in_address(listening: socket.socket, place: Place) -> str:
    host, port = listening.getsockname()[:2]
    if ipaddress.ip_address(host.partition("%")[0]).is_unspecified:
        host = socket.gethostname()
    elif place.host.lower() == "localhost":
        host = "localhost"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
