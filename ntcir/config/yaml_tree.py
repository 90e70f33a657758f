"""YAML that people write, as keys and values: what is wrong with it is one sentence with its line, and soon found.

PyYAML leaves several things open that a typed or damaged file runs into: its constructors raise whatever Python raises
on a value that is not of its tag, nesting is bounded by Python's stack only, aliases multiply without end, and of two
equal keys the last one wins in silence.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode, Node, ScalarNode

from ntcir.system.errors import shown
from ntcir.system.first_bytes import kind_of_bytes
from ntcir.system.regular import open_given, open_regular

LARGEST = 1 << 20  # bytes of a file: the longest configuration with lists of sessions has a tenth of that
DEEPEST = 64  # mappings and lists inside one another; the configuration has 5
MOST = 50_000  # values in a file as it is written: what is read in two seconds
MOST_EXPANDED = 1_000_000  # characters and values with every alias written out
_MERGE = "tag:yaml.org,2002:merge"
_ESCAPED = range(0xDC80, 0xDD00)  # what Python makes of bytes in a file's name that are not UTF-8: a path may have them


class NotYaml(ValueError):
    """What is wrong with a text that should be YAML: a phrase without a full stop, with the line where there is one."""


def parse_yaml(text: str) -> Any:
    """Return the value of a YAML document: dicts, lists, words, numbers, dates.

    Raises:
        NotYaml: if it is not YAML, a key is there twice, or it is nested or large beyond what a configuration can be.
    """
    if len(text) > LARGEST:
        raise NotYaml(f"it has more than {LARGEST:,} characters")
    try:
        loader = _Loader(text)
    except yaml.YAMLError as error:  # of characters that no YAML may have
        raise NotYaml(_sentence(error)) from error
    try:
        try:
            root = loader.get_single_node()
        except ValueError as error:  # PyYAML's scanner, of an escape beyond Unicode such as \U00110000
            raise NotYaml(f"line {loader.line + 1}: {error}") from error
        if root is None:
            return None
        _measure(root, {}, set())
        return loader.construct_document(root)
    except yaml.YAMLError as error:
        raise NotYaml(_sentence(error)) from error
    finally:
        loader.dispose()


def read_yaml(path: Path, *, typed: bool = False) -> Any:
    """Return the value of a YAML file, of which no more is read than a configuration can have.

    Args:
        path: a regular file.
        typed: whether a user named it: then it may be a pipe as well.

    Raises:
        OSError: if it cannot be read.
        NotYaml: as ``parse_yaml``, or if it is not UTF-8.
    """
    with (open_given if typed else open_regular)(path) as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise NotYaml(f"it is larger than {LARGEST:,} bytes")
    if kind := kind_of_bytes(data[:64]):
        raise NotYaml(f"it is not UTF-8 text but {kind}: save it as UTF-8")
    try:
        return parse_yaml(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotYaml(f"line {line} is not UTF-8 text") from error


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, whose every complaint is a ``YAMLError`` and which stops in time."""

    def __init__(self, text: str) -> None:
        self._depth = self._values = 0
        super().__init__(text)

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        """Compose a value, unless it is nested too deep or one too many."""
        self._depth += 1
        self._values += 1
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        if self._depth > DEEPEST:
            raise ConstructorError(None, None, f"lists or keys are nested more than {DEEPEST} deep", mark)
        if self._values > MOST:
            raise ConstructorError(None, None, f"there are more than {MOST:,} values", mark)
        node: Node | None = super().compose_node(parent, index)
        self._depth -= 1
        if isinstance(node, ScalarNode) and not _is_text(node.value):
            problem = f"{shown(node.value)} contains half a character (a lone surrogate)"
            raise ConstructorError(None, None, problem, node.start_mark)
        return node

    def construct_object(self, node: Node, deep: bool = False) -> Any:
        """Make the value of a node; what its constructor cannot read is reported with its line."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
            kind = node.tag.rsplit(":", 1)[-1]
            value = shown(node.value) if isinstance(node, ScalarNode) else "what is here"
            problem = f"{value} is not a valid {kind}"
            if kind == "timestamp":
                problem = f"{value} is not a valid date or time{f' ({error})' * isinstance(error, ValueError)}"
            raise ConstructorError(None, None, problem, node.start_mark) from error

    def flatten_mapping(self, node: MappingNode) -> None:
        """Look for keys that are there twice before others are merged in (``<<``), which they may override."""
        seen: set[Any] = set()
        for key_node, _ in node.value if not hasattr(node, "flattened") else ():
            if isinstance(key_node, ScalarNode) and key_node.tag != _MERGE:
                key = self.construct_object(key_node)
                if key in seen:
                    raise ConstructorError(None, None, f"the key {shown(key)} appears twice", key_node.start_mark)
                seen.add(key)
        node.flattened = True  # type: ignore[attr-defined]
        super().flatten_mapping(node)


def _is_text(value: str) -> bool:
    return value.isascii() or not any(0xD800 <= ord(c) < 0xE000 and ord(c) not in _ESCAPED for c in value)


def _measure(node: Node, known: dict[Node, int], within: set[Node]) -> int:
    """Return how large a value is with its aliases written out; refuse what holds itself or is too large."""
    if node in within:
        raise ConstructorError(None, None, "a list or mapping contains itself through an alias", node.start_mark)
    if node not in known:
        if isinstance(node, ScalarNode):
            known[node] = 1 + len(node.value)
        else:
            within.add(node)
            pairs = isinstance(node, MappingNode)
            parts = [part for pair in node.value for part in pair] if pairs else node.value
            known[node] = 1 + sum(_measure(part, known, within) for part in parts)
            within.remove(node)
        if known[node] > MOST_EXPANDED:
            raise ConstructorError(None, None, "it is too large once its aliases are expanded", node.start_mark)
    return known[node]


def _sentence(error: yaml.YAMLError) -> str:
    """Return PyYAML's complaint as a phrase, the line first."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    context = getattr(error, "context", None)
    words = " ".join(f"{problem}{f' {context}' if context else ''}".split())
    words = words if len(words) <= 200 else words[:200] + " ..."
    return f"line {mark.line + 1}: {words}" if mark else words
