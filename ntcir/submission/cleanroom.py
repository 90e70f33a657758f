"""A place like the inside of the image: nothing but what is to be installed there, and no network."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sysconfig
import venv
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ntcir.submission.requirements import ROOTS, closure, modules

_CLOSED = "http://127.0.0.1:9"  # nothing listens there: requests through a proxy fail, with a network or without
_KEPT = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES")  # say how much of the machine may be used


class CleanRoom:
    """A Python with the distributions that predicting needs and the package's wheel, and with nothing else.

    The distributions are those that run here, linked.

    Args:
        folder: an empty one.
        wheel: of the package.
        roots: the distributions that are there, with all that they need.

    Attributes:
        site: where the packages lie.
        isolated: whether commands really run without a network; not all systems allow to take it away.
    """

    def __init__(self, folder: Path, wheel: Path, roots: Sequence[str] = ROOTS) -> None:
        self._python, self._home = folder / "python", folder / "home"
        self._home.mkdir(parents=True)
        venv.EnvBuilder(symlinks=True).create(self._python)
        base = {"base": str(self._python), "platbase": str(self._python)}
        self.site = Path(sysconfig.get_path("purelib", "venv", base))
        for distribution in closure(roots):
            for name, place in modules(distribution).items():
                link = self.site / name
                link.parent.mkdir(parents=True, exist_ok=True)
                if place.exists() and not link.exists():
                    link.symlink_to(place.absolute())
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(self.site)
        self._prefix = _without_network()
        self.isolated = bool(self._prefix)

    def run(
        self, command: list[str], folder: Path, seconds: float, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a folder and return what it wrote.

        Args:
            command: its words.
            folder: where it runs.
            seconds: how long it may take.
            variables: of the environment, besides those of the room.

        Raises:
            subprocess.TimeoutExpired: if it is not done after ``seconds``.
        """
        environment, words = self._environment() | dict(variables or {}), [*self._prefix, *command]
        # In a session of its own, so that with it all ends that it has started.
        with subprocess.Popen(
            words, cwd=folder, env=environment, start_new_session=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace",
        ) as process:  # fmt: skip
            try:
                output, errors = process.communicate(timeout=seconds)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return subprocess.CompletedProcess(words, process.returncode, output, errors)

    def _environment(self) -> dict[str, str]:
        """Return all that commands are told: no folder of the user's, where weights may lie that the image lacks."""
        proxies = {f"{kind}_proxy": _CLOSED for kind in ("http", "https", "ftp", "all")}
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        paths = [str(self._python / "bin"), "/usr/bin", "/bin"]
        return {
            "PATH": os.pathsep.join(paths), "HOME": str(self._home), "TMPDIR": str(self._home), "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1", **proxies, **kept,
        }  # fmt: skip


def _without_network() -> list[str]:
    """Return what to put before a command so that it runs without a network, or nothing where that is not allowed."""
    program = shutil.which("unshare")
    for options in ("-rn", "-n"):
        if program and subprocess.run([program, options, "true"], capture_output=True, check=False).returncode == 0:
            return [program, options]
    return []
