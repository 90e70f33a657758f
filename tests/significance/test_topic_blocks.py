"""Blocks of topics that are close in time, and that intervals over them are as wide as theory says."""

from __future__ import annotations

import io

import numpy as np
import pytest
from helpers import refusal

from ntcir.formats.matching import read_qrels
from ntcir.formats.topics import read_topic_table
from ntcir.report.score_table import print_scores
from ntcir.scoring import score
from ntcir.significance.blocks import consecutive, labelled, windows
from ntcir.significance.estimate import Estimate
from ntcir.significance.randomisation import sign_flip_test
from ntcir.significance.resampling import bootstrap
from ntcir.significance.topic_blocks import TopicBlocks, topic_blocks


def numbers(values):
    return np.array(values, dtype=np.float64)


@pytest.mark.parametrize(
    ("times", "asked", "length", "gap", "blocks"),
    [
        ([0, 1, 2, 3, 4], [0] * 5, 2, np.inf, [0, 0, 1, 1, 2]),
        ([4, 3, 2, 1, 0], [0] * 5, 2, np.inf, [0, 1, 1, 2, 2]),  # numbered by first topic, whatever the order
        ([0, 0, 0, 1, 1], [0] * 5, 2, np.inf, [0, 0, 0, 1, 1]),  # topics of one time stay together
        ([0, 1, 2, 0, 1, 2], [0, 0, 0, 1, 1, 1], 2, np.inf, [0, 0, 1, 0, 0, 1]),  # both directions
        ([0, 1, 100, 101], [0] * 4, 3, 50, [0, 0, 1, 1]),
        ([0, 1, 100, 101], [0] * 4, 3, np.inf, [0, 0, 0, 1]),
        ([np.nan, 0, np.nan, 1], [0] * 4, 5, np.inf, [0, 1, 2, 1]),
        ([np.nan, np.nan], [0, 0], 5, np.inf, [0, 1]),
        ([], [], 5, np.inf, []),
    ],
)
def test_consecutive_topics(times, asked, length, gap, blocks):
    assert consecutive(numbers(times), np.array(asked, dtype=np.int64), length, gap).tolist() == blocks


def test_windows_are_by_the_clock():
    assert windows(numbers([59, 61, 60, np.nan, 119.9, 0]), 60).tolist() == [0, 1, 1, 2, 1, 0]


def test_labels_are_blocks_and_none_is_a_block_of_its_own():
    assert labelled(["b", "a", "", "b", ""]).tolist() == [0, 1, 2, 0, 3]


# ------------------------------------------------------------------------------------------------- what theory says


def autoregressive(number: int, memory: float, seed: int) -> np.ndarray:
    """Return a series of which each value has ``memory`` of the one before."""
    noise = np.random.default_rng(seed).normal(size=number)
    for at in range(1, number):
        noise[at] += memory * noise[at - 1]
    return noise


def test_blocks_widen_the_interval_as_theory_says():
    number, length, memory = 20_000, 100, 0.8
    values = autoregressive(number, memory, 1)
    single = bootstrap(values, 500)
    blocks = consecutive(np.arange(number, dtype=np.float64), np.zeros(number, dtype=np.int64), length)
    together = Estimate.of(values, blocks)
    lags = np.arange(1, length)
    factor = np.sqrt(1 + 2 * ((1 - lags / length) * memory**lags).sum())  # of the deviation of a block's mean
    assert (together.high - together.low) / (single[1] - single[0]) == pytest.approx(factor, rel=0.12)
    assert factor == pytest.approx(np.sqrt((1 + memory) / (1 - memory)), rel=0.05)  # without end: 3


def test_a_test_of_blocks_is_right_where_one_of_topics_finds_what_is_not_there():
    found = {"blocks": 0, "topics": 0}
    for seed in range(150):
        values = autoregressive(300, 0.8, seed)
        found["topics"] += sign_flip_test(values, 300, seed) < 0.05
        found["blocks"] += sign_flip_test(values.reshape(15, 20).sum(axis=1), 300, seed) < 0.05
    assert found["blocks"] / 150 < 0.13
    assert found["topics"] / 150 > 0.35


def test_an_interval_of_independent_topics_is_the_one_that_always_was():
    values = np.random.default_rng(5).random(50)
    assert Estimate.of(values) == Estimate(float(values.mean()), *bootstrap(values))
    assert Estimate.of(values, np.arange(50)) == Estimate.of(values)


