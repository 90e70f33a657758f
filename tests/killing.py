"""Commands that end, or find the disk full, at a chosen change of the file system.

A server imports everything once and forks a child for each command, so that a hundred kills take seconds. Run as a
script this module is the server; ``Server`` is how tests speak to it.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

# What changes which files there are. What is written into one before it has its name is nobody's business.
CHANGES = ("replace", "rename", "link", "symlink", "mkdir", "unlink", "remove", "rmdir")
# Of these, what may find the disk full.
NEEDS_ROOM = frozenset({"replace", "rename", "link", "symlink", "mkdir"})
KILLED = 137
_HEAVY = (
    "ntcir.cli", "ntcir.training.trainer", "ntcir.retrieval.retriever", "ntcir.report.show",
    "ntcir.report.ablation", "ntcir.ablation",
    "ntcir.submission.bundle", "ntcir.submission.predict", "ntcir.submission.write", "ntcir.features.objects",
    "ntcir.features.image_features", "ntcir_demo", "ntcir.report.curve", "matplotlib.backends.backend_agg",
    "matplotlib.figure", "torchvision.models", "rich.table", "rich.progress",
)  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: its exit code.
        out, err: what it wrote.
        changes: the changes of the file system that it made or was about to make, ``name path``.
    """

    code: int
    out: str
    err: str
    changes: list[str]


class Server:
    """Runs commands of ``ntcir``, each in a child of its own.

    Args:
        folder: for what they write to their streams.
        environment: of the commands.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder, self.environment = folder, environment
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)

    def run(
        self, words: Sequence[str], folder: Path, *, kill: int | None = None, full: int | None = None,
        out: Path | None = None,
    ) -> Ended:  # fmt: skip
        """Run a command in a folder.

        Args:
            words: of the command, without ``ntcir``.
            folder: where it is typed.
            kill: the change, counted from 0, in place of which the process ends.
            full: the change, of those that need room, that fails for want of it.
            out: where standard output goes, as by ``> FILE``.
        """
        places = {name: str(self._folder / name) for name in ("out", "err", "changes")}
        if out is not None:
            places["out"] = str(folder / out)
        for place in places.values():
            Path(place).unlink(missing_ok=True)
        request = {"words": list(words), "folder": str(folder), "kill": kill, "full": full, **places}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        told = Path(places["changes"])
        changes = told.read_text(errors="replace").splitlines() if told.is_file() else []
        written = [Path(places[name]).read_text(errors="replace") for name in ("out", "err")]
        return Ended(code, written[0], written[1], changes)


class _Hook:
    """Counts changes of the file system in this process, and ends it or fails at one."""

    def __init__(self, kill: int | None, full: int | None, told: str) -> None:
        self._kill, self._full = kill, full
        self._seen, self._need = 0, 0
        self._told = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._owner = os.getpid()

    def install(self) -> None:
        for name in CHANGES:
            setattr(os, name, self._watched(name, getattr(os, name)))

    def _watched(self, name: str, change: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*words: Any, **options: Any) -> Any:
            place = words[1 if name in {"replace", "rename", "link", "symlink"} else 0]
            if not (name == "mkdir" and Path(place).is_dir()) and not self._is_elsewhere(place):
                self._count(name, place)
            return change(*words, **options)

        return watched

    @staticmethod
    def _is_elsewhere(place: Any) -> bool:
        """Return whether a place is not in the current folder: caches and temporary folders are no result."""
        return not Path(place).absolute().is_relative_to(Path.cwd())

    def _count(self, name: str, path: Any) -> None:
        if os.getpid() != self._owner:  # a worker of the command's own
            return
        os.write(self._told, f"{name} {path}\n".encode("utf-8", "replace"))
        if self._seen == self._kill:
            os._exit(KILLED)
        self._seen += 1
        if name in NEEDS_ROOM:
            self._need += 1
            if self._need - 1 == self._full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def _command(request: dict[str, Any]) -> int:
    """Do a request in this process, a child."""
    from ntcir.cli import main

    os.chdir(request["folder"])
    for number, name in enumerate(("out", "err"), start=1):
        place = os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(place, number)
        os.close(place)
    _Hook(request["kill"], request["full"], request["changes"]).install()
    try:
        main(request["words"], prog_name="ntcir")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _serve() -> None:
    from PIL import Image

    from ntcir.features.yolo import import_yolo

    for name in _HEAVY:
        __import__(name)
    import_yolo()
    Image.init()  # imports the readers of all formats
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        child = os.fork()
        if not child:
            code = 1
            try:
                code = _command(json.loads(line))
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=answers, flush=True)


if __name__ == "__main__":
    _serve()
