"""What a person searches with, words, a picture or a reading, and which modality of a model that is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ntcir.formats.reading import STANDARD_INPUT, is_standard_input, read_bytes
from ntcir.modalities import Direction, Modality, Query, directions
from ntcir.modalities.modality import is_json_object
from ntcir.system.errors import UserError, short


@dataclass(frozen=True)
class Way:
    """A way to ask.

    Attributes:
        option: how it is typed.
        noun: what is given, in messages.
        holds: whether items of a modality are asked with in this way.
    """

    option: str
    noun: str
    holds: Callable[[Modality], bool]


PICTURE = Way("--image FILE", "a picture", lambda modality: modality.pictured)
READING = Way("--reading JSON", "a reading", lambda modality: "readings" in modality.encoders)
WORDS = Way("words", "words", lambda modality: not PICTURE.holds(modality) and not READING.holds(modality))
WAYS = (WORDS, PICTURE, READING)


@dataclass(frozen=True)
class Given:
    """What was typed, and in which way.

    Attributes:
        way: words, a picture or a reading.
        text: as typed.
        is_id: whether the text is certainly the id of an item of the corpus, and not the item itself.
    """

    way: Way
    text: str
    is_id: bool = False


def given(words: Sequence[str], picture: str | None, reading: str | None) -> Given:
    """Return what is searched with, of which exactly one is to be given.

    Args:
        words: one or more, of which ``-`` alone stands for those on standard input; runs of blanks count as one.
        picture: the path of a file, or an id.
        reading: a JSON object.

    Raises:
        UserError: if nothing is given, or several things, or ``-`` among words, or the query is empty.
    """
    typed = [*([WORDS] if words else []), *([PICTURE] if picture is not None else [])]
    typed += [READING] if reading is not None else []
    if len(typed) != 1:
        options = ", ".join(way.option for way in typed)
        what = f"There are {len(typed)} queries ({options})" if typed else "There is no query"
        raise UserError(f"{what}: give words, --image FILE or --reading JSON, one of them.")
    if typed == [WORDS]:
        return Given(WORDS, _words(words))
    return _given(typed[0], picture if reading is None else reading)


def sides(words: Sequence[str], picture: str | None, reading: str | None, caption: str | None) -> list[Given]:
    """Return one side of a pair of items that are compared, or both.

    Args:
        words: as for ``given``.
        picture: the path of a file, or an id.
        reading: a JSON object, or an id.
        caption: the id of a caption of the corpus.

    Raises:
        UserError: if nothing is given, more than two things are, or two captions, or one is empty.
    """
    typed = [*([WORDS.option] if words else []), *(["--text ID"] if caption is not None else [])]
    if len(typed) > 1:
        raise UserError("There are 2 captions (words, --text ID): give one of them, and what it is compared with.")
    typed += [*([PICTURE.option] if picture is not None else []), *([READING.option] if reading is not None else [])]
    if len(typed) not in {1, 2}:
        what = f"There are {len(typed)} items ({', '.join(typed)})" if typed else "There is nothing to explain"
        raise UserError(f"{what}: give words, --text ID, --image FILE or --reading JSON, one or two of them.")
    found = [Given(WORDS, _words(words))] if words else []
    if caption is not None:
        found.append(_given(WORDS, caption, is_id=True, option="--text ID"))
    if picture is not None:
        found.append(_given(PICTURE, picture))
    if reading is not None:
        found.append(_given(READING, reading, is_id=not is_json_object(reading)))
    return found


def _given(way: Way, text: str | None, *, is_id: bool = False, option: str = "") -> Given:
    if text is None or not text.strip():
        raise UserError(f"The query is empty: give {option or way.option}.")
    return Given(way, text, is_id)


def _words(words: Sequence[str]) -> str:
    if len(words) > 1 and any(map(is_standard_input, words)):
        raise UserError(
            f"- stands for a query on {STANDARD_INPUT} and cannot be one of several words: give - alone, or the whole "
            "query in quotes."
        )
    piped = len(words) == 1 and is_standard_input(words[0])
    try:
        text = read_bytes("-").decode() if piped else " ".join(words)
    except UnicodeDecodeError as error:
        raise UserError("Standard input is not UTF-8 text: save the query as UTF-8.") from error
    text = " ".join(text.split())
    if not text:
        where = f" on {STANDARD_INPUT}" if piped else ""
        raise UserError(f"The query{where} is empty: say in a few words what to look for.")
    return text


def direction_of(query: Given, pair: Sequence[str], folder: Path) -> Direction:
    """Return which modality of a model's pair a query is of, and which is searched.

    Args:
        query: as typed.
        pair: the model's.
        folder: the model's.

    Raises:
        UserError: if the model cannot be asked so; the sentence says how it can.
    """
    both = directions(pair)
    found = next((each for each in both if query.way.holds(each.query)), None)
    if found is None:
        possible = [way.option for each in both for way in WAYS if way.holds(each.query)]
        raise UserError(
            f"The model {folder} cannot be asked with {query.way.noun}: its pair is {' and '.join(pair)}; ask with "
            f"{' or '.join(dict.fromkeys(possible))}, or name another model with --model."
        )
    return found


def parsed(query: Given, modality: Modality) -> Query:
    """Return a query as the encoders of its modality take it.

    Raises:
        UserError: if it cannot be one.
    """
    try:
        found = modality.parse(query.text)
    except ValueError as error:
        raise UserError(f"{query.way.option.partition(' ')[0]} {short(query.text)!r}: {error}.") from error
    if found is None:
        raise UserError(f"{short(query.text)!r} is not a {modality.noun}.")
    return found
