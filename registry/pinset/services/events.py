"""Events: what the registry's commits say to whoever follows it, in the order of their serials.

Shared components and the founding of a registry are no events. A new epoch is a `reset`: what was seen before may be
of a history that is lost.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.access import Verb, permit_anywhere
from pinset.domain.following import Wanted
from pinset.domain.records import (
    BundleRecord,
    DecisionRecord,
    EvidenceRecord,
    FoundingRecord,
    MoveRecord,
    PurgeRecord,
    ReleaseRecord,
    RequestRecord,
    ResultRecord,
    Verdict,
)
from pinset.services import naming, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pinset.domain.answers import events as answers
    from pinset.domain.answers.purging import PurgeEvent
    from pinset.domain.records import Record, Stamp
    from pinset.ports.catalog import Head, Mark
    from pinset.services.session import Context

PAGE: Final = 200
"""Commits that are read at once."""
FARTHEST: Final = 10_000
"""Serials that somebody may be behind and still be told each event; whoever is further behind is told to look anew."""
SHORTEST: Final = 0.02
LONGEST: Final = 0.2
"""Seconds between two looks at the mark: the longer nothing happens, the more."""
MARKLESS: Final = 0.25
"""Seconds between two looks into a catalog that has no mark."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events after a serial. position: up to which serial they are complete, at most the head's."""

    head: Head
    position: int
    events: tuple[answers.EventAnswer, ...]

    @property
    def whole(self) -> bool:
        """Whether there is nothing after it yet."""
        return self.position >= self.head.serial


def event_of(commit: str, record: Record) -> answers.EventAnswer | None:
    """What a commit says; None where it is no event."""
    if isinstance(record, MoveRecord):
        return _move(commit, record)
    if isinstance(record, FoundingRecord):
        return _reset(record.registry_id, record.epoch, record.stamp.serial) if record.stamp.prev is not None else None
    make = _EVENTS.get(type(record))
    return make(record) if make is not None else None


def _with_names(known: naming.Named, event: answers.EventAnswer | None) -> answers.EventAnswer | None:
    """An event with the other names of its bundle, by which others may follow it."""
    data: Any = event["data"] if event is not None else {}
    also = {ref: known.other_refs(ref) for ref in data.get("purged", ())}
    if any(also.values()):
        data["also"] = {ref: others for ref, others in also.items() if others}
    bundle = data.get("bundle") or ""
    others = [name for name in known.names(bundle) if name != bundle] if bundle else []
    if others:
        data["formerly"] = others
    return event


def greeting(head: Head, position: int) -> answers.EventAnswer:
    """The first event of every stream, which goes on after ``position``."""
    return {"event": "ready", "serial": position, "data": _stand(head.registry_id, head.epoch, head.serial)}


def since(context: Context, after: int | None, limit: int = PAGE) -> Batch:
    """The events of the first ``limit`` commits after a serial; None: from now on.

    A serial that this registry has not reached, or that is too far back, gives a `reset` at the newest.
    """
    with reading.view(context) as reader:
        head = reader.head()
        if after is None or after == head.serial:
            return Batch(head, head.serial, ())
        if not 0 < head.serial - after <= FARTHEST:
            return Batch(head, head.serial, (_reset(head.registry_id, head.epoch, head.serial),))
        found = reader.records(after=after, limit=limit)
        known = naming.named(reader)
        events = [_with_names(known, event_of(commit, record)) for commit, record in found]
    position = found[-1][1].stamp.serial if found else head.serial
    return Batch(head, position, tuple(event for event in events if event is not None))


