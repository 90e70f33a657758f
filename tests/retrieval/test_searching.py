"""Searching as a person does: with words, a picture or a reading, whatever the model's pair."""

from __future__ import annotations

import json
import shutil
import sys
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from helpers import ROOT, command_line, one_thread  # noqa: F401
from letters import WORDS, spelt, write_captioned
from lifelogs import photograph_ids
from PIL import Image

from ntcir.cli import main
from ntcir.corpora import open_corpus
from ntcir.corpora.concepts import CONCEPTS_FILE
from ntcir.encoders import KINDS, open_pair
from ntcir.model.model import Model

pytestmark = pytest.mark.usefixtures("one_thread", "words")
PAIRS = {"words": "[image, text]", "sensors": "[image, sensor]", "mute": "[sensor, text]"}
ASKED: dict[str, tuple[str, list[str]]] = {  # direction -> the model, and what is typed
    "txt2img": ("words", [spelt(250, 10, 10)]),
    "img2txt": ("words", ["--image", "s4_003.png"]),
    "img2sen": ("sensors", ["--image", "s4_003.png"]),
    "sen2img": ("sensors", ["--reading", '{"warm": 250, "wet": 10}']),
    "sen2txt": ("mute", ["--reading", '{"warm": 250, "wet": 10}']),
    "txt2sen": ("mute", [spelt(250, 10, 10)]),
}


