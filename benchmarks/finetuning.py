"""Memory and time of a fine-tuning step: the batch as a single chunk, and in chunks by cached gradients.

    python benchmarks/finetuning.py [--arch resnet50] [--batch 32] [--chunk 4]

Each is a process of its own, so that its peak of memory is its own. Random pictures and weights: only time and memory
mean anything. On a CPU this is a small version of what a GPU does with batches of 256.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from score import machine

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def noise(arch: str, *, mirror: bool = False) -> Any:
    """Return what fine-tuning needs of ``ImageFeatures``: a network, and noise for photographs.

    Args:
        arch: of torchvision; its weights are random.
        mirror: whether pictures are mirrored at random.
    """
    import torch

    from ntcir.config import Backbone, Features
    from ntcir.features.backbones import FrozenNetwork

    network = FrozenNetwork(Backbone(arch=arch, weights="random"), Features())

    class Pictures:
        """Any id is a picture."""

        networks = (network,)
        width = network.dim
        dim = width * (2 if mirror else 1)

        def one_square(self) -> object:
            return network.preprocessing.square

        def decode_many(self, ids: list[str], alteration: object = None, view: int = 0) -> torch.Tensor:
            return torch.randint(0, 256, (len(ids), 3, 224, 224), dtype=torch.uint8)

    pictures: Any = Pictures()
    pictures.mirror = mirror
    return pictures


def step(arch: str, batch: int, chunk: int) -> dict[str, float]:
    """Take a step; return its seconds and the megabytes that were in use at most, beyond those before it."""
    import numpy as np
    import torch

    from ntcir.config import Encoder
    from ntcir.training.sources import LiveImages

    pictures = noise(arch)
    options = Encoder(finetune=True, chunk=chunk, precision="fp32", device="cpu")
    source = LiveImages(pictures, [str(number) for number in range(batch)], options)
    rows = np.arange(batch)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    features, backward = source(rows, np.zeros_like(rows), 0)
    torch.nn.functional.cross_entropy(features @ features.detach().T, torch.arange(batch)).backward()
    backward()
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "megabytes": (peak - before) / (2**20 if sys.platform == "darwin" else 2**10)}


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--arch", default="resnet50")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--chunk", type=int, default=4)
    parser.add_argument("--part", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(step(options.arch, options.batch, options.part)))
        return
    print(f"| a step of {options.batch} pictures through {options.arch} | seconds | memory for it (MB) |")
    print("|---|---:|---:|")
    for chunk in (options.batch, options.chunk):
        command = [
            sys.executable,
            __file__,
            "--arch",
            options.arch,
            "--batch",
            str(options.batch),
            "--part",
            str(chunk),
        ]
        found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
        name = "at once, encoded once" if chunk == options.batch else f"in chunks of {chunk}, encoded twice"
        print(f"| {name} | {found['seconds']:.1f} | {found['megabytes']:.0f} |")
    print(f"\n{machine()}.")


if __name__ == "__main__":
    main()
