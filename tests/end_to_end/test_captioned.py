"""Captions and pictures without days: topics, runs, scores, evaluations and validations agree on whole splits."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from captioned import PER_SPLIT, SEVERAL, know_captions, partners, write_captioned
from helpers import command_line, one_thread  # noqa: F401

from ntcir.formats.topics import read_topics
from ntcir.modalities.text import TEXT
from ntcir.model.metrics import METRICS, read_metrics
from ntcir.objectives.info_nce import InfoNCE
from ntcir.report.items import drawing_of

pytestmark = pytest.mark.usefixtures("one_thread")
PAIR = ("image", "text")
WAYS = {"img2txt": SEVERAL, "txt2img": 1}  # right answers of a topic
TEST = PER_SPLIT["test"]
FIRST = sum(PER_SPLIT.values()) - TEST
ODD = {f"_{FIRST}": 'a "tab"\tand\nan end, {braces}', f"_{FIRST + 1}": "{aa ee} 'oo'"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: F811
    """A folder with a captioned corpus, topics, a model and its run."""
    folder = tmp_path_factory.mktemp("captioned")
    write_captioned(folder / "data", **ODD)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        know_captions(patch)
        succeeds("train", "--data", "data", "--iters", "40", "--out", "runs/model")
        succeeds("build-topics", "--data", "data")
        Path("run.txt").write_text(succeeds("run", "topics.tsv"), encoding="utf-8")
    return folder


@pytest.fixture
def here(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    know_captions(monkeypatch)
    return trained


def succeeds(*arguments: str) -> str:
    done = command_line(*arguments)
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    return done.stdout


def said(*arguments: str) -> str:
    done = command_line(*arguments)
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    return done.stderr


def fails(*arguments: str) -> str:
    done = command_line(*arguments)
    assert (done.exit_code, done.stdout) == (2, ""), f"{done.output}\n{done.exception!r}"
    return done.stderr.splitlines()[-1]


def figures(*arguments: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(succeeds(*arguments, "--json"))
    return found


def without_intervals(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return figures without the intervals: of a run, nobody knows which topics are of one picture."""
    return {name: {key: value for key, value in group.items() if key != "MRR_95"} for name, group in found.items()}


# ------------------------------------------------------------------------------------------- topics


def test_every_item_of_the_test_split_is_a_topic_with_all_of_its_partners(here):
    topics = read_topics("topics/topics.tsv", PAIR)
    assert [topic.topic_id for topic in topics[: TEST + 1]] == [
        *(f"img2txt_{number:06d}" for number in range(1, TEST + 1)), "txt2img_000001"
    ]  # fmt: skip
    assert Counter(topic.direction.name for topic in topics) == {"img2txt": TEST, "txt2img": TEST * SEVERAL}
    assert {topic.timestamp for topic in topics} == {""}
    judged = [line.split() for line in Path("topics/qrels.txt").read_text(encoding="utf-8").splitlines()]
    answers = {topic.topic_id: {line[2] for line in judged if line[0] == topic.topic_id} for topic in topics}
    own = partners(Path("data"), "test")
    assert {topic.query: answers[topic.topic_id] for topic in topics[:TEST]} == {
        picture: set(captions) for picture, captions in own.items()
    }
    assert Counter(map(len, answers.values())) == {SEVERAL: TEST, 1: TEST * SEVERAL}
    assert not Path("topics/pools.tsv").exists()


def test_captions_with_tabs_quotes_and_braces_come_back(here):
    asked = {topic.query for topic in read_topics("topics/topics.tsv", PAIR)}
    assert {'a "tab" and an end, {braces}', "{aa ee} 'oo'"} <= asked


@pytest.mark.parametrize("number", [1, 5, 1000])
def test_a_sample_has_the_ids_of_the_whole(here, tmp_path, number):
    sample = ["build-topics", "--data", "data", "--topics", str(number)]
    succeeds(*sample, "--out", str(tmp_path / "one"))
    succeeds(*sample, "--out", str(tmp_path / "again"))
    succeeds(*sample, "--out", str(tmp_path / "other"), "--seed", "1")
    lines = Path("topics/topics.tsv").read_text(encoding="utf-8").splitlines()
    found = {name: (tmp_path / name / "topics.tsv").read_text(encoding="utf-8") for name in ("one", "again", "other")}
    assert set(found["one"].splitlines()) <= set(lines)
    assert found["one"] == found["again"]
    assert (found["one"] == found["other"]) == (number == 1000)
    counted = Counter(topic.direction.name for topic in read_topics(tmp_path / "one" / "topics.tsv", PAIR))
    assert counted == {"img2txt": min(number, TEST), "txt2img": min(number, TEST * SEVERAL)}


