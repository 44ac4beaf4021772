"""The page of errors says what the program does."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from pinset import errors
from pinset.domain.findings import RULES

ROOT = Path(__file__).parents[2]
PAGE = (Path(__file__).parents[2] / "registry" / "docs" / "errors.md").read_text()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("kind", list(errors.all_errors()), ids=lambda kind: kind.__name__)
def test_every_error_is_in_all_tables(kind: type[errors.PinsetError]) -> None:
    row = next(row for row in ROWS if row[0] == kind.__name__)
    assert row[1:4] == [f"`{kind.code}`", str(errors.http_status(kind)), str(errors.exit_status(kind))]
    assert any(parent in errors.HTTP_STATUS for parent in kind.__mro__)
    assert any(parent in errors.EXIT_STATUS for parent in kind.__mro__)
    again = errors.from_problem({"code": kind.code, "detail": "d", "hint": "h", "details": {"a": 1}})
    assert (type(again), again.message, again.hint, again.details) == (kind, "d", "h", {"a": 1})


def test_codes_are_unique_and_stable_in_form() -> None:
    codes = [kind.code for kind in errors.all_errors()]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
def test_every_finding_is_on_the_page(rule: object) -> None:
    row = next(row for row in ROWS if row[0] == f"`{rule.code}`")  # type: ignore[attr-defined]  # a Rule
    assert row[1:3] == [rule.severity.value, "yes" if rule.judgement else "no"]  # type: ignore[attr-defined]  # a Rule


@cache
def _trees() -> list[ast.Module]:
    files = [*(ROOT / "registry" / "pinset").rglob("*.py"), *(ROOT / "cli").rglob("*.py")]
    return [ast.parse(file.read_text()) for file in files if file.name not in ("errors.py", "findings.py")]


@cache
def _calls() -> list[tuple[str, list[object]]]:
    """Every call by its name, with the constants that it is given."""
    return [
        (
            getattr(node.func, "id", getattr(node.func, "attr", "")),
            [a.value if isinstance(a, ast.Constant) else None for a in node.args],
        )
        for tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    ]


def test_the_page_names_nothing_else() -> None:
    classes = {kind.__name__ for kind in errors.all_errors()}
    assert {row[0] for row in ROWS if re.fullmatch(r"[A-Z][A-Za-z]+", row[0])} == classes
    assert {row[0].strip("`") for row in ROWS if row[1] in ("error", "warning")} == set(RULES)
    assert all(row[-1] for row in ROWS)


def test_reserved_is_what_nothing_raises() -> None:
    raised = {name for name, _ in _calls()} | {"InvalidManifest", "ChecksFailed"}  # those two by `findings.refuse`
    families = {kind.__name__ for kind in errors.all_errors() if kind.__subclasses__()}
    unused = {kind.__name__ for kind in errors.all_errors()} - raised - families
    assert {row[0] for row in ROWS if "*Reserved.*" in row[-2]} == unused


def test_every_finding_is_said_somewhere() -> None:
    said = {node.value for tree in _trees() for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert set(RULES) - {"more-findings"} <= said  # that one is said where the rules stand


def test_the_codes_of_http_alone_are_those_of_the_program() -> None:
    from pinset.api import problems

    found = {(given[1], given[0]) for name, given in _calls() if name == "RefusedRequest"}
    found |= {(given[1], given[0]) for name, given in _calls() if name == "problem" and given[1:] and given[1]}
    found |= {(code, status) for status, code in problems._CODES.items()}
    page = {(row[0].strip("`"), int(row[1])) for row in ROWS if row[0].startswith("`") and row[1].isdigit()}
    assert page == found
