"""Where the page is to be reached, and how it ends."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import threading
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from helpers import refusal
from small_site import small_catalogue

from ntcir.serve.running import Place, bind, serve


def site() -> Any:
    """A site that has little, and tells what was closed."""
    closed: list[str] = []
    return SimpleNamespace(
        index=SimpleNamespace(catalogue=small_catalogue(), corpus="walk", remarks=(), facets={}, columns={}),
        asker=SimpleNamespace(ways=frozenset(), columns=()), model=SimpleNamespace(name="best"), quality=None,
        collections=SimpleNamespace(close=lambda: closed.append("collections")), studies=None, pmtiles=None,
        closed=closed,
    )  # fmt: skip


def test_ctrl_c_ends_the_page_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    shown, place, answers = site(), Place(), []
    listening = bind(place)

    def press() -> None:
        """Ask for the page as its address says, and press Ctrl-C, whatever came of that."""
        try:
            connection = http.client.HTTPConnection(*listening.getsockname(), timeout=10)
            connection.request("GET", "/", headers={"Host": "evil.example"})
            answers.append(connection.getresponse().status)
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    pressing = threading.Thread(target=press)
    pressing.start()
    serve(shown, listening, place)  # comes back, without a KeyboardInterrupt
    pressing.join()
    out, err = capsys.readouterr()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{32}\n", out)
    assert urlsplit(out).port
    assert err.endswith("The page is closed.\n")
    assert (answers, shown.closed) == ([403], ["collections"])


def test_a_port_in_use_is_a_sentence() -> None:
    with bind(Place()) as taken:
        port = taken.getsockname()[1]
        assert refusal(bind, Place(port=port)).startswith(f"Port {port} is in use, perhaps by another page:")


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_what_others_can_reach_must_be_meant(host: str) -> None:
    if ":" in host and not socket.has_ipv6:
        pytest.skip("there is no IPv6 here")
    sentence = refusal(bind, Place(host=host))
    assert sentence.startswith(f"--host {host} can be reached from other machines")
    assert "--allow-remote" in sentence


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "a" * 70 + ".b"])
def test_an_address_of_another_machine_is_a_sentence(host: str) -> None:
    assert "is not an address of this machine" in refusal(bind, Place(host=host, remote=True))


def test_any_free_port_is_another_one() -> None:
    with ExitStack() as stack:
        ports = [stack.enter_context(bind(Place(host="localhost"))).getsockname()[1] for _ in range(3)]
    assert len(set(ports)) == 3


def test_small_answers_are_sent_at_once() -> None:
    """Unless the socket says that it speaks TCP, asyncio lets an answer wait until the one before is acknowledged."""
    with bind(Place()) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.proto == socket.IPPROTO_TCP
