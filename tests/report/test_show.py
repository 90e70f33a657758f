"""One topic as a picture."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import question, read_pictures, refusal, write_pictures
from matplotlib.axes import Axes
from PIL import Image
from second_pair import know_them

from ntcir.formats.topics import Topic, TopicSet
from ntcir.modalities import DEFAULT_PAIR, direction
from ntcir.report import items
from ntcir.report.items import Drawing
from ntcir.report.show import RIGHT, _summary, draw_topic
from ntcir.sampling.topics import build_topics
from ntcir.scoring import score

PER_SESSION = 14


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus of pictures and its topics."""
    folder = tmp_path_factory.mktemp("show")
    corpus = read_pictures(write_pictures(folder / "data", ("s1", "s2", "s3"), PER_SESSION))
    build_topics(corpus, corpus.split("test"), pool=PER_SESSION, pair=DEFAULT_PAIR).save(folder / "topics")
    return folder


@pytest.fixture
def here(asked: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, as the current one."""
    monkeypatch.chdir(asked)
    return asked


def write_run(folder: Path, place: int, *, tied: bool = False) -> Path:
    """Write a run that has the right one of each topic at a place (from 1), or all with one score."""
    pools: dict[str, list[str]] = {}
    for line in (folder / "topics/pools.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        topic, document = line.split("\t")
        pools.setdefault(topic, []).append(document)
    relevant = dict(
        line.split()[::2] for line in (folder / "topics/qrels.txt").read_text(encoding="utf-8").splitlines()
    )
    lines = []
    for topic, documents in pools.items():
        ranked = [document for document in documents if document != relevant[topic]]
        ranked.insert(place - 1, relevant[topic])
        lines += [
            f"{topic} Q0 {document} {rank} {0.5 if tied else 1 - rank / 50:.9g} t\n"
            for rank, document in enumerate(ranked, 1)
        ]
    path = folder / f"run-{place}-{tied}.txt"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def framed(path: Path) -> int:
    """Return how many pixels have the colour of the right one's frame."""
    wanted = [int(RIGHT[place : place + 2], 16) for place in (1, 3, 5)]
    with Image.open(path) as picture:
        picture.verify()
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert 1000 <= picture.width <= 3000
        assert 500 <= picture.height <= 2000
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    return int((np.abs(pixels - wanted).max(axis=2) < 10).sum())


def draw(here: Path, topic: str, run: Path, out: str = "out.png") -> Path:
    return draw_topic(topic, run, Path("topics.tsv"), here / out, here / "data")


@pytest.mark.parametrize("topic", ["img2sen_s3", "sen2img_s3"])
def test_the_right_one_is_framed_among_the_best_ten(here, topic):
    path = draw(here, topic, write_run(here, 3))
    assert path == here / "out.png"
    # A frame of four points around a tenth of the picture.
    assert framed(path) > 500


@pytest.mark.parametrize("topic", ["img2sen_s3", "sen2img_s3"])
def test_outside_the_best_ten_nothing_is_framed(here, topic):
    assert framed(draw(here, topic, write_run(here, 12))) == 0


@pytest.mark.parametrize("topic", ["img2sen_s3", "sen2img_s3"])
def test_a_run_of_nothing_but_ties_can_be_drawn(here, topic):
    framed(draw(here, topic, write_run(here, 1, tied=True)))


def test_the_rank_said_is_the_score_s_with_ties_shared():
    ranking = [("a", 0.9), ("b", 0.5), ("c", 0.5), ("d", 0.5), ("e", 0.1)]
    assert _summary(ranking, {"a"}) == "the right one has rank 1 of 5, reciprocal rank 1.0000"
    assert _summary(ranking, {"d"}) == "the right one has rank 3 of 5, reciprocal rank 0.3333"
    assert "not among the 5" in _summary(ranking, {"z"})
    assert "not known" in _summary(ranking, set())


def test_a_different_ranking_is_a_different_picture(here):
    pictures = [draw(here, "sen2img_s3", write_run(here, place), f"{place}.png").read_bytes() for place in (1, 2)]
    assert pictures[0] != pictures[1]


def test_fewer_than_ten_candidates_and_no_qrels_can_be_drawn(here, tmp_path):
    TopicSet([question("mine", "", {"warm": 3, "weather": "a text " * 20})], {}, {}).save(tmp_path)
    (tmp_path / "qrels.txt").unlink()
    (tmp_path / "run.txt").write_text("mine Q0 s3_001.png 1 0.25 t\n", encoding="utf-8")
    path = draw_topic("mine", tmp_path / "run.txt", tmp_path / "topics.tsv", tmp_path / "x.png", here / "data")
    assert framed(path) == 0


def test_a_picture_that_cannot_be_read_leaves_its_place_empty(here, tmp_path):
    corpus = tmp_path / "spoilt"
    read_pictures(write_pictures(corpus, ("s1", "s2", "s3"), PER_SESSION))
    (corpus / "images/s3_000.png").write_bytes(b"no picture")
    run = write_run(here, 1)
    for topic in ("img2sen_s3", "sen2img_s3"):
        path = draw_topic(topic, run, Path("topics.tsv"), tmp_path / f"{topic}.png", corpus)
        assert framed(path) > 500


def test_an_unknown_topic_is_refused_with_a_suggestion(here):
    sentence = refusal(draw, here, "sen2img_s33", write_run(here, 1))
    assert "'sen2img_s33'" in sentence
    assert "did you mean 'sen2img_s3'?" in sentence


def test_a_run_without_the_topic_or_of_another_corpus_is_one_sentence(here, tmp_path):
    run = tmp_path / "run.txt"
    run.write_text("other Q0 s3_001.png 1 0.25 t\n", encoding="utf-8")
    assert "img2sen_s3" in refusal(draw, here, "img2sen_s3", run)
    run.write_text("img2sen_s3 Q0 elsewhere 1 0.25 t\n", encoding="utf-8")
    assert "'elsewhere'" in refusal(draw, here, "img2sen_s3", run)
    assert "ntcir run" in refusal(draw, here, "img2sen_s3", tmp_path / "absent.txt")
    assert not (here / "out-of-nothing.png").exists()


def test_several_right_ones_are_averaged_as_the_score_does():
    ranking = [("a", 0.9), ("b", 0.5), ("c", 0.5), ("d", 0.1)]
    assert _summary(ranking, {"a", "c", "z"}) == "2 of the 3 right ones have ranks 1, 2.5 of 4, mean 1/rank 0.4667"
    best = _summary(ranking, {"b", "c", "z"}, "best")
    assert best == "2 of the 3 right ones have ranks 2.5, 2.5 of 4, reciprocal rank of the best 0.4000"


@pytest.mark.parametrize("topic", ["img2sen_s3", "sen2img_s3"])
def test_an_organisers_run_is_drawn_by_the_minutes_that_their_qrels_number(here, tmp_path, topic):
    """The right one is framed, though the run calls it by a number, and without the zeros that the qrels have."""
    trec = write_run(here, 2)
    documents = [line.split()[2] for line in trec.read_text().splitlines() if line.startswith(topic)]
    corpus = read_pictures(here / "data")
    minutes = dict(zip(corpus.pairs["image"], corpus.pairs["sensor"], strict=True))
    (tmp_path / "topics.tsv").write_bytes((here / "topics/topics.tsv").read_bytes())
    qrels = [f"{topic},{n:05d},{minutes.get(doc, doc)},{int(n == 2)}\n" for n, doc in enumerate(documents, 1)]
    (tmp_path / "qrels.csv").write_text("topic_id,dmr_minute_id,minute_id,rel\n" + "".join(qrels))
    scores = [f"ORG,x,{topic},{n},{-n}\n" for n, _ in enumerate(documents, 1)]
    run = tmp_path / "run.csv"
    run.write_text("group_id,run_id,topic_id,dmr_minute_id,score\n" + "".join(scores))
    assert framed(draw_topic(topic, run, tmp_path / "topics.tsv", tmp_path / "x.png", here / "data")) > 500


@pytest.mark.parametrize("qrels", ["qrels.txt", "qrels.csv"])
def test_a_csv_run_of_items_that_are_called_by_numbers_is_drawn_as_it_is_scored(here, tmp_path, qrels):
    """Readings are named after their files, ``00003.png``; CSV of the organisers may leave the zeros out."""
    data = write_pictures(tmp_path / "data", ("s3",), PER_SESSION)
    records = (data / "records.csv").read_text(encoding="utf-8")
    for number in range(PER_SESSION):
        (data / f"images/s3_{number:03d}.png").rename(data / f"images/{number:05d}.png")
        records = records.replace(f"s3_{number:03d}.png", f"{number:05d}.png")
    (data / "records.csv").write_text(records, encoding="utf-8")
    TopicSet([question("img2sen_1", "", "00003.png")], {}, {}).save(tmp_path / "topics")
    (tmp_path / "topics/qrels.txt").unlink()
    texts = {"qrels.txt": "img2sen_1 0 00003 1\n", "qrels.csv": "topic_id,dmr_minute_id,rel\nimg2sen_1,00003,1\n"}
    (tmp_path / "topics" / qrels).write_text(texts[qrels], encoding="utf-8")
    rows = [f"ORG,x,img2sen_1,{number},{-number}\n" for number in range(PER_SESSION)]
    run = tmp_path / "run.csv"
    run.write_text("group_id,run_id,topic_id,dmr_minute_id,score\n" + "".join(rows), encoding="utf-8")
    assert score(run, tmp_path / "topics" / qrels).topics[0].rank == 4
    assert framed(draw_topic("img2sen_1", run, tmp_path / "topics/topics.tsv", tmp_path / "x.png", data)) > 500


def test_a_run_from_standard_input_is_drawn(here, monkeypatch):
    raw = write_run(here, 3).read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))
    assert framed(draw(here, "img2sen_s3", Path("-"), "piped.png")) > 500


