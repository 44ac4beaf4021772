"""Evidence: what evaluations say of a release, read from the reports that other programs write."""

from __future__ import annotations

from pinset.domain.evidence.model import REPORT_LIMIT, Reading, Suite, decimal_text, judged, suite_name
from pinset.domain.evidence.reader import check_report, choose, read_report
from pinset.domain.evidence.results import Results, results_of

__all__ = [
    "REPORT_LIMIT",
    "Reading",
    "Results",
    "Suite",
    "check_report",
    "choose",
    "decimal_text",
    "judged",
    "read_report",
    "results_of",
    "suite_name",
]
