"""``ntcir features status``: what is there of a corpus, before, in the middle and after; and what cannot be read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from detecting import make_detector
from extracting import Shifted
from helpers import command_line, environment, write_pictures

from ntcir.features.image_features import ImageFeatures
from ntcir.features.status import StoreStatus, as_table
from ntcir.workspace import read_corpus, resolve

DATA = ("--data", "records")


@pytest.fixture
def records(tmp_path, monkeypatch) -> Path:
    """A records folder of 12 pictures below a folder in which the command is given."""
    monkeypatch.chdir(tmp_path)
    return write_pictures(tmp_path / "records", sessions=("s1", "s2", "s3"), per_session=4)


def status(*arguments: str) -> Result:
    result = command_line("features", "status", *DATA, *arguments)
    assert result.exit_code == 0, result.output
    return result


def as_json() -> list[dict[str, Any]]:
    return json.loads(status("--json").stdout)


def photographs() -> list[str]:
    return sorted(path.name for path in Path("records/images").iterdir())


def features_of(records: Path) -> ImageFeatures:
    config = resolve(None, [], records)
    return ImageFeatures(read_corpus(config), config.features)


def counts(row: dict[str, Any]) -> tuple[int, int, int, int]:
    return row["items"], row["done"], row["failed"], row["missing"]


def test_where_nothing_is_there_it_says_so(records):
    result = status()
    assert result.stdout.split() == ["done", "failed", "missing", "MB", "by", "store"]
    assert result.stderr.splitlines()[-1] == (
        "There is nothing in features/records: `ntcir features images` computes features."
    )
    assert as_json() == []
    assert not Path("features").exists()


def test_it_tells_what_is_done_failed_and_missing_all_along(records):
    names = photographs()
    (records / "images" / names[1]).write_bytes(b"spoilt")
    features = features_of(records)
    assert counts(as_json()[0]) == (12, 0, 0, 12)
    features.ensure(names[:5])
    (row,) = as_json()
    folder = features.stores[0].folder
    assert counts(row) == (12, 4, 1, 7)
    assert row["kind"] == "features"
    assert Path(row["store"]) == folder
    assert row["fingerprint"] == features.fingerprints[0]
    assert row["made_by"] in (["eager bf16"], ["eager fp32"])
    assert row["bytes"] == sum(path.stat().st_size for path in folder.iterdir())
    assert command_line("features", "images", *DATA).exit_code == 0
    assert counts(as_json()[0]) == (12, 11, 1, 0)
    # A changed file is missing, whether it was done or had failed; one that is gone is no more of the corpus.
    (records / "images" / names[1]).write_bytes((records / "images" / names[2]).read_bytes())
    os.utime(records / "images" / names[3], ns=(1, 1))
    (records / "images" / names[4]).unlink()
    assert counts(as_json()[0]) == (11, 9, 0, 2)
    assert command_line("features", "images", *DATA).exit_code == 0
    assert counts(as_json()[0]) == (11, 11, 0, 0)
    assert (folder / "failed.csv").read_text().splitlines() == ["id,signature,reason"]


def test_the_table_has_a_line_for_each_store_with_views_and_objects(records):
    make_detector(Path("mine.pt"))
    features = features_of(records)
    ids = photographs()
    features.ensure(ids)
    features.views(Shifted(), 2).ensure(ids[:3])
    objects = ["features", "objects", *DATA, "--detector", "mine.pt", "--set", "objects.size=96"]
    assert command_line(*objects).exit_code == 0
    rows = as_json()
    assert [(row["kind"], *counts(row)) for row in rows] == [
        ("objects", 12, 12, 0, 0), ("features", 12, 12, 0, 0), ("view", 12, 3, 0, 9), ("view", 12, 3, 0, 9)
    ]  # fmt: skip
    assert [row["made_by"] for row in rows] == [[], *[features.stores[0].backends] * 3]
    assert len({row["fingerprint"] for row in rows}) == 4
    header, *lines = status().stdout.splitlines()
    assert header.split() == ["done", "failed", "missing", "MB", "by", "store"]
    assert len({len(line) - len(line.split()[-1]) for line in lines}) == 1  # a table
    for line, row in zip(lines, rows, strict=True):
        done, failed, missing, megabytes, *by, store = line.split()
        assert [int(done), int(failed), int(missing)] == [row["done"], row["failed"], row["missing"]]
        assert store == row["store"]
        assert abs(float(megabytes) - row["bytes"] / 1e6) <= 0.05
        assert by == (row["made_by"][0].split() if row["made_by"] else ["-"])


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ('{"version": 0, "fingerprint": "f", "dim": 2}', "is a store of another version of ntcir; move or remove it."),
        ('{"version": 1}', "is a store of another version of ntcir; move or remove it."),
        ("{", "meta.json is not readable; remove the folder to compute its features again."),
        ("[]", "meta.json is not readable; remove the folder to compute its features again."),
    ],
)
def test_a_store_that_cannot_be_read_is_said_on_stderr_and_the_others_are_listed(records, meta, said):
    features = features_of(records)
    features.ensure(photographs())
    other = features.stores[0].folder.parent / "another"
    other.mkdir()
    (other / "meta.json").write_text(meta)
    result = status("--json")
    (row,) = json.loads(result.stdout)
    assert Path(row["store"]) == features.stores[0].folder
    _, sentence = result.stderr.splitlines()  # the other one is about the corpus
    assert sentence.startswith("features/records/another")
    assert sentence.endswith(said)
    assert [path.name for path in other.iterdir()] == ["meta.json"]


def test_the_command_that_fills_stores_refuses_one_of_another_version(records):
    folder = features_of(records).stores[0].folder
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps(meta | {"version": 0}))
    result = command_line("features", "images", *DATA)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == (
        f"Error: {folder} holds features of another version; move or remove it to compute them again."
    )


def test_a_folder_that_may_not_be_read_is_one_sentence(records, monkeypatch):
    folder = features_of(records).stores[0].folder
    shutil.copytree(folder, folder.parent / "other")
    scan = os.scandir

    def refuse(refused: Path) -> None:
        def scanned(path: Any = ".") -> Any:
            if Path(path) == refused:
                raise PermissionError(13, "Permission denied", str(path))
            return scan(path)

        monkeypatch.setattr(os, "scandir", scanned)

    refuse(folder)  # one of the stores
    result = status("--json")
    assert [row["store"] for row in json.loads(result.stdout)] == [str(folder.parent / "other")]
    assert result.stderr.splitlines()[-1] == f"Cannot read {folder}: permission denied."
    refuse(folder.parent)  # all of them
    result = command_line("features", "status", *DATA)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1] == "Error: Cannot read features/records: permission denied."


def test_files_that_come_and_go_while_it_looks_do_not_matter(records, monkeypatch):
    features = features_of(records)
    features.ensure(photographs())
    folder = features.stores[0].folder
    expected = as_json()[0]["bytes"]
    half = folder / ".shard-1.npy.abcd.npy"
    half.write_bytes(b"half")
    is_file = Path.is_file

    def takes_its_name(path: Path) -> bool:
        there = is_file(path)
        if path == half:
            path.unlink(missing_ok=True)
        return there

    monkeypatch.setattr(Path, "is_file", takes_its_name)
    assert as_json()[0]["bytes"] == expected


def test_torch_is_not_imported(records):
    features_of(records).ensure(photographs())
    code = (
        "import sys\nfrom ntcir.cli import main\n"
        "main(['features', 'status', '--data', 'records', '--json'], standalone_mode=False)\n"
        "print(*(name in sys.modules for name in ('torch', 'torchvision', 'openvino')))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False)
    *output, last = done.stdout.splitlines()
    assert last == "False False False", done.stderr
    assert json.loads("\n".join(output))[0]["done"] == 12


def test_the_status_of_a_store_that_was_moved_is_that_of_its_new_place(records, tmp_path):
    features_of(records).ensure(photographs())
    shutil.move("features", "elsewhere")
    assert as_json() == []
    (row,) = json.loads(status("--json", "--set", "features.store=elsewhere").stdout)
    assert counts(row) == (12, 12, 0, 0)
    assert row["store"].startswith("elsewhere/")


def test_numbers_of_a_large_corpus_are_written_for_people():
    by = ["eager bf16", "openvino bf16"]
    row = StoreStatus("features/a", "features", "f", by, 725_127, 725_123, 4, 0, 10**10)
    assert as_table([row]).splitlines() == [
        "   done  failed  missing        MB  by                         store",
        "725,123       4        0  10,000.0  eager bf16, openvino bf16  features/a",
    ]
