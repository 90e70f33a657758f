"""What a model is asked about: which corpus, which part of it is ranked, and where its features lie already."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ntcir.config import Config, load_config
from ntcir.corpora.corpus import SPLITS, Corpus
from ntcir.corpora.naming import corpus_name
from ntcir.model.hubness import settle_bias
from ntcir.model.model import Model
from ntcir.model.trained import is_finished
from ntcir.retrieval.stores import store_of
from ntcir.system.errors import UserError
from ntcir.system.files import MODEL_CONFIG
from ntcir.system.home import expanded
from ntcir.system.progress import say
from ntcir.workspace import read_corpus

if TYPE_CHECKING:
    import pandas as pd

ALL = "all"
_SPLIT_KEY, _OUTSIDE_KEY, _PICTURES_KEY, _STORE_KEY = "data.split", "data.outside", "data.pictures", "features.store"
_BETA_KEY = "hubness.beta"
_OTHERS = (_OUTSIDE_KEY, _PICTURES_KEY, _STORE_KEY, _BETA_KEY)
_VECTORS_KEY = re.compile(r"towers\.\w+\.vectors")


def check_split(split: str | None, settings: Sequence[str]) -> None:
    """Check the given split and settings, before anything is read.

    Raises:
        UserError: if there is no such split, or a setting is about anything else.
    """
    if split is not None and split not in {*SPLITS, ALL}:
        raise UserError(f"There is no split '{split}': choose one of {', '.join(SPLITS)} or {ALL}.")
    for setting in settings:
        if _key(setting) not in _OTHERS and not _is_of_split(setting) and not _is_of_vectors(setting):
            raise UserError(
                f"--set {setting!r}: a trained model keeps its configuration; for a run, only {_SPLIT_KEY}, "
                f"{', '.join(_OTHERS)} and towers.MODALITY.vectors can be set."
            )
    others = [setting for setting in settings if not _is_of_split(setting) and not _is_of_vectors(setting)]
    load_config(None, others)  # is the value one?


def warn_if_interrupted(folder: Path) -> None:
    """Say on stderr that a model is the best so far of a training that was interrupted, if it is."""
    if not is_finished(folder):
        say(f"WARNING: the training in {folder} was interrupted; its best model so far is used.")


def pairs_of(corpus: Corpus, split: str) -> pd.DataFrame:
    """Return the pairs of a split, or all.

    Raises:
        UserError: if there is none.
    """
    pairs = corpus.pairs if split == ALL else corpus.split(split)
    if pairs.empty:
        raise UserError(f"The split '{split}' of {corpus.root} is empty: choose one of {', '.join(SPLITS)} or {ALL}.")
    return pairs


def corpus_to_ask(
    model: Model, folder: Path, data: Path | None, *, pooled: bool, split: str | None, settings: Sequence[str] = ()
) -> tuple[Corpus, str]:
    """Read the corpus that a model is asked about; a model is not tied to the one that it was trained on.

    With pools no split is needed, and the corpus is read without any. Without, it is the asker's to say what is ranked:
    left open it is the test split of the model's own corpus, or the whole of another.

    Args:
        model: trained; from here on its features are stored where those of this corpus lie already, if they do, and it
            has the bias against hubs that is wanted.
        folder: the model's.
        data: the corpus folder; the one the model was trained on if None.
        pooled: whether the topics have pools.
        split: what is ranked without pools.
        settings: of ``data.split``, ``data.outside``, ``data.pictures``, ``features.store`` and
            ``towers.MODALITY.vectors``, for this corpus, and of ``hubness.beta``, in place of the model's.

    Returns:
        the corpus, and what is ranked without pools.

    Raises:
        UserError: if there is no corpus, or it cannot be split so, or the model cannot have the bias.
    """
    root = corpus_root(model, data)
    of_split = [setting for setting in settings if _is_of_split(setting)]
    asked = config_to_ask(model, folder, root, settings)
    config = asked.changed({"data.split": _split(folder, of_split)})
    vectors = {f"towers.{name}.vectors": asked.towers.of(name).vectors for name in model.config.pair}
    if pooled:
        chosen, idle = ALL, split or " ".join(f"--set {setting}" for setting in of_split)
        if idle:
            say(f"The pools say what is ranked: {f'--split {split}' if split else idle} is not used.")
    else:
        chosen = split or _split_of(model, root, of_split)
    corpus = _read(config, chosen, root, "so" if of_split else "as the model's corpus was")
    corpus.require_pair(model.config.pair)
    store = config.features.store if _typed(settings, _STORE_KEY) else store_of(model, folder, corpus)
    model.config = model.config.changed({"features.store": str(store), **vectors})
    return corpus, chosen


def corpus_root(model: Model, data: Path | None) -> Path:
    """Return the folder of the corpus that a model is asked about: as given, else that of its training.

    Raises:
        UserError: if it does not exist.
    """
    root = data or model.config.data.path
    if root is None or not root.is_dir():
        whose = "--data names" if data else "The model was trained on"
        raise UserError(f"{whose} {root}, which does not exist: name the corpus folder with --data.")
    return root


def config_to_ask(model: Model, folder: Path, root: Path, settings: Sequence[str]) -> Config:
    """Return the configuration with which a model is asked about a corpus, which is not read for that.

    Args:
        model: trained; from here on it has the bias against hubs that is wanted.
        folder: the model's.
        root: the corpus's.
        settings: as for ``corpus_to_ask``; how the corpus is split is left as it is.

    Raises:
        UserError: if the model cannot have the bias, or nobody says where the corpus's vectors are.
    """
    beta = _typed(settings, _BETA_KEY)
    settle_bias(model, folder, beta.hubness.beta if beta else None)
    # What the model's configuration allows was said of the corpus that it was trained on.
    outside, pictures = _typed(settings, _OUTSIDE_KEY), _typed(settings, _PICTURES_KEY)
    allowed = outside.data.outside if outside else model.config.data.outside and _is_at(model, root)
    theirs = model.config.data.pictures if _is_own(model, root) else None
    shown = pictures.data.pictures if pictures else theirs
    of_corpus: dict[str, Any] = {"data.path": str(root), "data.outside": allowed, "data.pictures": shown and str(shown)}
    store = _typed(settings, _STORE_KEY)
    if store:
        of_corpus["features.store"] = str(expanded(store.features.store))
    vectors = _vectors(model, folder, root, [setting for setting in settings if _is_of_vectors(setting)])
    return model.config.changed({**of_corpus, **vectors})


def _typed(settings: Sequence[str], key: str) -> Config | None:
    """Return a configuration with a key as it was set last; None if it was not set."""
    typed = [setting for setting in settings if _key(setting) == key]
    return load_config(None, typed[-1:]) if typed else None


def _key(setting: str) -> str:
    return setting.partition("=")[0].strip()


def _is_of_split(setting: str) -> bool:
    return _key(setting) == _SPLIT_KEY or _key(setting).startswith(f"{_SPLIT_KEY}.")


def _is_of_vectors(setting: str) -> bool:
    return _VECTORS_KEY.fullmatch(_key(setting)) is not None


def _vectors(model: Model, folder: Path, root: Path, settings: Sequence[str]) -> dict[str, Path | None]:
    """Return the changes by which vectors are those of the corpus that is asked about.

    Raises:
        UserError: if nobody says where they are: rows without ids could be taken for those of other items.
    """
    towers = load_config(folder / MODEL_CONFIG, settings).anchored().towers if settings else model.config.towers
    typed = {_key(setting) for setting in settings}
    for name in model.config.pair:
        own, key = model.config.towers.of(name).vectors, f"towers.{name}.vectors"
        if own is not None and key not in typed and not _is_own(model, root):
            raise UserError(
                f"{root} is not the corpus that the model was trained on, and {own} has the vectors of that one: give "
                f"those of {root} with --set {key}=FILE."
            )
    return {f"towers.{name}.vectors": towers.of(name).vectors for name in model.config.pair}


def _split(folder: Path, settings: Sequence[str]) -> dict[str, Any]:
    """Return how a corpus is split: the model's way, but for what is set; a way that is named begins anew."""
    named = any(_key(setting) == f"{_SPLIT_KEY}.by" for setting in settings)
    return load_config(None if named else folder / MODEL_CONFIG, settings).data.split.model_dump(mode="json")


def _split_of(model: Model, root: Path, settings: Sequence[str]) -> str:
    """Return what is ranked by default."""
    if settings or _is_own(model, root):
        return "test"
    say(f"{root} is not the corpus that the model was trained on: all of it is ranked (use --split to change that).")
    return ALL


def _is_own(model: Model, root: Path) -> bool:
    """Return whether a model was trained on a corpus, which may have been moved since."""
    own = model.config.data.path
    if own is None or not own.is_dir():
        return corpus_name(root) == model.card.get("corpus")
    return _is_at(model, root)


def _is_at(model: Model, root: Path) -> bool:
    """Return whether a corpus lies where the model's did when it was trained."""
    own = model.config.data.path
    return own is not None and own.resolve() == root.resolve()


def _read(config: Config, split: str, root: Path, how: str) -> Corpus:
    if split == ALL:
        return read_corpus(config, splits=False)
    try:
        return read_corpus(config)
    except UserError as error:
        read_corpus(config, splits=False)  # raises if the corpus is at fault
        raise UserError(
            f"{root} cannot be split {how} ({str(error).rstrip('.')}): rank all of it with "
            f"--split {ALL}, or say how to split it, for example with --set {_SPLIT_KEY}.by=auto."
        ) from error
