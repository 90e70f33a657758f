"""Pictures of other channels than red, green and blue, which a reader of picture files returns as they are stored.

torchvision's ``read_image``, the organisers' reader, gives one plane for a grey JPEG. The image networks were trained
on what ``features.decode`` makes of such a file: three.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

# What is done about a picture, by the number of its channels. Whether four are RGBA or the CMYK of a JPEG cannot be
# told from pixels. As torchvision gives them, inverted, the CMYK of a picture without black are RGB as well.
_TREATMENT = {
    1: "one channel (grey): the plane is repeated",
    2: "two channels (grey and alpha): the first plane is repeated, alpha is dropped",
    4: "four channels: the first three are taken as RGB, alpha (or the black of CMYK) is dropped",
}


def rgb_planes(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture's red, green and blue as our own reader of files has them.

    Args:
        planes: uint8 [channels, height, width] with one to four channels: grey, grey and alpha, RGB, RGBA.

    Returns:
        uint8 [3, height, width].
    """
    if len(planes) in (1, 2):
        return planes[[0, 0, 0]]
    return planes[:3]


def channel_remarks(found: Iterable[tuple[int, str]]) -> list[str]:
    """Return a sentence for each number of channels that is not three.

    Args:
        found: number of channels and place of each picture, in the order of the input.
    """
    places: dict[int, list[str]] = {}
    for channels, where in found:
        places.setdefault(channels, []).append(where)
    return [
        f"{len(wheres):,} image{'s have' if len(wheres) > 1 else ' has'} {_TREATMENT[channels]} (first: {wheres[0]})."
        for channels, wheres in sorted(places.items())
        if channels in _TREATMENT
    ]
