"""The README and docs/: links lead somewhere, and the commands, options, keys, defaults and files they name exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import click
import pytest
import torch
import yaml

from ntcir.ablation.grid import Grid
from ntcir.cli import main
from ntcir.config import Config, Section, Solved, Tower, load_config, parse_config
from ntcir.config.features import Backbone
from ntcir.config.objective import objective_class
from ntcir.config.old_keys import RENAMED
from ntcir.config.registry import OBJECTIVES
from ntcir.objectives.batch import Batch
from ntcir.tuning.plan import Tuning

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [ROOT / "README.md", *DOCS, *(ROOT / name / "README.md" for name in ("topics", "runs", "ntcir/submission/box"))]
CHANGELOG = ROOT / "CHANGELOG.md"  # which may name what is no longer there
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_OPTION = re.compile(r"(?<![\w-])(--?[a-z][a-z-]*)")
_KEY = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)
_KEY_AND_DEFAULT = re.compile(r"^\| `([^`]+)` \| `([^`]+)` \|", re.MULTILINE)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


each_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


# Pages and links


@cache
def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def fences(page: Path) -> list[tuple[str, str]]:
    """Return the blocks of code of a page: their language, if any, and their text."""
    return [(fence[1], fence[2]) for fence in _FENCE.finditer(page.read_text(encoding="utf-8"))]


def inline(page: Path) -> list[str]:
    """Return what a page has between backticks, on one line each."""
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose(page))]


def anchors(page: Path) -> set[str]:
    """Return what GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files that a page links to, and the anchors in them."""
    for link in _LINK.findall(prose(page)):
        if not link.startswith(("http://", "https://")):
            place, _, anchor = link.partition("#")
            yield (page.parent / place).resolve() if place else page, anchor


def section(page: Path, heading: str) -> str:
    """Return the text from a heading to the next one of its level or above."""
    level = heading.split()[0]
    text = page.read_text(encoding="utf-8") + "# "
    after = text.partition(f"\n{heading}\n")[2]
    return re.split(rf"^#{{1,{len(level)}}} ", after, maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize("page", [*PAGES, CHANGELOG], ids=name_of)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    broken = [
        f"{target}#{anchor}"
        for target, anchor in links(page)
        if not target.exists() or (anchor and anchor not in anchors(target))
    ]
    assert not broken


def test_every_page_and_picture_of_docs_is_reached_from_the_readme() -> None:
    seen = {ROOT / "README.md"}
    coming = list(seen)
    while coming:
        page = coming.pop()
        found = {target for target, _ in links(page)} - seen
        seen |= found
        coming += [target for target in found if target.suffix == ".md"]
    assert {path for path in (ROOT / "docs").rglob("*") if path.is_file()} <= seen


def test_the_readme_is_one_page() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


@each_page
def test_files_and_tests_that_are_named_exist(page: Path) -> None:
    folders = r"(ntcir|tests|docs|configs|benchmarks|tools)/[\w./-]*"
    paths = [code for code in inline(page) if re.fullmatch(folders, code)]
    assert [path for path in paths if not (ROOT / path).exists()] == []
    tests = {code for code in inline(page) if re.fullmatch(r"test_\w+", code)}
    written = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name in tests if f"def {name}(" not in written] == []


@each_page
def test_targets_of_make_exist(page: Path) -> None:
    named = {word for code in inline(page) for word in re.findall(r"^make ([a-z]+)", code)}
    named |= {word for _, code in fences(page) for word in re.findall(r"^make ([a-z]+)", code, re.MULTILINE)}
    there = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert named <= set(there)


# Commands


class Typed(NamedTuple):
    """A command as a page shows it: one that a reader types, or a synopsis with brackets and choices."""

    verb: str
    command: click.Command
    rest: str

    @property
    def options(self) -> set[str]:
        return set(_OPTION.findall(self.rest))


def known_options(command: click.Command) -> set[str]:
    """Return how the options of a verb are spelled."""
    return {spelling for parameter in command.params for spelling in parameter.opts if spelling.startswith("-")}


def typed(line: str) -> Typed:
    """Find the verb of a command line; one that does not exist fails the test."""
    verb, command, rest = "", main, line
    while isinstance(command, click.Group) and rest and re.match(r"[a-z-]+( |$)", rest):
        word, _, rest = rest.partition(" ")
        assert word in command.commands, f"ntcir {line}: there is no {word}"
        verb, command, rest = f"{verb} {word}".strip(), command.commands[word], rest.strip()
    return Typed(verb, command, rest)


def shown_in_fences(page: Path) -> list[Typed]:
    """Return the commands in a page's blocks of code; a line that begins with blanks goes on with the one before it."""
    lines = [line for _, code in fences(page) for line in re.sub(r"\n +", " ", code).splitlines()]
    return [typed(line.partition("#")[0].removeprefix("ntcir ")) for line in lines if line.startswith("ntcir ")]


