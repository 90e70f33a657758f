"""Files appear whole or not at all: killed, without room, without leave."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from ntcir.system.errors import UserError
from ntcir.system.files import atomic_path, atomic_write

ROOT = Path(__file__).resolve().parents[2]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start Python with ``code``."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    try:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True, check=False
        )
    except OSError:
        pytest.skip("there is no mount here")
    if mounted.returncode:
        pytest.skip("mounting a small file system is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_file_is_written_with_its_folders_and_replaces_the_old_one(tmp_path):
    path = tmp_path / "a" / "b" / "file.txt"
    atomic_write(path, "old")
    atomic_write(path, "näw\n")
    assert path.read_text(encoding="utf-8") == "näw\n"
    assert names(path.parent) == ["file.txt"]


def test_the_new_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "plain").write_text("x")
    atomic_write(tmp_path / "atomic", "x")
    assert stat.S_IMODE((tmp_path / "atomic").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755, 0o200])
@pytest.mark.parametrize("link", [False, True], ids=["", "by a link"])
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path, mode, link):
    path = tmp_path / "scores.csv"
    path.write_text("old")
    path.chmod(mode)
    written = path
    if link:
        written = tmp_path / "link.csv"
        written.symlink_to(path)
    with atomic_path(written) as temporary:
        assert not stat.S_IMODE(temporary.stat().st_mode) & 0o077, "nobody else may read it before it has its mode"
        temporary.write_text("new")
    assert stat.S_IMODE(path.stat().st_mode) == mode
    path.chmod(0o600)
    assert path.read_text() == "new"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_file_that_root_replaces_keeps_its_owner(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("old")
    os.chown(path, 12345, 12346)
    path.chmod(0o640)
    atomic_write(path, "new")
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (12345, 12346, 0o640)


@pytest.mark.parametrize("mode", [0o444, 0o400, 0o555])
def test_a_write_protected_file_is_not_replaced(tmp_path, mode):
    path = tmp_path / "scores.csv"
    path.write_text("precious")
    path.chmod(mode)
    (tmp_path / "link.csv").symlink_to(path)
    begun = []

    def write(written: Path) -> None:
        with atomic_path(written) as temporary:
            begun.append(temporary)

    for written in (path, tmp_path / "link.csv"):
        with pytest.raises(UserError, match=f"^{written} is write-protected: "):
            write(written)
    assert not begun, "it is told before the work"
    assert path.read_text() == "precious"
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert names(tmp_path) == ["link.csv", "scores.csv"]


@pytest.mark.parametrize("raised", [RuntimeError, KeyboardInterrupt])
def test_whatever_stops_the_writing_leaves_the_old_file_and_nothing_else(tmp_path, raised):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def stopped() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half of the n")
            raise raised

    with pytest.raises(raised):
        stopped()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]


def test_killed_in_the_middle_the_old_file_stays(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    code = """
import sys, time
from ntcir.system.files import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("half of the n")
    print("half", flush=True)
    time.sleep(60)
"""
    process = python(code, path)
    assert process.stdout is not None
    assert process.stdout.readline() == "half\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert path.read_text() == "old"
    assert len(names(tmp_path)) == 2
    atomic_write(path, "new")
    assert path.read_text() == "new"
    assert names(tmp_path) == ["file.txt"], "what the killed one left is gone"


def test_beyond_the_limit_of_file_size_one_sentence_and_nothing_is_left(tmp_path):
    code = """
import resource, sys
import numpy as np
from ntcir.system.errors import UserError
from ntcir.system.files import atomic_path, atomic_write
from safetensors.numpy import save_file
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
def array(path):
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, np.zeros(5_000))
def tensors(path):
    with atomic_path(path) as temporary:
        save_file({"x": np.zeros(5_000)}, temporary)
for write in (lambda path: atomic_write(path, "x" * 20_000), array, tensors):
    try:
        write(sys.argv[1])
    except UserError as error:
        print(error)
