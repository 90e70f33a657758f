"""No command sends anything or writes elsewhere in the home folder than below ``.cache/ntcir``."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import yaml
from helpers import write_pictures
from watching import Watch

from ntcir.system.libraries import confine_libraries

OPENVINO = importlib.util.find_spec("openvino") is not None
# What Python and torch ask about fonts, libraries and the machine; a bundle is tried with its own Python.
PROGRAMS = {"fc-list", "ldconfig", "uname", "lscpu"}
IN_BUNDLE = {"unshare", "python", "bash"}
SMALL = (
    "{base: data/ntcir.yaml, iterations: [2], methods: {plain: {}}, weights: {tiny: null}, seeds: 1, "
    "folds: {one: {data.split: {by: session, test: [s1], val: [s2]}}}, topics: {pool: 14, per_day: 2}}"
)
OBJECTS = "--set objects.detector=demo --set positives.objects=true --set augment.views=1"
# Each entry is a process of its own; what imports least comes first, so that no command rests on one before it.
TYPED = {
    "topics": [
        "demo demo --days 3 --per-day 2",
        "build-topics --out topics",
        "build-topics --pool 4 --out official --format official",
    ],
    "train": ["train --iters 2 --out model --set features.backend=openvino"],
    "train with objects and views": [f"train --iters 2 --out richer {OBJECTS}", "features status"],
    "images": ["build-topics --pool 4 --out again --format official --reader torchvision", "features images"],
    "objects": ["features objects --detector demo --csv demo.csv", "features objects --detector tiny_openvino_model"],
    "run, score, show, search, explain and ablate": [
        "run topics/topics.tsv --model model > run.txt",
        "score run.txt",
        "score run.txt --json --measures 'nDCG@10 P@5 Judged@10'",
        "show TOPIC --topics topics/topics.tsv --run run.txt",
        "search --reading '{\"warm\": 9}' --model model",
        "explain --reading '{\"warm\": 9}' --model model --cells 1",
        "ablate grid.yaml --out grid",
    ],
    "predict and bundle": [
        "predict official/input.json scores.csv --model richer", "bundle richer --group ORG --run one"
    ],
}  # fmt: skip


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    watch = Watch(tmp_path)
    write_pictures(watch.work / "data")
    (watch.work / "grid.yaml").write_text(SMALL, encoding="utf-8")
    if OPENVINO:
        write_detector(watch.work / "tiny_openvino_model")
    return watch


def write_detector(folder: Path) -> None:
    """Write an OpenVINO detector that finds the same in every picture."""
    confine_libraries()
    import numpy as np
    import openvino
    from openvino import opset13 as ops

    picture = ops.parameter([1, 3, 64, 64], np.float32, name="images")
    nothing = ops.multiply(ops.reduce_mean(picture, [1, 2, 3], keep_dims=False), np.float32(0))
    found = np.tile(np.float32([32, 32, 20, 20, 0.9, 0.0]), (84, 1)).T[None]  # x, y, width, height, two classes
    folder.mkdir()
    openvino.save_model(openvino.Model([ops.add(found, nothing)], [picture]), folder / "tiny.xml")
    facts = {"names": {0: "cup", 1: "dog"}, "stride": 32, "task": "detect", "imgsz": [64, 64], "batch": 1}
    (folder / "metadata.yaml").write_text(yaml.safe_dump(facts), encoding="utf-8")


def lines_of(watch: Watch, name: str) -> list[str]:
    """Return the commands of an entry, as they can be typed here."""
    lines = [line for line in TYPED[name] if OPENVINO or "openvino_model" not in line]
    topics = watch.work / "topics" / "topics.tsv"
    topic = topics.read_text("utf-8").splitlines()[1].split("\t")[0] if topics.is_file() else ""
    backend = "openvino" if OPENVINO else "auto"
    return [line.replace("TOPIC", topic).replace("backend=openvino", f"backend={backend}") for line in lines]


def test_the_watch_sees_what_is_swallowed(watch):
    code = (
        "import contextlib, multiprocessing, socket, subprocess, sys, urllib.request\n"
        "def ask():\n"
        "    with contextlib.suppress(OSError): urllib.request.urlopen('http://127.0.0.1:9')\n"
        "with contextlib.suppress(OSError): socket.getaddrinfo('localhost', 80)\n"
        "with contextlib.suppress(OSError): socket.gethostbyname('localhost')\n"
        "with contextlib.suppress(OSError): socket.create_connection(('127.0.0.1', 9))\n"
        "process = multiprocessing.get_context('fork').Process(target=ask); process.start(); process.join()\n"
        "child = 'import socket; socket.socket().connect((\"127.0.0.1\", 9))'\n"
        "subprocess.run([sys.executable, '-c', child], capture_output=True)\n"
    )
    seen = watch.python(code)
    assert seen.code == 0, seen.said
    events = [line.split()[0] for line in seen.network]
    assert events == [
        "socket.getaddrinfo", "socket.gethostbyname", "socket.getaddrinfo", "urllib.Request", "socket.connect",
    ]  # fmt: skip


# One test, because each process works with what those before it have written.
def test_nothing_is_sent_and_the_home_folder_stays_as_it_was(watch):
    for name in TYPED:
        seen = watch.commands(*lines_of(watch, name))
        assert seen.code == 0, f"{name}: {seen.said}"
        assert seen.network == [], name
        elsewhere = {path for path in seen.home if path != ".cache" and not f"{path}/".startswith(".cache/ntcir/")}
        assert elsewhere == set(), name
        assert seen.programs <= PROGRAMS | (IN_BUNDLE if "bundle" in name else set()), name
