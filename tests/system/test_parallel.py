"""What goes between processes: rows, gradients, words; and what happens when one of them dies."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import Any

import pytest
import torch
from helpers import command_line, one_thread, refusal  # noqa: F401
from processes import exit_codes, free_port, kept
from talking import COUNT, PARTS, learnt, lose_one, loss_of, refuse, rows_of, talk

import ntcir.system.progress
from ntcir.system import parallel
from ntcir.system.errors import Interrupted, UserError
from ntcir.system.parallel import (
    Deserted,
    Ranks,
    any_rank,
    barrier,
    by_first,
    gather_objects,
    ranks,
    share,
    together,
)
from ntcir.system.progress import progress, say, told_by
from ntcir.system.tensors import gather, sum_gradients

pytestmark = pytest.mark.usefixtures("one_thread")


def environ(patch: pytest.MonkeyPatch, number: int = 0, count: int = 2, local: int | None = None) -> None:
    """Make this process one of several, which have not joined."""
    for name, value in {"RANK": number, "WORLD_SIZE": count, "LOCAL_RANK": number if local is None else local}.items():
        patch.setenv(name, str(value))


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return kept(COUNT, talk, tmp_path_factory.mktemp("talk"))


@pytest.mark.parametrize("name", PARTS)
def test_rows_are_gathered_in_order_with_the_gradient_of_one_process_that_has_them_all(said, name):
    parts = PARTS[name]
    whole = torch.cat([rows_of(number, parts) for number in range(COUNT)]).requires_grad_()
    loss_of(whole).backward()
    expected = whole.grad.split(parts)
    for number, found in enumerate(said):
        gathered, gradient = found[name]
        assert torch.equal(gathered, whole.detach())
        assert torch.equal(gradient, expected[number])
    assert torch.equal(said[0]["numbers"], torch.tensor([1, 2, 2]))


def test_gradients_are_summed_where_any_process_has_one(said):
    before = [[parameter.grad for parameter in learnt(number)] for number in range(COUNT)]
    for place in range(5):
        there = [gradients[place] for gradients in before if gradients[place] is not None]
        for found in said:
            total = found["gradients"][place]
            if not there:
                assert total is None
            else:
                assert torch.allclose(total, sum(there), atol=1e-6)
                assert torch.equal(total, said[0]["gradients"][place])
    assert said[0]["gradients"][3].is_contiguous(memory_format=torch.channels_last)


def test_words_go_round(said):
    for number, found in enumerate(said):
        assert found["ranks"] == (Ranks(number, COUNT, number),) * 2
        assert found["objects"] == [{"rank": 0}, {"rank": 1}, {"rank": 2}]
        assert found["shared"] == [0, "of the first"]
        assert found["flags"] == (True, False)
        assert found["by first"] == 10
        assert found["refused"] == "Process 0 does not like it."


def test_the_parts_of_all_processes_are_everything_once():
    for rows in (0, 1, 2, 7, 64):
        for count in (1, 2, 3, 8):
            parts = [range(rows)[Ranks(number, count, 0).part(rows)] for number in range(count)]
            assert [row for part in parts for row in part] == list(range(rows))
            assert max(map(len, parts)) - min(map(len, parts)) <= 1


# ------------------------------------------------------------------------------------------------- the end of one


def test_patience_is_with_the_living(tmp_path):
    ends, said = exit_codes(COUNT, lose_one, tmp_path)
    assert ends == [0, 7, 0], said
    assert "never said" not in said
    patient, seconds = torch.load(tmp_path / "0.pt")
    assert "Process 2 of 3 has not responded" in patient
    assert seconds < 30
    quick, seconds = torch.load(tmp_path / "2.pt")
    assert "one of them has ended" in quick
    assert seconds < 30


# ------------------------------------------------------------------------------------------------- one process alone


def test_one_process_has_nobody_to_talk_to():
    rows = torch.ones(2, 3, requires_grad=True)
    with together() as own:
        assert own == Ranks(0, 1, 0)
        barrier()
        assert gather(rows) is rows
        assert (gather_objects(3), share("x"), any_rank(True), any_rank(False)) == ([3], "x", True, False)
        assert by_first(lambda: 5) == 5
        with pytest.raises(UserError, match="Process 4"):
            by_first(lambda: refuse(4))
        parameter = torch.nn.Parameter(rows.detach())
        sum_gradients([parameter])
        assert parameter.grad is None


def test_processes_that_have_not_joined_do_not_work_past_each_other(monkeypatch):
    environ(monkeypatch)
    for call in (barrier, lambda: gather(torch.ones(1)), lambda: any_rank(True), lambda: share(1)):
        with pytest.raises(RuntimeError, match="together"):
            call()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"WORLD_SIZE": "2"}, "WORLD_SIZE is set, and RANK is not: "),
        ({"WORLD_SIZE": "two", "RANK": "0"}, "two"),
        ({"WORLD_SIZE": "2", "RANK": "2"}, "contradict"),
        ({"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "1"}, "contradict"),
        ({"WORLD_SIZE": "2", "RANK": "0"}, "MASTER_ADDR and MASTER_PORT not set"),
    ],
)
def test_an_environment_that_is_not_torchrun_s_is_one_sentence(monkeypatch, values, words):
    for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    sentence = refusal(together().__enter__)
    assert words in sentence
    assert "torchrun" in sentence
    done = command_line("score")
    assert done.exit_code == 2


def test_a_port_that_is_taken_is_one_sentence(monkeypatch):
    with socket.socket() as other:
        other.bind(("", free_port()))
        other.listen()
        environ(monkeypatch)
        monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
        monkeypatch.setenv("MASTER_PORT", str(other.getsockname()[1]))
        assert "--master-port" in refusal(together().__enter__)


def test_others_that_do_not_come_are_one_sentence(monkeypatch):
    monkeypatch.setattr(parallel, "_JOIN", timedelta(seconds=1))
    environ(monkeypatch, number=1)
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", str(free_port()))
    assert "Process 2 of 2 cannot reach the others" in refusal(together().__enter__)


# ------------------------------------------------------------------------------------------------- who says what


@pytest.mark.parametrize(
    ("number", "local", "error", "sentence", "waits"),
    [
        (0, 0, UserError("Bad."), "Bad.", False),
        (1, 1, UserError("Bad."), "[process 2 of 4] Bad.", True),
        (2, 0, UserError("Bad."), "[process 3 of 4] Bad.", False),
        (0, 0, Deserted("Gone."), "Gone.", True),
        (0, 0, Interrupted("Stopped."), "Stopped.", False),
        (1, 1, Interrupted("Stopped."), None, True),
    ],
)
def test_the_first_of_a_machine_tells_and_the_others_wait_whether_it_does(
    monkeypatch, number, local, error, sentence, waits
):
    waited: list[float] = []
    monkeypatch.setattr(ntcir.system.progress.time, "sleep", waited.append)
    environ(monkeypatch, number, 4, local)
    assert told_by(error) == sentence
    assert bool(waited) == waits


def test_a_process_alone_tells_its_mistakes_at_once(monkeypatch):
    monkeypatch.setattr(ntcir.system.progress.time, "sleep", lambda seconds: pytest.fail("it waits for nobody"))
    assert told_by(UserError("Bad.")) == "Bad."
    assert told_by(Interrupted("Stopped.")) == "Stopped."


def test_only_the_first_process_speaks(monkeypatch, capsys):
    for number in range(3):
        environ(monkeypatch, number, 3)
        say("a line")
        with progress("a bar", 1) as advance:
            advance(1)
    assert capsys.readouterr().err.splitlines() == ["a line", "a bar: 1 done"]
    assert ranks().number == 2


@pytest.mark.parametrize("verb", ["score", "demo", "build-topics", "show", "bundle", "ablate"])
def test_a_verb_that_cannot_be_shared_is_refused(monkeypatch, tmp_path, verb):
    monkeypatch.chdir(tmp_path)
    environ(monkeypatch)
    done = command_line(verb, "--help")
    assert done.exit_code == 2
    assert f"{verb} runs in one process" in done.output
    assert "features objects" not in done.output
    assert not list(tmp_path.iterdir())


def test_objects_are_detected_by_one_process(monkeypatch):
    environ(monkeypatch)
    assert "objects runs in one process" in command_line("features", "objects").output


def test_a_mistyped_option_is_told_by_one(monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr(ntcir.system.progress.time, "sleep", waited.append)
    for number in range(2):
        environ(monkeypatch, number)
        assert command_line("train", "--iter", "3").exit_code == 2
        assert bool(waited) == bool(number)
