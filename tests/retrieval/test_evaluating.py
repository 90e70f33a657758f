"""A split evaluated without topics: the ranks, what is asked, and what is said of it."""

from __future__ import annotations

import json
import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import (  # noqa: F401
    command_line,
    one_thread,
    toy_config,
    toy_corpus,
    toy_features,
    toy_trainer,
    twice_a_minute,
    write_pictures,
)
from processes import together

import ntcir.model.split_ranks
import ntcir.search.counting
from ntcir.corpora import open_corpus
from ntcir.corpora.corpus import Corpus
from ntcir.encoders import open_pair
from ntcir.model.folder import CONFIG
from ntcir.model.metrics import METRICS, read_metrics
from ntcir.model.model import Model
from ntcir.retrieval.evaluating import evaluate_pairs, figures_of
from ntcir.scoring import Report, group_score

pytestmark = pytest.mark.usefixtures("one_thread")
PER_SESSION = 10
DIRECTIONS = ("img2sen", "sen2img")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: F811
    """A folder with the corpora `own` and `other`, and a model."""
    folder = tmp_path_factory.mktemp("evaluating")
    for name, sessions in (("own", ("a1", "a2", "a3", "a4")), ("other", ("b1", "b2", "b3"))):
        write_pictures(folder / name, sessions, PER_SESSION)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        options = ["--set", "topics.pool=8", "--set", "training.validate_every=2"]
        done = command_line("train", "--data", "own", "--iters", "20", "--out", "runs/model", *options)
        assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def here(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    return trained


def evaluated(*arguments: str) -> tuple[dict[str, dict[str, Any]], str]:
    """Return the figures by group, and what was said."""
    done = command_line("evaluate", "--json", *arguments)
    assert done.exit_code == 0, f"{done.output}{done.exception!r}"
    return json.loads(done.stdout), done.stderr


def refused(*arguments: str) -> str:
    done = command_line("evaluate", *arguments)
    assert (done.exit_code, done.stdout) == (2, ""), f"{done.output}{done.exception!r}"
    return done.stderr.splitlines()[-1]


def test_with_pools_it_agrees_with_the_validation_of_training(here):
    figures, said = evaluated("--split", "val")
    rows = [row for row in read_metrics(Path("runs/model") / METRICS) if "img2sen" in row]
    best = max(rows, key=lambda row: row["img2sen"] + row["sen2img"])
    assert {name: figures[name]["MRR"] for name in DIRECTIONS} == {name: best[name] for name in DIRECTIONS}
    assert [figures[name]["topics"] for name in ("all", *DIRECTIONS)] == [16, 8, 8]
    assert "2 of 10 pairs are in no pool, because pools of 8 are full" in said
    assert evaluated("--split", "val", "--pool", "8")[0] == figures
    assert evaluated("--split", "val", "--pool", str(PER_SESSION))[0]["all"]["topics"] == 2 * PER_SESSION


def test_the_keys_are_those_of_the_score(here):
    (here / "topics").mkdir(exist_ok=True)
    assert command_line("build-topics", "--data", "own", "--pool", "8").exit_code == 0
    Path("run.txt").write_text(command_line("run", "topics.tsv").stdout, encoding="utf-8")
    scored = json.loads(command_line("score", "--json").stdout)
    figures = evaluated()[0]
    assert list(figures) == list(scored)
    assert {name: list(group) for name, group in figures.items()} == {
        name: list(group) for name, group in scored.items()
    }


def test_the_table_is_that_of_the_score_and_nothing_else_is_on_standard_output(here):
    done = command_line("evaluate")
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines if line.strip()] == ["topics", *DIRECTIONS, "all"]
    assert f"{evaluated()[0]['img2sen']['MRR']:.4f}" in lines[1]
    assert "own, split test: every item asks both ways in pools of up to 8 a group (runs/model)" in done.stderr


# ------------------------------------------------------------------------------------------- ranks


def test_intervals_draw_blocks_of_neighbours_and_say_so(here):
    found, said = evaluated("--pool", "none")
    assert "Note: Intervals draw 5 blocks of neighbouring queries, which are not independent: at least 2" in said
    assert "Note: With only 5 blocks" in said
    model = Model.load(Path("runs/model"))
    corpus = open_corpus(Path("own"), model.config.data.split).of_pair(model.config.pair)
    pairs = corpus.split("test")
    rows = open_pair(model.config, corpus, model.encoders)
    order = np.argsort(pairs["timestamp"].to_numpy())
    for way, figures in figures_of(model, corpus, rows, pairs, None, 0).items():
        blocks = figures.sums[order].reshape(5, 2).sum(axis=1)
        assert sorted(figures.draws()[0]) == pytest.approx(sorted(blocks))
        assert (found[way]["MRR"], found[way]["MRR_95"]) == (figures.mean(), list(group_score(figures).interval or ()))


