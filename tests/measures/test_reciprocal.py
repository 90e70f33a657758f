"""Several relevant rows and grades: the organisers' mean against a slow reference, the best-ranked one by name."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import command_line
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ntcir.formats.official import format_qrels, format_run
from ntcir.formats.runs import read_trec_qrels, read_trec_run
from ntcir.measures.reciprocal import Figures, usual_mean
from ntcir.scoring import bootstrap, relevant_ranks, score

anew = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)

Rows = list[tuple[str, str, float]]
Judged = list[tuple[str, str, int]]


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def trec(folder: Path, run: Rows, qrels: Judged) -> tuple[Path, Path]:
    frame = pd.DataFrame(run, columns=["topic", "document", "score"])
    frame["rank"] = frame.groupby("topic")["score"].rank(method="first", ascending=False).astype(int)
    lines = (f"{row.topic} Q0 {row.document} {row.rank} {row.score!r} x\n" for row in frame.itertuples())
    judged = "".join(f"{topic} 0 {document} {rel}\n" for topic, document, rel in qrels)
    return write(folder, "run.txt", "".join(lines)), write(folder, "qrels.txt", judged)


def their_mean(run: Rows, qrels: Judged) -> float:
    """Rank within the topic by score, ties sharing the average; mean rel/rank of relevant rows, 0 for lacking ones."""
    ranked = pd.DataFrame(run, columns=["topic", "document", "score"])
    ranked["rank"] = ranked.groupby("topic")["score"].rank(method="average", ascending=False)
    judged = pd.DataFrame(qrels, columns=["topic", "document", "rel"])
    joined = judged[judged["rel"] > 0].merge(ranked, on=["topic", "document"], how="left")
    return float((joined["rel"] / joined["rank"]).fillna(0).mean())


# Ranks 2 and 3 of four: the issue's 0.4167; the best-ranked one has 0.5.
ISSUE_RUN: Rows = [("t1", document, value) for document, value in zip("abcd", (4.0, 3.0, 2.0, 1.0), strict=True)]
ISSUE_QRELS: Judged = [("t1", "a", 0), ("t1", "b", 1), ("t1", "c", 1), ("t1", "d", 0)]


def test_rows_are_averaged_and_the_best_by_name(tmp_path):
    paths = trec(tmp_path, ISSUE_RUN, ISSUE_QRELS)
    official, best = score(*paths), score(*paths, mrr="best")
    assert official.groups["all"].mrr == pytest.approx((1 / 2 + 1 / 3) / 2, abs=1e-12)
    assert best.groups["all"].mrr == 0.5
    assert official.groups["all"].interval == pytest.approx((5 / 12, 5 / 12))
    assert [topic.rank for topic in official.topics] == [topic.rank for topic in best.topics] == [2]
    assert official.topics[0].reciprocal_rank == pytest.approx(5 / 12)
    assert best.topics[0].reciprocal_rank == 0.5
    told = "MRR averages rel/rank over rows, as the organisers do: 0.4167"
    assert official.warnings == [
        f"1 topic has several relevant rows or grades above 1: {told}; "
        "by the best-ranked one of each topic it is 0.5000 (--mrr best)."
    ]
    assert best.warnings[0].endswith("the organisers average rel/rank over rows: 0.4167 (--mrr official).")


def test_the_command_line_has_both_with_the_same_keys(tmp_path):
    run, qrels = map(str, trec(tmp_path, ISSUE_RUN, ISSUE_QRELS))
    official = command_line("score", run, "--qrels", qrels, "--json", "--per-topic")
    best = command_line("score", run, "--qrels", qrels, "--json", "--per-topic", "--mrr", "best")
    one, two = json.loads(official.stdout), json.loads(best.stdout)
    assert (one["all"]["MRR"], two["all"]["MRR"]) == pytest.approx((5 / 12, 0.5))
    assert list(one["all"]) == ["topics", "MRR", "MRR_95", "MRR@10", "R@1", "R@5", "R@10", "MedR", "random_MRR"]
    assert list(one["topics"][0]) == ["topic", "direction", "rank", "reciprocal_rank", "pool", "random"]
    assert {key: one["all"][key] for key in ("MRR@10", "R@1", "R@5", "MedR")} == {
        key: two["all"][key] for key in ("MRR@10", "R@1", "R@5", "MedR")
    }
    assert "0.4167" in official.stderr
    assert "0.5000 (--mrr best)" in official.stderr
    assert "Note: 1 topic has several" in command_line("score", run, "--qrels", qrels).stdout


def test_rows_count_alike_whatever_their_topic(tmp_path):
    """Globally over rows: a topic with three of them weighs three times as much as one with one."""
    run = [*ISSUE_RUN, ("t2", "a", 1.0)]
    qrels = [("t1", "b", 1), ("t1", "c", 1), ("t1", "d", 1), ("t2", "a", 1)]
    report = score(*trec(tmp_path, run, qrels))
    assert report.groups["all"].mrr == pytest.approx((1 / 2 + 1 / 3 + 1 / 4 + 1) / 4, abs=1e-12)
    assert report.topics[0].reciprocal_rank == pytest.approx((1 / 2 + 1 / 3 + 1 / 4) / 3)


def test_what_the_run_lacks_counts_0_and_is_named(tmp_path):
    run, qrels = trec(tmp_path, ISSUE_RUN, [("t1", "b", 1), ("t1", "z", 2), ("t2", "a", 1), ("t2", "b", 1)])
    report = score(run, qrels)
    assert report.groups["all"].mrr == pytest.approx((1 / 2 + 0 + 0 + 0) / 4)
    assert f"{run} lacks 1 of 2 topics, which count 0: t2." in report.warnings
    assert f"{run} lacks 1 relevant document, which counts 0, in 1 topic of which it has others: t1." in report.warnings


def test_a_minute_that_the_metadata_repeat_has_two_rows(tmp_path):
    """The organisers' own qrels, where one minute has two numbers."""
    run = write(tmp_path, "run.csv", format_run("ORG", "x", [("img2sen_001", str(n), -float(n)) for n in range(1, 5)]))
    rows = [("img2sen_001", f"{n:05d}", "20200316_1650", int(n in (2, 3))) for n in range(1, 5)]
    report = score(run, write(tmp_path, "qrels.csv", format_qrels(rows)))
    assert report.groups["all"].mrr == pytest.approx(5 / 12)
    assert report.groups["all"].random_mrr == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)


