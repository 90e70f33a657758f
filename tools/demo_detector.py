"""Train the detector that the package ships for the demo lifelog, and measure it on scenes it was not trained on.

The scenes of other people's lives (seeds 1 and up) are drawn with their boxes; a YOLO11 narrower than `n` learns them
from random weights. What is measured are the scenes of the demo itself (seed 0), none of which it has seen::

    python tools/demo_detector.py train     # draws, trains, writes ntcir_demo/detector.pt, measures it
    python tools/demo_detector.py measure   # mAP of the detector that is there
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
import yaml

os.environ["YOLO_AUTOINSTALL"] = "false"  # before ultralytics is imported
os.environ["YOLO_OFFLINE"] = "true"

from ntcir_demo import CLASSES, demo_picture

ROOT = Path(__file__).resolve().parent.parent
DETECTOR = ROOT / "ntcir_demo" / "detector.pt"
SIZE = 320  # pixels of the longer side, in training and in use
WIDTH = 0.125  # YOLO11n has 0.25
DAYS, PER_DAY = 16, 120  # of each life drawn from
MEASURED, WATCHED = 0, 1  # the seeds of the demo, and of the life by which the best epoch is chosen


def draw_scene(task: tuple[Path, int, int]) -> None:
    """Draw photograph ``index`` of the life ``seed``: a picture and its label file as YOLO reads them."""
    folder, seed, index = task
    picture, boxes = demo_picture(index, days=DAYS, per_day=PER_DAY, seed=seed)
    name = f"{seed}-{index:05d}"
    small = picture.resize((SIZE, SIZE * picture.height // picture.width))
    small.save(folder / "images" / f"{name}.jpg", quality=90)
    lines = []
    for box in boxes:
        middle = ((box.x1 + box.x2) / 2 / picture.width, (box.y1 + box.y2) / 2 / picture.height)
        extent = ((box.x2 - box.x1) / picture.width, (box.y2 - box.y1) / picture.height)
        lines.append(" ".join([str(CLASSES.index(box.label)), *(f"{value:.6f}" for value in (*middle, *extent))]))
    (folder / "labels" / f"{name}.txt").write_text("\n".join(lines), encoding="utf-8")


def draw(folder: Path, split: str, seeds: list[int], scenes: int) -> None:
    """Draw ``scenes`` photographs of the lives ``seeds`` into ``folder/split``, unless they are there."""
    place = folder / split
    if (place / "whole").is_file():
        return
    for kind in ("images", "labels"):
        (place / kind).mkdir(parents=True, exist_ok=True)
    tasks = []
    for number, seed in enumerate(seeds):
        share = scenes // len(seeds) + (number < scenes % len(seeds))
        chosen = np.random.default_rng(seed).permutation(DAYS * PER_DAY)[:share]
        tasks += [
            (place, seed, int(index)) for index in np.sort(chosen)
        ]  # a day's plan is made once for all its scenes
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        for _ in pool.map(draw_scene, tasks, chunksize=24):
            pass
    (place / "whole").touch()


def dataset(folder: Path) -> Path:
    """Write the description of the data that Ultralytics reads, and return its path."""
    description = {
        "path": str(folder.absolute()),
        "train": "train/images",
        "val": "watched/images",
        "test": "measured/images",
        "names": list(CLASSES),
    }
    path = folder / "scenes.yaml"
    path.write_text(yaml.safe_dump(description), encoding="utf-8")
    return path


def architecture(folder: Path) -> Path:
    """Write YOLO11's architecture with the narrower scale, and return its path."""
    import ultralytics

    published = Path(ultralytics.__file__).parent / "cfg" / "models" / "11" / "yolo11.yaml"
    layers = yaml.safe_load(published.read_text(encoding="utf-8"))
    layers["scales"] = {"n": [0.50, WIDTH, 1024]}
    layers["nc"] = len(CLASSES)
    path = folder / "yolo11n-narrow.yaml"
    path.write_text(yaml.safe_dump(layers), encoding="utf-8")
    return path


def train(folder: Path, epochs: int) -> None:
    """Train from random weights and put the best epoch's into the package, without the optimizer, in half precision."""
    from ultralytics import YOLO

    model = YOLO(str(architecture(folder)), task="detect")
    model.train(
        data=str(dataset(folder)), epochs=epochs, imgsz=SIZE, batch=32, device="cpu", workers=0, rect=True, seed=0,
        optimizer="AdamW", lr0=2e-3, lrf=0.02, cos_lr=True, warmup_epochs=1, weight_decay=1e-3, mosaic=0,
        close_mosaic=0, scale=0.3, translate=0.1, hsv_h=0.02, hsv_s=0.4, hsv_v=0.3, amp=False, plots=False,
        project=str(folder.absolute()), name="run", exist_ok=True, pretrained=False, verbose=False,
    )  # fmt: skip
    ship(folder / "run" / "weights" / "best.pt", DETECTOR)


def ship(trained: Path, place: Path) -> None:
    """Copy a checkpoint of Ultralytics without what it says about the machine and the day it was trained on."""
    checkpoint = torch.load(trained, map_location="cpu", weights_only=False)  # made by the lines above
    model = checkpoint["model"]
    model.yaml.pop("yaml_file", None)
    model.args = {"task": "detect", "imgsz": SIZE}
    kept = {key: checkpoint[key] for key in ("version", "license", "docs")}
    torch.save({**kept, "model": model, "train_args": dict(model.args)}, place)


def measure(folder: Path) -> None:
    """Print the shipped detector's mAP on the scenes of the demo, and of the classes."""
    from ultralytics import YOLO

    result = YOLO(str(DETECTOR)).val(
        data=str(dataset(folder)), split="test", imgsz=SIZE, batch=32, device="cpu", workers=0, rect=True, plots=False,
        project=str(folder.absolute()), name="measured-run", exist_ok=True, verbose=False,
    )  # fmt: skip
    size = DETECTOR.stat().st_size / 2**20
    print(f"{DETECTOR.name}: {size:.1f} MiB; on scenes of the demo, none of them trained on:")
    print(f"mAP50 {result.box.map50:.3f}, mAP50-95 {result.box.map:.3f}, precision {result.box.mp:.3f}, ", end="")
    print(f"recall {result.box.mr:.3f}\n\n| class | AP50 |\n|---|---:|")
    for number, value in sorted(zip(result.box.ap_class_index, result.box.ap50, strict=True), key=lambda row: -row[1]):
        print(f"| {CLASSES[number]} | {value:.3f} |")


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=["train", "measure"])
    parser.add_argument("--folder", type=Path, default=ROOT / "data" / "demo-scenes", help="for the drawn scenes")
    parser.add_argument("--scenes", type=int, default=3000, help="scenes to train on [3000]")
    parser.add_argument("--epochs", type=int, default=24, help="[24]")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="[one a CPU]")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    started = time.perf_counter()
    draw(options.folder, "measured", [MEASURED], 400)
    if options.task == "train":
        draw(options.folder, "watched", [WATCHED], 200)
        draw(options.folder, "train", list(range(WATCHED + 1, WATCHED + 9)), options.scenes)
        print(f"drawn in {time.perf_counter() - started:.0f} s", flush=True)
        train(options.folder, options.epochs)
        print(f"trained in {time.perf_counter() - started:.0f} s, drawing included")
    measure(options.folder)


if __name__ == "__main__":
    main()
