"""Principal components by each way, against numpy's singular values, and rows projected onto them."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import refusal

import ntcir.encoders.principal as principal
import ntcir.encoders.projection as projection
from ntcir.encoders.principal import Sample, principal_components
from ntcir.encoders.projection import Projection

IDS = [f"i{number}" for number in range(40)]


def sloping(rows: int, columns: int) -> np.ndarray:
    """Rows far from 0 that vary less and less from axis to axis, float32."""
    draw = np.random.default_rng(rows)
    axes = np.linalg.qr(draw.normal(size=(columns, columns)))[0]
    return (draw.normal(size=(rows, columns)) * 0.9 ** np.arange(columns) @ axes + 3).astype(np.float32)


def sample(rows: np.ndarray, counts: np.ndarray, size: int = 17) -> Sample:
    def load(number: int) -> tuple[np.ndarray, np.ndarray]:
        part = slice(number * size, (number + 1) * size)
        return rows[part], counts[part]

    return Sample(-(-len(rows) // size), load, *rows.shape)


@pytest.mark.parametrize("shape", [(90, 40), (40, 90)])
@pytest.mark.parametrize("way", ["columns", "rows", "iteration", None])
def test_components_are_the_singular_vectors_of_rows_that_count_repeatedly(way, shape):
    rows, counts = sloping(*shape), np.random.default_rng(1).integers(1, 4, shape[0])
    found = principal_components(sample(rows, counts.astype(np.float64)), 7, way)
    whole = np.repeat(rows.astype(np.float64), counts, axis=0)
    _, sizes, axes = np.linalg.svd(whole - whole.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(found.mean, whole.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.variances, sizes[:7] ** 2 / len(whole), rtol=1e-7)
    np.testing.assert_allclose(found.total, (sizes**2).sum() / len(whole), rtol=1e-10)
    np.testing.assert_allclose(np.abs((found.axes * axes[:7].T).sum(axis=0)), 1, atol=1e-5)
    assert (found.axes[np.abs(found.axes).argmax(axis=0), np.arange(7)] > 0).all()


def test_the_shorter_side_is_decomposed_and_none_where_both_are_long(monkeypatch):
    monkeypatch.setattr(principal, "EXACT", 50)
    shapes = {(90, 40): "columns", (40, 90): "rows", (60, 70): "iteration", (51, 51): "iteration", (9, 9): "columns"}
    found = {shape: principal._shortest(sample(np.empty(shape), np.empty(shape[0]))) for shape in shapes}
    assert found == shapes


def table(*widths: int) -> dict[str, np.ndarray]:
    """Rows of facets, none below 0, float32; two items have the same."""
    rows = np.concatenate(
        [np.abs(sloping(len(IDS), width)) * 10.0**place for place, width in enumerate(widths)], axis=1
    )
    rows[7] = rows[3]
    return dict(zip(IDS, rows.astype(np.float32), strict=True))


def fitted(rows: dict[str, np.ndarray], widths: list[int], kept: int = 6, power: float = 1.0, ids: list[str] = IDS):
    def load(items) -> np.ndarray:
        return np.stack([rows[item] for item in items])

    made = Projection(widths, kept, power)
    return made, made.fit(load, ids), load


@pytest.mark.parametrize("power", [1.0, 0.5])
@pytest.mark.parametrize("views", [1, 2])
def test_each_facet_is_projected_by_itself_to_a_mean_square_of_1(power, views, monkeypatch):
    monkeypatch.setattr(projection, "_FITTED", 500)  # some rows a block
    rows = table(*[20, 35] * views)
    made, shares, load = fitted(rows, [20, 35], power=power, ids=[*IDS, *IDS[:9]])
    found = made(load([*IDS, *IDS[:9]]))
    assert found.dtype == np.float32
    assert found.shape == (49, views * 12)
    start = 0
    for place, width in enumerate((20, 35)):
        of_views = load([*IDS, *IDS[:9]]).reshape(-1, 55)[:, start : start + width].astype(np.float64) ** power
        centred = of_views - of_views.mean(axis=0)
        left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
        expected = left[:, :6] * sizes[:6]
        expected /= np.sqrt(np.square(expected).mean())
        own = found.reshape(-1, 12)[:, 6 * place : 6 * place + 6]
        signs = np.sign((own * expected).sum(axis=0))
        np.testing.assert_allclose(own, expected * signs, atol=2e-3)
        assert np.square(own).mean() == pytest.approx(1, abs=1e-4)
        assert shares[place] == pytest.approx((sizes[:6] ** 2).sum() / (sizes**2).sum(), rel=1e-5)
        start += width


def test_equal_rows_have_equal_bytes_wherever_they_stand_and_after_saving():
    made, _, load = fitted(table(20, 35), [20, 35])
    whole = made(load(IDS))
    assert np.array_equal(whole[3], whole[7])
    for place, item in enumerate(IDS):
        assert np.array_equal(made(load([item]))[0], whole[place])
    assert np.array_equal(made(load(IDS[5:18])), whole[5:18])
    assert np.array_equal(made.of_items(load, IDS), whole)
    again = Projection.from_json(made.to_json(), [20, 35])
    again.restore(made.weights())
    assert np.array_equal(again(load(IDS)), whole)
    with pytest.raises(ValueError, match="other shapes"):
        Projection([20, 34], 6, 1.0).restore(made.weights())
    with pytest.raises(ValueError, match="facets that it does not have"):
        Projection([20], 6, 1.0).restore(made.weights())


@pytest.mark.parametrize(
    ("widths", "ids", "why"),
    [
        (
            [20],
            IDS[:6],
            "is more than the 5 principal components that 6 items of the training split can have in the 20 ",
        ),
        (
            [20, 5],
            IDS,
            "is more than the 5 principal components that 40 items of the training split can have in the 5 ",
        ),
        ([20], [*IDS[:6], "i7"], "is more than the 5 principal"),  # seven items, two of which are the same
    ],
)
def test_more_components_than_items_differ_in_are_refused(widths, ids, why):
    assert why in refusal(lambda: _sentence(widths, ids))


def _sentence(widths: list[int], ids: list[str]) -> None:
    from ntcir.system.errors import UserError

    try:
        fitted(table(*widths), widths, ids=ids)
    except UserError as error:
        raise UserError(f"{error}.") from error
