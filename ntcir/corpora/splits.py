"""Which pairs are for training, validation and topics."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ntcir.config import AutoSplit, DateSplit, FractionSplit, OfficialSplit, SessionSplit, Split
from ntcir.corpora.corpus import SPLITS
from ntcir.system.errors import UserError, some


def assign_splits(pairs: pd.DataFrame, split: Split | None, *, groups_are_days: bool) -> pd.Series:
    """Return the split of each pair: ``train``, ``val``, ``test``, or empty where it is in none.

    Args:
        pairs: with ``group`` and ``timestamp``, in order of time.
        split: the configuration's choice; None for none.
        groups_are_days: whether groups are days; ``auto`` then splits by date if there are pairs both in the poster's
            days of training and in its days of topics, otherwise by session where there are three groups or more (days
            then count as sessions), else by fraction.

    Raises:
        UserError: if a session named in the configuration is not in the corpus.
    """
    if isinstance(split, AutoSplit):
        split = _choose(pairs, groups_are_days)
    if isinstance(split, DateSplit):
        names = _by_date(pairs, split)
    elif isinstance(split, SessionSplit):
        names = _by_session(pairs, split)
    elif isinstance(split, FractionSplit):
        names = by_fraction(len(pairs), split)
    elif isinstance(split, OfficialSplit):
        raise UserError(
            "data.split.by = official is for collections that are published with a split: choose auto, date, session "
            "or fraction."
        )
    else:
        names = np.full(len(pairs), "", dtype="<U5")
    return pd.Series(pd.Categorical(names, categories=["", *SPLITS]), index=pairs.index, name="split")


def _choose(pairs: pd.DataFrame, groups_are_days: bool) -> DateSplit | SessionSplit | FractionSplit:
    by_date = DateSplit()
    if groups_are_days and {"train", "test"} <= set(_by_date(pairs, by_date)):
        return by_date
    return SessionSplit() if pairs["group"].nunique() >= 3 else FractionSplit.model_validate({})


def _by_date(pairs: pd.DataFrame, split: DateSplit) -> np.ndarray:
    days = pairs["timestamp"].dt.tz_convert(None).to_numpy().astype("datetime64[D]")
    names = np.full(len(pairs), "", dtype="<U5")
    for name in SPLITS:
        first, last = getattr(split, name)
        names[(days >= np.datetime64(first)) & (days <= np.datetime64(last))] = name
    return names


def _by_session(pairs: pd.DataFrame, split: SessionSplit) -> np.ndarray:
    sessions = list(dict.fromkeys(pairs["group"]))  # in order of their first pair
    named = {name: getattr(split, name) for name in SPLITS}
    chosen = {session for group in named.values() for session in group or []}
    unknown = sorted(chosen - set(sessions))
    if unknown:
        raise UserError(f"There is no session '{unknown[0]}' in the data; there are: {some(sessions, 12)}.")
    free = [session for session in sessions if session not in chosen]
    # What is not named: one session in seven (at least one) each for test and val from the end, the rest for training.
    share = max(1, round(len(sessions) / 7))
    for name in ("test", "val"):
        if named[name] is None:
            named[name] = free[-share:] if len(free) > share else []
            free = free[: len(free) - len(named[name])]
    if named["train"] is None:
        named["train"] = free
    names = {session: name for name in SPLITS for session in named[name]}
    return pairs["group"].map(names).fillna("").to_numpy(dtype=str)


def by_fraction(number: int, split: FractionSplit) -> np.ndarray:
    """Return the splits of so many things in their order; text [number]."""
    ends = np.round(np.cumsum([split.train, split.val, split.test]) * number).astype(int)
    names = np.full(number, "", dtype="<U5")
    for name, start, end in zip(SPLITS, [0, *ends[:-1]], ends, strict=True):
        names[start:end] = name
    return names
