"""Stored detections against Ultralytics' own, with bad pictures and kills; and the command."""

from __future__ import annotations

import csv
import io
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from detecting import (
    NAMES,
    OPENVINO,
    by_ultralytics,
    detected,
    ids_of,
    make_detector,
    options,
    same,
)
from helpers import ROOT, command_line, environment, refusal, write_pictures

import ntcir.features.blocks as blocks
import ntcir.features.detection as detection_module
import ntcir.features.objects as objects_module
from ntcir.features.decode import UnreadableImage
from ntcir.features.detector import DEMO, Detector
from ntcir.features.letterbox import Frame, Letterboxed
from ntcir.features.objects import COLUMNS, ObjectDetections
from ntcir.system.errors import UserError
from ntcir.workspace import resolve

pytestmark = pytest.mark.usefixtures("small_shards")


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
    monkeypatch.setattr(blocks, "SHARD_ITEMS", 100)
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
    assert reasons["007.png"] == "the file is not an image in a known format"
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


def test_what_could_not_be_read_for_a_passing_reason_is_tried_again(
    photographs, weights, tmp_path, monkeypatch, capsys
):
    read = detection_module.letterbox

    def unwilling(path: str, frame: Frame) -> Letterboxed:
        if path.endswith(("001.png", "009.png")):
            raise UnreadableImage("too many open files", passing=True)
        return read(path, frame)

    monkeypatch.setattr(detection_module, "letterbox", unwilling)
    found = detected(photographs, options(weights), tmp_path / "store")
    assert not (found.folder / "failed.csv").exists()
    said = capsys.readouterr().err
    assert (
        "2 of them could not be read this time and will be tried again next time: 001.png: too many open files" in said
    )
    monkeypatch.setattr(detection_module, "letterbox", read)
    assert ObjectDetections(photographs, options(weights), tmp_path / "store").ensure(ids_of(photographs)).all()
    assert "tried again" not in capsys.readouterr().err


def test_when_no_photograph_can_be_read_the_sentence_gives_the_first_reason(photographs, weights, tmp_path):
    for path in photographs.images["path"]:
        Path(path).write_bytes(b"nothing")
    sentence = refusal(detected, photographs, options(weights), tmp_path / "store")
    assert "None of the 14 photographs can be read; the first, " in sentence
    assert "000.png: the file is not an image in a known format." in sentence


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
    assert sentence.endswith("have more classes than the 1 it names: remove the folder to compute them again.")


def test_an_interrupted_run_keeps_what_it_has(photographs, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "SHARD_ITEMS", 100)
    submit, calls = Detector.submit, []

    def interrupted(self: Detector, pictures: Any) -> Any:
        calls.append(len(pictures))
        if len(calls) == 4:
            raise KeyboardInterrupt
        return submit(self, pictures)

    monkeypatch.setattr(Detector, "submit", interrupted)
    sentence = refusal(detected, photographs, options(weights), tmp_path / "store")
    assert "run the same command to continue" in sentence
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
import detecting
from ntcir.features import blocks, detection
blocks.SHARD_ITEMS = 5
read = detection.letterbox
detection.letterbox = lambda *given: (time.sleep(0.1), read(*given))[1]
corpus = detecting.corpus_of(Path(sys.argv[3]))
detecting.detected(corpus, detecting.options(sys.argv[4]), Path(sys.argv[5]))
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
        (["--detector", "records/records.csv"], "records.csv is not a detector that Ultralytics can open"),
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
