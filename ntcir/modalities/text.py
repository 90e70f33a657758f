"""Captions: what somebody wrote about a picture, or what a person types to find one."""

from __future__ import annotations

from ntcir.modalities.modality import Modality, is_json_object

COLUMN = "text"  # of a corpus's table of captions: the words themselves

TEXT = Modality(
    name="text",
    code="txt",
    noun="caption",
    plural="captions",
    parse=str,  # the words themselves: a caption is asked with in full, also one of the corpus
    write=str,
    ask=lambda item, row: str(row[COLUMN]),
    takes=lambda cell: not is_json_object(cell),
    encoders=("words", "sentences", "vectors"),
    tower={"layers": 1, "standardise": False},
)
