"""Captions as rows of word numbers: fitted to the training split, saved with the model, asked with any sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers import refusal
from toy_captions import caption_config, captioned
from word_vector_files import lines_of

import ntcir.encoders.start_vectors
from ntcir.config import Config, Texts, load_config
from ntcir.corpora.corpus import Corpus
from ntcir.encoders import open_rows
from ntcir.encoders.vocabulary import Vocabulary
from ntcir.encoders.words import WordsEncoder
from ntcir.encoders.words_rows import WordRows

TEXTS = ["a dog runs", "the dog and the cat"]


def encoder(**options: Any) -> WordsEncoder:
    texts = Texts(length=4, **options)
    return WordsEncoder.of(Vocabulary.of(TEXTS, texts), texts)


def opened(corpus: Corpus, config: Config | None = None, trained: WordsEncoder | None = None) -> WordRows:
    rows = open_rows(config or caption_config(), corpus, "text", trained)
    assert isinstance(rows, WordRows)
    return rows


def fitted(corpus: Corpus, **changes: Any) -> tuple[WordRows, list[str]]:
    rows = opened(corpus, caption_config(**changes))
    ids = corpus.split("train")["text"].tolist()
    rows.check(ids)
    rows.ensure(ids)
    return rows, rows.fit(ids)


def test_numbers_are_in_order_in_a_sequence_and_sorted_elsewhere():
    numbered = [encoder().numbered(text) for text in ("the cat and dog", "dog cat the and", "dog?", "zebra", "")]
    assert encoder().vocabulary.words == ["dog", "the", "a", "and", "cat", "runs"]
    in_order = encoder(form="sequence").rows(numbered)
    assert in_order.dtype == np.float32
    assert in_order.tolist() == [[2, 5, 4, 1], [1, 5, 2, 4], [1, 0, 0, 0], [0] * 4, [0] * 4]
    for form in ("bag", "sum"):  # to which the first two are the same
        assert encoder(form=form).rows(numbered)[:2].tolist() == [[1, 2, 4, 5]] * 2


def test_what_is_behind_the_longest_is_cut():
    numbers = encoder().numbered("the the zebra dog dog the cat")
    assert encoder(form="sequence").rows([numbers]).tolist() == [[2, 2, 1, 1]]
    assert encoder().rows([numbers]).tolist() == [[1, 1, 2, 2]]


@pytest.mark.parametrize("form", ["bag", "sum", "sequence"])
def test_it_is_saved_and_made_again(form):
    tree = encoder(form=form, tfidf=True, width=7).to_json()
    again = WordsEncoder.from_json(tree)
    assert again.to_json() == tree
    assert (again.dim, again.width) == (4, 0 if form == "bag" else 7)


@pytest.mark.parametrize(
    "change", [{"form": "heap"}, {"length": 0}, {"length": 4.0}, {"tfidf": 1}, {"width": 0}, {"width": "7"}]
)
def test_a_damaged_one_is_refused(change):
    with pytest.raises(ValueError, match="its "):
        WordsEncoder.from_json(encoder(form="sum").to_json() | change)


def test_the_vocabulary_is_that_of_the_training_captions_each_counted_once():
    corpus = captioned(texts={0: "zebra zebra", 149: "giraffe"})  # the last is of the test split
    rows = opened(corpus)
    ids = corpus.split("train")["text"].tolist()
    rows.fit([*ids, *ids[:40]])
    known = rows.encoder.vocabulary
    assert "zebra" in known.words
    assert "giraffe" not in known.words
    assert known.captions == len(ids)
    assert known.frequencies[known.words.index("zebra")] == 1
    assert rows.load(ids[:1])[0, :3].tolist() == [known.numbers["zebra"]] * 2 + [0]


def test_training_captions_without_words_and_cut_ones_are_counted_and_named():
    _, remarks = fitted(captioned(texts={3: "", 4: "?!", 5: "zebra"}), texts__min_count=2, texts__length=4)
    assert "3 of 90 captions have no word that the model knows" in remarks[0]
    assert "(first: caption-3 '')" in remarks[0]
    assert "87 of 90 captions are cut after 4 known words (texts.length; first: caption-0 'A " in remarks[1]
    assert fitted(captioned())[1] == []


@pytest.mark.parametrize(
    ("texts", "changes"),
    [(dict.fromkeys(range(150), "..."), {}), ({}, {"texts__min_count": 1000}), ({}, {"texts__stop_words": "all"})],
)
def test_captions_without_any_word_to_learn_from_are_refused(texts, changes):
    corpus = captioned(texts=texts)
    if changes.get("texts__stop_words") == "all":
        known = fitted(corpus)[0].encoder.vocabulary.words
        changes = {"texts__stop_words": list(known)}
    sentence = refusal(opened(corpus, caption_config(**changes)).check, corpus.split("train")["text"].tolist())
    assert "None of the 90 training captions of toy has a word to learn from (first: caption-0 '" in sentence
    assert "texts.min_count" in sentence


def test_another_corpus_s_captions_without_a_known_word_are_said_once(capsys):
    trained = fitted(captioned())[0].encoder
    rows = opened(captioned(texts={0: "zebra", 1: ""}), trained=trained)
    for _ in range(2):
        assert rows.ensure(["caption-1", "caption-0", "caption-2"]).all()
    said = capsys.readouterr().err
    assert said.count("2 of 3 captions have no word that the model knows") == 1
    assert "(first: caption-1 '')" in said
    assert rows.load(["caption-0"]).tolist() == [[0.0] * 64]


def test_queries_without_a_known_word_and_long_ones_are_answered_and_named(capsys):
    rows, _ = fitted(captioned(), texts__length=3)
    queries = {"t1": "warm day", "t2": "zebra", "t3": "", "t4": "a warm and bright day"}
    [(topics, encoded)] = rows.encode(queries)
    assert topics == list(queries)
    assert (encoded > 0).sum(axis=1).tolist() == [2, 0, 0, 3]
    said = capsys.readouterr().err
    assert "2 of 4 queries have no word that this model knows" in said
    assert "(first: t2 'zebra')" in said
    assert "1 of 4 queries have more than 3 known words" in said
    assert rows.named("warm day") is None
    assert list(rows.encode({})) == []


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("Warm zebra, and a gnu", "Words that this model does not know are left out of t 'Warm zebra, and a gnu': "),
        ("zebra", "WARNING: this model knows no word of t 'zebra': it is ranked as an empty sentence would be."),
        ("", "WARNING: this model knows no word of t ''"),
        ("a warm and bright day", "Of t 'a warm and bright day', the first 3 known words count."),
        ("warm day", ""),
    ],
)
def test_of_a_single_query_the_words_that_are_left_out_are_named(query, sentence, capsys):
    rows, _ = fitted(captioned(), texts__length=3)
    assert len(list(rows.encode({"t": query}))) == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert bool(sentence) == bool(said)
    if "gnu" in query:
        assert "zebra, gnu" in said


def test_stop_words_of_a_query_are_not_called_unknown(capsys):
    rows, _ = fitted(captioned(), texts__stop_words="english")
    list(rows.encode({"t": "a warm day on the zebra"}))
    assert capsys.readouterr().err.strip().endswith(": zebra.")


def test_a_training_depends_on_the_captions_and_on_the_vectors_that_it_begins_with(tmp_path):
    ids = captioned().split("train")["text"].tolist()
    seen = [fitted(captioned())[0].facts(ids), fitted(captioned(texts={5: "A cold and slow day, dark"}))[0].facts(ids)]
    for number in (0.5, 0.25):
        path = tmp_path / "vectors.txt"
        path.write_text(lines_of({"day": [1.0, number]}, header=False), encoding="utf-8")
        seen.append(fitted(captioned(), texts__form="sum", texts__vectors=str(path))[0].facts(ids))
    assert len({str(each) for each in seen}) == 4
    assert seen[0] == fitted(captioned())[0].facts(ids)


def test_words_without_a_vector_begin_with_zeros_and_are_named(tmp_path):
    path = tmp_path / "vectors.vec"
    path.write_text(lines_of({"day": [1.0, 2.0], "warm": [3.0, 4.0]}, header=True), encoding="utf-8")
    rows, remarks = fitted(captioned(), texts__form="sum", texts__vectors=str(path))
    assert "9 of 11" not in remarks[0]
    known = rows.encoder.vocabulary.words
    assert f"{len(known) - 2} of {len(known)} words of the training captions have no vector in {path}" in remarks[0]
    assert "begin with zeros (the most frequent first: a, and, " in remarks[0]
    assert rows.encoder.width == 2
    stem, width = rows.encoder.stem(caption_config().towers.of("text"), caption_config())
    weight = stem.weight.detach()
    assert (width, len(weight)) == (2, 1 + len(known))
    assert weight[rows.encoder.vocabulary.numbers["warm"]].tolist() == [3.0, 4.0]
    assert weight.abs().sum() == 10
    assert len(rows.origins()[0]) == 64


def test_a_file_is_read_once_for_several_trainings_and_again_when_it_has_changed(tmp_path, monkeypatch):
    path, read = tmp_path / "vectors.txt", []
    path.write_text(lines_of({"day": [1.0, 2.0]}, header=False), encoding="utf-8")
    whole = ntcir.encoders.start_vectors.read_word_vectors
    monkeypatch.setattr(
        ntcir.encoders.start_vectors, "read_word_vectors", lambda *given: read.append(given) or whole(*given)
    )
    for _ in range(2):
        rows, _ = fitted(captioned(), texts__form="sum", texts__vectors=str(path))
        rows.facts(["caption-1"])
    assert len(read) == 1
    path.write_text(lines_of({"day": [1.0, 2.0, 3.0]}, header=False), encoding="utf-8")
    assert fitted(captioned(), texts__form="sum", texts__vectors=str(path))[0].encoder.width == 3
    # What is opened before a training, to see what is related to what, reads nothing.
    opened(captioned(), caption_config(texts__form="sum", texts__vectors=str(path))).fit(["caption-1"])
    assert len(read) == 2


def test_a_bag_reads_no_vectors(tmp_path):
    rows, remarks = fitted(captioned(), texts__vectors=str(tmp_path / "none.vec"))
    assert remarks == []
    assert rows.origins() == []


@pytest.mark.parametrize("call", ["check", "origins"])
def test_vectors_that_are_not_there_are_refused_before_anything_takes_long(tmp_path, call):
    path = tmp_path / "none.vec"
    corpus = captioned()
    rows = opened(corpus, caption_config(texts__form="sum", texts__vectors=str(path)))
    arguments = [corpus.split("train")["text"].tolist()] if call == "check" else []
    sentence = refusal(getattr(rows, call), *arguments)
    assert "texts.vectors" in sentence
    assert str(path) in sentence
    assert "no such file" in sentence


def test_numbers_of_words_cannot_be_standardised():
    sentence = refusal(load_config, None, ["pair=[image,text]", "towers.text.standardise=true"])
    assert "towers.text" in sentence
    assert "numbers of words cannot be standardised: set standardise to false" in sentence


@pytest.mark.parametrize("form", ["bag", "sequence"])
def test_a_caption_is_taken_apart_into_words_of_which_some_do_not_count(form):
    rows, _ = fitted(captioned(), texts__length=3, texts__form=form, texts__stop_words=["and"])
    text = "A warm and fluffy, (fast) day!  -- warm"
    parts = rows.apart(text, np.empty((1, 3), np.float32), 7)
    assert parts.kind == "word"
    expected = {"A": None, "warm": None, "and": "left out", "fluffy,": "not known", "(fast)": None, "day!": "left out"}
    assert [(part.name, part.note) for part in parts.parts] == [
        *expected.items(), ("--", "left out"), ("warm", "left out")
    ]  # fmt: skip
    one_by_one = [text, "warm and fast day warm", "A and fast day warm", "A warm and day warm"]
    assert np.array_equal(
        np.concatenate([parts.whole, parts.without]), np.concatenate([rows.ask(each) for each in one_by_one])
    )


@pytest.mark.parametrize("text", ["", "  ", "zebra", "zebra --"])
def test_a_caption_without_a_known_word_has_no_part_that_counts(text):
    rows, _ = fitted(captioned())
    parts = rows.apart(text, np.empty((1, 3), np.float32), 7)
    assert [part.name for part in parts.parts] == text.split()
    assert None not in {part.note for part in parts.parts}
    assert len(parts.without) == 0
    assert not parts.whole.any()
