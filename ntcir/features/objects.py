"""Photographs in, stored detections out: which objects they show, how surely, and where."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ntcir.config import Config, Objects
from ntcir.corpora.corpus import Corpus
from ntcir.features.corpus_folder import claim_folder, corpus_folder
from ntcir.features.detection import Detection
from ntcir.features.detector import DEMO, FLOOR, MOST, Detector, digest, find_weights
from ntcir.features.failures import FAILURES
from ntcir.features.file_states import FileStates, require_some, tell_unreadable
from ntcir.features.store import DetectionStore, stored_meta
from ntcir.system.errors import UserError, did_you_mean, some
from ntcir.system.files import atomic_write
from ntcir.system.streams import write_output

VERSION = 1  # of how pictures are read and boxes are kept
COLUMNS = ["image_id", "class", "confidence", "x1", "y1", "x2", "y2"]


class ObjectDetections:
    """The objects in a corpus's photographs, by one detector.

    Opening reads the weights' bytes and what is stored; the detector is started when something must be detected.
    ``ensure`` detects what is not stored yet; ``counts`` and ``table`` read.

    Args:
        corpus: whose photographs are meant.
        options: which detector, and which of its detections count; of these ``detector``, ``size`` and ``iou`` change
            what is stored, ``confidence`` and ``classes`` only what is read.
        store: the folder of all features.

    Attributes:
        fingerprint: of all that determines what is stored.
        folder: where it is stored.

    Raises:
        UserError: if there is no such detector, what is stored is damaged, or a class is named that it does not have.
    """

    def __init__(self, corpus: Corpus, options: Objects, store: Path) -> None:
        self._corpus = corpus
        self._options = options
        self._weights = find_weights(options.detector)
        made_by = {"version": VERSION, "weights": digest(self._weights), "size": options.size, "iou": options.iou}
        text = json.dumps(made_by | {"floor": FLOOR, "most": MOST}, sort_keys=True)
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()
        name = DEMO if options.detector == DEMO else self._weights.name.split(".")[0]
        self._all_features, self._name = store, f"objects-{name}-{self.fingerprint[:10]}"
        self._detector: Detector | None = None
        self._files = FileStates(corpus.images)
        self._open(corpus_folder(store, corpus))

    def _open(self, home: Path) -> None:
        """Open what is stored in the folder of the corpus."""
        self.folder = home / self._name
        meta = stored_meta(self.folder, DetectionStore.what)
        self._store = None if meta is None else DetectionStore(self.folder, {"fingerprint": self.fingerprint})
        self._names = () if meta is None else tuple(meta.get("names", ()))
        if meta is not None:
            self._columns()  # a class that is not among the stored ones is reported at once

    def _claim(self) -> None:
        """Note that the folder is this corpus's; if another corpus of the name was faster, take another one."""
        home = claim_folder(self._all_features, self._corpus)
        if home != self.folder.parent:
            self._open(home)

    @property
    def names(self) -> tuple[str, ...]:
        """The detector's classes; the detector is started for them if nothing is stored."""
        return self._names or self._started().names

    @property
    def counted(self) -> tuple[str, ...]:
        """The classes that count, in the detector's order: those of the options, or all.

        Raises:
            UserError: if the options name a class that the detector does not have.
        """
        return tuple(self.names[number] for number in np.flatnonzero(self._columns() >= 0))

    @property
    def failed(self) -> dict[str, str]:
        """Photographs that could not be read, and why."""
        known = {} if self._store is None else self._store.failed(self._files.signatures)
        return {item: why for item, (_, why) in known.items()}

    def ensure(self, ids: Sequence[str]) -> np.ndarray:
        """Detect the objects in those of ``ids`` for which that is not stored yet.

        Returns:
            bool [len(ids)]: of which detections (be it none) are stored; the others could not be decoded and are in
            ``failed.csv``.

        Raises:
            UserError: if there is no room, none of the photographs can be read, the weights are no detector's, or the
                options name a class that it does not have.
        """
        if self._store is not None:
            self._claim()
        paths = self._files.look(ids)
        signs = self._files.signatures
        if self._store is not None:
            self._store.check(ids, self._files.of(ids))
        todo = [item for item in paths if self._store is None or self._store.needs(item, signs[item])]
        passing: dict[str, str] = {}
        if todo:
            detector = self._started()
            self._columns()
            detection = Detection(detector, self._opened(detector), paths, signs)
            detection.fill(todo, 3 * self._options.batch)
            passing = detection.passing
        present = self._present(ids)
        if len(ids):
            reason = passing.get(ids[0]) or self.failed.get(ids[0], "unknown")
            require_some(ids, present, paths[ids[0]], reason)
        tell_unreadable(present, self.folder / FAILURES, passing)
        return present

    def counts(self, ids: Sequence[str]) -> np.ndarray:
        """Return how many objects of each class are in the photographs, at the options' confidence; see ``ensure``.

        Returns:
            int64 [len(ids), len(counted)]: zeros where nothing is stored or the photograph cannot be read.
        """
        owners, rows = self._counted_rows(ids)
        columns = self._columns()
        width = int((columns >= 0).sum())
        cells = owners * width + columns[rows[:, 0].astype(np.int64)]
        return np.bincount(cells, minlength=len(ids) * width).reshape(len(ids), width)

    def table(self, ids: Sequence[str]) -> pd.DataFrame:
        """Return the detections that count: a row each, in the order of ``ids``, the surest first; see ``ensure``.

        Returns:
            ``COLUMNS``: ``image_id`` and ``class`` (str), ``confidence`` and the box (float32), in pixels of the
            upright photograph.
        """
        owners, rows = self._counted_rows(ids)
        names = np.array(self.names, dtype=object)
        table = pd.DataFrame(rows[:, 1:], columns=COLUMNS[2:])
        table.insert(0, COLUMNS[0], np.array(ids, dtype=object)[owners])
        table.insert(1, COLUMNS[1], names[rows[:, 0].astype(np.int64)])
        return table

    def csv(self, ids: Sequence[str]) -> str:
        """Return ``table`` as CSV: confidence to four digits after the point, boxes to a tenth of a pixel."""
        table = self.table(ids)
        digits = {name: 4 if name == "confidence" else 1 for name in COLUMNS[2:]}
        return str(table.astype(dict.fromkeys(digits, np.float64)).round(digits).to_csv(index=False))

    def summary(self, ids: Sequence[str]) -> str:
        """Return one sentence: how many photographs, how many of them with objects, which, and where that is stored."""
        counts = self.counts(ids)
        shown, total = int((counts.sum(axis=1) > 0).sum()), counts.sum(axis=0)
        what = f"{len(ids):,} photographs, {shown:,} with objects"
        if shown:
            common = [f"{self.counted[number]} {total[number]:,}" for number in np.argsort(-total, kind="stable")]
            what += f" ({some(common[: (total > 0).sum()])})"
        else:
            what = f"no object in any of {len(ids):,} photographs"
        return f"{self._corpus.name}: {what} at confidence {self._options.confidence:g}; stored in {self.folder}"

    def _started(self) -> Detector:
        if self._detector is None:
            self._detector = Detector(self._weights, self._options)
        return self._detector

    def _columns(self) -> np.ndarray:
        """Return the column of each class of the detector, int64 [classes]; -1 of those that do not count."""
        wanted = self._options.classes
        for name in wanted:
            if name not in self.names:
                hint = did_you_mean(name, self.names) or f", whose classes are {some(self.names, 20)}"
                raise UserError(
                    f"objects.classes names '{name}', which is not a class of the detector {self._weights.name}{hint}."
                )
        counts = np.array([not wanted or name in wanted for name in self.names], dtype=bool)
        return np.where(counts, np.cumsum(counts) - 1, -1)

    def _counted_rows(self, ids: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the position in ``ids`` of each detection that counts, int64 [n], and its row, float32 [n, 6]."""
        if self._store is None:
            return np.empty(0, dtype=np.int64), np.empty((0, 6), dtype=np.float32)
        owners, rows = self._store.load(ids, self._files.of(ids))
        if len(rows) and not 0 <= rows[:, 0].max() < len(self.names):
            raise UserError(
                f"The detections in {self.folder} have more classes than the {len(self.names)} it names: remove the "
                "folder to compute them again."
            )
        keep = self._present(ids)[owners] & (rows[:, 1] >= self._options.confidence)
        keep &= self._columns()[rows[:, 0].astype(np.int64)] >= 0
        return owners[keep], rows[keep]

    def _present(self, ids: Sequence[str]) -> np.ndarray:
        store, signs = self._store, self._files.signatures
        return np.array([store is not None and store.has(item, signs[item]) for item in ids], dtype=bool)

    def _opened(self, detector: Detector) -> DetectionStore:
        """Return the store, which is made when something must be detected for the first time."""
        if self._store is None:
            self._claim()
        if self._store is None:
            meta = {"fingerprint": self.fingerprint, "detector": self._options.detector, "names": detector.names}
            made_by = {"size": detector.frame[:2], "iou": self._options.iou, "floor": FLOOR}
            self._store, self._names = DetectionStore(self.folder, meta | made_by), detector.names
        return self._store


def detect_corpus(corpus: Corpus, config: Config, table: Path | None = None) -> str:
    """Detect the objects in all photographs of a corpus, and write them to ``table`` (``-``: standard output) as CSV.

    Returns:
        one sentence about what was found.

    Raises:
        UserError: as ``ObjectDetections``, or if the table cannot be written.
    """
    detections = ObjectDetections(corpus, config.objects, config.features.store)
    ids = corpus.images.index.tolist()
    detections.ensure(ids)
    if table == Path("-"):
        write_output(detections.csv(ids))
    elif table is not None:
        atomic_write(table, detections.csv(ids))
    return detections.summary(ids)
