"""Photographs."""

from __future__ import annotations

from ntcir.modalities.modality import Modality, is_json_object


def _parse(text: str) -> str | None:
    """Return the id or the path of a picture; a JSON object is neither."""
    return None if is_json_object(text) else text


IMAGE = Modality(
    name="image",
    code="img",
    noun="photograph",
    plural="photographs",
    parse=_parse,
    write=str,
    ask=lambda item, row: item,
    encoders=("frozen", "vectors"),
    pictured=True,
    tower={"layers": 1, "standardise": True},
)
