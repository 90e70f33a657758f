"""A run and qrels that are written together, or one to go with the other, are spelled alike: they score as before."""

from __future__ import annotations

import gzip
import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from helpers import command_line, environment
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ntcir.formats.matching import read_run
from ntcir.formats.official import format_qrels, format_run

anew = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def ntcir(*words: object) -> Result:
    result = command_line(*map(str, words))
    assert result.exit_code == 0, result.stderr
    return result


def group_all(*words: object) -> dict[str, float]:
    return dict(json.loads(ntcir("score", *words, "--json").stdout)["all"])


def save(folder: Path, form: str, width: int, run_not_qrels: bool, topics: list[list[float]], right: list[int]) -> Path:
    """Write the run or the qrels of topics in a format, with numbers of so many digits."""
    spelled = [[(f"t{t}", f"{n:0{width}d}", value) for n, value in enumerate(own, 1)] for t, own in enumerate(topics)]
    rows = list(itertools.chain(*spelled))
    if run_not_qrels and form == "csv":
        return write(folder, "run.csv", format_run("ORG", "x", rows))
    if run_not_qrels:
        ranked = [sorted(own, key=lambda row: -row[2]) for own in spelled]
        lines = [f"{t} Q0 {d} {rank} {v!r} x\n" for own in ranked for rank, (t, d, v) in enumerate(own, 1)]
        return write(folder, "run.txt", "".join(lines))
    judged = [(t, d, int(int(d) - 1 == right[int(t[1:])] % len(topics[int(t[1:])]))) for t, d, _ in rows]
    if form == "csv":
        return write(folder, "qrels.csv", format_qrels([(t, d, "", rel) for t, d, rel in judged]))
    return write(folder, "qrels.txt", "".join(f"{t} 0 {d} {rel}\n" for t, d, rel in judged))


def test_the_pair_of_the_issue(tmp_path):
    """Ids 1 in the run and 00001 in the qrels: 1.0 before, 0.0 once written as TREC."""
    run = write(tmp_path, "run.csv", format_run("ORG", "x", [("t", "1", 0.5), ("t", "2", 0.25), ("t", "10", 0.125)]))
    qrels = write(tmp_path, "qrels.csv", format_qrels([("t", "00001", "", 1), ("t", "00002", "", 0)]))
    out = tmp_path / "out.txt", tmp_path / "out.qrels"
    written = ("--write-run", out[0], "--write-qrels", out[1])
    assert group_all(run, "--qrels", qrels, "--pools", "none", *written)["MRR"] == 1
    assert group_all(out[0], "--qrels", out[1])["MRR"] == 1
    assert [line.split()[2] for line in out[0].read_text().splitlines()] == ["00001", "00002", "00010"]


forms = st.sampled_from(["csv", "txt"])
widths = st.integers(1, 5)


@anew
@given(
    topics=st.lists(st.lists(st.sampled_from([0.5, 0.25, -1.0]), min_size=1, max_size=12), min_size=1, max_size=3),
    right=st.lists(st.integers(0, 11), min_size=3, max_size=3),
    run_form=forms, qrels_form=forms, run_width=widths, qrels_width=widths, pool_width=st.none() | widths,
    out_run=forms, out_qrels=forms, written=st.sampled_from(["both", "run", "qrels"]),
)  # fmt: skip
def test_what_is_written_scores_the_same(
    tmp_path, topics, right, run_form, qrels_form, run_width, qrels_width, pool_width, out_run, out_qrels, written
):
    if run_form == qrels_form == "txt":
        qrels_width = run_width  # else they do not fit each other to begin with
    if pool_width is not None and written != "both" and "txt" in (run_form, qrels_form):
        pool_width = qrels_width if written == "run" else run_width  # one file that stays cannot fit two spellings
    if pool_width is not None and run_form == qrels_form == "txt":
        pool_width = run_width
    run = save(tmp_path, run_form, run_width, True, topics, right)
    qrels = save(tmp_path, qrels_form, qrels_width, False, topics, right)
    pools: tuple[object, ...] = ("--pools", "none")
    if pool_width is not None:
        rows = [f"t{t}\t{n:0{pool_width}d}\n" for t, own in enumerate(topics) for n, _ in enumerate(own, 1)]
        pools = ("--pools", write(tmp_path, "pools.tsv", "topic_id\tdoc_id\n" + "".join(rows)))
    out = {"run": tmp_path / f"out.{out_run}", "qrels": tmp_path / f"out-qrels.{out_qrels}"}
    options = [
        word for name in ("run", "qrels") if written in (name, "both") for word in (f"--write-{name}", out[name])
    ]
    before = group_all(run, "--qrels", qrels, *pools, *options)
    again = [out[name] if written in (name, "both") else old for name, old in (("run", run), ("qrels", qrels))]
    assert group_all(again[0], "--qrels", again[1], *pools) == before


