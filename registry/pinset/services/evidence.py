"""Evidence: results of evaluations, bound to the digest of the release they are about."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pinset.domain import evidence, findings, messages, names
from pinset.domain.access import Verb, permit
from pinset.domain.checks.texts import check_secrets
from pinset.domain.notes import digest_of_text
from pinset.domain.records import MoveRecord, ResultRecord, Stamp
from pinset.domain.references import parse
from pinset.errors import ChecksFailed, InvalidInput, NotFound
from pinset.ports.store import Files
from pinset.services import approving, moving, reading
from pinset.services.session import Written, writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinset.domain.answers import MoveAnswer, Page
    from pinset.domain.answers.evidence import EvidenceAnswer, ResultAnswer
    from pinset.domain.evidence import Reading, Suite
    from pinset.ports.catalog import CatalogReader, ReleaseRow
    from pinset.ports.registry import Caller
    from pinset.services.session import Context, Session

_LOOKED_AT: Final = 5000
"""Results that are looked at for one page of those of a suite."""
_AT_ONCE: Final = 500


class LocalEvidence:
    """Implements `ports.evidence.Evidence`."""

    def __init__(self, context: Context) -> None:
        self._context = context

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
        reason: str = "",
    ) -> EvidenceAnswer:
        """Record results of a release."""
        wanted = parse(reference, default=None)
        caller.need(Verb.EVIDENCE, wanted.bundle)
        words = messages.clean_words(reason)
        suites, tool, warnings = _understood(report, _said(suite, score, threshold, passed=passed), suite)
        arguments = {
            "reference": reference,
            "suite": suite,
            "score": score,
            "threshold": threshold,
            "passed": passed,
            "report": digest_of_text(report) if report is not None else None,
            "reason": words,
        }
        with writing(self._context, caller, "evidence", arguments) as session:
            before = session.done_before()
            if before:
                results = [Written(record, commit) for commit, record in before if isinstance(record, ResultRecord)]
                moves = [Written(record, commit) for commit, record in before if isinstance(record, MoveRecord)]
                return _answer(results, warnings, session.operation.id, _moves(session, moves))
            row, _ = reading.find_release(session.catalog, wanted)
            made = [_stage(session, row, one, report, tool, words) for one in suites]
            waiting = approving.waiting_for(session, row.record.bundle, row.record.version)
            moves = [one.move for one in approving.stage_ready(session, waiting) if one.move is not None]
            session.commit()
            return _answer(made, warnings, session.operation_id, _moves(session, moves))

    def of_bundle(
        self, bundle: str, *, suite: str | None = None, cursor: str | None = None, limit: int = 100
    ) -> Page[ResultAnswer]:
        """Results of all releases of a bundle, newest first."""
        permit(self._context.grants, Verb.READ, names.bundle_name(bundle))
        with reading.view(self._context) as reader:
            reading.need_bundle(reader, bundle)
            return _page(reader, bundle, None, suite, cursor, limit)

    def of_release(
        self, reference: str, *, suite: str | None = None, cursor: str | None = None, limit: int = 100
    ) -> Page[ResultAnswer]:
        """Results of a release, newest first."""
        wanted = parse(reference)
        reading.permit(self._context, wanted)
        with reading.view(self._context) as reader:
            row, _ = reading.find_release(reader, wanted)
            return _page(reader, row.record.bundle, row.record.version, suite, cursor, limit)

    def report(self, reference: str, suite: str) -> str:
        """The report that came with the newest result of a suite."""
        evidence.suite_name(suite)
        wanted = parse(reference)
        reading.permit(self._context, wanted)
        with reading.view(self._context) as reader:
            row, _ = reading.find_release(reader, wanted)
            bundle, version = row.record.bundle, row.record.version
            found = newest(reader, bundle, version, suite)
            if found is None:
                raise NotFound(
                    f"{bundle}@v{version} has no result of {suite}",
                    hint=f"see what there is: pinset evidence list {bundle}@v{version}",
                )
            if found.record.report is None:
                raise NotFound(
                    f"the newest result of {suite} for {bundle}@v{version} came without a report",
                    hint=f"see what there is: pinset evidence list {bundle}@v{version} --suite {suite}",
                )
            return reader.text(found.record.report)


def newest(reader: CatalogReader, bundle: str, version: int, suite: str) -> Written[ResultRecord] | None:
    """The newest result of a suite about a release, which is the one that counts."""
    return next((found for found in _results(reader, bundle, version) if found.record.suite == suite), None)


def _results(
    reader: CatalogReader, bundle: str, version: int | None, before: int | None = None
) -> Iterator[Written[ResultRecord]]:
    """Results, newest first."""
    while True:
        found = reader.notes(["result"], bundle=bundle, version=version, before=before, limit=_AT_ONCE)
        for commit, record in found:
            if isinstance(record, ResultRecord):
                yield Written(record, commit)
        if len(found) < _AT_ONCE:
            return
        before = found[-1][1].stamp.serial


def _page(
    reader: CatalogReader, bundle: str, version: int | None, suite: str | None, cursor: str | None, limit: int
) -> Page[ResultAnswer]:
    if suite is not None:
        evidence.suite_name(suite)
    items: list[ResultAnswer] = []
    last = None
    for looked, found in enumerate(_results(reader, bundle, version, reading.number(cursor))):
        if last is not None and (len(items) == limit or looked == _LOOKED_AT):
            return {"items": items, "next": str(last)}
        last = found.record.stamp.serial
        if suite is None or found.record.suite == suite:
            items.append(result_answer(found))
    return {"items": items, "next": None}


def _said(suite: str | None, score: str | None, threshold: str | None, *, passed: bool | None) -> Suite | None:
    """What the caller says themselves; None where they name no suite. Raises InvalidInput where it does not fit."""
    numbers = [
        evidence.decimal_text(value, what) if value is not None else None
        for value, what in ((score, "score"), (threshold, "threshold"))
    ]
    reached = evidence.judged(numbers[0], numbers[1])
    if passed and reached is False:
        raise _contradiction(*numbers)
    if suite is None:
        if passed is not None or numbers != [None, None]:
            raise InvalidInput("a result is of a suite", hint="say which: --suite NAME")
        return None
    judged = reached if passed is None else passed
    return evidence.Suite(name=evidence.suite_name(suite), score=numbers[0], threshold=numbers[1], passed=judged)


def _understood(
    report: str | None, said: Suite | None, suite: str | None
) -> tuple[Sequence[Suite], str | None, Sequence[str]]:
    """The suites to record, what wrote the report, and warnings. What is said counts more than what is read."""
    complete = said is not None and (said.score is not None or said.passed is not None)
    found: Reading | None = None
    if report is not None:
        evidence.check_report(report)
        _refuse_secrets(report)
        try:
            found = evidence.read_report(report)
        except InvalidInput:
            if not complete:
                raise
    if found is None:
        if said is None or not complete:
            what = "the report is of no kind that is known here" if report is not None else "there is no result"
            raise InvalidInput(what, hint="say it yourself: --suite NAME --score NUMBER, or --passed or --failed")
        return [said], None, ()
    if said is None:
        return evidence.choose(found, None), found.tool, found.warnings
    if complete and found.whole is None and suite not in {one.name for one in found.parts}:
        return [said], found.tool, found.warnings
    (read,) = evidence.choose(found, suite)
    return [_overridden(read, said)], found.tool, found.warnings


def _overridden(read: Suite, said: Suite) -> Suite:
    """A suite of a report with what is said of it. Raises InvalidInput where the two do not fit."""
    score = said.score if said.score is not None else read.score
    threshold = said.threshold if said.threshold is not None else read.threshold
    numbers = said.score is not None or said.threshold is not None
    reached = evidence.judged(score, threshold) if numbers else None
    if said.passed and reached is False:
        raise _contradiction(score, threshold)
    passed = said.passed if said.passed is not None else reached
    if passed is None and said.score is None:
        passed = read.passed
    return replace(read, score=score, threshold=threshold, passed=passed)


def _contradiction(score: str | None, threshold: str | None) -> InvalidInput:
    return InvalidInput(
        f"a score of {score} does not reach {threshold}, and is said to have passed",
        hint="leave one of them out, or correct it",
    )


def _refuse_secrets(report: str) -> None:
    found = [one for one in check_secrets({"report": report}) if one.code == "secret"]
    if found:
        hint = "take it out of the report and revoke it where it was issued; a report can be left out"
        told = [replace(one, hint=hint) for one in found]
        raise ChecksFailed(
            "the report holds what looks like a secret", hint=hint, details={"findings": findings.as_answers(told)}
        )


def _stage(
    session: Session, row: ReleaseRow, suite: Suite, report: str | None, tool: str | None, words: str
) -> Written[ResultRecord]:
    release = row.record

    def record(stamp: Stamp) -> ResultRecord:
        return ResultRecord(
            stamp=stamp,
            bundle=release.bundle,
            version=release.version,
            digest=release.digest,
            suite=suite.name,
            score=suite.score,
            threshold=suite.threshold,
            passed=suite.passed,
            report=digest_of_text(report) if report is not None else None,
            tool=tool,
            cases=suite.cases,
            failed=suite.failed,
            reason=words,
        )

    files = {_file_of(report): report} if report is not None else {}
    return session.stage(record, Files(files), lambda at: (at,) if at else (), files)


def _file_of(report: str) -> str:
    """What a report is called in its commit's tree."""
    start = report.lstrip("\ufeff \t\r\n")[:1]
    return "report.xml" if start == "<" else "report.json" if start in ("{", "[") else "report.txt"


