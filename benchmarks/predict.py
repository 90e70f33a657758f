"""Race: ``ntcir predict`` on the organisers' input, against reading it whole with pandas; its memory; its JSON reader.

    python benchmarks/predict.py [--sizes 0.3 3] [--networks resnet50 'resnet18 bf16'] [--repeats 3] [--folder DIR]

The inputs are generated: one topic a direction, pictures of 1024 x 768 of another noise each, so that a gigabyte is 118
records. The peer does what the organisers' example does: ``pandas.read_json`` of the whole file, each record's lists to
a float array, resized and normalised, then topic by topic in batches of up to 512 through the same two networks (theirs
are ResNet18, the poster's ResNet50), in fp32. Networks have random weights; each is a process of its own, and start-up
(imports, networks) is left out on both sides. The JSON reader is measured alone and in one thread, on a file in which
no picture comes twice.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from score import ROOT, machine

sys.path.insert(0, str(ROOT))
RECORD = 8.45e6  # bytes
HEIGHT, WIDTH = 768, 1024


def generate(path: Path, gigabytes: float, distinct: bool = False) -> Path:
    """Write an input of two topics, or (``distinct``) one in which no picture comes twice; one that is there stays."""
    import numpy as np

    from ntcir.submission.pixels import pixel_text
    from ntcir.submission.write import record_text

    if path.is_file():
        return path
    draw = np.random.default_rng(0)

    def picture() -> bytes:
        return pixel_text(draw.integers(0, 256, (3, HEIGHT, WIDTH), dtype=np.uint8))

    pool = max(2, round(gigabytes * 1e9 / RECORD / 2))
    with path.with_suffix(".part").open("wb") as file:
        for topic, direction in (("img2sen_001", "img2sen"), ("sen2img_001", "sen2img")):
            asked = picture()
            for number in range(pool):
                new = distinct or direction == "sen2img"
                pulse = float(number if direction == "img2sen" else 0)
                readings = {"heart_rate(bpm)": 60 + pulse, "new_lat": 53.3, "new_lng": -6.2}
                image = picture() if new else asked
                text = record_text(topic, f"{number + 1:05d}", direction, image, readings)  # type: ignore[arg-type]
                file.write((b"[" if file.tell() == 0 else b",") + text)
        file.write(b"]")
    path.with_suffix(".part").rename(path)
    return path


def make_model(folder: Path, kind: str) -> Path:
    """Write a model with two networks of this kind (``resnet50``, or ``resnet50 bf16``), its towers untrained."""
    import pandas as pd

    from ntcir.config import Config
    from ntcir.encoders.frozen import FrozenEncoder
    from ntcir.encoders.presets import PRESETS
    from ntcir.encoders.readings import ReadingsEncoder
    from ntcir.features.backbones import FrozenNetwork
    from ntcir.model.model import Model

    arch, _, precision = kind.partition(" ")
    backbones = [{"arch": arch, "weights": "random", "seed": seed} for seed in (0, 1)]
    changes = {
        "features.backbones": backbones,
        "features.precision": precision or "fp32",
        "towers.image.standardise": False,
    }
    config = Config().changed(changes)
    networks = [FrozenNetwork(backbone, config.features) for backbone in config.features.backbones]
    table = pd.DataFrame({"heart_rate(bpm)": [60.0, 90], "new_lat": [53.2, 53.4], "new_lng": [-6.3, -6.1]})
    readings = ReadingsEncoder.fit(PRESETS["ymx2l"], table)
    fingerprints = [str(network.meta["fingerprint"]) for network in networks]
    images = FrozenEncoder(sum(network.dim for network in networks), fingerprints)
    Model(config, {"image": images, "sensor": readings}).save(folder)
    return folder


def own(source: Path, model: Path) -> dict[str, float]:
    """Score an input with ``ntcir``; seconds without start-up."""
    from ntcir.formats.official import format_run
    from ntcir.model.model import Model
    from ntcir.submission.predict import load_networks, score_input

    trained = Model.load(model)
    networks = load_networks(trained, "cpu")
    started = time.perf_counter()
    format_run("ORG", "race", score_input(str(source), trained, networks).rows)
    return {"seconds": time.perf_counter() - started}


def peer(source: Path, model: Path) -> dict[str, float]:
    """Score an input as the organisers' example does: read whole, each record encoded; seconds without start-up."""
    import numpy as np
    import pandas as pd
    import torch
    from torch.nn import functional
    from torchvision import models, transforms

    from ntcir.model.model import Model

    trained = Model.load(model)
    networks = []
    for backbone in trained.config.features.backbones:
        network = models.get_model(backbone.arch).eval().requires_grad_(False)
        network.fc = torch.nn.Identity()
        networks.append(network)
    normalise = transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    started = time.perf_counter()
    table = pd.read_json(source, dtype={"dmr_minute_id": str})
    read = time.perf_counter() - started
    table["image"] = [
        normalise(transforms.functional.resize(torch.from_numpy(np.array(image)).to(torch.float32) / 255, (224, 224)))
        for image in table["image"]
    ]
    scores = []
    for _, topic in table.groupby("topic_id", sort=False):
        for start in range(0, len(topic), 512):
            rows = topic.iloc[start : start + 512]
            batch = torch.stack(rows["image"].tolist())
            features = torch.cat([network(batch) for network in networks], dim=1).numpy()
            images = torch.from_numpy(trained.unit_vectors("image", features))
            readings = torch.from_numpy(trained.encode("sensor", trained.encoders["sensor"].encode(rows)).vectors)
            scores.append(functional.cosine_similarity(images, readings).numpy())
    table["score"] = np.concatenate(scores)
    table[["topic_id", "dmr_minute_id", "score"]].to_csv(os.devnull, index=False)
    return {"seconds": time.perf_counter() - started, "reading": read}


