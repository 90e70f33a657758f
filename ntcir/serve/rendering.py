"""Templates to HTML: everything that is put into one is escaped."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ntcir.system.errors import escaped

TEMPLATES = Path(__file__).parent / "templates"


def render(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page or a fragment; ``base`` in it is where the application is mounted."""
    html = _environment().get_template(template).render(base=base_of(request), **values)
    return HTMLResponse(html, status)


def base_of(request: Request) -> str:
    """Return where the application is mounted, with a slash at the end."""
    return f"{request.scope.get('root_path', '').rstrip('/')}/"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["plain"] = escaped  # what turns the writing direction is spelled out
    environment.filters["column"] = column_name
    environment.filters["signed"] = signed
    environment.filters["brief"] = brief
    return environment


def column_name(column: str) -> str:
    """Return a column as people write it, as ``columnName`` of ``texts.js`` does: ``heart rate (bpm)``."""
    return re.sub(r"\s*\(", " (", column.replace("_", " ")).strip()


def signed(value: float) -> str:
    """Return a difference with its sign, a minus as people print it; no sign where it rounds to nothing."""
    text = f"{value:+.4f}"
    return "0.0000" if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")


def brief(number: int) -> str:
    """Return a number in about four characters: ``980``, ``1.2k``, ``12k``."""
    if number < 1000:
        return str(number)
    return f"{number / 1000:.1f}k" if number < 9950 else f"{number / 1000:,.0f}k"
