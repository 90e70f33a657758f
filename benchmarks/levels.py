"""What several levels of a network cost: extraction with three against one, and fitting principal components.

    python benchmarks/levels.py [--data DIR] [--photographs 512] [--kept 256] [--repeats 3]

Photographs are those of a corpus, ``../shared/data/track`` by default; the network is SqueezeNet with the real weights,
where they are. Extractions with one level and with three are timed in turns, each into a store of its own, by the plain
network in single precision; the ratio is that of each turn. Then components of each level are fitted to these
photographs, and all are projected.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from score import ROOT, machine

sys.path.insert(0, str(ROOT))

from ntcir.config import Backbone, Features
from ntcir.config.splits import AutoSplit
from ntcir.corpora import open_corpus
from ntcir.corpora.corpus import Corpus
from ntcir.encoders.projection import Projection
from ntcir.features.image_features import ImageFeatures

SHARED = ROOT.parent / "shared"
WEIGHTS = SHARED / "weights" / "squeezenet1_1_imagenet_features.pth"
LEVELS = [
    {"layer": "features.12", "grid": 2},
    {"layer": "features.10", "grid": 4},
    {"layer": "features.7", "grid": 6},
]


def extracted(corpus: Corpus, ids: list[str], levels: int, weights: str, store: Path) -> tuple[ImageFeatures, float]:
    """Return features of photographs with so many levels, and the seconds that they took."""
    backbone = Backbone.model_validate({"arch": "squeezenet1_1", "weights": weights, "levels": LEVELS[:levels]})
    features = ImageFeatures(corpus, Features(backbones=[backbone], precision="fp32", store=store))
    features.ensure(ids[:32])
    started = time.perf_counter()
    features.ensure(ids)
    return features, time.perf_counter() - started


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "track")
    parser.add_argument("--weights", default=str(WEIGHTS) if WEIGHTS.is_file() else "random")
    parser.add_argument("--photographs", type=int, default=512)
    parser.add_argument("--kept", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    corpus = open_corpus(options.data, AutoSplit())
    ids = corpus.images.index.tolist()[: options.photographs]
    seconds: dict[int, list[float]] = {1: [], len(LEVELS): []}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(options.repeats):
            for levels, taken in seconds.items():
                store = Path(folder) / f"{turn}-{levels}"
                features, found = extracted(corpus, ids, levels, options.weights, store)
                taken.append(found)
        one, several = seconds.values()
        ratios = [theirs / ours for ours, theirs in zip(one, several, strict=True)]
        print(f"{machine()}; {len(ids):,} photographs\n")
        print("| levels | columns | images/s | time to one level |\n|---|---:|---:|---:|")
        print(f"| 1 | {512 * 4:,} | {(len(ids) - 32) / statistics.median(one):.1f} | 1 |")
        rate = (len(ids) - 32) / statistics.median(several)
        print(f"| {len(LEVELS)} | {features.dim:,} | {rate:.1f} | {statistics.median(ratios):.2f} |")
        projection = Projection(features.networks[0].widths, options.kept, 1.0)
        started = time.perf_counter()
        shares = projection.fit(features.load, ids)
        fitted = time.perf_counter() - started
        started = time.perf_counter()
        projection.of_items(features.load, ids)
        taken = 1000 * (time.perf_counter() - started) / len(ids)
        of_each = ", ".join(f"{share:.1%}" for share in shares)
        print(f"\n{options.kept} components of each level: fitted in {fitted:.1f} s, {taken:.2f} ms a row projected;")
        print(f"shares of the variance {of_each}.")


if __name__ == "__main__":
    main()
