"""Collections: listed, read, changed, and changes undone; JSON throughout."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from ntcir.serve.collecting.collections import LONGEST_ADDRESS, LONGEST_NAME, LONGEST_NOTE, Collections
from ntcir.serve.collecting.rows import Collection, Kept
from ntcir.serve.hits import one
from ntcir.serve.index.catalogue import Catalogue
from ntcir.serve.site import Site
from ntcir.serve.state import State
from ntcir.system.errors import UserError, short

_LONGEST = 4 * LONGEST_ADDRESS  # characters of any text: what is a little too long is refused in words of its own
_MOST_FIELDS = 1000  # of an address
_TOLD = ("id", "day", "clock", "weekday", "position", "event", "caption", "labels")  # as ``hits.one`` tells it

Number = Annotated[int, Path(ge=1, lt=2**63)]
Text = Annotated[str, Field(max_length=_LONGEST)]


class Request(BaseModel):
    """What is posted: nothing but the fields that it has."""

    model_config = ConfigDict(extra="forbid")


class Called(Request):
    """How a collection is called."""

    name: Annotated[str, Field(max_length=10 * LONGEST_NAME)]
    topic: Text | None = None
    note: Annotated[str, Field(max_length=10 * LONGEST_NOTE)] = ""


class Item(Request):
    """An item."""

    id: Text


class Found(Item):
    """An item, and how it was found."""

    score: Annotated[float, Field(allow_inf_nan=False)] | None = None
    address: Text = ""


def router(site: Site) -> APIRouter:
    """Return the addresses below ``/collections``."""
    routes = APIRouter(prefix="/collections")
    collections, catalogue = site.collections, site.index.catalogue

    @routes.get("")
    def overview() -> dict[str, Any]:
        return {"collections": [_tree(each, collections) for each in collections.all()]}

    @routes.post("")
    def create(called: Called) -> dict[str, Any]:
        return _tree(collections.create(called.name, called.topic, called.note), collections)

    @routes.post("/undo")
    def undo() -> dict[str, Any]:
        undone = collections.undo()
        return {"undone": undone.words, "collection": undone.number}

    @routes.get("/{number}")
    def read(number: Number) -> dict[str, Any]:
        items = enumerate(collections.items(number), start=1)
        tree = _tree(collections.get(number), collections)
        return {**tree, "items": [_item(catalogue, kept, rank) for rank, kept in items]}

    @routes.post("/{number}/items")
    def add(number: Number, found: Found) -> dict[str, Any]:
        if catalogue.ids.find(found.id) is None:
            raise UserError(f"{short(found.id)} is not in this corpus: it cannot be collected.")
        added = collections.add(number, found.id, found.score, _normal(found.address))
        return {**_tree(collections.get(number), collections), "added": added}

    @routes.post("/{number}/remove")
    def remove(number: Number, item: Item) -> dict[str, Any]:
        collections.remove(number, item.id)
        return _tree(collections.get(number), collections)

    @routes.post("/{number}/rename")
    def rename(number: Number, called: Called) -> dict[str, Any]:
        return _tree(collections.change(number, called.name, called.topic, called.note), collections)

    @routes.post("/{number}/delete")
    def delete(number: Number) -> dict[str, Any]:
        collections.delete(number)
        return {"deleted": number}

    return routes


def _tree(collection: Collection, collections: Collections) -> dict[str, Any]:
    """Return a collection as JSON; ``here`` is whether it can be changed, being of the corpus that is served."""
    return {**asdict(collection), "here": collection.corpus == collections.corpus}


def _item(catalogue: Catalogue, kept: Kept, rank: int) -> dict[str, Any]:
    """Return an item as a hit is told; of one that is ``gone`` from the corpus, only what the collection knows is."""
    row = catalogue.ids.find(kept.item)
    told = dict.fromkeys(_TOLD) | {"id": kept.item, "labels": {}} if row is None else one(catalogue, row)
    own = {"rank": rank, "score": kept.score, "address": kept.address, "added": kept.added}
    return {**told, **own, "gone": row is None}


def _normal(address: str) -> str:
    """Return an address as the page writes it, so that it leads nowhere else when somebody follows it.

    Raises:
        UserError: if it is none of the page's.
    """
    try:
        pairs = parse_qsl(address.removeprefix("?"), max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise UserError(f"The address is not one of this page: it has more than {_MOST_FIELDS} fields.") from error
    return State.of(pairs).address()
