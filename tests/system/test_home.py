"""The home folder, which not everybody has, and what libraries keep."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import environment, refusal, write_pictures

from ntcir.config import load_config
from ntcir.system import home
from ntcir.system.home import cache_folder, expanded, settle_torch_home, share_caches
from ntcir.workspace import find_data

STRANGER = 12345
NAMES = ("YOLO_CONFIG_DIR", "MPLCONFIGDIR", "TORCHINDUCTOR_CACHE_DIR")
# Reads what root may, because the interpreter and the packages need not be anybody's; but is nobody the system knows.
PROGRAM = f"""
import os, sys
os.setresuid({STRANGER}, -1, -1)
from ntcir.cli import main
main()
"""


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A folder for temporary files, and an environment that names none."""
    for name in ("HOME", "XDG_CACHE_HOME", "TORCH_HOME", *NAMES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    cached = (home.cache_folder, home._substitute)
    for each in cached:
        each.cache_clear()
    yield tmp_path
    for each in cached:
        each.cache_clear()


@pytest.fixture
def nobody(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, of a user whom the system does not know."""
    monkeypatch.setattr(os, "getuid", lambda: STRANGER)
    return fresh


def test_libraries_share_one_folder_in_the_cache_of_the_user(fresh, monkeypatch):
    monkeypatch.setenv("HOME", str(fresh))
    monkeypatch.setenv("MPLCONFIGDIR", "mine")
    share_caches()
    assert cache_folder() == fresh / ".cache" / "ntcir"
    found = {name: os.environ[name] for name in NAMES}
    ours = fresh / ".cache" / "ntcir"
    assert found == {
        "YOLO_CONFIG_DIR": str(ours / "ultralytics"),
        "MPLCONFIGDIR": "mine",
        "TORCHINDUCTOR_CACHE_DIR": str(ours / "inductor"),
    }
    assert os.environ["HOME"] == str(fresh)
    assert [path.name for path in fresh.joinpath(".cache").iterdir()] == ["ntcir"]
    settle_torch_home()
    assert "TORCH_HOME" not in os.environ  # published weights are found where they were


@pytest.mark.parametrize("named", ["cache", "relative"])
def test_the_standard_s_variable_is_heeded_where_it_is_valid(fresh, monkeypatch, named):
    monkeypatch.setenv("HOME", str(fresh))
    monkeypatch.setenv("XDG_CACHE_HOME", str(fresh / named) if named == "cache" else named)
    assert cache_folder() == (fresh / "cache" if named == "cache" else fresh / ".cache") / "ntcir"


@pytest.mark.parametrize("place", ["a file", "nowhere"])
def test_a_home_in_which_nothing_can_be_made_is_none(fresh, monkeypatch, place):
    (fresh / "a file").touch()
    monkeypatch.setenv("HOME", str(fresh / "a file") if place == "a file" else "/proc/nowhere")
    share_caches()
    settle_torch_home()
    folder = cache_folder()
    assert folder is not None
    assert folder.parent == fresh / "temporary"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert Path(os.environ["TORCH_HOME"]).is_relative_to(folder)


def test_who_has_no_home_is_given_one(nobody):
    share_caches()
    assert Path(os.environ["HOME"]).is_relative_to(nobody / "temporary")
    assert "give the full path" in refusal(expanded, "~/life")  # not what stands in for it


def test_a_store_in_the_home_folder_lies_there(fresh, monkeypatch):
    monkeypatch.setenv("HOME", str(fresh))
    assert load_config(None, ["features.store=~/kept"]).anchored().features.store == fresh / "kept"


@pytest.mark.parametrize("trap", ["link", "open", "file"])
def test_a_folder_that_somebody_else_laid_out_is_not_taken(nobody, trap):
    place = Path(f"{home._prefix()}{os.geteuid()}")
    (nobody / "elsewhere").mkdir(mode=0o700)
    if trap == "link":
        place.symlink_to(nobody / "elsewhere")
    elif trap == "open":
        place.mkdir()
        place.chmod(0o777)
    else:
        place.touch()
    folder = cache_folder()
    assert folder is not None
    assert folder != place
    assert folder.stat().st_mode & 0o777 == 0o700
    assert not list((nobody / "elsewhere").iterdir())


@pytest.mark.parametrize("path", ["~/life", "~nobody-of-this-name/life"])
def test_a_path_in_a_home_that_is_not_known_is_one_sentence(nobody, path):
    assert path in refusal(expanded, path)
    assert path in refusal(find_data, Path(path))
    config = load_config(None, [f"objects.detector={path}", f"features.backbones.0.weights={path}"])
    assert path in refusal(config.anchored)
    assert path in refusal(load_config(None, [f"features.store={path}"]).anchored)
    assert expanded("life/~x") == Path("life/~x")


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that anybody may use; those that pytest makes are for one user only."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="another user can only be put on by root")


def as_stranger(folder: Path, *arguments: str) -> str:
    """Run a command of ``ntcir`` as a user whom the system does not know, without HOME; return all that it says."""
    kept = {name: value for name, value in environment().items() if name not in {"HOME", "XDG_CACHE_HOME", "USER"}}
    (folder / "temporary").mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], cwd=folder, env=kept | {"TMPDIR": str(folder / "temporary")},
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@needs_root
def test_a_stranger_trains_with_objects(open_to_all):
    write_pictures(open_to_all / "data", ("s1", "s2", "s3"))
    said = as_stranger(
        open_to_all, "train", "--data", "data", "--iters", "2", "--out", "out", "--set", "objects.detector=demo",
        "--set", "positives.objects=true",
    )  # fmt: skip
    assert "curve.png" in said
    assert {path.name for path in open_to_all.iterdir()} == {"data", "out", "features", "temporary"}
    kept = [path.name for path in (open_to_all / "temporary").iterdir()]
    assert not [name for name in kept if name.startswith(("torchinductor", "Ultralytics"))]


@needs_root
@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="OpenVINO is not installed")
def test_a_stranger_encodes_by_openvino(open_to_all):
    write_pictures(open_to_all / "data", ("s1",), per_session=4)
    assert "by openvino" in as_stranger(open_to_all, "features", "images", "--data", "data", "--backend", "openvino")
