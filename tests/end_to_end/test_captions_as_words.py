"""Captions are trained on as words, asked for and asked with, by the commands as a person types them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import command_line, one_thread  # noqa: F401
from toy_corpus import PICTURELESS, is_captions, read_captions, write_captions
from word_vector_files import lines_of

import ntcir.corpora
from ntcir.corpora.corpus import Corpus, Request

pytestmark = pytest.mark.usefixtures("one_thread", "layout")
FORMS = {
    "bag": ["texts.tfidf=true", "texts.min_count=2"],
    "sum": ["texts.form=sum", "texts.vectors=vectors.vec", "texts.train_vectors=false"],
    "sequence": ["texts.form=sequence", "texts.width=16"],
}


def read_texts(root: Path, name: str, how: Request) -> Corpus:
    """Read the toy's captions as texts."""
    corpus = read_captions(root, name, how)
    tables = {"sensor": corpus.sensors, "text": corpus.tables["caption"]}
    return replace(corpus, tables=tables, pairs=corpus.pairs.rename(columns={"caption": "text"}))


@pytest.fixture(scope="module")
def layout() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ntcir.corpora, "LAYOUTS", [(is_captions, read_texts), *ntcir.corpora.LAYOUTS])
        yield


def said(*arguments: str) -> tuple[str, str]:
    """Return what a command that succeeds writes to standard output and to standard error."""
    done = command_line(*arguments)
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    return done.stdout, done.stderr


def refused(*arguments: str) -> str:
    """Return the one sentence with which a command is refused."""
    done = command_line(*arguments)
    assert (done.exit_code, done.stdout) == (2, ""), f"{done.output}\n{done.exception!r}"
    return done.stderr.splitlines()[-1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, layout: None, one_thread: None) -> Path:  # noqa: F811
    """A folder with a corpus, topics, and a model of each form."""
    root = tmp_path_factory.mktemp("words")
    write_captions(root / "data", several=2)
    (root / "data" / PICTURELESS).touch()
    letters = {
        letter * count: [float(each == letter) * count for each in "aeoz"]
        for letter in "aeoz"
        for count in range(1, 12)
    }
    (root / "vectors.vec").write_text(lines_of(letters, header=True, end=" "), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        said("build-topics", "--data", "data", "--set", "pair=[text, sensor]", "--pool", "10", "--topics-per-day", "3")
        for form, settings in FORMS.items():
            options = [part for setting in ["pair=[text, sensor]", *settings] for part in ("--set", setting)]
            said("train", "--data", "data", *options, "--iters", "60", "--out", f"runs/{form}")
    (root / "vectors.vec").unlink()
    return root


@pytest.fixture(params=FORMS)
def model(request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(folder)
    return f"runs/{request.param}"


def test_a_split_is_evaluated_and_topics_are_answered_without_the_file_of_vectors(model):
    found = json.loads(said("evaluate", "--model", model, "--json")[0])
    assert set(found) == {"all", "txt2sen", "sen2txt"}
    assert all(group["MRR"] > group["random_MRR"] for group in found.values())
    run, _ = said("run", "topics/topics.tsv", "--model", model)
    assert len(run.splitlines()) == 6 * 10


def test_a_sentence_without_a_known_word_ranks_by_the_prior(model):
    Path("asked.tsv").write_text(
        "topic_id\ttimestamp\tquery\tdirection\nt1\t\tqqq xxx\ttxt2sen\nt2\t\t...\ttxt2sen\nt3\t\taaaa ee z\ttxt2sen\n",
        encoding="utf-8",
    )
    run, told = said("run", "asked.tsv", "--pools", "none", "--model", model)
    ranked = {
        topic: [line.split()[2:5:2] for line in run.splitlines() if line.startswith(topic)]
        for topic in ("t1", "t2", "t3")
    }
    assert ranked["t1"] == ranked["t2"] != ranked["t3"]
    assert len({score for _, score in ranked["t1"]}) > 1  # a ranking, not one tie
    assert "nan" not in run
    assert "WARNING: 2 of 3 queries have no word that this model knows" in told
    assert "(first: t1 'qqq xxx')" in told


def test_a_model_that_was_saved_can_be_moved(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    (tmp_path / "model").mkdir()
    for path in (folder / "runs" / "sum").iterdir():
        if path.is_file():
            (tmp_path / "model" / path.name).write_bytes(path.read_bytes())
    found = json.loads(said("evaluate", "--model", str(tmp_path / "model"), "--data", "data", "--json")[0])
    assert found == json.loads(said("evaluate", "--model", "runs/sum", "--json")[0])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("1 2\ndog 1\n", "line 2 (dog) has 1 numbers, where its header says 2"),
        ("chien 1 2\n", "of "),
        (None, "no such file"),
    ],
)
def test_vectors_that_cannot_be_used_are_refused_and_nothing_is_left(folder, monkeypatch, content, expected):
    monkeypatch.chdir(folder)
    if content is not None:
        Path("bad.vec").write_text(content, encoding="utf-8")
    settings = ["pair=[text, sensor]", "texts.form=sum", f"texts.vectors={'none' if content is None else 'bad'}.vec"]
    options = [part for setting in settings for part in ("--set", setting)]
    sentence = refused("train", "--data", "data", *options, "--out", "runs/no")
    assert sentence.startswith("Error: texts.vectors: ")
    assert expected in sentence
    assert not Path("runs/no").exists()
