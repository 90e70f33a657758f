"""The facts in the header of a ``.safetensors`` file that ``tensor_files`` wrote, read without torch."""

from __future__ import annotations

from pathlib import Path

from ntcir.system.plain_json import parse_object
from ntcir.system.regular import LARGEST_WEIGHTS, open_regular

DIGEST = "sha256"  # of everything else in the file
KEY = "ntcir"  # one key of the header for all facts: of several, safetensors writes now one first, now another
_LARGEST_HEADER = 100_000_000  # bytes; what safetensors reads


class Damaged(ValueError):
    """The content of a file is not what was written; the message is a phrase without a full stop."""


def read_facts(path: Path) -> dict[str, str]:
    """Return the facts in a file and its digest, without its tensors and unchecked.

    Raises:
        OSError: if it cannot be read.
        Damaged: if its header is not one.
    """
    with open_regular(path, LARGEST_WEIGHTS) as file:
        length = int.from_bytes(file.read(8), "little")
        header = file.read(length) if length <= _LARGEST_HEADER else b""
    if len(header) < max(length, 2):
        raise Damaged("it is truncated or not a .safetensors file")
    try:
        facts = parse_object(header).get("__metadata__", {})
        if isinstance(facts, dict) and KEY in facts:
            facts = parse_object(facts[KEY])
    except (ValueError, TypeError) as error:
        raise Damaged("its header is not JSON") from error
    if not isinstance(facts, dict) or not all(isinstance(value, str) for value in facts.values()):
        raise Damaged("its header is not one of a .safetensors file")
    return facts
