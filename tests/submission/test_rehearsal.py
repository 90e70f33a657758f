"""A rehearsal passes what will run in the image, and fails what will not."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from bundling import small_config, small_model, write_model
from helpers import one_thread, refusal  # noqa: F401

from ntcir.submission import cleanroom, rehearsal
from ntcir.submission.bundle import make_bundle
from ntcir.submission.cleanroom import CleanRoom
from ntcir.submission.example import CANDIDATES, write_example
from ntcir.submission.layout import ImageLayout
from ntcir.submission.pixels import parse_pixels
from ntcir.submission.predict import predict
from ntcir.submission.rehearsal import rehearse
from ntcir.submission.wheel import write_wheel

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def whole(trained, tmp_path_factory) -> Path:
    """A bundle that was not rehearsed; not to be changed."""
    out = tmp_path_factory.mktemp("whole")
    make_bundle(trained, out, group="ORG", run="a", rehearsal=False)
    return out / "ORG-a"


@pytest.fixture
def copy(whole, tmp_path) -> Path:
    """A bundle to be broken."""
    return Path(shutil.copytree(whole, tmp_path / "ORG-a"))


@pytest.fixture(scope="module")
def room(tmp_path_factory) -> CleanRoom:
    folder = tmp_path_factory.mktemp("room")
    return CleanRoom(folder / "room", write_wheel(folder))


@pytest.fixture
def shared_room(room, monkeypatch) -> CleanRoom:
    """The one clean room, in which each bundle's own wheel is unpacked."""

    def enter(folder: Path, wheel: Path, roots: Sequence[str]) -> CleanRoom:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(room.site)
        return room

    monkeypatch.setattr(rehearsal, "CleanRoom", enter)
    return room


