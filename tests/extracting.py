"""What tests of the extraction share: small networks and pictures, stores compared, and processes that are killed."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from PIL import Image

import ntcir.features.backlog as backlog
import ntcir.features.blocks as blocks
from ntcir.config import Backbone, Features
from ntcir.corpora.corpus import Corpus, ReadingReport
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.decode import decode
from ntcir.features.extraction import Extraction
from ntcir.features.image_features import ImageFeatures

SQUEEZENET = Backbone(arch="squeezenet1_1", weights="random")
SHUFFLENET = Backbone(arch="shufflenet_v2_x0_5", weights="random")
SHARD = 8  # items


def options(store: Path, *backbones: Backbone, **changes: Any) -> Features:
    """Return options for small pictures; the networks are those published, unless ``precision`` says otherwise."""
    small: dict[str, Any] = {"size": 32, "crop": 32, "batch": 4, "store": store, "precision": "fp32"}
    return Features(backbones=list(backbones) or [SQUEEZENET], **(small | changes))


def corpus_of(folder: Path) -> Corpus:
    """A corpus of the files in a folder; only its images matter here."""
    paths = sorted(folder.iterdir())
    images = pd.DataFrame({"path": [str(path) for path in paths]}, index=[path.name for path in paths])
    pairs = pd.DataFrame({"image": images.index})
    return Corpus(folder.name, folder, {"image": images}, pairs, False, "records", ReadingReport())


def write_pictures(folder: Path, number: int, corrupt: Sequence[int] = ()) -> Path:
    """Write pictures of coloured blocks, ``000.jpg`` and so on, some of them cut off."""
    folder.mkdir(parents=True)
    draw = np.random.default_rng(6)
    for item in range(number):
        blocks = Image.fromarray(draw.integers(0, 256, (4, 5, 3), dtype=np.uint8))
        path = folder / f"{item:03}.jpg"
        blocks.resize((60, 40), Image.Resampling.BICUBIC).save(path, quality=95)
        if item in corrupt:
            path.write_bytes(path.read_bytes()[:300])
    return folder


def extract(folder: Path, how: Features) -> ImageFeatures:
    """Do what ``ntcir features images`` does, with the pictures of a folder."""
    corpus = corpus_of(folder)
    features = ImageFeatures(corpus, how)
    features.ensure(corpus.images.index.tolist())
    return features


def by_a_plain_loop(corpus: Corpus, how: Features, ids: list[str]) -> np.ndarray:
    """Return what the published networks say, one picture after the other, float32 [ids, dims]."""
    rows = []
    for backbone in how.backbones:
        network = FrozenNetwork(backbone, how)
        pictures = [
            torch.from_numpy(decode(corpus.images.loc[item, "path"], network.preprocessing.square)) for item in ids
        ]
        with torch.inference_mode():
            rows.append(np.stack([network(picture[None])[0].numpy() for picture in pictures]))
    return np.concatenate(rows, axis=1)


def close(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def cosines(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return the cosine of each row to its fellow, in double precision."""
    found, expected = found.astype(np.float64), expected.astype(np.float64)
    product = (found * expected).sum(axis=1)
    return np.asarray(product / np.linalg.norm(found, axis=1) / np.linalg.norm(expected, axis=1))


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# What processes do that a test starts by ``exit_codes``: they fork others, so that torch is imported once -------------


def make_small() -> None:
    """Make shards and pauses small, in this process and those it forks."""
    torch.set_num_threads(1)
    blocks.SHARD_ITEMS, blocks._DENSE = SHARD, 2
    backlog._PAUSE = 0.01


class Shifted:
    """Alters a picture by shifting it round, as far as the view says."""

    meta: ClassVar = {"step": 3}

    def __call__(self, picture: np.ndarray, item: str, view: int) -> np.ndarray:
        return np.roll(picture, 3 * (view + 1) + len(item), axis=2)


def fork(call: Callable[[], object]) -> int:
    """Call something in another process; return its number."""
    child = os.fork()
    if child:
        return child
    try:
        call()
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        os._exit(1)
    os._exit(0)


