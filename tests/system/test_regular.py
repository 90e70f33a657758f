"""What lies in the place of a file: nobody waits for a pipe, reads a device without end, or runs out of memory.

That holds for every kind of file that is read: tests/hostile/test_fuzz.py puts each of these in the place of each.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from helpers import command_line, environment, refusal

from ntcir.config import load_config
from ntcir.formats.matching import read_qrels, read_run
from ntcir.formats.reading import read_bytes
from ntcir.formats.topics import read_topics
from ntcir.submission.stream import open_input
from ntcir.system.errors import UserError
from ntcir.system.regular import Irregular, open_given, open_regular, read_all, read_regular

RUN = "t1 Q0 d1 1 0.5 x\nt1 Q0 d2 2 0.4 x\n"


def piped(path: Path, text: str) -> Path:
    """Make a named pipe with a text in it."""
    os.mkfifo(path)
    threading.Thread(target=path.write_text, args=(text,), daemon=True).start()
    return path


def vast(path: Path, beginning: str = "") -> Path:
    path.write_text(beginning)
    os.truncate(path, 300 << 30)  # without content, it takes no room
    return path


def test_a_pipe_that_is_looked_for_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "a")
    for call in (open_regular, read_regular, load_config):
        with pytest.raises(Exception, match="named pipe"):
            call(tmp_path / "a")


def test_a_pipe_that_a_user_names_is_read(tmp_path):
    assert len(read_run(piped(tmp_path / "run.txt", RUN)).document) == 2
    assert read_bytes(piped(tmp_path / "a", "text")) == b"text"
    topics = "topic_id\ttimestamp\tquery\nt1\t\ta.jpg\n"
    assert [topic.topic_id for topic in read_topics(piped(tmp_path / "topics.tsv", topics))] == ["t1"]
    assert load_config(piped(tmp_path / "a.yaml", "seed: 7\n"), typed=True).seed == 7


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="needs /dev/fd")
def test_what_the_shell_makes_of_a_command_is_a_run(tmp_path):
    (tmp_path / "run.txt").write_text(RUN)
    (tmp_path / "qrels.txt").write_text("t1 0 d1 1\n")
    command = f"{sys.executable} -m ntcir score <(cat run.txt) --qrels <(cat qrels.txt)"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1.0000" in done.stdout


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs /dev/zero")
@pytest.mark.parametrize("read", [read_run, read_qrels, read_topics, read_bytes])
def test_a_device_without_end_is_refused_and_one_without_content_is_empty(tmp_path, read):
    (tmp_path / "endless").symlink_to("/dev/zero")
    assert "it is a device, not a file" in refusal(read, tmp_path / "endless")
    if read is not read_bytes:
        assert refusal(read, Path("/dev/null"))
    with open_given("/dev/null") as file:
        assert file.read() == b""


@pytest.mark.parametrize("read", [read_run, read_qrels, read_topics])
def test_a_file_of_300_gb_is_not_begun(tmp_path, read):
    assert "it has 307,200 megabytes; at most 8,192 are read" in refusal(read, vast(tmp_path / "vast", RUN))


def test_zeros_that_are_packed_do_not_fill_the_memory(tmp_path):
    path = tmp_path / "run.txt.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(RUN.encode())
        for _ in range(40):
            file.write(bytes(1 << 20))
    assert "it has a line of over 16 MiB" in refusal(read_run, path)


def test_a_packed_file_with_zeros_behind_it_is_truncated(tmp_path):
    path = tmp_path / "run.txt.gz"
    path.write_bytes(gzip.compress(RUN.encode()))
    os.truncate(path, 6 << 30)  # below the bound on size; Python's gzip would look at it for an hour
    assert "the gzip file is truncated" in refusal(read_run, path)
    with pytest.raises(UserError, match="it ends in zeros"), open_input(str(path)):
        pass


def test_what_has_no_size_is_bounded_as_it_is_read(tmp_path):
    path = piped(tmp_path / "a", "x" * 100)
    with open_given(path) as file, pytest.raises(Irregular, match="more than 0 megabytes, the most that is read"):
        read_all(file, path, 99)


def test_a_pipe_beside_the_files_of_a_corpus_is_nobody_s_business_and_a_giant_in_its_place_is_told(tmp_path):
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    os.mkfifo(folder / "stray.csv")
    os.mkfifo(folder / "ntcir.yaml")
    table = vast(folder / "records.csv", "file,timestamp,warm\na.png,2021-05-01,1\n")
    done = command_line("build-topics", "--data", str(folder))
    assert done.exit_code == 2
    assert done.stderr == f"Error: Cannot read {table}: it has 307,200 megabytes; at most 8,192 are read.\n"


def test_a_lack_of_memory_is_one_sentence(tmp_path):
    (tmp_path / "run.txt").write_text("".join(f"topic Q0 d{number} 1 0.5 x\n" for number in range(1_000_000)))
    (tmp_path / "qrels.txt").write_text("topic 0 d1 1\n")
    command = f"ulimit -v 180000; exec {sys.executable} -m ntcir score run.txt --qrels qrels.txt"
    variables = environment() | {"OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=variables, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr[-500:]
    assert done.stderr.startswith("Error: Out of memory: ")
    assert done.stderr.count("\n") == 1
