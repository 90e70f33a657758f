"""Several runs made one: ``fuse``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ntcir.cli.options import FILE
from ntcir.system.errors import UserError
from ntcir.system.streams import output_is_closed, write_output


@click.command()
@click.argument("runs", nargs=-1, required=True, type=FILE, metavar="RUN RUN...")
@click.option(
    "--method", type=click.Choice(["rrf", "combsum", "combmnz"]), default="rrf", show_default=True,
    help="Reciprocal rank fusion; or the sum of scores standardised by topic; or that times the number of runs that "
    "rank the document.",
)  # fmt: skip
@click.option("--k", type=click.IntRange(0, 10_000), help="Of rrf: a document adds 1 / (k + rank). [default: 60]")
@click.option("--weights", metavar="W,W,...", help="A weight for each run, such as 2,1. [default: equal]")
@click.option(
    "--tune-on", type=FILE, multiple=True, metavar="RUN",
    help="Choose the weights on other topics: a run over these of each system, in the order of the runs; repeatable.",
)  # fmt: skip
@click.option("--tune-qrels", type=FILE, help="The relevance judgements of the topics that weights are tuned on.")
@click.option("--depth", type=click.IntRange(min=1), help="Documents per topic. [default: all]")
@click.option("--tag", default="fused", show_default=True, help="The tag of the fused run.")
@click.option(
    "--run-format", type=click.Choice(["trec", "transfer", "lifelog"]), default="trec", show_default=True,
    help="The format that is written.",
)  # fmt: skip
@click.option("--group", help="The group id, in CSV. [default: ORG]")
def fuse(
    runs: tuple[Path, ...], method: Any, k: int | None, weights: str | None, tune_on: tuple[Path, ...],
    tune_qrels: Path | None, depth: int | None, tag: str, run_format: Any, group: str | None,
) -> None:  # fmt: skip
    """Fuse two or more runs over the same topics; the fused run goes to standard output.

    A run is TREC, the organisers' CSV, or the CSV of NTCIR-19 Lifelog, in any combination. Each may be gzipped.
    """
    if output_is_closed():  # before the work, not after it
        raise UserError(
            "Standard output is closed, but the run is written there: use `ntcir fuse one.txt two.txt > fused.txt`."
        )
    from ntcir.fusion import fuse_files

    text = fuse_files(
        runs, method=method, k=k, weights=weights, tune_on=tune_on, tune_qrels=tune_qrels, depth=depth, tag=tag,
        layout=run_format, group=group,
    )  # fmt: skip
    write_output(text)
