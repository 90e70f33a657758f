"""The official measure against hand-made values and a slow reference, ir_measures against trec_eval's own output."""

from __future__ import annotations

import io
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ntcir.formats.runs import read_trec_qrels, read_trec_run
from ntcir.report.score_table import print_scores, render_per_topic, render_score
from ntcir.scoring import bootstrap, measures, random_reciprocal_rank, relevant_ranks, score
from ntcir.system.errors import UserError

KEYS = ["topics", "MRR", "MRR_95", "MRR@10", "R@1", "R@5", "R@10", "MedR", "random_MRR"]


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def ranking(topic: str, scores: dict[str, float]) -> str:
    """Return run lines whose ranks follow the scores."""
    ordered = sorted(scores.items(), key=lambda item: -item[1])
    return "".join(f"{topic} Q0 {doc} {rank} {value!r} x\n" for rank, (doc, value) in enumerate(ordered, 1))


@pytest.fixture
def example(tmp_path) -> tuple[Path, Path]:
    """A run with ties and gaps, its ranks known by hand: 2.5, 1, missing topic, missing document, 3.5."""
    run = (
        ranking("img2sen_1", {"a": 0.5, "b": 0.5, "c": 0.9, "d": 0.1})  # b: one better, two equal: 1 + 3/2
        + ranking("img2sen_2", {"a": 0.5, "b": 0.5, "c": 0.9})  # c: 1
        + ranking("sen2img_2", {"a": 1.0, "b": 0.0})  # x is not ranked
        + ranking("007", {"a": 2.0, "b": 1.0, "c": 1.0, "d": 1.0, "e": 1.0})  # c: 1 + 5/2
    )
    qrels = "img2sen_1 0 b 1\nimg2sen_2 0 c 1\nsen2img_1 0 a 1\nsen2img_2 0 x 1\n007 0 c 1\n007 0 a 0\nempty 0 a 0\n"
    return write(tmp_path, "run.txt", run), write(tmp_path, "qrels.txt", qrels)


@pytest.fixture
def table(tmp_path) -> Path:
    """The directions of the example's topics; of `007` nothing is known."""
    names = ("img2sen_1", "img2sen_2", "sen2img_1", "sen2img_2")
    return write(tmp_path, "table.tsv", "topic_id\tdirection\n" + "".join(f"{name}\t{name[:7]}\n" for name in names))


