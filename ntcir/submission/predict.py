"""The organisers' input in, their CSV out, in bounded memory.

Reading, decoding and encoding go on side by side: this thread reads records, others turn the text of pictures into
squares and squares into vectors. A picture that comes again, as a query does with each of its candidates, is recognised
by its text and neither decoded nor encoded a second time; readings likewise.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ntcir.corpora.corpus import OFFICIAL_KEYS
from ntcir.encoders.understanding import silent_columns, understood
from ntcir.features.backbones import FrozenNetwork
from ntcir.formats.manifest import check_set
from ntcir.formats.official import check_ids, format_run, number_of
from ntcir.model.hubness import settle_bias
from ntcir.model.model import Model, Vectors
from ntcir.search.ranking import score_candidates
from ntcir.submission.accepted import readings, self_contained
from ntcir.submission.pictures import PictureEncoder
from ntcir.submission.stream import Record, open_input, read_records
from ntcir.system.devices import find_device
from ntcir.system.errors import UserError
from ntcir.system.files import atomic_path
from ntcir.system.progress import progress, say
from ntcir.system.streams import output_is_closed, write_output
from ntcir.workspace import newest_model

_MEGABYTE = 1_000_000
_ADVICE = " (the organisers' input never has it): train without it, with --set 'sensors.exclude=[{}]'"


def predict(source: str, target: str, model: Path | None, *, group: str, run: str, device: str = "auto") -> str:
    """Score every candidate of an input and write the organisers' CSV, whole or not at all.

    Args:
        source: the input, JSON or gzipped JSON; ``-`` for standard input.
        target: the CSV to write, in a folder that is there; ``-`` for standard output.
        model: a model's folder; the newest under ``runs/`` if None.
        group: the group's id.
        run: the run's id.
        device: where the image networks run: ``cpu``, ``cuda``, or ``auto``: the GPU, if torch finds one.

    Returns:
        a sentence about what was done.

    Raises:
        UserError: if an id, a place or a record is wrong; nothing is written then.
    """
    check_ids(group, run)
    _check_target(source, target)
    check_set(Path(source))
    folder = model or newest_model()
    trained = Model.load(folder)
    settle_bias(trained, folder)
    networks = load_networks(trained, device)
    with _output(target) as write:
        say(f"Scoring the candidates of {source} with {folder}")
        scored = score_input(source, trained, networks)
        write(format_run(group, run, scored.rows))
    return f"{target}: {len(scored.rows):,} candidates of {scored.topics} topics, {scored.pictures:,} images"


@dataclass(frozen=True)
class Scored:
    """A scored input.

    Attributes:
        rows: topic id, dmr_minute_id and score of each record, in the order of the input.
        topics: how many there are.
        pictures: how many different ones.
    """

    rows: list[tuple[str, str, float]]
    topics: int
    pictures: int


def score_input(source: str, model: Model, networks: Sequence[FrozenNetwork]) -> Scored:
    """Read, encode and score a whole input.

    Args:
        source: as in ``predict``.
        model: encodes.
        networks: the image networks, wherever they are.

    Raises:
        UserError: if a record is not valid.
    """
    size = None if source == "-" or not Path(source).is_file() else Path(source).stat().st_size / _MEGABYTE
    name = source if source != "-" else "standard input"
    with (
        open_input(source) as (file, raw),
        PictureEncoder(model, networks) as pictures,
        progress("Reading the input (MB)", size, unit=" MB/s") as advance,
    ):
        board, done = _Board(model, pictures), 0.0
        for record in read_records(file, name):
            board.add(record)
            position = done + len(record.image) / _MEGABYTE if size is None else raw.tell() / _MEGABYTE
            advance(position - done)
            done = position
        vectors, remarks = pictures.vectors(), pictures.remarks()
    rows = list(board.rows(vectors))
    for remark in [*remarks, *(f"{name}: {remark}" for remark in board.remarks)]:
        say(remark)
    return Scored(rows, len(board.topics), len(vectors.twins))


def _check_target(source: str, target: str) -> None:
    """Refuse now what would fail hours later."""
    if target == "-":
        if output_is_closed():
            raise UserError("Standard output is closed: name an output file.")
        return
    place = Path(target)
    if target.endswith(os.sep) or place.is_dir():
        raise UserError(f"The output {target} cannot be written: it is a folder.")
    if not place.parent.is_dir():
        raise UserError(f"The output {place} cannot be written: there is no folder {place.parent}.")
    if source != "-" and place.is_file() and Path(source).is_file() and place.samefile(source):
        raise UserError(f"The output {place} is also the input: give another name.")


@contextmanager
def _output(target: str) -> Iterator[Callable[[str], object]]:
    """Yield what writes the whole output, to a place that was tried before the work began."""
    if target == "-":
        yield write_output
        return
    with atomic_path(target) as temporary:
        yield lambda text: temporary.write_text(text, encoding="utf-8")


def load_networks(model: Model, device: str) -> list[FrozenNetwork]:
    """Return the model's image networks, its own or those that its configuration names, on a device.

    Raises:
        UserError: if their weights cannot be loaded or differ from those of training, or there is no GPU.
    """
    place = find_device(device, "--device")
    return [network.to(place) for network in self_contained(model)]


@dataclass
class _Topic:
    """A topic so far: its query and its candidates, as numbers of pictures and readings."""

    direction: str
    query: int
    candidates: list[int] = field(default_factory=list)
    ids: dict[str, int] = field(default_factory=dict)  # dmr_minute_id, without leading zeros -> position


class _Board:
    """What is known of each topic; pictures and readings are numbers until all of them are encoded.

    Attributes:
        topics: by id.
        remarks: which readings are not what the model knows, once the rows are made.
    """

    def __init__(self, model: Model, pictures: PictureEncoder) -> None:
        self._model, self._pictures, self._encoder = model, pictures, readings(model)
        self._readings: dict[str, int] = {}
        self._table: list[list[Any]] = []
        self._counts: list[int] = []  # records with these readings
        self._where: list[str] = []  # the first of them
        self.remarks: list[str] = []
        self._order: list[tuple[str, str]] = []
        self.topics: dict[str, _Topic] = {}

    def add(self, record: Record) -> None:
        """Take a record.

        Raises:
            UserError: if its readings are not valid, its id appeared before, or its topic had another query.
        """
        reading, picture = self._reading(record), self._pictures.number(record.image, record.where)
        by_picture = record.direction == "img2sen"
        query, candidate = (picture, reading) if by_picture else (reading, picture)
        topic = self.topics.setdefault(record.topic_id, _Topic(record.direction, query))
        if record.direction != topic.direction:
            raise UserError(f"{record.where}: the topic asks both for photographs and for readings.")
        same = self._pictures.same if by_picture else self._same
        if query != topic.query and not same(query, topic.query):
            what = "a different photograph" if by_picture else "different readings"
            raise UserError(f"{record.where}: the topic has two different queries: {what} than before.")
        number = number_of(record.dmr_minute_id)
        if number in topic.ids:
            raise UserError(f"{record.where}: the dmr_minute_id {record.dmr_minute_id} appears twice in the topic.")
        topic.ids[number] = len(topic.candidates)
        topic.candidates.append(candidate)
        self._order.append((record.topic_id, record.dmr_minute_id))

    def _reading(self, record: Record) -> int:
        """Return the number of a record's readings; the same for the same values."""
        encoder = self._encoder
        for column in encoder.names:
            if column not in record.readings:
                advice = _ADVICE.format(column) if column in {"local_hour", *OFFICIAL_KEYS} else ""
                raise UserError(f"{record.where}: there is no sensor column '{column}', which the model needs{advice}.")
            value = record.readings[column]
            if not encoder.accepts(column, value):
                shown = json.dumps(value)[:80]
                raise UserError(f"{record.where}: {shown} is not valid for the sensor column '{column}'.")
        # NaN, which JSON does not have and Python writes all the same, is a missing reading like null.
        values = [None if value != value else value for value in map(record.readings.get, encoder.names)]
        number = self._readings.setdefault(repr(values), len(self._readings))
        if number == len(self._table):
            self._table.append(values)
            self._counts.append(0)
            self._where.append(f"record {record.where.rpartition(' record ')[2]}")
        self._counts[number] += 1
        return number

    def _same(self, one: int, other: int) -> bool:
        """Return whether readings that are spelled differently, such as 60 and 60.0, are the same to the model."""
        encoded = self._encoder.encode(self._frame([one, other]))
        return bool((encoded[0] == encoded[1]).all())

    def _frame(self, numbers: Sequence[int] | range) -> pd.DataFrame:
        names = self._encoder.names
        return pd.DataFrame([self._table[number] for number in numbers], columns=names, dtype=object)

    def rows(self, pictures: Vectors) -> Iterator[tuple[str, str, float]]:
        """Yield topic, candidate and score, in the order of the input.

        Args:
            pictures: the vectors of all pictures, by number.
        """
        encoder = self._encoder
        # A column is read as a whole: what a comma is for in one cell, the others tell.
        table, remarks = understood(
            encoder, self._frame(range(len(self._table))), self._counts, lambda row: self._where[row]
        )
        self.remarks = [*remarks, *silent_columns(encoder, table)]
        minutes = self._model.encode("sensor", encoder.encode(table))
        directions = {topic.direction for topic in self.topics.values()}
        documents = {}
        if "img2sen" in directions:
            documents["img2sen"] = self._model.as_documents("sensor", minutes)
        if "sen2img" in directions:
            documents["sen2img"] = self._model.as_documents("image", pictures)
        scores = {}
        for name, topic in self.topics.items():
            asked = self._model.as_queries((pictures if topic.direction == "img2sen" else minutes).vectors[topic.query])
            ranked, rows = documents[topic.direction], np.array(topic.candidates)
            scores[name] = score_candidates(asked, ranked.vectors[rows], ranked.twins[rows])
        for name, minute in self._order:
            yield name, minute, float(scores[name][self.topics[name].ids[number_of(minute)]])
