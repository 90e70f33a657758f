"""An ablation as a table to read, a table to compute with, and a chart."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ntcir.ablation import Estimate, Row, Table
from ntcir.modalities import direction as direction_named
from ntcir.report.canvas import COLOURS, canvas, drawn
from ntcir.system.errors import escaped
from ntcir.system.files import atomic_path, atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RESULTS, TABLE, CHART = "results.csv", "table.md", "chart.png"
HATCHES = ("", "///", "...")  # beyond as many methods as there are colours


def write_report(table: Table) -> None:
    """Write ``results.csv``, ``table.md`` and ``chart.png`` into the ablation's folder."""
    write_csv(table, table.folder / RESULTS)
    atomic_write(table.folder / TABLE, markdown(table))
    drawn(lambda: draw_chart(table, table.folder / CHART))


def write_csv(table: Table, path: Path) -> None:
    """Write one line a row; differences are empty for the method that others are compared with."""
    header = ["iterations", "method", "weights", "seeds", "folds", "topics"]
    for direction in table.directions:
        header += [direction, f"{direction}_low", f"{direction}_high", f"{direction}_seed_sd", f"{direction}_random"]
        header += [f"{direction}_difference", f"{direction}_difference_low", f"{direction}_difference_high"]
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*header, "seconds", "config"])
        for row in table.rows:
            cells: list[Any] = [row.cell.iterations, row.cell.method, row.cell.weights]
            cells += [" ".join(map(str, table.seeds)), "; ".join(table.folds), _topics(row)]
            for direction in table.directions:
                cells += [*_numbers(row.mrr[direction]), _rounded(row.deviation[direction])]
                cells += [_rounded(table.random[direction]), *_numbers(row.difference.get(direction))]
            writer.writerow([*cells, f"{row.seconds:.2f}", row.config])


def _topics(row: Row) -> str:
    """Return how many topics a direction has; by direction where that differs."""
    if not row.by_direction:
        return str(row.topics)
    return " ".join(f"{direction}:{number}" for direction, number in row.by_direction.items())


def _numbers(estimate: Estimate | None) -> list[str]:
    return (
        [""] * 3 if estimate is None else [_rounded(value) for value in (estimate.value, estimate.low, estimate.high)]
    )


def _rounded(value: float) -> str:
    return f"{value + 0:.6f}"  # + 0: no "-0"


def markdown(table: Table) -> str:
    """Return the table in Markdown, with the explanations needed to read it."""
    lines = [f"# {_plain(table.name)}", "", *_explanation(table), ""]
    columns = [f"{direction} | difference" for direction in table.directions]
    chances = [f"{table.random[direction]:.4f} |" for direction in table.directions]
    lines.append(f"| iterations | weights | method | {' | '.join(columns)} | seconds | config |")
    lines.append(f"|---:|---|---|{'---|---|' * len(columns)}---:|---|")
    lines.append(f"| | | random | {' | '.join(chances)} | | |")
    lines += [_markdown_row(row) for row in table.rows]
    if len(table.rows) < table.of:
        lines += ["", f"{len(table.rows)} of {table.of} rows: run the same command again to continue."]
    return "\n".join(lines) + "\n"


def _markdown_row(row: Row) -> str:
    cells = [str(row.cell.iterations), _plain(row.cell.weights), _plain(row.cell.method)]
    for direction, mrr in row.mrr.items():
        difference = row.difference.get(direction)
        cells.append(f"{mrr.value:.4f} [{mrr.low:.3f}, {mrr.high:.3f}]")
        cells.append("" if difference is None else _difference(difference))
    cells += [f"{row.seconds:.1f}", f"[{Path(row.config).name}]({row.config})"]
    return f"| {' | '.join(cells)} |"


def _difference(estimate: Estimate) -> str:
    text = f"{estimate.value:+.4f} [{estimate.low:+.4f}, {estimate.high:+.4f}]"
    return f"**{text}**" if estimate.is_real else text


def _explanation(table: Table) -> list[str]:
    """Return sentences on what the figures are."""
    folds = f", over {len(table.folds)} folds ({_plain(', '.join(table.folds))})" if table.folds else ""
    first = _plain(table.methods[0])
    seeds = (
        " The interval says nothing of other seeds: `results.csv` has the standard deviation between them."
        if len(table.seeds) > 1
        else " The interval says nothing of other seeds."
    )
    lines = [
        f"Corpus `{_plain(table.corpus)}`: MRR{_mean(table)} over {_asked(table)}{folds}; "
        f"{_trainings(table.seeds)}. In brackets the 95% percentile bootstrap interval over {table.draws.what}; a "
        f"topic asked of several trainings counts once, with its mean.{seeds}",
    ]
    if table.draws.notes:
        lines += ["", " ".join(table.draws.notes)]
    compared = [estimate for row in table.rows for estimate in row.difference.values()]
    if len(table.methods) > 1:
        real = sum(estimate.is_real for estimate in compared)
        lines += [
            "",
            f"*difference*: to `{first}` at the same iterations and weights, paired by topic, with its own interval; "
            f"**bold** where that leaves out 0: {real} of {len(compared)}. "
            f"Of as many methods that change nothing, about {len(compared) / 20:.0f} would be bold by chance.",
        ]
    return lines


