"""A trained model asked about other data than its own, from other folders than its own."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from helpers import command_line, one_thread, write_pictures  # noqa: F401

from ntcir.corpora import open_corpus
from ntcir.modalities import DEFAULT_PAIR
from ntcir.sampling.topics import build_topics

pytestmark = pytest.mark.usefixtures("one_thread")
PER_SESSION = 8
NAMED = "{by: session, train: [a1], val: [a2], test: [a3]}"
BY_DATE = "{by: date, train: [2021-05-01, 2021-05-01], val: [2021-05-02, 2021-05-02], test: [2021-05-03, 2021-05-03]}"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: F811
    """A folder with the corpora `own` and `other`, topics of `other`, and models split by session and by date."""
    folder = tmp_path_factory.mktemp("asking")
    for name, sessions in (("own", ("a1", "a2", "a3")), ("other", ("b1", "b2", "b3", "b4"))):
        write_pictures(folder / name, sessions, PER_SESSION)
    other = open_corpus(folder / "other", None)
    assert set(other.pairs["split"]) == {""}
    build_topics(other, other.pairs[other.pairs["group"] == "b4"], pool=PER_SESSION, pair=DEFAULT_PAIR).save(
        folder / "topics"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, split in (("named", NAMED), ("dated", BY_DATE)):
            done = command_line(
                "train", "--data", "own", "--iters", "2", "--out", f"runs/{name}", "--set", f"data.split={split}"
            )
            assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def here(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    return trained


def ask(*arguments: str, model: str = "named", data: str = "other") -> tuple[set[str], str]:
    """Return the documents of a run, and what was said."""
    done = command_line("run", "topics.tsv", "--model", f"runs/{model}", "--data", data, *arguments)
    assert done.exit_code == 0, done.output
    return {line.split()[2][:2] for line in done.stdout.splitlines()}, done.stderr


def refused(*arguments: str, model: str = "named") -> str:
    done = command_line("run", "topics.tsv", "--model", f"runs/{model}", "--data", "other", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Encoding" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("model", ["named", "dated"])
def test_with_pools_no_split_is_needed(here, model):
    documents, said = ask(model=model)
    assert documents == {"b4"}
    assert "is not used" not in said
    assert "--split val is not used" in ask("--split", "val", model=model)[1]


def test_without_pools_all_of_another_corpus_is_ranked(here):
    documents, said = ask("--pools", "none")
    assert documents == {"b1", "b2", "b3", "b4"}
    assert "all of it is ranked" in said


def test_without_pools_the_test_split_of_its_own_corpus_is_ranked(here):
    (here / "own-topics").mkdir(exist_ok=True)
    corpus = open_corpus(here / "own", None)
    build_topics(corpus, corpus.pairs, pool=PER_SESSION, pair=DEFAULT_PAIR).save(here / "own-topics")
    for data in ("own", str(here / "own" / ".." / "own")):
        done = command_line("run", "own-topics/topics.tsv", "--model", "runs/named", "--data", data, "--pools", "none")
        assert {line.split()[2][:2] for line in done.stdout.splitlines()} == {"a3"}, done.output


@pytest.mark.parametrize(
    ("arguments", "model", "expected"),
    [
        (["--split", "all"], "named", {"b1", "b2", "b3", "b4"}),
        (["--split", "test"], "dated", {"b3"}),  # the days of the model's own split are days here too
        (["--split", "val", "--set", "data.split.by=session"], "named", {"b3"}),
        (["--set", "data.split={by: session, test: [b2]}"], "named", {"b2"}),
        (["--set", "data.split.by=session", "--set", "data.split.test=[b1, b2]"], "dated", {"b1", "b2"}),
    ],
)
def test_what_is_ranked_is_the_asker_s_to_say(here, arguments, model, expected):
    assert ask("--pools", "none", *arguments, model=model)[0] == expected


def test_a_split_that_does_not_fit_says_what_to_type(here):
    sentence = refused("--pools", "none", "--split", "test")
    assert re.search(r"as the model's corpus was .*no session 'a1'.*--split all.*--set data\.split\.by=auto", sentence)
    sentence = refused("--pools", "none", "--set", "data.split={by: session, test: [b9]}")
    assert "other cannot be split so (There is no session 'b9' in the data; there are: " in sentence


@pytest.mark.parametrize("setting", ["seed=3", "features.batch=3", "data.path=x", "data.splits.by=auto", "x"])
def test_of_a_run_nothing_but_the_split_and_places_can_be_set(here, setting):
    assert f"--set '{setting}'" in refused("--set", setting)


def test_a_tag_is_refused_before_anything_is_encoded(here):
    assert "--tag 'my tag'" in refused("--tag", "my tag")


def test_a_model_folder_with_a_blank_in_its_name_answers(here):
    (here / "runs" / "my model").symlink_to(here / "runs" / "named")
    done = command_line("run", "topics.tsv", "--model", "runs/my model", "--data", "other")
    assert done.exit_code == 0, done.output
    assert {line.split()[5] for line in done.stdout.splitlines()} == {"my-model"}


def test_a_topic_of_another_corpus_is_drawn(here, tmp_path):
    run = command_line("run", "topics.tsv", "--model", "runs/named", "--data", "other")
    (tmp_path / "run.txt").write_text(run.stdout, encoding="utf-8")
    (here / "other" / "ntcir.yaml").rename(tmp_path / "ntcir.yaml")
    try:
        (here / "other" / "ntcir.yaml").write_text(f"data: {{split: {NAMED}}}\n", encoding="utf-8")
        topic = run.stdout.split()[0]
        done = command_line(
            "show", topic, "--run", str(tmp_path / "run.txt"), "--data", "other", "--out", str(tmp_path / "x.png")
        )
    finally:
        (tmp_path / "ntcir.yaml").replace(here / "other" / "ntcir.yaml")
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("verb", ["images", "status", "objects"])
def test_what_is_said_of_all_photographs_needs_no_split(here, verb):
    settings = ["--set", "data.split={by: session, test: [lap00]}"]
    more = ["--set", "objects.detector=demo"] if verb == "objects" else []
    done = command_line("features", verb, "--data", "other", *settings, *more)
    assert done.exit_code == 0, done.output
    trained_on = command_line("train", "--data", "other", "--iters", "1", "--out", "never", *settings)
    assert "no session 'lap00'" in trained_on.stderr


def test_from_another_folder_the_features_beside_the_model_are_taken(here, tmp_path, monkeypatch):
    ask()
    stored = sorted((here / "features").rglob("shard-*"))
    monkeypatch.chdir(tmp_path)
    topics = ["run", str(here / "topics" / "topics.tsv"), "--model", str(here / "runs" / "named")]
    done = command_line(*topics, "--data", str(here / "other"))
    assert done.exit_code == 0, done.output
    assert f"read from {here / 'features'}" in done.stderr
    assert "Encoding" not in done.stderr
    assert not list(tmp_path.iterdir())
    assert sorted((here / "features").rglob("shard-*")) == stored


def test_where_none_are_stored_it_is_said_where_they_were_looked_for(here, tmp_path, monkeypatch):
    write_pictures(tmp_path / "far" / "other", ("b1", "b2", "b3", "b4"), PER_SESSION)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    (here / "features" / "other").rename(here / "features" / "hidden")
    try:
        done = command_line(
            "run", str(here / "topics" / "topics.tsv"), "--model", str(here / "runs" / "named"),
            "--data", str(tmp_path / "far" / "other"),
        )  # fmt: skip
    finally:
        (here / "features" / "hidden").rename(here / "features" / "other")
    assert done.exit_code == 0, done.output
    for place in (tmp_path / "work" / "features", here / "features", tmp_path / "far" / "features"):
        assert str(place) in done.stderr
    assert (tmp_path / "work" / "features" / "other").is_dir()


# Vectors that came with the data belong to one corpus.


@pytest.fixture(scope="module")
def with_vectors(trained: Path) -> Path:
    """The folder with a model of vectors too, and files of the vectors of both corpora."""
    for name in ("own", "other"):
        items = open_corpus(trained / name, None).images.index
        rows = np.random.default_rng(0).normal(size=(len(items), 6)).astype(np.float32)
        np.save(trained / f"{name}.npy", rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(trained)
        done = command_line(
            "train", "--data", "own", "--iters", "2", "--out", "runs/vectors", "--set", f"data.split={NAMED}",
            "--set", "towers.image.encoder=vectors", "--set", "towers.image.vectors=own.npy",
        )  # fmt: skip
        assert done.exit_code == 0, done.output
    return trained


def test_a_model_of_vectors_is_asked_with_those_of_another_corpus(with_vectors, here):
    documents, said = ask("--set", "towers.image.vectors=other.npy", model="vectors")
    assert documents == {"b4"}
    assert "Encoding" not in said


def test_vectors_of_its_own_corpus_are_not_taken_for_those_of_another(with_vectors, here):
    said = refused(model="vectors")
    assert "give those of other with --set towers.image.vectors=FILE" in said


@pytest.mark.parametrize(
    ("model", "setting", "words"),
    [
        ("vectors", "towers.image.vectors=own.npy", "has 24 rows without ids, but other has 32 photographs"),
        ("vectors", "towers.image.vectors=absent.npy", "absent.npy: no such file"),
        ("vectors", "towers.image.vectors=", "give it in towers.image.vectors"),
        ("vectors", "towers.image.layers=2", "towers.MODALITY.vectors can be set"),
        ("named", "towers.image.vectors=other.npy", "the encoder frozen reads no vectors"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(with_vectors, here, model, setting, words):
    assert words in refused("--set", setting, model=model)