def test_pools_are_drawn_where_they_are_asked_for_and_stale_ones_are_removed(here, tmp_path):
    place = tmp_path / "topics"
    succeeds("build-topics", "--data", "data", "--pool", "7", "--out", str(place))
    pools: dict[str, list[str]] = {}
    for line in (place / "pools.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        topic, document = line.split("\t")
        pools.setdefault(topic, []).append(document)
    assert {len(pool) for pool in pools.values()} == {7}
    assert all(len(set(pool)) == 7 for pool in pools.values())
    judged = [line.split() for line in (place / "qrels.txt").read_text(encoding="utf-8").splitlines()]
    assert all(document in pools[topic] for topic, _, document, _ in judged)
    assert Counter(Counter(topic for topic, *_ in judged).values()) == {SEVERAL: TEST, 1: TEST * SEVERAL}
    assert figures("evaluate", "--pool", "7")["img2txt"]["topics"] == 7
    told = said("build-topics", "--data", "data", "--out", str(place))
    assert f"{place / 'pools.tsv'}, of earlier topics, has been removed" in told
    assert sorted(path.name for path in place.iterdir()) == [
        "dropped.csv", "qrels.txt", "topics.manifest.json", "topics.tsv"
    ]  # fmt: skip
    assert "has been changed" not in said("run", str(place / "topics.tsv"))


def test_a_pool_with_less_room_than_partners_has_some_of_them(here, tmp_path):
    succeeds("build-topics", "--data", "data", "--pool", "2", "--out", str(tmp_path))
    judged = Counter(line.split()[0] for line in (tmp_path / "qrels.txt").read_text(encoding="utf-8").splitlines())
    assert Counter(judged.values()) == {2: TEST, 1: TEST * SEVERAL}


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--from", "2020-03-01"], "has no days or sessions, so --from means nothing there"),
        (["--to", "2020-03-01"], "so --to means nothing there"),
        (["--topics-per-day", "2"], "so --topics-per-day means nothing there"),
        (["--skip-short-days"], "so --skip-short-days means nothing there"),
        (["--pool", "12"], "A pool of 12 needs more photographs than the 11 in the test split"),
        (["--format", "official"], "The organisers' format is for image and sensor, not for image and text"),
    ],
)
def test_what_needs_days_or_more_items_is_refused(here, tmp_path, options, why):
    assert why in fails("build-topics", "--data", "data", "--out", str(tmp_path / "no"), *options)
    assert not list((tmp_path / "no").glob("*.tsv"))


# ------------------------------------------------------------------------------------------- figures


def test_the_evaluation_is_the_score_of_the_run(here):
    evaluated, scored = figures("evaluate"), figures("score")
    assert [evaluated[name]["topics"] for name in ("img2txt", "txt2img")] == [TEST, TEST * SEVERAL]
    assert without_intervals(evaluated) == without_intervals(scored)
    assert evaluated == figures("evaluate", "--pool", "none")
    assert all(group["MRR"] > group["random_MRR"] + 0.1 for group in evaluated.values())


def test_which_mean_is_mrr_is_said(here):
    printed = succeeds("evaluate")
    assert "Note: MRR is by the best-ranked partner of each item" in printed
    assert "data, split test: every item asks both ways among all of them (runs/model)" in said("evaluate")
    assert "every item asks both ways in one pool of up to 7 (runs/model)" in said("evaluate", "--pool", "7")
    assert "MRR is by the best-ranked one of each topic" in succeeds("score")
    official = figures("score", "--mrr", "official")
    assert official["img2txt"]["MRR"] < figures("score", "--mrr", "best")["img2txt"]["MRR"]
    assert official["txt2img"]["MRR"] == figures("score")["txt2img"]["MRR"]


def test_the_random_level_is_that_of_the_best_of_several(here):
    size = TEST * SEVERAL
    draw = np.random.default_rng(0)
    best = [draw.permutation(size)[:SEVERAL].min() + 1 for _ in range(20_000)]
    assert figures("evaluate")["img2txt"]["random_MRR"] == pytest.approx(np.mean(1 / np.array(best)), abs=0.01)


