"""Several processes that work together, started by a test."""

from __future__ import annotations

import inspect
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from forking import python
from helpers import environment

TESTS = Path(__file__).resolve().parent
LIMIT = 180  # seconds, after which something hangs
# What is imported is imported once; forked before torch has started any thread.
PARENT = """
import json, os, pathlib, sys, traceback
{imports}
def work(rank):
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank))
    code = 1
    try:
        {call}
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    return code
children = []
for rank in range(int(os.environ["WORLD_SIZE"])):
    children.append(os.fork())
    if not children[-1]:
        os._exit(work(rank))
print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]))
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(command: Sequence[str], folder: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command that starts others; none of them is left behind."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=folder, env=variables, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as parent:
        try:
            texts = parent.communicate(timeout=LIMIT)
        except BaseException:
            os.killpg(parent.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, parent.returncode, *texts)


def exit_codes(count: int, function: Callable[[Path], None], folder: Path) -> tuple[list[int], str]:
    """Call a function of a test module with a folder in so many processes; return how they ended and what they said."""
    folder.mkdir(parents=True, exist_ok=True)
    module, name = function.__module__, function.__name__
    code = PARENT.format(imports=f"from {module} import {name}", call=f"{name}(pathlib.Path(sys.argv[1]))")
    beside = Path(inspect.getfile(function)).resolve().parent  # the test module's folder
    paths = os.pathsep.join([str(beside), str(TESTS)])
    done = python(code, folder, folder=folder, variables=_variables(count) | {"PYTHONPATH": paths})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def _variables(count: int) -> dict[str, str]:
    """Return what torchrun tells all of the processes that it starts, as far as it is asked for."""
    return {
        "WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
    }  # fmt: skip


def together(*words: str, folder: Path, count: int = 2, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command of ``ntcir`` in so many processes that know of each other as those of torchrun do.

    What imports torch once is faster by seconds than ``torchrun``, which is for what torchrun itself does.

    Args:
        words: of the command.
        folder: where it is typed.
        count: of processes.
        before: code that is run before.

    Returns:
        What they wrote, and how the first of those ended that did not end well.
    """
    code = PARENT.format(imports=f"{before}\nfrom ntcir.cli import main", call="main()")
    done = python(code, *words, folder=folder, variables=_variables(count))
    assert done.returncode == 0, done.stderr
    *written, ends = done.stdout.splitlines(keepends=True)
    first = next(filter(None, json.loads(ends)), 0)
    return subprocess.CompletedProcess(words, first, "".join(written), done.stderr)


def kept(count: int, function: Callable[[Path], None], folder: Path) -> list[Any]:
    """Call a function of a test module in so many processes; return what each has kept."""
    ends, said = exit_codes(count, function, folder)
    assert ends == [0] * count, said
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(count)]


def torchrun(*arguments: str, folder: Path, count: int = 2) -> subprocess.CompletedProcess[str]:
    """Run ``torchrun --nproc-per-node COUNT ...`` in a folder."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    return run([*command, *arguments], folder, environment())
