"""Yank and unyank: refuse a release to new moves, and take that back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset.domain import messages
from pinset.domain.access import Verb
from pinset.domain.records import EvidenceRecord, Stamp, Verdict
from pinset.domain.references import parse
from pinset.errors import InvalidInput
from pinset.ports.store import Files
from pinset.services import naming, reading
from pinset.services.session import only, writing

if TYPE_CHECKING:
    from pinset.domain import answers
    from pinset.ports.registry import Caller
    from pinset.services.session import Context


def yank(context: Context, caller: Caller, reference: str, *, reason: str) -> answers.YankAnswer:
    """Refuse a release to new moves; aliases that serve it go on serving it."""
    words = messages.clean_words(reason)
    if not words:
        raise InvalidInput("a yank wants a reason", hint="say it with -m TEXT; whoever meets the release will read it")
    return _record(context, caller, reference, Verdict.YANK, words)


def unyank(context: Context, caller: Caller, reference: str, *, reason: str = "") -> answers.YankAnswer:
    """Take a yank back."""
    return _record(context, caller, reference, Verdict.UNYANK, messages.clean_words(reason))


def _record(context: Context, caller: Caller, reference: str, verdict: Verdict, words: str) -> answers.YankAnswer:
    wanted = parse(reference, default=None)
    naming.need(context, caller, Verb.YANK, wanted.bundle)
    with writing(context, caller, verdict.value, {"reference": reference, "reason": words}) as session:
        before = session.done_before()
        if before:
            record = only(EvidenceRecord, before).record
            yanked = record.reason if record.verdict is Verdict.YANK else None
            return _answer(record.bundle, record.version, yanked, changed=True, operation=session.operation.id)
        row, _ = reading.find_release(session.catalog, wanted)
        reading.refuse_purged(row)
        bundle, version = row.record.bundle, row.record.version
        if (row.yanked is None) == (verdict is Verdict.UNYANK):
            return _answer(bundle, version, row.yanked, changed=False, operation=None)
        yanked = words if verdict is Verdict.YANK else None

        def record_of(stamp: Stamp) -> EvidenceRecord:
            return EvidenceRecord(stamp=stamp, bundle=bundle, version=version, verdict=verdict, reason=words)

        session.stage(record_of, Files(), lambda at: (at,) if at else ())
        session.commit()
        return _answer(bundle, version, yanked, changed=True, operation=session.operation_id)


def _answer(
    bundle: str, version: int, yanked: str | None, *, changed: bool, operation: str | None
) -> answers.YankAnswer:
    return {
        "ref": f"{bundle}@v{version}",
        "bundle": bundle,
        "version": version,
        "yanked": yanked,
        "changed": changed,
        "operation": operation,
    }
