"""Writes down the figures that the golden tests hold all later code to: ``python tests/golden/record.py [NAME ...]``.

The values in ``values.json`` were recorded before photographs and readings became two modalities among others. They are
recorded again only where a figure is meant to change, which the CHANGELOG then says: name those measurements, and the
others stay as they are. What lies under ``kept/`` is never written again: it stands for what users have.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def main() -> None:
    """Take the measurements that are named, or all, and write them."""
    sys.path.insert(0, str(TESTS))
    import torch
    from measurements import MEASUREMENTS, Places
    from measuring import VALUES

    torch.set_num_threads(1)
    known = json.loads(VALUES.read_text(encoding="utf-8")) if VALUES.is_file() else {}
    with tempfile.TemporaryDirectory() as folder:
        places = Places(Path(folder))
        for name in sys.argv[1:] or MEASUREMENTS:
            known[name] = MEASUREMENTS[name](places)
    parts = [f"{json.dumps(name)}: {as_text(known[name])}" for name in MEASUREMENTS if name in known]
    VALUES.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def as_text(tree: object, depth: int = 2) -> str:
    """Return a tree as JSON with a line for each of its parts, so that git shows which figure was changed."""
    if depth and isinstance(tree, dict) and tree:
        parts = [f"{json.dumps(key)}: {as_text(value, depth - 1)}" for key, value in tree.items()]
        return "{\n" + ",\n".join(parts) + "\n}"
    return json.dumps(tree)


if __name__ == "__main__":
    main()