def shown_inline(page: Path) -> list[Typed]:
    """Return the commands within a page's sentences."""
    found = [re.match(r"(?:torchrun .*-m )?ntcir ([a-z].*)", code) for code in inline(page)]
    return [typed(match[1].partition(" > ")[0]) for match in found if match]


@each_page
def test_commands_that_are_shown_have_verbs_and_options_that_exist(page: Path) -> None:
    for each in [*shown_in_fences(page), *shown_inline(page)]:
        unknown = each.options - known_options(each.command) - {"--help"}
        assert not unknown, f"ntcir {each.verb} has no {', '.join(unknown)}"


@each_page
def test_commands_to_type_are_accepted_as_they_are_shown(page: Path) -> None:
    for each in shown_in_fences(page):
        is_synopsis = re.search(r"\[-|\[[A-Z]+\]|\w\|", each.rest)
        if not is_synopsis:
            arguments = shlex.split(each.rest.partition(" > ")[0])
            each.command.make_context(each.verb, arguments)  # raises where the line is not a command


def verbs(group: click.Group = main, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every verb, those of groups too."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from verbs(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


@pytest.mark.parametrize(("verb", "command"), list(verbs()), ids=lambda value: value if isinstance(value, str) else "")
def test_docs_commands_shows_every_verb_with_every_option(verb: str, command: click.Command) -> None:
    page = ROOT / "docs" / "commands.md"
    shown = {each.verb: each.options for each in shown_in_fences(page)}
    assert shown.get(verb) == known_options(command)


# Configuration

CONFIGURATION = ROOT / "docs" / "configuration.md"
OF_EACH_OBJECTIVE = ["kind", "weight"]


def keys(model: type[Section], before: str = "") -> Iterator[str]:
    """Yield the dotted keys of a configuration."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from keys(field.annotation, f"{before}{name}.")
        else:
            yield f"{before}{name}"


def test_docs_configuration_names_every_key() -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")
    ablations, tuning = section(CONFIGURATION, "## Ablations"), section(CONFIGURATION, "## Tuning")
    experiment = text.replace(ablations, "").replace(tuning, "")
    for kind in OBJECTIVES:
        experiment = experiment.replace(section(CONFIGURATION, f"### `{kind}`"), "")
    assert sorted(key for key in _KEY.findall(experiment) if not key.startswith("configs/")) == sorted(
        [*keys(Config), *keys(Backbone), *keys(Tower), *OF_EACH_OBJECTIVE]
    )
    assert sorted(_KEY.findall(ablations)) == sorted(keys(Grid))
    assert _KEY.findall(tuning) == list(keys(Tuning))


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_docs_configuration_names_every_key_of_an_objective_with_its_default(kind: str) -> None:
    part = section(CONFIGURATION, f"### `{kind}`")
    of_each = ["kind"] if issubclass(objective_class(kind), Solved) else OF_EACH_OBJECTIVE
    assert [*of_each, *_KEY.findall(part)] == list(keys(objective_class(kind)))
    usual = load_config(settings=[f"objectives=[{{kind: {kind}}}]"])
    for key, default in _KEY_AND_DEFAULT.findall(part):
        assert usual == load_config(settings=[f"objectives=[{{kind: {kind}, {key}: {default}}}]"])
    overview = section(CONFIGURATION, "## Objectives")
    row = next(line for line in overview.splitlines() if line.startswith(f"| [`{kind}`]"))
    assert row.split("|")[3].strip() == (", ".join(objective_class(kind).needs) or "pairs")


def test_docs_configuration_names_every_earlier_spelling() -> None:
    rows = re.findall(r"^\| ([\w.]+) \| `([^`]+)`", section(CONFIGURATION, "## Earlier spellings"), re.MULTILINE)
    assert dict(rows) == {old: new.removeprefix("objective.") for old, new in RENAMED.items()}


def test_defaults_in_docs_configuration_are_the_defaults() -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")
    for others in ("## Ablations", "## Tuning"):
        text = text.replace(section(CONFIGURATION, others), "")
    for kind in OBJECTIVES:
        text = text.replace(section(CONFIGURATION, f"### `{kind}`"), "")
    known = set(keys(Config))
    for key, default in _KEY_AND_DEFAULT.findall(text):
        # As the first of two networks is the default network, a key of it is a key of that; as is the only objective.
        part = "objectives.0" if key in OF_EACH_OBJECTIVE else "features.backbones.0"
        place = key if key in known else f"{part}.{key}"
        assert load_config(settings=[f"{place}={default}"]) == Config(), f"{key} is not {default} by default"


def test_defaults_of_an_ablation_in_docs_configuration_are_the_defaults() -> None:
    ablations = section(CONFIGURATION, "## Ablations")
    tree: dict[str, object] = {"base": "ymx2l.yaml"}
    topics: dict[str, object] = {}
    for key, default in _KEY_AND_DEFAULT.findall(ablations):
        (topics if key.startswith("topics.") else tree)[key.removeprefix("topics.")] = yaml.safe_load(default)
    assert Grid.model_validate(tree | {"topics": topics}) == Grid(base="ymx2l.yaml")


def test_defaults_of_a_tuning_in_docs_configuration_are_the_defaults() -> None:
    given = {"base": "ymx2l.yaml", "search": {"training.lr": [1e-3, 1e-2]}}
    found = dict(_KEY_AND_DEFAULT.findall(section(CONFIGURATION, "## Tuning")))
    assert Tuning.model_validate(given | {key: yaml.safe_load(text) for key, text in found.items()}) == (
        Tuning.model_validate(given)
    )


def test_yaml_in_docs_configuration_is_valid_and_what_it_says_is_the_default() -> None:
    blocks = [yaml.safe_load(code) for language, code in fences(CONFIGURATION) if language == "yaml"]
    configs = [parse_config(block, "docs/configuration.md") for block in blocks]
    assert [config.augment for config in configs if config.augment.model_fields_set] == [Config().augment]


# Figures


@pytest.mark.parametrize("page", [ROOT / "docs" / "results.md", ROOT / "docs" / "speed.md"], ids=name_of)
def test_tables_of_figures_stand_beside_the_command_that_prints_them(page: Path) -> None:
    for part in re.split(r"^##+ ", prose(page), flags=re.MULTILINE):
        if re.search(r"^\|[ :|-]+\|$", part, re.MULTILINE):
            code = re.findall(r"`([^`]+)`", part)
            assert any(re.match(r"(python\s+benchmarks/\w+\.py|ntcir\s+ablate\s+\S+)", each) for each in code), part


@each_page
def test_benchmarks_that_are_named_exist_with_their_options(page: Path) -> None:
    for code in inline(page):
        if match := re.match(r"python (benchmarks/\w+\.py)(.*)", code):
            script = (ROOT / match[1]).read_text(encoding="utf-8")
            assert all(f'"{option}"' in script for option in _OPTION.findall(match[2]))


def test_the_table_of_the_readme_is_an_excerpt_of_that_in_docs_results() -> None:
    def rows(text: str) -> set[tuple[str, ...]]:
        lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
        return {tuple(cell.strip() for cell in line[:3]) for line in lines}

    excerpt = rows(section(ROOT / "README.md", "## Results on real photographs"))
    assert len(excerpt) > 2
    assert excerpt <= rows((ROOT / "docs" / "results.md").read_text(encoding="utf-8"))


def test_the_objective_in_docs_development_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = next(text for language, text in fences(ROOT / "docs" / "development.md") if language == "python")
    (tmp_path / "hinge_of_docs.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(OBJECTIVES, "hinge", "hinge_of_docs:Hinge")
    objective = load_config(None, ["objectives=[{kind: hinge, margin: 0.5}]"]).objectives[0]
    left, right = torch.eye(3), torch.eye(3)[[0, 1, 1]]
    batch = Batch(left, right, positives=None, ignored=None, instances=(torch.arange(3), torch.arange(3)))
    # Rows: 1 against 0; 1 against 1, the twin of another's partner; 0 against 0.
    assert objective(batch, objective.learnt(3, 3)) == pytest.approx((0 + 0.5 + 0.5) / 3)
