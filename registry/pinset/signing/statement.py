"""The statements that authors sign about releases, and evaluators about their results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pinset.domain.records import ResultRecord


def statement(*, registry: str, bundle: str, digest: str) -> bytes:
    """What is signed with the namespace ``pinset``: canonical JSON with a line end, so that it may be a file.

    It names the content, by its digest, and where it belongs; not the version, which the registry counts.
    """
    said = {"bundle": bundle, "digest": digest, "registry": registry, "type": "pinset-release-v1"}
    return (json.dumps(said, sort_keys=True, separators=(",", ":")) + "\n").encode()


def result_statement(registry: str, record: ResultRecord) -> bytes:
    """What an evaluator signs with the namespace ``pinset``: all that a result says, of which release of which registry.

    score, threshold: decimal numbers as text. report: the digest of the report's text. What is not there is null.
    """
    said = {
        "bundle": record.bundle,
        "cases": record.cases,
        "digest": record.digest,
        "failed": record.failed,
        "passed": record.passed,
        "registry": registry,
        "report": record.report,
        "score": record.score,
        "suite": record.suite,
        "threshold": record.threshold,
        "type": "pinset-result-v1",
        "version": record.version,
    }
    return (json.dumps(said, sort_keys=True, separators=(",", ":")) + "\n").encode()
