"""The metrics log of a training under way."""

from __future__ import annotations

import pytest

from ntcir.model.metrics import read_metrics
from ntcir.system.errors import UserError
from ntcir.training.log import MetricsLog


def test_a_log_is_written_as_a_whole_and_cut_back_to_where_a_training_goes_on(tmp_path):
    path = tmp_path / "metrics.jsonl"
    log = MetricsLog(path)
    for step in (1, 2, 3):
        log.add({"step": step, "loss": 1 / step})
    assert not path.exists()
    log.save()
    assert path.read_text(encoding="utf-8").count("\n") == 3
    resumed = MetricsLog(path)
    resumed.resume(2)
    assert resumed.at(2) == {"step": 2, "loss": 0.5}
    assert resumed.at(3) == {}
    resumed.add({"step": 3, "loss": 0.25})
    resumed.save()
    assert [row["loss"] for row in read_metrics(path)] == [1.0, 0.5, 0.25]


def test_there_may_be_no_log_yet_but_none_that_is_another_file(tmp_path):
    log = MetricsLog(tmp_path / "metrics.jsonl")
    log.resume(5)
    assert log.at(1) == {}
    (tmp_path / "metrics.jsonl").write_text("no log\n", encoding="utf-8")
    with pytest.raises(UserError, match="line 1"):
        log.resume(5)
