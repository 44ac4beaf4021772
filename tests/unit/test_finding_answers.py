"""What becomes of findings: which refuse a release, in what order they are told, what may be allowed."""

from __future__ import annotations

import pytest

from pinset.domain.findings import (
    JUDGEMENTS,
    RULES,
    TOLD_AT_ONCE,
    Finding,
    Severity,
    as_answers,
    check_allowed,
    refuse,
    refusing,
)
from pinset.errors import ChecksFailed, InvalidInput, InvalidManifest, PinsetError


def found(code: str, file: str = "a.md", line: int | None = 1) -> Finding:
    return Finding(code, "what is wrong", "what to do", file, line)


def test_errors_come_first_and_then_the_place_decides() -> None:
    wanted = [
        found("bad-value", "", None),
        found("bad-value", "a.md", None),
        found("bad-value", "a.md", 1),
        found("bad-name", "a.md", 2),
        found("bad-value", "a.md", 2),
        found("bad-value", "a.md", 10),
        found("bad-value", "b.md", 1),
        found("file-unused", "a.md", 1),
    ]
    told = as_answers(reversed(wanted))
    assert [(t["code"], t["file"], t["line"]) for t in told] == [(f.code, f.file, f.line) for f in wanted]


def test_a_finding_is_told_with_all_it_says() -> None:
    (told,) = as_answers([Finding("secret", "a key", "take it out", "prompts/a.md", 7)])
    assert told == {
        "code": "secret",
        "severity": "error",
        "file": "prompts/a.md",
        "line": 7,
        "message": "a key",
        "hint": "take it out",
    }


@pytest.mark.parametrize("more", [0, 1, 2, 1500])
def test_of_very_many_findings_the_first_are_told_and_the_rest_counted(more: int) -> None:
    told = as_answers([found("bad-value", line=line) for line in range(1, TOLD_AT_ONCE + more + 1)])
    assert [t["line"] for t in told[:TOLD_AT_ONCE]] == list(range(1, TOLD_AT_ONCE + 1))
    rest = told[TOLD_AT_ONCE:]
    if not more:
        assert rest == []
        return
    (last,) = rest
    assert (last["code"], last["severity"]) == ("more-findings", "warning")
    assert f"{more:,}" in last["message"]
    assert last["hint"]


def test_an_allowed_judgement_refuses_no_longer_and_nothing_else_can_be_allowed() -> None:
    findings = [found("secret"), found("model-unpinned"), found("bad-value"), found("file-unused")]
    assert [f.code for f in refusing(findings)] == ["secret", "model-unpinned", "bad-value"]
    allowed = ["secret", "bad-value", "file-unused"]
    assert [f.code for f in refusing(findings, allowed)] == ["model-unpinned", "bad-value"]


def test_warnings_refuse_nothing() -> None:
    refuse(as_answers([found(code) for code, rule in RULES.items() if rule.severity is Severity.WARNING]))


@pytest.mark.parametrize("code", sorted(JUDGEMENTS))
def test_an_allowed_judgement_passes_and_another_does_not(code: str) -> None:
    told = as_answers([found(code)])
    refuse(told, [code])
    with pytest.raises(ChecksFailed):
        refuse(told, JUDGEMENTS - {code})
    with pytest.raises(ChecksFailed):
        refuse(told)


def test_no_other_error_passes_because_its_code_is_allowed() -> None:
    with pytest.raises(InvalidManifest):
        refuse(as_answers([found("bad-value")]), ["bad-value"])


@pytest.mark.parametrize(
    ("codes", "error"),
    [
        (["secret"], ChecksFailed),
        (["reference-unresolved", "embedding-mismatch"], ChecksFailed),
        (["bad-value"], InvalidManifest),
        (["secret", "bad-value"], InvalidManifest),
    ],
)
def test_malformed_input_is_told_from_parts_that_do_not_fit(codes: list[str], error: type[PinsetError]) -> None:
    told = as_answers([*(found(code) for code in codes), found("file-unused")])
    with pytest.raises(error) as caught:
        refuse(told)
    assert caught.value.details == {"findings": told}, "warnings are told beside"
    assert str(len(codes)) in caught.value.message
    assert ("errors" in caught.value.message) is (len(codes) > 1)
    assert caught.value.hint == f"fix {'them' if len(codes) > 1 else 'it'} and try again"


@pytest.mark.parametrize("codes", [["bad-value"], ["file-unused"], ["nonsense"], ["secret", "bad-value"]])
def test_what_is_no_judgement_cannot_be_allowed(codes: list[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_allowed(codes, "because")
    assert all(code in caught.value.hint for code in JUDGEMENTS)


def test_an_override_needs_a_reason() -> None:
    with pytest.raises(InvalidInput):
        check_allowed(["secret"], "")
    check_allowed(["secret"], "a made-up key")
    check_allowed([], "")
