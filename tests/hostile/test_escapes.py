"""Names of files, ids, headers and what is typed move no terminal: wherever people read them, they are spelled out."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from helpers import command_line, one_thread, write_pictures  # noqa: F401

from ntcir.system.errors import UserError, escaped, short, shown
from ntcir.system.progress import progress, say
from ntcir.system.streams import write_output
from ntcir.verbs import Mistake

pytestmark = pytest.mark.usefixtures("one_thread")

TITLE, COLOUR, TURN = "\x1b]0;pwned\x07", "\x9b31m", "\u202egnp\u2066"
EVIL = f"pwned{TITLE}{COLOUR}{TURN}"
MILD = f"pwned{COLOUR}{TURN}\x7f"  # what an id of a run may be
TRAIN = ["train", "--data", "data", "--set"]
RAW = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def said(*words: str) -> str:
    """Run a command; return what a person sees of it, in which there must be nothing raw, and something to see."""
    done = command_line(*words)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    for text in (done.stdout, done.stderr):
        assert not RAW.search(text), text
    assert "pwned" in done.output, done.output
    return done.output


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NTCIR_DATA", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        [EVIL], [f"--{EVIL}"], ["score", f"--{EVIL}"], ["score", EVIL], ["score", "--mrr", EVIL], ["score", "a", EVIL],
        ["score", EVIL, "--qrels", EVIL], ["build-topics", "--from", EVIL], ["build-topics", "--pool", EVIL],
        ["build-topics", "--data", EVIL], ["build-topics", "--config", EVIL], ["features", EVIL], [*TRAIN, EVIL],
        [*TRAIN, f"{EVIL}=1"], [*TRAIN, f"seed={EVIL}"], [*TRAIN, f"training.{EVIL}=1"], [*TRAIN, f"seed=[{EVIL}"],
        ["features", "status", "--data", EVIL], ["run", EVIL], ["bundle", EVIL,
        "--group", "ORG", "--run", "a"], ["bundle", "a", "--group", EVIL, "--run", "a"], ["predict", "a", f"{EVIL}/"],
        ["ablate", EVIL], ["show", EVIL, "--topics", EVIL],
    ],
)  # fmt: skip
def test_what_is_typed(words: Sequence[str]):
    Path("data").mkdir()
    assert "\\x9b31m" in said(*words)


def write_ranking(topic: str = "t1", document: str = "d1", header: str = "topic_id") -> None:
    Path("run.txt").write_text(f"{topic} Q0 {document} 1 0.5 x\n{topic} Q0 d2 2 0.4 x\n", encoding="utf-8")
    Path("qrels.txt").write_text(f"{topic} 0 {document} 1\nlost{topic} 0 d1 1\n", encoding="utf-8")
    Path("run.csv").write_text(
        f"group_id,run_id,{header},dmr_minute_id,score\nORG,a,{topic},{document},1\n", encoding="utf-8"
    )
    Path("topics.tsv").write_text(f"{header}\ttimestamp\tquery\n{topic}\t\ta.jpg\n", encoding="utf-8")


@pytest.mark.parametrize("more", [[], ["--per-topic"], ["--json", "--per-topic"]])
def test_ids_in_the_tables_of_a_score(more):
    write_ranking(MILD)
    assert "\\x9b31m" in said("score", "run.txt", "--qrels", "qrels.txt", *more) or "--json" in more


def test_scores_and_documents_that_are_refused():
    write_ranking("t1", MILD)
    Path("run.txt").write_text(
        f"t1 Q0 {MILD} 1 {MILD} x\nt1 Q0 {MILD} 1 0.5 x\nt1 Q0 {MILD} 1 0.5 x\n", encoding="utf-8"
    )
    said("score", "run.txt", "--qrels", "qrels.txt")
    Path("run.txt").write_text(f"t1 Q0 {MILD} 1 0.5 x\nt1 Q0 {MILD} 1 0.5 x\n", encoding="utf-8")
    said("score", "run.txt", "--qrels", "qrels.txt")


def test_headers_of_runs_and_topics():
    write_ranking(header=MILD)
    said("score", "run.csv", "--qrels", "qrels.txt")
    said("score", "run.txt", "--qrels", "qrels.txt")


def test_topics_that_nobody_asked():
    write_ranking(MILD)
    said("show", f"{MILD}s", "--topics", "topics.tsv")
    said("show", MILD, "--topics", "topics.tsv", "--run", EVIL)


def test_records_with_such_names_sessions_and_columns(tmp_path):
    folder = write_pictures(tmp_path / EVIL, per_session=4)
    lines = (folder / "records.csv").read_text().splitlines()
    (folder / "images" / "s1_000.png").rename(folder / "images" / f"{EVIL}.png")
    lines[1] = lines[1].replace("s1_000.png", f"{EVIL}.png")
    lines[2] = lines[2].replace("s1_001.png", f"absent{EVIL}.png").replace(",s1,", f",{EVIL},")
    lines[3] = re.sub(r"2021-[^,]*", EVIL, lines[3])
    lines[4] = lines[4].replace(",s1,", f",{EVIL},")
    lines[0] = lines[0].replace("warm", EVIL)
    (folder / "records.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    data = ["--data", str(folder)]
    said("build-topics", *data)
    said("build-topics", *data, "--pool", "2")
    said("build-topics", *data, "--set", f"data.split={{by: session, test: [{EVIL!r}]}}")
    said("features", "images", *data)
    said("features", "status", *data)
    said("features", "status", *data, "--json")
    (folder / "records.csv").write_text(f"{EVIL},{MILD}\n1,2\n", encoding="utf-8")
    said("build-topics", *data)


@pytest.mark.parametrize("text", ['"{}": 1\n', 'training: {{"{}": 1}}\n', 'seed: "{}"\n', "a: [{}\n", "? {}\n: 1"])
@pytest.mark.parametrize("escapes", [True, False])
def test_configurations(tmp_path, text, escapes):
    write_pictures(tmp_path / "data", ["s1"], 2)
    name = "pwned\\x1b]0;x\\x07\\x9b31m\\u202e" if escapes and '"' in text else EVIL
    Path("a.yaml").write_text(text.format(name) if "{}" in text else text, encoding="utf-8")
    for words in (["train", "--data", "data", "--config", "a.yaml"], ["ablate", "a.yaml", "--data", "data"]):
        done = command_line(*words)
        assert done.exit_code == 2
        assert not RAW.search(done.output), done.output


def test_models_in_such_folders(tmp_path):
    write_pictures(tmp_path / "data", per_session=4)
    assert command_line("train", "--data", "data", "--iters", "2", "--out", EVIL).exit_code == 0
    said("train", "--data", "data", "--iters", "2", "--out", EVIL)
    assert command_line("build-topics", "--data", "data", "--pool", "2").exit_code == 0
    assert "is tagged" in said("run", "topics.tsv", "--model", EVIL)
    (tmp_path / EVIL / "model.json").write_text("{")
    said("run", "topics.tsv", "--model", EVIL)


class Terminal(io.StringIO):
    """What a person reads."""

    def isatty(self) -> bool:
        return True


def test_data_are_as_they_are_in_a_file_and_spelled_out_on_a_terminal(monkeypatch):
    line = f"{EVIL} Q0 d\t1 0.5 x\n"
    for stream, shown_there in ((io.StringIO(), line), (Terminal(), f"{escaped(EVIL)} Q0 d\t1 0.5 x\n")):
        monkeypatch.setattr(sys, "stdout", stream)
        write_output(line)
        assert stream.getvalue() == shown_there


def test_a_line_that_is_said_is_one_line(capsys):
    say(f"{EVIL}: one\nError: forged", "two")
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["pwned\\x1b]0;pwned\\x07\\x9b31m\\u202egnp\\u2066: one\\nError: forged", "two"]
    assert Mistake("a\nb\udce9").format_message() == "a\\nb\\udce9"
    with progress(f"[bold]{EVIL}", 1) as advance:
        advance(1)
    assert not RAW.search(capsys.readouterr().err)


def test_what_is_unusual_but_text_stays(capsys):
    for text in ("café", "日本", "👩\u200d💻", "e\u0301", "a\u00a0b", "שלום", "a\ufeffb"):
        assert escaped(text) == text
    assert short("x" * 100) == "x" * 38 + "..." + "x" * 38
    assert short("a\nb") == "a\\nb"
    assert shown("a\nb") == r"'a\nb'"
    assert str(UserError(EVIL)) == EVIL
