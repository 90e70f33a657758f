"""The keys of captions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from ntcir.config.places import Place, path_of_text_network, path_of_weights
from ntcir.config.section import Section


class Texts(Section):
    """What captions are to the text tower: words of a vocabulary, or the features of a frozen text network."""

    # Of the encoder `words`, whose rows are numbers of words. bag: a column a word; sum: the sum of the words' vectors;
    # sequence: the words' vectors in order, on each of which an MLP works before the maximum over the words is taken; a
    # gMLP and a CNN work on all of them (see towers).
    form: Literal["bag", "sum", "sequence"] = "bag"
    tfidf: bool = False  # words weigh less the more training captions have them, and a bag or sum has unit length
    min_count: int = Field(1, ge=1)  # words seen fewer times in training are not known
    most: int = Field(20_000, ge=1, le=1_000_000)  # words that are known: those seen most often in training
    stop_words: Literal["none", "english"] | list[str] = "none"  # left out
    length: int = Field(64, ge=1, le=1024)  # known words of a caption; what comes after them is cut off
    # Of `sum` and `sequence`: a file of word vectors (GloVe's text, fastText's .vec or .bin) to begin with; without
    # one, random vectors of so many dimensions.
    vectors: Annotated[Path | None, Place("data", handed_on="name")] = None
    width: int = Field(300, ge=1, le=4096)
    train_vectors: bool = True  # along with the towers
    vectors_rate: float = Field(1.0, gt=0, le=1000)  # their learning rate, as a multiple of training.lr
    # Of a tower with head: cnn, which knows where words are. never: captions begin at the first of `length` positions;
    # training: at a random one in training, drawn anew at each step; always: when something is asked, at every one, and
    # the vectors are added up.
    shift: Literal["never", "training", "always"] = "never"
    # Of the encoder `sentences`: the folder of a sentence-transformers model ($NAME: an environment variable has it),
    # or `open_clip:NAME`, the text side of a CLIP-like model.
    network: Annotated[str | None, Place("code", path_of_text_network)] = None
    # Of open_clip: a file; left open, those of the same network in features.backbones.
    weights: Annotated[str | None, Place("data", path_of_weights, handed_on="name")] = None
    batch: int = Field(64, ge=1, le=4096)  # captions at a time

    @field_validator("stop_words", mode="before")
    @classmethod
    def _are_words(cls, given: Any) -> Any:
        """Refuse what is of no kind with one sentence, where pydantic has one for each kind."""
        if not isinstance(given, list):
            if given not in ("none", "english"):
                raise ValueError("give none, english or a list of words")
        elif odd := [word for word in given if not isinstance(word, str)]:
            raise ValueError(f"{odd[0]!r} in the list is not a text: put it in quotes")
        return given
