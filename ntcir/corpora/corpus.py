"""The one corpus type: a table per modality, and which of their items belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from ntcir.config import Split
from ntcir.corpora.stacked_arrays import StackedArrays
from ntcir.modalities import DEFAULT_PAIR, modality
from ntcir.system.errors import UserError, did_you_mean, short
from ntcir.system.files import atomic_path

SPLITS = ("train", "val", "test")
_LONGEST_LINE, _MOST_LINES = 500, 6  # characters of a line of a report; lines in a sentence
# Keys of a record in the organisers' input that are not readings: a column of such a name cannot be in it.
OFFICIAL_KEYS = ("topic_id", "dmr_minute_id", "input_modal", "output_modal", "image")


@dataclass
class ReadingReport:
    """What was read and what was dropped, and why.

    Attributes:
        counts: what -> how many, in the order of reading.
        dropped: reason -> ids of the items left out.
        notes: what was guessed, repaired or cannot be used, one line each.
        empty: column -> why it has no value, where there is more to say than that its cells are empty.
    """

    counts: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    empty: dict[str, str] = field(default_factory=dict)

    def drop(self, reason: str, ids: Sequence[str]) -> None:
        """Note that these ids are left out for that reason; an empty list is ignored."""
        if len(ids):
            self.dropped.setdefault(reason, []).extend(str(item) for item in ids)

    def note(self, about: str, sentences: Sequence[str]) -> None:
        """Note something about a column or a file that a person should know of."""
        self.notes += [f"{about}: {sentence}" for sentence in sentences]

    def lines(self) -> list[str]:
        """Return the report as short lines for a person."""
        read = ", ".join(f"{number:,} {what}" for what, number in self.counts.items())
        left_out = [f"left out {len(ids):,}: {reason} (first: {short(ids[0])})" for reason, ids in self.dropped.items()]
        # A name may fill a page, and is in the list of what was left out.
        return [f"read {read}", *(short(line, _LONGEST_LINE) for line in (*left_out, *self.notes))]

    def sentence(self) -> str:
        """Return the first lines of the report, for a sentence."""
        lines = self.lines()
        more = [f"and {len(lines) - _MOST_LINES} more remarks"] if len(lines) > _MOST_LINES else []
        return "; ".join(lines[:_MOST_LINES] + more)

    def save_dropped(self, path: Path) -> None:
        """Write the left-out items as CSV with the columns ``id, reason``."""
        rows = [(item, reason) for reason, ids in self.dropped.items() for item in ids]
        with atomic_path(path) as temporary:
            pd.DataFrame(rows, columns=["id", "reason"]).to_csv(temporary, index=False)


@dataclass(frozen=True)
class Request:
    """How a corpus is to be read.

    Attributes:
        split: how it is split; None for a corpus whose pairs are in no split.
        outside: whether its tables may name photographs outside its folder.
        pictures: one more folder in which the pictures of a captioned corpus are looked for.
        pair: the modalities that are asked for; what costs time and belongs to neither may be left unread.
    """

    split: Split | None = None
    outside: bool = False
    pictures: Path | None = None
    pair: Sequence[str] = DEFAULT_PAIR


@dataclass(frozen=True)
class Corpus:
    """Items of several modalities and the pairs they form. Ids are strings everywhere.

    Attributes:
        name: the heading of this corpus's results.
        root: the folder it was read from.
        tables: modality -> table indexed by string id. ``image`` has the column ``path`` (absolute path as a string);
            ``sensor`` has raw readings, numeric (float64, NaN where missing) or text (NaN where missing).
        pairs: one row a pair, in order of time: ``image`` and ``sensor`` (ids), ``group`` (day or session, str),
            ``timestamp`` (datetime64 in UTC, 1900 to 2199, or NaT where the data have no times), ``split`` (``train``,
            ``val``, ``test`` or empty). Where there are more than two modalities, an item may be absent (NaN).
        groups_are_days: whether ``group`` is a UTC date ``YYYY-MM-DD``.
        layout: which reader made it.
        sensor_columns: the readings a model is given when the configuration names none.
        report: what was read and dropped.
        shared_are_positive: whether pairs that share an item are positives of each other's partners, as the five
            captions of a picture are; otherwise they are merely no negatives, as photographs of one minute are.
        grouped: whether pairs fall into groups (days, sessions), of which pools are drawn; otherwise ``group`` is the
            same throughout, and what asks ranks a whole split.
        annotations: modalities whose items describe others, as captions do: pairs with one share positives.
        categories: modality -> items x concepts, 0 or 1, indexed like its table; none where the data have none.
        vectors: modality -> file or folder of vectors that came with the data, or arrays of one, which the encoder of
            that name reads where the configuration names none.
        links: the pairs of all modalities, where those of two were chosen (``of_pair``); otherwise None.
    """

    name: str
    root: Path
    tables: Mapping[str, pd.DataFrame]
    pairs: pd.DataFrame
    groups_are_days: bool
    layout: str
    report: ReadingReport
    shared_are_positive: bool = False
    categories: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    grouped: bool = True
    annotations: frozenset[str] = frozenset()
    vectors: Mapping[str, Path | StackedArrays] = field(default_factory=dict)
    links: pd.DataFrame | None = None

    @property
    def images(self) -> pd.DataFrame:
        """The image table; a ``UserError`` where there is none."""
        return self._table("image")

    @property
    def sensors(self) -> pd.DataFrame:
        """The sensor table; a ``UserError`` where there is none."""
        return self._table("sensor")

    def _table(self, modality: str) -> pd.DataFrame:
        if modality not in self.tables:
            raise UserError(
                f"{self.root} has nothing of the modality '{modality}', only of {' and '.join(self.tables)}."
            )
        return self.tables[modality]

    def picturing(self, modality: str) -> Corpus:
        """Return the corpus with a modality's items, which have a ``path``, in place of its images.

        What reads photographs (``ntcir.features``) so reads those of any modality that is pictured.

        Raises:
            UserError: if the corpus has no such items.
        """
        table = self._table(modality)
        return self if modality == "image" else replace(self, tables={**self.tables, "image": table})

    def of_pair(self, pair: Sequence[str]) -> Corpus:
        """Return the corpus as pairs of two modalities: each once, and none that lacks an item of either.

        A corpus that lacks one of them is returned as it is; see ``require_pair``.
        """
        names = list(pair)
        kept = [name for name in self.tables if name in self.pairs.columns]
        if not set(names) <= set(kept):
            return self
        shared = self.shared_are_positive or not self.annotations.isdisjoint(names)
        others = [name for name in kept if name not in names]
        if not others:
            return replace(self, shared_are_positive=shared)
        pairs = self.pairs.drop(columns=others)
        report = replace(self.report, counts=dict(self.report.counts), dropped=dict(self.report.dropped))
        for name, other in zip(names, reversed(names), strict=True):
            paired = pairs.loc[pairs[name].notna(), other]
            alone = pairs[other].dropna()
            first, second = modality(other), modality(name)
            report.drop(f"{first.noun} without a {second.noun}", alone[~alone.isin(paired)].unique().tolist())
        pairs = pairs.dropna(subset=names).drop_duplicates(names, ignore_index=True)
        report.counts["pairs"] = len(pairs)
        links = self.pairs if self.links is None else self.links
        return replace(self, pairs=pairs, report=report, shared_are_positive=shared, links=links)

    def partners(self, of: str, other: str) -> pd.Series:
        """Return the first partner of each item that has one, also of a modality that is not in the pair.

        Args:
            of: the modality whose items index the series.
            other: the modality whose items are its values; no items if the corpus has no pairs of the two.
        """
        pairs = self.pairs if self.links is None else self.links
        if not {of, other} <= set(pairs.columns):
            return pd.Series(dtype=object)
        linked = pairs[[of, other]].dropna().drop_duplicates(of)
        return linked.set_index(of)[other]

    def split(self, name: str) -> pd.DataFrame:
        """Return the pairs of one split, in order of time."""
        return self.pairs[self.pairs["split"] == name]

    def require_pair(self, pair: Sequence[str]) -> None:
        """Check that the corpus has items of two modalities, and pairs of them.

        Args:
            pair: the modalities' names.

        Raises:
            UserError: naming a modality that the corpus lacks, and those that it has.
        """
        known = [name for name in self.tables if name in self.pairs.columns]
        for name in pair:
            if name not in known:
                # A pair that there is: of two modalities the only one, of more of them the first.
                there = f": --set 'pair=[{', '.join(known[:2])}]'" if len(known) > 1 else ""
                raise UserError(
                    f"{self.root} has no pairs of {' and '.join(pair)}: it has nothing of the modality '{name}', "
                    f"only of {' and '.join(known)}{did_you_mean(name, known)} (the configuration's key `pair` "
                    f"says which two are used{there})."
                )

    def require_content(self, name: str, use: str = "") -> None:
        """Check that the items of a modality are there themselves, not only their vectors.

        Args:
            name: of the modality.
            use: what they are needed for, for the message, such as "to draw the topic"; to be encoded if empty.

        Raises:
            UserError: if they are not; it says how their vectors are used.
        """
        kind = modality(name)
        if kind.content is None or kind.content in self.tables[name].columns:
            return
        needed = f", which are needed {use}" if use else f": use the vectors with towers.{name}.encoder=vectors"
        there = "only vectors of its" if name in self.vectors else "no"
        raise UserError(f"{self.root} has {there} {kind.plural}, not the {kind.plural} themselves{needed}.")

    def require_columns(self, columns: Sequence[str], modality: str = "sensor") -> None:
        """Check that the table of a modality has these columns.

        Raises:
            UserError: naming the first that is absent and those that are there.
        """
        known = [str(column) for column in self.tables[modality].columns]
        for column in columns:
            if column not in known:
                hint = did_you_mean(column, known)
                raise UserError(
                    f"The {modality} column '{column}' is not in {self.root}{hint}; it has: {', '.join(known)}."
                )
