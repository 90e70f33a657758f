"""Rows of a picture and its mirror image: one is drawn in training, both count when something is asked."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers import toy_config

from ntcir.encoders.frozen import FrozenEncoder
from ntcir.model.model import Model
from ntcir.towers.mirrored import Mirrored
from ntcir.towers.tower import Tower
from ntcir.towers.whole_batch import of_whole

WIDTH = 6


def rows_of(number: int) -> torch.Tensor:
    """Return rows whose first halves are all below 0 and whose second ones are above."""
    halves = torch.rand(number, 2 * WIDTH, generator=torch.Generator().manual_seed(1)) + 0.1
    halves[:, :WIDTH] *= -1
    return halves


def tower_of(head: str = "mlp", **changes: object) -> tuple[Tower, int]:
    """Return a tower on mirrored rows of 2 x 2 cells and 3 channels, and how wide these are."""
    backbone = {"arch": "resnet18", "weights": "random", "grid": 2}
    config = toy_config(features__mirror=True, features__backbones=[backbone], towers__image__head=head, **changes)
    encoder = FrozenEncoder(2 * 12, ["toy"])
    sensor = FrozenEncoder(2 * 12, ["toy"])
    return Model(config, {"image": encoder, "sensor": sensor}).tower("image"), 24


def test_half_of_the_pictures_are_mirrored_in_a_step():
    rows = rows_of(4000)
    torch.manual_seed(0)
    drawn = Mirrored(WIDTH).drawn(rows)
    first = (drawn < 0).all(dim=1)
    assert torch.equal(drawn, torch.where(first[:, None], rows[:, :WIDTH], rows[:, WIDTH:]))
    assert 1850 < first.sum() < 2150


def test_a_part_of_a_batch_is_drawn_as_within_the_whole():
    views, rows = Mirrored(WIDTH), rows_of(10)
    torch.manual_seed(3)
    whole, after = views.drawn(rows), torch.rand(1)
    for part in (slice(0, 4), slice(4, 10), slice(7, 7)):
        torch.manual_seed(3)
        with of_whole(views, 10, part):
            assert torch.equal(views.drawn(rows[part]), whole[part])
        assert torch.equal(torch.rand(1), after)


def test_rows_of_a_single_view_stay_as_they_are():
    rows = rows_of(5)[:, :WIDTH]
    assert torch.equal(Mirrored(WIDTH).drawn(rows), rows)


@pytest.mark.parametrize("head", ["mlp", "gmlp"])
@pytest.mark.parametrize("standardise", [True, False])
def test_what_is_asked_is_the_sum_of_both_views(head, standardise):
    tower, columns = tower_of(head, towers__image__standardise=standardise, towers__image__hidden=8)
    rows = torch.randn(7, columns, generator=torch.Generator().manual_seed(0))
    tower.fit(rows.numpy())
    tower.eval()
    with torch.inference_mode():
        first, second = (tower.head(tower.stem(half)) for half in (rows[:, :12], rows[:, 12:]))
        torch.testing.assert_close(tower.features(rows), first + second)
        torch.testing.assert_close(tower(rows), torch.nn.functional.normalize(first + second, dim=1))
        swapped = torch.cat([rows[:, 12:], rows[:, :12]], dim=1)
        torch.testing.assert_close(tower(swapped), tower(rows))
        assert tower(rows[:0]).shape == (0, 32)


def test_statistics_are_those_of_both_views():
    tower, columns = tower_of(towers__image__standardise=True)
    rows = np.random.default_rng(0).normal(3, 2, (50, columns)).astype(np.float32)
    tower.fit(rows)
    both = np.concatenate([rows[:, :12], rows[:, 12:]])
    expected = (both - both.mean(axis=0)) / both.std(axis=0)
    found = tower.stem(torch.from_numpy(both)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_training_sees_one_view_and_learns_from_it():
    tower, columns = tower_of()
    rows = torch.randn(9, columns, generator=torch.Generator().manual_seed(0))
    tower.train()
    torch.manual_seed(8)
    found = tower.features(rows)
    first, second = (tower.head(tower.stem(half)) for half in (rows[:, :12], rows[:, 12:]))
    of_first = torch.isclose(found, first).all(dim=1)
    assert torch.isclose(found, second).all(dim=1).equal(~of_first)
    assert 0 < of_first.sum() < 9
    live = tower.features(rows[:, :12])  # as networks give them that are trained along
    torch.testing.assert_close(live, first)
