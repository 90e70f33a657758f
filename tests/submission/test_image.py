"""The image that a bundle's Dockerfile makes runs as the organisers call it, wherever they mount their folders."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from bundling import PlayedImage, instructions
from helpers import one_thread  # noqa: F401 (a fixture)

from ntcir.submission import bundle as bundles
from ntcir.submission.bundle import make_bundle
from ntcir.submission.sums import changed_since

pytestmark = pytest.mark.usefixtures("one_thread")

CALL = ("input/my input.json", "output/my scores.csv")


@pytest.fixture(scope="module")
def bundle(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that was not rehearsed; not to be changed."""
    out = tmp_path_factory.mktemp("image")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundles, "installed_bytes", lambda needed: (2 * 2**30, 2**30))
        make_bundle(trained, out, group="ORG", run="a", rehearsal=False)
    return out / "ORG-a"


@pytest.fixture
def image(bundle: Path, tmp_path: Path) -> PlayedImage:
    return PlayedImage(bundle, tmp_path / "image")


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """The organisers' folder."""
    folder = tmp_path / "their folder"
    (folder / "input").mkdir(parents=True)
    (folder / "output").mkdir()
    (folder / CALL[0]).write_text("[]")
    return folder


def check(image: PlayedImage, host: Path, *words: str, folder: str = "") -> None:
    """Check that a command is one of the image's own prediction with the host's files."""
    result = image.run(*words, folder=folder)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    where, *given = result.stdout.splitlines()
    assert given[:4] == ["-P", "-m", "ntcir", "predict"]
    source, target = (os.path.realpath(Path(where) / word) for word in given[4:6])
    assert (source, target) == (str(host / CALL[0]), str(host / CALL[1]))
    assert given[6:] == ["--model", f"{image.root}/opt/ntcir/model", "--group", "ORG", "--run", "a"]


def test_all_but_the_script_is_outside_the_working_folder(image: PlayedImage) -> None:
    assert image.folder == image.root / "app"
    assert [path.name for path in image.folder.iterdir()] == ["submission.sh"]
    assert not any(path.is_symlink() for path in image.root.rglob("*"))
    assert (image.root / "opt/ntcir/model/model.safetensors").is_file()
    assert image.variables["HOME"] == "/root"
    scripts = [path for path in image.root.rglob("*.sh") if path.name == "submission.sh"]
    assert len({path.read_bytes() for path in scripts}) == 1


