"""From photographs to stored features: against a plain loop, with bad pictures, kills and full disks in between."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import ntcir.features.extract as extract
from ntcir.config import Augment, Backbone, Features
from ntcir.corpora.corpus import Corpus, ReadingReport
from ntcir.errors import UserError
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.decode import UnreadableImage, decode
from ntcir.features.extract import ImageFeatures
from ntcir.features.store import FeatureStore
from ntcir.sampling.augment import Augmenter

ROOT = Path(__file__).resolve().parents[2]
SQUEEZENET = Backbone(arch="squeezenet1_1", weights="random")
SHUFFLENET = Backbone(arch="shufflenet_v2_x0_5", weights="random")


def options(store: Path, *backbones: Backbone, **changes) -> Features:
    return Features(backbones=list(backbones) or [SQUEEZENET], size=32, crop=32, batch=4, store=store, **changes)


def corpus_of(folder: Path) -> Corpus:
    """A corpus of the files in a folder; only its images matter here."""
    paths = sorted(folder.iterdir())
    images = pd.DataFrame({"path": [str(path) for path in paths]}, index=[path.name for path in paths])
    pairs = pd.DataFrame({"image": images.index})
    return Corpus(folder.name, folder, {"image": images}, pairs, False, "records", ReadingReport())


def write_pictures(folder: Path, number: int) -> None:
    folder.mkdir()
    draw = np.random.default_rng(6)
    for item in range(number):
        blocks = Image.fromarray(draw.integers(0, 256, (4, 5, 3), dtype=np.uint8))
        blocks.resize((60, 40), Image.Resampling.BICUBIC).save(folder / f"{item:03}.jpg", quality=95)


@pytest.fixture
def photographs(tmp_path) -> Corpus:
    write_pictures(tmp_path / "photographs", 22)
    return corpus_of(tmp_path / "photographs")


@pytest.fixture(autouse=True)
def small_shards(monkeypatch) -> None:
    monkeypatch.setattr(extract, "SHARD_ITEMS", 8)


@pytest.fixture
def passed(monkeypatch) -> list[tuple[str, int]]:
    """What went through which network: (arch, pictures), in order."""
    seen: list[tuple[str, int]] = []
    forward = FrozenNetwork.forward

    def counted(self: FrozenNetwork, images: torch.Tensor) -> torch.Tensor:
        seen.append((self.backbone.arch, len(images)))
        return forward(self, images)

    monkeypatch.setattr(FrozenNetwork, "forward", counted)
    return seen


def by_a_plain_loop(corpus: Corpus, how: Features, ids: list[str]) -> np.ndarray:
    rows = []
    for backbone in how.backbones:
        network = FrozenNetwork(backbone, how)
        with torch.inference_mode():
            rows.append(
                [
                    network(torch.from_numpy(decode(corpus.images.loc[item, "path"], how))[None])[0].numpy()
                    for item in ids
                ]
            )
    return np.concatenate([np.stack(each) for each in rows], axis=1)


def close(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("resize", ["squash", "shorter"])
def test_features_are_those_of_a_plain_loop_in_whatever_order_they_are_asked_for(photographs, tmp_path, resize):
    how = options(tmp_path / "store", SQUEEZENET, SHUFFLENET, resize=resize)
    ids = photographs.images.index.tolist()
    features = ImageFeatures(photographs, how)
    assert features.ensure(ids).all()
    assert features.dim == 512 + 1024
    expected = by_a_plain_loop(photographs, how, ids)
    close(features.load(ids), expected)
    order = np.random.default_rng(0).permutation(len(ids))
    close(features.load([ids[place] for place in order]), expected[order])
    close(ImageFeatures(photographs, how).load(ids[3:5]), expected[3:5])
    close(features.encode_files(photographs.images["path"].tolist()[:3]), expected[:3])


def test_what_is_stored_is_not_computed_again(photographs, tmp_path, passed):
    ids = photographs.images.index.tolist()
    ImageFeatures(photographs, options(tmp_path / "store")).ensure(ids[:10])
    passed.clear()
    features = ImageFeatures(photographs, options(tmp_path / "store"))
    features.ensure(ids[:10])
    features.ensure([])
    assert passed == [("squeezenet1_1", 1)]  # the one picture that tells the length of a feature vector
    features.ensure(ids)
    assert sum(number for _, number in passed[1:]) == 12


def test_bad_pictures_are_left_out_and_listed_and_shift_nobodys_row(photographs, tmp_path, capsys):
    ids = photographs.images.index.tolist()
    paths = photographs.images["path"]
    Path(paths["005.jpg"]).write_bytes(Path(paths["005.jpg"]).read_bytes()[:300])
    Path(paths["011.jpg"]).write_bytes(b"")
    Path(paths["012.jpg"]).unlink()
    how = options(tmp_path / "store")
    features = ImageFeatures(photographs, how)
    present = features.ensure(ids)
    good = [item for item in ids if item not in {"005.jpg", "011.jpg", "012.jpg"}]
    assert [item for item, there in zip(ids, present, strict=True) if there] == good
    close(features.load(good), by_a_plain_loop(photographs, how, good))
    listed = features.stores[0].folder / "failed.csv"
    with listed.open(encoding="utf-8", newline="") as file:
        rows = {row["id"]: row["reason"] for row in csv.DictReader(file)}
    assert list(rows) == ["005.jpg", "011.jpg", "012.jpg"]
    assert rows["012.jpg"] == "no such file or directory"
    assert all(rows.values())
    captured = capsys.readouterr()
    assert f"3 unreadable photographs are left out; they are listed in {listed}" in captured.err
    assert captured.out == ""


def test_a_bad_picture_is_tried_again_only_when_its_file_has_changed(photographs, tmp_path, monkeypatch):
    tried: list[str] = []
    monkeypatch.setattr(extract, "decode", lambda path, how: tried.append(Path(path).name) or decode(path, how))
    path = Path(photographs.images.loc["005.jpg", "path"])
    whole = path.read_bytes()
    path.write_bytes(whole[:300])
    ids = photographs.images.index.tolist()
    how = options(tmp_path / "store")
    assert not ImageFeatures(photographs, how).ensure(ids).all()
    tried.clear()
    assert not ImageFeatures(photographs, how).ensure(ids).all()
    assert tried == []
    path.write_bytes(whole)
    features = ImageFeatures(photographs, how)
    assert features.ensure(ids).all()
    assert tried == ["005.jpg"]
    close(features.load(ids), by_a_plain_loop(photographs, how, ids))
    assert FeatureStore(features.stores[0].folder, features.networks[0].meta).failed == {}


def test_a_changed_photograph_is_encoded_again(photographs, tmp_path, passed):
    ids = photographs.images.index.tolist()
    how = options(tmp_path / "store")
    before = ImageFeatures(photographs, how)
    before.ensure(ids)
    Image.new("RGB", (50, 50), "red").save(photographs.images.loc["007.jpg", "path"])
    os.utime(photographs.images.loc["008.jpg", "path"], ns=(1, 1))  # touched: it may be another picture
    passed.clear()
    after = ImageFeatures(photographs, how)
    assert after.ensure(ids).all()
    assert passed == [("squeezenet1_1", 1), ("squeezenet1_1", 2)]
    close(after.load(ids), by_a_plain_loop(photographs, how, ids))
    assert np.abs(after.load(["007.jpg"]) - before.load(["007.jpg"])).max() > 0.01


def test_a_photograph_that_has_become_unreadable_is_no_longer_present(photographs, tmp_path):
    ids = photographs.images.index.tolist()
    how = options(tmp_path / "store")
    ImageFeatures(photographs, how).ensure(ids)
    Path(photographs.images.loc["003.jpg", "path"]).write_bytes(b"spoilt")
    present = ImageFeatures(photographs, how).ensure(ids)
    assert [item for item, there in zip(ids, present, strict=True) if not there] == ["003.jpg"]


def test_when_no_photograph_can_be_read_the_sentence_gives_the_first_reason(photographs, tmp_path):
    for path in photographs.images["path"]:
        Path(path).write_bytes(b"nothing")
    with pytest.raises(
        UserError, match=r"None of the 22 photographs can be read; the first, .*000\.jpg: the file is no"
    ):
        ImageFeatures(photographs, options(tmp_path / "store")).ensure(photographs.images.index.tolist())


def test_a_network_added_later_runs_alone_and_is_put_where_the_configuration_says(photographs, tmp_path, passed):
    ids = photographs.images.index.tolist()
    ImageFeatures(photographs, options(tmp_path / "store", SQUEEZENET)).ensure(ids)
    passed.clear()
    both = options(tmp_path / "store", SHUFFLENET, SQUEEZENET)
    features = ImageFeatures(photographs, both)
    features.ensure(ids)
    ran = {arch: sum(number for name, number in passed if name == arch) - 1 for arch, _ in passed}
    assert ran == {"shufflenet_v2_x0_5": 22, "squeezenet1_1": 0}
    close(features.load(ids), by_a_plain_loop(photographs, both, ids))
    passed.clear()
    turned = ImageFeatures(photographs, options(tmp_path / "store", SQUEEZENET, SHUFFLENET))
    turned.ensure(ids)
    assert len(passed) == 2
    np.testing.assert_array_equal(turned.load(ids)[:, :512], features.load(ids)[:, 1024:])


def test_a_network_added_later_computes_the_rest_for_both(photographs, tmp_path, passed):
    ids = photographs.images.index.tolist()
    ImageFeatures(photographs, options(tmp_path / "store", SQUEEZENET)).ensure(ids[4:9])
    both = options(tmp_path / "store", SQUEEZENET, SHUFFLENET)
    features = ImageFeatures(photographs, both)
    passed.clear()
    assert features.ensure(ids).all()
    assert sum(number for arch, number in passed if arch == "squeezenet1_1") == 17
    assert sum(number for arch, number in passed if arch == "shufflenet_v2_x0_5") == 22
    close(features.load(ids), by_a_plain_loop(photographs, both, ids))
    assert [len(store) for store in features.stores] == [22, 22]


def test_other_preprocessing_has_a_store_of_its_own(photographs, tmp_path):
    ids = photographs.images.index.tolist()[:4]
    found = []
    for how in (options(tmp_path / "store"), options(tmp_path / "store", resize="shorter")):
        features = ImageFeatures(photographs, how)
        features.ensure(ids)
        found.append(features.load(ids))
        close(found[-1], by_a_plain_loop(photographs, how, ids))
    assert np.abs(found[0] - found[1]).max() > 0.01
    assert len(list((tmp_path / "store" / "photographs").iterdir())) == 2


def test_a_picture_outside_the_corpus_that_cannot_be_read_is_said_to_be_so(photographs, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    features = ImageFeatures(photographs, options(tmp_path / "store"))
    with pytest.raises(UnreadableImage, match="no picture"):
        features.encode_files([str(tmp_path / "bad.jpg")])


def test_real_weights_on_real_photographs(shared, tmp_path):
    path = str(shared / "weights" / "squeezenet1_1_imagenet_features.pth")
    folder = shared / "data" / "track" / "images"
    files = sorted(folder.iterdir())[:6]
    images = pd.DataFrame({"path": [str(file) for file in files]}, index=[file.name for file in files])
    track = Corpus("track", folder, {"image": images}, pd.DataFrame(), False, "records", ReadingReport())
    how = Features(
        backbones=[Backbone(arch="squeezenet1_1", weights=path)], size=96, crop=96, batch=4, store=tmp_path / "store"
    )
    features = ImageFeatures(track, how)
    assert features.ensure(images.index.tolist()).all()
    close(features.load(images.index.tolist()), by_a_plain_loop(track, how, images.index.tolist()))
    assert (tmp_path / "store" / "track").is_dir()


def test_photographs_are_decoded_as_the_networks_are_given_them(photographs, tmp_path):
    how = options(tmp_path / "store")
    features, ids = ImageFeatures(photographs, how), photographs.images.index.tolist()
    ids = [*ids[::-1], ids[3], ids[3]]
    plain = np.stack([decode(photographs.images.loc[item, "path"], how) for item in ids])
    found = features.decode_many(ids)
    assert found.dtype == torch.uint8
    np.testing.assert_array_equal(found.numpy(), plain)
    alter = Augmenter(Augment(), how.crop)
    altered = features.decode_many(ids, alter, 7).numpy()
    np.testing.assert_array_equal(
        altered, np.stack([alter(one, item, 7) for one, item in zip(plain, ids, strict=True)])
    )
    assert features.decode_many([], alter).shape == (0, 3, 32, 32)
    Path(photographs.images.loc["011.jpg", "path"]).write_bytes(b"")
    with pytest.raises(UserError, match=r"^The photograph .*011\.jpg cannot be read: .*\.$"):
        features.decode_many(ids)


def test_networks_may_be_given_in_place_of_those_of_the_configuration(photographs, tmp_path, passed):
    ids = photographs.images.index.tolist()[:3]
    how = options(tmp_path / "store", SQUEEZENET)
    network = FrozenNetwork(SHUFFLENET, how)
    features = ImageFeatures(photographs, how, [network])
    features.ensure(ids)
    assert {arch for arch, _ in passed} == {"shufflenet_v2_x0_5"}
    assert features.fingerprints == [network.meta["fingerprint"]]
    close(features.load(ids), by_a_plain_loop(photographs, options(tmp_path / "store", SHUFFLENET), ids))


# What a subprocess does: the features of all photographs in a folder, with something in its way.
PROCESS = """
import resource, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_extract
import torch
from ntcir.errors import UserError
from ntcir.features import extract
from ntcir.features.store import FeatureStore
from ntcir.sampling.augment import Augmenter
torch.set_num_threads(1)
extract.SHARD_ITEMS = 8
folder, store = Path(sys.argv[2]), Path(sys.argv[3])
corpus = test_extract.corpus_of(folder)
whole, append = extract.decode, FeatureStore.append

