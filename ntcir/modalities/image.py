"""Photographs."""

from __future__ import annotations

from ntcir.modalities.modality import Modality, is_json_object

IMAGE = Modality(
    name="image",
    code="img",
    noun="photograph",
    plural="photographs",
    parse=str,  # an id, or a file's path
    write=str,
    ask=lambda item, row: item,
    takes=lambda cell: not is_json_object(cell),
    encoders=("frozen", "vectors"),
    pictured=True,
    content="path",
    tower={"layers": 1, "standardise": True},
)
