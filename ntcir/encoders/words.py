"""Captions to numbers of words, which the tower's stem turns into a bag of words, a sum of vectors or a sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from ntcir.config import Config, Texts, Tower
from ntcir.encoders.encoder import Encoder
from ntcir.encoders.start_vectors import StartVectors
from ntcir.encoders.vocabulary import Vocabulary
from ntcir.system.errors import shown

if TYPE_CHECKING:
    from torch import nn

    from ntcir.towers.views import Views

Form = Literal["bag", "sum", "sequence"]


class WordsEncoder(Encoder):
    """Turns captions into rows of word numbers, float32 [captions, length]: from 1, and zeros behind the last.

    Words that training did not show, or that are not to count, are left out. Where the order of words says nothing, the
    numbers are sorted, so that captions of the same words have the same row.

    Args:
        vocabulary: the words that are known.
        form: what the stem makes of them.
        length: words of a caption at most; others behind them are cut off.
        tfidf: whether rare words weigh more.
        width: of a word's vector; 0 where words have none. That of ``start``, if there is any.
        start: has the vectors with which training begins; None for random ones, and for those of a trained model, which
            are among its weights.
    """

    kind = "words"
    repeats = True
    to_narrow = "lower texts.most or raise texts.min_count"

    def __init__(
        self,
        vocabulary: Vocabulary,
        form: Form,
        length: int,
        *,
        tfidf: bool,
        width: int,
        start: StartVectors | None = None,
    ) -> None:
        self.vocabulary, self.form, self.length, self.tfidf = vocabulary, form, length, tfidf
        self._width, self._start = width, start

    @classmethod
    def of(cls, vocabulary: Vocabulary, options: Texts, start: StartVectors | None = None) -> WordsEncoder:
        """Make the encoder that a configuration describes."""
        width = 0 if options.form == "bag" else options.width
        return cls(vocabulary, options.form, options.length, tfidf=options.tfidf, width=width, start=start)

    @property
    def width(self) -> int:
        """Numbers of a word's vector; 0 where words have none."""
        return self._width if self._start is None else self._start.width

    @property
    def dim(self) -> int:  # type: ignore[override]
        """The length of a row."""
        return self.length

    def numbered(self, text: str) -> list[int]:
        """Return the numbers of all known words of a caption, in order."""
        return self.vocabulary.numbered(text)

    def rows(self, numbered: Sequence[Sequence[int]]) -> np.ndarray:
        """Return captions whose words are numbered as rows, float32 [captions, length]; those too long are cut."""
        rows = np.zeros((len(numbered), self.length), dtype=np.float32)
        for row, numbers in zip(rows, numbered, strict=True):
            kept = numbers[: self.length]
            row[: len(kept)] = kept if self.form == "sequence" else sorted(kept)
        return rows

    def stem(self, tower: Tower, config: Config) -> tuple[nn.Module, int]:
        """Return what turns word numbers into a bag of words, a sum of vectors, or a sequence of them."""
        from ntcir.towers.word_stems import Bag, InOrder, Summed

        words, learnt = len(self.vocabulary), config.texts.train_vectors
        rarity = self.vocabulary.rarity() if self.tfidf else None
        if self.form == "bag":
            return Bag(words, rarity), words
        start = None if self._start is None else self._start.of(self.vocabulary)
        if self.form == "sum":
            return Summed(words, self.width, start, learnt=learnt, rarity=rarity), self.width
        return InOrder(words, self.width, start, learnt=learnt), self.width

    @classmethod
    def positions(cls, tower: Tower, config: Config) -> int | None:
        """Return how many words of a caption count, where they are a sequence."""
        return config.texts.length if config.texts.form == "sequence" else None

    def views(self, tower: Tower, config: Config) -> Views | None:
        """Return the positions at which a caption may begin, where a CNN is to see several."""
        from ntcir.towers.starts import Starts

        if tower.head != "cnn" or config.texts.shift == "never":
            return None
        return Starts(every=config.texts.shift == "always")

    def random_vectors(self) -> tuple[str, str] | None:
        """Return words, unless they are counted or a file has their vectors."""
        if self.form == "bag" or self._start is not None:
            return None
        return "words", "texts.form=bag, or give texts.vectors"

    def to_json(self) -> dict[str, Any]:
        """Return the words and what is made of them; their vectors are with the weights."""
        made = {"form": self.form, "length": self.length, "tfidf": self.tfidf, "width": self.width}
        return {**made, **self.vocabulary.to_json()}

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> WordsEncoder:
        """Make the encoder that ``to_json`` described.

        Raises:
            ValueError, KeyError: if something is not there, or does not fit the rest.
        """
        form, length, tfidf, width = (tree[key] for key in ("form", "length", "tfidf", "width"))
        if form not in get_args(Form):
            raise ValueError(f"its form is {shown(form)}, not one of {', '.join(get_args(Form))}")
        if type(length) is not int or not 1 <= length <= 1024:
            raise ValueError(f"its length is {shown(length)}, not a number of words")
        if type(tfidf) is not bool:
            raise ValueError(f"its tfidf is {shown(tfidf)}, not true or false")
        if type(width) is not int or (width == 0) != (form == "bag") or not 0 <= width <= 1 << 16:
            raise ValueError(f"its width is {shown(width)}, which does not fit the form {form}")
        return cls(Vocabulary.from_json(tree), form, length, tfidf=tfidf, width=width)
