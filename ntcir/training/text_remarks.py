"""Keys of the section ``texts`` that have no effect, reported before a training begins."""

from __future__ import annotations

from collections.abc import Iterator

from ntcir.config import Config, Texts
from ntcir.system.errors import some

# Which keys each encoder of captions uses, and which of these a form of words does not.
_OF = {
    "words": (
        "form", "tfidf", "min_count", "most", "stop_words", "length", "vectors", "width", "train_vectors",
        "vectors_rate", "shift",
    ),
    "sentences": ("network", "weights", "batch"),
}  # fmt: skip
_WITHOUT_USE = {
    "bag": ("vectors", "width", "train_vectors", "vectors_rate", "shift"), "sum": ("shift",), "sequence": ("tfidf",),
}  # fmt: skip


def idle_texts(config: Config) -> Iterator[str]:
    """Yield a sentence for each reason why keys that are set have no effect."""
    texts = config.texts
    kinds = [kind for kind in _OF if kind in (config.towers.of(name).encoder for name in config.pair)]
    changed = [key for key in Texts.model_fields if getattr(texts, key) != getattr(Texts(), key)]
    others = [key for key in changed if not any(key in _OF[kind] for kind in kinds)]
    if others:
        have = f"the encoder is {kinds[0]}" if kinds else f"no encoder is {' or '.join(_OF)}"
        yield _unused(others, have)
    if "words" not in kinds:
        return
    if of_form := [key for key in changed if key in _WITHOUT_USE[texts.form]]:
        yield _unused(of_form, f"texts.form is {texts.form}")
    if texts.form == "bag":
        return
    if texts.vectors is not None and "width" in changed:
        yield _unused(["width"], "the file of texts.vectors says how long its vectors are")
    if not texts.train_vectors and "vectors_rate" in changed:
        yield _unused(["vectors_rate"], "texts.train_vectors is false")
    if texts.form == "sequence" and "shift" in changed and not _convolved(config):
        yield _unused(["shift"], "only a tower with head: cnn knows where words are")
    if texts.vectors is None and not texts.train_vectors:
        yield "texts.train_vectors is false, and texts.vectors names no file: words keep random vectors."


def _convolved(config: Config) -> bool:
    towers = (config.towers.of(name) for name in config.pair)
    return any(tower.encoder == "words" and tower.head == "cnn" for tower in towers)


def _unused(keys: list[str], why: str) -> str:
    named = some([f"texts.{key}" for key in keys], 4)
    return f"{named} {'is' if len(keys) == 1 else 'are'} set but not used: {why}."
