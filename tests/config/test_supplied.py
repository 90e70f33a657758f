"""A configuration that came with data chooses no places; the user chooses any."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import command_line, refusal, write_pictures

from ntcir.config import load_supplied
from ntcir.workspace import resolve


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    """Work in an empty folder beside that of the data."""
    for name in ("data/own", "work", "far"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.delenv("NTCIR_DATA", raising=False)
    return tmp_path / "work"


def supplied(text: str) -> Path:
    path = Path("../data/own/ntcir.yaml").resolve()
    path.write_text(text, encoding="utf-8")
    return path


CHOICES = {
    "features.store": [
        "/tmp/features", "../features", "a/../../features", "~/features", "link", "link/deeper"
    ],
    "data.outside": ["true"],
    "objects.detector": [
        "/tmp/detector.pt", "../far/detector.pt", "~/detector.pt", "../data/own/detector.pt",
    ],
    "features.backbones.0.weights": [
        "/etc/passwd", "../far/net.pth", "~/net.pth", "escape.pth", "deep/../../../far/net.pth",
    ],
    "features.backbones.0.arch": ["open_clip:local-dir:/far/clip", "open_clip:local-dir:clip"],
    "texts.network": ["open_clip:local-dir:/far/clip"],
}  # fmt: skip
TREES = {
    "features.store": "features: {{store: {value}}}",
    "data.outside": "data: {{outside: {value}}}",
    "objects.detector": "objects: {{detector: {value}}}",
    "features.backbones.0.weights": "features: {{backbones: [{{weights: {value}}}]}}",
    "features.backbones.0.arch": "features: {{backbones: [{{arch: '{value}'}}]}}",
    "texts.network": "texts: {{network: '{value}'}}",
}
CASES = [(key, value) for key, values in CHOICES.items() for value in values]


def prepare(key: str, value: str) -> Path:
    Path("link").symlink_to(Path("../far").resolve())
    for name in ("net.pth", "detector.pt"):
        (Path("../far") / name).write_bytes(b"")
    Path("../data/own/escape.pth").symlink_to(Path("../far/net.pth").resolve())
    Path("../data/own/detector.pt").write_bytes(b"")
    Path("../data/own/deep").mkdir()
    return supplied(TREES[key].format(value=value))


@pytest.mark.parametrize(("key", "value"), CASES)
def test_a_place_that_the_data_choose_is_refused_and_the_user_is_told_how_to_choose_it(key, value):
    path = prepare(key, value)
    sentence = refusal(resolve, None, ["training.iters=3"], path.parent)
    assert sentence.startswith(f"{path} says {key} = ")
    assert f"--set {key}=" in sentence
    assert f"--config {path}" in sentence


@pytest.mark.parametrize(("key", "value"), CASES)
def test_the_user_chooses_any_place_by_a_setting_or_by_naming_the_file(key, value):
    path = prepare(key, value)
    for config, settings in ((None, [f"{key}={value}"]), (path, [])):
        resolved = resolve(config, settings, path.parent)
        assert resolved.data.outside == (key == "data.outside")
    assert load_supplied(path, [f"{key}={value}"]).data.path is None


def test_a_whole_section_typed_is_the_user_s_word():
    path = supplied("features: {store: /far/away, backbones: [{weights: /etc/passwd}]}")
    assert load_supplied(path, ["features={store: /mine}"]).features.store == Path("/mine")


@pytest.mark.parametrize("store", ["features", "kept", "kept/by/hand"])
def test_a_folder_here_may_be_named(here, store):
    Path("features").symlink_to(Path("../far").resolve())  # the usual one is where the user wants it
    path = supplied(f"features: {{store: {store}}}")
    assert resolve(None, [], path.parent).features.store == Path(store)


def test_weights_are_those_in_the_corpus_folder_then_those_here(here):
    names = ("inside.pth", "both.pth", "here.pth", "deep/net")
    for folder, some in (("../data/own", (names[0], names[1], names[3])), (".", names[1:3])):
        for name in some:
            path = Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"")
    own = supplied(f"features: {{backbones: [{', '.join(f'{{weights: {name}}}' for name in (*names, 'imagenet'))}]}}")
    found = [backbone.weights for backbone in resolve(None, [], own.parent).features.backbones]
    inside = [str(own.parent / name) for name in names]
    assert found == [inside[0], inside[1], str(here / names[2]), inside[3], "imagenet"]
    absolute = supplied(f"features: {{backbones: [{{weights: {inside[0]}}}]}}")
    assert resolve(None, [], absolute.parent).features.backbones[0].weights == inside[0]


@pytest.mark.parametrize("detector", ["demo", "yolo11n.pt", "here.pt", "./here.pt"])
def test_a_detector_that_is_published_or_lies_here_may_be_named(here, detector):
    Path("here.pt").write_bytes(b"")
    path = supplied(f"objects: {{detector: {detector}}}")
    assert Path(resolve(None, [], path.parent).objects.detector).name == Path(detector).name


def test_where_the_data_lie_is_not_theirs_to_say(tmp_path):
    path = supplied(f"data: {{path: {tmp_path / 'far'}}}")
    assert resolve(None, [], path.parent).data.path == path.parent


def test_the_command_writes_nothing_where_the_data_want_it(tmp_path):
    data = write_pictures(tmp_path / "records", per_session=2)
    text = (data / "ntcir.yaml").read_text(encoding="utf-8")
    there = tmp_path / "far" / "features"
    (data / "ntcir.yaml").write_text(text.replace("size: 64,", f"size: 64, store: {there},"), encoding="utf-8")
    refused = command_line("features", "images", "--data", str(data))
    assert refused.exit_code == 2
    assert refused.stderr.strip().splitlines()[-1].startswith(f"Error: {data / 'ntcir.yaml'} says features.store")
    assert not there.exists()
    assert not list(Path.cwd().iterdir())
    asked = command_line("features", "images", "--data", str(data), "--config", str(data / "ntcir.yaml"))
    assert asked.exit_code == 0, asked.output
    assert list(there.glob("records/*/meta.json"))
