"""The log of a training, whole, cut off and damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers import fit, one_thread, refusal, toy_config  # noqa: F401

from ntcir.model.metrics import METRICS, read_metrics

ROWS = [{"step": step, "loss": 1 / step, "mined": {"images": [1]}} for step in (1, 2, 3)]


def written(folder: Path, *lines: str, end: str = "\n") -> Path:
    path = folder / METRICS
    path.write_text("\n".join([*(json.dumps(row) for row in ROWS), *lines]) + end, encoding="utf-8")
    return path


def test_a_whole_log_is_read_and_none_is_no_rows(tmp_path, capsys):
    assert read_metrics(tmp_path / METRICS) == []
    assert read_metrics(written(tmp_path)) == read_metrics(written(tmp_path, end="")) == ROWS
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("line", ['{"step": 4, "lo', "{", '{"step"', '{"step": 4, "loss": 0.2, "sen2img": 0.'])
def test_a_last_line_that_is_cut_off_is_left_out_and_said(tmp_path, capsys, line):
    assert read_metrics(written(tmp_path, line, end="")) == ROWS
    told = capsys.readouterr().err
    assert f"{tmp_path / METRICS}: the last line, 4, is cut off" in told


@pytest.mark.parametrize(
    "line",
    [
        '{"step": 4, "lo', "[]", "5", "nonsense", '{"loss": 1}', '{"step": 4}', '{"step": "4", "loss": 1}',
        '{"step": 4, "loss": null}', '{"step": 4, "loss": NaN}', '{"step": 4, "loss": 1, "sen2img": "x"}',
        '{"step": 4, "loss": 1, "cap2img": "x"}', '{"step": 4, "loss": 1, "mined": 3}',
        '{"step": 3, "loss": 1}', '{"step": true, "loss": 1}', "[" * 100_000,
    ],
)  # fmt: skip
def test_another_line_that_is_none_is_named_by_its_number(tmp_path, line):
    sentence = refusal(read_metrics, written(tmp_path, line, '{"step": 9, "loss": 1}'))
    assert f"{tmp_path / METRICS}, line 4," in sentence
    assert len(sentence) < len(str(tmp_path)) + 300


def test_bytes_that_are_no_text_and_a_folder_are_one_sentence(tmp_path):
    path = written(tmp_path)
    path.write_bytes(b"\xff\xfe\n" + path.read_bytes())
    assert "line 1," in refusal(read_metrics, path)
    path.unlink()
    path.mkdir()
    assert "is a directory" in refusal(read_metrics, path)


@pytest.mark.usefixtures("one_thread")
def test_a_training_goes_on_though_its_log_was_cut(tmp_path, capsys):
    fit(toy_config(training__iters=10), tmp_path / "m")
    path = tmp_path / "m" / METRICS
    path.write_bytes(path.read_bytes()[:-9])
    assert fit(toy_config(training__iters=20), tmp_path / "m", resume=True).steps == 20
    assert "is cut off" in capsys.readouterr().err
    assert [row["step"] for row in read_metrics(path)] == [*range(1, 10), *range(11, 21)]
