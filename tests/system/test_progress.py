"""What is said: records of a logger, which a filter can hold back and nothing else can."""

from __future__ import annotations

import logging
import subprocess
import sys

from helpers import environment

from ntcir.system.progress import filtered, progress, say


def test_lines_are_records_with_a_kind_and_control_characters_are_spelled_out(capsys):
    records: list[logging.LogRecord] = []

    def passes(record: logging.LogRecord) -> bool:
        records.append(record)
        return "b" in record.getMessage()

    with filtered(passes):
        say("a", "b\x1b")
        say("b%s", kind="of figures")
    assert [(record.name, record.levelno, vars(record)["kind"]) for record in records] == [
        ("ntcir", logging.INFO, "a"),
        ("ntcir", logging.INFO, "b\x1b"),
        ("ntcir", logging.INFO, "of figures"),
    ]
    assert capsys.readouterr().err == "b\\x1b\nb%s\n"


def test_logging_that_others_disable_or_configure_silences_nothing(capsys):
    root = logging.getLogger()
    level = root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        say("said all the same")
    finally:
        logging.disable(level)
    assert capsys.readouterr().err == "said all the same\n"  # and once: the root logger's handlers do not get it


def test_on_a_terminal_bars_move_only_where_nothing_is_filtered(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes any stream for a terminal
    for quiet, moves in ((False, True), (True, False)):
        if quiet:
            with filtered(lambda record: False), progress("a bar", 2) as advance:
                advance(2)
        else:
            with progress("a bar", 2) as advance:
                advance(2)
        assert ("a bar" in capsys.readouterr().err) == moves


def test_logging_is_imported_when_something_is_said():
    code = (
        "import sys; from ntcir.system.progress import say; before = 'logging' in sys.modules\n"
        "say('x'); print(before, 'logging' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("False True\n", "x\n")
