"""What a bias against hubs needs of a training: the vectors of its queries, kept in the model that it ends with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from ntcir.encoders.encoder import Rows
from ntcir.model.hubness import TrainingQueries
from ntcir.model.model import Model
from ntcir.system.errors import counted
from ntcir.system.progress import progress, say
from ntcir.training.watching import require_finite

_BLOCK = 8192  # pairs whose rows are in memory at once
_SEED = 5  # apart from other draws by the training's seed

# Positions of pairs, int64 [n] -> rows of their items, float32 [n, columns].
Encode = Callable[[np.ndarray], np.ndarray]


def keep_queries(model: Model, encode: Mapping[str, Encode], pairs: int) -> None:
    """Keep the vectors of training queries in a model, where its configuration has a bias against hubs; say how large.

    Every pair counts once on each side, as often as training shows it: an item in five pairs counts five times.

    Args:
        model: as it is to be asked.
        encode: gives the rows of the training pairs' items, by modality.
        pairs: how many there are.

    Raises:
        UserError: if a vector is not finite.
    """
    options = model.config.hubness
    if not options.beta:
        return
    chosen = np.arange(pairs)
    if options.queries is not None and options.queries < pairs:
        drawn = np.random.default_rng([model.config.seed, _SEED]).choice(pairs, options.queries, replace=False)
        chosen = np.sort(drawn)
    kept = {}
    with progress("Keeping training queries", len(encode) * len(chosen), unit=" items/s") as advance:
        for name, rows in encode.items():
            parts = []
            for start in range(0, len(chosen), _BLOCK):
                some = chosen[start : start + _BLOCK]
                vectors = model.unit_vectors(name, rows(some))
                require_finite(vectors, model.config)
                parts.append(vectors.astype(np.float16))
                advance(len(some))
            kept[name] = TrainingQueries.of(np.concatenate(parts))
    model.training_queries = kept
    size = sum(each.nbytes for each in kept.values()) / 1e6
    large = f", {size:,.0f} MB" if size >= 1 else ""
    # What was measured while it was trained is not what a ranking with the bias has.
    model.card |= {"hubness": {"queries": len(chosen), "validation": "by cosine, without the bias"}}
    say(
        f"hubness.beta = {options.beta:g}: the model keeps the vectors of "
        f"{counted(len(chosen), 'training pair', 'training pairs')}{large}"
        f"{'; its validation MRR is by cosine, without the bias' if model.card.get('validation') else ''}."
    )


def of_table(rows: Mapping[str, Rows], pairs: pd.DataFrame) -> dict[str, Encode]:
    """Return what gives the rows of pairs' items, by modality.

    Args:
        rows: of the corpus, made ready.
        pairs: readable ones, with a column of ids a modality.
    """
    return {name: _loader(each, pairs[name].to_numpy()) for name, each in rows.items()}


def _loader(rows: Rows, ids: np.ndarray) -> Encode:
    return lambda positions: rows.load(ids[positions].tolist())
