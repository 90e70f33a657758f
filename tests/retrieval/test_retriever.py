"""Topics in, a run out: a trained toy is asked about pictures and readings it has not seen."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import (  # noqa: F401
    ToyFeatures,
    command_line,
    encode_readings,
    fit,
    one_thread,
    question,
    read_pictures,
    refusal,
    toy_config,
    toy_corpus,
    write_pictures,
)

import ntcir.encoders.frozen
import ntcir.retrieval.items
from ntcir.features.image_features import ImageFeatures
from ntcir.formats.runs import read_pools, read_trec_qrels, read_trec_run, validate_run
from ntcir.formats.topics import Topic, TopicSet, read_topics
from ntcir.modalities import DEFAULT_PAIR
from ntcir.model.model import Model
from ntcir.retrieval.answering import answer
from ntcir.retrieval.retriever import WORST, Retriever
from ntcir.sampling.topics import build_topics
from ntcir.training.checkpoint import LAST

pytestmark = pytest.mark.usefixtures("one_thread")
PER_SESSION = 14


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: F811
    """A folder with a corpus of pictures, a model in `runs/first` and topics of the session not trained on."""
    folder = tmp_path_factory.mktemp("retrieval")
    write_pictures(folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = command_line("train", "--data", "data", "--iters", "150", "--out", "runs/first")
    assert done.exit_code == 0, done.output
    corpus = read_pictures(folder / "data")
    build_topics(corpus, corpus.split("test"), pool=PER_SESSION, per_day=PER_SESSION, pair=DEFAULT_PAIR).save(
        folder / "topics"
    )
    return folder


@pytest.fixture
def here(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, as the current one."""
    monkeypatch.chdir(trained)
    return trained


def ask(topics: Path = Path("topics.tsv"), **options: Any) -> list[list[str]]:
    """Return the columns of each line of the run."""
    settings: dict[str, Any] = {"tag": None, "pools": None, "depth": 1000, "split": "test"} | options
    text = "".join(answer(topics, settings.pop("model", None), settings.pop("data", None), **settings))
    return [line.split(" ") for line in text.splitlines()]


def write_topics(folder: Path, *topics: Topic, pools: dict[str, list[str]] | None = None) -> Path:
    """Write topics in a folder of their own; the pools, if any, beside them."""
    TopicSet(list(topics), pools or {}, {}).save(folder)
    if pools is None:
        (folder / "pools.tsv").unlink(missing_ok=True)
    return folder / "topics.tsv"


def changed_data(here: Path, name: str, change: Any) -> Path:
    """Copy the corpus and change its table of records."""
    if (here / name).exists():
        shutil.rmtree(here / name)
    shutil.copytree(here / "data", here / name)
    table = pd.read_csv(here / name / "records.csv", dtype=str, keep_default_na=False)
    change(table).to_csv(here / name / "records.csv", index=False)
    return here / name


# ------------------------------------------------------------------------------------------------------ the whole way


def test_every_pool_is_ranked_whole_in_six_columns_with_ranks_from_1(here):
    lines = ask()
    topics, pools = read_topics(here / "topics/topics.tsv"), read_pools(here / "topics/pools.tsv")
    assert all(len(line) == 6 for line in lines)
    assert {line[5] for line in lines} == {"first"}
    assert list(dict.fromkeys(line[0] for line in lines)) == [topic.topic_id for topic in topics]
    for topic in topics:
        own = [line for line in lines if line[0] == topic.topic_id]
        assert sorted(line[2] for line in own) == sorted(pools[topic.topic_id])
        assert [int(line[3]) for line in own] == list(range(1, PER_SESSION + 1))
        assert sorted((float(line[4]) for line in own), reverse=True) == [float(line[4]) for line in own]


def test_depth_does_not_cut_a_pool(here):
    assert ask(depth=2) == ask()


def test_scores_are_the_cosines_in_full_float32(here):
    lines = ask()
    model, corpus = Model.load(here / "runs/first"), read_pictures(here / "data")
    features = ImageFeatures(corpus, model.config.features)
    for topic in read_topics(here / "topics/topics.tsv")[::5]:
        for _, _, document, _, score, _ in [line for line in lines if line[0] == topic.topic_id]:
            image, sensor = (topic.query, document) if isinstance(topic.query, str) else (document, None)
            left = model.encode("image", features.load([image])).vectors[0]
            table = (
                corpus.sensors.loc[[sensor]]
                if sensor
                else model.encoders["sensor"].table([topic.query], ["local_hour"])
            )
            right = encode_readings(model, table).vectors[0]
            assert float(score) == pytest.approx(float(left @ right), abs=1e-5)
            assert f"{np.float32(score):.9g}" == score


