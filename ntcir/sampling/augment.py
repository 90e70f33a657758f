"""Photographs altered by an albumentations pipeline: what another photograph of the same minute could look like.

Albumentations 2.0.8 keeps its random state in the pipeline. Workers of a data loader inherit copies of it, so that all
of them, in every epoch, draw the same alterations; and seeding a ``Compose`` gives each of its transforms the same
numbers, so that one with p = 0.2 is applied only where one with p = 0.5 is. Here each view of each photograph has a
seed of its own, and the transforms of a pipeline draw from one stream.
"""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Sequence
from copy import deepcopy
from hashlib import blake2b
from inspect import Parameter, isclass, signature
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np
from PIL import Image
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ntcir.config import Augment
from ntcir.system.errors import UserError, did_you_mean
from ntcir.system.libraries import confine_libraries

VERSION = 1  # of the way from seed to view; another number computes stored views anew

Shape = tuple[int, int]


class Augmenter:
    """Alters photographs: the same way for the same seed, item and view, whoever asks, when and in which order.

    It may be called by several threads at once, and pickled for other processes.

    Args:
        options: the transforms and their seed.
        side: the pictures' height and width in pixels, with which the transforms are tried.

    Attributes:
        meta: what determines a view of a photograph; can be written as JSON.

    Raises:
        UserError: if albumentations has no such transform, an argument is wrong, or what comes out is no picture.
    """

    def __init__(self, options: Augment, side: int = 224) -> None:
        self._options, self._side = options, side
        library = _albumentations()
        self.meta: dict[str, Any] = {
            "transforms": options.transforms,
            "seed": options.seed,
            "albumentations": ".".join(str(library.__version__).split(".")[:2]),
            "version": VERSION,
        }
        shape = (side, side)
        pipeline = [_checked(library, number, transform, shape) for number, transform in enumerate(options.transforms)]
        _try_out(options, pipeline, shape)
        # A transform is nobody else's while it draws: whoever calls takes a pipeline, or copies one, and lays it back.
        self._pattern = pipeline
        self._spare: defaultdict[Shape, deque[list[Any]]] = defaultdict(deque)

    def __reduce__(self) -> tuple[type[Augmenter], tuple[Augment, int]]:
        return Augmenter, (self._options, self._side)

    def __call__(self, picture: np.ndarray, item: str, view: int) -> np.ndarray:
        """Return a view of a picture; both are uint8 [3, height, width].

        Args:
            picture: left as it is.
            item: the photograph's id.
            view: the number of the view: of a stored one from 0 on, or the training step for which it is drawn.

        Raises:
            UserError: if a transform cannot be applied to a picture of this size.
        """
        shape = (picture.shape[1], picture.shape[2])
        pipeline = self._pipeline(shape)
        key = blake2b(f"{self._options.seed}/{view}/{item}".encode(errors="surrogatepass"), digest_size=16)
        _seed(pipeline, int.from_bytes(key.digest(), "big"))
        altered = picture.transpose(1, 2, 0).copy()
        for number, transform in enumerate(pipeline):
            try:
                altered = transform(image=altered)["image"]
            except Exception as error:  # transforms raise nearly anything
                raise UserError(_failure(_place(self._options, number), error, altered)) from error
        self._spare[shape].append(pipeline)
        if altered.shape[:2] != shape:
            altered = np.asarray(Image.fromarray(altered).resize(shape[::-1], Image.Resampling.BILINEAR))
        return np.ascontiguousarray(altered.transpose(2, 0, 1))

    def _pipeline(self, shape: Shape) -> list[Any]:
        """Return transforms for pictures [height, width] that no other thread uses."""
        try:
            return self._spare[shape].pop()
        except IndexError:
            pass
        if shape == (self._side, self._side):
            return deepcopy(self._pattern)
        library = _albumentations()
        return [_build(library, transform, shape) for transform in self._options.transforms]


def _albumentations() -> Any:
    confine_libraries()
    try:
        import albumentations
    except ImportError as error:  # OpenCV, mostly: it wants libraries of the system
        raise UserError(f"Cannot import albumentations, which augment.views needs ({error}).") from error
    return albumentations


def _seed(pipeline: Sequence[Any], seed: int) -> None:
    """Let all transforms draw from one new stream (of numpy and of Python: they use both)."""
    states = np.random.default_rng(seed), random.Random(seed)
    for transform in pipeline:
        transform.set_random_state(*states)


def _place(options: Augment, number: int) -> str:
    return f"augment.transforms.{number} ({options.transforms[number]['name']})"


