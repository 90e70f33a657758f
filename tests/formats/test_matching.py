"""Runs and qrels of both formats, scored in any combination: against the organisers' evaluation, done the slow way."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from helpers import command_line
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ntcir.formats.matching import read_matching, read_qrels, read_run
from ntcir.formats.official import OfficialQrels, OfficialRun, format_qrels, format_run
from ntcir.scoring import measures, random_reciprocal_rank, score
from ntcir.system.errors import UserError

anew = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def ntcir(*words: object) -> Result:
    return command_line(*map(str, words))


def refused(*words: object) -> str:
    """Return the one sentence with which the command line refuses."""
    result = ntcir(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("Error: ").removesuffix("\n")


def their_mrr(run: list[tuple[str, str, float]], qrels: list[tuple[str, str, str, int]]) -> float:
    """Return what the organisers compute: the mean over relevant rows of rel / average rank within the topic."""
    values = []
    for topic, document, _, rel in qrels:
        own = {int(doc): score for other, doc, score in run if other == topic}
        ordered = sorted(own.values(), reverse=True)
        places = [place for place, score in enumerate(ordered, 1) if score == own[int(document)]]
        if rel:
            values.append(rel / (sum(places) / len(places)))
    return sum(values) / len(values)


def trec_run(rows: list[tuple[str, str, float]]) -> str:
    lines = []
    for topic in dict.fromkeys(topic for topic, _, _ in rows):
        own = sorted(((score, doc) for other, doc, score in rows if other == topic), reverse=True)
        lines += [f"{topic} Q0 {doc} {rank} {score!r} x\n" for rank, (score, doc) in enumerate(own, 1)]
    return "".join(lines)


@pytest.fixture
def month() -> tuple[list[tuple[str, str, float]], list[tuple[str, str, str, int]]]:
    """A complete run with ties over two topics of four candidates, and its qrels; ranks 1.5 and 3."""
    scores = {"img2sen_001": (0.5, 0.5, 0.25, 0.0), "sen2img_001": (0.5, 0.25, 1.0, -1.0)}
    run = [(topic, str(i), value) for topic, own in scores.items() for i, value in enumerate(own, 1)]
    qrels = [(topic, f"{i:05d}", "", int(i == 2)) for topic in scores for i in (1, 2, 3, 4)]
    return run, qrels


@pytest.fixture
def files(month, tmp_path) -> dict[str, Path]:
    """The month in every format; ids have leading zeros in the qrels only."""
    run, qrels = month
    return {
        "run.csv": write(tmp_path, "run.csv", format_run("ORG", "x", run)),
        "run.txt": write(tmp_path, "run.txt", trec_run(run)),
        "qrels.csv": write(tmp_path, "qrels.csv", format_qrels(qrels)),
        "qrels.txt": write(tmp_path, "qrels.txt", "".join(f"{topic} 0 {doc} {rel}\n" for topic, doc, _, rel in qrels)),
        "topics.tsv": write(tmp_path, "topics.tsv", TOPICS),
        "same.txt": write(tmp_path, "same.txt", "".join(f"{t} 0 {int(doc)} {rel}\n" for t, doc, _, rel in qrels)),
    }


TOPICS = "topic_id\tdirection\nimg2sen_001\timg2sen\nsen2img_001\tsen2img\n"
PAIRS = [("run.csv", "qrels.csv"), ("run.csv", "qrels.txt"), ("run.txt", "qrels.csv"), ("run.txt", "same.txt")]


@pytest.mark.parametrize(("run", "qrels"), PAIRS)
def test_every_combination_scores_alike(files, run, qrels):
    report = score(files[run], files[qrels], topics_path=files["topics.tsv"])
    assert [(topic.topic, topic.direction, topic.rank, topic.pool) for topic in report.topics] == [
        ("img2sen_001", "img2sen", 1.5, 4),
        ("sen2img_001", "sen2img", 3, 4),
    ]
    assert report.warnings == []
    assert measures(files[run], files[qrels], "nDCG@10 NumQ R@2") == measures(
        files["run.txt"], files["same.txt"], "nDCG@10 NumQ R@2"
    )
    printed = ntcir("score", files[run], "--qrels", files[qrels], "--json", "--measures", "RR").stdout
    assert (
        printed == ntcir("score", files["run.txt"], "--qrels", files["same.txt"], "--json", "--measures", "RR").stdout
    )
    assert json.loads(printed)["all"]["MRR"] == pytest.approx((1 / 1.5 + 1 / 3) / 2)


def test_trec_ids_keep_their_zeros_among_themselves(files):
    assert [topic.rank for topic in score(files["run.txt"], files["qrels.txt"]).topics] == [None, None]


def test_what_is_read_knows_its_format(files):
    assert [isinstance(read_run(files[name]), OfficialRun) for name in ("run.csv", "run.txt")] == [True, False]
    assert [isinstance(read_qrels(files[name]), OfficialQrels) for name in ("qrels.csv", "qrels.txt")] == [True, False]


@anew
@given(
    topics=st.lists(
        st.lists(st.sampled_from([0.1, 0.2, -1e-9, 0.30000001]), min_size=1, max_size=12), min_size=1, max_size=5
    ),
    places=st.lists(st.integers(0, 11), min_size=5, max_size=5),
    shuffle=st.randoms(use_true_random=False),
)
def test_the_measure_is_the_organisers(tmp_path, topics, places, shuffle):
    run = [(f"t{t}", str(i), value) for t, own in enumerate(topics) for i, value in enumerate(own)]
    answers = [place % len(own) for place, own in zip(places, topics, strict=False)]
    qrels = [(f"t{t}", f"{i:05d}", "", int(i == answers[t])) for t, own in enumerate(topics) for i in range(len(own))]
    shuffle.shuffle(run)
    shuffle.shuffle(qrels)
    report = score(
        write(tmp_path, "run.csv", format_run("ORG", "x", run)), write(tmp_path, "qrels.csv", format_qrels(qrels))
    )
    assert report.groups["all"].mrr == pytest.approx(their_mrr(run, qrels), abs=1e-12)
    assert report.warnings == []
    assert {topic.topic: topic.pool for topic in report.topics} == {f"t{t}": len(own) for t, own in enumerate(topics)}


# ---------------------------------------------------------------------------------------------------- what is said


def test_lacking_candidates_are_counted(files, month, tmp_path):
    run = write(tmp_path, "short.csv", format_run("ORG", "x", [row for row in month[0] if row[1] not in "13"][:3]))
    report = score(run, files["qrels.csv"])
    lacking = f"{run} lacks 5 of the candidates in 2 of the topics that it answers, which can flatter its score"
    assert report.warnings == [f"{lacking}: img2sen_001, sen2img_001."]
    assert [topic.rank for topic in report.topics] == [1, 1]
    assert [topic.pool for topic in report.topics] == [4, 4]
    assert f"Note: {lacking}" in ntcir("score", run, "--qrels", files["qrels.csv"]).stdout
    assert score(run, files["qrels.csv"], own_pools=False).warnings == []  # nothing says what there is to rank


def test_topics_that_the_run_lacks_count_0(files, month, tmp_path):
    run = write(tmp_path, "one.csv", format_run("ORG", "x", month[0][:4]))
    report = score(run, files["qrels.csv"])
    assert report.groups["all"].mrr == pytest.approx(1 / 1.5 / 2)
    assert report.warnings == [f"{run} lacks 1 of 2 topics, which count 0: sen2img_001."]


def test_a_pool_is_known_where_candidates_are_listed(files, month, tmp_path):
    qrels = [row for row in month[1] if row[0] == "img2sen_001" or row[3]]
    run = write(tmp_path, "more.csv", format_run("ORG", "x", [*month[0], ("sen2img_001", "99", -2.0)]))
    report = score(run, write(tmp_path, "some.csv", format_qrels(qrels)))
    assert [topic.pool for topic in report.topics] == [4, 5]
    assert report.topics[0].random == random_reciprocal_rank(4)


def test_what_is_not_in_the_pool_is_refused(files, month, tmp_path):
    run = write(tmp_path, "more.csv", format_run("ORG", "x", [*month[0], ("sen2img_001", "99", 9.0)]))
    said = refused("score", run, "--qrels", files["qrels.csv"])
    assert said == f"{run} line 10: document '99' of topic 'sen2img_001' is not in its pool in {files['qrels.csv']}."
    loose = ntcir("score", run, "--qrels", files["qrels.csv"], "--pools", "none", "--per-topic")
    assert loose.stdout.splitlines()[2].split() == ["sen2img_001", "sen2img", "4", "0.2500", "5"]


def test_ids_that_the_organisers_would_not_take_are_named(month, files, tmp_path):
    text = format_run("ORG", "x", month[0]).replace("ORG,x", "ORGANISERS,x")
    (warning,) = score(write(tmp_path, "long.csv", text), files["qrels.csv"]).warnings
    assert warning.endswith("The group_id 'ORGANISERS' is not valid: the organisers accept 1 to 5 letters or digits.")


def test_ids_that_do_not_fit_are_one_sentence(files, tmp_path):
    named = write(tmp_path, "named.txt", "img2sen_001 Q0 20200316_165048.jpg 1 0.5 x\nimg2sen_001 Q0 b.jpg 2 0.25 x\n")
    assert refused("score", named, "--qrels", files["qrels.csv"]) == (
        f"{named} ranks documents by name ('20200316_165048.jpg'), but {files['qrels.csv']} has them by number "
        "('00001'): score it against qrels with the same ids, such as topics/qrels.txt."
    )
    judged = write(tmp_path, "judged.txt", "img2sen_001 0 20200316_165048.jpg 1\n")
    assert refused("score", files["run.csv"], "--qrels", judged) == (
        f"{files['run.csv']} ranks documents by number ('1'), but {judged} has them by name "
        "('20200316_165048.jpg'): score it against qrels with the same ids, such as topics/qrels.csv."
    )
    pools = write(tmp_path, "named.tsv", "topic_id\tdoc_id\nimg2sen_001\ta.jpg\n")
    said = refused("score", files["run.csv"], "--qrels", files["qrels.csv"], "--pools", pools)
    assert said.endswith("has them by name ('a.jpg'): give pools with the same ids.")


def test_unknown_topics_are_named(files, month, tmp_path):
    run = write(
        tmp_path, "other.csv", format_run("ORG", "x", [("img2sen_0316", doc, 0.5) for _, doc, _ in month[0][:4]])
    )
    said = refused("score", run, "--qrels", files["qrels.csv"])
    assert said == f"{run} line 2: topic 'img2sen_0316' is not in {files['qrels.csv']}."


def test_documents_that_become_the_same_are_refused(files, tmp_path):
    twice = write(tmp_path, "twice.txt", "img2sen_001 Q0 1 1 0.5 x\nimg2sen_001 Q0 001 2 0.25 x\n")
    assert "line 2: document '1' of topic 'img2sen_001' appears twice, first on line 1." in refused(
        "score", twice, "--qrels", files["qrels.csv"]
    )
    judged = write(tmp_path, "twice.qrels", "img2sen_001 0 1 1\nsen2img_001 0 2 1\nimg2sen_001 0 01 0\n")
    assert "line 3: document '1' of topic 'img2sen_001' appears twice, first on line 1." in refused(
        "score", files["run.csv"], "--qrels", judged
    )
    pools = write(tmp_path, "twice.tsv", "topic_id\tdoc_id\nimg2sen_001\t1\nimg2sen_001\t01\n")
    with pytest.raises(UserError, match=r"twice\.tsv line 3: document '1' of topic 'img2sen_001' appears twice"):
        read_matching(files["run.csv"], files["qrels.csv"], pools)


# --------------------------------------------------------------------------------------------- where things are found


def test_the_qrels_are_found_in_the_format_of_the_run(files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "topics/qrels.csv cannot be read" in refused("score", "run.csv")
    assert "topics/qrels.txt cannot be read" in refused("score", "run.txt")
    (tmp_path / "topics").mkdir()
    files["qrels.csv"].rename("topics/qrels.csv")
    files["same.txt"].rename("topics/qrels.txt")
    # These lie beside the qrels of either format, and know the TREC ids only.
    pool = "".join(f"{topic}\t{doc}\n" for topic in ("img2sen_001", "sen2img_001") for doc in range(1, 9))
    write(tmp_path / "topics", "pools.tsv", "topic_id\tdoc_id\n" + pool)
    write(tmp_path / "topics", "topics.tsv", 'topic_id\tquery\nimg2sen_001\t{"hr": 60}\n')
    pools = {name: json.loads(ntcir("score", name, "--json", "--per-topic").stdout) for name in ("run.csv", "run.txt")}
    assert [topic["pool"] for topic in pools["run.csv"]["topics"]] == [4, 4]
    assert [topic["pool"] for topic in pools["run.txt"]["topics"]] == [8, 8]
    assert [topic["direction"] for topic in pools["run.csv"]["topics"]] == ["sen2img", None]
    typed = ntcir("score", "run.csv", "--pools", "topics/pools.tsv", "--json", "--per-topic")
    assert [topic["pool"] for topic in json.loads(typed.stdout)["topics"]] == [8, 8]
    assert "lacks 8 of the candidates" in typed.stderr


@pytest.mark.parametrize("name", ["run.csv", "run.txt"])
def test_pipes_are_read_once(files, tmp_path, name):
    """What reads the run twice, --measures and both conversions, works on a pipe too."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    feeder = threading.Thread(target=lambda: pipe.write_bytes(files[name].read_bytes()))
    feeder.start()
    result = ntcir(
        "score", pipe, "--qrels", files["qrels.csv"], "--measures", "NumQ", "--write-run", tmp_path / "out.csv"
    )
    feeder.join()
    assert result.exit_code == 0, result.stderr
    assert "NumQ         2.0000" in result.stdout
    assert np.allclose(sorted(read_run(tmp_path / "out.csv").score), sorted(read_run(files[name]).score))


