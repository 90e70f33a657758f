"""From TREC to the organisers' format and back: nothing may be lost on the way, least of all the score."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from click.testing import Result
from helpers import command_line, refusal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ntcir.formats.conversion import save_qrels, save_run
from ntcir.formats.matching import read_qrels, read_run
from ntcir.formats.runs import Pairs
from ntcir.scoring import score

anew = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)

RUN = "t2 Q0 b,c 1 0.5 ymx2l-500\nt2 Q0 00536 2 0.100000001 ymx2l-500\nt1 Q0 a 1 -7 ymx2l-500\n"
RUN_CSV = (
    "group_id,run_id,topic_id,dmr_minute_id,score\n"
    'ORG,ymx2l500,t2,"b,c",0.5\nORG,ymx2l500,t2,00536,0.100000001\nORG,ymx2l500,t1,a,-7\n'
)
QRELS = "t2 0 00536 1\nt2 0 b,c 0\nt1 0 a 1\n"
QRELS_CSV = 'topic_id,dmr_minute_id,minute_id,rel\nt2,00536,,1\nt2,"b,c",,0\nt1,a,,1\n'


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def ntcir(*words: object) -> Result:
    return command_line(*map(str, words))


@pytest.fixture
def trec(tmp_path) -> tuple[Path, Path]:
    return write(tmp_path, "run.txt", RUN), write(tmp_path, "qrels.txt", QRELS)


def rows(pairs: Pairs, *columns: str) -> list[tuple]:
    documents = [document.decode() for document in pairs.document.tolist()]
    topics = [pairs.topics[code] for code in pairs.topic]
    return list(zip(topics, documents, *(getattr(pairs, name).tolist() for name in columns), strict=True))


def test_to_the_organisers_format_and_back(trec, tmp_path):
    run, qrels = trec
    plain = ntcir("score", run, "--qrels", qrels)
    assert plain.exit_code == 0, plain.stderr
    out = [tmp_path / "new" / name for name in ("run.csv", "qrels.csv", "run.txt", "qrels.txt")]
    there = ntcir("score", run, "--qrels", qrels, "--write-run", out[0], "--write-qrels", out[1])
    assert (there.exit_code, there.stdout) == (0, plain.stdout)
    assert there.stderr == (
        f"{out[0]}: 3 rows, group_id ORG, run_id ymx2l500 (from the tag 'ymx2l-500': at most 10 letters or "
        f"digits)\n{out[1]}: 3 rows\n"
    )
    assert (out[0].read_text(), out[1].read_text()) == (RUN_CSV, QRELS_CSV)
    back = ntcir("score", out[0], "--qrels", out[1], "--write-run", out[2], "--write-qrels", out[3])
    assert back.stdout == plain.stdout
    assert back.stderr == f"{out[2]}: 3 lines, tag ymx2l500\n{out[3]}: 3 rows\n"
    assert (out[2].read_text(), out[3].read_text()) == (RUN.replace("ymx2l-500", "ymx2l500"), QRELS)
    assert sorted(path.name for path in out[0].parent.iterdir()) == ["qrels.csv", "qrels.txt", "run.csv", "run.txt"]
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o444 for path in out)


def test_what_an_official_file_says_is_kept(tmp_path):
    text = "score,group_id,run_id,topic_id,dmr_minute_id,more\n0.25,TEAM,run1,t1,00002,x\n0.5,TEAM,run1,t1,1,y\n"
    run = read_run(write(tmp_path, "run.csv", text))
    assert save_run(run, tmp_path / "again.CSV") == f"{tmp_path / 'again.CSV'}: 2 rows, group_id TEAM, run_id run1"
    head = "group_id,run_id,topic_id,dmr_minute_id,score\n"
    assert (tmp_path / "again.CSV").read_text() == head + "TEAM,run1,t1,00002,0.25\nTEAM,run1,t1,1,0.5\n"
    save_run(run, tmp_path / "again.CSV", "OTHER")
    assert "OTHER,run1,t1,00002,0.25\n" in (tmp_path / "again.CSV").read_text()
    save_run(run, tmp_path / "again")
    assert (tmp_path / "again").read_text() == "t1 Q0 1 1 0.5 run1\nt1 Q0 00002 2 0.25 run1\n"
    text = "topic_id,dmr_minute_id,minute_id,rel\nt1,00001,20200316_1650,1\nt1,00002,,0\n"
    save_qrels(read_qrels(write(tmp_path, "qrels.csv", text)), tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_text() == text


words = st.text(st.sampled_from('012ab_-.,"é日'), min_size=1, max_size=8)
scores = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 0.5, 1.0, 1.0000000000000002, 123456789.0, 123456788.0]),
)


@anew
@given(
    cells=st.lists(st.tuples(st.sampled_from("pqr"), words, scores), min_size=1, max_size=25),
    judged=st.lists(st.tuples(st.sampled_from("pqrs"), words, st.integers(-1, 2)), max_size=10),
)
def test_nothing_is_lost_on_the_way(tmp_path, cells, judged):
    own = {(t, d.lstrip("0") if d.isascii() and d.isdigit() else d): (t, d, s) for t, d, s in cells}
    lines = []
    for topic in dict.fromkeys(topic for topic, _, _ in own.values()):
        ranking = sorted(((s, d) for t, d, s in own.values() if t == topic), reverse=True)
        lines += [f"{topic} Q0 {d} {rank} {s!r} tag\n" for rank, (s, d) in enumerate(ranking, 1)]
    answers = {(t, d): g for t, d, g in judged if not d.isdigit()} | {(t, "?"): 1 for t in "pqr"}
    answers |= {(t, d): 1 for t, d, _ in list(own.values())[::3]}
    run = write(tmp_path, "run.txt", "".join(lines))
    qrels = write(tmp_path, "qrels.txt", "".join(f"{t} 0 {d} {g}\n" for (t, d), g in answers.items()))
    save_run(read_run(run), tmp_path / "run.csv")
    save_run(read_run(tmp_path / "run.csv"), tmp_path / "again.txt")
    assert (tmp_path / "run.csv").read_text().count("\n") == len(own) + 1
    assert rows(read_run(tmp_path / "run.csv"), "score") == rows(read_run(run), "score")
    assert rows(read_run(tmp_path / "again.txt"), "score", "rank") == rows(read_run(run), "score", "rank")
    save_qrels(read_qrels(qrels), tmp_path / "qrels.csv")
    save_qrels(read_qrels(tmp_path / "qrels.csv"), tmp_path / "qrels.again")
    assert (tmp_path / "qrels.again").read_text() == qrels.read_text()
    plain = [
        score(*pair, own_pools=False) for pair in ((run, qrels), (tmp_path / "again.txt", tmp_path / "qrels.again"))
    ]
    mixed = score(tmp_path / "run.csv", tmp_path / "qrels.csv", own_pools=False)
    assert plain[0].topics == plain[1].topics == mixed.topics
    assert plain[0].groups == plain[1].groups == mixed.groups


@pytest.mark.parametrize(
    ("lines", "name", "said"),
    [
        ("t1 Q0 a 1 1 x\nt1 Q0 a 2 0 x\n", "o.csv", "line 2: document 'a' of topic 't1' appears twice"),
        ("t1 Q0 a 1 1 x\nt1 Q0 a 2 0 x\n", "o.txt", "line 2: document 'a' of topic 't1' appears twice"),
        ("t1 Q0 07 1 1 x\nt1 Q0 7 2 0 x\n", "o.csv", "line 2: document '7' of topic 't1' appears twice"),
        ("t1 Q0 a 1 1 x\nt1 Q0 b 2 0 y\n", "o.csv", "has 2 tags (x, y): give a file with one run."),
        ("t1 Q0 a 1 1 -_-\n", "o.csv", "The tag '-_-' of"),
    ],
)
def test_runs_that_cannot_be_converted(trec, tmp_path, lines, name, said):
    run = write(tmp_path, "bad.txt", lines)
    assert said in refusal(save_run, read_run(run), tmp_path / name)
    result = ntcir("score", run, "--qrels", trec[1], "--write-run", tmp_path / name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert not (tmp_path / name).exists()


def test_ids_with_blanks_are_not_for_trec(tmp_path):
    head = "group_id,run_id,topic_id,dmr_minute_id,score\n"
    run = read_run(write(tmp_path, "run.csv", head + "ORG,x,t1,a,1\nORG,x,t1,a b,1\nORG,x,t 2,a,0\n"))
    assert refusal(save_run, run, tmp_path / "o.txt") == (
        f"{tmp_path / 'run.csv'} line 3: the id 'a b' has blanks; TREC ids have none; line 4: the id 't 2' has "
        "blanks; TREC ids have none."
    )
    qrels = read_qrels(write(tmp_path, "qrels.csv", "topic_id,dmr_minute_id,rel\nt1,a b,1\n"))
    assert "line 2: the id 'a b' has blanks" in refusal(save_qrels, qrels, tmp_path / "o.txt")
    run = read_run(write(tmp_path, "run.csv", head + "ORG,my run,t1,a,1\n"))
    assert "The run_id 'my run' of" in refusal(save_run, run, tmp_path / "o.txt")
    assert not (tmp_path / "o.txt").exists()
    assert "run_id myrun (from the tag 'my run'" in save_run(run, tmp_path / "o.csv")


def test_qrels_that_would_become_the_same(tmp_path):
    qrels = read_qrels(write(tmp_path, "qrels.txt", "t1 0 07 1\nt1 0 7 0\n"))
    assert "line 2: document '7' of topic 't1' appears twice" in refusal(save_qrels, qrels, tmp_path / "o.csv")


def test_a_group_that_the_organisers_do_not_take(trec, tmp_path):
    result = ntcir("score", trec[0], "--qrels", trec[1], "--write-run", tmp_path / "o.csv", "--group", "my team")
    assert result.exit_code == 2
    assert "The group_id 'my team' is not valid" in result.stderr
    assert not (tmp_path / "o.csv").exists()


def test_a_long_tag_is_cut(tmp_path):
    run = read_run(write(tmp_path, "run.txt", "t1 Q0 a 1 1 organisers-baseline_2\n"))
    assert "run_id organisers (from the tag 'organisers-baseline_2'" in save_run(run, tmp_path / "o.csv", "TEAM")
    assert "\nTEAM,organisers,t1,a,1\n" in (tmp_path / "o.csv").read_text()


def test_a_run_is_written_though_it_cannot_be_scored(trec, tmp_path):
    out = tmp_path / "o.csv"
    result = ntcir("score", trec[0], "--qrels", tmp_path / "nowhere.txt", "--write-run", out)
    assert result.exit_code == 2
    assert "nowhere.txt cannot be read" in result.stderr
    assert out.read_text() == RUN_CSV


def test_a_file_may_take_its_own_place(trec, tmp_path):
    result = ntcir("score", trec[0], "--qrels", trec[1], "--write-run", trec[0], "--write-qrels", trec[1])
    assert result.exit_code == 0
    assert (trec[0].read_text(), trec[1].read_text()) == (RUN, QRELS)


def test_a_place_that_cannot_be_written(trec, tmp_path):
    (tmp_path / "folder.csv").mkdir()
    run = read_run(trec[0])
    assert "Cannot write" in refusal(save_run, run, tmp_path / "folder.csv")
    assert "Cannot write" in refusal(save_qrels, read_qrels(trec[1]), trec[0] / "o.csv")
