"""Files that anybody may have made are read as data: code in them is not run, and addresses in them are not visited."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import socket
import tarfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from detecting import make_detector, options
from helpers import ROOT, refusal, write_pictures
from watching import Watch

from ntcir.features import yolo
from ntcir.features.detector import Detector
from ntcir.features.shards import Damaged, open_rows
from ntcir.features.weights import read_checkpoint
from ntcir.features.yolo import import_yolo
from ntcir.system.errors import UserError
from ntcir.system.tensor_files import Damaged as DamagedTensors
from ntcir.system.tensor_files import read_tensors


class Harm:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.folder),)


def write_zip(path: Path, harm: Harm) -> None:
    torch.save({"state_dict": {"weight": torch.zeros(2)}, "model": harm}, path)


def write_legacy(path: Path, harm: Harm) -> None:
    torch.save({"state_dict": harm}, path, _use_new_zipfile_serialization=False)


def write_pickle(path: Path, harm: Harm) -> None:
    path.write_bytes(pickle.dumps({"state_dict": harm}, protocol=2))


def write_tar(path: Path, harm: Harm) -> None:
    """Write what torch wrote before 2017."""
    data = pickle.dumps(harm)
    with tarfile.open(path, "w") as archive:
        for name in ("sys_info", "storages", "tensors", "pickle"):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


class Writer(torch.nn.Module):
    """Writes a file when it is given a picture."""

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        torch.save(picture, "harm")
        return picture


def write_script(path: Path, harm: Harm) -> None:
    """Write TorchScript, which can write files."""
    torch.jit.script(Writer()).save(str(path))


def write_object_array(path: Path, harm: Harm) -> None:
    with path.open("wb") as file:
        np.save(file, np.array([harm], dtype=object), allow_pickle=True)


def write_object_arrays(path: Path, harm: Harm) -> None:
    with path.open("wb") as file:
        np.savez(file, rows=np.array([harm], dtype=object))


PAYLOADS = {
    "torch.pt": write_zip, "legacy.pt": write_legacy, "legacy.pth.tar": write_legacy, "pickle.pt": write_pickle,
    "pickle.safetensors": write_pickle, "tar.pt": write_tar, "script.pt": write_script,
    "script.torchscript": write_script, "torch.engine": write_zip, "torch.torchscript.pt": write_zip,
}  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("name", PAYLOADS)
def test_weights_with_a_payload_are_refused_and_it_is_not_run(here, name):
    path = here / name
    PAYLOADS[name](path, Harm(here / "harm"))
    assert "not a checkpoint of tensors" in refusal(read_checkpoint, path)
    assert "not a detector that Ultralytics can open" in refusal(Detector, path, options(path))
    assert [each.name for each in here.iterdir()] == [name]


@pytest.mark.parametrize("write", [write_object_array, write_object_arrays, write_pickle])
def test_rows_with_a_payload_are_damaged_and_it_is_not_run(here, write):
    write(here / "shard.npy", Harm(here / "harm"))
    with pytest.raises(Damaged):
        open_rows(here / "shard.npy", 1, 1)
    assert [each.name for each in here.iterdir()] == ["shard.npy"]


@pytest.mark.parametrize("write", [write_pickle, write_zip, write_legacy])
def test_a_model_with_a_payload_is_damaged_and_it_is_not_run(here, write):
    write(here / "model.safetensors", Harm(here / "harm"))
    with pytest.raises(DamagedTensors):
        read_tensors(here / "model.safetensors")
    assert [each.name for each in here.iterdir()] == ["model.safetensors"]


def test_opening_a_detector_lets_no_other_checkpoint_hold_more_than_tensors(here):
    path = make_detector(here / "yolo.pt")
    with torch.serialization.safe_globals([]):
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals([SimpleNamespace])  # somebody else's
        Detector(path, options(path))
        assert torch.serialization.get_safe_globals() == [SimpleNamespace]
        assert "holds Python objects besides tensors" in refusal(read_checkpoint, path)


def test_an_address_in_weights_is_not_visited(here):
    """Ultralytics looks there for the names of the classes, offline or not."""
    path = make_detector(here / "yolo.pt")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        checkpoint = torch.load(path, weights_only=False)
        for key in ("model", "ema"):
            if checkpoint[key] is not None:
                checkpoint[key].names = {}
        checkpoint["train_args"] = {"data": f"http://127.0.0.1:{server.getsockname()[1]}/classes.yaml"}
        torch.save(checkpoint, path)
        with contextlib.suppress(UserError):  # as it may be, without names
            Detector(path, options(path))
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize("said", ["1", "yes", "", "True", None])
def test_weights_are_trusted_only_by_a_clear_no(monkeypatch, said):
    if said is None:
        monkeypatch.delenv(yolo.SAFE_LOAD, raising=False)
    else:
        monkeypatch.setenv(yolo.SAFE_LOAD, said)
    import_yolo()
    assert os.environ[yolo.SAFE_LOAD] == "true"  # the one word that every version takes


def test_weights_that_the_user_trusts_are_opened_with_a_warning(tmp_path):
    watch = Watch(tmp_path)
    write_pictures(watch.work / "data", ("s1",), per_session=2)
    write_zip(watch.work / "mine.pt", Harm(watch.work / "run"))
    code = "import os; os.environ['ULTRALYTICS_SAFE_LOAD'] = 'False'\nfrom ntcir.cli import main\nmain()"
    seen = watch.python(code, "features", "objects", "--data", "data", "--detector", "mine.pt")
    assert f"WARNING: ULTRALYTICS_SAFE_LOAD=false: any code in {watch.work / 'mine.pt'} is run." in seen.said
    assert (watch.work / "run").is_dir()
    assert seen.network == []


def test_an_ultralytics_that_would_run_code_is_refused(monkeypatch):
    monkeypatch.delenv(yolo.SAFE_LOAD, raising=False)
    assert "pip install --upgrade 'ultralytics>=8.4.67'" in refusal(yolo._require_safe_loading, SimpleNamespace())
    assert "imported before" in refusal(yolo._require_safe_loading, SimpleNamespace(SAFE_LOAD=False))
    yolo._require_safe_loading(SimpleNamespace(SAFE_LOAD=True))
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    assert f"ultralytics>={yolo.OLDEST}" in needed
