"""The verbs: parse, call one function, print. What is slow to import is imported where it is used."""

from __future__ import annotations

from ntcir.system.interruption import importing

with importing():
    import json
    import os
    import sys
    from pathlib import Path
    from typing import Any

    import click

    from ntcir import __version__
    from ntcir.system.errors import UserError
    from ntcir.system.parallel import by_first, together
    from ntcir.system.progress import say
    from ntcir.system.streams import output_is_closed, write_output
    from ntcir.verbs import Verbs

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)

data_option = click.option(
    "--data", type=FOLDER,
    help="The corpus folder: a Lifelog-6 export, or images/ with records.csv (columns: file, timestamp in ISO 8601, "
    "EXIF or epoch time, optionally session, readings). Photographs outside images/ are read only with --set "
    "data.outside=true. [default: $NTCIR_DATA, the config's data.path, data/demo]",
)  # fmt: skip
config_option = click.option(
    "--config",
    type=FILE,
    help="The configuration, a YAML file. [default: ntcir.yaml in the corpus folder, if there is one; it may not name "
    "places outside that folder]",
)
set_option = click.option(
    "--set", "settings", multiple=True, metavar="KEY.SUB=VALUE", help="Change one key of the configuration; repeatable."
)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="ntcir")
def main() -> None:
    """Dense retrieval between lifelog photographs and sensor readings, for the NTCIR Transfer task.

    \b
    Without a lifelog of your own, run these in one folder:
      ntcir demo
      ntcir build-topics
      ntcir train --iters 500
      ntcir run topics.tsv > run.txt
      ntcir score
    """


@main.command()
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


@main.command("build-topics")
@data_option
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="First day. [default: the test split]")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Last day, inclusive. [default: the test split]")
@click.option(
    "--pool", type=click.IntRange(min=2), help="Candidates per topic. [default: the config's topics.pool, 200]"
)
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
    data: Path | None, first: Any, last: Any, pool: int | None, per_day: int | None, skip_short_days: bool, seed: int,
    out: Path, layout: str, reader: str | None, config: Path | None, settings: tuple[str, ...],
) -> None:  # fmt: skip
    """Sample topics, with their pools and relevance judgements."""
    if reader and layout != "official":
        raise UserError("--reader needs --format official: the other files hold no pixels.")
    from ntcir.sampling.topics import build_topics as draw
    from ntcir.sampling.topics import topic_pairs
    from ntcir.system.claims import claimed
    from ntcir.workspace import read_corpus, resolve

    resolved = resolve(config, settings, data)
    click.get_current_context().with_resource(claimed(out))
    corpus = read_corpus(resolved)
    pairs = topic_pairs(corpus, first and first.date(), last and last.date())
    size, number = pool or resolved.topics.pool, per_day or resolved.topics.per_day
    topics = draw(corpus, pairs, pool=size, per_day=number, seed=seed, skip_short=skip_short_days)
    if layout == "official":
        from ntcir.submission.readers import TorchvisionReader, read_upright
        from ntcir.submission.write import OfficialTopics

        theirs = TorchvisionReader() if reader == "torchvision" else None
        say(OfficialTopics(topics, corpus, theirs or read_upright).save(out))
        for remark in theirs.remarks() if theirs else []:
            say(remark)
    else:
        topics.save(out)
        say(f"{out}: {len(topics.topics)} topics with {size} candidates each (topics.tsv, pools.tsv, qrels.txt)")
    corpus.report.save_dropped(out / "dropped.csv")


@main.group(cls=Verbs)
def features() -> None:
    """Extract and store features of photographs."""


@features.command()
@data_option
@click.option(
    "--backend", type=click.Choice(["auto", "eager", "compile", "openvino"]),
    help="The inference backend. [default: the config's, auto: the fastest for the size of the job]",
)  # fmt: skip
@config_option
@set_option
def images(data: Path | None, backend: str | None, config: Path | None, settings: tuple[str, ...]) -> None:
    """Encode every photograph with the image networks; features that are stored already are kept."""
    # Before torch is loaded: its threads are not to spin while they wait, for decoding goes on beside them.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from ntcir.features.image_features import encode_corpus
    from ntcir.workspace import read_corpus, resolve

    if backend is not None:
        settings = (*settings, f"features.backend={backend}")
    with together():
        resolved = resolve(config, settings, data)
        say(encode_corpus(read_corpus(resolved, splits=False), resolved.features))


