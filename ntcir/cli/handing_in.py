"""What the organisers are given: ``predict``, ``bundle``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ntcir.cli.options import FOLDER
from ntcir.system.progress import say


@click.command()
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


@click.command()
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
