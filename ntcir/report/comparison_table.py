"""A comparison of runs as text, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from ntcir.comparing import Comparison
from ntcir.comparing.comparison import LEVEL
from ntcir.report.score_table import plain_table
from ntcir.significance.estimate import Estimate
from ntcir.significance.randomisation import DRAWS
from ntcir.system.errors import escaped

_MARK = "*"


def render_comparison(comparison: Comparison, notes: Sequence[str], stream: TextIO) -> None:
    """Write the runs' figures, their differences, the topics that differ most, and notes beneath them."""
    several = len(comparison.measures) > 1
    plain_table(["run", *["measure"] * several, "topics of", "topics", "mean", "[95% interval]"], [
        [each.run, *[each.measure] * several, each.group, str(comparison.topics[each.group]),
         f"{each.mean.value:.4f}", f"[{each.mean.low:.4f}, {each.mean.high:.4f}]"]
        for each in comparison.values
    ], stream, left=2 + several)  # fmt: skip
    based = len({each.base for each in comparison.differences}) > 1
    stream.write(f"\nDifferences{'' if based else f' from {escaped(comparison.runs[0])}'}, paired by topic\n\n")
    headings = ["run", *["from"] * based, *["measure"] * several, "topics of", "difference", "[95% interval]", "p",
                "p (Holm)", "", "wins", "losses", "ties"]  # fmt: skip
    plain_table(headings, [
        [each.run, *[each.base] * based, *[each.measure] * several, each.group, f"{each.mean.value:+.4f}",
         _interval(each.mean), p_text(each.p), p_text(each.corrected), _MARK * each.is_significant,
         str(each.wins), str(each.losses), str(each.ties)]
        for each in comparison.differences
    ], stream, left=2 + several + based)  # fmt: skip
    if comparison.differing:
        stream.write("\nThe topics that differ most: ranks of the best-ranked relevant document\n\n")
        plain_table(["topic", "direction", "run", "rank", "from", "rank"], [
            [each.topic, each.direction or "-", each.run, rank_text(each.rank), each.base, rank_text(each.base_rank)]
            for each in comparison.differing
        ], stream, left=3)  # fmt: skip
    stream.write("\n")
    for note in [_explanation(comparison), *notes]:
        stream.write(f"Note: {escaped(note)}\n")


def _explanation(comparison: Comparison) -> str:
    number = len(comparison.differences)
    of = "the difference" if number == 1 else f"all {number} differences"
    return (
        f"{_MARK} p < {LEVEL} in a paired randomisation test (two-sided, {DRAWS:,} draws, or all signs where these are "
        f"fewer), corrected by Holm over {of}; intervals are not corrected."
    )


def _interval(mean: Estimate) -> str:
    return f"[{mean.low:+.4f}, {mean.high:+.4f}]"


def p_text(p: float) -> str:
    """Return a p as people write it."""
    return "<0.0001" if p < 0.0001 else f"{p:.4f}"


def rank_text(rank: float | None) -> str:
    """Return a rank, which ties may make a half; a dash where there is none."""
    return "-" if rank is None else f"{rank:g}"