# ------------------------------------------------------------------------------------------------------- what is typed


@pytest.fixture
def files(tmp_path):
    """A run of 16 topics, two directions of eight times ten seconds apart, in two sessions."""
    names = [f"{way}_{number}" for way in ("img2sen", "sen2img") for number in range(8)]
    lines, answers, topics = [], [], []
    for place, name in enumerate(names):
        number = place % 8
        order = ["a", "b", "c"] if number < 4 else ["b", "c", "a"]
        lines += [f"{name} Q0 {doc} {rank} {-rank} x\n" for rank, doc in enumerate(order, 1)]
        answers.append(f"{name} 0 a 1\n")
        topics.append(f"{name}\t{name[:7]}\t2020-03-16 10:00:{number}0\ts{number // 4}\n".replace(":60", ":55").replace(
            ":70", ":58"))  # fmt: skip
    paths = tmp_path / "run.txt", tmp_path / "qrels.txt", tmp_path / "topics.tsv"
    header = "topic_id\tdirection\ttimestamp\tsession\n"
    for path, text in zip(paths, ("".join(lines), "".join(answers), header + "".join(topics)), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def notes_of(files, blocks=None, topics=None):
    report = score(files[0], files[1], topics_path=topics or files[2], blocks=blocks)
    return report.groups["all"], [note for note in report.warnings if "block" in note]


@pytest.mark.parametrize(
    ("typed", "number"), [("2", 4), ("3", 3), ("20s", 3), ("0.5min", 2), ("session", 2), ("none", 16)]
)
def test_score_says_which_blocks_it_draws(files, typed, number):
    group, notes = notes_of(files, typed)
    single, _ = notes_of(files, "none")
    assert group.mrr == single.mrr
    if typed == "none":
        assert notes == []
    else:
        assert f"Intervals draw {number} blocks" in notes[0]
        assert group.interval != single.interval
        assert group.interval[1] - group.interval[0] > single.interval[1] - single.interval[0]
        assert f"--blocks {typed}" in notes[0]
        assert f"With only {number} blocks" in notes[1]


def test_without_the_option_blocks_are_drawn_unless_there_would_be_few(files, tmp_path):
    group, notes = notes_of(files)
    assert notes == []
    assert group.interval == notes_of(files, "none")[0].interval
    many = [tmp_path / name for name in ("many.txt", "many-qrels.txt", "many.tsv")]
    lines = [f"t{n} Q0 {doc} {rank} {-rank} x\n" for n in range(24) for rank, doc in enumerate("abc", 1)]
    answers = [f"t{n} 0 {'aabbca'[n // 4]} 1\n" for n in range(24)]
    topics = [f"t{n}\timg2sen\t2020-03-16 10:00:{n:02d}\n" for n in range(24)]
    for path, text in zip(many, (lines, answers, ["topic_id\tdirection\ttimestamp\n", *topics]), strict=True):
        path.write_text("".join(text), encoding="utf-8")
    group, notes = notes_of(many)
    single = notes_of(many, "none")[0]
    assert notes == [
        "Intervals draw 8 blocks of neighbouring topics, which are not independent: at least 3 of a direction that "
        "follow one another in time, fewer before a gap of over an hour (see --blocks).",
        "With only 8 blocks, intervals are rough and rather too narrow.",
    ]
    assert group.interval[1] - group.interval[0] > single.interval[1] - single.interval[0]


@pytest.mark.parametrize("cell", ["", "-", "yesterday"])
def test_without_times_topics_are_drawn_as_before(files, cell):
    text = files[2].read_text()
    lines = [line.split("\t") for line in text.splitlines()]
    plain = files[2].with_name("plain.tsv")
    plain.write_text("".join("\t".join([*row[:2], row[2] if row[2] == "timestamp" else cell, row[3]]) + "\n"
                             for row in lines))  # fmt: skip
    group, notes = notes_of(files, topics=plain)
    assert notes == []
    assert group.interval == notes_of(files, "none")[0].interval
    sentence = refusal(score, files[0], files[1], topics_path=plain, blocks="30s")
    assert "--blocks 30s needs the times of the topics, a column timestamp" in sentence
    assert "plain.tsv has none" in sentence


def test_one_topic_a_day_is_drawn_as_before(files):
    text = files[2].read_text()
    for number in range(8):
        for seconds in (f"{number}0", "55" if number == 6 else "58"):
            text = text.replace(
                f"_{number}\timg2sen\t2020-03-16 10:00:{seconds}", f"_{number}\timg2sen\t2020-03-1{number}"
            )
            text = text.replace(
                f"_{number}\tsen2img\t2020-03-16 10:00:{seconds}", f"_{number}\tsen2img\t2020-04-1{number}"
            )
    files[2].write_text(text)
    group, notes = notes_of(files)
    assert notes == []
    assert group.interval == notes_of(files, "none")[0].interval


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("sesion", "--blocks 'sesion' is not valid (did you mean 'session'?): give a column of the topics"),
        ("0", "--blocks '0' is not valid"),
        ("-3", "--blocks '-3' is not valid"),
        ("0s", "--blocks '0s' is not valid"),
        ("5 weeks", "a length of time such as 30s, 5min, 2h or 1d, or none"),
        ("query", "--blocks 'query' is not valid"),
        ("1d", "--blocks 1d puts all 16 topics into one block"),
        ("100", "--blocks 100 puts all 16 topics into one block"),
    ],
)
def test_blocks_that_cannot_be(files, typed, said):
    assert said in refusal(score, files[0], files[1], topics_path=files[2], blocks=typed)


