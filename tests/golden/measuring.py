"""What the golden tests do: commands in a folder, and what came of them as values that JSON holds.

Everything is typed as a person types it and read from the files and the standard output that it leaves, so that these
measurements outlive any change of the code that leaves the figures alone. Of large things a few numbers are kept that
see a change anywhere in them (``sketch``). What must be told about a new layout is told here, in one place:
``canonical`` for the names of weights.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from helpers import command_line
from processes import together
from safetensors.numpy import load_file, save_file

HERE = Path(__file__).resolve().parent
KEPT = HERE / "kept"
VALUES = HERE / "values.json"
NETWORK = "network.safetensors"
WHEN = 1_620_000_000 * 10**9  # the files' time of change (ns) when the kept store was written: git does not keep it
STEPS = 20
Json = dict[str, Any]

# Patterns of names of weights as they are now -> as they were when the values were recorded. Whoever renames weights
# adds a line, and nothing else here changes.
RENAMED: dict[str, str] = {
    r"learnt\.0\.log_temperature": "log_temperature",
    r"networks\.image\.(\d+)\.": r"networks.\1.",
}

# The presets auto and full left numbers as they are when the values were recorded.
RAW: Json = {"sensors.numbers": "raw"}
# Trainings on the kept corpus.
KINDS: dict[str, Json] = {
    "plain": {},
    "options": {
        "towers.image_dropout": 0.2, "towers.standardise": False, "towers.sensor_layers": 3,
        "towers.sensor_dropout": 0.3, "sensors.categories": "embedding", "sensors.embedding_dim": 4,
        "sensors.rare": 1, "sensors.cyclic": {"heading": 256}, "training.learn_temperature": True,
        "training.symmetric": False, "training.batches": "day", "training.schedule": "cosine",
        "training.weight_decay": 0.01, "training.temperature": 0.2, "training.batch": 6,
    },
    "fine-tuned": {
        "encoder.finetune": True, "encoder.lr": 1e-4, "encoder.chunk": 8, "encoder.precision": "fp32",
        "encoder.device": "cpu", "augment.views": 1, "towers.standardise": False,
    },
    # The training in ``kept/interrupted``, in one piece.
    "interrupted": {
        "towers.dim": 4, "towers.image_dropout": 0.1, "towers.sensor_dropout": 0.1, "training.learn_temperature": True,
        "training.schedule": "cosine", "training.validate_every": 10, "negatives.model": True, "negatives.every": 4,
        "negatives.range_max": 8, "negatives.share": 0.5,
    },
}  # fmt: skip
# A training on the drawn lifelog: all that is matched, altered and mined.
MINED: Json = {
    "features.backbones": [{"arch": "squeezenet1_1", "weights": NETWORK}], "features.size": 64, "features.crop": 64,
    "features.precision": "fp32", "features.device": "cpu", "sensors.location": "fourier",
    "towers.dim": 8, "towers.sensor_hidden": 16, "towers.image_dropout": 0.1, "training.batch": 12,
    "training.validate_every": 20, "objects.detector": "demo", "objects.size": 320, "objects.confidence": 0.42,
    "positives.objects": True, "positives.within_seconds": 20000, "positives.overlap": 0.4, "positives.share": 0.5,
    "augment.views": 2, "augment.share": 0.5, "negatives.objects": True, "negatives.model": True, "negatives.every": 5,
    "negatives.range_max": 8, "negatives.near_seconds": 7200, "negatives.share": 0.5, "topics.pool": 6,
}  # fmt: skip


# --------------------------------------------------------------------------------------------------- what is typed


def typed(folder: Path, *words: str) -> tuple[str, str]:
    """Type a command of ``ntcir`` in a folder; return standard output and error."""
    with contextlib.chdir(folder):
        done = command_line(*words)
    if done.exit_code or done.exception:
        raise AssertionError(f"ntcir {' '.join(words)}: {done.output}") from done.exception
    return done.stdout, done.stderr


def settings(changes: Mapping[str, Any]) -> list[str]:
    """Return changes of a configuration as options; JSON is YAML."""
    return [word for key, value in changes.items() for word in ("--set", f"{key}={json.dumps(value)}")]


def write_network(folder: Path, seed: int = 5) -> None:
    """Write weights of a SqueezeNet in which no processor has rounded anything: small whole numbers, scaled exactly.

    Random ones, as ``weights: random`` draws them, differ in the last digit between processors with and without FMA,
    and with them their fingerprint.
    """
    import torchvision

    draw = np.random.default_rng(seed)
    state = torchvision.models.squeezenet1_1(weights=None).features.state_dict()
    weights = {}
    for name, value in state.items():
        size = 2.0 / value[0].numel() if value.ndim > 1 else 0.0  # the variance that keeps activations alike in size
        scale = 2.0 ** np.round(np.log2(size**0.5 / 73)) if size else 0.0  # 73: the s.d. of the whole numbers
        weights[f"features.{name}"] = (draw.integers(-127, 128, tuple(value.shape)) * scale).astype(np.float32)
    save_file(weights, folder / NETWORK)


def copy_kept(folder: Path, *names: str) -> Path:
    """Copy parts of what is kept, the corpus and others, with the times that its store knows the photographs by.

    Configurations of kept models name the new place. The store names the old one, as after a move.
    """
    for name in ("data", *names):
        shutil.copytree(KEPT / name, folder / name)
    for path in sorted((folder / "data").rglob("*")):
        os.utime(path, ns=(WHEN, WHEN))
    for path in folder.glob("*/config.yaml"):
        path.write_text(path.read_text(encoding="utf-8").replace("/kept/", f"{folder}/"), encoding="utf-8")
    write_network(folder)
    return folder


def train(folder: Path, out: str, changes: Mapping[str, Any], data: str = "data") -> Json:
    """Train on a corpus in a folder; return what was learnt."""
    typed(folder, *train_words(out, RAW | changes, data))
    return training(folder / out)


def train_words(out: str, changes: Mapping[str, Any], data: str) -> list[str]:
    return ["train", "--data", data, "--iters", str(STEPS), "--out", out, *settings(changes)]


def train_together(folder: Path, out: str, changes: Mapping[str, Any], data: str) -> Json:
    """Do the same in two processes that share the batches."""
    halved = {**RAW, **changes, "training.batch": changes["training.batch"] // 2}
    done = together(*train_words(out, halved, data), folder=folder)
    assert done.returncode == 0, done.stderr
    assert f"2 processes of {halved['training.batch']} pairs" in done.stderr
    return training(folder / out)


def draw_lifelog(folder: Path) -> None:
    """Draw a lifelog of 60 photographs."""
    write_network(
        folder, seed=8
    )  # no feature of these photographs is nearly flat: to standardise it amplifies rounding
    typed(folder, "demo", "lifelog", "--days", "5", "--per-day", "12")


# --------------------------------------------------------------------------------------------------- what is kept


def training(folder: Path) -> Json:
    """Return what a training has learnt: weights, losses, validation, and what it mined."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["step"] for row in rows] == list(range(1, len(rows) + 1))
    return {
        "losses": [row["loss"] for row in rows],
        "validation": {key: rows[-1][key] for key in ("img2sen", "sen2img") if key in rows[-1]},
        "mined": {str(row["step"]): row["mined"] for row in rows if "mined" in row},
        "weights": {name: sketch(value) for name, value in canonical(folder / "model.safetensors").items()},
    }


