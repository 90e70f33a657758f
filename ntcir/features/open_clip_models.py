"""CLIP-like models of open_clip: made by name, with weights from a file, never from the network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ntcir.features.weights import read_checkpoint
from ntcir.system.errors import UserError, did_you_mean, reason_of, short
from ntcir.system.libraries import confine_libraries, hushed
from ntcir.system.tensor_files import not_finite

_IDLE = (
    "input_resolution", "context_length", "vocab_size", "text.transformer.embeddings.position_ids", "logit_scale",
    "logit_bias",
)  # fmt: skip
FOLDER, HUB = "local-dir:", "hf-hub:"  # what open_clip knows besides the names of its models


def import_open_clip() -> Any:
    """Return the package.

    Raises:
        UserError: if it is not installed.
    """
    confine_libraries()
    try:
        with hushed():
            import open_clip
    except ImportError as error:
        raise UserError(
            f"Networks named open_clip:NAME need the package open_clip ({error}): pip install 'ntcir[encoders]'."
        ) from error
    return open_clip


def open_clip_config(name: str) -> dict[str, Any]:
    """Return the configuration of a model, as open_clip has it.

    Args:
        name: of the model, or ``local-dir:`` and a folder with ``open_clip_config.json``.

    Raises:
        UserError: if there is no such model, or it would have to be fetched.
    """
    open_clip = import_open_clip()
    if name.startswith(HUB):
        raise UserError(
            f"open_clip:{name} would be fetched from the network: download the model, and name its folder as "
            f"open_clip:{FOLDER}FOLDER."
        )
    try:
        config = open_clip.get_model_config(name)
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(f"open_clip:{name} has no readable open_clip_config.json ({reason_of(error)}).") from error
    if not isinstance(config, dict):
        known = open_clip.list_models()
        raise UserError(f"open_clip has no model '{short(name)}'{did_you_mean(name, known)}.")
    return config


def open_clip_model(name: str, weights: Path | None, seed: int = 0) -> nn.Module:
    """Make a model and fill it with weights, in single precision, on the CPU, in eval mode.

    Args:
        name: as for ``open_clip_config``.
        weights: a checkpoint of the whole model; None for random weights.
        seed: of random weights.

    Raises:
        UserError: if there is no such model, or the weights cannot be read or do not fit.
    """
    open_clip_config(name)
    state = None if weights is None else read_checkpoint(weights)  # before the model is made, which takes longer
    open_clip = import_open_clip()
    try:
        with hushed(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model: nn.Module = open_clip.create_model(name, load_weights=False, pretrained_text=False)
    except Exception as error:  # whatever a configuration may lead to
        raise UserError(f"open_clip cannot make the model {name} without the network ({reason_of(error)}).") from error
    if state is not None:
        _fill(model, state, f"The weights {weights} do not fit open_clip:{name}")
    if found := not_finite(model.state_dict()):
        raise UserError(f"The weights {weights} of open_clip:{name} hold {found}: its training diverged.")
    return model.float().eval().requires_grad_(False)


def _fill(model: nn.Module, state: Mapping[str, torch.Tensor], refusal: str) -> None:
    """Load weights, in the layouts that open_clip reads.

    Raises:
        UserError: if they do not fit; the sentence begins with ``refusal``.
    """
    open_clip = import_open_clip()
    try:
        found = dict(open_clip.convert.convert_state_dict(model, dict(state)))
        if "positional_embedding" in found and not hasattr(model, "positional_embedding"):
            found = open_clip.model.convert_to_custom_text_state_dict(found)
    except Exception as error:
        raise UserError(f"{refusal} ({reason_of(error)}).") from error
    own = model.state_dict()
    # What says nothing in features: facts that OpenAI's files have, what older versions of transformers saved, and what
    # is of training alone.
    for name in (*_IDLE, *(each for each in own if each.endswith("num_batches_tracked"))):
        found.pop(name, None)
        if name in own:
            found[name] = own[name]
    missing = [name for name in own if name not in found]
    unknown = [name for name in found if name not in own]
    other = [name for name in own if name in found and own[name].shape != found[name].shape]
    for problem, names in (("no", missing), ("the unknown", unknown), ("another shape for", other)):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise UserError(f"{refusal}: they have {problem} '{names[0]}'{more}.")
    model.load_state_dict(found)
