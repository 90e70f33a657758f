"""What a person asks as a vector: the model's towers, without the corpus being read again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ntcir.modalities import Modality, directions, modality
from ntcir.retrieval.queries import PICTURE, READING, WORDS, Given, Way, parsed
from ntcir.serve.index.catalogue import Catalogue
from ntcir.serve.ranking.feedback import moved, together
from ntcir.serve.ranking.hearing import heard
from ntcir.serve.state import Ask
from ntcir.system.errors import UserError, counted, short, some
from ntcir.system.temporaries import TemporaryFolder

if TYPE_CHECKING:
    from ntcir.corpora.corpus import Corpus
    from ntcir.encoders.encoder import Rows
    from ntcir.model.model import Model
    from ntcir.search.compact import CompactVectors

WAYS: Mapping[str, Way] = {"words": WORDS, "picture": PICTURE, "reading": READING}
_KEPT = 256  # asks whose vectors are kept
_STORE = "features.store"


class Searched(Protocol):
    """What of an index is needed to ask and to rank."""

    @property
    def catalogue(self) -> Catalogue:
        """The items."""

    @property
    def vectors(self) -> CompactVectors:
        """Of the items, in the catalogue's order."""

    @property
    def corpus(self) -> str:
        """Its name."""

    @property
    def root(self) -> Path:
        """Its folder."""

    @property
    def columns(self) -> Mapping[str, list[str]]:
        """The columns of the corpus's table of each modality."""


class Uploaded(Protocol):
    """Pictures that were uploaded."""

    def path(self, digest: str) -> Path:
        """Return where one lies; raises a UserError if it is not there."""


