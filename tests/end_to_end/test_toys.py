"""A toy modality and a toy objective, each a file of under 40 lines, go the whole way that photographs and readings go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import command_line, one_thread  # noqa: F401
from toy_corpus import PICTURELESS, is_captions, read_captions, write_captions, write_categories
from toy_modality import CAPTION

import ntcir.corpora
import ntcir.modalities
from ntcir.config.registry import OBJECTIVES
from ntcir.encoders import KINDS

pytestmark = pytest.mark.usefixtures("one_thread", "toys")
PAIRS = {"with pictures": ("image", "caption", "img2cap", "cap2img"), "without": ("caption", "sensor", "cap2sen", "sen2cap")}
SEVERAL = 2


@pytest.fixture(scope="module")
def toys() -> Iterator[None]:
    """Add what is new: a line in each registry."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ntcir.modalities, "_MODALITIES", dict(ntcir.modalities._MODALITIES))
        ntcir.modalities.register(CAPTION)
        patch.setitem(KINDS, "letters", ("toy_modality:Letters", "toy_modality:LetterRows"))
        patch.setitem(OBJECTIVES, "sigmoid", "toy_objective:Sigmoid")
        patch.setitem(OBJECTIVES, "of_categories", "toy_objective:OfCategories")
        patch.setattr(ntcir.corpora, "LAYOUTS", [(is_captions, read_captions), *ntcir.corpora.LAYOUTS])
        yield


def succeeds(*arguments: str) -> str:
    done = command_line(*arguments)
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    return done.stdout


@pytest.mark.parametrize("kind", PAIRS)
def test_a_toy_modality_is_trained_asked_scored_and_evaluated(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    left, right, *ways = PAIRS[kind]
    write_captions(tmp_path / "data")
    if kind == "without":
        (tmp_path / "data" / PICTURELESS).touch()
    options = ["--data", "data", "--set", f"pair=[{left}, {right}]"]
    succeeds("build-topics", *options, "--pool", "10", "--topics-per-day", "3")
    succeeds("train", *options, "--iters", "60", "--out", "runs/toy")
    Path("run.txt").write_text(succeeds("run", "topics.tsv"), encoding="utf-8")
    scored = json.loads(succeeds("score", "--json"))
    print(scored)
    evaluated = json.loads(succeeds("evaluate", "--json"))
    print(evaluated)
    print(succeeds("evaluate", "--pool", "none"))
    assert 0
