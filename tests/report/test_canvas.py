"""Pictures are drawn whatever the environment says, and end nothing where they fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from helpers import command_line, environment, write_pictures

from ntcir.report.canvas import canvas, drawn
from ntcir.system.errors import UserError

BACKENDS = ["module://nowhere.at_all", "module://matplotlib_inline.backend_inline", "nonsense", "Qt5Agg"]
DRAW = """
from pathlib import Path
from ntcir.report.canvas import canvas
with canvas(Path("x.png"), figsize=(3, 2), dpi=50) as figure:
    axes = figure.add_subplot()
    axes.plot([1, 2, 3], [1, 4, 2], label="loss")
    axes.set_title("title")
    axes.legend()
"""


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment() | variables, capture_output=True, text=True,
        timeout=180, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The picture as it is drawn where the environment says nothing."""
    folder = tmp_path_factory.mktemp("usual")
    done = run(folder, "-c", DRAW)
    assert done.returncode == 0, done.stderr
    return (folder / "x.png").read_bytes()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_picture_is_the_same_whatever_backend_the_environment_names(tmp_path, usual, backend):
    done = run(tmp_path, "-c", DRAW, MPLBACKEND=backend)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "x.png").read_bytes() == usual


def test_a_style_of_the_user_s_own_does_not_count(tmp_path, usual):
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfigure.dpi: 7\nsavefig.dpi: 9\n", encoding="utf-8")
    done = run(tmp_path, "-c", DRAW)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "x.png").read_bytes() == usual


def test_whoever_draws_in_the_same_process_keeps_his_backend(tmp_path):
    program = f"{DRAW}\nimport matplotlib, os; print(matplotlib.rcParams['backend'], os.environ['MPLBACKEND'])"
    done = run(tmp_path, "-c", program, MPLBACKEND="svg")
    assert done.stdout.split() == ["svg", "svg"]


def test_a_training_in_a_notebook_has_its_picture(tmp_path):
    write_pictures(tmp_path / "data", ("s1", "s2", "s3"))
    train = ("-m", "ntcir", "train", "--data", "data", "--iters", "2", "--out", "out")
    done = run(tmp_path, *train, MPLBACKEND="module://matplotlib_inline.backend_inline")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1].endswith("Curve: out/curve.png")


def test_a_style_that_cannot_be_read_is_one_sentence(tmp_path):
    (tmp_path / "matplotlibrc").write_bytes(b"\xff\xfe no text\n")
    program = "from ntcir.report.canvas import canvas, drawn; drawn(canvas(None).__enter__)"
    done = run(tmp_path, "-c", program)
    assert done.returncode == 0, done.stderr
    assert "WARNING: the chart could not be drawn" in done.stderr
    assert "matplotlib cannot be imported" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_training_whose_picture_fails_has_succeeded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_pictures(tmp_path / "data", ("s1", "s2", "s3"))
    (tmp_path / "out" / "curve.png").mkdir(parents=True)
    done = command_line("train", "--data", "data", "--iters", "2", "--out", "out")
    assert done.exit_code == 0, done.output
    warnings = [line for line in done.stderr.splitlines() if "the chart could not be drawn" in line]
    assert len(warnings) == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("out: 2 steps")
    assert (tmp_path / "out" / "model.safetensors").is_file()


@pytest.mark.parametrize("error", [UserError("No room."), RuntimeError("no fonts"), MemoryError(), OSError(5, "I/O")])
def test_whatever_fails_is_warned_of(error, capsys):
    def fail() -> Path:
        raise error

    assert drawn(fail) is None
    assert capsys.readouterr().err.startswith("WARNING: the chart could not be drawn")


def test_nothing_is_left_of_half_a_picture(tmp_path):
    with pytest.raises(ZeroDivisionError), canvas(tmp_path / "half.png", figsize=(1, 1)):
        _ = 1 / 0
    assert not list(tmp_path.iterdir())
