"""Why a model gives two items their score: ``explain``."""

from __future__ import annotations

from pathlib import Path

import click

from ntcir.cli.options import FOLDER
from ntcir.system.progress import say
from ntcir.system.streams import write_output


@click.command()
@click.argument("words", nargs=-1)
@click.option("--image", metavar="FILE|ID", help="A picture: a file, or the id of one in the corpus.")
@click.option(
    "--reading", metavar="JSON|ID",
    help="A sensor reading, such as '{\"heart_rate(bpm)\": 120}', or the id of one in the corpus.",
)  # fmt: skip
@click.option("--text", metavar="ID", help="A caption of the corpus, by its id, in place of words.")
@click.option(
    "--model", type=FOLDER, help="A model folder, as written by `ntcir train`. [default: the newest under runs/]"
)
@click.option("--data", type=FOLDER, help="The corpus folder. [default: the one the model was trained on]")
@click.option(
    "--split",
    help="Where the other item is looked for if only one is given: train, val, test or all. [default: all]",
)
@click.option(
    "--cells", type=click.IntRange(1, 64), default=7, show_default=True,
    help="Cells on a side into which a picture is divided.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--open", "opened", is_flag=True, help="Open the explanation's picture in the browser.")
@click.option(
    "--out", type=FOLDER,
    help="The folder of the explanation. [default: explain/ and a name made of what is explained]",
)  # fmt: skip
@click.option(
    "--set", "settings", multiple=True, metavar="KEY.SUB=VALUE", help="As for `ntcir run`. Repeatable.",
)  # fmt: skip
def explain(
    words: tuple[str, ...], image: str | None, reading: str | None, text: str | None, model: Path | None,
    data: Path | None, split: str | None, cells: int, as_json: bool, opened: bool, out: Path | None,
    settings: tuple[str, ...],
) -> None:  # fmt: skip
    """Say what the score of two items comes from: which of WORDS, which part of a picture, which columns of a reading.

    Two items of the model's pair are given, or one, and the best of the corpus for it is the other. Each part is left
    out in turn; what it contributes is the score with it minus the score without it. (- for words on standard input.)
    """
    from ntcir.retrieval.queries import sides

    items = sides(words, image, reading, text)  # before what takes seconds to import
    from ntcir.report import explanations
    from ntcir.report.own_folders import open_in_browser
    from ntcir.retrieval.explaining import explain as find_out

    folder = explanations.folder_for(items, out)  # before the work, not after it
    explanation = find_out(items, model, data, split=split, cells=cells, settings=settings)
    explanations.write_explanation(explanation, folder)
    write_output(explanations.as_json(explanation) if as_json else explanations.as_lines(explanation))
    say(f"{folder}: {', '.join(explanations.FILES)}")
    if opened:
        open_in_browser(folder / explanations.PICTURE)
