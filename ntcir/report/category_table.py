"""A scored split as tables, for people: that of ``ntcir score``, and mean average precision over categories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from ntcir.report.score_table import print_scores, render_groups
from ntcir.retrieval.category_precision import CategoryScore
from ntcir.retrieval.evaluating import SplitReport


def print_evaluation(report: SplitReport, stream: TextIO, *, as_json: bool) -> None:
    """Write what ``ntcir evaluate`` prints: the table of the scores, that of the categories if asked for; or JSON."""
    print_scores(report, {}, stream, as_json=as_json, per_topic=False)
    if report.categories and not as_json:
        stream.write("\n")
        render_categories(report.categories, stream)


def render_categories(scores: Mapping[str, CategoryScore], stream: TextIO) -> None:
    """Write a line for each direction and one for all queries; directions without queries are left out."""
    rows = {}
    for name, score in scores.items():
        if score.mean is not None and score.interval is not None and score.random is not None:
            low, high = score.interval
            rows[name] = (
                str(score.queries), f"{score.mean:.4f}", f"[{low:.4f}, {high:.4f}]", f"{score.random:.4f}"
            )  # fmt: skip
    render_groups(("queries", "mAP", "[95% interval]", "random"), rows, stream)