def follow(
    context: Context,
    *,
    after: int | None = None,
    bundles: Sequence[str] = (),
    aliases: Sequence[str] = (),
    wait: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[answers.EventAnswer]:
    """See `ports.registry.Registry.events`."""
    permit_anywhere(context.grants, Verb.READ)
    return _following(context, after, Wanted.of(bundles, aliases, context.grants), wait, sleep)


def _following(
    context: Context, after: int | None, wanted: Wanted, wait: float | None, sleep: Callable[[float], None]
) -> Iterator[answers.EventAnswer]:
    quiet = time.monotonic()
    mark = context.catalog.mark()
    batch = since(context, after)
    yield greeting(batch.head, batch.position if after is None else after)
    while True:
        for event in batch.events:
            if wanted.includes(event):
                yield event
                quiet = time.monotonic()
        if batch.whole:
            until = None if wait is None else quiet + wait
            if not _waited(context, mark, until, sleep):
                return
            mark = context.catalog.mark()
        batch = since(context, batch.position)


def _waited(context: Context, seen: Mark | None, until: float | None, sleep: Callable[[float], None]) -> bool:
    """Whether something may have become visible, before the time was over."""
    pause = SHORTEST
    while (mark := context.catalog.mark()) is None or mark == seen:
        left = MARKLESS if until is None else until - time.monotonic()
        if left <= 0:
            return False
        sleep(min(MARKLESS if mark is None else pause, left))
        if mark is None:
            return True
        pause = min(pause * 1.5, LONGEST)
    return True


def _move(commit: str, record: MoveRecord) -> answers.EventAnswer:
    data: answers.MoveEvent = {
        "serial": record.stamp.serial,
        "at": reading.time(record.stamp.at),
        "actor": record.stamp.actor,
        "bundle": record.bundle,
        "alias": record.alias,
        "action": record.action.value,
        "seq": record.seq,
        "from": record.from_version,
        "to": record.to_version,
        "reason": record.reason,
        "revision": commit,
        "policy": record.policy,
        "request": record.request,
        "glass": record.glass,
        "change": record.stamp.change,
    }
    return {"event": "move", "serial": record.stamp.serial, "data": data}


def _head(stamp: Stamp) -> answers.EventHead:
    return {
        "serial": stamp.serial,
        "at": reading.time(stamp.at),
        "actor": stamp.actor,
        "change": stamp.change,
    }


def _release(record: ReleaseRecord) -> answers.EventAnswer:
    data: answers.ReleaseEvent = {
        **_head(record.stamp),
        "bundle": record.bundle,
        "version": record.version,
        "label": record.label,
        "digest": record.digest,
        "message": record.message,
    }
    return {"event": "release", "serial": record.stamp.serial, "data": data}


def _yank(record: EvidenceRecord) -> answers.EventAnswer:
    data: answers.YankEvent = {
        **_head(record.stamp),
        "bundle": record.bundle,
        "version": record.version,
        "yanked": record.reason if record.verdict is Verdict.YANK else None,
    }
    return {"event": "yank", "serial": record.stamp.serial, "data": data}


def _purge(record: PurgeRecord) -> answers.EventAnswer:
    data: PurgeEvent = {
        "serial": record.stamp.serial,
        "at": reading.time(record.stamp.at),
        "actor": record.stamp.actor,
        "purged": list(record.purged),
        "reason": record.reason,
    }
    return {"event": "purge", "serial": record.stamp.serial, "data": data}


def _result(record: ResultRecord) -> answers.EventAnswer:
    data: answers.ResultEvent = {
        **_head(record.stamp),
        "bundle": record.bundle,
        "version": record.version,
        "suite": record.suite,
        "score": record.score,
        "passed": record.passed,
    }
    return {"event": "result", "serial": record.stamp.serial, "data": data}


def _bundle(record: BundleRecord) -> answers.EventAnswer:
    data: answers.BundleEvent = {
        **_head(record.stamp),
        "bundle": record.bundle,
        "action": record.action.value,
        "name": record.name,
        "names": list(record.names),
        "owner": record.owner,
        "description": record.description,
        "archived": record.archived,
        "reason": record.reason,
    }
    return {"event": "bundle", "serial": record.stamp.serial, "data": data}


def _request(record: RequestRecord) -> answers.EventAnswer:
    data: answers.RequestEvent = {
        "serial": record.stamp.serial,
        "at": reading.time(record.stamp.at),
        "actor": record.stamp.actor,
        "bundle": record.binding.bundle,
        "alias": record.binding.alias,
        "number": record.number,
        "aim": record.binding.aim.value,
        "from": record.binding.from_version,
        "to": record.binding.to_version,
        "reason": record.reason,
        "change": record.stamp.change,
    }
    return {"event": "request", "serial": record.stamp.serial, "data": data}


def _decision(record: DecisionRecord) -> answers.EventAnswer:
    data: answers.DecisionEvent = {
        **_head(record.stamp),
        "bundle": record.binding.bundle,
        "alias": record.binding.alias,
        "number": record.number,
        "decision": record.decision.value,
        "reason": record.reason,
    }
    return {"event": "decision", "serial": record.stamp.serial, "data": data}


def _reset(registry: str, epoch: int, serial: int) -> answers.EventAnswer:
    return {"event": "reset", "serial": serial, "data": _stand(registry, epoch, serial)}


def _stand(registry: str, epoch: int, serial: int) -> answers.StandEvent:
    return {"registry": registry, "epoch": epoch, "serial": serial}


_EVENTS: Final[Mapping[type[Record], Callable[[Any], answers.EventAnswer]]] = {
    BundleRecord: _bundle,
    ReleaseRecord: _release,
    EvidenceRecord: _yank,
    PurgeRecord: _purge,
    ResultRecord: _result,
    RequestRecord: _request,
    DecisionRecord: _decision,
}
