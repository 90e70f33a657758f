"""What tests run in forked processes ends as it would in a process of its own."""

from __future__ import annotations

import signal

import pytest
from forking import python


def test_streams_arguments_folder_and_variables_are_the_program_s(tmp_path):
    code = (
        "import os, sys, threading\n"
        "print(__name__, sys.argv[1:], os.getcwd(), os.environ['GIVEN'], sys.stdin.read())\n"
        "threading.Timer(0.1, lambda: sys.stderr.write('late')).start()\n"
    )
    done = python(code, 1, "é", folder=tmp_path, variables={"GIVEN": "so"})
    assert (done.returncode, done.stdout) == (0, f"__main__ ['1', 'é'] {tmp_path} so \n")
    assert done.stderr == "late"  # threads are waited for, as by an interpreter that ends
    assert "GIVEN" not in python("import os\nprint(*os.environ)").stdout


@pytest.mark.parametrize(
    ("code", "ends", "said"),
    [
        ("import sys\nsys.exit(3)", 3, ""), ("raise SystemExit", 0, ""), ("raise SystemExit('why')", 1, "why\n"),
        ("import os\nos._exit(4)", 4, ""), ("import os\nos.kill(os.getpid(), 9)", -signal.SIGKILL, ""),
        ("1 / 0", 1, "ZeroDivisionError"),
    ],
)  # fmt: skip
def test_exit_codes_signals_and_exceptions_are_seen(code, ends, said):
    done = python(code)
    assert (done.returncode, said in done.stderr) == (ends, True)


def test_one_does_not_know_of_another():
    assert python("import json\njson.seen = True").returncode == 0
    assert (
        python("import json\nprint(hasattr(json, 'seen'), os if 'os' in globals() else None)").stdout == "False None\n"
    )
