"""The organisers' JSON in, their CSV out: as the model would score it, in any order, and nothing of a broken run."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from forking import python
from helpers import command_line, encode_readings, environment, one_thread, refusal, write_pictures  # noqa: F401 (a fixture)
from PIL import Image

import ntcir.submission.pictures
from ntcir.features.decode import Squares, squares_of_planes
from ntcir.features.image_features import encode_pictures
from ntcir.features.preprocessing import distinct
from ntcir.model.model import Model
from ntcir.submission.predict import predict
from ntcir.submission.readers import read_upright

ODD = ("s4_003.png", "s4_005.png")  # a grey one, and one that is turned
Tree = dict[str, Any]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: F811
    """A folder with a corpus of four sessions, a model trained on it, and topics in both formats."""
    folder = tmp_path_factory.mktemp("predict")
    write_pictures(folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in (
            ["train", "--data", "data", "--iters", "30", "--out", "runs/m"],
            ["build-topics", "--data", "data", "--topics-per-day", "3"],
            ["build-topics", "--data", "data", "--topics-per-day", "3", "--format", "official"],
        ):
            result = command_line(*words)
            assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def inside(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That folder, as the present one."""
    monkeypatch.chdir(place)
    return place


@pytest.fixture(scope="module")
def trees(place: Path) -> list[Tree]:
    """The records of the input."""
    records: list[Tree] = json.loads((place / "topics" / "input.json").read_bytes())
    return records


