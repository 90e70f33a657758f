"""Captions as a corpus's features of a text network, from the configuration to topics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import command_line, refusal
from tiny_text_networks import know_captioned, tiny_encoder, write_captioned

from ntcir.config import Config
from ntcir.corpora import open_corpus
from ntcir.corpora.corpus import Corpus
from ntcir.encoders import open_rows
from ntcir.encoders.sentences import SentenceRows, SentencesEncoder
from ntcir.retrieval.stores import store_of

PAIR = ["image", "text"]
BASE = "--set", "pair=[image, text]", "--set", "towers.text.encoder=sentences", "--set", "texts.network=../encoder"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with ``data`` and a tiny network, ``encoder``, in which the layout is known."""
    home = tmp_path_factory.mktemp("captions")
    write_captioned(home / "data", per_session=4)
    tiny_encoder(home / "encoder")
    with pytest.MonkeyPatch.context() as patch:
        know_captioned(patch)
        yield home


@pytest.fixture
def config(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(tmp_path)
    return Config(
        pair=PAIR,
        towers={"text": {"encoder": "sentences"}},
        texts={"network": str(home / "encoder")},
        features={"store": tmp_path / "store", "device": "cpu"},
    )


@pytest.fixture
def corpus(home: Path) -> Corpus:
    return open_corpus(home / "data", Config().data.split, pair=PAIR)


def rows_of(config: Config, corpus: Corpus, encoder: SentencesEncoder | None = None) -> SentenceRows:
    rows = open_rows(config, corpus, "text", encoder)
    assert isinstance(rows, SentenceRows)
    return rows


def with_texts(corpus: Corpus, texts: dict[str, object]) -> Corpus:
    table = corpus.tables["text"].copy()
    for item, text in texts.items():
        table.loc[item, "text"] = text
    return replace(corpus, tables={**corpus.tables, "text": table})


def test_rows_are_those_of_the_network_in_the_order_asked(config, corpus):
    rows = rows_of(config, corpus)
    ids = [*corpus.tables["text"].index[::-1], corpus.tables["text"].index[2]]
    assert rows.ensure(ids).all()
    expected = rows.features.network.encode(corpus.tables["text"].loc[ids, "text"].tolist())
    np.testing.assert_allclose(rows.load(ids), expected, rtol=0, atol=1e-5)
    assert rows.named("any words") is None
    assert rows.origins() == [rows.features.network.meta["fingerprint"]]


def test_a_query_of_the_corpus_has_the_very_row_of_the_caption(config, corpus):
    rows = rows_of(config, corpus)
    ids = corpus.tables["text"].index[:3].tolist()
    rows.ensure(ids)
    queries = {item: str(corpus.tables["text"].loc[item, "text"]) for item in ids}
    ((topics, found),) = rows.encode(queries)
    assert topics == ids
    np.testing.assert_array_equal(found, rows.load(ids))
    ((_, typed),) = rows.encode({"x": "a sunny day", "y": "half a character: \ud800", "z": ""})
    assert typed.shape == (3, 16)
    assert np.isfinite(typed).all()
    assert list(rows.encode({})) == []


@pytest.mark.parametrize("empty", ["", "   ", None, float("nan")])
def test_an_empty_caption_has_a_row_and_is_named(config, corpus, capsys, empty):
    first, second = corpus.tables["text"].index[:2]
    rows = rows_of(config, with_texts(corpus, {first: empty}))
    assert rows.ensure([first, second]).all()
    rows.ensure([first])
    assert np.isfinite(rows.load([first])).all()
    told = f"1 caption is empty: encoded as the empty text, which tells nothing (first: {first})"
    assert capsys.readouterr().err.count(told) == 1


def test_facts_are_others_when_words_are(config, corpus):
    first, second = corpus.tables["text"].index[:2]
    usual = rows_of(config, corpus).facts([first, second])
    assert rows_of(config, corpus).facts([first, second]) == usual
    assert rows_of(config, with_texts(corpus, {second: "other words"})).facts([first, second]) != usual


def test_the_encoder_of_a_model_is_made_again_and_wants_its_network(config, corpus, tmp_path):
    encoder = rows_of(config, corpus).encoder
    again = SentencesEncoder.from_json(encoder.to_json())
    assert again.to_json() == encoder.to_json()
    rows_of(config, corpus, again)
    other = config.changed({"texts.network": str(tiny_encoder(tmp_path / "other", seed=1))})
    sentence = refusal(rows_of, other, corpus, again)
    assert "The text network other has other weights or settings than the one the model was trained with" in sentence


@pytest.mark.parametrize("change", [{"dim": 0}, {"fingerprint": 3}, {"network": None}])
def test_a_damaged_encoder_is_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        SentencesEncoder.from_json({"dim": 16, "fingerprint": "f", "network": "n"} | change)


def test_items_without_words_are_refused(config, corpus):
    bare = replace(corpus, tables={**corpus.tables, "text": pd.DataFrame(index=corpus.tables["text"].index)})
    assert "have no column 'text' of words" in refusal(rows_of, config, bare)


# As a user types


def test_a_caption_is_encoded_without_each_of_its_words(config, corpus):
    rows = rows_of(config, corpus)
    text = "A bright red,  and a red blue"
    parts = rows.apart(text, np.empty((1, 16), np.float32), 7)
    assert [(part.name, part.note) for part in parts.parts] == [(word, None) for word in text.split()]
    words = text.split()
    sentences = [" ".join(words[:place] + words[place + 1 :]) for place in range(len(words))]
    expected = np.concatenate([rows.ask(each) for each in [text, *sentences]])
    np.testing.assert_allclose(np.concatenate([parts.whole, parts.without]), expected, atol=1e-5)
    only = rows.apart("bright", np.empty((1, 16), np.float32), 7)
    np.testing.assert_allclose(only.without, rows.ask(""), atol=1e-5)


@pytest.fixture
def typed(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    place = home / tmp_path.name
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def succeeds(*arguments: str) -> tuple[str, str]:
    done = command_line(*arguments)
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    return done.stdout, done.stderr


def test_captions_are_encoded_beforehand_and_shown(typed):
    out, said = succeeds("features", "texts", "--data", "../data", *BASE)
    assert out == ""
    assert "data: 32 captions have features; stored in features/data/texts-encoder-" in said
    assert "Encoding" not in succeeds("features", "texts", "--data", "../data", *BASE)[1]
    table, _ = succeeds("features", "status", "--data", "../data", *BASE)
    done, failed, missing, *_ = table.splitlines()[1].split()
    assert (int(done) > 0, failed, missing) == (True, "0", "0")
    # Read as another pair, the corpus has no captions.
    assert succeeds("features", "status", "--data", "../data")[0].splitlines()[1].split()[:3] == [done, "0", "0"]


def test_features_texts_wants_an_encoder_of_captions(typed):
    done = command_line("features", "texts", "--data", "../data")
    assert done.exit_code == 2
    assert (
        "Nothing of the configured pair is encoded by a text network (image: frozen and sensor: readings)"
        in done.stderr
    )


def test_a_model_is_trained_evaluated_and_asked(typed):
    from ntcir.model.model import Model
    from ntcir.retrieval.asking import read_corpus

    succeeds("train", "--data", "../data", *BASE, "--iters", "5", "--out", "runs/a")
    assert "img2txt" in succeeds("evaluate", "--pool", "none")[0]
    Path("mine.tsv").write_text("topic_id\ttimestamp\tquery\tdirection\nt\t\ta bright red\ttxt2img\n", encoding="utf-8")
    lines = succeeds("run", "mine.tsv", "--pools", "none", "--split", "all")[0].splitlines()
    assert len(lines) == 16
    # The features are found from another folder as well, those of the pictures and of the captions.
    model = Model.load(Path("runs/a"))
    corpus = read_corpus(model.config)
    assert store_of(model, Path("runs/a"), corpus) == Path("features")
    (typed / "elsewhere").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(typed / "elsewhere")
        assert store_of(model, typed / "runs/a", corpus) == typed / "features"
