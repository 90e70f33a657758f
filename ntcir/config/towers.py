"""The keys of the towers, which are the same for every modality."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from ntcir.config.places import Place
from ntcir.config.section import Section

Norm = Literal["none", "batch", "group"]
Rectify = Literal["never", "training", "always"]


class Tower(Section):
    """How the items of one modality come into the shared space: rows of its encoder -> stem -> head -> unit vector.

    A modality has defaults of its own (``ntcir.modalities``), which these settings replace.
    """

    # What makes rows of the items: `frozen` networks (see features), `readings` (see sensors), `words` or
    # `sentences` (see texts), or `vectors` that came with the data. Left open, the modality's usual one.
    encoder: str | None = None
    # Of `vectors`: an .npy, .npz, .mat, .parquet or text file with the rows of all items, in the corpus's order or with
    # ids; or a folder of .dat files, read side by side. Left open, those that came with the corpus, if any did.
    vectors: Annotated[Path | None, Place("data", handed_on="name")] = None
    # Raise each column to this power and keep its sign, before anything else: 0.5 evens out features of which few are
    # large, as those of networks that end in ReLU are.
    power: float = Field(1.0, gt=0, le=1)
    # Standardise each column over the training split first (this project's choice).
    standardise: bool = True
    # Principal components kept of each facet's columns, fitted on the training split: not whitened, scaled to a common
    # mean square; `power` comes first. Left open, columns stay as they are.
    pca: int | None = Field(None, ge=1, le=8192)
    # Of an encoder that has several facets, such as levels of a network or encodings of numbers. joined: each member of
    # the ensemble sees all of them; alternate: each sees one, in turn (see ``towers.members``).
    facets: Literal["joined", "alternate"] = "joined"
    input_dropout: float = Field(0.0, ge=0, lt=1)
    # mlp: linear layers with ReLU between them. gmlp: a linear layer, then blocks with a gate (Liu et al. 2021): over
    # the words of `texts.form: sequence`, over the cells of a `grid` of 2 or more, or else over channels. cnn: residual
    # convolutions over the words of `texts.form: sequence` (Zheng et al. 2020).
    head: Literal["mlp", "gmlp", "cnn"] = "mlp"
    # Of an MLP, its linear layers: one is a linear map; none: rows as they are. Of a gMLP, its blocks.
    layers: int = Field(1, ge=0, le=6)
    hidden: int = Field(512, ge=1, le=8192)  # width of the layers in between, or inside a block
    # After each layer in between, after the gate of a block, or before the last layer of a CNN.
    dropout: float = Field(0.0, ge=0, lt=1)
    # Of an MLP and a CNN, behind each layer, the last one too. batch: BatchNorm; group: GroupNorm, by which no item of
    # a batch depends on another, as several processes need it.
    norm: Norm = "none"
    # Of a CNN, in groups: how many residual blocks each has, and how wide they are. The length is halved at the second
    # and at the third group.
    blocks: list[Annotated[int, Field(ge=1, le=64)]] = Field([3, 4, 6, 1], min_length=1, max_length=8)
    widths: list[Annotated[int, Field(ge=4, le=8192)]] = Field([256, 512, 1024, 2048], min_length=1, max_length=8)

    @model_validator(mode="after")
    def _used(self) -> Tower:
        if self.vectors is not None and self.encoder != "vectors":
            raise ValueError(
                f"the encoder {self.encoder} reads no vectors: leave the file out, or train with encoder: vectors"
            )
        if self.standardise and self.encoder == "readings":
            raise ValueError("readings are standardised by their encoder: set standardise to false")
        if self.standardise and self.encoder == "words":
            raise ValueError("numbers of words cannot be standardised: set standardise to false")
        if self.power != 1 and self.encoder in {"readings", "words"}:
            raise ValueError(
                f"power is for features of networks and for vectors, not for {self.encoder}: leave it at 1"
            )
        if self.pca is not None and self.encoder in {"readings", "words"}:
            raise ValueError(f"pca is for features of networks and for vectors, not for {self.encoder}: leave it out")
        if self.pca is not None and self.standardise:
            raise ValueError(
                "standardise would give all principal components (pca) the same size, which tells less: set "
                "standardise to false"
            )
        return self

    @model_validator(mode="after")
    def _gated(self) -> Tower:
        if self.head == "gmlp" and self.layers == 0:
            raise ValueError("a gmlp with layers: 0 has no block: set layers to 1 or more, or head to mlp")
        if self.head == "gmlp" and (self.hidden % 2 or self.hidden < 4):
            raise ValueError(
                f"hidden = {self.hidden} cannot be split into the two halves of a gmlp: give an even number, 4 or more"
            )
        return self

    @model_validator(mode="after")
    def _convolved(self) -> Tower:
        if len(self.blocks) != len(self.widths):
            raise ValueError(
                f"blocks = {self.blocks} and widths = {self.widths} must have the same number of entries, one for "
                "each group"
            )
        if odd := [width for width in self.widths if width % 4]:
            raise ValueError(f"widths = {self.widths} must be multiples of 4, and {odd[0]} is not")
        usual = type(self).model_fields
        if self.head != "cnn" and (self.blocks, self.widths) != (usual["blocks"].default, usual["widths"].default):
            raise ValueError(f"blocks and widths are used with head: cnn only, and head is {self.head}: leave them out")
        if self.head == "cnn" and self.encoder != "words":
            raise ValueError(f"a cnn works on words in order, and the encoder is {self.encoder}: set encoder to words")
        if self.head == "gmlp" and self.norm != "none":
            raise ValueError(f"a gmlp has normalisation of its own, and norm is {self.norm}: set norm to none")
        return self

    @model_validator(mode="after")
    def _normed(self) -> Tower:
        if self.head == "mlp" and self.layers == 0 and self.norm != "none":
            raise ValueError(f"norm = {self.norm} goes behind a layer, and layers is 0: set norm to none")
        if self.head == "mlp" and self.layers > 1 and self.norm == "group" and self.hidden == 1:
            raise ValueError("norm = group turns a single channel into 0, and hidden is 1: set hidden to 2 or more")
        return self


class Towers(Section):
    """The trained towers: a section for each modality of the pair, such as ``towers.image``."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Tower] = Field(init=False)

    dim: int = Field(512, ge=2, le=8192)  # of the shared space
    # Pairs of towers that are trained together, each as if alone, and scored by their mean cosine; each has `dim`
    # dimensions. With alternating facets the left one's change fastest.
    members: int = Field(1, ge=1, le=256)
    # Whether what lies below 0 in a vector counts as 0 (ReLU). training: for the objectives only; when something is
    # asked, vectors are those before the ReLU.
    rectify: Rectify = "never"

    def of(self, name: str) -> Tower:
        """Return the tower of a modality."""
        return self.__pydantic_extra__[name]
