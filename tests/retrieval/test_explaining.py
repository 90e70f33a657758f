"""Explaining a score: what each word, column and cell contributes, held to slow loops; and what cannot be explained."""

from __future__ import annotations

import json
import shutil
import webbrowser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import Result
from helpers import command_line, one_thread  # noqa: F401
from letters import spelt, write_captioned
from PIL import Image

import ntcir.report.explanations
from ntcir.corpora import open_corpus
from ntcir.corpora.corpus import Corpus
from ntcir.encoders import open_pair
from ntcir.encoders.encoder import Rows
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.decode import decode
from ntcir.model.model import Model
from ntcir.report.explanation import draw_explanation

pytestmark = pytest.mark.usefixtures("one_thread")
OF_CAPTIONS = "pair=[image, text]", "texts.stop_words=[oo]", "texts.length=4"
MODELS = {
    "words": OF_CAPTIONS,
    "sensors": ("pair=[image, sensor]", "sensors.exclude=[caption]", "sensors.cyclic={noon: 24}"),
    "given": (*OF_CAPTIONS, "towers.image.encoder=vectors", "towers.image.vectors=vectors.npy"),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: F811
    """A folder with captioned pictures and a model of each pair; how good they are is of no account."""
    folder = tmp_path_factory.mktemp("explaining")
    write_captioned(folder / "data", 4)
    records = pd.read_csv(folder / "data" / "records.csv")
    np.save(folder / "vectors.npy", np.random.default_rng(0).normal(size=(len(records), 4)).astype(np.float32))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, changes in MODELS.items():
            settings = [part for change in ("features.precision=fp32", *changes) for part in ("--set", change)]
            done = command_line("train", "--data", "data", "--iters", "0", "--out", f"runs/{name}", *settings)
            assert done.exit_code == 0, done.output
    return folder


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is drawn, which takes most of the time; see ``tests/report/test_explanation.py``."""
    monkeypatch.setattr(ntcir.report.explanations, "draw_explanation", lambda explanation, path: None)


@pytest.fixture
def here(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    shutil.rmtree("explain", ignore_errors=True)
    return trained


def typed(*arguments: str, model: str = "words") -> Result:
    return command_line("explain", *arguments, "--model", f"runs/{model}")


def explained(*arguments: str, model: str = "words") -> tuple[dict[str, Any], str]:
    done = typed(*arguments, "--json", model=model)
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    return json.loads(done.stdout), done.stderr


def opened(name: str) -> tuple[Model, Corpus, dict[str, Rows]]:
    model = Model.load(Path("runs") / name)
    corpus = open_corpus(Path("data"), model.config.data.split, pair=model.config.pair)
    return model, corpus, open_pair(model.config, corpus, model.encoders)


def score(model: Model, one: tuple[str, np.ndarray], other: tuple[str, np.ndarray]) -> float:
    left, right = (model.unit_vectors(*each)[0].astype(np.float64) for each in (one, other))
    return float(left @ right)


def check(part: dict[str, Any], whole: float, without: float) -> None:
    assert part["without"] == pytest.approx(without, abs=1e-5)
    assert part["contribution"] == pytest.approx(whole - without, abs=1e-5)


# What parts contribute


def a_caption(corpus: Corpus) -> list[str]:
    """Return known words, of which one occurs twice."""
    words = str(corpus.tables["text"]["text"].iloc[0]).split()
    return [words[0], words[1], words[0]]


def test_words_contribute_what_a_loop_over_sentences_says(here):
    model, corpus, rows = opened("words")
    first, second, _ = a_caption(corpus)
    words = [first, "unheard-of", "OO", f"{second},", "!", first]
    tree, _ = explained(*words, "--image", "s4_003.png", "--cells", "1")
    rows["image"].ensure(["s4_003.png"])
    picture = ("image", rows["image"].load(["s4_003.png"]))

    def of(sentence: str) -> float:
        return score(model, ("text", rows["text"].ask(sentence)), picture)

    whole = of(" ".join(words))
    assert tree["score"] == pytest.approx(whole, abs=1e-5)
    caption, photograph = tree["sides"]
    assert (caption["modality"], caption["id"], caption["text"], caption["kind"]) == (
        "text", None, " ".join(words), "word"
    )  # fmt: skip
    assert photograph["id"] == "s4_003.png"
    assert [part["name"] for part in caption["parts"]] == words
    notes = {1: "not known", 2: "left out", 4: "left out"}
    for place, part in enumerate(caption["parts"]):
        if place in notes:
            assert part == {"name": words[place], "without": None, "contribution": None, "note": notes[place]}
        else:
            check(part, whole, of(" ".join(words[:place] + words[place + 1 :])))


def test_a_word_behind_the_longest_caption_is_left_out_and_comes_in_when_another_goes(here):
    model, corpus, rows = opened("words")
    first, second, _ = a_caption(corpus)
    words = [first] * 4 + [second]  # of which the model takes 4
    tree, _ = explained(*words, "--image", "s4_003.png", "--cells", "1")
    parts = tree["sides"][0]["parts"]
    assert [part.get("note") for part in parts] == [None] * 4 + ["left out"]
    rows["image"].ensure(["s4_003.png"])
    without = score(
        model, ("text", rows["text"].ask(" ".join(words[1:]))), ("image", rows["image"].load(["s4_003.png"]))
    )
    check(parts[0], tree["score"], without)
    assert abs(parts[0]["contribution"]) > 1e-4


def test_cells_contribute_what_a_loop_over_pictures_says(here):
    model, _, rows = opened("words")
    tree, _ = explained(spelt(250, 10, 10), "--image", "s4_003.png", "--cells", "3")
    network = FrozenNetwork(model.config.features.backbones[0], model.config.features)
    picture = decode("data/images/s4_003.png", network.preprocessing.square)
    caption = ("text", rows["text"].ask(spelt(250, 10, 10)))

    def of(pixels: np.ndarray) -> float:
        with torch.inference_mode():
            return score(model, ("image", network(torch.from_numpy(pixels[None])).numpy()), caption)

    side = tree["sides"][1]
    assert (side["kind"], side["area"]) == ("cell", [0, 0, 1, 1])
    assert tree["score"] == pytest.approx(of(picture), abs=1e-5)
    edges = [0, 21, 42, 64]
    for part in side["parts"]:
        row, column = (int(number) - 1 for number in part["name"].split(","))
        hidden = picture.copy()
        for channel, mean in enumerate((124, 116, 104)):  # ImageNet's, of 255
            hidden[channel, edges[row] : edges[row + 1], edges[column] : edges[column + 1]] = mean
        assert part["without"] == pytest.approx(of(hidden), abs=1e-5)
        assert part["contribution"] == pytest.approx(tree["score"] - part["without"], abs=1e-6)
    assert [part["name"] for part in side["parts"]] == [f"{row},{column}" for row in (1, 2, 3) for column in (1, 2, 3)]


def test_columns_contribute_what_a_loop_over_columns_says(here):
    model, corpus, rows = opened("sensors")
    item = "s4_003"
    tree, _ = explained("--reading", item, "--image", "s4_003.png", "--cells", "1", model="sensors")
    training = corpus.split("train")["sensor"].tolist()
    rows["sensor"].ensure(corpus.tables["sensor"].index.tolist())
    mean = rows["sensor"].load(training).astype(np.float64).mean(axis=0)
    rows["image"].ensure(["s4_003.png"])
    picture = ("image", rows["image"].load(["s4_003.png"]))
    row = rows["sensor"].load([item])
    # Each of four numbers, the frequency of the weather the last, has two sines and two cosines; noon is an hour too.
    columns = {
        name: [at, at + 4, at + 8, at + 12, at + 16] for at, name in enumerate(("warm", "wet", "noon", "weather"))
    }
    columns["noon"] += [20, 21]
    assert rows["sensor"].dim == 22
    side = tree["sides"][1]
    assert (side["modality"], side["id"], side["kind"]) == ("sensor", item, "column")
    assert side["sensor"]["warm"] == corpus.tables["sensor"].at[item, "warm"]
    assert {part["name"] for part in side["parts"]} == set(columns)
    for part in side["parts"]:
        changed = row.copy()
        changed[0, columns[part["name"]]] = mean[columns[part["name"]]]
        check(part, score(model, ("sensor", row), picture), score(model, ("sensor", changed), picture))


def test_a_caption_is_known_by_its_id_and_a_reading_may_be_typed(here):
    _, corpus, _ = opened("words")
    item = corpus.tables["text"].index[3]
    tree, stderr = explained("--text", item, "--image", "s4_003.png", "--cells", "1")
    assert (tree["sides"][0]["id"], tree["sides"][0]["text"]) == (item, corpus.tables["text"].at[item, "text"])
    assert "is given: the best of" not in stderr
    tree, _ = explained("--reading", '{"warm": 250}', "--image", "s4_003.png", "--cells", "1", model="sensors")
    assert (tree["sides"][1]["id"], tree["sides"][1]["sensor"]) == (None, {"warm": 250})


def test_a_file_is_explained_as_the_picture_of_the_corpus_is(here, tmp_path):
    shutil.copy("data/images/s4_003.png", tmp_path / "mine.png")
    named, _ = explained("--image", "s4_003.png", spelt(250, 10, 10))
    given, _ = explained("--image", str(tmp_path / "mine.png"), spelt(250, 10, 10))
    assert given["sides"][1].pop("id") is None
    assert named["sides"][1].pop("id") == "s4_003.png"
    assert named["sides"][1].pop("path") != given["sides"][1].pop("path")
    assert len(given["sides"][1]["parts"]) == 49
    assert named == given


@pytest.mark.parametrize(
    ("model", "arguments"),
    [
        ("words", [spelt(250, 10, 10), "--split", "test"]),
        ("words", ["--image", "s4_003.png"]),
        ("sensors", ["--image", "s4_003.png", "--split", "train"]),
        ("sensors", ["--reading", '{"warm": 250, "wet": 10}']),
    ],
)
def test_where_one_item_is_given_the_other_is_what_a_search_finds_first(here, tmp_path, model, arguments):
    tree, stderr = explained(*arguments, "--cells", "2", model=model)
    out = ["--model", f"runs/{model}", "--out", str(tmp_path / "search")]
    [hit] = json.loads(command_line("search", *arguments, "--k", "1", "--json", *out).stdout)["hits"]
    assert tree["sides"][1]["id"] == hit["id"]
    assert tree["score"] == pytest.approx(hit["score"], abs=1e-5)
    assert f"is given: the best of {4 if '--split' in arguments and 'test' in arguments else ''}" in stderr
    assert f"is taken, {hit['id']}." in stderr


def test_a_split_that_is_not_searched_is_said_to_be_idle(here):
    _, stderr = explained("aaa", "--image", "s4_003.png", "--split", "val", "--cells", "1")
    assert "Both items are given, so nothing is searched: --split val is not used." in stderr


def test_a_caption_that_is_or_becomes_empty_is_said_to_be(here):
    model, corpus, rows = opened("words")
    [word] = a_caption(corpus)[:1]
    rows["image"].ensure(["s4_003.png"])
    nothing = score(
        model, ("text", np.zeros((1, rows["text"].dim), np.float32)), ("image", rows["image"].load(["s4_003.png"]))
    )
    tree, stderr = explained(word, "OO", "--image", "s4_003.png", "--cells", "1")
    assert f"Only '{word}' counts in the caption: without it, the score is that of an empty caption." in stderr
    check(tree["sides"][0]["parts"][0], tree["score"], nothing)
    tree, stderr = explained("never", "seen", "--image", "s4_003.png", "--cells", "1")
    assert "WARNING: the caption has no word that counts: the score is that of an empty caption." in stderr
    assert tree["score"] == pytest.approx(nothing, abs=1e-5)
    assert [part["note"] for part in tree["sides"][0]["parts"]] == ["not known", "not known"]


def test_a_corpus_that_cannot_be_split_is_averaged_as_a_whole(here, tmp_path):
    data = write_captioned(tmp_path / "single", 3)
    others = ["--data", str(data), "--set", "data.split={by: session, val: [s8], test: [s9]}"]
    _, stderr = explained("--reading", "s1_001", "--image", "s1_001.png", "--cells", "1", *others, model="sensors")
    assert "single has no training split: averages are taken over all of its pairs." in stderr


# What is printed and written


def test_lines_have_the_score_first_and_then_each_part(here):
    words = ["aaa", "never", spelt(250, 10, 10).split()[0]]
    done = typed(*words, "--image", "s4_003.png", "--cells", "2")
    tree, _ = explained(*words, "--image", "s4_003.png", "--cells", "2")
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert lines[0] == ["score", "-", f"{tree['score']:.4f}", "-"]
    assert lines[2] == ["word", "never", "-", "not known"]
    assert [line[0] for line in lines[1:]] == ["word"] * 3 + ["cell"] * 4
    for line, part in zip(lines[4:], tree["sides"][1]["parts"], strict=True):
        assert line[1:3] == [part["name"], f"{part['without']:.4f}"]
        assert float(line[3]) == pytest.approx(part["contribution"], abs=5.1e-5)
        assert line[3][0] in "+-"


def test_a_picture_and_json_are_written_where_earlier_ones_were_and_nowhere_else(here, tmp_path, monkeypatch):
    monkeypatch.setattr(ntcir.report.explanations, "draw_explanation", draw_explanation)
    tree, _ = explained("Aa ee: o?", "--image", "s4_003.png", "--cells", "1")
    folder = Path("explain/aa-ee-o-s4_003")
    assert sorted(path.name for path in folder.iterdir()) == ["explanation.json", "explanation.png"]
    assert json.loads((folder / "explanation.json").read_text(encoding="utf-8")) == tree
    with Image.open(folder / "explanation.png") as picture:
        picture.verify()
    assert typed("ee", "--image", "s4_003.png", "--cells", "1", "--out", str(folder)).exit_code == 0
    assert json.loads((folder / "explanation.json").read_text(encoding="utf-8"))["sides"][0]["text"] == "ee"
    assert command_line("search", "aa", "--model", "runs/words", "--out", str(tmp_path / "own")).exit_code == 0
    for other in (tmp_path / "own", here / "data"):
        done = typed("aa", "--out", str(other))
        assert (done.exit_code, done.stdout) == (2, "")
        assert "no explanation has written" in done.stderr


def test_the_picture_is_opened_where_there_is_a_browser(here, monkeypatch):
    seen: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: seen.append(url) or True)
    assert typed("aa", "--image", "s4_003.png", "--cells", "1", "--open").exit_code == 0
    assert seen == [(here / "explain/aa-s4_003/explanation.png").as_uri()]


# What is wrong


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "There is nothing to explain: give words, --text ID, --image FILE or --reading JSON, one or two of them"),
        (["a", "--text", "b"], "There are 2 captions (words, --text ID)"),
        (["a", "--image", "b", "--reading", "{}"], "There are 3 items (words, --image FILE, --reading JSON)"),
        ([""], "The query is empty: say in a few words"),
        (["--text", " "], "The query is empty: give --text ID"),
        (["--image", " ", "aa"], "The query is empty: give --image FILE"),
        (["--image", "s9.png"], "asks for the image 's9.png', which is neither in"),
        (["--image", "data/records.csv"], "data/records.csv (the file is not an image in a known format)"),
        (["--text", "s9"], "data has no caption of the id 's9'; its ids are s1_000"),
        (["--reading", '{"warm": 3}'], "cannot be asked with a reading: its pair is image and text"),
        (["aa", "--reading", "s1_000"], "cannot be asked with a reading"),
        (["aa", "--cells", "0"], "0 is not in the range 1<=x<=64"),
        (["aa", "--cells", "65"], "65 is not in the range 1<=x<=64"),
        (["aa", "--split", "tset"], "There is no split 'tset'"),
        (["aa", "--set", "training.lr=1"], "a trained model keeps its configuration"),
        (["aa", "--data", "nowhere"], "which does not exist"),
    ],
)
def test_what_cannot_be_explained_is_one_sentence(here, arguments, sentence):
    done = typed(*arguments)
    assert (done.exit_code, done.stdout) == (2, ""), f"{done.output}\n{done.exception!r}"
    assert sentence in done.stderr.splitlines()[-1]
    assert not Path("explain").exists()


def test_readings_that_are_not_there_or_cannot_be_one_are_refused(here):
    for reading, sentence in {
        "s9": "data has no reading of the id 's9'; its ids are s1_000, s1_001, s1_002 and 13 more.",
        "{": "--reading '{': the query is not a JSON object",
        '{"wamr": 1}': "Unknown reading 'wamr' (did you mean 'warm'?)",
    }.items():
        done = typed("--reading", reading, model="sensors")
        assert done.exit_code == 2
        assert sentence in done.stderr


def test_a_folder_that_is_no_model_is_refused(here):
    done = command_line("explain", "aa", "--model", "data")
    assert done.exit_code == 2
    assert "There is no trained model in data" in done.stderr


def test_vectors_that_came_with_the_data_have_no_parts(here):
    done = typed("aa", model="given")
    assert (done.exit_code, done.stdout) == (2, "")
    last = done.stderr.splitlines()[-1]
    assert "its encoder vectors cannot take photographs apart." in last


def test_a_picture_whose_file_is_gone_since_its_features_were_stored_is_named(here, tmp_path):
    shutil.copytree("data", tmp_path / "data")
    typed("aa", "--image", "s4_003.png", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "one"))
    (tmp_path / "data" / "images" / "s4_003.png").write_bytes(b"no picture")
    done = typed("aa", "--image", "s4_003.png", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "two"))
    assert done.exit_code == 2
    assert "s4_003.png" in done.stderr.splitlines()[-1]
    assert "can be read" in done.stderr.splitlines()[-1]