@features.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@config_option
@set_option
def status(data: Path | None, as_json: bool, config: Path | None, settings: tuple[str, ...]) -> None:
    """Show what is stored for a corpus: done, failed and missing photographs, one line per store."""
    from ntcir.features import status as report
    from ntcir.workspace import read_corpus, resolve

    resolved = resolve(config, settings, data)
    stores = report.corpus_status(read_corpus(resolved, splits=False), resolved.features.store)
    write_output((report.as_json(stores) if as_json else report.as_table(stores)) + "\n")


@features.command()
@data_option
@click.option(
    "--detector", metavar="WEIGHTS",
    help="A .pt file, an OpenVINO folder, an .onnx file, or `demo`. [default: the config's, yolo11n.pt]",
)  # fmt: skip
@click.option(
    "--csv", "table", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    help="Write all detections to this CSV file; - for standard output.",
)  # fmt: skip
@config_option
@set_option
def objects(
    data: Path | None, detector: str | None, table: Path | None, config: Path | None, settings: tuple[str, ...]
) -> None:
    """Detect the objects in every photograph."""
    from ntcir.features.objects import detect_corpus
    from ntcir.workspace import read_corpus, resolve

    if detector is not None:
        settings = (*settings, f"objects.detector={json.dumps(detector)}")
    resolved = resolve(config, settings, data)
    say(detect_corpus(read_corpus(resolved, splits=False), resolved, table))


@main.command()
@click.option("--iters", type=click.IntRange(min=1), help="Training steps. [default: the config's training.iters, 500]")
@config_option
@data_option
@set_option
@click.option(
    "--out", type=FOLDER, help="The folder of the model. [default: runs/NAME-ITERS, numbered if that is taken]"
)
@click.option("--resume", is_flag=True, help="Continue an interrupted training.")
def train(
    iters: int | None, config: Path | None, data: Path | None, settings: tuple[str, ...], out: Path | None, resume: bool
) -> None:
    """Train the towers of both modalities."""
    from ntcir.report.canvas import drawn
    from ntcir.report.curve import draw_curve
    from ntcir.training.trainer import train as fit
    from ntcir.workspace import fresh_folder, read_corpus, resolve

    if iters is not None:
        settings = (*settings, f"training.iters={iters}")
    with together() as own:
        resolved = resolve(config, settings, data)
        name = f"{resolved.name}-{resolved.training.iters}"
        folder = out or by_first(lambda: fresh_folder(name, resume=resume))
        result = fit(resolved, lambda: read_corpus(resolved), folder, resume=resume)
        if own.first:
            curve = drawn(lambda: draw_curve(folder))
            say(f"{result.sentence()}{f' Curve: {curve}' if curve else ''}")


@main.command()
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
    "read photographs outside images/ that records.csv names; features.store=DIR: where features are kept; "
    "towers.MODALITY.vectors=FILE: the vectors of this corpus. Repeatable.",
)  # fmt: skip
def run(
    topics: Path, model: Path | None, data: Path | None, tag: str | None, pools: str | None, depth: int,
    split: str | None, settings: tuple[str, ...],
) -> None:  # fmt: skip
    """Answer topics; the TREC run goes to standard output."""
    if output_is_closed():  # before the work, not after it
        raise UserError(
            "Standard output, to which the run is written, is closed: use `ntcir run topics.tsv > run.txt`."
        )
    from ntcir.retrieval.answering import answer

    with together() as own:
        lines = answer(topics, model, data, tag=tag, pools=pools, depth=depth, split=split, settings=settings)
    if own.first:  # all is ranked before the first line is written: a mistake leaves no half of a run
        write_output("".join(lines))


@main.command()
@click.option("--model", type=FOLDER, help="A folder that `ntcir train` wrote. [default: the newest under runs/]")
@click.option("--data", type=FOLDER, help="The corpus folder. [default: the one the model was trained on]")
@click.option(
    "--split",
    help="Whose pairs ask and are ranked: train, val, test or all. [default: test, or all if the model was trained on "
    "another corpus]",
)
@click.option(
    "--pool", metavar="N|none",
    help="Pairs a pool, one pool a day (session); none: the whole split is ranked, and all partners of an item are "
    "relevant. [default: the model's topics.pool]",
)  # fmt: skip
@click.option("--subset", type=FILE, help="A file of ids, one a line: only pairs with one of them ask and are ranked.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY.SUB=VALUE", help="As of `ntcir run`. Repeatable.",
)  # fmt: skip
def evaluate(
    model: Path | None, data: Path | None, split: str | None, pool: str | None, subset: Path | None, as_json: bool,
    settings: tuple[str, ...],
) -> None:  # fmt: skip
    """Score a model on a split without topics: every item asks, in both directions."""
    from ntcir.report.score_table import print_scores
    from ntcir.retrieval.evaluating import evaluate as measure
    from ntcir.retrieval.evaluating import pool_size

    with together() as own:
        report = measure(model, data, split=split, pool=pool_size(pool), subset=subset, settings=settings)
    if own.first:
        print_scores(report, {}, sys.stdout, as_json=as_json, per_topic=False)


