"""Which folder of a store belongs to a corpus: that of its name, unless another corpus of that name has it.

Rows are kept by the id of a photograph and the state of its file, which is its size and time of change. Two corpora may
have the names, sizes and times in common and show other things: copies with times set to one date, frames of one size.
So a corpus's folder says whose it is::

    corpus.json     roots: where the corpora lie that it serves; heads: of up to 4,096 photographs, evenly spread, the
                    state of the file and a digest of its first 64 KiB

Each time the folder is used by a corpus at one of its roots, 32 of these photographs are looked at, and at another root
all of them. A corpus that was moved, renamed back or copied therefore finds its features within seconds; another one of
the same names, sizes and times gets a folder of its own, ``NAME-`` and digits made from its root, which is said. A
folder from before there was a ``corpus.json`` is taken for that of the first corpus that comes. What is not told apart
are corpora that differ nowhere but in photographs beyond those 4,096, with the same size and time to the nanosecond.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeGuard

import pandas as pd

from ntcir.corpora.corpus import Corpus
from ntcir.features.pictures import open_file
from ntcir.features.shard_store import signature
from ntcir.modalities.image import IMAGE
from ntcir.system.errors import UserError
from ntcir.system.files import atomic_write, disk_errors
from ntcir.system.locks import folder_locked
from ntcir.system.plain_json import parse_object
from ntcir.system.progress import say

NOTE = "corpus.json"
_HEAD = 1 << 16  # bytes of a file: past the header and thumbnail of a JPEG, which a camera's pictures may share
_MOST, _FEW = 4096, 32  # photographs that are noted of a corpus, and that are looked at each time
_READERS = 8  # threads: what they wait for is the disk
_ATTEMPTS = 5

Heads = Mapping[str, Mapping[str, str]]  # id -> state of the file -> digest of its beginning


@dataclass
class _Note:
    """What ``corpus.json`` says.

    Attributes:
        text: as it is written; None where there is no such file.
        roots: where the corpora lie that the folder serves.
        heads: how some of their photographs begin.
        damaged: whether the text is no such thing, and nothing of it is kept.
    """

    text: bytes | None = None
    roots: list[str] = field(default_factory=list)
    heads: Heads = field(default_factory=dict)
    damaged: bool = False


def corpus_folder(store: Path, corpus: Corpus) -> Path:
    """Return the folder of a corpus in a store, which may not be there yet; nothing is written."""
    return _Search(store, corpus).choose()[0]


def claim_folder(store: Path, corpus: Corpus) -> Path:
    """Return the folder of a corpus in a store, made and noted as its own.

    Where nothing can be written the note is left: the store may be somebody else's, and be read only.

    Raises:
        UserError: if the folder cannot be made.
    """
    for _ in range(_ATTEMPTS):  # as often as other processes claim what this one was about to
        folder, note = _Search(store, corpus).choose()
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with folder_locked(folder) as certain:
            if _read(folder).text != note.text:
                continue
            for left in folder.glob(f".{NOTE}*") if certain else ():  # by a process that was killed
                with suppress(OSError):
                    left.unlink()
            _renew(folder, note, corpus)
        if note.damaged:
            say(f"{folder / NOTE} is damaged and is rewritten.")
        if folder.name != corpus.name and note.text is None:
            say(
                f"{store / corpus.name} holds the features of another corpus of that name, with other photographs of "
                f"the same names, sizes and times: the features of {corpus.root} are kept in {folder}."
            )
        break
    return folder


class _Search:
    """The search for a corpus's folder among those of its name."""

    def __init__(self, store: Path, corpus: Corpus) -> None:
        self._store, self._name, self._root = store, corpus.name, _root(corpus)
        self._paths = _paths(corpus)
        self._heads: dict[str, str] = {}  # of files that were looked at

    def choose(self) -> tuple[Path, _Note]:
        """Return the folder, and what it says of itself."""
        usual = self._store / self._name
        notes = {folder: _read(folder) for folder in [usual, *self._others()]}
        known = {folder: self._agrees(note, _FEW) for folder, note in notes.items() if self._root in note.roots}
        for verdict in (True, None):
            for folder, found in known.items():
                if found is verdict:
                    return folder, notes[folder]
        if notes[usual].text is None:
            return usual, notes[usual]
        for folder, note in notes.items():
            agrees = False if folder in known else self._agrees(note, None)
            # Where there is nothing to compare, no row of one can be taken for the other's.
            if agrees or (agrees is None and folder == usual):
                return folder, note
        texts = (f"{self._root} {number}" if number else self._root for number in count())
        folders = (self._store / f"{self._name}-{_digits(text)}" for text in texts)
        return next(folder for folder in folders if folder not in notes), _Note()

    def _others(self) -> list[Path]:
        """Return the folders of other corpora of the name."""
        pattern = re.compile(re.escape(self._name) + "-[0-9a-f]{10}")
        names: list[str] = []
        with suppress(OSError):
            names = sorted(filter(pattern.fullmatch, os.listdir(self._store)))  # noqa: PTH208
        return [self._store / name for name in names if (self._store / name / NOTE).is_file()]

    def _agrees(self, note: _Note, most: int | None) -> bool | None:
        """Return whether photographs begin as those of a folder's corpus; None where none has the same state.

        Args:
            note: of the folder.
            most: how many are looked at; all if None.
        """
        expected: dict[str, str] = {}  # path -> digest
        for item in _spread([item for item in note.heads if item in self._paths.index], most):
            path = str(self._paths[item])
            if (head := note.heads[item].get(signature(path))) is not None:
                expected[path] = head
        found = _heads([path for path in expected if path not in self._heads])
        self._heads |= found
        compared = [self._heads[path] == head for path, head in expected.items() if self._heads[path]]
        return all(compared) if compared else None


