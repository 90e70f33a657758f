"""Which trainings have a model, which are finished and which is the newest: told without torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers import environment, refusal

from ntcir.config import Config
from ntcir.model.trained import LAST, is_finished, newest, read_progress, trained
from ntcir.system.files import MODEL_CONFIG, MODEL_FILE
from ntcir.system.tensor_files import write_tensors

PROGRESS = {"step": 20, "best_step": 10, "best_mrr": 0.5, "data": "x"}


def begun(folder: Path, step: int, **facts: str) -> Path:
    folder.mkdir()
    Config().changed({"training.iters": 20}).save(folder / MODEL_CONFIG)
    write_tensors(folder / LAST, {"a": torch.zeros(1)}, {"progress": json.dumps(PROGRESS | {"step": step}), **facts})
    return folder


def test_a_training_is_finished_at_its_last_step_or_where_only_its_model_is_left(tmp_path):
    assert not is_finished(begun(tmp_path / "a", 13))
    assert is_finished(begun(tmp_path / "b", 20, version="2"))
    assert not is_finished(tmp_path / "nowhere")
    (tmp_path / "a" / LAST).unlink()
    assert not is_finished(tmp_path / "a")
    (tmp_path / "a" / MODEL_FILE).touch()
    assert is_finished(tmp_path / "a")


def test_the_newest_is_the_one_whose_weights_were_written_last(tmp_path):
    assert newest(tmp_path) is None
    for age, name in enumerate("bca"):
        begun(tmp_path / name, 20)
        (tmp_path / name / MODEL_FILE).touch()
        os.utime(tmp_path / name / MODEL_FILE, (1000 + age, 1000 + age))
    begun(tmp_path / "z", 1)
    assert newest(tmp_path) == tmp_path / "a"
    assert trained(tmp_path) == [tmp_path / "b", tmp_path / "c", tmp_path / "a"]


def test_a_checkpoint_of_a_later_format_says_so(tmp_path):
    folder = begun(tmp_path / "m", 20, version="3")
    sentence = refusal(read_progress, folder / LAST)
    assert "was saved by a newer ntcir (format 3; this one reads formats up to 2): upgrade ntcir." in sentence
    assert "damaged" not in sentence


@pytest.mark.parametrize("version", ["", "0", "-1", "two", "²", "9" * 5000])
def test_a_format_that_is_none_is_damage(tmp_path, version):
    sentence = refusal(read_progress, begun(tmp_path / "m", 20, version=version) / LAST)
    assert "is damaged (its format is" in sentence
    assert len(sentence) < len(str(tmp_path)) + 300


@pytest.mark.parametrize("module", ["workspace", "report.curve", "model.folder", "model.trained", "model.metrics"])
def test_looking_around_takes_no_torch(tmp_path, module):
    begun(tmp_path / "m", 20)
    code = (
        f"import sys, pathlib, ntcir.{module}\nfrom ntcir.model.trained import is_finished\n"
        "print(is_finished(pathlib.Path(sys.argv[1])), 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "m")]
    told = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    assert told.stdout == "True False\n", told.stderr