"""
    path = tmp_path / "file.txt"
    path.write_text("old")
    output, _ = python(code, path).communicate()
    assert output.splitlines() == [f"No space left to write {path}: free some space and start again."] * 3
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]


def test_on_a_full_disk_one_sentence_and_the_old_file_stays(small_disk):
    path = small_disk / "features.npy"
    np.save(path, np.arange(4))
    with pytest.raises(UserError, match=r"No space left to write .*features\.npy"):
        atomic_write(path, "x" * 600_000)
    with (
        pytest.raises(UserError, match=r"No space left to write .*features\.npy"),
        atomic_path(path) as temporary,
        temporary.open("wb") as file,
    ):
        np.save(file, np.zeros(100_000))
    with pytest.raises(UserError, match="No space left to write"), atomic_path(path) as temporary:
        save_file({"x": np.zeros(100_000)}, temporary)
    assert np.load(path).tolist() == [0, 1, 2, 3]
    assert names(small_disk) == ["features.npy"]
    np.save(path, np.arange(5))  # there is room again for what fits


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "inside", tmp_path / "file" / "deep" / "inside", tmp_path / "folder"):
        with pytest.raises(UserError, match=f"Cannot write {path}: "):
            atomic_write(path, "x")
    assert names(tmp_path) == ["file", "folder"]


def test_a_name_that_is_too_long_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"Cannot write .*: file name too long"):
        atomic_write(tmp_path / ("x" * 300), "x")


def test_a_folder_without_leave_to_write_is_one_sentence(tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):
        folder = Path("/sys")  # who may write everywhere may not write here
        if not folder.is_dir():
            pytest.skip("this user may write everywhere")
    with pytest.raises(UserError, match=r"No permission to write .*/file: choose another place"):
        atomic_write(folder / "file", "x")


def test_a_reader_sees_one_version_or_the_other_while_writers_race(tmp_path):
    path = tmp_path / "file.txt"
    atomic_write(path, "a" * 50_000)
    code = """
import sys
from ntcir.system.files import atomic_write
for _ in range(60):
    atomic_write(sys.argv[1], sys.argv[2] * 50_000)
"""
    writers = [python(code, path, letter) for letter in "bc"]
    seen = set()
    end = time.monotonic() + 60
    while any(writer.poll() is None for writer in writers) and time.monotonic() < end:
        text = path.read_text()
        assert len(text) == 50_000
        seen.add("".join(sorted(set(text))))
    assert [writer.communicate()[0] for writer in writers] == ["", ""]
    assert seen <= {"a", "b", "c"}
    assert set(path.read_text()) < {"b", "c"}
    assert names(tmp_path) == ["file.txt"]


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there/real.txt")
    atomic_write(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "real.txt").read_text() == "text"
    assert names(tmp_path / "there") == ["real.txt"]


def test_a_name_as_long_as_the_system_allows_is_written(tmp_path: Path) -> None:
    name = f"{'n' * 251}.csv"
    atomic_write(tmp_path / name, "text")
    assert names(tmp_path) == [name]


def test_a_pipe_is_written_to_when_all_is_there(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", str(tmp_path / "pipe")], stdout=subprocess.PIPE, text=True) as reader:
        with atomic_path(tmp_path / "pipe") as temporary:
            temporary.write_text("first")
            temporary.write_text("whole")
        assert reader.communicate(timeout=60)[0] == "whole"
    assert names(tmp_path) == ["pipe"]


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="needs /dev/stdout")
def test_standard_output_by_its_name_is_written_to() -> None:
    process = python("from ntcir.system.files import atomic_write; atomic_write('/dev/stdout', 'text')")
    assert process.communicate(timeout=60)[0] == "text"
    assert Path("/dev/stdout").exists()


def test_a_file_that_cannot_be_replaced_is_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(self: Path, target: Path) -> None:  # what the system says of a file that is mounted by itself
        raise OSError(errno.EBUSY, "busy", str(self))

    (tmp_path / "mounted").write_text("an earlier and longer text")
    monkeypatch.setattr(Path, "replace", busy)
    atomic_write(tmp_path / "mounted", "text")
    assert (tmp_path / "mounted").read_text() == "text"
    assert names(tmp_path) == ["mounted"]


def test_threads_that_write_at_once_leave_the_umask_alone(tmp_path, monkeypatch):
    before, set_umask = os.umask(0o027), os.umask

    def slowly(mask: int) -> int:
        former = set_umask(mask)
        time.sleep(0.005)
        return former

    monkeypatch.setattr(os, "umask", slowly)
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: atomic_write(tmp_path / f"{number}.txt", "x"), range(8)))
        assert set_umask(0o027) == 0o027
        assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o640}
    finally:
        set_umask(before)
