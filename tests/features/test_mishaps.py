"""What may be otherwise the next time is not kept for ever, and files that people or disks have damaged end nothing."""

from __future__ import annotations

import csv
import errno
import json
import os
from pathlib import Path

import pytest
import torch
from extracting import SHARD, contents, corpus_of, extract, options, write_pictures
from helpers import refusal
from PIL import Image

import ntcir.features.blocks as blocks
import ntcir.features.extraction as extraction
from ntcir.features import pictures
from ntcir.features import shard_store as store_module
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.decode import UnreadableImage, load_image, read_file
from ntcir.features.image_features import ImageFeatures


@pytest.fixture
def photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten small pictures, one of them cut off, and small shards."""
    monkeypatch.setattr(blocks, "SHARD_ITEMS", SHARD)
    monkeypatch.setattr(blocks, "_DENSE", 2)
    return write_pictures(tmp_path / "photographs", 10, corrupt=[3])


def listed(folder: Path) -> list[str]:
    (path,) = folder.rglob("failed.csv")
    with path.open(newline="") as file:
        return [row["id"] for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (MemoryError(), True),
        (OSError(errno.EMFILE, "Too many open files"), True),
        (OSError(errno.EIO, "Input/output error"), True),
        (PermissionError(errno.EACCES, "Permission denied"), True),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), False),
        (IsADirectoryError(errno.EISDIR, "Is a directory"), False),
        (OSError("image file is truncated"), False),
        (ValueError("broken"), False),
    ],
)
def test_only_what_lies_in_the_file_is_taken_for_lasting(tmp_path, monkeypatch, error, passing):
    def fail(*given: object, **named: object) -> None:
        raise error

    path = write_pictures(tmp_path / "one", 1) / "000.jpg"
    if isinstance(error, OSError) and error.errno:
        monkeypatch.setattr(pictures, "open_file", fail)
        with pytest.raises(UnreadableImage) as told:
            read_file(path)
    else:
        monkeypatch.setattr(Image, "open", fail)
        with pytest.raises(UnreadableImage) as told:
            load_image(path)
    assert told.value.passing == passing


def test_what_could_not_be_read_for_a_passing_reason_is_tried_again(photographs, tmp_path, monkeypatch, capsys):
    def unwilling(path: str) -> bytes:
        if path.endswith(("001.jpg", "009.jpg")):
            raise UnreadableImage("too many open files", passing=True)
        return read_file(path)

    monkeypatch.setattr(extraction, "read_file", unwilling)
    corpus = corpus_of(photographs)
    ids = corpus.images.index.tolist()
    present = ImageFeatures(corpus, options(tmp_path / "features")).ensure(ids)
    assert [item for item, there in zip(ids, present, strict=True) if not there] == ["001.jpg", "003.jpg", "009.jpg"]
    assert listed(tmp_path / "features") == ["003.jpg"]
    said = capsys.readouterr().err
    assert (
        "2 of them could not be read this time and will be tried again next time: 001.jpg: too many open files" in said
    )
    monkeypatch.setattr(extraction, "read_file", read_file)
    present = ImageFeatures(corpus, options(tmp_path / "features")).ensure(ids)
    assert [item for item, there in zip(ids, present, strict=True) if not there] == ["003.jpg"]
    assert "tried again" not in capsys.readouterr().err


def test_a_list_that_cannot_be_written_ends_nothing_and_one_that_says_the_same_is_left(
    photographs, tmp_path, monkeypatch, capsys
):
    photographs.joinpath("005.jpg").write_bytes(b"no picture")
    store = tmp_path / "features"
    extract(photographs, options(store))
    (path,) = store.rglob("failed.csv")
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, *reversed(rows)]) + "\n")  # as an older version had it
    before = contents(store)
    monkeypatch.setattr(store_module, "atomic_path", lambda path: pytest.fail(f"{path} is written"))
    extract(photographs, options(store))
    assert contents(store) == before

    def refuse(path: Path) -> None:
        raise store_module.UserError(f"No permission to write {path}: choose another place.")

    path.write_text(head + "\n")
    monkeypatch.setattr(store_module, "atomic_path", refuse)
    features = extract(photographs, options(store))
    assert "No permission to write" in capsys.readouterr().err
    assert features.load(["000.jpg"]).shape == (1, features.dim)


def test_damaged_files_of_a_store_do_not_end_a_run(photographs, tmp_path):
    store, whole = tmp_path / "features", tmp_path / "whole"
    for folder in (store, whole):
        extract(photographs, options(folder))
    (path,) = store.rglob("failed.csv")
    path.write_bytes(b"id,signature,reason\n003.jpg,1,\xff\xfe\n")
    index = sorted(store.rglob("shard-*.json"))[0]
    index.write_text(json.dumps(json.loads(index.read_text()) | {"failed": [["003.jpg", "sign"]]}))
    extract(photographs, options(store))
    found, expected = contents(store), contents(whole)
    del found[os.fspath(path.relative_to(store))], expected[os.fspath(path.relative_to(store))]
    assert found == expected


def test_what_a_network_says_that_is_not_finite_is_not_stored(photographs, tmp_path):
    corpus, how = corpus_of(photographs), options(tmp_path / "store")
    network = FrozenNetwork(how.backbones[0], how)
    with torch.no_grad():
        for weight in network.network.parameters():
            weight.fill_(1e30)
    features = ImageFeatures(corpus, how, [network])
    sentence = refusal(features.ensure, corpus.images.index.tolist())
    assert f"{how.backbones[0].arch} gives features that are not finite" in sentence
    assert "check its weights (random)" in sentence
    assert not list(features.stores[0].folder.glob("shard-*"))
