"""What is there: corpora of photographs and sensor readings, recognised by their layout and read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ntcir.config import Split
from ntcir.corpora.corpus import Corpus
from ntcir.corpora.lifelog import is_lifelog, read_lifelog, refuse_lsc20
from ntcir.corpora.records import is_records, read_records
from ntcir.errors import UserError

# A new layout is a new module and a line here: how to recognise it, how to read it.
LAYOUTS: list[tuple[Callable[[Path], bool], Callable[[Path, Split | None, str], Corpus]]] = [
    (is_lifelog, read_lifelog),
    (is_records, read_records),
]


def open_corpus(root: Path, split: Split | None) -> Corpus:
    """Read the corpus in a folder, whatever its layout.

    Args:
        root: the folder.
        split: how it is split; None for a corpus whose pairs are in no split.

    Raises:
        UserError: if the layout is unknown or the files are not as they should be, or a session is not there that
            ``split`` names.
    """
    for recognise, read in LAYOUTS:
        if recognise(root):
            corpus = read(root, split, root.absolute().name)
            if corpus.pairs.empty:
                reasons = "; ".join(corpus.report.lines())
                raise UserError(f"{root} holds no usable pair of photograph and readings ({reasons}).")
            return corpus
    refuse_lsc20(root)
    if (root / "demo.json").is_file():
        raise UserError(f"{root} holds a demo that was interrupted: `ntcir demo {root}` writes it anew.")
    raise UserError(
        f"{root} is neither a Lifelog-6 folder (lsc22_metadata.csv, vaisl_gps.csv, images/) nor a records folder "
        "(records.csv, images/)."
    )
