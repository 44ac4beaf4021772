"""Findings: what the checks say of a manifest, all at once, each with a place and a way out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from pinset.domain import names
from pinset.errors import ChecksFailed, InvalidInput, InvalidManifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pinset.domain.answers import FindingAnswer


class Severity(StrEnum):
    """An error refuses the release; a warning is said and kept."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing the checks look for. A *judgement* is an error that a person may override with a reason."""

    code: str
    severity: Severity
    meaning: str
    judgement: bool = False


def _error(code: str, meaning: str, *, judgement: bool = False) -> Rule:
    return Rule(code, Severity.ERROR, meaning, judgement)


def _warning(code: str, meaning: str) -> Rule:
    return Rule(code, Severity.WARNING, meaning)


RULES: Final[Mapping[str, Rule]] = {
    rule.code: rule
    for rule in (
        _error("yaml-syntax", "the file is not YAML, or uses anchors, tags or duplicate keys, which are refused"),
        _error(
            "json-syntax",
            "the file is not JSON, or holds NaN, duplicate keys, lone surrogates or deep nesting",
        ),
        _error("not-text", "the file is not UTF-8 text"),
        _error("file-missing", "the manifest names a file that is not there"),
        _error("file-path", "a path leaves the directory, is a link, or has characters that are not allowed"),
        _error("file-collision", "two paths are equal but for case"),
        _error("too-large", "a text, the release or the number of files or parts is over its limit"),
        _error("unknown-key", "the manifest has a key that is not known here"),
        _error("missing-key", "a required key is not there"),
        _error("wrong-type", "a value has the wrong type"),
        _error("bad-value", "a value has the right type and is not allowed"),
        _error("bad-name", "a name breaks the rules for names"),
        _error("doubled-name", "two parts of the same kind have the same name"),
        _error("reference-syntax", "a reference cannot be read, or does not pin a version"),
        _error(
            "reference-unresolved",
            "a reference names something that is not in the registry, or not in this release",
        ),
        _error("component-versions-differ", "one shared component is used in two versions"),
        _error("template-syntax", "a template cannot be parsed in its format"),
        _error("variable-undeclared", "a template uses a variable that the given inputs do not declare"),
        _error("tool-invalid", "a tool is in no known shape, or its parameters are no JSON Schema"),
        _error("schema-invalid", "a JSON Schema does not fit its metaschema"),
        _error("embedding-mismatch", "the release's embedding model is not the one its index was built with"),
        _error("secret", "a text holds a secret; once committed it is there for ever", judgement=True),
        _error(
            "model-unpinned",
            "a model has no pin, so its provider can change it under the release",
            judgement=True,
        ),
        _error("model-floating", "a model is pinned to a name that moves, such as latest", judgement=True),
        _warning("secret-suspected", "a text looks as if it holds a password or key"),
        _warning("variable-unused", "the inputs declare a variable that no template uses"),
        _warning("retrieval-unused", "retrieval fills a variable that no template uses"),
        _warning("retrieval-missing", "a template takes passages and the release has no retrieval"),
        _warning("tool-unknown", "a prompt names a tool that the release lacks"),
        _warning("tool-unused", "a prompt lists its tools and one of the release's is in no prompt's list"),
        _warning("text-has-variables", "a text template holds {{…}}, which stays as it is"),
        _warning("invisible-character", "a text holds invisible or bidirectional control characters"),
        _warning("lookalike-character", "a name or word mixes letters of different scripts that look alike"),
        _warning("file-unused", "a file is published that no part of the manifest names"),
        _warning("bundle-renamed", "the manifest names the bundle as it was called before"),
        _warning("rollback-unresolved", "rollback_to names a release that does not exist yet"),
        _warning("rollback-not-served", "rollback_to is not what production serves now"),
        _warning("index-unpinned", "an index has no digest, so its content can change under the release"),
        _warning("more-findings", "there are more findings than are told at once"),
        _warning("include-unresolved", "a Jinja template includes a name that is only known at run time"),
    )
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of the checks. ``file`` is a path in the release, or '' for the whole; ``line`` counts from 1."""

    code: str
    message: str
    hint: str
    file: str = ""
    line: int | None = None

    @property
    def severity(self) -> Severity:
        """As the rule says."""
        return RULES[self.code].severity

    @property
    def judgement(self) -> bool:
        """Whether a person may override it with a reason."""
        return RULES[self.code].judgement


TOLD_AT_ONCE: Final = 200
"""Findings in one answer."""
JUDGEMENTS: Final = frozenset(code for code, rule in RULES.items() if rule.judgement)
"""Codes of errors that a person may override with a reason."""
_FIT: Final = frozenset({"reference-unresolved", "embedding-mismatch"}) | JUDGEMENTS
"""Codes of errors in well-formed input: its parts do not fit the registry or each other, or should not be kept."""


def refusing(findings: Iterable[Finding], allowed: Iterable[str] = ()) -> list[Finding]:
    """The findings that refuse the release: errors, less the judgements whose code was allowed."""
    waived = set(allowed)
    return [f for f in findings if f.severity is Severity.ERROR and not (f.judgement and f.code in waived)]


def as_answers(findings: Iterable[Finding]) -> list[FindingAnswer]:
    """Findings as answers carry them, errors first, then by place. Of very many the first are told."""
    ordered = sorted(findings, key=lambda f: (f.severity, f.file, f.line or 0, f.code))
    more = len(ordered) - TOLD_AT_ONCE
    if more > 0:
        left = Finding("more-findings", f"{more:,} more findings are not listed", "correct these, and check again")
        ordered = [*ordered[:TOLD_AT_ONCE], left]
    return [
        {
            "code": f.code,
            "severity": f.severity.value,
            "file": f.file,
            "line": f.line,
            "message": f.message,
            "hint": f.hint,
        }
        for f in ordered
    ]


def refuse(findings: Sequence[FindingAnswer], allowed: Iterable[str] = ()) -> None:
    """Raise what findings amount to: InvalidManifest for malformed input, ChecksFailed for other errors, or nothing."""
    waived = JUDGEMENTS.intersection(allowed)
    against = [f for f in findings if f["severity"] == Severity.ERROR and f["code"] not in waived]
    if not against:
        return
    malformed = any(f["code"] not in _FIT for f in against)
    counted, them = ("1 error", "it") if len(against) == 1 else (f"{len(against)} errors", "them")
    kind, what = (InvalidManifest, "the manifest") if malformed else (ChecksFailed, "the release")
    raise kind(f"{what} has {counted}", hint=f"fix {them} and try again", details={"findings": list(findings)})


def check_allowed(codes: Sequence[str], reason: str) -> None:
    """Raises InvalidInput for a code that is no judgement, or an override without a reason."""
    for code in codes:
        if code not in JUDGEMENTS:
            known = ", ".join(sorted(JUDGEMENTS))
            raise InvalidInput(f"{names.show(code)} cannot be allowed", hint=f"only these can: {known}")
    if codes and not reason:
        raise InvalidInput("an override needs a reason", hint="give it with -m TEXT; it is kept with the release")