def test_the_run_is_valid_and_its_mrr_far_above_random(here):
    (here / "run.txt").write_text("".join(" ".join(line) + "\n" for line in ask()), encoding="utf-8")
    run, qrels = read_trec_run(here / "run.txt"), read_trec_qrels(here / "topics/qrels.txt")
    validate_run(run, qrels, read_pools(here / "topics/pools.tsv"))
    for direction in ("img2sen", "sen2img"):
        reciprocal = []
        for topic in [topic for topic in qrels.topics if topic.startswith(direction)]:
            ranking = run.ranking(topic)
            [own] = [score for document, score in ranking if document in qrels.relevant(topic)]
            better, equal = (sum(sign(score, own) for _, score in ranking) for sign in (float.__gt__, float.__eq__))
            reciprocal.append(1 / (better + (equal + 1) / 2))
        assert np.mean(reciprocal) > 2 * np.mean([1 / rank for rank in range(1, PER_SESSION + 1)])


def test_the_same_question_has_the_same_answer_to_the_last_digit(here):
    assert ask() == ask()


def test_the_newest_model_is_asked_unless_one_is_named(here):
    shutil.copytree(here / "runs/first", here / "runs/second", dirs_exist_ok=True)
    try:
        assert {line[5] for line in ask()} == {"second"}
        assert {line[5] for line in ask(model=Path("runs/first"))} == {"first"}
        assert {line[5] for line in ask(tag="mine")} == {"mine"}
    finally:
        shutil.rmtree(here / "runs/second")


# ------------------------------------------------------------------------------------------------------------- ties


def test_readings_that_are_the_same_have_the_same_score_and_others_do_not(here):
    def repeat(table: pd.DataFrame) -> pd.DataFrame:
        rows = table.index[table["session"] == "s4"]
        names = ["warm", "wet", "noon", "weather"]
        table.loc[rows[[3, 9, 12]], names] = table.loc[rows[0], names].tolist()
        return table

    data = changed_data(here, "tied", repeat)
    lines = [line for line in ask(data=data) if line[0].startswith("img2sen")]
    same = {f"s4_{number:03d}" for number in (0, 3, 9, 12)}
    for topic in {line[0] for line in lines}:
        scores = {line[2]: line[4] for line in lines if line[0] == topic}
        assert len({scores[document] for document in same}) == 1
        assert len(set(scores.values())) == PER_SESSION - 3


class FewPictures(ToyFeatures):
    """Features that many pictures share: there are five of them."""

    def load(self, ids: Sequence[str]) -> np.ndarray:
        return super().load([sorted(self._rows)[hash_of(item)] for item in ids])


def hash_of(item: str) -> int:
    return sum(item.encode()) % 5


@pytest.mark.parametrize("block", [1, 3, 8192])
def test_pictures_with_the_same_features_have_the_same_score_over_blocks_too(tmp_path, monkeypatch, block):
    monkeypatch.setattr(ntcir.retrieval.items, "_BLOCK", block)
    corpus = toy_corpus()
    fit(toy_config(training__iters=5), tmp_path / "m", corpus=corpus)
    monkeypatch.setattr(ntcir.encoders.frozen, "ImageFeatures", lambda corpus, options, networks: FewPictures(corpus))
    retriever = Retriever(Model.load(tmp_path / "m"), corpus)
    [text] = retriever.run([question("t", "", {"a": 0.3, "b": 7})], None, tag="x", depth=1000, split="all")
    scores = {line.split()[2]: line.split()[4] for line in text.splitlines()}
    assert len(scores) == len(corpus.pairs)
    assert len(set(scores.values())) == 5
    for item, score in scores.items():
        assert {scores[other] for other in scores if hash_of(other) == hash_of(item)} == {score}


# --------------------------------------------------------------------------------------------- without pools, by hand


