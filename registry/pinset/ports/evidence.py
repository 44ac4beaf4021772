"""Evidence about releases, as users see it: `ports.registry.Registry.evidence`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.answers import Page
    from pinset.domain.answers.evidence import EvidenceAnswer, ResultAnswer
    from pinset.ports.registry import Caller


class Evidence(Protocol):
    """What evaluations say of releases: recorded, listed, and the reports as they were."""

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
        """Record results of a release; a yanked one too.

        report: the text of a report, which is kept; what it says is recorded, as far as nothing else is said here.
        suite: which of its suites, or what to call the whole. score, threshold: decimal numbers. Raises InvalidInput
        for a report that cannot be understood where suite and score (or passed) are not said, ChecksFailed for one
        that holds a secret. signatures: by suite, of all of them or of none, each as ``ssh-keygen -Y sign`` makes it of
        `pinset.signing.result_statement`, by a key for evidence that is known; raises Untrusted for any other.
        """

    def of_bundle(
        self, bundle: str, *, suite: str | None = None, cursor: str | None = None, limit: int = 100
    ) -> Page[ResultAnswer]:
        """Results of all releases of a bundle, newest first."""

    def of_release(
        self, reference: str, *, suite: str | None = None, cursor: str | None = None, limit: int = 100
    ) -> Page[ResultAnswer]:
        """Results of a release, newest first."""

    def report(self, reference: str, suite: str) -> str:
        """The report that came with the newest result of a suite. Raises NotFound where there is none."""
