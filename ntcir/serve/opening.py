"""From a model's folder and a corpus's to a site."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from os import SEEK_END
from pathlib import Path

from ntcir.serve.site import Site
from ntcir.system.errors import UserError
from ntcir.system.regular import open_regular

_HEADER = 127  # bytes of a PMTiles archive
_LARGEST = 1 << 44  # bytes of one: that of the whole earth has a hundredth of them


@dataclass(frozen=True)
class Wanted:
    """What a person wants to see.

    Attributes:
        model: the model's folder; the newest under ``runs/`` if None.
        data: the corpus folder; the one the model was trained on if None.
        runs: one or two runs whose topics are looked at.
        topics: the topic file of the runs.
        qrels: their qrels; those beside the topics if None.
        index: the folder in which indexes are kept.
        collections: the SQLite file of what is collected.
        pmtiles: a map of the user's own, or None.
        settings: as for ``ntcir run``.
    """

    model: Path | None = None
    data: Path | None = None
    runs: Sequence[Path] = ()
    topics: Path | None = None
    qrels: Path | None = None
    index: Path = Path("index")
    collections: Path = Path("collections.sqlite")
    pmtiles: Path | None = None
    settings: Sequence[str] = ()


def open_site(wanted: Wanted) -> Site:
    """Open everything that the page needs; what is missing in the index is worked out first, with its progress.

    Raises:
        UserError: if something is missing or wrong.
    """
    _check(wanted)
    from ntcir.modalities import modality
    from ntcir.model.model import Model
    from ntcir.retrieval.asking import ALL, check_split, corpus_to_ask, warn_if_interrupted
    from ntcir.serve.collecting.collections import Collections
    from ntcir.serve.index.index import open_index
    from ntcir.serve.pictures.quality import Quality
    from ntcir.serve.pictures.thumbnails import Thumbnails
    from ntcir.serve.pictures.uploads import Uploads
    from ntcir.serve.ranking.asking import Asker
    from ntcir.serve.ranking.ranker import Ranker
    from ntcir.serve.studies.studies import open_studies
    from ntcir.workspace import newest_model

    check_split(ALL, wanted.settings)
    folder = wanted.model or newest_model()
    trained = Model.load(folder)
    warn_if_interrupted(folder)
    index = open_index(trained, folder, wanted.data, wanted.index, wanted.settings)
    uploads = Uploads(index.folder)
    asker = Asker(trained, index, uploads)
    quality = Quality(index) if modality(index.catalogue.modality).pictured else None
    collections = Collections(wanted.collections, corpus=index.corpus, model=str(folder))
    studies = None
    if wanted.topics is not None:
        studies = open_studies(
            index, trained.config.pair, wanted.runs, wanted.topics, wanted.qrels,
            lambda: corpus_to_ask(trained, folder, wanted.data, pooled=False, split=ALL, settings=wanted.settings)[0],
        )  # fmt: skip
    return Site(
        index=index,
        asker=asker,
        ranker=Ranker(index, asker, quality),
        thumbnails=Thumbnails(index),
        uploads=uploads,
        quality=quality,
        collections=collections,
        studies=studies,
        model=folder,
        pmtiles=wanted.pmtiles,
    )


def _check(wanted: Wanted) -> None:
    """Check what can be checked before anything slow.

    Raises:
        UserError: if something does not go together.
    """
    if len(wanted.runs) > 2:
        raise UserError(f"There are {len(wanted.runs)} runs: two at most can be looked at side by side.")
    if wanted.runs and wanted.topics is None:
        raise UserError(f"{wanted.runs[0]} ranks topics: name their file with --topics.")
    if wanted.topics is not None and not wanted.runs:
        raise UserError(f"{wanted.topics} has topics, but nothing has ranked them: name a run with --run.")
    if wanted.pmtiles is not None:
        _check_pmtiles(wanted.pmtiles)


def _check_pmtiles(path: Path) -> None:
    """Check the header of a map, which says where its parts lie.

    Raises:
        UserError: if it is not a whole archive.
    """
    try:
        with open_regular(path, _LARGEST) as file:
            head, size = file.read(_HEADER), file.seek(0, SEEK_END)
    except OSError as error:
        raise UserError(f"--map {path} cannot be read: {(error.strerror or str(error)).lower()}.") from error
    if head.startswith(b"SQLite format 3"):
        raise UserError(f"--map {path} is an SQLite file, perhaps MBTiles: make PMTiles of it with `pmtiles convert`.")
    if head[:8] != b"PMTiles\x03":
        raise UserError(f"--map {path} is not a PMTiles archive of version 3.")
    parts = struct.unpack_from("<8Q", head, 8) if len(head) == _HEADER else (0, _HEADER)
    needed = max(offset + length for offset, length in zip(parts[::2], parts[1::2], strict=True))
    if needed > size:
        raise UserError(f"--map {path} is truncated: it has {size:,} bytes of {needed:,} or more. Download it again.")
