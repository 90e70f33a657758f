"""Damaged shards are left out and said; their digests find what their sizes do not."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from helpers import refusal
from test_store import META, features, filled, load, signs_of

from ntcir.features.failures import read_failures
from ntcir.features.shards import INDEX_DIGEST, ROWS_DIGEST, as_index
from ntcir.features.store import DetectionStore, FeatureStore, stored_meta

LONG = "x" * 200_000


def second(folder: Path) -> Path:
    """Return the index of the second of three shards."""
    return sorted(folder.glob("shard-*.json"))[1]


def flipped(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 16
    path.write_bytes(data)


def inserted(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:140] + b"\0\0\0\0" + data[140:-4])


@pytest.mark.parametrize("damage", ["flipped bit", "inserted bytes"])
def test_rows_of_the_right_size_that_are_others_are_found_said_once_and_computed_again(tmp_path, capsys, damage):
    before, ids, rows = filled(tmp_path / "store")
    path = second(before.folder).with_suffix(".npy")
    whole = path.read_bytes()
    if damage == "flipped bit":
        flipped(path, -3)
    else:
        inserted(path)
    store = FeatureStore(before.folder, META)
    store.check(ids, signs_of(ids))
    assert [place for place, item in enumerate(ids) if store.needs(item, f"sign-{item}")] == [4, 5, 6, 7]
    told = capsys.readouterr().err
    assert "1 damaged shard is left out" in told
    assert path.with_suffix(".json").name in told
    store.refresh()
    store.check(ids, signs_of(ids))
    assert len(store) == 8
    assert capsys.readouterr().err == ""
    store.write(1, ids[4:8], signs_of(ids[4:8]), rows[4:8])
    for reader in (store, FeatureStore(before.folder, META)):
        reader.check(ids, signs_of(ids))
        np.testing.assert_array_equal(load(reader, ids), rows)
    assert path.read_bytes() == whole


INDICES = {
    "a null id": {"ids": ["a", None]},
    "a number as id": {"ids": ["a", 5]},
    "an id twice": {"ids": ["a", "a"]},
    "a null signature": {"signatures": ["1-1", None]},
    "ids as text": {"ids": "ab"},
    "no ids": {"ids": None},
    "a negative count": {"rows": [3, -1]},
    "a huge count": {"rows": [10**30, 1]},
    "a truth as count": {"rows": [True, 1]},
    "counts as text": {"rows": "11"},
    "fewer signatures": {"signatures": ["1-1"]},
    "failures of two": {"failed": [["a", "b"]]},
    "a null reason": {"failed": [["a", "b", None]]},
    "failures as text": {"failed": "abc"},
    "a digest that is none": {ROWS_DIGEST: 5},
    "another digest": {INDEX_DIGEST: "0"},
}


@pytest.mark.parametrize("name", INDICES)
@pytest.mark.parametrize("kind", [FeatureStore, DetectionStore])
def test_an_index_that_is_not_one_does_not_count_and_is_said(tmp_path, capsys, kind, name):
    folder = tmp_path / "store"
    kind(folder, META)
    np.save(folder / "shard-1.npy", np.zeros((2, 3 if kind is FeatureStore else 6), dtype=np.float32))
    index = {"ids": ["a", "b"], "signatures": ["1-1", "1-1"], "failed": []}
    (folder / "shard-1.json").write_text(json.dumps(index), encoding="utf-8")
    assert len(kind(folder, META)) == 2
    (folder / "shard-1.json").write_text(json.dumps(index | INDICES[name]), encoding="utf-8")
    assert len(kind(folder, META)) == 0
    assert "shard-1.json: its" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["[]", "[" * 100_000, "5", '{"ids": 1', "\xff", "9" * 5000])
def test_an_index_that_is_not_even_json_does_not_count(tmp_path, capsys, text):
    store, _, _ = filled(tmp_path / "store")
    second(store.folder).write_text(text, encoding="latin1")
    assert len(FeatureStore(store.folder, META)) == 8
    assert "1 damaged shard is left out" in capsys.readouterr().err


def test_a_changed_id_is_found_by_the_digest_of_the_index(tmp_path):
    store, ids, rows = filled(tmp_path / "store")
    path = second(store.folder)
    path.write_text(path.read_text().replace(ids[4], ids[0]).replace(f"sign-{ids[4]}", f"sign-{ids[0]}"))
    again = FeatureStore(store.folder, META)
    assert len(again) == 8
    np.testing.assert_array_equal(load(again, ids[:4]), rows[:4])


HEADERS = {
    "a huge shape": "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999, 3), }",
    "a negative shape": "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 3), }",
    "another type": "{'descr': '<f8', 'fortran_order': False, 'shape': (4, 3), }",
    "the other end first": "{'descr': '>f4', 'fortran_order': False, 'shape': (4, 3), }",
    "columns first": "{'descr': '<f4', 'fortran_order': True, 'shape': (4, 3), }",
    "objects": "{'descr': '|O', 'fortran_order': False, 'shape': (4, 3), }",
    "an open bracket": "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 3",
    "an open text": "{'descr': '''<f4",
    "nested": "(" * 90,
    "an unknown escape": "{'descr': '\\N{x}'}",
    "nothing": "",
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_broken_header_is_a_damaged_shard(tmp_path, capsys, name):
    store, ids, rows = filled(tmp_path / "store")
    path = second(store.folder).with_suffix(".npy")
    data = path.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path.write_bytes(data[:10] + HEADERS[name].encode().ljust(117) + b"\n" + data[128:])
        again = FeatureStore(store.folder, META)
    assert len(again) == 8
    np.testing.assert_array_equal(load(again, ids[:4]), rows[:4])
    assert "1 damaged shard is left out" in capsys.readouterr().err


@pytest.mark.parametrize("size", [-1, 1, 4])
def test_rows_longer_or_shorter_than_they_should_be_are_damaged(tmp_path, size):
    store, _, _ = filled(tmp_path / "store")
    path = second(store.folder).with_suffix(".npy")
    data = path.read_bytes()
    path.write_bytes(data[:size] if size < 0 else data + b"\0" * size)
    assert len(FeatureStore(store.folder, META)) == 8


def test_several_damaged_shards_are_said_in_one_line(tmp_path, capsys):
    store, _, _ = filled(tmp_path / "store")
    for path in store.folder.glob("shard-*.json"):
        path.write_text("{")
    FeatureStore(store.folder, META)
    assert capsys.readouterr().err.count("\n") == 1


def test_rows_taken_away_behind_an_open_store_are_one_sentence(tmp_path):
    store, ids, _ = filled(tmp_path / "store")
    second(store.folder).with_suffix(".npy").unlink()
    sentence = refusal(load, store, ids)
    assert "no such file" in sentence
    assert "start again" in sentence


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_not_finite_are_named_when_they_are_read(tmp_path, value):
    store = FeatureStore(tmp_path / "store", META)
    rows = features(3)
    rows[1, 2] = value
    store.write(0, ["a", "b", "c"], ["1"] * 3, rows)
    sentence = refusal(load, store, ["a", "b", "c"], ["1"] * 3)
    assert "'b'" in sentence
    assert "not finite" in sentence
    large = np.full((3, 3), 3e38, dtype=np.float32)  # whose sum is infinite
    store.write(1, ["d", "e", "f"], ["1"] * 3, large)
    np.testing.assert_array_equal(load(store, ["d", "e", "f"], ["1"] * 3), large)


OLD = json.dumps({"ids": ["a"], "signatures": ["1-1"]})  # from before shards listed their failures


@pytest.mark.parametrize(
    ("text", "kept", "told"),
    [
        (
            f"good.jpg,1-1,cut off\nlong.jpg,1-1,{LONG}\nlate.jpg,1-1,x\n",
            {"good.jpg"},
            "not CSV after line 2 (field",
        ),
        ('good.jpg,1-1,cut off\n"open', {"good.jpg"}, ""),
        ("short.jpg\ngood.jpg,1-1,cut off,more\n", {"good.jpg"}, ""),
        ("nul\0.jpg,1-1,x\ngood.jpg,1-1,x\n", {"nul\0.jpg", "good.jpg"}, ""),
    ],
)
def test_a_list_of_failures_is_read_as_far_as_it_can_be(tmp_path, capsys, text, kept, told):
    folder = tmp_path / "store"
    FeatureStore(folder, META)
    np.save(folder / "shard-1.npy", features(1))
    (folder / "shard-1.json").write_text(OLD)
    (folder / "failed.csv").write_text("id,signature,reason\n" + text)
    store = FeatureStore(folder, META)
    assert {item for item in ("short.jpg", "good.jpg", "late.jpg", "nul\0.jpg") if not store.needs(item, "1-1")} == kept
    error = capsys.readouterr().err
    assert told in error
    assert bool(told) == bool(error)
    store.list_failed({})


def test_a_folder_in_place_of_the_list_of_failures_ends_nothing(tmp_path, capsys):
    store, _, _ = filled(tmp_path / "store")
    (store.folder / "failed.csv").mkdir()
    assert read_failures(store.folder / "failed.csv") == {}
    store.write(5, [], [], features(0), [("bad.jpg", "1-1", "cut off")])
    store.list_failed({})
    assert "is a directory" in capsys.readouterr().err


def test_a_list_of_failures_that_shards_do_not_confirm_counts_no_more(tmp_path):
    store, _, _ = filled(tmp_path / "store")
    (store.folder / "failed.csv").write_text("id,signature,reason\ngood.jpg,1-1,cut off\n")
    assert FeatureStore(store.folder, META).needs("good.jpg", "1-1")


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000, "{", "\xff"])
def test_meta_and_backends_that_are_not_json_are_no_traceback(tmp_path, text):
    store, _, _ = filled(tmp_path / "store")
    (store.folder / "backends.json").write_text(text, encoding="latin1")
    assert store.backends == []
    (store.folder / "meta.json").write_text(text, encoding="latin1")
    assert "is not readable; remove the folder" in refusal(FeatureStore, store.folder, META)


def test_a_meta_that_cannot_be_read_is_not_to_be_removed(tmp_path):
    (tmp_path / "meta.json").mkdir()
    sentence = refusal(stored_meta, tmp_path)
    assert "is a directory" in sentence
    assert "remove" not in sentence


def test_an_index_of_today_has_both_digests(tmp_path):
    store, _, _ = filled(tmp_path / "store")
    tree = json.loads(second(store.folder).read_text())
    assert {ROWS_DIGEST, INDEX_DIGEST} <= tree.keys()
    assert as_index(tree).digest == tree[ROWS_DIGEST]
