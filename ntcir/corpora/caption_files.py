"""What readers of captioned collections share: JSON objects of lists, and files of which there may be but one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ntcir.corpora.text_files import read_text
from ntcir.system.errors import UserError, short, shown
from ntcir.system.plain_json import parse_json
from ntcir.system.regular import LARGEST


def read_lists(path: Path, keys: Sequence[str]) -> dict[str, list[Any]]:
    """Return lists of a JSON object, each of which may hold anything.

    Args:
        path: the file; COCO's are read whole, which takes some seconds and about ten times their size of memory.
        keys: under which the lists are.

    Raises:
        UserError: if the file cannot be read, is not JSON, or has no such lists.
    """
    text = read_text(path, LARGEST)
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
