"""What ``ntcir search`` prints, and the folder that it writes: a page, a contact sheet and the hits as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ntcir.modalities import Modality
from ntcir.report.contact_sheet import draw_sheet
from ntcir.report.items import lines_of
from ntcir.report.own_folders import name_of, own_folder
from ntcir.report.search_page import page_of
from ntcir.retrieval.queries import Given
from ntcir.retrieval.searching import Findings, Hit
from ntcir.system.files import atomic_write

SEARCHES = Path("search")  # where the folders of searches are written by default
FILES = PAGE, SHEET, HITS = "index.html", "sheet.png", "hits.json"
_FORMAT = "ntcir search"  # in HITS, by which a folder of ours is known
_READINGS = 8  # of a line


def folder_for(query: Given, out: Path | None) -> Path:
    """Return the folder that a search writes to: as given, or one under ``search/`` that is named after the query.

    Raises:
        UserError: if it cannot be written to, or holds files that no search wrote.
    """
    folder = out or SEARCHES / name_of([query])
    return own_folder(folder, folder / HITS, _FORMAT, "search")


def write_search(findings: Findings, folder: Path) -> None:
    """Write the hits, the page and the contact sheet; those of an earlier search are replaced.

    Raises:
        UserError: if there is no room or no permission.
    """
    atomic_write(folder / HITS, as_json(findings))  # first, for it says whose folder this is
    atomic_write(folder / PAGE, page_of(findings))
    draw_sheet(findings, folder / SHEET)


def as_json(findings: Findings) -> str:
    """Return what was found as JSON, one line; what UTF-8 cannot hold is escaped as JSON escapes it."""
    asks, answers = findings.direction
    tree = {
        "format": _FORMAT,
        "query": findings.query,
        "direction": findings.direction.name,
        "model": str(findings.model),
        "corpus": findings.corpus,
        "searched": findings.searched,
        "hits": [{"rank": rank, **_entry(hit, asks, answers)} for rank, hit in enumerate(findings.hits, start=1)],
    }
    if findings.random:
        tree["random"] = [_entry(hit, asks, answers) for hit in findings.random]
    return json.dumps(tree, ensure_ascii=False).encode(errors="backslashreplace").decode() + "\n"


def _entry(hit: Hit, asks: Modality, answers: Modality) -> dict[str, Any]:
    score = float(f"{hit.score:.9g}")  # a float32 in full
    entry = {"id": hit.id, "score": score, key_of(answers): hit.content}
    return entry if hit.partner is None else entry | {key_of(asks): hit.partner}


def key_of(modality: Modality) -> str:
    """Return the key under which JSON has an item of a modality."""
    return "path" if modality.pictured else modality.name


def as_lines(findings: Findings) -> str:
    """Return what was found as tab-separated lines: rank (or ``random``), score, id, and what words or numbers say."""
    lines = [_line(str(rank), hit, findings) for rank, hit in enumerate(findings.hits, start=1)]
    return "".join([*lines, *(_line("random", hit, findings) for hit in findings.random)])


def _line(rank: str, hit: Hit, findings: Findings) -> str:
    asks, answers = findings.direction
    told = [
        _told(content)
        for modality, content in ((answers, hit.content), (asks, hit.partner))
        if not modality.pictured and content is not None
    ]
    line = "\t".join([rank, f"{hit.score:.4f}", hit.id, *told[:1]])
    return f"{line}\n".encode(errors="backslashreplace").decode()


def _told(content: Any) -> str:
    """Return a text on one line, or the first readings of many."""
    if not isinstance(content, dict):
        return " ".join(str(content).split())
    lines = [" ".join(line.split()) for line in lines_of(content)]
    return "; ".join([*lines[:_READINGS], *(["..."] if len(lines) > _READINGS else [])])