def end_of(child: int) -> int:
    """Wait for a process; return its exit code, or less than 0: by which signal it was ended."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def slow_writes(seconds: float) -> None:
    """Let each write take a while, so that a kill is likely to come in its middle."""
    sync = os.fsync
    os.fsync = lambda file: (time.sleep(seconds), sync(file))[1]


def kill_at_random_moments(folder: Path) -> None:
    """Ten times: start on a new store, kill at another moment, start again. One more store outlives all ten kills."""
    make_small()
    slow_writes(0.005)

    def run(name: str) -> ImageFeatures:
        return extract(folder / "photographs", options(folder / name, SQUEEZENET, SHUFFLENET))

    def start(name: str) -> int:
        return fork(lambda: run(name))

    run("undisturbed")  # here, where what is imported meanwhile is imported for all
    before = time.monotonic()
    assert end_of(start("again")) == 0
    whole = time.monotonic() - before
    draw, shards = random.Random(4), []
    for number in range(10):
        name, moment = f"killed-{number}", (number + draw.random()) / 10 * whole
        while True:
            child = start(name)
            time.sleep(moment)
            os.kill(child, signal.SIGKILL)
            if end_of(child) == -signal.SIGKILL:
                break
            moment *= 0.8  # it was done already: the machine has less to do now
            (folder / name).rename(folder / f"early-{time.monotonic_ns()}")
        shards.append(len(list(folder.glob(f"{name}/photographs/*/shard-*.json"))))
        assert end_of(start(name)) == 0
        survivor = start("survivor")
        time.sleep(draw.random() * whole / 3)
        os.kill(survivor, signal.SIGKILL)
        end_of(survivor)
    assert end_of(start("survivor")) == 0
    (folder / "shards.json").write_text(json.dumps(shards))


def kill_at_each_step(folder: Path) -> None:
    """Kill before and after each file takes its name, in turn; and start again."""
    make_small()
    replace = Path.replace
    steps = 0

    def step(last: int) -> None:
        nonlocal steps
        steps += 1
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)

    def start(name: str, last: int = 0) -> int:
        def run() -> None:
            Path.replace = lambda path, to: (step(last), replace(path, to), step(last))[1]
            work_off(name)

        return end_of(fork(run))

    def work_off(name: str) -> None:
        features = extract(folder / "photographs", options(folder / name))
        features.views(Shifted(), 2).ensure([f"{number:03}.jpg" for number in range(9)])

    work_off("undisturbed")  # here, where what is imported meanwhile is imported for all
    last = 1
    while (end := start(f"killed-{last}", last)) == -signal.SIGKILL:
        assert start(f"killed-{last}") == 0
        last += 1
    assert end == 0
    (folder / "steps.json").write_text(json.dumps(last - 1))


def work_at_once(folder: Path) -> None:
    """Two processes at once on one store; again, and one of them is killed while it writes its second shard."""
    make_small()
    encode, sync = Extraction._encode, os.fsync

    def logged(self: Extraction, batch: blocks.Batch) -> blocks.Batch:
        time.sleep(0.01)
        store = self.outputs[0].store.folder.parts[-3]
        with (folder / "encoded.log").open("a") as log:
            log.write("".join(f"{store} {os.getpid()} {item}\n" for item in batch.items))
        return encode(self, batch)

    def start(name: str, ready: int, killed: bool) -> int:
        steps: list[int] = []

        def deadly(file: int) -> None:
            steps.append(file)
            if len(steps) == 6:
                os.kill(os.getpid(), signal.SIGKILL)
            sync(file)

        def run() -> None:
            corpus = corpus_of(folder / "photographs")
            features = ImageFeatures(corpus, options(folder / name, SQUEEZENET, SHUFFLENET))
            os.read(ready, 1)  # both begin at once
            if killed:
                os.fsync = deadly
            elif name == "killed":  # when the other one is at work, lest there be nothing left for it
                while f"{name} " not in (folder / "encoded.log").read_text():
                    time.sleep(0.01)
            present = features.ensure(corpus.images.index.tolist())
            assert len(present) - present.sum() == 1  # what the other one has done is seen by both

        return fork(run)

    extract(folder / "photographs", options(folder / "alone", SQUEEZENET, SHUFFLENET))
    Extraction._encode = logged
    ends = {}
    for name in ("together", "killed"):
        reading, writing = os.pipe()
        children = [start(name, reading, name == "killed" and number == 0) for number in range(2)]
        time.sleep(0.3)
        os.write(writing, b"..")
        ends[name] = [end_of(child) for child in children]
    (folder / "ends.json").write_text(json.dumps(ends))


def more_ranks_than_images(folder: Path) -> None:
    """What each of several processes does that torchrun has started on a single photograph."""
    from ntcir.system.parallel import ranks, together

    make_small()
    with together():
        features = extract(folder / "photographs", options(folder / "store"))
        (folder / f"{ranks().number}.json").write_text(json.dumps(features.load(["000.jpg"]).tolist()))
