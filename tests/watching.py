"""Commands run as a user with a new home folder runs them, while the network fails loudly and is watched."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from helpers import ROOT

# Imported by every Python that starts, children too. A library that swallows the exception is found out by the file.
_HOOK = """
import os, sys

_NETWORK = {
    "socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr",
    "socket.getnameinfo", "urllib.Request", "ftplib.connect", "http.client.connect", "smtplib.connect",
}
_PROGRAMS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"}

def _watch(event, arguments):
    if event in _NETWORK:
        if event == "socket.connect" and isinstance(arguments[1], (str, bytes)):
            return  # a socket of this machine, which has a path and no host
        with open(os.environ["WATCHED_NETWORK"], "a") as file:
            file.write(f"{event} {arguments!r}\\n")
        raise OSError(f"{event} is not allowed here")
    if event in _PROGRAMS:
        with open(os.environ["WATCHED_PROGRAMS"], "a") as file:
            file.write(f"{os.path.basename(os.fsdecode(arguments[0] or arguments[1][0]))}\\n")

sys.addaudithook(_watch)
"""
# One command after the other in one process, as somebody types them.
_PROGRAM = """
import contextlib, shlex, sys
from ntcir.cli import main

for line in sys.argv[1:]:
    words = shlex.split(line)
    target = words[words.index(">") + 1] if ">" in words else None
    words = words[: words.index(">")] if target else words
    with contextlib.redirect_stdout(open(target, "w")) if target else contextlib.nullcontext():
        main(words, standalone_mode=False)
"""
# What would let libraries do what they are not to do, as if the user's other programs wanted it.
_TEMPTING = {
    "YOLO_OFFLINE": "false", "YOLO_AUTOINSTALL": "true", "ULTRALYTICS_SAFE_LOAD": "1", "NO_ALBUMENTATIONS_UPDATE": "0",
}  # fmt: skip


@dataclass(frozen=True)
class Watched:
    """What was seen of a process.

    Attributes:
        code: its exit status.
        said: its standard output and error.
        network: attempts to reach something, a line each.
        programs: the names of programs that were started.
        home: the paths of files in the home folder, relative to it.
    """

    code: int
    said: str
    network: list[str]
    programs: set[str]
    home: set[str]


class Watch:
    """Runs commands in a folder.

    Args:
        folder: where a home folder, one for temporary files and one for notes are made, beside ``work``, in which the
            commands run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.work, self._home, self._notes = folder / "work", folder / "home", folder / "notes"
        for each in (self.work, self._home, self._notes, folder / "temporary"):
            each.mkdir(exist_ok=True)
        (self._notes / "sitecustomize.py").write_text(_HOOK, encoding="utf-8")

    def commands(self, *lines: str) -> Watched:
        """Type commands of ``ntcir``, without its name; ``> FILE`` does what it does in a shell."""
        return self.python(_PROGRAM, *lines)

    def python(self, code: str, *arguments: str) -> Watched:
        """Run Python code."""
        network, programs = self._notes / "network", self._notes / "programs"
        for note in (network, programs):
            note.write_text("", encoding="utf-8")
        environment = {
            "PATH": os.environ.get("PATH", os.defpath), "HOME": str(self._home), "OMP_NUM_THREADS": "1",
            "TMPDIR": str(self._folder / "temporary"), "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.pathsep.join([str(self._notes), str(ROOT)]), "NTCIR_DATA": "data",
            "WATCHED_NETWORK": str(network), "WATCHED_PROGRAMS": str(programs), **_TEMPTING,
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], cwd=self.work, env=environment, capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip
        files = {path.relative_to(self._home).as_posix() for path in self._home.rglob("*")}
        return Watched(
            done.returncode, done.stdout + done.stderr, network.read_text("utf-8").splitlines(),
            set(programs.read_text("utf-8").split()), files,
        )  # fmt: skip
