"""Named tensors and facts in a ``.safetensors`` file that says, by a digest, whether it is as it was written.

safetensors checks that a file's tensors lie where its header says, but not what is in them. The digest stands in the
header, beside the facts; files that have none, from before there was one, are read as they are. What needs the facts
alone reads them with ``tensor_facts``, without torch.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save_file

from ntcir.system.files import atomic_path
from ntcir.system.regular import LARGEST_WEIGHTS, read_regular
from ntcir.system.tensor_facts import DIGEST, KEY, Damaged, read_facts


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], facts: Mapping[str, str]) -> None:
    """Write tensors, on the CPU, and facts to ``path``, whole or not at all.

    Raises:
        UserError: if there is no room or no permission.
    """
    tensors = {name: value.contiguous() for name, value in tensors.items()}
    with atomic_path(path) as temporary:
        told = json.dumps({**facts, DIGEST: _digest(tensors, facts)})
        save_file(tensors, temporary, metadata={KEY: told})


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Return the tensors and facts in a file.

    Raises:
        OSError: if it cannot be read.
        Damaged: if it is not what was written.
    """
    try:
        facts = read_facts(path)
        tensors = _tensors(path)
    except SafetensorError as error:
        raise Damaged(" ".join(str(error).split())[:150]) from error
    digest = facts.pop(DIGEST, None)
    if digest is not None and digest != _digest(tensors, facts):
        raise Damaged("its content was changed after it was written: the digest is another")
    return tensors, facts


def not_finite(tensors: Mapping[str, torch.Tensor]) -> str:
    """Return which tensors hold NaN or infinity, as ``NaN in 'a.weight' (and 3 more)``; empty if none does."""
    names = [name for name, value in tensors.items() if value.is_floating_point() and not torch.isfinite(value).all()]
    if not names:
        return ""
    kind = "NaN" if torch.isnan(tensors[names[0]]).any() else "infinity"
    return f"{kind} in '{names[0]}'{f' (and {len(names) - 1} more)' * (len(names) > 1)}"


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        os.fspath(path).encode("utf-8")
    except UnicodeEncodeError:  # which safetensors cannot open by its name
        return load(read_regular(path, LARGEST_WEIGHTS))
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)


def _digest(tensors: Mapping[str, torch.Tensor], facts: Mapping[str, str]) -> str:
    total = hashlib.sha256(json.dumps(sorted(facts.items())).encode())
    for name, value in sorted(tensors.items()):
        total.update(json.dumps([name, str(value.dtype), list(value.shape)]).encode())
        total.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()
