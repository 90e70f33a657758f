"""The organisers' CSV files: what is written, what is read, and what reader and command line refuse."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ntcir.formats.runs
from ntcir.cli import main
from ntcir.formats.official import (
    by_number,
    check_ids,
    format_qrels,
    format_run,
    looks_like_csv,
    read_transfer_qrels,
    read_transfer_run,
)
from ntcir.system.errors import UserError

anew = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)

HEAD = "group_id,run_id,topic_id,dmr_minute_id,score\n"
QRELS_HEAD = "topic_id,dmr_minute_id,minute_id,rel\n"
ids = st.text(st.sampled_from('012ab_-. ,"é/日'), min_size=1, max_size=12).filter(lambda text: text.strip(" ") == text)


def write(folder: Path, text: str, name: str = "run.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def refusal(call, *arguments) -> str:
    with pytest.raises(UserError) as caught:
        call(*arguments)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def run_rows(path: Path) -> list[tuple[str, str, float]]:
    run = read_transfer_run(path)
    documents = [document.decode() for document in run.document.tolist()]
    return [(run.topics[t], d, s) for t, d, s in zip(run.topic, documents, run.score.tolist(), strict=True)]


# ---------------------------------------------------------------------------------------------------------- writing


def test_a_run_is_written_as_it_comes():
    rows = [("img2sen_001", "00536", 0.1), ("img2sen_001", "2", -0.0), ('a "b", c', "x,y", 1e-20)]
    assert format_run("ORG", "baseline", rows) == (
        HEAD + "ORG,baseline,img2sen_001,00536,0.100000001\nORG,baseline,img2sen_001,2,0\n"
        'ORG,baseline,"a ""b"", c","x,y",9.99999968e-21\n'
    )
    assert format_run("ORG", "baseline", []) == HEAD


def test_qrels_are_written_as_they_come():
    rows = [("img2sen_001", "00536", "20200316_1650", 1), ("img2sen_001", "7", "", 0)]
    assert format_qrels(rows) == QRELS_HEAD + "img2sen_001,00536,20200316_1650,1\nimg2sen_001,7,,0\n"


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -float("inf"), 1e300])
def test_scores_that_are_not_finite_are_not_written(score):
    said = refusal(format_run, "ORG", "x", [("t1", "1", 0.0), ("t2", "7", score)])
    assert said == "Topic t2 has a NaN or infinite score, for 7."


@pytest.mark.parametrize(
    ("group", "run", "said"),
    [
        ("NTCIR1", "a", "The group_id 'NTCIR1' is not valid: the organisers accept 1 to 5 letters or digits."),
        ("", "a", "The group_id '' is not valid"),
        ("É", "a", "The group_id 'É' is not valid"),
        ("A\n", "a", "The group_id 'A\\n' is not valid"),
        (
            "ORG",
            "baseline-01",
            "The run_id 'baseline-01' is not valid: the organisers accept 1 to 10 letters or digits.",
        ),
        ("ORG", "abcdefghijk", "The run_id 'abcdefghijk' is not valid"),
        ("ORG", "٣", "The run_id '٣' is not valid"),
    ],
)
def test_ids_that_the_organisers_do_not_take(group, run, said):
    assert said in refusal(check_ids, group, run)
    assert said in refusal(format_run, group, run, [])


def test_ids_that_they_take():
    check_ids("ORG", "baseline")
    check_ids("A1b2C", "0123456789")


@anew
@given(st.lists(st.tuples(ids, ids, st.floats(width=32, allow_nan=False, allow_infinity=False)), max_size=20))
def test_what_is_written_reads_the_same(tmp_path, rows):
    rows = list({(t, str(i) + "_" + d): (t, str(i) + "_" + d, s) for i, (t, d, s) in enumerate(rows)}.values())
    text = format_run("ORG", "x", rows)
    assert [row[2:4] for row in csv.reader(io.StringIO(text))][1:] == [[t, d] for t, d, _ in rows]
    if rows:
        found = run_rows(write(tmp_path, text))
        assert [row[:2] for row in found] == [row[:2] for row in rows]
        assert [np.float32(row[2]) for row in found] == [np.float32(row[2]) for row in rows]


# ------------------------------------------------------------------------------------------------- told from TREC's


@pytest.mark.parametrize(
    ("text", "official"),
    [
        (HEAD, True),
        (QRELS_HEAD, True),
        ("\ufeff\r\n\r\n" + HEAD, True),
        ('"score", "topic_id"\n', True),
        ("x,dmr_minute_id,z w\r1,2,3", True),
        ("ORG,baseline,img2sen_001,536,0.5\n", True),  # the header is missing: for the CSV reader to say
        ("t1 Q0 d1 1 0.5 x\n", False),
        ("t1 Q0 a,b,topic_id 1 0.5 x\n", False),
        ("t1,t2 0 d1 1\n", False),
        ("topic_id\tdoc_id\n", False),
        ("topic_id\n", False),
        ("", False),
        ("\n\n", False),
    ],
)
def test_the_first_line_tells(tmp_path, text, official):
    assert looks_like_csv(write(tmp_path, text)) == official
    assert looks_like_csv(tmp_path / "elsewhere", text.encode()) == official


def test_a_file_that_is_not_there(tmp_path):
    for call in (looks_like_csv, read_transfer_run, read_transfer_qrels):
        assert "nowhere cannot be read: no such file or directory." in refusal(call, tmp_path / "nowhere")


# ---------------------------------------------------------------------------------------------------------- reading


def test_a_run_by_hand(tmp_path):
    text = (
        HEAD + "ORG,baseline,b_2,00536,-0.5\nORG,baseline,a_1,7,0.25\nORG,baseline,b_2,8,1e3\nORG,baseline,b_2,9,-.5\n"
    )
    run = read_transfer_run(write(tmp_path, text))
    assert (run.group, run.tags, run.topics) == ("ORG", ["baseline"], ["b_2", "a_1"])
    assert run.topic.tolist() == [0, 1, 0, 0]
    assert run.document.tolist() == [b"00536", b"7", b"8", b"9"]
    assert run.score.tolist() == [-0.5, 0.25, 1000, -0.5]
    assert run.rank.tolist() == [2, 1, 1, 3]
    assert run.line.tolist() == [2, 3, 4, 5]
    assert run.ranking("b_2") == [("8", 1000), ("9", -0.5), ("00536", -0.5)]


@pytest.mark.parametrize(
    "text",
    [
        "group_id,run_id,topic_id,dmr_minute_id,score\r\nORG,x,t1,001,0.5\r\nORG,x,t1,2,1.5\r\n",
        "\ufeffscore,note,dmr_minute_id,run_id,topic_id,group_id\n.5,a,001,x,t1,ORG\n1.50,,2,x,t1,ORG",
        '"group_id","run_id","topic_id","dmr_minute_id","score"\n"ORG","x","t1","001","0.5"\n"ORG","x","t1","2","1.5"\n',
        " group_id , run_id, topic_id, dmr_minute_id, score\n\nORG, x, t1, 001, 0.5\n   \nORG,x ,t1\t,2 , 1.5 \n\n",
        "group_id,run_id,topic_id,dmr_minute_id,score\rORG,x,t1,001,0.5\rORG,x,t1,2,1.5",
    ],
)
def test_layouts_of_one_run(tmp_path, text):
    path = write(tmp_path, text)
    assert looks_like_csv(path)
    assert run_rows(path) == [("t1", "001", 0.5), ("t1", "2", 1.5)]


def test_lines_are_counted_in_the_file(tmp_path):
    run = read_transfer_run(write(tmp_path, "\n" + HEAD + '\nORG,x,t1,1,0.5\n\r\nORG,x,"t1",2,0.5\n'))
    assert run.line.tolist() == [4, 6]


def test_qrels_and_the_pools_in_them(tmp_path):
    text = QRELS_HEAD + "t1,00001,20200316_0000,0\nt2,5,,1\nt1,00002,20200316_0001,1\nt3,9,,0\nt3,7,,2\n"
    qrels, pools = read_transfer_qrels(write(tmp_path, text))
    assert qrels.topics == ["t1", "t2", "t3"]
    assert qrels.relevance.tolist() == [0, 1, 1, 0, 2]
    assert qrels.minute.tolist() == [b"20200316_0000", b"", b"20200316_0001", b"", b""]
    assert dict(pools) == {"t1": ["00001", "00002"], "t3": ["9", "7"]}  # t2 lists the answer only
    assert pools.line.tolist() == [2, 4, 5, 6]
    assert "t2" not in pools


def test_qrels_without_minutes_or_pools(tmp_path):
    qrels, pools = read_transfer_qrels(write(tmp_path, "rel,topic_id,dmr_minute_id\n1,t1,00001\n"))
    assert (qrels.relevance.tolist(), qrels.minute.tolist(), dict(pools)) == ([1], [b""], {})


def test_numbers_are_compared_without_leading_zeros(tmp_path):
    documents = ["00536", "00000", "0", "a01", "01.5", "٠١", "-01", "x" * 20, "0" * 30 + "1"]
    rows = [(f"t{i}", document, 0.0) for i, document in enumerate(documents)]
    run = read_transfer_run(write(tmp_path, format_run("ORG", "x", rows)))
    found = [document.decode() for document in by_number(run).document.tolist()]
    assert found == ["536", "0", "0", "a01", "01.5", "٠١", "-01", "x" * 20, "1"]
    assert [document.decode() for document in run.document.tolist()] == documents


# --------------------------------------------------------------------------------------------- what cannot be read


def line(last: str) -> str:
    return HEAD + "ORG,x,t1,1,0.5\n" + last + "\nORG,x,t1,9,0.5\n"


RUNS = [
    (line("ORG,x,t1,2"), "line 3: 4 columns instead of 5 (group_id,run_id,topic_id,dmr_minute_id,score)."),
    (line("ORG,x,t1,2,0.5,1"), "line 3: 6 columns instead of 5 (group_id,run_id,topic_id,dmr_minute_id,score)."),
    (line("ORG,x,t1,2,nan"), "line 3: score 'nan' is not a finite number."),
    (line("ORG,x,t1,2,-inf"), "line 3: score '-inf' is not a finite number."),
    (line("ORG,x,t1,2,1e999"), "line 3: score '1e999' is not a finite number."),
    (line("ORG,x,t1,2,1_0"), "line 3: score '1_0' is not a finite number."),
    (line('ORG,x,t1,2,"0,5"'), "line 3: score '0,5' is not a finite number."),
    (line("ORG,x,t1,2,"), "line 3: score '' is not a finite number."),
    (line("ORG,x,t1,2,é" + "日" * 300), f"line 3: score 'é{'日' * 39}' is not a finite number."),
    (line("ORG,x,,2,0.5"), "line 3: topic_id '' is not 1 to 256 bytes on one line."),
    (line("ORG,x,t1, ,0.5"), "line 3: dmr_minute_id '' is not 1 to 256 bytes on one line."),
    (line('ORG,x,"t\n1",2,0.5'), "line 4: topic_id 't\\n1' is not 1 to 256 bytes on one line."),
    (line(f"ORG,x,t{'é' * 128},2,0.5"), f"line 3: topic_id 't{'é' * 39}' is not 1 to 256 bytes on one line."),
    (line("ORG,y,t1,2,0.5"), "line 3: run_id 'y' is not the 'x' of line 2: a file holds one run."),
    (line("TEAM,x,t1,2,0.5"), "line 3: group_id 'TEAM' is not the 'ORG' of line 2: a file holds one run."),
    (line("ORG,x,t1,1,0.25"), "line 3: document '1' of topic 't1' appears twice, first on line 2."),
    (line("ORG,x,t1,0001,0.25"), "line 3: document '1' of topic 't1' appears twice, first on line 2."),
    (line('ORG,x,t1,"2,0.5'), "line 3 is not CSV: unexpected end of data."),
    (line('ORG,x,"t"1,2,0.5'), "line 3 is not CSV: ',' expected after '\"'."),
    (line("ORG,x,t\x001,2,0.5"), "is not a text file in UTF-8: line 3 holds the byte 0x00."),
    (HEAD, "is empty: expected the header group_id,run_id,topic_id,dmr_minute_id,score, then rows."),
    (
        "group_id,run_id,topic_id,dmr_minute_id\nORG,x,t1,1\n",
        "line 1: score missing: expected the header group_id,run_id,topic_id,dmr_minute_id,score, "
        "found group_id, run_id, topic_id, dmr_minute_id.",
    ),
    (
        "ORG,baseline,img2sen_001,536,0.5\n",
        "line 1: group_id, run_id, topic_id, dmr_minute_id, score missing: expected the header "
        "group_id,run_id,topic_id,dmr_minute_id,score, found ORG, baseline, img2sen_001, 536, 0.5.",
    ),
    ("score," + HEAD, "line 1: score twice: expected the header"),
    (QRELS_HEAD + "t1,1,,1\n", "line 1: group_id, run_id, score missing: expected the header"),
]
QRELS = [
    (QRELS_HEAD + "t1,1,,1\nt1,2,,yes\n", "line 3: rel 'yes' is not a whole number."),
    (QRELS_HEAD + "t1,1,,1\nt1,2,,0.5\n", "line 3: rel '0.5' is not a whole number."),
    (QRELS_HEAD + "t1,1,,1\nt1,2,,9999999999\n", "line 3: rel '9999999999' is not a whole number."),
    (QRELS_HEAD + "t1,1,,1\nt1,2,,\n", "line 3: rel '' is not a whole number."),
    (QRELS_HEAD + "t1,1,,1\nt1,2,0\n", "line 3: 3 columns instead of 4 (topic_id,dmr_minute_id,minute_id,rel)."),
    (QRELS_HEAD + "t1,1,,1\nt1,00001,,0\n", "line 3: document '1' of topic 't1' appears twice, first on line 2."),
    (QRELS_HEAD + "t1,1,,0\n", "has no relevant document: at least one row needs a rel above 0."),
    (QRELS_HEAD, "is empty: expected the header topic_id,dmr_minute_id,minute_id,rel, then rows."),
    (HEAD + "ORG,x,t1,1,0.5\n", "line 1: rel missing: expected the header topic_id,dmr_minute_id,minute_id,rel, found"),
]


@pytest.mark.parametrize(("text", "said"), RUNS)
def test_runs_that_cannot_be_read(tmp_path, text, said):
    path = write(tmp_path, text)
    sentence = refusal(read_transfer_run, path)
    assert sentence.startswith(f"{path} {said}")
    result = CliRunner().invoke(main, ["score", str(path)])
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"Error: {sentence}\n")


def test_qrels_rows_that_come_again_count_once_as_the_organisers_have_it(tmp_path):
    rows = "a,1,m1,1\na,2,m2,0\na,1,m1,1\nb,1,m1,1\na,2,m2,0\n"
    qrels, pools = read_transfer_qrels(write(tmp_path, QRELS_HEAD + rows))
    assert [(qrels.topics[t], d.decode()) for t, d in zip(qrels.topic, qrels.document, strict=True)] == [
        ("a", "1"), ("a", "2"), ("b", "1")
    ]  # fmt: skip
    assert qrels.line.tolist() == [2, 3, 5]
    assert pools["a"] == ["1", "2"]
    assert "line 4" in refusal(read_transfer_qrels, write(tmp_path, QRELS_HEAD + "a,1,m1,1\na,2,m2,0\na,1,m1,0\n"))


@pytest.mark.parametrize(("text", "said"), QRELS)
def test_qrels_that_cannot_be_read(tmp_path, text, said):
    path, run = write(tmp_path, text, "qrels.csv"), write(tmp_path, line("ORG,x,t1,2,0.5"))
    sentence = refusal(read_transfer_qrels, path)
    assert sentence.startswith(f"{path} {said}")
    result = CliRunner().invoke(main, ["score", str(run), "--qrels", str(path)])
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"Error: {sentence}\n")


def test_problems_of_several_kinds_are_named_in_order(tmp_path):
    path = write(tmp_path, HEAD + "ORG,x,t1,1,a\nORG,x,t1\nORG,y,t1,3,0\nORG,x,t1,2,nan\n")
    assert refusal(read_transfer_run, path) == (
        f"{path} line 2: score 'a' is not a finite number; line 3: 3 columns instead of 5 "
        "(group_id,run_id,topic_id,dmr_minute_id,score); line 4: run_id 'y' is not the 'x' of line 2: a file holds one "
        "run, and 1 more problem."
    )


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "latin1.csv").write_bytes((HEAD + "ORG,x,caf\xe9,1,0.5\n").encode("latin1"))
    assert "is not a text file in UTF-8: line 2 holds the byte 0xe9." in refusal(
        read_transfer_run, tmp_path / "latin1.csv"
    )


@anew
@given(
    cells=st.lists(st.tuples(st.sampled_from("pqr"), st.integers(0, 40), st.integers(-3, 3)), min_size=1, max_size=30),
    columns=st.permutations(["group_id", "run_id", "topic_id", "dmr_minute_id", "score", "more"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n", "\n\n"]),
)
def test_any_layout_reads_as_the_trec_run_of_the_same_rows(tmp_path, cells, columns, quoting, end):
    rows = list({(topic, document): (topic, str(document), score) for topic, document, score in cells}.values())
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, quoting=quoting, lineterminator=end)
    writer.writeheader()
    for topic, document, score in rows:
        named = {"topic_id": topic, "dmr_minute_id": document, "score": score}
        writer.writerow({"group_id": "ORG", "run_id": "x", "more": 'a "b", c'} | named)
    mine = read_transfer_run(write(tmp_path, stream.getvalue()))
    trec = "".join(f"{topic} Q0 {document} 1 {score} x\n" for topic, document, score in rows)
    theirs = ntcir.formats.runs.read_trec_run(write(tmp_path, trec, "run.txt"))
    assert (mine.topics, mine.tags) == (theirs.topics, theirs.tags)
    for name in ("topic", "document", "score"):
        assert getattr(mine, name).tolist() == getattr(theirs, name).tolist()
    assert all(mine.ranking(topic) == theirs.ranking(topic) for topic in theirs.topics)
    ranks = [sorted(mine.rank[mine.topic == code]) for code in range(len(mine.topics))]
    assert ranks == [list(range(1, len(own) + 1)) for own in ranks]
