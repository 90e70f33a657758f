"""Several processes that work together, as started by ``torchrun``: their ranks, and what they exchange.

One process alone is the usual case: all functions here then return at once, and torch is not imported.

A process that waits for another must neither give up because the other has more to do, nor wait for one that has died.
So there are two kinds of meetings. ``barrier``, ``gather_objects``, ``share`` and ``by_first`` are patient: they wait
as long as the processes they wait for show signs of life. ``any_rank``, and ``gather`` and ``sum_gradients`` of
``ntcir.system.tensors``, are quick, for the steps of a training, which all processes come to at about the same time:
they give up after half an hour, and at once when the other end of a connection is closed.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from ntcir.system.errors import UserError

if TYPE_CHECKING:
    from torch.distributed import Store  # type: ignore[attr-defined]

T = TypeVar("T")
_JOIN = timedelta(minutes=10)  # until all processes have started
_STEP = timedelta(minutes=30)  # until all processes have come to the same step
_SIGN, _SILENCE = 10.0, 300.0  # seconds: between two signs of life; without one, a process counts as dead
_POLLS = 0.005, 0.5  # seconds between two looks at who has come: at first, and after a while


class Deserted(UserError):
    """Another process has ended. It has reported why; this one only noticed."""


@dataclass(frozen=True)
class Ranks:
    """Which of how many processes this is.

    Attributes:
        number: from 0; it alone writes files and says things.
        count: of all machines together.
        local: from 0 on each machine.
    """

    number: int
    count: int
    local: int

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and says things."""
        return self.number == 0

    def part(self, rows: int) -> slice:
        """Return which of ``rows`` rows are this process's: as many as any other's, give or take one."""
        return slice(rows * self.number // self.count, rows * (self.number + 1) // self.count)


@dataclass
class _Meeting:
    """What the processes know of each other while they are together."""

    store: Store
    number: int = 0  # how often they have waited for each other, patiently


_meeting: _Meeting | None = None


def ranks() -> Ranks:
    """Return which process this is, by ``RANK``, ``WORLD_SIZE`` and ``LOCAL_RANK``, which ``torchrun`` sets.

    Raises:
        UserError: if they contradict each other.
    """
    if os.environ.get("WORLD_SIZE", "1") == "1":
        return Ranks(0, 1, 0)
    count, number = _number("WORLD_SIZE"), _number("RANK")
    local = _number("LOCAL_RANK") if "LOCAL_RANK" in os.environ else number
    if not (0 <= number < count and 0 <= local <= number):
        raise UserError(
            f"RANK={number}, LOCAL_RANK={local} and WORLD_SIZE={count} contradict each other: "
            "start several processes with torchrun, or unset WORLD_SIZE."
        )
    return Ranks(number, count, local)


def _number(name: str) -> int:
    value = os.environ.get(name, "")
    if not value.isdecimal():
        wrong = f"{name} is {value}, which is not a number" if value else f"WORLD_SIZE is set, and {name} is not"
        raise UserError(f"{wrong}: start several processes with torchrun, or unset WORLD_SIZE.")
    return int(value)


def own_gpu() -> bool:
    """Return whether each process on this machine can have a GPU of its own; then ``cuda:LOCAL_RANK`` is this one's."""
    import torch

    here = int(os.environ.get("LOCAL_WORLD_SIZE", ranks().count))
    return torch.cuda.is_available() and torch.cuda.device_count() >= here


@contextmanager
def together() -> Iterator[Ranks]:
    """Join the other processes, and leave when all are done; within another ``together`` nothing happens.

    CPU tensors travel by gloo; where each process has a GPU of its own, CUDA tensors travel by NCCL.

    Raises:
        UserError: if the processes cannot meet.
    """
    global _meeting
    own = ranks()
    if own.count == 1 or _meeting is not None:
        yield own
        return
    store = _join(own)
    import torch.distributed as dist

    _meeting = _Meeting(store)
    over = threading.Event()
    alive = threading.Thread(target=_show_life, args=(store, own, over), daemon=True)
    alive.start()
    try:
        yield own
        barrier()  # a process that leaves early takes with it what the others still need
    finally:
        _meeting = None
        over.set()
        alive.join(timeout=_SIGN)
        dist.destroy_process_group()


def _join(own: Ranks) -> Store:
    """Form the process group; return the store of keys that all processes see."""
    import torch
    import torch.distributed as dist

    missing = [name for name in ("MASTER_ADDR", "MASTER_PORT") if not os.environ.get(name)]
    if missing:
        raise UserError(
            f"WORLD_SIZE is {own.count}, but {' and '.join(missing)} not set: start several processes with torchrun."
        )
    if not dist.is_available() or not dist.is_gloo_available():
        raise UserError("This build of torch has no gloo backend, which several processes need to work together.")
    gpu = own_gpu() and dist.is_nccl_available()
    if gpu:
        torch.cuda.set_device(own.local)
    place = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    try:
        store, number, count = next(dist.rendezvous("env://", timeout=_JOIN))  # type: ignore[attr-defined]
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if gpu else "gloo", store=store, rank=number, world_size=count, timeout=_STEP
        )
    except (RuntimeError, ValueError, OSError) as error:
        if "EADDRINUSE" in str(error):
            raise UserError(f"{place} is already in use: give torchrun another --master-port.") from error
        raise UserError(
            f"Process {own.number + 1} of {own.count} cannot reach the others at {place} ({_reason(error)})."
        ) from error
    return dist.PrefixStore("ntcir", store)  # type: ignore[attr-defined]


