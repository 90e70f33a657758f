"""Race: detecting and storing objects with ``ntcir`` against Ultralytics' own batched predict, on the same photographs.

    python benchmarks/detection.py [--pictures DIR] [--weights PATH ...] [--size 640] [--batch 16] [--repeats 5]

In one process, in turns, with as many threads for the one as for the other (left alone, Ultralytics takes one core less
than there are) and with the networks loaded before. ``ntcir`` also stores what it finds. Ultralytics takes ``batch``
from a file that lists the photographs; a list of them it reads whole and makes one batch of. Without ``--weights`` the
race is run with a YOLO11n of random weights and, where they are, with the real OpenVINO weights.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch
from score import ROOT, machine

from ntcir.config import Objects
from ntcir.corpora.corpus import Corpus, ReadingReport
from ntcir.features.detector import FLOOR, Detector
from ntcir.features.objects import ObjectDetections
from ntcir.features.yolo import import_yolo
from ntcir_demo import write_demo

SHARED = ROOT.parent / "shared"
SURE = 0.5


def corpus_of(files: list[Path]) -> Corpus:
    """Return a corpus of which only the photographs matter."""
    images = pd.DataFrame({"path": [str(file) for file in files]}, index=[file.name for file in files])
    return Corpus("race", files[0].parent, {"image": images}, pd.DataFrame(), False, "records", ReadingReport())


def own(corpus: Corpus, how: Objects, folder: Path) -> Callable[[], int]:
    """Return what detects and stores everything anew and returns the number of sure detections."""
    ids = corpus.images.index.tolist()
    detector = None

    def work() -> int:
        nonlocal detector
        with tempfile.TemporaryDirectory(dir=folder) as store:
            found = ObjectDetections(corpus, how, Path(store))
            found._detector = detector  # loaded once, as the peer's
            found.ensure(ids)
            detector = found._detector
            return int((found.table(ids)["confidence"] > SURE).sum())

    return work


def peer(source: list[str] | str, how: Objects) -> Callable[[], int]:
    """Return what has Ultralytics predict everything and returns the number of sure detections."""
    model = import_yolo()(how.detector, task="detect")

    def work() -> int:
        results = model.predict(
            source, batch=how.batch, imgsz=how.size, conf=FLOOR, iou=how.iou, verbose=False, stream=True
        )
        return sum(int((result.boxes.conf > SURE).sum()) for result in results)

    return work


def race(files: list[Path], how: Objects, folder: Path, threads: int, repeats: int) -> None:
    """Run the three in turns and print a table."""
    listing = folder / "photographs.txt"
    listing.write_text("\n".join(str(file) for file in files), encoding="utf-8")
    detector = Detector(Path(how.detector), how)
    racers = {
        "`ntcir features objects`": own(corpus_of(files), how, folder),
        f"`predict(file of paths, batch={how.batch})`": peer(str(listing), how),
        f"`predict(list of paths, batch={how.batch})`": peer([str(file) for file in files], how),
    }
    seconds: dict[str, list[float]] = {name: [] for name in racers}
    sure: dict[str, int] = {}
    for _ in range(repeats + 1):
        for name, work in racers.items():
            torch.set_num_threads(threads)  # in the first round Ultralytics takes another number
            start = time.perf_counter()
            sure[name] = work()
            seconds[name].append(time.perf_counter() - start)
    # The first round loads the networks and warms the caches of the disk.
    rates = {name: len(files) / statistics.median(each[1:]) for name, each in seconds.items()}
    fastest = max(rate for name, rate in rates.items() if "ntcir" not in name)
    kind = "fixed size" if detector.frame.stride == 0 else "any size"
    print(f"| {Path(how.detector).name} ({kind}), {len(files)} photographs | images/s | ratio | sure boxes |")
    print("|---|---:|---:|---:|")
    for name, rate in rates.items():
        print(f"| {name} | {rate:.1f} | {rate / fastest:.2f} | {sure[name]} |")
    print()


def main() -> None:
    """Race with each of the weights."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=Path, help="[default: ../shared/data/photos, else the demo's]")
    parser.add_argument("--weights", type=Path, nargs="*", default=[])
    parser.add_argument("--size", type=int, default=640)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--most", type=int, default=200, help="photographs")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures = options.pictures or SHARED / "data" / "photos"
        if not pictures.is_dir():
            pictures = folder / "demo"
            write_demo(pictures, days=2, per_day=50)
        files = sorted(path.resolve() for path in pictures.rglob("*.jpg"))[: options.most]
        weights = [path.resolve() for path in options.weights]
        if not weights:
            weights = [folder / "yolo11n-random.pt"]
            import_yolo()("yolo11n.yaml").save(str(weights[0]))
            real = SHARED / "weights" / "yolo11n_int8_openvino_model"
            if real.is_dir() and importlib.util.find_spec("openvino"):
                weights.append(real.resolve())
        load = os.getloadavg()[0]
        for path in weights:
            how = Objects(detector=str(path), size=options.size, batch=options.batch)
            race(files, how, folder, options.threads, options.repeats)
    print(f"{machine()}, {options.threads} threads, load {load:.1f} before; medians of {options.repeats} turns.")


if __name__ == "__main__":
    main()
