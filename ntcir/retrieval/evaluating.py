"""Every item of a split asks, in both directions: how good a model is, without topics, pools and run files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ntcir.corpora.corpus import Corpus
from ntcir.encoders import open_pair
from ntcir.encoders.encoder import Rows
from ntcir.measures.reciprocal import Figures
from ntcir.modalities import Direction
from ntcir.model.model import Model, Vectors
from ntcir.model.split_ranks import pool_figures, whole_figures
from ntcir.model.trained import is_finished
from ntcir.retrieval.asking import check_split, corpus_to_ask, pairs_of
from ntcir.retrieval.category_precision import CategoryScore, category_scores, require_categories
from ntcir.retrieval.items import encoded
from ntcir.retrieval.subsets import of_subset
from ntcir.sampling.drawn_together import DrawnTogether, in_pools, in_whole
from ntcir.sampling.galleries import WholeSplit, pool_galleries
from ntcir.sampling.pools import draw_pools
from ntcir.scoring import Report, group_score, groups_of
from ntcir.system.errors import UserError, shown
from ntcir.system.progress import say
from ntcir.workspace import newest_model

WHOLE = 0  # in place of the size of a pool
_BY_BEST = (
    "MRR is by the best-ranked partner of each item, and R@k counts an item if one of its partners is among the first "
    "k (Success@k)"
)
_LINKED = "intervals draw whole clusters, such as a picture with all of its captions"


@dataclass(frozen=True)
class SplitReport(Report):
    """A scored split.

    Attributes:
        categories: mean average precision over categories by group, where it was asked for; else empty.
    """

    categories: Mapping[str, CategoryScore] = field(default_factory=dict)

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Return the groups as ``ntcir evaluate --json`` writes them."""
        return {
            name: group | (self.categories[name].to_json() if name in self.categories else {})
            for name, group in super().to_json().items()
        }


def evaluate(
    folder: Path | None,
    data: Path | None,
    *,
    split: str | None = None,
    pool: int | None = None,
    subset: Path | None = None,
    categories: bool = False,
    settings: Sequence[str] = (),
) -> SplitReport:
    """Measure a model on a split, and say on stderr what was asked.

    Args:
        folder: the model's; the newest under ``runs/`` if None.
        data: the corpus folder; the one the model was trained on if None.
        split: whose pairs; if None, the test split of the model's own corpus or the whole of another.
        pool: pairs of a pool, one a group (day, session); ``WHOLE`` to rank the whole split, where an item's partners
            are all relevant; if None, the model's ``topics.pool``, or ``WHOLE`` where the corpus has no groups.
        subset: a file of ids, one a line: only pairs with one of these are asked and ranked, among themselves.
        categories: whether mean average precision over categories is worked out too, over the whole split.
        settings: of ``data.split``, ``data.outside``, ``data.pictures``, ``features.store`` and ``hubness.beta``, in
            place of the model's.

    Raises:
        UserError: for anything missing or wrong.
    """
    check_split(split, settings)
    folder = folder or newest_model()
    model = Model.load(folder)
    if not is_finished(folder):
        say(f"WARNING: the training in {folder} was interrupted; its best model so far is evaluated.")
    corpus, asked = corpus_to_ask(model, folder, data, pooled=False, split=split, settings=settings)
    if categories:
        require_categories(corpus, model.config.pair)
    pairs = pairs_of(corpus, asked)
    if subset is not None:
        pairs = of_subset(pairs, model.config.pair, subset, corpus)
    usual = model.config.topics.pool if corpus.grouped else WHOLE
    size = (usual if pool is None else pool) or None
    report = evaluate_pairs(model, corpus, pairs, size, categories=categories)
    pools = f"in pools of up to {size} a group" if corpus.grouped else f"in one pool of up to {size}"
    among = pools if size else "among all of them"
    say(f"{corpus.name}, split {asked}: every item asks both ways {among} ({folder})")
    return report


def pool_size(typed: str | None) -> int | None:
    """Return the size of pools as typed: a number from 2 on, ``none`` for ``WHOLE``, or None for the model's own.

    Raises:
        UserError: if it is anything else.
    """
    if typed is None or typed == "none":
        return None if typed is None else WHOLE
    if not (typed.isascii() and typed.isdecimal() and len(typed) < 10 and int(typed) >= 2):
        raise UserError(f"--pool {shown(typed)} is not valid: give a whole number of at least 2, or none.")
    return int(typed)


def evaluate_pairs(
    model: Model, corpus: Corpus, pairs: pd.DataFrame, pool: int | None, *, categories: bool = False
) -> SplitReport:
    """Return the scores of pairs, each item of which asks for its partners.

    With pools every pair is asked once in a pool of its group in which all items differ, as validation does while a
    model is trained, and with the same draw; where partners are positives, others in the pool are relevant as well.
    Without, each item is asked once, and ranks all items of the other side.

    Args:
        model: trained.
        corpus: of the pairs.
        pairs: a part of ``corpus.pairs``; those with an item that cannot be read are left out, which is said.
        pool: pairs a pool at most; None ranks all.
        categories: whether mean average precision over categories is worked out too, for which all are ranked.

    Raises:
        UserError: if no pair can be read; if categories are asked for and there are none.
    """
    rows = open_pair(model.config, corpus, model.encoders)
    pairs = _readable(rows, pairs, corpus)
    whole = WholeSplit.of(pairs, model.config.pair)
    every = _encoded(model, rows, whole) if pool is None or categories else ({}, None)
    if pool is None:
        together = in_whole(pairs, whole, corpus)
        found = whole_figures(every[0], whole, model.directions, corpus, every[1], together.codes)
    else:
        found, together = _pool_figures(model, corpus, rows, pairs, pool, model.config.seed)
    figures = {"all": Figures.joined(list(found.values())), **found}
    groups = {name: group_score(figures[name]) for name in groups_of(list(found))}
    notes = [*_which_mean(corpus, together), *together.notes()]
    if not categories:
        return SplitReport(groups, [], notes)
    scores, remarks = category_scores(every[0], whole, model.directions, corpus, every[1])
    return SplitReport(groups, [], [*notes, *remarks], scores)


