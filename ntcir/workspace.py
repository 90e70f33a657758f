"""Default places: of the data, the configuration, the topics and the model.

``ntcir score`` looks here too and must start at once, so what is slow to import is imported in the functions.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ntcir.model.trained import is_finished, newest
from ntcir.system import claims
from ntcir.system.errors import UserError
from ntcir.system.home import expanded
from ntcir.system.progress import say

if TYPE_CHECKING:
    from ntcir.config import Config
    from ntcir.corpora.corpus import Corpus

DEMO, TOPICS, RUNS = Path("data/demo"), Path("topics"), Path("runs")
CORPUS_CONFIG = "ntcir.yaml"  # in a corpus folder: the configuration used for it when none is given


def find_data(typed: Path | None, configured: Path | None = None) -> Path:
    """Return the corpus folder: as given, else ``NTCIR_DATA``, else as configured, else the demo.

    Raises:
        UserError: if the folder does not exist, or none is given; the sentence says how to get one.
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
        "No data: name a corpus folder with --data DIR or NTCIR_DATA=DIR, or write a synthetic lifelog with "
        "`ntcir demo`."
    )


def resolve(config: Path | None, settings: Sequence[str], data: Path | None) -> Config:
    """Return the configuration with ``data.path`` filled in: as given, else the corpus folder's own, else defaults.

    Raises:
        UserError: if there is no data, a key or value is wrong, or the corpus folder's own configuration chooses places
            that are not the data's to choose.
    """
    from ntcir.config import load_config, load_supplied

    if config is None:
        # The other settings may change keys that only the corpus folder's configuration has.
        where = [setting for setting in settings if setting.partition("=")[0].strip() == "data.path"]
        root = find_data(data, load_config(None, where).data.path)
        own = root / CORPUS_CONFIG
        resolved = load_supplied(own, settings) if own.is_file() else load_config(None, settings)
        if not own.is_file() and not any(setting.partition("=")[0].strip() == "name" for setting in settings):
            from ntcir.corpora.naming import corpus_name

            # What is trained with the defaults is named after what it is trained on.
            resolved = resolved.changed(
                {"name": re.sub(r"[^A-Za-z0-9._-]+", "-", corpus_name(root)).strip("-._") or "run"}
            )
    else:
        resolved = load_config(config, settings, typed=True)
        root = find_data(data, resolved.data.path)
    return resolved.anchored().changed({"data.path": str(root.absolute())})


def read_corpus(config: Config, *, splits: bool = True) -> Corpus:
    """Read the configured corpus and report on stderr what was read and what was left out.

    Args:
        config: resolved.
        splits: whether to assign the pairs to splits. Where this is not needed, a configuration that names sessions
            of another corpus does no harm.

    Raises:
        UserError: if the corpus cannot be read, or lacks a session that the configuration names.
    """
    from ntcir.corpora import open_corpus

    data = config.data
    corpus = open_corpus(
        data.path or find_data(None),
        data.split if splits else None,
        outside=data.outside,
        pictures=data.pictures,
        pair=config.pair,
    )
    for line in corpus.report.lines():
        say(f"{corpus.name}: {line}")
    return corpus


def read_pictures(config: Config) -> Corpus:
    """Read the configured corpus, without splits; what it has as images are the pictures of the configured pair.

    Raises:
        UserError: if the corpus cannot be read, or there are no pictures in the pair or the corpus.
    """
    from ntcir.modalities import pictured

    shown = pictured(config.pair)
    if shown is None:
        raise UserError(f"The pair {' and '.join(config.pair)} has no pictures to work on: set another pair.")
    corpus = read_corpus(config, splits=False)
    pictures = corpus.picturing(shown.name)
    corpus.require_content(shown.name)
    return pictures


def find_file(path: Path, folder: Path = TOPICS) -> Path:
    """Return a file as given or, if it does not exist, under ``folder``.

    Raises:
        UserError: if it is in neither place.
    """
    for place in (path, folder / path):
        if place.is_file() or (place == path and path.is_fifo()):  # a pipe counts as given
            return place
    raise UserError(f"There is no file {path}, nor {folder / path}: `ntcir build-topics` writes topics.")


def beside(path: Path, name: str) -> Path | None:
    """Return the file of that name in the folder of ``path``, or None if there is none."""
    place = path.parent / name
    return place if place.is_file() else None


def pool_file(typed: str | None, other: Path) -> Path | None:
    """Return the pools as given (``none`` for none), else ``pools.tsv`` in the folder of ``other``, if it is there."""
    if typed is None:
        return beside(other, "pools.tsv")
    return None if typed == "none" else Path(typed)


def fresh_folder(name: str, folder: Path = RUNS, *, resume: bool = False) -> Path:
    """Return ``folder/name``, with a number behind it where a finished model or another command's training lies there.

    What is returned is claimed for this process. With ``resume`` it is the last of them that is there, finished or not.
    """

    def is_taken(place: Path) -> bool:
        if is_finished(place):
            return True
        if resume:
            return False
        if not claims.take(place):
            return True
        if is_finished(place):  # by another command, just now
            claims.give(place)
            return True
        return False

    place, number = folder / name, 1
    while is_taken(place):
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
    model = newest(folder)
    if model is None:
        raise UserError(f"There is no trained model under {folder}: train one with `ntcir train --iters 500`.")
    return model


def corpus_to_show(data: Path | None) -> Corpus:
    """Return the corpus in ``data``, else the newest model's, else the one found as everywhere."""
    from ntcir.model.folder import read_config

    model = newest(RUNS)
    if model is not None:
        config = read_config(model)
        own = config.data.path
        if own is not None and own.is_dir() and (data is None or (data.is_dir() and own.samefile(data))):
            return read_corpus(config, splits=False)
    return read_corpus(resolve(None, (), data), splits=False)
