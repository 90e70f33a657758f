"""How sharp and how bright a photograph is, by its pixels alone: what tells blurred and dark ones from the others.

Lifelog search systems hide blurred photographs by the density of edges, commonly the magnitude of the Sobel gradient
or the variance of the Laplacian (Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, ICPR 2000). Both
miss motion, which leaves the edges along it as sharp as before, and both take a dim room for a blurred one. So the
Laplacian is taken apart here: second differences in four directions, and the direction with the fewest steep ones
counts, after the contrast has been stretched.

Measured on 280 photographs (Flickr8k, COCO) and copies of them, each measure's threshold such that it finds 3% of the
originals blurred; the share of the copies that it finds, lengths in pixels of a picture of 256
(``python benchmarks/sharpness.py``):

============================  =============  ===========  ========  =============
measure                       Gaussian, 1.5  Gaussian, 1  moved, 6  dim but sharp
============================  =============  ===========  ========  =============
share of Sobel > 24           63%            25%          21%       100%
variance of the Laplacian     100%           99%          53%       90%
``edge_density``              100%           99%          100%      0%
============================  =============  ===========  ========  =============

The last column should be small: those copies, a quarter as bright and with noise, are as sharp as the originals.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

SIDE = 256  # pixels of the longer side at which a picture is judged: grain and the noise of JPEGs are gone there

# Below, a photograph is blurred: of those originals 0.4%, of the copies blurred by 1.5 pixels all and of those moved by
# 6 most (79%), but of those blurred by 1 pixel only 40%: hiding a good photograph is the worse mistake.
BLURRED = 0.005
# Below, it is dark: a covered lens, a night without lamps; none of those originals is.
DARK = 0.1

_STEEP = 24.0  # grey levels of a second difference, as one of an edge is that a step of 24 levels makes
_SPAN = 200.0  # grey levels that contrast is stretched to ...
_MOST_STRETCHED = 4.0  # ... by no more than so much: what is left of a black picture is noise
_DIAGONAL = 0.75  # the pixels of a diagonal lie further apart, so the same edge differs by more along it


class Look(NamedTuple):
    """What a photograph looks like.

    Attributes:
        edges: the share of its pixels that lie on a sharp edge, 0 to 1; below ``BLURRED`` it is blurred.
        light: the mean of its luma, 0 to 1; below ``DARK`` it is dark.
    """

    edges: float
    light: float


def look_of(picture: Image.Image) -> Look:
    """Judge a picture in any mode that becomes grey, of any size; a larger one is reduced to ``SIDE`` first."""
    grey = picture.convert("L")
    scale = SIDE / max(grey.size)
    if scale < 1:  # enlarging would blur
        width, height = (max(1, round(side * scale)) for side in grey.size)
        grey = grey.resize((width, height), Image.Resampling.BILINEAR)
    values = np.asarray(grey, dtype=np.float32)
    return Look(edge_density(values), float(values.mean()) / 255)


def edge_density(grey: np.ndarray) -> float:
    """Return the share of pixels on a sharp edge, in the direction that has the fewest.

    A picture without any edge has 0, whether it is out of focus or of a white wall. One that is too small to have an
    edge has 1.

    Args:
        grey: float32 [height, width], 0 to 255.
    """
    if min(grey.shape) < 3:
        return 1.0
    low, high = np.percentile(grey, (1, 99))
    stretched = min(max(_SPAN / (high - low + 1), 1.0), _MOST_STRETCHED)
    steep = _STEEP / stretched
    return float(min((np.abs(differences) > steep).mean() for differences in _second_differences(grey)))


def _second_differences(grey: np.ndarray) -> Iterator[np.ndarray]:
    """Yield how much each inner pixel differs from the two beside it: across, down and both diagonals."""
    twice = 2 * grey[1:-1, 1:-1]
    yield grey[1:-1, :-2] + grey[1:-1, 2:] - twice
    yield grey[:-2, 1:-1] + grey[2:, 1:-1] - twice
    yield (grey[:-2, :-2] + grey[2:, 2:] - twice) * _DIAGONAL
    yield (grey[:-2, 2:] + grey[2:, :-2] - twice) * _DIAGONAL
