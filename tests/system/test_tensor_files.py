"""Tensors and facts in a file: written and read, and the facts alone without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers import environment
from safetensors.torch import save_file

from ntcir.system.tensor_facts import DIGEST, Damaged, read_facts
from ntcir.system.tensor_files import read_tensors, write_tensors


def test_tensors_of_any_kind_come_back_the_same(tmp_path):
    tensors = {
        "scalar": torch.tensor(1.5), "none": torch.zeros(0, 3), "half": torch.ones(2, 2).bfloat16(),
        "truth": torch.tensor([True, False]), "turned": torch.arange(6).view(2, 3).T,
    }  # fmt: skip
    write_tensors(tmp_path / "a.safetensors", tensors, {"é": "\udce9"})
    found, facts = read_tensors(tmp_path / "a.safetensors")
    assert facts == {"é": "\udce9"}
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], value) and found[name].dtype == value.dtype for name, value in tensors.items())


def test_facts_are_read_without_the_tensors_and_without_torch(tmp_path):
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"a": torch.zeros(3)}, {"some": "fact"})
    found = read_facts(path)
    assert found.pop(DIGEST)
    assert found == {"some": "fact"}
    code = (
        "import sys, pathlib\nfrom ntcir.system.tensor_facts import read_facts\n"
        "print(read_facts(pathlib.Path(sys.argv[1]))['some'], 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(path)]
    told = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    assert told.stdout == "fact False\n", told.stderr


def test_facts_of_other_writers_are_read_and_none_are_none(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors", metadata={"format": "pt"})
    save_file({"a": torch.zeros(1)}, tmp_path / "b.safetensors")
    assert read_facts(tmp_path / "a.safetensors") == {"format": "pt"}
    assert read_facts(tmp_path / "b.safetensors") == {}


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 64, (9).to_bytes(8, "little") + b"{" * 9])
def test_a_header_that_is_none_is_damage(tmp_path, content):
    path: Path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(Damaged):
        read_facts(path)