def test_without_pools_the_whole_split_is_ranked_to_a_depth(here, tmp_path):
    topics = write_topics(tmp_path, question("a", "", "s4_003.png"), question("b", "", {"warm": 200, "wet": 20}))
    for split, sessions in {"test": 1, "val": 1, "train": 2, "all": 4}.items():
        size = sessions * PER_SESSION
        lines = ask(topics, split=split)
        assert [line[0] for line in lines] == ["a"] * size + ["b"] * size
        assert all("." not in line[2] for line in lines[:size])
        assert all(line[2].endswith(".png") for line in lines[size:])
        shallow = ask(topics, split=split, depth=5)
        assert shallow == lines[:5] + lines[size : size + 5]


def test_pools_beside_the_topics_are_used_unless_declined_or_named(here, tmp_path):
    few = {"a": ["s1_001", "s4_002", "s2_003"]}
    topics = write_topics(tmp_path, question("a", "", "s4_003.png"), pools=few)
    assert sorted(line[2] for line in ask(topics)) == sorted(few["a"])
    assert len(ask(topics, pools="none")) == PER_SESSION
    (here / "other.tsv").write_text("topic_id\tdoc_id\na\ts4_000\n", encoding="utf-8")
    assert [line[2] for line in ask(topics, pools="other.tsv")] == ["s4_000"]


def test_a_query_of_the_corpus_s_own_readings_is_answered_like_the_row(here, tmp_path):
    corpus = read_pictures(here / "data")
    whole = {str(column): value for column, value in corpus.sensors.loc["s4_004"].dropna().items()}
    topics = write_topics(tmp_path, question("a", "", whole), question("b", "", {**whole, "local_hour": None}))
    lines = ask(topics)
    assert [line[2:5] for line in lines[:PER_SESSION]] == [line[2:5] for line in lines[PER_SESSION:]]


def test_a_picture_outside_the_corpus_is_answered_like_the_same_picture_inside(here, tmp_path):
    outside = tmp_path / "my holiday.png"
    shutil.copyfile(here / "data/images/s4_005.png", outside)
    topics = write_topics(tmp_path, question("in", "", "s4_005.png"), question("out", "", str(outside)))
    lines = ask(topics)
    inside, other = lines[:PER_SESSION], lines[PER_SESSION:]
    assert [line[2] for line in inside] == [line[2] for line in other]
    assert [float(line[4]) for line in other] == pytest.approx([float(line[4]) for line in inside], abs=1e-4)


def test_readings_none_of_which_the_model_uses_are_answered_with_a_warning(here, tmp_path, capsys):
    topics = write_topics(tmp_path, question("mute", "", {"local_hour": 3.5}), question("null", "", {"warm": None}))
    assert len(ask(topics)) == 2 * PER_SESSION
    warning = capsys.readouterr().err
    assert "WARNING: 2 topics give none of the readings" in warning
    assert "mute, null" in warning
    assert "warm, wet, noon" in warning
    ask(write_topics(tmp_path, question("mute", "", {"local_hour": 3.5}), question("warm", "", {"warm": 3})))
    assert "WARNING: 1 topic gives none of the readings" in capsys.readouterr().err


def test_a_query_s_number_may_be_text_and_what_is_no_number_names_its_topic(here, tmp_path, capsys):
    topics = write_topics(tmp_path, question("a", "", {"warm": 60.5}), question("b", "", {"warm": "60,5 °C"}))
    lines = ask(topics)
    assert [line[2:5] for line in lines[:PER_SESSION]] == [line[2:5] for line in lines[PER_SESSION:]]
    assert "topics: warm: 1 value is read as a number with a decimal comma and the unit" in capsys.readouterr().err
    topics = write_topics(tmp_path, question("a", "", {"warm": 60.5}), question("b", "", {"warm": "hot"}))
    sentence = refusal(ask, topics)
    assert "the topic b " in sentence
    assert "'hot'" in sentence


