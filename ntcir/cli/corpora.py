"""What a corpus is made of and asked: ``demo``, ``build-topics``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ntcir.cli.options import FOLDER, config_option, data_option, set_option
from ntcir.system.errors import UserError
from ntcir.system.progress import say


@click.command()
@click.argument("folder", metavar="[DIR]", type=FOLDER, default=Path("data/demo"))
@click.option("--days", type=int, default=16, show_default=True, help="Number of days, around 1 March 2020.")
@click.option("--per-day", type=int, default=120, show_default=True, help="Photographs per day.")
@click.option("--seed", type=int, default=0, show_default=True)
def demo(folder: Path, days: int, per_day: int, seed: int) -> None:
    """Write a synthetic lifelog (default DIR: data/demo)."""
    from ntcir.system.progress import progress

    try:
        from ntcir_demo import write_demo
    except ModuleNotFoundError as error:
        if error.name != "ntcir_demo":
            raise
        raise UserError(
            "The demo is not part of this installation: install ntcir as described in the README."
        ) from error

    with progress("Drawing photographs", days * per_day) as advance:
        summary = write_demo(folder, days=days, per_day=per_day, seed=seed, progress=lambda done, total: advance(1))
    there = "" if summary.written else " (already there)"
    say(f"{summary.folder}: a synthetic lifelog of {summary.days} days, {summary.photographs:,} photographs{there}")


@click.command("build-topics")
@data_option
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="First day. [default: the test split]")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Last day, inclusive. [default: the test split]")
@click.option(
    "--pool", type=click.IntRange(min=2),
    help="Candidates per topic. [default: the config's topics.pool, 200; of a corpus without days or sessions, none: "
    "the whole split is ranked]",
)  # fmt: skip
@click.option(
    "--topics", "number", type=click.IntRange(min=1),
    help="Topics per direction, drawn at random, of a corpus without days or sessions. [default: every item of the "
    "test split]",
)  # fmt: skip
@click.option(
    "--topics-per-day", "per_day", type=click.IntRange(min=1), help="Topics per direction and day. [default: 1]"
)
@click.option("--skip-short-days", is_flag=True, help="Skip days that have fewer minutes than the pool.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--out", type=FOLDER, default=Path("topics"), show_default=True)
@click.option(
    "--format", "layout", type=click.Choice(["trec", "official"]), default="trec", show_default=True,
    help="official: the same topics as the organisers' input.json, with pixels, and qrels.csv; and input.topics.tsv, "
    "from which `score` takes the directions.",
)  # fmt: skip
@click.option(
    "--reader", type=click.Choice(["ntcir", "torchvision"]),
    help="The image reader of the official format. ntcir: upright RGB, as in training. torchvision: as in the "
    "organisers' code; a grey file has one channel, and the EXIF orientation is ignored.  [default: ntcir]",
)  # fmt: skip
@config_option
@set_option
def build_topics(
    data: Path | None, first: Any, last: Any, pool: int | None, number: int | None, per_day: int | None,
    skip_short_days: bool, seed: int, out: Path, layout: str, reader: str | None, config: Path | None,
    settings: tuple[str, ...],
) -> None:  # fmt: skip
    """Sample topics, with their pools and relevance judgements."""
    if reader and layout != "official":
        raise UserError("--reader needs --format official: the other files hold no pixels.")
    from ntcir.sampling.asked_topics import TopicRequest, draw_topics
    from ntcir.submission.pair import require_official
    from ntcir.system.claims import claimed
    from ntcir.workspace import read_corpus, resolve

    resolved = resolve(config, settings, data)
    if layout == "official":
        require_official(resolved.pair)
    click.get_current_context().with_resource(claimed(out))
    corpus = read_corpus(resolved)
    request = TopicRequest(first and first.date(), last and last.date(), pool, per_day, number, seed, skip_short_days)
    topics = draw_topics(corpus, request, resolved)
    if layout == "official":
        from ntcir.submission.readers import TorchvisionReader, read_upright
        from ntcir.submission.write import OfficialTopics

        theirs = TorchvisionReader() if reader == "torchvision" else None
        say(OfficialTopics(topics, corpus, theirs or read_upright).save(out))
        for remark in theirs.remarks() if theirs else []:
            say(remark)
    else:
        topics.save(out)
        say(f"{out}: {topics.sentence()}")
    corpus.report.save_dropped(out / "dropped.csv")