def result_answer(found: Written[ResultRecord]) -> ResultAnswer:
    """A result as answers carry it."""
    record = found.record
    return {
        "ref": f"{record.bundle}@v{record.version}",
        "bundle": record.bundle,
        "version": record.version,
        "digest": record.digest,
        "suite": record.suite,
        "score": record.score,
        "threshold": record.threshold,
        "passed": record.passed,
        "cases": record.cases,
        "failed": record.failed,
        "report": record.report,
        "tool": record.tool,
        "reason": record.reason,
        "at": reading.time(record.stamp.at),
        "actor": record.stamp.actor,
        "person": record.stamp.who,
        "serial": record.stamp.serial,
        "commit": found.commit,
    }


def _moves(session: Session, moves: Sequence[Written[MoveRecord]]) -> list[MoveAnswer]:
    return [moving.answer(move, session) for move in moves]


def _answer(
    made: Sequence[Written[ResultRecord]],
    warnings: Sequence[str],
    operation: str | None,
    moves: list[MoveAnswer],
) -> EvidenceAnswer:
    first = made[0].record
    return {
        "ref": f"{first.bundle}@v{first.version}",
        "bundle": first.bundle,
        "version": first.version,
        "digest": first.digest,
        "items": [result_answer(one) for one in made],
        "moves": moves,
        "warnings": list(warnings),
        "operation": operation,
    }
