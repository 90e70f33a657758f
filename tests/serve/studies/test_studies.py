"""Topics and runs: the figures of ``ntcir score``, and whatever is shown of a topic."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import refusal
from studying import Desk, minute, photo, reading

from ntcir.modalities import direction
from ntcir.scoring import score
from ntcir.serve.studies.chart import chart
from ntcir.serve.studies.runs import name_runs
from ntcir.serve.studies.shown import Shower
from ntcir.serve.studies.views import Choice, Views, bins

IMG2SEN, SEN2IMG = direction("img2sen"), direction("sen2img")


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path / "desk")


def shower(desk, studies):
    return Shower(studies, desk.index().catalogue, frozenset({"reading"}), ["heart_rate(bpm)"])


def test_figures_are_those_of_the_score(desk):
    one = desk.run("one.txt", {0: [(1, 2), (0, 1), (2, 1)], 1: [(1, 5)], 3: [(2, 1.0), (4, 0.5)]})  # t2 is missing
    two = desk.run_at("two.txt", {0: 1, 1: 4, 2: 2, 3: 30})
    studies = desk.open(one, two)
    for path, run in zip((one, two), studies.runs, strict=True):
        report = score(path, desk.path("qrels.txt"), topics_path=desk.path("topics.tsv"))
        assert run.groups == report.groups
        assert [None if np.isinf(rank) else rank for rank in run.ranks] == [topic.rank for topic in report.topics]
        assert run.reciprocal.tolist() == [topic.reciprocal_rank for topic in report.topics]
    assert studies.runs[0].ranks.tolist() == [2.5, 1, np.inf, np.inf]  # ties share the average rank
    assert studies.runs[0].sizes.tolist() == [3, 1, 0, 2]


def test_the_difference_is_that_of_the_two_means(desk):
    studies = desk.open(desk.run_at("one.txt", {0: 1, 1: 4}), desk.run_at("two.txt", {0: 2, 1: 1, 2: 5, 3: 10}))
    for name, difference in studies.differences.items():
        one, two = (run.groups[name].mrr for run in studies.runs)
        assert difference.value == pytest.approx(two - one)
        assert difference.low <= difference.value <= difference.high
    assert studies.change == pytest.approx([-0.5, 0.75, 0.2, 0.1])


def test_what_is_missing_is_named(desk, capsys):
    studies = desk.open(desk.run_at("run.txt", {0: 1, 1: 1}))
    assert any("lacks 2 of 4 topics" in remark and "t2, t3" in remark for remark in studies.remarks)
    assert "lacks 2 of 4 topics" in capsys.readouterr().err


def test_a_topic_in_one_file_only_is_named(desk):
    with desk.path("qrels.txt").open("a") as file:
        file.write("other 0 x 1\n")
    with desk.path("topics.tsv").open("a") as file:
        file.write(f"unjudged\t2020-03-16 16:00:00\t{photo(5)}\n")
    studies = desk.open(desk.run_at("run.txt", {0: 1}))
    remarks = " ".join(studies.remarks)
    assert "1 topic is left out: unjudged" in remarks
    assert "1 topic of the qrels has no line in" in remarks
    assert "other" in remarks
    assert shower(desk, studies).brief(4)["query"] == ""


def test_ten_are_kept_and_the_right_one_below_them(desk):
    studies = desk.open(desk.run_at("run.txt", {0: 14, 1: 3}))
    far, near = (studies.runs[0].lines.of(number) for number in (0, 1))
    assert [line.rank for line in far] == [*range(1, 11), 14]
    assert [line.right for line in far] == [False] * 10 + [True]
    assert (far[-1].document, far[-1].score) == (minute(0), pytest.approx(0.87))
    assert len(near) == 10
    assert near[2].right
    assert near[2].document == photo(1)
    assert studies.runs[0].lines.of(2) == []
    shown = shower(desk, studies).runs(0, studies.asked["t0"])[0]
    assert [answer.after_gap for answer in shown.answers] == [False] * 10 + [True]


def test_a_run_in_another_order_is_the_same(desk):
    straight = desk.run_at("straight.txt", {0: 14, 1: 3, 2: 1})
    lines = straight.read_text().splitlines(keepends=True)
    desk.path("mixed.txt").write_text("".join(lines[1::2] + lines[::2][::-1]))
    one, two = (desk.open(desk.path(name)).runs[0].lines for name in ("straight.txt", "mixed.txt"))
    for number in range(4):
        assert one.of(number) == two.of(number)


def test_of_many_right_ones_a_few_are_kept(desk):
    desk.path("qrels.txt").write_text("".join(f"t0 0 {minute(item)} 1\n" for item in range(12, 24)))
    studies = desk.open(desk.run_at("run.txt", {0: 1}))
    lines = studies.runs[0].lines.of(0)
    assert [line.document for line in lines[10:]] == [minute(item) for item in range(12, 17)]
    assert shower(desk, studies).right(0, studies.asked["t0"]).more == 11


def test_items_are_photographs_readings_and_their_partners(desk):
    studies = desk.open(desk.run_at("run.txt", {0: 1, 1: 1}))
    shown = shower(desk, studies)
    asked, query = studies.asked["t0"], shown.query(studies.asked["t0"])
    assert (query.photo, query.clock.time, query.labels) == (photo(0), "16:00:00", ("Inside",))
    best = shown.runs(0, asked)[0].answers[0]
    assert best.right
    assert best.item.partner
    assert best.item.photo == photo(0)
    assert dict(best.item.readings) == {name: str(value) for name, value in reading(0).items()}
    assert dict(shown.query(studies.asked["t1"]).readings)["heart_rate(bpm)"] == "61"
    assert shown.search(asked) == f"like={photo(0)}"
    assert shown.search(studies.asked["t1"]) == "r.heart_rate%28bpm%29=61"


def test_the_right_answer_is_shown_also_where_no_run_has_it(desk):
    studies = desk.open(desk.run("run.txt", {0: [(5, 1.0)]}))
    right = shower(desk, studies).right(0, studies.asked["t0"])
    assert (right.item.id, right.more) == (minute(0), 0)
    assert dict(right.item.readings)["heart_rate(bpm)"] == "60"


def test_the_corpus_is_read_once(desk, capsys):
    run = desk.run_at("run.txt", {0: 1, 1: 1})
    desk.open(run)
    desk.open(run)
    assert desk.reads == 1
    assert capsys.readouterr().err.count("this is done once") == 1
    (file,) = (desk.folder / "index" / "topics").iterdir()
    file.write_bytes(file.read_bytes()[:300])  # damaged
    assert desk.open(run).items.stored(IMG2SEN.answer, minute(0)).query == reading(0)
    assert desk.reads == 2
    desk.made = "of a corpus that has changed"
    desk.open(run)
    assert desk.reads == 3


def test_the_corpus_is_not_read_for_photographs(desk):
    desk.path("qrels.txt").write_text(f"t1 0 {photo(1)} 1\n")
    desk.open(desk.run_at("run.txt", {1: 1}))
    assert desk.reads == 0


def test_the_organisers_files(desk):
    header = "topic_id,dmr_minute_id,minute_id,rel\n"
    rows = [f"t{topic},{item:05d},{minute(item)},{int(item == topic)}\n" for topic in (0, 1) for item in range(15)]
    desk.path("qrels.csv").write_text(header + "".join(rows))
    lines = [f"ORG,one,t{topic},{item},{-abs(item - 13)}\n" for topic in (0, 1) for item in range(15)]
    desk.path("run.csv").write_text("group_id,run_id,topic_id,dmr_minute_id,score\n" + "".join(lines))
    studies = desk.open(desk.path("run.csv"))
    assert studies.runs[0].ranks.tolist() == [15, 14]
    shown = shower(desk, studies)
    readings, photographs = (shown.runs(number, studies.asked[f"t{number}"])[0].answers for number in (0, 1))
    assert (readings[0].item.id, readings[0].item.photo, readings[0].item.partner) == (minute(13), photo(13), True)
    assert (photographs[0].item.photo, photographs[0].item.partner) == (photo(13), False)
    assert photographs[-1].right
    assert photographs[-1].item.photo == photo(1)


def test_captions_are_read_in_full(desk):
    """Of a pair of pictures and captions, of which five may be of one picture."""
    words = [f"a table with {number} <b>plates</b>" for number in range(4)]
    table = pd.DataFrame({"text": words}, index=[f"c{number}" for number in range(4)])
    pairs = pd.DataFrame({"image": [photo(0), photo(0), photo(1), photo(1)], "text": table.index})
    desk.path("topics.tsv").write_text(
        f"topic_id\ttimestamp\tquery\tdirection\nask\t\t{words[2]}\ttxt2img\nsee\t\t{photo(0)}\timg2txt\n"
    )
    desk.path("qrels.txt").write_text(f"ask 0 {photo(1)} 1\nsee 0 c0 1\nsee 0 c1 1\n")
    run = desk.path("run.txt")
    run.write_text(f"ask Q0 {photo(1)} 1 0.5 x\nsee Q0 c3 1 0.5 x\nsee Q0 c1 2 0.25 x\n")
    corpus = replace(desk.read(), tables={"image": pd.DataFrame(index=[photo(0)]), "text": table}, pairs=pairs)
    studies = desk.open(run, read=lambda: corpus, pair=("image", "text"))
    assert studies.runs[0].groups["img2txt"].mrr == 0.5  # by the best-ranked one, as `ntcir score` has it for captions
    shown = Shower(studies, desk.index().catalogue, frozenset({"words"}), [])
    first = shown.runs(1, studies.asked["see"])[0].answers[0].item
    assert (first.words, first.photo, first.partner) == (words[3], photo(1), True)
    assert shown.right(1, studies.asked["see"]).more == 1
    assert shown.query(studies.asked["ask"]).words == words[2]
    assert shown.search(studies.asked["ask"]) == "q=a+table+with+2+%3Cb%3Eplates%3C%2Fb%3E"


def test_an_item_that_the_corpus_lacks_is_shown_by_its_id(desk):
    run = desk.run("run.txt", {1: [(1, 1.0)]})
    with run.open("a") as file:
        file.write("t1 Q0 ../../etc/passwd 2 0.5 run\n")
    studies = desk.open(run)
    assert any("run.txt that were looked up are not in small: ../" in each for each in studies.remarks)
    item = shower(desk, studies).runs(1, studies.asked["t1"])[0].answers[1].item
    assert (item.id, item.known, item.photo) == ("../../etc/passwd", False, None)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("no run", "There is no run"),
        ("empty run", "is empty"),
        ("no qrels", "There is no qrels.txt beside"),
        ("damaged qrels", "2 columns instead of 4"),
        ("other topics", "ranks 2 topics, none in"),
        ("some other topics", "ranks 2 topics, 1 not in"),
        ("other corpus", "run.txt that were looked up are not in small: a, b; name the corpus"),
        ("twins", "have the same documents with the same scores"),
        ("other pair", "the model's pair is image and text"),
        ("qrels of other topics", "has none of the 1 topics of"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(desk, wrong, sentence):
    run = desk.run_at("run.txt", {0: 1, 1: 1})
    runs, options = [run], {}
    if wrong == "no run":
        runs = [desk.path("absent.txt")]
    elif wrong == "empty run":
        run.write_text("")
    elif wrong == "no qrels":
        desk.path("qrels.txt").unlink()
    elif wrong == "damaged qrels":
        desk.path("qrels.txt").write_text("t0 0\n")
    elif wrong == "other topics":
        run.write_text(run.read_text().replace("t0 ", "x0 ").replace("t1 ", "x1 "))
    elif wrong == "some other topics":
        run.write_text(run.read_text().replace("t0 ", "x0 "))
    elif wrong == "other corpus":
        run.write_text("t0 Q0 a 1 2 run\nt1 Q0 b 1 2 run\n")
    elif wrong == "twins":
        desk.path("same.txt").write_text(run.read_text())
        runs.append(desk.path("same.txt"))
    elif wrong == "other pair":
        options = {"pair": ("image", "text")}
        lines = desk.path("topics.tsv").read_text().splitlines(keepends=True)
        desk.path("topics.tsv").write_text(lines[0] + lines[2])
    else:
        desk.path("other.txt").write_text("x0 0 a 1\n")
        run.write_text("x0 Q0 a 1 2 run\n")
        options = {"qrels": desk.path("other.txt")}
    assert sentence in refusal(desk.open, *runs, **options)


def test_topics_in_every_order(desk):
    studies = desk.open(desk.run_at("one.txt", {0: 4, 1: 1, 2: 2}), desk.run_at("two.txt", {0: 1, 1: 2, 2: 2, 3: 7}))
    views = Views(studies)
    orders = {sort: "".join(str(number) for number in views.of(Choice(sort))) for sort in (
        "worst", "best", "worst2", "best2", "difference", "gains", "losses", "id", "direction",
    )}  # fmt: skip
    assert orders == {
        "worst": "3021", "best": "1203", "worst2": "3120", "best2": "0123", "difference": "0132", "gains": "0321",
        "losses": "1230", "id": "0123", "direction": "0213",
    }  # fmt: skip


def test_topics_are_chosen_by_direction_and_text(desk):
    views = Views(desk.open(desk.run_at("run.txt", {0: 1, 1: 1})))
    assert views.of(Choice("id", direction="sen2img")).tolist() == [1, 3]
    assert views.of(Choice("id", find="INSIDE 61")).tolist() == [1]
    assert views.of(Choice("id", find=photo(2)[:13])).tolist() == [2]
    assert views.of(Choice(find="nowhere")).tolist() == []
    assert "did you mean 'worst'" in refusal(views.of, Choice("wrst"))
    assert "compares two runs" in refusal(views.of, Choice("gains"))
    assert "no direction 'up'" in refusal(views.of, Choice(direction="up"))


def test_every_topic_is_in_one_bin(tmp_path):
    desk = Desk(tmp_path, topics=6)
    tied = [(2, 1.0), (9, 1.0)]  # rank 1.5
    one = desk.run("one.txt", {0: [(0, 1.0)], 2: tied, 1: [(n, 1 - n / 99) for n in range(2, 12)] + [(1, 0.0)]})
    studies = desk.open(one)
    found = {each.label: each.counts[0] for each in bins(studies)}
    assert found == {"1": 1, "2–3": 1, "4–10": 0, "11–30": 1, "31–100": 0, "101–200": 0, "not found": 3}
    assert sum(each.counts[0] for each in bins(studies, "img2sen")) == 3
    studies.runs[0].ranks[:4] = [200.5, 1000, 1000.5, 20_000]
    assert [(each.label, each.counts[0]) for each in bins(studies)][5:] == [
        ("101–200", 0), ("201–1,000", 2), ("1,001–10,000", 1), ("over 10,000", 1), ("not found", 2),
    ]  # fmt: skip
    drawn = chart(bins(studies))
    assert len(drawn.columns) == len(bins(studies))
    assert all(0 <= bar.y <= drawn.baseline and bar.height >= 0 for column in drawn.columns for bar in column.bars)


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a/one.txt"], ["one.txt"]),
        (["runs/new/run.txt"], ["new"]),
        (["run.txt"], ["run.txt"]),
        (["a/one.txt", "b/two.txt"], ["one.txt", "two.txt"]),
        (["runs/before/run.txt", "runs/new/run.txt"], ["before", "new"]),
        (["a/run.txt", "run.txt"], ["a/run.txt", "run.txt"]),
        (["a/b/run.txt", "c/b/run.txt"], ["a/b/run.txt", "c/b/run.txt"]),
    ],
)
def test_runs_are_called_by_what_tells_them_apart(paths, names):
    assert name_runs([Path(path) for path in paths]) == names


def test_runs_are_read_without_torch():
    code = "import sys, ntcir.serve.studies.studies; sys.exit(any(each in sys.modules for each in ('torch', 'pandas')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_topics_that_grow_by_hints_are_looked_at_as_they_are_searched_for(desk):
    """The same file goes to ``ntcir search --topics``: no times, no directions, a sentence a line."""
    desk.path("kis.tsv").write_text(f"Topic-ID\tQuery\nK1\tI cooked at a stove.\nK1\tIt was late.\nK2\t{photo(2)}\n")
    desk.path("kis.qrels").write_text(f"K1 0 {photo(1)} 1\nK2 0 c2 1\n")
    desk.path("kis.txt").write_text(f"K1 Q0 {photo(3)} 1 0.9 a\nK1 Q0 {photo(1)} 2 0.8 a\nK2 Q0 c2 1 0.7 a\n")
    options = {"topics": desk.path("kis.tsv"), "qrels": desk.path("kis.qrels"), "pair": ("image", "text")}
    studies = desk.open(desk.path("kis.txt"), **options)
    assert studies.asked["K1"].query == "I cooked at a stove. It was late."
    assert list(studies.directions) == ["txt2img", "img2txt"]
    assert studies.runs[0].ranks.tolist() == [2, 1]
    shown = Shower(studies, desk.index().catalogue, frozenset({"words"}), [])
    assert shown.search(studies.asked["K1"]) == "q=I+cooked+at+a+stove.+It+was+late."
    assert shown.brief(1)["photo"] == photo(2)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("K1\t\tword", "has the direction 'word', not img2sen or sen2img"),
        ('K1\t{"a": }\t', "K1"),
    ],
)
def test_a_topic_without_times_that_cannot_be_asked_is_named(desk, line, said):
    topic, query, way = line.split("\t")
    desk.path("kis.tsv").write_text(f"topic_id\tquery\tdirection\n{topic}\t{query or 'words'}\t{way}\n")
    desk.path("kis.qrels").write_text(f"K1 0 {photo(1)} 1\n")
    run = desk.run_at("run.txt", {0: 1})
    assert said in refusal(desk.open, run, topics=desk.path("kis.tsv"), qrels=desk.path("kis.qrels"))