def canonical(path: Path) -> dict[str, np.ndarray]:
    """Return the weights in a file by the names that they had when the values were recorded.

    What standardised features are multiplied by is turned into their deviations: the factor of one that is nearly flat
    is a hundred times its rounding.
    """
    found, weights = {}, load_file(path)
    with_stem = {name.split("towers.")[1].split(".")[0] for name in weights if re.search(r"towers\.\w+\.stem\.", name)}
    for name, value in weights.items():
        for pattern, former in RENAMED.items():
            name = re.sub(pattern, former, name)
        name = _as_one_head(name, with_stem)
        if name.endswith(".scale"):
            value = np.divide(1, value, out=np.zeros_like(value), where=value != 0)
        found[name] = value
    return dict(sorted(found.items()))


def _as_one_head(name: str, with_stem: set[str]) -> str:
    """Return the name that a tower's layer had when stem and head were counted together as the head's layers."""
    layer = re.fullmatch(r"(.*\.)?towers\.(\w+)\.(?:stem|head\.(\d+))\.(.+)", name)
    if layer is None:
        return name
    number = int(layer[3]) + (layer[2] in with_stem) if layer[3] else 0
    return f"{layer[1] or ''}towers.{layer[2]}.head.{number}.{layer[4]}"


def sketch(values: np.ndarray) -> list[float]:
    """Return four numbers for an array: its size (root mean square) and three projections of that size or less.

    A number that changes, or changes places with another, changes the projections.
    """
    flat = np.asarray(values, dtype=np.float64).reshape(-1)
    place = np.arange(len(flat))
    parts = [float(flat @ np.cos(0.7 * number * place + number)) * (2 / len(flat)) ** 0.5 for number in (1, 2, 3)]
    return [float(np.sqrt(np.mean(flat**2))), *parts]


def stored(store: Path) -> Json:
    """Return a sketch of each photograph's rows in each store of a folder, by the store's name without its digest."""
    found: Json = {}
    for index in sorted(store.rglob("shard-*.json")):
        tree = json.loads(index.read_text(encoding="utf-8"))
        rows = np.load(index.with_suffix(".npy"))
        lengths = tree.get("rows", [1] * len(tree["ids"]))
        place = found.setdefault(re.sub(r"-[0-9a-f]{10}\b", "", str(index.parent.relative_to(store))), {})
        for item, part in zip(tree["ids"], np.split(rows, np.cumsum(lengths)[:-1]), strict=True):
            place[item] = [len(part), *(sketch(part) if len(part) else [])]
    return {name: dict(sorted(items.items())) for name, items in sorted(found.items())}


def detected(folder: Path, changes: Mapping[str, Any]) -> Json:
    """Return how many objects of each class every photograph of the drawn lifelog shows.

    None of them is less than 0.01 surer or less sure than it has to be to count.
    """
    table, _ = typed(folder, "features", "objects", "--data", "lifelog", "--csv", "-", *settings(changes))
    found: dict[str, Counter[str]] = {}
    for row in csv.DictReader(table.splitlines()):
        found.setdefault(row["image_id"], Counter())[row["class"]] += 1
    return {item: dict(sorted(counts.items())) for item, counts in sorted(found.items())}


def ranking(text: str) -> Json:
    """Return a run by topic: its tag, documents and scores, in its order."""
    found: dict[str, list[tuple[str, float]]] = {}
    tags = set()
    for line in text.splitlines():
        topic, literal, document, rank, score, tag = line.split(" ")
        ranked = found.setdefault(topic, [])
        ranked.append((document, float(score)))
        assert (literal, int(rank)) == ("Q0", len(ranked))
        tags.add(tag)
    return {"tags": sorted(tags), "topics": {topic: [list(pair) for pair in ranked] for topic, ranked in found.items()}}


def official(path: Path) -> Json:
    """Return the organisers' CSV: header, ids in their order, and scores."""
    header, *rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    return {"header": header, "ids": [row[:-1] for row in rows], "scores": [float(row[-1]) for row in rows]}


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()
