"""Requests: moves that wait for the approval of others.

A request says what it is about, and so does each approval; where any of it changes they are worth nothing. What became
of a request is not written down but seen: from the decisions about it, from the alias, from the time.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.domain.policy.gates import apart
from pinset.domain.records import (
    Aim,
    Decision,
    DecisionRecord,
    EvidenceRecord,
    PolicyRecord,
    RequestRecord,
    Stamp,
    Verdict,
)
from pinset.domain.times import show_time
from pinset.errors import NotFound
from pinset.ports.store import Files
from pinset.services import reading
from pinset.services.session import Written, only

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pinset.domain import answers
    from pinset.domain.records import Binding, Record, ReleaseRecord
    from pinset.ports.catalog import CatalogReader
    from pinset.services.session import Session

_AT_ONCE: Final = 200
_MOST: Final = 1000
"""Decisions about one request that are looked at."""


class State(StrEnum):
    """How a request stands."""

    OPEN = "open"
    APPROVED = "approved"
    DONE = "done"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    DEAD = "dead"


class Standing(NamedTuple):
    """How a request stands, and a sentence on it; '' while it is open."""

    state: State
    why: str = ""


def ask(session: Session, binding: Binding, patience: int, words: str, *, again: bool) -> answers.MoveAnswer:
    """Stage a request for a move, which the caller commits. An open one for the same is the answer instead.

    patience: microseconds for which it waits.
    """
    known = open_for(session.catalog, binding, session.now, again=again)
    if known is not None:
        note = f"request {known.record.number} asks for the same, and is open"
        return _answer(session, known, [note], operation=None)
    written = stage(session, binding, patience, words, again=again)
    return _answer(session, written, [], operation=session.operation_id)


def stage(
    session: Session,
    binding: Binding,
    patience: int,
    words: str,
    *,
    again: bool = False,
    files: Mapping[str, str] | None = None,
) -> Written[RequestRecord]:
    """Stage a request. patience: microseconds for which it waits. files: what it proposes, by path."""
    newest = next((record for _, record in session.seen.notes(["request"], limit=1)), None)
    number = newest.number + 1 if isinstance(newest, RequestRecord) else 1

    def record(stamp: Stamp) -> RequestRecord:
        return RequestRecord(
            stamp=stamp, number=number, binding=binding, expires_at=stamp.at + patience, again=again, reason=words
        )

    proposed = dict(files or {})
    return session.stage(record, Files(proposed), lambda at: (at,) if at else (), proposed)


def open_for(reader: CatalogReader, binding: Binding, at: int, *, again: bool) -> Written[RequestRecord] | None:
    """The request that is open at a time (microseconds) for exactly this, among the newest about the release.

    Who asks and withdraws a thousand times slows nobody down.
    """
    newest = newest_first(reader, bundle=binding.bundle, version=binding.to_version)
    for known in islice(newest, _AT_ONCE):
        same = (known.record.binding, known.record.again) == (binding, again)
        if same and standing(reader, known.record, at).state is State.OPEN:
            return known
    return None


def asked_before(session: Session, before: Sequence[tuple[str, Record]]) -> answers.MoveAnswer | None:
    """The first answer of a write that made a request; None where it made none."""
    if not any(isinstance(record, RequestRecord) for _, record in before):
        return None
    return _answer(session, only(RequestRecord, before), [], operation=session.operation.id)


def approvals(reader: CatalogReader, request: RequestRecord | None) -> Sequence[str]:
    """The persons whose approval of a request counts, each once; none where there is no request.

    Theirs is of exactly what the request is about, in time, and they neither ask for it nor published it.
    """
    if request is None:
        return ()
    found = decisions(reader, request)
    return apart(one.record.stamp.who for one in found if counts(reader, request, one.record))


def counts(reader: CatalogReader, request: RequestRecord, decision: DecisionRecord) -> bool:
    """Whether a decision is an approval that counts."""
    return (
        decision.decision is Decision.APPROVE
        and decision.binding == request.binding
        and request.stamp.at < decision.stamp.at <= request.expires_at
        and apart([decision.stamp.who], request.stamp.who, *publishers_of(reader, request)) != ()
    )


def publishers_of(reader: CatalogReader, request: RequestRecord) -> frozenset[str]:
    """The persons who published what a request is about; none where it is about no release."""
    asked = request.binding
    row = reader.release(asked.bundle, asked.to_version) if asked.to_version is not None else None
    return publishers(reader, row.record) if row else frozenset()


def publishers(reader: CatalogReader, release: ReleaseRecord) -> frozenset[str]:
    """The persons who published a release, or the same content under another number: it is theirs as well."""
    same = reader.releases_by_digest(release.bundle, release.digest)
    return frozenset({release.stamp.who, *(row.record.stamp.who for row in same)})


def decisions(reader: CatalogReader, request: RequestRecord) -> Sequence[Written[DecisionRecord]]:
    """What was decided about a request, oldest first."""
    found = reader.notes(["decision"], bundle=request.binding.bundle, number=request.number, limit=_MOST)
    return [Written(record, commit) for commit, record in reversed(found) if isinstance(record, DecisionRecord)]


def find(reader: CatalogReader, number: int) -> Written[RequestRecord]:
    """A request by its number. Raises NotFound."""
    for commit, record in reader.notes(["request"], number=number, limit=1):
        if isinstance(record, RequestRecord):
            return Written(record, commit)
    raise NotFound(f"there is no request {number}", hint="see what there is: pinset request list")


def newest_first(
    reader: CatalogReader, *, bundle: str | None = None, version: int | None = None, before: int | None = None
) -> Iterator[Written[RequestRecord]]:
    """Requests, newest first. before: a serial (exclusive)."""
    while True:
        found = reader.notes(["request"], bundle=bundle, version=version, before=before, limit=_AT_ONCE)
        for commit, record in found:
            if isinstance(record, RequestRecord):
                yield Written(record, commit)
        if len(found) < _AT_ONCE:
            return
        before = found[-1][1].stamp.serial


def standing(reader: CatalogReader, request: RequestRecord, at: int) -> Standing:
    """How a request stands at a time (microseconds), but for its gates: `State.OPEN` is also one that they all let pass."""
    for one in decisions(reader, request):
        who, why = one.record.stamp.who, f": {one.record.reason}" if one.record.reason else ""
        if one.record.decision is Decision.REJECT:
            return Standing(State.REJECTED, f"{who} rejected it{why}")
        if one.record.decision is Decision.WITHDRAW:
            return Standing(State.WITHDRAWN, f"{who} took it back{why}")
    changed = _policy_since(reader, request) if request.binding.aim is Aim.POLICY else _alias_since(reader, request)
    if changed is not None:
        return changed
    if at > request.expires_at:
        return Standing(State.EXPIRED, f"it waited until {show_time(request.expires_at)}")
    return _policy_since(reader, request) or _release_since(reader, request) or Standing(State.OPEN)


def _alias_since(reader: CatalogReader, request: RequestRecord) -> Standing | None:
    asked = request.binding
    row = reader.move(asked.bundle, asked.alias, asked.from_seq + 1)
    if row is None:
        return None
    now = f"serves v{row.record.to_version}" if row.record.to_version else "serves nothing"
    when = f"since {show_time(row.record.stamp.at)}"
    if row.record.request == request.number:
        return Standing(State.DONE, f"{asked.bundle}@{asked.alias} {now} {when}")
    return Standing(State.DEAD, f"{asked.bundle}@{asked.alias} was moved otherwise: it {now} {when}")


def _policy_since(reader: CatalogReader, request: RequestRecord) -> Standing | None:
    after = request.binding.policy + 1
    found = next((record for _, record in reader.notes(["policy"], number=after, limit=1)), None)
    if not isinstance(found, PolicyRecord):
        return None
    when = f"since {show_time(found.stamp.at)}"
    if request.binding.aim is Aim.POLICY and found.request == request.number:
        return Standing(State.DONE, f"policy {after} is in force {when}")
    return Standing(State.DEAD, f"the policy is another one: {after} came into force {when}")


def _release_since(reader: CatalogReader, request: RequestRecord) -> Standing | None:
    """Whether the release may no longer be moved to. A yank ends a request for good, also where it is taken back."""
    asked = request.binding
    if asked.to_version is None:
        return None
    row = reader.release(asked.bundle, asked.to_version)
    if row is None or row.record.digest != asked.digest:
        return Standing(State.DEAD, f"{asked.bundle}@v{asked.to_version} is not what it was")
    if row.purged is not None:
        return Standing(State.DEAD, f"v{asked.to_version} was purged {reading.time(row.purged.stamp.at)}")
    noted = reader.notes(["evidence"], bundle=asked.bundle, version=asked.to_version, limit=_AT_ONCE)
    for _, record in noted:
        yank = isinstance(record, EvidenceRecord) and record.verdict is Verdict.YANK
        if yank and record.stamp.serial > request.stamp.serial:
            return Standing(State.DEAD, f"v{asked.to_version} was yanked {show_time(record.stamp.at)}")
    return None


def _answer(
    session: Session,
    written: Written[RequestRecord],
    warnings: list[str],
    *,
    operation: str | None,
) -> answers.MoveAnswer:
    """What a request answers a promotion with. Its gates are told by who looks at it: see `services.approving`."""
    record, asked = written.record, written.record.binding
    row = session.seen.release(asked.bundle, asked.to_version) if asked.to_version is not None else None
    return {
        "action": "request",
        "bundle": asked.bundle,
        "alias": asked.alias,
        "seq": asked.from_seq,
        "from": asked.from_version,
        "to": asked.to_version,
        "release_commit": row.commit if row else None,
        "revision": "",
        "reason": record.reason,
        "at": reading.time(record.stamp.at),
        "actor": record.stamp.actor,
        "serial": record.stamp.serial,
        "warnings": warnings,
        "operation": operation,
        "policy": asked.policy or None,
        "request": record.number,
        "glass": False,
    }