def _which_mean(corpus: Corpus, together: DrawnTogether) -> list[str]:
    """Return a sentence on MRR where partners are positives."""
    if not corpus.shared_are_positive:
        return []
    return [f"{_BY_BEST}." if together.timed else f"{_BY_BEST}; {_LINKED}."]


def figures_of(
    model: Model, corpus: Corpus, rows: Mapping[str, Rows], pairs: pd.DataFrame, pool: int | None, seed: int
) -> dict[str, Figures]:
    """Return what the figures of each direction are made of, by its name; see ``evaluate_pairs``.

    Args:
        model: trained.
        corpus: of the pairs.
        rows: of its items, by the model's encoders.
        pairs: readable ones.
        pool: pairs a pool at most; None ranks all.
        seed: of the draw of pools.
    """
    if pool is None:
        whole = WholeSplit.of(pairs, model.config.pair)
        asking, ranked = _encoded(model, rows, whole)
        return whole_figures(asking, whole, model.directions, corpus, ranked, in_whole(pairs, whole, corpus).codes)
    return _pool_figures(model, corpus, rows, pairs, pool, seed)[0]


def _pool_figures(
    model: Model, corpus: Corpus, rows: Mapping[str, Rows], pairs: pd.DataFrame, pool: int, seed: int
) -> tuple[dict[str, Figures], DrawnTogether]:
    """Return the same of pairs in pools, and which queries intervals draw together."""
    left, right = model.config.pair
    drawn, pools = draw_pools(pairs, (left, right), pool, seed)
    if len(drawn) < len(pairs):
        say(_undrawn(pairs, drawn, model.directions, pool))
    vectors = {name: encoded(model, name, rows[name], drawn[name].tolist()) for name in rows}
    asking, ranked = model.in_both_roles(vectors)
    if alone := sum(each.stop - each.start == 1 for each in pools):
        say(
            f"WARNING: {alone:,} of {len(drawn):,} pairs are alone in their day (session) and so ranked first "
            "whatever the model: rank the whole split with --pool none."
        )
    together = in_pools(drawn, (left, right), corpus)
    found = {
        direction.name: pool_figures(
            asking[direction.query.name],
            (ranked or asking)[direction.answer.name],
            pool_galleries(drawn, pools, direction, corpus),
            corpus,
            together.codes.get(direction.query.name),
        )
        for direction in model.directions
    }
    return found, together


def reciprocal_ranks(model: Model, corpus: Corpus, pairs: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return by direction what each item's reciprocal rank is where it ranks all items of the other side.

    Args:
        model: trained.
        corpus: of the pairs.
        pairs: a part of ``corpus.pairs``; items of which none can be read are absent.

    Raises:
        UserError: if no pair can be read.
    """
    rows = open_pair(model.config, corpus, model.encoders)
    whole = WholeSplit.of(_readable(rows, pairs, corpus), model.config.pair)
    asking, ranked = _encoded(model, rows, whole)
    found = whole_figures(asking, whole, model.directions, corpus, ranked)
    return {
        direction.name: dict(
            zip(
                whole.items[direction.query.name].tolist(),
                (found[direction.name].sums / found[direction.name].rows).tolist(),
                strict=True,
            )
        )
        for direction in model.directions
    }


def _encoded(
    model: Model, rows: Mapping[str, Rows], whole: WholeSplit
) -> tuple[Mapping[str, Vectors], Mapping[str, Vectors] | None]:
    """Return the vectors of all items of a split, by modality: see ``Model.in_both_roles``."""
    return model.in_both_roles({name: encoded(model, name, rows[name], whole.items[name].tolist()) for name in rows})


def _undrawn(pairs: pd.DataFrame, drawn: pd.DataFrame, ways: Sequence[Direction], pool: int) -> str:
    """Return a sentence about the pairs that are in no pool: those of full ones, and those whose items have another."""
    left = pairs.loc[pairs.index.difference(drawn.index)]
    is_full = left["group"].map(drawn["group"].value_counts()).to_numpy() >= pool
    is_shared = np.logical_or.reduce([left[way.query.name].isin(drawn[way.query.name]).to_numpy() for way in ways])
    full = int((is_full & ~is_shared).sum())
    nouns = " or ".join(way.query.noun for way in ways)
    reasons = {
        f"because pools of {pool:,} are full": full,
        f"because their {nouns} is there with another partner (an item is in a pool once; --pool none asks with "
        "all)": len(left) - full,
    }
    found = {reason: count for reason, count in reasons.items() if count}
    told = (
        " and ".join(f"{count:,} {reason}" for reason, count in found.items()) if len(found) > 1 else next(iter(found))
    )
    return f"{len(left):,} of {len(pairs):,} pairs are in no pool{':' if len(found) > 1 else ','} {told}."


def _readable(rows: dict[str, Rows], pairs: pd.DataFrame, corpus: Corpus) -> pd.DataFrame:
    """Return the pairs whose items can both be read, and say how many cannot.

    Raises:
        UserError: if there is none.
    """
    present = np.logical_and.reduce([each.ensure(pairs[name].tolist()) for name, each in rows.items()])
    if not present.any():
        raise UserError(f"None of the {len(pairs):,} pairs asked for can be read in {corpus.root}.")
    if not present.all():
        say(f"WARNING: {(~present).sum():,} of {len(pairs):,} pairs cannot be read and are left out.")
    return pairs[present]
