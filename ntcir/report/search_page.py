"""What a search has found as one HTML file, which needs no network, no scripts and no other file."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from io import BytesIO
from typing import Any

from ntcir.features.decode import UnreadableImage, load_image
from ntcir.modalities import Modality
from ntcir.report.contact_sheet import summary
from ntcir.report.items import lines_of
from ntcir.retrieval.searching import Findings, Hit
from ntcir.system.errors import escaped

_SIDE, _QUALITY = 360, 82  # pixels of a picture's longer side; of JPEG
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; color: #22303c; margin: 2em auto; max-width: 1200px; padding: 0 1em }}
h1 {{ font-size: 1.5em; overflow-wrap: anywhere }}
h2 {{ font-size: 1.1em; margin-top: 2em }}
ol {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(210px, 1fr)); gap: 1em; list-style: none; padding: 0 }}
li {{ border: 1px solid #c5ccd3; border-radius: 4px; padding: .6em }}
img {{ display: block; max-width: 100%; height: auto; border-radius: 2px }}
p, pre {{ margin: .4em 0 0; overflow-wrap: anywhere; white-space: pre-wrap }}
pre {{ font-size: .85em }}
.id, .about {{ color: #5d6b78; font-size: .85em }}
</style>
</head>
<body>
{body}
</body>
</html>
"""  # noqa: E501 (a rule of the style is one line)


def page_of(findings: Findings) -> str:
    """Return the page: the query, the hits with their scores, and those drawn at random, if there are some.

    Ids, captions and readings come from other people: all are escaped, and the page may load nothing.
    """
    asks, answers = findings.direction
    title = findings.query if isinstance(findings.query, str) and not asks.pictured else f"Search by {asks.noun}"
    parts = [f"<h1>{_text(title)}</h1>"]
    if not isinstance(findings.query, str) or asks.pictured:
        parts.append(_shown(asks, findings.query))
    parts.append(f'<p class="about">{_text(summary(findings))}</p>')
    parts.append(_listed(findings.hits, asks, answers, "{}."))
    if findings.random:
        parts.append("<h2>At random, for comparison</h2>")
        parts.append(_listed(findings.random, asks, answers, "random"))
    return _PAGE.format(title=_text(title), body="\n".join(parts))


def _listed(hits: Sequence[Hit], asks: Modality, answers: Modality, heading: str) -> str:
    entries = []
    for place, hit in enumerate(hits, start=1):
        partner = "" if hit.partner is None else _shown(asks, hit.partner)
        entries.append(
            f"<li><p><b>{heading.format(place)}</b> {hit.score:.4f}</p>\n{_shown(answers, hit.content)}\n"
            f'<p class="id">{_text(hit.id)}</p>\n{partner}</li>'
        )
    return "<ol>\n{}\n</ol>".format("\n".join(entries))


def _shown(modality: Modality, content: Any) -> str:
    """Return an item as HTML: a small picture, a reading as lines, anything else as text."""
    if modality.pictured:
        return _picture(str(content))
    if isinstance(content, dict):
        lines = "\n".join(map(_text, lines_of(content)))
        return f"<pre>{lines}</pre>"
    return f"<p>{_text(str(content))}</p>"


def _picture(path: str) -> str:
    try:
        picture = load_image(path, at_least=_SIDE)
    except UnreadableImage:
        return "<p>cannot be read</p>"
    picture.thumbnail((_SIDE, _SIDE))
    file = BytesIO()
    picture.save(file, "JPEG", quality=_QUALITY)
    data = base64.b64encode(file.getvalue()).decode()
    return f'<img alt="" width="{picture.width}" height="{picture.height}" src="data:image/jpeg;base64,{data}">'


def _text(text: str) -> str:
    """Return a text for HTML, with what no file can hold and what turns the writing direction spelled out."""
    return escape(escaped(text))
