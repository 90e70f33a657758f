"""Runs, qrels, pools and topics however they were saved: gzipped, in UTF-16, piped; what cannot be read is named."""

from __future__ import annotations

import bz2
import codecs
import gzip
import json
import lzma
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers import environment, refusal

from ntcir.cli import main
from ntcir.formats.matching import read_qrels, read_run
from ntcir.formats.official import format_qrels, format_run
from ntcir.formats.reading import read_bytes
from ntcir.formats.runs import read_pools

RUN = "img2sen_1 Q0 é1 1 0.5 x\nimg2sen_1 Q0 b 2 0.25 x\n"
QRELS = "img2sen_1 0 b 1\n"
POOLS = "topic_id\tdoc_id\nimg2sen_1\té1\nimg2sen_1\tb\nimg2sen_1\tc\n"
TOPICS = 'topic_id\tquery\r\nimg2sen_1\t{"hr": 60}\r\n'
SAVED = {
    "plain": lambda text: text.encode(),
    "UTF-8 with a mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "gzip": lambda text: gzip.compress(text.encode()),
    "gzip in two parts": lambda text: gzip.compress(text[:9].encode()) + gzip.compress(text[9:].encode()),
    "gzip of UTF-8 with a mark": lambda text: gzip.compress(codecs.BOM_UTF8 + text.encode()),
    "PowerShell": lambda text: codecs.BOM_UTF16_LE + text.replace("\n", "\r\n").encode("utf-16-le"),
    "UTF-16, big end first": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "UTF-32": lambda text: text.encode("utf-32"),
    "gzip of UTF-16": lambda text: gzip.compress(text.encode("utf-16")),
}


def ntcir(*words: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], input=stdin)


@pytest.mark.parametrize("how", SAVED)
def test_every_file_of_score_may_be_saved_in_any_way(tmp_path, how):
    texts = {"run.txt": RUN, "qrels.txt": QRELS, "pools.tsv": POOLS, "topics.tsv": TOPICS}
    for name, text in texts.items():
        (tmp_path / name).write_bytes(SAVED[how](text))
    result = ntcir("score", tmp_path / "run.txt", "--qrels", tmp_path / "qrels.txt", "--json", "--per-topic")
    assert result.exit_code == 0, result.stderr
    [topic] = json.loads(result.stdout)["topics"]
    assert (topic["rank"], topic["pool"], topic["direction"]) == (2, 3, "sen2img")


@pytest.mark.parametrize("how", SAVED)
def test_so_may_the_organisers(tmp_path, how):
    (tmp_path / "run.csv.gz").write_bytes(SAVED[how](format_run("ORG", "x", [("t", "1", 0.5), ("t", "2", 0.25)])))
    (tmp_path / "qrels.csv").write_bytes(SAVED[how](format_qrels([("t", "00001", "", 0), ("t", "00002", "", 1)])))
    result = ntcir("score", tmp_path / "run.csv.gz", "--qrels", tmp_path / "qrels.csv", "--json")
    assert json.loads(result.stdout)["all"]["MRR"] == 0.5


def test_lines_are_counted_in_what_is_packed(tmp_path):
    path = tmp_path / "run.txt.gz"
    path.write_bytes(gzip.compress((RUN + "img2sen_1 Q0 c 3 high x\n").encode()))
    assert refusal(read_run, path) == f"{path} line 3: score 'high' is not a finite number."


def test_a_large_packed_run_is_read_piece_by_piece(tmp_path):
    text = "".join(f"t{t} Q0 d{d} {d} {-d} x\n" for t in range(300) for d in range(1, 400))
    (tmp_path / "run.gz").write_bytes(gzip.compress(text.encode(), 1))
    (tmp_path / "run.txt").write_text(text)
    packed, plain = read_run(tmp_path / "run.gz"), read_run(tmp_path / "run.txt")
    assert packed.document.tolist() == plain.document.tolist()
    assert packed.line.tolist() == plain.line.tolist()


def zipped(text: str, folder: Path) -> bytes:
    with zipfile.ZipFile(folder / "x.zip", "w") as file:
        file.writestr("run.txt", text)
    return (folder / "x.zip").read_bytes()


