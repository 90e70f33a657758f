"""Captions: what somebody wrote about a picture, or what a person types to find one."""

from __future__ import annotations

import json

from ntcir.modalities.modality import Modality, is_json_object

COLUMN = "text"  # of a corpus's table of captions: the words themselves


def _is_words(cell: str) -> bool:
    """Return whether a cell is no JSON object; a caption may begin with a brace all the same."""
    if not is_json_object(cell):
        return True
    try:
        return not isinstance(json.loads(cell), dict)
    except (ValueError, RecursionError):
        return cell.lstrip().startswith("{")  # a JSON object that a spreadsheet has put in quotes is none of words


TEXT = Modality(
    name="text",
    code="txt",
    noun="caption",
    plural="captions",
    parse=str,  # the words themselves: a caption is asked with in full, also one of the corpus
    write=str,
    ask=lambda item, row: str(row.get(COLUMN, item)),  # one without words is asked with by its id
    takes=_is_words,
    content=COLUMN,
    encoders=("words", "sentences", "vectors"),
    tower={"layers": 1, "standardise": False},
)