@main.command()
@click.argument("source", metavar="INPUT.json")
@click.argument("target", metavar="OUTPUT.csv")
@click.option(
    "--model", type=FOLDER, help="A model folder, as written by `ntcir train`. [default: the newest under runs/]"
)
@click.option(
    "--group", metavar="ORG", default="ORG", show_default=True, help="The group id: at most 5 letters or digits."
)
@click.option(
    "--run", metavar="RUN", default="baseline", show_default=True, help="The run id: at most 10 letters or digits."
)
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
    help="The device of the image networks; auto: the GPU, if torch finds one.",
)  # fmt: skip
def predict(source: str, target: str, model: Path | None, group: str, run: str, device: str) -> None:
    """Score the organisers' input (.json, .json.gz, - for standard input) and write their CSV.

    Images are channels x height x width (or height x width), whole numbers from 0 to 255. One channel is grey; with two
    or four, alpha is dropped.

    A number may be written as text ("64.4", "64,4", "64 bpm"). Where the model needs a number, anything else counts as
    missing; a category that was not in the training data counts as unknown. Both are counted and named on stderr.
    """
    # Before torch is loaded: its threads are not to spin while they wait, for decoding goes on beside them.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from ntcir.submission.predict import predict as write_scores

    say(write_scores(source, target, model, group=group, run=run, device=device))


@main.command()
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
    "--mrr", type=click.Choice(["official", "best"]), default="official", show_default=True,
    help="For topics with several relevant rows: the organisers' mean of rel/rank over rows, or 1/rank of the "
    "best-ranked one.",
)  # fmt: skip
@click.option("--measures", metavar="'RR@10 nDCG@10 ...'", help="Further measures, named as in ir_measures.")
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
    measures: str | None, write_run: Path | None, write_qrels: Path | None, run_format: Any, group: str | None,
) -> None:  # fmt: skip
    """Score a run (default: run.txt; - for standard input) by MRR, as NTCIR does.

    A run is TREC, the organisers' CSV, or the CSV of NTCIR-19 Lifelog; qrels are TREC or CSV. Each may be gzipped.
    """
    from ntcir.report.score_table import score_files

    score_files(
        run, qrels, sys.stdout, pools=pools, topics=topics, as_json=as_json, per_topic=per_topic, mrr=mrr,
        names=measures, write_run=write_run, write_qrels=write_qrels, layout=run_format, group=group,
    )  # fmt: skip


@main.command()
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


@main.command()
@click.argument("model", type=FOLDER, required=False)
@click.option("--group", required=True, metavar="ID", help="The group id: at most 5 letters or digits.")
@click.option("--run", "run_id", required=True, metavar="ID", help="The run id: at most 10 letters or digits.")
@click.option("--out", type=FOLDER, default=Path("dist"), show_default=True, help="The bundle goes to OUT/GROUP-RUN.")
@click.option("--no-rehearsal", is_flag=True, help="Do not test the bundle.")
def bundle(model: Path | None, group: str, run_id: str, out: Path, no_rehearsal: bool) -> None:
    """Make a folder for `docker build` from a trained model (default: the newest under runs/)."""
    from ntcir.submission.bundle import make_bundle
    from ntcir.workspace import newest_model

    say(*make_bundle(model or newest_model(), out, group=group, run=run_id, rehearsal=not no_rehearsal))


@main.command()
@click.argument("config", type=FILE)
@click.option("--out", type=FOLDER, help="The folder of all results. [default: runs/ablate-NAME]")
@data_option
def ablate(config: Path, out: Path | None, data: Path | None) -> None:
    """Measure what each part of a method contributes, by a grid of trainings that CONFIG describes."""
    from ntcir.ablation import run_ablation
    from ntcir.report.ablation import CHART, RESULTS, TABLE, write_report

    folder = run_ablation(config, data, out, write_report)
    say(f"{folder}: {', '.join(name for name in (RESULTS, TABLE, CHART) if (folder / name).is_file())}")
