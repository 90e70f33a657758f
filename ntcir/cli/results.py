"""What came of it: ``score``, ``compare``, ``show``, ``ablate``, ``tune``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from ntcir.cli.options import FILE, FOLDER, blocks_option, data_option
from ntcir.system.errors import UserError
from ntcir.system.progress import say
from ntcir.system.streams import write_output


@click.command()
@click.argument("run", type=FILE, default=Path("run.txt"))
@click.option(
    "--qrels", type=FILE, help="The relevance judgements. [default: topics/qrels.txt; for a CSV run topics/qrels.csv]"
)
@click.option(
    "--pools", metavar="FILE|none",
    help="The candidates of each topic. [default: pools.tsv beside the qrels; those in CSV qrels]",
)  # fmt: skip
@click.option(
    "--topics", type=FILE,
    help="The topics, for figures by direction: columns topic_id and query or direction, tab-separated. [default: "
    "topics.tsv beside the qrels; of CSV qrels, input.topics.tsv if there]",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--per-topic", is_flag=True, help="Print each topic's rank.")
@click.option(
    "--mrr", type=click.Choice(["official", "best"]),
    help="For topics with several relevant rows: the organisers' mean of rel/rank over rows, or 1/rank of the "
    "best-ranked one. [default: official; best, if all topics are of a pair other than photographs and readings]",
)  # fmt: skip
@click.option("--measures", metavar="'RR@10 nDCG@10 ...'", help="Further measures, named as in ir_measures.")
@blocks_option
@click.option(
    "--write-run",
    type=FILE,
    help="Also write the run: as CSV to FILE.csv, as TREC to any other name; gzipped to FILE.gz.",
)
@click.option("--write-qrels", type=FILE, help="Also write the qrels, in the same way; ids are spelled alike in both.")
@click.option(
    "--run-format", type=click.Choice(["trec", "transfer", "lifelog"]),
    help="The format of --write-run. [default: from the name; for CSV, the run's own CSV format, or transfer]",
)  # fmt: skip
@click.option("--group", help="The group id for --write-run FILE.csv. [default: the run's own, or ORG]")
def score(
    run: Path, qrels: Path | None, pools: str | None, topics: Path | None, as_json: bool, per_topic: bool, mrr: Any,
    measures: str | None, blocks: str | None, write_run: Path | None, write_qrels: Path | None, run_format: Any,
    group: str | None,
) -> None:  # fmt: skip
    """Score a run (default: run.txt; - for standard input) by MRR, as NTCIR does.

    A run is TREC, the organisers' CSV, or the CSV of NTCIR-19 Lifelog; qrels are TREC or CSV. Each may be gzipped.
    """
    from ntcir.report.score_table import score_files

    score_files(
        run, qrels, sys.stdout, pools=pools, topics=topics, as_json=as_json, per_topic=per_topic, mrr=mrr,
        names=measures, write_run=write_run, write_qrels=write_qrels, layout=run_format, group=group,
        blocks=blocks,
    )  # fmt: skip


@click.command()
@click.argument("runs", type=FILE, nargs=-1, required=True, metavar="RUN RUN ...")
@click.option(
    "--qrels", type=FILE, help="The relevance judgements. [default: topics/qrels.txt; topics/qrels.csv if the first "
    "run is CSV]"
)  # fmt: skip
@click.option("--pools", metavar="FILE|none", help="The candidates of each topic. [default: as in ntcir score]")
@click.option(
    "--topics", type=FILE, help="The topics, for figures by direction and times. [default: as in ntcir score]"
)
@click.option("--mrr", type=click.Choice(["official", "best"]), help="Which mean MRR is. [default: as in ntcir score]")
@click.option(
    "--measure", "--measures", "measures", multiple=True, metavar="'nDCG@10 ...'",
    help="A measure beside MRR, named as in ir_measures; repeatable.",
)  # fmt: skip
@blocks_option
@click.option("--all-pairs", is_flag=True, help="Compare each run with all before it. [default: with the first]")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the intervals and the tests."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--latex", is_flag=True, help="Print a LaTeX table, for the package booktabs.")
@click.option("--chart", type=FILE, metavar="FILE.png", help="Also draw the differences with their intervals.")
def compare(
    runs: tuple[Path, ...], qrels: Path | None, pools: str | None, topics: Path | None, mrr: Any,
    measures: tuple[str, ...], blocks: str | None, all_pairs: bool, seed: int, as_json: bool, latex: bool,
    chart: Path | None,
) -> None:  # fmt: skip
    """Compare runs over the same topics: which differences from the first are real?

    Prints MRR with its 95% interval, paired differences with interval and p (a randomisation test, corrected by Holm),
    wins, losses and ties, and the topics that differ most. Runs may be of different formats, as in ntcir score.

    \b
    Examples:
      ntcir compare base.txt new.txt
      ntcir compare base.txt new.txt fused.txt --all-pairs --chart differences.png
      ntcir compare base.txt new.txt --measure nDCG@10 --blocks 30s --latex > table.tex
    """
    from ntcir.report.comparison_files import compare_files

    if as_json and latex:
        raise UserError("--json and --latex cannot be given together: choose one of them.")
    compare_files(
        runs, qrels, sys.stdout, pools=pools, topics=topics, mrr=mrr, measures=" ".join(measures) or None,
        blocks=blocks, all_pairs=all_pairs, seed=seed,
        form="json" if as_json else "latex" if latex else "table", chart=chart,
    )  # fmt: skip


@click.command()
@click.argument("topic_id")
@click.option("--run", type=FILE, default=Path("run.txt"), show_default=True)
@click.option("--topics", type=FILE, default=Path("topics.tsv"), show_default=True)
@click.option("--out", type=FILE, help="The PNG to write. [default: show-TOPIC_ID.png]")
@click.option("--data", type=FOLDER, help="The corpus folder. [default: the newest model's]")
def show(topic_id: str, run: Path, topics: Path, out: Path | None, data: Path | None) -> None:
    """Draw a topic and its ten best candidates."""
    from ntcir.report.show import draw_topic

    place = out or Path(f"show-{topic_id.replace(os.sep, '-')}.png")
    write_output(f"{draw_topic(topic_id, run, topics, place, data)}\n")


@click.command()
@click.argument("config", type=FILE)
@click.option("--out", type=FOLDER, help="The folder of all results. [default: runs/ablate-NAME]")
@data_option
def ablate(config: Path, out: Path | None, data: Path | None) -> None:
    """Measure what each part of a method contributes, by a grid of trainings that CONFIG describes."""
    from ntcir.ablation import run_ablation
    from ntcir.report.ablation import CHART, RESULTS, TABLE, write_report

    folder = run_ablation(config, data, out, write_report)
    say(f"{folder}: {', '.join(name for name in (RESULTS, TABLE, CHART) if (folder / name).is_file())}")


@click.command()
@click.argument("config", type=FILE)
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    help="How many trials each stage has in all. [default: as CONFIG says, or 20]",
)
@click.option("--out", type=FOLDER, help="The folder of all results. [default: runs/tune-NAME]")
@data_option
def tune(config: Path, trials: int | None, out: Path | None, data: Path | None) -> None:
    """Look for good values of the keys that CONFIG names, by trainings that are measured on the validation split."""
    from ntcir.report.canvas import drawn
    from ntcir.report.tuning import BEST, CHART, TABLE, TRIALS, draw_chart, write_report
    from ntcir.tuning import run_tuning

    tuned = run_tuning(config, data, out, trials, write_report)
    drawn(lambda: draw_chart(tuned))
    written = ", ".join(name for name in (TRIALS, TABLE, BEST, CHART) if (tuned.folder / name).is_file())
    say(f"{tuned.folder}: {written}; the best validation MRR is {tuned.best.value:.4f}.")
