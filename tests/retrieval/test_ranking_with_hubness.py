"""What is ranked with a bias against hubs: runs, whole splits, evaluations and searches, held to a slow reference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import command_line, fit, one_thread, question, toy_config, toy_corpus, toy_features, write_pictures  # noqa: F401

from ntcir.corpora.corpus import Corpus
from ntcir.encoders import open_pair
from ntcir.formats.topics import read_topics
from ntcir.measures.reciprocal import Figures
from ntcir.modalities import DEFAULT_PAIR
from ntcir.model.model import Model
from ntcir.retrieval.evaluating import evaluate_pairs, figures_of, reciprocal_ranks
from ntcir.retrieval.retriever import Retriever, worst_score
from ntcir.sampling.topics import build_topics

pytestmark = pytest.mark.usefixtures("one_thread")
BETA, T = 0.9, 0.1


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """Several minutes of the test day have the same reading."""
    corpus = toy_corpus()
    corpus.sensors.iloc[-9:-5] = corpus.sensors.iloc[-10].to_numpy()
    return corpus


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, corpus: Corpus, one_thread: None) -> Model:  # noqa: F811
    folder = tmp_path_factory.mktemp("biased") / "m"
    fit(toy_config(training__iters=20, hubness__beta=BETA, hubness__temperature=T), folder, corpus=corpus)
    return Model.load(folder)


class Slow:
    """Scores worked out one by one in double precision: s - beta h, by the queries that the model keeps."""

    def __init__(self, model: Model, corpus: Corpus) -> None:
        with toy_features():
            rows = open_pair(model.config, corpus, model.encoders)
        self._vectors = {
            name: dict(zip(ids, model.unit_vectors(name, rows[name].load(ids)).astype(np.float64), strict=True))
            for name, ids in ((name, list(corpus.pairs[name])) for name in rows)
        }
        self._training = {
            name: np.repeat(kept.vectors.double().numpy(), kept.counts.numpy(), axis=0)
            for name, kept in model.training_queries.items()
        }

    def score(self, asks: str, query: str, answers: str, document: str) -> float:
        vector = self._vectors[answers][document]
        h = T * np.log(np.mean(np.exp(self._training[asks] @ vector / T)))
        return float(self._vectors[asks][query] @ vector) - BETA * h


def lines_of(run: Iterator[str]) -> list[list[str]]:
    return [line.split() for line in "".join(run).splitlines()]


@pytest.mark.parametrize("pooled", [True, False])
def test_the_scores_of_a_run_are_those_worked_out_one_by_one(model, corpus, pooled):
    slow, pairs = Slow(model, corpus), corpus.split("test")
    asked = build_topics(corpus, pairs, pool=20, per_day=6, pair=DEFAULT_PAIR)
    partner = dict(zip(pairs["image"], pairs["sensor"], strict=True))
    with toy_features():
        run = Retriever(model, corpus).run(
            asked.topics, asked.pools if pooled else None, tag="x", depth=25, split="test"
        )
        lines = lines_of(run)
    assert len(lines) == len(asked.topics) * (20 if pooled else 25)
    [own] = {len(asked.relevant[topic.topic_id]) for topic in asked.topics}
    assert own == 1
    for topic in asked.topics:
        asks, answers = topic.direction.query.name, topic.direction.answer.name
        [right] = asked.relevant[topic.topic_id]
        # A topic gives a reading in full; it is that of the photograph that it asks for.
        query = str(topic.query) if asks == "image" else partner[right]
        found = {line[2]: float(line[4]) for line in lines if line[0] == topic.topic_id}
        for document, score in found.items():
            assert score == pytest.approx(slow.score(asks, query, answers, document), abs=1e-6)
        best = sorted((slow.score(asks, query, answers, each) for each in pairs[answers]), reverse=True)
        if not pooled:
            assert sorted(found.values(), reverse=True) == pytest.approx(best[:25], abs=1e-6)


def by_hand(model: Model, corpus: Corpus, pairs: pd.DataFrame) -> dict[str, float]:
    """Return the MRR of each direction, each pair asking among all of them; equal scores share their ranks."""
    slow, found = Slow(model, corpus), {}
    for direction in model.directions:
        asks, answers = direction.query.name, direction.answer.name
        values = []
        for query, own in zip(pairs[asks], pairs[answers], strict=True):
            scores = np.round([slow.score(asks, query, answers, each) for each in pairs[answers]], 6)
            mine = scores[list(pairs[answers]).index(own)]
            values.append(1 / ((scores > mine).sum() + ((scores == mine).sum() + 1) / 2))
        found[direction.name] = float(np.mean(values))
    return found


def mean(figures: dict[str, Figures]) -> dict[str, float]:
    return {name: each.mean() for name, each in figures.items()}


def test_evaluations_have_the_ranks_worked_out_one_by_one(model, corpus):
    pairs = corpus.split("test")
    expected = by_hand(model, corpus, pairs)
    with toy_features():
        rows = open_pair(model.config, corpus, model.encoders)
        whole, pooled = (figures_of(model, corpus, rows, pairs, size, 0) for size in (None, 500))
        by_item = reciprocal_ranks(model, corpus, pairs)
        report = evaluate_pairs(model, corpus, pairs, None)
    assert mean(whole) == pytest.approx(expected)
    assert mean(pooled) == pytest.approx(expected)
    assert {name: np.mean(list(each.values())) for name, each in by_item.items()} == pytest.approx(expected)
    assert {name: report.groups[name].mrr for name in expected} == pytest.approx(expected)
    plain = Model(model.config.changed({"hubness.beta": 0.0}), model.encoders)
    plain.load_state(model.state())
    with toy_features():
        unbiased = mean(figures_of(plain, corpus, rows, pairs, None, 0))
    assert unbiased != pytest.approx(expected)


@pytest.mark.parametrize("pooled", [True, False])
def test_what_cannot_be_read_scores_less_than_any_other_can(model, corpus, pooled):
    pairs = corpus.split("test")
    ids = pairs["image"].tolist()
    topic = question("q", "", {"a": 0.5, "b": 5})
    with toy_features(unreadable=ids[3:5]):
        run = Retriever(model, corpus).run(
            [topic], {"q": ids} if pooled else None, tag="x", depth=len(ids), split="test"
        )
        lines = lines_of(run)
    assert {line[2] for line in lines[-2:]} == set(ids[3:5])
    assert {line[4] for line in lines[-2:]} == {f"{worst_score(model):.9g}"}
    assert worst_score(model) == np.float32(-1 - BETA)  # a cosine of -1 to what is everybody's neighbour


# --------------------------------------------------------------------------------------------------------- as commands


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Iterator[Path]:  # noqa: F811
    """A folder with pictures, official and TREC topics, and models with a bias and without."""
    home = tmp_path_factory.mktemp("commands")
    write_pictures(home / "data", per_session=8)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        for name, beta in (("plain", "0"), ("biased", "1.5")):
            settings = ("--set", f"hubness.beta={beta}", "--set", "features.backend=eager")
            done = command_line("train", "--data", "data", "--iters", "10", "--out", f"runs/{name}", *settings)
            assert done.exit_code == 0, done.output
        made = command_line("build-topics", "--config", "runs/biased/config.yaml", "--format", "official")
        assert made.exit_code == 0, made.output
        made = command_line("build-topics", "--config", "runs/biased/config.yaml")
        assert made.exit_code == 0, made.output
        yield home


def typed(*arguments: str) -> tuple[str, str]:
    done = command_line(*arguments)
    assert done.exit_code == 0, f"{done.output}{done.exception!r}"
    return done.stdout, done.stderr


def score(run: str, qrels: str) -> dict[str, Any]:
    return json.loads(typed("score", run, "--qrels", qrels, "--json")[0])  # type: ignore[no-any-return]


def test_the_official_way_has_the_scores_of_the_trec_way(home):
    typed("predict", "topics/input.json", "official.csv", "--model", "runs/biased")
    Path("run.txt").write_text(typed("run", "topics.tsv", "--model", "runs/biased")[0], encoding="utf-8")
    Path("plain.txt").write_text(
        typed("run", "topics.tsv", "--model", "runs/biased", "--set", "hubness.beta=0")[0], encoding="utf-8"
    )
    official, trec = score("official.csv", "topics/qrels.csv"), score("run.txt", "topics/qrels.txt")
    assert official["all"]["MRR"] == pytest.approx(trec["all"]["MRR"], abs=1e-6)
    ours = sorted(float(line.split()[4]) for line in Path("run.txt").read_text().splitlines())
    theirs = sorted(float(line.split(",")[4]) for line in Path("official.csv").read_text().splitlines()[1:])
    assert theirs == pytest.approx(ours, abs=1e-5)
    plain = sorted(float(line.split()[4]) for line in Path("plain.txt").read_text().splitlines())
    assert plain != pytest.approx(ours, abs=1e-2)


@pytest.mark.parametrize("command", [("run", "topics.tsv"), ("evaluate",), ("search", "--image", "s4_001.png")])
def test_a_model_without_training_queries_is_refused_with_a_bias(home, command):
    done = command_line(*command, "--model", "runs/plain", "--set", "hubness.beta=0.7")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "add --resume --set hubness.beta=0.7" in done.stderr.splitlines()[-1]
    done = command_line(*command, "--model", "runs/biased", "--set", "hubness.beta=3")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "hubness.beta" in done.stderr.splitlines()[-1]


def test_a_search_finds_first_what_a_run_does_with_the_same_score(home):
    [topic] = [each for each in read_topics(home / "topics" / "topics.tsv") if each.direction.name == "img2sen"]
    ask = ("--model", "runs/biased", "--split", "test")
    found = typed("search", "--image", str(topic.query), *ask, "--json", "--out", "s", "--random", "--k", "3")[0]
    run = typed("run", "topics.tsv", *ask, "--pools", "none")[0]
    lines = [line for line in map(str.split, run.splitlines()) if line[0] == topic.topic_id]
    scores = {line[2]: float(line[4]) for line in lines}
    tree = json.loads(found)
    assert [hit["id"] for hit in tree["hits"]] == [line[2] for line in lines[:3]]
    for hit in [*tree["hits"], *tree["random"]]:
        assert hit["score"] == pytest.approx(scores[hit["id"]], abs=1e-6)


def test_an_explanation_is_of_the_cosine_and_says_what_the_bias_takes_off(home):
    items = ("--image", "s4_001.png", "--reading", "s4_003", "--cells", "1", "--out", "e")
    found = {
        name: json.loads(typed("explain", *items, "--json", "--model", f"runs/{name}")[0])
        for name in ("plain", "biased")
    }
    assert "hubness" not in found["plain"]
    lines = typed("explain", *items, "--model", "runs/biased")[0].splitlines()
    told = found["biased"]["hubness"]
    assert told["score"] == pytest.approx(found["biased"]["score"] - told["bias"], abs=1e-6)
    assert abs(told["bias"]) > 0.01
    assert lines[0] == f"score\t-\t{found['biased']['score']:.4f}\t-"
    assert lines[1] == f"hubness\t-\t{told['score']:.4f}\t{-told['bias']:+.4f}"
    part = found["biased"]["sides"][1]["parts"][0]
    assert part["contribution"] == pytest.approx(found["biased"]["score"] - part["without"], abs=1e-6)
