"""The keys of a training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ntcir.config.places import Place
from ntcir.config.section import Section


class Training(Section):
    """Contrastive training: how long, how fast, and what is contrasted with what."""

    iters: int = Field(500, ge=0)  # the poster: 100, 200, 500; 0 trains nothing: the networks' features as they are
    batch: int = Field(256, ge=2)  # the poster
    lr: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.0, ge=0)
    optimizer: Literal["adam", "sgd"] = "adam"  # sgd: stochastic gradient descent with Nesterov's momentum
    momentum: float = Field(0.9, ge=0, lt=1)  # of sgd; 0: plain gradient descent
    # day: each batch from one day (session), as the pools are; all: from the whole training split.
    batches: Literal["day", "all"] = "all"
    # Two photographs nearer in time than this are not negatives of each other. A training in which that leaves none
    # is refused: short clips want less.
    near_seconds: float = Field(60.0, ge=0)
    # Neither are minutes whose encoded readings are the same.
    mask_equal_readings: bool = True
    validate_every: int = Field(25, ge=1)
    # The step whose model is kept has the best mean MRR over so many validations, the last of which is its own.
    smoothing: int = Field(1, ge=1, le=100)
    # cosine: rates fall to 0 over training.iters; step: they are divided by 10 after each of the steps in `milestones`.
    schedule: Literal["constant", "cosine", "step"] = "constant"
    milestones: list[Annotated[int, Field(ge=1)]] = Field([])
    # A model's folder: its towers are where this training begins, in place of random ones; so is what its objectives
    # have learnt, where these are carried over (``ntcir.config.Objective``).
    start: Annotated[Path | None, Place("code")] = None

    @model_validator(mode="after")
    def _scheduled(self) -> Training:
        if self.schedule == "step" and not self.milestones:
            raise ValueError("schedule = step needs milestones, the steps after which it divides the rates by 10")
        if self.schedule != "step" and self.milestones:
            raise ValueError(
                f"milestones = {self.milestones} are of schedule = step, and schedule is {self.schedule}: set it to "
                "step, or leave milestones out"
            )
        if sorted(set(self.milestones)) != self.milestones:
            raise ValueError(f"milestones = {self.milestones} must be in ascending order, each of them once")
        return self
