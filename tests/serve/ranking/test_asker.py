"""What a person asks becomes the vector that a search has for it; sums, marks, and what cannot be asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import refusal, toy_corpus
from letters import WORDS, Letters
from PIL import Image
from small_index import SmallIndex, catalogue

from ntcir.config import Config
from ntcir.corpora.corpus import Corpus
from ntcir.encoders import KINDS, open_rows
from ntcir.encoders.encoder import Encoder, Rows
from ntcir.encoders.presets import chosen_columns
from ntcir.encoders.readings import ReadingsEncoder
from ntcir.encoders.vectors import VectorsEncoder
from ntcir.model.hubness import TrainingQueries
from ntcir.model.model import Model, Vectors
from ntcir.search.compact import CompactVectors, CompactWriter
from ntcir.serve.ranking.asking import Asker
from ntcir.serve.ranking.feedback import RIGHT, WRONG, moved, together
from ntcir.serve.state import Ask
from ntcir.system.errors import UserError
from ntcir.system.progress import say

ITEMS, DIM = 12, 16


class Colours(Encoder):
    """Knows a picture by its mean colour. It stands for networks, under their name."""

    kind, dim = "frozen", 3


class ColourRows(Rows):
    encoder = Colours()
    opened = 0

    @classmethod
    def open(cls, config: Any, corpus: Corpus, modality: str, encoder: Encoder | None) -> ColourRows:
        assert (len(corpus.tables[modality]), list(corpus.tables[modality].columns)) == (0, ["path"])
        assert config.features.store.is_dir()
        cls.opened += 1
        return cls()

    def load(self, ids: Sequence[str]) -> np.ndarray:
        raise AssertionError

    def encode(self, queries: Mapping[str, str]) -> Iterator[tuple[list[str], np.ndarray]]:
        for topic, path in queries.items():
            try:
                yield [topic], np.asarray(Image.open(path), dtype=np.float32).mean(axis=(0, 1))[None] / 255
            except OSError:
                say(f"{path} is odd.")


class Uploads:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, digest: str) -> Path:
        if not (self._folder / digest).exists():
            raise UserError(f"{digest} is gone.")
        return self._folder / digest


@pytest.fixture(autouse=True)
def cheap_encoders(monkeypatch):
    monkeypatch.setitem(KINDS, "frozen", ("test_asker:Colours", "test_asker:ColourRows"))
    monkeypatch.setitem(KINDS, "words", WORDS["words"])


def make(pair: list[str], beta: float = 0.0) -> Model:
    config = Config().changed({"pair": pair, "towers.dim": DIM, "hubness.beta": beta, "sensors.preset": "none"})
    config = config.changed({"sensors.numeric": ["a", "b", "c"], "sensors.categorical": ["place"]})
    corpus = toy_corpus()
    readings = ReadingsEncoder.fit(chosen_columns(config.sensors, corpus.sensors, corpus.layout), corpus.sensors)
    known = {"image": Colours(), "sensor": readings, "text": Letters()}
    model = Model(config, {name: known[name] for name in pair}, {"corpus": "toy"})
    draw = np.random.default_rng(0)
    if beta:
        bank = unit(draw.normal(size=(5, DIM))).astype(np.float16)
        model.training_queries = {name: TrainingQueries.of(bank) for name in pair}
    return model


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def index_of(model: Model, folder: Path, modality: str = "image") -> SmallIndex:
    vectors = unit(np.random.default_rng(1).normal(size=(ITEMS, DIM)))
    documents = model.as_documents(modality, Vectors(vectors, np.arange(ITEMS))).vectors
    with CompactWriter(folder / "index", documents.shape[1]) as writer:
        writer.add(documents)
    columns = {"image": ["path"], "sensor": ["a", "b", "c", "place", "idle"], "text": ["text"]}
    here = {name: columns[name] for name in model.config.pair}
    known = catalogue(np.arange(ITEMS), modality=modality)
    return SmallIndex(known, CompactVectors.open(folder / "index"), columns=here)


def asker(pair: list[str], folder: Path, modality: str = "image", **options: Any) -> tuple[Asker, Model, SmallIndex]:
    model = make(pair, **options)
    index = index_of(model, folder, modality)
    return Asker(model, index, Uploads(folder)), model, index


@pytest.mark.parametrize(
    ("pair", "modality", "ways"),
    [
        (["image", "sensor"], "image", {"picture", "reading"}),
        (["image", "text"], "image", {"picture", "words"}),
        (["sensor", "text"], "sensor", {"words", "reading"}),
    ],
)
def test_a_model_can_be_asked_in_the_ways_of_its_pair(pair, modality, ways, tmp_path):
    asks, _, _ = asker(pair, tmp_path, modality)
    assert asks.ways == ways
    assert asks.columns == (("a", "b", "c", "place") if "sensor" in pair else ())
    others = {"words": Ask("warm"), "picture": Ask(pictures=("x",)), "reading": Ask(reading=(("a", "1"),))}
    [way] = others.keys() - ways
    message = refusal(lambda: asks.query(others[way]))
    assert message.startswith(f"This model cannot be asked with {way if way == 'words' else f'a {way}'}: its pair is")
    assert all(each in message for each in ways)


def test_vectors_that_came_with_the_data_cannot_be_asked_for(tmp_path):
    model = make(["image", "text"])
    index = index_of(model, tmp_path)
    model.encoders["text"] = VectorsEncoder(4, "0" * 64)
    asks = Asker(model, index, Uploads(tmp_path))
    assert asks.ways == {"picture"}
    assert "cannot be asked with words" in refusal(lambda: asks.query(Ask("warm")))
    assert len(asks.query(Ask(like=("item-1",)))) == DIM


@pytest.mark.parametrize("beta", [0.0, 0.7])
def test_one_part_alone_is_what_a_search_asks(beta, tmp_path):
    asks, model, index = asker(["image", "sensor"], tmp_path, beta=beta)
    Image.new("RGB", (4, 4), (200, 30, 10)).save(tmp_path / "red.png")
    rows = open_rows(model.config, toy_corpus(), "sensor", model.encoders["sensor"])
    expected = model.unit_vectors("sensor", rows.ask({"a": 0.5, "b": 7, "place": "home"}))[0]
    found = asks.query(Ask(reading=(("a", "0.5"), ("b", "7"), ("place", "home"))))
    assert np.array_equal(found, model.as_queries(expected))
    assert found.dtype == np.float32
    # An item, and a picture, are of the modality that is found: no bias.
    own = index.vectors.take(np.array([3]))[0, :DIM]
    like, picture = asks.query(Ask(like=("item-3",))), asks.query(Ask(pictures=("red.png",)))
    assert np.array_equal(like[:DIM], own)
    colour = np.array([[200, 30, 10]], dtype=np.float32) / 255
    assert np.array_equal(picture[:DIM], model.unit_vectors("image", colour)[0])
    assert [each[DIM:].tolist() for each in (like, picture)] == ([[0.0], [0.0]] if beta else [[], []])
    assert index.vectors.scores(like, np.arange(ITEMS)).argmax() == 3


@pytest.mark.parametrize("beta", [0.0, 0.7])
def test_parts_are_added_up_and_moved_by_marks(beta, tmp_path):
    asks, _, index = asker(["image", "text"], tmp_path, beta=beta)
    words = asks.query(Ask("a warm day"))[:DIM].astype(np.float64)
    items = index.vectors.take(np.arange(ITEMS))[:, :DIM].astype(np.float64)
    both = words + items[1] + items[2]
    length = np.linalg.norm(both)
    ask = Ask("a warm day", like=("item-1", "item-2"))
    found = asks.query(ask)
    assert np.allclose(found[:DIM], both / length, atol=1e-6)
    assert np.allclose(found[DIM:], 1 / length)  # the bias counts as much as the words, for which it is
    right, wrong = ("item-4", "item-5"), ("item-6",)
    change = both / length + RIGHT * (items[4] + items[5]) / 2 - WRONG * items[6]
    marked = asks.query(ask, right, wrong)
    assert np.allclose(marked[:DIM], change / np.linalg.norm(change), atol=1e-6)
    assert np.allclose(marked[DIM:], 1 / length / np.linalg.norm(change))
    alone = asks.query(Ask(), right)
    assert np.allclose(alone[:DIM], (items[4] + items[5]) / np.linalg.norm(items[4] + items[5]), atol=1e-6)
    assert not alone[DIM:].any()


def test_what_cannot_be_asked_is_refused(tmp_path):
    asks, _, _ = asker(["image", "sensor"], tmp_path)
    assert refusal(lambda: asks.query(Ask(like=("item-99",)))) == (
        "The photograph 'item-99' is not in toy: take it out of the query."
    )
    assert "item-98" in refusal(lambda: asks.query(Ask(like=("item-1",)), right=("item-98",)))
    assert "This model does not use idle: it uses a, b, c, place." in refusal(
        lambda: asks.query(Ask(reading=(("idle", "3"),)))
    )
    assert "Unknown reading 'pace' (did you mean 'place'?)" in refusal(
        lambda: asks.query(Ask(reading=(("pace", "3"),)))
    )
    assert "'a' must be a number" in refusal(lambda: asks.query(Ask(reading=(("a", "fast"),))))
    assert "must be a number" in refusal(lambda: asks.query(Ask(reading=(("a", "inf"),))))
    assert "gone" in refusal(lambda: asks.query(Ask(pictures=("0",))))
    (tmp_path / "odd.png").write_text("odd")
    assert "cannot be read" in refusal(lambda: asks.query(Ask(pictures=("odd.png",))))
    assert "Nothing is asked" in refusal(lambda: asks.query(Ask(), wrong=("item-1",)))


def test_parts_that_cancel_each_other_out_are_refused():
    part = np.array([0.6, 0.8, 1.0])
    assert "cancels itself out" in refusal(lambda: together([part, -part]))
    assert "cancels itself out" in refusal(lambda: moved(part, np.empty((0, 3)), 4 * part[None]))


def test_what_an_encoder_says_is_for_the_person_and_not_for_others(tmp_path, capsys):
    asks, _, _ = asker(["image", "sensor"], tmp_path)
    ask = Ask(reading=(("a", "1"), ("place", "moon"), ("idle", "3")))
    asks.query(ask)
    idle, unseen = asks.remarks(ask)
    assert idle == "1 reading is not used by this model: idle."
    assert unseen.startswith("the query: place: 1 of 1 values was never seen in training")
    assert asks.remarks(Ask(like=("item-1",))) == ()
    assert capsys.readouterr().err == ""
    say("Others are heard.")
    assert "Others are heard." in capsys.readouterr().err


def test_many_at_once_ask_as_each_does_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("ntcir.serve.ranking.asking._KEPT", 3)
    monkeypatch.setattr(ColourRows, "opened", 0)
    asks, _, _ = asker(["image", "text"], tmp_path)
    Image.new("RGB", (4, 4), (200, 30, 10)).save(tmp_path / "red.png")
    wanted = [Ask("a" * (number + 1), pictures=("red.png",)) for number in range(8)]
    alone = [asks.query(ask) for ask in wanted]
    with ThreadPoolExecutor(8) as people:
        for one, other in zip(alone * 3, people.map(asks.query, wanted * 3), strict=True):
            assert np.array_equal(one, other)
    assert ColourRows.opened == 1
