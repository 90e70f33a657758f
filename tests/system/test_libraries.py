"""What libraries may not do, whoever imports them and whatever the environment says."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from helpers import ROOT
from watching import Watch

from ntcir.system.libraries import CONFINED

# Read and known to send, fetch and write nothing on import. Another dependency belongs here or in CONFINED.
HARMLESS = {
    "PIL", "click", "cv2", "fastapi", "ir_measures", "jinja2", "markupsafe", "numpy", "optuna", "pandas", "polars",
    "pydantic", "pydantic_core", "rich", "safetensors", "sklearn", "sqlalchemy", "starlette", "torch",
    "uvicorn", "yaml",
}  # fmt: skip
# Starting programs, and reading what is more than data; `parallel` pickles among processes that it has started itself.
CONFINING = {"confine_libraries", "import_matplotlib"}  # the second begins with the first
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "runpy", "code"}
FORBIDDEN_CALLS = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "pd.read_pickle", "pandas.read_pickle",
    "torch.jit.load", "torch.hub.load", "yaml.unsafe_load", "yaml.full_load", "yaml.load_all", "pd.eval", "pandas.eval",
}  # fmt: skip
MODULES = sorted((ROOT / "ntcir").rglob("*.py"))


def test_every_import_of_a_library_that_reports_comes_after_it_is_confined():
    wrong, seen = [], set()
    for path in MODULES:
        tree = ast.parse(path.read_text("utf-8"))
        for node, around in imports_in(tree):
            for name in names_of(node):
                seen.add(name)
                if name in CONFINED and not is_confined(node, around):
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: {name}")
    assert wrong == []
    assert seen - set(sys.stdlib_module_names) - {"ntcir", "ntcir_demo"} - HARMLESS <= set(CONFINED)


Imported = ast.Import | ast.ImportFrom


def imports_in(tree: ast.AST, around: ast.AST | None = None) -> Iterator[tuple[Imported, ast.AST | None]]:
    """Yield the imports of a module that are really made, each with the function around it."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, Imported):
            yield node, around
        yield from imports_in(node, node if isinstance(node, ast.FunctionDef) else around)


def names_of(node: Imported) -> list[str]:
    """Return the packages that an import names."""
    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
    return [name.split(".")[0] for name in names]


def is_confined(node: Imported, function: ast.AST | None) -> bool:
    """Return whether a function confines libraries, itself or by what does so first, before it imports one."""
    calls = [each for each in ast.walk(function or ast.Module([], [])) if isinstance(each, ast.Call)]
    return any(ast.unparse(each.func) in CONFINING and each.lineno < node.lineno for each in calls)


@pytest.mark.parametrize(
    "code",
    [
        "from ntcir.sampling.augment import _albumentations; _albumentations()",
        "from ntcir.system.libraries import confine_libraries; confine_libraries(); import openvino.tools.ovc",
        # In the order of another program, which has imported it all by itself.
        "from ntcir.features.yolo import import_yolo; import_yolo()\n"
        "assert not __import__('ultralytics').utils.ONLINE\n"
        "from importlib.util import find_spec; find_spec('openvino') and __import__('openvino')",
    ],
)
def test_libraries_ask_nobody_whatever_the_environment_says(tmp_path, code):
    if "import openvino" in code:
        find_spec("openvino") or pytest.skip("OpenVINO is not installed")
    seen = Watch(tmp_path).python(code)
    assert (seen.code, seen.network) == (0, []), seen.said
    assert {path for path in seen.home if not path.startswith(".cache")} == set()


def test_the_light_commands_import_no_library_that_is_confined(tmp_path):
    code = (
        "import contextlib, sys\nfrom ntcir.cli import main\n"
        "for words in (['--help'], ['score', 'absent.txt']):\n"
        "    with contextlib.suppress(SystemExit, Exception): main(words, standalone_mode=False)\n"
        f"print(sorted({{'torch', *{CONFINED!r}}} & set(sys.modules)))\n"
    )
    seen = Watch(tmp_path).python(code)
    assert seen.said.splitlines()[-1] == "[]"
    assert seen.home == set()


def test_the_package_starts_no_code_that_comes_with_data():
    wrong = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            problem = problem_of(node)
            if problem:
                wrong.append(f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}: {problem}")
    assert wrong == []


def problem_of(node: ast.AST) -> str:
    """Return what is wrong with a piece of code, if it might run what a file holds."""
    if isinstance(node, Imported):
        return next((name for name in names_of(node) if name in FORBIDDEN_MODULES), "")
    if not isinstance(node, ast.Call):
        return ""
    name, given = ast.unparse(node.func), {each.arg: ast.unparse(each.value) for each in node.keywords}
    if ast.unparse(node) == "exec('')":  # of no text at all: see `ignore_further`
        return ""
    if name in FORBIDDEN_CALLS or given.get("shell", "False") != "False":
        return ast.unparse(node)
    if name == "torch.load" and given.get("weights_only") != "True":
        return "torch.load without weights_only=True"
    if name.endswith(".load") and given.get("allow_pickle", "False") != "False":
        return "numpy.load with pickles"
    loaders = [given.get("Loader", ""), *map(ast.unparse, node.args[1:])]
    if name in {"yaml.load", "yaml.compose"} and not any("Safe" in each or each == "_Loader" for each in loaders):
        return f"{name} without a safe loader"
    return ""


@pytest.mark.parametrize(
    "code",
    [
        "import pickle", "from pickle import loads", "eval(text)", "os.system(text)", "run(text, shell=True)",
        "torch.load(path)", "torch.load(path, weights_only=False)", "np.load(path, allow_pickle=True)",
        "yaml.load(text, Loader=yaml.Loader)", "yaml.load(text)",
    ],
)  # fmt: skip
def test_the_search_for_it_finds_it(code):
    assert any(problem_of(node) for node in ast.walk(ast.parse(code)))
