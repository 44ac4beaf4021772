"""Spellings: which bundle is meant by what other tools call it, and how a bundle gets one."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pinset.domain.access import Verb, may_some, permit, permit_anywhere
from pinset.domain.exchange.spelling import SPELLING, bundle_for, changed, dotted_name, is_spelling, spelling_text
from pinset.domain.names import is_bundle_name, show
from pinset.domain.records import BundleAction, BundleRecord, Stamp
from pinset.errors import AlreadyExists, InvalidName, NotFound
from pinset.ports.catalog import BundleRow
from pinset.ports.store import Files
from pinset.services import naming, reading

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pinset.domain.access import Grant
    from pinset.ports.catalog import CatalogReader
    from pinset.services.session import Context, Session, Written

_NEW: Final = BundleRow(key="", name="", releases=0, newest=0, changed_at=0)


def spelled(context: Context, name: str) -> str:
    """What the bundle is called that a name means: a name of it, or a spelling, or ``team/x`` for ``team.x``.

    Raises NotFound also where nothing of the bundle may be read; where a bundle's name was given, PermissionDenied.
    """
    permit_anywhere(context.grants, Verb.READ)
    with reading.view(context) as reader:
        row = _meant(reader, name)
        seen = _seen(reader, context.grants, name if row is None else row.name)
        if is_bundle_name(name) and not seen:
            permit(context.grants, Verb.READ, name)
        if row is None or not seen:
            raise _unknown(reader, name)
        return row.name


def meaning(context: Context, name: str) -> str | None:
    """The same for what is not told to anybody yet: None where the name means no bundle. Nobody's rights are asked.

    What answers are kept by must mean the same to all: who may have them is asked once it is known what it means.
    """
    with reading.view(context) as reader:
        row = _meant(reader, name)
        return None if row is None else row.name


def sees(context: Context, bundle: str) -> bool:
    """Whether who reads may read anything of a bundle, be it one alias."""
    if may_some(context.grants, Verb.READ, bundle):
        return True
    with reading.view(context) as reader:
        return _seen(reader, context.grants, bundle)


def refuse_taken(reader: CatalogReader, row: BundleRow, also: Iterable[str], grants: tuple[Grant, ...]) -> None:
    """Raises AlreadyExists where another bundle has one of these spellings; who may read that one is told which.

    So it is where one leads to another bundle without being a spelling of it, as ``team/x`` to ``team.x``, and whoever
    gives it may not say of that one what it is called: what its applications ask for would go elsewhere.
    """
    for spelling in also:
        other = reader.spelled(spelling_text(spelling))
        if other is not None and other.key != row.key:
            way = f"take it away: pinset bundle set {other.name} --not-also TEXT"
            raise _taken(reader, spelling, other, grants, "is how {} is spelled", way)
        other = _led_to(reader, spelling, grants) if other is None else None
        if other is not None and other.key != row.key:
            way = f"ask for it whoever may change {other.name}: a credential that can bundle:{other.name}"
            raise _taken(reader, spelling, other, grants, "leads to {} already", way)


def asked(session: Session, bundle: str | None, spelling: str) -> BundleRow | None:
    """A bundle as it is to be once a publication has given it a spelling; None where it has it, or is called so.

    With its first release who publishes may; later it is a change of the bundle. Raises PermissionDenied, AlreadyExists.
    """
    reader, caller = session.catalog, session.caller
    bundle = naming.named(reader).called(bundle or "")
    row = reader.bundle(bundle)
    if spelling in (row.names if row is not None else ()) or spelling in naming.named(reader).names(bundle):
        return None
    if row is not None:
        naming.need(session.context, caller, Verb.BUNDLE, bundle, reader=reader)
    else:
        row = replace(_NEW, key=bundle, name=bundle)
    refuse_taken(reader, row, [spelling], caller.grants)
    return replace(row, names=changed(row.names, [spelling], ()))


def given(text: str) -> str:
    """What a publication calls its bundle, as it is kept. Raises InvalidName."""
    return text if is_bundle_name(text) else spelling_text(text)


def describe(session: Session, row: BundleRow, action: BundleAction, words: str) -> Written[BundleRecord]:
    """Stage the record that says all of a bundle."""

    def record(stamp: Stamp) -> BundleRecord:
        return BundleRecord(
            stamp=stamp,
            bundle=row.key,
            action=action,
            name=row.name,
            names=row.names,
            owner=row.owner,
            description=row.description,
            archived=row.archived,
            reason=words,
        )

    files = record(session.next_stamp()).files  # the same whenever it is made
    return session.stage(record, Files(files), lambda at: (at,) if at else ())


def _led_to(reader: CatalogReader, spelling: str, grants: tuple[Grant, ...]) -> BundleRow | None:
    """The bundle whose applications may ask by what nobody has as a spelling, where who asks may not change that.

    A bundle's prompts are asked for behind its name: what those are is up to whoever publishes it.
    """
    bundle = _meant(reader, spelling)
    if bundle is not None:
        return None if naming.may_any(grants, Verb.BUNDLE, reader, bundle.name) else bundle
    bundle = _meant(reader, spelling[: max(spelling.rfind("."), spelling.rfind("/"), 0)])
    enough = (Verb.BUNDLE, Verb.PUBLISH)
    if bundle is None or any(naming.may_any(grants, verb, reader, bundle.name) for verb in enough):
        return None
    return bundle


def _taken(
    reader: CatalogReader, spelling: str, other: BundleRow, grants: tuple[Grant, ...], why: str, way: str
) -> AlreadyExists:
    seen = naming.may_any(grants, Verb.READ, reader, other.name)
    return AlreadyExists(
        f"{show(spelling)} {why.format('the bundle ' + other.name if seen else 'another bundle')}",
        hint=way if seen else "choose another",
        details={"spelling": spelling, **({"bundle": other.name} if seen else {})},
    )


def _meant(reader: CatalogReader, name: str) -> BundleRow | None:
    if is_bundle_name(name):
        return reader.bundle(name)
    if len(name) > 4 * SPELLING:
        return None
    composed = unicodedata.normalize("NFC", name)
    row = reader.spelled(composed) if is_spelling(composed) else None
    dotted = dotted_name(name)
    return row if row is not None or dotted is None else reader.bundle(dotted)


def _seen(reader: CatalogReader, grants: tuple[Grant, ...], bundle: str) -> bool:
    """Whether anything of a bundle may be read, be it one alias."""
    if may_some(grants, Verb.READ, bundle):
        return True
    return any(may_some(grants, Verb.READ, name) for name in naming.named(reader).names(bundle))


def _unknown(reader: CatalogReader, name: str) -> NotFound:
    try:
        like = bundle_for(name[:SPELLING])
    except InvalidName:
        return NotFound(f"there is no bundle {show(name)}", hint="see what there is: pinset list")
    return reading.no_bundle(reader, name, like)
