"""What was done under one name over many bundles, and taking it back: `ports.registry.Registry.changesets`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import access, messages, names
from pinset.domain.access import Verb
from pinset.domain.records import Action, ComponentRecord, MoveRecord, ReleaseRecord, RequestRecord, bundle_of
from pinset.errors import NotFound, PinsetError, Unauthenticated, Unavailable
from pinset.services import bumping, deriving, moving, naming, reading
from pinset.services.attempts import trying

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain.answers import Page
    from pinset.domain.answers.changes import (
        BumpAnswer,
        ChangeAnswer,
        ChangedBundle,
        ChangedMove,
        ChangeSummary,
        DerivedAnswer,
        HolderAnswer,
        UndoneAnswer,
        UndoneChange,
    )
    from pinset.domain.edits import Edits
    from pinset.domain.records import Record
    from pinset.ports.catalog import CatalogReader, ChangeRow, MoveRow
    from pinset.ports.registry import Caller
    from pinset.services.session import Context

_ENDS: Final = (Unavailable, Unauthenticated)
"""What ends a rollback of many: what comes after would fail as well."""


class LocalChangesets:
    """Implements `pinset.ports.changesets.Changesets`."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def derive(
        self,
        caller: Caller,
        reference: str,
        edits: Edits,
        *,
        message: str = "",
        label: str | None = None,
        alias: str | None = None,
        source: Mapping[str, Any] | str | None = None,
        number: int | None = None,
        allow: Sequence[str] = (),
    ) -> DerivedAnswer:
        """A release that is another one, with changes."""
        return deriving.derive(
            self._context,
            caller,
            reference,
            edits,
            message=message,
            label=label,
            alias=alias,
            source=source,
            number=number,
            allow=allow,
        )

    def holders(
        self,
        component: str,
        *,
        bundles: str = "*",
        alias: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page[HolderAnswer]:
        """The bundles that hold an older version."""
        return bumping.holders(self._context, component, bundles=bundles, alias=alias, cursor=cursor, limit=limit)

    def bump(
        self,
        caller: Caller,
        component: str,
        bundle: str,
        *,
        alias: str | None = None,
        message: str = "",
        allow: Sequence[str] = (),
    ) -> BumpAnswer:
        """A successor of one bundle's release."""
        return bumping.bump(self._context, caller, component, bundle, alias=alias, message=message, allow=allow)

    def list(self, *, cursor: str | None = None, limit: int = 100) -> Page[ChangeSummary]:
        """Changes, newest write first."""
        access.permit_anywhere(self._context.grants, Verb.READ)
        with reading.view(self._context) as reader:
            rows = reader.changes(fits=self._fits, before=reading.number(cursor), limit=limit + 1)
            return reading.page(rows, limit, partial(_summary, reader), lambda row: str(row.last))

    def show(self, change: str, *, cursor: str | None = None, limit: int = 100) -> ChangeAnswer:
        """What was done under a change."""
        access.permit_anywhere(self._context.grants, Verb.READ)
        names.change_id(change)
        with reading.view(self._context) as reader:
            row = self._found(reader, change)
            bundles = reader.changed_bundles(change, fits=self._fits, after=_after(cursor), limit=limit + 1)
            records = reader.changed(change, [naming.named(reader).key(name) for name in bundles[:limit]])
            components = [str(one.which) for _, one in reader.changed(change, None) if isinstance(one, ComponentRecord)]
            items = [
                _bundle(reader, name, [one for one in records if bundle_of(one[1]) == name]) for name in bundles[:limit]
            ]
            more = bundles[limit - 1] if len(bundles) > limit else None
            return {**_summary(reader, row), "components": components, "items": items, "next": more}

    def rollback(
        self, caller: Caller, change: str, *, reason: str = "", cursor: str | None = None, limit: int = 50
    ) -> UndoneChange:
        """Take a change back."""
        access.permit_anywhere(caller.grants, Verb.ROLLBACK)
        names.change_id(change)
        words = messages.clean_words(reason) or f"roll back {change}"
        under = caller.change or f"undo-{change}"[:64]
        with reading.view(self._context) as reader:
            self._found(reader, change)
            bundles = reader.changed_bundles(change, fits=self._fits, after=_after(cursor), limit=limit + 1)
            about = [naming.named(reader).key(name) for name in bundles[:limit]]
            moved = [one for _, one in reader.changed(change, about) if isinstance(one, MoveRecord)]
            places = sorted({(one.bundle, one.alias) for one in moved})
            if places and not any(naming.may_any(caller.grants, Verb.ROLLBACK, reader, *place) for place in places):
                caller.need(Verb.ROLLBACK, *places[0])  # raises: nothing of it is theirs to take back
            plans = [_undo(reader, change, under, *place) for place in places]
        acting = replace(caller, change=under)
        items = [self._undone(acting, plan, current, words) for plan, current in plans]
        more = bundles[limit - 1] if len(bundles) > limit else None
        return {"change": change, "under": under, "items": items, "next": more}

    @property
    def _fits(self) -> tuple[str, ...] | None:
        return access.bundles_of(self._context.grants, Verb.READ)

    def _found(self, reader: CatalogReader, change: str) -> ChangeRow:
        rows = reader.changes(name=change, fits=self._fits, limit=1)
        if not rows:
            raise NotFound(f"there is no change {change}", hint="see the newest: pinset change list")
        return rows[0]

    def _undone(self, caller: Caller, plan: UndoneAnswer, current: MoveRow | None, words: str) -> UndoneAnswer:
        """Make one move of a rollback, where its plan is to; a refusal of it is told, not raised."""
        if current is None:
            return plan
        bundle, alias = plan["bundle"], plan["alias"]
        # A move of its own, so a key of its own: the same at a retry.
        key = f"{caller.key[:120]}.{bundle}.{alias}" if caller.key is not None else None
        acting = replace(caller, key=key)
        try:
            with trying(self._context, acting, "rollback", {"bundle": bundle, "alias": alias, "reason": words}):
                done = moving.rollback(
                    self._context,
                    acting,
                    bundle,
                    alias,
                    to=f"v{plan['to']}",
                    revision=current.commit,
                    reason=words,
                )
        except _ENDS:
            raise
        except PinsetError as error:
            told: UndoneAnswer = {**plan, "outcome": "refused", "to": plan["from"], "why": error.message}
            return {**told, "code": error.code, "hint": error.hint}
        return {**plan, "operation": done["operation"]}


def _undo(
    reader: CatalogReader, change: str, under: str, bundle: str, alias: str
) -> tuple[UndoneAnswer, MoveRow | None]:
    """What taking a change back is for one alias, and the move that it is about; None where there is nothing to do."""
    current = reader.alias(bundle, alias)
    if current is None:
        raise AssertionError("an alias that was moved has moved")
    now = current.record

    def left(why: str) -> tuple[UndoneAnswer, None]:
        return _answer(bundle, alias, "left", now.to_version, now.to_version, why), None

    serves = f"serves v{now.to_version}" if now.to_version else "serves nothing"
    if now.stamp.change == under and now.action is Action.ROLLBACK:
        return left(f"it was rolled back already, and {serves}")
    if now.stamp.change != change:
        return left(f"it was moved again by {now.stamp.actor}, and {serves}")
    first = now
    while (row := reader.move(bundle, alias, first.seq - 1)) is not None and row.record.stamp.change == change:
        first = row.record
    if first.from_version is None:
        return left(f"it served nothing before; to have that again: pinset alias retire {bundle}@{alias}")
    if first.from_version == now.to_version:
        return left(f"it serves v{now.to_version}, as before the change")
    plan = _answer(bundle, alias, "rolled_back", now.to_version, first.from_version, "")
    return plan, current


def _answer(bundle: str, alias: str, outcome: str, was: int | None, now: int | None, why: str) -> UndoneAnswer:
    return {
        "bundle": bundle,
        "alias": alias,
        "outcome": outcome,
        "from": was,
        "to": now,
        "why": why,
        "operation": None,
    }


def _summary(reader: CatalogReader, row: ChangeRow) -> ChangeSummary:
    return {
        "change": row.name,
        "bundles": row.bundles,
        "commits": row.commits,
        "began_at": _time(reader, row.first),
        "changed_at": _time(reader, row.last),
    }


def _time(reader: CatalogReader, serial: int) -> str:
    return reading.time(reader.records(after=serial - 1, limit=1)[0][1].stamp.at)


def _bundle(reader: CatalogReader, bundle: str, records: Sequence[tuple[str, Record]]) -> ChangedBundle:
    found: ChangedBundle = {"bundle": bundle, "releases": [], "moves": [], "requests": [], "other": 0, "serves": {}}
    for commit, record in records:
        match record:
            case ReleaseRecord():
                found["releases"].append(
                    {
                        "ref": str(record.which),
                        "version": record.version,
                        "made_from": str(record.made_from) if record.made_from else None,
                        "at": reading.time(record.stamp.at),
                        "actor": record.stamp.actor,
                        "message": record.message,
                    }
                )
            case MoveRecord():
                move = _move(reader, commit, record)
                found["moves"].append(move)
                found["serves"][record.alias] = move["serves"]
            case RequestRecord():
                found["requests"].append(record.number)
            case _:
                found["other"] += 1
    return found


def _move(reader: CatalogReader, commit: str, record: MoveRecord) -> ChangedMove:
    current = reader.alias(record.bundle, record.alias)
    return {
        "alias": record.alias,
        "action": record.action.value,
        "seq": record.seq,
        "from": record.from_version,
        "to": record.to_version,
        "at": reading.time(record.stamp.at),
        "actor": record.stamp.actor,
        "reason": record.reason,
        "revision": commit,
        "serves": current.record.to_version if current else None,
        "stands": current is not None and current.record.seq == record.seq,
    }


def _after(cursor: str | None) -> str:
    return names.bundle_name(cursor) if cursor is not None else ""
