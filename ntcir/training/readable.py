"""The pairs of a corpus whose items can be read, and encoders fitted to those of the training split."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ntcir.corpora.corpus import Corpus
from ntcir.encoders.encoder import Rows
from ntcir.system.errors import UserError
from ntcir.system.progress import say


def require_pairs(corpus: Corpus, rows: Mapping[str, Rows]) -> None:
    """Check what can be told of the training split before anything is encoded.

    Raises:
        UserError: if it is too small, or an encoder can learn nothing from it.
    """
    train = corpus.split("train")
    if len(train) < 2:
        raise UserError(
            f"{corpus.root} has {len(train)} pairs in its training split; at least 2 are needed "
            "(see data.split in the configuration)."
        )
    for name, each in rows.items():
        each.check(train[name].tolist())


def readable_pairs(corpus: Corpus, rows: Mapping[str, Rows]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the readable pairs of the training and of the validation split; encoders are fitted to the former.

    Args:
        corpus: that ``require_pairs`` found nothing wrong with.
        rows: opened for the corpus, not yet fitted; what is not stored of them is computed.

    Raises:
        UserError: if fewer than two training pairs can be read, or an encoder can learn nothing from them.
    """
    train, val = corpus.split("train"), corpus.split("val")
    present = np.ones(len(train) + len(val), dtype=bool)
    for name, each in rows.items():
        present &= each.ensure([*train[name], *val[name]])
    train, val = train[present[: len(train)]], val[present[len(train) :]]
    if len(train) < 2:
        raise UserError(
            f"Of the training split of {corpus.root}, {len(train)} pairs can be read; at least 2 are needed."
        )
    for name, each in rows.items():
        for remark in each.fit(train[name].tolist()):
            say(remark)
    return train, val
