"""Stored detections against Ultralytics' own, with bad pictures, kills and weights that are no detector's."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from helpers import ROOT, command_line, environment, refusal, write_pictures
from PIL import ExifTags, Image

import ntcir.features.detector as detector_module
import ntcir.features.objects as objects_module
from ntcir.config import Objects
from ntcir.corpora.corpus import Corpus, ReadingReport
from ntcir.errors import UserError
from ntcir.features.detector import DEMO, Detector, find_weights
from ntcir.features.letterbox import Frame, Letterboxed, letterbox
from ntcir.features.objects import COLUMNS, ObjectDetections
from ntcir.features.yolo import import_yolo
from ntcir.workspace import resolve

NAMES = ("cup", "desk lamp", "dog")
OPENVINO = "yolo11n_int8_openvino_model"


def make_detector(path: Path, *, bias: float = -2.0, spread: float = 0.6, seed: int = 0) -> Path:
    """Write a tiny YOLO11 with random weights that, for all its nonsense, sees many things in any picture."""
    yolo = import_yolo()
    import ultralytics

    layers = Path(ultralytics.__file__).parent / "cfg" / "models" / "11" / "yolo11.yaml"
    description = yaml.safe_load(layers.read_text(encoding="utf-8"))
    description |= {"nc": len(NAMES), "scales": {"n": [0.33, 0.0625, 64]}}
    path.with_suffix(".yaml").write_text(yaml.safe_dump(description), encoding="utf-8")
    torch.manual_seed(seed)
    model = yolo(str(path.with_suffix(".yaml")), task="detect")
    for module in model.model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0  # so that one batch sets its statistics, and no layer's output dies away
    model.model.train()
    with torch.no_grad():
        model.model(torch.rand(8, 3, 64, 64))
    for branch in model.model.eval().model[-1].cv3:
        torch.nn.init.normal_(branch[-1].weight, std=spread)
        torch.nn.init.constant_(branch[-1].bias, bias)
    model.model.names = dict(enumerate(NAMES))
    model.save(str(path))
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return make_detector(tmp_path_factory.mktemp("weights") / "tiny.pt")


@pytest.fixture(scope="module")
def blind(tmp_path_factory) -> Path:
    """A detector that never sees anything."""
    return make_detector(tmp_path_factory.mktemp("weights") / "blind.pt", bias=-9, spread=0)


def corpus_of(folder: Path) -> Corpus:
    """A corpus of the files in a folder; only its images matter here."""
    paths = sorted(path for path in folder.iterdir() if path.suffix in {".png", ".jpg"})
    images = pd.DataFrame({"path": [str(path) for path in paths]}, index=[path.name for path in paths])
    return Corpus(folder.name, folder, {"image": images}, pd.DataFrame(), False, "records", ReadingReport())


def write_blocks(folder: Path, number: int = 14) -> Path:
    """Write pictures of coloured blocks, wide and high ones, larger and smaller than what the detector takes."""
    folder.mkdir()
    draw = np.random.default_rng(6)
    for item in range(number):
        blocks = Image.fromarray(draw.integers(0, 256, (4, 5, 3), dtype=np.uint8))
        size = [(90, 60), (50, 75), (200, 160)][item % 3]
        blocks.resize(size, Image.Resampling.BICUBIC).save(folder / f"{item:03}.png")
    return folder


@pytest.fixture
def photographs(tmp_path) -> Corpus:
    return corpus_of(write_blocks(tmp_path / "photographs"))


@pytest.fixture(autouse=True)
def small_shards(monkeypatch) -> None:
    monkeypatch.setattr(objects_module, "SHARD_ITEMS", 5)


@pytest.fixture
def passed(monkeypatch) -> list[int]:
    """How many pictures were given to a detector at once, each time."""
    seen: list[int] = []
    submit = Detector.submit

    def counted(self: Detector, pictures: Any) -> Any:
        seen.append(len(pictures))
        return submit(self, pictures)

    monkeypatch.setattr(Detector, "submit", counted)
    return seen


def options(path: Path | str, **changes: Any) -> Objects:
    return Objects(**({"detector": str(path), "size": 96, "batch": 4} | changes))


def ids_of(corpus: Corpus) -> list[str]:
    return [str(item) for item in corpus.images.index]


def detected(corpus: Corpus, how: Objects, store: Path) -> ObjectDetections:
    detections = ObjectDetections(corpus, how, store)
    detections.ensure(ids_of(corpus))
    return detections


def by_ultralytics(corpus: Corpus, path: Path, confidence: float, *, size: int, iou: float = 0.7) -> pd.DataFrame:
    """What Ultralytics predicts, one photograph after the other, straight from the files."""
    model = import_yolo()(str(path), task="detect")
    parts = []
    for item in ids_of(corpus):
        file = str(corpus.images.loc[item, "path"])
        (result,) = model.predict(file, imgsz=size, conf=confidence, iou=iou, verbose=False)
        rows = result.boxes.data.numpy()
        table = pd.DataFrame(rows[:, [4, 0, 1, 2, 3]], columns=COLUMNS[2:])
        table.insert(0, "image_id", item)
        table.insert(1, "class", [result.names[int(number)] for number in rows[:, 5]])
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def same(found: pd.DataFrame, expected: pd.DataFrame, pixels: float = 0.6) -> None:
    """Compare tables; Ultralytics cuts half pixels of padding where this keeps them."""
    assert found.columns.tolist() == COLUMNS
    order = ["image_id", "class", "confidence"]
    found, expected = (table.sort_values(order, ignore_index=True) for table in (found, expected))
    pd.testing.assert_frame_equal(found[order[:2]], expected[order[:2]], check_dtype=False)
    np.testing.assert_allclose(found["confidence"], expected["confidence"], atol=1e-4)
    np.testing.assert_allclose(found[COLUMNS[3:]], expected[COLUMNS[3:]], atol=pixels)


@pytest.mark.parametrize("confidence", [0.1, 0.25, 0.6])
def test_what_is_stored_once_is_at_each_confidence_what_ultralytics_predicts_at_it(
    photographs, weights, tmp_path, confidence, passed
):
    detected(photographs, options(weights), tmp_path / "store")
    passed.clear()
    found = detected(photographs, options(weights, confidence=confidence), tmp_path / "store")
    expected = by_ultralytics(photographs, weights, confidence, size=96)
    assert passed == []
    assert 20 < len(expected) < 2000
    same(found.table(ids_of(photographs)), expected)
    counts = pd.DataFrame(found.counts(ids_of(photographs)), index=ids_of(photographs), columns=list(found.counted))
    grid = pd.crosstab(expected["image_id"], expected["class"]).reindex(
        index=counts.index, columns=counts.columns, fill_value=0
    )
    np.testing.assert_array_equal(counts, grid)


def test_another_overlap_is_another_store_and_again_what_ultralytics_predicts(photographs, weights, tmp_path):
    found = detected(photographs, options(weights, iou=0.3), tmp_path / "store")
    same(found.table(ids_of(photographs)), by_ultralytics(photographs, weights, 0.25, size=96, iou=0.3))


def test_what_is_stored_is_read_in_any_order_by_whoever_comes_later(photographs, weights, tmp_path):
    ids = ids_of(photographs)
    first = detected(photographs, options(weights), tmp_path / "store")
    counts, table = first.counts(ids), first.table(ids)
    assert counts.dtype == np.int64
    assert counts.shape == (14, 3)
    order = np.random.default_rng(0).permutation(len(ids)).tolist()
    later = ObjectDetections(photographs, options(weights), tmp_path / "store")
    np.testing.assert_array_equal(later.counts([ids[place] for place in order]), counts[order])
    assert later.table([ids[3], ids[1]])["image_id"].unique().tolist() == [ids[3], ids[1]]
    pd.testing.assert_frame_equal(later.table(ids), table)
    assert later.counts([]).shape == (0, 3)
    assert later.table([]).columns.tolist() == COLUMNS
    assert (table.groupby("image_id")["confidence"].diff().dropna() <= 0).all()


def test_what_is_stored_is_not_detected_again_and_needs_no_detector(photographs, weights, tmp_path, monkeypatch):
    detected(photographs, options(weights), tmp_path / "store")
    monkeypatch.setattr(objects_module, "Detector", None)
    found = ObjectDetections(photographs, options(weights, confidence=0.4, batch=9), tmp_path / "store")
    assert found.ensure(ids_of(photographs)).all()
    assert found.names == NAMES
    assert found.counts(ids_of(photographs)).any()


def test_a_photograph_without_objects_is_stored_as_one(photographs, blind, tmp_path, passed):
    ids = ids_of(photographs)
    for _ in range(2):
        found = ObjectDetections(photographs, options(blind), tmp_path / "store")
        assert found.ensure(ids).all()
        assert not found.counts(ids).any()
        assert found.table(ids).empty
    assert sum(passed) == 14
    assert found.summary(ids) == (
        f"photographs: no object in any of 14 photographs at confidence 0.25; stored in {found.folder}"
    )


def test_only_the_rest_is_detected(photographs, weights, tmp_path, passed):
    ids = ids_of(photographs)
    ObjectDetections(photographs, options(weights), tmp_path / "store").ensure(ids[:6])
    passed.clear()
    found = detected(photographs, options(weights), tmp_path / "store")
    assert sum(passed) == 8
    whole = detected(photographs, options(weights), tmp_path / "other")
    same(found.table(ids), whole.table(ids), pixels=0.1)


def test_pictures_of_one_shape_go_together(photographs, weights, tmp_path, passed, monkeypatch):
    monkeypatch.setattr(objects_module, "SHARD_ITEMS", 100)
    detected(photographs, options(weights), tmp_path / "store")
    # 90x60 and 200x160 become 96x64 and 96x96 (with padding), 50x75 becomes 64x96: five, four and five of them.
    assert sorted(passed) == [1, 1, 4, 4, 4]


def test_several_threads_find_the_same_and_are_as_many_afterwards(photographs, weights, tmp_path, passed):
    alone = detected(photographs, options(weights), tmp_path / "alone").table(ids_of(photographs))
    torch.set_num_threads(3)  # the fixture of all tests here puts it back
    together = detected(photographs, options(weights), tmp_path / "together").table(ids_of(photographs))
    assert torch.get_num_threads() == 3
    same(together, alone, pixels=0.1)
    assert sum(passed) == 28


def test_bad_pictures_are_left_out_and_listed_and_have_no_objects(photographs, weights, tmp_path, capsys):
    ids, paths = ids_of(photographs), photographs.images["path"]
    expected = detected(photographs, options(weights), tmp_path / "before").counts(ids)
    whole = Path(paths["005.png"]).read_bytes()
    Path(paths["005.png"]).write_bytes(whole[:200])
    Path(paths["007.png"]).write_bytes(b"no picture")
    Path(paths["011.png"]).unlink()
    found = ObjectDetections(photographs, options(weights), tmp_path / "store")
    present = found.ensure(ids)
    assert [item for item, there in zip(ids, present, strict=True) if not there] == ["005.png", "007.png", "011.png"]
    np.testing.assert_array_equal(found.counts(ids), np.where(present[:, None], expected, 0))
    with (found.folder / "failed.csv").open(encoding="utf-8", newline="") as file:
        reasons = {row["id"]: row["reason"] for row in csv.DictReader(file)}
    assert reasons["007.png"] == "the file is no picture of a known format"
    assert reasons["011.png"] == "no such file or directory"
    output = capsys.readouterr()
    assert f"3 unreadable photographs are left out; they are listed in {found.folder / 'failed.csv'}" in output.err
    assert output.out == ""
    # One that has become readable is detected, one that has become unreadable is not counted any more.
    Path(paths["005.png"]).write_bytes(whole)
    Path(paths["002.png"]).write_bytes(b"spoilt")
    again = detected(photographs, options(weights), tmp_path / "store")
    np.testing.assert_array_equal(again.counts(["005.png", "002.png"]), [expected[5], np.zeros(3)])
    assert set(again.failed) == {"002.png", "007.png", "011.png"}


def test_when_no_photograph_can_be_read_the_sentence_gives_the_first_reason(photographs, weights, tmp_path):
    for path in photographs.images["path"]:
        Path(path).write_bytes(b"nothing")
    sentence = refusal(detected, photographs, options(weights), tmp_path / "store")
    assert "None of the 14 photographs can be read; the first, " in sentence
    assert "000.png: the file is no picture of a known format." in sentence


def test_only_named_classes_count(photographs, weights, tmp_path):
    ids = ids_of(photographs)
    every = detected(photographs, options(weights), tmp_path / "store")
    some = detected(photographs, options(weights, classes=["dog", "cup"]), tmp_path / "store")
    assert every.counted == NAMES
    assert some.counted == ("cup", "dog")
    np.testing.assert_array_equal(some.counts(ids), every.counts(ids)[:, [0, 2]])
    assert set(some.table(ids)["class"]) == {"cup", "dog"}
    assert len(some.table(ids)) == every.counts(ids)[:, [0, 2]].sum()


def test_a_class_that_the_detector_does_not_have_is_said_before_anything_is_detected(
    photographs, weights, tmp_path, passed
):
    wrong = options(weights, classes=["cup", "desk lmap"])
    sentence = refusal(detected, photographs, wrong, tmp_path / "store")
    assert "objects.classes names 'desk lmap'" in sentence
    assert "not a class of the detector tiny (did you mean 'desk lamp'?)." in sentence or "tiny.pt (did" in sentence
    assert passed == []
    detected(photographs, options(weights), tmp_path / "store")
    # Where detections are stored, opening them says it, without a detector.
    assert refusal(ObjectDetections, photographs, wrong, tmp_path / "store") == sentence
    assert "whose classes are cup, desk lamp, dog." in refusal(
        ObjectDetections, photographs, options(weights, classes=["zebra"]), tmp_path / "store"
    )


def test_what_determines_the_detections_changes_the_fingerprint_and_nothing_else_does(photographs, weights, tmp_path):
    def fingerprint(path: Path = weights, **changes: Any) -> str:
        return ObjectDetections(photographs, options(path, **changes), tmp_path / "store").fingerprint

    copy = shutil.copy(weights, tmp_path / "another-name.pt")
    assert fingerprint() == fingerprint(Path(copy)) == fingerprint(confidence=0.9, batch=1, classes=["dog"])
    other = make_detector(tmp_path / "tiny.pt", seed=1)
    folder = tmp_path / OPENVINO
    folder.mkdir()
    (folder / "a.xml").write_text("<net/>")
    first = fingerprint(folder)
    (folder / "a.bin").write_bytes(b"1")
    second = fingerprint(folder)
    (folder / "a.bin").write_bytes(b"2")
    prints = [fingerprint(), fingerprint(other), fingerprint(size=128), fingerprint(iou=0.5), first, second]
    assert len({*prints, fingerprint(folder)}) == 7
    assert not (tmp_path / "store").exists()


def test_detections_lie_beside_the_features_with_what_made_them(photographs, weights, tmp_path):
    found = detected(photographs, options(weights), tmp_path / "store")
    assert found.folder == tmp_path / "store" / "photographs" / f"objects-tiny-{found.fingerprint[:10]}"
    meta = json.loads((found.folder / "meta.json").read_text(encoding="utf-8"))
    assert meta["fingerprint"] == found.fingerprint
    assert meta["names"] == list(NAMES)
    assert (meta["size"], meta["iou"], meta["floor"]) == ([96, 96], 0.7, 0.1)
    (found.folder / "meta.json").write_text("{")
    sentence = refusal(ObjectDetections, photographs, options(weights), tmp_path / "store")
    assert sentence.endswith("meta.json is not readable; remove the folder to compute its detections again.")
    (found.folder / "meta.json").write_text(json.dumps(meta | {"names": NAMES[:1]}))
    torn = ObjectDetections(photographs, options(weights), tmp_path / "store")
    sentence = refusal(torn.counts, ids_of(photographs))
    assert sentence.endswith("are of more classes than the 1 it names: remove the folder to compute them again.")


def test_an_interrupted_run_keeps_what_it_has(photographs, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(objects_module, "SHARD_ITEMS", 100)
    submit, calls = Detector.submit, []

    def interrupted(self: Detector, pictures: Any) -> Any:
        calls.append(len(pictures))
        if len(calls) == 4:
            raise KeyboardInterrupt
        return submit(self, pictures)

    monkeypatch.setattr(Detector, "submit", interrupted)
    sentence = refusal(detected, photographs, options(weights), tmp_path / "store")
    assert "the same command goes on" in sentence
    detected(photographs, options(weights), tmp_path / "store")
    # The first two batches had come back by then, and were kept.
    assert sum(calls[:2]) + sum(calls[4:]) == 14


PROCESS = """
import socket, sys, time
from pathlib import Path
sys.path[:0] = sys.argv[1:3]

