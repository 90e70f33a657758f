"""YAML that is wrong in any way is one short sentence, and soon."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from helpers import refusal

from ntcir.ablation.grid import read_grid
from ntcir.config import load_config
from ntcir.config.yaml_tree import NotYaml, parse_yaml

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 9)
)
WRONG = {
    "no truth value": ("name: a\nseed: !!bool x", "line 2: 'x' is not a valid bool"),
    "no time": ("seed: !!timestamp x", "line 1: 'x' is not a valid date or time"),
    "no day": ("\ndata: {split: {train: [2020-02-31, 2020-03-01]}}", "line 2: '2020-02-31' is not a valid date"),
    "no number": ("seed: !!int ''", "line 1: '' is not a valid int"),
    "no real number": ("seed: !!float x", "'x' is not a valid float"),
    "too many digits": (f"seed: {'9' * 5000}", "is not a valid int"),
    "lists without end": ("seed: " + "[" * 5000, "nested more than 64 deep"),
    "mappings without end": ("{" * 5000, "nested more than 64 deep"),
    "dashes without end": ("- " * 5000, "nested more than 64 deep"),
    "keys without end": ("? " * 5000, "nested more than 64 deep"),
    "a list that holds itself": ("seed: &a [*a]", "contains itself"),
    "a mapping that merges itself": ("seed: &a {<<: *a}", "contains itself"),
    "aliases of aliases": (BOMB, "it is too large once its aliases are expanded"),
    "a long text and its aliases": (
        f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 100)}]",
        "it is too large once its aliases are expanded",
    ),
    "no character": ('name: "\\U00110000"', "line 1: "),
    "half a character": ('name: "\\ud800"', "lone surrogate"),
    "half a character in a key": ('"\\udfff": 1', "lone surrogate"),
    "a control character": ("name: \x07", "special characters are not allowed"),
    "two equal keys": ("seed: 1\nname: a\nseed: 2", "line 3: the key 'seed' appears twice"),
    "two equal keys inside": ("training: {lr: 0.1,\n  lr: 0.2}", "line 2: the key 'lr' appears twice"),
    "two spellings of a key": ("yes: 1\nTrue: 2", "line 2: the key True appears twice"),
    "too many values": ("a: [" + "1," * 60_000 + "]", "there are more than 50,000 values"),
    "too much": ("#" * 2_000_000, "it "),
    "a tag of Python's": ("seed: !!python/object:os.system x", "could not determine a constructor"),
    "two documents": ("seed: 1\n---\nseed: 2", "line 2: but found another document"),
    "an unknown alias": ("seed: *a", "undefined alias 'a'"),
    "an open list": ("a: [1", "line 1: expected ',' or ']'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_is_wrong_is_one_short_sentence_with_its_line_and_soon(tmp_path: Path, name: str):
    text, part = WRONG[name]
    path = tmp_path / "some.yaml"
    path.write_text(text, encoding="utf-8")
    started = time.monotonic()
    for read in (load_config, read_grid):
        sentence = refusal(read, path)
        assert f"{path} is not YAML: " in sentence
        assert part in sentence
        assert len(sentence) < len(str(path)) + 300
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("name", WRONG)
def test_a_setting_that_is_wrong_is_one_short_sentence(name: str):
    text, _ = WRONG[name]
    sentence = refusal(load_config, None, [f"features.backbones={text}"])
    assert "the value is not YAML (" in sentence
    assert len(sentence) < 400


def test_a_file_that_a_windows_shell_wrote_is_named(tmp_path):
    path = tmp_path / "shell.yaml"
    path.write_text("seed: 1\n", encoding="utf-16")
    assert refusal(load_config, path) == f"{path} is not YAML: it is not UTF-8 text but UTF-16: save it as UTF-8."


def test_a_file_that_is_no_text_is_named_with_the_line(tmp_path):
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"seed: 1\nname: caf\xe9\n")
    assert "line 2 is not UTF-8" in refusal(load_config, path)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (f"seed: {'x' * 5000}", "seed = 'xxx"),
        (f"{'x' * 900}: 1", "Unknown key 'xxx"),
        (f"training: {{iters: [{', '.join(['abc'] * 1000)}]}}", "training.iters = ['abc', "),
        (f"augment: {{transforms: [{{name: {'x' * 5000}, when: 2020-01-01}}]}}", "augment is not valid: "),
        (f"name: {'x' * 5000}", "name = 'xxx"),
    ],
)
def test_values_and_keys_are_shown_cut(tmp_path, text, key):
    path = tmp_path / "some.yaml"
    path.write_text(text, encoding="utf-8")
    sentence = refusal(load_config, path)
    assert key in sentence
    assert len(sentence) < len(str(path)) + 450


@pytest.mark.parametrize("word", ["no", "010", "12:30", "1.5", "2020-01-01"])
def test_a_session_that_yaml_takes_for_something_else_is_to_be_quoted(tmp_path, word):
    path = tmp_path / "some.yaml"
    path.write_text(f"data: {{split: {{by: session, train: [{word}]}}}}", encoding="utf-8")
    assert "put it in quotes" in refusal(load_config, path)
    path.write_text(f"data: {{split: {{by: session, train: ['{word}']}}}}", encoding="utf-8")
    assert load_config(path).data.split.train == [word]


def test_what_yaml_can_do_still_does():
    text = "base: &b {lr: 0.1, batch: 4}\nmore:\n  <<: *b\n  lr: 0.2\nagain: *b\nwhen: 2020-02-29\nnone: ~\n"
    tree = parse_yaml("\ufeff" + text)
    assert tree["more"] == {"lr": 0.2, "batch": 4}
    assert tree["again"] is tree["base"]
    assert tree["none"] is None
    assert parse_yaml("") is parse_yaml("# nothing\n") is None
    with pytest.raises(NotYaml):
        parse_yaml("a: b: c")


def test_a_path_whose_name_is_not_utf_8_survives_being_saved(tmp_path):
    config = load_config().changed({"data.path": "/data/caf\udce9"})
    config.save(tmp_path / "some.yaml")
    assert load_config(tmp_path / "some.yaml") == config
