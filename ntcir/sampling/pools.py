"""Pools: the candidates among which an answer is looked for, all of one day or session."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd


def sample_pool(
    pairs: pd.DataFrame,
    size: int,
    generator: np.random.Generator,
    *,
    pair: Sequence[str],
    target: object = None,
) -> np.ndarray:
    """Draw pairs whose items all differ, on either side, so that a pool of a lifelog has one right answer.

    Args:
        pairs: of one group.
        size: how many; all that differ, if there are fewer.
        generator: fixes the draw.
        pair: the columns of the two modalities.
        target: an index label that must be among them.

    Returns:
        index labels of ``pairs``, in random order.
    """
    order = generator.permutation(len(pairs))
    if target is not None:
        place = pairs.index.get_loc(target)
        order = np.concatenate([[place], order[order != place]])
    shuffled = pairs.iloc[order]
    left, right = (shuffled[name].duplicated() for name in pair)
    distinct = shuffled[~left & ~right]
    return np.asarray(generator.permutation(distinct.index[:size].to_numpy()))


def sample_with_partners(
    pairs: pd.DataFrame, size: int, generator: np.random.Generator, target: object, asks: str, answers: str
) -> list[str]:
    """Draw the candidates of a query with several right answers: all of them, and other items to fill the pool.

    Args:
        pairs: of one group.
        size: how many candidates; all items, if there are fewer. Of more right answers than that, as many are drawn.
        generator: fixes the draw.
        target: the index label of the pair that is asked for.
        asks: the column of the modality that asks.
        answers: the column of the other one.

    Returns:
        distinct items, in random order; that of ``target`` is among them.
    """
    shuffled = pairs.iloc[generator.permutation(len(pairs))]
    partners = shuffled.loc[shuffled[asks] == pairs.at[target, asks], answers]
    items = dict.fromkeys([pairs.at[target, answers], *partners, *shuffled[answers]])
    return [str(item) for item in generator.permutation(np.array(list(items)[:size], dtype=object))]


def largest_pools(pairs: pd.DataFrame, pair: Sequence[str]) -> dict[str, int]:
    """Return how many candidates the pools of each group can have: as many as it has items on the smaller side."""
    groups = pairs.groupby("group", sort=False)
    return {str(name): min(rows[side].nunique() for side in pair) for name, rows in groups}


def draw_pools(pairs: pd.DataFrame, pair: Sequence[str], size: int, seed: int) -> tuple[pd.DataFrame, list[slice]]:
    """Draw one pool a group, in which every pair is asked once.

    Args:
        pairs: with the column ``group``, and a column a modality.
        pair: the columns of the two modalities.
        size: pairs a pool; all that differ, if there are fewer.
        seed: fixes the draw.

    Returns:
        the pairs drawn, pool after pool, and the rows of each pool.
    """
    pools = [
        pairs.loc[sample_pool(rows, size, np.random.default_rng([seed, 2, number]), pair=pair)]
        for number, (_, rows) in enumerate(pairs.groupby("group", sort=False))
    ]
    ends = np.cumsum([len(pool) for pool in pools]).tolist()
    return pd.concat(pools), [slice(end - len(pool), end) for pool, end in zip(pools, ends, strict=True)]