def test_the_official_measure_by_hand(example, table):
    report = score(*example, topics_path=table)
    assert [topic.rank for topic in report.topics] == [2.5, 1, None, None, 3.5]
    found = report.to_json()
    assert list(found) == ["all", "img2sen", "sen2img"]
    assert all(list(group) == KEYS for group in found.values())
    everything, img2sen, sen2img = found.values()
    assert everything["topics"] == 5
    assert everything["MRR"] == pytest.approx((1 / 2.5 + 1 + 0 + 0 + 1 / 3.5) / 5, abs=1e-9)
    assert (everything["R@1"], everything["R@5"], everything["R@10"]) == pytest.approx((0.2, 0.6, 0.6))
    assert everything["MedR"] == 3.5
    assert img2sen["MRR"] == pytest.approx(0.7, abs=1e-9)
    assert img2sen["MedR"] == 1.75
    assert img2sen["random_MRR"] == pytest.approx(((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4 + (1 + 1 / 2 + 1 / 3) / 3) / 2)
    assert (sen2img["MRR"], sen2img["R@10"], sen2img["MedR"]) == (0, 0, None)
    json.dumps(found, allow_nan=False)


def test_what_counts_0_is_named(example):
    missing, unfound, unjudged = score(*example).warnings
    assert "lacks 1 of 5 topics, which count 0: sen2img_1." in missing
    assert "the relevant document of 1 topic, which counts 0: sen2img_2." in unfound
    assert "has no relevant document for 1 topic, which is left out." in unjudged


def test_pools_give_the_check_and_the_random_baseline(example, tmp_path):
    pools = "topic_id\tdoc_id\n" + "".join(f"img2sen_1\t{doc}\n" for doc in "abcdefgh")
    report = score(*example, pools_path=write(tmp_path, "pools.tsv", pools))
    assert [topic.pool for topic in report.topics] == [8, 3, 3, 2, 5]  # the missing topic gets the median of 4, 3, 2, 5
    pools = write(tmp_path, "pools.tsv", pools.replace("img2sen_1\td", "img2sen_1\tz"))
    with pytest.raises(UserError, match="'d' of topic 'img2sen_1' is not in its pool"):
        score(*example, pools_path=pools)


def test_directions_come_from_the_topics(example, tmp_path):
    text = 'topic_id\ttimestamp\tquery\nimg2sen_1\t-\t{"hr": 60}\nimg2sen_2\t-\ta.jpg\n007\t-\t"{""hr"": 60}"\n\n'
    path = write(tmp_path, "topics.tsv", text)
    report = score(*example, topics_path=path)
    # Ids tell nothing: the first looks like the other direction, and two are not in the table.
    assert [topic.direction for topic in report.topics] == ["sen2img", "img2sen", None, None, "sen2img"]
    assert [group.topics for group in report.groups.values()] == [5, 1, 2]
    told = f"{path} does not give the direction of 2 of 5 topics, which count in 'all' only: sen2img_1, sen2img_2."
    assert told in report.warnings


@pytest.mark.parametrize(
    ("ways", "groups"),
    [
        (["cap2img", "cap2img"], ["all", "img2cap", "cap2img"]),
        (["sen2img", "img2cap"], ["all", "img2sen", "sen2img", "img2cap", "cap2img"]),
        (["sen2img"], ["all", "img2sen", "sen2img"]),
        ([], ["all", "img2sen", "sen2img"]),
    ],
)
@pytest.mark.usefixtures("caption")
def test_groups_are_those_of_the_pairs_that_occur(example, tmp_path, ways, groups):
    topics = ["img2sen_1", "sen2img_1"][: len(ways)]
    lines = [f"{topic}\t{way}\n" for topic, way in zip(topics, ways, strict=True)]
    report = score(*example, topics_path=write(tmp_path, "topics.tsv", "topic_id\tdirection\n" + "".join(lines)))
    assert list(report.to_json()) == groups
    asked = {"all": 5} | {way: ways.count(way) for way in ways}
    assert {name: group.topics for name, group in report.groups.items()} == dict.fromkeys(groups, 0) | asked


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("topic\tquery\n", "line 1: expected the tab-separated columns topic_id and query"),
        ("", "line 1: expected the tab-separated columns"),
        ("topic_id\tquery\nt1\n", "line 2: 1 columns instead of 2"),
    ],
)
def test_topics_that_cannot_be_read(example, tmp_path, table, said):
    with pytest.raises(UserError, match=said):
        score(*example, topics_path=write(tmp_path, "topics.tsv", table))
    with pytest.raises(UserError, match="cannot be read"):
        score(*example, topics_path=tmp_path / "nowhere.tsv")


