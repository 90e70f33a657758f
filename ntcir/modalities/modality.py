"""What an item is to a person, and which of two modalities asks for the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

# What a modality's ``parse`` makes of a cell: an item's id or a file's path, readings by column, a sentence.
Query = Any


@dataclass(frozen=True, eq=False)
class Modality:
    """One kind of item: a photograph, a sensor reading, a caption.

    Attributes:
        name: the column of a corpus's pairs, and the key of its tables, towers and encoders.
        code: three letters or so, of which names of directions are made, such as ``img``.
        noun: one item, in messages.
        plural: several items, in messages.
        parse: the cell of a topic file -> the query. Raises a ValueError that says what is wrong with it.
        write: the query -> the cell.
        ask: an item's id and its row of the corpus's table -> the query that asks with it.
        takes: whether the cell of a topic file is of this modality, as can be told at a glance; any is by default. A
            file need not say its topics' directions where only one modality of the pair takes each cell.
        encoders: kinds of encoders that its items can have, the usual one first (``ntcir.encoders.KINDS``).
        pictured: whether its items are pictures, which show objects and can be altered.
        content: the column of a corpus's table that has the items themselves, or where they lie; a table without it is
            of items that are known by vectors only. None where any column is content.
        tower: settings of its tower that differ from the defaults of ``ntcir.config.Tower``.
    """

    name: str
    code: str
    noun: str
    plural: str
    parse: Callable[[str], Query]
    write: Callable[[Query], str]
    ask: Callable[[str, Mapping[str, Any]], Query]
    encoders: tuple[str, ...]
    takes: Callable[[str], bool] = lambda cell: True
    pictured: bool = False
    content: str | None = None
    tower: Mapping[str, Any] = field(default_factory=dict)


class Direction(NamedTuple):
    """Which modality asks, and which is ranked."""

    query: Modality
    answer: Modality

    @property
    def name(self) -> str:
        """The two codes, such as ``img2sen``."""
        return f"{self.query.code}2{self.answer.code}"


def is_json_object(cell: str) -> bool:
    """Return whether the cell of a topic file is a JSON object, which a spreadsheet may have put in quotes."""
    return cell.lstrip(' "').startswith("{")
