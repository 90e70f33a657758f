"""What the search page keeps, and what is searched for at once, as they should be, and what reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def search_topics(folder: Path) -> None:
    """Write topics of which one grows by a hint."""
    folder.mkdir()
    lines = ["topic_id\tquery", "KIS26001\ta cup", "KIS26001\tby the sea", 'AD26001\t{"heart_rate(bpm)": 80}']
    (folder / "topics.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_search_topics(folder: Path) -> object:
    """Read them."""
    from ntcir.formats.search_topics import read_search_topics as read

    return read(folder / "topics.tsv")


def collected(folder: Path) -> None:
    """Collect a few photographs, and take one back."""
    from ntcir.serve.collecting.collections import Collections

    folder.mkdir()
    kept = Collections(folder / "collections.sqlite", corpus="demo", model="runs/demo")
    number = kept.create("coffee", topic="KIS26001").number
    for item in ("a.jpg", "ü/b.jpg", "c.jpg"):
        kept.add(number, item, 0.5, "q=coffee")
    kept.remove(number, "a.jpg")
    kept.close()


def read_collected(folder: Path) -> object:
    """Show everything, change it and undo that."""
    from ntcir.serve.collecting.collections import Collections

    kept = Collections(folder / "collections.sqlite", corpus="demo", model="runs/demo")
    try:
        shown = [kept.items(each.number) for each in kept.all()]
        kept.create("tea")
        kept.undo()
        kept.undo()
        return shown
    finally:
        kept.close()


def index(folder: Path) -> None:
    """Write the index of six photographs."""
    from ntcir.search.compact import CompactWriter
    from ntcir.serve.index.catalogue import Labels
    from ntcir.serve.index.columns import Columns
    from ntcir.serve.index.files import write_catalogue
    from ntcir.serve.index.items import Gathered

    folder.mkdir()
    count = 6
    with CompactWriter(folder, 4) as writer:
        writer.add(np.eye(count, 4, dtype=np.float32))
    items = Gathered(
        modality="image",
        ids=[f"{row}.jpg" for row in range(count)],
        contents=[f"/photos/{row}.jpg" for row in range(count)],
        times=np.arange(count, dtype=np.int64) * 60,
        offsets=np.zeros(count, dtype=np.int32),
        zoned=True,
        positions=np.full((count, 2), 1.5, dtype=np.float32),
        columns=Columns(
            numbers={"pulse": np.arange(count, dtype=np.float32)},
            labels={"place": Labels(np.arange(count, dtype=np.int32) % 2, ["home", "work"])},
        ),
        captions=[f"what {row} shows" for row in range(count)],
        remarks=[],
    )
    facts = {"from": {}, "corpus": "demo", "root": "/photos", "columns": {}, "remarks": [], "settled": {}}
    write_catalogue(folder, items, np.zeros(count, dtype=np.int32), facts)


def read_index(folder: Path) -> object:
    """Open it, and look at everything that is in it."""
    from ntcir.search.compact import CompactVectors
    from ntcir.serve.hits import describe
    from ntcir.serve.index.files import read_catalogue, read_told

    told = read_told(folder)
    if told is None:  # it is made again
        return None
    catalogue, facets = read_catalogue(folder, told)
    vectors = CompactVectors.open(folder)
    found = [catalogue.ids.find(f"{row}.jpg") for row in range(len(catalogue))]
    shown = describe(catalogue, range(len(catalogue)))
    return facets, found, shown, vectors.approximate(np.ones((1, vectors.dim), dtype=np.float32))
