"""The page's own scripts and styles: there is no build step that would find what is wrong with them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ntcir.serve

HERE = Path(ntcir.serve.__file__).parent
SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in (HERE / "static" / "js").glob("*.js")}
SHEETS = {path.name: path.read_text(encoding="utf-8") for path in (HERE / "static" / "css").glob("*.css")}
TEMPLATES = {path.name: path.read_text(encoding="utf-8") for path in (HERE / "templates").glob("*.html")}

_IMPORT = re.compile(r"^import\s+(?:\{([^}]*)\}\s+from\s+)?[\"']\./([\w-]+\.js)[\"'];", re.MULTILINE)
_EXPORT = re.compile(r"^export\s+(?:async\s+)?(?:function\*?|const|let|class)\s+([\w$]+)", re.MULTILINE)
_EXPORTS = re.compile(r"^export\s+\{([^}]*)\}", re.MULTILINE)


def names(listed: str) -> list[tuple[str, str]]:
    """What ``{a, b as c}`` names, as it is called there and here."""
    pairs = [re.split(r"\s+as\s+", each.strip()) for each in listed.split(",") if each.strip()]
    return [(pair[0], pair[-1]) for pair in pairs]


def exports(text: str) -> set[str]:
    return set(_EXPORT.findall(text)) | {there for each in _EXPORTS.findall(text) for _, there in names(each)}


@pytest.mark.parametrize("name", sorted({**SCRIPTS, **SHEETS, **TEMPLATES}))
def test_no_marks_of_a_merge_are_left(name):
    # A script with one is not run at all, which nothing but a browser notices.
    text = {**SCRIPTS, **SHEETS, **TEMPLATES}[name]
    assert not re.search(r"^(?:<{7}|={7}|>{7})(?: |$)", text, re.MULTILINE)


@pytest.mark.parametrize("script", sorted(SCRIPTS))
def test_what_a_script_imports_is_exported(script):
    # A browser stops at the first name that is missing, and the whole page stays empty.
    for listed, other in _IMPORT.findall(SCRIPTS[script]):
        assert other in SCRIPTS, f"{script} imports {other}"
        assert {name for name, _ in names(listed)} <= exports(SCRIPTS[other]), f"{script} imports from {other}"


@pytest.mark.parametrize("script", sorted(SCRIPTS))
def test_what_a_script_imports_is_used(script):
    text = SCRIPTS[script]
    rest = _IMPORT.sub("", text)
    for listed, _ in _IMPORT.findall(text):
        for _, here in names(listed):
            assert re.search(rf"(?<![\w$]){re.escape(here)}(?![\w$])", rest), f"{script} does not use {here}"


def test_every_icon_is_drawn():
    sprite = (HERE / "static" / "icons.svg").read_text(encoding="utf-8")
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', sprite))
    used = set()
    for text in SCRIPTS.values():
        used |= set(re.findall(r"\b(?:icon|iconButton|button)\(\"([\w-]+)\"", text))
    for text in TEMPLATES.values():
        used |= set(re.findall(r"\bicon\(\"([\w-]+)\"\)", text)) | set(re.findall(r"icons\.svg#([\w-]+)", text))
    assert used <= drawn


def test_every_variable_of_a_style_is_set_somewhere():
    everything = "".join((*SHEETS.values(), *SCRIPTS.values()))
    known = set(re.findall(r"(--[\w-]+)\"?\s*[:,]", everything))
    for name, text in SHEETS.items():
        assert set(re.findall(r"var\((--[\w-]+)", text)) <= known, name


def test_light_and_dark_have_the_same_colours():
    sheet = SHEETS["app.css"]
    blocks = re.findall(r":root[^{]*\{([^}]*)\}", sheet)
    light, chosen, system = ({*re.findall(r"(--[\w-]+): #", block)} for block in blocks)
    assert chosen == system == light
    assert re.sub(r"\s+", " ", blocks[1]) == re.sub(r"\s+", " ", blocks[2])


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize(
    ("ink", "paper"),
    [(ink, paper) for ink in ("ink", "muted", "accent", "good", "bad") for paper in ("bg", "surface", "raised")]
    + [("accent-ink", "accent"), ("ink", "accent-soft"), ("muted", "accent-soft"), ("accent", "accent-soft")],
)
def test_texts_can_be_read(theme, ink, paper):
    block = re.findall(r":root[^{]*\{([^}]*)\}", SHEETS["app.css"])[theme]
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", block))
    light, dark = sorted((_luminance(colours[ink]), _luminance(colours[paper])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG 2, AA


def test_a_script_or_style_past_300_lines_is_two():
    long = {name: text.count("\n") for name, text in (SCRIPTS | SHEETS).items() if text.count("\n") > 300}
    assert long == {}
