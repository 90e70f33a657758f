"""Splits that a collection of captioned pictures is published with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ntcir.config import AutoSplit, OfficialSplit, Split
from ntcir.corpora.corpus import ReadingReport
from ntcir.system.errors import UserError, some


def assign_official(
    parts: Sequence[str], items: Sequence[str], split: Split | None, report: ReadingReport
) -> np.ndarray:
    """Return the split of each pair: ``train``, ``val``, ``test``, or empty where it is in none.

    Args:
        parts: of the pairs, as the files name them.
        items: ids of the pairs' pictures; a picture is in one split.
        split: the configuration's choice; None for none.
        report: told how many pictures are held out.

    Raises:
        UserError: if a part is named that there is not, or the choice is not for such collections.
    """
    names = np.full(len(parts), "", dtype="<U5")
    if split is None:
        return names
    if isinstance(split, AutoSplit):
        split = OfficialSplit.model_validate({})
    if not isinstance(split, OfficialSplit):
        raise UserError(f"data.split.by = {split.by} is not for a collection with a split of its own: choose official.")
    given = np.array(parts, dtype=object)
    chosen = {name: [name] if (own := getattr(split, name)) is None else own for name in ("train", "val", "test")}
    there = sorted(set(parts))
    for name, own in (("train", split.train), ("val", split.val), ("test", split.test)):
        for part in own or []:
            if part not in there:
                raise UserError(f"data.split.{name} names '{part}'; the parts are: {some(there, 12)}.")
    for name, of in chosen.items():
        names[np.isin(given, of)] = name
    if split.val is None and not (names == "val").any():
        pictures = np.unique(np.array(items, dtype=object)[names == "train"].astype(str))
        count = round(split.held_out * len(pictures))
        drawn = set(np.random.default_rng(split.seed).permutation(pictures)[:count].tolist())
        held = np.array([item in drawn for item in items], dtype=bool) & (names == "train")
        names[held] = "val"
        report.notes.append(f"{count:,} of {len(pictures):,} training pictures are held out for validation")
    return names
