"""Ctrl-C and SIGTERM: one sentence and one exit code, whatever a command is doing.

Both SIGINT and SIGTERM raise ``KeyboardInterrupt``, so that files which are not complete are removed on the way out.
Only the standard library is imported here: the sentence must be ready before anything slow is.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

EXIT_CODE = 2
SENTENCE = "Interrupted: complete files are kept, and no file is left half-written."
_AGAIN = 0.05  # seconds until an interruption that had no effect is repeated

_heard: list[int] = []  # signals of this command, in order
_ending = False  # whether the command is on its way out, so that further signals change nothing


def was_interrupted() -> bool:
    """Return whether this command was asked to stop: what fails afterwards fails because of that.

    A ``KeyboardInterrupt`` that comes in the middle of an import, say, may become an ``ImportError``.
    """
    return bool(_heard)


@contextmanager
def listening() -> Iterator[None]:
    """Raise ``KeyboardInterrupt`` at SIGINT and SIGTERM in this block, and let it not be lost.

    A signal that is ignored, as SIGINT is for what a script starts in the background, stays so. Of several processes
    that torchrun has started, those that it ends because one has failed have nothing to say: SIGTERM ends them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    before = {kind: signal.getsignal(kind) for kind in _kinds()}
    before = {kind: handler for kind, handler in before.items() if handler not in {signal.SIG_IGN, None}}
    global _ending
    hook = sys.unraisablehook
    already, ending = len(_heard), _ending

    def ignored(unraisable: Any) -> None:
        """Repeat an interruption that hit where nothing can be raised, such as in a finaliser."""
        if not isinstance(unraisable.exc_value, KeyboardInterrupt):
            hook(unraisable)
            return
        timer = threading.Timer(_AGAIN, _repeat)
        timer.daemon = True
        timer.start()

    try:
        for kind in before:
            signal.signal(kind, _stop)
        sys.unraisablehook = ignored
        yield
    finally:
        sys.unraisablehook = hook
        for kind, handler in before.items():
            signal.signal(kind, handler)
        del _heard[already:]
        _ending = ending


def _kinds() -> list[signal.Signals]:
    return [signal.SIGINT] if os.environ.get("WORLD_SIZE", "1") != "1" else [signal.SIGINT, signal.SIGTERM]


def _stop(number: int, frame: FrameType | None) -> None:
    _heard.append(number)
    if not _ending:
        raise KeyboardInterrupt


def _repeat() -> None:
    if _heard and not _ending:
        os.kill(os.getpid(), signal.SIGINT)


def ignore_further() -> None:
    """Ignore further signals within ``listening``: only the message is left to be printed."""
    global _ending
    _ending = True
    # Python notes a KeyboardInterrupt that passes through exec() of a text, which is how dataclasses are made, and in
    # the end kills itself by SIGINT, however it was handled. The next exec() of a text makes it forget.
    exec("")


@contextmanager
def until_the_end() -> Iterator[None]:
    """Do the same for the whole process, including its imports and its end.

    Raises:
        SystemExit: if the body was interrupted; then the sentence has been printed.
    """
    try:
        with listening():
            try:
                yield
            except (KeyboardInterrupt, Exception) as error:
                if not (isinstance(error, KeyboardInterrupt) or was_interrupted()):
                    raise
                _end()
    finally:
        # What remains is Python's own end, in which an interruption would be a traceback, or another exit code.
        for kind in _kinds():
            signal.signal(kind, signal.SIG_IGN)


@contextmanager
def importing() -> Iterator[None]:
    """Tell Ctrl-C during the first imports of the installed ``ntcir`` script; another program hears of it as ever."""
    try:
        yield
    except KeyboardInterrupt:
        if os.path.basename(sys.argv[0]) not in {"ntcir", "ntcir.exe"}:  # noqa: PTH119 (pathlib is not imported yet)
            raise
        _end()


def _end() -> NoReturn:
    ignore_further()
    with suppress(OSError, ValueError, AttributeError):
        print(f"Error: {SENTENCE}", file=sys.stderr, flush=True)  # noqa: T201
    sys.exit(EXIT_CODE)


@contextmanager
def deferred(useless: type[BaseException] | tuple[()] = ()) -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM instead of being stopped by them; yield the list they go to.

    Args:
        useless: an error after which nobody will look at the list; a signal in it then takes effect.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received  # only the main thread may handle signals
        return
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.signal(kind, lambda number, frame: received.append(number)) for kind in kinds}
    in_vain = False
    try:
        yield received
    except useless:
        in_vain = True
        raise
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
        if in_vain and received:
            signal.raise_signal(received[0])
