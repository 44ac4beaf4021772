"""The threat model names a test for each rule, and each test that it names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "registry" / "docs" / "threat-model.md"
_NAMED = re.compile(r"`(?P<file>[a-z_/]+\.py)::(?P<test>test_\w+)`")
_RULE = re.compile(r"^## (?P<rule>\d+)\. ", re.MULTILINE)
RULES = 14


def named(text: str) -> list[tuple[str, str]]:
    """The tests that a text names: file below `tests/`, and function."""
    return [(match["file"], match["test"]) for match in _NAMED.finditer(text)]


def functions_of(file: Path) -> set[str]:
    """The test functions of a file, those of its classes too."""
    found = ast.walk(ast.parse(file.read_text()))
    return {node.name for node in found if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def missing(text: str) -> list[str]:
    """The tests that a text names and that are not there."""
    return [
        f"{file}::{test}"
        for file, test in named(text)
        if not (ROOT / "tests" / file).is_file() or test not in functions_of(ROOT / "tests" / file)
    ]


def test_every_test_that_is_named_is_there() -> None:
    text = PAGE.read_text()
    assert len(named(text)) > 40
    assert missing(text) == []


@pytest.mark.parametrize("rule", range(1, RULES + 1))
def test_every_rule_has_a_test(rule: int) -> None:
    sections = _RULE.split(PAGE.read_text())
    bodies = dict(zip(map(int, sections[1::2]), sections[2::2], strict=True))
    assert sorted(bodies) == list(range(1, RULES + 1))
    # What is not there yet says so, and names no test.
    assert named(bodies[rule]) or "not built" in bodies[rule]


def test_a_test_that_is_not_there_is_noticed() -> None:
    assert missing("`unit/test_names.py::test_that_nobody_wrote` `unit/test_nothing.py::test_it`") == [
        "unit/test_names.py::test_that_nobody_wrote",
        "unit/test_nothing.py::test_it",
    ]