def rank(scores: np.ndarray, twins: np.ndarray, place: int) -> float:
    """Return the rank of a candidate, counted one by one; the model cannot tell twins apart."""
    better = sum(score > scores[place] for score, twin in zip(scores, twins, strict=True) if twin != twins[place])
    return 1 + better + (sum(twin == twins[place] for twin in twins) - 1) / 2


def slow(model: Model, corpus: Corpus, best: bool = False) -> dict[str, float]:
    """Return the MRR of each direction over a whole corpus: the mean of 1/rank over all relevant rows, or the best."""
    rows = open_pair(model.config, corpus, model.encoders)
    ids = {name: list(dict.fromkeys(corpus.pairs[name])) for name in rows}
    encoded = {name: model.encode(name, rows[name].load(ids[name])) for name in rows}
    partners = set(zip(corpus.pairs["image"], corpus.pairs["sensor"], strict=True))
    found: dict[str, list[float]] = {name: [] for name in DIRECTIONS}
    for direction in model.directions:
        asks, answers = direction.query.name, direction.answer.name
        for query, vector in zip(ids[asks], encoded[asks].vectors.astype(np.float64), strict=True):
            own = []
            scores = encoded[answers].vectors.astype(np.float64) @ vector
            for place, answer in enumerate(ids[answers]):
                pair = (query, answer) if asks == "image" else (answer, query)
                if pair in partners:
                    own.append(1 / rank(scores, encoded[answers].twins, place))
            found[direction.name] += [max(own)] if best else own
    return {name: float(np.mean(each)) for name, each in found.items()}


@pytest.fixture
def repeated() -> Corpus:
    """A corpus in which a minute has two photographs, and several minutes have the same readings."""
    corpus = twice_a_minute(minutes=12)
    corpus.sensors.iloc[5:9] = corpus.sensors.iloc[4].to_numpy()
    return corpus


def report_of(model: Model, corpus: Corpus, pool: int | None = None) -> Report:
    with toy_features():
        return evaluate_pairs(model, corpus, corpus.pairs, pool)


@pytest.mark.parametrize("several_are_positive", [False, True])
@pytest.mark.parametrize("tile", [1, 7, 2048])
def test_all_partners_are_relevant_and_ranks_are_those_of_a_slow_loop(
    tmp_path, monkeypatch, repeated, tile, several_are_positive
):
    monkeypatch.setattr(ntcir.search.counting, "_TILE", tile)
    model = toy_trainer(toy_config(), tmp_path).model
    report = report_of(model, replace(repeated, shared_are_positive=several_are_positive))
    with toy_features():
        expected = slow(model, repeated, best=several_are_positive)
    assert {name: report.groups[name].mrr for name in DIRECTIONS} == pytest.approx(expected, abs=1e-12)
    assert [report.groups[name].topics for name in DIRECTIONS] == [72, 36]  # each item asks once


@pytest.mark.parametrize("cells", [1, 50])
def test_blocks_change_nothing_in_pools_either(tmp_path, monkeypatch, repeated, cells):
    model = toy_trainer(toy_config(), tmp_path).model
    whole = report_of(model, repeated, 7)
    monkeypatch.setattr(ntcir.model.split_ranks, "_CELLS", cells)
    assert report_of(model, repeated, 7) == whole
    assert [whole.groups[name].topics for name in DIRECTIONS] == [21, 21]


def test_in_a_pool_other_partners_are_relevant_where_they_are_positives(tmp_path):
    corpus = toy_corpus(["2020-03-16"], 6)
    pairs = corpus.pairs
    chained = pairs.iloc[:5].assign(sensor=pairs["sensor"].iloc[1:].to_numpy())  # each reading but the first has two
    corpus = replace(corpus, pairs=pd.concat([pairs, chained], ignore_index=True))
    model = toy_trainer(toy_config(), tmp_path).model
    with toy_features():
        alone = evaluate_pairs(model, corpus, pairs, 6)
        shared = evaluate_pairs(model, replace(corpus, shared_are_positive=True), pairs, 6)
        whole = slow(model, corpus, best=True)  # a pool of all items
    assert {name: shared.groups[name].mrr for name in DIRECTIONS} == pytest.approx(whole, abs=1e-12)
    assert {name: alone.groups[name].mrr for name in DIRECTIONS} != pytest.approx(whole)
    assert [shared.groups[name].topics for name in DIRECTIONS] == [6, 6]


def test_pairs_that_are_alone_in_their_day_are_told(tmp_path, capsys):
    corpus = toy_corpus([f"2020-03-{day:02d}" for day in range(1, 9)], 1)
    model = toy_trainer(toy_config(), tmp_path).model
    assert report_of(model, corpus, 5).groups["all"].mrr == 1
    assert "WARNING: 8 of 8 pairs are alone in their day (session)" in capsys.readouterr().err
    assert report_of(model, corpus).groups["all"].random_mrr == pytest.approx(np.mean(1 / np.arange(1, 9)))
    assert "alone" not in capsys.readouterr().err


# ------------------------------------------------------------------------------------------- what is asked


