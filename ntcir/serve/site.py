"""Everything that the page shows and asks: what routes are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ntcir.serve.collecting.collections import Collections
    from ntcir.serve.index.index import Index
    from ntcir.serve.pictures.quality import Quality
    from ntcir.serve.pictures.thumbnails import Thumbnails
    from ntcir.serve.pictures.uploads import Uploads
    from ntcir.serve.ranking.asking import Asker
    from ntcir.serve.ranking.ranker import Ranker
    from ntcir.serve.studies.studies import Studies


@dataclass(frozen=True)
class Site:
    """A corpus, a model, and what is kept beside them.

    Attributes:
        index: what can be found.
        asker: makes vectors of what is asked.
        ranker: ranks.
        thumbnails: pictures of items.
        uploads: pictures that were uploaded to ask with.
        quality: which photographs are blurred or dark; None where there are no photographs.
        collections: what was collected.
        studies: topics and runs; None where none were given.
        model: the model's folder, for people.
        pmtiles: a map of the user's own, or None.
    """

    index: Index
    asker: Asker
    ranker: Ranker
    thumbnails: Thumbnails
    uploads: Uploads
    quality: Quality | None
    collections: Collections
    studies: Studies | None = None
    model: Path = field(default_factory=Path)
    pmtiles: Path | None = None
