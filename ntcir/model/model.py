"""The encoders and the towers together: what is trained, saved, loaded and asked for vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from ntcir.config import Config
from ntcir.encoders import encoder_class
from ntcir.encoders.encoder import Encoder, under
from ntcir.modalities import Direction, directions
from ntcir.model.building import new_layers, new_learnt
from ntcir.model.folder import Saved, read_model, reading, write_model
from ntcir.model.hubness import TrainingQueries, with_bias, with_one, without_queries
from ntcir.model.widths import require_widths
from ntcir.objectives.batch import Batch
from ntcir.sampling.relations import group_equal_rows
from ntcir.towers.tower import Tower

_BLOCK = 4096  # rows encoded at once


@dataclass
class Vectors:
    """Unit vectors of items, and which of the items are the same to the model.

    Attributes:
        vectors: float32 [items, dim].
        twins: int64 [items], equal numbers for equal inputs.
    """

    vectors: np.ndarray
    twins: np.ndarray

    def distinct(self) -> np.ndarray:
        """Return equal numbers for items that are the same or have the very same vector, int64 [items].

        The first of the items that are the same stands for all: theirs may be rounded in other ways.
        """
        _, first, back = np.unique(self.twins, return_index=True, return_inverse=True)
        return group_equal_rows(self.vectors[first])[back.reshape(-1)]

    @classmethod
    def joined(cls, parts: Sequence[Vectors]) -> Vectors:
        """Return the vectors of several parts as those of one."""
        return cls(np.concatenate([part.vectors for part in parts]), np.concatenate([part.twins for part in parts]))


@dataclass
class Model:
    """A tower for each modality of the pair, what makes their rows, and the configuration they were trained with.

    Attributes:
        config: resolved.
        encoders: by modality, fitted.
        card: facts for people: corpus, steps, validation MRR.
        instances: items that the training told apart, for objectives that have a class for each.
        numbering: a digest of which item has which of these numbers (``ntcir.sampling.numbering``); empty where no
            objective that is carried into another training needs it, and in models of earlier versions.
        towers: by modality.
        learnt: what each objective has of its own, in the order of the configuration; in an ensemble, a list with that
            of each member.
        training_queries: by modality, what a bias against hubs is worked out from; empty where there is none.
    """

    config: Config
    encoders: dict[str, Encoder]
    card: dict[str, Any] = field(default_factory=dict)
    instances: int = 0
    numbering: str = ""
    towers: nn.ModuleDict = field(init=False)
    learnt: nn.ModuleList = field(init=False)
    training_queries: dict[str, TrainingQueries] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        require_widths(self.config, self.encoders)
        self.towers, self.learnt = new_layers(self.config, self.encoders, self.instances)

    @property
    def directions(self) -> tuple[Direction, Direction]:
        """The left modality asks for the right one; the right one asks for the left one."""
        return directions(self.config.pair)

    def tower(self, name: str) -> Tower:
        """Return the tower of a modality."""
        return cast(Tower, self.towers[name])

    @property
    def dim(self) -> int:
        """Dimensions of a vector: those of all members."""
        return self.config.towers.dim * self.config.towers.members

    def learnt_of(self, member: int) -> list[nn.Module]:
        """Return what the objectives have of their own for a member of the ensemble, in their order."""
        return [each[member] if isinstance(each, nn.ModuleList) else each for each in self.learnt]

    def loss(self, batch: Batch, member: int = 0) -> torch.Tensor:
        """Return the weighted sum of a member's objectives, a scalar with gradient."""
        terms = [
            objective.weight * objective(batch, learnt)
            for objective, learnt in zip(self.config.losses, self.learnt_of(member), strict=True)
        ]
        return torch.stack(terms).sum() if len(terms) > 1 else terms[0]

    def encode(self, modality: str, rows: np.ndarray, seen: dict[bytes, int] | None = None) -> Vectors:
        """Return the vectors of rows of a modality's encoder, float32 [items, columns].

        Args:
            modality: its name.
            rows: of all items, or of a block of them.
            seen: numbers the twins through, over several blocks; see ``group_equal_rows``.
        """
        return Vectors(self.unit_vectors(modality, rows), group_equal_rows(rows, seen))

    def unit_vectors(self, modality: str, rows: np.ndarray) -> np.ndarray:
        """Return only the vectors, float32 [items, dim]."""
        tower = self.towers[modality]
        training = tower.training
        tower.eval()
        with torch.inference_mode():
            blocks = [
                tower(torch.from_numpy(np.ascontiguousarray(rows[start : start + _BLOCK]))).numpy()
                for start in range(0, len(rows), _BLOCK)
            ]
        tower.train(training)
        return np.concatenate(blocks) if blocks else np.empty((0, self.dim), dtype=np.float32)

    def as_queries(self, vectors: np.ndarray) -> np.ndarray:
        """Return unit vectors as those of queries, whose inner products with ``as_documents`` are scores.

        Args:
            vectors: float32 [..., dim].

        Returns:
            float32 [..., dim + 1] where the model has a bias against hubs (``ntcir.model.hubness``); else the same.
        """
        return with_one(vectors) if self.config.hubness.beta else vectors

    def as_documents(self, modality: str, documents: Vectors) -> Vectors:
        """Return unit vectors as those of documents; see ``as_queries``.

        Args:
            modality: of the documents.
            documents: of all that are ranked, or of a part of them.

        Raises:
            UserError: if a bias is asked for, and the model has no training queries.
        """
        hubness = self.config.hubness
        if not hubness.beta:
            return documents
        [asks] = [each.query.name for each in self.directions if each.answer.name == modality]
        if asks not in self.training_queries:
            raise without_queries(None, hubness.beta)
        kept, options = self.training_queries[asks], {"beta": hubness.beta, "temperature": hubness.temperature}
        return Vectors(with_bias(documents.vectors, documents.distinct(), kept, **options), documents.twins)

    def in_both_roles(
        self, vectors: Mapping[str, Vectors]
    ) -> tuple[Mapping[str, Vectors], Mapping[str, Vectors] | None]:
        """Return unit vectors, by modality, as those of queries, and as those of documents where these are others."""
        if not self.config.hubness.beta:
            return vectors, None
        asking = {name: Vectors(self.as_queries(each.vectors), each.twins) for name, each in vectors.items()}
        return asking, {name: self.as_documents(name, each) for name, each in vectors.items()}

    def state(self) -> dict[str, torch.Tensor]:
        """Return the weights by name: ``towers.``, ``learnt.`` and, where it has them, ``networks.``, ``hubness.``."""
        state = {**self.towers.state_dict(prefix="towers."), **self.learnt.state_dict(prefix="learnt.")}
        state = {name: value.detach() for name, value in state.items()}
        for modality, encoder in self.encoders.items():
            state |= {f"networks.{modality}.{name}": value for name, value in encoder.weights().items()}
        for modality, queries in self.training_queries.items():
            state |= {f"hubness.{modality}.{name}": value for name, value in queries.state().items()}
        return state

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take the weights that ``state`` returned.

        Raises:
            RuntimeError, ValueError: if they do not fit.
        """
        self.towers.load_state_dict(under("towers.", state))
        self.learnt.load_state_dict(under("learnt.", state))
        for modality, encoder in self.encoders.items():
            encoder.restore(self.config, under(f"networks.{modality}.", state))
        kept = {name: under(f"hubness.{name}.", state) for name in self.config.pair}
        self.training_queries = {
            name: TrainingQueries.of_state(tensors, self.dim) for name, tensors in kept.items() if tensors
        }

    def forget_instances(self) -> None:
        """Leave out what objectives have learnt of single training instances, of no use where the model is only asked.

        It stays a model that is saved and loaded as others are. What else objectives have learnt it keeps, and where
        nothing depends on the number of instances it stays as it is.
        """
        small = new_learnt(self.config, 0)
        pairs = list(zip(self.learnt, small, strict=True))
        if all(_shapes(one) == _shapes(other) for one, other in pairs):
            return
        self.learnt = nn.ModuleList([one if _shapes(one) == _shapes(other) else other for one, other in pairs])
        self.instances, self.numbering = 0, ""

    def save(self, folder: Path) -> None:
        """Write the model: configuration, encoders, card, and last the weights, without which it does not count."""
        encoders = {name: {"kind": encoder.kind, **encoder.to_json()} for name, encoder in self.encoders.items()}
        facts: dict[str, Any] = {"instances": self.instances} if self.instances else {}
        facts |= {"numbering": self.numbering} if self.numbering else {}
        write_model(folder, Saved(self.config, encoders, self.card | facts, self.state()))

    @classmethod
    def load(cls, folder: Path) -> Model:
        """Read a model that ``save`` wrote.

        Raises:
            UserError: if there is none, or it is of another version, damaged, or cannot be read.
        """
        saved = read_model(folder)
        with reading(folder):
            encoders = {name: _encoder(name, saved.encoders) for name in saved.config.pair}
            card = dict(saved.card)
            instances, numbering = card.pop("instances", 0), card.pop("numbering", "")
            model = cls(saved.config, encoders, card, instances, numbering)
            model.load_state(saved.state)
        return model


def _shapes(module: nn.Module) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in module.state_dict().items()}


def _encoder(name: str, saved: Mapping[str, Mapping[str, Any]]) -> Encoder:
    """Return the encoder of a modality.

    Raises:
        ValueError: if it was not saved, or is damaged; the phrase names the modality.
    """
    if name not in saved:
        raise ValueError(f"there is no encoder of the modality {name}")
    try:
        return encoder_class(saved[name]["kind"]).from_json(saved[name])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the encoder of the modality {name}: {error}") from error
