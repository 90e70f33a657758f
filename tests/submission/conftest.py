"""What tests of bundles start from."""

from __future__ import annotations

from pathlib import Path

import pytest
from bundling import write_model


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small model, without its networks; not to be changed."""
    return write_model(tmp_path_factory.mktemp("trained") / "model")