def command(source: Path, model: Path) -> dict[str, float]:
    """Type ``ntcir predict`` and wait; seconds with start-up."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "ntcir", "predict", str(source), f"{folder}/out.csv", "--model", str(model)]
        started = time.perf_counter()
        subprocess.run(words, check=True, stderr=subprocess.DEVNULL)
        return {"seconds": time.perf_counter() - started}


def in_a_child(what: str, source: Path, model: Path) -> dict[str, float]:
    """Run one of the above in a process of its own; add the peak of its memory in MB."""
    words = [sys.executable, __file__, "--child", what, str(source), str(model)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    if what == "own":
        environment |= {"OMP_WAIT_POLICY": "PASSIVE"}  # as the command sets it
    result = subprocess.run(words, check=True, capture_output=True, text=True, env=environment)
    found: dict[str, float] = json.loads(result.stdout.splitlines()[-1])
    return found


def child(what: str, source: Path, model: Path) -> None:
    """Run it here, and print what was measured."""
    found = {"own": own, "peer": peer, "command": command}[what](source, model)
    whose = resource.RUSAGE_CHILDREN if what == "command" else resource.RUSAGE_SELF
    found["megabytes"] = resource.getrusage(whose).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print(json.dumps(found))


def readers() -> dict[str, Callable[[bytes], object]]:
    """Return ways of reading one picture's nested lists into an array of bytes."""
    import numpy as np

    from ntcir.submission.pixels import parse_pixels

    ways: dict[str, Callable[[bytes], object]] = {
        "`ntcir.submission.pixels`": parse_pixels,
        "numpy.fromstring": lambda text: np.fromstring(
            text.translate(None, b"[]").decode(), dtype=np.uint8, sep=","
        ).reshape(3, HEIGHT, WIDTH),
        "json, then numpy": lambda text: np.array(json.loads(text), dtype=np.uint8),
    }
    if importlib.util.find_spec("orjson"):
        import orjson

        ways["orjson, then numpy"] = lambda text: np.array(orjson.loads(text), dtype=np.uint8)
    if importlib.util.find_spec("simdjson"):
        import simdjson

        parser = simdjson.Parser()
        ways["pysimdjson, `as_buffer`"] = lambda text: np.frombuffer(parser.parse(text).as_buffer(of_type="u"), "u8")
    return ways


def in_turns(ways: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the median seconds of each, run in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}


def whole_reader(source: Path) -> None:
    """Read an input as ``predict`` does, without the networks and without threads."""
    from hashlib import sha256

    from ntcir.submission.pixels import parse_pixels
    from ntcir.submission.stream import open_input, read_records

    with open_input(str(source)) as (file, _):
        for record in read_records(file, str(source)):
            sha256(record.image).digest()
            parse_pixels(record.image)


