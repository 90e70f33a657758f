"""Raw items to rows of numbers: the kinds of encoders, and how one is opened for a corpus.

A new kind of encoder is a module with two classes, an ``Encoder`` and its ``Rows`` (``ntcir.encoders.encoder``), and a
line in ``KINDS``; modalities whose items it can encode name it in ``Modality.encoders``. One that lies outside this
package adds its line before a configuration is read::

    KINDS["letters"] = ("my_package.letters:Letters", "my_package.letters:LetterRows")
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ntcir.encoders.encoder import Rows
from ntcir.encoders.projected import ProjectableRows
from ntcir.system.errors import UserError, did_you_mean
from ntcir.system.lazy import load

if TYPE_CHECKING:
    from ntcir.config import Config
    from ntcir.corpora.corpus import Corpus
    from ntcir.encoders.encoder import Encoder

# kind -> its encoder and its rows, loaded when they are asked for.
KINDS: dict[str, tuple[str, str]] = {
    "frozen": ("ntcir.encoders.frozen:FrozenEncoder", "ntcir.encoders.frozen:FrozenRows"),
    "readings": ("ntcir.encoders.readings:ReadingsEncoder", "ntcir.encoders.readings_rows:ReadingsRows"),
    "sentences": ("ntcir.encoders.sentences:SentencesEncoder", "ntcir.encoders.sentences:SentenceRows"),
    "vectors": ("ntcir.encoders.vectors:VectorsEncoder", "ntcir.encoders.vectors:VectorRows"),
    "words": ("ntcir.encoders.words:WordsEncoder", "ntcir.encoders.words_rows:WordRows"),
}


def encoder_class(kind: str) -> type[Encoder]:
    """Return the class of a kind of encoders.

    Raises:
        KeyError: if there is no such kind.
    """
    found: type[Encoder] = load(KINDS[kind][0])
    return found


def takes_queries(kind: str) -> bool:
    """Return whether encoders of a kind encode what is in no corpus, such as what a person types.

    Raises:
        KeyError: if there is no such kind.
    """
    return load(KINDS[kind][1]).encode is not Rows.encode


def open_rows(config: Config, corpus: Corpus, modality: str, encoder: Encoder | None = None) -> Rows:
    """Open what an encoder makes of a corpus's items.

    Args:
        config: resolved; ``towers.MODALITY.encoder`` says which kind.
        corpus: with a table of the modality.
        modality: its name.
        encoder: of a trained model; None for one that is yet to be fitted.

    Raises:
        UserError: if there is no such kind, the trained encoder is of another, or it cannot be used on this corpus.
    """
    kind = str(config.towers.of(modality).encoder)
    if kind not in KINDS:
        hint = did_you_mean(kind, KINDS) or f"; there are: {', '.join(KINDS)}"
        raise UserError(f"towers.{modality}.encoder = {kind!r} is not an encoder{hint}.")
    if encoder is not None and encoder.kind != kind:  # it would be passed over, and another made
        raise UserError(
            f"towers.{modality}.encoder is {kind}, but the model's is {encoder.kind}: put that back, or train again."
        )
    rows: Rows = load(KINDS[kind][1]).open(config, corpus, modality, encoder)
    if (pca := config.towers.of(modality).pca) is not None and not isinstance(rows, ProjectableRows):
        raise UserError(f"towers.{modality}.pca = {pca} is not for the encoder {kind}, whose rows stay: leave it out.")
    return rows


def open_pair(config: Config, corpus: Corpus, encoders: Mapping[str, Encoder] | None = None) -> dict[str, Rows]:
    """Open both modalities of the configuration's pair, by name in its order; see ``open_rows``.

    Args:
        config: resolved.
        corpus: with pairs of these modalities.
        encoders: of a trained model; None for those that are yet to be fitted.

    Raises:
        UserError: if the corpus has no such pairs, or an encoder cannot be used on it.
    """
    corpus.require_pair(config.pair)
    opened = {
        # Right to left: readings are checked at once, networks take seconds to load.
        name: open_rows(config, corpus, name, encoders[name] if encoders else None)
        for name in reversed(config.pair)
    }
    return {name: opened[name] for name in config.pair}