cells = st.lists(st.lists(st.sampled_from([0.1, 0.2, 0.3, -1e-9, 5.0]), max_size=9), min_size=1, max_size=5)
grades = st.lists(
    st.dictionaries(st.integers(0, 10), st.integers(-1, 3), min_size=1, max_size=5), min_size=5, max_size=5
)


@anew
@given(topics=cells, judged=grades)
def test_the_mean_is_the_slow_reference_s(tmp_path, topics, judged):
    run = [(f"t{t}", f"d{i}", value) for t, values in enumerate(topics) for i, value in enumerate(values)]
    qrels = [(f"t{t}", f"d{i}", rel) for t, _ in enumerate(topics) for i, rel in judged[t].items()]
    if not run or not any(rel > 0 for _, _, rel in qrels):
        return
    report = score(*trec(tmp_path, run, qrels))
    assert report.groups["all"].mrr == pytest.approx(their_mean(run, qrels), abs=1e-12)
    for topic in report.topics:
        own = [row for row in qrels if row[0] == topic.topic]
        assert topic.reciprocal_rank == pytest.approx(their_mean(run, own), abs=1e-12)


@anew
@given(topics=st.lists(st.lists(st.sampled_from([0.1, 0.2, 0.3]), min_size=1, max_size=9), min_size=1, max_size=6))
def test_with_one_row_a_topic_both_are_the_same_to_the_last_bit(tmp_path, topics):
    run = [(f"t{t}", f"d{i}", value) for t, values in enumerate(topics) for i, value in enumerate(values)]
    paths = trec(tmp_path, run, [(f"t{t}", f"d{(t * 5) % 7}", 1) for t, _ in enumerate(topics)])
    official, best = score(*paths), score(*paths, mrr="best")
    assert official == best
    ranks = relevant_ranks(read_trec_run(paths[0]), read_trec_qrels(paths[1]))
    assert official.groups["all"].mrr == float((1 / ranks).mean())
    draws = np.random.default_rng(0).integers(len(ranks), size=(2000, len(ranks)))
    low, high = np.percentile((1 / ranks)[draws].mean(axis=1), [2.5, 97.5])
    assert official.groups["all"].interval == (float(low), float(high))


