"""Imports go one way: from a room to those before it, and never in a circle."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

import pytest
from helpers import ROOT

PACKAGE = ROOT / "ntcir"
# What is further down may import what is further up, wherever in a file the import stands.
ORDER = (
    "system", "modalities", "formats", "significance", "measures", "fusion", "scoring", "comparing", "config",
    "corpora", "features", "towers", "encoders", "objectives", "search", "sampling", "model", "workspace", "training",
    "retrieval", "submission", "ablation", "tuning", "report", "serve", "verbs", "cli", "__main__",
)  # fmt: skip
# The same within the search page.
PAGE = (
    "day_numbers", "typed", "state", "index", "pictures", "ranking", "hits", "collecting", "studies", "days",
    "map_points", "site", "rendering", "refusals", "routes", "guard", "middleware", "app", "opening", "running",
)  # fmt: skip
# The demo lifelog, a neighbour: only what names it may import it, when it is asked for.
NEIGHBOURS = {"ntcir_demo": {"ntcir.cli.corpora"}}
# What names a modality or a direction, and where code may.
NAMES = {"image", "sensor", "text", "img2sen", "sen2img", "img2txt", "txt2img"}
ROOMS_THAT_NAME = {
    "modalities": "is where they are",
    "corpora": "has a reader a layout, which knows what it reads",
    "submission": "is about the organisers' files, which know nothing else",
}
MODULES_THAT_NAME = {
    "ntcir.model.version1": "models of that version are of these two",
    "ntcir.sampling.augment": "albumentations calls a picture so",
    "ntcir.formats.matching": "a column of people's CSV files may be called so",
}


def modules() -> dict[str, ast.Module]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = ast.parse(path.read_text(encoding="utf-8"))
    return found


MODULES = modules()


def imports_of(name: str) -> Iterator[str]:
    """Yield the modules that a module imports, at its top or in a function; not what only its annotations name."""
    unreal = {
        id(inner)
        for node in ast.walk(MODULES[name])
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(MODULES[name]):
        if id(node) in unreal:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (each if each in MODULES else node.module for each in whole)


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else module


def test_every_room_has_its_place_in_the_order():
    assert {room_of(name) for name in MODULES} - {"ntcir"} == set(ORDER)


@pytest.mark.parametrize("room", ORDER)
def test_a_room_imports_only_those_before_it(room):
    allowed = {*ORDER[: ORDER.index(room) + 1], "ntcir"}
    wrong = [
        f"{name} imports {target}"
        for name in MODULES
        if room_of(name) == room
        for target in imports_of(name)
        if target in MODULES and room_of(target) not in allowed
    ]
    assert wrong == []


def test_rooms_of_the_page_import_only_those_before_them():
    rooms = {name: name.split(".")[2] for name in MODULES if name.startswith("ntcir.serve.")}
    assert set(rooms.values()) == set(PAGE)
    wrong = [
        f"{name} imports {target}"
        for name, room in rooms.items()
        for target in imports_of(name)
        if PAGE.index(rooms.get(target, room)) > PAGE.index(room)
    ]
    assert wrong == []


def test_training_and_retrieval_do_not_know_each_other():
    for one, other in (("training", "retrieval"), ("retrieval", "training")):
        assert not [name for name in MODULES if room_of(name) == one and other in map(room_of, imports_of(name))]


def test_no_module_is_in_a_circle():
    graph = {name: {each for each in imports_of(name) if each in MODULES and each != name} for name in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_demo_is_imported_only_where_it_is_asked_for():
    for neighbour, allowed in NEIGHBOURS.items():
        assert {name for name in MODULES if neighbour in {each.split(".")[0] for each in imports_of(name)}} <= allowed


def modalities_named_in(tree: ast.Module) -> set[str]:
    """Return the modalities and directions that code names: texts that are nothing but such a name."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in NAMES}


def test_only_a_few_rooms_know_that_there_are_images_and_sensors():
    found = {name for name, tree in MODULES.items() if modalities_named_in(tree)}
    assert {name for name in found if room_of(name) not in ROOMS_THAT_NAME} == set(MODULES_THAT_NAME)


@pytest.mark.parametrize(
    "code",
    ['tables["image"]', 'pairs["sensor"]', 'x.name == "sensor"', 'modality("image")', '{"img2sen": 1}', '"sen2img"'],
)
def test_whatever_names_a_modality_is_found(code):
    assert modalities_named_in(ast.parse(code))
    assert not modalities_named_in(ast.parse('"""An image."""\nsay("the image is grey")\ncorpus.images'))


def test_the_order_is_that_of_the_page_for_developers():
    page = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
    rooms = re.findall(r"^\| `ntcir/(\w+)(?:/|\.py)`", page, re.MULTILINE)
    assert tuple(rooms) == ORDER[:-1]


def test_no_two_test_files_have_the_same_name():
    # Test folders are no packages: of two files of one name, pytest collects neither.
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))


def test_a_file_past_300_lines_is_two():
    sources = [*PACKAGE.rglob("*.py"), *(ROOT / "ntcir_demo").rglob("*.py")]
    lengths = {path.relative_to(ROOT): path.read_text(encoding="utf-8").count("\n") for path in sources}
    assert {path: lines for path, lines in lengths.items() if lines > 300} == {}