def test_the_validation_of_training_is_the_evaluation_of_that_split(here):
    rows = [row for row in read_metrics(Path("runs/model") / METRICS) if "img2txt" in row]
    best = max(rows, key=lambda row: row["img2txt"] + row["txt2img"])
    evaluated = figures("evaluate", "--split", "val")
    assert {name: evaluated[name]["MRR"] for name in WAYS} == {name: best[name] for name in WAYS}


def test_intervals_draw_pictures_with_all_of_their_captions(here):
    evaluated, scored = figures("evaluate"), figures("score")
    assert evaluated["img2txt"]["MRR_95"] == scored["img2txt"]["MRR_95"]  # each picture asks once
    wide, narrow = (found["txt2img"]["MRR_95"] for found in (evaluated, scored))
    assert wide[1] - wide[0] > 1.2 * (narrow[1] - narrow[0])


@pytest.mark.parametrize("written", ["{0}", "actor\\{0}", "images/{0}", "./{0}", "a/b/{1}", "{1}"])
def test_a_subset_of_pictures_is_asked_and_ranked_by_itself(here, tmp_path, written):
    names = list(partners(Path("data"), "test"))[2:8]
    lines = [written.format(name, name.removesuffix(".png")) for name in names]
    (tmp_path / "subset.txt").write_text("\r\n".join([*lines, "actor\\nobody.jpg"]) + "\r\n", encoding="utf-8")
    found = figures("evaluate", "--subset", str(tmp_path / "subset.txt"))
    assert [found[name]["topics"] for name in WAYS] == [6, 6 * SEVERAL]
    by_hand = sum(1 / rank for rank in range(1, 7)) / 6
    assert found["txt2img"]["random_MRR"] == pytest.approx(by_hand)
    told = said("evaluate", "--subset", str(tmp_path / "subset.txt"), "--json")
    assert "1 of 7 ids is not among the pairs asked for: actor\\nobody.jpg" in told


# ------------------------------------------------------------------------------------------- what is drawn and trained


@pytest.mark.parametrize("topic", ["txt2img_000001", "img2txt_000001"])
def test_a_caption_or_a_picture_is_drawn_with_its_candidates(here, tmp_path, topic):
    told = said("show", topic, "--out", str(tmp_path / "topic.png"))
    assert (tmp_path / "topic.png").read_bytes().startswith(b"\x89PNG")
    assert "WARNING" not in told


def test_a_long_caption_is_wrapped_within_its_frame():
    figure = pytest.importorskip("matplotlib.figure").Figure(figsize=(15, 7.2), layout="constrained")
    words = "A brown dog and a small child run through the shallow water. " * 9
    frames = [figure.add_subplot(1, 7, place) for place in range(1, 8)]
    before = [frame.get_position().width for frame in frames]
    drawing_of(TEXT)(frames[3], words + "x" * 90, 7.5)
    figure.draw_without_rendering()
    lines = frames[3].texts[0].get_text().split("\n")
    assert lines[-1] == f"({len(textwrap.wrap(words + 'x' * 90, 24)) - 11} more)"
    assert max(map(len, lines)) <= 24
    widths = [frame.get_position().width for frame in frames]
    assert max(widths) - min(widths) < 0.01 * before[0]


@pytest.mark.parametrize("command", ["train", "build-topics"])
def test_without_a_pair_the_sentence_names_the_one_that_there_is(here, tmp_path, command):
    (tmp_path / "c.yaml").write_text("name: x\n", encoding="utf-8")
    out = str(tmp_path / "out")
    sentence = fails(command, "--data", "data", "--config", str(tmp_path / "c.yaml"), "--out", out)
    assert "--set 'pair=[image, text]'" in sentence


def test_a_training_puts_several_captions_of_a_picture_into_a_batch_as_positives(here, tmp_path, monkeypatch):
    seen = []
    usual = InfoNCE.__call__
    monkeypatch.setattr(
        InfoNCE, "__call__", lambda self, batch, learnt: seen.append(batch) or usual(self, batch, learnt)
    )
    pairs = PER_SPLIT["train"] * SEVERAL
    options = ["--iters", "1", "--set", f"training.batch={pairs}", "--set", "training.batches=day"]
    told = said("train", "--data", "data", *options, "--out", str(tmp_path / "model"))
    assert seen[0].positives.sum(dim=1).tolist() == [SEVERAL] * pairs
    assert "training.batches = day has no effect: the pairs have no days, sessions or times." in told
    assert "largest day" not in told
