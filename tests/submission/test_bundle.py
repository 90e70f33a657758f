"""A bundle is all that the image needs, whole or not there."""

from __future__ import annotations

import errno
import json
import re
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bundling import SMALL, instructions, small_config, small_model, write_model, write_weights
from forking import python
from helpers import ROOT, command_line, embed_networks, one_thread, refusal  # noqa: F401
from safetensors.torch import load_file

import ntcir
from ntcir.config import load_config
from ntcir.model.folder import CONFIG, WEIGHTS
from ntcir.model.hubness import TrainingQueries
from ntcir.model.model import Model
from ntcir.submission import bundle as bundles
from ntcir.submission.bundle import LIMIT, MARK, make_bundle
from ntcir.submission.sums import SUMS

pytestmark = pytest.mark.usefixtures("one_thread")

WHEEL = f"ntcir-{ntcir.__version__}-py3-none-any.whl"


@pytest.fixture(scope="module")
def plain(trained, tmp_path_factory) -> Path:
    """A bundle that was not rehearsed; not to be changed."""
    out = tmp_path_factory.mktemp("plain")
    make_bundle(trained, out, group="ORG", run="baseline", rehearsal=False)
    return out / "ORG-baseline"


@pytest.fixture(autouse=True)
def sized(monkeypatch) -> None:
    """Looking at the size of all that is installed takes a second each time."""
    monkeypatch.setattr(bundles, "installed_bytes", lambda needed: (2 * 2**30, 2**30))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def quick(trained: Path, out: Path, **options: Any) -> str:
    """Make a bundle without rehearsal."""
    return "\n".join(make_bundle(trained, out, **{"group": "ORG", "run": "baseline", "rehearsal": False} | options))


def test_it_holds_all_that_the_image_needs(plain):
    inside = {name for name in contents(plain) if not name.startswith("model/")}
    assert inside == {
        "Dockerfile", ".dockerignore", "README.md", "submission.sh", "entrypoint.sh", "requirements.txt",
        "torch-requirements.txt", WHEEL, MARK, SUMS, "example/input.json",
    }  # fmt: skip
    for script in ("submission.sh", "entrypoint.sh"):
        assert stat.S_IMODE((plain / script).stat().st_mode) & 0o111
    assert json.loads((plain / MARK).read_text(encoding="utf-8"))["group"] == "ORG"
    expected = (ROOT / "tests").stat().st_mode  # a folder made in the usual way: others may read it
    assert stat.S_IMODE(plain.stat().st_mode) == stat.S_IMODE(expected)


def test_its_texts_have_every_word_filled_in(plain):
    for name in ("Dockerfile", "README.md", "submission.sh"):
        text = (plain / name).read_text(encoding="utf-8")
        assert not re.search(r"@[A-Z]+@", text)
        assert "ORG" in text
    assert "ORG-baseline-run.tar.gz" in (plain / "README.md").read_text(encoding="utf-8")
    shell = (plain / "submission.sh").read_text(encoding="utf-8")
    assert "--group ORG --run baseline" in shell
    assert "set -euo pipefail" in shell


def test_the_dockerfile_finds_what_it_copies_and_fetches_only_while_it_is_built(plain):
    steps = instructions(plain / "Dockerfile")
    assert steps[0] == ("FROM", f"python:{sys.version_info.major}.{sys.version_info.minor}-slim")
    assert {word for word, _ in steps} == {"FROM", "ARG", "ENV", "WORKDIR", "COPY", "RUN", "ENTRYPOINT", "CMD"}
    for word, rest in steps:
        if word == "COPY":
            *sources, target = rest.split()
            assert target.startswith("./")
            for source in sources:
                assert (plain / source).exists()
                assert (plain / source).is_dir() == source.endswith("/")
        if word == "RUN":
            subprocess.run(["bash", "-n", "-c", rest], check=True)
    copied = [name.rstrip("/") for word, rest in steps if word == "COPY" for name in rest.split()[:-1]]
    expected = ["requirements.txt", "torch-requirements.txt", SUMS, WHEEL, "model", "submission.sh", "entrypoint.sh"]
    assert sorted(copied) == sorted(expected)