class Asker:
    """Makes vectors of what is asked; thread-safe, one at a time. Networks are loaded when they are first needed.

    Args:
        trained: the model.
        index: of the corpus that is searched, by this model.
        uploads: what an ask's pictures are taken from.

    Attributes:
        ways: how the model can be asked: some of ``words``, ``picture``, ``reading``.
        columns: those of a reading that the model uses; none where it cannot be asked with one.
    """

    ways: frozenset[str]
    columns: tuple[str, ...]

    def __init__(self, trained: Model, index: Searched, uploads: Uploaded) -> None:
        self._model, self._index, self._uploads = trained, index, uploads
        self._asking = dict(_asking(trained, index.catalogue.modality))
        self.ways = frozenset(self._asking)
        asks = self._asking.get("reading")
        self.columns = tuple(getattr(trained.encoders[asks.name], "names", ())) if asks else ()
        self._rows: dict[str, Rows] = {}
        self._lock = Lock()
        self._kept: OrderedDict[Ask, tuple[np.ndarray, tuple[str, ...]]] = OrderedDict()

    def query(self, ask: Ask, right: Sequence[str] = (), wrong: Sequence[str] = ()) -> np.ndarray:
        """Return the vector whose inner products with the index's are scores.

        The parts of an ask are unit vectors, whose sum is brought to unit length, and then moved by what was marked
        (``ntcir.serve.ranking.feedback``). What is asked in one part scores to the bit as ``ntcir search`` has it.

        Where the model has a bias against hubs, that is for queries of the other modality, with which it was learnt.
        An item or a picture of the modality that is found is compared with others by their cosine, so that it is the
        first hit of its own; in a sum, the bias counts as much as the parts that it is for.

        Args:
            ask: what is looked for; may be empty where something is marked right.
            right: ids of items.
            wrong: ids of items.

        Returns:
            float32 [dim of the index's vectors].

        Raises:
            UserError: if the model cannot be asked so, a part cannot be read, an id is not in the corpus, or nothing is
                asked at all.
        """
        if not ask and not right:
            raise UserError("Nothing is asked: say what is looked for.")
        query = self._vector(ask)[0] if ask else None
        vector = moved(query, self._items(right), self._items(wrong))
        unit = vector[:-1].astype(np.float32)
        found = self._model.as_queries(unit)
        if len(found) > len(unit):
            found[-1] *= np.float32(vector[-1])
        return found

    def remarks(self, ask: Ask) -> tuple[str, ...]:
        """Return what is to be said of an ask, such as which of its words the model does not know."""
        return self._vector(ask)[1] if ask else ()

    def _vector(self, ask: Ask) -> tuple[np.ndarray, tuple[str, ...]]:
        with self._lock:
            if ask not in self._kept:
                remarks: list[str] = []
                vector = together(list(self._parts(ask, remarks)))
                self._kept[ask] = vector, tuple(dict.fromkeys(remarks))
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(ask)
            return self._kept[ask]

    def _parts(self, ask: Ask, remarks: list[str]) -> Iterator[np.ndarray]:
        """Yield the vectors of an ask's parts, float64 [dim + 1]; what is to be said of them is appended."""
        if ask.words:
            yield self._encoded("words", lambda asks: parsed(Given(WORDS, ask.words), asks), remarks)
        yield from self._items(ask.like)
        for digest in ask.pictures:
            yield self._encoded("picture", partial(self._uploaded, digest), remarks)
        if ask.reading:
            yield self._encoded("reading", lambda asks: self._reading(ask.reading, asks, remarks), remarks)

    def _uploaded(self, digest: str, asks: Modality) -> str:
        return str(self._uploads.path(digest))

    def _encoded(self, way: str, make: Callable[[Modality], Any], remarks: list[str]) -> np.ndarray:
        """Return the vector of something that is asked in one of the ways.

        Args:
            way: its name.
            make: the modality of the query -> the query.
            remarks: what is said is appended.
        """
        asks = self._asking.get(way)
        if asks is None:
            raise self._cannot(WAYS[way].noun)
        query = make(asks)
        rows = self._opened(asks.name)
        with heard() as lines:
            row = rows.ask(query)
        remarks += lines
        if row is None:
            raise UserError(f"The {asks.noun} that is asked with cannot be read: take another one.")
        return self._part(self._model.unit_vectors(asks.name, row)[0], asks.name != self._index.catalogue.modality)

    def _items(self, ids: Sequence[str]) -> np.ndarray:
        """Return the vectors of items of the corpus, float64 [ids, dim + 1].

        Raises:
            UserError: if one is not there.
        """
        rows = [self._index.catalogue.ids.find(item) for item in ids]
        for item, row in zip(ids, rows, strict=True):
            if row is None:
                noun = modality(self._index.catalogue.modality).noun
                raise UserError(f"The {noun} '{short(item)}' is not in {self._index.corpus}: take it out of the query.")
        vectors = self._index.vectors.take(np.array(rows, dtype=np.int64))[:, : self._model.dim]
        return np.array([self._part(vector, False) for vector in vectors]).reshape(len(ids), self._model.dim + 1)

    @staticmethod
    def _part(vector: np.ndarray, other: bool) -> np.ndarray:
        """Return a vector, float32 [dim], with how much a bias against hubs counts for it."""
        return np.append(vector.astype(np.float64), float(other))

    def _reading(
        self, typed: Sequence[tuple[str, str]], asks: Modality, remarks: list[str]
    ) -> dict[str, int | float | str]:
        """Return a reading by column, with numbers as numbers.

        Raises:
            UserError: if the model uses none of it.
        """
        idle = [column for column, _ in typed if column not in self.columns] if self.columns else []
        unknown = [column for column in idle if column not in self._index.columns.get(asks.name, ())]
        if idle and not unknown:
            if len(idle) == len(typed):
                raise UserError(f"This model does not use {some(idle)}: it uses {some(self.columns, 20)}.")
            remarks.append(f"{counted(len(idle), 'reading is', 'readings are')} not used by this model: {some(idle)}.")
        numbers = getattr(getattr(self._model.encoders[asks.name], "columns", None), "numbers", ())
        return {column: _number(text) if column in numbers else text for column, text in typed}

    def _opened(self, name: str) -> Rows:
        """Return what encodes queries of a modality, opened on an empty corpus; nothing of that is kept on disk."""
        if name not in self._rows:
            from ntcir.encoders import open_rows

            # Encoders keep features of a corpus's items in the store: of none, nothing, and queries are not kept.
            with TemporaryFolder("ntcir-asking-") as store:
                config = self._model.config.changed({_STORE: str(store)})
                self._rows[name] = open_rows(config, _without_items(self._index), name, self._model.encoders[name])
        return self._rows[name]

    def _cannot(self, noun: str) -> UserError:
        pair = " and ".join(self._model.config.pair)
        possible = [way.noun for name, way in WAYS.items() if name in self.ways]
        answers = modality(self._index.catalogue.modality)
        return UserError(
            f"This model cannot be asked with {noun}: its pair is {pair}; ask with "
            f"{' or '.join([*possible, f'a {answers.noun} of the corpus'])}."
        )


def _asking(model: Model, found: str) -> Iterator[tuple[str, Modality]]:
    """Yield the ways in which a model can be asked, by name, and the modality of what is then given."""
    from ntcir.encoders import takes_queries

    # The other modality first, for which the model was trained to find this one.
    for way, kind in WAYS.items():
        for asks, _ in sorted(directions(model.config.pair), key=lambda each: each.answer.name != found):
            if kind.holds(asks) and takes_queries(model.encoders[asks.name].kind):
                yield way, asks
                break


def _without_items(index: Searched) -> Corpus:
    """Return the corpus of an index as it would be without any item."""
    import pandas as pd

    from ntcir.corpora.corpus import Corpus, ReadingReport

    tables = {
        name: pd.DataFrame(columns=list(columns), index=pd.Index([], dtype=object, name=name), dtype=object)
        for name, columns in index.columns.items()
    }
    pairs = pd.DataFrame(columns=[*tables, "group", "timestamp", "split"])
    return Corpus(index.corpus, index.root, tables, pairs, False, "", ReadingReport(), grouped=False)


def _number(text: str) -> int | float | str:
    """Return a number where a text spells a finite one, as JSON would have it."""
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if abs(value) < float("inf"):
            return value
    return text
