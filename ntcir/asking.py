"""What a model is asked about: which corpus, which part of it is ranked, and where its features lie already."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ntcir.config import Config, load_config
from ntcir.corpora import open_corpus
from ntcir.corpora.corpus import SPLITS, Corpus
from ntcir.errors import UserError
from ntcir.files import MODEL_CONFIG
from ntcir.model import Model
from ntcir.parallel import by_first
from ntcir.progress import say
from ntcir.workspace import read_corpus, stored_elsewhere

ALL = "all"
_SPLIT_KEY = "data.split"


def check_split(split: str | None, settings: Sequence[str]) -> None:
    """Check what is typed of a split, before anything is read.

    Raises:
        UserError: if there is no such split, or a setting is about anything else.
    """
    if split is not None and split not in {*SPLITS, ALL}:
        raise UserError(f"There is no split '{split}': choose one of {', '.join(SPLITS)} or {ALL}.")
    for setting in settings:
        key = setting.partition("=")[0].strip()
        if key != _SPLIT_KEY and not key.startswith(f"{_SPLIT_KEY}."):
            raise UserError(
                f"--set {setting!r}: a trained model keeps its configuration; of a run, only {_SPLIT_KEY} can be set."
            )


def corpus_to_ask(
    model: Model, folder: Path, data: Path | None, *, pooled: bool, split: str | None, settings: Sequence[str] = ()
) -> tuple[Corpus, str]:
    """Read the corpus that a model is asked about; a model is not tied to the one that it was trained on.

    With pools no split is needed, and the corpus is read without any. Without, it is the asker's to say what is ranked:
    left open it is the test split of the model's own corpus, or the whole of another.

    Args:
        model: trained; from here on its features are stored where those of this corpus lie already, if they do.
        folder: the model's.
        data: the corpus folder; the one the model was trained on if None.
        pooled: whether the topics have pools.
        split: what is ranked without pools.
        settings: of ``data.split``, for this corpus, in place of the model's.

    Returns:
        the corpus, and what is ranked without pools.

    Raises:
        UserError: if there is no corpus, or the split cannot be had of it.
    """
    root = data or model.config.data.path
    if root is None or not root.is_dir():
        whose = "--data names" if data else "The model was trained on"
        raise UserError(f"{whose} {root}, which is not there: say with --data where the corpus lies.")
    config = model.config.changed({"data.path": str(root), "data.split": _split(folder, settings)})
    if pooled:
        chosen, typed = ALL, split or " ".join(f"--set {setting}" for setting in settings)
        if typed:
            say(f"The pools say what is ranked: {f'--split {split}' if split else typed} is not used.")
    else:
        chosen = split or _split_of(model, root, settings)
    corpus = _read(config, chosen, root)
    if not config.features.store.is_absolute():
        store = by_first(lambda: stored_elsewhere(config.features.store, folder, corpus, model.fingerprints))
        model.config = model.config.changed({"features.store": str(store)})
    return corpus, chosen


def _split(folder: Path, settings: Sequence[str]) -> dict[str, Any]:
    """Return how a corpus is split: the model's way, but for what is set; a way that is named begins anew."""
    named = any(setting.partition("=")[0].strip() == f"{_SPLIT_KEY}.by" for setting in settings)
    return load_config(None if named else folder / MODEL_CONFIG, settings).data.split.model_dump(mode="json")


def _split_of(model: Model, root: Path, settings: Sequence[str]) -> str:
    """Return what is ranked when nobody says."""
    if settings or _is_own(model, root):
        return "test"
    say(f"{root} is not the corpus that the model was trained on: all of it is ranked (--split says otherwise).")
    return ALL


def _is_own(model: Model, root: Path) -> bool:
    """Return whether a model was trained on a corpus, which may have been moved since."""
    own = model.config.data.path
    if own is None or not own.is_dir():
        return root.absolute().name == model.card.get("corpus")
    return own.resolve() == root.resolve()


def _read(config: Config, split: str, root: Path) -> Corpus:
    if split == ALL:
        return read_corpus(config, splits=False)
    try:
        return read_corpus(config)
    except UserError as error:
        open_corpus(root, None)  # tells if it is the corpus that is at fault
        raise UserError(
            f"{root} cannot be split as the model's corpus was ({str(error).rstrip('.')}): rank all of it with "
            f"--split {ALL}, or say how it is split, such as with --set {_SPLIT_KEY}.by=auto."
        ) from error
