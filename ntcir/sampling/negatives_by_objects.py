"""Hard negatives by objects: pictures of one scene that show other things, found once before a training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ntcir.config import Negatives
from ntcir.features.moments import moments
from ntcir.sampling.negatives import Mined, between, report_of, sift
from ntcir.sampling.neighbours import nearest_others
from ntcir.sampling.overlap import ObjectOverlap
from ntcir.sampling.relations import Relation, either_way
from ntcir.search.dots import dots
from ntcir.search.keys import best_of_ragged, read_keys, sort_keys
from ntcir.system.errors import UserError

SAME_OBJECTS = "showing the same objects"

_NEAR = 256  # candidates of a picture that are near in time
_SLACK = 1e-5  # what float32 may add to an overlap that is exactly the highest allowed


def mine_by_objects(
    seconds: np.ndarray,
    groups: Sequence[str] | np.ndarray,
    features: np.ndarray,
    overlap: ObjectOverlap,
    forbidden: Mapping[str, Relation],
    options: Negatives,
    of: str = "photographs",
) -> Mined:
    """Return pictures of the same group that are near in time or looks, but show other objects.

    Only pictures that show objects have hard negatives, and are hard negatives. Candidates of a picture are those
    of its group at most ``near_seconds`` away (256 at most, evenly spread) and the ``similar`` most similar
    ones of its group. Those are refused that are forbidden, either way round, or overlap by more than ``max_overlap``;
    the ``most`` most similar of the others are kept, the most similar first, among equals the first. Both items of
    such a pair serve as hard negatives.

    Looks are compared by the cosine of features that are standardised over all pictures, as the towers see them.

    Args:
        seconds: time of each pair, float64 [pairs].
        groups: the group (day, session) of each pair.
        features: of the pairs' pictures, float32 [pairs, dim].
        overlap: of the pairs' pictures.
        forbidden: reason -> relation of (left items' pairs, right items' pairs), asked in order.
        options: ``near_seconds``, ``similar``, ``max_overlap`` and ``most``.
        of: what the pictures are called in the report.

    Raises:
        UserError: if a feature is not finite.
    """
    centre, scale = _standard(features)
    reasons = {reason: either_way(relation) for reason, relation in forbidden.items()}
    rows = np.full((len(features), options.most), -1, dtype=np.int64)
    refused = dict.fromkeys([*reasons, SAME_OBJECTS], 0)
    codes = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1].reshape(-1)
    for code in range(codes.max(initial=-1) + 1):
        members = np.flatnonzero((codes == code) & overlap.shows)
        if len(members) < 2:
            continue
        looks = (features[members] - centre) / scale
        looks /= np.maximum(np.linalg.norm(looks, axis=1, keepdims=True), 1e-12)
        found, counts = _mine_group(members, seconds[members], looks, overlap, reasons, options)
        rows[members] = found
        for reason, count in counts.items():
            refused[reason] += count
    return Mined(rows, report_of(of, rows, refused))


def _standard(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each column, float32 [dim]; 1 for one without variance.

    Raises:
        UserError: if a feature is not finite.
    """
    if not len(features):
        return np.zeros(features.shape[1], np.float32), np.ones(features.shape[1], np.float32)
    with np.errstate(invalid="ignore"):  # told here
        centre, scale = moments(features)
    if not np.isfinite(centre).all():
        raise UserError(
            "Image features are not finite: remove the feature store (features.store) and extract them again."
        )
    return centre.astype(np.float32), np.where(scale > 0, scale, 1).astype(np.float32)


def _mine_group(
    members: np.ndarray,
    seconds: np.ndarray,
    looks: np.ndarray,
    overlap: ObjectOverlap,
    forbidden: Mapping[str, Relation],
    options: Negatives,
) -> tuple[np.ndarray, dict[str, int]]:
    """Return the hard negatives of a group's pairs, int64 [members, most], and the counts of what was refused."""
    candidates = _near_in_time(seconds, options.near_seconds)
    if options.similar:
        similar, _ = nearest_others(looks, looks, np.arange(len(looks)), options.similar)
        candidates = np.concatenate([candidates, similar], axis=1)
    candidates = np.sort(candidates, axis=1)
    candidates[:, 1:][candidates[:, 1:] == candidates[:, :-1]] = -1
    reasons: dict[str, Callable[[slice], np.ndarray]] = {
        reason: between(relation, members, np.where(candidates < 0, -1, members[candidates]))
        for reason, relation in forbidden.items()
    }
    reasons[SAME_OBJECTS] = lambda part: (
        _overlaps(overlap, members[part], members, np.maximum(candidates[part], 0)) > options.max_overlap + _SLACK
    )
    kept, refused = sift(candidates, reasons)
    counts = kept.sum(axis=1)
    scores = dots(looks, looks, np.concatenate([[0], np.cumsum(counts)]), candidates[kept])
    found, _ = read_keys(best_of_ragged(sort_keys(scores, candidates[kept]), counts, options.most))
    return np.where(found < 0, -1, members[found]), refused


def _overlaps(overlap: ObjectOverlap, rows: np.ndarray, members: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Return the overlap of each row's photograph with its candidates, positions in ``members``; float32."""
    used, place = np.unique(candidates, return_inverse=True)  # neighbours have many candidates in common
    return np.take_along_axis(overlap.between(rows, members[used]), place.reshape(candidates.shape), axis=1)


def _near_in_time(seconds: np.ndarray, within: float) -> np.ndarray:
    """Return who is at most ``within`` seconds away, others than oneself: int64 [pairs, at most 256], -1: no more.

    Of more than 256, evenly many in the order of time are taken, so that dense recordings stay affordable. What has no
    time is near nothing.
    """
    if not np.isfinite(seconds).all():
        return np.empty((len(seconds), 0), dtype=np.int64)
    order = np.argsort(seconds, kind="stable")
    sorted_ = seconds[order]
    low = np.searchsorted(sorted_, seconds - within, side="left")[:, None]
    counts = np.searchsorted(sorted_, seconds + within, side="right")[:, None] - low
    taken = np.minimum(counts, _NEAR)
    place = np.arange(taken.max(initial=0))
    candidates = order[np.minimum(low + place * counts // np.maximum(taken, 1), len(order) - 1)]
    candidates[(place >= taken) | (candidates == np.arange(len(seconds))[:, None])] = -1
    return np.asarray(candidates)