def _mean(table: Table) -> str:
    return " (by the best-ranked relevant document)" if table.best else ""


def _asked(table: Table) -> str:
    """Return what was asked: how many topics, among which candidates."""
    among = "each of which ranks the whole test split" if table.whole else f"in pools of {table.pool}"
    if table.rows and (counts := table.rows[0].by_direction):
        return f"{' and '.join(f'{number} topics {name}' for name, number in counts.items())}, {among}"
    return f"{max((row.topics for row in table.rows), default=0)} topics a direction, {among}"


def _trainings(seeds: Sequence[int]) -> str:
    listed = ", ".join(map(str, seeds))
    return f"one training each, seed {listed}" if len(seeds) == 1 else f"{len(seeds)} trainings each, seeds {listed}"


def _plain(text: str) -> str:
    """Return text that is no markup within a cell."""
    return (
        escaped(" ".join(text.split())).replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*").replace("`", "'")
    )


def draw_chart(table: Table, path: Path) -> Path:
    """Draw MRR by iterations, a bar with its interval a method, a panel for each direction and weights."""
    width = max(6.0, 0.9 + _panel_width(table) * len(table.weights))  # inches
    with canvas(path, figsize=(width, 6.4), dpi=130, layout="constrained") as figure:
        _draw_panels(figure, table)
    return path


def _panel_width(table: Table) -> float:
    return max(2.8, 0.9 + 0.17 * len(table.methods) * len(table.iterations))


def _draw_panels(figure: Figure, table: Table) -> None:
    columns = len(table.weights)
    panels = figure.subplots(len(table.directions), columns, sharex=True, sharey="row", squeeze=False)
    for direction, line in zip(table.directions, panels, strict=True):
        for weights, axes in zip(table.weights, line, strict=True):
            _draw_panel(axes, table, direction, weights)
        line[0].set_ylabel(f"{_title(direction)}\nMRR")
        highest = max((row.mrr[direction].high for row in table.rows), default=0.1)
        line[0].set_ylim(0, max(highest, table.random[direction]) * 1.08)
    for weights, axes in zip(table.weights, panels[0], strict=True):
        axes.set_title(_short(weights), fontsize=11, parse_math=False)
    for axes in panels[-1]:
        axes.set_xlabel("iterations")
    handles, labels = panels[0][0].get_legend_handles_labels()
    handles, labels = handles[1:] + handles[:1], labels[1:] + labels[:1]  # matplotlib puts the line, random, first
    fitting = int(figure.get_figwidth() * 11 / (max(map(len, labels)) + 6))  # names beside each other
    legend = figure.legend(
        handles, labels, loc="outside lower center", ncols=max(1, min(len(labels), fitting)), frameon=False
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _title(direction: str) -> str:
    asks, answers = direction_named(direction)
    return f"{asks.noun} to {answers.noun} ({direction})"


def _draw_panel(axes: Axes, table: Table, direction: str, weights: str) -> None:
    places = {iterations: place for place, iterations in enumerate(table.iterations)}
    count = len(table.methods)
    step = min(0.8 / count, 0.3)
    for number, method in enumerate(table.methods):
        rows = [row for row in table.rows if (row.cell.weights, row.cell.method) == (weights, method)]
        estimates = [row.mrr[direction] for row in rows]
        values = [estimate.value for estimate in estimates]
        axes.bar(
            [places[row.cell.iterations] + (number - (count - 1) / 2) * step for row in rows],
            values,
            width=0.86 * step,
            # A mean is within its interval but for the last digits.
            yerr=[
                [max(0.0, estimate.value - estimate.low) for estimate in estimates],
                [max(0.0, estimate.high - estimate.value) for estimate in estimates],
            ],
            color=COLOURS[number % len(COLOURS)],
            hatch=HATCHES[number // len(COLOURS) % len(HATCHES)],
            edgecolor="white",
            linewidth=0,
            error_kw={"ecolor": "#111111", "elinewidth": 1.1, "capsize": 2},
            label=_short(method),
        )
    axes.axhline(table.random[direction], color="#111111", linestyle=(0, (4, 3)), linewidth=1.2, label="random")
    axes.set_xticks(list(places.values()), [f"{iterations:,}" for iterations in table.iterations])
    axes.set_xlim(-0.55, len(places) - 0.45)
    axes.grid(axis="y", color="#ececec", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.spines[["top", "right"]].set_visible(False)


def _short(name: str) -> str:
    return name if len(name) <= 32 else f"{name[:31]}…"
