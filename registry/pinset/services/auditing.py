"""The audit log: what git holds and what the state holds, told as one.

Both halves have an order of their own, serials and numbers, and are merged by their times. A place in the log is a
place in each, so that what is written meanwhile moves nothing. One request looks through so many commits only: where
a filter leaves most of them out, its page may be short, or empty, and says where to go on.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import messages, names, times
from pinset.domain.access import Grant, Verb, may, permit, permit_anywhere
from pinset.domain.auditing import Head, Outcome, Place, Wanted, parse_place
from pinset.domain.records import Action, Decision, Verdict
from pinset.errors import InvalidInput
from pinset.ports.audit import AuditFilter
from pinset.services import audit_items, audit_proof, naming, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pinset.domain import answers
    from pinset.domain.answers import audit
    from pinset.ports.catalog import CatalogReader
    from pinset.services.attempts import Repeats
    from pinset.services.session import Context

EXAMINED: Final = 2000
"""Commits, and rows, that one request looks at."""
_BATCH: Final = 200
_OWN_ACTIONS: Final = (
    "init", "epoch", "publish", "component", "evidence", "request", "policy", "token-create", "token-revoke", "sign", "settle",
    "change", "archive", "unarchive",
)  # fmt: skip
ACTIONS: Final = tuple(
    dict.fromkeys(
        chain(
            _OWN_ACTIONS,
            (one.value for kind in (Action, Verdict, Decision, Verb) for one in kind),
            (
                kind
                for kind in messages.KINDS
                if kind not in ("registry", "release", "move", "result", "decision", "key", "signature")
            ),
        )
    )
)
"""Every action there is a word for."""


class Auditing:
    """Implements `ports.audit.Audit` on a registry of this process."""

    def __init__(self, context: Context, repeats: Repeats) -> None:
        self._context, self._repeats = context, repeats

    def items(
        self,
        wanted: AuditFilter | None = None,
        *,
        cursor: str | None = None,
        oldest_first: bool = False,
        limit: int = 100,
    ) -> answers.Page[audit.AuditItem]:
        """A page of the log, newest first."""
        asked = wanted_of(wanted or AuditFilter(), self._context.clock.now())
        if asked.bundle:
            every = naming.names_of(self._context, asked.bundle)
            asked = replace(asked, formerly=tuple(name for name in every if name != asked.bundle))
        _permit(self._context.grants, asked)
        self._repeats.flush()
        with reading.view(self._context) as reader:
            if asked.bundle:
                asked = _called_now(asked, naming.named(reader).called(asked.bundle))
            start = parse_place(cursor) if cursor is not None else self._start(reader, oldest_first=oldest_first)
            log = _Log(self._context, reader, asked, oldest_first=oldest_first)
            return log.page(start, limit)

    def head(self) -> audit.AuditHeadAnswer:
        """The end of what is done."""
        with reading.view(self._context) as reader:
            found = reader.head()
        return audit_items.head_answer(Head(found.registry_id, found.epoch, found.serial, found.commit, found.at))

    def verify(self, head: str) -> audit.AuditProofAnswer:
        """Prove that a kept head is in the chain, and that everything after it follows."""
        return audit_proof.verify(self._context, head)

    def _start(self, reader: CatalogReader, *, oldest_first: bool) -> Place:
        if oldest_first:
            return Place(0, 0)
        newest = self._context.state.attempts(limit=1)
        return Place(reader.head().serial + 1, newest[0].number + 1 if newest else 1)


def wanted_of(asked: AuditFilter, now: int) -> Wanted:
    """What is asked for, checked. now: microseconds since 1970. Raises InvalidInput."""
    check(asked)
    since, until = (None if text is None else times.moment(text, now=now) for text in (asked.since, asked.until))
    if since is not None and until is not None and since >= until:
        raise InvalidInput("--since is not before --until", hint="nothing lies between them: change one of them")
    return Wanted(
        bundle=asked.bundle or "",
        alias=asked.alias or "",
        actor=asked.actor or "",
        person=asked.person or "",
        action=asked.action or "",
        outcome=None if asked.outcome is None else Outcome(asked.outcome),
        since=since,
        until=until,
    )


def check(asked: AuditFilter) -> None:
    """Raises InvalidInput for what nothing in a log can be."""
    if asked.bundle is not None:
        names.bundle_name(asked.bundle)
    if asked.alias is not None:
        names.alias_name(asked.alias)
    for what, given, known in (("action", asked.action, ACTIONS), ("outcome", asked.outcome, tuple(Outcome))):
        if given is not None and given not in known:
            near = difflib.get_close_matches(given, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "one of " + ", ".join(known)
            raise InvalidInput(f"{names.show(given)} is no {what}", hint=hint)


def _called_now(wanted: Wanted, name: str) -> Wanted:
    """The same, by the name that the bundle has now: what is done is told by it, and what was refused by any of them."""
    every = (wanted.bundle, *wanted.formerly)
    return replace(wanted, bundle=name, formerly=tuple(other for other in every if other != name))


def _permit(grants: tuple[Grant, ...], wanted: Wanted) -> None:
    """Raises PermissionDenied for who may audit nothing of what is asked for."""
    if not wanted.bundle:
        permit_anywhere(grants, Verb.AUDIT)
        return
    # Of a bundle whatever the aliases: of those that may not be seen there are no items.
    whole = tuple(Grant(grant.verb, grant.bundles) for grant in grants)
    if not any(may(whole, Verb.AUDIT, name) for name in (wanted.bundle, *wanted.formerly)):
        permit(grants, Verb.AUDIT, wanted.bundle, wanted.alias)


@dataclass(slots=True)
class _Half:
    """What was found in one half of the log, in order. at: the place up to which all is told or was left out.

    seen: up to where it was looked through. whole: there is nothing beyond that.
    """

    found: list[tuple[int, int, Callable[[Place], audit.AuditItem]]] = field(default_factory=list)
    at: int = 0
    seen: int = 0
    whole: bool = False

    def taken(self) -> Callable[[Place], audit.AuditItem]:
        """The next item, and on."""
        _, self.at, make = self.found.pop(0)
        return make

    def rest(self) -> None:
        """What was looked through and left out needs no second look."""
        if not self.found:
            self.at = self.seen


@dataclass(slots=True)
class _Log:
    """One question to the log, in one view of the catalog."""

    context: Context
    reader: CatalogReader
    wanted: Wanted
    oldest_first: bool = field(kw_only=True)

    def page(self, start: Place, limit: int) -> answers.Page[audit.AuditItem]:
        """Items from a place on."""
        rows, done = self._rows(start.number, limit), self._done(start.serial, limit)
        items: list[audit.AuditItem] = []
        while len(items) < limit:
            half = self._next(done, rows)
            if half is None:
                break
            make = half.taken()
            items.append(make(Place(done.at, rows.at)))
        done.rest()
        rows.rest()
        over = done.whole and rows.whole and not done.found and not rows.found
        return {"items": items, "next": None if over else str(Place(done.at, rows.at))}

    def _next(self, done: _Half, rows: _Half) -> _Half | None:
        """The half that has the next item; None where nobody can tell yet, or there is none."""
        if (not done.found and not done.whole) or (not rows.found and not rows.whole):
            return None
        here = [half for half in (done, rows) if half.found]
        if not here:
            return None
        first = min if self.oldest_first else max
        return first(here, key=lambda half: half.found[0][0])

    def _done(self, start: int, limit: int) -> _Half:
        """What git holds."""
        half = _Half(at=start, seen=start)
        if self.wanted.outcome is Outcome.REFUSED:
            half.whole = True
            return half
        low, high = self._serials()
        if self.oldest_first:
            low = max(low, start)
        else:
            high = min(high, start)
        size, left = limit + 1, EXAMINED
        while left > 0 and len(half.found) <= limit and not half.whole:
            batch = self._trail(half.seen, low, high, size)
            for commit, record in batch:
                self._consider(half, commit, record)
            half.whole, left, size = len(batch) < size, left - size, _BATCH
        return half

    def _trail(self, seen: int, low: int, high: int, size: int) -> Sequence[tuple[str, Any]]:
        after, before = (max(low, seen), high) if self.oldest_first else (low, min(high, seen))
        return self.reader.trail(
            bundle=self.wanted.bundle,
            alias=self.wanted.alias,
            after=after,
            before=before,
            oldest_first=self.oldest_first,
            limit=size,
        )

    def _consider(self, half: _Half, commit: str, record: Any) -> None:
        half.seen = record.stamp.serial
        deed = audit_items.deed_of(record)
        if not audit_items.fits(record, deed, self.wanted) or not self._may(deed.bundle, deed.alias):
            return
        make = partial(audit_items.done_item, self.reader, commit, record, deed)
        half.found.append((record.stamp.at, record.stamp.serial, make))

    def _rows(self, start: int, limit: int) -> _Half:
        """What the state holds."""
        half, size, left = _Half(at=start, seen=start), limit + 1, EXAMINED
        whole = self._may("", "")
        while left > 0 and len(half.found) <= limit and not half.whole:
            ends = {"after": half.seen} if self.oldest_first else {"before": half.seen}
            batch = self.context.state.attempts(self.wanted, oldest_first=self.oldest_first, limit=size, **ends)
            for row in batch:
                half.seen = row.number
                if self._may(row.bundle, row.alias):
                    half.found.append((row.at, row.number, partial(audit_items.row_item, row, whole=whole)))
            half.whole, left, size = len(batch) < size, left - size, _BATCH
        return half

    def _may(self, bundle: str, alias: str) -> bool:
        return naming.may_any(self.context.grants, Verb.AUDIT, self.reader, bundle, alias)

    def _serials(self) -> tuple[int, int]:
        """The serials that may be asked for, both exclusive: times rise with them."""
        newest = self.reader.head().serial
        low = 0 if self.wanted.since is None else self._before(self.wanted.since, newest)
        high = newest + 1 if self.wanted.until is None else self._before(self.wanted.until, newest) + 1
        return low, high

    def _before(self, at: int, newest: int) -> int:
        """The highest serial whose time is before a time, or one that no commit has; 0 where there is none."""
        low, high = 0, newest
        while low < high:
            middle = (low + high) // 2
            found = self.reader.trail(after=middle, oldest_first=True, limit=1)
            if found and found[0][1].stamp.at < at:
                low = found[0][1].stamp.serial
            else:
                high = middle
        return low