@pytest.mark.parametrize(("torch_from", "index"), [("cpu", "/cpu"), ("cu128", "/cu128"), ("default", None)])
def test_the_build_takes_torch_and_torchvision_from_one_index(plain, tmp_path, torch_from, index):
    steps = instructions(plain / "Dockerfile")
    assert ("ARG", "TORCH=cpu") in steps
    for program in ("pip", "python3"):
        (tmp_path / program).write_text(f'#!/bin/sh\necho {program} "$@"\n')
        (tmp_path / program).chmod(0o755)
    (step,) = [rest for word, rest in steps if word == "RUN" and "TORCH" in rest]
    shown = subprocess.run(
        ["bash", "-c", step], env={"PATH": f"{tmp_path}:/usr/bin:/bin", "TORCH": torch_from}, check=True,
        capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    place = f"--index-url https://download.pytorch.org/whl{index} " if index else ""
    assert shown[0] == f"pip install {place}-r torch-requirements.txt"
    assert len([line for line in shown if line.startswith("pip")]) == 1
    listed = (plain / "torch-requirements.txt").read_text(encoding="utf-8").splitlines()
    assert listed[0] == f"torch=={torch.__version__.split('+')[0]}"
    assert [line.split("==")[0] for line in listed] == ["torch", "torchvision"]


def test_the_script_asks_for_its_two_arguments_and_runs_from_any_folder(plain, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").write_text('#!/bin/sh\nfor word in "$@"; do echo "<$word>"; done\n')
    (tmp_path / "bin" / "python3").chmod(0o755)
    place = tmp_path / "a folder" / "submission.sh"
    place.parent.mkdir()
    shutil.copy(plain / "submission.sh", place)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", str(place), *arguments], cwd=tmp_path, env={"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    for wrong in ((), ("one",), ("one", "two", "three")):
        result = run(*wrong)
        assert result.returncode == 2
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        assert "two arguments" in result.stderr
    words = ["-P", "-m", "ntcir", "predict", "my input.json", "my output.csv", "--model", f"{place.parent}/model",
             "--group", "ORG", "--run", "baseline"]  # fmt: skip
    assert run("my input.json", "my output.csv").stdout.splitlines() == [f"<{word}>" for word in words]


def test_nothing_in_it_tells_of_this_machine_or_is_looked_for_on_it(tmp_path, monkeypatch):
    home = tmp_path / "secret"
    weights = write_weights(home / "weights" / "mine.pth")
    (home / "detector.pt").write_bytes(b"")
    config = small_config(
        {**SMALL, "weights": str(weights)}, data__path=str(home), features__store=str(home / "store"),
        objects__detector=str(home / "detector.pt"),
    )  # fmt: skip
    trained = write_model(home / "model", config)
    quick(trained, tmp_path / "out")
    made = tmp_path / "out" / "ORG-baseline"
    for name, data in contents(made).items():
        if not name.endswith(".whl"):
            assert b"secret" not in data, name
            assert str(ROOT).encode() not in data, name
    settings = load_config(made / "model" / CONFIG)
    assert settings.data.path is None
    assert settings.features.backbones[0].weights == "mine.pth"
    assert (settings.objects.detector, str(settings.features.store)) == ("detector.pt", "features")
    before = Model.load(trained)
    shutil.rmtree(home)
    monkeypatch.setattr("ntcir.features.torchvision_networks.read_checkpoint", None)
    monkeypatch.setattr("ntcir.features.torchvision_networks.published_state", None)
    again = Model.load(made / "model")
    assert again.encoders["image"].fingerprints == before.encoders["image"].fingerprints
    towers = before.state()
    assert all(torch.equal(value, towers[name]) for name, value in again.state().items() if name in towers)
    assert settings.changed({"data": {}, "features": {}, "objects": {}}) == config.changed(
        {"data": {}, "features": {}, "objects": {}}
    )


def test_the_model_it_is_made_of_stays_as_it_is(tmp_path):
    trained = write_model(tmp_path / "model")
    before = contents(trained)
    quick(trained, tmp_path / "out")
    assert contents(trained) == before
    inside = load_file(tmp_path / "out" / "ORG-baseline" / "model" / WEIGHTS)
    assert [name for name in inside if name.startswith("networks.image.0.")]


def test_an_interrupted_training_is_bundled_with_a_warning(tmp_path, capsys):
    trained = write_model(tmp_path / "model", small_config(training__iters=1000))
    shutil.copy(ROOT / "tests/golden/kept/interrupted/last.safetensors", trained)
    quick(trained, tmp_path / "out")
    assert f"the training in {trained} was interrupted; its best model so far is bundled" in capsys.readouterr().err


def test_networks_that_were_trained_along_go_in_as_they_are(tmp_path):
    model = small_model(small_config(encoder__finetune=True))
    embed_networks(model)
    for network in model.encoders["image"].networks:
        for parameter in network.parameters():
            parameter.data.mul_(1.01)
    model.save(tmp_path / "model")
    quick(tmp_path / "model", tmp_path / "out")
    made = tmp_path / "out" / "ORG-baseline" / "model" / WEIGHTS
    assert made.read_bytes() == (tmp_path / "model" / WEIGHTS).read_bytes()


def test_the_training_queries_of_a_bias_against_hubs_go_in(tmp_path):
    model = small_model(small_config(hubness__beta=0.7))
    draw = np.random.default_rng(0)
    model.training_queries = {
        name: TrainingQueries.of(draw.normal(size=(5, model.config.towers.dim)).astype(np.float16))
        for name in model.config.pair
    }
    model.save(tmp_path / "model")
    quick(tmp_path / "model", tmp_path / "out")
    inside = Model.load(tmp_path / "out" / "ORG-baseline" / "model")
    assert inside.config.hubness.beta == 0.7
    for name, kept in model.training_queries.items():
        assert torch.equal(inside.training_queries[name].vectors, kept.vectors)
    model.config = model.config.changed({"hubness.beta": 0.0})
    model.save(tmp_path / "model")
    quick(tmp_path / "model", tmp_path / "out")
    assert Model.load(tmp_path / "out" / "ORG-baseline" / "model").training_queries == {}
    model.config = model.config.changed({"hubness.beta": 0.7})
    model.training_queries = {}
    model.save(tmp_path / "other")
    assert "keeps no training queries" in refusal(quick, tmp_path / "other", tmp_path / "out")


def test_a_bundles_own_model_makes_the_same_bundle(plain, tmp_path):
    quick(plain / "model", tmp_path)
    assert contents(tmp_path / "ORG-baseline") == contents(plain)


@pytest.mark.parametrize("head", [True, False])
def test_the_same_model_makes_the_same_bundle_byte_for_byte(tmp_path, head):
    """Also where the network's checkpoint has no classifier, which would be drawn anew each time."""
    weights = write_weights(tmp_path / "network.pth", head=head)
    trained = write_model(tmp_path / "model", small_config(SMALL | {"weights": str(weights)}))
    for out in ("one", "two"):
        torch.rand(5)  # whatever else has drawn numbers
        quick(trained, tmp_path / out)
    made = [contents(tmp_path / out / "ORG-baseline") for out in ("one", "two")]
    assert made[0].keys() == made[1].keys()
    assert [name for name in made[0] if made[0][name] != made[1][name]] == []


def test_an_earlier_bundle_is_replaced_as_a_whole(trained, plain, tmp_path):
    target = tmp_path / "ORG-baseline"
    target.mkdir()  # an empty folder is in nobody's way
    quick(trained, tmp_path)
    (target / "submission.sh").unlink()
    (target / "ntcir-0.0.9-py3-none-any.whl").touch()
    quick(trained, tmp_path)
    assert contents(target) == contents(plain)
    (target / "ORG-baseline-run.tar.gz").write_text("gigabytes")
    assert "ORG-baseline-run.tar.gz" in refusal(quick, trained, tmp_path)
    assert (target / "ORG-baseline-run.tar.gz").read_text() == "gigabytes"
    (target / "ORG-baseline-run.tar.gz").unlink()
    assert [path.name for path in tmp_path.iterdir()] == ["ORG-baseline"]


@pytest.mark.parametrize("there", ["another folder", "a file", "another's bundle.json"])
def test_what_is_no_bundle_is_never_replaced(trained, tmp_path, there):
    target = tmp_path / "ORG-baseline"
    if there == "a file":
        target.write_text("precious")
    else:
        target.mkdir()
        (target / (MARK if "json" in there else "notes.txt")).write_text('{"made_by": "me"}')
    before = contents(tmp_path)
    sentence = refusal(quick, trained, tmp_path)
    assert str(target) in sentence
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("group", "run"), [("TOOLONG", "a"), ("", "a"), ("A-B", "a"), ("A", "elevenchars"), ("A", "a_b")]
)
def test_ids_that_the_organisers_do_not_take_are_refused_at_once(tmp_path, group, run):
    sentence = refusal(quick, tmp_path / "no-model", tmp_path / "out", group=group, run=run)
    assert repr(run if group == "A" else group) in sentence
    assert not (tmp_path / "out").exists()


def test_without_a_model_there_is_no_bundle(tmp_path):
    assert "ntcir train" in refusal(quick, tmp_path / "none", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_model_whose_networks_are_others_now_gives_no_bundle(tmp_path):
    path = write_weights(tmp_path / "weights.pth")
    trained = write_model(tmp_path / "model", small_config({**SMALL, "weights": str(path)}))
    write_weights(path, seed=1)
    assert "other weights" in refusal(quick, trained, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_place_that_is_a_file_is_one_sentence(trained, tmp_path):
    (tmp_path / "file").write_text("x")
    assert "file" in refusal(quick, trained, tmp_path / "file")
    assert "file" in refusal(quick, trained, tmp_path / "file" / "deeper")


def test_weights_that_cannot_fit_are_refused_and_an_image_that_may_not_is_warned_of(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(bundles, "LIMIT", 1_000_000)
    assert "weights alone" in refusal(quick, trained, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(bundles, "LIMIT", LIMIT)
    monkeypatch.setattr(bundles, "installed_bytes", lambda found: (LIMIT + 2**30, LIMIT))
    said = quick(trained, tmp_path / "out")
    assert "WARNING" in said
    assert "10.00 GiB" in said
    monkeypatch.setattr(bundles, "installed_bytes", lambda found: (LIMIT // 2, LIMIT // 4))
    assert "WARNING" not in quick(trained, tmp_path / "out")


@pytest.mark.parametrize("stopped", ["no room", "interrupted", "rehearsal"])
def test_whatever_goes_wrong_leaves_the_earlier_bundle_and_nothing_else(trained, tmp_path, monkeypatch, stopped):
    quick(trained, tmp_path)
    (tmp_path / "ORG-baseline" / "README.md").write_text("earlier")
    before = contents(tmp_path)
    error: BaseException = {
        "no room": OSError(errno.ENOSPC, "No space left on device"),
        "interrupted": KeyboardInterrupt(),
        "rehearsal": bundles.UserError("The rehearsal failed."),
    }[stopped]

    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(bundles, "rehearse" if stopped == "rehearsal" else "write_wheel", fail)
    if stopped == "interrupted":
        with pytest.raises(KeyboardInterrupt):
            quick(trained, tmp_path)
    else:
        sentence = refusal(quick, trained, tmp_path, rehearsal=stopped == "rehearsal")
        assert ("No space" if stopped == "no room" else "rehearsal") in sentence
    assert contents(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["ORG-baseline"]


def test_a_bundle_that_cannot_take_its_place_leaves_the_earlier_one_there(trained, tmp_path, monkeypatch):
    quick(trained, tmp_path)
    before = contents(tmp_path)
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path.parent != tmp_path and path.name == "ORG-baseline":
            raise PermissionError(errno.EACCES, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    assert "No permission" in refusal(quick, trained, tmp_path)
    assert contents(tmp_path) == before


KILLED = """
import os, sys
from pathlib import Path
from ntcir.submission import bundle
rename, count = Path.rename, [0]
def killed(path, target):
    if Path(sys.argv[2]).name in (path.name, Path(target).name):
        count[0] += 1
        if count[0] == int(sys.argv[3]) and sys.argv[4] == "before":
            os.kill(os.getpid(), int(sys.argv[5]))
        done = rename(path, target)
        if count[0] == int(sys.argv[3]) and sys.argv[4] == "after":
            os.kill(os.getpid(), int(sys.argv[5]))
        return done
    return rename(path, target)
Path.rename = killed
from ntcir.cli import main
main(["bundle", sys.argv[1], "--out", str(Path(sys.argv[2]).parent), "--group", "ORG", "--run", "baseline",
      "--no-rehearsal"])
"""


@pytest.mark.parametrize(
    ("kind", "number", "moment"),
    [
        *((signal.SIGKILL, number, moment) for number in (1, 2) for moment in ("before", "after")),
        (signal.SIGINT, 1, "after"), (signal.SIGINT, 2, "after"), (signal.SIGTERM, 1, "after"),
    ],
)  # fmt: skip
def test_a_bundle_that_is_replaced_is_there_or_comes_back(trained, tmp_path, capsys, kind, number, moment):
    """At every instant of replacing: the earlier or the new bundle is there, whole, or the next command says it."""
    quick(trained, tmp_path)
    target = tmp_path / "ORG-baseline"
    (target / "README.md").write_text("earlier")
    before = contents(tmp_path)
    done = python(KILLED, trained, target, number, moment, int(kind))
    assert "Traceback" not in done.stderr
    if kind != signal.SIGKILL:
        assert done.returncode == 0, "it was too late to interrupt"
        assert (target / "README.md").read_text() != "earlier"
        assert [path.name for path in tmp_path.iterdir()] == ["ORG-baseline"]
        return
    assert done.returncode == -signal.SIGKILL
    aside = (number, moment) in {(1, "after"), (2, "before")}
    assert target.exists() == (not aside)
    capsys.readouterr()

    def stop(*arguments: object) -> None:
        raise bundles.UserError("Stopped.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundles, "write_wheel", stop)
        assert refusal(quick, trained, tmp_path) == "Stopped."
    assert ("has been restored" in capsys.readouterr().err) == aside
    if (number, moment) == (2, "after"):
        assert (target / "README.md").read_text() != "earlier"
    else:
        assert contents(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["ORG-baseline"], "what was left is gone"


def test_readings_that_the_organisers_do_not_give_are_warned_of(trained, tmp_path, capsys):
    quick(trained, tmp_path)
    said = capsys.readouterr().err
    assert "WARNING: the model needs readings that the organisers' input does not have: a, b, c, place." in said


def test_the_command_makes_a_rehearsed_bundle_and_says_what_to_type_next(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained, tmp_path / "runs" / "newest")
    result = command_line("bundle", "--group", "ORG", "--run", "Base1")
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert "rehearsed with" in result.stderr
    assert "docker build -t org-base1 dist/ORG-Base1" in result.stderr
    assert 'docker run --rm -v "<folder>:/app/" org-base1 bash ./submission.sh input/' in result.stderr
    assert "gzip > ORG-Base1-run.tar.gz" in result.stderr
    assert not (tmp_path / "features").exists()
    lines = (tmp_path / "dist" / "ORG-Base1" / "example" / "expected.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 11
    assert lines[1].startswith("ORG,Base1,img2sen_001,0")


def test_the_command_says_loudly_that_nothing_was_rehearsed(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = command_line("bundle", str(trained), "--group", "ORG", "--run", "a", "--out", "box", "--no-rehearsal")
    assert result.exit_code == 0, result.output
    assert "NOT REHEARSED" in result.stderr
    result = command_line("bundle", str(trained), "--group", "OR-G", "--run", "a", "--out", "box")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