def test_a_group_without_topics_is_null(tmp_path):
    run = write(tmp_path, "run.txt", ranking("t1", {"a": 1.0}))
    report = score(run, write(tmp_path, "qrels.txt", "t1 0 a 1\n"))
    assert report.to_json()["sen2img"] == {key: 0 if key == "topics" else None for key in KEYS}
    assert report.to_json()["all"]["MRR_95"] == [1, 1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(
    topics=st.lists(st.lists(st.sampled_from([0.1, 0.2, 0.3, -1e-9]), max_size=12), min_size=1, max_size=6),
    judged=st.lists(st.sets(st.integers(0, 13), min_size=1, max_size=3), min_size=6, max_size=6),
    shuffle=st.randoms(use_true_random=False),
)
def test_scores_as_by_hand(tmp_path, topics, judged, shuffle):
    """Ties, missing topics, missing and several relevant documents, lines in any order: against plain loops."""
    ranks, reciprocal = [], []
    for values, relevant in zip(topics, judged, strict=False):
        own = [values[doc] for doc in relevant if doc < len(values)]
        each = [sum(v > mine for v in values) + (sum(v == mine for v in values) + 1) / 2 for mine in own]
        ranks.append(min(each, default=float("inf")))
        reciprocal += [1 / rank for rank in each] + [0] * (len(relevant) - len(each))
    lines = [
        line
        for t, values in enumerate(topics)
        for line in ranking(f"t{t}", {f"d{i}": v for i, v in enumerate(values)}).splitlines()
    ]
    if not lines:
        return
    shuffle.shuffle(lines)
    run = write(tmp_path, "run.txt", "\n".join(lines))
    text = "".join(f"t{t} 0 d{doc} 1\n" for t, _ in enumerate(topics) for doc in judged[t])
    qrels = write(tmp_path, "qrels.txt", text)
    found = score(run, qrels).to_json()["all"]
    best = score(run, qrels, mrr="best").to_json()["all"]
    assert found["MRR"] == pytest.approx(np.mean(reciprocal), abs=1e-9)
    assert relevant_ranks(read_trec_run(run), read_trec_qrels(qrels)).tolist() == ranks
    assert best["MRR"] == pytest.approx(np.mean([1 / rank for rank in ranks]), abs=1e-9)
    assert {key: best[key] for key in KEYS[3:8]} == {key: found[key] for key in KEYS[3:8]}
    assert found["MRR@10"] == pytest.approx(np.mean([1 / rank if rank <= 10 else 0 for rank in ranks]), abs=1e-9)
    for k in (1, 5, 10):
        assert found[f"R@{k}"] == pytest.approx(np.mean([rank <= k for rank in ranks]), abs=1e-9)
    median = sorted([*ranks, *ranks])[len(ranks) - 1 : len(ranks) + 1]
    assert found["MedR"] == (None if float("inf") in median else sum(median) / 2)


# --------------------------------------------------------------------------------------------- chance and uncertainty


def test_random_baseline():
    assert random_reciprocal_rank(200) == pytest.approx(sum(1 / k for k in range(1, 201)) / 200, abs=1e-12)
    assert round(random_reciprocal_rank(200), 4) == 0.0294
    assert random_reciprocal_rank(1) == 1
    assert random_reciprocal_rank(3, relevant=9) == 1


@pytest.mark.parametrize(("size", "relevant"), [(5, 1), (5, 2), (6, 3), (4, 4)])
def test_random_baseline_of_several_relevant(size, relevant):
    best = [1 / (min(places) + 1) for places in itertools.combinations(range(size), relevant)]
    assert random_reciprocal_rank(size, relevant) == pytest.approx(np.mean(best), abs=1e-12)


def test_bootstrap(monkeypatch):
    values = 1 / np.random.default_rng(1).integers(1, 200, 400)
    low, high = bootstrap(values)
    assert low < values.mean() < high
    half = 1.96 * values.std() / np.sqrt(len(values))  # the normal approximation
    assert (high - low) / 2 == pytest.approx(half, rel=0.15)
    assert bootstrap(values) == (low, high)
    assert bootstrap(np.full(3, 0.5)) == (0.5, 0.5)
    monkeypatch.setattr("ntcir.significance.resampling._DRAWS_AT_ONCE", 1000)
    assert bootstrap(values) == (low, high)  # drawn a few at a time, the same numbers come


# -------------------------------------------------------------------------------------------------------- trec_eval


@pytest.fixture(scope="module")
def trec_eval() -> Path:
    """The folder of trec_eval's own test suite, beside the project."""
    for parent in Path(__file__).resolve().parents:
        if (folder := parent / "shared" / "data" / "trec_eval").is_dir():
            return folder
    pytest.skip("trec_eval's test suite is not at ../shared/data/trec_eval")


CUTS = (5, 10, 15, 20, 30, 100, 200, 500, 1000)
OURS = {
    "num_q": "NumQ",
    "num_ret": "NumRet",
    "num_rel": "NumRel",
    "num_rel_ret": "NumRelRet",
    "map": "AP",
    "Rprec": "Rprec",
    "bpref": "Bpref",
    "recip_rank": "RR",
    "infAP": "infAP",
    "ndcg": "nDCG",
    "set_P": "SetP",
    "set_recall": "SetR",
    "set_map": "SetAP",
    "set_F": "SetF",
    "set_relative_P": "SetP(relative=True)",
    **{f"iprec_at_recall_{level / 100:.2f}": f"IPrec@{level / 100}" for level in (*range(0, 101, 10), 25, 75)},
    **{f"P_{k}": f"P@{k}" for k in (*CUTS, 3, 7)},
    **{f"recall_{k}": f"R@{k}" for k in (*CUTS, 2000)},
    **{f"ndcg_cut_{k}": f"nDCG@{k}" for k in (*CUTS, 23)},
    **{f"map_cut_{k}": f"AP@{k}" for k in CUTS},
    **{f"success_{k}": f"Success@{k}" for k in (1, 2, 5, 10, 20)},
}


def expected(path: Path) -> dict[str, float]:
    """Return the values over all topics that we can name, from an output of trec_eval."""
    lines = [line.split() for line in path.read_text().splitlines()]
    return {OURS[name]: float(value) for name, topic, value in lines if topic == "all" and name in OURS}


@pytest.mark.parametrize(
    ("output", "number"), [("out.test", 28), ("out.test.a", 65), ("out.test.aq", 65), ("out.test.meas_params", 16)]
)
def test_measures_agree_with_trec_eval(trec_eval, output, number):
    wanted = expected(trec_eval / output)
    assert len(wanted) == number
    found = measures(trec_eval / "results.test", trec_eval / "qrels.test", " ".join(wanted))
    assert found == pytest.approx(wanted, abs=5.1e-5)


def test_iprec_is_that_of_ir_measures_where_both_round_alike(tmp_path):
    """20 and 8 relevant documents (10 and 4 of grade 2): no level below falls between two of them."""
    ir_measures = pytest.importorskip("ir_measures")
    qrels = "".join(f"{t} 0 d{d} {d % 3}\n" for t, n in (("t1", 30), ("t2", 12)) for d in range(n))
    run = "".join(ranking(t, {f"d{d}": 1 / (d * 7 % 41 + 1) for d in range(36)}) for t in ("t1", "t2"))
    paths = write(tmp_path, "run.txt", run), write(tmp_path, "qrels.txt", qrels)
    names = ["IPrec@0.5", "IPrec@1.0", "IPrec(judged_only=True)@0.5", "IPrec(rel=2)@1.0", "IPrec@0.0"]
    wanted = ir_measures.calc_aggregate(
        [ir_measures.parse_measure(name) for name in names],
        ir_measures.read_trec_qrels(str(paths[1])),
        ir_measures.read_trec_run(str(paths[0])),
    )
    found = measures(*paths, " ".join(names))
    assert found == pytest.approx({name: wanted[ir_measures.parse_measure(name)] for name in names}, abs=1e-9)


def test_missing_topics_count_0_as_in_trec_eval_c(trec_eval, tmp_path):
    """out.test.aqc is what ``trec_eval -c`` says of results.trunc, which has nothing for topic 302."""
    lines = (trec_eval / "results.trunc").read_text().splitlines()
    run = write(tmp_path, "run.txt", "".join(" ".join(line.split()[:6]) + "\n" for line in lines))
    wanted = expected(trec_eval / "out.test.aqc")
    for counted in ("NumQ", "NumRel"):  # ir_measures counts no topic and no document where there is no ranking
        wanted.pop(counted)
    assert measures(run, trec_eval / "qrels.test", ",".join(wanted)) == pytest.approx(wanted, abs=5.1e-5)
    report = score(run, trec_eval / "qrels.test", mrr="best")
    assert report.to_json()["all"]["MRR"] == pytest.approx(wanted["RR"], abs=5.1e-5)
    assert "lacks 1 of 3 topics, which count 0: 302." in report.warnings[0]


def test_reciprocal_ranks_agree_with_trec_eval(trec_eval):
    lines = [line.split() for line in (trec_eval / "out.test.aq").read_text().splitlines()]
    wanted = {topic: float(value) for name, topic, value in lines if name == "recip_rank" and topic != "all"}
    report = score(trec_eval / "results.test", trec_eval / "qrels.test", mrr="best")
    assert {each.topic: each.reciprocal_rank for each in report.topics} == pytest.approx(wanted, abs=5.1e-5)


def test_extra_columns_are_refused_with_their_line(trec_eval):
    with pytest.raises(UserError, match=r"results\.trunc line 1: 9 columns instead of 6"):
        score(trec_eval / "results.trunc", trec_eval / "qrels.test")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("nDGC@10", r"Unknown measure 'nDGC@10' \(did you mean 'nDCG'\?\): ir_measures knows AP, RR@10"),
        ("RR P", "Measure 'P' is not understood"),
        ("P(cutoff=5", "not understood|Unknown measure"),
        ("P@5@6", "Measure 'P@5@6' is not understood"),
        ("RR AP_IA", "cannot compute RR, AP_IA here: Unsupported measures"),
        (" , ", "No measure is given"),
    ],
)
def test_measures_that_do_not_work(example, names, said):
    with pytest.raises(UserError, match=said) as caught:
        measures(*example, names)
    assert "\n" not in str(caught.value)


