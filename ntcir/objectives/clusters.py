"""k-means by scikit-learn, which only those need who ask for clusters."""

from __future__ import annotations

import warnings

import numpy as np

from ntcir.system.errors import UserError

_WHOLE = 10**10  # products in one pass over all rows; beyond, clusters are found from samples of the rows


def require_scikit_learn() -> None:
    """Check that scikit-learn is installed.

    Raises:
        UserError: if it is not.
    """
    try:
        import sklearn.cluster  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"The clusters of an instance loss need scikit-learn, which cannot be imported ({error}): pip install "
            "'ntcir[cluster]'."
        ) from error


def clustered(rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return the cluster of each row, from 0: int64 [rows].

    Lloyd's algorithm from a start by k-means++ (Arthur and Vassilvitskii 2007); where one pass over all rows would
    take seconds, mini-batches of rows (Sculley 2010).

    Args:
        rows: float32 [rows, width].
        count: of clusters; rows that are equal can leave some of them empty.
        seed: the same one finds the same clusters.

    Raises:
        UserError: if scikit-learn is not installed, there are fewer rows than clusters, or one is not finite.
    """
    require_scikit_learn()
    from sklearn.cluster import KMeans, MiniBatchKMeans

    if count > len(rows):
        raise UserError(
            f"{len(rows):,} instances cannot be put into {count:,} clusters: lower clusters of the objective instance."
        )
    if not np.isfinite(rows).all():
        raise UserError(
            "The instances cannot be clustered: some of their rows have a number that is not finite; leave those items "
            "out, or encode them anew (an empty features.store)."
        )
    state = seed % 2**32  # scikit-learn takes no larger one
    if rows.size * count <= _WHOLE:
        means = KMeans(count, n_init=1, random_state=state)
    else:
        # Batches must be larger than the number of clusters, or most would move by a row or two at a time.
        means = MiniBatchKMeans(count, n_init=1, random_state=state, batch_size=max(1024, 2 * count))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of equal rows: the sizes of the clusters are told
        return np.asarray(means.fit_predict(rows), dtype=np.int64)
