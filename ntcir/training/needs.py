"""What objectives need of a corpus besides its pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ntcir.config import Config
from ntcir.corpora.corpus import Corpus
from ntcir.sampling.relations import instances
from ntcir.system.errors import UserError


def require_needs(config: Config, corpus: Corpus) -> None:
    """Check that a corpus has what the objectives need.

    Raises:
        UserError: naming the first objective that lacks something.
    """
    train, (left, right) = corpus.split("train"), config.pair
    categories_of(config, corpus, train)
    kind = _who_needs(config, "instances")
    if kind is not None and instances(train[left].to_numpy(), train[right].to_numpy()).max() < 1:
        raise UserError(
            f"The objective {kind} tells instances apart, and all training pairs of {corpus.root} are linked by "
            "items that they share, which makes them one instance: choose another objective."
        )


def categories_of(config: Config, corpus: Corpus, pairs: pd.DataFrame) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the categories of the left and of the right items of pairs; None where no objective needs them.

    A modality without categories has those of its partners.

    Args:
        config: resolved.
        corpus: of the pairs.
        pairs: a part of ``corpus.pairs``.

    Returns:
        float32 [pairs, concepts] of 0 and 1, for each side.

    Raises:
        UserError: if the corpus has none.
    """
    kind = _who_needs(config, "categories")
    if kind is None:
        return None
    known = [name for name in config.pair if name in corpus.categories]
    if not known:
        raise UserError(f"The objective {kind} needs categories, and {corpus.root} has none: choose another objective.")
    left, right = (
        corpus.categories[source].loc[pairs[source]].to_numpy(dtype=np.float32)
        for source in (name if name in known else known[0] for name in config.pair)
    )
    return left, right


def _who_needs(config: Config, what: str) -> str | None:
    return next((each.kind for each in config.objectives if what in each.needs), None)