def test_measures_keep_their_names_and_order(example):
    found = measures(*example, "P(rel=1, judged_only=True)@5,Success@1  RR")
    assert list(found) == ["P(rel=1, judged_only=True)@5", "Success@1", "RR"]


# ---------------------------------------------------------------------------------------------------------- on paper


def test_the_table_fits_a_pipe(example, table, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    report = score(*example, topics_path=table)
    stream = io.StringIO()
    render_score(report, stream)
    printed, notes = stream.getvalue().split("Note:", 1)
    lines = printed.splitlines()
    assert "\x1b" not in printed
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["topics", "MRR", "[95%", "interval]", "MRR@10", "R@1", "R@5", "R@10", "MedR", "random"]
    assert [line.split()[:3] for line in lines[1:]] == [
        ["img2sen", "2", "0.7000"],
        ["sen2img", "2", "0.0000"],
        ["all", "5", "0.3371"],
    ]
    low, high = report.groups["all"].interval
    assert f"[{low:.4f}, {high:.4f}]" in lines[3]
    assert "which count 0: sen2img_1.\n" in notes


def test_the_table_leaves_empty_groups_out(tmp_path):
    run = write(tmp_path, "run.txt", ranking("sen2img_1", {"a": 1.0}))
    stream = io.StringIO()
    topics = write(tmp_path, "topics.tsv", "topic_id\tdirection\nsen2img_1\tsen2img\n")
    render_score(score(run, write(tmp_path, "qrels.txt", "sen2img_1 0 a 1\n"), topics_path=topics), stream)
    assert [line.split()[0] for line in stream.getvalue().splitlines()] == ["topics", "sen2img", "all"]


def test_the_topics_have_five_words_a_line(example, table):
    stream = io.StringIO()
    render_per_topic(score(*example, topics_path=table), stream)
    assert [line.split() for line in stream.getvalue().splitlines()] == [
        ["topic", "direction", "rank", "RR", "pool"],
        ["img2sen_1", "img2sen", "2.5", "0.4000", "4"],
        ["img2sen_2", "img2sen", "1", "1.0000", "3"],
        ["sen2img_1", "sen2img", "-", "0.0000", "3"],
        ["sen2img_2", "sen2img", "-", "0.0000", "2"],
        ["007", "-", "3.5", "0.2857", "5"],
    ]


def test_json_holds_the_extras_that_were_asked_for(example):
    report, stream = score(*example), io.StringIO()
    print_scores(report, {"RR": 0.5}, stream, as_json=True, per_topic=True)
    found = json.loads(stream.getvalue())
    assert {name: found[name] for name in report.groups} == report.to_json()
    assert found["measures"] == {"RR": 0.5}
    assert [topic["rank"] for topic in found["topics"]] == [2.5, 1, None, None, 3.5]
