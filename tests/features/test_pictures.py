"""What is opened as a photograph, and what is not, whoever has put it there."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from picturing import ramp, saved

from ntcir.config import Objects
from ntcir.features import pictures
from ntcir.features.decode import UnreadableImage, decode, load_image, read_file
from ntcir.features.letterbox import Frame, letterbox
from ntcir.features.preprocessing import Square

WAYS = {
    "load": load_image,
    "read": read_file,
    "decode": lambda path: decode(path, Square()),
    "letterbox": lambda path: letterbox(path, Frame(Objects().size, Objects().size, 32)),
}
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n(x) show\n%%EOF\n"
LOOK_AT = "import sys; from ntcir.features.decode import load_image; load_image(sys.argv[1])"


def reason(way: str, path: Path) -> str:
    with pytest.raises(UnreadableImage) as caught:
        WAYS[way](path)
    assert not caught.value.passing
    return str(caught.value)


@pytest.mark.parametrize("way", WAYS)
def test_a_pipe_a_socket_a_device_and_a_folder_are_no_photographs_and_nobody_waits(tmp_path, way):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "pipe.jpg")
    (tmp_path / "endless.jpg").symlink_to("/dev/zero")
    (tmp_path / "folder.jpg").mkdir()
    with socket.socket(socket.AF_UNIX) as open_socket:
        open_socket.bind(str(tmp_path / "socket.jpg"))
        assert reason(way, tmp_path / "socket.jpg") == "it is a socket, not a file"
    assert reason(way, tmp_path / "pipe.jpg") == reason(way, tmp_path / "link.jpg") == "it is a named pipe, not a file"
    assert reason(way, tmp_path / "endless.jpg") == "it is a device, not a file"
    assert reason(way, tmp_path / "folder.jpg") == "it is a folder, not a file"


@pytest.mark.parametrize("way", WAYS)
def test_a_file_larger_than_any_picture_is_not_read(tmp_path, way):
    path = tmp_path / "vast.jpg"
    with path.open("wb") as file:
        file.truncate(300 * 2**30)  # without content, it takes no room
    assert reason(way, path) == "it has 307,200 megabytes; at most 512 are read"


def test_a_file_that_grows_beyond_the_bound_while_it_is_read_is_given_up(tmp_path, monkeypatch):
    path = saved(tmp_path / "a.png", ramp())
    monkeypatch.setattr(pictures, "MOST_BYTES", path.stat().st_size)
    assert read_file(path) == path.read_bytes()
    whole = pictures.open_file(path)
    monkeypatch.setattr(pictures, "open_file", lambda path: whole)
    with path.open("ab") as file:
        file.write(b"more")
    assert "more than" in reason("read", path)


def test_a_small_file_that_claims_to_have_a_part_of_4_gb_takes_no_such_memory(tmp_path):
    data = bytearray(saved(tmp_path / "a.png", ramp()).read_bytes())
    at = data.index(b"IDAT")
    data[at - 4 : at] = b"\xff\xff\xff\xf0"
    (tmp_path / "a.png").write_bytes(data)
    code = (
        "import resource, sys; from ntcir.features.decode import UnreadableImage, load_image\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30), -1))\n"
        "try:\n    load_image(sys.argv[1])\nexcept UnreadableImage as error:\n    print(error, error.passing)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [sys.executable, "-c", code, str(tmp_path / "a.png")]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "True" not in run.stdout


def test_a_link_to_a_photograph_is_one(tmp_path):
    saved(tmp_path / "a.png", ramp())
    (tmp_path / "b.png").symlink_to("a.png")
    np.testing.assert_array_equal(np.asarray(load_image(tmp_path / "b.png")), ramp())


@pytest.mark.parametrize("name", ["scene.eps", "scene.jpg"])
def test_a_photograph_starts_no_program(tmp_path, name):
    trace, program = tmp_path / "started", tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch '{trace}'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tmp_path / name).write_bytes(EPS)
    path = os.pathsep.join([str(program.parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    run = subprocess.run([sys.executable, "-c", LOOK_AT, str(tmp_path / name)], env=environment, capture_output=True)
    assert b"UnreadableImage: the file is not an image in a known format" in run.stderr
    assert not trace.exists()


@pytest.mark.parametrize("kind", ["ico", "pcx", "tga", "sgi", "icns", "dds", "msp"])
def test_formats_that_nobody_keeps_photographs_in_are_not_opened(tmp_path, kind):
    picture = np.ones((16, 16), dtype=bool) if kind == "msp" else ramp(64, 64)
    path = saved(tmp_path / f"a.{kind}", picture)
    assert reason("load", path) == "the file is not an image in a known format"


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tif", "bmp", "gif", "jp2", "avif", "ppm", "qoi"])
def test_formats_of_photographs_are_opened_whatever_their_name(tmp_path, kind):
    path = saved(tmp_path / f"a.{kind}", ramp())
    found = np.asarray(load_image(path.rename(tmp_path / "unnamed"))).astype(int)
    assert np.abs(found - ramp()).mean() < 8
