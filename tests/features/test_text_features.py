"""Features of captions on disk: encoded once, found by the words, resumed after an interruption."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import refusal, toy_corpus

from ntcir.corpora.corpus import Corpus
from ntcir.features.text_features import TextFeatures, with_pictures
from ntcir.system.errors import Interrupted

TEXTS = [f"{'word ' * (number % 7)}{number}" for number in range(1200)]
DIM = 3


class Counting:
    """A network that knows how many letters a text has, and remembers what it was given."""

    name, dim, length = "counting", DIM, None

    def __init__(self, fingerprint: str = "f" * 64, fails_at: int | None = None) -> None:
        self.meta = {"texts": "counting", "dim": DIM, "fingerprint": fingerprint}
        self.seen: list[list[str]] = []
        self._fails_at = fails_at

    def encode(self, texts: list[str]) -> np.ndarray:
        if len(self.seen) == self._fails_at:
            raise KeyboardInterrupt
        self.seen.append(list(texts))
        return np.array([[len(text), text.count("o"), sum(map(ord, text))] for text in texts], dtype=np.float32)

    def tokens(self, text: str) -> int:
        return len(text.split()) + 2

    @property
    def given(self) -> list[str]:
        return [text for texts in self.seen for text in texts]


@pytest.fixture
def corpus() -> Corpus:
    return toy_corpus(("2020-02-01",), 4)


def opened(corpus: Corpus, store: Path, network: Counting, texts: list[str] = TEXTS) -> TextFeatures:
    return TextFeatures(corpus, store, network, texts)


def test_equal_texts_are_encoded_once_and_read_in_any_order(corpus, tmp_path):
    network = Counting()
    features = opened(corpus, tmp_path, network)
    asked = [*TEXTS[::-1], *TEXTS[:50]]
    features.ensure(asked)
    assert sorted(network.given) == sorted(TEXTS)
    np.testing.assert_array_equal(features.load(asked), Counting().encode(asked))
    again = Counting()
    kept = opened(corpus, tmp_path, again)
    kept.ensure(asked)
    np.testing.assert_array_equal(kept.load(asked), features.load(asked))
    assert again.given == []


def test_the_longest_come_first(corpus, tmp_path):
    network = Counting()
    opened(corpus, tmp_path, network).ensure(TEXTS)
    lengths = [len(text) for text in network.given]
    assert lengths == sorted(lengths, reverse=True)


def test_an_edited_text_is_encoded_anew_and_the_others_are_not(corpus, tmp_path):
    opened(corpus, tmp_path, Counting()).ensure(TEXTS)
    network = Counting()
    edited = ["another", *TEXTS[1:]]
    features = opened(corpus, tmp_path, network, edited)
    features.ensure(edited)
    assert network.given == ["another"]
    np.testing.assert_array_equal(features.load(edited), Counting().encode(edited))


def test_another_network_has_a_store_of_its_own(corpus, tmp_path):
    one, other = opened(corpus, tmp_path, Counting("a" * 64)), opened(corpus, tmp_path, Counting("b" * 64))
    assert one.store.folder != other.store.folder
    assert one.store.folder.parent == tmp_path / corpus.name


def test_what_was_stored_before_an_interruption_stays(corpus, tmp_path):
    with pytest.raises(Interrupted, match="run the same command to continue"):
        opened(corpus, tmp_path, Counting(fails_at=1)).ensure(TEXTS)
    network = Counting()
    features = opened(corpus, tmp_path, network)
    features.ensure(TEXTS)
    assert len(network.given) == len(TEXTS) - 512
    np.testing.assert_array_equal(features.load(TEXTS), Counting().encode(TEXTS))


def test_a_damaged_shard_is_encoded_again(corpus, tmp_path, capsys):
    opened(corpus, tmp_path, Counting()).ensure(TEXTS)
    shard = next(opened(corpus, tmp_path, Counting()).store.folder.glob("shard-*.npy"))
    data = bytearray(shard.read_bytes())
    data[-5] ^= 64
    shard.write_bytes(data)
    network = Counting()
    features = opened(corpus, tmp_path, network)
    features.ensure(TEXTS)
    assert 0 < len(network.given) <= 512
    assert "1 damaged shard is left out" in capsys.readouterr().err
    np.testing.assert_array_equal(features.load(TEXTS), Counting().encode(TEXTS))


def test_what_is_typed_is_read_where_it_is_known_and_not_stored_where_it_is_not(corpus, tmp_path):
    network = Counting()
    features = opened(corpus, tmp_path, network)
    features.ensure(TEXTS[:10])
    before = len(features.store)
    network.seen.clear()
    asked = ["something else", TEXTS[3], "and this", TEXTS[3]]
    np.testing.assert_array_equal(features.encode(asked), Counting().encode(asked))
    assert network.given == ["something else", "and this"]
    assert len(features.store) == before


def test_features_that_are_not_finite_are_refused_and_not_stored(corpus, tmp_path):
    class Broken(Counting):
        def encode(self, texts: list[str]) -> np.ndarray:
            return np.where(np.array(texts)[:, None] == "7", np.nan, super().encode(texts))

    features = opened(corpus, tmp_path, Broken())
    assert "not finite (NaN or infinity) for the caption '7'" in refusal(features.ensure, ["7", "8"])
    assert len(features.store) == 0


def test_texts_that_are_cut_off_are_counted_once(corpus, tmp_path, capsys):
    class Short(Counting):
        length = 5

    features = opened(corpus, tmp_path, Short())
    features.ensure(["one two three", "one two three four", "a b c d e f"])
    features.encode(["one two three four", "g h i j k l"])
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("WARNING")]
    assert [line.split(" caption")[0] for line in told] == ["WARNING: 2", "WARNING: 1"]
    assert "longer than the 5 tokens that counting reads" in told[0]


def test_a_corpus_without_pictures_has_a_folder_too(tmp_path):
    pairs = pd.DataFrame({"sensor": ["a"], "text": ["b"]})
    corpus = Corpus("words", tmp_path, {}, pairs, False, "records", toy_corpus(("2020-02-01",), 2).report)
    pair = ("sensor", "text")
    features = TextFeatures(with_pictures(corpus, pair), tmp_path / "store", Counting(), ["x"])
    features.ensure(["x"])
    assert features.store.folder.parent == tmp_path / "store" / "words"
