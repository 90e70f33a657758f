"""What tests of bundles share: a small model whose image network is a real one, with random weights."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import torch
from helpers import toy_config, toy_corpus

from ntcir.config import Config
from ntcir.encoders.frozen import FrozenEncoder
from ntcir.encoders.presets import chosen_columns
from ntcir.encoders.readings import ReadingsEncoder
from ntcir.features.backbones import FrozenNetwork
from ntcir.model.model import Model

SMALL: dict[str, Any] = {"arch": "squeezenet1_1", "weights": "random", "grid": 2}


def small_config(backbone: dict[str, Any] | None = None, **changes: Any) -> Config:
    """Return a toy's configuration with one network, as fast as it gets; dots in keys are written ``__``."""
    options: dict[str, Any] = {
        "features__backbones": [backbone or SMALL], "features__size": 64, "features__crop": 64,
        "features__resize": "squash",
    }  # fmt: skip
    return toy_config(**options | changes)


def small_model(config: Config | None = None) -> Model:
    """Return an untrained model with the fingerprints of its frozen network and the toy corpus's readings."""
    config, corpus = config or small_config(), toy_corpus()
    networks = [FrozenNetwork(backbone, config.features) for backbone in config.features.backbones]
    readings = ReadingsEncoder.fit(chosen_columns(config.sensors, corpus.sensors, corpus.layout), corpus.sensors)
    prints = [str(network.meta["fingerprint"]) for network in networks]
    views = 2 if config.features.mirror else 1
    images = FrozenEncoder(views * sum(network.dim for network in networks), prints)
    model = Model(config, {"image": images, "sensor": readings}, {"corpus": "toy"})
    model.towers["image"].fit(np.random.default_rng(0).normal(1, 1, (30, images.dim)).astype(np.float32))
    return model


def write_model(folder: Path, config: Config | None = None) -> Path:
    """Save a small model as training does, without its networks, and return its folder."""
    small_model(config).save(folder)
    return folder


def write_weights(path: Path, *, head: bool = True, seed: int = 0) -> Path:
    """Write a checkpoint of the small network, with its classifier or without."""
    import torchvision

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        state = torchvision.models.get_model(SMALL["arch"], weights=None).state_dict()
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({name: value for name, value in state.items() if head or not name.startswith("classifier")}, path)
    return path


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """Return a Dockerfile's instructions, continued lines joined, comments left out."""
    lines = [line for line in dockerfile.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in joined.splitlines() if line.strip()]


class PlayedImage:
    """A bundle's Dockerfile played into a tree: its folders, copies and variables; nothing is installed.

    ``python3`` is a script that prints where it is and what it is given. What is absolute in the image is below
    ``root`` here, so ``run`` needs no container and no privilege.
    """

    def __init__(self, bundle: Path, root: Path) -> None:
        self.root, self.folder, self._bundle = root, root, bundle
        self.variables: dict[str, str] = {}
        self.entrypoint: list[str] = []
        self.command: list[str] = []
        for place in ("root", "usr/local/bin"):
            (root / place).mkdir(parents=True)
        python = root / "usr/local/bin/python3"
        python.write_text('#!/bin/sh\npwd\nfor word in "$@"; do echo "$word"; done\n')
        python.chmod(0o755)
        for word, rest in instructions(bundle / "Dockerfile"):
            getattr(self, f"_{word.lower()}", lambda rest: None)(rest)

    def here(self, text: str) -> str:
        """Return a text with the image's absolute paths as those of the tree."""
        return re.sub(r"(?<![\w./~])/(?=(app|root|opt|usr/local/bin)\b)", f"{self.root}/", text)

    def _workdir(self, rest: str) -> None:
        self.folder = Path(self.here(rest))
        self.folder.mkdir(parents=True, exist_ok=True)

    def _copy(self, rest: str) -> None:
        *sources, target = rest.split()
        place = Path(os.path.normpath(self.folder / self.here(target)))
        for source in sources:
            if source.endswith("/"):
                shutil.copytree(self._bundle / source, place)
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(self._bundle / source, place)

    def _run(self, rest: str) -> None:
        if "pip install" not in rest:
            subprocess.run(["bash", "-euc", self.here(rest)], cwd=self.folder, check=True)

    def _env(self, rest: str) -> None:
        self.variables |= dict(pair.split("=", 1) for pair in shlex.split(rest))

    def _entrypoint(self, rest: str) -> None:
        self.entrypoint = json.loads(rest)

    def _cmd(self, rest: str) -> None:
        self.command = json.loads(rest)

    def mount(self, outside: Path, place: str) -> None:
        """Have a folder of the host appear at an absolute place, over what is there."""
        inside = Path(self.here(place))
        if inside.is_dir():
            shutil.rmtree(inside)
        inside.symlink_to(outside, target_is_directory=True)

    def run(self, *words: str, folder: str = "") -> subprocess.CompletedProcess[str]:
        """Do what ``docker run IMAGE words`` does, with ``-w folder`` if one is given."""
        environment = {name: self.here(value) for name, value in self.variables.items()}
        environment["PATH"] = f"{self.root}/usr/local/bin:/usr/bin:/bin"
        command = [*self.entrypoint, *(words or self.command)]
        return subprocess.run(
            [self.here(word) for word in command], cwd=self.here(folder) or self.folder, env=environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
