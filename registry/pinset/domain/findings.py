"""Findings: what the checks say of a manifest, all at once, each with a place and a way out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


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
        _error("too-large", "a text, the release or the number of files is over its limit"),
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
        _warning("rollback-unresolved", "rollback_to names a release that does not exist yet"),
        _warning("rollback-not-served", "rollback_to is not what production serves now"),
        _warning("index-unpinned", "an index has no digest, so its content can change under the release"),
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

    def as_json(self) -> dict[str, Any]:
        """The finding as answers carry it."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "file": self.file,
            "line": self.line,
            "message": self.message,
            "hint": self.hint,
        }


def refusing(findings: Iterable[Finding], allowed: Iterable[str] = ()) -> list[Finding]:
    """The findings that refuse the release: errors, less the judgements whose code was allowed."""
    waived = set(allowed)
    return [f for f in findings if f.severity is Severity.ERROR and not (f.judgement and f.code in waived)]