def test_trec_files_that_csv_would_take_for_one_are_told_of(tmp_path):
    run, qrels = write(tmp_path, "run.txt", "t Q0 1 1 1 x\n"), write(tmp_path, "qrels.txt", "t 0 00001 1\n")
    result = ntcir("score", run, "--qrels", qrels, "--write-run", tmp_path / "out.csv")
    assert (
        f"Note: '1' of {run} and '00001' of {qrels} are two documents in TREC files, but one in CSV.\n" in result.stderr
    )
    assert f"{run} has the document '1' where {qrels} has '00001': TREC ids are compared as text" in result.stdout


@pytest.mark.parametrize("name", ["out.txt.gz", "out.csv.gz", "OUT.CSV.GZ"])
def test_a_name_in_gz_is_packed_and_always_the_same(tmp_path, name):
    run = write(tmp_path, "run.csv", format_run("ORG", "x", [("t", "1", 0.5), ("t", "2", 0.25)]))
    qrels = write(tmp_path, "qrels.csv", format_qrels([("t", "1", "", 0), ("t", "2", "", 1)]))
    ntcir("score", run, "--qrels", qrels, "--write-run", tmp_path / name)
    packed = (tmp_path / name).read_bytes()
    assert packed[:2] == b"\x1f\x8b"
    assert packed[4:8] == bytes(4)  # no time of writing
    assert (b"group_id" in gzip.decompress(packed)) == ("csv" in name.lower())
    assert read_run(tmp_path / name).ranking("t") == read_run(run).ranking("t")
    assert group_all(tmp_path / name, "--qrels", qrels)["MRR"] == 0.5


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--write-run", "-"), "--write-run needs the name of a file: the scores go to standard output."),
        (("--write-qrels", "-"), "--write-qrels needs the name of a file: the scores go to standard output."),
        (("--write-run", "o.txt", "--write-qrels", "o.txt"), "--write-run and --write-qrels name the same file, o.txt"),
        (
            ("--write-run", "o.txt", "--write-qrels", "../o/o.txt"),
            "--write-run and --write-qrels name the same file, o.txt",
        ),
        (("--write-run", "o.tgz"), "--write-run o.tgz: files are compressed with gzip only"),
        (
            ("--write-run", "o.csv.zip"),
            "--write-run o.csv.zip: files are compressed with gzip only; give a name that ends in",
        ),
        (("--measures", " "), "No measure is given"),
        (("--write-run", "o.csv", "--run-format", "trec", "--group", "A"), "a TREC run has no group_id."),
    ],
)
def test_options_that_do_not_go_together(tmp_path, monkeypatch, options, said):
    folder = tmp_path / "o"
    folder.mkdir()
    monkeypatch.chdir(folder)
    write(folder, "run.txt", "t Q0 1 1 1 x\n")
    write(folder, "qrels.txt", "t 0 1 1\n")
    result = command_line("score", "run.txt", "--qrels", "qrels.txt", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["qrels.txt", "run.txt"]


def test_a_run_is_not_written_where_the_figures_go(tmp_path):
    write(tmp_path, "run.txt", "t Q0 1 1 1 x\n")
    write(tmp_path, "qrels.txt", "t 0 1 1\n")
    target = tmp_path / "figures"
    target.write_text("kept\n")
    words = [sys.executable, "-m", "ntcir", "score", "run.txt", "--qrels", "qrels.txt", "--write-run", "/dev/stdout"]
    with target.open("a") as file:
        done = subprocess.run(words, cwd=tmp_path, env=environment(), stdout=file, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert "--write-run needs the name of a file: the scores go to standard output." in done.stderr
    assert target.read_text() == "kept\n"