@pytest.mark.parametrize("name", ["not2met", "met2not", "pho2not"])
def test_what_is_drawn_of_an_item_is_for_its_modality_to_say(here, tmp_path, monkeypatch, name):
    """A text as its words, readings as lines, a picture as it is."""
    know_them(monkeypatch)
    drawn = []

    def noting(draw: Drawing) -> Drawing:
        def call(axes: Axes, what: Any, size: float) -> None:
            drawn.append(draw.__name__)
            draw(axes, what, size)

        return call

    monkeypatch.setattr(items, "_DRAWINGS", tuple((holds, noting(draw)) for holds, draw in items._DRAWINGS))
    queries = {"not": "three words here", "met": {"warm": 3}, "pho": "s3_001.png"}
    answers = {"not": "note-s3_002.png", "met": "s3_002", "pho": "s3_002.png"}
    asks, answer = name.split("2")
    TopicSet([Topic("mine", "", queries[asks], direction(name))], {}, {}).save(tmp_path)
    (tmp_path / "topics.manifest.json").unlink()
    (tmp_path / "qrels.txt").write_text(f"mine 0 {answers[answer]} 1\n", encoding="utf-8")
    (tmp_path / "run.txt").write_text(f"mine Q0 {answers[answer]} 1 0.25 t\n", encoding="utf-8")
    path = draw_topic("mine", tmp_path / "run.txt", tmp_path / "topics.tsv", tmp_path / "x.png", here / "data")
    assert framed(path) > 500
    kinds = {"not": "_draw_text", "met": "_draw_readings", "pho": "_draw_picture"}
    assert drawn == [kinds[asks], kinds[answer]]
