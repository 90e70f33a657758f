"""What can be said of the page before any of its libraries is imported."""

from __future__ import annotations

import sys

import pytest
from helpers import command_line

EXTRA = ("fastapi", "jinja2", "markupsafe", "python_multipart", "starlette", "uvicorn")


@pytest.mark.parametrize("absent", [EXTRA, ("uvicorn",)], ids=["all", "one"])
def test_without_its_libraries_the_page_says_what_to_install(absent, monkeypatch):
    for name in [*sys.modules]:
        if name.partition(".")[0] in absent or name in {"ntcir.serve.running", "ntcir.serve.guard"}:
            monkeypatch.delitem(sys.modules, name)
    for name in absent:
        monkeypatch.setitem(sys.modules, name, None)  # what is not installed cannot be imported
    done = command_line("serve")
    assert done.exit_code == 2, done.exception
    assert f"The page needs {absent[0]}, which is not installed: pip install 'ntcir[serve]'." in done.output