@pytest.mark.parametrize("read", [read_run, read_qrels, read_pools])
def test_what_cannot_be_unpacked_or_decoded_is_one_sentence(tmp_path, read):
    whole = gzip.compress((RUN * 50).encode(), mtime=0)
    spoilt = bytearray(whole)
    spoilt[-6] ^= 0xFF  # in the checksum
    cases = {
        whole[:-9]: "cannot be unpacked: the gzip file is truncated; copy it again.",
        whole[:12]: "cannot be unpacked: the gzip file is truncated; copy it again.",
        bytes(spoilt): "cannot be unpacked: the gzip file is damaged; copy it again.",
        whole[:10] + b"\xff" * 40: "cannot be unpacked: the gzip file is damaged; copy it again.",
        whole + b"more": "cannot be unpacked: the gzip file is damaged; copy it again.",
        gzip.compress(b"", mtime=0): "is empty",
        RUN.encode("utf-16-le"): "is UTF-16 text without a byte order mark: save it as UTF-8.",
        RUN.encode("utf-16-be"): "is UTF-16 text without a byte order mark: save it as UTF-8.",
        codecs.BOM_UTF16_LE + b"t\0\x00\xd8x\0": "begins as UTF-16 text but is not valid from byte 5 on",
        codecs.BOM_UTF16_LE + b"t\0x": "begins as UTF-16 text but is not valid from byte 5 on",
        bz2.compress(RUN.encode()): "is compressed with bzip2: extract the text file that is in it and give that.",
        lzma.compress(RUN.encode()): "is compressed with xz: extract the text file that is in it and give that.",
        zipped(RUN, tmp_path): (
            "is compressed with ZIP (as spreadsheets such as .xlsx are): extract the text file that is in it and "
            "give that."
        ),
    }
    for raw, said in cases.items():
        path = tmp_path / "file"
        path.write_bytes(raw)
        assert said in refusal(read, path)


@pytest.mark.parametrize("how", ["plain", "gzip", "PowerShell"])
@pytest.mark.parametrize("which", ["run", "qrels", "pools", "topics"])
def test_one_file_may_come_from_standard_input(tmp_path, how, which):
    texts = {"run": RUN, "qrels": QRELS, "pools": POOLS, "topics": TOPICS}
    places = {name: tmp_path / name for name in texts} | {which: "-"}
    for name, text in texts.items():
        (tmp_path / name).write_bytes(SAVED[how](text))
    options = [word for name in ("qrels", "pools", "topics") for word in (f"--{name}", places[name])]
    result = ntcir("score", places["run"], *options, "--json", "--per-topic", stdin=SAVED[how](texts[which]))
    assert result.exit_code == 0, result.stderr
    [topic] = json.loads(result.stdout)["topics"]
    assert (topic["rank"], topic["pool"], topic["direction"]) == (2, 3, "sen2img")


def test_standard_input_has_a_name_and_serves_once(tmp_path):
    (tmp_path / "qrels.txt").write_text(QRELS)
    bad = ntcir("score", "-", "--qrels", tmp_path / "qrels.txt", stdin=b"img2sen_1 Q0 b 1 high x\n")
    assert (bad.exit_code, bad.stderr) == (2, "Error: standard input line 1: score 'high' is not a finite number.\n")
    missing = ntcir("score", "-", "--qrels", tmp_path / "qrels.txt", stdin=b"other Q0 b 1 1 x\n")
    assert f"standard input line 1: topic 'other' is not in {tmp_path / 'qrels.txt'}." in missing.stderr
    assert "standard input is empty" in ntcir("score", "-", "--qrels", tmp_path / "qrels.txt", stdin=b"").stderr
    twice = ntcir("score", "-", "--qrels", "-", stdin=RUN.encode())
    assert (twice.exit_code, twice.stderr) == (
        2,
        "Error: Only one of run, qrels, pools and topics can be standard input (-).\n",
    )


