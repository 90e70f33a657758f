"""Training, and what a trained model answers: ``train``, ``run``, ``evaluate``, ``search``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ntcir.cli.options import FILE, FOLDER, config_option, data_option, set_option
from ntcir.system.errors import UserError
from ntcir.system.parallel import by_first, together
from ntcir.system.progress import say
from ntcir.system.streams import output_is_closed, write_output


@click.command()
@click.option(
    "--iters",
    type=click.IntRange(min=0),
    help="Training steps; 0 saves the model as it begins. A model that is solved has none. [default: the config's "
    "training.iters, 500]",
)
@config_option
@data_option
@set_option
@click.option(
    "--out",
    type=FOLDER,
    help="The folder of the model. [default: runs/NAME-ITERS, or runs/NAME of a model that is solved; numbered if "
    "that is taken]",
)
@click.option("--resume", is_flag=True, help="Continue an interrupted training.")
def train(
    iters: int | None, config: Path | None, data: Path | None, settings: tuple[str, ...], out: Path | None, resume: bool
) -> None:
    """Train the towers of both modalities, or solve for them at once, as the objective asks."""
    from ntcir.report.canvas import drawn
    from ntcir.report.convergence import draw_convergence
    from ntcir.report.curve import draw_curve
    from ntcir.training.trainer import train as fit
    from ntcir.workspace import fresh_folder, read_corpus, resolve

    if iters is not None:
        settings = (*settings, f"training.iters={iters}")
    with together() as own:
        resolved = resolve(config, settings, data)
        folder = out or by_first(lambda: fresh_folder(resolved.run_name, resume=resume))
        result = fit(resolved, lambda: read_corpus(resolved), folder, resume=resume)
        if own.first:
            charts = {
                "Curve": lambda: draw_curve(folder, resolved.losses),
                "Errors": lambda: draw_convergence(folder, result.epoch),
            }
            made = {name: drawn(draw) for name, draw in charts.items()} if result.steps else {}
            say(" ".join([result.sentence(), *(f"{name}: {path}" for name, path in made.items() if path)]))


@click.command()
@click.argument("topics", type=FILE)
@click.option(
    "--model", type=FOLDER, help="A model folder, as written by `ntcir train`. [default: the newest under runs/]"
)
@click.option("--data", type=FOLDER, help="The corpus folder. [default: the one the model was trained on]")
@click.option(
    "--tag", help="The run's tag (its last column), without blanks. [default: from the name of the model's folder]"
)
@click.option(
    "--pools", metavar="FILE|none", help="The candidates of each topic. [default: pools.tsv beside the topics]"
)
@click.option(
    "--depth", type=click.IntRange(min=1), default=1000, show_default=True, help="Documents per topic, without pools."
)
@click.option(
    "--split",
    help="The split that is ranked without pools: train, val, test or all. [default: test, or all if the model was "
    "trained on another corpus]",
)
@click.option(
    "--set", "settings", multiple=True, metavar="KEY.SUB=VALUE",
    help="data.split.KEY=VALUE: split the corpus in another way than the model's configuration; data.outside=true: "
    "read photographs outside images/ that records.csv names; data.pictures=DIR: one more folder of captioned "
    "pictures; features.store=DIR: where features are kept; "
    "hubness.beta=B: how much hubness counts, of a model trained with a bias against hubs; "
    "towers.MODALITY.vectors=FILE: the vectors of this corpus. Repeatable.",
)  # fmt: skip
def run(
    topics: Path, model: Path | None, data: Path | None, tag: str | None, pools: str | None, depth: int,
    split: str | None, settings: tuple[str, ...],
) -> None:  # fmt: skip
    """Answer topics; the TREC run goes to standard output."""
    if output_is_closed():  # before the work, not after it
        raise UserError(
            "Standard output is closed, but the run is written there: use `ntcir run topics.tsv > run.txt`."
        )
    from ntcir.retrieval.answering import answer

    with together() as own:
        lines = answer(topics, model, data, tag=tag, pools=pools, depth=depth, split=split, settings=settings)
    if own.first:  # all is ranked before the first line is written: a mistake leaves no half of a run
        write_output("".join(lines))


@click.command()
@click.option(
    "--model", type=FOLDER, help="A model folder, as written by `ntcir train`. [default: the newest under runs/]"
)
@click.option("--data", type=FOLDER, help="The corpus folder. [default: the one the model was trained on]")
@click.option(
    "--split",
    help="The split whose pairs ask and are ranked: train, val, test or all. [default: test, or all if the model was "
    "trained on another corpus]",
)
@click.option(
    "--pool", metavar="N|none",
    help="Pairs per pool, one pool per day (session); none: the whole split is ranked, and all partners of an item "
         "are relevant. [default: the model's topics.pool; none, where there are no days or sessions]",
)  # fmt: skip
@click.option(
    "--subset",
    type=FILE,
    help="A file of ids or of pictures' paths, one per line: only pairs with one of them ask and are ranked.",
)
@click.option(
    "--categories", is_flag=True,
    help="Print mAP over categories as well: an answer is right if it shares a category with the query. Every query "
    "ranks the whole split.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY.SUB=VALUE", help="As for `ntcir run`. Repeatable.",
)  # fmt: skip
def evaluate(
    model: Path | None, data: Path | None, split: str | None, pool: str | None, subset: Path | None, categories: bool,
    as_json: bool, settings: tuple[str, ...],
) -> None:  # fmt: skip
    """Score a model on a split without topics: every item asks, in both directions."""
    from ntcir.report.category_table import print_evaluation
    from ntcir.retrieval.evaluating import evaluate as measure
    from ntcir.retrieval.evaluating import pool_size

    with together() as own:
        report = measure(
            model, data, split=split, pool=pool_size(pool), subset=subset, categories=categories, settings=settings
        )
    if own.first:
        print_evaluation(report, sys.stdout, as_json=as_json)


@click.command()
@click.argument("query", nargs=-1)
@click.option("--image", metavar="FILE", help="Search with a picture instead: a file, or the id of one in the corpus.")
@click.option(
    "--reading", metavar="JSON", help="Search with a sensor reading instead, such as '{\"heart_rate(bpm)\": 120}'."
)
@click.option(
    "--model", type=FOLDER, help="A model folder, as written by `ntcir train`. [default: the newest under runs/]"
)
@click.option("--data", type=FOLDER, help="The corpus folder. [default: the one the model was trained on]")
@click.option("--split", help="What is searched: train, val, test or all. [default: all]")
@click.option("--k", type=click.IntRange(min=1), help="How many are found. [default: 10; with --topics 100]")
@click.option("--random", is_flag=True, help="Lay as many that are drawn at random beside them.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--open", "opened", is_flag=True, help="Open the page in the browser.")
@click.option(
    "--out", type=FOLDER,
    help="The folder of the page, the contact sheet and the hits. [default: search/ and a name made of the query]",
)  # fmt: skip
@click.option(
    "--topics", type=FILE,
    help="Search for all topics of a file instead, and print a run: columns topic_id and query, tab-separated; lines "
    "of the same id are joined.",
)  # fmt: skip
@click.option(
    "--format", "layout", type=click.Choice(["trec", "ntcir19"]),
    help="The format of the run for --topics; ntcir19 is the CSV of NTCIR-19 Lifelog. [default: trec]",
)  # fmt: skip
@click.option("--group", help="The GROUP-ID of an ntcir19 run. [default: ORG]")
@click.option("--run-id", help="The RUN-ID, or the tag, of the run. [default: from the name of the model's folder]")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY.SUB=VALUE", help="As for `ntcir run`. Repeatable.",
)  # fmt: skip
def search(
    query: tuple[str, ...], image: str | None, reading: str | None, model: Path | None, data: Path | None,
    split: str | None, k: int | None, random: bool, as_json: bool, opened: bool, out: Path | None,
    topics: Path | None, layout: Any, group: str | None, run_id: str | None, settings: tuple[str, ...],
) -> None:  # fmt: skip
    """Search a corpus for what QUERY says (- for standard input), or for what goes with a picture or a reading.

    The best items go to standard output. A page for the browser and a contact sheet are written as well. With --topics,
    only a run is written, to standard output.
    """
    wanted = {"format": layout, "group": group, "run": run_id}
    if topics is not None:
        others = {
            "QUERY": query, "--image": image, "--reading": reading, "--random": random, "--json": as_json,
            "--open": opened, "--out": out,
        }  # fmt: skip
        if beside := [name for name, value in others.items() if value not in {None, False, ()}]:
            raise UserError(f"--topics and {beside[0]} cannot be given together: of topics, only a run is written.")
        _search_topics(topics, model, data, split, settings, {**wanted, "depth": k})
        return
    for option, value in (("--format", layout), ("--group", group), ("--run-id", run_id)):
        if value is not None:
            raise UserError(f"{option} is about a run: name the topics with --topics FILE, or leave it out.")
    from ntcir.retrieval.queries import given

    asked = given(query, image, reading)  # before what takes seconds to import
    from ntcir.report import searches
    from ntcir.report.own_folders import open_in_browser
    from ntcir.retrieval.searching import search as find

    folder = searches.folder_for(asked, out)  # before the work, not after it
    findings = find(asked, model, data, k=k or 10, split=split, random=random, settings=settings)
    searches.write_search(findings, folder)
    write_output(searches.as_json(findings) if as_json else searches.as_lines(findings))
    say(f"{folder}: {', '.join(searches.FILES)}")
    if opened:
        open_in_browser(folder / searches.PAGE)


def _search_topics(
    topics: Path, model: Path | None, data: Path | None, split: str | None, settings: Sequence[str],
    wanted: Mapping[str, Any],
) -> None:  # fmt: skip
    """Print the run for a file of topics."""
    if output_is_closed():  # before the work, not after it
        raise UserError("Standard output is closed, but the run is written there: use `--topics FILE > run.txt`.")
    from ntcir.retrieval.batch import Wanted, search_topics

    given = {name: value for name, value in wanted.items() if value is not None}
    write_output(search_topics(topics, model, data, Wanted(**given), split=split, settings=settings))
