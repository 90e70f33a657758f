"""The search page: ``serve``."""

from __future__ import annotations

from pathlib import Path

import click

from ntcir.cli.options import FILE, FOLDER


@click.command()
@click.option(
    "--model", type=FOLDER, help="A model folder, as written by `ntcir train`. [default: the newest under runs/]"
)
@click.option("--data", type=FOLDER, help="The corpus folder. [default: the one the model was trained on]")
@click.option(
    "--run", "runs", type=FILE, multiple=True,
    help="A run whose topics are looked at, worst first; a second one is laid beside it. Repeatable.",
)  # fmt: skip
@click.option("--topics", type=FILE, help="The topic file of the runs.")
@click.option("--qrels", type=FILE, help="The qrels of the topics. [default: qrels.txt beside the topics]")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port. [default: any that is free]")
@click.option("--open", "opened", is_flag=True, help="Open the page in the browser.")
@click.option(
    "--index", type=FOLDER, default=Path("index"), show_default=True,
    help="Where vectors, thumbnails and what else is worked out once are kept.",
)  # fmt: skip
@click.option(
    "--collections", type=FILE, default=Path("collections.sqlite"), show_default=True,
    help="The file of what is collected.",
)  # fmt: skip
@click.option("--map", "pmtiles", type=FILE, help="A map of your own, a .pmtiles file, under the land outline.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address that the page listens on.")
@click.option(
    "--allow-remote", "remote", is_flag=True,
    help="Allow a --host that other machines can reach: whoever gets the page's address sees everything, unencrypted.",
)  # fmt: skip
@click.option(
    "--set", "settings", multiple=True, metavar="KEY.SUB=VALUE", help="As for `ntcir run`. Repeatable.",
)  # fmt: skip
def serve(
    model: Path | None, data: Path | None, runs: tuple[Path, ...], topics: Path | None, qrels: Path | None, port: int,
    opened: bool, index: Path, collections: Path, pmtiles: Path | None, host: str, remote: bool,
    settings: tuple[str, ...],
) -> None:  # fmt: skip
    """Search a corpus in the browser: by words, pictures and readings, on a page that only this machine can reach.

    Its address goes to standard output; Ctrl-C ends it. Needs ntcir[serve].
    """
    from ntcir.serve.opening import Wanted, open_site
    from ntcir.serve.running import Place, bind, require_extra
    from ntcir.serve.running import serve as run

    require_extra()
    place = Place(host, port, remote)
    listening = bind(place)  # before what takes long
    with listening:
        site = open_site(Wanted(model, data, runs, topics, qrels, index, collections, pmtiles, settings))
        run(site, listening, place, opened=opened)
