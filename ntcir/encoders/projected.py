"""Encoders whose rows may be replaced by their principal components (``towers.MODALITY.pca``), and such rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ntcir.config import Config, Tower
from ntcir.encoders.encoder import Encoder, Rows, under
from ntcir.encoders.projection import Projection
from ntcir.system.errors import UserError
from ntcir.system.parallel import by_first

if TYPE_CHECKING:
    import torch

_WEIGHTS = "pca."  # how the names of these weights begin


class ProjectableEncoder(Encoder):
    """An encoder that may have a projection, which is fitted, saved and restored with it.

    Attributes:
        dim: columns of a row as the towers get it.
        made_dim: columns of a row before it is projected.
        projection: None where rows stay as they are.
    """

    made_dim: int
    projection: Projection | None = None

    def project_by(self, projection: Projection) -> None:
        """Project rows from now on."""
        views = self.made_dim // sum(projection.widths)
        self.projection, self.dim = projection, views * projection.dim

    def projected(self, rows: np.ndarray) -> np.ndarray:
        """Return rows as the towers get them, float32 [n, dim] of float32 [n, made_dim]."""
        return rows if self.projection is None else self.projection(rows)

    def weights(self) -> dict[str, torch.Tensor]:
        """Return the projection's."""
        found = {} if self.projection is None else self.projection.weights()
        return {f"{_WEIGHTS}{name}": value for name, value in found.items()}

    def restore(self, config: Config, weights: Mapping[str, torch.Tensor]) -> None:
        """Take the projection's weights.

        Raises:
            ValueError, KeyError: if they do not fit.
        """
        own = projection_weights(weights)
        if self.projection is not None:
            self.projection.restore(own)
        elif own:
            raise ValueError("there are principal components of rows that are not projected")
        super().restore(config, other_weights(weights))

    def described(self, tree: dict[str, Any]) -> dict[str, Any]:
        """Return a description with that of the projection, if there is one."""
        return tree if self.projection is None else tree | {"pca": self.projection.to_json()}

    def as_described(self, tree: Mapping[str, Any], widths: Sequence[int] = ()) -> Self:
        """Plan the projection of a description, if that has one, which is yet to be restored; return the encoder.

        Args:
            tree: made by ``described``.
            widths: columns of the facets of one view; by default there is one facet.

        Raises:
            ValueError, KeyError: if the description is damaged.
        """
        if "pca" in tree:
            self.project_by(Projection.from_json(tree["pca"], widths or [self.made_dim]))
        return self


def projection_weights(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return those of an encoder's weights that are its projection's, as that names them."""
    return under(_WEIGHTS, weights)


def other_weights(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return those of an encoder's weights that are not its projection's."""
    return {name: value for name, value in weights.items() if not name.startswith(_WEIGHTS)}


class ProjectableRows(Rows):
    """Rows that are projected where the configuration says so.

    Attributes:
        encoder: makes the rows.
    """

    encoder: ProjectableEncoder
    _key = ""  # towers.MODALITY.pca = N
    _facets: Sequence[str] = ()
    _is_kept = False  # the components are another training's

    @abstractmethod
    def made(self, ids: Sequence[str]) -> np.ndarray:
        """Return rows of items before they are projected, float32 [len(ids), made_dim]."""

    def project_as(self, tower: Tower, modality: str, widths: Mapping[str, int]) -> None:
        """Plan what ``fit`` is to take, where a tower asks for it.

        Args:
            tower: its settings.
            modality: whose.
            widths: columns of each facet, by its name.

        Raises:
            UserError: if a facet has fewer columns than components are asked for.
        """
        if tower.pca is None:
            return
        self._key, self._facets = f"towers.{modality}.pca = {tower.pca}", list(widths)
        for name, width in widths.items():
            if tower.pca > width:
                raise UserError(f"{self._key} is more than the {width:,} columns of {name}: lower it.")
        self.encoder.project_by(Projection(list(widths.values()), tower.pca, tower.power))

    def keep(self, projection: Projection) -> None:
        """Project as another training did, or as this one did before it was interrupted; nothing is fitted then.

        Raises:
            ValueError: if that is for other columns.
        """
        planned = self.encoder.projection
        if planned is None or (planned.widths, planned.to_json()) != (projection.widths, projection.to_json()):
            raise ValueError("the principal components are those of other columns")
        self.encoder.project_by(projection)
        self._is_kept = True

    @property
    def is_fitted(self) -> bool:
        """Whether there are components to take."""
        return self.encoder.projection is not None

    def check(self, ids: Sequence[str]) -> None:
        """Check that training items may differ in as many directions as components are asked for.

        Raises:
            UserError: if they are too few.
        """
        projection = self.encoder.projection
        if projection is None or self._is_kept:
            return
        items, views = len(set(ids)), self.encoder.made_dim // sum(projection.widths)
        if projection.kept > views * items - 1:
            raise UserError(
                f"{self._key} is more than the {max(0, views * items - 1):,} principal components that the {items:,} "
                "items of the training split can have: lower it."
            )

    def fit(self, ids: Sequence[str]) -> list[str]:
        """Take the principal components of training items; of several processes one does it for all.

        Raises:
            UserError: if there are fewer of them.
        """
        projection = self.encoder.projection
        if projection is None or self._is_kept:
            return []
        try:
            shares = by_first(lambda: projection.fit(self.made, ids))
        except UserError as error:
            raise UserError(f"{self._key} {error}.") from error
        projection.restore(by_first(projection.weights))
        kept = ", ".join(f"{share:.1%} in {name}" for name, share in zip(self._facets, shares, strict=True))
        return [f"{self._key}: the components have these shares of the variance: {kept}."]

    def load(self, ids: Sequence[str]) -> np.ndarray:
        """Return rows of items, float32 [len(ids), dim]."""
        projection = self.encoder.projection
        return self.made(ids) if projection is None else projection.of_items(self.made, ids)