def _renew(folder: Path, note: _Note, corpus: Corpus) -> None:
    """Write down that a folder is a corpus's, and how its photographs begin, as far as that is not said yet."""
    paths = _paths(corpus)
    root, roots = _root(corpus), note.roots
    if root not in roots:
        roots = [*roots, root]
    heads = {item: dict(states) for item, states in note.heads.items()}
    wanted = {str(item): str(paths[item]) for item in _spread(paths.index.tolist(), _MOST)}
    signs = {item: signature(path) for item, path in wanted.items()}
    there = sum(signature(str(paths[item])) in states for item, states in heads.items() if item in paths.index)
    if 2 * there < sum(map(bool, signs.values())):  # the corpus is new, or has grown, or was rewritten
        found = _heads(path for item, path in wanted.items() if signs[item])
        for item, path in wanted.items():
            if head := found.get(path):
                heads.setdefault(item, {}).setdefault(signs[item], head)
    tree = {"roots": roots, "heads": {item: heads[item] for item in sorted(heads)}}
    text = json.dumps(tree)
    if text.encode() != note.text:
        with suppress(UserError):  # no space or no permission: the same is computed the next time
            atomic_write(folder / NOTE, text)


def _read(folder: Path) -> _Note:
    """Return what a folder says of itself."""
    try:
        text = (folder / NOTE).read_bytes()
    except OSError:
        return _Note()
    with suppress(ValueError):
        tree = parse_object(text)
        roots, heads = tree.get("roots"), tree.get("heads")
        if isinstance(roots, list) and _is_heads(heads):
            return _Note(text, [str(root) for root in roots], heads)
    return _Note(text, damaged=True)


def _is_heads(tree: Any) -> TypeGuard[Heads]:
    return isinstance(tree, dict) and all(
        isinstance(states, dict) and all(isinstance(head, str) for head in states.values()) for states in tree.values()
    )


def _heads(paths: Iterable[str]) -> dict[str, str]:
    """Return digests of the beginnings of files; empty of one that cannot be read."""
    listed = list(paths)
    with ThreadPoolExecutor(_READERS) as threads:
        return dict(zip(listed, threads.map(_head, listed), strict=True))


def _head(path: str) -> str:
    try:
        with open_file(path) as file:
            return hashlib.sha256(file.read(_HEAD)).hexdigest()[:16]
    except (OSError, ValueError):
        return ""


def _spread(items: Sequence[str], most: int | None) -> Sequence[str]:
    """Return at most so many of the items, evenly spread."""
    if most is None or len(items) <= most:
        return items
    return [items[place * len(items) // most] for place in range(most)]


def _paths(corpus: Corpus) -> pd.Series:
    """Return the paths of a corpus's photographs, as far as it has any."""
    if IMAGE.name not in corpus.tables:  # what is kept of its other items is known by what they are
        return pd.Series(dtype=object)
    return corpus.images["path"].dropna()


def _root(corpus: Corpus) -> str:
    return str(corpus.root.resolve())


def _digits(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:10]