def begin_with(bundle: Path, code: str) -> None:
    """Have the bundle's package run some code before anything else."""
    wheel = next(bundle.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["ntcir/__main__.py"] = code.encode() + b"\n" + members["ntcir/__main__.py"]
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


# ---------------------------------------------- in a clean room: the bundle that passes there is that of test_bundle


def test_a_bundle_without_its_weights_fails_with_what_it_said(trained, copy, shared_room):
    (copy / "model" / "model.safetensors").unlink()
    sentence = refusal(rehearse, copy, trained, "ORG", "a")
    assert sentence.endswith("exit code 2: There is no trained model in model: train one with `ntcir train`.")


def test_a_bundle_that_asks_the_network_fails(trained, copy, shared_room):
    if not shared_room.isolated:
        pytest.skip("the network cannot be taken away here")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        socket.create_connection(("127.0.0.1", port), 1).close()  # from here it answers
        begin_with(copy, f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 1).close()")
        sentence = refusal(rehearse, copy, trained, "ORG", "a")
    assert "exit code 1" in sentence
    assert "unreachable" in sentence or "refused" in sentence


def test_a_bundle_that_fetches_from_an_address_fails_even_where_the_network_cannot_be_taken_away(
    trained, copy, shared_room, monkeypatch
):
    monkeypatch.setattr(shared_room, "_prefix", [])
    begin_with(copy, "import urllib.request\nurllib.request.urlopen('http://example.org/weights.pth', timeout=5)")
    assert "Connection refused" in refusal(rehearse, copy, trained, "ORG", "a")


def test_a_bundle_that_needs_more_than_it_lists_fails(trained, copy, shared_room):
    begin_with(copy, "import pytest")
    assert "No module named 'pytest'" in refusal(rehearse, copy, trained, "ORG", "a")


def test_the_room_has_what_is_listed_and_the_wheel_and_nothing_else(room, tmp_path):
    code = (
        "import importlib.util, json, os, sys, ntcir\n"
        "names = ['torch', 'pandas', 'yaml', 'pytest', 'ultralytics', 'cv2', 'pip', 'matplotlib']\n"
        "print(json.dumps([[n for n in names if importlib.util.find_spec(n)], ntcir.__file__, dict(os.environ)]))"
    )
    result = room.run(["python3", "-c", code], tmp_path, 60)
    assert result.returncode == 0, result.stderr
    found, place, environment = json.loads(result.stdout)
    assert found == ["torch", "pandas", "yaml"]
    assert "site-packages" in place
    allowed = {"PATH", "HOME", "TMPDIR", "LANG", "PYTHONDONTWRITEBYTECODE", "http_proxy", "https_proxy", "ftp_proxy",
               "all_proxy", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES"}  # fmt: skip
    assert set(environment) - {"PWD", "SHLVL", "_", "LC_CTYPE"} <= allowed
    assert environment["HOME"] != os.environ.get("HOME")


def test_where_the_network_cannot_be_taken_away_it_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(cleanroom.shutil, "which", lambda name: None)
    monkeypatch.setattr(cleanroom, "closure", lambda roots: [])
    assert not CleanRoom(tmp_path / "room", write_wheel(tmp_path)).isolated
    monkeypatch.setattr(cleanroom.shutil, "which", lambda name: "/bin/false")
    assert not CleanRoom(tmp_path / "room2", write_wheel(tmp_path)).isolated


# ------------------------------------------------------------------------------------------------- what comes out of it


class HereRoom:
    """Stands for ``CleanRoom``: the bundle's model answers in this process."""

    isolated = False
    leaves: str | None = None  # a file that the submission writes besides its output

    def __init__(self, folder: Path, wheel: Path, roots: Sequence[str]) -> None:
        pass

    def run(
        self, command: list[str], folder: Path, seconds: float, variables: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        model = Path(variables["NTCIR_MODEL"])
        source, target = (str(folder / word) for word in command[-2:])
        predict(source, target, model, group="ORG", run="a", device="cpu")
        if self.leaves:
            place = self.leaves.format(app=folder, home=variables["HOME"], model=model)
            Path(place).write_text("x")
        return subprocess.CompletedProcess(command, 0, "", "")


def test_a_bundle_that_answers_as_its_model_passes_and_keeps_the_answer(trained, copy, monkeypatch):
    monkeypatch.setattr(rehearsal, "CleanRoom", HereRoom)
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    assert rehearse(copy, trained, "ORG", "a") is False
    after = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    answer = copy / "example" / "expected.csv"
    assert after == before | {answer: after[answer]}
    records = json.loads((copy / "example" / "input.json").read_bytes())
    rows = [line.split(",") for line in answer.read_text(encoding="utf-8").splitlines()[1:]]
    assert [row[2:4] for row in rows] == [[record["topic_id"], record["dmr_minute_id"]] for record in records]


def test_a_bundle_of_another_model_fails(copy, tmp_path, monkeypatch):
    monkeypatch.setattr(rehearsal, "CleanRoom", HereRoom)
    other = write_model(tmp_path / "other", small_config(seed=1))
    assert "has the score" in refusal(rehearse, copy, other, "ORG", "a")


@pytest.mark.parametrize(
    ("leaves", "named"),
    [
        ("{app}/cache.bin", "app/cache.bin"), ("{app}/input/input.json", "app/input/input.json"),
        ("{app}/output/more.csv", "app/output/more.csv"), ("{home}/.cache", "home/.cache"),
        ("{model}/index", "model/index"),
    ],
)  # fmt: skip
def test_a_bundle_that_writes_elsewhere_than_to_its_output_fails(trained, copy, monkeypatch, leaves, named):
    monkeypatch.setattr(rehearsal, "CleanRoom", HereRoom)
    monkeypatch.setattr(HereRoom, "leaves", leaves)
    assert f"wrote something else than its output: {named}" in refusal(rehearse, copy, trained, "ORG", "a")


HEADER = "group_id,run_id,topic_id,dmr_minute_id,score\n"


class FakeRoom:
    """Stands for ``CleanRoom``: the submission writes what it is told to."""

    isolated = True
    output: str | None = ""
    error: Exception | None = None
    code = 0
    covered: dict[str, object] | None = None  # what is otherwise where all of /app is mounted over

    def __init__(self, folder: Path, wheel: Path, roots: Sequence[str]) -> None:
        self._folder = folder

    def run(
        self, command: list[str], folder: Path, seconds: float, variables: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        if not (folder / "submission.sh").exists():
            vars(self).update(self.covered or {})
        if self.error:
            raise self.error
        if self.output is not None:
            (folder / command[-1]).write_text(self.output, encoding="utf-8")
        return subprocess.CompletedProcess(command, self.code, "", "one\n\nValueError: two\n")


@pytest.fixture
def staged(whole, tmp_path, monkeypatch) -> Callable[..., str]:
    """Return a function that rehearses with a made-up output and returns the refusal."""
    bundle = tmp_path / "ORG-a"
    (bundle / "example").mkdir(parents=True)
    (bundle / "x.whl").touch()
    shutil.copy(whole / "submission.sh", bundle)
    shutil.copy(whole / "example" / "input.json", bundle / "example")

    def stage(output: str | None = "", expected: str | None = None, **changes: object) -> str:
        for name, value in {"output": output, **changes}.items():
            monkeypatch.setattr(FakeRoom, name, value)
        monkeypatch.setattr(rehearsal, "CleanRoom", FakeRoom)
        monkeypatch.setattr(
            rehearsal, "_predict_here", lambda example, target, *rest: target.write_text(expected or output or "")
        )
        return refusal(rehearse, bundle, Path("model"), "ORG", "a")

    return stage


def rows(whole: Path) -> list[str]:
    """Return an answer's lines, with the header, that is as it should be."""
    records = json.loads((whole / "example" / "input.json").read_bytes())
    lines = [f"ORG,a,{record['topic_id']},{record['dmr_minute_id']},{n / 16}\n" for n, record in enumerate(records)]
    return [HEADER, *lines]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda lines: [], "begins with ''"),
        (lambda lines: lines[1:], "begins with 'ORG,a,"),
        (lambda lines: lines[:-1], "lacks candidate"),
        (lambda lines: [*lines, "ORG,a,img2sen_001,00999,0.5\n"], "has candidate 00999"),
        (lambda lines: [*lines, lines[3]], "twice"),
        (lambda lines: [lines[0], *(line.replace(",0", ",", 1) for line in lines[1:])], "candidate"),
        (lambda lines: [lines[0], *(line.replace("ORG", "OTHER") for line in lines[1:])], "has the line 'OTHER,a"),
        (lambda lines: [lines[0], *(line.replace(",a,", ",b,") for line in lines[1:])], "has the line 'ORG,b"),
        (lambda lines: [*lines[:-1], lines[-1].rpartition(",")[0] + ",nan\n"], "not a number"),
        (lambda lines: [*lines[:-1], lines[-1].rpartition(",")[0] + ",-inf\n"], "not a number"),
        (lambda lines: [*lines[:-1], lines[-1].rpartition(",")[0] + ",\n"], "not a number"),
        (lambda lines: [*lines[:-1], lines[-1].rpartition(",")[0] + "\n"], "has the line"),
    ],
)
def test_an_output_that_is_not_right_in_every_line_fails(staged, whole, spoil, said):
    right = "".join(rows(whole))
    assert said in staged("".join(spoil(rows(whole))), right)


def test_other_scores_than_the_models_fail_and_rounding_does_not(staged, whole, monkeypatch):
    lines = rows(whole)
    other = [*lines[:2], lines[2].replace("0.0625", "0.0627"), *lines[3:]]
    assert "0.0627 in the bundle and 0.0625 here" in staged("".join(other), "".join(lines))
    near = "".join([*lines[:2], lines[2].replace("0.0625", "0.06251"), *lines[3:]])
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        staged(near, "".join(lines))


def test_a_submission_that_ends_badly_or_never_fails_with_its_last_words(staged):
    assert "exit code 3: one | ValueError: two." in staged(code=3)
    assert "wrote no output file" in staged(None, code=0)
    assert "did not finish within" in staged(error=subprocess.TimeoutExpired("bash", 1))


def test_a_submission_that_runs_only_where_its_script_is_in_the_working_folder_fails(staged, whole):
    right = "".join(rows(whole))
    assert "exit code 5" in staged(right, covered={"code": 5})
    assert "wrote no output file" in staged(right, covered={"output": None})
    assert "0.5625 in the bundle and 0.0625 here" in staged(
        right, covered={"output": right.replace("0.0625", "0.5625")}
    )


@pytest.mark.parametrize("covered", [False, True])
def test_the_organisers_command_finds_script_input_output_and_model_in_the_layout(whole, tmp_path, covered):
    layout = ImageLayout(tmp_path / "tree", whole, covered)
    assert sorted(path.name for path in layout.app.iterdir()) == [
        "input", "output", *([] if covered else ["submission.sh"])
    ]  # fmt: skip
    assert not any("model" in path.name for path in (tmp_path / "tree").rglob("*"))
    (tmp_path / "python3").write_text('#!/bin/sh\necho "$5" "$6" "$8"; pwd\n')
    (tmp_path / "python3").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"} | layout.variables
    said = subprocess.run(
        layout.command, cwd=layout.app, env=environment, capture_output=True, text=True, check=True
    ).stdout.splitlines()  # fmt: skip
    assert said == [f"input/input.json output/scores.csv {whole / 'model'}", str(layout.app)]


def test_a_bundle_whose_script_looks_for_its_model_beside_itself_fails(trained, copy, shared_room):
    script = copy / "submission.sh"
    script.write_text(script.read_text().replace("${NTCIR_MODEL:-$here/model}", "$here/model"))
    assert "There is no trained model in" in refusal(rehearse, copy, trained, "ORG", "a")


# --------------------------------------------------------------------------------------------------------- the example


def test_the_example_is_of_the_organisers_form(tmp_path):
    readings = small_model().encoders["sensor"]
    write_example(tmp_path / "input.json", readings)
    records = json.loads((tmp_path / "input.json").read_bytes())
    assert len(records) == 2 * CANDIDATES
    for direction, (asked, ranked) in {"img2sen": ("image", "sensor"), "sen2img": ("sensor", "image")}.items():
        mine = [record for record in records if record["topic_id"] == f"{direction}_001"]
        assert {(record["input_modal"], record["output_modal"]) for record in mine} == {(asked, ranked)}
        assert len({record["dmr_minute_id"] for record in mine}) == CANDIDATES
        assert all(len(record["dmr_minute_id"]) == 5 for record in mine)
        pictures = {json.dumps(record["image"]) for record in mine}
        values = {json.dumps([record[name] for name in readings.names]) for record in mine}
        assert (len(pictures), len(values)) == ((1, CANDIDATES) if direction == "img2sen" else (CANDIDATES, 1))
    picture = parse_pixels(json.dumps(records[0]["image"]).encode())
    assert picture.shape == (3, 72, 96)


def test_the_examples_readings_are_like_those_the_model_was_trained_on(tmp_path):
    readings = small_model().encoders["sensor"]
    drawn = []
    for seed in range(30):
        write_example(tmp_path / "input.json", readings, seed)
        drawn += [r for r in json.loads((tmp_path / "input.json").read_bytes()) if r["topic_id"] == "img2sen_001"]
    statistics = dict(zip(readings.columns.numeric, readings.statistics["mean"], strict=False))
    for name, mean in statistics.items():
        numbers = np.array([record[name] for record in drawn if record[name] is not None])
        deviation = readings.statistics["deviation"][readings.columns.numeric.index(name)]
        assert abs(numbers.mean() - mean) < 4 * deviation / np.sqrt(len(numbers))
        assert 0.7 < numbers.std() / deviation < 1.3
        assert len(numbers) < len(drawn)
    assert {record["place"] for record in drawn} == {"home", "work", "café", None}
