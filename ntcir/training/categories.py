"""The categories of training pairs: those of the corpus, or the objects in its pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd

from ntcir.config import Config
from ntcir.corpora.corpus import Corpus
from ntcir.modalities import modality, pictured
from ntcir.system.errors import UserError
from ntcir.system.progress import say

Counts = Callable[[list[str]], np.ndarray]  # ids of pictures -> how many objects of each class, int [ids, classes]


def needy(config: Config, what: str) -> str | None:
    """Return the kind of the first objective that needs something of a corpus; None if none does."""
    return next((each.kind for each in config.losses if what in each.needs), None)


def categories_are_objects(config: Config, corpus: Corpus) -> bool:
    """Return whether an objective needs categories of a corpus that has pictures, but no categories."""
    return needy(config, "categories") is not None and not _known(config, corpus) and pictured(config.pair) is not None


@contextmanager
def why_objects(config: Config, corpus: Corpus) -> Iterator[None]:
    """Tell of a detector that is none why it is asked, where the configuration does not ask for objects itself."""
    try:
        yield
    except UserError as error:
        shown = pictured(config.pair)
        if config.needs_objects or shown is None:
            raise
        raise UserError(
            f"The objective {needy(config, 'categories')} needs categories; {corpus.root} has none, so they are the "
            f"objects in its {shown.plural}: {error}"
        ) from error


def require_categories(config: Config, corpus: Corpus) -> None:
    """Check that there are categories, or pictures in which objects can be detected, where an objective needs them.

    Raises:
        UserError: naming the objective.
    """
    kind = needy(config, "categories")
    if kind is not None and not _known(config, corpus) and pictured(config.pair) is None:
        left, right = (modality(name).plural for name in config.pair)
        raise UserError(
            f"The objective {kind} needs categories, and {corpus.root} has none, nor could objects be detected in "
            f"{left} or {right}: choose another objective."
        )


def categories_of(
    config: Config, corpus: Corpus, pairs: pd.DataFrame, count: Counts
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the categories of the left and of the right items of pairs; None where no objective needs them.

    A modality without categories has those of its partners. Where neither has any, the classes of the objects in a
    pair's picture are the categories of both of its items.

    Args:
        config: resolved.
        corpus: of the pairs.
        pairs: a part of ``corpus.pairs``.
        count: counts the objects in pictures.

    Returns:
        float32 [pairs, concepts] of 0 and 1, for each side.

    Raises:
        UserError: if there are none.
    """
    kind = needy(config, "categories")
    if kind is None:
        return None
    require_categories(config, corpus)
    known = _known(config, corpus)
    if not known:
        objects = _objects(config, corpus, pairs, kind, count)
        return objects, objects
    left, right = (
        corpus.categories[source].loc[pairs[source]].to_numpy(dtype=np.float32)
        for source in (name if name in known else known[0] for name in config.pair)
    )
    return left, right


def _known(config: Config, corpus: Corpus) -> list[str]:
    """Return the modalities of the pair that have categories."""
    return [name for name in config.pair if name in corpus.categories]


def _objects(config: Config, corpus: Corpus, pairs: pd.DataFrame, kind: str, count: Counts) -> np.ndarray:
    """Return which classes of objects the picture of each pair shows, float32 [pairs, classes] of 0 and 1.

    Raises:
        UserError: if no picture shows any.
    """
    shown = pictured(config.pair)
    if shown is None:
        raise ValueError("the pair has no pictures")
    found = count(pairs[shown.name].tolist()) > 0
    some = int(found.any(axis=1).sum())
    if not some:
        raise UserError(
            f"The objective {kind} needs categories; {corpus.root} has none, and no {shown.noun} of its {len(pairs):,} "
            f"training pairs shows an object (objects.detector = {config.objects.detector}): name another detector, or "
            "choose another objective."
        )
    say(
        f"The categories are the objects in the {shown.plural}: {some:,} of {len(pairs):,} training pairs show some, "
        f"of {int(found.any(axis=0).sum())} classes.",
        kind="categories from objects",
    )
    return found.astype(np.float32)
