"""Where things lie when nobody says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ntcir.system.errors import UserError
from ntcir.workspace import beside, corpus_to_show, find_data, find_file, fresh_folder, read_corpus, resolve


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch) -> Path:
    """Work in an empty folder without ``NTCIR_DATA``."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("NTCIR_DATA", raising=False)
    return folder


def folders(tmp_path: Path, *names: str) -> list[Path]:
    for name in names:
        (tmp_path / name).mkdir(parents=True)
    return [tmp_path / name for name in names]


def test_data_is_as_typed_else_as_in_the_environment_else_as_configured_else_the_demo(tmp_path, monkeypatch):
    typed, environment, configured = folders(tmp_path, "typed", "environment", "configured")
    Path("data/demo").mkdir(parents=True)
    assert find_data(None) == Path("data/demo")
    assert find_data(None, configured) == configured
    monkeypatch.setenv("NTCIR_DATA", str(environment))
    assert find_data(None, configured) == environment
    assert find_data(typed, configured) == typed


def test_without_data_one_sentence_says_how_to_get_some():
    with pytest.raises(UserError, match=r"--data DIR or NTCIR_DATA=DIR, .*`ntcir demo`"):
        find_data(None)


def test_a_folder_that_is_not_there_is_named_with_who_named_it(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=f"--data names {tmp_path}/no, which is not a folder"):
        find_data(tmp_path / "no")
    with pytest.raises(UserError, match=r"data\.path names no, which"):
        find_data(None, Path("no"))
    monkeypatch.setenv("NTCIR_DATA", "nowhere")
    with pytest.raises(UserError, match="NTCIR_DATA names nowhere, which"):
        find_data(None)


def test_a_tilde_means_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (home,) = folders(tmp_path, "life")
    assert find_data(None, Path("~/life")) == home


def test_the_corpus_folders_own_configuration_is_used_where_none_is_given(tmp_path):
    (data,) = folders(tmp_path, "data")
    (data / "ntcir.yaml").write_text("name: own\nseed: 4\ndata: {split: {by: session}}\n")
    (tmp_path / "other.yaml").write_text("name: other\n")
    own = resolve(None, ["seed=5"], data)
    assert (own.name, own.seed, own.data.path) == ("own", 5, data)
    assert resolve(tmp_path / "other.yaml", [], data).name == "other"


def test_settings_may_name_the_data_and_keys_that_only_its_configuration_has(tmp_path):
    (data,) = folders(tmp_path, "data")
    (data / "ntcir.yaml").write_text("data: {split: {by: session}}\nfeatures: {backbones: [{}, {}, {}]}\n")
    settings = [f"data.path={data}", "data.split.val=[a]", "features.backbones.2.arch=vgg11"]
    config = resolve(None, settings, None)
    assert config.data.path == data
    assert config.data.split.model_dump()["val"] == ["a"]
    assert config.features.backbones[2].arch == "vgg11"


def test_the_resolved_path_holds_in_another_folder(tmp_path, monkeypatch):
    Path("life").mkdir()
    Path("net.pth").write_bytes(b"weights")
    config = resolve(None, ["features.backbones.0.weights=net.pth"], Path("life"))
    monkeypatch.chdir(tmp_path)
    assert config.data.path is not None
    assert config.data.path.is_dir()
    assert Path(config.features.backbones[0].weights).read_bytes() == b"weights"
    assert config.features.backbones[1].weights == "places365"


def test_a_file_called_like_published_weights_does_not_stand_for_them(tmp_path):
    Path("life").mkdir()
    Path("imagenet").write_bytes(b"weights of some network")
    config = resolve(None, ["features.backbones.1.weights=./imagenet"], Path("life"))
    assert [backbone.weights for backbone in config.features.backbones] == [
        "imagenet",
        str(Path("imagenet").absolute()),
    ]


def test_a_file_is_found_as_typed_or_under_topics(elsewhere):
    with pytest.raises(UserError, match=r"There is no file topics\.tsv, nor topics/topics\.tsv: `ntcir build-topics`"):
        find_file(Path("topics.tsv"))
    Path("topics").mkdir()
    Path("topics/topics.tsv").write_text("x")
    assert find_file(Path("topics.tsv")) == Path("topics/topics.tsv")
    Path("topics.tsv").write_text("x")
    assert find_file(Path("topics.tsv")) == Path("topics.tsv")
    assert find_file(elsewhere / "topics.tsv") == elsewhere / "topics.tsv"
    assert beside(Path("topics/topics.tsv"), "pools.tsv") is None
    assert beside(Path("topics.tsv"), "topics.tsv") == Path("topics.tsv")


def test_a_fresh_folder_takes_the_next_number_where_a_finished_model_lies(monkeypatch):
    finished = {Path("runs/a"), Path("runs/a-2")}
    monkeypatch.setattr("ntcir.workspace.is_finished", finished.__contains__)
    assert fresh_folder("b") == Path("runs/b")
    assert fresh_folder("a") == Path("runs/a-3")


def test_reading_a_corpus_says_on_stderr_what_was_read(make_lifelog, tmp_path, capsys):
    root = make_lifelog(tmp_path / "life", missing=["20200228_080032_000.jpg"])
    corpus = read_corpus(resolve(None, [], root))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "life: read 12 rows of vaisl_gps.csv, 11 photographs on disk, 12 rows of lsc22_metadata.csv, 11 pairs, "
        "11 minutes with readings",
        "life: left out 1: photograph is listed but not on disk (looked for in images/YYYYMM/DD/) "
        "(first: 20200228_080032_000.jpg)",
    ]
    assert len(corpus.pairs) == 11


def test_the_corpus_to_show_is_the_newest_models(make_lifelog, tmp_path):
    from ntcir.config import Config

    for number, name in enumerate(["older", "newer"]):
        root = make_lifelog(tmp_path / name)
        Config().changed({"data.path": str(root)}).save(Path("runs") / name / "config.yaml")
        (Path("runs") / name / "model.json").write_text('{"version": 2}', encoding="utf-8")
        weights = Path("runs") / name / "model.safetensors"
        weights.touch()
        os.utime(weights, (number, number))
    (Path("runs") / "begun").mkdir()  # a training that has come to no model yet is not asked
    Config().changed({"data.path": str(tmp_path)}).save(Path("runs") / "begun" / "config.yaml")
    assert corpus_to_show(None).name == "newer"
    assert corpus_to_show(tmp_path / "older").name == "older"
