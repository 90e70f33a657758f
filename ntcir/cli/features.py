"""The verbs of the group ``features``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from ntcir.cli.options import config_option, data_option, set_option
from ntcir.system.parallel import together
from ntcir.system.progress import say
from ntcir.system.streams import write_output
from ntcir.verbs import Verbs


@click.group(cls=Verbs)
def features() -> None:
    """Extract and store features of photographs and captions."""


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
    from ntcir.workspace import read_pictures, resolve

    if backend is not None:
        settings = (*settings, f"features.backend={backend}")
    with together():
        resolved = resolve(config, settings, data)
        say(encode_corpus(read_pictures(resolved), resolved.features))


@features.command()
@data_option
@config_option
@set_option
def texts(data: Path | None, config: Path | None, settings: tuple[str, ...]) -> None:
    """Encode every caption with the text network; features that are stored already are kept."""
    from ntcir.encoders.sentences import encode_corpus
    from ntcir.workspace import read_corpus, resolve

    with together():
        resolved = resolve(config, settings, data)
        say(encode_corpus(read_corpus(resolved, splits=False), resolved))


@features.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@config_option
@set_option
def status(data: Path | None, as_json: bool, config: Path | None, settings: tuple[str, ...]) -> None:
    """Show what is stored for a corpus: done, failed and missing photographs, one line per store."""
    from ntcir.features import status as report
    from ntcir.workspace import read_pictures, resolve

    resolved = resolve(config, settings, data)
    stores = report.corpus_status(read_pictures(resolved), resolved.features.store)
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
    from ntcir.workspace import read_pictures, resolve

    if detector is not None:
        settings = (*settings, f"objects.detector={json.dumps(detector)}")
    resolved = resolve(config, settings, data)
    say(detect_corpus(read_pictures(resolved), resolved, table))
