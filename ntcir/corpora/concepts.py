"""``lsc22_visual_concepts.csv``: what a computer saw in each photograph of a lifelog, as a caption and as tags."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ntcir.corpora.captions import one_line, texts_of
from ntcir.corpora.corpus import ReadingReport
from ntcir.corpora.ids import photograph_names, words_of
from ntcir.corpora.tables import header, read_table
from ntcir.system.errors import UserError, some

CONCEPTS_FILE = "lsc22_visual_concepts.csv"
CAPTION, TAGS = "Caption", "Tags"


def read_concepts(root: Path, images: pd.Index, report: ReadingReport) -> pd.DataFrame:
    """Read the captions and tags of a lifelog's photographs.

    A photograph has up to two texts: its caption, ``<photograph>#caption``, and its tags joined by blanks,
    ``<photograph>#tags``. Of several rows for a photograph the first counts.

    Args:
        root: the lifelog.
        images: ids of the photographs that are there.
        report: told what is read and what is left out.

    Returns:
        columns ``image`` and ``text``, indexed by id; each photograph's texts stand together, in the order of the file.

    Raises:
        UserError: if the file is absent, or has neither captions nor tags.
    """
    path = root / CONCEPTS_FILE
    if not path.is_file():
        raise UserError(
            f"{root} has no {CONCEPTS_FILE}, which has a lifelog's captions: add it (to search photographs by words, a "
            f"header ImageID,{CAPTION} and a single row are enough), or choose a pair without text."
        )
    table = read_table(path, needed=("ImageID",), raw=("ImageID", CAPTION, TAGS), report=report)
    if CAPTION not in table and TAGS not in table:
        raise UserError(f"{path} has neither a column {CAPTION} nor a column {TAGS}; it has: {some(header(path), 40)}.")
    report.counts[f"rows of {path.name}"] = len(table)
    table["ImageID"] = one_line(table["ImageID"])
    nameless = table["ImageID"].isna().to_numpy()
    report.drop(f"row of {path.name} without an ImageID", [f"row {row}" for row in table.index[nameless]])
    table = table[~nameless].copy()
    table["image"] = words_of(photograph_names(table["ImageID"], report), "", report)
    absent = ~table["image"].isin(images).to_numpy()
    report.drop(f"row of {path.name} for a photograph that is not there", table["image"][absent].tolist())
    table = table[~absent]
    twice = table.duplicated("image").to_numpy()
    report.drop(f"duplicate row of {path.name}", table["image"][twice].tolist())
    table = table[~twice].reset_index(drop=True)

    parts = []
    for column, kind, plural in ((CAPTION, "caption", "captions"), (TAGS, "tags", "lists of tags")):
        if column in table:
            cells = table[column] if column == CAPTION else table[column].str.replace(",", " ")
            texts = texts_of(table["image"], one_line(cells), kind)
            report.counts[plural] = len(texts)
            parts.append(texts)
    both = pd.concat(parts)
    place = pd.Series(table.index, index=table["image"])[both["image"]].to_numpy()
    return both.iloc[place.argsort(kind="stable")]
