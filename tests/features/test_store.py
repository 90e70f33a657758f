"""The feature store: what is written is read back, and nothing else."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ntcir.errors import UserError
from ntcir.features.store import DetectionStore, FeatureStore, signature

META = {"fingerprint": "f" * 64, "dim": 3, "arch": "some"}


def features(number: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((number, 3)).astype(np.float32)


def load(store: FeatureStore, ids: list[str]) -> np.ndarray:
    out = np.full((len(ids), store.dim), np.nan, dtype=np.float32)
    store.load(ids, out)
    return out


def filled(folder: Path, shards: int = 3, each: int = 4) -> tuple[FeatureStore, list[str], np.ndarray]:
    store = FeatureStore(folder, META)
    ids, rows = [f"{number:05}" for number in range(shards * each)], features(shards * each)
    for start in range(0, len(ids), each):
        store.append(
            ids[start : start + each],
            [f"sign-{item}" for item in ids[start : start + each]],
            rows[start : start + each],
        )
    return store, ids, rows


def test_what_was_appended_is_read_back_in_any_order_and_after_reopening(tmp_path):
    store, ids, rows = filled(tmp_path / "store")
    order = np.random.default_rng(1).permutation(len(ids))
    for reader in (store, FeatureStore(tmp_path / "store", META)):
        assert len(reader) == 12
        np.testing.assert_array_equal(load(reader, [ids[place] for place in order]), rows[order])
        np.testing.assert_array_equal(load(reader, [ids[5], ids[5]]), rows[[5, 5]])
        assert load(reader, []).shape == (0, 3)
        assert all(reader.has(item, f"sign-{item}") for item in ids)
        assert not any(reader.needs(item, f"sign-{item}") for item in ids)
        assert reader.needs("other", "sign")


def test_features_are_read_into_a_part_of_a_wider_table(tmp_path):
    store, ids, rows = filled(tmp_path / "store")
    table = np.zeros((12, 8), dtype=np.float32)
    store.load(ids, table[:, 4:7])
    np.testing.assert_array_equal(table[:, 4:7], rows)
    assert not table[:, :4].any()
    assert not table[:, 7].any()


def test_features_are_kept_as_float32_whatever_the_layout_they_come_in(tmp_path):
    store = FeatureStore(tmp_path / "store", META)
    rows = np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3))
    store.append(["a", "b"], ["1", "1"], rows)
    (shard,) = (tmp_path / "store").glob("shard-*.npy")
    assert np.load(shard, mmap_mode="r").dtype == np.float32
    np.testing.assert_array_equal(load(store, ["b", "a"]), rows[::-1])


@pytest.mark.parametrize("damage", ["index gone", "features gone", "index torn", "features torn"])
def test_a_shard_that_is_not_whole_does_not_count(tmp_path, damage):
    _, ids, rows = filled(tmp_path / "store")
    index = sorted((tmp_path / "store").glob("shard-*.json"))[1]
    path = index if "index" in damage else index.with_suffix(".npy")
    if "gone" in damage:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-10])
    store = FeatureStore(tmp_path / "store", META)
    assert len(store) == 8
    there = [*range(4), *range(8, 12)]
    np.testing.assert_array_equal(load(store, [ids[place] for place in there]), rows[there])
    assert store.needs(ids[4], f"sign-{ids[4]}")
    assert not store.has(ids[4], f"sign-{ids[4]}")


def test_files_left_half_written_are_in_nobodys_way(tmp_path):
    store, ids, rows = filled(tmp_path / "store")
    for name in (".shard-00001.npy.abcd.npy", ".shard-00001.json.abcd.json", ".failed.csv.x.csv", ".meta.json.y.json"):
        (tmp_path / "store" / name).write_bytes(b"half")
    np.testing.assert_array_equal(load(FeatureStore(store.folder, META), ids), rows)


def test_a_changed_file_is_needed_again_and_its_newer_features_count(tmp_path):
    store, ids, _ = filled(tmp_path / "store")
    assert store.needs(ids[0], "another sign")
    newer = features(1, seed=9)
    store.append([ids[0]], ["another sign"], newer)
    for reader in (store, FeatureStore(tmp_path / "store", META)):
        np.testing.assert_array_equal(load(reader, [ids[0]]), newer)
        assert reader.has(ids[0], "another sign")
        assert not reader.has(ids[0], f"sign-{ids[0]}")
        assert len(reader) == 12


def test_a_signature_tells_of_another_size_another_time_and_a_file_that_is_gone(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"12345")
    os.utime(path, ns=(1, 1))
    first = signature(str(path))
    os.utime(path, ns=(1, 2))
    assert signature(str(path)) != first
    path.write_bytes(b"123456")
    os.utime(path, ns=(1, 1))
    assert signature(str(path)) != first
    path.write_bytes(b"12345")
    os.utime(path, ns=(9, 1))
    assert signature(str(path)) == first
    path.unlink()
    assert signature(str(path)) == ""


def test_failed_items_are_kept_with_their_reason_and_tried_again_only_when_the_file_has_changed(tmp_path):
    store = FeatureStore(tmp_path / "store", META)
    store.note_failed({"bad.jpg": ("sign", 'truncated, "very" much'), "gone.jpg": ("", "no such file")})
    store.note_failed({"worse.jpg": ("sign", "no picture")})
    store.note_failed({})
    with (tmp_path / "store" / "failed.csv").open(encoding="utf-8", newline="") as file:
        assert [row["id"] for row in csv.DictReader(file)] == ["bad.jpg", "gone.jpg", "worse.jpg"]
    for reader in (store, FeatureStore(tmp_path / "store", META)):
        assert reader.failed["bad.jpg"] == ("sign", 'truncated, "very" much')
        assert not reader.needs("bad.jpg", "sign")
        assert reader.needs("bad.jpg", "another sign")
        assert not reader.needs("gone.jpg", "")
        assert reader.needs("never tried.jpg", "")
        assert not reader.has("bad.jpg", "sign")


def test_an_item_that_was_mended_is_no_longer_listed_as_failed(tmp_path):
    store = FeatureStore(tmp_path / "store", META)
    store.note_failed({"bad.jpg": ("sign", "truncated"), "worse.jpg": ("sign", "empty")})
    store.append(["bad.jpg"], ["another sign"], features(1))
    for reader in (store, FeatureStore(tmp_path / "store", META)):
        assert list(reader.failed) == ["worse.jpg"]


def test_a_store_of_another_fingerprint_or_version_is_refused(tmp_path):
    filled(tmp_path / "store")
    with pytest.raises(UserError, match="holds features of another version; move or remove it"):
        FeatureStore(tmp_path / "store", META | {"fingerprint": "0" * 64})
    meta = json.loads((tmp_path / "store" / "meta.json").read_text())
    assert meta["arch"] == "some"
    (tmp_path / "store" / "meta.json").write_text(json.dumps(meta | {"version": 0}))
    with pytest.raises(UserError, match="another version"):
        FeatureStore(tmp_path / "store", META)
    for text in ("{", "[]"):
        (tmp_path / "store" / "meta.json").write_text(text)
        with pytest.raises(UserError, match=r"meta\.json is not readable; remove the folder"):
            FeatureStore(tmp_path / "store", META)


def test_two_writers_at_once_lose_nothing_of_each_other(tmp_path):
    code = """