@pytest.mark.skipif(os.name != "posix", reason="needs a shell's pipes")
def test_pipes_and_a_closed_standard_input(tmp_path):
    (tmp_path / "run.txt.gz").write_bytes(SAVED["gzip"](RUN))
    (tmp_path / "qrels.txt").write_bytes(SAVED["PowerShell"](QRELS))
    command = f"{sys.executable} -m ntcir score"
    for words in ("<(cat run.txt.gz) --qrels <(cat qrels.txt)", "- --qrels qrels.txt < run.txt.gz"):
        done = bash(f"{command} {words} --json", tmp_path)
        assert json.loads(done.stdout)["all"]["MRR"] == 0.5, done.stderr
    done = bash(f"{command} - --qrels qrels.txt <&-", tmp_path)
    assert (done.returncode, done.stderr) == (2, "Error: Standard input is closed: give a file, or pipe one in.\n")


def bash(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", command], cwd=folder, env=environment(), capture_output=True, text=True)


def test_only_the_beginning_is_read_where_that_is_enough(tmp_path):
    (tmp_path / "x").write_bytes(SAVED["gzip of UTF-8 with a mark"](RUN))
    assert read_bytes(tmp_path / "x", 9) == b"img2sen_1"


# ------------------------------------------------------------------------------------------- headers and separators

HEADED = [
    (read_run, "topic Q0 docno rank score tag\n" + RUN, "a header ('topic Q0 docno rank score tag'): the TREC format"),
    (
        read_run,
        "\n#qid\titer\tdocno\trank\tsim\trun_id\n" + RUN,
        "line 2 is a header ('#qid iter docno rank sim run_id')",
    ),
    (read_run, "TOPIC Q0 DOC-ID RANK SCORE RUN\n" + RUN, "line 1 is a header"),
    (read_run, "query doc rank score tag\n" + RUN, "line 1 is a header"),
    (read_run, "topicid,Q0,docid,rank,score,tag\n" + RUN, "line 1 is a header ('topicid,Q0,docid,rank,score,tag')"),
    (read_run, "GROUP-ID, RUN-ID, TOPIC-ID, IMAGE-ID, SCORE\n" + RUN, "line 1 is a header"),
    (read_qrels, "topic iter docno rel\n" + QRELS, "only lines of topic iteration document relevance; delete it."),
    (
        read_run,
        "group_id;run_id;topic_id;dmr_minute_id;score\nORG;x;t;1;1\n",
        "line 1: semicolons separate the columns",
    ),
    (read_run, "GROUP-ID\tRUN-ID\tTOPIC-ID\tIMAGE-ID\tSCORE\nA\tx\tt\t1\t1\n", "line 1: tabs separate the columns"),
    (
        read_run,
        "GROUP-ID RUN-ID TOPIC-ID IMAGE-ID SCORE\nA x t 1 1\n",
        "line 1: blanks separate the columns; save it as",
    ),
    (read_qrels, "topic_id;dmr_minute_id;minute_id;rel\nt;1;;1\n", "save it as CSV, with commas."),
    (read_run, QRELS, "line 1 has the 4 columns of qrels: give them with --qrels, and a run in their place."),
    (read_qrels, RUN, "line 1 has the 6 columns of a run: give the qrels that judge it in its place."),
    (read_run, "qid,docno,rank,score\nt,d,1,0.5\n", "line 1: group_id, run_id, topic_id, dmr_minute_id missing"),
]


@pytest.mark.parametrize(("read", "text", "said"), HEADED)
def test_headers_are_recognised(tmp_path, read, text, said):
    path = tmp_path / "file"
    path.write_text(text, encoding="utf-8")
    assert said in refusal(read, path)


@pytest.mark.parametrize("line", ["topic Q0 doc 1 0.5 run", "t1 Q0 score 1 0.5 rank", "t1 Q0 a,b,topic_id 1 0.5 x"])
def test_ids_may_be_words_of_headers(tmp_path, line):
    (tmp_path / "run.txt").write_text(line + "\n", encoding="utf-8")
    assert read_run(tmp_path / "run.txt").document.tolist() == [line.split()[2].encode()]
