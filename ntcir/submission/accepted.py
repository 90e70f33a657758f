"""Which models can be handed in: the organisers give pixels and readings, and nothing else."""

from __future__ import annotations

from ntcir.encoders.frozen import FrozenEncoder
from ntcir.encoders.readings import ReadingsEncoder
from ntcir.features.backbones import FrozenNetwork
from ntcir.model.model import Model
from ntcir.system.errors import UserError


def photographs(model: Model) -> FrozenEncoder:
    """Return what a model makes of photographs.

    Raises:
        UserError: if it is not a model of photographs' pixels.
    """
    encoder = model.encoders.get("image")
    if not isinstance(encoder, FrozenEncoder):
        raise _refused(model, "image")
    return encoder


def readings(model: Model) -> ReadingsEncoder:
    """Return what a model makes of sensor readings.

    Raises:
        UserError: if it is not a model of sensor readings.
    """
    encoder = model.encoders.get("sensor")
    if not isinstance(encoder, ReadingsEncoder):
        raise _refused(model, "sensor")
    return encoder


def self_contained(model: Model) -> list[FrozenNetwork]:
    """Make a model's image networks part of it, and return them.

    Raises:
        UserError: if they cannot be obtained, or are not those the model was trained with.
    """
    return photographs(model).embed(model.config)


def _refused(model: Model, modality: str) -> UserError:
    if modality not in model.encoders:
        has = f"this model is between {model.config.pair[0]} and {model.config.pair[1]}"
    else:
        has = f"this model's {modality} encoder is '{model.encoders[modality].kind}'"
    return UserError(
        f"The organisers' input has photographs' pixels and sensor readings; {has}: train one of pair [image, sensor] "
        "with the encoders frozen and readings."
    )
