"""The extraction among processes: killed at any moment, two at once, two together, without room; and what it says."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import extracting
import numpy as np
import pytest
import torch
from extracting import SHARD, by_a_plain_loop, close, contents, corpus_of, extract, options, write_pictures
from forking import python
from helpers import command_line, read_pictures
from helpers import write_pictures as write_records
from processes import exit_codes, together

import ntcir.features.backlog as backlog
import ntcir.features.blocks as blocks
import ntcir.features.extraction as extraction
from ntcir.features.image_features import ImageFeatures
from ntcir.modalities import DEFAULT_PAIR
from ntcir.sampling.topics import build_topics
from ntcir.system.errors import UserError


@pytest.fixture
def small_shards(monkeypatch) -> None:
    monkeypatch.setattr(blocks, "SHARD_ITEMS", SHARD)


def worked_off(what, folder: Path) -> str:
    """Do something in a process that forks others; return what was said."""
    ends, said = exit_codes(1, what, folder)
    assert ends == [0], said
    return said


def test_killed_at_ten_random_moments_it_ends_with_the_same_store_bit_for_bit(tmp_path):
    write_pictures(tmp_path / "photographs", 38, corrupt=[5, 20, 21])
    worked_off(extracting.kill_at_random_moments, tmp_path)
    expected = contents(tmp_path / "undisturbed")
    assert sum(name.endswith(".npy") for name in expected) == 2 * 5
    assert sum(name.endswith("/claims") for name in expected) == 2
    for number in range(10):
        assert contents(tmp_path / f"killed-{number}") == expected, number
    assert contents(tmp_path / "survivor") == expected
    shards = json.loads((tmp_path / "shards.json").read_text())  # that were there when it was killed
    assert len(set(shards)) >= 4
    assert 0 < np.mean(shards) < 10


def test_killed_at_each_step_of_writing_it_ends_with_the_same_store_bit_for_bit(tmp_path):
    write_pictures(tmp_path / "photographs", 10, corrupt=[3])  # nine of them in two views as well
    worked_off(extracting.kill_at_each_step, tmp_path)
    expected = contents(tmp_path / "undisturbed")
    steps = json.loads((tmp_path / "steps.json").read_text())
    stores = 2 * (2 + 2 + 2) + 3 * len(["meta.json", "backends.json", "claims", "failed.csv"])
    assert len(expected) == stores + len(["corpus.json"])
    assert steps == 2 * (len(expected) - 3 * len(["claims"]))
    for step in range(1, steps + 1):
        assert contents(tmp_path / f"killed-{step}") == expected, step


def test_two_processes_share_a_store_and_one_finishes_what_the_other_left(tmp_path):
    write_pictures(tmp_path / "photographs", 94, corrupt=[40])
    worked_off(extracting.work_at_once, tmp_path)
    expected = contents(tmp_path / "alone")
    assert sum(name.endswith(".npy") for name in expected) == 2 * 12
    assert json.loads((tmp_path / "ends.json").read_text()) == {"together": [0, 0], "killed": [-9, 0]}
    encoded: dict[str, list[tuple[str, str]]] = {"together": [], "killed": []}
    for line in (tmp_path / "encoded.log").read_text().splitlines():
        store, process, item = line.split()
        encoded[store].append((process, item))
    for store, pairs in encoded.items():
        assert contents(tmp_path / store) == expected, store
        assert len({process for process, _ in pairs}) == 2, store
    assert Counter(item for _, item in encoded["together"]) == Counter(corpus_of(tmp_path / "photographs").images.index)
    again = Counter(item for _, item in encoded["killed"])
    assert len(again) == 94
    # What the killed one was at is done again: the block it wrote, and those that it had read ahead.
    assert SHARD <= sum(number - 1 for number in again.values()) <= 4 * SHARD


def test_more_processes_than_photographs(tmp_path):
    write_pictures(tmp_path / "photographs", 1)
    ends, said = exit_codes(2, extracting.more_ranks_than_images, tmp_path)
    assert ends == [0, 0], said
    extract(tmp_path / "photographs", options(tmp_path / "alone"))
    assert contents(tmp_path / "store") == contents(tmp_path / "alone")
    assert (tmp_path / "0.json").read_text() == (tmp_path / "1.json").read_text()


# The command ----------------------------------------------------------------------------------------------------------

SMALL = "import ntcir.features.blocks as blocks\nblocks.SHARD_ITEMS = 8\n"
MAIN = "from ntcir.cli import main\nmain()\n"
NARROW = """
import resource
from ntcir.features.store import FeatureStore
write = FeatureStore.write
def narrow(self, *arguments):
    write(self, *arguments)
    if len(self) >= 16:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
