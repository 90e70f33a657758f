"""Folders that are written again by the same verb, and by no other."""

from __future__ import annotations

import os

from helpers import refusal

from ntcir.report.own_folders import own_folder
from ntcir.system.temporaries import make_temporary


def test_what_a_killed_command_left_is_not_in_the_way(tmp_path):
    marker = tmp_path / "hits.json"
    (tmp_path / ".hits.json.abcd1234.json").write_text("{", encoding="utf-8")
    assert own_folder(tmp_path, marker, "ntcir search", "search") == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_what_is_being_written_and_files_of_others_stay(tmp_path):
    marker = tmp_path / "hits.json"
    other = tmp_path / ".hidden"
    other.touch()
    living, file = make_temporary(marker)
    with os.fdopen(file, "rb"):
        assert "holds files that no search has written" in refusal(
            own_folder, tmp_path, marker, "ntcir search", "search"
        )
        assert living.exists()
    assert other.exists()
