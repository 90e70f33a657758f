"""The index on disk: what is in it, when it is made again, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from captioned import know_captions
from captioned import write_captioned as write_collection
from helpers import one_thread, refusal  # noqa: F401
from lifelogs import photograph_ids
from serving import digest_row, indexed, know_digests, save_model

from ntcir.corpora.concepts import CONCEPTS_FILE
from ntcir.model.model import Model
from ntcir.serve.index import index as index_module
from ntcir.serve.index.catalogue import UNKNOWN
from ntcir.system.claims import claimed

pytestmark = pytest.mark.usefixtures("one_thread", "digests")
DAYS = ("2020-02-28", "2020-03-02")


@pytest.fixture
def digests(monkeypatch: pytest.MonkeyPatch) -> None:
    know_digests(monkeypatch)


@pytest.fixture
def lifelog(tmp_path: Path, make_lifelog) -> Path:
    return make_lifelog(tmp_path / "log", DAYS, 3)


def texts(words) -> list[str]:
    return [words[row] for row in range(len(words))]


def made_again(capsys: pytest.CaptureFixture[str]) -> str:
    """Return why an index was made again, as it was said; empty if nothing was."""
    lines = [line for line in capsys.readouterr().err.splitlines() if "made again" in line]
    return lines[0].partition("made again: ")[2] if lines else ""


def only_index(tmp_path: Path) -> Path:
    [place] = (tmp_path / "index").iterdir()
    return place


# What is in it


def test_a_row_is_an_item_in_order_of_time(tmp_path, lifelog):
    index = indexed(tmp_path, lifelog)
    names = photograph_ids(DAYS, 3)
    catalogue = index.catalogue
    assert (index.corpus, index.root, index.folder.parent) == ("log", lifelog, tmp_path / "index")
    assert texts(catalogue.ids) == names
    assert [Path(path).name for path in texts(catalogue.contents)] == names
    assert catalogue.times[0] == np.datetime64("2020-02-28T08:00:32").astype(int)
    assert (np.diff(catalogue.times) > 0).all()
    assert [catalogue.ids.find(name) for name in names] == list(range(6))
    assert catalogue.ids.find("20200101_000000_000.jpg") is None
    assert catalogue.captions is None
    assert set(index.columns) == {"image", "sensor"}
    assert {"heart_rate(bpm)", "movement"} <= set(index.columns["sensor"])
    assert index.facets["days"] == [{"day": "2020-02-28", "count": 3}, {"day": "2020-03-02", "count": 3}]


def test_frames_of_one_second_are_in_order_of_time_too(tmp_path, make_records):
    rows = [{"file": f"{at}.png", "timestamp": f"2020-01-01T00:00:00.{9 - at}", "speed": at} for at in range(3)]
    assert texts(indexed(tmp_path, make_records(tmp_path / "data", rows)).catalogue.ids) == ["2.png", "1.png", "0.png"]


def test_vectors_are_those_of_documents_in_the_same_order(tmp_path, lifelog):
    index = indexed(tmp_path, lifelog)
    model = Model.load(tmp_path / "model")
    rows = np.stack([digest_row(name) for name in photograph_ids(DAYS, 3)])
    assert np.allclose(index.vectors.take(np.arange(6)), model.unit_vectors("image", rows), atol=1e-6)


def test_a_bias_against_hubs_is_one_more_column(tmp_path, lifelog):
    index = indexed(tmp_path, lifelog, beta=0.5)
    assert index.vectors.dim == 9
    without = indexed(tmp_path, lifelog, "hubness.beta=0")
    assert without.vectors.dim == 8
    assert without.folder != index.folder
    assert np.allclose(index.vectors.take(np.arange(6))[:, :8], without.vectors.take(np.arange(6)))


def test_items_that_are_the_same_have_the_very_same_vector(tmp_path, make_records, monkeypatch):
    monkeypatch.setattr("ntcir.serve.index.documents._BLOCK", 3)
    names = ["twin1.png", "a.png", "twin2.png", "b.png", "twin3.png"]
    rows = [{"file": name, "timestamp": f"2020-01-01T00:0{at}:00", "heat": at} for at, name in enumerate(names)]
    index = indexed(tmp_path, make_records(tmp_path / "data", rows))
    vectors = index.vectors.take(np.arange(5))
    assert (vectors[[2, 4]] == vectors[0]).all()
    assert not (vectors[1] == vectors[3]).any()


def test_readings_are_those_of_the_partner_and_what_is_of_no_use_is_named(tmp_path, make_lifelog):
    names = photograph_ids(DAYS, 20)
    located = [
        {"ImageID": name, "movement": "Car" if at % 3 else "Inside", "parent": ""} for at, name in enumerate(names)
    ]
    minutes = [{"minute_id": name[:13], "heart_rate(bpm)": 60 + at, "calories": 1.5} for at, name in enumerate(names)]
    index = indexed(tmp_path, make_lifelog(tmp_path / "log", located=located, minutes=minutes))
    catalogue = index.catalogue
    assert catalogue.numbers["heart_rate(bpm)"].tolist() == list(range(60, 100))
    assert catalogue.numbers["heart_rate(bpm)"].dtype == np.float32
    movement = catalogue.labels["movement"]
    assert list(movement.values) == ["Car", "Inside"]
    assert movement.codes.tolist() == [0 if at % 3 else 1 for at in range(40)]
    assert not {"calories", "foursquare_id", "parent", "local_hour", "country"} & {
        *catalogue.numbers,
        *catalogue.labels,
    }
    told = "\n".join(index.remarks)
    assert "foursquare_id is not offered: values that differ nearly everywhere." in told
    assert "calories" in next(
        line for line in index.remarks if line.endswith("not offered: the same value throughout.")
    )
    assert "parent" in next(line for line in index.remarks if line.endswith("not offered: no value."))
    assert index.facets["labels"]["movement"] == [{"value": "Car", "count": 26}, {"value": "Inside", "count": 14}]
    heart = index.facets["numbers"]["heart_rate(bpm)"]
    assert heart == {"known": 40, "least": 60, "most": 99, "low": 62, "high": 97}


def test_positions_come_from_the_better_columns_and_then_from_the_others(tmp_path, make_lifelog):
    names = photograph_ids(DAYS[:1], 3)
    located = [{"ImageID": name} for name in names]
    located[0] |= {"new_lat": 1.5, "new_lng": -2.5}
    located[1] |= {"new_lat": "", "new_lng": ""}
    located[2] |= {"new_lat": "", "new_lng": ""}
    minutes = [{"minute_id": name[:13], "latitude": 10, "longitude": 20} for name in names]
    minutes[2] |= {"latitude": 123, "longitude": 20}  # no latitude
    catalogue = indexed(tmp_path, make_lifelog(tmp_path / "log", located=located, minutes=minutes)).catalogue
    assert catalogue.positions[:2].tolist() == [[1.5, -2.5], [10, 20]]
    assert np.isnan(catalogue.positions[2]).all()
    assert catalogue.placed


def test_readings_are_there_where_the_pair_is_of_photographs_and_text(tmp_path, lifelog):
    names = photograph_ids(DAYS, 3)
    rows = [f"{names[0]},a café,", f'{names[1]},,"cup,table"', f"{names[3]},a road,"]
    (lifelog / CONCEPTS_FILE).write_text("ImageID,Caption,Tags\n" + "\n".join(rows) + "\n", encoding="utf-8")
    catalogue = indexed(tmp_path, lifelog, pair=("image", "text")).catalogue
    assert texts(catalogue.ids) == names
    assert np.isfinite(catalogue.numbers["heart_rate(bpm)"]).all()
    assert "movement" in catalogue.labels
    assert (catalogue.times != UNKNOWN).all()
    assert texts(catalogue.captions) == ["a café", "cup table", "", "a road", "", ""]


def test_captions_are_there_where_the_pair_is_of_photographs_and_readings(tmp_path, lifelog):
    names = photograph_ids(DAYS, 3)
    (lifelog / CONCEPTS_FILE).write_text(f"ImageID,Caption\n{names[2]},a door\n", encoding="utf-8")
    index = indexed(tmp_path, lifelog)
    assert texts(index.catalogue.captions) == ["", "", "a door", "", "", ""]


def test_captions_that_cannot_be_read_are_left_out_and_that_is_said(tmp_path, lifelog):
    (lifelog / CONCEPTS_FILE).write_text("Photo,Caption\nx,y\n", encoding="utf-8")
    index = indexed(tmp_path, lifelog)
    assert index.catalogue.captions is None
    assert any(line.startswith("Captions are not shown: ") for line in index.remarks)


def test_a_column_of_captions_in_records_is_shown(tmp_path, make_records):
    rows = [{"file": f"{at}.png", "timestamp": f"2020-01-01T00:0{at}:00", "caption": f"no {at}"} for at in range(3)]
    index = indexed(tmp_path, make_records(tmp_path / "data", rows))
    assert texts(index.catalogue.captions) == ["no 0", "no 1", "no 2"]


def test_a_collection_has_no_times_no_places_and_no_readings(tmp_path, monkeypatch):
    know_captions(monkeypatch)
    know_digests(monkeypatch)
    index = indexed(tmp_path, write_collection(tmp_path / "data"), pair=("image", "text"))
    catalogue = index.catalogue
    assert len(catalogue) == 48
    assert (catalogue.timed, catalogue.placed, catalogue.zoned) == (False, False, False)
    assert not catalogue.numbers
    assert not catalogue.labels
    assert (catalogue.offsets == 0).all()
    assert catalogue.events.tolist() == list(range(48))
    assert all(texts(catalogue.captions))
    assert index.facets == {"days": [], "labels": {}, "numbers": {}}


def test_readings_themselves_can_be_what_is_found(tmp_path, make_records):
    rows = [
        {"file": f"{at}.png", "timestamp": f"2020-01-01T00:0{at}:00", "heat": at / 2, "caption": "x"} for at in range(3)
    ]
    index = indexed(tmp_path, make_records(tmp_path / "data", rows), pair=("sensor", "text"))
    assert index.catalogue.modality == "sensor"
    assert [json.loads(text)["heat"] for text in texts(index.catalogue.contents)] == [0, 0.5, 1]
    assert index.catalogue.numbers["heat"].tolist() == [0, 0.5, 1]
    assert index.catalogue.captions is None


def test_ids_may_have_slashes_and_any_letters(tmp_path, make_records):
    names = ["día/été.png", "日/一.png", "a b.png"]
    rows = [{"file": name, "timestamp": f"2020-01-01T00:0{at}:00", "heat": at} for at, name in enumerate(names)]
    catalogue = indexed(tmp_path, make_records(tmp_path / "data", rows)).catalogue
    assert [Path(path).name for path in texts(catalogue.contents)] == ["été.png", "一.png", "a b.png"]
    assert [catalogue.ids.find(item) for item in texts(catalogue.ids)] == [0, 1, 2]
    assert catalogue.contents.find(catalogue.contents[1]) == 1


def test_what_cannot_be_read_is_left_out_and_named(tmp_path, make_records, capsys):
    names = ["a.png", "bad.png", "c.png"]
    rows = [{"file": name, "timestamp": f"2020-01-01T00:0{at}:00", "heat": at} for at, name in enumerate(names)]
    index = indexed(tmp_path, make_records(tmp_path / "data", rows))
    assert texts(index.catalogue.ids) == ["a.png", "c.png"]
    assert "1 photograph cannot be read and is not searched: bad.png." in index.remarks
    assert "WARNING: 1 photograph cannot be read" in capsys.readouterr().err
    root = make_records(tmp_path / "worse", rows[1:2])
    assert "none of the photographs can be read" in refusal(
        indexed, tmp_path, root, model=save_model(tmp_path / "other", root)
    )


# When it is made again


def test_an_index_that_is_right_is_opened_without_reading_the_corpus(tmp_path, lifelog, monkeypatch, capsys):
    first = indexed(tmp_path, lifelog, beta=0.5)
    capsys.readouterr()
    monkeypatch.setattr(index_module, "_make", None)
    second = indexed(tmp_path, lifelog)
    assert capsys.readouterr().err == ""
    assert (second.made, second.remarks, second.facets) == (first.made, first.remarks, first.facets)
    assert texts(second.catalogue.ids) == texts(first.catalogue.ids)


def test_a_model_that_is_opened_with_its_index_can_be_asked_as_before(tmp_path, lifelog):
    folder = save_model(tmp_path / "model", lifelog, beta=0.5)
    asked = []
    for _ in range(2):
        model = Model.load(folder)
        setting = [f"features.store={tmp_path / 'kept'}", "hubness.beta=0.25"]
        index_module.open_index(model, folder, None, tmp_path / "index", setting)
        asked.append((model.config.features.store, model.config.hubness.beta))
    assert asked == [(tmp_path / "kept", 0.25)] * 2


def _touch_metadata(root: Path, model: Path) -> None:
    path = root / "lsc22_metadata.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("HOME", "HUT"), encoding="utf-8")
    os.utime(path, (1, 1))


def _new_table(root: Path, model: Path) -> None:
    (root / CONCEPTS_FILE).write_text("ImageID,Caption\n", encoding="utf-8")


def _picture_gone(root: Path, model: Path) -> None:
    (root / "images" / "202003" / "02" / photograph_ids(DAYS, 3)[-1]).unlink()
    os.utime(root / "images" / "202003" / "02", (1, 1))


def _trained_again(root: Path, model: Path) -> None:
    shutil.rmtree(model)
    save_model(model, root, seed=1)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_touch_metadata, "lsc22_metadata.csv has changed."),
        (_new_table, f"{CONCEPTS_FILE} is new."),
        (_picture_gone, "images/202003/02/ has changed."),
        (_trained_again, "the model has changed."),
    ],
)
def test_what_has_changed_makes_it_again_and_is_said(tmp_path, lifelog, capsys, change, why):
    before = indexed(tmp_path, lifelog)
    (before.folder / "quality.npy").write_bytes(b"what others keep there")
    change(lifelog, tmp_path / "model")
    capsys.readouterr()
    after = indexed(tmp_path, lifelog)
    assert made_again(capsys) == why
    assert after.folder == before.folder
    assert after.made != before.made
    assert (after.folder / "quality.npy").exists()
    assert texts(before.catalogue.ids) == photograph_ids(DAYS, 3)  # whoever has the former one open keeps it
    indexed(tmp_path, lifelog)
    assert made_again(capsys) == ""


def test_what_is_no_part_of_the_corpus_changes_nothing(tmp_path, lifelog, capsys):
    model = save_model(lifelog / "runs" / "m", lifelog)
    index_module.open_index(Model.load(model), model, None, lifelog / "index", ())
    (lifelog / "runs" / "other").mkdir()
    (lifelog / "ntcir.yaml").write_text("name: x\n", encoding="utf-8")
    (lifelog / ".notes").write_text("x", encoding="utf-8")
    capsys.readouterr()
    index_module.open_index(Model.load(model), model, None, lifelog / "index", ())
    assert capsys.readouterr().err == ""


def test_each_model_and_corpus_has_an_index_of_its_own(tmp_path, lifelog, make_lifelog):
    first = indexed(tmp_path, lifelog)
    second = indexed(tmp_path, lifelog, model=save_model(tmp_path / "second", lifelog))
    other = make_lifelog(tmp_path / "elsewhere" / "log", DAYS[:1], 2)
    third = indexed(tmp_path, other, model=save_model(tmp_path / "third", other))
    assert len({first.folder, second.folder, third.folder}) == 3
    assert len(third.catalogue) == 2
    assert all(each.folder.name.startswith("log-") for each in (first, second, third))


@pytest.mark.parametrize("stage", ["gather", "events_of", "write_catalogue"])
def test_one_that_was_not_finished_is_made_from_the_beginning(tmp_path, lifelog, monkeypatch, stage):
    def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(index_module, stage, killed)
        with pytest.raises(KeyboardInterrupt):
            indexed(tmp_path, lifelog)
    assert not (only_index(tmp_path) / "index.json").exists() if (tmp_path / "index").exists() else True
    assert len(indexed(tmp_path, lifelog).catalogue) == 6


def test_another_process_that_makes_it_is_named(tmp_path, lifelog, monkeypatch):
    place = indexed(tmp_path, lifelog).folder
    (place / "index.json").unlink()
    holder = os.fork()
    if not holder:  # pragma: no cover
        with claimed(place, "wait"):
            (tmp_path / "held").touch()
            while not (tmp_path / "done").exists():
                pass
        os._exit(0)
    try:
        while not (tmp_path / "held").exists():
            pass
        assert f"is being written by process {holder}" in refusal(indexed, tmp_path, lifelog)
    finally:
        (tmp_path / "done").touch()
        os.waitpid(holder, 0)
    assert len(indexed(tmp_path, lifelog).catalogue) == 6


# What is refused


def test_a_file_that_is_truncated_or_gone_is_named_and_what_to_do(tmp_path, lifelog):
    folder = indexed(tmp_path, lifelog).folder
    model = Model.load(tmp_path / "model")
    again = (model, tmp_path / "model", None, tmp_path / "index")
    for path in sorted(folder.glob("[!.]*")):
        if path.name == "index.json":
            continue
        whole = path.read_bytes()
        for damage in (whole[:-1], whole + b"x", None):
            path.unlink()
            if damage is not None:
                path.write_bytes(damage)
            sentence = refusal(index_module.open_index, *again)
            assert path.name in sentence
            assert f"remove the folder {folder}, and it is made again." in sentence
            path.write_bytes(whole)
    assert len(index_module.open_index(*again).catalogue) == 6


def test_a_column_of_another_index_is_noticed(tmp_path, lifelog):
    folder = indexed(tmp_path, lifelog).folder
    told = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    np.save(folder / "times.npy", np.zeros(3, dtype=np.int64))
    told["sizes"]["times.npy"] = (folder / "times.npy").stat().st_size
    (folder / "index.json").write_text(json.dumps(told), encoding="utf-8")
    assert "times.npy is damaged (it is int64 [3])" in refusal(indexed, tmp_path, lifelog)


def test_an_index_that_lacks_a_fact_is_damaged(tmp_path, lifelog):
    path = indexed(tmp_path, lifelog).folder / "index.json"
    model = Model.load(tmp_path / "model")
    again = (model, tmp_path / "model", None, tmp_path / "index")
    told = json.loads(path.read_text(encoding="utf-8"))
    for key in told.keys() - {"from"}:
        path.write_text(json.dumps({**told, key: None}), encoding="utf-8")
        if key in {"columns", "facets", "items", "labels", "numbers", "remarks", "settled", "sizes"}:
            assert " is damaged (" in refusal(index_module.open_index, *again)
        path.write_text(json.dumps({name: each for name, each in told.items() if name != key}), encoding="utf-8")
        assert " is damaged (" in refusal(index_module.open_index, *again)


def test_an_index_file_that_is_not_json_is_made_again(tmp_path, lifelog):
    path = indexed(tmp_path, lifelog).folder / "index.json"
    path.write_text("{", encoding="utf-8")
    assert len(indexed(tmp_path, lifelog).catalogue) == 6


def test_a_corpus_that_is_gone_is_named(tmp_path, lifelog):
    indexed(tmp_path, lifelog)
    shutil.rmtree(lifelog)
    assert f"{lifelog}, which does not exist" in refusal(indexed, tmp_path, lifelog)


def test_settings_of_other_things_are_refused(tmp_path, lifelog):
    assert "a trained model keeps its configuration" in refusal(indexed, tmp_path, lifelog, "towers.dim=5")
