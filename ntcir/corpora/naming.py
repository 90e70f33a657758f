"""The name of a corpus: that of its folder, and also of the folder of its features."""

from __future__ import annotations

import re
from pathlib import Path

_NAMELESS = "corpus"  # such as the root of a disk
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def corpus_name(root: Path) -> str:
    """Return the name of the corpus in a folder, which is valid as the name of a folder.

    It is the last part of the path as given, so that a link has a name of its own. Where that is ``..``, it is the name
    of the folder that is meant; control characters, which would garble what is said of the corpus, become ``_``.
    """
    name = root.absolute().name
    if name in {"", ".."}:
        name = root.resolve().name
    return _CONTROLS.sub("_", name) or _NAMELESS