@pytest.mark.parametrize("mrr", ["official", "best"])
@pytest.mark.parametrize("rels", [(1,), (1, 1), (2, 1, 0), (3,), (1, 1, 1, 1)])
def test_the_random_baseline_is_the_mean_over_all_orders(tmp_path, mrr, rels):
    """Every order of four candidates is scored; so is what the report says of a random one."""
    names = "abcd"
    qrels = [("t", name, rel) for name, rel in zip(names, rels, strict=False)]
    found = []
    for order in itertools.permutations(range(4)):
        paths = trec(tmp_path, [("t", name, float(value)) for name, value in zip(names, order, strict=True)], qrels)
        report = score(*paths, mrr=mrr).groups["all"]
        found.append(report.mrr)
    assert report.random_mrr == pytest.approx(np.mean(found), abs=1e-12)


def test_the_interval_is_of_the_mean_over_rows():
    """Topics are redrawn with all their rows: a ratio of sums, by a loop."""
    draw = np.random.default_rng(3)
    rows = draw.integers(1, 5, 12)
    sums = draw.random(12) * rows
    generator = np.random.default_rng(0)
    means = []
    for _ in range(2000):
        chosen = generator.integers(12, size=12)
        means.append(sums[chosen].sum() / rows[chosen].sum())
    assert bootstrap(sums, rows=rows) == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])), abs=1e-12)
    assert bootstrap(sums, rows=np.ones(12, np.int64)) == bootstrap(sums)


@pytest.mark.parametrize(
    ("directions", "mean"),
    [
        (["txt2img", "img2txt"], "best"),
        (["txt2img"], "best"),
        (["img2sen", "sen2img"], "official"),
        (["txt2img", "sen2img"], "official"),
        (["txt2img", None], "official"),
        ([None], "official"),
        ([], "official"),
    ],
)
def test_the_usual_mean_is_the_organisers_where_topics_may_be_theirs(directions, mean):
    assert usual_mean(directions) == mean


def test_clusters_are_drawn_as_wholes():
    ones = np.ones(4)
    figures = Figures(np.array([1, 0.5, 0.25, 1]), ones.astype(np.int64), ones, ones, np.array([7, 3, 3, 7]))
    sums, rows = figures.draws()
    assert (sums.tolist(), rows.tolist()) == ([0.75, 2], [2, 2])
    twice = Figures.joined([figures, figures])
    assert twice.draws()[1].tolist() == [4, 4]
    assert twice.of(np.arange(8) < 3).draws()[1].tolist() == [2, 1]


@pytest.mark.parametrize("clusters", [None, [0, 0, 1, 1, 1]])
def test_the_standard_error_is_that_of_topics_or_of_clusters_as_wholes(clusters):
    values, ones = np.array([1, 0.5, 0.25, 1, 0.2]), np.ones(5)
    figures = Figures(values, ones.astype(np.int64), ones, ones, None if clusters is None else np.array(clusters))
    groups = [[value] for value in values] if clusters is None else [values[:2], values[2:]]
    squares = sum(sum(value - values.mean() for value in group) ** 2 for group in groups)
    expected = np.sqrt(len(groups) / (len(groups) - 1) * squares) / 5
    assert figures.standard_error() == pytest.approx(expected)
    if clusters is None:
        assert expected == pytest.approx(values.std(ddof=1) / np.sqrt(5))
    assert figures.of(np.arange(5) < 1).standard_error() is None
