"""Runs of NTCIR-19 Lifelog: told by their header or row, scored against TREC qrels, converted both ways."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import command_line, refusal

from ntcir.formats.conversion import save_run
from ntcir.formats.lifelog_run import LifelogRun, is_lifelog, run_text
from ntcir.formats.matching import read_run
from ntcir.scoring import score

HEAD = "GROUP-ID, RUN-ID, TOPIC-ID, IMAGE-ID, SCORE\n"
ROWS = "DCU, run-01, AD26001, 20190101_103717_000.jpg, 0.5\nDCU, run-01, KIS26001, 20190102_000012_000.jpg, 1\n"
FURTHER = "DCU, run-01, AD26001, 20190103_000000_000.jpg, 0.75\n"
QRELS = "AD26001 0 20190101_103717_000.jpg 1\nKIS26001 0 20190102_000012_000.jpg 1\n"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        HEAD + ROWS + FURTHER,
        HEAD.replace(", ", ",").lower() + (ROWS + FURTHER).replace(", ", ","),
        HEAD.replace("-", "_") + ROWS + FURTHER,
        "\ufeffGroup_ID,Run-Id,topic_id,image-id,Score,note\n" + (ROWS + FURTHER).replace("\n", ", x\n"),
        HEAD + '"DCU", "run-01", "AD26001", "20190101_103717_000.jpg", 0.5\n' + ROWS.splitlines()[1] + "\n" + FURTHER,
        ROWS + FURTHER,  # without a header
        (ROWS + FURTHER).replace(", ", ",").replace("\n", "\r\n"),
    ],
)
def test_it_is_scored_against_qrels_with_the_same_images(tmp_path, text):
    run = read_run(write(tmp_path, "run.csv", text))
    assert isinstance(run, LifelogRun)
    assert (run.group, run.tags, run.topics) == ("DCU", ["run-01"], ["AD26001", "KIS26001"])
    report = score(run, write(tmp_path, "qrels.txt", QRELS))
    assert [topic.rank for topic in report.topics] == [2, 1]
    assert report.warnings == []


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (HEAD, True),
        ("DCU,r,AD26001,20190101_103717_000.jpg,1\n", True),
        ("group_id,run_id,topic_id,dmr_minute_id,score\n", False),
        ("group id,run id,topic id,image id,score\n", True),
        ("ORG,baseline,img2sen_001,536,0.5\n", False),  # theirs of Transfer, without its header
        ("a,b,c,d\n", False),
        ("t1 Q0 a,b,IMAGE-ID,c,1 1 0.5 x\n", False),
        ("t1 Q0 d1 1 0.5 x\n", False),
        ("", False),
    ],
)
def test_the_first_line_tells(head, told):
    assert is_lifelog(head.encode()) == told


def test_it_becomes_trec_and_comes_back(tmp_path):
    run, qrels = write(tmp_path, "run.csv", HEAD + ROWS + FURTHER), write(tmp_path, "qrels.txt", QRELS)
    trec, back = tmp_path / "run.txt", tmp_path / "again.csv"
    there = command_line("score", str(run), "--qrels", str(qrels), "--write-run", str(trec))
    assert there.stderr == f"{trec}: 3 lines, tag run-01\n"
    assert "AD26001 Q0 20190103_000000_000.jpg 1 0.75 run-01\n" in trec.read_text()
    words = ("score", str(trec), "--qrels", str(qrels), "--write-run", str(back))
    again = command_line(*words, "--run-format", "lifelog", "--group", "DCU")
    assert again.stderr == f"{back}: 3 rows, GROUP-ID DCU, RUN-ID run-01\n"
    assert again.stdout.startswith(there.stdout)  # and, of a TREC run, a note that there are no topics by direction
    assert read_run(back).ranking("AD26001") == read_run(run).ranking("AD26001")
    assert back.read_text().startswith("GROUP-ID,RUN-ID,TOPIC-ID,IMAGE-ID,SCORE\nDCU,run-01,AD26001,")
    assert command_line("score", str(back), "--qrels", str(qrels)).stdout == there.stdout


def test_as_csv_it_stays_what_it_is(tmp_path):
    run = read_run(write(tmp_path, "run.csv", HEAD + ROWS))
    save_run(run, tmp_path / "again.csv")
    assert isinstance(read_run(tmp_path / "again.csv"), LifelogRun)
    save_run(run, tmp_path / "transfer.csv", layout="transfer")
    assert (
        (tmp_path / "transfer.csv").read_text().startswith("group_id,run_id,topic_id,dmr_minute_id,score\nDCU,run01,")
    )


def test_more_images_than_the_task_takes_are_remarked(tmp_path):
    rows = "".join(f"DCU,x,KIS26001,i{n}.jpg,{-n}\n" for n in range(101))
    run, qrels = write(tmp_path, "run.csv", HEAD + rows), write(tmp_path, "qrels.txt", "KIS26001 0 i0.jpg 1\n")
    most = "NTCIR-19 Lifelog takes at most 100 images per topic, and 1 topic has more (up to 101): KIS26001."
    assert score(run, qrels).warnings == [f"{run}: {most}"]
    assert score(write(tmp_path, "fit.csv", HEAD + rows.rsplit("\n", 2)[0]), qrels).warnings == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + ROWS + "DCU, run-01, AD26001, x.jpg, high\n", "line 4: SCORE 'high' is not a finite number."),
        (HEAD + ROWS + "DCU, run-01, AD26001, x.jpg\n", "line 4: 4 columns instead of 5"),
        (HEAD + ROWS + "DCU, run-02, AD26001, x.jpg, 1\n", "line 4: RUN-ID 'run-02' is not the 'run-01' of line 2"),
        (
            HEAD + ROWS + ROWS,
            "line 4: document '20190101_103717_000.jpg' of topic 'AD26001' appears twice, first on line 2",
        ),
        (HEAD + "DCU, run-01, , x.jpg, 1\n", "line 2: TOPIC-ID '' is not 1 to 256 bytes on one line."),
        (HEAD, "is empty: expected the header GROUP-ID,RUN-ID,TOPIC-ID,IMAGE-ID,SCORE, then rows."),
        ("RUN-ID, TOPIC-ID, IMAGE-ID, SCORE\n", "line 1: GROUP-ID missing: expected the header"),
        ("IMAGE-ID, image_id, GROUP-ID, RUN-ID, TOPIC-ID, SCORE\n", "line 1: IMAGE-ID twice: expected the header"),
    ],
)
def test_what_cannot_be_read(tmp_path, text, said):
    path = write(tmp_path, "run.csv", text)
    assert f"{path} {said}" in refusal(read_run, path)


def test_ids_that_cannot_be_written(tmp_path):
    assert "The GROUP-ID 'my team' is not valid" in refusal(run_text, "my team", "x", [])
    assert "The RUN-ID '' is not valid" in refusal(run_text, "DCU", "", [])
    run, qrels = write(tmp_path, "run.csv", HEAD + ROWS), write(tmp_path, "qrels.txt", QRELS)
    result = command_line("score", str(run), "--qrels", str(qrels), "--run-format", "lifelog")
    assert (result.exit_code, result.stderr) == (2, "Error: --run-format needs --write-run FILE.\n")
