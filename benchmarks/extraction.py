"""Race: from JPEGs to stored features, against the plain loop and against the network alone.

    python benchmarks/extraction.py [--photographs 1024] [--arch resnet50] [--repeats 3] [--whole]

Photographs are first saved as JPEGs of 1024 x 768, as a lifelog's are; the networks have random weights, which take as
long as trained ones. In turns, each a process of its own:

- the plain loop: Pillow, torchvision's transforms, eager ResNet50 in single precision, batches of 32, ``numpy.save``;
- OpenVINO's network alone, in bf16 where the processor has it: the same batch again and again, nothing read or stored;
- ``ntcir``'s extraction with each backend, in the configuration's default and with ``features.decode: scaled``.

Rates are of a run under way, without loading and compiling, which the column ``start`` has: 725,000 photographs take
hours. ``--whole`` adds the memory of ``ntcir features images`` on a made-up lifelog of 725,000 photographs, all but the
last of which are stored already (4 minutes).
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.util
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from score import ROOT, machine, measure

sys.path.insert(0, str(ROOT))

SHARED = ROOT.parent / "shared"
PICTURES = [SHARED / "data" / "photos", SHARED / "data" / "campus"]
BATCH, WARM, PLAIN = 32, 64, 128  # WARM photographs before the clock starts; the plain loop has fewer to do
WHOLE = 725_000


def lifelog(folder: Path, pictures: list[Path], number: int) -> None:
    """Write a records corpus of JPEGs of 1024 x 768: of real photographs, turned, or of noise."""
    (folder / "images").mkdir(parents=True)
    found = sorted(path for place in pictures for path in place.rglob("*.jpg"))[:100]
    draw = np.random.default_rng(0)
    rows = []
    for place in range(number):
        if found:
            picture = Image.open(found[place % len(found)]).convert("RGB").rotate(place // len(found))
        else:
            picture = Image.fromarray(draw.integers(0, 256, (48, 64, 3), dtype=np.uint8))
        picture.resize((1024, 768), Image.Resampling.BICUBIC).save(folder / "images" / f"{place:06d}.jpg", quality=85)
        time_of = dt.datetime(2020, 1, 1) + dt.timedelta(seconds=32 * place)
        rows.append(f"{place:06d}.jpg,{time_of.isoformat()},{place}\n")
    (folder / "records.csv").write_text("file,timestamp,reading\n" + "".join(rows))


def plain(folder: Path, arch: str) -> dict[str, float]:
    """Do what notebooks do."""
    import torch
    import torchvision
    from torchvision import transforms

    network = torchvision.models.get_model(arch, weights=None).eval()
    network.fc = torch.nn.Identity()
    ready = transforms.Compose(
        [
            transforms.Resize((224, 224)),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    files = sorted((folder / "images").glob("*.jpg"))[: PLAIN + BATCH]
    features = []
    with torch.no_grad():
        for start in range(0, len(files), BATCH):
            if start == BATCH:  # the first batch warms up
                begun = time.perf_counter()
            batch = [ready(Image.open(path).convert("RGB")) for path in files[start : start + BATCH]]
            features.append(network(torch.stack(batch)).numpy())
    np.save(folder / f"plain-{os.getpid()}.npy", np.concatenate(features))
    return {"rate": (len(files) - BATCH) / (time.perf_counter() - begun)}


def alone(arch: str) -> dict[str, float]:
    """Run OpenVINO's network on one batch, in the faster of two ways: a stream a core, or one for all cores."""
    import openvino
    import torch

    from ntcir.config import Backbone, Features
    from ntcir.features.backbones import FrozenNetwork
    from ntcir.features.backends import _converted
    from ntcir.features.inference import Inference, precision_of
    from ntcir.system.machine import cores

    options, cpu = Features(backbones=[Backbone(arch=arch, weights="random")]), torch.device("cpu")
    network = FrozenNetwork(options.backbones[0], options)
    batch = torch.zeros(BATCH, 3, options.crop, options.crop, dtype=torch.uint8)
    exported = torch.export.export(Inference(network, torch.float32, cpu), (batch,))
    precision = {"bf16": "bf16", "fp32": "f32"}[precision_of(options, cpu)]
    pictures = np.random.default_rng(0).integers(0, 256, tuple(batch.shape), dtype=np.uint8)
    rates = []
    for streams in {1, cores()}:
        wanted = {"INFERENCE_PRECISION_HINT": precision, "NUM_STREAMS": str(streams)}
        queue = openvino.AsyncInferQueue(openvino.Core().compile_model(_converted(exported), "CPU", wanted), streams)
        for turn in (WARM, 8 * BATCH):
            begun = time.perf_counter()
            for _ in range(turn // BATCH):
                queue.start_async({0: pictures}, share_inputs=True)
            queue.wait_all()
        rates.append(8 * BATCH / (time.perf_counter() - begun))
    return {"rate": max(rates)}


def ours(folder: Path, archs: str, backend: str, decode: str) -> dict[str, float]:
    """Extract: the backend is started and warmed by the first photographs, the others are timed."""
    from ntcir.config import Backbone, Features
    from ntcir.config.sections import AutoSplit
    from ntcir.corpora import open_corpus
    from ntcir.features.image_features import ImageFeatures

    corpus = open_corpus(folder, AutoSplit())
    ids = corpus.images.index.tolist()
    networks = [Backbone(arch=arch, weights="random", seed=seed) for seed, arch in enumerate(archs.split("+"))]
    with tempfile.TemporaryDirectory(dir=folder) as store:
        options = Features(backbones=networks, backend=backend, decode=decode, store=Path(store))
        begun = time.perf_counter()
        features = ImageFeatures(corpus, options)
        features.ensure(ids[:WARM])
        started = time.perf_counter()
        features.ensure(ids[WARM:])
        taken = time.perf_counter() - started
        clock = features.clock.seconds
    return {
        "rate": (len(ids) - WARM) / taken,
        "start": started - begun,
        "store": clock["write"] / taken,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }


def whole(folder: Path, pictures: Path, archs: str) -> dict[str, float]:
    """Make a lifelog of 725,000 photographs, most of them empty files whose features are made up, and stores for it."""
    from metadata import write_lifelog

    from ntcir.config import Backbone, Features
    from ntcir.config.sections import AutoSplit
    from ntcir.corpora import open_corpus
    from ntcir.features.blocks import SHARD_ITEMS
    from ntcir.features.image_features import ImageFeatures
    from ntcir.features.store import signature

    write_lifelog(folder / "lifelog", WHOLE, 780_000)
    real = sorted((pictures / "images").glob("*.jpg"))
    last = sorted((folder / "lifelog" / "images").rglob("*.jpg"))[-len(real) :]
    for place, path in zip(last, real, strict=True):
        shutil.copyfile(path, place)
    corpus = open_corpus(folder / "lifelog", AutoSplit())
    networks = [Backbone(arch=arch, weights="random", seed=seed) for seed, arch in enumerate(archs.split("+"))]
    features = ImageFeatures(corpus, Features(backbones=networks, store=folder / "features"))
    signs = [signature(path) for path in corpus.images["path"]]
    ids = corpus.images.index.tolist()
    for start in range(0, WHOLE, SHARD_ITEMS):
        rows = [row for row in range(start, min(start + SHARD_ITEMS, WHOLE)) if signs[row].startswith("0-")]
        index = {"ids": [ids[row] for row in rows], "signatures": [signs[row] for row in rows]}
        for store in features.stores if rows else []:
            shard = store.folder / f"shard-{start:07d}-made-up.npy"
            # Pages that are never written to take no room.
            np.lib.format.open_memmap(shard, "w+", np.float32, (len(rows), store.dim))
            shard.with_suffix(".json").write_text(json.dumps(index))
    return {"lacking": len(real)}


def peak(folder: Path, archs: str) -> float:
    """Return the peak memory in MB of ``ntcir features images`` on the whole lifelog."""
    backbones = [{"arch": arch, "weights": "random", "seed": seed} for seed, arch in enumerate(archs.split("+"))]
    own = {"features.store": str(folder / "features"), "features.backbones": json.dumps(backbones)}
    settings = [word for key, value in own.items() for word in ("--set", f"{key}={value}")]
    command = ["-W", "ignore", "-m", "ntcir", "features", "images", "--data", str(folder / "lifelog"), *settings]
    return measure(command, folder).megabytes


def measured(*part: str) -> dict[str, float]:
    """Run a part of this file in a process of its own; its remarks go nowhere."""
    command = [sys.executable, "-W", "ignore", __file__, "--part", *part]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE"})
    if done.returncode:
        raise SystemExit(done.stderr)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=int, default=1024)
    parser.add_argument("--pictures", type=Path, nargs="+", default=PICTURES)
    parser.add_argument("--arch", default="resnet50")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--backends", nargs="+", default=["eager", "compile", "openvino"])
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        name, *rest = options.part
        part: dict[str, Any] = {"plain": plain, "alone": alone, "ours": ours, "whole": whole}
        where = [Path(each) if os.sep in each else each for each in rest]
        print(json.dumps(part[name](*where)))
        return
    backends = [name for name in options.backends if name != "openvino" or importlib.util.find_spec("openvino")]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "lifelog"
        lifelog(folder, options.pictures, options.photographs)
        race(folder, options.arch, backends, options.repeats)
        if options.whole:
            place = Path(temporary) / "whole"
            place.mkdir()
            found = measured("whole", str(place), str(folder), f"{options.arch}+{options.arch}")
            print(f"\n| `ntcir features images`, {WHOLE:,} photographs, {found['lacking']:,} not stored | peak MB |")
            print("|---|---:|")
            for archs in (options.arch, f"{options.arch}+{options.arch}"):
                print(f"| {archs.replace('+', ' and ')} | {peak(place, archs):,.0f} |", flush=True)


