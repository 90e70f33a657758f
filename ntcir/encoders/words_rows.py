"""The captions of a corpus as numbers of words: those of its training split, or those that a trained model knows."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np

from ntcir.config import Config
from ntcir.corpora.corpus import Corpus
from ntcir.encoders.encoder import Encoder, Rows
from ntcir.encoders.parts import LEFT_OUT, NOT_KNOWN, WORD, Part, Parts, sentences_without
from ntcir.encoders.start_vectors import StartVectors, fingerprint
from ntcir.encoders.tokens import words_of
from ntcir.encoders.vocabulary import Vocabulary, stop_words
from ntcir.encoders.words import WordsEncoder
from ntcir.modalities import modality as modality_of
from ntcir.system.errors import UserError, short, some
from ntcir.system.home import expanded
from ntcir.system.progress import say


class WordRows(Rows):
    """The captions of a corpus.

    Args:
        config: resolved; says how a new vocabulary is made.
        corpus: whose captions.
        modality: of these.
        encoder: of a trained model; None for one that ``fit`` makes.
    """

    def __init__(self, config: Config, corpus: Corpus, modality: str, encoder: WordsEncoder | None = None) -> None:
        self._options, self._corpus, self._modality = config.texts, corpus, modality_of(modality)
        self._table = corpus.tables[modality]
        self._asked: dict[str, None] = {}  # what was made ready, in order; of these, what is strange is said once
        self._vectors = None if config.texts.form == "bag" else config.texts.vectors
        self._start: StartVectors | None = None
        self._is_others = encoder is not None
        if encoder is not None:
            self.encoder: WordsEncoder = encoder

    @classmethod
    def open(cls, config: Config, corpus: Corpus, modality: str, encoder: Encoder | None) -> WordRows:
        """Open the captions of a corpus.

        Raises:
            UserError: if there are none, only vectors of them.
        """
        corpus.require_content(modality)
        return cls(config, corpus, modality, encoder if isinstance(encoder, WordsEncoder) else None)

    def check(self, ids: Sequence[str]) -> None:
        """Check that there are words to be learnt from, and vectors to begin with, if these are asked for.

        Raises:
            UserError: if there are none.
        """
        self.vocabulary(ids)
        if self._vectors is not None:
            self._start = StartVectors(expanded(self._vectors), self._words(ids))
            _ = self._start.found  # read in time, before other things take long

    def fit(self, ids: Sequence[str]) -> list[str]:
        """Take the words of training captions, each caption once; return what the model will not see of captions.

        Raises:
            UserError: if there are no words.
        """
        vocabulary = self.vocabulary(ids)
        if self._vectors is not None and self._start is None:
            self._start = StartVectors(expanded(self._vectors), self._words(ids))
        self.encoder = WordsEncoder.of(vocabulary, self._options, self._start)
        of_vectors = [] if self._start is None else self._start.remarks(vocabulary)
        return [*of_vectors, *self._remarks([*self._asked, *ids])]

    def ensure(self, ids: Sequence[str]) -> np.ndarray:
        """Say which captions the encoder of a trained model does not understand.

        Returns:
            bool [len(ids)]: all True; a caption without a known word is ranked as any other would be.
        """
        new = [item for item in dict.fromkeys(ids) if item not in self._asked]
        self._asked |= dict.fromkeys(new)
        if self._is_others:
            for remark in self._remarks(new):
                say(f"{self._corpus.name}: {remark}")
        return np.ones(len(ids), dtype=bool)

    def load(self, ids: Sequence[str]) -> np.ndarray:
        """Return the captions' words, float32 [len(ids), length]."""
        return self.encoder.rows([self.encoder.numbered(text) for text in self._texts(ids)])

    def origins(self) -> list[str]:
        """Return the SHA-256 of the file of vectors, where one is used."""
        return [] if self._vectors is None else [fingerprint(expanded(self._vectors))]

    def facts(self, ids: Sequence[str]) -> list[Any]:
        """Return what training on these items depends on: also the captions' words, and their vectors."""
        parts = [self.load(ids)] if self._start is None else [self.load(ids), self._start.of(self.encoder.vocabulary)]
        return [*super().facts(ids), *(hashlib.sha256(part.tobytes()).hexdigest() for part in parts)]

    def encode(self, queries: Mapping[str, str]) -> Iterator[tuple[list[str], np.ndarray]]:
        """Encode sentences, all at once; those without a known word are answered, and named."""
        if not queries:
            return
        numbered = [self.encoder.numbered(text) for text in queries.values()]
        for remark in self._remarks_on(queries, numbered):
            say(remark)
        yield list(queries), self.encoder.rows(numbered)

    def apart(self, content: str, row: np.ndarray, cells: int) -> Parts:
        """Take a caption apart into what stands between blanks; words that do not count are noted."""
        words = content.split()
        parts = [Part(word, note) for word, note in zip(words, self._notes(words), strict=True)]
        counted = [place for place, part in enumerate(parts) if part.note is None]
        texts = [content, *sentences_without(words, counted)]
        rows = self.encoder.rows([self.encoder.numbered(text) for text in texts])
        return Parts(WORD, parts, rows[:1], rows[1:])

    def _notes(self, words: Sequence[str]) -> Iterator[str | None]:
        """Yield for each word why it does not count, or None."""
        ignored, before = stop_words(self._options), 0
        for word in words:
            numbers = self.encoder.numbered(word)
            if numbers:
                yield LEFT_OUT if before >= self.encoder.length else None
            else:
                yield LEFT_OUT if ignored.issuperset(words_of(word)) else NOT_KNOWN
            before += len(numbers)

    def _remarks_on(self, queries: Mapping[str, str], numbered: Sequence[Sequence[int]]) -> Iterator[str]:
        """Yield sentences about what is left out of queries; of a single one, also which words."""
        total, most = len(queries), self.encoder.length
        unknown = [topic for topic, numbers in zip(queries, numbered, strict=True) if not numbers]
        cut = [topic for topic, numbers in zip(queries, numbered, strict=True) if len(numbers) > most]
        if total == 1:
            quoted = next(self._quoted(topic, queries) for topic in queries)
            if unknown:
                yield f"WARNING: this model knows no word of {quoted}: it is ranked as an empty sentence would be."
            elif ignored := self._ignored(next(iter(queries.values()))):
                yield f"Words that this model does not know are left out of {quoted}: {some(ignored)}."
            if cut:
                yield f"Of {quoted}, the first {most} known words count."
            return
        if unknown:
            yield (
                f"WARNING: {len(unknown):,} of {total:,} queries have no word that this model knows, and are ranked as "
                f"an empty sentence would be (first: {self._quoted(unknown[0], queries)})."
            )
        if cut:
            yield (
                f"{len(cut):,} of {total:,} queries have more than {most} known words, of which the first count "
                f"(first: {self._quoted(cut[0], queries)})."
            )

    def _ignored(self, text: str) -> list[str]:
        """Return the words of a sentence that are not known, without stop words, each once."""
        known = {*self.encoder.vocabulary.numbers, *stop_words(self._options)}
        return [word for word in dict.fromkeys(words_of(text)) if word not in known]

    def vocabulary(self, ids: Sequence[str]) -> Vocabulary:
        """Return the words of captions, which may be given repeatedly.

        Raises:
            UserError: if there are none.
        """
        distinct = list(dict.fromkeys(ids))
        found = Vocabulary.of(self._texts(distinct), self._options)
        if not found:
            raise UserError(
                f"None of the {len(distinct):,} training {self._modality.plural} of {self._corpus.root} has a word to "
                f"learn from (first: {self._shown(distinct[0])}): look at the {self._modality.plural}, at "
                f"texts.min_count (now {self._options.min_count}) and at texts.stop_words."
            )
        return found

    def _words(self, ids: Sequence[str]) -> Sequence[str]:
        """Return all words of captions, also those that may only come to count once some captions are left out."""
        every = self._options.model_copy(update={"min_count": 1, "most": sys.maxsize})
        return Vocabulary.of(self._texts(list(dict.fromkeys(ids))), every).words

    def _texts(self, ids: Sequence[str]) -> list[str]:
        rows = self._table.loc[list(ids)].to_dict("records")
        return [
            str(self._modality.ask(item, cast("Mapping[str, Any]", row))) for item, row in zip(ids, rows, strict=True)
        ]

    def _remarks(self, ids: Sequence[str]) -> list[str]:
        """Return sentences about what the encoder leaves out of captions."""
        distinct, plural = list(dict.fromkeys(ids)), self._modality.plural
        counts = np.array([len(self.encoder.numbered(text)) for text in self._texts(distinct)], dtype=np.int64)
        remarks = []
        if (unknown := counts == 0).any():
            remarks.append(
                f"WARNING: {unknown.sum():,} of {len(distinct):,} {plural} have no word that the model knows, and are "
                f"all the same to it (first: {self._shown(distinct[int(unknown.argmax())])})."
            )
        if (cut := counts > self.encoder.length).any():
            remarks.append(
                f"{cut.sum():,} of {len(distinct):,} {plural} are cut after {self.encoder.length} known words "
                f"(texts.length; first: {self._shown(distinct[int(cut.argmax())])})."
            )
        return remarks

    def _shown(self, item: str) -> str:
        return self._quoted(item, {item: self._texts([item])[0]})

    @staticmethod
    def _quoted(item: str, texts: Mapping[str, str]) -> str:
        return f"{short(item)} '{short(texts[item])}'"
