"""Feature maps of several layers of an image network, from one forward pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import get_ident
from typing import Any

import torch
from torch import fx, nn

from ntcir.config import Backbone
from ntcir.config.features import Level
from ntcir.system.errors import UserError, did_you_mean, short, some
from ntcir.system.progress import say

_NETWORK = "network"  # the attribute of ``Levels``, and so how the names of its layers begin


@dataclass(frozen=True)
class _Seen:
    """What a layer gives for one picture.

    Attributes:
        calls: how often it is run; what it gives the last time counts.
        channels: of the feature map; 0 where it gives something else.
        side: cells on a side of that.
        gives: what it gives, for a sentence.
        overwritten: whether a later layer works in place on it.
    """

    calls: int
    channels: int
    side: int
    gives: str
    overwritten: bool


class Levels(nn.Module):
    """The feature maps of some layers, each average-pooled to its grid and flattened, one behind the other.

    Args:
        network: any, in eval mode; it stays as it is. Nothing behind the last of these layers is run.
        levels: the layers and their grids, in order.
        seen: of each layer.
    """

    def __init__(self, network: nn.Module, levels: Sequence[Level], seen: Mapping[str, _Seen]) -> None:
        super().__init__()
        self.network = network
        self._levels, self._seen = list(levels), dict(seen)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Encode standardised pictures, float [batch, 3, height, width], to float32 [batch, dim]."""
        found: dict[str, torch.Tensor] = {}
        waiting = Counter({level.layer: self._seen[level.layer].calls for level in self._levels})
        thread = get_ident()

        def take(level: Level, part: nn.Module, given: Any, maps: torch.Tensor) -> None:
            if get_ident() != thread:  # others may run the same network
                return
            if self._seen[level.layer].overwritten:
                maps = maps.clone()
            # At once: so that no map is kept for longer than it is needed.
            found[level.layer] = nn.functional.adaptive_avg_pool2d(maps.float(), level.grid).flatten(1)
            waiting[level.layer] -= 1
            if not any(waiting.values()):
                raise _Enough

        handles = [
            self.network.get_submodule(level.layer).register_forward_hook(partial(take, level))
            for level in self._levels
        ]
        try:
            self.network(images)
        except _Enough:
            pass
        finally:
            for handle in handles:
                handle.remove()
        return torch.cat([found[level.layer] for level in self._levels], dim=1)


class _Enough(Exception):
    """All levels are there."""


class _Tracer(fx.Tracer):
    """Writes down what ``Levels`` does, without hooks and without what comes behind its last layer."""

    def call_module(self, m: nn.Module, forward: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Note a call; torch runs no hooks of layers that it does not look into."""
        result = super().call_module(m, forward, args, kwargs)
        if self.is_leaf_module(m, self.path_of_module(m)):
            for hook in m._forward_hooks.values():
                hook(m, args, result)
        return result


def levels_of(network: nn.Module, backbone: Backbone, size: int) -> tuple[nn.Module, list[int]]:
    """Return what gives the levels that a backbone names, and how many columns each has.

    The module has the network's own parameters. Where the network can be traced, it is a plain sequence of its layers,
    which can be exported; otherwise the layers are watched by hooks.

    Args:
        network: in eval mode.
        backbone: with levels.
        size: of the pictures that it is given, in pixels.

    Returns:
        float [batch, 3, size, size] -> float32 [batch, sum of the columns]; and the columns.

    Raises:
        UserError: if a layer is unknown or gives no feature map.
    """
    known = dict(network.named_modules(remove_duplicate=False))
    names = [level.layer for level in backbone.levels]
    for name in names:
        if name not in known or not name:
            hint = did_you_mean(name, known)
            raise _refused(network, backbone, size, f"has no layer '{short(name)}'{hint}")
    seen = _watched(network, names, size)
    for level in backbone.levels:
        name, found = level.layer, seen.get(level.layer)
        if found is None:
            raise _refused(network, backbone, size, f"does not run its layer '{name}' when it encodes pictures")
        if not found.channels:
            what = f"gives {found.gives} at its layer '{name}', which is not a feature map"
            raise _refused(network, backbone, size, what)
        if found.side < level.grid:
            say(
                f"WARNING: {backbone.arch} gives {found.side} x {found.side} cells at its layer '{name}' for pictures "
                f"of {size} x {size} pixels, fewer than its grid of {level.grid} x {level.grid}: cells are repeated; "
                "lower the grid in features.backbones."
            )
    widths = [seen[level.layer].channels * level.grid**2 for level in backbone.levels]
    return _traced(Levels(network, backbone.levels, seen)), widths


def _traced(levels: Levels) -> nn.Module:
    try:
        tracer = _Tracer()
        graph = tracer.trace(levels)
        return fx.GraphModule(tracer.root, graph, "Levels")
    except Exception:  # what cannot be traced is watched
        return levels


def _watched(network: nn.Module, names: Iterable[str], size: int) -> dict[str, _Seen]:
    """Run one picture through a network, and return what its layers of these names give, in the order of their calls.

    Raises:
        RuntimeError, AssertionError, ValueError: if it cannot process pictures of this size.
    """
    calls: Counter[str] = Counter()
    given: dict[str, tuple[Any, int]] = {}

    def note(name: str, part: nn.Module, args: Any, output: Any) -> None:
        calls[name] += 1
        given[name] = (output, output._version if isinstance(output, torch.Tensor) else 0)

    handles = [network.get_submodule(name).register_forward_hook(partial(note, name)) for name in names]
    mean = next(iter(network.parameters()), torch.empty(0))
    try:
        with torch.no_grad():  # in inference mode tensors do not count what is done to them in place
            network(torch.zeros(1, 3, size, size, device=mean.device))
    finally:
        for handle in handles:
            handle.remove()
    return {name: _seen(calls[name], output, version) for name, (output, version) in given.items()}


def _seen(calls: int, output: Any, version: int) -> _Seen:
    """Note what a layer gave for a square picture.

    Networks that keep channels last have two equal sides in front of them, which are not a map to be pooled here.
    """
    if not isinstance(output, torch.Tensor):
        return _Seen(calls, 0, 0, _told(output), overwritten=False)
    is_map = output.ndim == 4 and output.shape[0] == 1 and output.shape[2] == output.shape[3]
    channels, side = (output.shape[1], output.shape[2]) if is_map else (0, 0)
    return _Seen(calls, channels, side, _told(output), overwritten=output._version > version)


def _told(output: Any) -> str:
    if not isinstance(output, torch.Tensor):
        return f"a {type(output).__name__}"
    return " x ".join(map(str, output.shape[1:])) + " numbers"


def _refused(network: nn.Module, backbone: Backbone, size: int, what: str) -> UserError:
    names = [name for name, _ in network.named_modules() if name]
    maps: list[str] = [name for name, seen in _watched(network, names, size).items() if seen.channels]
    maps.sort(key=lambda name: name.count("."))
    listed = some(maps, 12) or "none"
    return UserError(
        f"features.backbones: {backbone.arch} {what}; its layers with feature maps (channels x height x width): "
        f"{listed}."
    )