@pytest.fixture(scope="module")
def odd(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the corpus, of which one picture is a grey JPEG now and one is turned by EXIF, and a run on it."""
    folder = tmp_path_factory.mktemp("odd")
    shutil.copytree(place / "data", folder / "data")
    shutil.copytree(place / "runs", folder / "runs")
    grey, turned = (folder / "data" / "images" / name for name in ODD)
    with Image.open(grey) as opened:
        opened.convert("L").save(grey, "JPEG")
    exif = Image.Exif()
    exif[274] = 6
    with Image.open(turned) as opened:
        opened.transpose(Image.Transpose.ROTATE_90).save(turned, "PNG", exif=exif)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in (
            ["build-topics", "--data", "data", "--topics-per-day", "3", "--out", "ntcir"],
            ["build-topics", "--data", "data", "--topics-per-day", "3", "--format", "official", "--out", "ntcir"],
            ["build-topics", "--data", "data", "--topics-per-day", "3", "--format", "official", "--out", "torchvision",
             "--reader", "torchvision"],
        ):  # fmt: skip
            result = command_line(*words)
            assert result.exit_code == 0, result.output
        if words[-1] == "torchvision":
            (folder / "said.txt").write_text(result.stderr)
        result = command_line("run", "ntcir/topics.tsv", "--model", "runs/m", "--data", "data")
        assert result.exit_code == 0, result.output
        (folder / "run.txt").write_text(result.stdout)
    return folder


def scores_of(text: str, topic: int, score: int, separator: str) -> dict[str, list[float]]:
    """Return the scores of each topic, the best first."""
    rows = [line.split(separator) for line in text.splitlines()]
    found: dict[str, list[float]] = {}
    for row in rows:
        found.setdefault(row[topic], []).append(float(row[score]))
    return {name: sorted(scores, reverse=True) for name, scores in found.items()}


def test_a_grey_picture_scores_as_its_file_does_and_a_turned_one_as_it_lies(
    odd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(odd)
    said = (odd / "said.txt").read_text()
    assert f"Written with 1 channel instead of 3, as torchvision reads them: 1 photograph ({ODD[0]})." in said
    assert f"Not turned upright, as torchvision ignores the EXIF orientation: 1 photograph ({ODD[1]})." in said
    ours = {(row[2], row[3]): row[4] for row in scored("ntcir/input.json", tmp_path / "ours.csv")[1:]}
    assert "channel" not in capsys.readouterr().err
    theirs = {(row[2], row[3]): row[4] for row in scored("torchvision/input.json", tmp_path / "theirs.csv")[1:]}
    [remark] = [line for line in capsys.readouterr().err.splitlines() if "channel" in line]
    assert remark.startswith("1 image has one channel (grey): the plane is repeated (first: torchvision/input.json")
    # Our reader's pictures score as the corpus's files do.
    run = scores_of((odd / "run.txt").read_text(), 0, 4, " ")
    official = scores_of("".join((tmp_path / "ours.csv").read_text().splitlines(True)[1:]), 2, 4, ",")
    assert run.keys() == official.keys()
    for name, scores in run.items():
        assert official[name] == pytest.approx(scores, abs=1e-5)
    # Theirs too, all but the one that is not turned: it is what another picture would be.
    records = json.loads((odd / "ntcir" / "input.json").read_bytes())
    upright = read_upright(str(odd / "data" / "images" / ODD[1])).tolist()
    lying = {(tree["topic_id"], tree["dmr_minute_id"]) for tree in records if tree["image"] == upright}
    grey = json.loads((odd / "torchvision" / "input.json").read_bytes())
    assert any(len(tree["image"]) == 1 for tree in grey)
    assert lying
    assert ours.keys() == theirs.keys()
    for key, score in ours.items():
        assert (score == theirs[key]) == (key not in lying)


@pytest.mark.parametrize(
    ("channels", "said"),
    [(1, "one channel (grey)"), (2, "two channels"), (4, "four channels"), (0, "one channel (grey)")],
)
def test_other_channels_than_three_are_used_and_counted(
    inside: Path, trees: list[Tree], tmp_path: Path, capsys: pytest.CaptureFixture[str], channels: int, said: str
) -> None:
    mine = [tree for tree in trees if tree["topic_id"] == trees[-1]["topic_id"]]
    assert mine[0]["input_modal"] == "sensor"

    def changed(planes: Any) -> Any:
        if channels == 0:  # rows without a level of channels
            return planes[0]
        return [*planes, planes[0]] if channels == 4 else [planes[0], planes[1]][:channels]

    def expected(planes: Any) -> Any:
        return planes if channels == 4 else [planes[0]] * 3

    odd_ones = [*(tree | {"image": changed(tree["image"])} for tree in mine[:3]), *mine[3:]]
    plain = [*(tree | {"image": expected(tree["image"])} for tree in mine[:3]), *mine[3:]]
    found = scored(write(tmp_path / "odd.json", odd_ones), tmp_path / "odd.csv")
    errors = capsys.readouterr().err
    assert found == scored(write(tmp_path / "plain.json", plain), tmp_path / "plain.csv")
    assert f"3 images have {said}" in errors
    assert "(first: " in errors
    assert f"odd.json record 1 (topic {mine[0]['topic_id']})" in errors
    assert "(first: " not in capsys.readouterr().err


def test_the_reader_is_a_matter_of_the_official_format_alone(inside: Path) -> None:
    result = command_line("build-topics", "--data", "data", "--reader", "torchvision", "--out", "none")
    assert result.exit_code == 2
    assert "--format official" in result.stderr
    assert not Path("none").exists()


def write(path: Path, records: list[Tree]) -> str:
    path.write_text(json.dumps(records))
    return str(path)


def scored(source: str, target: Path, **options: Any) -> list[list[str]]:
    """Score an input; return the rows of the output."""
    predict(source, str(target), Path("runs/m"), **({"group": "ORG", "run": "baseline"} | options))
    with target.open(newline="") as file:
        return list(csv.reader(file))


def slowly(model: Model, records: list[Tree]) -> dict[tuple[str, str], float]:
    """Return the cosine of each record's picture and readings, one after the other."""
    from ntcir.features.backbones import FrozenNetwork

    networks = [FrozenNetwork(backbone, model.config.features) for backbone in model.config.features.backbones]
    scores = {}
    for record in records:
        wanted = distinct(network.preprocessing for network in networks)
        picture = squares_of_planes(np.array(record["image"], dtype=np.uint8), wanted)
        image = model.encode("image", encode_pictures(networks, [picture], 1)).vectors[0]
        reading = encode_readings(model, pd.DataFrame([record])[model.encoders["sensor"].names]).vectors[0]
        scores[record["topic_id"], str(record["dmr_minute_id"])] = float(image @ reading)
    return scores


def test_each_candidate_has_the_cosine_of_its_picture_and_its_readings(
    inside: Path, trees: list[Tree], tmp_path: Path
) -> None:
    header, *rows = scored("topics/input.json", tmp_path / "out.csv")
    assert header == ["group_id", "run_id", "topic_id", "dmr_minute_id", "score"]
    assert [(row[2], row[3]) for row in rows] == [(tree["topic_id"], tree["dmr_minute_id"]) for tree in trees]
    assert {(row[0], row[1]) for row in rows} == {("ORG", "baseline")}
    expected = slowly(Model.load(Path("runs/m")), trees)
    found = {(row[2], row[3]): float(row[4]) for row in rows}
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_official_way_has_the_mrr_of_the_trec_way(inside: Path, tmp_path: Path, precision: str) -> None:
    model = "runs/m"
    if precision == "bf16":
        model = str(tmp_path / "m")
        words = ["train", "--data", "data", "--iters", "10", "--out", model, "--set", f"features.precision={precision}"]
        assert command_line(*words).exit_code == 0
    (tmp_path / "run.txt").write_text(command_line("run", "topics.tsv", "--model", model).stdout)
    predict("topics/input.json", str(tmp_path / "out.csv"), Path(model), group="ORG", run="baseline")
    trec = command_line("score", str(tmp_path / "run.txt"), "--qrels", "topics/qrels.txt", "--json")
    official = command_line("score", str(tmp_path / "out.csv"), "--qrels", "topics/qrels.csv", "--json")
    one, other = json.loads(trec.stdout), json.loads(official.stdout)
    for group in ("all", "img2sen", "sen2img"):
        assert one[group]["topics"] == other[group]["topics"] > 0
        assert one[group]["MRR"] == pytest.approx(other[group]["MRR"], abs=1e-6)
        assert one[group]["random_MRR"] == pytest.approx(other[group]["random_MRR"])


def test_the_order_of_records_and_their_spelling_do_not_matter(inside: Path, trees: list[Tree], tmp_path: Path) -> None:
    expected = {(row[2], row[3]): row[4] for row in scored("topics/input.json", tmp_path / "a.csv")}
    mixed = random.Random(0).sample(trees, len(trees))
    source = tmp_path / "mixed.json"
    source.write_text(json.dumps(mixed, indent=1))
    rows = scored(str(source), tmp_path / "b.csv")[1:]
    assert [(row[2], row[3]) for row in rows] == [(tree["topic_id"], tree["dmr_minute_id"]) for tree in mixed]
    for row in rows:
        assert float(row[4]) == pytest.approx(float(expected[row[2], row[3]]), abs=1e-5)


def test_ids_go_back_as_they_came(inside: Path, trees: list[Tree], tmp_path: Path) -> None:
    ids: list[Any] = ["00001", 2, 'a,"b', "7"]
    records = [tree | {"dmr_minute_id": written} for tree, written in zip(trees, ids, strict=False)]
    rows = scored(write(tmp_path / "in.json", records), tmp_path / "out.csv")[1:]
    assert [row[3] for row in rows] == ["00001", "2", 'a,"b', "7"]


def test_equal_candidates_tie_exactly(inside: Path, trees: list[Tree], tmp_path: Path) -> None:
    records = [dict(tree) for tree in trees if tree["topic_id"] == trees[-1]["topic_id"]]
    assert records[0]["input_modal"] == "sensor"
    # The same picture: the same text, and with blanks; far apart, so that they are in different batches.
    again = [records[0] | {"dmr_minute_id": f"again-{number}"} for number in range(2)]
    text = json.dumps([*records, again[0]])[:-1] + "," + json.dumps(again[1], separators=(",", ":")) + "]"
    source = tmp_path / "in.json"
    source.write_text(text)
    rows = {row[3]: row[4] for row in scored(str(source), tmp_path / "out.csv")}
    assert rows[records[0]["dmr_minute_id"]] == rows["again-0"] == rows["again-1"]
    readings = [tree for tree in trees if tree["input_modal"] == "image"]
    twin = [readings[0], readings[0] | {"dmr_minute_id": "twin"}, readings[1] | {"topic_id": readings[0]["topic_id"]}]
    twin[2]["image"] = readings[0]["image"]
    rows = {row[3]: row[4] for row in scored(write(tmp_path / "in.json", twin), tmp_path / "out.csv")}
    assert rows["twin"] == rows[readings[0]["dmr_minute_id"]]


def test_a_repeated_picture_is_decoded_and_encoded_once(
    inside: Path, trees: list[Tree], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded, encoded = [], []
    parse, encode = ntcir.submission.pictures.parse_pixels, ntcir.submission.pictures.encode_pictures
    monkeypatch.setattr(ntcir.submission.pictures, "parse_pixels", lambda text: decoded.append(1) or parse(text))

    def counted(networks: Any, pictures: Sequence[Squares], batch: int) -> np.ndarray:
        encoded.append(len(pictures))
        return encode(networks, pictures, batch)

    monkeypatch.setattr(ntcir.submission.pictures, "encode_pictures", counted)
    scored("topics/input.json", tmp_path / "out.csv")
    different = {json.dumps(tree["image"]) for tree in trees}
    assert len(different) < len(trees)
    assert len(decoded) == sum(encoded) == len(different)
    assert len(encoded) > 1


def test_numbers_of_whole_floats_and_missing_readings_are_understood(
    inside: Path, trees: list[Tree], tmp_path: Path
) -> None:
    tree = trees[0] | {"image": np.array(trees[0]["image"], dtype=float).tolist()}
    text = json.dumps([tree, trees[1] | {"warm": None, "weather": None}]).replace("null", "NaN", 1)
    (tmp_path / "in.json").write_text(text)
    rows = scored(str(tmp_path / "in.json"), tmp_path / "out.csv")
    expected = slowly(Model.load(Path("runs/m")), [trees[0], trees[1] | {"warm": None, "weather": None}])
    assert [float(row[4]) for row in rows[1:]] == pytest.approx(list(expected.values()), abs=1e-5)


# Standard input is a pipe, into which a file is written.
PIPED = """
import os, pathlib, sys
reading, writing = os.pipe()
data = pathlib.Path(sys.argv.pop(1)).read_bytes()
if not os.fork():
    os.close(reading)
    with open(writing, "wb") as pipe:
        pipe.write(data)
    os._exit(0)
os.close(writing)
os.dup2(reading, 0)
from ntcir.cli import main
main()
"""


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input_and_output_carry_nothing_but_data(
    inside: Path, trees: list[Tree], tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    expected = scored("topics/input.json", tmp_path / "out.csv")
    (tmp_path / "piped").write_bytes(pack((inside / "topics" / "input.json").read_bytes()))
    result = python(PIPED, tmp_path / "piped", "predict", "-", "-", "--model", "runs/m")
    assert result.returncode == 0, result.stderr
    found = list(csv.reader(io.StringIO(result.stdout)))
    assert [row[:4] for row in found] == [row[:4] for row in expected]
    assert "Reading the input (MB)" in result.stderr


def test_a_gzipped_file_is_read(inside: Path, tmp_path: Path) -> None:
    packed = tmp_path / "input.json.gz"
    packed.write_bytes(gzip.compress((inside / "topics" / "input.json").read_bytes()))
    assert len(scored(str(packed), tmp_path / "a.csv")) == len(scored("topics/input.json", tmp_path / "b.csv"))


def drop(tree: Tree, key: str) -> Tree:
    return {name: value for name, value in tree.items() if name != key}


BROKEN: dict[str, tuple[Callable[[Tree], Tree], str]] = {
    "no image": (lambda tree: drop(tree, "image"), "no image"),
    "ragged": (lambda tree: tree | {"image": [[[1, 2], [3]], *tree["image"][1:]]}, "length"),
    "five channels": (
        lambda tree: tree | {"image": [*tree["image"], *tree["image"][:2]]},
        "5 channels instead of 1 to 4",
    ),
    "channels last": (
        lambda tree: tree | {"image": np.array(tree["image"]).transpose(1, 2, 0).tolist()},
        "height x width x channels",
    ),
    "16 bits": (lambda tree: tree | {"image": [[[65535]]]}, "16 bits"),
    "too bright": (lambda tree: tree | {"image": [[[256]]] * 3}, "above 255"),
    "negative": (lambda tree: tree | {"image": [[[-1]]] * 3}, "-1"),
    "fractions": (lambda tree: tree | {"image": [[[0.25]]] * 3}, "0.25"),
    "modality": (lambda tree: tree | {"output_modal": "video"}, "video"),
    "no column": (lambda tree: drop(tree, "wet"), "'wet'"),
    "object for a number": (lambda tree: tree | {"warm": {}}, "warm"),
    "truth for a number": (lambda tree: tree | {"warm": True}, "true"),
    "list for a word": (lambda tree: tree | {"weather": ["rain"]}, "weather"),
    "another query": (lambda tree: tree | {"image": [[[1, 2]]] * 3}, "two different queries"),
    "both ways": (lambda tree: tree | {"input_modal": "sensor", "output_modal": "image"}, "both"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_record_is_named_and_leaves_no_output(
    inside: Path, trees: list[Tree], tmp_path: Path, name: str
) -> None:
    spoil, named = BROKEN[name]
    records = [*trees[:2], spoil(trees[2]), *trees[3:5]]
    assert len({tree["topic_id"] for tree in trees[:3]}) == 1
    output = tmp_path / "out.csv"
    output.write_text("an earlier one")
    sentence = refusal(predict, write(tmp_path / "in.json", records), str(output), Path("runs/m"), group="G", run="r")
    assert named in sentence
    assert "record 3" in sentence
    assert trees[0]["topic_id"] in sentence
    assert output.read_text() == "an earlier one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.json", "out.csv"]


def test_another_query_of_readings_and_an_id_that_comes_twice_are_refused(
    inside: Path, trees: list[Tree], tmp_path: Path
) -> None:
    asked = [tree for tree in trees if tree["topic_id"] == trees[-1]["topic_id"]]
    options: Any = {"group": "G", "run": "r"}
    source = write(tmp_path / "in.json", [asked[0], asked[1] | {"warm": asked[1]["warm"] + 1}])
    assert "different readings than before" in refusal(
        predict, source, str(tmp_path / "o.csv"), Path("runs/m"), **options
    )
    source = write(tmp_path / "in.json", [asked[0], asked[1], asked[0]])
    sentence = refusal(predict, source, str(tmp_path / "o.csv"), Path("runs/m"), **options)
    assert "record 3" in sentence
    assert f"{asked[0]['dmr_minute_id']} appears twice in the topic" in sentence
    # What the model does not look at may differ: it is the same query.
    source = write(tmp_path / "in.json", [asked[0] | {"file": "a"}, asked[1] | {"file": "b"}])
    assert len(scored(source, tmp_path / "o.csv")) == 3


def test_other_spellings_of_a_query_are_the_same_query(inside: Path, trees: list[Tree], tmp_path: Path) -> None:
    same = {"warm": 60, "weather": "dry"}
    asked = [tree | same for tree in trees if tree["topic_id"] == trees[-1]["topic_id"]][:3]
    respelled = [asked[0], asked[1] | {"warm": 60.0}, asked[2] | {"image": np.array(asked[2]["image"], float).tolist()}]
    rows = scored(write(tmp_path / "a.json", respelled), tmp_path / "a.csv")
    plain = scored(write(tmp_path / "b.json", asked), tmp_path / "b.csv")
    assert [float(row[4]) for row in rows[1:]] == pytest.approx([float(row[4]) for row in plain[1:]], abs=1e-6)
    asks = [tree for tree in trees if tree["input_modal"] == "image"][:2]
    asks = [asks[0], asks[1] | {"image": np.array(asks[1]["image"], float).tolist()}]
    assert len(scored(write(tmp_path / "c.json", asks), tmp_path / "c.csv")) == 3


def in_sentences(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return what was said of readings."""
    return [line.partition(".json: ")[2] for line in capsys.readouterr().err.splitlines() if ".json: " in line]


@pytest.mark.parametrize("spell", ["{}", "{}.0", " {} ", "{} °C", "{},0", "{}e0"])
def test_numbers_that_are_written_as_text_are_numbers(
    inside: Path, trees: list[Tree], tmp_path: Path, spell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = {"warm", "wet", "noon"}
    as_text = [{k: spell.format(int(v)) if k in numbers else v for k, v in tree.items()} for tree in trees[:6]]
    half = [text if number % 2 else tree for number, (tree, text) in enumerate(zip(trees, as_text, strict=False))]
    expected = scored(write(tmp_path / "a.json", trees[:6]), tmp_path / "a.csv")
    capsys.readouterr()
    assert scored(write(tmp_path / "b.json", as_text), tmp_path / "b.csv") == expected
    assert len(in_sentences(capsys)) == (3 if spell in {"{} °C", "{},0"} else 0)
    assert scored(write(tmp_path / "c.json", half), tmp_path / "c.csv") == expected
    # The query is the same, however it is written.
    asked = [tree for tree in trees if tree["input_modal"] == "sensor"][:3]
    asked[1] = asked[1] | {"warm": spell.format(int(asked[1]["warm"]))}
    assert len(scored(write(tmp_path / "d.json", asked), tmp_path / "d.csv")) == 4


def test_a_stray_word_among_numbers_is_missing_counted_and_named(
    inside: Path, trees: list[Tree], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoilt = [tree | {"warm": str(tree["warm"])} for tree in trees[:6]]
    missing = [dict(tree) for tree in spoilt]
    for number, word in ((1, "--"), (4, "1e400")):
        spoilt[number]["warm"], missing[number]["warm"] = word, None
    expected = scored(write(tmp_path / "a.json", missing), tmp_path / "a.csv")
    capsys.readouterr()
    assert scored(write(tmp_path / "b.json", spoilt), tmp_path / "b.csv") == expected
    assert in_sentences(capsys) == [
        "warm: 2 of 6 values are not numbers and count as missing "
        f"(first: '--' in record 2 (topic {trees[1]['topic_id']}); also '1e400')"
    ]


def test_a_column_without_any_number_is_scored_and_said_aloud(
    inside: Path, trees: list[Tree], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for word in ("fast", None):
        source = write(tmp_path / "in.json", [tree | {"warm": word} for tree in trees[:3]])
        assert len(scored(source, tmp_path / "out.csv")) == 4
        assert "WARNING: warm has no readable value, but the model needs it." in in_sentences(capsys)


def test_categories_are_the_same_in_other_spellings_and_counted_if_never_seen(
    inside: Path, trees: list[Tree], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = [tree | {"weather": ("rain", "dry")[number % 2]} for number, tree in enumerate(trees[:6])]
    other = [tree | {"weather": (" Rain", "DRY")[number % 2]} for number, tree in enumerate(plain)]
    expected = scored(write(tmp_path / "a.json", plain), tmp_path / "a.csv")
    assert scored(write(tmp_path / "b.json", other), tmp_path / "b.csv") == expected
    assert in_sentences(capsys) == []
    other[2]["weather"] = other[3]["weather"] = "snow"
    scored(write(tmp_path / "c.json", other), tmp_path / "c.csv")
    assert in_sentences(capsys) == [
        "weather: 2 of 6 values were never seen in training and count as unknown "
        f"(first: 'snow' in record 3 (topic {trees[2]['topic_id']}))"
    ]


def test_ids_that_differ_in_leading_zeros_only_are_the_same(inside: Path, trees: list[Tree], tmp_path: Path) -> None:
    records = [trees[0] | {"dmr_minute_id": "00001"}, trees[1] | {"dmr_minute_id": 1}]
    sentence = refusal(
        predict, write(tmp_path / "in.json", records), str(tmp_path / "o.csv"), Path("runs/m"), group="G", run="r"
    )
    assert "record 2" in sentence
    assert "appears twice" in sentence


def test_a_link_stays_and_a_pipe_is_written_to(inside: Path, trees: list[Tree], tmp_path: Path) -> None:
    source = write(tmp_path / "in.json", trees[:2])
    (tmp_path / "real.csv").touch()
    (tmp_path / "link.csv").symlink_to("real.csv")
    rows = scored(source, tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert len(rows) == 3
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", str(tmp_path / "pipe")], stdout=subprocess.PIPE, text=True) as reader:
        predict(source, str(tmp_path / "pipe"), Path("runs/m"), group="ORG", run="baseline")
        read, _ = reader.communicate(timeout=60)
    assert list(csv.reader(io.StringIO(read))) == rows
    assert (tmp_path / "pipe").is_fifo()


def test_the_input_is_not_overwritten(inside: Path, trees: list[Tree], tmp_path: Path) -> None:
    source = write(tmp_path / "in.json", trees[:2])
    before = (tmp_path / "in.json").read_text()
    (tmp_path / "link").symlink_to("in.json")
    for target in (source, str(tmp_path / "link")):
        assert "is also the input" in refusal(predict, source, target, Path("runs/m"), group="G", run="r")
    assert (tmp_path / "in.json").read_text() == before


def test_an_output_that_cannot_be_written_is_refused_before_the_work(
    inside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ntcir.submission.predict.score_input", lambda *arguments: pytest.fail("the work began"))
    for target in ("/proc/out.csv", "/sys/out.csv"):
        result = command_line("predict", "topics/input.json", target, "--model", "runs/m")
        assert result.exit_code == 2
        assert target in result.stderr


def test_a_picture_that_comes_late_and_is_none_is_named(inside: Path, trees: list[Tree], tmp_path: Path) -> None:
    records = [*trees[:-1], trees[-1] | {"image": [[[1, 2], [3]]] * 3}]
    sentence = refusal(
        predict, write(tmp_path / "in.json", records), str(tmp_path / "o.csv"), Path("runs/m"), group="G", run="r"
    )
    assert f"record {len(records)} (topic {trees[-1]['topic_id']})" in sentence


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.999])
def test_a_truncated_file_is_refused(inside: Path, tmp_path: Path, keep: float) -> None:
    whole = (inside / "topics" / "input.json").read_bytes()
    (tmp_path / "in.json").write_bytes(whole[: int(keep * len(whole))])
    result = command_line("predict", str(tmp_path / "in.json"), str(tmp_path / "out.csv"), "--model", "runs/m")
    assert result.exit_code == 2
    assert "ends within record" in result.stderr
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["none.json", "out.csv"], "none.json"),
        (["topics/input.json", "nowhere/out.csv"], "nowhere"),
        (["topics/input.json", "topics"], "folder"),
        (["topics/input.json", "out.csv", "--group", "TOOLONG"], "TOOLONG"),
        (["topics/input.json", "out.csv", "--run", "base-line"], "base-line"),
        (["topics/input.json", "out.csv", "--model", "runs/none"], "runs/none"),
        (["topics/qrels.csv", "out.csv"], "JSON array"),
        (["topics", "out.csv"], "topics"),
    ],
)
def test_mistakes_are_said_in_one_sentence(inside: Path, words: list[str], named: str) -> None:
    result = command_line("predict", *words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert named in result.stderr.splitlines()[-1]
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert not Path("out.csv").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_sentence(inside: Path) -> None:
    code = "import os\nos.dup2(os.open('/dev/full', os.O_WRONLY), 1)\nfrom ntcir.cli import main\nmain()\n"
    result = python(code, "predict", "topics/input.json", "-", "--model", "runs/m")
    assert result.returncode == 2
    assert "No space left" in result.stderr
    assert "Traceback" not in result.stderr


def test_submission_sh_is_what_the_organisers_call(inside: Path, tmp_path: Path) -> None:
    script = Path(__file__).resolve().parents[2] / "submission.sh"
    shim = tmp_path / "bin" / "ntcir"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ntcir "$@"\n')
    shim.chmod(0o755)
    # A copy, so that the checkout's own environment, if it is there, is not taken.
    copy = tmp_path / "submission.sh"
    copy.write_text(script.read_text())
    env = environment() | {"PATH": f"{shim.parent}{os.pathsep}{os.environ['PATH']}"}
    words = ["bash", str(copy), "topics/input.json", str(tmp_path / "o.csv")]
    result = subprocess.run(words, env=env, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "o.csv").read_text().startswith("group_id,run_id,topic_id,dmr_minute_id,score\nORG,baseline,")
    bare = subprocess.run(["bash", str(copy)], env=env, capture_output=True, text=True)
    assert bare.returncode == 2
    assert "INPUT.json" in bare.stderr
