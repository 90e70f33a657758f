"""Runs beside each other: figures, differences, files of any format, and what cannot be compared."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from helpers import command_line
from matplotlib.axes import Axes
from PIL import Image

import ntcir.cli
from ntcir.comparing import compare
from ntcir.formats.matching import read_qrels, read_run
from ntcir.formats.topics import read_topic_table
from ntcir.measures import measures
from ntcir.report.comparison_latex import escape, latex
from ntcir.report.comparison_table import p_text
from ntcir.report.forest_plot import draw_forest
from ntcir.scoring import bootstrap, score
from ntcir.significance.randomisation import holm, sign_flip_test

TOPICS = [f"{way}_{number}" for way in ("img2sen", "sen2img") for number in range(12)]


def write_run(path: Path, ranks: dict[str, int], pool: int = 6) -> Path:
    """Write a run in which the answer, document 0, has a rank by topic."""
    lines = []
    for topic, rank in ranks.items():
        order = list(range(1, pool))
        order.insert(rank - 1, 0)
        lines += [f"{topic} Q0 {doc} {place} {-place} {path.stem}\n" for place, doc in enumerate(order, 1)]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def ranks_of(seed: int, best: float) -> dict[str, int]:
    draw = np.random.default_rng(seed)
    return {topic: 1 if draw.random() < best else int(draw.integers(2, 7)) for topic in TOPICS}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three runs over 24 topics a minute apart, with qrels and topics in their usual places."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "topics").mkdir()
    (tmp_path / "topics" / "qrels.txt").write_text("".join(f"{topic} 0 0 1\n" for topic in TOPICS))
    lines = [f"{topic}\t{topic[:7]}\t2020-03-16 10:{int(topic[8:]):02d}:00\n" for topic in TOPICS]
    (tmp_path / "topics" / "topics.tsv").write_text("topic_id\tdirection\ttimestamp\n" + "".join(lines))
    for seed, (name, best) in enumerate({"base": 0.1, "new": 0.8, "other": 0.2}.items()):
        write_run(tmp_path / f"{name}.txt", ranks_of(seed, best))
    return tmp_path


def ran(*arguments: str) -> str:
    result = command_line("compare", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: str) -> str:
    result = command_line("compare", *arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    return " ".join(result.stderr.split())


def compared(**options):
    runs = {name: read_run(f"{name}.txt") for name in ("base", "new", "other")}
    return compare(runs, read_qrels("topics/qrels.txt"), table=read_topic_table("topics/topics.tsv"), **options)


@pytest.mark.usefixtures("folder")
def test_figures_are_those_of_score_and_differences_those_of_a_loop():
    found = compared(blocks="3min", measures="nDCG@3")
    report = score("base.txt", "topics/qrels.txt", topics_path="topics/topics.tsv", blocks="3min")
    for each in found.values[:3]:
        group = report.groups[each.group]
        assert (each.run, each.mean.value, (each.mean.low, each.mean.high)) == ("base", group.mrr, group.interval)
    assert [each.group for each in found.values[:3]] == ["img2sen", "sen2img", "all"]
    means = {each.run: each.mean.value for each in found.values if (each.measure, each.group) == ("nDCG@3", "all")}
    for run, mean in means.items():
        assert mean == pytest.approx(measures(f"{run}.txt", "topics/qrels.txt", "nDCG@3")["nDCG@3"])

    base, new = ranks_of(0, 0.1), ranks_of(1, 0.8)
    change = {topic: 1 / new[topic] - 1 / base[topic] for topic in TOPICS}
    everything = next(each for each in found.differences if (each.run, each.group) == ("new", "all"))
    sums = [sum(change[topic] for topic in TOPICS if int(topic[8:]) // 3 == block) for block in range(4)]
    assert everything.mean.value == pytest.approx(np.mean(list(change.values())))
    low, high = bootstrap(np.array(sums), rows=np.full(4, 6))
    assert (everything.mean.low, everything.mean.high) == pytest.approx((low, high))
    assert everything.p == pytest.approx(sign_flip_test(np.array(sums)))
    signs = [(value > 1e-9) - (value < -1e-9) for value in change.values()]
    assert (everything.wins, everything.losses, everything.ties) == (signs.count(1), signs.count(-1), signs.count(0))
    assert [each.corrected for each in found.differences] == holm([each.p for each in found.differences])
    assert len(found.differences) == 2 * 2 * 3

    first = found.differing[0]
    assert abs(first.change) == pytest.approx(max(map(abs, change.values())))
    assert (first.rank, first.base_rank) == (new[first.topic], base[first.topic])


@pytest.mark.parametrize(("mrr", "said"), [("official", "averages rel/rank"), ("best", "is by the best-ranked")])
def test_several_relevant_rows_count_as_in_score(folder, mrr, said):
    with (folder / "topics" / "qrels.txt").open("a") as file:
        file.write("img2sen_0 0 3 1\nimg2sen_5 0 2 1\n")
    found = compared(mrr=mrr)
    report = score("new.txt", "topics/qrels.txt", topics_path="topics/topics.tsv", mrr=mrr)
    everything = next(each.mean for each in found.values if (each.run, each.group) == ("new", "all"))
    assert (everything.value, (everything.low, everything.high)) == (
        report.groups["all"].mrr, report.groups["all"].interval
    )  # fmt: skip
    assert said in found.notes[-1]
    values = {each.run: each.mean.value for each in found.values if each.group == "all"}
    change = next(each.mean.value for each in found.differences if (each.run, each.group) == ("new", "all"))
    assert change == pytest.approx(values["new"] - values["base"])


@pytest.mark.usefixtures("folder")
def test_the_seed_is_that_of_intervals_and_tests():
    one, same, other = (compared(blocks="none", seed=seed).to_json() for seed in (0, 0, 1))
    assert one == same
    assert [each["value"] for each in one["differences"]] == [each["value"] for each in other["differences"]]
    assert one["differences"] != other["differences"]


@pytest.mark.usefixtures("folder")
def test_the_table_names_runs_differences_and_topics():
    printed = ran("base.txt", "new.txt", "other.txt", "--blocks", "none")
    assert "Differences from base, paired by topic" in printed
    lines = [line.split() for line in printed.splitlines()]
    assert lines[0] == ["run", "topics", "of", "topics", "mean", "[95%", "interval]"]
    assert ["new", "all"] in [line[:2] for line in lines]
    assert "*" in next(
        line for line in printed.splitlines() if line.startswith("new") and "+" in line and "all" in line
    )
    assert "corrected by Holm over all 6 differences" in printed
    assert max(map(len, printed.split("Note:")[0].splitlines())) <= 100
    assert "Intervals draw 12 blocks of neighbouring topics" not in printed


@pytest.mark.usefixtures("folder")
def test_times_of_the_topics_make_blocks():
    assert "Note: Intervals draw 6 blocks of neighbouring topics" in ran("base.txt", "new.txt")


@pytest.mark.usefixtures("folder")
def test_all_pairs_are_compared_if_asked_for():
    found = json.loads(ran("base.txt", "new.txt", "other.txt", "--all-pairs", "--json"))
    pairs = [(each["base"], each["run"]) for each in found["differences"]]
    assert list(dict.fromkeys(pairs)) == [("base", "new"), ("base", "other"), ("new", "other")]
    assert set(found) == {"runs", "mrr", "groups", "values", "differences", "topics", "notes"}
    assert found["groups"]["all"] == {"topics": 24, "blocks": 6}


@pytest.mark.usefixtures("folder")
def test_runs_of_different_formats_are_compared_where_ids_match(folder):
    command_line("score", "new.txt", "--write-run", "theirs.csv")
    plain = json.loads(ran("base.txt", "new.txt", "--json"))
    mixed = json.loads(ran("base.txt", "theirs.csv", "--json"))
    assert mixed["runs"] == ["base", "theirs"]
    for key in ("value", "p", "wins", "interval_95"):
        assert [each[key] for each in mixed["differences"]] == [each[key] for each in plain["differences"]]
    (folder / "packed.txt.gz").write_bytes(gzip.compress((folder / "new.txt").read_bytes()))
    assert json.loads(ran("base.txt", "packed.txt.gz", "--json"))["runs"] == ["base", "packed"]


@pytest.mark.usefixtures("folder")
def test_runs_of_one_name_are_called_by_their_paths(folder):
    (folder / "sub").mkdir()
    write_run(folder / "sub" / "base.txt", ranks_of(7, 0.5))
    assert json.loads(ran("base.txt", "sub/base.txt", "--json"))["runs"] == ["base.txt", "sub/base.txt"]


def test_runs_over_different_topics_are_compared_on_those_they_share(folder):
    some = {topic: 1 for topic in TOPICS if not topic.endswith(("_1", "_2"))}
    write_run(folder / "part.txt", some)
    found = json.loads(ran("base.txt", "part.txt", "--json"))
    assert found["groups"]["all"]["topics"] == 20
    assert found["notes"][:2] == [
        "part lacks 4 of 24 topics: img2sen_1, img2sen_2, sen2img_1, sen2img_2.",
        "The 20 topics that all runs have are compared; `ntcir score` counts a topic that a run lacks as 0.",
    ]
    base = ranks_of(0, 0.1)
    mean = np.mean([1 / base[topic] for topic in some])
    assert next(each["value"] for each in found["values"] if each["group"] == "all") == pytest.approx(mean)


def test_a_document_that_is_not_ranked_has_no_rank(folder):
    text = (folder / "new.txt").read_text().splitlines(keepends=True)
    (folder / "cut.txt").write_text("".join(line for line in text if not line.startswith("img2sen_3 Q0 0 ")))
    write_run(folder / "best.txt", dict.fromkeys(TOPICS, 1))
    found = json.loads(ran("best.txt", "cut.txt", "--json"))
    assert found["topics"][0] == {
        "run": "cut", "base": "best", "topic": "img2sen_3", "direction": "img2sen", "rank": None, "base_rank": 1.0,
        "change": -1.0,
    }  # fmt: skip


def test_a_run_from_a_pipe_has_a_name(folder):
    piped = CliRunner().invoke(ntcir.cli.main, ["compare", "-", "new.txt"], input=(folder / "base.txt").read_text())
    assert "Differences from stdin, paired by topic" in piped.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("base.txt",), "A comparison needs at least 2 runs, and there is only base.txt."),
        (("base.txt", "new.txt", "base.txt"), "base.txt is given twice: name each run once."),
        (("base.txt", "./topics/../base.txt"), "base.txt and topics/../base.txt are the same file"),
        (("base.txt", "copy.txt"), "base.txt and copy.txt have the same documents with the same scores"),
        (("base.txt", "one.txt"), "There is 1 topic with a relevant document that all runs answer"),
        (("one.txt", "two.txt"), "There is no topic with a relevant document that all runs answer"),
        (("base.txt", "unknown.txt"), "unknown.txt line 1: topic 'x' is not in topics/qrels.txt"),
        (("base.txt", "nowhere.txt"), "nowhere.txt cannot be read"),
        (("base.txt", "new.txt", "--measure", "NumRet"), "The measure NumRet is not a mean over topics"),
        (("base.txt", "new.txt", "--measure", "nDGC@10"), "Unknown measure 'nDGC@10'"),
        (("base.txt", "new.txt", "--blocks", "sessions"), "--blocks 'sessions' is not valid"),
        (("base.txt", "new.txt", "--blocks", "1h"), "--blocks 1h puts all 24 topics into one block"),
        (("base.txt", "new.txt", "--json", "--latex"), "--json and --latex cannot be given together"),
        (("base.txt", "new.txt", "--chart", "chart.svg"), "the chart is a PNG; give a name that ends in .png."),
        (("-", "new.txt", "--qrels", "-"), "Only one of the runs, qrels, pools and topics can be standard input"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(folder, arguments, said):
    (folder / "copy.txt").write_text((folder / "base.txt").read_text().replace(" base\n", " copy\n"))
    write_run(folder / "one.txt", {"img2sen_0": 1})
    write_run(folder / "two.txt", {"img2sen_1": 1})
    (folder / "unknown.txt").write_text("x Q0 0 1 1 x\n")
    assert said in refused(*arguments)


@pytest.mark.usefixtures("folder")
def test_few_blocks_are_said_to_tell_little():
    notes = json.loads(ran("base.txt", "new.txt", "--blocks", "4min", "--json"))["notes"]
    assert any("With only 3 blocks" in note for note in notes)
    assert any("no p can be below 0.25" in note for note in notes)


@pytest.mark.usefixtures("folder")
def test_a_direction_of_one_topic_counts_in_all_only(folder):
    keep = [topic for topic in TOPICS if topic.startswith("img2sen") or topic == "sen2img_0"]
    for name, seed in (("a", 3), ("b", 4)):
        ranks = ranks_of(seed, 0.5)
        write_run(folder / f"{name}.txt", {topic: ranks[topic] for topic in keep})
    found = json.loads(ran("a.txt", "b.txt", "--json", "--blocks", "none"))
    assert list(found["groups"]) == ["img2sen", "all"]
    assert "sen2img has only 1 topic, too few to compare, and counts in 'all' only." in found["notes"]
    for name in ("a", "b"):
        lines = (folder / f"{name}.txt").read_text().splitlines(keepends=True)
        (folder / f"{name}1.txt").write_text("".join(line for line in lines if line.startswith("img2sen")))
    assert list(json.loads(ran("a1.txt", "b1.txt", "--json"))["groups"]) == ["img2sen"]


def test_without_topics_all_are_one_group(folder):
    (folder / "topics" / "topics.tsv").unlink()
    found = command_line("compare", "base.txt", "new.txt", "--json")
    assert list(json.loads(found.stdout)["groups"]) == ["all"]
    assert "name a table of the topics with --topics" in " ".join(found.stderr.split())


# ------------------------------------------------------------------------------------------------------------ on paper


@pytest.mark.usefixtures("folder")
def test_latex_has_a_row_a_run_and_letters_where_runs_differ():
    runs = {name: read_run(f"{file}.txt") for name, file in (("50%_base", "base"), ("new & better", "new"))}
    found = compare(runs, read_qrels("topics/qrels.txt"), blocks="none")
    text = latex(found)
    lines = text.splitlines()
    assert lines[1:3] == [r"\begin{tabular}{llr}", r"\toprule"]
    assert lines[-2:] == [r"\bottomrule", r"\end{tabular}"]
    assert any(line.startswith(r"a & 50\%\_base & 0.") for line in lines)
    best = found.values[1].mean.value
    assert rf"b & new \& better & \textbf{{{best:.4f}}}\rlap{{$^{{\mathrm{{a}}}}$}} \\" in lines


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a_b%c&d#e$f{g}", r"a\_b\%c\&d\#e\$f\{g\}"),
        ("~^\\", r"\textasciitilde{}\textasciicircum{}\textbackslash{}"),
        ('a<b>|"', r"a\textless{}b\textgreater{}\textbar{}\textquotedbl{}"),
        ("line\nand\ttab", "line and tab"),
        ("Müller", "Müller"),
    ],
)
def test_latex_shows_names_as_they_are(text, escaped):
    assert escape(text) == escaped


def test_the_forest_has_each_difference_with_its_interval(folder, monkeypatch):
    drawn, plot = [], Axes.plot

    def noted(axes, *arguments, **options):
        drawn.append((arguments, options))
        return plot(axes, *arguments, **options)

    monkeypatch.setattr(Axes, "plot", noted)
    found = compared(blocks="none", measures="nDCG@3")
    with Image.open(draw_forest(found, folder / "out" / "forest.png")) as picture:
        assert picture.width > picture.height > 200
    bars = [arguments[0] for arguments, options in drawn if "marker" not in options]
    assert bars == [[each.mean.low, each.mean.high] for each in found.differences]
    filled = [options["markerfacecolor"] != "white" for _, options in drawn if "marker" in options]
    assert filled == [each.is_significant for each in found.differences]
    assert any(filled)
    assert not all(filled)
    assert len({options["marker"] for _, options in drawn if "marker" in options}) == 3


@pytest.mark.usefixtures("folder")
def test_the_chart_is_drawn_where_it_is_asked_for():
    ran("base.txt", "new.txt", "--chart", "chart.PNG")
    assert Path("chart.PNG").read_bytes().startswith(b"\x89PNG")


def test_p_is_written_as_people_do():
    assert [p_text(p) for p in (1 / 10_001, 0.04, 1.0)] == ["<0.0001", "0.0400", "1.0000"]
    assert not math.isnan(float(p_text(0.5)))
