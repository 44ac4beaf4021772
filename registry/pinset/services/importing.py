"""Imports: many versions that were published elsewhere, taken in by one write: `ports.registry.Registry.imports`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset.domain import findings, messages, names
from pinset.domain.access import Verb, permit_anywhere
from pinset.domain.records import BundleAction, ComponentRecord, ReleaseRecord, Stamp
from pinset.errors import Conflict, InvalidInput, NotFound, Refused, TooLarge
from pinset.ports.imports import AT_ONCE
from pinset.ports.store import Files
from pinset.services import judging, naming, reading, spelling
from pinset.services.attempts import trying
from pinset.services.judging import Due, Judge, answer_of, refusal_of
from pinset.services.session import Session, Written, writing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.domain.answers.imports import ImportAnswer, ImportedAnswer
    from pinset.domain.records import Version as Named
    from pinset.ports.imports import Version
    from pinset.ports.registry import Caller
    from pinset.services.session import Context

_OF_ONE = (InvalidInput, NotFound, Conflict, Refused)
"""What refuses one version, and no other."""
_AS_IT_WAS = "imported as it was: it had no pin there"
"""Why the judgements of `judging.UNPINNED` are overridden, where nobody said anything else."""


class LocalImports:
    """Implements `pinset.ports.imports.Imports`."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def take(
        self, caller: Caller, versions: Sequence[Version], *, message: str = "", allow: Sequence[str] = ()
    ) -> ImportAnswer:
        """Publish versions in one write."""
        return take(self._context, caller, versions, message=message, allow=allow)


def take(
    context: Context, caller: Caller, versions: Sequence[Version], *, message: str = "", allow: Sequence[str] = ()
) -> ImportAnswer:
    """Publish versions in one write: all of them are checked before the lock is taken, and looked at again under it."""
    if len(versions) > AT_ONCE:
        raise TooLarge(f"{len(versions)} versions are too many at once", hint=f"send at most {AT_ONCE} in one request")
    words = messages.clean_words(message)
    findings.check_allowed(allow, words)
    _need(context, caller, versions)
    refused: dict[int, ImportedAnswer] = {}
    judge = Judge(caller.grants, allow)
    with reading.view(context) as reader:
        judge.begin(reader)
        for at, one in enumerate(versions):
            try:
                with trying(context, caller, "import", _about(one)):
                    judge.judged(at, one)
            except _OF_ONE as error:
                refused[at] = refusal_of(one, error)
    arguments = {"versions": [_told(one) for one in versions], "allow": sorted(allow), "message": words}
    with writing(context, caller, "import", arguments) as session:
        before = {r.which for _, r in session.done_before() if isinstance(r, ReleaseRecord | ComponentRecord)}
        judge.begin(session.catalog)
        items = [refused.get(at) or _taken(session, judge, at, one, words, before) for at, one in enumerate(versions)]
        wrote = any(item["outcome"] == "created" for item in items)
        session.commit()
        return {"items": items, "operation": session.operation_id if wrote else None}


def _need(context: Context, caller: Caller, versions: Sequence[Version]) -> None:
    """Raises PermissionDenied where any of them may not be published. A name that is none is told with its version."""
    if not versions:
        permit_anywhere(caller.grants, Verb.PUBLISH)
    for name in sorted({one.name for one in versions}):
        if "/" in name:
            caller.need(Verb.COMPONENT, name)
        elif names.is_bundle_name(name):
            naming.need(context, caller, Verb.PUBLISH, name)
        else:
            permit_anywhere(caller.grants, Verb.PUBLISH)


def _about(one: Version) -> dict[str, object]:
    """What the audit log may say of a version that was refused."""
    which = {} if "/" in one.name else {"bundle": one.name}
    return {**which, "label": one.label, "number": one.number, "name": one.name if "/" in one.name else None}


def _told(one: Version) -> dict[str, object]:
    """What was asked for, by which a retry is known."""
    return {
        "name": one.name,
        "files": dict(one.files),
        "digest": one.digest,
        "number": one.number,
        "label": one.label,
        "message": one.message,
        "source": dict(one.source),
        "spelled": one.spelled,
    }


def _taken(session: Session, judge: Judge, at: int, one: Version, words: str, before: set[Named]) -> ImportedAnswer:
    """What became of a version that nothing was wrong with: staged, unless it is there."""
    try:
        found = judge.judged(at, one)
    except _OF_ONE as error:
        return refusal_of(one, error)
    if not isinstance(found, Due):
        made = found["outcome"] == "already" and judging.which(found) in before
        return {**found, "outcome": "created"} if made else found
    if before:
        why = "the write of this key was made without it"
        return refusal_of(one, Conflict(why, hint="send it again with a new Idempotency-Key"))
    try:
        spelled = judge.spelled(session, one, found)
    except _OF_ONE as error:
        judge.dropped(found)
        return refusal_of(one, error)
    record = _stage(session, found, words)
    if spelled is not None:
        spelling.describe(session, spelled, BundleAction.SET, "")
    return answer_of(one, "created", record.record, record.commit, found.findings)


def _stage(session: Session, due: Due, words: str) -> Written[ReleaseRecord] | Written[ComponentRecord]:
    """The commit of a version. words: why judgements of it are overridden."""
    why = (words or _AS_IT_WAS) if due.waived else ""

    def release(stamp: Stamp) -> ReleaseRecord:
        return ReleaseRecord(
            stamp=stamp,
            bundle=due.name,
            version=due.version,
            label=due.label,
            digest=due.form.digest,
            message=due.message,
            source=due.source,
            rollback_to=due.rollback_to,
            allowed=due.waived,
            allow_reason=why,
        )

    def component(stamp: Stamp) -> ComponentRecord:
        kind, _, name = due.name.partition("/")
        return ComponentRecord(
            stamp=stamp,
            kind=kind,
            name=name,
            version=due.version,
            label=due.label,
            digest=due.form.digest,
            message=due.message,
            allowed=due.waived,
            allow_reason=why,
        )

    files = due.files
    make = component if "/" in due.name else release
    return session.stage(make, Files(files), lambda at: (at,) if at else (), files)  # type: ignore[return-value]
