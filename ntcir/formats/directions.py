"""Which way each topic asks: from a photograph to readings or back."""

from __future__ import annotations

from collections.abc import Sequence

from ntcir.formats.reading import StrPath, read_bytes
from ntcir.system.errors import UserError, some

DIRECTIONS = ("img2sen", "sen2img")


def directions_of(topics: Sequence[str], path: StrPath | None) -> list[str | None]:
    """Return each topic's direction, from the table if it is there, else from the id, or None."""
    asked = {} if path is None else _asked(path)
    by_id = ((topic, next((name for name in DIRECTIONS if topic.startswith(name)), None)) for topic in topics)
    return [asked.get(topic, direction) for topic, direction in by_id]


def _asked(path: StrPath) -> dict[str, str]:
    """Return the directions of the topics in a table."""
    try:
        text = read_bytes(path).decode()
    except UnicodeDecodeError:
        wanted = "expected a table with the columns topic_id and query"
        raise UserError(f"{path} is not a text file in UTF-8: {wanted}.") from None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    header = lines[0].split("\t")
    if not {"topic_id", "query"} <= set(header):
        raise UserError(f"{path} line 1: expected the tab-separated columns topic_id and query, found {some(header)}.")
    topic_at, query_at = header.index("topic_id"), header.index("query")
    asked = {}
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if line.strip() and len(cells) != len(header):
            raise UserError(f"{path} line {number}: {len(cells)} columns instead of {len(header)}.")
        if line.strip():
            sensor = cells[query_at].lstrip(' "').startswith("{")  # a table writer may quote the JSON
            asked[cells[topic_at]] = "sen2img" if sensor else "img2sen"
    return asked
