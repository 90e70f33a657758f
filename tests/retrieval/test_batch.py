"""Many topics at once: the scores of single searches, in runs that our own reader takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers import command_line, one_thread  # noqa: F401
from letters import WORDS, write_captioned

from ntcir.cli import main
from ntcir.encoders import KINDS
from ntcir.formats.lifelog_run import LifelogRun
from ntcir.formats.matching import read_run
from ntcir.retrieval.queries import given
from ntcir.retrieval.searching import search

pytestmark = pytest.mark.usefixtures("one_thread", "words")
PAIRS = {"words": "[image, text]", "sensors": "[image, sensor]"}
READING = '{"warm": 250, "wet": 10}'


@pytest.fixture(scope="module")
def words() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(KINDS, "words", WORDS["words"])
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, words: None, one_thread: None) -> Path:  # noqa: F811
    """A folder with captioned pictures and an untrained model of two pairs."""
    folder = tmp_path_factory.mktemp("batch")
    write_captioned(folder / "data", 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, pair in PAIRS.items():
            own = ["--set", "sensors.exclude=[caption]"] if name == "sensors" else []
            options = ["--set", f"pair={pair}", "--iters", "0", "--out", f"runs/{name}", *own]
            done = command_line("train", "--data", "data", *options)
            assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def here(trained: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(trained)
    return tmp_path


def batch(folder: Path, lines: str, *options: str, model: str = "words") -> Result:
    (folder / "topics.tsv").write_text(f"topic_id\tquery\n{lines}", encoding="utf-8")
    return command_line("search", "--topics", str(folder / "topics.tsv"), "--model", f"runs/{model}", *options)


def run_of(folder: Path, done: Result) -> LifelogRun:
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    (folder / "run").write_text(done.stdout, encoding="utf-8")
    return read_run(folder / "run")


def error_of(done: Result) -> str:
    assert (done.exit_code, done.stdout) == (2, ""), f"{done.output}\n{done.exception!r}"
    return done.stderr.splitlines()[-1]


def single(*words: str, picture: str | None = None, reading: str | None = None, model: str = "words", k: int = 5) -> (
    list[tuple[str, float]]
):  # fmt: skip
    found = search(given(words, picture, reading), Path("runs") / model, None, k=k)
    return [(hit.id, hit.score) for hit in found.hits]


def test_each_topic_gets_what_a_search_for_it_finds_in_either_format(here):
    lines, name = "KIS26001\taaa ee\nAD26001\too a\nKIS26001\teee o\n", ["--run-id", "r1", "--k", "5"]
    run = run_of(here, batch(here, lines, *name))
    assert (run.topics, run.tags) == (["KIS26001", "AD26001"], ["r1"])
    for topic, query in {"KIS26001": "aaa ee eee o", "AD26001": "oo a"}.items():
        assert run.ranking(topic) == [(item, pytest.approx(score, rel=1e-7)) for item, score in single(query)]
    other = run_of(here, batch(here, lines, *name, "--format", "ntcir19", "--group", "DCU"))
    assert isinstance(other, LifelogRun)
    assert (other.topics, other.tags, other.group) == (run.topics, run.tags, "DCU")
    assert all(other.ranking(topic) == run.ranking(topic) for topic in run.topics)
    assert not Path("search").exists()


def test_by_default_all_that_the_task_takes_is_ranked_and_named_after_the_model(here):
    done = batch(here, "AD26001\ta\n", "--format", "ntcir19")
    run = run_of(here, done)
    assert (run.group, run.tags, len(run.ranking("AD26001"))) == ("ORG", ["words"], 16)
    assert "The GROUP-ID is ORG: give your own with --group" in done.stderr
    assert len(run_of(here, batch(here, "AD26001\ta\n", "--split", "test")).ranking("AD26001")) < 16


def test_a_run_is_scored(here):
    (here / "run.csv").write_text(batch(here, "AD26001\ta\n", "--format", "ntcir19").stdout, encoding="utf-8")
    first = read_run(here / "run.csv").ranking("AD26001")[0][0]
    (here / "qrels.txt").write_text(f"AD26001 0 {first} 1\n", encoding="utf-8")
    done = command_line("score", str(here / "run.csv"), "--qrels", str(here / "qrels.txt"), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["all"]["MRR"] == 1


def test_pictures_and_readings_ask_where_the_cell_is_one(here):
    lines = f"t1\t{READING}\nt2\ts4_003.png\nt3\tdata/images/s4_003.png\n"
    done = batch(here, lines, "--k", "5", model="sensors")
    run = run_of(here, done)
    assert [item for item, _ in run.ranking("t1")] == [item for item, _ in single(reading=READING, model="sensors")]
    found = [item for item, _ in single(picture="s4_003.png", model="sensors")]
    assert [item for item, _ in run.ranking("t2")] == found
    assert [item for item, _ in run.ranking("t3")] == found
    mixed = run_of(here, batch(here, "t1\ts4_003.png\nt2\ts4_003\n", "--k", "1"))  # a photograph, and words
    assert [mixed.ranking(topic)[0][0] for topic in ("t1", "t2")] == [
        single(picture="s4_003.png", k=1)[0][0], single("s4_003", k=1)[0][0]
    ]  # fmt: skip


def test_topics_that_cannot_be_asked_are_named_and_counted(here):
    lines = f"t1\t{READING}\nt2\ta walk\nt3\tnowhere.jpg\nt4\ts4_003.png\n"
    done = batch(here, lines, "--format", "ntcir19", "--group", "DCU", model="sensors")
    assert run_of(here, done).topics == ["t1"]
    assert "WARNING: 3 of 4 topics of" in done.stderr
    assert "cannot be asked, and are not in the run: t2, t3, t4 (the first: asked with a photograph, the" in done.stderr
    done = batch(here, lines, model="sensors")
    assert run_of(here, done).topics == ["t1", "t4"]
    assert "t2, t3 (the first: The query asks for the image 'a walk', which is neither in" in done.stderr
    done = batch(here, "t4\ts4_003.png\n", "--format", "ntcir19", model="sensors")
    assert "None of the 1 topics of" in error_of(done)
    assert "finds readings, but NTCIR-19 Lifelog takes photographs: ask with readings" in error_of(done)
    assert "its query is not a photograph or caption" in error_of(batch(here, f"t1\t{READING}\n"))
    unknown = error_of(batch(here, 't1\t{"wamr": 3}\n', model="sensors"))
    assert "Unknown reading 'wamr' (did you mean 'warm'?)" in unknown


def test_a_direction_that_is_named_counts(here):
    path = here / "named.tsv"
    path.write_text("topic_id\tquery\tdirection\nt1\ts4_003.png\ttxt2img\nt2\ta\timg2sen\n", encoding="utf-8")
    done = command_line("search", "--topics", str(path), "--model", "runs/words", "--k", "1")
    assert run_of(here, done).ranking("t1")[0][0] == single("s4_003 png", k=1)[0][0]
    assert "t2 (the first: its direction is img2sen, but the model answers img2txt and txt2img)" in done.stderr


def test_topics_may_be_piped(here):
    done = CliRunner().invoke(main, ["search", "--topics", "-", "--model", "runs/words", "--k", "2"], input="t1\ta\n")
    assert len(run_of(here, done).ranking("t1")) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["a", "dog"], "--topics and QUERY cannot be given together: of topics, only a run is written."),
        (["--image", "x.jpg"], "--topics and --image cannot be given together"),
        (["--reading", ""], "--topics and --reading cannot be given together"),
        (["--json"], "--topics and --json cannot be given together"),
        (["--open"], "--topics and --open cannot be given together"),
        (["--out", "x"], "--topics and --out cannot be given together"),
        (["--random"], "--topics and --random cannot be given together"),
        (["--group", "DCU"], "--group is of NTCIR-19's format"),
        (["--format", "ntcir19", "--group", "D C U"], "The GROUP-ID 'D C U' is not valid"),
        (["--format", "ntcir19", "--run-id", "r+1"], "The RUN-ID 'r+1' is not valid"),
        (["--run-id", "two words"], "--run-id 'two words' cannot be a column of a run"),
        (["--format", "ntcir19", "--k", "101"], "--k 101 is too many: NTCIR-19 Lifelog takes at most 100 images"),
        (["--split", "tset"], "There is no split 'tset'"),
    ],
)
def test_what_cannot_be_given_with_topics(here, options, said):
    assert said in error_of(batch(here, "t1\ta\n", *options))


@pytest.mark.parametrize("options", [["--format", "trec"], ["--group", "DCU"], ["--run-id", "r"]])
def test_what_needs_topics(here, options):
    assert f"{options[0]} is about a run: name the topics with --topics FILE" in error_of(
        command_line("search", "a dog", *options)
    )


def test_a_file_that_is_not_there_is_said(here):
    assert "There is no file nowhere.tsv" in error_of(command_line("search", "--topics", "nowhere.tsv"))
