"""Whether the words of a model that a training begins from are the words of that training."""

from __future__ import annotations

from pathlib import Path

from ntcir.config import Config
from ntcir.encoders.encoder import Encoder
from ntcir.encoders.vocabulary import Vocabulary
from ntcir.encoders.words import WordsEncoder
from ntcir.system.errors import UserError


def check_texts(name: str, ours: Config, theirs: Config, place: Path) -> None:
    """Check, by settings alone, that both make the same of words, as far as a tower's weights depend on it.

    Args:
        name: of the modality.
        ours: the configuration of the training.
        theirs: that of the model that it begins from.
        place: of that model.

    Raises:
        UserError: naming the setting that differs.
    """
    if {config.towers.of(name).encoder for config in (ours, theirs)} != {"words"}:
        return
    placed = ours.texts.form == "sequence" and ours.towers.of(name).head in {"gmlp", "cnn"}
    for key in ("form", *(["length"] if placed else [])):
        have, want = getattr(theirs.texts, key), getattr(ours.texts, key)
        if have != want:
            raise UserError(
                f"training.start: {place} has texts.{key} = {have}, and this training {want}: set texts.{key}={have}, "
                "or name another model."
            )


def check_no_more_words(name: str, theirs: WordsEncoder, ours: Vocabulary, place: Path) -> None:
    """Check that a model knows no word that the training captions lack, whichever of these turn out to be readable.

    Args:
        name: of the modality.
        theirs: what the model knows.
        ours: the words of all training captions.
        place: of the model.

    Raises:
        UserError: if it does.
    """
    if not set(theirs.vocabulary.words) <= set(ours.words):
        raise _other_words(name, theirs.vocabulary, ours, place)


def _other_words(name: str, theirs: Vocabulary, ours: Vocabulary, place: Path) -> UserError:
    return UserError(
        f"training.start: the {name} tower of {place} knows {len(theirs):,} words, which are not the {len(ours):,} of "
        "these training captions: name a model that was trained on the same ones, with the same texts.min_count, "
        "texts.most and texts.stop_words."
    )


def check_words(name: str, theirs: Encoder, ours: Encoder, place: Path) -> None:
    """Check that words have the same numbers, weigh alike and have vectors of one width, where rows are such.

    Raises:
        UserError: if they do not.
    """
    if not (isinstance(theirs, WordsEncoder) and isinstance(ours, WordsEncoder)):
        return
    if list(theirs.vocabulary.words) != list(ours.vocabulary.words):
        raise _other_words(name, theirs.vocabulary, ours.vocabulary, place)
    if theirs.tfidf != ours.tfidf:
        have, want = (str(encoder.tfidf).lower() for encoder in (theirs, ours))
        raise UserError(
            f"training.start: {place} has texts.tfidf = {have}, and this training {want}: "
            f"set texts.tfidf={have}, or name another model."
        )
    check_width(theirs, ours.width, place)


def check_width(theirs: WordsEncoder, ours: int, place: Path) -> None:
    """Check that a model's word vectors are as wide as those of a training.

    Raises:
        UserError: if they are not.
    """
    if theirs.width != ours:
        raise UserError(
            f"training.start: the word vectors of {place} are {theirs.width} wide, and those of this training "
            f"{ours}: leave texts.vectors out and set texts.width={theirs.width}, as the model brings its own, or name "
            "another model."
        )