def test_a_direction_in_one_block_has_no_interval_worth_the_name_which_is_said(files):
    said = notes_of(files, "direction")[1]
    assert "All topics of img2sen are in one block, so that its interval is its MRR and says nothing." in said
    assert len([note for note in said if note.startswith("All topics")]) == 2
    assert not [note for note in notes_of(files, "4")[1] if note.startswith("All topics")]


def test_a_column_of_blocks_is_not_taken_for_a_misspelt_direction(files, capsys):
    table = files[2].read_text().replace("\tsession\n", "\tdirectn\n").replace("\tdirection\t", "\tquery\t")
    files[2].write_text(table)
    read_topic_table(files[2], "directn")
    assert "directn" not in capsys.readouterr().err
    read_topic_table(files[2])
    assert "the column 'directn' is ignored" in capsys.readouterr().err


def test_the_note_does_not_promise_that_the_last_block_is_whole(files):
    assert "at least 5 of a direction, fewer in the last block" in notes_of(files, "5")[1][0]


def test_blocks_of_time_need_a_table_of_the_topics(files):
    assert "there is no table of the topics (--topics)" in refusal(score, files[0], files[1], blocks="30s")


def test_topics_without_a_cell_are_named(files):
    files[2].write_text(files[2].read_text().replace("s1\n", "\n", 1))
    notes = notes_of(files, "session")[1]
    assert "1 topic has no session and is a block of its own: img2sen_4." in notes


def test_the_minutes_of_the_organisers_qrels_are_times(tmp_path):
    rows = "".join(f"t{n},{n},20200316_10{n:02d},1\nt{n},9{n},,0\n" for n in range(8))
    path = tmp_path / "qrels.csv"
    path.write_text("topic_id,dmr_minute_id,minute_id,rel\n" + rows)
    names = [f"t{n}" for n in range(8)]
    found = topic_blocks("4min", names, [None] * 8, None, read_qrels(path))
    assert found.codes is not None
    assert found.codes.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert topic_blocks("2", names, [None] * 8, None, read_qrels(path)).codes.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_the_time_may_have_an_offset_or_a_fraction(files, tmp_path):
    table = tmp_path / "times.tsv"
    cells = ["2020-03-16T10:00:00Z", "2020-03-16 11:00:00.5+01:00", "2020-03-16 10:00:01.5"]
    table.write_text("topic_id\tdirection\ttimestamp\n" + "".join(f"t{n}\timg2sen\t{c}\n" for n, c in enumerate(cells)))
    found = topic_blocks("1s", ["t0", "t1", "t2"], [None] * 3, read_topic_table(table), read_qrels(files[1]))
    assert found.codes is not None
    assert found.codes.tolist() == [0, 0, 1]
    assert TopicBlocks(None).of(np.ones(3, dtype=bool)) is None


def test_json_has_the_same_keys_and_the_note_goes_to_standard_error(files, capsys):
    report, stream = score(files[0], files[1], topics_path=files[2], blocks="2"), io.StringIO()
    print_scores(report, {}, stream, as_json=True, per_topic=False)
    assert "blocks" not in stream.getvalue()
    assert (
        "Note: Intervals draw 4 blocks: topics that follow one another in time, at least 2" in capsys.readouterr().err
    )