# ---------------------------------------------------------------------------------------------------- which topics


def directions(*words: object) -> list[str | None]:
    return [
        topic["direction"] for topic in json.loads(ntcir("score", *words, "--json", "--per-topic").stdout)["topics"]
    ]


NOTE = "Note: The directions of the topics are not known"


@pytest.mark.parametrize("run", ["run.csv", "run.txt"])
def test_without_topics_there_is_one_group_and_a_note_says_what_to_do(files, run):
    files["topics.tsv"].unlink()
    words = ("score", files[run], "--qrels", files["qrels.csv"])
    printed = ntcir(*words).stdout
    assert [line.split()[0] for line in printed.splitlines()[:3]] == ["topics", "all", "Note:"]
    assert NOTE in printed
    assert "--topics" in printed
    found = ntcir(*words, "--json")
    assert NOTE in found.stderr
    assert {name: group["topics"] for name, group in json.loads(found.stdout).items()} == {
        "all": 2, "img2sen": 0, "sen2img": 0
    }  # fmt: skip


def test_topics_may_be_named_anywhere(files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = (files["run.csv"], "--qrels", files["qrels.csv"], "--topics")
    other = write(tmp_path, "other.tsv", TOPICS.replace("img2sen\n", "sen2img\n"))
    assert directions(*words, other) == ["sen2img", "sen2img"]
    (tmp_path / "topics").mkdir()
    other.rename(tmp_path / "topics" / "named.tsv")
    assert directions(*words, "named.tsv") == ["sen2img", "sen2img"]
    assert NOTE not in ntcir("score", *words, "named.tsv").stdout
    assert "There is no file absent.tsv, nor topics/absent.tsv" in refused("score", *words, "absent.tsv")


def test_the_organisers_qrels_have_topics_of_their_own(files, tmp_path):
    own = TOPICS.replace("img2sen\n", "sen2img\n")
    write(tmp_path, "input.topics.tsv", own)
    assert directions(files["run.csv"], "--qrels", files["qrels.csv"]) == ["sen2img", "sen2img"]
    assert directions(files["run.txt"], "--qrels", files["same.txt"]) == ["img2sen", "sen2img"]
    (tmp_path / "input.topics.tsv").unlink()
    assert directions(files["run.csv"], "--qrels", files["qrels.csv"]) == ["img2sen", "sen2img"]
