"""ERR, nDCG and IPrec against loops by hand, gdeval and pytrec_eval; grades that C code cannot take."""

from __future__ import annotations

import shutil
from math import log2
from pathlib import Path

import ir_measures
import numpy as np
import pytest
from helpers import refusal

from ntcir.measures import measures
from ntcir.measures.library import MOST_GRADE
from ntcir.system.errors import UserError


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refused(run: Path, qrels: Path, names: str) -> str:
    """Return the sentence with which measures are refused, with or without a full stop of the library's."""
    with pytest.raises(UserError) as caught:
        measures(run, qrels, names)
    return str(caught.value)


def drawn(folder: Path, most: int, topics: int = 6, documents: int = 30) -> tuple[Path, Path]:
    """Write a run with ties over topics that are numbers, as gdeval wants them, and grades up to ``most``."""
    draw = np.random.default_rng(most)
    run, qrels = [], []
    for topic in range(1, topics + 1):
        values = draw.integers(0, 12, documents) / 4
        for rank, document in enumerate(np.argsort(-values), 1):
            run.append(f"{topic} Q0 d{document} {rank} {values[document]} x\n")
        grades = draw.integers(0, most + 1, documents)
        qrels += [f"{topic} 0 d{d} {grades[d]}\n" for d in range(0, documents, 2)]
    return write(folder, "run.txt", "".join(run)), write(folder, "qrels.txt", "".join(qrels))


def theirs(paths: tuple[Path, Path], name: str) -> float:
    measure = ir_measures.parse_measure(name)
    qrels = list(ir_measures.read_trec_qrels(str(paths[1])))
    return ir_measures.calc_aggregate([measure], qrels, list(ir_measures.read_trec_run(str(paths[0]))))[measure]


@pytest.mark.skipif(shutil.which("perl") is None, reason="gdeval is a Perl script")
@pytest.mark.parametrize("name", ["ERR@5", "ERR@10", "ERR@100", "nDCG(dcg='exp-log2')@5", "nDCG(dcg='exp-log2')@50"])
def test_as_gdeval_has_it_where_gdeval_can(tmp_path, name):
    paths = drawn(tmp_path, 4)
    assert measures(*paths, name)[name] == pytest.approx(theirs(paths, name), abs=1e-5)  # it prints five digits


def test_err_and_exponential_ndcg_by_hand(tmp_path):
    """Topics with names and without a cut-off, on which gdeval gives up; a topic that the run lacks counts 0."""
    run = write(tmp_path, "run.txt", "sen2img_1 Q0 a 1 3 x\nsen2img_1 Q0 b 2 2 x\nsen2img_1 Q0 c 3 1 x\n")
    qrels = write(tmp_path, "qrels.txt", "sen2img_1 0 b 2\nsen2img_1 0 c 1\nsen2img_1 0 z 4\nother 0 a 1\n")
    err = (3 / 16) / 2 + (1 - 3 / 16) * (1 / 16) / 3
    ndcg = (3 / log2(3) + 1 / log2(4)) / (15 / log2(2) + 3 / log2(3) + 1 / log2(4))
    names = ["ERR", "ERR@2", "nDCG(dcg='exp-log2')"]
    wanted = dict(zip(names, [err / 2, 3 / 64, ndcg / 2], strict=True))
    assert measures(run, qrels, " ".join(names)) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("name", ["nDCG", "nDCG@5", "nDCG(judged_only=True)@5", "nDCG(gains={1: 7, 2: 1001})@9"])
def test_our_ndcg_is_trec_eval_s(tmp_path, name, monkeypatch):
    paths = drawn(tmp_path, 4)
    wanted = theirs(paths, name)
    monkeypatch.setattr("ntcir.measures.own.MOST_GRADE", -1)
    assert measures(*paths, name)[name] == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(
    "names", ["P(rel=900)@5 AP(rel=2000) R@5 RR Bpref(rel=3) SetP NumRet NumQ Success(rel=1999)@3"]
)
def test_grades_beyond_what_trec_eval_tabulates(tmp_path, names):
    """The same grades a thousand times as large, so that only ``rel`` has to be as well, are the same figures."""
    run, qrels = drawn(tmp_path, 3)
    large = qrels.read_text().replace(" 3\n", " 2000\n").replace(" 2\n", " 1500\n").replace(" 1\n", " 1001\n")
    found = measures(run, write(tmp_path, "large.txt", large), names)
    small = {3: 1, 900: 1, 1999: 3, 2000: 3}
    spelled = {name: name for name in found}
    for grade, level in small.items():
        spelled = {name: text.replace(f"rel={grade})", f"rel={level})") for name, text in spelled.items()}
    wanted = measures(run, qrels, " ".join(spelled.values()))
    assert found == pytest.approx({name: wanted[text] for name, text in spelled.items()}, abs=1e-12)
    assert MOST_GRADE < 1001


@pytest.mark.parametrize("grade", [-2, -7, -2147483647])
def test_a_grade_below_0_is_that_of_a_document_that_is_not_judged(tmp_path, grade):
    run, qrels = drawn(tmp_path, 2)
    lines = qrels.read_text().splitlines()
    kept = "".join(line + "\n" for line in lines if not line.endswith(" 0"))
    unjudged = "".join(line + "\n" if not line.endswith(" 0") else f"{line[:-1]}{grade}\n" for line in lines)
    names = "RR AP P@5 R@5 nDCG nDCG@5 ERR@5 IPrec@0.5 Rprec Success@1 P(judged_only=True)@5 Bpref SetF NumRelRet"
    found = measures(run, write(tmp_path, "unjudged.txt", unjudged), names)
    assert found == pytest.approx(measures(run, write(tmp_path, "kept.txt", kept), names), abs=1e-12)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("P@0", "Measure 'P@0': cutoff must be a whole number from 1 to 2147483647, not 0."),
        ("map", "Unknown measure 'map' (did you mean 'MAP'?)"),
        ("P@True", "cutoff must be a whole number from 1 to 2147483647, not True."),
        ("AP(rel=0)", "rel must be a whole number from 1 to 2147483647, not 0."),
        ("IPrec@2", "recall must be a number from 0 to 1, not 2.0."),
        ("Compat(p=1.5)", "p must be a number from 0 to 1, not 1.5."),
        ("P(foo=1)@5", "Measure 'P(foo=1)@5' has no parameter 'foo'; it accepts cutoff, rel, judged_only."),
        ("nDCG(gains={1: 0.5})", "gains must map grades to whole numbers from 0 to 1000000"),
        ("Accuracy", "ir_measures cannot compute Accuracy here: float division by zero"),
    ],
)
def test_what_is_out_of_range_is_one_sentence(tmp_path, name, said):
    run = write(tmp_path, "run.txt", "t Q0 a 1 1 x\n")
    assert said in refused(run, write(tmp_path, "qrels.txt", "t 0 a 1\n"), name)


def test_a_measure_without_a_value_is_no_figure(tmp_path):
    run = write(tmp_path, "run.txt", "t Q0 a 1 1 x\n")
    qrels = write(tmp_path, "qrels.txt", "t 0 b 1\n")
    assert refusal(measures, run, qrels, "Accuracy").startswith("The measure Accuracy is undefined here")


def test_a_whole_number_will_do_for_any(tmp_path):
    paths = drawn(tmp_path, 2)
    found = measures(*paths, "IPrec@1 IPrec@1.0 SetF(beta=2) SetF(beta=2.0)")
    assert found["IPrec@1"] == found["IPrec@1.0"]
    assert found["SetF(beta=2)"] == found["SetF(beta=2.0)"]
