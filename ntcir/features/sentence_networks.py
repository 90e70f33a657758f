"""Sentence encoders: folders that sentence-transformers opens, read from the disk alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ntcir.features.fingerprints import fingerprint_of, weights_sha256
from ntcir.system.errors import UserError, shown
from ntcir.system.libraries import confine_libraries, hushed
from ntcir.system.plain_json import parse_json, parse_object
from ntcir.system.regular import read_regular
from ntcir.system.tensor_files import not_finite

if TYPE_CHECKING:
    import torch

_MODULES, _SETTINGS = "modules.json", "config_sentence_transformers.json"
# What may change features besides weights: configurations, vocabularies, merges, SentencePiece models.
_SUFFIXES = {".json", ".txt", ".model", ".spm", ".vocab", ".bpe"}
# Of these only some keys count, or none: they say which versions saved the model, what it was trained on.
_NOTES = {_SETTINGS, "data_config.json", "README.md"}


class SentenceNetwork:
    """A network that sentence-transformers runs, with the pooling and the normalisation that its folder names.

    Args:
        folder: of the model.
        device: where it runs.
        batch: texts at a time.

    Raises:
        UserError: if sentence-transformers is not installed, or the folder is not such a model.
    """

    def __init__(self, folder: Path, device: torch.device, batch: int) -> None:
        self.name, self._folder, self._batch = folder.name, folder, batch
        files = _settings_of(folder)
        self._model = _load(folder, device)
        state = self._model.state_dict()
        if found := not_finite(state):
            raise UserError(f"The weights of the sentence encoder {folder} hold {found}: its training diverged.")
        rows = self.encode([""])
        self.dim = rows.shape[1]
        settings = {
            "texts": "sentence-transformers",
            "files": files,
            "prompts": {name: text for name, text in self._model.prompts.items() if text},
            "default_prompt": self._model.default_prompt_name,
            "dim": self.dim,
            "weights_sha256": weights_sha256(state),
        }
        # The folder's name is for people; what counts is what is in it.
        self.meta = {**settings, "fingerprint": fingerprint_of(settings), "network": self.name}
        length = self._model.max_seq_length
        self.length: int | None = length if isinstance(length, int) and length > 0 else None

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return a row for each text, float32 [len(texts), dim]."""
        with hushed():
            rows = self._model.encode(
                list(texts), batch_size=self._batch, convert_to_numpy=True, show_progress_bar=False
            )
        return np.asarray(rows, dtype=np.float32)

    def tokens(self, text: str) -> int:
        """Return how many tokens a whole text has."""
        with hushed():
            return len(self._model.tokenizer(text, truncation=False)["input_ids"])


def _load(folder: Path, device: torch.device) -> Any:
    """Return the model, in single precision.

    Raises:
        UserError: if it cannot be loaded.
    """
    confine_libraries()
    try:
        with hushed():
            import sentence_transformers
            import transformers
    except ImportError as error:
        raise UserError(
            f"The sentence encoder {folder} needs sentence-transformers ({error}): pip install 'ntcir[text]'."
        ) from error
    bars: Any = transformers.utils.logging
    bars.disable_progress_bar()  # of loading weights
    try:
        with hushed():
            model = sentence_transformers.SentenceTransformer(
                str(folder), device=str(device), local_files_only=True, trust_remote_code=False
            )
    except MemoryError as error:
        raise UserError(f"Not enough memory to load the sentence encoder {folder}.") from error
    except Exception as error:  # whatever a folder may lead to
        words = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"The sentence encoder {folder} cannot be loaded ({words}): copy it again.") from error
    return model.float().eval().requires_grad_(False)


def _settings_of(folder: Path) -> dict[str, str]:
    """Return the digests of what else than weights determines a model's rows: file -> SHA-256.

    Raises:
        UserError: if the folder is not a model of sentence-transformers.
    """
    if not folder.is_dir():
        what = "is a file" if folder.is_file() else "does not exist"
        raise UserError(
            f"texts.network names {folder}, which {what}: give the folder of a sentence-transformers model."
        )
    if not (folder / _MODULES).is_file():
        raise UserError(
            f"{folder} is not a sentence-transformers model (it has no {_MODULES}): give the folder that the library's "
            "save() wrote."
        )
    try:
        modules = _modules(folder)
        if (folder / _SETTINGS).is_file():
            parse_object(read_regular(folder / _SETTINGS))
        found = {}
        for place in dict.fromkeys([folder, *(folder / each for each in modules)]):
            for path in sorted(place.iterdir()) if place.is_dir() else ():
                named = path.suffix in _SUFFIXES and path.name not in _NOTES and not path.name.endswith(".index.json")
                if named and path.is_file():
                    found[str(path.relative_to(folder))] = hashlib.sha256(read_regular(path)).hexdigest()
    except OSError as error:
        raise UserError(
            f"Cannot read the sentence encoder {folder}: {error.filename}: {(error.strerror or str(error)).lower()}."
        ) from error
    except ValueError as error:
        raise UserError(f"The sentence encoder {folder} is damaged ({error}): copy it again.") from error
    return found


def _modules(folder: Path) -> list[str]:
    """Return the folders of a model's modules, none of which brings code of its own.

    Raises:
        UserError: if one does: it would be run.
        ValueError: if the list of modules is damaged.
    """
    modules = parse_json(read_regular(folder / _MODULES))
    if not isinstance(modules, list) or not modules or not all(isinstance(each, dict) for each in modules):
        raise ValueError(f"{_MODULES} is not a list of modules")
    for each in modules:
        kind, path = each.get("type"), each.get("path")
        if not isinstance(kind, str) or not isinstance(path, str):
            raise ValueError(f"a module in {_MODULES} has no type or path")
        if not kind.startswith("sentence_transformers."):
            raise UserError(
                f"{folder / _MODULES} names the module {shown(kind)}, which is not part of sentence-transformers: "
                "code that comes with a model is not run."
            )
        if Path(path).is_absolute() or ".." in Path(path).parts:
            raise ValueError(f"{_MODULES} names the folder {shown(path)}")
    return [each["path"] for each in modules]
