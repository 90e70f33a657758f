"""Splits as collections of captioned pictures are published with: by parts, whole pictures at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from ntcir.config import AutoSplit, FractionSplit, OfficialSplit, Split
from ntcir.corpora.corpus import SPLITS, ReadingReport
from ntcir.corpora.splits import by_fraction
from ntcir.system.errors import UserError, did_you_mean, short, some

# What parts are usually called. Of MSCOCO, `restval` is what Karpathy's split adds to training.
USUAL = {"train": ("train", "restval"), "val": ("val", "dev"), "test": ("test",)}


def assign_official(
    parts: Sequence[str], items: Sequence[str], split: Split | None, report: ReadingReport
) -> np.ndarray:
    """Return the split of each pair: ``train``, ``val``, ``test``, or empty where it is in none.

    All pairs of an item (the captions of a picture) are in one split: that of the item's first pair.

    Args:
        parts: of each pair, the part of the published split that it is in; empty where it is in none.
        items: of each pair, the id of the item that must stay in one split; in the files' order.
        split: the configuration's choice; None for none. ``auto`` is the official split, or that by fraction where no
            pair is in a part. Fractions are of the items.
        report: told what was moved for want of a part.

    Returns:
        text [pairs].

    Raises:
        UserError: if the split goes by dates or sessions, which such collections do not have; if it names a part that
            there is not; if it is the official one and there is none.
    """
    part_of: dict[str, str] = {}
    for item, part in zip(items, parts, strict=True):
        part_of.setdefault(item, part)
    if isinstance(split, AutoSplit):
        split = _choose(part_of, report)
    chosen: dict[str, str] = {}
    if isinstance(split, OfficialSplit):
        chosen = _by_part(part_of, split, report)
    elif isinstance(split, FractionSplit):
        chosen = dict(zip(part_of, by_fraction(len(part_of), split).tolist(), strict=True))
    elif split is not None:
        raise UserError(
            f"data.split.by = {split.by} is not valid for captioned pictures, which have no dates and no sessions: "
            "choose official, fraction or auto."
        )
    return np.array([chosen.get(item, "") for item in items], dtype="<U5")


def _choose(part_of: Mapping[str, str], report: ReadingReport) -> OfficialSplit | FractionSplit:
    if any(part_of.values()):
        return OfficialSplit.model_validate({})
    if part_of:
        report.notes.append("the files say no split: pictures are split by fraction, in the files' order")
    return FractionSplit.model_validate({})


def _by_part(part_of: Mapping[str, str], split: OfficialSplit, report: ReadingReport) -> dict[str, str]:
    """Return the split of each item by the part that it is in; those in none are left out."""
    there = [part for part in dict.fromkeys(part_of.values()) if part]
    if part_of and not there:
        raise UserError("data.split.by = official, but the files of this corpus say no split: choose fraction or auto.")
    named = {name: getattr(split, name) for name in SPLITS}
    split_of = _splits_of_parts(there, named)
    moved = [part for part, name in split_of.items() if name == "val"]
    if moved and "test" not in split_of.values() and named["val"] is None and named["test"] is None:
        split_of |= dict.fromkeys(moved, "test")
        report.notes.append(f"there is no test part: that of validation ({', '.join(moved)}) is the test split")
    elif named["test"] is None and "test" not in split_of.values():
        report.notes.append("there is no test part: the test split is empty")
    unused = [part for part in there if part not in split_of]
    if unused:
        left = [item for item, part in part_of.items() if part in unused]
        parts = f"the part{'s' * (len(unused) > 1)} {some(unused)} {'are' if len(unused) > 1 else 'is'} not used"
        pictures = f"{len(left):,} picture{'s' * (len(left) > 1)}"
        report.notes.append(f"{parts}, and so {pictures} in no split (first: {short(left[0])})")
    if apart := [item for item, part in part_of.items() if not part]:
        pictures = "pictures are" if len(apart) > 1 else "picture is"
        report.notes.append(f"{len(apart):,} {pictures} in no part, and so in no split (first: {short(apart[0])})")
    chosen = {item: split_of[part] for item, part in part_of.items() if part in split_of}
    if named["val"] is None and "val" not in split_of.values():
        _hold_out(chosen, split, report)
    return chosen


def _splits_of_parts(there: Sequence[str], named: Mapping[str, Sequence[str] | None]) -> dict[str, str]:
    """Return part -> split: as the configuration names them, otherwise by their usual names."""
    split_of = {part: name for name, parts in named.items() for part in parts or []}
    for part in split_of:
        if part not in there:
            hint = did_you_mean(part, there)
            raise UserError(
                f"data.split names the part '{part}', which is not in the data{hint}: it has {some(there)}."
            )
    for name, usual in USUAL.items():
        if named[name] is None:
            split_of |= {part: name for part in usual if part in there and part not in split_of}
    return split_of


def _hold_out(chosen: dict[str, str], split: OfficialSplit, report: ReadingReport) -> None:
    """Move some training items to validation: which ones follows from their ids and the seed, not from their order."""
    training = [item for item, name in chosen.items() if name == "train"]
    number = min(max(1, round(split.held_out * len(training))), len(training) - 1)
    if number < 1:
        return
    drawn = sorted(training, key=lambda item: hashlib.sha256(f"{split.seed}:{item}".encode()).digest())
    chosen |= dict.fromkeys(drawn[:number], "val")
    report.notes.append(
        f"there is no part left for validation; held out for it: {number:,} of {len(training):,} training pictures "
        f"(data.split.held_out = {split.held_out:g}, seed = {split.seed})"
    )