def race_readers(folder: Path, repeats: int) -> None:
    """Print the table of JSON readers."""
    from ntcir.submission.stream import open_input, read_records

    source = generate(folder / "distinct.json", 0.3, distinct=True)
    with open_input(str(source)) as (file, _):
        text = bytes(next(iter(read_records(file, str(source)))).image)
    ways: dict[str, tuple[float, Callable[[], object]]] = {
        "`ntcir`, a whole file, records told apart and compared": (source.stat().st_size, lambda: whole_reader(source))
    } | {f"{name}, one picture": (len(text), lambda way=way: way(text)) for name, way in readers().items()}
    seconds = in_turns({name: way for name, (_, way) in ways.items()}, max(3, repeats))
    base = 0.0
    print("| JSON to arrays of bytes, one core | MB/s | ratio |")
    print("|---|---:|---:|")
    for name, (size, _) in ways.items():
        rate = size / 1e6 / seconds[name]
        base = base or rate
        print(f"| {name} | {rate:.0f} | {rate / base:.2f} |")


def race_memory(inputs: dict[float, Path], kind: str, model: Path) -> None:
    """Print the table of ``ntcir predict`` on inputs of several sizes."""
    print(f"\n| `ntcir predict`, 2 x {kind} | s, start-up included | MB/s | peak memory (MB) |")
    print("|---|---:|---:|---:|")
    for size, source in inputs.items():
        found = in_a_child("command", source, model)
        rate = source.stat().st_size / 1e6 / found["seconds"]
        print(f"| {size:g} GB | {found['seconds']:.1f} | {rate:.0f} | {found['megabytes']:.0f} |", flush=True)


def race_peer(inputs: dict[float, Path], models: dict[str, Path], repeats: int, most: float) -> None:
    """Print the table of ``ntcir`` against the peer, in turns, on inputs of up to ``most`` gigabytes."""
    print("\n| without start-up | `ntcir` s | pandas s | of it reading | ratio | MB | pandas MB |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for size, source in inputs.items():
        if size > most:
            continue
        times = repeats if size < 1 else 1
        for arch in dict.fromkeys(kind.partition(" ")[0] for kind in models):
            mine = {kind: model for kind, model in models.items() if kind.partition(" ")[0] == arch}
            theirs: list[dict[str, float]] = []
            ours: dict[str, list[dict[str, float]]] = {kind: [] for kind in mine}
            for _ in range(times):
                theirs.append(in_a_child("peer", source, next(iter(mine.values()))))  # in fp32, whatever ours is
                for kind, model in mine.items():
                    ours[kind].append(in_a_child("own", source, model))
            for kind, found in ours.items():
                taken, against, reading = (
                    statistics.median(each[key] for each in side)
                    for side, key in ((found, "seconds"), (theirs, "seconds"), (theirs, "reading"))
                )
                peaks = [max(each["megabytes"] for each in side) for side in (found, theirs)]
                cells = f"{taken:.1f} | {against:.1f} | {reading:.1f} | {against / taken:.1f}"
                print(f"| {size:g} GB, 2 x {kind} | {cells} | {peaks[0]:.0f} | {peaks[1]:.0f} |", flush=True)


def main() -> None:
    """Run the races and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.3, 3.0], help="gigabytes of the inputs")
    kinds = ["resnet50", "resnet50 bf16", "resnet18", "resnet18 bf16"]
    parser.add_argument("--networks", nargs="+", default=kinds, help="two of each are run")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peer", type=float, default=3.0, help="gigabytes the peer is given at most: it needs 4 times")
    parser.add_argument("--folder", type=Path, help="where the inputs go and stay")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child[0], Path(options.child[1]), Path(options.child[2]))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print(f"{machine()}\n", flush=True)
        models = {kind: make_model(Path(temporary) / kind, kind) for kind in options.networks}
        inputs = {size: generate(folder / f"input-{size:g}.json", size) for size in options.sizes}
        race_readers(folder, options.repeats)
        race_memory(inputs, options.networks[0], models[options.networks[0]])
        race_peer(inputs, models, options.repeats, options.peer)


if __name__ == "__main__":
    main()