@pytest.mark.parametrize("name", ["model/config.yaml", "model/encoders.json", "submission.sh", "requirements.txt"])
@pytest.mark.parametrize("harm", ["truncated", "missing", "of another bundle"])
def test_a_bundle_that_was_not_copied_whole_is_not_built(bundle: Path, tmp_path: Path, name: str, harm: str) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "copy"))
    data = (copy / name).read_bytes()
    if harm == "missing":
        (copy / name).unlink()
    else:
        (copy / name).write_bytes(data[: len(data) // 2] if harm == "truncated" else data.replace(b"0", b"1"))
    if harm == "of another bundle" and data == (copy / name).read_bytes():
        (copy / name).write_bytes(data + b"\n")
    assert changed_since(copy) == [name]
    typed = ["sha256sum", "--check", "--quiet", "SHA256SUMS"]
    assert subprocess.run(typed, cwd=copy, check=False, capture_output=True).returncode == 1
    assert subprocess.run(typed, cwd=bundle, check=False, capture_output=True).returncode == 0
    with pytest.raises((subprocess.CalledProcessError, FileNotFoundError)):
        PlayedImage(copy, tmp_path / "image")


def test_everybody_may_read_and_run_it(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "installed_bytes", lambda needed: (2 * 2**30, 2**30))
    before = os.umask(0o077)
    try:
        make_bundle(trained, tmp_path / "dist", group="ORG", run="a", rehearsal=False)
        image = PlayedImage(tmp_path / "dist" / "ORG-a", tmp_path / "image")
    finally:
        os.umask(before)
    model = image.root / "opt/ntcir/model"
    for place in (image.root / "root", model, *model.iterdir()):
        wanted = 0o555 if place.is_dir() else 0o444
        assert stat.S_IMODE(place.stat().st_mode) & wanted == wanted, place
    for name in ("app/submission.sh", "root/submission.sh", "usr/local/bin/submission.sh", "opt/ntcir/entrypoint.sh"):
        assert stat.S_IMODE((image.root / name).stat().st_mode) == 0o755


SCRIPTS = [
    ("bash", "./submission.sh"), ("bash", "submission.sh"), ("bash", "/app/submission.sh"), ("./submission.sh",),
    ("bash", "/root/submission.sh"), ("submission.sh",),
]  # fmt: skip


@pytest.mark.parametrize("script", SCRIPTS)
def test_folders_may_be_mounted_below_the_working_folder(
    image: PlayedImage, host: Path, script: tuple[str, ...]
) -> None:
    image.mount(host / "input", "/app/input")
    image.mount(host / "output", "/app/output")
    check(image, host, *script, *CALL)


def test_one_folder_may_be_mounted_deeper(image: PlayedImage, host: Path) -> None:
    image.mount(host, "/app/data")
    check(image, host, "bash", "./submission.sh", *(f"data/{name}" for name in CALL))
    check(image, host, "bash", "./submission.sh", *(f"/app/data/{name}" for name in CALL))
    check(image, host, "bash", "/app/submission.sh", *CALL, folder="/app/data")


# As they type it, too: the image's own copy is taken where the folder that hides /app/submission.sh has none.
@pytest.mark.parametrize(
    "script",
    [("bash", "./submission.sh"), ("bash", "submission.sh"), ("bash", "/root/submission.sh"), ("submission.sh",)],
)
def test_one_folder_may_be_mounted_over_the_working_folder(
    image: PlayedImage, host: Path, script: tuple[str, ...]
) -> None:
    image.mount(host, "/app")
    (host / "model").mkdir()  # theirs, which is none of ours
    check(image, host, *script, *CALL)


def test_the_script_in_the_home_is_found_by_a_shell_and_works_as_a_copy(image: PlayedImage, host: Path) -> None:
    image.mount(host, "/app")
    check(image, host, "bash", "-c", 'bash ~/submission.sh "$@"', "-", *CALL)
    check(image, host, "bash", "-c", 'cp ~/submission.sh . && bash ./submission.sh "$@"', "-", *CALL)


def test_a_script_of_their_own_is_run_as_it_is(image: PlayedImage, host: Path) -> None:
    image.mount(host, "/app")
    (host / "submission.sh").write_text("echo theirs $1\n")
    assert image.run("bash", "./submission.sh", "x").stdout == "theirs x\n"


@pytest.mark.parametrize("words", [(), ("bash", "./submission.sh", "one"), ("submission.sh", "1", "2", "3")])
def test_another_number_of_arguments_is_told_how_to_call_it(image: PlayedImage, words: tuple[str, ...]) -> None:
    result = image.run(*words)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "two arguments" in result.stderr


def test_another_command_is_left_alone(image: PlayedImage) -> None:
    assert image.run("echo", "a  b", "./submission.sh").stdout == "a  b ./submission.sh\n"
    assert image.run("bash", "./none.sh").returncode == 127


def test_a_missing_output_folder_is_made_in_what_was_mounted_and_nowhere_else(
    image: PlayedImage, tmp_path: Path
) -> None:
    memory = Path("/dev/shm")  # stands for the host's file system, the tree for the container's own
    if not os.access(memory, os.W_OK) or tmp_path.stat().st_dev != Path("/").stat().st_dev:
        pytest.skip("the file systems here do not allow to try it")
    with tempfile.TemporaryDirectory(dir=memory) as name:
        image.mount(Path(name), "/app/results")
        for missing, made in (("results/a/b c", True), ("elsewhere/a", False)):
            assert image.run("bash", "./submission.sh", "x", f"{missing}/scores.csv").returncode == 0
            assert (image.folder / missing).is_dir() == made


def test_the_dockerfile_ends_in_the_working_folder(bundle: Path) -> None:
    steps = instructions(bundle / "Dockerfile")
    assert [rest for word, rest in steps if word == "WORKDIR"][-1] == "/app"
    copied_into_app = [rest for word, rest in steps if word == "COPY" and "/app" in rest]
    assert copied_into_app == []
