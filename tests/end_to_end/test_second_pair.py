"""Every verb works on the configuration's pair: a corpus of photographs and readings under other names."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import command_line, one_thread, write_pictures  # noqa: F401
from PIL import Image
from second_pair import know_them

pytestmark = pytest.mark.usefixtures("one_thread")
CONFIG = """
name: second
pair: [photo, meter]
features: {backbones: [{arch: squeezenet1_1, weights: random}], size: 64, crop: 64, resize: squash}
towers: {dim: 16}
training: {batch: 16, near_seconds: 0, validate_every: 4}
topics: {pool: 14, per_day: 2}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: F811
    """A folder with a corpus, topics and a model of the second pair."""
    folder = tmp_path_factory.mktemp("second")
    write_pictures(folder / "data")
    (folder / "second.yaml").write_text(CONFIG, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        know_them(patch)
        for command in (
            ["build-topics", "--config", "second.yaml", "--data", "data"],
            ["train", "--iters", "4", "--config", "second.yaml", "--data", "data", "--out", "runs/second"],
        ):
            done = command_line(*command)
            assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def here(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    know_them(monkeypatch)
    return trained


def error_of(*command: str) -> str:
    failed = command_line(*command)
    assert failed.exit_code == 2, failed.output
    [error] = [line for line in failed.stderr.splitlines() if line.startswith("Error: ")]
    return error


def test_topics_are_drawn_answered_scored_and_shown_in_both_directions(here):
    done = command_line("run", "topics.tsv", "--model", "runs/second")
    assert done.exit_code == 0, done.output
    (here / "run.txt").write_text(done.stdout, encoding="utf-8")
    scored = command_line("score", "run.txt")
    assert scored.exit_code == 0, scored.output
    assert "pho2met" in scored.stdout
    assert "met2pho" in scored.stdout
    topics = [line.split("\t")[0] for line in (here / "topics/topics.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    for topic in (topics[0], topics[-1]):
        shown = command_line("show", topic, "--data", "data")
        assert shown.exit_code == 0, shown.output
        with Image.open(shown.stdout.strip()) as picture:
            picture.verify()


def test_the_official_format_is_refused_before_anything_is_read(here):
    command = ["build-topics", "--config", "second.yaml", "--data", "data", "--format", "official", "--out", "theirs"]
    assert "not for photo and meter: use --format trec" in error_of(*command)
    assert not Path("theirs").exists()


@pytest.mark.parametrize("direction", ["img2sen", "sen2img", "not2met"])
def test_a_topic_of_another_pair_is_refused(here, direction):
    lines = ["topic_id\ttimestamp\tquery\tdirection"]
    query = '{"warm": 3}' if direction == "sen2img" else "s4_001.png"
    lines.append(f"t1\t2021-05-04 08:01:00\t{query}\t{direction}")
    Path("mine.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    error = error_of("run", "mine.tsv", "--model", "runs/second", "--pools", "none")
    assert f"line 2: the direction is {direction}, but the model answers pho2met and met2pho" in error


def test_topics_without_a_direction_are_of_the_model_s_pair(here):
    rows = ["topic_id\ttimestamp\tquery", "t1\t\ts4_001.png", 't2\t\t{"warm": 3}']
    Path("mine.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    done = command_line("run", "mine.tsv", "--model", "runs/second", "--pools", "none", "--depth", "1")
    assert done.exit_code == 0, done.output
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["t1", "t2"]


def test_a_picture_that_is_nowhere_is_called_by_its_modality(here):
    Path("mine.tsv").write_text("topic_id\ttimestamp\tquery\nt1\t\tgone.png\n", encoding="utf-8")
    assert "the photo 'gone.png'" in error_of("run", "mine.tsv", "--model", "runs/second", "--pools", "none")


def test_topics_that_cannot_be_read_are_called_by_their_noun(here):
    Path("bad.png").write_bytes(b"no picture")
    Path("mine.tsv").write_text("topic_id\ttimestamp\tquery\nt1\t\tbad.png\n", encoding="utf-8")
    error = error_of("run", "mine.tsv", "--model", "runs/second", "--pools", "none")
    assert "none of their slides can be read" in error


def test_features_are_of_the_pair_s_pictures(here):
    options = ["--config", "second.yaml", "--data", "data"]
    done = command_line("features", "images", *options)
    assert done.exit_code == 0, done.output
    assert "56 of 56" in done.stderr
    status = command_line("features", "status", *options)
    assert status.exit_code == 0, status.output
    assert "56" in status.stdout
    no_pictures = ["--set", "pair=[note, meter]"]
    assert "The pair note and meter has no pictures" in error_of("features", "images", *options, *no_pictures)
    other = ["--set", "pair=[image, meter]"]
    assert "nothing of the modality 'image'" in error_of("features", "images", *options, *other)
