"""Word numbers become a bag, a sum of vectors or a sequence; a caption without words still has a unit vector."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from helpers import one_thread  # noqa: F401
from torch import nn

from ntcir.config import Config, Texts, load_config
from ntcir.encoders.vocabulary import Vocabulary
from ntcir.encoders.words import WordsEncoder
from ntcir.towers.heads import head_of
from ntcir.towers.pooling import MaxOverSequence, VectorSequence
from ntcir.towers.tower import Tower
from ntcir.towers.whole_batch import of_whole
from ntcir.towers.word_stems import Bag, InOrder, Summed

pytestmark = pytest.mark.usefixtures("one_thread")
TEXTS = ["a dog runs", "a dog jumps into the water", "the cat is in the house in the evening", "", "?!"]
FORMS = ("bag", "sum", "sequence")


def made(form: str, *settings: str) -> tuple[WordsEncoder, Config]:
    config = load_config(
        None, ["pair=[image,text]", f"texts.form={form}", "texts.width=6", "texts.length=9", "towers.dim=8", *settings]
    )
    return WordsEncoder.of(Vocabulary.of(TEXTS, config.texts), config.texts), config


def tower_of(encoder: WordsEncoder, config: Config) -> Tower:
    options = config.towers.of("text")
    stem, width = encoder.stem(options, config)
    return Tower(stem, head_of(width, config.towers.dim, options, encoder.positions(options, config)))


def rows_of(encoder: WordsEncoder, texts: list[str] = TEXTS) -> torch.Tensor:
    return torch.from_numpy(encoder.rows([encoder.numbered(text) for text in texts]))


def test_a_bag_counts_the_words():
    encoder, config = made("bag")
    stem, width = encoder.stem(config.towers.of("text"), config)
    assert isinstance(stem, Bag)
    bags = stem(rows_of(encoder))
    assert bags.shape == (len(TEXTS), width)
    assert bags.dtype == torch.float32
    for text, bag in zip(TEXTS, bags, strict=True):
        counts = Counter(encoder.numbered(text))
        assert bag.tolist() == [counts[number] for number in range(1, width + 1)]


def test_a_bag_by_tf_idf_is_that_of_scikit_learn():
    library = pytest.importorskip("sklearn.feature_extraction.text")
    encoder, config = made("bag", "texts.tfidf=true")
    stem, _ = encoder.stem(config.towers.of("text"), config)
    words = encoder.vocabulary.words
    theirs = library.TfidfVectorizer(vocabulary=list(words), token_pattern=r"[a-z]+").fit_transform(TEXTS).toarray()
    assert stem(rows_of(encoder)).numpy() == pytest.approx(theirs.astype(np.float32), abs=1e-6)
    assert stem(rows_of(encoder)).norm(dim=1).tolist() == pytest.approx([1, 1, 1, 0, 0])


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("tfidf", [False, True])
def test_a_linear_layer_on_bags_is_computed_without_them(tfidf, layers, monkeypatch):
    encoder, config = made("bag", f"texts.tfidf={tfidf}", f"towers.text.layers={layers}", "towers.text.hidden=5")
    tower = tower_of(encoder, config)
    rows = rows_of(encoder)
    results = []
    for vectors in (nn.functional.normalize(tower.head(tower.stem(rows)), dim=1), tower(rows)):
        tower.zero_grad()
        vectors[:, :3].square().cumsum(dim=0).sum().backward()
        results.append([vectors.detach(), *(each.grad.clone() for each in tower.parameters())])
    for dense, sparse in zip(*results, strict=True):
        assert torch.allclose(dense, sparse, atol=1e-6)
    monkeypatch.setattr(Bag, "forward", None)
    tower(rows)


def test_bags_are_made_where_something_else_comes_first():
    encoder, config = made("bag", "towers.text.input_dropout=0.5")
    tower = tower_of(encoder, config)
    torch.manual_seed(1)
    found = tower(rows_of(encoder))
    torch.manual_seed(1)
    assert torch.equal(found, nn.functional.normalize(tower.head(tower.stem(rows_of(encoder))), dim=1))


@pytest.mark.parametrize("tfidf", [False, True])
def test_a_sum_is_that_of_the_words_vectors(tfidf):
    encoder, config = made("sum", f"texts.tfidf={tfidf}")
    stem, width = encoder.stem(config.towers.of("text"), config)
    assert isinstance(stem, Summed)
    assert width == 6
    vectors, rarity = stem.weight.detach().numpy(), encoder.vocabulary.rarity()
    for text, row in zip(TEXTS, stem(rows_of(encoder)).detach().numpy(), strict=True):
        summed = np.zeros(width)
        for number in encoder.numbered(text):
            summed += vectors[number] * (rarity[number - 1] if tfidf else 1)
        if tfidf:
            summed /= max(np.linalg.norm(summed), 1e-12)
        assert row == pytest.approx(summed, abs=1e-5)


def test_a_sequence_has_the_vectors_in_order_and_says_where_they_end():
    encoder, config = made("sequence")
    stem, _ = encoder.stem(config.towers.of("text"), config)
    assert isinstance(stem, InOrder)
    vectors, there = stem(rows_of(encoder))
    for text, row, known in zip(TEXTS, vectors, there, strict=True):
        numbers = encoder.numbered(text)
        assert known.sum() == max(1, len(numbers))
        assert known[: max(1, len(numbers))].all()
        assert torch.equal(row[: len(numbers)], stem.weight[numbers])
        assert not row[len(numbers) :].any()


@pytest.mark.parametrize("layers", [1, 2])
def test_the_mlp_works_on_each_word_and_the_maximum_of_those_that_are_there_counts(layers):
    encoder, config = made("sequence", f"towers.text.layers={layers}", "towers.text.hidden=5")
    tower = tower_of(encoder, config)
    assert isinstance(tower.head, MaxOverSequence)
    found = tower(rows_of(encoder)).detach()
    for text, vector in zip(TEXTS, found, strict=True):
        words = tower.stem.weight[encoder.numbered(text) or [0]]
        most = tower.head.each(words).amax(dim=0)
        assert torch.allclose(vector, most / most.norm(), atol=1e-6)


@pytest.mark.parametrize("settings", [(), ("texts.tfidf=true",), ("towers.text.layers=2", "towers.text.dropout=0.1")])
@pytest.mark.parametrize("form", FORMS)
def test_captions_without_words_have_the_same_unit_vector_and_finite_gradients(form, settings):
    encoder, config = made(form, *settings)
    tower = tower_of(encoder, config)
    rows = rows_of(encoder)
    tower.eval()
    vectors = tower(rows)
    assert vectors.norm(dim=1).tolist() == pytest.approx([1] * len(TEXTS), abs=1e-5)
    assert torch.equal(vectors[3], vectors[4])
    assert tower(rows[:0]).shape == (0, 8)
    tower.train()
    tower(rows[3:]).square().cumsum(dim=1).sum().backward()
    assert all(torch.isfinite(each.grad).all() for each in tower.parameters())


@pytest.mark.parametrize("form", ["sum", "sequence"])
def test_what_stands_for_no_word_stays_zeros(form):
    encoder, config = made(form)
    tower = tower_of(encoder, config)
    optimizer = torch.optim.Adam(tower.parameters(), lr=0.1, weight_decay=0.1)
    before = tower.stem.weight.detach().clone()
    tower(rows_of(encoder))[:, 0].sum().backward()
    optimizer.step()
    assert not tower.stem.weight[0].any()
    assert (tower.stem.weight[1:] != before[1:]).all()


@pytest.mark.parametrize("form", ["sum", "sequence"])
def test_frozen_vectors_are_saved_and_restored_but_not_learnt(form):
    encoder, config = made(form, "texts.train_vectors=false")
    tower, other = tower_of(encoder, config), tower_of(encoder, config)
    assert not tower.stem.weight.requires_grad
    assert not torch.equal(tower.stem.weight, other.stem.weight)
    other.load_state_dict(tower.state_dict())
    assert torch.equal(tower.stem.weight, other.stem.weight)


def test_what_the_encoder_has_is_not_saved_again():
    for form in FORMS:
        encoder, config = made(form, "texts.tfidf=true")
        names = {name for name in tower_of(encoder, config).state_dict() if name.startswith("stem.")}
        assert names == (set() if form == "bag" else {"stem.weight"})


def test_dropout_over_words_is_the_same_however_many_processes_share_a_batch():
    encoder, config = made("sequence", "towers.text.input_dropout=0.5")
    tower, rows = tower_of(encoder, config), rows_of(encoder)
    torch.manual_seed(3)
    whole = tower(rows)
    parts = []
    for part in (slice(0, 1), slice(1, 5)):  # the first has shorter captions than the whole
        torch.manual_seed(3)
        with of_whole(tower, len(rows), part):
            parts.append(tower(rows[part]))
    assert torch.allclose(torch.cat(parts), whole, atol=1e-6)


def test_a_sequence_may_be_of_anything():
    vectors, there = torch.randn(2, 4, 3), torch.tensor([[True, True, False, False], [True, False, False, False]])
    found = MaxOverSequence(torch.nn.Identity())(VectorSequence(vectors, there))
    assert torch.equal(found, torch.stack([vectors[0, :2].amax(dim=0), vectors[1, 0]]))


def test_numbers_of_a_large_vocabulary_are_exact():
    words = 1_000_000
    assert Texts(most=words).most == words
    assert np.array_equal(np.arange(1, words + 1, dtype=np.float32).astype(np.int64), np.arange(1, words + 1))
