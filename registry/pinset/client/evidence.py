"""Evidence of a registry elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.client.requests import path_of
from pinset.domain import evidence, names
from pinset.domain.references import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.client.http import Http
    from pinset.domain.answers import Page
    from pinset.domain.answers.evidence import EvidenceAnswer, ResultAnswer
    from pinset.ports.registry import Caller


class RemoteEvidence:
    """Implements `pinset.ports.evidence.Evidence` on ``/v1``."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def add(
        self,
        caller: Caller,
        reference: str,
        *,
        suite: str | None = None,
        score: str | None = None,
        threshold: str | None = None,
        passed: bool | None = None,
        report: str | None = None,
        signatures: Mapping[str, str] | None = None,
        reason: str = "",
    ) -> EvidenceAnswer:
        wanted = parse(reference, default=None)
        if report is not None:
            evidence.check_report(report)
        told = {"suite": suite, "score": score, "threshold": threshold, "passed": passed, "report": report}
        signed = {"signatures": dict(signatures)} if signatures else {}
        said: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
        body = said | signed | {"reason": reason}
        path = path_of("bundles", wanted.bundle, "releases", str(wanted.selector), "evidence")
        found: EvidenceAnswer = self._http.change(
            "POST", path, body, key=caller.key, dry_run=caller.dry_run, change=caller.change
        )
        return found

    def of_bundle(
        self, bundle: str, *, suite: str | None = None, cursor: str | None = None, limit: int = 100
    ) -> Page[ResultAnswer]:
        path = path_of("bundles", names.bundle_name(bundle), "evidence")
        found: Page[ResultAnswer] = self._http.get(path, suite=_suite(suite), cursor=cursor, limit=limit)
        return found

    def of_release(
        self, reference: str, *, suite: str | None = None, cursor: str | None = None, limit: int = 100
    ) -> Page[ResultAnswer]:
        wanted = parse(reference)
        path = path_of("bundles", wanted.bundle, "releases", str(wanted.selector), "evidence")
        found: Page[ResultAnswer] = self._http.get(path, suite=_suite(suite), cursor=cursor, limit=limit)
        return found

    def report(self, reference: str, suite: str) -> str:
        wanted = parse(reference)
        of_suite = ("evidence", evidence.suite_name(suite), "report")
        return self._http.text(path_of("bundles", wanted.bundle, "releases", str(wanted.selector), *of_suite))


def _suite(name: str | None) -> str | None:
    return evidence.suite_name(name) if name is not None else None
