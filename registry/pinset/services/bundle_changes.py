"""Changes of bundles themselves: described, archived, renamed. Each is one commit on the bundle's own branch.

A rename moves nothing: git and the catalog go on knowing the bundle by its first name (see `naming`). So it costs one
commit however many releases there are, every commit of before stays what it was, and each name leads to the same line of
releases for ever.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pinset.domain import messages, names
from pinset.domain.access import Verb
from pinset.domain.described import description_text, owner_text
from pinset.domain.exchange.spelling import changed, spelling_text
from pinset.domain.records import BundleAction, BundleRecord
from pinset.errors import AlreadyExists, InvalidInput
from pinset.services import bundles, naming, spelling
from pinset.services.session import only, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pinset.domain.answers.bundles import BundleChangeAnswer
    from pinset.ports.catalog import BundleRow, CatalogReader
    from pinset.ports.registry import Caller
    from pinset.services.session import Context, Session

    Change = Callable[[Session, BundleRow], Mapping[str, Any]]
    """What of a bundle's record is to be another than it is. Raises where it may not be."""


class LocalBundleChanges:
    """Implements `pinset.ports.bundle_changes.BundleChanges`."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def set(
        self,
        caller: Caller,
        bundle: str,
        *,
        owner: str | None = None,
        description: str | None = None,
        also: Sequence[str] = (),
        not_also: Sequence[str] = (),
        reason: str = "",
    ) -> BundleChangeAnswer:
        """Say who owns a bundle, what it is for, or how other tools spell it."""
        if owner is None and description is None and not also and not not_also:
            raise InvalidInput("nothing is to be set", hint="say an owner, a description, or a spelling")
        given = {
            **({"owner": owner_text(owner)} if owner is not None else {}),
            **({"description": description_text(description)} if description is not None else {}),
        }
        come, gone = [spelling_text(text) for text in also], list(not_also)
        naming.need(self._context, caller, Verb.BUNDLE, names.bundle_name(bundle))

        def change(session: Session, row: BundleRow) -> Mapping[str, Any]:
            spelling.refuse_taken(session.catalog, row, come, caller.grants)
            return {**given, "names": changed(row.names, come, gone)} if come or gone else given

        spelled = {**({"also": come} if come else {}), **({"not_also": gone} if gone else {})}
        return self._change(caller, bundle, BundleAction.SET, change, reason, {**given, **spelled})

    def archive(self, caller: Caller, bundle: str, *, reason: str) -> BundleChangeAnswer:
        """Take a bundle out of use."""
        return self._archived(caller, bundle, BundleAction.ARCHIVE, reason)

    def unarchive(self, caller: Caller, bundle: str, *, reason: str = "") -> BundleChangeAnswer:
        """Take a bundle into use again."""
        return self._archived(caller, bundle, BundleAction.UNARCHIVE, reason)

    def rename(self, caller: Caller, bundle: str, name: str, *, reason: str) -> BundleChangeAnswer:
        """Give a bundle another name.

        Whoever renames must be able to under both names: a new name brings those who were granted something on it, and
        a name that matters to others' grants is not given away by who could not touch what they are for.
        """
        for each in (names.bundle_name(bundle), names.bundle_name(name)):
            naming.need(self._context, caller, Verb.RENAME, each)
        _need_words(reason, "a new name")

        def change(session: Session, row: BundleRow) -> Mapping[str, Any]:
            taken = session.catalog.bundle(name)
            if taken is not None and taken.key != row.key:
                now = "" if taken.name == name else f", which is called {taken.name} now"
                raise AlreadyExists(
                    f"the name {name} is that of another bundle{now}",
                    hint="names are never given away: choose another",
                    details={"bundle": taken.name},
                )
            return {"name": name}

        return self._change(caller, bundle, BundleAction.RENAME, change, reason, {"name": name})

    def _archived(self, caller: Caller, bundle: str, action: BundleAction, reason: str) -> BundleChangeAnswer:
        # It is less than retiring every alias of the bundle, and so for who may do that; not for who only describes it.
        naming.need(self._context, caller, Verb.RETIRE, names.bundle_name(bundle))
        if action is BundleAction.ARCHIVE:
            _need_words(reason, "archiving a bundle")
        return self._change(caller, bundle, action, lambda *_: {"archived": action is BundleAction.ARCHIVE}, reason, {})

    def _change(
        self,
        caller: Caller,
        bundle: str,
        action: BundleAction,
        change: Change,
        reason: str,
        asked: Mapping[str, Any],
    ) -> BundleChangeAnswer:
        words = messages.clean_words(reason)
        verb = Verb.BUNDLE.value if action is BundleAction.SET else action.value
        with writing(self._context, caller, verb, {"bundle": bundle, **asked, "reason": words}) as session:
            before = session.done_before()
            if before:
                made = only(BundleRecord, before).record
                return _answer(session, _row(session, made), made.action.value, session.operation.id)
            row = bundles.need(session.catalog, bundle)
            anew = replace(row, **change(session, row))
            if anew == row:
                return _answer(session, row, "none", None)
            written = spelling.describe(session, anew, action, words)
            session.commit()
            done = replace(anew, changed_at=written.record.stamp.at)
            return _answer(session, done, action.value, session.operation_id)


def _row(session: Session, record: BundleRecord) -> BundleRow:
    """A bundle as a record left it."""
    row = bundles.need(session.catalog, record.bundle)
    return replace(
        row,
        name=record.name,
        names=record.names,
        owner=record.owner,
        description=record.description,
        archived=record.archived,
        changed_at=record.stamp.at,
    )


def _answer(session: Session, row: BundleRow, action: str, operation: str | None) -> BundleChangeAnswer:
    reader: Any = naming.Named(session.writer)  # the names as they are now
    answer = bundles.answer(reader, row, bundles.served(reader, [row])[row.key])
    every = dict.fromkeys([*naming.named(reader).names(row.key), naming.named(session.catalog).called(row.key)])
    return {
        **answer,
        "formerly": [name for name in every if name != row.name],
        "action": action,
        "warnings": _warnings(reader, row, action),
        "operation": operation,
    }


def _warnings(reader: CatalogReader, row: BundleRow, action: str) -> list[str]:
    if action != BundleAction.ARCHIVE:
        return []
    serving = [one.alias for one in reader.serving([row.key]) if one.version is not None]
    return [
        f"{row.name}@{alias} goes on serving; retire it: pinset alias retire {row.name}@{alias}" for alias in serving
    ]


def _need_words(reason: str, what: str) -> None:
    if not messages.clean_words(reason):
        raise InvalidInput(f"{what} wants a reason", hint="say it with -m TEXT")