def _arguments(kind: type, transform: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """Return a transform's arguments; a ``size`` that it needs and is not given is the picture's own."""
    arguments = {key: value for key, value in transform.items() if key != "name"}
    size = signature(kind).parameters.get("size")
    if size is not None and size.default is Parameter.empty:
        arguments.setdefault("size", shape)
    return arguments


def _build(library: Any, transform: dict[str, Any], shape: Shape) -> Any:
    """Make a transform, as strict about its arguments as it can be."""
    kind = getattr(library, transform["name"])
    arguments = _arguments(kind, transform, shape)
    try:
        # Not strict, it would only warn of a value that it cannot check, and take its default instead.
        return kind(**arguments, strict=True)
    except TypeError:  # a few do not know the word
        return kind(**arguments)


def _checked(library: Any, number: int, transform: dict[str, Any], shape: Shape) -> Any:
    """Make a transform, or say what is wrong with its name or arguments."""
    name, place = transform["name"], f"augment.transforms.{number}"
    known = _transforms(library)
    if name not in known:
        hint = did_you_mean(name, known)
        if hasattr(library, name):
            raise UserError(f"{place}: albumentations' {name} does not transform a single image{hint}.")
        raise UserError(f"{place}: albumentations has no transform '{name}'{hint}.")
    place = f"{place} ({name})"
    taken = [key for key in signature(known[name]).parameters if key not in {"name", "strict"}]
    for key in transform:
        if key != "name" and key not in taken:
            hint = did_you_mean(key, taken) or f"; it has {', '.join(taken)}"
            raise UserError(f"{place} has no argument '{key}'{hint}.")
    with catch_warnings():
        simplefilter("ignore")  # of transforms for which albumentations has a newer name
        try:
            made = _build(library, transform, shape)
        except Exception as error:
            raise UserError(f"{place}: {_wrong_argument(error, transform)}.") from error
    lacking = [target for target in made.targets_as_params if target != "image"]
    if lacking:
        raise UserError(f"{place} needs more than an image ({', '.join(lacking)}).")
    return made


def _transforms(library: Any) -> dict[str, type]:
    """Return albumentations' transforms of pictures by name."""
    bases = (library.ImageOnlyTransform, library.DualTransform)
    found = {name: value for name, value in vars(library).items() if isclass(value) and issubclass(value, bases)}
    # Lambda's arguments are functions, which no configuration file can hold.
    unusable = (*bases, library.Lambda, library.Transform3D)
    return {
        name: value
        for name, value in found.items()
        if value not in unusable and not issubclass(value, library.Transform3D)
    }


def _wrong_argument(error: Exception, transform: dict[str, Any]) -> str:
    """Return what pydantic found wrong with a transform's arguments, the first thing only."""
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        return _words(error)
    first, *others = cause.errors()
    if not first["loc"]:
        return _message(first)
    key = str(first["loc"][0])
    if first["type"] == "missing":
        return f"the argument '{key}' is missing"
    # Of an argument that may be one thing or another there is a message for each.
    messages = dict.fromkeys(_message(error) for error in (first, *others) if error["loc"][:1] == (key,))
    value = f" = {transform[key]!r}" if key in transform else ""
    return f"{key}{value} is not valid: {', or '.join(list(messages)[:2])}"


def _message(error: ErrorDetails) -> str:
    words = " ".join(error["msg"].removeprefix("Value error, ").split()).rstrip(".")
    return words[:1].lower() + words[1:]


def _try_out(options: Augment, pipeline: Sequence[Any], shape: Shape) -> None:
    """Apply each transform once, to what the one before it has made of random pixels.

    Raises:
        UserError: if one fails, does nothing for want of more than a picture, or makes something else of the picture.
    """
    _seed(pipeline, 0)
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    for number, transform in enumerate(pipeline):
        place = _place(options, number)
        with catch_warnings():
            simplefilter("error", UserWarning)  # "neither mask nor boxes provided, do not apply"
            try:
                altered = transform(image=picture, force_apply=True)["image"]
            except Exception as error:
                raise UserError(_failure(place, error, picture)) from error
        if not isinstance(altered, np.ndarray) or altered.dtype != np.uint8 or altered.shape[2:] != (3,):
            found = f"{altered.dtype} {list(altered.shape)}" if hasattr(altered, "dtype") else type(altered).__name__
            raise UserError(f"{place} turns an image into {found}; it must stay uint8 [height, width, 3].")
        picture = altered


def _failure(place: str, error: Exception, picture: np.ndarray) -> str:
    height, width = picture.shape[:2]
    return f"{place} cannot be applied to an image of {width} x {height} pixels: {_words(error)}."


def _words(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it needs {error.args[0]!r} as well"
    return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
