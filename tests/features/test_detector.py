"""Weights of all kinds, most of them no detector's; and real ones on real photographs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from detecting import (
    OPENVINO,
    by_ultralytics,
    detected,
    ids_of,
    options,
    same,
)
from helpers import refusal

import ntcir.features.detector as detector_module
from ntcir.config import Objects
from ntcir.corpora.corpus import Corpus, ReadingReport
from ntcir.features.detector import DEMO, find_weights
from ntcir.features.objects import COLUMNS
from ntcir.features.yolo import import_yolo


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
        ("text.pt", "is not a detector that Ultralytics can open ("),
        ("text.txt", "is not a detector that Ultralytics can open ("),
        ("empty.pt", "is not a detector that Ultralytics can open ("),
        ("half.pt", "is not a detector that Ultralytics can open ("),
        ("state.pt", "is not a detector that Ultralytics can open ("),
        ("state.pth", "is not a detector that Ultralytics can open ("),
        ("module.pt", "is not a detector that Ultralytics can open ("),
        ("texts", "is not a detector that Ultralytics can open ("),
        ("nothing", "is an empty folder, not a detector."),
        ("yolo11n.yaml", "describes a network but has no weights: give a file of weights."),
        ("yolo11n-cls.pt", "is not a detector but a network for another task, 'classify'."),
        ("yolo11n-seg.pt", "is not a detector but a network for another task, 'segment'."),
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
    place = tmp_path / "detector.pt"
    monkeypatch.setattr(detector_module.resources, "files", lambda package: tmp_path)
    assert f"missing from this installation: {place} is not there" in refusal(find_weights, DEMO)
    place.touch()
    assert find_weights(DEMO) == place


def test_an_installation_without_the_demo_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "ntcir_demo", None)
    assert "is not part of this installation: name another in objects.detector" in refusal(find_weights, DEMO)


# Real weights on real photographs -------------------------------------------------------------------------------------


def of_files(name: str, files: list[Path]) -> Corpus:
    images = pd.DataFrame({"path": [str(file) for file in files]}, index=[file.name for file in files])
    return Corpus(name, files[0].parent, {"image": images}, pd.DataFrame(), False, "records", ReadingReport())


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
    said = f"{OPENVINO} takes images of 640 x 640 pixels only: objects.size = 320 is not used."
    assert said in capsys.readouterr().err
    surest = found.table(ids_of(corpus)).groupby("image_id").first()  # somebody in the distance
    assert len(surest) == 8
    assert set(surest["class"]) == {"person"}
    assert np.ptp(surest[COLUMNS[3:]].to_numpy(), axis=0).max() < 3
