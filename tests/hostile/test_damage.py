"""Whatever happens to the bytes of a file of ours: the same content as before, or one sentence; never a traceback."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from former_models import READINGS, make_former
from helpers import encode_readings, fit, one_thread, toy_config, toy_corpus  # noqa: F401
from mutating import mutations

from ntcir.features.status import _meta_of
from ntcir.features.store import DetectionStore, FeatureStore
from ntcir.model.folder import CARD, CONFIG, ENCODERS, WEIGHTS
from ntcir.model.metrics import METRICS, read_metrics
from ntcir.model.model import Model
from ntcir.system.errors import UserError
from ntcir.training.checkpoint import LAST, load_checkpoint

pytestmark = pytest.mark.usefixtures("one_thread")
EACH = 60  # damaged versions of a file
META = {"fingerprint": "f" * 64, "dim": 3}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training's folder."""
    folder = tmp_path_factory.mktemp("trained") / "m"
    fit(toy_config(training__iters=10, training__validate_every=5, sensors__categories="embedding"), folder)
    return folder


@pytest.fixture(scope="module")
def former(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, as an earlier version left it."""
    return make_former(Path(shutil.copytree(trained, tmp_path_factory.mktemp("former") / "m")))


def vectors(folder: Path) -> bytes:
    """Return what a model says of readings and features, and the facts it was saved with, as bytes."""
    model = Model.load(folder)
    features = np.random.default_rng(0).normal(size=(5, model.encoders["image"].dim)).astype(np.float32)
    found = (
        model.encode("image", features).vectors.tobytes()
        + encode_readings(model, toy_corpus().sensors).vectors.tobytes()
    )
    return found + json.dumps([model.encoders["image"].fingerprints, model.card]).encode()


def checkpointed(folder: Path) -> bytes:
    model = Model.load(folder)
    optimizer = torch.optim.Adam([*model.towers.parameters()])
    progress, mined = load_checkpoint(folder, model, optimizer)
    parts = [value.numpy().tobytes() for value in model.state().values()]
    parts += [value.numpy().tobytes() for state in optimizer.state.values() for value in state.values()]
    return b"".join(parts) + repr((progress, sorted(mined))).encode()


def metrics(folder: Path) -> bytes:
    """Return how many rows there are: figures themselves have no digest."""
    rows = read_metrics(folder / METRICS)
    assert all(type(row["step"]) is int and np.isfinite(row["loss"]) for row in rows)
    assert [row["step"] for row in rows] == sorted({row["step"] for row in rows})
    return b""


@pytest.mark.parametrize(
    ("name", "read"),
    [
        (CONFIG, vectors), (ENCODERS, vectors), (CARD, vectors), (WEIGHTS, vectors), (LAST, checkpointed),
        (METRICS, metrics),
    ],
)  # fmt: skip
def test_a_damaged_file_of_a_training_changes_nothing_in_silence(
    trained: Path, name: str, read: Callable[[Path], bytes]
):
    change_nothing(trained, name, read)


@pytest.mark.parametrize(
    ("name", "read"),
    [(CONFIG, vectors), (READINGS, vectors), (CARD, vectors), (WEIGHTS, vectors), (LAST, checkpointed)],
)
def test_nor_does_one_of_an_earlier_version(former: Path, name: str, read: Callable[[Path], bytes]):
    change_nothing(former, name, read)


def change_nothing(trained: Path, name: str, read: Callable[[Path], bytes]) -> None:
    """Damage a file of a training in many ways: what is read is what was there, or refused."""
    whole, expected = (trained / name).read_bytes(), read(trained)
    refused: list[str] = []
    try:
        for what, data in mutations(whole, EACH, seed=1):
            (trained / name).write_bytes(data)
            try:
                assert read(trained) == expected, what
            except UserError as error:
                refused.append(str(error))
    finally:
        (trained / name).write_bytes(whole)
    assert len(refused) > EACH // 5
    assert all("\n" not in sentence and len(sentence) < 800 for sentence in refused)
    assert read(trained) == expected


def filled_store(folder: Path, kind: type[FeatureStore] | type[DetectionStore]) -> tuple[list[str], np.ndarray]:
    ids, draw = [f"{number:05}" for number in range(12)], np.random.default_rng(3)
    rows = draw.standard_normal((12, 3 if kind is FeatureStore else 6)).astype(np.float32)
    store = kind(folder, META)
    for block in range(3):
        part = slice(4 * block, 4 * block + 4)
        signs = [f"sign-{item}" for item in ids[part]]
        failed = [(f"bad-{block}", "1-1", "cut off")]
        if isinstance(store, FeatureStore):
            store.write(block, ids[part], signs, rows[part], failed)
        else:
            store.append(ids[part], signs, list(rows[part][:, None]), failed)
    store.list_failed({})
    return ids, rows


@pytest.mark.parametrize("kind", [FeatureStore, DetectionStore])
@pytest.mark.parametrize("pattern", ["shard-*.npy", "shard-*.json", "meta.json", "failed.csv"])
def test_a_damaged_store_gives_the_rows_that_were_stored_or_asks_for_them_again(tmp_path, kind, pattern):
    folder = tmp_path / "store"
    ids, rows = filled_store(folder, kind)
    signs = [f"sign-{item}" for item in ids]
    path = sorted(folder.glob(pattern))[len(list(folder.glob(pattern))) // 2]
    whole, lost = path.read_bytes(), 0
    refused: list[str] = []
    for what, data in mutations(whole, EACH, seed=2):
        path.write_bytes(data)
        try:
            _meta_of(folder)
            store = kind(folder, META)
        except UserError as error:
            refused.append(str(error))
            continue
        store.check(ids, signs)
        there = [place for place in range(12) if store.has(ids[place], signs[place])]
        lost += len(there) < 12
        assert all(store.needs(ids[place], signs[place]) for place in range(12) if place not in there), what
        asked = ([ids[place] for place in there], [signs[place] for place in there])
        if isinstance(store, FeatureStore):
            found = np.empty((len(there), 3), dtype=np.float32)
            store.load(*asked, found)
        else:
            _, found = store.load(*asked)
        np.testing.assert_array_equal(found, rows[there], err_msg=what)
        store.refresh()
        assert len(store) == len(there), what  # what was found damaged does not come back
        store.list_failed({})
    assert lost + len(refused) > EACH // 5 or pattern == "failed.csv"
    assert not refused or pattern == "meta.json"
    assert not any("\n" in sentence for sentence in refused)
    path.write_bytes(whole)
    assert len(kind(folder, META)) == 12