@pytest.fixture(scope="module")
def words() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(KINDS, "words", WORDS["words"])
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, words: None, one_thread: None) -> Path:  # noqa: F811
    """A folder with captioned pictures and a model of each pair."""
    folder = tmp_path_factory.mktemp("searching")
    write_captioned(folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, pair in PAIRS.items():
            own = ["--set", "sensors.exclude=[caption]", "--set", "sensors.numbers=raw"]
            more = own if name == "sensors" else []
            options = ["--set", f"pair={pair}", "--iters", "60", "--out", f"runs/{name}", *more]
            done = command_line("train", "--data", "data", *options)
            assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def here(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    shutil.rmtree("search", ignore_errors=True)
    return trained


def typed(*arguments: str, model: str = "words") -> Result:
    return command_line("search", *arguments, "--model", f"runs/{model}")


def found(*arguments: str, model: str = "words") -> dict[str, Any]:
    done = typed(*arguments, "--json", model=model)
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    return json.loads(done.stdout)


def error_of(*arguments: str, model: str = "words") -> str:
    done = typed(*arguments, model=model)
    assert (done.exit_code, done.stdout) == (2, ""), f"{done.output}\n{done.exception!r}"
    return done.stderr.splitlines()[-1]


# What is found


@pytest.mark.parametrize("direction", ASKED)
def test_every_direction_can_be_tried_by_hand(here, direction):
    model, arguments = ASKED[direction]
    result = found(*arguments, "--k", "6", model=model)
    assert result["direction"] == direction
    assert result["searched"] == 56
    hits = result["hits"]
    assert [hit["rank"] for hit in hits] == [1, 2, 3, 4, 5, 6]
    scores = [hit["score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(-1 <= score <= 1 for score in scores)
    assert len({hit["id"] for hit in hits}) == 6


def test_words_find_the_pictures_that_they_describe(here):
    records = pd.read_csv("data/records.csv", index_col="file")
    for column, caption in {"warm": spelt(255, 0, 0), "wet": spelt(0, 255, 0), "noon": spelt(0, 0, 255)}.items():
        best = [hit["id"] for hit in found(caption, "--k", "8")["hits"]]
        assert records.loc[best, column].mean() > records[column].mean() + 15


def test_the_best_are_those_of_all_cosines(here):
    model = Model.load(Path("runs/words"))
    corpus = open_corpus(Path("data"), None, pair=model.config.pair)
    rows = open_pair(model.config, corpus, model.encoders)
    ids = corpus.pairs["image"].tolist()
    rows["image"].ensure(ids)
    pictures = model.unit_vectors("image", rows["image"].load(ids)).astype(np.float64)
    query = "aaa eeeee o"
    [(_, encoded)] = rows["text"].encode({"x": query})
    scores = pictures @ model.unit_vectors("text", encoded)[0]
    order = np.argsort(-scores)[:10]
    hits = found(query)["hits"]
    assert [hit["id"] for hit in hits] == [ids[row] for row in order]
    assert [hit["score"] for hit in hits] == pytest.approx(scores[order], abs=1e-6)


def test_a_hit_says_what_it_shows_and_what_it_is_paired_with(here):
    records = pd.read_csv("data/records.csv", index_col="file")
    [hit] = found(spelt(250, 10, 10), "--k", "1")["hits"]
    assert Path(hit["path"]).name == hit["id"]
    assert hit["text"] == records.at[hit["id"], "caption"]
    [hit] = found("--image", "s4_003.png", "--k", "1", model="sensors")["hits"]
    assert Path(hit["path"]).stem == hit["id"]
    assert hit["sensor"]["warm"] == records.at[f"{hit['id']}.png", "warm"]


def test_a_file_asks_as_the_picture_of_the_corpus_does(here, tmp_path):
    shutil.copy("data/images/s4_003.png", tmp_path / "mine.png")
    named = found("--image", "s4_003.png", model="sensors")["hits"]
    given = found("--image", str(tmp_path / "mine.png"), model="sensors")["hits"]
    assert [hit["id"] for hit in named] == [hit["id"] for hit in given]
    assert [hit["score"] for hit in named] == pytest.approx([hit["score"] for hit in given], abs=1e-5)


def test_all_is_searched_unless_a_split_is_named(here):
    everything = found("aa", "--k", "1000")
    assert len(everything["hits"]) == 56
    test = found("aa", "--k", "1000", "--split", "test")["hits"]
    assert {hit["id"][:2] for hit in test} == {"s4"}
    done = typed("aa", "--set", "data.split.by=fraction")
    assert "All of the corpus is searched: --set data.split.by=fraction is not used" in done.stderr
    assert "not used" not in typed("aa", "--split", "val", "--set", "data.split.by=fraction").stderr


def test_photographs_without_a_caption_are_found_unless_a_split_is_named(here, tmp_path):
    data = write_captioned(tmp_path / "half", 4)
    records = pd.read_csv(data / "records.csv")
    silent = records["file"][records["file"].str.startswith("s4")].tolist()
    records["caption"] = records["caption"].mask(records["file"].isin(silent))
    records.to_csv(data / "records.csv", index=False)
    (data / "images" / silent[0]).write_bytes(b"no picture")
    done = typed("aa", "--data", str(data), "--k", "99", "--random", "--json")
    assert done.exit_code == 0
    assert f"half: 4 photographs in no pair are searched too: {silent[0]}" in done.stderr
    assert f"1 photograph cannot be read and is not searched: {silent[0]}" in done.stderr
    result = json.loads(done.stdout)
    assert result["searched"] == 15
    without = {hit["id"] for hit in result["hits"] if "text" not in hit}
    assert without == set(silent[1:]) == {hit["id"] for hit in result["random"] if "text" not in hit}
    lines = typed("aa", "--data", str(data), "--k", "99").stdout.splitlines()
    assert sorted(len(line.split("\t")) for line in lines) == [3] * 3 + [4] * 12
    split = found("aa", "--data", str(data), "--k", "99", "--split", "train", "--set", "data.split.by=auto")
    assert split["searched"] < 12
    assert all("text" in hit for hit in split["hits"])


def test_a_lifelog_with_a_single_caption_is_searched_whole(here, tmp_path, make_lifelog):
    log = make_lifelog(tmp_path / "log", ("2020-02-28", "2020-03-02"), 3)
    assert "a header ImageID,Caption and a single row are enough" in error_of("aa", "--data", str(log))
    names = photograph_ids(("2020-02-28", "2020-03-02"), 3)
    (log / CONCEPTS_FILE).write_text(f"ImageID,Caption\n{names[2]},any\n", encoding="utf-8")
    result = found("aa", "--data", str(log), "--k", "99")
    assert sorted(hit["id"] for hit in result["hits"]) == names


def test_another_corpus_can_be_searched(here, tmp_path):
    write_captioned(tmp_path / "other", 4)
    result = found("aa", "--data", str(tmp_path / "other"), "--k", "99")
    assert (result["corpus"], result["searched"]) == ("other", 16)


def test_random_ones_are_drawn_by_the_seed_and_have_their_own_scores(here):
    one, two = (found("aa ee", "--random", "--k", "7") for _ in range(2))
    assert one == two
    assert len(one["random"]) == 7
    ranked = {hit["id"]: hit["score"] for hit in found("aa ee", "--k", "56")["hits"]}
    assert all(ranked[hit["id"]] == pytest.approx(hit["score"], abs=1e-6) for hit in one["random"])
    assert [hit["id"] for hit in one["random"]] != [hit["id"] for hit in one["hits"]]
    assert "random" not in found("aa ee")


def test_words_need_no_quotes_and_may_be_piped(here):
    expected = found("aa ee", "o")["hits"]
    assert found("aa", "ee", "o")["hits"] == found("  aa ee  o ")["hits"] == expected
    assert found("aa - ee o")["hits"] == expected  # in quotes it is a dash
    done = CliRunner().invoke(main, ["search", "-", "--model", "runs/words", "--json"], input=" aa ee\no\n")
    assert json.loads(done.stdout)["hits"] == expected
    done = CliRunner().invoke(main, ["search", "-"], input="\n")
    assert done.exit_code == 2
    assert "The query on standard input is empty" in done.stderr


# What is printed and written


def test_lines_are_rank_score_id_and_caption_and_nothing_else(here):
    done = typed("aa ee", "--k", "3", "--random")
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == ["1", "2", "3", "random", "random", "random"]
    hits = found("aa ee", "--k", "3")["hits"]
    for line, hit in zip(lines, hits, strict=False):
        assert line[1:] == [f"{hit['score']:.4f}", hit["id"], hit["text"]]


def test_readings_that_are_found_are_printed_as_readings(here):
    line = typed("--image", "s4_003.png", "--k", "1", model="sensors").stdout
    assert line.startswith("1\t")
    assert "warm: " in line
    assert "weather: " in line


def test_a_page_a_sheet_and_the_hits_are_written(here):
    result = found("Aa ee: o?", "--random")
    folder = Path("search/aa-ee-o")
    assert sorted(path.name for path in folder.iterdir()) == ["hits.json", "index.html", "sheet.png"]
    assert json.loads((folder / "hits.json").read_text(encoding="utf-8")) == result
    with Image.open(folder / "sheet.png") as picture:
        assert picture.format == "PNG"
        picture.verify()
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == 20
    assert "Aa ee: o?" in page


def test_a_search_is_written_where_another_was_and_nowhere_else(here, tmp_path):
    own = tmp_path / "own"
    assert typed("aa", "--out", str(own)).exit_code == 0
    first = (own / "hits.json").read_text(encoding="utf-8")
    assert typed("ee oo", "--out", str(own)).exit_code == 0
    assert (own / "hits.json").read_text(encoding="utf-8") != first
    others = tmp_path / "others"
    others.mkdir()
    for name in ("index.html", "hits.json", "notes.txt"):
        (others / name).write_text("{}", encoding="utf-8")
        assert "no search has written" in error_of("aa", "--out", str(others))
        assert [path.read_text(encoding="utf-8") for path in others.iterdir()] == ["{}"]
        (others / name).unlink()
    assert typed("aa", "--out", str(others)).exit_code == 0  # it is empty
    (tmp_path / "file").touch()
    assert "file" in error_of("aa", "--out", str(tmp_path / "file" / "below"))


def test_folders_are_named_after_what_is_asked_for(here):
    assert typed("--image", "data/images/s4_003.png", "--k", "1").exit_code == 0
    assert typed("--reading", '{"warm": 3}', "--k", "1", model="sensors").exit_code == 0
    assert typed("../../etc/passwd", "--k", "1").exit_code == 0
    assert typed("???", "--k", "1").exit_code == 0
    assert typed("a" * 500, "--k", "1").exit_code == 0
    names = sorted(path.name for path in Path("search").iterdir())
    assert len(names) == 5
    assert names[0] == "a" * 60
    assert {"etc-passwd", "s4_003"} < set(names)
    assert [name[:6] for name in names].count("query-") == 2


def test_the_second_search_computes_no_features(here):
    shutil.rmtree("features")
    assert "Encoding photographs" in typed("aa", "--k", "1").stderr
    before = {path: path.stat().st_mtime_ns for path in Path("features").rglob("*") if path.is_file()}
    assert "Encoding photographs" not in typed("ee", "--k", "1").stderr
    assert {path: path.stat().st_mtime_ns for path in Path("features").rglob("*") if path.is_file()} == before


def test_the_page_is_opened_where_there_is_a_browser(here, monkeypatch):
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    assert "browser" not in typed("aa", "--open").stderr
    assert opened == [(here / "search/aa/index.html").as_uri()]


def fails(url: str) -> bool:
    raise webbrowser.Error("could not locate runnable browser")


@pytest.mark.parametrize("browser", [lambda url: False, fails])
def test_without_a_browser_that_is_said(here, monkeypatch, browser):
    monkeypatch.setattr(webbrowser, "open", browser)
    done = typed("aa", "--open")
    assert done.exit_code == 0
    assert done.stdout
    assert done.stderr.splitlines()[-1] == "WARNING: no browser could be opened: open search/aa/index.html yourself."


# What is wrong


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "There is no query: give words, --image FILE or --reading JSON"),
        (["aa", "--image", "s4_003.png"], "There are 2 queries (words, --image FILE)"),
        (["--image", "s4_003.png", "--reading", "{}"], "There are 2 queries (--image FILE, --reading JSON)"),
        ([""], "The query is empty: say in a few words"),
        (["  ", "\n"], "The query is empty"),
        (["-", "cooking"], "- stands for a query on standard input and cannot be one of several words: give - alone"),
        (["cooking", "-", "kitchen"], "cannot be one of several words: give - alone, or the whole query in quotes"),
        (["--image", " "], "The query is empty: give --image FILE"),
        (["--reading", ""], "The query is empty: give --reading JSON"),
        (["--image", "s9.png"], "The query asks for the image 's9.png', which is neither in"),
        (["--image", "data/records.csv"], "data/records.csv (the file is not an image in a known format)"),
        (["--reading", '{"warm": 3}'], "cannot be asked with a reading: its pair is image and text; ask with"),
        (["aa", "--k", "0"], "0 is not in the range x>=1"),
        (["aa", "--split", "tset"], "There is no split 'tset'"),
        (["aa", "--set", "training.lr=1"], "a trained model keeps its configuration"),
        (["aa", "--data", "nowhere"], "which does not exist"),
    ],
)
def test_what_cannot_be_searched_is_one_sentence(here, arguments, sentence):
    assert sentence in error_of(*arguments)
    assert not Path("search").exists()


@pytest.mark.parametrize(
    ("reading", "sentence"),
    [
        ("{", "--reading '{': the query is not a JSON object"),
        ("[3]", "the query is not a JSON object"),
        ('{"warm": 1, "warm": 2}', "'warm' appears twice"),
        ("{}", "the query has no reading"),
        ('{"wamr": 1}', "Unknown reading 'wamr' (did you mean 'warm'?); this model uses warm"),
        ('{"warm": "very"}', "The reading 'warm' must be a number, not 'very'"),
        ('{"warm": [1]}', "the reading 'warm' must be a number, a text or null"),
    ],
)
def test_a_reading_that_cannot_be_one_is_one_sentence(here, reading, sentence):
    assert sentence in error_of("--reading", reading, model="sensors")
    assert "WARNING" not in typed("--reading", reading, model="sensors").stderr.replace("WARNING: squeezenet", "")


def test_a_model_without_a_text_side_says_how_it_can_be_asked(here):
    sentence = error_of("aa", model="sensors")
    assert "The model runs/sensors cannot be asked with words: its pair is image and sensor" in sentence
    assert "ask with --image FILE or --reading JSON, or name another model" in sentence
    assert "ask with --reading JSON or words" in error_of("--image", "s4_003.png", model="mute")


def test_a_reading_of_nothing_that_the_model_uses_is_answered_with_a_warning(here):
    done = typed("--reading", '{"local_hour": 3}', model="sensors")
    assert done.exit_code == 0
    assert "WARNING: the query gives none of the readings this model uses (warm" in done.stderr


def test_pictures_that_cannot_be_read_are_left_out_and_counted(here, tmp_path):
    data = write_captioned(tmp_path / "spoilt", 4)
    (data / "images/s1_001.png").write_bytes(b"no picture")
    done = typed("aa", "--data", str(data), "--k", "99", "--json")
    assert "1 photograph cannot be read and is not searched: s1_001.png" in done.stderr
    assert json.loads(done.stdout)["searched"] == 15
    assert "s1_001.png: the file is not an image" in error_of("--image", "s1_001.png", "--data", str(data))


def test_a_wrong_query_is_told_before_anything_slow_is_imported(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in sys.modules if name.startswith("ntcir.retrieval.searching")]:
        monkeypatch.delitem(sys.modules, name)
    assert command_line("search").exit_code == 2
    assert "ntcir.retrieval.searching" not in sys.modules


def test_without_a_model_the_way_to_one_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = command_line("search", "aa")
    assert done.exit_code == 2
    assert "train one with `ntcir train" in done.stderr
