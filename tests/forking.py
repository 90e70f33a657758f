"""Python code in processes of its own, forked from one that has imported what takes seconds.

``python`` does what ``python -c CODE`` does, but for the imports: where it matters that nothing is imported yet, start
a process as usual. Run as a script this module is the server, of which each process of tests has one.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

LIMIT = 180  # seconds, after which something hangs
_HEAVY = (
    "ntcir.cli", "ntcir.training.trainer", "ntcir.retrieval.retriever", "ntcir.ablation",
    "ntcir.features.image_features", "ntcir.submission.bundle", "ntcir.submission.predict", "torchvision.models",
    "matplotlib.backends.backend_agg", "matplotlib.figure",
)  # fmt: skip


def python(
    code: str, *arguments: object, folder: Path | None = None, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run code in a process; return how that ended, less than 0 for a signal, and what it said.

    Args:
        code: of the program, whose ``__name__`` is ``__main__``.
        arguments: ``sys.argv`` behind ``-c``.
        folder: where it runs.
        variables: of its environment, besides those of other tests' processes; ``PYTHONPATH`` is added.

    Raises:
        TimeoutError: if it hangs; nothing that it has started is left.
    """
    server, link = _server()
    request = {
        "code": code, "arguments": [str(each) for each in arguments], "folder": os.fspath(folder or Path.cwd()),
        "variables": dict(variables or {}),
    }  # fmt: skip
    ends = [os.pipe() for _ in ("output", "errors")]
    with ThreadPoolExecutor(len(ends)) as pool:
        texts = [pool.submit(_read, reading) for reading, _ in ends]
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        socket.send_fds(link, [b"."], [writing for _, writing in ends])
        for _, writing in ends:
            os.close(writing)
        ended = json.loads(server.stdout.readline())
        out, err = (text.result() for text in texts)
    if ended is None:
        raise TimeoutError(f"not done after {LIMIT} s: {err[-2000:]}")
    return subprocess.CompletedProcess(["-c", *request["arguments"]], ended, out, err)


def _read(descriptor: int) -> str:
    with os.fdopen(descriptor, encoding="utf-8", errors="surrogateescape") as stream:
        return stream.read()


@cache
def _server() -> tuple[subprocess.Popen[str], socket.socket]:
    from helpers import environment

    link, other = socket.socketpair()
    command, pipe = [sys.executable, __file__, str(other.fileno())], subprocess.PIPE
    server = subprocess.Popen(
        command, stdin=pipe, stdout=pipe, text=True, env=environment(), pass_fds=[other.fileno()]
    )  # fmt: skip
    other.close()

    def end() -> None:
        server.communicate(timeout=60)
        link.close()

    atexit.register(end)
    return server, link


def _do(request: dict[str, Any], streams: Sequence[int]) -> int:
    """Do a request in this process, a child; return its exit code."""
    os.setsid()
    os.chdir(request["folder"])
    os.environ.update(request["variables"])
    paths = request["variables"].get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = ["", *filter(None, paths)]
    sys.argv = ["-c", *request["arguments"]]
    for number, stream in enumerate([os.open(os.devnull, os.O_RDONLY), *streams]):
        os.dup2(stream, number)
        os.close(stream)
    main = sys.modules["__main__"] = ModuleType("__main__")
    try:
        exec(compile(request["code"], "<string>", "exec"), main.__dict__)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _ended(child: int) -> int | None:
    """Wait for a child; return how it ended, or None if it had to be ended, with all that it had started."""
    hung = threading.Event()

    def end() -> None:
        hung.set()
        os.killpg(child, signal.SIGKILL)

    timer = threading.Timer(LIMIT, end)
    timer.start()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    timer.cancel()
    timer.join()  # so that the next child is forked of a process of one thread
    return None if hung.is_set() else code


def _serve(link: socket.socket) -> None:
    os.set_inheritable(link.fileno(), False)
    for name in _HEAVY:
        __import__(name)
    for line in sys.stdin:
        _, streams, _, _ = socket.recv_fds(link, 1, 2)
        child = os.fork()
        if not child:
            code = 1
            try:
                link.close()
                code = _do(json.loads(line), streams)
                threading._shutdown()  # type: ignore[attr-defined]  # as an interpreter does that ends
                atexit._run_exitfuncs()
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)
        for stream in streams:
            os.close(stream)
        sys.stdout.write(json.dumps(_ended(child)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
