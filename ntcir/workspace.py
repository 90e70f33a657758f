"""Where things lie when nobody says: the data, the configuration, the topics, the model.

``ntcir score`` looks here too and must start at once, so what is slow to import is imported in the functions.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ntcir.errors import UserError
from ntcir.files import MODEL_CONFIG, MODEL_FILE
from ntcir.home import expanded
from ntcir.progress import say

if TYPE_CHECKING:
    from ntcir.config import Config
    from ntcir.corpora.corpus import Corpus

DEMO, TOPICS, RUNS = Path("data/demo"), Path("topics"), Path("runs")
CORPUS_CONFIG = "ntcir.yaml"  # in a corpus folder: the configuration used for it when none is given


def find_data(typed: Path | None, configured: Path | None = None) -> Path:
    """Return the corpus folder: as typed, else ``NTCIR_DATA``, else as configured, else the demo.

    Raises:
        UserError: if the folder is not there, or there is none; the sentence says how to get some.
    """
    environment = os.environ.get("NTCIR_DATA")
    named = {"--data": typed, "NTCIR_DATA": Path(environment) if environment else None, "data.path": configured}
    for origin, place in named.items():
        if place is not None:
            folder = expanded(place)
            if not folder.is_dir():
                raise UserError(f"{origin} names {folder}, which is not a folder.")
            return folder
    if DEMO.is_dir():
        return DEMO
    raise UserError(
        "No data: say where the lifelog lies with --data DIR or NTCIR_DATA=DIR, "
        "or write a synthetic one with `ntcir demo`."
    )


def resolve(config: Path | None, settings: Sequence[str], data: Path | None) -> Config:
    """Return the configuration with ``data.path`` filled in: as given, else the corpus folder's own, else defaults.

    Raises:
        UserError: if there is no data, or a key or value is wrong.
    """
    from ntcir.config import load_config

    if config is None:
        # The other settings may be about keys that only the corpus folder's configuration has.
        where = [setting for setting in settings if setting.partition("=")[0].strip() == "data.path"]
        root = find_data(data, load_config(None, where).data.path)
        own = root / CORPUS_CONFIG
        resolved = load_config(own if own.is_file() else None, settings)
        if not own.is_file() and not any(setting.partition("=")[0].strip() == "name" for setting in settings):
            # What is trained with the defaults is named after what it is trained on.
            resolved = resolved.changed(
                {"name": re.sub(r"[^A-Za-z0-9._-]+", "-", root.absolute().name).strip("-._") or "run"}
            )
    else:
        resolved = load_config(config, settings)
        root = find_data(data, resolved.data.path)
    return resolved.anchored().changed({"data.path": str(root.absolute())})


def read_corpus(config: Config) -> Corpus:
    """Read the configured corpus and say on stderr what was read and what was left out."""
    from ntcir.corpora import open_corpus

    corpus = open_corpus(config.data.path or find_data(None), config.data.split)
    for line in corpus.report.lines():
        say(f"{corpus.name}: {line}")
    return corpus


def find_file(path: Path, folder: Path = TOPICS) -> Path:
    """Return a file as typed or, if it is not there, under ``folder``.

    Raises:
        UserError: if it is in neither place.
    """
    for place in (path, folder / path):
        if place.is_file():
            return place
    raise UserError(f"There is no file {path}, nor {folder / path}: `ntcir build-topics` writes topics.")


def beside(path: Path, name: str) -> Path | None:
    """Return the file of that name in the folder of ``path``, or None if there is none."""
    place = path.parent / name
    return place if place.is_file() else None


def pool_file(typed: str | None, other: Path) -> Path | None:
    """Return the pools as typed (``none`` for none), else ``pools.tsv`` in the folder of ``other``, if it is there."""
    if typed is None:
        return beside(other, "pools.tsv")
    return None if typed == "none" else Path(typed)


def fresh_folder(name: str, folder: Path = RUNS, *, resume: bool = False) -> Path:
    """Return ``folder/name``, with a number behind it where a finished model already lies there.

    With ``resume`` the last of them that is there, finished or not.
    """
    from ntcir.training import is_finished

    place, number = folder / name, 1
    while is_finished(place):
        number += 1
        following = folder / f"{name}-{number}"
        if resume and not following.is_dir():
            break
        place = following
    return place


def newest_model(folder: Path = RUNS) -> Path:
    """Return the most recently trained model under ``folder``.

    Raises:
        UserError: if there is none.
    """
    trained = _trained(folder)
    if not trained:
        raise UserError(f"There is no trained model under {folder}: train one with `ntcir train --iters 500`.")
    return trained[-1]


def _trained(folder: Path) -> list[Path]:
    """Return the folders with a model, the newest last."""
    found = sorted(folder.glob(f"*/{MODEL_FILE}"), key=lambda path: path.stat().st_mtime_ns)
    return [path.parent for path in found]


def corpus_to_show(data: Path | None) -> Corpus:
    """Return the corpus in ``data``, else the newest model's, else the one found as everywhere."""
    from ntcir.config import load_config

    trained = _trained(RUNS)
    if data is None and trained:
        config = load_config(trained[-1] / MODEL_CONFIG)
        if config.data.path is not None and config.data.path.is_dir():
            return read_corpus(config)
    return read_corpus(resolve(None, (), data))