def test_what_a_model_does_not_know_of_another_corpus_is_counted_and_spellings_are_not(here, tmp_path, capsys):
    def respelled(table: pd.DataFrame) -> pd.DataFrame:
        last = table["session"] == "s4"
        table.loc[last, "weather"] = table.loc[last, "weather"].str.upper()
        return table

    expected = ask()
    capsys.readouterr()
    assert ask(data=changed_data(here, "capitals", respelled)) == expected
    assert "never seen" not in capsys.readouterr().err

    def snow(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[table["weather"] == "dry", "weather"] = "snow"
        # A column of which half is text is a category there, and numbers to the model.
        table["warm"] = table["warm"].astype(object)
        table.loc[table.index[::2], "warm"] = "lots"
        table["wet"] = None
        return table

    ask(data=changed_data(here, "snow", snow))
    said = capsys.readouterr().err
    assert "values were never seen in training and count as unknown (first: 'snow' in s4_0" in said
    assert "warm: 7 of 14 values are not numbers and count as missing (first: 'lots' in s4_0" in said
    assert "WARNING: wet has no readable value" in said


# --------------------------------------------------------------------------------------------- what cannot be read


def spoil(folder: Path, *names: str) -> None:
    for name in names:
        (folder / "images" / name).write_bytes(b"no picture")


def test_a_candidate_that_cannot_be_read_has_the_worst_score_of_its_pool(here):
    data = changed_data(here, "spoilt", lambda table: table)
    spoil(data, "s4_002.png")
    lines = [line for line in ask(data=data) if line[0].startswith("sen2img")]
    last = [line for line in lines if line[2] == "s4_002.png"]
    assert len(last) == PER_SESSION
    assert {(line[3], line[4]) for line in last} == {(str(PER_SESSION), f"{WORST:.9g}")}
    assert len({line[0] for line in lines}) == PER_SESSION


def test_without_pools_a_candidate_that_cannot_be_read_comes_last(here, tmp_path):
    data = changed_data(here, "spoilt", lambda table: table)
    spoil(data, "s4_002.png", "s4_007.png")
    topics = write_topics(
        tmp_path, question("a", "", {"warm": 200}), question("b", "", "s4_003.png"), question("c", "", {"wet": 2})
    )
    lines = ask(topics, data=data, pools="none")
    assert [line[0] for line in lines] == ["a"] * PER_SESSION + ["b"] * PER_SESSION + ["c"] * PER_SESSION
    for ranked in (lines[:PER_SESSION], lines[2 * PER_SESSION :]):
        assert [line[2] for line in ranked[-2:]] == ["s4_007.png", "s4_002.png"]  # the greater id first
        assert {line[4] for line in ranked[-2:]} == {f"{WORST:.9g}"}
    cut = ask(topics, data=data, pools="none", depth=PER_SESSION - 1)
    assert [line[2] for line in cut if line[0] == "a"] == [line[2] for line in lines[: PER_SESSION - 1]]


def test_a_ranking_without_pools_is_that_of_a_pool_of_the_whole_split(here, tmp_path):
    data = changed_data(here, "spoilt", lambda table: table)
    spoil(data, "s4_002.png")
    asked = [
        question("a", "", {"warm": 200, "wet": 20}),
        question("b", "", "s4_003.png"),
        question("c", "", "s4_005.png"),
    ]
    whole = ask(write_topics(tmp_path, *asked), data=data, pools="none")
    pools = {name: [line[2] for line in whole if line[0] == name][::-1] for name in "abc"}
    pooled = ask(write_topics(tmp_path, *asked, pools=pools), data=data)
    assert [line[:3] for line in whole] == [line[:3] for line in pooled]
    assert [float(line[4]) for line in whole] == pytest.approx([float(line[4]) for line in pooled], abs=1e-6)


def test_a_query_that_cannot_be_read_is_left_out_and_named(here, capsys):
    data = changed_data(here, "spoilt", lambda table: table)
    spoil(data, "s4_002.png")
    [topic] = [topic.topic_id for topic in read_topics(here / "topics/topics.tsv") if topic.query == "s4_002.png"]
    answered = {line[0] for line in ask(data=data)}
    assert topic not in answered
    assert len(answered) == 2 * PER_SESSION - 1
    assert f"1 topics are left out because their photograph cannot be read: {topic}." in capsys.readouterr().err


def test_the_only_picture_asked_for_may_be_unreadable_beside_other_topics(here, tmp_path, capsys):
    data = changed_data(here, "spoilt", lambda table: table)
    spoil(data, "s4_002.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    pictures = [question("bad", "", "s4_002.png"), question("out", "", str(tmp_path / "broken.jpg"))]
    topics = write_topics(tmp_path, *pictures, question("good", "", {"warm": 3}))
    assert {line[0] for line in ask(topics, data=data)} == {"good"}
    assert "2 topics are left out because their photograph cannot be read: bad, out" in capsys.readouterr().err


def test_no_picture_that_can_be_read_is_one_sentence(here, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    topics = write_topics(tmp_path, question("out", "", str(tmp_path / "broken.jpg")))
    sentence = refusal(ask, topics)
    assert "out" in sentence


# --------------------------------------------------------------------------------------------------- one sentence


@pytest.mark.parametrize("name", ["s9_000.png", "no such file.jpg", "x" * 500, "s4_003"])
def test_an_unknown_image_is_named_with_its_topic(here, tmp_path, name):
    sentence = refusal(ask, write_topics(tmp_path, question("t7", "", name)))
    assert "t7" in sentence
    assert name in sentence


@pytest.mark.usefixtures("caption")
def test_a_direction_that_the_model_does_not_answer_is_named_with_its_line(here, tmp_path):
    path = tmp_path / "topics.tsv"
    path.write_text("topic_id\ttimestamp\tquery\tdirection\na\t\ts4_003.png\timg2cap\n", encoding="utf-8")
    assert f"{path} line 2: the direction is img2cap, but the model answers img2sen and sen2img" in refusal(ask, path)


def test_an_unknown_document_is_named_with_its_topic(here, tmp_path):
    pools = {"t7": ["s4_001", "s9_001"]}
    sentence = refusal(ask, write_topics(tmp_path, question("t7", "", "s4_003.png"), pools=pools))
    assert "t7" in sentence
    assert "s9_001" in sentence
    assert "s4_001" not in sentence


def test_a_topic_without_a_pool_is_named(here, tmp_path):
    topics = write_topics(
        tmp_path, question("t7", "", "s4_003.png"), question("t8", "", "s4_003.png"), pools={"t7": ["s4_001"]}
    )
    sentence = refusal(ask, topics)
    assert "t8" in sentence
    assert "--pools none" in sentence


def test_an_unknown_reading_is_refused_with_a_suggestion(here, tmp_path):
    assert "did you mean 'warm'?" in refusal(ask, write_topics(tmp_path, question("t", "", {"warmm": 3})))


def test_other_sensor_columns_than_the_model_s_are_named(here):
    data = changed_data(here, "other-columns", lambda table: table.rename(columns={"wet": "wetness"}))
    sentence = refusal(ask, data=data)
    assert "'wet'" in sentence
    assert "did you mean 'wetness'?" in sentence


def test_other_weights_than_the_model_s_are_refused(here, tmp_path):
    model = Model.load(here / "runs/first")
    model.encoders["image"].fingerprints = ["0" * 64]
    model.save(tmp_path / "m")
    shutil.copy(here / "runs/first" / LAST, tmp_path / "m")
    assert "other weights" in refusal(ask, model=tmp_path / "m")


def test_an_unknown_split_is_refused_with_those_there_are(here):
    assert "train, val, test or all" in refusal(ask, split="dev", pools="none")


def test_a_split_without_pairs_is_refused(tmp_path, monkeypatch):
    corpus = toy_corpus(["2020-02-01"])
    fit(toy_config(training__iters=2), tmp_path / "m", corpus=corpus)
    monkeypatch.setattr(ntcir.encoders.frozen, "ImageFeatures", lambda corpus, options, networks: ToyFeatures(corpus))
    run = Retriever(Model.load(tmp_path / "m"), replace(corpus)).run(
        [question("t", "", {"a": 1})], None, tag="x", depth=3, split="test"
    )
    assert "'test'" in refusal(list, run)


def test_missing_topics_models_and_data_are_one_sentence_each(here, tmp_path):
    assert "nothing.tsv" in refusal(ask, Path("nothing.tsv"))
    assert "ntcir train" in refusal(ask, model=tmp_path)
    assert "--data" in refusal(ask, data=tmp_path / "absent")


def test_the_runs_of_two_models_fused_are_scored_by_the_command_line(here):
    arguments = ["train", "--data", "data", "--iters", "40", "--out", "runs/second", "--set", "seed=1"]
    assert command_line(*arguments).exit_code == 0
    mrr = {}
    for name in ("first", "second"):
        (here / f"{name}.txt").write_text(command_line("run", "topics.tsv", "--model", f"runs/{name}").stdout)
    (here / "fused.txt").write_text(command_line("fuse", "first.txt", "second.txt", "--method", "combsum").stdout)
    for name in ("first", "second", "fused"):
        scored = json.loads(command_line("score", f"{name}.txt", "--json").stdout)
        assert scored["all"]["topics"] == 2 * PER_SESSION
        mrr[name] = scored["all"]["MRR"]
    assert mrr["fused"] > min(mrr["first"], mrr["second"])
    shutil.rmtree("runs/second")
