"""Topics as the poster draws them: what is asked, what is in a pool, what is right."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers import refusal, toy_corpus, twice_a_minute

from ntcir.corpora.corpus import Corpus
from ntcir.formats.runs import format_ranking, read_pools
from ntcir.formats.topics import read_topics
from ntcir.modalities import DEFAULT_PAIR
from ntcir.sampling.pools import sample_pool, sample_with_partners
from ntcir.sampling.topics import build_topics, topic_pairs

DAYS = ["2020-03-16", "2020-03-17", "2020-03-19"]


def minute(document: str) -> str:
    return document[:13]


# ---------------------------------------------------------------------------------------------------------- drawing


def test_there_is_one_topic_a_direction_a_day_named_as_in_the_poster():
    corpus = twice_a_minute()
    topics = build_topics(corpus, corpus.pairs, pool=10, pair=DEFAULT_PAIR)
    assert [topic.topic_id for topic in topics.topics] == [
        "img2sen_0316", "img2sen_0317", "img2sen_0319", "sen2img_0316", "sen2img_0317", "sen2img_0319",
    ]  # fmt: skip
    assert all(topic.topic_id.startswith(topic.direction.name) for topic in topics.topics)


@pytest.mark.parametrize("pool", [2, 17, 30])
def test_a_pool_holds_one_photograph_a_minute_of_the_day_and_the_one_right_answer(pool):
    corpus = twice_a_minute()
    topics = build_topics(corpus, corpus.pairs, pool=pool, per_day=5, pair=DEFAULT_PAIR)
    assert set(topics.pools) == set(topics.relevant) == {topic.topic_id for topic in topics.topics}
    for topic in topics.topics:
        candidates = topics.pools[topic.topic_id]
        assert len({minute(document) for document in candidates}) == len(candidates) == pool
        assert {document[:8] for document in candidates} == {topic.timestamp[:10].replace("-", "")}
        assert [candidates.count(right) for right in topics.relevant[topic.topic_id]] == [1]
        table = corpus.sensors if topic.direction.name == "img2sen" else corpus.images
        assert set(candidates) <= set(table.index)


def test_the_right_answer_is_the_other_half_of_the_query_s_pair():
    corpus = twice_a_minute()
    topics = build_topics(corpus, corpus.pairs, pool=10, per_day=5, pair=DEFAULT_PAIR)
    for topic in topics.topics:
        [answer] = topics.relevant[topic.topic_id]
        if topic.direction.name == "img2sen":
            assert minute(str(topic.query)) == answer
            image = topic.query
        else:
            row = corpus.sensors.loc[minute(answer)]
            assert topic.query == {column: value for column, value in row.items() if pd.notna(value)}
            image = answer
        [pair] = corpus.pairs[corpus.pairs["image"] == image].to_dict("records")
        assert topic.timestamp == f"{pair['timestamp']:%Y-%m-%d %H:%M:%S}"


def test_both_photographs_of_a_minute_can_be_asked_for():
    corpus = twice_a_minute(DAYS[:1])
    asked = [
        str(topic.query)
        for seed in range(10)
        for topic in build_topics(corpus, corpus.pairs, pool=10, per_day=10, seed=seed, pair=DEFAULT_PAIR).topics
        if topic.direction.name == "img2sen"
    ]
    assert {name[13:15] for name in asked} == {"00", "32"}


def test_where_the_answer_stands_in_its_pool_says_nothing():
    corpus = twice_a_minute()
    topics = build_topics(corpus, corpus.pairs, pool=4, per_day=30, pair=DEFAULT_PAIR)
    places = Counter(topics.pools[topic].index(answer) for topic, [answer] in topics.relevant.items())
    # 180 topics over 4 places: 45 each, and a standard deviation of 5.8.
    assert set(places) == {0, 1, 2, 3}
    assert all(22 < count < 68 for count in places.values())


def test_several_topics_a_day_ask_for_different_pairs_and_are_numbered():
    corpus = twice_a_minute()
    topics = build_topics(corpus, corpus.pairs, pool=30, per_day=12, pair=DEFAULT_PAIR)
    first_day = [topic for topic in topics.topics if topic.topic_id.startswith("sen2img_0316")]
    assert [topic.topic_id for topic in first_day] == [f"sen2img_0316_{number:02d}" for number in range(1, 13)]
    assert len({topics.relevant[topic.topic_id][0] for topic in first_day}) == 12


def test_the_same_seed_draws_the_same_and_another_seed_others():
    corpus = twice_a_minute()
    assert build_topics(corpus, corpus.pairs, pool=10, seed=4, pair=DEFAULT_PAIR) == build_topics(
        corpus, corpus.pairs, pool=10, seed=4, pair=DEFAULT_PAIR
    )
    one, other = (build_topics(corpus, corpus.pairs, pool=10, seed=seed, pair=DEFAULT_PAIR) for seed in (0, 1))
    assert one.relevant != other.relevant
    assert one.pools != other.pools


def test_a_day_s_topics_do_not_depend_on_the_other_days():
    corpus = twice_a_minute()
    together = build_topics(corpus, corpus.pairs, pool=10, per_day=2, pair=DEFAULT_PAIR)
    alone = corpus.pairs[corpus.pairs["group"] == "2020-03-17"]
    for topic in build_topics(corpus, alone, pool=10, per_day=2, pair=DEFAULT_PAIR).topics:
        assert topic in together.topics
    shuffled_days = pd.concat([corpus.pairs[corpus.pairs["group"] == day] for day in reversed(DAYS)])
    assert build_topics(corpus, shuffled_days, pool=10, per_day=2, pair=DEFAULT_PAIR).pools == together.pools


def test_the_year_is_in_the_id_where_there_are_several():
    corpus = twice_a_minute(["2019-03-16", "2020-03-16"])
    topics = build_topics(corpus, corpus.pairs, pool=10, pair=DEFAULT_PAIR)
    assert [topic.topic_id for topic in topics.topics][2:] == ["sen2img_20190316", "sen2img_20200316"]


def test_sessions_give_their_names_without_blanks_and_each_another():
    corpus = twice_a_minute()
    names = dict(zip(DAYS, ["lap 1", "lap-1", "evening"], strict=True))
    corpus = replace(corpus, pairs=corpus.pairs.assign(group=corpus.pairs["group"].map(names)), groups_are_days=False)
    ids = [topic.topic_id for topic in build_topics(corpus, corpus.pairs, pool=10, pair=DEFAULT_PAIR).topics]
    assert len(set(ids)) == len(ids) == 6
    assert {"img2sen_lap-1", "img2sen_evening"} < set(ids)
    assert not any(" " in topic_id for topic_id in ids)


@pytest.mark.parametrize(
    "names",
    [
        ["x" * 300, "x" * 300 + "y", "x" * 299],
        ["名" * 100, "名" * 101, "lap"],
        ["\x01lap", "\x02lap", "lap\x00"],
        ["lap\x01", "lap%01", "lap%01-2"],
        ["a" * 248, "a" * 124 + " " + "a" * 123, "b" * 244 + "-2"],
        ["a/b", "..", "é"],
        ["", " ", "unnamed"],
    ],
)
@pytest.mark.parametrize("per_day", [1, 12])
def test_every_session_gives_topics_that_can_be_answered(tmp_path, names, per_day):
    corpus = twice_a_minute(minutes=15)
    sessions = corpus.pairs["group"].map(dict(zip(DAYS, names, strict=True)))
    corpus = replace(corpus, pairs=corpus.pairs.assign(group=sessions), groups_are_days=False)
    topics = build_topics(corpus, corpus.pairs, pool=5, per_day=per_day, pair=DEFAULT_PAIR)
    topics.save(tmp_path)
    assert len({topic.topic_id for topic in topics.topics}) == 6 * per_day
    assert read_topics(tmp_path / "topics.tsv") == topics.topics
    assert dict(read_pools(tmp_path / "pools.tsv")) == topics.pools
    for topic_id, pool in topics.pools.items():
        format_ranking(topic_id, pool, np.arange(len(pool)), "tag")


@pytest.mark.parametrize(
    ("name", "said"), [("lap 1", ""), ("\x01a", "1; there '\\x01a' is %01a."), ("y" * 400, "1; there 'yyyyy")]
)
def test_a_session_that_is_called_otherwise_in_ids_is_named(capsys, name, said):
    corpus = twice_a_minute(DAYS[:1])
    corpus = replace(corpus, pairs=corpus.pairs.assign(group=name), groups_are_days=False)
    build_topics(corpus, corpus.pairs, pool=5, pair=DEFAULT_PAIR)
    told = capsys.readouterr().err
    assert said in told
    assert bool(told) == bool(said)
    assert len(told) < 250


def test_a_day_smaller_than_the_pool_is_refused_by_name_with_a_pool_that_fits():
    corpus = twice_a_minute(minutes=30)
    short = corpus.pairs[(corpus.pairs["group"] != "2020-03-17") | (corpus.pairs["timestamp"].dt.hour < 2)]
    sentence = refusal(build_topics, corpus, short, pool=25, pair=DEFAULT_PAIR)
    assert "2020-03-17 (12)" in sentence  # 24 photographs, but of 12 minutes
    assert "--pool 12" in sentence
    assert "2020-03-16" not in sentence
    assert len(build_topics(corpus, short, pool=12, pair=DEFAULT_PAIR).topics) == 6


def test_more_topics_a_day_than_minutes_are_refused():
    corpus = twice_a_minute(minutes=6)
    assert "7 topics a day" in refusal(build_topics, corpus, corpus.pairs, pool=6, per_day=7, pair=DEFAULT_PAIR)


def test_no_pair_is_no_topic():
    corpus = twice_a_minute()
    assert "no pair" in refusal(build_topics, corpus, corpus.pairs.iloc[:0], pair=DEFAULT_PAIR)


def captioned(days: list[str] = DAYS) -> Corpus:
    """Return a corpus of captions in place of readings; every other caption is that of the next picture, too."""
    corpus = toy_corpus(days, 12)
    pairs = corpus.pairs.rename(columns={"sensor": "caption"})
    shared = pairs[::2].assign(caption=pairs["caption"][1::2].to_numpy())
    captions = corpus.sensors.rename_axis("caption")
    pairs = pd.concat([pairs, shared], ignore_index=True)
    return replace(corpus, tables={"image": corpus.images, "caption": captions}, pairs=pairs)


@pytest.mark.usefixtures("caption")
@pytest.mark.parametrize("pair", [("image", "caption"), ("caption", "image")])
def test_topics_are_drawn_of_any_pair_and_all_that_belongs_to_a_query_is_right(tmp_path, pair):
    corpus = captioned()
    topics = build_topics(corpus, corpus.pairs, pool=8, per_day=8, pair=pair)
    names = ["img2cap", "cap2img"] if pair[0] == "image" else ["cap2img", "img2cap"]
    assert list(topics.by_direction()) == names
    partners = set(zip(corpus.pairs["image"], corpus.pairs["caption"], strict=True))
    numbers = Counter()
    for topic in topics.topics:
        asks, query = topic.direction.query.name, str(topic.query).removeprefix("see ")
        pool = topics.pools[topic.topic_id]
        assert len(set(pool)) == len(pool)
        both = [(query, document) if asks == "image" else (document, query) for document in pool]
        right = topics.relevant[topic.topic_id]
        assert right == [document for document, pair in zip(pool, both, strict=True) if pair in partners]
        assert len(right) >= 1
        numbers[len(right)] += 1
    assert numbers[2] > 0, "else this corpus shows nothing"
    topics.save(tmp_path)
    assert read_topics(tmp_path / "topics.tsv", pair) == topics.topics


@pytest.mark.parametrize("pair", [("image", "caption"), ("caption", "sensor")])
@pytest.mark.usefixtures("caption")
def test_a_pair_that_the_corpus_does_not_have_is_one_sentence(pair):
    corpus = toy_corpus()
    sentence = refusal(build_topics, corpus, corpus.pairs, pool=2, pair=pair)
    assert f"toy has no pairs of {pair[0]} and {pair[1]}: it has nothing of the modality 'caption'" in sentence
    assert "only of image and sensor" in sentence
    lacking = replace(corpus, tables={**corpus.tables, "caption": corpus.sensors})  # a table, but no pairs
    assert "no pairs of" in refusal(lacking.require_pair, pair)
    corpus.require_pair(("sensor", "image"))


def test_days_that_are_too_short_for_a_pool_are_left_out_if_asked(capsys):
    corpus = twice_a_minute(minutes=30)
    short = corpus.pairs[(corpus.pairs["group"] != "2020-03-17") | (corpus.pairs["timestamp"].dt.hour < 2)]
    topics = build_topics(corpus, short, pool=25, skip_short=True, pair=DEFAULT_PAIR)
    assert len(topics.topics) == 4
    assert "Left out, with fewer photographs and readings than a pool of 25 needs: 2020-03-17 (12)." in (
        capsys.readouterr().err
    )


def test_a_pool_is_drawn_evenly():
    pairs = twice_a_minute(DAYS[:1]).pairs
    drawn = Counter(
        pairs.loc[row, "sensor"]
        for seed in range(300)
        for row in sample_pool(pairs, 10, np.random.default_rng(seed), pair=DEFAULT_PAIR)
    )  # fmt: skip
    # Each of 30 minutes in a third of 300 pools: 100 times, with a standard deviation of 8.
    assert len(drawn) == 30
    assert all(67 < count < 133 for count in drawn.values())


def test_no_photograph_and_no_reading_is_in_a_pool_twice():
    pairs = pd.DataFrame({"image": list("aabbccd"), "sensor": list("xyyzzxw")}, index=list(range(10, 17)))
    for seed in range(30):
        pool = pairs.loc[sample_pool(pairs, 7, np.random.default_rng(seed), target=12, pair=DEFAULT_PAIR)]
        assert pool["image"].is_unique
        assert pool["sensor"].is_unique
        assert 12 in pool.index


# ------------------------------------------------------------------------------------------------- days to ask for


def test_topics_are_of_the_test_split_unless_days_are_named():
    corpus = toy_corpus(["2020-02-29", "2020-03-02", "2020-03-20", "2020-03-21"])
    assert set(topic_pairs(corpus, None, None)["group"]) == {"2020-03-20", "2020-03-21"}
    named = topic_pairs(corpus, dt.date(2020, 3, 2), dt.date(2020, 3, 20))
    assert set(named["group"]) == {"2020-03-02", "2020-03-20"}
    assert set(topic_pairs(corpus, dt.date(2020, 3, 3), None)["group"]) == {"2020-03-20", "2020-03-21"}


def test_days_of_the_training_are_warned_of(capsys):
    corpus = toy_corpus(["2020-02-29", "2020-03-20"])
    topic_pairs(corpus, None, dt.date(2020, 2, 29))
    assert "measure memory" in capsys.readouterr().err
    topic_pairs(corpus, dt.date(2020, 3, 1), None)
    assert capsys.readouterr().err == ""


def test_days_without_pairs_are_refused_and_the_days_there_are_named():
    corpus = toy_corpus(["2020-02-29", "2020-03-20"])
    sentence = refusal(topic_pairs, corpus, dt.date(2021, 1, 1), None)
    assert "2020-02-29 to 2020-03-20" in sentence
    assert "after" in refusal(topic_pairs, corpus, dt.date(2020, 3, 2), dt.date(2020, 3, 1))
    assert "test split" in refusal(topic_pairs, toy_corpus(["2020-02-29"]), None, None)


# Several partners that are positives, as the captions of a picture are


def test_all_partners_are_candidates_and_relevant_where_they_are_positives():
    corpus = replace(twice_a_minute(), shared_are_positive=True)
    topics = build_topics(corpus, corpus.pairs, pool=10, per_day=3, pair=DEFAULT_PAIR)
    partners = corpus.pairs.groupby("sensor")["image"].agg(set).to_dict()
    minute_of = dict(zip(corpus.pairs["image"], corpus.pairs["sensor"], strict=True))
    for topic in topics.topics:
        pool, relevant = topics.pools[topic.topic_id], topics.relevant[topic.topic_id]
        assert len(pool) == len(set(pool)) == 10
        if topic.direction.name == "sen2img":
            [minute] = {minute_of[item] for item in relevant}
            assert set(relevant) == partners[minute]
            assert len(relevant) == 2
            # The others may be of one minute, which is no answer either way.
            assert {corpus.pairs.set_index("image").at[item, "group"] for item in pool} == {topic.timestamp[:10]}
        else:
            assert relevant == [minute_of[topic.query]]


def test_where_right_answers_stand_in_their_pool_says_nothing():
    corpus = replace(twice_a_minute(), shared_are_positive=True)
    topics = build_topics(corpus, corpus.pairs, pool=4, per_day=30, pair=DEFAULT_PAIR)
    places = Counter(
        topics.pools[topic].index(answer)
        for topic, answers in topics.relevant.items() if len(answers) == 2 for answer in answers
    )  # fmt: skip
    # 90 topics with two answers over 4 places: 45 each.
    assert sum(places.values()) == 180
    assert all(22 < places[place] < 68 for place in range(4))


def test_a_pool_that_is_smaller_than_the_partners_has_only_right_answers_and_that_asked_for():
    corpus = twice_a_minute(DAYS[:1])
    one_minute = corpus.pairs.assign(sensor=corpus.pairs["sensor"].iloc[0])
    draws = [
        sample_with_partners(one_minute, 5, np.random.default_rng(seed), 7, "sensor", "image") for seed in range(20)
    ]
    assert all(len(set(drawn)) == 5 for drawn in draws)
    assert all(corpus.pairs.at[7, "image"] in drawn for drawn in draws)
    assert len({frozenset(drawn) for drawn in draws}) > 1
    assert draws[0] == sample_with_partners(one_minute, 5, np.random.default_rng(0), 7, "sensor", "image")
