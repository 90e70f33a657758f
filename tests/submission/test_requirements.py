"""What is to be installed in the image: all that predicting needs, in the versions that are tried here."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest
from helpers import refusal

from ntcir.submission import requirements
from ntcir.submission.requirements import ROOTS, closure, installed_bytes, modules, pins, torch_pins


@pytest.fixture
def site(tmp_path, monkeypatch) -> Path:
    """An empty place for made-up distributions, the only ones that are found."""
    folder = tmp_path / "site"
    folder.mkdir()

    def distribution(name: str) -> metadata.Distribution:
        found = list(metadata.distributions(name=name, path=[str(folder)]))
        if not found:
            raise metadata.PackageNotFoundError(name)
        return found[0]

    monkeypatch.setattr(requirements.metadata, "distribution", distribution)
    return folder


def install(site: Path, name: str, *needs: str, version: str = "1.0", size: int = 10) -> None:
    """Make up a distribution with one module of a size."""
    about = site / f"{name.replace('-', '_')}-{version}.dist-info"
    about.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {n}" for n in needs)]
    (about / "METADATA").write_text("\n".join(lines) + "\n")
    (site / f"{name}.py").write_bytes(b"#" * size)
    (about / "RECORD").write_text(f"{name}.py,,\n{about.name}/METADATA,,\n../../bin/{name},,\n")


def names(site_roots: list[str]) -> list[str]:
    return [item.metadata["Name"] for item in closure(site_roots)]


def test_needs_are_followed_to_their_end_and_around(site):
    install(site, "a", "b (>=1)", "c[fast]>=2,<3")
    install(site, "b", "d")
    install(site, "c", "e ; extra == 'fast'", 'f; extra == "slow"')
    install(site, "d", "a")
    install(site, "e")
    install(site, "f")
    assert names(["a"]) == ["a", "b", "c", "d", "e"]
    assert names(["d", "c"]) == ["a", "b", "c", "d", "e"]
    assert names(["c"]) == ["c"]


def test_an_extra_brings_what_it_asks_for_only(site):
    install(site, "a", "toolkit[one,two_b]==1")
    needs = [f"lib-{n}; (sys_platform == 'linux') and extra == '{n}'" for n in ("one", "two-b", "three")]
    install(site, "toolkit", "always", *needs)
    for name in ("always", "lib-one", "lib-two-b", "lib-three"):
        install(site, name)
    assert names(["a"]) == ["a", "always", "lib-one", "lib-two-b", "toolkit"]


def test_a_conditional_need_counts_where_it_is_installed(site):
    install(site, "a", "win; sys_platform == 'win32'", "lin; sys_platform == 'linux'")
    install(site, "lin")
    assert names(["a"]) == ["a", "lin"]


def test_a_need_that_is_not_installed_is_one_sentence(site):
    install(site, "a", "b>=2")
    sentence = refusal(closure, ["a"])
    assert "b, which a needs, is not installed" in sentence
    assert "ntcir predict" in refusal(closure, ["x"])


def test_names_are_compared_as_installers_do(site):
    install(site, "Some.Name", "Other_Name")
    install(site, "other-name")
    assert pins(closure(["some-name"])) == "other-name==1.0\nsome-name==1.0\n"


def test_pins_are_exact_public_and_leave_torch_and_its_libraries_to_their_own_index(site):
    install(site, "numpy", version="2.1.0+local")
    install(site, "torch", "numpy", "nvidia-cublas-cu12", "triton", "cuda-bindings", version="2.11.0+cu128")
    install(site, "torchvision", "torch", version="0.26.0+cu128")
    for name in ("nvidia-cublas-cu12", "triton", "cuda-bindings"):
        install(site, name)
    found = closure(["torchvision"])
    assert pins(found) == "numpy==2.1.0\n"
    assert torch_pins(found) == "torch==2.11.0\ntorchvision==0.26.0\n"


def test_sizes_are_those_of_the_files_with_torch_apart(site):
    install(site, "numpy", size=1000)
    install(site, "torch", "numpy", "nvidia-x", size=5000)
    install(site, "nvidia-x", size=7000)
    facts = {name: (site / f"{name.replace('-', '_')}-1.0.dist-info" / "METADATA").stat().st_size
             for name in ("numpy", "torch", "nvidia-x")}  # fmt: skip
    total, torch = installed_bytes(closure(["torch"]))
    assert total == 13000 + sum(facts.values())
    assert torch == 12000 + facts["torch"] + facts["nvidia-x"]


def test_modules_are_whole_packages_and_single_files_without_commands(site):
    install(site, "a")
    (only,) = closure(["a"])
    about = site / "a-1.0.dist-info"
    assert modules(only) == {"a.py": site / "a.py", about.name: about}
    names = ["own/__init__.py", "own/deep/b.py", "shared/lib/x.so", "../../bin/a"]
    for name in names:  # what is not there, some versions of Python leave out
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).touch()
    (about / "RECORD").write_text("".join(f"{name},,\n" for name in names))
    expected = {"own": site / "own", "shared/lib/x.so": site / "shared" / "lib" / "x.so"}
    assert modules(only) == expected
    (about / "RECORD").unlink()
    assert "install it with pip" in refusal(modules, only)


def test_of_this_environment_it_is_what_predicting_imports_and_no_more():
    found = closure()
    listed = pins(found) + torch_pins(found)
    here = {re.split("==", line)[0]: re.split("==", line)[1] for line in listed.splitlines()}
    assert {root.lower() for root in ROOTS} <= set(here)
    assert not {"ultralytics", "albumentations", "opencv-python", "matplotlib", "ir-measures", "ntcir"} & set(here)
    assert not [name for name in here if name.startswith(("nvidia-", "triton"))]
    for name, version in here.items():
        assert metadata.version(name).split("+")[0] == version