FeatureStore.write = narrow
"""


@pytest.fixture
def records(tmp_path, monkeypatch) -> Path:
    """A records folder of 40 pictures below a folder in which the command is given."""
    monkeypatch.chdir(tmp_path)
    return write_records(tmp_path / "records", per_session=10)


def images(*arguments: str, store: str = "features") -> list[str]:
    return ["features", "images", "--data", "records", "--set", f"features.store={store}", *arguments]


def test_by_two_processes_it_is_the_same_store_bit_for_bit(records, small_shards, tmp_path):
    done = together(*images(store="together"), folder=tmp_path, before=SMALL)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("records: 40 of 40 photographs have features; stored in ") == 1
    alone = command_line(*images(store="alone"))
    assert alone.exit_code == 0, alone.output
    assert len(list(tmp_path.glob("together/records/*/shard-*.npy"))) == 5
    assert contents(tmp_path / "together") == contents(tmp_path / "alone")


def test_without_room_it_is_one_sentence_and_the_next_start_goes_on(records, small_shards, tmp_path, encoded):
    done = python(SMALL + NARROW + MAIN, *images(store="narrow"))
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert re.search(r"^Error: No space left to write \S+: free some space and start again\.$", done.stderr, re.M)
    assert not list(tmp_path.glob("narrow/records/*/.*"))
    status = command_line("features", "status", "--json", "--data", "records", "--set", "features.store=narrow")
    assert (json.loads(status.stdout)[0]["done"], json.loads(status.stdout)[0]["missing"]) == (16, 24)
    assert command_line(*images(store="narrow")).exit_code == 0
    assert len(encoded) == 24
    assert command_line(*images(store="alone")).exit_code == 0
    assert contents(tmp_path / "narrow") == contents(tmp_path / "alone")


def test_a_full_disk_is_one_sentence_and_with_more_room_the_next_start_goes_on(small_disk, small_shards, tmp_path):
    write_pictures(tmp_path / "photographs", 40)
    with pytest.raises(UserError, match=r"No space left to write .*: free some space and start again\.$"):
        extract(tmp_path / "photographs", options(small_disk))
    stored = len(list(small_disk.glob("photographs/*/shard-*.json")))
    assert 1 <= stored < 5
    subprocess.run(["mount", "-o", "remount,size=10M", str(small_disk)], check=True)
    extract(tmp_path / "photographs", options(small_disk))
    extract(tmp_path / "photographs", options(tmp_path / "undisturbed"))
    assert contents(small_disk) == contents(tmp_path / "undisturbed")


def test_the_command_says_on_stderr_what_it_did_how_fast_and_by_what(records, tmp_path):
    first = command_line(*images("--backend", "eager"))
    assert first.exit_code == 0, first.output
    assert first.stdout == ""
    *_, split, summary = first.stderr.splitlines()
    assert re.fullmatch(
        r"40 photographs in \d+\.\d s, \d+\.\d a second, by eager (bf16|fp32): start \d+\.\d s"
        r"(, (read|decode|network|write) \d+\.\d s( in \d+ threads)?){4}\.",
        split,
    )
    assert all(f", {stage} " in split or f": {stage} " in split for stage in ("read", "decode", "network", "write"))
    (store,) = Path("features/records").glob("*/")
    assert summary == f"records: 40 of 40 photographs have features; stored in {store}"
    again = command_line(*images())
    assert again.exit_code == 0
    assert again.stderr.splitlines()[-1] == summary
    assert "a second" not in again.stderr


def test_in_bf16_the_measure_is_within_the_interval_of_that_in_single_precision(records):
    corpus = read_pictures(records)
    build_topics(corpus, corpus.pairs, pool=10, per_day=10, pair=DEFAULT_PAIR).save(Path("topics"))
    found = {}
    for precision in ("fp32", "bf16"):
        where = ["--data", "records", "--set", f"features.precision={precision}"]
        assert command_line("train", *where, "--iters", "60", "--out", precision).exit_code == 0
        run = command_line("run", "topics/topics.tsv", "--data", "records", "--model", precision)
        Path("run.txt").write_text(run.stdout)
        scored = command_line("score", "run.txt", "--qrels", "topics/qrels.txt", "--json")
        found[precision] = json.loads(scored.stdout)["all"]
    assert len(list(Path("features/records").glob("*/"))) == 2
    low, high = found["fp32"]["MRR_95"]
    assert low <= found["bf16"]["MRR"] <= high
    assert abs(found["bf16"]["MRR"] - found["fp32"]["MRR"]) < 0.05
    assert found["fp32"]["MRR"] > found["fp32"]["random_MRR"] + 0.05  # something was learnt


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--backend", "tensorrt"], "'tensorrt' is not one of"),
        (["--set", "features.backend=tensorrt"], "features.backend"),
        (["--set", "features.device=cuda"], "features.device is cuda, but torch finds no GPU here: use auto or cpu."),
        (["--set", "features.batch=0"], "features.batch"),
        (["--set", "features.store=records/records.csv"], "records/records.csv"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(records, monkeypatch, arguments, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = command_line(*images(), *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert expected in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.output


# In one process -------------------------------------------------------------------------------------------------------


@pytest.fixture
def encoded(monkeypatch) -> list[str]:
    """The items that were encoded, in order."""
    seen: list[str] = []
    encode = extraction.Extraction._encode

    def noted(self: extraction.Extraction, batch: blocks.Batch) -> blocks.Batch:
        seen.extend(batch.items)
        return encode(self, batch)

    monkeypatch.setattr(extraction.Extraction, "_encode", noted)
    return seen


def test_an_interrupted_extraction_keeps_its_shards_and_says_so(small_shards, tmp_path, encoded, monkeypatch):
    write_pictures(tmp_path / "photographs", 40)
    write = backlog.Backlog.write
    written: list[int] = []

    def interrupted(self: backlog.Backlog, block: blocks.Block) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(block.number)
        write(self, block)

    monkeypatch.setattr(backlog.Backlog, "write", interrupted)
    with pytest.raises(UserError, match=r"Interrupted; nothing is lost: run the same command to continue"):
        extract(tmp_path / "photographs", options(tmp_path / "store"))
    monkeypatch.setattr(backlog.Backlog, "write", write)
    encoded.clear()
    extract(tmp_path / "photographs", options(tmp_path / "store"))
    assert encoded == [f"{number:03}.jpg" for number in range(16, 40)]
    extract(tmp_path / "photographs", options(tmp_path / "undisturbed"))
    assert contents(tmp_path / "store") == contents(tmp_path / "undisturbed")


def test_a_block_without_a_single_readable_picture_is_stored_as_such(small_shards, tmp_path, encoded, monkeypatch):
    monkeypatch.setattr(blocks, "_DENSE", 2)
    write_pictures(tmp_path / "photographs", 24, corrupt=range(8, 16))
    features = extract(tmp_path / "photographs", options(tmp_path / "store"))
    assert len(features.stores[0]) == 16
    (index,) = (tmp_path / "store").glob("photographs/*/shard-0000001-*.json")
    assert len(json.loads(index.read_text())["failed"]) == 8
    encoded.clear()
    extract(tmp_path / "photographs", options(tmp_path / "store"))
    assert encoded == []


def test_what_is_stored_serves_other_questions(small_shards, tmp_path, encoded):
    write_pictures(tmp_path / "photographs", 30)
    corpus = corpus_of(tmp_path / "photographs")
    ids = corpus.images.index.tolist()
    features = ImageFeatures(corpus, options(tmp_path / "store"))
    for question in (ids[22:19:-1], ids[:9], ids, ids[4:21]):
        assert features.ensure(question).all()
    assert encoded == [*ids[22:19:-1], *ids[:9], *ids[9:20], *ids[23:]]
    close(features.load(ids), by_a_plain_loop(corpus, options(tmp_path / "store"), ids))
