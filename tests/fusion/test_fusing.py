"""Runs are fused as by plain loops, and what they lack or cannot be is said in one sentence."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from helpers import command_line

import ntcir.cli
from ntcir.formats.matching import read_run
from ntcir.formats.runs import read_trec_run
from ntcir.fusion.methods import METHODS
from ntcir.scoring import score

Scores = dict[str, dict[str, float]]  # topic -> document -> score


def as_trec(scores: Scores, tag: str = "x") -> str:
    lines = []
    for topic, documents in scores.items():
        ordered = sorted(documents.items(), key=lambda item: -item[1])
        lines += [f"{topic} Q0 {doc} {rank} {value!r} {tag}" for rank, (doc, value) in enumerate(ordered, 1)]
    return "\n".join(lines) + "\n"


def as_transfer(scores: Scores) -> str:
    rows = [f"ABC,one,{topic},{doc},{value!r}" for topic, docs in scores.items() for doc, value in docs.items()]
    return "\n".join(["group_id,run_id,topic_id,dmr_minute_id,score", *rows]) + "\n"


def as_lifelog(scores: Scores) -> str:
    rows = [f"ABC,one,{topic},{doc},{value!r}" for topic, docs in scores.items() for doc, value in docs.items()]
    return "\n".join(["GROUP-ID,RUN-ID,TOPIC-ID,IMAGE-ID,SCORE", *rows]) + "\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(name: str, scores: Scores) -> str:
    Path(name).write_text(as_trec(scores, Path(name).stem), encoding="utf-8")
    return name


def fuse(*words: object) -> Result:
    return command_line("fuse", *map(str, words))


def fused(*words: object) -> Scores:
    """Return what a run on standard output holds."""
    done = fuse(*words)
    assert done.exit_code == 0, done.stderr
    return of_text(done.stdout)


def of_text(text: str) -> Scores:
    Path("fused.out").write_text(text, encoding="utf-8")
    run = read_run("fused.out")
    return {topic: dict(run.ranking(topic)) for topic in run.topics}


def complaint(*words: object) -> str:
    """Return the one sentence of a refusal."""
    done = fuse(*words)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.stderr


def random_runs(seed: int, runs: int = 3, topics: int = 6, documents: int = 12) -> list[Scores]:
    """Return runs with ties, missing documents and missing topics."""
    draw = np.random.default_rng(seed)
    found: list[Scores] = []
    for number in range(runs):
        scores: Scores = {}
        for topic in range(topics):
            if topic == number:  # which this run lacks
                continue
            kept = [f"d{doc}" for doc in range(documents) if draw.random() < 0.7] or ["d0"]
            scores[f"t{topic}"] = {doc: round(float(draw.normal(5 * number, 1 + number)), 1) for doc in kept}
        found.append(scores)
    found[0]["t5"] = dict.fromkeys(found[0]["t5"], 2.5)  # all equal
    return found


def by_loops(runs: Sequence[Scores], weights: Sequence[float], method: str, k: float = 60) -> Scores:
    """Return the fused scores as the definitions say, pair by pair."""
    total: Scores = {}
    for topic in dict.fromkeys(itertools.chain.from_iterable(runs)):
        total[topic] = {}
        for doc in {doc for run in runs for doc in run.get(topic, ())}:
            value, having = 0.0, 0
            for run, weight in zip(runs, weights, strict=True):
                scores = run.get(topic, {})
                if doc not in scores or not weight:
                    continue
                having += 1
                values = list(scores.values())
                if method == "rrf":
                    better = sum(other > scores[doc] for other in values)
                    equal = sum(other == scores[doc] for other in values)
                    value += weight / (k + better + (equal + 1) / 2)
                elif max(values) > min(values):
                    z = [(other - np.mean(values)) / np.std(values) for other in (scores[doc], min(values))]
                    value += weight * (z[0] - z[1])
            total[topic][doc] = value * (having if method == "combmnz" else 1)
    return total


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("typed", "weights"), [(None, (1, 1, 1)), ("2,1,0.5", (1, 0.5, 0.25))])
def test_the_fused_scores_are_those_of_plain_loops(method, typed, weights):
    for seed in range(3):
        runs = random_runs(seed)
        names = [write(f"{letter}.txt", run) for letter, run in zip("abc", runs, strict=True)]
        found = fused(*names, "--method", method, *(["--weights", typed] if typed else []))
        expected = by_loops(runs, weights, method)
        assert found.keys() == expected.keys()
        for topic, scores in expected.items():
            assert found[topic] == pytest.approx(scores, rel=1e-6, abs=1e-6)


def test_k_is_that_of_reciprocal_rank_fusion():
    runs = random_runs(0)
    names = [write(f"{letter}.txt", run) for letter, run in zip("abc", runs, strict=True)]
    assert fused(*names, "--k", 5)["t4"] == pytest.approx(by_loops(runs, (1, 1, 1), "rrf", 5)["t4"], rel=1e-6)
    assert "--k is of --method rrf" in complaint(*names, "--k", 5, "--method", "combsum")


@pytest.mark.parametrize("method", METHODS)
def test_documents_with_the_same_contributions_of_other_runs_tie(method):
    values = [0.1, 0.7, 0.4]
    runs = [
        {"t": {"a": values[shift], "b": values[(shift + 1) % 3], "c": values[(shift + 2) % 3], "z": -1.0}}
        for shift in range(3)
    ]
    names = [write(f"{letter}.txt", run) for letter, run in zip("xyz", runs, strict=True)]
    found = fused(*names, "--method", method)["t"]
    assert found["a"] == found["b"] == found["c"] > found["z"]


def test_scores_at_the_ends_of_the_range_are_standardised():
    one = write("one.txt", {"t": {"a": 1.7e308, "b": -1.7e308, "c": 0.0}})
    two = write("two.txt", {"t": {"a": 1.0, "b": -1.0, "c": 0.0}})
    found = fused(one, two, "--method", "combsum")["t"]
    assert found == pytest.approx({"a": 2 * 6**0.5, "c": 6**0.5, "b": 0}, rel=1e-6)


def test_the_run_is_in_trec_eval_s_order_with_its_tag_and_no_deeper_than_asked_for():
    names = [write("a.txt", {"t": {"1": 0.2, "2": 0.2, "3": 0.1}}), write("b.txt", {"t": {"1": 5.0, "2": 5.0}})]
    done = fuse(*names, "--tag", "ours", "--depth", 2)
    rows = [line.split(" ") for line in done.stdout.splitlines()]
    assert [(row[2], row[3], row[5]) for row in rows] == [("2", "1", "ours"), ("1", "2", "ours")]
    assert rows[0][4] == rows[1][4] == f"{np.float32(2 / 61.5):.9g}"
    assert "1 topic of 2 runs fused by rrf: 2 lines, tag ours" in done.stderr


# Formats


def test_files_of_any_format_are_fused_and_numbers_written_as_the_first_has_them():
    scores: Scores = {"t1": {"00001": 0.9, "00002": 0.5, "00010": 0.1}}
    write("one.txt", scores)
    other = {"t1": {"1": 3.0, "10": 2.0, "7": 1.0}}
    Path("two.csv.gz").write_bytes(gzip.compress(as_transfer(other).encode()))
    found = fused("one.txt", "two.csv.gz")["t1"]
    padded = {"t1": {doc.zfill(5): value for doc, value in other["t1"].items()}}
    assert found == pytest.approx(by_loops([scores, padded], (1, 1), "rrf")["t1"])
    done = fuse("one.txt", "two.csv.gz", "--run-format", "transfer", "--group", "XY", "--tag", "my-run")
    assert done.stdout.startswith("group_id,run_id,topic_id,dmr_minute_id,score\nXY,myrun,t1,00001,0.0")


def test_lifelog_runs_are_fused_with_trec_ones_and_too_many_images_are_said():
    images = {f"2019_{number:03d}.jpg": float(-number) for number in range(101)}
    Path("one.csv").write_text(as_lifelog({"AD1": images}), encoding="utf-8")
    write("two.txt", {"AD1": dict(reversed(images.items()))})
    done = fuse("one.csv", "two.txt", "--run-format", "lifelog")
    assert of_text(done.stdout)["AD1"] == pytest.approx(by_loops([{"AD1": images}] * 2, (1, 1), "rrf")["AD1"])
    assert "NTCIR-19 Lifelog takes at most 100 images per topic" in done.stderr
    assert "--depth 100" in done.stderr
    assert "at most 100" not in fuse("one.csv", "two.txt", "--run-format", "lifelog", "--depth", 100).stderr


def test_one_run_may_be_piped_but_not_two():
    runs = random_runs(1)
    write("a.txt", runs[0])
    done = CliRunner().invoke(ntcir.cli.main, ["fuse", "a.txt", "-"], input=as_trec(runs[1]))
    assert done.exit_code == 0
    assert of_text(done.stdout)["t3"] == pytest.approx(by_loops(runs[:2], (1, 1), "rrf")["t3"], rel=1e-6)
    assert "Only one of the files can be standard input" in complaint("-", "-")


# What is said


def test_topics_and_documents_that_a_run_lacks_are_said():
    one = write("one.txt", {"t1": {"a": 2.0, "b": 1.0}, "t2": {"a": 1.0}})
    two = write("two.txt", {"t1": {"a": 2.0, "c": 1.0, "d": 0.0}})
    said = fuse(one, two).stderr
    assert "two.txt lacks 1 topic, which is fused from the other runs alone: t2." in said
    assert "one.txt lacks 2 of the 5 documents that the runs rank for its topics, in 1 topic (t1); they count 0" in said
    assert "two.txt lacks 1 of the 4 documents" in said
    assert "count as its worst" in fuse(one, two, "--method", "combsum").stderr
    assert "lacks" not in fuse(one, one).stderr


@pytest.mark.parametrize("names", [("one.txt", "one.txt"), ("one.txt", "copy.txt"), ("one.txt", "two.txt", "copy.txt")])
def test_one_run_given_twice_is_said(names):
    scores = random_runs(0)
    write("one.txt", scores[0])
    write("two.txt", scores[1])
    lines = as_trec(scores[0], "other").splitlines(keepends=True)
    Path("copy.txt").write_text("".join(reversed(lines)))  # in another order, under another tag
    same = f"one.txt and {names[-1]} are the same run, which counts 2 times."
    assert (same if names[-1] != "one.txt" else "one.txt is given 2 times, and counts as often.") in fuse(*names).stderr
    assert "2 times" not in fuse("one.txt", "two.txt").stderr


def test_ids_that_are_of_no_common_collection_are_said_or_refused():
    names = write("names.txt", {"t": {"a": 2.0, "b": 1.0}})
    others = write("others.txt", {"t": {"x": 2.0, "y": 1.0}})
    numbers = write("numbers.txt", {"t": {"1": 2.0, "2": 1.0}})
    padded = write("padded.txt", {"t": {"01": 2.0, "2": 1.0}})
    assert "no document is in two of the runs" in fuse(names, others).stderr
    assert "names.txt ranks documents by name ('a'), but numbers.txt has them by number" in complaint(numbers, names)
    assert "'1' of numbers.txt and '01' of padded.txt are two documents" in fuse(numbers, padded).stderr


# What is refused


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ("1", "has 1 weight for 2 runs"),
        ("1,2,3", "has 3 weights for 2 runs"),
        ("1,-1", "at least 0"),
        ("1,nan", "finite"),
        ("inf,1", "finite"),
        ("0,0", "at least one weight must be above 0"),
        ("1;2", "numbers with commas"),
        ("", "numbers with commas"),
    ],
)
def test_weights_that_are_not_valid_are_one_sentence(weights, words):
    runs = random_runs(0)
    assert words in complaint(write("a.txt", runs[0]), write("b.txt", runs[1]), "--weights", weights)


def test_a_run_of_weight_0_is_left_out_with_all_its_topics_and_documents():
    names = [write("a.txt", {"t": {"d1": 1.0, "d2": 0.0}}), write("b.txt", {"t": {"d3": 1.0}, "u": {"d1": 1.0}})]
    done = fuse(*names, "--weights", "3,0")
    assert of_text(done.stdout).keys() == {"t"}
    assert of_text(done.stdout)["t"].keys() == {"d1", "d2"}
    assert "weight 0 leaves out b.txt" in done.stderr
    assert "1 topic of 1 run fused" in done.stderr


def bad_files() -> Mapping[str, str]:
    return {
        "good.txt": "t Q0 a 1 2 x\nt Q0 b 2 1 x\n",
        "twice.txt": "t Q0 a 1 2 x\nt Q0 a 2 1 x\n",
        "ranks.txt": "t Q0 a 1 1 x\nt Q0 b 2 2 x\n",
        "tags.txt": "t Q0 a 1 2 x\nt Q0 b 2 1 y\n",
        "apart.txt": "u Q0 a 1 2 x\n",
        "nan.txt": "t Q0 a 1 nan x\n",
    }


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["good.txt"], "A fusion needs at least 2 runs, and there is only good.txt"),
        (["good.txt", "absent.txt"], "absent.txt cannot be read"),
        (["good.txt", "twice.txt"], "appears twice"),
        (["good.txt", "ranks.txt"], "is above the 1 of rank 1"),
        (["good.txt", "tags.txt"], "has 2 tags (x, y)"),
        (["good.txt", "apart.txt"], "No topic is in two of the runs (good.txt has t; apart.txt has u)"),
        (["good.txt", "nan.txt"], "nan.txt line 1"),
        (["good.txt", "good.txt", "--tag", "a b"], "--tag 'a b' is not valid"),
        (["good.txt", "good.txt", "--group", "ABC"], "--group needs --run-format"),
        (["good.txt", "good.txt", "--tune-on", "good.txt"], "add --tune-qrels FILE"),
        (["good.txt", "good.txt", "--tune-qrels", "q.txt"], "add --tune-on RUN"),
        (["good.txt", "good.txt", "--tune-qrels", "q", "--tune-on", "a", "--weights", "1,1"], "leave one out"),
    ],
)
def test_what_cannot_be_fused_is_one_sentence(words, sentence):
    for name, text in bad_files().items():
        Path(name).write_text(text, encoding="utf-8")
    assert sentence in complaint(*words)


# Weights that are tuned


def systems(topics: Sequence[str], good: float, seed: int) -> tuple[Scores, Scores, str]:
    """Return two runs of 20 documents a topic, a better and a worse one, and the qrels: document ``d0`` is right."""
    draw = np.random.default_rng(seed)
    runs: tuple[Scores, Scores] = ({}, {})
    for run, signal in zip(runs, (good, 0.3), strict=True):
        for topic in topics:
            run[topic] = {f"d{doc}": float(draw.normal() + signal * (doc == 0)) for doc in range(20)}
    return *runs, "".join(f"{topic} 0 d0 1\n" for topic in topics)


def tuning_files(good: float = 2.0) -> list[str]:
    """Write two runs, and those of the same systems over other topics; return the words of the command."""
    one, two, _ = systems(["t1", "t2"], good, 0)
    dev = systems([f"dev{number}" for number in range(30)], good, 1)
    Path("dev.qrels").write_text(dev[2])
    names = [write("one.txt", one), write("two.txt", two), write("dev1.txt", dev[0]), write("dev2.txt", dev[1])]
    return [*names[:2], "--tune-on", names[2], "--tune-on", names[3], "--tune-qrels", "dev.qrels"]


@pytest.mark.parametrize("method", METHODS)
def test_tuned_weights_are_the_best_on_the_other_topics_and_the_run_is_that_of_these_weights(method):
    words = tuning_files()
    done = fuse(*words, "--method", method)
    assert done.exit_code == 0, done.stderr
    found = done.stderr.partition("Weights ")[2].partition(" are the best of 11 tried on 30 topics: MRR ")
    weights, told = found[0].replace(" ", ""), float(found[2].split()[0])
    assert done.stdout == fuse(*words[:2], "--method", method, "--weights", weights).stdout
    tried = {}
    for first in range(11):
        text = fuse("dev1.txt", "dev2.txt", "--method", method, "--weights", f"{first},{10 - first}").stdout
        Path("try.txt").write_text(text)
        mrr = score("try.txt", "dev.qrels").groups["all"].mrr
        assert mrr is not None
        tried[first] = mrr
    assert told == pytest.approx(max(tried.values()), abs=5e-5)
    assert tried[round(10 * float(weights.split(",")[0]))] == max(tried.values())
    assert f"(equal weights {tried[5]:.4f}; each run alone {tried[10]:.4f}, {tried[0]:.4f})" in done.stderr


def test_of_equally_good_weights_equal_ones_are_taken():
    words = tuning_files(good=50.0)  # of which any share finds every answer, or nearly so
    Path("dev2.txt").write_text(Path("dev1.txt").read_text())
    assert "Weights 0.5, 0.5 are the best" in fuse(*words).stderr


def test_weights_are_not_tuned_on_topics_that_are_fused():
    words = tuning_files()
    Path("dev.qrels").write_text(Path("dev.qrels").read_text() + "t2 0 d0 1\n")
    sentence = complaint(*words)
    assert "dev.qrels judges 1 topic of the runs that are fused (t2)" in sentence
    assert "other topics" in sentence


def test_runs_to_tune_on_are_as_many_as_the_runs_and_fit_the_qrels():
    words = tuning_files()
    assert "1 --tune-on was given for 2 runs" in complaint(*words[:4], *words[6:])
    Path("dev.qrels").write_text("other 0 d0 1\n")
    assert "is not in dev.qrels" in complaint(*words)


def test_a_topic_that_no_run_to_tune_on_answers_counts_0():
    words = tuning_files()
    before = fuse(*words).stderr.partition("MRR ")[2]
    Path("dev.qrels").write_text(Path("dev.qrels").read_text() + "".join(f"more{n} 0 d0 1\n" for n in range(30)))
    after = fuse(*words).stderr.partition("MRR ")[2]
    assert float(after.split()[0]) == pytest.approx(float(before.split()[0]) / 2, abs=1e-4)


def test_official_files_are_tuned_on_by_number():
    words = tuning_files()
    plain = fuse(*words).stderr.partition("Weights ")[2].partition("\n")[0]
    for name in ("dev1", "dev2"):
        run = read_trec_run(f"{name}.txt")
        Path(f"{name}.csv").write_text(
            as_transfer({topic: {doc[1:].zfill(3): value for doc, value in run.ranking(topic)} for topic in run.topics})
        )
    qrels = [f"dev{number},{doc},,{int(doc == 0)}" for number in range(30) for doc in range(20)]
    Path("dev.csv").write_text("\n".join(["topic_id,dmr_minute_id,minute_id,rel", *qrels]) + "\n")
    done = fuse("one.txt", "two.txt", "--tune-on", "dev1.csv", "--tune-on", "dev2.csv", "--tune-qrels", "dev.csv")
    assert done.stderr.partition("Weights ")[2].partition("\n")[0] == plain