def unreachable(*_, **__):
    raise AssertionError("the network was asked for")

socket.getaddrinfo = socket.create_connection = unreachable
import test_objects
from ntcir.features import objects
objects.SHARD_ITEMS = 5
read = objects.letterbox
objects.letterbox = lambda *given: (time.sleep(0.1), read(*given))[1]
corpus = test_objects.corpus_of(Path(sys.argv[3]))
test_objects.detected(corpus, test_objects.options(sys.argv[4]), Path(sys.argv[5]))
"""


def in_another_process(code: str, *arguments: object, **settings: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *(str(argument) for argument in arguments)]
    return subprocess.Popen(
        command, env=environment() | settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_after_a_kill_the_next_start_resumes_and_nothing_asks_for_the_network_or_prints(
    photographs, weights, tmp_path, passed
):
    folders = (ROOT / "tests", Path(__file__).parent)
    process = in_another_process(
        PROCESS, *folders, photographs.root, weights, tmp_path / "store", YOLO_CONFIG_DIR=str(tmp_path / "settings")
    )
    end = time.monotonic() + 60
    while not (done := list(tmp_path.glob("store/photographs/*/shard-*.json"))) and time.monotonic() < end:
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.communicate()[0] == ""
    stored = 5 * len(done)
    assert 5 <= stored < 14
    found = detected(photographs, options(weights), tmp_path / "store")
    assert sum(passed) == 14 - stored
    whole = detected(photographs, options(weights), tmp_path / "undisturbed")
    same(found.table(ids_of(photographs)), whole.table(ids_of(photographs)), pixels=0.1)


def test_with_everything_stored_no_network_is_imported(photographs, weights, tmp_path):
    detected(photographs, options(weights), tmp_path / "store")
    code = (
        "import sys; from pathlib import Path; import pandas; from ntcir.config import Objects\n"
        "from ntcir.corpora.corpus import Corpus, ReadingReport; from ntcir.features.objects import ObjectDetections\n"
        "paths = sorted(Path(sys.argv[1]).iterdir()); ids = [path.name for path in paths]\n"
        "images = pandas.DataFrame({'path': [str(path) for path in paths]}, index=ids)\n"
        "corpus = Corpus('photographs', Path(), {'image': images}, images, False, 'records', ReadingReport())\n"
        "found = ObjectDetections(corpus, Objects(detector=sys.argv[2], size=96), Path(sys.argv[3]))\n"
        "assert found.ensure(ids).all() and found.counts(ids).any()\n"
        "print(*(name in sys.modules for name in ('ultralytics', 'cv2', 'torch')))"
    )
    output, trouble = in_another_process(code, photographs.root, weights, tmp_path / "store").communicate()
    assert output == "False False False\n", trouble


def test_importing_ultralytics_changes_nothing_for_the_rest_of_the_process(weights):
    code = (
        "import os, sys; os.environ.pop('OMP_NUM_THREADS')\n"
        "import numpy, torch; from PIL import Image; from pathlib import Path\n"
        "torch.set_num_threads(3); seen = lambda: (torch.get_num_threads(), torch.save, Image.open,\n"
        "    numpy.get_printoptions(), os.environ.get('OMP_NUM_THREADS')); before = seen()\n"
        "from ntcir.config import Objects; from ntcir.features.detector import Detector\n"
        "Detector(Path(sys.argv[1]), Objects(size=64)); assert seen() == before, (before, seen())"
    )
    process = in_another_process(code, weights)
    output, trouble = process.communicate()
    assert (process.returncode, output) == (0, ""), trouble


def test_no_room_is_one_sentence(photographs, weights, tmp_path):
    (tmp_path / "store").write_text("in the way")
    with pytest.raises(UserError, match="Cannot write"):
        detected(photographs, options(weights), tmp_path / "store")


# Pictures and boxes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stride", [0, 32])
@pytest.mark.parametrize("size", [(640, 480), (90, 133), (31, 700), (1000, 1), (96, 96), (97, 95)])
def test_boxes_go_back_to_where_they_were(tmp_path, size, stride):
    Image.new("RGB", size, "red").save(tmp_path / "a.png")
    picture = letterbox(tmp_path / "a.png", Frame(96, 128, stride))
    height, width = picture.pixels.shape[1:]
    assert (height, width) == (96, 128) if stride == 0 else (height <= 96 and width <= 128 and not height % 32)
    assert picture.original == size
    red = (picture.pixels == np.array([255, 0, 0])[:, None, None]).all(axis=0)
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    around = np.array([[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]], dtype=np.float32)
    np.testing.assert_allclose(picture.restored(around), [[0, 0, *size]], rtol=1e-6)
    np.testing.assert_allclose(picture.restored(around + np.array([-50, -50, 50, 50])), [[0, 0, *size]], rtol=1e-6)
    assert (picture.pixels[:, ~red] == 114).all()
    middle = np.array([[around[0, ::2].mean(), around[0, 1::2].mean()] * 2])
    np.testing.assert_allclose(picture.restored(middle), [[size[0] / 2, size[1] / 2] * 2], rtol=1e-6)


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_a_picture_is_seen_upright_whatever_its_orientation_in_the_file(tmp_path, kind):
    draw = np.random.default_rng(2)
    upright = Image.fromarray(draw.integers(0, 256, (6, 9, 3), dtype=np.uint8)).resize((960, 640))
    to_file = [
        None, Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM,
        Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_90, Image.Transpose.TRANSVERSE, Image.Transpose.ROTATE_270,
    ]  # fmt: skip
    seen = []
    for orientation, turn in enumerate(to_file, 1):
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        path = tmp_path / f"{orientation}.{kind}"
        (upright.transpose(turn) if turn is not None else upright).save(path, exif=exif, quality=97)
        seen.append(letterbox(path, Frame(96, 96, 32)))
    assert {picture.original for picture in seen} == {(960, 640)}
    assert {picture.pixels.shape for picture in seen} == {(3, 64, 96)}
    for picture in seen[1:]:
        difference = np.abs(picture.pixels.astype(int) - seen[0].pixels)
        assert difference.mean() < (0.5 if kind == "png" else 2)


def test_a_batch_that_ultralytics_gave_up_on_is_predicted_again_one_by_one(weights):
    """It ends its suppression of overlapping boxes after some seconds, and the rest of the batch has no boxes."""
    detector = Detector(weights, options(weights))
    draw = np.random.default_rng(1)
    pictures = []
    for _ in range(3):
        pixels = draw.integers(0, 256, (3, 96, 96), dtype=np.uint8)
        pictures.append(Letterboxed(pixels, 0, 0, (96, 96), (96, 96)))
    expected = [len(rows) for rows in detector.submit(pictures).result()]
    predictor = detector._idle.get()
    postprocess = predictor.postprocess

    def gives_up(*given: Any) -> list[Any]:
        results = list(postprocess(*given))
        if len(results) > 1:
            logging.getLogger("ultralytics").warning("NMS time limit 2.150s exceeded")
            results[1:] = [result[:0] for result in results[1:]]
        return results

    predictor.postprocess = gives_up
    detector._idle.put(predictor)
    assert [len(rows) for rows in detector.submit(pictures).result()] == expected
    assert min(expected) > 0


# Weights --------------------------------------------------------------------------------------------------------------


def spoilt_weights(folder: Path, kind: str, good: Path) -> Path:
    """Write what is no detector, and return its path."""
    path = folder / kind.replace("*", "weights")
    if "." not in kind:
        path.mkdir()
        if kind == "texts":
            (path / "a.txt").write_text("hello")
    elif kind.startswith("yolo11n-"):
        network = import_yolo()(kind.replace(".pt", ".yaml"))
        network.save(str(path))
    elif kind == "state.pth":
        torch.save(torch.nn.Linear(3, 4).state_dict(), path)
    elif kind == "state.pt":
        torch.save({"state_dict": torch.nn.Linear(3, 4).state_dict()}, path)
    elif kind == "module.pt":
        torch.save({"model": torch.nn.Linear(3, 4)}, path)
    elif kind == "half.pt":
        path.write_bytes(good.read_bytes()[:9000])
    else:
        path.write_text("hello" if kind != "empty.pt" else "")
    return path


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("text.pt", "is no detector that Ultralytics can open ("),
        ("text.txt", "is no detector that Ultralytics can open ("),
        ("empty.pt", "is no detector that Ultralytics can open ("),
        ("half.pt", "is no detector that Ultralytics can open ("),
        ("state.pt", "is no detector that Ultralytics can open ("),
        ("state.pth", "is no detector that Ultralytics can open ("),
        ("module.pt", "is no detector that Ultralytics can open ("),
        ("texts", "is no detector that Ultralytics can open ("),
        ("nothing", "is an empty folder, not a detector."),
        ("yolo11n.yaml", "describes a network but has no weights: give a file of weights."),
        ("yolo11n-cls.pt", "is no detector but a network for another task, 'classify'."),
        ("yolo11n-seg.pt", "is no detector but a network for another task, 'segment'."),
    ],
)
def test_weights_that_are_no_detectors_are_one_sentence(photographs, tmp_path, weights, kind, expected, capsys):
    path = spoilt_weights(tmp_path, kind, weights)
    sentence = refusal(detected, photographs, options(path), tmp_path / "store")
    assert sentence.startswith(str(path))
    assert expected in sentence
    assert len(sentence) < len(str(path)) + 240
    assert not (tmp_path / "store").exists()
    output = capsys.readouterr()
    assert (output.out, output.err) == ("", "")


def test_code_in_a_checkpoint_is_not_run(photographs, tmp_path):
    class Harm:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return os.mkdir, (str(tmp_path / "harm"),)

    torch.save({"model": Harm()}, tmp_path / "harmful.pt")
    sentence = refusal(detected, photographs, options(tmp_path / "harmful.pt"), tmp_path / "store")
    assert "ULTRALYTICS_SAFE_LOAD=false" in sentence
    assert not (tmp_path / "harm").exists()


def test_a_path_that_is_not_there_is_one_sentence(tmp_path):
    for name in (str(tmp_path / "yolo11n.pt"), "my-detector.pt", "yolo11n-seg.pt", "yolo99.pt"):
        assert f"There is no detector {name}: give the path of a .pt file" in refusal(find_weights, name)


@pytest.mark.parametrize(("suffix", "package"), [(".xml", "openvino"), (".onnx", "onnxruntime")])
def test_what_runs_exported_weights_must_be_installed(photographs, tmp_path, monkeypatch, suffix, package):
    folder = tmp_path / "exported_openvino_model"
    folder.mkdir()
    (folder / f"a{suffix}").write_text("<net/>")
    path = folder if suffix == ".xml" else folder / "a.onnx"
    monkeypatch.setattr(detector_module.importlib.util, "find_spec", lambda name: None)
    sentence = refusal(detected, photographs, options(path), tmp_path / "store")
    assert sentence == f"{path} needs {package}, which is not installed: pip install {package}."


def test_a_file_is_taken_for_what_it_is_whatever_it_is_called(photographs, weights, tmp_path, monkeypatch):
    expected = detected(photographs, options(weights), tmp_path / "store").counts(ids_of(photographs))
    (tmp_path / "Mother's").mkdir()
    monkeypatch.chdir(tmp_path)
    # Ultralytics drops apostrophes from paths, and looks (on the net, too) for yolov5nu.pt instead of yolov5n.pt.
    for number, name in enumerate(("Mother's/yolo.pt", "yolov5n.pt")):
        shutil.copy(weights, name)
        found = detected(photographs, options(name), tmp_path / str(number))
        np.testing.assert_array_equal(found.counts(ids_of(photographs)), expected)
    assert sorted(path.name for path in tmp_path.glob("*.pt")) == ["yolov5n.pt"]


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """An empty folder for torch's downloads, an empty folder to be in, and nothing that answers."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(detector_module, "ADDRESS", (tmp_path / "release").as_uri() + "/{name}")
    return tmp_path / "torch" / "hub" / "checkpoints"


