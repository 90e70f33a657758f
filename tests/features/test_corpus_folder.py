"""Whose the stored features are: corpora of one name, with files of the same names, sizes and times."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from extracting import Shifted, corpus_of, options
from PIL import Image

import ntcir.features.corpus_folder as module
from ntcir.config import Objects
from ntcir.corpora.corpus import Corpus
from ntcir.features.corpus_folder import NOTE, claim_folder, corpus_folder
from ntcir.features.image_features import ImageFeatures
from ntcir.features.objects import ObjectDetections
from ntcir.features.status import corpus_status

NUMBER = 6
Write = Callable[[str, int], Corpus]


@pytest.fixture
def write(tmp_path) -> Write:
    """Write a corpus ``PARENT/life`` of pictures by a seed; whatever they show, sizes and times are the same."""

    def corpus(parent: str, seed: int, number: int = NUMBER) -> Corpus:
        draw = np.random.default_rng(seed)
        folder = tmp_path / parent / "life"
        folder.mkdir(parents=True)
        for item in range(number):
            path = folder / f"{item:03}.bmp"
            Image.fromarray(draw.integers(0, 256, (36, 48, 3), dtype=np.uint8)).save(path)
            os.utime(path, ns=(10**18, 10**18))
        return corpus_of(folder)

    return corpus


def ids_of(corpus: Corpus) -> list[str]:
    return list(corpus.images.index)


def features_of(corpus: Corpus, store: Path) -> np.ndarray:
    features = ImageFeatures(corpus, options(store))
    assert features.ensure(ids_of(corpus)).all()
    return features.load(ids_of(corpus))


def views_of(corpus: Corpus, store: Path) -> np.ndarray:
    views = ImageFeatures(corpus, options(store)).views(Shifted(), 2)
    assert views.ensure(ids_of(corpus)).all()
    return views.load(ids_of(corpus))


def folders_of(store: Path) -> list[str]:
    return sorted(path.name for path in store.iterdir())


@pytest.mark.parametrize("rows_of", [features_of, views_of])
def test_a_corpus_is_not_given_the_features_of_another_one_of_its_name(write, tmp_path, capsys, rows_of):
    store = tmp_path / "store"
    first, second = write("a", 1), write("b", 2)
    ours = rows_of(first, store)
    capsys.readouterr()
    theirs = rows_of(second, store)
    assert f"{store / 'life'} holds the features of another corpus of that name" in capsys.readouterr().err
    np.testing.assert_array_equal(theirs, rows_of(second, tmp_path / "alone"))
    assert np.abs(ours - theirs).max() > 0.01
    capsys.readouterr()
    np.testing.assert_array_equal(rows_of(first, store), ours)
    np.testing.assert_array_equal(rows_of(second, store), theirs)
    said = capsys.readouterr().err
    assert "Encoding" not in said
    assert "another corpus" not in said  # once is enough
    assert len(folders_of(store)) == 2


def test_nor_its_detections(write, tmp_path, weights):
    how = Objects(detector=str(weights), size=64)
    tables = {}
    for name, seed in (("a", 1), ("b", 2)):
        corpus = write(name, seed)
        for store in ("store", f"alone-{name}"):
            found = ObjectDetections(corpus, how, tmp_path / store)
            found.ensure(ids_of(corpus))
            tables[name, store] = found.csv(ids_of(corpus))
        assert tables[name, "store"] == tables[name, f"alone-{name}"]
    assert tables["a", "store"] != tables["b", "store"]


def test_one_picture_that_differs_is_enough(write, tmp_path):
    first, second = write("a", 1), write("b", 1)
    path = Path(second.images.loc["004.bmp", "path"])
    Image.new("RGB", (48, 36)).save(path)
    os.utime(path, ns=(10**18, 10**18))
    features_of(first, tmp_path / "store")
    np.testing.assert_array_equal(features_of(second, tmp_path / "store"), features_of(second, tmp_path / "alone"))


@pytest.mark.parametrize("how", ["moved", "copied", "linked"])
def test_a_corpus_finds_its_features_at_another_place(write, tmp_path, capsys, how):
    store, corpus = tmp_path / "store", write("a", 1)
    rows = features_of(corpus, store)
    other = tmp_path / "b" / "life"
    other.parent.mkdir()
    if how == "moved":
        shutil.move(corpus.root, other)
    elif how == "copied":
        shutil.copytree(corpus.root, other)
    else:
        other.symlink_to(corpus.root)
    capsys.readouterr()
    np.testing.assert_array_equal(features_of(corpus_of(other), store), rows)
    assert "Encoding" not in capsys.readouterr().err
    assert folders_of(store) == ["life"]


def test_so_does_a_corpus_that_had_to_take_another_folder(write, tmp_path, capsys):
    store = tmp_path / "store"
    features_of(write("a", 1), store)
    second = write("b", 2)
    rows = features_of(second, store)
    shutil.move(second.root, tmp_path / "life")
    capsys.readouterr()
    np.testing.assert_array_equal(features_of(corpus_of(tmp_path / "life"), store), rows)
    assert "Encoding" not in capsys.readouterr().err
    assert len(folders_of(store)) == 2


def test_corpora_that_take_turns_at_one_place_keep_their_features(write, tmp_path, capsys):
    store = tmp_path / "store"
    place = tmp_path / "mounted" / "life"
    place.parent.mkdir()
    rows = {}
    for number in (1, 2, 3, 1, 2, 3):
        there = tmp_path / str(number) / "life"
        if number not in rows:
            write(str(number), number)
        there.rename(place)
        capsys.readouterr()
        found = features_of(corpus_of(place), store)
        assert ("Encoding" in capsys.readouterr().err) == (number not in rows)
        np.testing.assert_array_equal(found, rows.setdefault(number, found))
        place.rename(there)
    assert len(folders_of(store)) == 3


def test_a_store_from_before_is_the_first_comer_s(write, tmp_path, capsys):
    store, corpus = tmp_path / "store", write("a", 1)
    rows = features_of(corpus, store)
    (store / "life" / NOTE).unlink()
    capsys.readouterr()
    np.testing.assert_array_equal(features_of(corpus, store), rows)
    assert "Encoding" not in capsys.readouterr().err
    other = write("b", 2)
    assert np.abs(features_of(other, store) - rows).max() > 0.01  # from now on it is known whose it is


@pytest.mark.parametrize(
    "note", ["", "[]", '{"roots": 3, "heads": {}}', '{"roots": [], "heads": {"000.bmp": 7}}', "\xff"]
)
def test_a_damaged_note_is_written_anew(write, tmp_path, capsys, note):
    store, corpus = tmp_path / "store", write("a", 1)
    features_of(corpus, store)
    whole = (store / "life" / NOTE).read_bytes()
    (store / "life" / NOTE).write_text(note, encoding="latin-1")
    features_of(corpus, store)
    said = capsys.readouterr().err
    assert f"{NOTE} is damaged" in said
    assert (store / "life" / NOTE).read_bytes() == whole


def test_photographs_that_came_since_are_noted_too(write, tmp_path):
    store = tmp_path / "store"
    few = write("a", 1, 2)
    claim_folder(store, few)
    shutil.rmtree(few.root)
    many = write("a", 1, 9)
    claim_folder(store, many)
    assert len(json.loads((store / "life" / NOTE).read_text())["heads"]) == 9
    other = write("b", 1, 9)
    path = Path(other.images.loc["007.bmp", "path"])
    path.write_bytes(bytes(path.stat().st_size))
    os.utime(path, ns=(10**18, 10**18))
    assert claim_folder(store, other) != claim_folder(store, many)


def test_of_a_large_corpus_a_part_is_noted_and_of_a_known_one_a_part_of_that_is_read(write, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_MOST", 5)
    monkeypatch.setattr(module, "_FEW", 2)
    store, corpus = tmp_path / "store", write("a", 1, 20)
    claim_folder(store, corpus)
    assert list(json.loads((store / "life" / NOTE).read_text())["heads"]) == [f"{n:03}.bmp" for n in (0, 4, 8, 12, 16)]
    read: list[str] = []
    head = module._head
    monkeypatch.setattr(module, "_head", lambda path: (read.append(path), head(path))[1])
    claim_folder(store, corpus)
    assert len(read) == 2
    shutil.move(corpus.root, tmp_path / "life")
    claim_folder(store, corpus_of(tmp_path / "life"))
    assert len(read) == 2 + 5


def test_touched_files_are_encoded_again_in_the_same_folder(write, tmp_path, capsys):
    store, corpus = tmp_path / "store", write("a", 1)
    features_of(corpus, store)
    for path in corpus.images["path"]:
        os.utime(path)
    capsys.readouterr()
    features_of(corpus, store)
    assert "Encoding photographs: 6 done" in capsys.readouterr().err
    assert folders_of(store) == ["life"]


def test_the_status_is_that_of_the_corpus_s_own_folder_and_writes_nothing(write, tmp_path):
    store = tmp_path / "store"
    first, second = write("a", 1), write("b", 2)
    features_of(first, store)
    assert corpus_status(second, store) == []
    assert folders_of(store) == ["life"]
    features_of(second, store)
    for corpus in (first, second):
        [row] = corpus_status(corpus, store)
        assert (row.done, row.missing) == (NUMBER, 0)
        assert Path(row.store).parent == corpus_folder(store, corpus)


def test_a_note_that_cannot_be_written_ends_nothing(write, tmp_path, monkeypatch):
    store, corpus = tmp_path / "store", write("a", 1)
    rows = features_of(corpus, store)
    (store / "life" / NOTE).unlink()
    (store / "life" / NOTE).mkdir()  # nothing can take its place
    np.testing.assert_array_equal(features_of(corpus, store), rows)
