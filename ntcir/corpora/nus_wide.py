"""NUS-WIDE-LITE: 55,615 photographs of Flickr with their tags, 81 concepts and an official split.

Chua, Tang, Hong, Li, Luo, Zheng: NUS-WIDE, a real-world web image database from National University of Singapore (CIVR
2009). The photographs are not published with the lists, tags, labels and features; whoever has them puts them beside.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ntcir.corpora.captioned import undated_pairs
from ntcir.corpora.corpus import SPLITS, Corpus, ReadingReport, Request
from ntcir.corpora.nus_wide_files import (
    PARTS,
    Listed,
    find,
    find_all,
    image_list,
    packed,
    read_image_lists,
)
from ntcir.corpora.nus_wide_pictures import locate
from ntcir.corpora.nus_wide_tags import CONCEPTS, read_tags, require_tags
from ntcir.corpora.official_splits import assign_official
from ntcir.corpora.text_files import read_lines
from ntcir.corpora.zero_one import read_column
from ntcir.system.errors import UserError, short, some

_LABELS = "Lite_Labels_{}_{}.txt"
_LABEL_FILE = re.compile(r"Lite_Labels_(.+)_(?:Train|Test)\.txt")
_FEATURES = "*_Lite_Train.dat"  # low-level features as published, a file a kind and part
_OTHER_FEATURES = "image_features.csv"  # a photograph's name and numbers a line, as a course hands them out
_NO_TAGS = "photograph without tags"


def read_nus_wide(root: Path, name: str, how: Request) -> Corpus:
    """Read NUS-WIDE-LITE in its official files.

    Every other file follows the image lists line by line, but for ``All_Tags.txt``. A caption is a photograph's tags,
    joined by blanks; a photograph without any is in no pair. The categories of both are the 81 concepts.

    Raises:
        UserError: if a list is missing, a file is damaged or of the wrong length, a concept has no file, or captions
            are asked for and there are no tags.
    """
    report = ReadingReport()
    listed, lengths = read_image_lists(root, report)
    report.counts["photographs"] = len(listed)
    ids = pd.Index([entry.id for entry in listed], name="image")
    tables = {"image": pd.DataFrame({"path": locate(root, how.pictures, listed, report)}, index=ids)}
    labels = _labels(root, listed, lengths, report)
    items = {"image": ids}
    tags = read_tags(root, listed, lengths, report)
    tagged = np.ones(len(listed), dtype=bool)
    if tags is not None:
        tagged = np.array([caption != "" for caption in tags])
        captions = pd.DataFrame({"text": tags}, index=_caption_ids(ids))
        tables["text"] = captions[tagged]
        items["text"] = captions.index
        report.counts["photographs with tags"] = int(tagged.sum())
        report.drop(_NO_TAGS, ids[~tagged].tolist())
    elif "text" in how.pair:
        require_tags(root)
    pairs = undated_pairs(items)[tagged].reset_index(drop=True)
    parts = [entry.part.lower() for entry, kept in zip(listed, tagged, strict=True) if kept]
    names = assign_official(parts, pairs["image"].tolist(), how.split, report)
    pairs["split"] = pd.Categorical(names, categories=["", *SPLITS])
    report.counts["pairs"] = len(pairs)
    return Corpus(
        name,
        root,
        tables,
        pairs,
        groups_are_days=False,
        layout="nus-wide",
        report=report,
        categories=_categories(labels, tables, tagged),
        grouped=False,
        annotations=frozenset({"text"}),
        vectors=_vectors(root, report),
    )


def _caption_ids(ids: pd.Index) -> pd.Index:
    """Return the captions' ids: the photographs' without the ending, if these differ."""
    stems = ids.str.replace(r"\.[A-Za-z0-9]+$", "", regex=True)
    return pd.Index(stems if stems.is_unique and (stems != "").all() else ids, name="text")


def _labels(
    root: Path, listed: Sequence[Listed], lengths: Mapping[str, int], report: ReadingReport
) -> pd.DataFrame | None:
    """Return the ground truth, uint8 photographs x concepts, indexed by id; None where there is none.

    Raises:
        UserError: if a concept's file is missing, or damaged.
    """
    files = find_all(root, _LABELS.format("*", "*"))
    if not files:
        report.notes.append(
            f"there is no ground truth ({_LABELS.format('CONCEPT', 'Train')}){packed(root)}: objectives that need "
            "categories cannot be used"
        )
        return None
    folder = files[0].parent
    known = {file.name for file in files}
    there = sorted({found[1] for file in files if (found := _LABEL_FILE.fullmatch(file.name))})
    names = find(root, CONCEPTS)
    concepts = list(dict.fromkeys(filter(None, map(str.strip, read_lines(names))))) if names else there
    if names and (more := sorted(set(there) - set(concepts))):
        report.notes.append(f"{CONCEPTS} does not name {some(more)}, whose labels are not used")
    columns = {part: np.empty((lengths[part], len(concepts)), dtype=np.uint8) for part in PARTS}
    for part in PARTS:
        for column, concept in enumerate(concepts):
            file = _LABELS.format(concept, part)
            if file not in known:
                says = names.name if names else "a file of the other part"
                raise UserError(
                    f"{folder} lacks {short(file)}, and {says} names the concept '{short(concept)}': copy it again."
                )
            columns[part][:, column] = read_column(folder / file, lengths[part], image_list(part))
    report.counts["concepts"] = len(concepts)
    ids = pd.Index([entry.id for entry in listed], name="image")
    rows = {part: [entry.row for entry in listed if entry.part == part] for part in PARTS}
    return pd.DataFrame(np.concatenate([columns[part][rows[part]] for part in PARTS]), index=ids, columns=concepts)


def _categories(
    labels: pd.DataFrame | None, tables: Mapping[str, pd.DataFrame], tagged: np.ndarray
) -> dict[str, pd.DataFrame]:
    """Return the concepts of photographs and captions: those of a caption are its photograph's."""
    if labels is None:
        return {}
    found = {"image": labels}
    if "text" in tables:
        found["text"] = labels[tagged].set_axis(tables["text"].index, axis=0)
    return found


def _vectors(root: Path, report: ReadingReport) -> dict[str, Path]:
    """Return where the photographs' features lie, if they were copied too."""
    published = find_all(root, _FEATURES)
    others = find(root, _OTHER_FEATURES)
    if published and others:
        report.notes.append(
            f"there are two kinds of features: {published[0].parent.name} is used; for the other one, set "
            f"towers.image.vectors to {others}"
        )
    if published:
        return {"image": published[0].parent}
    return {} if others is None else {"image": others}
