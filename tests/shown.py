"""An index of photographs to show, without vectors and without a corpus behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from picturing import TURNED
from PIL import Image

from ntcir.modalities import IMAGE
from ntcir.serve.index.catalogue import UNKNOWN, Catalogue

PLACE = b"geo:48.137154,11.576124"  # what no picture on the page may tell


class Lines(list[str]):
    """Texts by row."""

    def find(self, text: str) -> int | None:
        return self.index(text) if text in self else None


@dataclass(frozen=True)
class Shown:
    """What the page knows of photographs."""

    folder: Path
    root: Path
    catalogue: Catalogue
    corpus: str = "walk"


def catalogue_of(contents: Mapping[str, str], modality: str = IMAGE.name) -> Catalogue:
    """Items by id, nothing of which is known but what they are."""
    n = len(contents)
    return Catalogue(
        modality=modality,
        ids=Lines(contents),
        contents=Lines(contents.values()),
        times=np.full(n, UNKNOWN),
        offsets=np.zeros(n, np.int32),
        zoned=False,
        positions=np.full((n, 2), np.nan, np.float32),
        numbers={},
        labels={},
        captions=None,
        events=np.arange(n, dtype=np.int32),
    )


def shown(folder: Path, names: Sequence[str], modality: str = IMAGE.name) -> Shown:
    """Photographs of the same ids as their files in ``folder/images``; what is made of them is beside."""
    (folder / "index").mkdir(exist_ok=True)
    return Shown(folder / "index", folder, catalogue_of({name: f"images/{name}" for name in names}, modality))


def jpeg(picture: Image.Image, orientation: int = 1, **options) -> bytes:
    """A JPEG that tells where it was taken in every way that it can."""
    exif, buffer = Image.Exif(), BytesIO()
    exif[0x0112] = orientation
    exif[0x010E] = PLACE.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 13.75), 3: "E", 4: (11.0, 34.0, 34.05)})
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + PLACE + b"</x:xmpmeta>"
    TURNED[orientation](picture).save(buffer, "JPEG", quality=92, exif=exif, comment=PLACE, xmp=xmp, **options)
    return buffer.getvalue()


def opened(content: bytes) -> Image.Image:
    """A picture that the page was sent."""
    return Image.open(BytesIO(content))


def says_nothing(content: bytes) -> bool:
    """Whether a JPEG has nothing but its pixels."""
    picture = opened(content)
    told = {"exif", "comment", "xmp", "icc_profile", "photoshop"} & set(picture.info)
    return picture.format == "JPEG" and not told and not picture.getexif() and PLACE not in content
