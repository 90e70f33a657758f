"""A picture as networks see it with one of its cells hidden: what in it a score comes from.

Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014, section 4.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from ntcir.features.backbones import FrozenNetwork
from ntcir.features.decode import LONGEST, decode_squares, geometry, load_image
from ntcir.features.image_features import encode_pictures
from ntcir.features.inference import batch_of
from ntcir.features.mirror import joined
from ntcir.features.preprocessing import Square, distinct
from ntcir.system.errors import UserError
from ntcir.system.progress import progress

Area = tuple[float, float, float, float]


def encode_occluded(networks: Sequence[FrozenNetwork], path: str, cells: int) -> tuple[np.ndarray, Area]:
    """Return the features of a picture, whole and with each of its cells hidden, and which part of it has cells.

    What each network is given is divided into ``cells`` x ``cells``. A hidden cell has the mean colour by which that
    network's pictures are standardised (rounded to bytes), so that it is zero to the network.

    Args:
        networks: whose features are put one behind the other.
        path: of any picture.
        cells: on a side.

    Returns:
        float32 [1 + cells * cells, their dims]: the whole picture, then those without each cell, row by row; with
        ``features.mirror``, the same of their mirror images behind them; and what the first network is given, see
        ``area_of``.

    Raises:
        UnreadableImage: if it cannot be decoded.
        UserError: if a network is given fewer pixels a side than that.
    """
    squares = distinct(network.preprocessing for network in networks)
    if (side := min(square.crop for square in squares)) < cells:
        raise UserError(f"{side} x {side} pixels cannot be divided into {cells} x {cells} cells: give fewer (--cells).")
    given = decode_squares(path, squares)
    area = area_of(load_image(path).size, squares[0])
    features = []
    with progress("Encoding with hidden cells", len(networks) * (1 + cells**2), unit=" pictures/s") as advance:
        for network in networks:
            square = network.preprocessing.square
            waiting = occluded(given[square], cells, mean_colour(network))
            batch = batch_of(network.options, network.mean.device)
            rows = []
            while part := [{square: picture} for picture in islice(waiting, batch)]:
                rows.append(encode_pictures([network], part, batch))
                advance(len(part))
            features.append(np.concatenate(rows))
    return joined(features, mirror=networks[0].options.mirror), area


def mean_colour(network: FrozenNetwork) -> np.ndarray:
    """Return the colour that is zero to a network as nearly as bytes can be, uint8 [3]."""
    colour: np.ndarray = network.mean.flatten().round().byte().cpu().numpy()
    return colour


def occluded(picture: np.ndarray, cells: int, colour: np.ndarray) -> Iterator[np.ndarray]:
    """Yield a picture whole and then with each of its cells in a colour, row by row, uint8 [3, height, width].

    Where the pixels of a side cannot be shared out evenly, cells differ by one.
    """
    rows, columns = (np.arange(cells + 1) * side // cells for side in picture.shape[1:])
    yield picture
    for row in range(cells):
        for column in range(cells):
            hidden = picture.copy()
            hidden[:, rows[row] : rows[row + 1], columns[column] : columns[column + 1]] = colour[:, None, None]
            yield hidden


def area_of(size: tuple[int, int], square: Square) -> Area:
    """Return which part of a picture of (width, height) a network is given.

    Returns:
        left, top, right and bottom, in shares of the picture's width and height.
    """
    longest = LONGEST * min(size) if square.resize == "shorter" else max(size)
    kept = (min(size[0], longest), min(size[1], longest))
    resized, corner = geometry(kept, square)
    edges = []
    for whole, side, pixels, start in zip(size, kept, resized, corner, strict=True):
        before = (whole - side) // 2  # of a very long picture only the middle is resized
        edges.append([(before + side * at / pixels) / whole for at in (start, start + square.crop)])
    (left, right), (top, bottom) = edges
    return left, top, right, bottom
