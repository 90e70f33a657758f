"""Folders that hold the answer to a query: named after it, and never written over files of another origin."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from pathlib import Path

from ntcir.retrieval.queries import WORDS, Given
from ntcir.system.browser import open_address
from ntcir.system.errors import UserError
from ntcir.system.files import disk_errors, require_writable
from ntcir.system.plain_json import parse_json
from ntcir.system.regular import read_regular
from ntcir.system.temporaries import remove_left_over

_LONGEST_NAME = 60  # characters


def name_of(items: Sequence[Given]) -> str:
    """Return the name of a folder for what was typed."""
    name = re.sub(r"\W+", "-", "-".join(map(_telling, items)).lower())[:_LONGEST_NAME].strip("-_")
    text = " ".join(each.text for each in items)
    return name or f"query-{zlib.crc32(text.encode(errors='surrogatepass')):08x}"


def _telling(given: Given) -> str:
    """Return what of a query names a folder: words and ids, the name of a file, nothing of a reading."""
    if given.way is WORDS or given.is_id:
        return given.text
    return Path(given.text).stem if given.text[:1] != "{" else ""


def own_folder(folder: Path, marker: Path, format_name: str, writer: str) -> Path:
    """Check that a folder is new, empty, or was written by the same verb, and can be written to.

    Args:
        folder: which.
        marker: the JSON file in it by which one of ours is known.
        format_name: the ``format`` that this file has then.
        writer: what writes such folders, for messages, such as ``search``.

    Raises:
        UserError: if it cannot be used.
    """
    require_writable(folder)
    with disk_errors(folder):
        remove_left_over(folder)  # what was killed before its first file was whole must not be in its own way
        if folder.is_dir() and any(folder.iterdir()) and not _is_ours(marker, format_name):
            raise UserError(
                f"{folder} holds files that no {writer} has written: choose a new or an empty folder with --out."
            )
    return folder


def _is_ours(marker: Path, format_name: str) -> bool:
    try:
        tree = parse_json(read_regular(marker))
    except (OSError, ValueError):
        return False
    return isinstance(tree, dict) and tree.get("format") == format_name


def open_in_browser(page: Path) -> None:
    """Open a page or a picture in the browser; where there is none, that is said."""
    open_address(page.absolute().as_uri(), str(page))
