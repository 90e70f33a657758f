"""What an ablation's results belong to."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from helpers import write_pictures
from toy_grid import write_grid

from ntcir.ablation.folds import open_folds
from ntcir.ablation.grid import read_plan
from ntcir.features.corpus_folder import claim_folder


def test_results_are_not_those_of_a_corpus_with_other_pictures_of_the_same_names_sizes_and_times(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = write_pictures(tmp_path / "a" / "data")
    second = Path(shutil.copytree(first, tmp_path / "b" / "data"))
    third = Path(shutil.copytree(first, tmp_path / "c" / "data"))
    picture = second / "images" / "s1_003.png"
    state = picture.stat()
    picture.write_bytes(picture.read_bytes()[:-1] + b"x")
    os.utime(picture, ns=(state.st_atime_ns, state.st_mtime_ns))
    digests = []
    for data in (first, second, third, first):
        grid = write_grid(tmp_path / "g.yaml", base=str(data / "ntcir.yaml"))
        folds = open_folds(read_plan(grid, data), tmp_path / "out")
        claim_folder(Path("features"), folds[0].corpus)
        digests.append([fold.digest for fold in folds])
    assert digests[0] != digests[1]
    assert digests[0] == digests[2] == digests[3]
