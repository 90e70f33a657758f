"""Pictures are drawn whatever the environment says, and end nothing where they fail."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import environment, write_pictures

from ntcir.errors import UserError
from ntcir.report.canvas import canvas, drawn
from ntcir.report.curve import draw_curve

BACKENDS = ["module://nowhere.at_all", "module://matplotlib_inline.backend_inline", "nonsense", "Qt5Agg", ""]
DRAW = "import sys, pathlib; from ntcir.report.curve import draw_curve; draw_curve(pathlib.Path(sys.argv[1]))"


def write_log(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    rows = [{"step": step, "loss": 1 / step} for step in range(1, 9)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment() | variables, capture_output=True, text=True,
        timeout=180, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The picture as it is drawn where the environment says nothing."""
    return draw_curve(write_log(tmp_path_factory.mktemp("usual") / "log")).read_bytes()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_picture_is_the_same_whatever_backend_the_environment_names(tmp_path, usual, backend):
    done = run(tmp_path, "-c", DRAW, str(write_log(tmp_path / "log")), MPLBACKEND=backend)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "log" / "curve.png").read_bytes() == usual


def test_a_style_of_the_user_s_own_does_not_count(tmp_path, usual):
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfigure.dpi: 7\nsavefig.dpi: 9\n", encoding="utf-8")
    done = run(tmp_path, "-c", DRAW, str(write_log(tmp_path / "log")))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "log" / "curve.png").read_bytes() == usual


def test_whoever_draws_in_the_same_process_keeps_his_backend(tmp_path):
    program = f"{DRAW}; import matplotlib, os; print(matplotlib.rcParams['backend'], os.environ['MPLBACKEND'])"
    done = run(tmp_path, "-c", program, str(write_log(tmp_path / "log")), MPLBACKEND="svg")
    assert done.stdout.split() == ["svg", "svg"]


@pytest.mark.parametrize("fault", ["style", "picture"])
def test_a_training_whose_picture_fails_has_succeeded(tmp_path, fault):
    write_pictures(tmp_path / "data", ("s1", "s2", "s3"))
    if fault == "style":
        (tmp_path / "matplotlibrc").write_bytes(b"\xff\xfe no text\n")
    else:
        (tmp_path / "out" / "curve.png").mkdir(parents=True)
    done = run(tmp_path, "-m", "ntcir", "train", "--data", "data", "--iters", "2", "--out", "out")
    assert done.returncode == 0, done.stderr
    warnings = [line for line in done.stderr.splitlines() if "the picture could not be drawn" in line]
    assert len(warnings) == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("out: 2 steps")
    assert (tmp_path / "out" / "model.safetensors").is_file()


@pytest.mark.parametrize("error", [UserError("No room."), RuntimeError("no fonts"), MemoryError(), OSError(5, "I/O")])
def test_whatever_fails_is_warned_of(error, capsys):
    def fail() -> Path:
        raise error

    assert drawn(fail) is None
    assert capsys.readouterr().err.startswith("WARNING: the picture could not be drawn")


def test_nothing_is_left_of_half_a_picture(tmp_path):
    with pytest.raises(ZeroDivisionError), canvas(tmp_path / "half.png", figsize=(1, 1)):
        _ = 1 / 0
    assert not list(tmp_path.iterdir())
