"""Which backend pays over the length of a job: measured, not guessed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

import torch

from ntcir.features.backbones import FrozenNetwork
from ntcir.features.backends import COMPILE, EAGER, KINDS, OPENVINO, Backend, is_there, require
from ntcir.features.inference import batch_of
from ntcir.features.stages import pool
from ntcir.features.store import FeatureStore
from ntcir.system.errors import UserError
from ntcir.system.progress import say

# Seconds until a network is ready, and the share of time that is hoped for: only what may pay back its start is tried.
_START = {OPENVINO: 4.0, COMPILE: 40.0}
_GAIN = {OPENVINO: 0.4, COMPILE: 0.3}
_PLAIN: tuple[list[str], ...] = ([], [f"{EAGER} fp32"], [f"{EAGER} bf16"])  # what a store that was hardly started says
_FEW = 256  # pictures that are not worth a look at the clock


def choose_backends(
    networks: Sequence[FrozenNetwork], stores: Sequence[FeatureStore], pictures: int, device: torch.device
) -> list[Backend]:
    """Return what runs the networks, of one kind for all, and note it in their stores.

    What is configured by name is taken. Otherwise a store is gone on with as it was begun, so that all of it is by one
    backend; and a new one is begun with the fastest for its length.

    Args:
        networks: at least one.
        stores: where the features of these networks go.
        pictures: how many are to be encoded.
        device: where.

    Raises:
        UserError: if the backend that is asked for is not available or cannot run a network.
    """
    options = networks[0].options
    batch = batch_of(options, device)
    if options.backend != "auto":
        require(options.backend, device)
        chosen = _built(options.backend, networks, batch, device)
        others = {name for store in stores for name in store.backends[-1:]} - {chosen[0].name}
        if others:
            say(f"The features already stored are by {', '.join(sorted(others))}; they differ in the last digits.")
    elif options.precision == "fp32":
        chosen = _built(EAGER, networks, batch, device)
    else:
        begun = None if _hardly_begun(stores, pictures) else _as_begun(networks, stores, batch, device)
        chosen = begun or _fastest(networks, batch, device, pictures)
    for store in stores:
        store.note_backend(chosen[0].name)
    return chosen


def _built(kind: str, networks: Sequence[FrozenNetwork], batch: int, device: torch.device) -> list[Backend]:
    return [KINDS[kind](network, batch, device) for network in networks]


def _hardly_begun(stores: Sequence[FeatureStore], pictures: int) -> bool:
    """Return whether stores hold only a few features, by the plain backend, of a job that has many."""
    few = all(len(store) < _FEW and store.backends[-1:] in _PLAIN for store in stores)
    return few and any(map(len, stores)) and pictures >= _FEW


def _as_begun(
    networks: Sequence[FrozenNetwork], stores: Sequence[FeatureStore], batch: int, device: torch.device
) -> list[Backend] | None:
    """Return the backends that the stores were begun with; None if there are none, or they cannot be obtained here."""
    begun = {name for store in stores for name in store.backends[-1:]}
    if len(begun) > 1:
        say(f"The stores were started by several backends ({', '.join(sorted(begun))}); continuing with the fastest.")
    if len(begun) != 1:
        return None
    kind, _, precision = begun.pop().partition(" ")
    if kind in KINDS and is_there(kind, device):
        with suppress(UserError):  # it may not take a network that is new
            backends = _built(kind, networks, batch, device)
            if backends[0].precision == precision:
                return backends
    say(
        f"The stored features are by {kind} in {precision}, which is not available here; what is missing comes from "
        "another backend, whose features differ in the last digits."
    )
    return None


def _fastest(networks: Sequence[FrozenNetwork], batch: int, device: torch.device, pictures: int) -> list[Backend]:
    plain = _built(EAGER, networks, batch, device)
    if pictures < _FEW:
        return plain
    seconds = _seconds(plain)
    for kind in (OPENVINO, COMPILE):
        if not is_there(kind, device) or pictures * seconds * _GAIN[kind] < _START[kind] * len(networks):
            continue
        start = time.perf_counter()
        try:
            backends = _built(kind, networks, batch, device)
        except UserError as error:
            say(f"{error} Continuing with {plain[0].name}.")
            continue
        ready, theirs = time.perf_counter() - start, _seconds(backends)
        say(
            f"{backends[0].name}: {1 / theirs:.1f} images/s, ready in {ready:.1f} s; "
            f"{plain[0].name}: {1 / seconds:.1f} images/s."
        )
        if theirs < seconds:
            return backends
    return plain


def _seconds(backends: Sequence[Backend]) -> float:
    """Return what a picture takes through all networks, all lanes busy, at the second of two calls."""
    seconds, draw = 0.0, torch.Generator().manual_seed(0)  # other people's random numbers stay what they are
    for backend in backends:
        few = backend.kind == EAGER and backend.device.type == "cpu"  # which takes as long for each of a few
        count = min(backend.batch, 8) if few else backend.batch
        pictures = torch.randint(0, 256, (count, 3, backend.size, backend.size), dtype=torch.uint8, generator=draw)
        with pool(backend.lanes) as lanes:
            for _ in range(2):
                start = time.perf_counter()
                list(lanes.map(backend, [pictures] * backend.lanes))
                taken = time.perf_counter() - start
        seconds += taken / (backend.lanes * count)
    return seconds
