"""Every measure that ir_measures has a name for, in one process that must live: a value, or one sentence."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import ir_measures
import pytest
from helpers import environment

RUN = "".join(f"t{t} Q0 d{d} {d + 1} {9 - d} x\n" for t in range(3) for d in range(9))
QRELS = {
    "plain": "t0 0 d0 1\nt0 0 d3 2\nt0 0 d4 0\nt1 0 d8 1\nt2 0 d1 1\nt3 0 d1 1\n",
    "unjudged": "t0 0 d0 1\nt0 0 d3 -1\nt0 0 d4 -2\nt1 0 d8 1\nt1 0 d0 -2147483647\nt2 0 d2 -2\nt2 0 d1 -2\n",
    "huge": "t0 0 d0 2147483646\nt0 0 d3 1001\nt0 0 d4 0\nt1 0 d8 1\nt2 0 d1 3\n",
    "all relevant": "".join(f"t{t} 0 d{d} 1\n" for t in range(3) for d in range(9)),
    "none found": "t0 0 z 1\nt0 0 d3 0\nt1 0 z 4\nt2 0 d1 0\n",
}
SUFFIXES = [
    "", "@1", "@5", "@1000", "@2147483647", "@0", "@-1", "@2147483648", "@99999999999999999999", "@True",
    "@0.5", "@1e999",
    "(rel=1)", "(rel=2)@5", "(rel=2)", "(rel=0)@5", "(rel=0)", "(rel=2147483647)@3", "(rel=2147483648)@3",
    "(rel=True)@3",
    "(judged_only=True)@5", "(judged_only=True)", "(dcg='exp-log2')@5", "(dcg='exp-log2')", "(gains={1: 5})@3",
    "(gains={1: -5})@3", "(gains={1: 99999999999})@3", "(gains={1: 0.5})", "(gains={'a': 1})", "(beta=0.5)", "(beta=0)",
    "(beta=1e-9)", "(beta=1e999)", "(p=0)", "(p=1)", "(p=0.5)", "(p=1.5)", "(p=1e999)", "(normalize=False)",
    "(relative=True)",
    "(max_rel=1)@5", "(min_rel=0, max_rel=2)", "(min_rel=0, max_rel=0)@5", "(T=0.0, max_rel=2)@5", "(alpha=0.5)@5",
    "(cutoff=5)", "(cutoff=None)", "(cutoff='5')", "(nothing=1)@5",
]  # fmt: skip
WORK = """
import json, sys
from ntcir.system.errors import UserError
from ntcir.formats.matching import read_qrels, read_run
from ntcir.measures import measures
run, qrels = read_run(sys.argv[1]), read_qrels(sys.argv[2])
for name in json.loads(sys.stdin.read()):
    print(json.dumps(name), end="\\t", flush=True)
    try:
        print(json.dumps(measures(run, qrels, name)[name]), flush=True)
    except UserError as error:
        print(json.dumps(str(error)), flush=True)
"""


@pytest.mark.parametrize("judged", QRELS)
def test_no_measure_ends_the_process(tmp_path: Path, judged: str) -> None:
    (tmp_path / "run.txt").write_text(RUN)
    (tmp_path / "qrels.txt").write_text(QRELS[judged])
    names = [name + suffix for name in sorted(ir_measures.measures.registry) for suffix in SUFFIXES]
    command = [sys.executable, "-c", WORK, str(tmp_path / "run.txt"), str(tmp_path / "qrels.txt")]
    done = subprocess.run(
        command, input=json.dumps(names), capture_output=True, text=True, env=environment(), timeout=120
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, (lines[-1:], done.stderr[-1000:])
    answers = dict(map(json.loads, line.split("\t")) for line in lines)
    assert list(answers) == names
    for name, answer in answers.items():
        if isinstance(answer, str):
            asked = name.split("@")[0].split("(")[0]
            assert asked in answer or ir_measures.measures.registry[asked].NAME in answer, (name, answer)
            assert "\n" not in answer
        else:
            assert math.isfinite(answer), name
    for known in ("AP", "nDCG@5", "P@5", "RR", "ERR@5", "ERR", "nDCG(dcg='exp-log2')@5", "P(rel=2)@5", "IPrec@0.5"):
        assert isinstance(answers[known], float), (known, answers[known])
