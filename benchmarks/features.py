"""What ways of decoding and of computing cost, and how far their features are apart.

    python benchmarks/features.py [--pictures DIR ...] [--weights PATH] [--repeats 5]

Photographs are first saved as JPEGs of 1024 x 768, as a lifelog's are; decoding them is timed in one thread. Features
are SqueezeNet's with the real weights, where they are; the ResNets have random ones. Cosines are to `full` and to the
plain network in fp32.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from score import ROOT, machine

sys.path.insert(0, str(ROOT))

from ntcir.config import Backbone, Features
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.backends import KINDS, Backend, is_there
from ntcir.features.decode import decode, decode_squares, load_image
from ntcir.features.image_features import encode_pictures
from ntcir.features.preprocessing import Square

SHARED = ROOT.parent / "shared"
PICTURES = [SHARED / "data" / "photos", SHARED / "data" / "campus"]
WEIGHTS = SHARED / "weights" / "squeezenet1_1_imagenet_features.pth"


def jpegs(folders: list[Path], target: Path, most: int = 100) -> list[Path]:
    """Save photographs as JPEGs of 1024 x 768."""
    found = sorted(path for folder in folders for path in folder.rglob("*.jpg"))[:most]
    if not found:
        raise SystemExit("There are no photographs: say where with --pictures.")
    for number, path in enumerate(found):
        load_image(path).resize((1024, 768), Image.Resampling.LANCZOS).save(target / f"{number:03d}.jpg", quality=92)
    return sorted(target.glob("*.jpg"))


def median(work: Callable[[], object], repeats: int) -> float:
    """Return the median seconds of a call, the first left out."""
    seconds = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[1:])


def cosines(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Return the least and the mean cosine of the rows of two matrices."""
    found = (one * other).sum(axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    return float(found.min()), float(found.mean())


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, nargs="+", default=PICTURES)
    parser.add_argument("--weights", default=str(WEIGHTS) if WEIGHTS.is_file() else "random")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = jpegs(options.pictures, Path(folder))
        print(f"{machine()}; {len(files)} photographs\n")
        backbone = Backbone(arch="squeezenet1_1", weights=options.weights)
        squares, features = {}, {}
        print("| `features.decode` | ms a photograph | least cosine | mean |\n|---|---:|---:|---:|")
        for way in ("full", "scaled"):
            how = Features(decode=way)
            taken = median(lambda how=how: [decode(file, Square.of(how)) for file in files], options.repeats) / len(
                files
            )
            pictures = [decode_squares(file, [Square.of(how)]) for file in files]
            squares[way] = np.stack([picture[Square.of(how)] for picture in pictures])
            features[way] = encode_pictures([FrozenNetwork(backbone, how)], pictures, 32)
            least, mean = cosines(features[way], features["full"])
            print(f"| {way} | {1000 * taken:.2f} | {least:.4f} | {mean:.4f} |")
        print("\n| network, backend | ms a photograph | ratio | least cosine | mean |")
        print("|---|---:|---:|---:|---:|")
        for one in (backbone, *(Backbone(arch=arch, weights="random") for arch in ("resnet18", "resnet50"))):
            race(one, squares["full"], options.repeats)


def go(lanes: ThreadPoolExecutor, backend: Backend, work: list[torch.Tensor]) -> None:
    """Keep all lanes of a backend busy with a batch each."""
    list(lanes.map(backend, work))


def race(backbone: Backbone, squares: np.ndarray, repeats: int) -> None:
    """Print what a network takes by each backend, all lanes busy, and how far its features are from the plain ones."""
    cpu = torch.device("cpu")
    plain = Backend(FrozenNetwork(backbone, Features(precision="fp32")), 32, cpu)
    exact, first = plain.encode(squares), 0.0
    network = FrozenNetwork(backbone, Features())
    for backend in [plain, *(KINDS[kind](network, 32, cpu) for kind in KINDS if is_there(kind, cpu))]:
        batch = torch.from_numpy(squares[: backend.batch])
        with ThreadPoolExecutor(backend.lanes) as lanes:
            work = [batch] * backend.lanes
            taken = median(partial(go, lanes, backend, work), repeats) / (len(batch) * len(work))
        first = first or taken
        least, mean = cosines(backend.encode(squares), exact)
        print(
            f"| {backbone.arch}, {backend.name} | {1000 * taken:.1f} | {first / taken:.2f} | {least:.5f} | {mean:.5f} |"
        )


if __name__ == "__main__":
    main()
