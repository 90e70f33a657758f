"""Pictures with a cell hidden: against plain loops, and which part of a photograph a network's cells divide."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from extracting import SHUFFLENET, SQUEEZENET, close, options, write_pictures
from helpers import refusal
from PIL import Image

from ntcir.features.backbones import FrozenNetwork
from ntcir.features.decode import LONGEST, UnreadableImage, decode, to_square
from ntcir.features.occlusion import area_of, encode_occluded, mean_colour, occluded
from ntcir.features.preprocessing import Square


def test_a_picture_comes_whole_and_then_without_each_cell_row_by_row():
    picture = np.arange(3 * 5 * 5, dtype=np.uint8).reshape(3, 5, 5)
    colour = np.array([200, 201, 202], dtype=np.uint8)
    whole, *hidden = occluded(picture, 2, colour)
    assert np.array_equal(whole, picture)
    assert len(hidden) == 4
    for number, found in enumerate(hidden):
        rows, columns = ((0, 2) if half == 0 else (2, 5) for half in divmod(number, 2))
        for channel in range(3):
            for row in range(5):
                for column in range(5):
                    inside = rows[0] <= row < rows[1] and columns[0] <= column < columns[1]
                    assert found[channel, row, column] == (colour if inside else picture[:, row, column])[channel]


@pytest.mark.parametrize("mirror", [False, True])
def test_the_features_are_those_of_a_loop_over_networks_and_cells(tmp_path, mirror):
    write_pictures(tmp_path / "photographs", 1)
    path = str(tmp_path / "photographs" / "000.jpg")
    how = options(tmp_path / "store", SQUEEZENET, SHUFFLENET, mirror=mirror)
    networks = [FrozenNetwork(backbone, how) for backbone in how.backbones]
    rows, area = encode_occluded(networks, path, 2)
    assert area == (0, 0, 1, 1)
    picture = decode(path, networks[0].preprocessing.square)
    assert networks[0].preprocessing.square == networks[1].preprocessing.square
    pictures = [picture]
    for row in (0, 16):
        for column in (0, 16):
            pictures.append(picture.copy())
            for channel, mean in enumerate((124, 116, 104)):
                pictures[-1][channel, row : row + 16, column : column + 16] = mean
    shown = [pictures, [each[:, :, ::-1].copy() for each in pictures]] if mirror else [pictures]
    with torch.inference_mode():
        expected = [
            np.stack([network(torch.from_numpy(each[None]))[0] for each in view])
            for view in shown for network in networks
        ]  # fmt: skip
    close(rows, np.concatenate(expected, axis=1))


def test_a_hidden_cell_is_zero_to_the_network_as_nearly_as_bytes_can_be(tmp_path):
    network = FrozenNetwork(SQUEEZENET, options(tmp_path))
    left = (torch.from_numpy(mean_colour(network)).float().view(1, 3, 1, 1) - network.mean).abs()
    assert float(left.max()) <= 0.5


def test_more_cells_than_pixels_and_what_is_no_picture_are_refused(tmp_path):
    write_pictures(tmp_path / "photographs", 1)
    network = FrozenNetwork(SQUEEZENET, options(tmp_path))
    sentence = refusal(encode_occluded, [network], str(tmp_path / "photographs" / "000.jpg"), 33)
    assert sentence == "32 x 32 pixels cannot be divided into 33 x 33 cells: give fewer (--cells)."
    (tmp_path / "no.jpg").write_bytes(b"no picture")
    with pytest.raises(UnreadableImage):
        encode_occluded([network], str(tmp_path / "no.jpg"), 2)


@pytest.mark.parametrize(
    ("size", "square"),
    [
        ((80, 60), Square("squash", 40, 40)),
        ((80, 60), Square("squash", 40, 20)),
        ((80, 60), Square("shorter", 30, 30)),
        ((60, 80), Square("shorter", 40, 30)),
        ((LONGEST * 20 + 100, 20), Square("shorter", 20, 20)),
    ],
)
def test_the_area_is_what_a_network_is_given_of_a_photograph(size, square):
    left, top, right, bottom = area_of(size, square)
    # A picture whose colours tell where they are is given: its middle and its ends say which part that was.
    across, down = np.meshgrid(np.linspace(0, 255, size[0]), np.linspace(0, 255, size[1]))
    picture = Image.fromarray(np.stack([across, down, down], axis=2).astype(np.uint8))
    seen = to_square(picture, square).astype(float) / 255
    near = 0.04
    assert seen[0].mean() == pytest.approx((left + right) / 2, abs=near)
    assert seen[1].mean() == pytest.approx((top + bottom) / 2, abs=near)
    assert np.ptp(seen[0]) == pytest.approx(right - left, abs=near)
    assert np.ptp(seen[1]) == pytest.approx(bottom - top, abs=near)
