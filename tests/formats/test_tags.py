"""What a run may be called."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import refusal

from ntcir.formats.columns import is_word
from ntcir.formats.tags import run_tag


@pytest.mark.parametrize("name", ["first", "erster-Läufer", "a:b", "x" * 256])
def test_a_folder_s_name_that_fits_is_the_tag(tmp_path, name, capsys):
    assert run_tag(None, Path("runs") / name) == name
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("my model", "my-model"), ("my\tbig  model", "my-big-model"), ("a\x01b", "ab"), ("ä" * 200, "ä" * 128),
        (" ", "run"), ("caf\udce9", "caf\\udce9"), ("a\u00a0b", "a-b"), ("- x", "x"),
    ],
)  # fmt: skip
def test_of_any_other_the_nearest_tag_is_made_and_said(name, tag, capsys):
    made = run_tag(None, Path("runs") / name)
    assert made == tag
    assert is_word(made)
    assert f"tagged {tag}" in capsys.readouterr().err


@pytest.mark.parametrize("folder", [".", "..", "/"])
def test_a_folder_without_a_name_of_its_own_has_a_tag(folder):
    assert is_word(run_tag(None, Path(folder)))


@pytest.mark.parametrize("typed", ["", "my tag", "a\nb", "a\x07", "x" * 257, "caf\udce9"])
def test_a_typed_tag_that_does_not_fit_is_refused(typed):
    assert "--tag" in refusal(run_tag, typed, Path("runs/first"))
