"""What the intervals of an ablation draw is what those of ``ntcir score`` draw for the same topics."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from helpers import toy_corpus

from ntcir.ablation import Table
from ntcir.ablation.draws import Draws, draws_of
from ntcir.ablation.folds import Fold
from ntcir.ablation.grid import Cell
from ntcir.ablation.results import Result
from ntcir.ablation.rows import make_row, topic_means
from ntcir.formats.matching import read_qrels
from ntcir.formats.topics import TopicSet, read_topic_table
from ntcir.report.ablation import markdown
from ntcir.sampling.topics import build_topics
from ntcir.significance.estimate import Estimate
from ntcir.significance.topic_blocks import topic_blocks


def fold_of(name: str, folder: Path, per_day: int = 8, seed: int = 0) -> Fold:
    corpus = toy_corpus()
    pairs = corpus.pairs
    topics = build_topics(corpus, pairs, pool=10, per_day=per_day, seed=seed, pair=("image", "sensor"))
    topics.save(folder)
    return Fold(name, corpus, topics, folder, {}, "")


def result_of(fold: Fold, seed: int) -> Result:
    random = np.random.default_rng(seed)
    return Result(
        {way: {topic.topic_id: float(random.random()) for topic in topics}
         for way, topics in fold.topics.by_direction().items()}, 1.0, 1, {},
    )  # fmt: skip


def test_blocks_are_those_of_the_score(tmp_path):
    fold = fold_of("", tmp_path)
    table, qrels = read_topic_table(tmp_path / "topics.tsv"), read_qrels(tmp_path / "qrels.txt")
    names = sorted(table.cells)
    theirs = topic_blocks(None, names, [table.directions[name] for name in names], table, qrels)
    draws = draws_of({"": fold})
    ours = np.concatenate([draws.codes["img2sen"], draws.codes["sen2img"]])
    assert theirs.codes is not None
    assert len(np.unique(ours)) < len(ours)
    assert ((ours[:, None] == ours) == (theirs.codes[:, None] == theirs.codes)).all()
    assert draws.notes[0] == theirs.notes[0].replace(" (see --blocks)", "")


def test_rows_draw_blocks_and_the_table_says_so(tmp_path):
    folds = {name: fold_of(name, tmp_path / name, seed=seed) for seed, name in enumerate("ab")}
    draws = draws_of(folds)
    ours, theirs = ({name: [result_of(fold, seed)] for name, fold in folds.items()} for seed in (0, 1))
    row = make_row(Cell("w", 5, "m"), ours, theirs, "x.yaml", draws)
    for way, codes in draws.codes.items():
        values, others = topic_means(ours, way), topic_means(theirs, way)
        assert len(codes) == len(values)
        assert row.mrr[way] == Estimate.of(values, codes)
        assert row.difference[way] == Estimate.of(values - others, codes)
        assert row.mrr[way].value == values.mean()
    random = dict.fromkeys(draws.codes, 0.1)
    table = Table("n", "c", [row], ["w"], ["m"], [5], [0], ["a", "b"], 10, random, 1, draws=draws)
    assert "bootstrap interval over blocks of neighbouring topics; a topic" in markdown(table)
    assert f"\nIntervals draw {len(np.unique(np.concatenate(list(draws.codes.values()))))} blocks" in markdown(table)


def test_what_two_folds_ask_at_the_same_time_is_in_one_block(tmp_path):
    folds = {name: fold_of(name, tmp_path / name) for name in "ab"}
    for codes in draws_of(folds).codes.values():
        assert codes[: len(codes) // 2].tolist() == codes[len(codes) // 2 :].tolist()


def test_topics_of_one_a_day_or_without_times_are_drawn_singly(tmp_path):
    fold = fold_of("", tmp_path, per_day=1)
    assert draws_of({"": fold}) == Draws()
    timeless = TopicSet(
        [replace(topic, timestamp="") for topic in fold_of("", tmp_path).topics.topics],
        fold.topics.pools,
        fold.topics.relevant,
    )
    assert draws_of({"": replace(fold, topics=timeless)}) == Draws()