def _show_life(store: Store, own: Ranks, over: threading.Event) -> None:
    """Let the others see that this process lives, however long it works on something."""
    while True:
        try:
            store.add(f"life/{own.number}", 1)
        except RuntimeError:
            return  # the store is gone, and the next meeting will notice
        if over.wait(_SIGN):
            return


@contextmanager
def noticing() -> Iterator[None]:
    """Report in one sentence that another process is gone."""
    try:
        yield
    except RuntimeError as error:
        raise Deserted(
            f"The processes could not continue together, probably because one of them has ended ({_reason(error)})."
        ) from error


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:150]


def met() -> _Meeting | None:
    """Return the meeting under way; None where there is nobody to meet."""
    if _meeting is None and ranks().count > 1:
        raise RuntimeError("There are several processes, which have not joined: put `with together():` around it.")
    return _meeting


def barrier() -> None:
    """Wait until all processes are here, however long that takes, as long as they live.

    Raises:
        UserError: if one of them has shown no sign of life for five minutes.
    """
    meeting = met()
    if meeting is None:
        return
    own, store = ranks(), meeting.store
    meeting.number += 1
    key = f"meeting/{meeting.number}"
    with noticing():
        store.set(f"{key}/{own.number}", "here")
        absent = {number for number in range(own.count) if number != own.number}
        signs: dict[int, tuple[int, float]] = {}
        pause, most = _POLLS
        while absent := {number for number in absent if not store.check([f"{key}/{number}"])}:
            for number in absent:
                _check_life(store, number, signs)
            time.sleep(pause)
            pause = min(1.2 * pause, most)
    any_rank(False)  # no process leaves before all have seen that all are here: the store may end with the first


def _check_life(store: Store, number: int, signs: dict[int, tuple[int, float]]) -> None:
    """Raise ``Deserted`` if a process has given no sign for too long; ``signs``: the last one, and when it was seen."""
    now, sign = time.monotonic(), store.add(f"life/{number}", 0)
    last, seen = signs.get(number, (-1, now))
    if sign != last:
        signs[number] = (sign, now)
    elif now - seen > _SILENCE:
        raise Deserted(f"Process {number + 1} of {ranks().count} has not responded for {_SILENCE / 60:.0f} minutes.")


def gather_objects(value: T) -> list[T]:
    """Return every process's value in the order of the processes; patient. Values are pickled."""
    if met() is None:
        return [value]
    import torch.distributed as dist

    barrier()
    values: list[Any] = [None] * ranks().count
    with noticing():
        dist.all_gather_object(values, value)
    return values


def share(value: T) -> T:
    """Return the value of the first process, on all; patient. What the others give is not looked at."""
    if met() is None:
        return value
    import torch.distributed as dist

    barrier()
    values: list[Any] = [value if ranks().first else None]
    with noticing():
        dist.broadcast_object_list(values, src=0)
    result: T = values[0]
    return result


def by_first(call: Callable[[], T]) -> T:
    """Let the first process alone call this; return what it returns, or raise what ``UserError`` it raises, on all."""
    if met() is None:
        return call()
    mistake: UserError | None = None
    value: Any = None
    if ranks().first:
        try:
            value = call()
        except UserError as error:
            mistake = error
    value, told = share((value, mistake and str(mistake)))
    if told is not None:
        raise UserError(told) from mistake
    result: T = value
    return result


def any_rank(flag: bool) -> bool:
    """Return whether the flag is up in any process; quick."""
    if met() is None:
        return flag
    import torch
    import torch.distributed as dist

    flags = torch.tensor([int(flag)])
    with noticing():
        dist.all_reduce(flags, dist.ReduceOp.MAX)
    return bool(flags.item())
