r"""A comparison of runs as a LaTeX table, for a paper: ``\usepackage{booktabs}`` is all that it needs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ntcir.comparing import Comparison
from ntcir.comparing.comparison import LEVEL

_SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}  # fmt: skip
_ESCAPED = re.compile("|".join(map(re.escape, _SPECIAL)))
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def latex(comparison: Comparison) -> str:
    """Return a table with a row for each run and a column for each measure and group.

    A run has a letter; those of runs from which it differs significantly are raised behind its figure. The best figure
    of a column is bold.
    """
    letters = {run: _letter(number) for number, run in enumerate(comparison.runs)}
    groups = list(comparison.topics)
    columns = [(measure, group) for measure in comparison.measures for group in groups]
    values = {(each.run, each.measure, each.group): each.mean.value for each in comparison.values}
    best = {column: max(values[run, *column] for run in comparison.runs) for column in columns}
    marks: dict[tuple[str, str, str], list[str]] = {}
    for each in comparison.differences:
        if each.is_significant:
            marks.setdefault((each.run, each.measure, each.group), []).append(letters[each.base])
    lines = [
        f"% {_explanation(comparison)}",
        r"\begin{tabular}{ll" + "r" * len(columns) + "}",
        r"\toprule",
        *_headings(comparison.measures, groups),
        r"\midrule",
    ]
    for run in comparison.runs:
        cells = [
            _cell(values[run, *column], values[run, *column] == best[column], marks.get((run, *column), []))
            for column in columns
        ]
        lines.append(f"{letters[run]} & {escape(run)} & {' & '.join(cells)} \\\\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def escape(text: str) -> str:
    """Return text that LaTeX shows as it is; control characters become blanks."""
    return _ESCAPED.sub(lambda found: _SPECIAL[found[0]], _UNSEEN.sub(" ", text))


def _headings(measures: Sequence[str], groups: Sequence[str]) -> list[str]:
    over = [f"\\multicolumn{{{len(groups)}}}{{c}}{{{escape(measure)}}}" for measure in measures]
    rules = [
        f"\\cmidrule(lr){{{3 + number * len(groups)}-{2 + (number + 1) * len(groups)}}}"
        for number in range(len(measures))
    ]
    under = [escape(group) for _ in measures for group in groups]
    return [f" & run & {' & '.join(over)} \\\\", " ".join(rules), f" & & {' & '.join(under)} \\\\"]


def _cell(value: float, best: bool, marks: Sequence[str]) -> str:
    figure = f"{value:.4f}"
    raised = f"\\rlap{{$^{{\\mathrm{{{','.join(marks)}}}}}$}}" if marks else ""
    return (f"\\textbf{{{figure}}}" if best else figure) + raised


def _letter(number: int) -> str:
    """Return a, b, ..., z, aa, ab, ..."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return letters


def _explanation(comparison: Comparison) -> str:
    topics = ", ".join(f"{number} topics of {group}" for group, number in comparison.topics.items())
    return (
        f"needs \\usepackage{{booktabs}}; {topics}. A raised letter names a run from which this one differs "
        f"significantly (paired randomisation test, two-sided, p < {LEVEL} after Holm's correction over "
        f"{len(comparison.differences)} comparisons)."
    )
