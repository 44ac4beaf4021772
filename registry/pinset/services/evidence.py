"""Evidence: results of evaluations, bound to the digest of the release they are about."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pinset import signing
from pinset.domain import evidence, findings, messages, names
from pinset.domain.access import Verb
from pinset.domain.checks.texts import check_secrets
from pinset.domain.notes import digest_of_text
from pinset.domain.records import MoveRecord, Purpose, ResultRecord, Stamp
from pinset.domain.references import parse
from pinset.errors import AlreadyExists, ChecksFailed, InvalidInput, NotFound, Untrusted
from pinset.ports.store import Files
from pinset.services import approving, moving, naming, reading
from pinset.services.keyrings import keys_of
from pinset.services.session import Written, writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pinset.domain.answers import MoveAnswer, Page
    from pinset.domain.answers.evidence import EvidenceAnswer, ResultAnswer
    from pinset.domain.evidence import Suite
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
        signatures: Mapping[str, str] | None = None,
        reason: str = "",
    ) -> EvidenceAnswer:
        """Record results of a release."""
        wanted = parse(reference, default=None)
        naming.need(self._context, caller, Verb.EVIDENCE, wanted.bundle)
        words = messages.clean_words(reason)
        found = evidence.results_of(report, suite=suite, score=score, threshold=threshold, passed=passed)
        suites, tool, warnings = found
        if signatures and signatures.keys() != {one.name for one in suites}:
            raise InvalidInput(
                "the signatures are not those of the suites that are recorded", hint="sign each of them, or none"
            )
        if report is not None:
            _refuse_secrets(report)
        arguments = {
            "reference": reference,
            "suite": suite,
            "score": score,
            "threshold": threshold,
            "passed": passed,
            "report": digest_of_text(report) if report is not None else None,
            "reason": words,
        } | ({"signatures": dict(signatures)} if signatures else {})
        with writing(self._context, caller, "evidence", arguments) as session:
            before = session.done_before()
            if before:
                results = [Written(record, commit) for commit, record in before if isinstance(record, ResultRecord)]
                moves = [Written(record, commit) for commit, record in before if isinstance(record, MoveRecord)]
                return _answer(results, warnings, session.operation.id, _moves(session, moves))
            row, _ = reading.find_release(session.catalog, wanted)
            reading.refuse_purged(row)
            made = [_stage(session, row, one, report, tool, words, (signatures or {}).get(one.name)) for one in suites]
            waiting = approving.waiting_for(session, row.record.bundle, row.record.version)
            moves = [one.move for one in approving.stage_ready(session, waiting) if one.move is not None]
            session.commit()
            return _answer(made, warnings, session.operation_id, _moves(session, moves))

    def of_bundle(
        self, bundle: str, *, suite: str | None = None, cursor: str | None = None, limit: int = 100
    ) -> Page[ResultAnswer]:
        """Results of all releases of a bundle, newest first."""
        naming.permit(self._context, Verb.READ, names.bundle_name(bundle))
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


def about(reader: CatalogReader, bundle: str, version: int, limit: int) -> Page[ResultAnswer]:
    """Results of a release, newest first."""
    return _page(reader, bundle, version, None, None, limit)


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


def _refuse_secrets(report: str) -> None:
    found = [one for one in check_secrets({"report": report}) if one.code == "secret"]
    if found:
        hint = "take it out of the report and revoke it where it was issued; a report can be left out"
        told = [replace(one, hint=hint) for one in found]
        raise ChecksFailed(
            "the report holds what looks like a secret", hint=hint, details={"findings": findings.as_answers(told)}
        )


def _stage(
    session: Session,
    row: ReleaseRow,
    suite: Suite,
    report: str | None,
    tool: str | None,
    words: str,
    signature: str | None,
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

    make = record
    if signature is not None:
        key, line = _signed(session, record(session.next_stamp()), signature)

        def signed(stamp: Stamp) -> ResultRecord:
            return replace(record(stamp), signer=key, signature=line)

        make = signed
    files = {_file_of(report): report} if report is not None else {}
    return session.stage(make, Files(files), lambda at: (at,) if at else (), files)


def _signed(session: Session, record: ResultRecord, signature: str) -> tuple[str, str]:
    """The key that signed a result, and the signature as it is kept.

    Raises Untrusted, and AlreadyExists for one that was recorded before: an old good result does not pass for a new one.
    """
    try:
        public, line = signing.decode(signature).public, signing.to_line(signature)
    except ValueError as error:
        raise InvalidInput(str(error), hint="sign with: pinset evidence add REF … --sign KEYFILE") from error
    reader = session.catalog
    key = next((one for one in keys_of(reader).values() if one.public == public), None)
    if key is None or key.purpose is not Purpose.EVIDENCE or not key.active:
        what = "nobody knows that key" if key is None else f"the key {key.name} is {key.state}, and for {key.purpose}"
        raise Untrusted(
            what,
            hint="whoever keeps the registry adds it: pinset keys add NAME KEYFILE.pub --purpose evidence --person YOU",
        )
    if not signing.vouches(
        key, reader.head().registry_id, session.keyed(replace(record, signer=key.name, signature=line))
    ):
        raise Untrusted(
            f"that signature by {key.name} is not of this result of {record.suite}",
            hint="sign it anew: pinset evidence add REF … --sign KEYFILE",
        )
    if any(one.record.signature == line for one in _results(reader, record.bundle, record.version)):
        raise AlreadyExists(
            f"that very result of {record.suite} is recorded, with this signature",
            hint="a new run has a report of its own: sign it with that, --report FILE",
        )
    return key.name, line


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
        "signer": record.signer,
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
