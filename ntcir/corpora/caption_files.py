"""Files of captions as other programs wrote them: text in UTF-8, or one JSON object of lists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ntcir.corpora.tables import unreadable
from ntcir.system.errors import UserError, short, shown
from ntcir.system.first_bytes import kind_of_bytes
from ntcir.system.plain_json import parse_json
from ntcir.system.regular import read_regular


def read_lines(path: Path) -> list[str]:
    r"""Return the lines of a text file in UTF-8, without their ends (``\n`` or ``\r\n``); a byte order mark is skipped.

    Raises:
        UserError: if the file cannot be read, or is in another encoding; then the line is named.
    """
    return [line.removesuffix("\r") for line in _text(path, _content(path)).split("\n")]


def read_lists(path: Path, keys: Sequence[str]) -> dict[str, list[Any]]:
    """Return lists of a JSON object, each of which may hold anything.

    Args:
        path: the file; COCO's are read whole, which takes some seconds and about ten times their size of memory.
        keys: under which the lists are.

    Raises:
        UserError: if the file cannot be read, is not JSON, or has no such lists.
    """
    content = _content(path)
    text = _text(path, content)
    del content
    try:
        tree = parse_json(text)
    except ValueError as error:
        raise UserError(
            f"{path} is not valid JSON ({short(str(error).rstrip('.'))}): it may be truncated; copy it again."
        ) from error
    if not isinstance(tree, dict):
        raise UserError(f"{path} holds {shown(tree)} instead of an object with the keys {' and '.join(keys)}.")
    for key in keys:
        if not isinstance(tree.get(key), list):
            found = f"has {shown(tree[key])}" if key in tree else "has nothing"
            raise UserError(f"{path} {found} under the key '{key}', where a list is expected: is it another file?")
    return {key: tree[key] for key in keys}


def the_only_one(root: Path, there: Sequence[str], what: str) -> str:
    """Return the one name of a file or year that there is.

    Raises:
        UserError: if there are several.
    """
    if len(there) > 1:
        raise UserError(f"{root} holds {what} several times ({', '.join(there)}): keep one of them in the folder.")
    return there[0]


def _content(path: Path) -> bytes:
    try:
        return read_regular(path)
    except OSError as error:
        raise UserError(unreadable(path, error)) from error


def _text(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if kind_of_bytes(content[:64]):
            raise UserError(unreadable(path, error)) from error
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path} is not UTF-8 text: line {line} holds the byte 0x{content[error.start]:02x}; save it as UTF-8."
        ) from error