def test_only_pairs_with_an_item_of_the_subset_ask(here, tmp_path):
    chosen = [f"a4_{number:03d}.png" for number in range(4)]
    names = tmp_path / "names.txt"
    names.write_text("\n".join([*chosen, "", "a4_005", "a1_001.png", "nobody"]) + "\n", encoding="utf-8")
    figures, said = evaluated("--subset", str(names), "--pool", "none")
    assert figures["img2sen"]["topics"] == 5  # the reading a4_005 too
    assert "2 of 7 ids are not among the pairs asked for: a1_001.png, nobody" in said
    assert evaluated("--subset", str(names), "--pool", "2")[0]["all"]["topics"] == 4
    names.write_text("\n".join([*chosen, "nobody"]), encoding="utf-8")
    assert "1 of 5 ids is not among the pairs asked for: nobody" in evaluated("--subset", str(names))[1]


def test_a_subset_may_come_through_a_pipe(here, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("a4_000.png\na4_001.png\n",))
    writer.start()
    try:
        assert evaluated("--subset", str(pipe), "--pool", "none")[0]["img2sen"]["topics"] == 2
    finally:
        writer.join()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty: expected ids of"),
        (b" \n\n", "is empty: expected ids of"),
        (b"x\ny\n", "names none of the pairs asked for (x, y): expected ids of"),
        ("a4_000.png\né".encode("latin-1"), "is not a text file in UTF-8"),
    ],
)
def test_a_subset_without_any_id_is_refused(here, tmp_path, content, why):
    (tmp_path / "names.txt").write_bytes(content)
    assert why in refused("--subset", str(tmp_path / "names.txt"))


def test_a_subset_of_another_split_is_named_as_such(here, tmp_path):
    (tmp_path / "names.txt").write_text("a1_000.png\nnowhere.png\n", encoding="utf-8")
    sentence = refused("--subset", str(tmp_path / "names.txt"))
    assert "names only items of other splits (a1_000.png): say with --split which is evaluated." in sentence


def test_a_subset_that_is_not_there_is_refused(here):
    assert "nowhere.txt" in refused("--subset", "nowhere.txt")


@pytest.mark.parametrize(
    ("pool", "reason"),
    [
        (100, "are in no pool, because their photograph or reading is there with another partner"),
        (3, "because pools of 3 are full and"),
    ],
)
def test_why_pairs_are_in_no_pool(tmp_path, capsys, repeated, pool, reason):
    report_of(toy_trainer(toy_config(), tmp_path).model, repeated, pool)
    said = capsys.readouterr().err
    assert reason in said
    assert "--pool none asks with all" in said
    assert ("are full" in said) == (pool == 3)


@pytest.mark.parametrize("pool", ["1", "0", "-3", "abc", "2.5", "", "²"])
def test_a_pool_that_is_none_is_refused(here, pool):
    assert f"--pool {pool!r} is not valid: give a whole number of at least 2, or none." in refused("--pool", pool)


def test_categories_of_a_corpus_without_any_are_refused(here):
    assert "own has no categories, which --categories needs" in refused("--categories")


def test_another_corpus_is_evaluated_whole_or_as_it_is_split(here):
    figures, said = evaluated("--data", "other")
    assert figures["img2sen"]["topics"] == 3 * 8  # pools of 8 in three sessions
    assert "all of it is ranked" in said
    assert "other, split all" in said
    part = evaluated("--data", "other", "--set", "data.split={by: session, test: [b2]}", "--pool", "none")[0]
    assert part["img2sen"]["topics"] == PER_SESSION
    assert "--split all" in refused(
        "--data", "other", "--split", "test", "--set", "data.split={by: session, test: [x]}"
    )
    assert "--set 'seed=1'" in refused("--set", "seed=1")
    assert "There is no split 'dev'" in refused("--split", "dev")


def test_photographs_that_cannot_be_read_are_left_out_and_counted(here, tmp_path):
    shutil.copytree("other", tmp_path / "damaged")
    for number in (2, 5):
        (tmp_path / f"damaged/images/b1_{number:03d}.png").write_bytes(b"no picture")
    figures, said = evaluated("--data", str(tmp_path / "damaged"), "--pool", "none")
    assert figures["img2sen"]["topics"] == 3 * PER_SESSION - 2
    assert "WARNING: 2 of 30 pairs cannot be read and are left out." in said


def test_an_interrupted_training_is_told(here, tmp_path):
    shutil.copytree("runs/model", tmp_path / "model")
    text = (tmp_path / "model" / CONFIG).read_text(encoding="utf-8")
    (tmp_path / "model" / CONFIG).write_text(text.replace("iters: 20", "iters: 30"), encoding="utf-8")
    figures, said = evaluated("--model", str(tmp_path / "model"))
    assert f"WARNING: the training in {tmp_path / 'model'} was interrupted; its best model so far is evaluated." in said
    assert figures == evaluated()[0]


def test_two_processes_print_once_what_one_does(here):
    done = together("evaluate", "--json", folder=here)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == evaluated()[0]
    assert done.stderr.count("own, split test") == 1
