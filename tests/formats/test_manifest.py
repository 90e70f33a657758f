"""Files that belong together are of one set, or that is told: after kills, a full disk, races and edits."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers import command_line, environment, refusal

import ntcir.formats.manifest
from ntcir.formats.manifest import OFFICIAL, TREC, FileSet, check_set, digest_of, reading_set, write_set
from ntcir.system.errors import UserError

SETS = pytest.mark.parametrize("files", [TREC, OFFICIAL], ids=lambda files: files.manifest)


class Stop(Exception):
    """Stands for a process that ends: what it has not done is not done, and what it has done stays."""


def write(files: FileSet, folder: Path, text: str) -> None:
    with write_set(files, folder) as places:
        for name, place in places.items():
            place.write_text(f"{name} {text}\n")


def whole_manifest(files: FileSet, folder: Path) -> str:
    write(files, folder, "new")
    return (folder / files.manifest).read_text()


def contents(files: FileSet, folder: Path) -> set[str]:
    return {(folder / name).read_text().split()[1] for name in files.names if (folder / name).is_file()}


def told(folder: Path, files: FileSet, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what a reader of a set's first file is told."""
    capsys.readouterr()
    check_set(folder / files.names[0])
    return capsys.readouterr().err


@pytest.fixture
def stop_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Have the process end in place of its n-th renaming, counted from 0."""
    replace = os.replace

    def prepare(last: int) -> None:
        seen = iter(range(10**6))

        def stopping(source: Path, target: Path) -> None:
            if next(seen) >= last:
                raise Stop
            replace(source, target)

        monkeypatch.setattr(os, "replace", stopping)

    yield prepare
    monkeypatch.undo()


@SETS
def test_a_whole_set_is_read_without_a_word(tmp_path, files, capsys):
    for text in ("first", "second", "second"):
        write(files, tmp_path, text)
        assert told(tmp_path, files, capsys) == ""
        assert contents(files, tmp_path) == {text}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([files.manifest, *files.names])


@SETS
@pytest.mark.parametrize("earlier", ["none", "by hand", "a set", "a mixture"])
def test_stopped_at_any_renaming_there_is_one_set_or_a_sentence(tmp_path, files, earlier, stop_at, capsys, monkeypatch):
    for last in range(len(files.names) + 2):  # before them the manifest is written, and after them
        folder = tmp_path / str(last)
        folder.mkdir()
        if earlier == "by hand":
            for name in files.names:
                (folder / name).write_text(f"{name} old\n")
        elif earlier != "none":
            write(files, folder, "old")
        if earlier == "a mixture":
            stop_at(2)
            with pytest.raises(Stop):
                write(files, folder, "between")
            monkeypatch.undo()
        stop_at(last)
        with pytest.raises(Stop):
            write(files, folder, "new")
        monkeypatch.undo()
        mixture = len(contents(files, folder)) > 1
        first = {"none": 99, "a mixture": 0}.get(earlier, 2)  # renaming after which there is one
        assert mixture == (first <= last <= len(files.names))
        if mixture:
            for name in files.names:
                sentence = refusal(check_set, folder / name)
                assert "do not belong together" in sentence
                assert "run it again" in sentence
        else:
            assert told(folder, files, capsys) == ""
        write(files, folder, "new")
        assert told(folder, files, capsys) == ""
        assert (folder / files.manifest).read_text() == whole_manifest(files, tmp_path / "whole")


@SETS
def test_what_was_edited_by_hand_is_read_and_told(tmp_path, files, capsys):
    write(files, tmp_path, "first")
    (tmp_path / files.names[0]).write_text("by hand\n")
    assert f"WARNING: {tmp_path / files.names[0]} has been changed since it was written" in told(
        tmp_path, files, capsys
    )
    (tmp_path / files.manifest).unlink()
    assert told(tmp_path, files, capsys) == ""
    write(files, tmp_path, "second")
    assert told(tmp_path, files, capsys) == ""


@SETS
def test_a_file_of_another_set_that_was_copied_here_is_told(tmp_path, files, capsys):
    write(files, tmp_path / "a", "first")
    write(files, tmp_path / "b", "second")
    shutil.copy(tmp_path / "b" / files.names[1], tmp_path / "a")
    assert f"{tmp_path / 'a' / files.names[1]} has been changed" in told(tmp_path / "a", files, capsys)
    (tmp_path / "a" / files.names[1]).unlink()  # what is not there is missed by whoever needs it
    assert told(tmp_path / "a", files, capsys) == ""


def test_files_without_a_manifest_are_read_as_they_are(tmp_path, capsys):
    for name in TREC.names:
        (tmp_path / name).write_text("x")
    assert told(tmp_path, TREC, capsys) == ""
    write(OFFICIAL, tmp_path, "of the other format")
    assert told(tmp_path, TREC, capsys) == ""


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"files": 1, "earlier": {}, "mixed": false}', "\0", '"\ud800"', "[" * 10**5]
)
def test_a_damaged_manifest_is_one_sentence_and_the_next_set_mends_it(tmp_path, text, capsys):
    write(TREC, tmp_path, "first")
    (tmp_path / TREC.manifest).write_bytes(text.encode("utf-8", "surrogatepass"))
    assert "is damaged" in refusal(check_set, tmp_path / "qrels.txt")
    write(TREC, tmp_path, "second")
    assert told(tmp_path, TREC, capsys) == ""


@pytest.mark.parametrize("strange", [1, None, [], {"a": 1}])
def test_a_strange_digest_fits_no_file(tmp_path, strange, capsys):
    write(TREC, tmp_path, "first")
    tree = json.loads((tmp_path / TREC.manifest).read_text())
    tree["files"]["qrels.txt"] = strange
    (tmp_path / TREC.manifest).write_text(json.dumps(tree))
    assert "qrels.txt has been changed" in told(tmp_path, TREC, capsys)


def test_two_writers_at_once_do_not_leave_a_mixture_in_silence(tmp_path):
    def race() -> None:
        with write_set(TREC, tmp_path) as places:
            for place in places.values():
                place.write_text("mine\n")
            write(TREC, tmp_path, "theirs")  # whole and in time: ours replaces it

    race()
    assert contents_of(tmp_path) == {"mine\n"}
    replace = os.replace

    def late(source: Path, target: Path) -> None:
        replace(source, target)
        if Path(target).name == "pools.tsv":
            patch.undo()
            write(TREC, tmp_path, "theirs")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", late)
        assert "Another process wrote topics.tsv, pools.tsv, qrels.txt" in refusal(write, TREC, tmp_path, "ours")


def contents_of(folder: Path) -> set[str]:
    return {(folder / name).read_text() for name in TREC.names}


def test_a_set_that_is_replaced_while_it_is_read_is_told(tmp_path):
    write(TREC, tmp_path, "first")

    def read() -> None:
        with reading_set(tmp_path / "qrels.txt"):
            write(TREC, tmp_path, "second")

    assert "were rewritten while they were being read" in refusal(read)
    with reading_set(tmp_path / "qrels.txt", own=tmp_path / "pools.tsv"):
        (tmp_path / "pools.tsv").write_text("written by the reader")


def test_of_a_large_file_samples_tell_one_from_another(tmp_path, monkeypatch):
    monkeypatch.setattr(ntcir.formats.manifest, "_WHOLE", 1000)
    monkeypatch.setattr(ntcir.formats.manifest, "_SAMPLE", 100)
    data = bytearray(os.urandom(50_000))
    (tmp_path / "a").write_bytes(data)
    before = digest_of(tmp_path / "a")
    assert before.startswith("64 samples: ")
    for place in (0, len(data) - 1, len(data)):
        changed = data[:place] + b"?" + data[place + 1 :]
        changed[:1] = bytes([changed[0] ^ (place == 0)])
        (tmp_path / "a").write_bytes(changed)
        assert digest_of(tmp_path / "a") != before


# ------------------------------------------------------------------------------------------------- as a user meets it


def answers(folder: Path) -> None:
    """Write a run for the topics of a folder that ranks the pool in its order."""
    pools = [line.split() for line in (folder / "pools.tsv").read_text().splitlines()[1:]]
    lines = [f"{topic} Q0 {document} 1 {-number} t\n" for number, (topic, document) in enumerate(pools)]
    (folder / "run.txt").write_text("".join(lines))


def test_score_refuses_new_topics_with_old_answers(make_lifelog, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_lifelog(Path("life"), per_day=6)
    build = ("build-topics", "--data", "life", "--pool", "6", "--from", "2020-02-28", "--to", "2020-03-20")
    # The pools are all of a day, so that nothing else tells old answers from new ones.
    for seed in ("0", "1"):
        assert command_line(*build, "--seed", seed, "--out", seed).exit_code == 0
    code = (
        "import os, sys\nfrom ntcir.cli import main\nreplace, seen = os.replace, []\n"
        "def ends(source, target):\n"
        "    seen.append(target)\n"
        "    if len(seen) == 3: os.kill(os.getpid(), 9)  # after the manifest and the answers\n"
        "    replace(source, target)\n"
        "os.replace = ends\nmain(sys.argv[1:])\n"
    )
    shutil.copytree("0", "topics")
    answers(Path("topics"))
    run = Path("topics/run.txt").rename("run.txt")
    whole = command_line("score")
    assert whole.exit_code == 0
    arguments = [*build, "--seed", "1", "--out", "topics"]
    killed = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment(), capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert Path("topics/qrels.txt").read_bytes() == Path("1/qrels.txt").read_bytes()
    assert Path("topics/pools.tsv").read_bytes() == Path("0/pools.tsv").read_bytes()
    for command in (["score"], ["score", "--pools", "none"], ["run", "topics.tsv"], ["show", "img2sen_0228"]):
        told = command_line(*command)
        assert told.exit_code == 2, told.output
        assert "The files topics.tsv, pools.tsv, qrels.txt in topics do not belong together" in told.output
    assert command_line(*arguments).exit_code == 0
    assert command_line("score", str(run), "--qrels", "1/qrels.txt").output == command_line("score").output
    assert command_line("score").exit_code == 0


def test_predict_refuses_an_input_whose_answers_are_of_another(tmp_path, stop_at, monkeypatch):
    from ntcir.submission.predict import predict

    write(OFFICIAL, tmp_path, "old")
    stop_at(2)
    with pytest.raises(Stop):
        write(OFFICIAL, tmp_path, "new")
    monkeypatch.undo()
    sentence = refusal(predict, str(tmp_path / "input.json"), str(tmp_path / "out.csv"), None, group="A", run="b")
    assert "The files input.json, input.topics.tsv, qrels.csv" in sentence


def write_without_pools(folder: Path) -> None:
    with write_set(TREC, folder, ["pools.tsv"]) as places:
        assert sorted(places) == ["qrels.txt", "topics.tsv"]
        for name, place in places.items():
            place.write_text(f"{name} new\n")


def test_a_file_that_a_set_does_not_have_is_removed(tmp_path, capsys):
    write(TREC, tmp_path, "old")
    write_without_pools(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([TREC.manifest, "qrels.txt", "topics.tsv"])
    assert told(tmp_path, TREC, capsys) == ""
    write(TREC, tmp_path, "newer")
    assert (told(tmp_path, TREC, capsys), contents(TREC, tmp_path)) == ("", {"newer"})


def test_stopped_before_a_file_is_removed_it_is_not_taken_for_the_set_s(tmp_path, stop_at, monkeypatch):
    write(TREC, tmp_path, "old")
    stop_at(3)  # the manifest and both files have their names; the manifest would be written once more
    monkeypatch.setattr(Path, "unlink", lambda *arguments, **options: None)
    with pytest.raises(UserError, match="at the same time"):
        write_without_pools(tmp_path)
    monkeypatch.undo()
    assert (tmp_path / "pools.tsv").read_text() == "pools.tsv old\n"
    assert "do not belong together" in refusal(check_set, tmp_path / "topics.tsv")
