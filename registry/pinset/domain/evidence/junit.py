"""JUnit XML, as test runners write it: each test suite is a suite, whose score is the part of its tests that passed.

Document types are refused, and with them every entity of an author: nothing is fetched, and nothing grows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from xml.parsers import expat

from pinset.domain.evidence.model import Reading, Suite, share, slug, unreadable
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOOL: Final = "junit"
_DEPTH: Final = 64
_FAILED: Final = frozenset({"failure", "error"})


@dataclass(slots=True)
class _Counts:
    """Of one test suite that stands in no other: with those inside it."""

    name: str
    tests: int = 0
    failed: int = 0
    skipped: int = 0
    own_failures: int = 0
    """Failures of the suite itself, such as of its set-up."""


@dataclass(slots=True)
class _Reader:
    suites: list[_Counts] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    failed: bool = False
    skipped: bool = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        name = tag.rpartition(" ")[2]
        if not self.path and name not in ("testsuites", "testsuite"):
            raise unreadable(_TOOL, f"begins with <{name[:40]}>", "JUnit XML begins with <testsuites> or <testsuite>")
        self.path.append(name)
        if len(self.path) > _DEPTH:
            raise unreadable(_TOOL, f"is nested deeper than {_DEPTH}")
        if name == "testsuite" and "testsuite" not in self.path[:-1]:
            self.suites.append(_Counts(slug(attributes.get("name"))))
        elif name == "testcase":
            self.failed = self.skipped = False
        elif name in _FAILED or name == "skipped":
            self._judge(name)

    def end(self, _tag: str) -> None:
        """An element ends."""
        if self.path.pop() == "testcase" and self.suites:
            counts = self.suites[-1]
            counts.tests += 1
            counts.failed += self.failed
            counts.skipped += self.skipped and not self.failed

    def _judge(self, name: str) -> None:
        inside = self.path[-2] if len(self.path) > 1 else ""
        if inside == "testcase":
            self.failed = self.failed or name in _FAILED
            self.skipped = self.skipped or name == "skipped"
        elif inside == "testsuite" and name in _FAILED:
            self.suites[-1].own_failures += 1


def read(text: str) -> Reading:
    """A report in JUnit XML. Raises InvalidInput for other XML, a document type, and one without tests."""
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(text, True)  # noqa: FBT003 - expat's own: this is all of it
    except expat.ExpatError as error:
        raise InvalidInput(
            f"the report is no XML: line {error.lineno}: {expat.ErrorString(error.code)}",
            hint="write it again, or say the result yourself: --suite NAME --score NUMBER",
        ) from error
    parts = tuple(_suite(counts) for counts in reader.suites if counts.tests - counts.skipped or counts.own_failures)
    if not parts:
        raise unreadable(_TOOL, "has no test that was run")
    if len(parts) == 1:
        return Reading(tool=_TOOL, whole=parts[0])
    if len({part.name for part in parts}) < len(parts):
        return Reading(tool=_TOOL, whole=_together(parts))
    return Reading(tool=_TOOL, whole=_together(parts), parts=parts)


def _refuse(*_declared: object) -> None:
    raise unreadable(_TOOL, "declares a document type, which is refused", "write it without <!DOCTYPE …>")


def _suite(counts: _Counts) -> Suite:
    cases = counts.tests - counts.skipped + counts.own_failures
    failed = counts.failed + counts.own_failures
    return Suite(
        name=counts.name or _TOOL, score=share(cases - failed, cases), passed=failed == 0, cases=cases, failed=failed
    )


def _together(parts: tuple[Suite, ...]) -> Suite:
    cases, failed = (sum(getattr(part, key) or 0 for part in parts) for key in ("cases", "failed"))
    return Suite(name=_TOOL, score=share(cases - failed, cases), passed=failed == 0, cases=cases, failed=failed)
