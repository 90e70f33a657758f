"""A trained model asked about captions whose pictures lie in a folder of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers import command_line, one_thread  # noqa: F401
from published import coco_lists, write_coco, write_pictures_of

pytestmark = pytest.mark.usefixtures("one_thread")
NAMES = [f"{number:012d}.jpg" for number in range(1, 13)]
NETWORK = "features.backbones=[{arch: squeezenet1_1, weights: random}]"
ABSENT = "caption whose picture is not on disk"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model, and another corpus of which half of the pictures are in ``photos``."""
    monkeypatch.chdir(tmp_path)
    write_coco(tmp_path / "own", {"train": coco_lists(NAMES)})
    other = write_coco(tmp_path / "other", {"train": coco_lists(NAMES[:6])})
    write_coco(other, {"val": coco_lists(NAMES[6:], first=101)}, drawn=False)
    write_pictures_of(tmp_path / "photos", NAMES[6:])
    options = ["--set", "pair=[image, text]", "--set", NETWORK]
    done = command_line("train", "--data", "own", "--iters", "1", "--out", "runs/model", *options)
    assert done.exit_code == 0, done.output
    return tmp_path


def test_one_more_folder_of_pictures_can_be_named_for_another_corpus(here):
    asked = ["evaluate", "--model", "runs/model", "--data", "other", "--json"]
    without, having = command_line(*asked), command_line(*asked, "--set", "data.pictures=photos")
    assert (without.exit_code, having.exit_code) == (0, 0), having.output
    assert json.loads(without.stdout)["img2txt"]["topics"] == 6
    assert ABSENT in without.stderr
    assert json.loads(having.stdout)["img2txt"]["topics"] == 12
    assert ABSENT not in having.stderr
    found = command_line("search", "picture", "--model", "runs/model", "--data", "other", "--json",
                         "--set", "data.pictures=photos")  # fmt: skip
    assert json.loads(found.stdout)["searched"] == 12
    refused = command_line(*asked, "--set", "data.pictures=nowhere")
    assert refused.exit_code == 2
    assert "data.pictures = nowhere is not a folder." in refused.stderr


def test_the_folder_of_a_models_own_corpus_is_not_searched_for_another(here):
    """Which it would have to be there for, and pictures of one name may be others."""
    write_coco(here / "apart", {"val": coco_lists(NAMES[6:])}, drawn=False)
    train = ["train", "--data", "apart", "--iters", "0", "--out", "runs/apart", "--set", "pair=[image, text]"]
    for setting in (NETWORK, "data.pictures=photos", "data.split={by: fraction}"):
        train += ["--set", setting]
    done = command_line(*train)
    assert done.exit_code == 0, done.output
    asked = ["evaluate", "--model", "runs/apart", "--split", "all", "--json", "--data"]
    assert json.loads(command_line(*asked, "apart").stdout)["img2txt"]["topics"] == 6
    Path("photos").rename("moved")
    elsewhere = command_line(*asked, "own")
    assert elsewhere.exit_code == 0, elsewhere.output
    assert json.loads(elsewhere.stdout)["img2txt"]["topics"] == 12
