"""The feature store: what is written is read back, and nothing else."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ntcir.features.store import DetectionStore, FeatureStore, signature
from ntcir.system import locks as locks_module
from ntcir.system.errors import UserError

META = {"fingerprint": "f" * 64, "dim": 3, "arch": "some"}


def features(number: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((number, 3)).astype(np.float32)


def signs_of(ids: Sequence[str]) -> list[str]:
    return [f"sign-{item}" for item in ids]


def load(store: FeatureStore, ids: list[str], signs: list[str] | None = None) -> np.ndarray:
    out = np.full((len(ids), store.dim), np.nan, dtype=np.float32)
    store.load(ids, signs or signs_of(ids), out)
    return out


def filled(folder: Path, shards: int = 3, each: int = 4) -> tuple[FeatureStore, list[str], np.ndarray]:
    store = FeatureStore(folder, META)
    ids, rows = [f"{number:05}" for number in range(shards * each)], features(shards * each)
    for block in range(shards):
        part = slice(block * each, (block + 1) * each)
        store.write(block, ids[part], signs_of(ids[part]), rows[part])
    return store, ids, rows


def listed(store: FeatureStore | DetectionStore, signs: dict[str, str]) -> dict[str, str]:
    with store.list_failed(signs).open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["reason"] for row in csv.DictReader(file)}


def test_what_was_written_is_read_back_in_any_order_and_after_reopening(tmp_path):
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
    store.load(ids, signs_of(ids), table[:, 4:7])
    np.testing.assert_array_equal(table[:, 4:7], rows)
    assert not table[:, :4].any()
    assert not table[:, 7].any()


def test_features_are_kept_as_float32_whatever_the_layout_they_come_in(tmp_path):
    store = FeatureStore(tmp_path / "store", META)
    rows = np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3))
    store.write(0, ["a", "b"], ["1", "1"], rows)
    (shard,) = (tmp_path / "store").glob("shard-*.npy")
    assert np.load(shard, mmap_mode="r").dtype == np.float32
    np.testing.assert_array_equal(load(store, ["b", "a"], ["1", "1"]), rows[::-1])


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


def test_a_shard_that_was_damaged_is_written_again_under_its_name(tmp_path):
    store, ids, rows = filled(tmp_path / "store")
    before = {path: path.read_bytes() for path in sorted(store.folder.iterdir())}
    index = sorted(store.folder.glob("shard-*.json"))[1]
    index.with_suffix(".npy").write_bytes(b"torn")
    again = FeatureStore(store.folder, META)
    again.write(1, ids[4:8], signs_of(ids[4:8]), rows[4:8])
    assert {path: path.read_bytes() for path in sorted(store.folder.iterdir())} == before
    np.testing.assert_array_equal(load(again, ids), rows)


def test_whoever_writes_a_block_writes_the_same_whenever_that_is(tmp_path):
    rows, bad = features(4), [("d", "5-6", "cut off"), ("c", "5-5", "empty")]
    found = []
    for name, order in (("one", (0, 1)), ("two", (1, 0))):
        store = FeatureStore(tmp_path / name, META)
        for block in (*order, 0):
            part = slice(2 * block, 2 * block + 2)
            store.write(block, ["a", "b", "e", "f"][part], ["1-1"] * 2, rows[part], bad[:: 1 - 2 * order[0]])
        found.append({path.name: path.read_bytes() for path in store.folder.iterdir()})
    assert found[0] == found[1]
    assert len(found[0]) == 2 * 2 + len(["meta.json"])


@pytest.mark.parametrize("locks", [True, False])
def test_what_killed_writers_left_is_in_nobodys_way_and_removed_where_that_is_safe(tmp_path, monkeypatch, locks):
    store, ids, rows = filled(tmp_path / "store")
    left = store.folder / ".shard-0000001-0123456789ab.npy.abcd.npy"
    left.write_bytes(b"half")
    np.testing.assert_array_equal(load(FeatureStore(store.folder, META), ids), rows)
    assert left.exists()
    monkeypatch.setattr(locks_module, "HAS_LOCKS", locks)
    store.write(2, ids[4:8], signs_of(ids[4:8]), rows[4:8])
    assert left.exists() == (not locks)  # where there are no locks, another process may be at it


@pytest.mark.parametrize("name", ["meta.json", "backends.json", "failed.csv"])
def test_what_a_killed_writer_left_of_another_file_is_removed_when_it_is_written(tmp_path, name):
    left = tmp_path / "store" / f".{name}.abcd{Path(name).suffix}"
    left.parent.mkdir()
    left.write_bytes(b"half")
    store = FeatureStore(tmp_path / "store", META)
    store.note_backend("eager bf16")
    store.write(0, [], [], features(0), [("a", "1-1", "cut off")])
    store.list_failed({})
    assert (store.folder / name).stat().st_size > 10
    assert not left.exists()


def test_a_changed_file_is_needed_again_and_both_of_its_states_are_kept(tmp_path):
    store, ids, rows = filled(tmp_path / "store")
    assert store.needs(ids[0], "8-8")
    newer = features(1, seed=9)
    store.write(0, [ids[0]], ["8-8"], newer)
    for reader in (store, FeatureStore(tmp_path / "store", META)):
        np.testing.assert_array_equal(load(reader, [ids[0]], ["8-8"]), newer)
        np.testing.assert_array_equal(load(reader, [ids[0]]), rows[:1])
        assert reader.has(ids[0], "8-8")
        assert not reader.has(ids[0], "9-9")
        assert len(reader) == 13


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


@pytest.mark.parametrize("kind", [FeatureStore, DetectionStore])
def test_failed_items_are_kept_with_their_reason_and_tried_again_only_when_the_file_has_changed(tmp_path, kind):
    def note(*failed: tuple[str, str, str]) -> None:
        if kind is FeatureStore:
            store.write(3, [], [], features(0), failed)
        else:
            store.append([], [], [], failed)

    store = kind(tmp_path / "store", META)
    note(("bad, one.jpg", "1-1", 'truncated, "very" much'), ("gone.jpg", "", "no such file"))
    note(("worse.jpg", "1-1", "no picture"))
    signs = {"bad, one.jpg": "1-1", "gone.jpg": ""}
    assert list(listed(store, signs)) == ["bad, one.jpg", "gone.jpg", "worse.jpg"]
    for reader in (store, kind(tmp_path / "store", META)):
        assert reader.failed(signs)["bad, one.jpg"] == ("1-1", 'truncated, "very" much')
        assert reader.failure("bad, one.jpg", "1-1") == 'truncated, "very" much'
        assert reader.failure("bad, one.jpg", "2-2") is None
        assert not reader.needs("bad, one.jpg", "1-1")
        assert reader.needs("bad, one.jpg", "2-2")
        assert not reader.needs("gone.jpg", "")
        assert reader.needs("never tried.jpg", "")
        assert not reader.has("bad, one.jpg", "1-1")
        assert len(reader) == 0


def test_only_the_present_state_of_a_file_is_listed_as_failed(tmp_path):
    store = FeatureStore(tmp_path / "store", META)
    assert not store.list_failed({}).exists()
    for block, sign in enumerate(["1-1", "2-2", "3-3"]):
        store.write(block, [], [], features(0), [("bad.jpg", sign, f"reason {sign}"), ("mended.jpg", sign, "cut off")])
    store.write(3, ["mended.jpg"], ["4-4"], features(1))
    for sign in ("1-1", "2-2", "3-3"):
        for reader in (store, FeatureStore(tmp_path / "store", META)):
            assert listed(reader, {"bad.jpg": sign, "mended.jpg": "4-4"}) == {"bad.jpg": f"reason {sign}"}
    assert listed(store, {"bad.jpg": "5-5", "mended.jpg": "4-4"}) == {}
    assert listed(store, {"mended.jpg": "4-4"}).keys() == {"bad.jpg"}  # of which nobody knows the present state


def test_a_store_written_before_shards_had_names_of_their_own_is_gone_on_with(tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "meta.json").write_text(json.dumps({**META, "version": 1}))
    rows = features(3)
    for name, ids, part in (("17530001-7", ["a", "b"], rows[:2]), ("17530002-7", ["c", "d"], rows[[0, 2]])):
        np.save(folder / f"shard-{name}.npy", part)
        (folder / f"shard-{name}.json").write_text(json.dumps({"ids": ids, "signatures": ["1-1", "1-1"]}))
    (folder / "failed.csv").write_text("id,signature,reason\r\nbad.jpg,1-1,cut off\r\n", newline="")
    store = FeatureStore(folder, META)
    assert store.backends == []
    np.testing.assert_array_equal(load(store, ["d", "a", "b"], ["1-1"] * 3), rows[[2, 0, 1]])
    assert store.failure("bad.jpg", "1-1") == "cut off"
    assert not store.needs("bad.jpg", "1-1")
    store.write(0, ["e"], ["1-1"], features(1, seed=4), [("worse.jpg", "1-1", "empty")])
    assert listed(store, {}) == {"bad.jpg": "cut off", "worse.jpg": "empty"}
    again = FeatureStore(folder, META)
    np.testing.assert_array_equal(load(again, ["e", "d"], ["1-1"] * 2), np.stack([features(1, seed=4)[0], rows[2]]))
    assert not again.needs("bad.jpg", "1-1")


def test_a_list_of_failures_that_somebody_saved_otherwise_does_not_matter(tmp_path):
    store, ids, rows = filled(tmp_path / "store")
    store.write(5, [], [], features(0), [("bad.jpg", "1-1", "cut off")])
    store.list_failed({}).write_text("id;signature;reason\nbad.jpg;1-1;cut off\n")
    again = FeatureStore(store.folder, META)
    np.testing.assert_array_equal(load(again, ids), rows)
    assert not again.needs("bad.jpg", "1-1")


def test_what_worked_the_features_out_is_noted_the_latest_last(tmp_path):
    store = FeatureStore(tmp_path / "store", META)
    assert store.backends == []
    for name, expected in (
        ("eager bf16", ["eager bf16"]),
        ("eager bf16", ["eager bf16"]),
        ("openvino bf16", ["eager bf16", "openvino bf16"]),
        ("eager bf16", ["openvino bf16", "eager bf16"]),
    ):
        store.note_backend(name)
        assert store.backends == FeatureStore(store.folder, META).backends == expected
    for text in ("{", '{"a": 1}'):
        (store.folder / "backends.json").write_text(text)
        assert store.backends == []


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
    ids = [f"{writer}-{number}", "both"]
    rows = np.full((2, 3), 100 * writer + number)
    store.write(number, ids, ["sign", "sign"], rows, [(f"bad {writer}", "1-1", "why")])
    store.note_backend(f"{writer}-{number}")
    store.list_failed({})
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
        rows = load(store, [f"{writer}-{number}" for number in range(30)], ["sign"] * 30)
        np.testing.assert_array_equal(rows[:, 0], 100 * writer + np.arange(30))
    assert load(store, ["both"], ["sign"])[0, 0] in {*range(30), *range(100, 130)}
    assert listed(store, {}) == {"bad 0": "why", "bad 1": "why"}
    assert store.backends[-1] in {"0-29", "1-29"}
    assert not list(store.folder.glob(".*"))


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
    import ntcir.features.shards as module

    store, ids, rows = filled(tmp_path / "store")
    before = sorted((tmp_path / "store").iterdir())

    def full(path: Path, text: str) -> None:
        raise UserError(f"No space left to write {path}")

    monkeypatch.setattr(module, "atomic_write", full)
    with pytest.raises(UserError, match="No space left"):
        store.write(7, ["new"], ["sign"], features(1))
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
        owners, found = reader.load([ids[place] for place in asked], signs_of([ids[place] for place in asked]))
        np.testing.assert_array_equal(owners, np.repeat(np.arange(7), [len(rows[place]) for place in asked]))
        np.testing.assert_array_equal(found, np.concatenate([rows[place] for place in asked]))
        owners, found = reader.load(["never stored", ids[6], ids[2]], ["1-1", f"sign-{ids[6]}", "1-1"])
        np.testing.assert_array_equal(owners, [1])
        np.testing.assert_array_equal(found, rows[6])
        assert reader.load([], [])[1].shape == reader.load([ids[1]], signs_of([ids[1]]))[1].shape == (0, 6)


def test_the_detections_of_the_present_state_count_even_if_they_are_fewer(tmp_path):
    store, ids, _ = with_detections(tmp_path / "store")
    newer = detections([1, 0], seed=9)
    store.append([ids[2], ids[7]], ["new", "new"], newer)
    for reader in (store, DetectionStore(tmp_path / "store", META)):
        owners, found = reader.load([ids[7], ids[2]], ["new", "new"])
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
    np.testing.assert_array_equal(store.load(ids, signs_of(ids))[1], np.concatenate(rows[6:]))


def test_a_detection_store_of_another_fingerprint_is_refused(tmp_path):
    with_detections(tmp_path / "store")
    with pytest.raises(UserError, match="holds detections of another version"):
        DetectionStore(tmp_path / "store", META | {"fingerprint": "0" * 64})
