"""The wheel is the package: installed from it, every file is there and runs."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers import ROOT, environment

import ntcir
from ntcir.submission import wheel as wheels
from ntcir.submission.wheel import write_wheel

ABOUT = f"ntcir-{ntcir.__version__}.dist-info"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return write_wheel(tmp_path_factory.mktemp("wheel"))


def sources(folder: Path) -> dict[str, bytes]:
    """Return the files under a package's folder that are no leftovers of running it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_its_name_says_version_and_that_it_runs_anywhere(wheel):
    assert wheel.name == f"ntcir-{ntcir.__version__}-py3-none-any.whl"
    about = zipfile.ZipFile(wheel).read(f"{ABOUT}/WHEEL").decode()
    assert "Wheel-Version: 1.0" in about
    assert "Tag: py3-none-any" in about


def test_it_holds_code_types_and_data(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in ("__init__.py", "py.typed", "submission/box/Dockerfile", "model/model.py"):
        assert f"ntcir/{name}" in names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    assert not [name for name in names if "demo" in name]  # no use to who is handed the wheel


def test_its_record_lists_every_file_with_its_sum_and_size(wheel):
    archive = zipfile.ZipFile(wheel)
    rows = list(csv.reader(io.StringIO(archive.read(f"{ABOUT}/RECORD").decode())))
    assert sorted(name for name, _, _ in rows) == sorted(archive.namelist())
    for name, digest, size in rows:
        if name == f"{ABOUT}/RECORD":
            assert (digest, size) == ("", "")
            continue
        data = archive.read(name)
        expected = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().replace("=", "")
        assert (digest, size) == (f"sha256={expected}", str(len(data)))


def test_its_command_licence_and_metadata_are_the_projects(wheel):
    archive = zipfile.ZipFile(wheel)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    written = archive.read(f"{ABOUT}/entry_points.txt").decode()
    expected = [f"{name} = {place}" for name, place in project["scripts"].items()]
    assert written.split("\n") == ["[console_scripts]", *expected, ""]
    assert archive.read(f"{ABOUT}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    lines = archive.read(f"{ABOUT}/METADATA").decode().splitlines()
    assert "Name: ntcir" in lines
    assert f"Version: {project['version']}" in lines


def test_the_same_package_gives_the_same_bytes(wheel, tmp_path):
    assert write_wheel(tmp_path).read_bytes() == wheel.read_bytes()


def test_leftovers_are_left_out(tmp_path):
    package = tmp_path / "ntcir"
    for name in ("__init__.py", "a.py", "a.py~", ".a.py.swp", ".hidden/b.py", "__pycache__/a.pyc", "data/words.txt"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(name)
    names = zipfile.ZipFile(write_wheel(tmp_path / "out", package)).namelist()
    assert [name for name in names if ABOUT not in name] == ["ntcir/__init__.py", "ntcir/a.py", "ntcir/data/words.txt"]


@pytest.mark.parametrize("installed", ["not at all", "in another version"])
def test_a_checkout_that_is_not_installed_gives_a_wheel_too(tmp_path, monkeypatch, installed):
    def distribution(name: str) -> SimpleNamespace:
        if installed == "not at all":
            raise metadata.PackageNotFoundError(name)
        return SimpleNamespace(version="0.0.1")

    monkeypatch.setattr(wheels.metadata, "distribution", distribution)
    archive = zipfile.ZipFile(write_wheel(tmp_path))
    expected = f"Metadata-Version: 2.1\nName: ntcir\nVersion: {ntcir.__version__}\n"
    assert archive.read(f"{ABOUT}/METADATA").decode() == expected
    assert archive.read(f"{ABOUT}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()


def test_pip_installs_it_and_what_is_installed_is_the_package(wheel, tmp_path):
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        pytest.skip("there is no pip here")
    target = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--target", str(target), str(wheel)]
    subprocess.run([*command, "--quiet", "--no-compile"], check=True, capture_output=True)
    assert sources(target / "ntcir") == sources(Path(ntcir.__file__).parent)
    code = "import ntcir, ntcir.cli; print(ntcir.__file__)"
    shown = subprocess.run(
        [sys.executable, "-c", code], env=environment() | {"PYTHONPATH": str(target)}, cwd=tmp_path,
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert Path(shown.stdout.strip()) == target / "ntcir" / "__init__.py"
    script = (target / "bin" / "ntcir").read_text(encoding="utf-8")
    assert re.search(r"from ntcir\.cli import main", script)
