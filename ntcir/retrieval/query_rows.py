"""A query as a model's encoder sees it, what is shown of it, and the items that it is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ntcir.corpora.corpus import Corpus
from ntcir.encoders.encoder import Rows
from ntcir.features.decode import UnreadableImage, load_image
from ntcir.modalities import Modality, Query
from ntcir.model.model import Model
from ntcir.retrieval.items import Items
from ntcir.system.errors import UserError, counted, short, some
from ntcir.system.progress import say


@dataclass(frozen=True)
class Encoded:
    """A single item and its row.

    Attributes:
        item: its id in the corpus; None where it is not of the corpus.
        content: the path of a picture; of anything else what would be asked with it, such as the words of a caption.
        row: float32 [1, dim].
    """

    item: str | None
    content: Any
    row: np.ndarray


def encoded_query(query: Query, corpus: Corpus, rows: Rows, modality: Modality) -> Encoded:
    """Return the row of a query and what is shown of it: the path of a picture, else the query itself.

    Raises:
        UserError: if it cannot be read.
    """
    try:
        item = rows.named(query)
    except UserError as error:
        raise UserError(f"The query asks for {error}.") from error
    if item is not None:
        return encoded_item(item, corpus, rows, modality)
    return _readable(None, query, rows.ask(query), modality)


def encoded_item(item: str, corpus: Corpus, rows: Rows, modality: Modality) -> Encoded:
    """Return the row of an item of the corpus.

    Raises:
        UserError: if it cannot be read.
    """
    row = rows.load([item]) if rows.ensure([item])[0] else None
    return _readable(item, content_of(corpus, modality, item), row, modality)


def _readable(item: str | None, content: Any, row: np.ndarray | None, modality: Modality) -> Encoded:
    if row is None:
        raise UserError(f"The query cannot be read: {_reason(content) if modality.pictured else short(str(content))}.")
    return Encoded(item, content, row)


def _reason(path: str) -> str:
    """Return why a picture cannot be read."""
    try:
        load_image(path)
    except UnreadableImage as error:
        return f"{short(path)} ({str(error).rstrip('.')})"
    return short(path)


def content_of(corpus: Corpus, modality: Modality, item: str) -> Any:
    """Return an item itself: the path of a picture; of anything else what would be asked with it."""
    row = {str(column): value for column, value in corpus.tables[modality.name].loc[item].items()}
    return str(row["path"]) if modality.pictured else modality.ask(item, row)


def searchable(model: Model, rows: Rows, candidates: Sequence[str], modality: Modality) -> Items:
    """Return the items that can be searched, encoded as documents; those that cannot be read are named.

    Raises:
        UserError: if none can be read.
    """
    items = Items.encoded(model, modality.name, rows, candidates)
    if unread := [item for item in candidates if item not in items.position]:
        cannot = counted(
            len(unread), f"{modality.noun} cannot be read and is", f"{modality.plural} cannot be read and are"
        )
        say(f"WARNING: {cannot} not searched: {some(unread)}.")
    if not items.position:
        raise UserError(f"There is nothing to search: none of the {modality.plural} can be read.")
    return items.as_documents(model, modality.name)