import sys
import numpy as np
from pathlib import Path
from ntcir.features.store import FeatureStore
store = FeatureStore(Path(sys.argv[1]), {"fingerprint": "f" * 64, "dim": 3, "arch": "some"})
writer = int(sys.argv[2])
for number in range(30):
    store.append([f"{writer}-{number}", "both"], ["sign", "sign"], np.full((2, 3), 100 * writer + number))
"""
    root = str(Path(__file__).resolve().parents[2])
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "store"), str(number)], env=os.environ | {"PYTHONPATH": root}
        )
        for number in range(2)
    ]
    assert [writer.wait() for writer in writers] == [0, 0]
    store = FeatureStore(tmp_path / "store", META)
    assert len(store) == 61
    for writer in range(2):
        rows = load(store, [f"{writer}-{number}" for number in range(30)])
        np.testing.assert_array_equal(rows[:, 0], 100 * writer + np.arange(30))
    assert load(store, ["both"])[0, 0] in {29, 129}


def test_reading_maps_the_shards_into_memory_and_does_not_read_them_whole(tmp_path, monkeypatch):
    _, ids, rows = filled(tmp_path / "store")
    modes = []
    whole = np.load
    monkeypatch.setattr(np, "load", lambda path, mmap_mode=None: modes.append(mmap_mode) or whole(path, mmap_mode))
    store = FeatureStore(tmp_path / "store", META)
    np.testing.assert_array_equal(load(store, ids[3:6]), rows[3:6])
    assert modes
    assert set(modes) == {"r"}


def test_when_there_is_no_room_nothing_of_the_shard_is_left_and_the_others_stay(tmp_path, monkeypatch):
    import ntcir.features.store as module

    store, ids, rows = filled(tmp_path / "store")
    before = sorted((tmp_path / "store").iterdir())

    def full(path: Path, text: str) -> None:
        raise UserError(f"No room left to write {path}")

    monkeypatch.setattr(module, "atomic_write", full)
    with pytest.raises(UserError, match="No room left"):
        store.append(["new"], ["sign"], features(1))
    assert sorted((tmp_path / "store").iterdir()) == before
    assert not store.has("new", "sign")
    np.testing.assert_array_equal(load(store, ids), rows)


# Detections: any number of rows an item -------------------------------------------------------------------------------


def detections(numbers: list[int], seed: int = 0) -> list[np.ndarray]:
    draw = np.random.default_rng(seed)
    return [draw.standard_normal((number, 6)).astype(np.float32) for number in numbers]


def with_detections(folder: Path) -> tuple[DetectionStore, list[str], list[np.ndarray]]:
    store, ids = DetectionStore(folder, META), [f"{number:05}" for number in range(9)]
    rows = detections([2, 0, 5, 0, 0, 0, 1, 3, 0])
    for start in range(0, 9, 3):
        part = slice(start, start + 3)
        store.append(ids[part], [f"sign-{item}" for item in ids[part]], rows[part])
    return store, ids, rows


def test_detections_are_read_back_in_any_order_and_none_is_an_answer_too(tmp_path):
    store, ids, rows = with_detections(tmp_path / "store")
    asked = [7, 1, 3, 2, 7, 8, 0]
    for reader in (store, DetectionStore(tmp_path / "store", META)):
        assert len(reader) == 9
        assert not any(reader.needs(item, f"sign-{item}") for item in ids)
        owners, found = reader.load([ids[place] for place in asked])
        np.testing.assert_array_equal(owners, np.repeat(np.arange(7), [len(rows[place]) for place in asked]))
        np.testing.assert_array_equal(found, np.concatenate([rows[place] for place in asked]))
        owners, found = reader.load(["never stored", ids[6]])
        np.testing.assert_array_equal(owners, [1])
        np.testing.assert_array_equal(found, rows[6])
        assert reader.load([])[1].shape == reader.load([ids[1]])[1].shape == (0, 6)


def test_newer_detections_count_even_if_they_are_fewer(tmp_path):
    store, ids, _ = with_detections(tmp_path / "store")
    newer = detections([1, 0], seed=9)
    store.append([ids[2], ids[7]], ["new", "new"], newer)
    for reader in (store, DetectionStore(tmp_path / "store", META)):
        owners, found = reader.load([ids[7], ids[2]])
        np.testing.assert_array_equal(owners, [1])
        np.testing.assert_array_equal(found, newer[0])
        assert reader.has(ids[7], "new")


def test_a_shard_whose_index_does_not_fit_its_rows_does_not_count(tmp_path):
    _, ids, rows = with_detections(tmp_path / "store")
    first, second, _ = sorted((tmp_path / "store").glob("shard-*.json"))
    index = json.loads(first.read_text())
    first.write_text(json.dumps(index | {"rows": [2, 0, 4]}))
    index = json.loads(second.read_text())
    second.write_text(json.dumps(index | {"signatures": index["signatures"][:2]}))
    store = DetectionStore(tmp_path / "store", META)
    assert len(store) == 3
    np.testing.assert_array_equal(store.load(ids)[1], np.concatenate(rows[6:]))


def test_a_detection_store_of_another_fingerprint_is_refused(tmp_path):
    with_detections(tmp_path / "store")
    with pytest.raises(UserError, match="holds detections of another version"):
        DetectionStore(tmp_path / "store", META | {"fingerprint": "0" * 64})
