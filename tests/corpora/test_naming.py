"""What a corpus is called, whatever its folder is called and however that is given."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import command_line, write_pictures

from ntcir.corpora.naming import corpus_name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (".", "here"), ("..", "outer"), ("../..", None), ("../other", "other"), ("../other/", "other"),
        ("../other/..", "outer"), ("../other/../here", "here"), ("../link", "link"), ("../link/..", "far"),
        ("/", "corpus"), ("../a\nb\x1bc", "a_b_c"), ("../caf\udce9", "caf\udce9"), ("../two words", "two words"),
    ],
)  # fmt: skip
def test_the_name_is_that_of_one_folder(tmp_path, monkeypatch, typed, name):
    for folder in ("outer/here", "outer/other", "far/target"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "outer" / "link").symlink_to(tmp_path / "far" / "target")
    monkeypatch.chdir(tmp_path / "outer" / "here")
    assert corpus_name(Path(typed)) == (name or tmp_path.name)


@pytest.mark.parametrize("typed", [".", "..", "../life/.."])
def test_the_features_of_a_corpus_named_by_dots_stay_in_the_store(tmp_path, monkeypatch, typed):
    data = write_pictures(tmp_path / "life" if typed == "." else tmp_path / "work" / "life", per_session=2)
    if typed != ".":
        for path in data.iterdir():
            path.rename(data.parent / path.name)
    root = tmp_path / "life" if typed == "." else tmp_path / "work"
    here = root if typed == "." else root / "life"
    monkeypatch.chdir(here)
    done = command_line("features", "images", "--data", typed)
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in Path("features").iterdir()) == [root.name]
    assert list((Path("features") / root.name).glob("*/meta.json"))
    assert f"{root.name}: 8 of 8 photographs" in done.stderr