def slow(path, options):
    time.sleep(0.05)
    return whole(path, options)

def narrow(self, *arguments):
    append(self, *arguments)
    if len(self) >= 16:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))

if sys.argv[4] == "slow":
    extract.decode = slow
if sys.argv[4] == "narrow":
    FeatureStore.append = narrow
try:
    extract.ImageFeatures(corpus, test_extract.options(store)).ensure(corpus.images.index.tolist())
except UserError as error:
    print(error)
    sys.exit(2)
"""


def start(folder: Path, store: Path, how: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROCESS, str(Path(__file__).parent), str(folder), str(store), how]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def assert_resumes(corpus: Corpus, tmp_path: Path, passed: list[tuple[str, int]], stored: int) -> None:
    """Start again after something went wrong: only the rest is computed, and all is as if nothing had happened."""
    ids = corpus.images.index.tolist()
    passed.clear()
    features = ImageFeatures(corpus, options(tmp_path / "store"))
    assert len(features.stores[0]) == stored
    assert features.ensure(ids).all()
    assert sum(number for _, number in passed) - 1 == len(ids) - stored
    undisturbed = ImageFeatures(corpus, options(tmp_path / "undisturbed"))
    undisturbed.ensure(ids)
    close(features.load(ids), undisturbed.load(ids))
    (folder,) = (tmp_path / "store" / corpus.name).iterdir()
    assert len(list(folder.glob("shard-*.npy"))) == len(list(folder.glob("shard-*.json")))


def test_after_a_kill_the_next_start_resumes(tmp_path, passed):
    write_pictures(tmp_path / "photographs", 60)
    process = start(tmp_path / "photographs", tmp_path / "store", "slow")
    end = time.monotonic() + 60
    while len(done := list(tmp_path.glob("store/photographs/*/shard-*.json"))) < 2 and time.monotonic() < end:
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = list(tmp_path.glob("store/photographs/*/shard-*.json"))
    assert 2 <= len(done) < 7
    assert_resumes(corpus_of(tmp_path / "photographs"), tmp_path, passed, 8 * len(done))


def test_when_there_is_no_room_one_sentence_and_the_next_start_resumes(tmp_path, passed):
    write_pictures(tmp_path / "photographs", 30)
    process = start(tmp_path / "photographs", tmp_path / "store", "narrow")
    output, trouble = process.communicate()
    assert process.returncode == 2, trouble
    assert len(output.splitlines()) == 1
    assert "No room left to write" in output
    assert "free some space and start again" in output
    assert not list(tmp_path.glob("store/photographs/*/.*"))
    assert_resumes(corpus_of(tmp_path / "photographs"), tmp_path, passed, 16)


def test_a_full_disk_is_one_sentence_and_with_more_room_the_next_start_resumes(small_disk, tmp_path, passed):
    write_pictures(tmp_path / "photographs", 40)
    corpus = corpus_of(tmp_path / "photographs")
    with pytest.raises(UserError, match=r"No room left to write .*: free some space and start again"):
        ImageFeatures(corpus, options(small_disk)).ensure(corpus.images.index.tolist())
    stored = 8 * len(list(small_disk.glob("photographs/*/shard-*.json")))
    assert 8 <= stored < 40
    subprocess.run(["mount", "-o", "remount,size=10M", str(small_disk)], check=True)
    assert_resumes(corpus, tmp_path, passed, stored)
