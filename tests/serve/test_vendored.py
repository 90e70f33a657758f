"""Libraries of the page that come with it: as published, with their licences, and nothing from elsewhere."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import ntcir.serve

SERVE = Path(ntcir.serve.__file__).parent
VENDOR = SERVE / "static" / "vendor"
# Names of vocabularies and people, which nothing is loaded from.
ADDRESS = re.compile(r"""["'(=]\s*(?:https?:)?//[\w.-]+""")

AS_HTML = re.compile(r"\.(inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|new Function")


def test_vendored_files_are_as_they_were_published():
    listed = dict(reversed(line.split("  ")) for line in (VENDOR / "SHA256SUMS").read_text().splitlines())
    files = {path.relative_to(VENDOR).as_posix(): path for path in VENDOR.rglob("*") if path.parent != VENDOR}
    assert listed == {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items() if path.is_file()
    }


def test_each_library_has_its_licence_and_a_line_of_what_it_is_for():
    about = (VENDOR / "README.md").read_text()
    folders = sorted(path.name for path in VENDOR.iterdir() if path.is_dir())
    assert folders
    for name in folders:
        assert (VENDOR / name / "LICENSE").stat().st_size > 300
        assert f"| [{'uPlot' if name == 'uplot' else 'Leaflet' if name == 'leaflet' else name}]" in about


def test_our_own_files_load_nothing_from_elsewhere_and_hold_no_code_in_line():
    own = [path for folder in ("templates", "static/js", "static/css") for path in (SERVE / folder).rglob("*.*")]
    assert len(own) > 5
    for path in own:
        text = path.read_text(encoding="utf-8")
        found = [each for each in ADDRESS.findall(text) if "www.w3.org" not in each]
        assert found == [], path
        if path.suffix == ".html":
            assert not re.search(r"""<style|\sstyle=|\son\w+=|javascript:""", text), path
            assert all("src=" in tag or "application/json" in tag for tag in re.findall(r"<script[^>]*>", text)), path
        if path.suffix == ".js":
            assert not re.search(
                r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text
            ), path
            assert len(text.splitlines()) <= 300, path
