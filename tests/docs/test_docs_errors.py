"""The page of errors says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pinset import errors
from pinset.domain.findings import RULES

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