def race(folder: Path, arch: str, backends: list[str], repeats: int) -> None:
    """Run all in turns and print the table; ratios are to the peers of the same turn."""
    rows: dict[str, tuple[str, ...]] = {"plain loop, eager fp32": ("plain", str(folder), arch)}
    if "openvino" in backends:
        rows["OpenVINO, the network alone"] = ("alone", arch)
    for backend in backends:
        for decode in ("full", "scaled"):
            rows[f"`ntcir`, {backend}, decode: {decode}"] = ("ours", str(folder), arch, backend, decode)
    rows[f"`ntcir`, {backends[-1]}, 2 x {arch}"] = ("ours", str(folder), f"{arch}+{arch}", backends[-1], "full")
    found: dict[str, list[dict[str, float]]] = {name: [] for name in rows}
    for _ in range(repeats):
        for name, part in rows.items():
            found[name].append(measured(*part))

    def middle(values: list[float]) -> float:
        return statistics.median(values)

    def ratio(name: str, peer: str) -> str:
        if peer not in found or "2 x" in name:
            return ""
        pairs = zip(found[name], found[peer], strict=True)
        return f"{middle([mine['rate'] / theirs['rate'] for mine, theirs in pairs]):.2f}"

    plain_loop, network = next(iter(rows)), "OpenVINO, the network alone"
    print(f"{machine()}; {len(list((folder / 'images').iterdir())):,} photographs, {arch}\n")
    print("| from JPEG to stored features | images/s | to plain | to alone | storing | start s | peak MB |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, runs in found.items():
        rate = middle([each["rate"] for each in runs])
        cells = [f"{rate:.1f}", ratio(name, plain_loop), ratio(name, network)]
        for key, text in (("store", "{:.1%}"), ("start", "{:.1f}"), ("memory", "{:,.0f}")):
            cells.append(text.format(middle([each[key] for each in runs])) if key in runs[0] else "")
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