def test_published_weights_are_fetched_once_and_not_into_the_current_folder(weights, hub, tmp_path, capsys):
    (tmp_path / "release").mkdir()
    shutil.copy(weights, tmp_path / "release" / "yolo11n.pt")
    assert find_weights("yolo11n.pt") == hub / "yolo11n.pt"
    output = capsys.readouterr()
    assert f"Fetching {(tmp_path / 'release').as_uri()}/yolo11n.pt to {hub / 'yolo11n.pt'}" in output.err
    assert output.out == ""
    shutil.rmtree(tmp_path / "release")
    assert find_weights("yolo11n.pt") == hub / "yolo11n.pt"
    assert capsys.readouterr().err == ""
    assert not list(Path.cwd().iterdir())
    shutil.copy(weights, "yolo11n.pt")
    assert find_weights("yolo11n.pt") == Path.cwd() / "yolo11n.pt"  # one's own comes first


def test_published_weights_that_cannot_be_fetched_say_where_to_put_the_file(hub):
    sentence = refusal(find_weights, "yolo11n.pt")
    assert f"put the file at {hub / 'yolo11n.pt'}, or name another detector with --detector." in sentence
    assert not list(hub.iterdir())


def test_the_demos_detector_is_the_packages(monkeypatch, tmp_path):
    place = tmp_path / "corpora" / "demo" / "detector.pt"
    monkeypatch.setattr(detector_module.resources, "files", lambda package: tmp_path)
    assert f"missing from this installation: {place} is not there" in refusal(find_weights, DEMO)
    place.parent.mkdir(parents=True)
    place.touch()
    assert find_weights(DEMO) == place


