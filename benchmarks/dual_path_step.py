"""A step of the dual-path network at full size: 29,783 classes, 2,048 dimensions, batch 32, pictures of 224 pixels.

    python benchmarks/dual_path_step.py [--batch 32] [--classes 29783] [--steps 5]

Random pictures, captions and weights: only times mean anything. Stage I is on stored features; stage II trains ResNet50
along, on the GPU if torch finds one. Towers and classifier are on the CPU in both.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from finetuning import noise
from score import machine

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

WORDS, LENGTH = 20_074, 20  # known words, as the slides have it for Flickr30k; of a caption


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--classes", type=int, default=29_783)
    parser.add_argument("--steps", type=int, default=5, help="of which the median is told [5]")
    options = parser.parse_args()
    print("| step | seconds | images a second |\n|---|---:|---:|")
    for name, make in (("stage I, stored features", stage_1), ("stage II, ResNet50 trained along", stage_2)):
        step = make(options.batch, options.classes)
        step()
        seconds = statistics.median(timed(step) for _ in range(options.steps))
        print(f"| {name} | {seconds:.2f} | {options.batch / seconds:.1f} |", flush=True)
    print(f"\n{machine()}.")


def timed(step: Callable[[], None]) -> float:
    """Return the seconds of a step."""
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def stage_1(batch: int, classes: int) -> Callable[[], None]:
    """Return what takes a step on stored features."""
    import numpy as np

    from ntcir.training.sources import StoredRows

    features = np.random.default_rng(0).random((batch, 2 * 2048), dtype=np.float32)
    return stepping("dual-path-flickr30k", StoredRows(features), batch, classes)


def stage_2(batch: int, classes: int) -> Callable[[], None]:
    """Return what takes a step that trains ResNet50 along."""
    from ntcir.config import Encoder
    from ntcir.training.sources import LiveImages

    pictures = noise("resnet50", mirror=True)
    source = LiveImages(pictures, [str(number) for number in range(batch)], Encoder(finetune=True, chunk=batch))
    return stepping("dual-path-flickr30k-2", source, batch, classes)


def stepping(name: str, source: Any, batch: int, classes: int) -> Callable[[], None]:
    """Return what takes a step of a configuration.

    Args:
        name: of the configuration.
        source: of the pictures' rows.
        batch: pairs.
        classes: of the classifier.
    """
    import numpy as np
    import torch
    from torch.nn.functional import normalize

    from ntcir.config import load_config
    from ntcir.encoders.frozen import FrozenEncoder
    from ntcir.encoders.vocabulary import Vocabulary
    from ntcir.encoders.words import WordsEncoder
    from ntcir.model.model import Model
    from ntcir.objectives.batch import Batch
    from ntcir.training.data_parallel import embed
    from ntcir.training.optimizers import optimizer_of
    from ntcir.training.sources import StoredRows

    config = load_config(ROOT / "configs" / f"{name}.yaml", ["texts.vectors=null"])
    words = Vocabulary([f"word{number}" for number in range(WORDS)], [1] * WORDS, WORDS)
    encoders = {"image": FrozenEncoder(2 * 2048, ["random"]), "text": WordsEncoder.of(words, config.texts)}
    model = Model(config, encoders, {}, classes)
    model.towers.train()
    draw = np.random.default_rng(0)
    numbers = np.zeros((batch, config.texts.length), dtype=np.float32)
    numbers[:, :LENGTH] = draw.integers(1, WORDS + 1, (batch, LENGTH))
    captions = StoredRows(numbers)
    optimizer = optimizer_of(config, model, [source, captions])
    rows, of_class = np.arange(batch), torch.from_numpy(draw.permutation(classes)[:batch])
    count = iter(range(10**9))

    def step() -> None:
        number = next(count)
        sides = [
            embed(model.tower(side), rows_of, rows, np.zeros_like(rows), number)
            for side, rows_of in (("image", source), ("text", captions))
        ]
        left, right = (vectors for vectors, _ in sides)
        units = normalize(left, dim=-1), normalize(right, dim=-1)
        loss = model.loss(Batch(*units, None, None, (of_class, of_class), features=(left, right), step=number))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for _, backward in sides:
            backward()
        optimizer.step()

    return step


if __name__ == "__main__":
    main()
