"""For tests of networks: one thread, tiny detectors, pictures of blocks, the real weights."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from detecting import OPENVINO, corpus_of, make_detector, write_blocks

import ntcir.features.blocks as blocks
from ntcir.corpora.corpus import Corpus
from ntcir.features.detector import Detector


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks are as fast on one thread, and on a busy machine very much faster."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return make_detector(tmp_path_factory.mktemp("weights") / "tiny.pt")


@pytest.fixture(scope="module")
def blind(tmp_path_factory) -> Path:
    """A detector that never sees anything."""
    return make_detector(tmp_path_factory.mktemp("weights") / "blind.pt", bias=-9, spread=0)


@pytest.fixture
def photographs(tmp_path) -> Corpus:
    return corpus_of(write_blocks(tmp_path / "photographs"))


@pytest.fixture
def small_shards(monkeypatch) -> None:
    monkeypatch.setattr(blocks, "SHARD_ITEMS", 5)


@pytest.fixture
def passed(monkeypatch) -> list[int]:
    """How many pictures were given to a detector at once, each time."""
    seen: list[int] = []
    submit = Detector.submit

    def counted(self: Detector, pictures: Any) -> Any:
        seen.append(len(pictures))
        return submit(self, pictures)

    monkeypatch.setattr(Detector, "submit", counted)
    return seen


@pytest.fixture(scope="module")
def real(shared) -> Path:
    pytest.importorskip("openvino", reason="openvino, which runs the real weights, is not installed")
    return Path(shared) / "weights" / OPENVINO


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system with room for two shards."""
    folder = tmp_path / "store"
    folder.mkdir()
    try:
        command = ["mount", "-t", "tmpfs", "-o", "size=60k", "tmpfs", str(folder)]
        mounted = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        pytest.skip("there is no mount here")
    if mounted.returncode:
        pytest.skip("mounting a small file system is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
