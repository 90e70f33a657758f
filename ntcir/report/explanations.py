"""What ``ntcir explain`` prints, and the folder that it writes: the explanation as a picture and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ntcir.report.explanation import amount_of, draw_explanation
from ntcir.report.own_folders import name_of, own_folder
from ntcir.report.searches import key_of
from ntcir.retrieval.explaining import Contribution, Explanation, Side
from ntcir.retrieval.queries import Given
from ntcir.system.files import atomic_write

EXPLANATIONS = Path("explain")  # where the folders of explanations are written by default
FILES = PICTURE, TREE = "explanation.png", "explanation.json"
_FORMAT = "ntcir explain"  # in TREE, by which a folder of ours is known
_NOTHING = "-"


def folder_for(items: Sequence[Given], out: Path | None) -> Path:
    """Return the folder that an explanation is written to: as given, or one that is named after the items.

    Raises:
        UserError: if it cannot be written to, or holds files that no explanation wrote.
    """
    folder = out or EXPLANATIONS / name_of(items)
    return own_folder(folder, folder / TREE, _FORMAT, "explanation")


def write_explanation(explanation: Explanation, folder: Path) -> None:
    """Write the explanation as JSON and as a picture; those of an earlier one are replaced.

    Raises:
        UserError: if there is no room or no permission.
    """
    atomic_write(folder / TREE, as_json(explanation))  # first, for it says whose folder this is
    draw_explanation(explanation, folder / PICTURE)


def as_json(explanation: Explanation) -> str:
    """Return an explanation as JSON, one line; what UTF-8 cannot hold is escaped as JSON escapes it."""
    tree = {
        "format": _FORMAT,
        "model": str(explanation.model),
        "corpus": explanation.corpus,
        "score": _rounded(explanation.score),
        **_hubness(explanation),
        "sides": list(map(_side, explanation.sides)),
    }
    return json.dumps(tree, ensure_ascii=False).encode(errors="backslashreplace").decode() + "\n"


def _hubness(explanation: Explanation) -> dict[str, Any]:
    if explanation.bias is None:
        return {}
    return {"hubness": {"bias": _rounded(explanation.bias), "score": _rounded(explanation.ranked_by)}}


def _side(side: Side) -> dict[str, Any]:
    tree = {"modality": side.modality.name, "id": side.item, key_of(side.modality): side.content, "kind": side.kind}
    if side.area is not None:
        tree["area"] = [_rounded(edge) for edge in side.area]
    return tree | {"parts": list(map(_part, side.parts))}


def _part(part: Contribution) -> dict[str, Any]:
    if part.without is None or part.amount is None:
        return {"name": part.name, "without": None, "contribution": None, "note": part.note}
    return {"name": part.name, "without": _rounded(part.without), "contribution": _rounded(part.amount)}


def _rounded(value: float) -> float:
    return float(f"{value:.9g}")  # a float32 in full


def as_lines(explanation: Explanation) -> str:
    """Return tab-separated lines: kind, name, score without it, contribution (or why there is none).

    The first line has the whole score; where there is a bias against hubs, the second has the score with it.
    """
    lines = [["score", _NOTHING, f"{explanation.score:.4f}", _NOTHING]]
    if explanation.bias is not None:
        lines.append(["hubness", _NOTHING, f"{explanation.ranked_by:.4f}", f"{-explanation.bias:+.4f}"])
    for side in explanation.sides:
        for part in side.parts:
            without = _NOTHING if part.without is None else f"{part.without:.4f}"
            lines.append([side.kind, " ".join(part.name.split()), without, amount_of(part)])
    return "".join("\t".join(line) + "\n" for line in lines).encode(errors="backslashreplace").decode()
