"""The run file: what is written, what is read, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ntcir.formats.columns
from ntcir.formats.runs import format_ranking, read_pools, read_trec_qrels, read_trec_run, validate_run
from ntcir.system.errors import UserError

# Each example writes its own files anew, so one folder may serve them all.
anew = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)

ids = st.text(st.sampled_from("0123ab_-.é/日"), min_size=1, max_size=20)
numbers = st.one_of(
    st.floats(-1e6, 1e6).map(repr),
    st.floats(width=32, allow_nan=False, allow_infinity=False).map(lambda value: f"{value:.9g}"),
    st.integers(-999, 999).map(str),
    st.sampled_from(["+1.5", "00.10", "-.5", "7.", "1E3", "0.000000000000000000000000000000000000001"]),
)
gaps = st.sampled_from([" ", " ", " ", "\t", "  ", " \t", "\v", "\f", " \r"])


def write(folder: Path, text: str, name: str = "run.txt") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def refusal(call, *arguments) -> str:
    """Return the sentence with which a call is refused."""
    with pytest.raises(UserError) as caught:
        call(*arguments)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


# ---------------------------------------------------------------------------------------------------------- writing


def test_ranking_is_sorted_as_trec_eval_sorts():
    scores = np.array([0.5, 2.0, 0.5, -1.0], dtype=np.float32)
    assert format_ranking("t1", ["a", "b", "c", "d"], scores, "mine") == (
        "t1 Q0 b 1 2 mine\nt1 Q0 c 2 0.5 mine\nt1 Q0 a 3 0.5 mine\nt1 Q0 d 4 -1 mine\n"
    )


def test_both_zeros_are_one_score():
    text = format_ranking("t1", ["a", "b"], np.array([0.0, -0.0]), "mine")
    assert text == "t1 Q0 b 1 0 mine\nt1 Q0 a 2 0 mine\n"


def test_no_documents_give_no_lines():
    assert format_ranking("t1", [], np.array([]), "mine") == ""


@anew
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_scores_survive_in_full(tmp_path, scores):
    scores = np.array(scores, dtype=np.float32)
    documents = [f"d{i}" for i in range(len(scores))]
    run = read_trec_run(write(tmp_path, format_ranking("t1", documents, scores, "mine")))
    validate_run(run, read_trec_qrels(write(tmp_path, "t1 0 d0 1\n", "qrels.txt")))
    written = np.array([int(document[1:]) for document in run.document.tolist()])
    assert (run.score.astype(np.float32) == scores[written]).all()
    assert (np.diff(run.score) < 0).tolist() == (np.diff(scores[written]) < 0).tolist()  # ties stay, no others come
    assert run.rank.tolist() == list(range(1, len(scores) + 1))


@pytest.mark.parametrize(
    ("topic", "documents", "scores", "tag", "said"),
    [
        ("t1", ["a", "b"], [1.0, np.nan], "mine", "a NaN or infinite score, for b."),
        ("t1", ["a", "b"], [np.inf, 1.0], "mine", "a NaN or infinite score, for a."),
        ("t1", ["a"], [1e300], "mine", "a NaN or infinite score, for a."),
        ("t1", ["a"], [1.0], "my run", "'my run' cannot be"),
        ("t1", ["a"], [1.0], "", "'' cannot be"),
        ("t 1", ["a"], [1.0], "mine", "'t 1' cannot be"),
        ("t1", ["a\t"], [1.0], "mine", "cannot be"),
        ("t1", ["\u00a0"], [1.0], "mine", "cannot be"),
        ("t1", ["a\x00"], [1.0], "mine", "cannot be"),
        ("t1", ["a" * 257], [1.0], "mine", "1 to 256 bytes"),
        ("t1", ["a", "b", "a"], [1.0, 2.0, 3.0], "mine", "1 documents more than once"),
    ],
)
def test_what_cannot_be_written(topic, documents, scores, tag, said):
    assert said in refusal(format_ranking, topic, documents, np.array(scores), tag)


# ---------------------------------------------------------------------------------------------------------- reading


def by_hand(text: str) -> tuple[list[tuple[int, list[str]]], list[int]]:
    """Return the rows of a run with their line numbers, and the lines that have not six columns, the obvious way."""
    rows, wrong = [], []
    for number, line in enumerate(text.removeprefix("\ufeff").encode().split(b"\n"), 1):
        words = [word.decode() for word in line.split()]
        if len(words) == 6:
            rows.append((number, words))
        elif words:
            wrong.append(number)
    return rows, wrong


def check_against_hand(path: Path, text: str) -> None:
    rows, _ = by_hand(text)
    run = read_trec_run(path)
    assert run.line.tolist() == [number for number, _ in rows]
    assert [run.topics[code] for code in run.topic] == [words[0] for _, words in rows]
    assert [document.decode() for document in run.document] == [words[2] for _, words in rows]
    assert run.rank.tolist() == [float(words[3]) for _, words in rows]
    assert run.score.tolist() == [float(words[4]) for _, words in rows]
    assert run.topics == list(dict.fromkeys(words[0] for _, words in rows))


@st.composite
def run_texts(draw, odd: bool) -> str:
    """Draw the text of a run, in the usual layout or in any."""
    lines = []
    for _ in range(draw(st.integers(1, 12))):
        words = [draw(ids), "Q0", draw(ids), str(draw(st.integers(0, 1200))), draw(numbers), draw(ids)]
        text = words[0]
        for word in words[1:]:
            text += (draw(gaps) if odd else draw(st.sampled_from(" \t"))) + word
        if odd:
            text = draw(st.sampled_from(["", " ", "\n\t\n", "\r\n"])) + text + draw(st.sampled_from(["", " ", "\r"]))
        lines.append(text)
    return draw(st.sampled_from(["", "\ufeff"])) + "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n"]))


@anew
@given(text=st.booleans().flatmap(run_texts), block=st.sampled_from([1, 7, 50, 1 << 20]))
def test_any_layout_reads_as_by_hand(tmp_path, monkeypatch, text, block):
    monkeypatch.setattr(ntcir.formats.columns, "_BLOCK", block)
    check_against_hand(write(tmp_path, text), text)


@anew
@given(
    lines=st.lists(st.lists(ids, max_size=8), min_size=1, max_size=8).filter(lambda lines: any(map(len, lines))),
    gap=gaps,
    block=st.sampled_from([3, 1 << 20]),
)
def test_lines_of_wrong_length_are_named(tmp_path, monkeypatch, lines, gap, block):
    monkeypatch.setattr(ntcir.formats.columns, "_BLOCK", block)
    lines = [[*words[:3], "1", "0.5", *words[5:]] if len(words) > 5 else words for words in lines]
    text = "\n".join(gap.join(words) for words in lines)
    _, wrong = by_hand(text)
    path = write(tmp_path, text)
    if wrong:
        sentence = refusal(read_trec_run, path)
        assert sentence.startswith(f"{path} line {wrong[0]}: {len(lines[wrong[0] - 1])} columns instead of 6 (topic Q0")
        assert sentence.count("columns instead of 6") == min(3, len(wrong))
        assert (f"{len(wrong) - 3} more problem" in sentence) == (len(wrong) > 3)
    else:
        check_against_hand(path, text)


def test_leading_zeros_stay(tmp_path):
    run = read_trec_run(write(tmp_path, "001 Q0 00001 1 0.50 x\n"))
    assert (run.topics, run.document.tolist(), run.score.tolist()) == (["001"], [b"00001"], [0.5])


def test_one_topic_is_taken_out(tmp_path):
    run = read_trec_run(write(tmp_path, "t2 Q0 a 1 0.5 x\nt1 Q0 c 1 0.5 x\nt2 Q0 b 2 0.5 x\nt2 Q0 c 3 0.7 x\n"))
    assert run.ranking("t2") == [("c", 0.7), ("b", 0.5), ("a", 0.5)]
    assert run.ranking("t3") == []
    qrels = read_trec_qrels(write(tmp_path, "t1 0 a 0\nt2 0 a 1\nt1 0 b 1\nt1 0 c 2\n"))
    assert qrels.relevant("t1") == {"b", "c"}
    assert qrels.relevant("t3") == set()


def test_pipes_can_be_read():
    text = "t1 Q0 d1 1 0.5 x\n"
    code = "from ntcir.formats.runs import read_trec_run; print(read_trec_run('/dev/stdin').score.tolist())"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], input=text, capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout == "[0.5]\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("t1 Q0 d3 3 nan x", "line 3: score 'nan' is not a finite number."),
        ("t1 Q0 d3 3 -inf x", "line 3: score '-inf' is not a finite number."),
        ("t1 Q0 d3 3 1e999 x", "line 3: score '1e999' is not a finite number."),
        ("t1 Q0 d3 3 1_0 x", "line 3: score '1_0' is not a finite number."),
        ("t1 Q0 d3 3 0,5 x", "line 3: score '0,5' is not a finite number."),
        ("t1 Q0 d3 3 high x", "line 3: score 'high' is not a finite number."),
        ("t1 Q0 d3 third 0.1 x", "line 3: rank 'third' is not a whole number."),
        ("t1 Q0 d3 1.5 0.1 x", "line 3: rank '1.5' is not a whole number."),
        ("t1 Q0 d3 inf 0.1 x", "line 3: rank 'inf' is not a whole number."),
        ("t1 Q0 d3 3 0.1", "line 3: 5 columns instead of 6 (topic Q0 document rank score tag)."),
        ("t1 Q0 d3 3 0.1 my run", "line 3: 7 columns instead of 6 (topic Q0 document rank score tag)."),
        (f"t1 Q0 {'d' * 300} 3 0.1 x", "line 3: a word of 300 bytes, more than 256"),
        ("t1 Q0 d\x003 3 0.1 x", "is not a text file in UTF-8: line 3 holds the byte 0x00."),
    ],
)
def test_lines_that_cannot_be_read(tmp_path, line, said):
    path = write(tmp_path, f"t1 Q0 d1 1 0.9 x\nt1 Q0 d2 2 0.8 x\n{line}\nt2 Q0 d1 1 0.9 x\n")
    assert said in refusal(read_trec_run, path)


def test_problems_of_several_kinds_are_named_in_order(tmp_path):
    path = write(tmp_path, "t1 Q0 d1 x 0.9 x\nt1 Q0 d2 2 nan x\nt1 Q0 d2 2\nt1 Q0 d3 3 nan x\nt1 Q0 d4 4 nan x\n")
    assert refusal(read_trec_run, path) == (
        f"{path} line 1: rank 'x' is not a whole number; line 2: score 'nan' is not a finite number; "
        "line 3: 4 columns instead of 6 (topic Q0 document rank score tag), and 2 more problems."
    )


@pytest.mark.parametrize("read", [read_trec_run, read_trec_qrels, read_pools])
def test_files_that_are_none(tmp_path, read):
    assert "cannot be read: no such file or directory." in refusal(read, tmp_path / "nowhere.txt")
    assert "is a directory" in refusal(read, tmp_path)
    assert "is empty" in refusal(read, write(tmp_path, ""))
    assert "is empty" in refusal(read, write(tmp_path, "\n \n\r\n"))
    (tmp_path / "binary").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    assert "is not a text file in UTF-8: line 1 holds the byte 0x89" in refusal(read, tmp_path / "binary")
    (tmp_path / "latin1").write_bytes("t1 Q0 d1 1 0.5 x\nt1 Q0 caf\xe9 2 0.4 x\n".encode("latin1"))
    assert "line 2 holds the byte 0xe9" in refusal(read, tmp_path / "latin1")


def test_qrels_and_pools(tmp_path):
    qrels = read_trec_qrels(write(tmp_path, "t1 0 d1 0\nt1\t0  d2 1\nt2 0 d1 2\n"))
    assert qrels.relevance.tolist() == [0, 1, 2]
    pools = read_pools(write(tmp_path, "topic_id\tdoc_id\nt1\td1\nt2\td9\nt1\td2\n"))
    assert dict(pools) == {"t1": ["d1", "d2"], "t2": ["d9"]}
    assert "t3" not in pools
    assert pools.line.tolist() == [2, 3, 4]


def test_qrels_and_pools_that_are_wrong(tmp_path):
    assert "document 'd1' of topic 't1' appears twice, first on line 1" in refusal(
        read_trec_qrels, write(tmp_path, "t1 0 d1 0\nt1 0 d2 1\nt1 0 d1 1\n")
    )
    assert "no relevant document" in refusal(read_trec_qrels, write(tmp_path, "t1 0 d1 0\nt1 0 d2 -1\n"))
    assert "line 1: relevance 'yes' is not a whole number" in refusal(read_trec_qrels, write(tmp_path, "t1 0 d1 yes\n"))
    assert "line 1: relevance '1e99' is not a whole number" in refusal(
        read_trec_qrels, write(tmp_path, "t1 0 d1 1e99\n")
    )
    assert "line 1: expected the header 'topic_id doc_id'" in refusal(read_pools, write(tmp_path, "t1\td1\nt1\td2\n"))
    assert "then lines" in refusal(read_pools, write(tmp_path, "topic_id\tdoc_id\n"))
    assert "line 4: document 'd1' of topic 't1' appears twice, first on line 2" in refusal(
        read_pools, write(tmp_path, "topic_id\tdoc_id\nt1\td1\nt1\td2\nt1\td1\n")
    )


# ------------------------------------------------------------------------------------------------------- validation


def judged(folder: Path, text: str, pools: str | None = None) -> str:
    """Return the sentence with which a run over the topics t1 and t2 is refused, less the path."""
    run = read_trec_run(write(folder, text))
    qrels = read_trec_qrels(write(folder, "t1 0 d1 1\nt2 0 d1 1\n", "qrels.txt"))
    known = None if pools is None else read_pools(write(folder, "topic_id\tdoc_id\n" + pools, "pools.tsv"))
    return refusal(validate_run, run, qrels, known).removeprefix(f"{folder}/run.txt ").replace(f"{folder}/", "")


def test_a_document_twice(tmp_path):
    text = "t1 Q0 d1 1 0.9 x\nt1 Q0 d2 2 0.8 x\n\nt2 Q0 d1 1 0.9 x\nt1 Q0 d1 3 0.7 x\n"
    assert judged(tmp_path, text) == "line 5: document 'd1' of topic 't1' appears twice, first on line 1."


def test_unknown_topics_are_named_once_each(tmp_path):
    text = "t9 Q0 d1 1 0.9 x\nt9 Q0 d2 2 0.8 x\nt1 Q0 d1 1 0.9 x\nt8 Q0 d1 1 0.9 x\n"
    assert judged(tmp_path, text) == "line 1: topic 't9' is not in qrels.txt; line 4: topic 't8' is not in qrels.txt."


def test_documents_outside_the_pool(tmp_path):
    text = "t1 Q0 d1 1 0.9 x\nt1 Q0 d2 2 0.8 x\nt1 Q0 d3 3 0.7 x\nt2 Q0 d7 1 0.9 x\n"
    sentence = judged(tmp_path, text, pools="t1\td1\nt1\td3\nt1\td4\n")
    assert sentence == "line 2: document 'd2' of topic 't1' is not in its pool in pools.tsv."


def test_ranks_against_scores(tmp_path):
    text = "t1 Q0 d1 1 0.5 x\nt1 Q0 d2 2 0.75 x\nt2 Q0 d1 1 0.9 x\n"
    assert judged(tmp_path, text) == "line 2: score 0.75 at rank 2 is above the 0.5 of rank 1 on line 1."
    text = "t1 Q0 d2 2 0.75 x\nt2 Q0 d1 1 0.9 x\nt1 Q0 d1 1 0.5 x\n"
    assert judged(tmp_path, text) == "line 1: score 0.75 at rank 2 is above the 0.5 of rank 1 on line 3."


@anew
@given(
    st.lists(
        st.tuples(st.sampled_from(["t1", "t2"]), st.integers(0, 4), st.sampled_from([0.1, 0.2, 0.3, 0.4])),
        min_size=1,
        max_size=8,
    )
)
def test_ranks_against_scores_as_by_hand(tmp_path, rows):
    contradiction = any(
        topic == other and rank < other_rank and score < other_score
        for topic, rank, score in rows
        for other, other_rank, other_score in rows
    )
    run = read_trec_run(write(tmp_path, "".join(f"{t} Q0 d{i} {r} {s} x\n" for i, (t, r, s) in enumerate(rows))))
    qrels = read_trec_qrels(write(tmp_path, "t1 0 d1 1\nt2 0 d1 1\n", "qrels.txt"))
    if contradiction:
        assert "is above the" in refusal(validate_run, run, qrels)
    else:
        validate_run(run, qrels)


@anew
@given(
    mine=st.sets(st.tuples(st.sampled_from("pqr"), ids), min_size=1, max_size=20),
    theirs=st.sets(st.tuples(st.sampled_from("pqrs"), ids), min_size=1, max_size=20),
)
def test_pairs_are_found_as_by_hand(tmp_path, mine, theirs):
    header = "topic_id\tdoc_id\n"
    mine, theirs = list(mine), list({*theirs, *list(mine)[::2]})
    one = read_pools(write(tmp_path, header + "".join(f"{t}\t{d}\n" for t, d in mine)))
    two = read_pools(write(tmp_path, header + "".join(f"{t}\t{d}\n" for t, d in theirs)))
    assert one.rows_of(two).tolist() == [mine.index(pair) if pair in mine else -1 for pair in theirs]


def test_equal_keys_of_unequal_documents_are_told_apart(tmp_path, monkeypatch):
    """Every pair gets the same key: nothing may count as a duplicate on its key alone."""
    monkeypatch.setattr(ntcir.formats.runs, "_ODD", np.uint64(0))
    monkeypatch.setattr(ntcir.formats.runs, "hash", lambda _: 0, raising=False)
    pools = read_pools(write(tmp_path, "topic_id\tdoc_id\nt1\td1\nt1\td2\nt2\td1\n"))
    assert len(set(pools._key.tolist())) == 1
    other = read_pools(write(tmp_path, "topic_id\tdoc_id\nt3\td3\n"))
    assert pools.rows_of(other).tolist() == [-1]


def test_scoring_imports_nothing_heavy():
    code = "import ntcir.formats.runs, ntcir.scoring, ntcir.report.score_table, sys; print(*sys.modules)"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert not {"torch", "pandas", "pydantic", "rich", "ir_measures"} & set(done.stdout.split())