# The command ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def records(tmp_path, monkeypatch) -> Path:
    """A records folder of twelve pictures below a folder in which the command is given."""
    monkeypatch.chdir(tmp_path)
    return write_pictures(tmp_path / "records", sessions=("s1", "s2", "s3"), per_session=4)


def test_the_command_detects_once_and_writes_the_table(records, weights, tmp_path):
    shutil.copy(weights, "mine.pt")
    arguments = ["features", "objects", "--data", "records", "--detector", "mine.pt", "--set", "objects.size=96"]
    result = command_line(*arguments, "--csv", "tables/objects.csv")
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    *_, said, summary = result.stderr.splitlines()
    assert said == "Detecting objects: 12 done"
    (folder,) = Path("features").glob("records/objects-mine-*")
    assert summary.startswith("records: 12 photographs, ")
    assert summary.endswith(f" at confidence 0.25; stored in {folder}")
    table = pd.read_csv("tables/objects.csv", dtype={"image_id": str})
    assert table.columns.tolist() == COLUMNS
    assert table["confidence"].between(0.25, 1).all()
    assert (table[["x2", "y2"]].to_numpy() >= table[["x1", "y1"]].to_numpy()).all()
    assert table[["x2", "y2"]].to_numpy().max() <= 32
    again = command_line(*arguments, "--csv", "-")
    assert again.exit_code == 0
    assert again.stdout == Path("tables/objects.csv").read_text(encoding="utf-8")
    assert "Detecting" not in again.stderr
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(again.stdout)), table)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--detector", "a: b.pt"], "There is no detector a: b.pt"),
        (["--detector", "records/records.csv"], "records.csv is no detector that Ultralytics can open"),
        (["--detector", "mine.pt", "--set", "objects.classes=[cap]"], "(did you mean 'cup'?)."),
        (["--detector", "mine.pt", "--set", "objects.confidence=0.05"], "greater than or equal to 0.1"),
        (["--detector", "mine.pt", "--csv", "mine.pt/objects.csv"], "mine.pt/objects.csv"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(records, weights, arguments, expected):
    shutil.copy(weights, "mine.pt")
    result = command_line("features", "objects", "--data", "records", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert expected in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.output


def test_a_detector_given_by_path_is_found_from_another_folder(records, tmp_path):
    Path("mine.pt").touch()

    def detector(name: str) -> str:
        return resolve(None, [f"objects.detector={json.dumps(name)}"], records).objects.detector

    assert detector("mine.pt") == str(tmp_path / "mine.pt")
    assert detector("elsewhere/other.pt") == str(tmp_path / "elsewhere" / "other.pt")
    assert detector("yolo11n.pt") == "yolo11n.pt"
    assert detector(DEMO) == DEMO
    assert resolve(None, [], records).objects.detector == "yolo11n.pt"


# Real weights on real photographs -------------------------------------------------------------------------------------


def of_files(name: str, files: list[Path]) -> Corpus:
    images = pd.DataFrame({"path": [str(file) for file in files]}, index=[file.name for file in files])
    return Corpus(name, files[0].parent, {"image": images}, pd.DataFrame(), False, "records", ReadingReport())


@pytest.fixture(scope="module")
def real(shared) -> Path:
    pytest.importorskip("openvino", reason="openvino, which runs the real weights, is not installed")
    return Path(shared) / "weights" / OPENVINO


# What a person sees in them.
SEEN = {
    "000000000802.jpg": {"refrigerator": 1, "oven": 1},
    "000000000885.jpg": {"person": 3, "tennis racket": 1},
    "000000001675.jpg": {"cat": 1},
    "000000002592.jpg": {"cup": 1, "knife": 1},
    "000000004495.jpg": {"chair": 1, "couch": 1, "tv": 1},
    "000000005037.jpg": {"bus": 1},
    "000000005992.jpg": {"sheep": 4},
    "000000007108.jpg": {"elephant": 3},
    "000000007784.jpg": {"kite": 1},
    "000000008532.jpg": {"person": 1, "tie": 1},
    "000000009448.jpg": {"person": 1, "umbrella": 1},
}


def test_real_photographs_give_the_objects_one_would_expect_and_ultralytics_boxes(shared, real, tmp_path):
    corpus = of_files("photos", [shared / "data" / "photos" / name for name in SEEN])
    found = detected(corpus, Objects(detector=str(real), confidence=0.6), tmp_path / "store")
    counts = pd.DataFrame(found.counts(list(SEEN)), index=list(SEEN), columns=list(found.counted))
    for item, expected in SEEN.items():
        assert {name: int(number) for name, number in counts.loc[item].items() if number} == expected, item
    same(found.table(list(SEEN)), by_ultralytics(corpus, real, 0.6, size=640), pixels=2)


def test_real_photographs_of_any_size_give_ultralytics_boxes(shared, real, tmp_path):
    data = shared / "data"
    corpus = of_files("mixed", sorted((data / "campus").rglob("*.jpg"))[:4] + sorted(data.glob("exif/gps/*.jpg"))[2:7])
    found = detected(corpus, Objects(detector=str(real), confidence=0.5), tmp_path / "store")
    expected = by_ultralytics(corpus, real, 0.5, size=640)
    assert len(expected) > 10
    same(found.table(ids_of(corpus)), expected, pixels=3)


def test_all_orientations_of_a_real_photograph_give_the_same_boxes(shared, real, tmp_path, capsys):
    folder = shared / "data" / "exif" / "orientation"
    corpus = of_files("orientation", [folder / f"portrait_{number}.jpg" for number in range(1, 9)])
    found = detected(corpus, Objects(detector=str(real), confidence=0.15, size=320), tmp_path / "store")
    said = f"{OPENVINO} takes pictures of 640 x 640 pixels only: objects.size = 320 is not used."
    assert said in capsys.readouterr().err
    surest = found.table(ids_of(corpus)).groupby("image_id").first()  # somebody in the distance
    assert len(surest) == 8
    assert set(surest["class"]) == {"person"}
    assert np.ptp(surest[COLUMNS[3:]].to_numpy(), axis=0).max() < 3
