"""A shared component's new version in the bundles that hold an older one: a successor of each, one write a bundle."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pinset.domain import names, sealed
from pinset.domain.access import Verb, bundles_of, permit_anywhere
from pinset.domain.diff import compare
from pinset.domain.document import content_of
from pinset.domain.manifest import bumping, edits
from pinset.domain.references import Reference, Selector, SelectorKind, parse_component
from pinset.errors import Conflict, InvalidInput, NotFound
from pinset.services import components, naming, publish, reading
from pinset.services.attempts import trying

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.domain.answers import Page
    from pinset.domain.answers.changes import BumpAnswer, HolderAnswer, ProblemAnswer
    from pinset.domain.references import ComponentReference
    from pinset.domain.sealed import Sealed
    from pinset.errors import PinsetError
    from pinset.ports.catalog import CatalogReader, ComponentRow, ReleaseRow
    from pinset.ports.registry import Caller
    from pinset.services.session import Context

_TRIES: Final = 5
"""How often a bundle that others change meanwhile is looked at anew."""
_PATTERN_LIMIT: Final = 64


class _Overtaken(Exception):  # noqa: N818 - a signal: what is to be succeeded is another release by now
    pass


class _Due(NamedTuple):
    """A bundle's release that holds an older version: held. through: the components by which it comes."""

    base: ReleaseRow
    form: Sealed
    held: int
    through: Sequence[str]


def new_id(component: ComponentReference, version: int) -> str:
    """What a bump is called by itself: ``bump-house-tone-v4-3f9a2c``."""
    short = f"{component.name.replace('/', '-')}-v{version}"[:50].strip("._-")
    return f"bump-{short}-{secrets.token_hex(3)}"


def holders(
    context: Context,
    component: str,
    *,
    bundles: str = "*",
    alias: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[HolderAnswer]:
    """The bundles that hold an older version of a component, by name, as far as they may be read."""
    permit_anywhere(context.grants, Verb.READ)
    _check_pattern(bundles)
    if alias is not None:
        names.alias_name(alias)
    with reading.view(context) as reader:
        wanted, row = _component(reader, component)
        found = reader.holders(
            wanted.kind,
            wanted.name,
            row.record.version,
            alias=alias,
            pattern=bundles,
            fits=bundles_of(context.grants, Verb.READ),
            after=names.bundle_name(cursor) if cursor is not None else "",
            limit=limit + 1,
        )
        return reading.page(
            found,
            limit,
            lambda one: {"bundle": one.bundle, "version": one.version, "held": one.held},
            lambda one: one.bundle,
        )


def bump(
    context: Context,
    caller: Caller,
    component: str,
    bundle: str,
    *,
    alias: str | None = None,
    message: str = "",
    allow: Sequence[str] = (),
) -> BumpAnswer:
    """Publish a successor of a bundle's release that holds this version of a component, and move an alias to it."""
    names.bundle_name(bundle)
    asked = {"bundle": bundle, "alias": alias, "reference": None, "name": component}
    with trying(context, caller, "publish", asked):
        naming.need(context, caller, Verb.PUBLISH, bundle)
        if alias is not None:
            naming.need(context, caller, Verb.PROMOTE, bundle, names.alias_name(alias))
        naming.permit(context, Verb.READ, bundle, alias or "")
    for _ in range(_TRIES):
        with reading.view(context) as reader:
            bundle = naming.named(reader).called(bundle)
            wanted, row = _component(reader, component)
            due = _due(reader, wanted, row.record.version, bundle, alias)
        told = _told(row, bundle, alias, due)
        if not isinstance(due, _Due):
            return told
        under = caller if caller.change else replace(caller, change=new_id(wanted, row.record.version))
        try:
            return _bumped(context, under, wanted, due, told, message or f"bump {told['component']}", allow)
        except _Overtaken:
            continue
    raise Conflict(f"{bundle} is changed again and again by others", hint="try again when they are done")


def _bumped(
    context: Context,
    caller: Caller,
    wanted: ComponentReference,
    due: _Due,
    told: BumpAnswer,
    message: str,
    allow: Sequence[str],
) -> BumpAnswer:
    """Publish the successor of what is due. Raises _Overtaken."""
    before, alias, bundle = edits.author_files(due.form.files), told["alias"], told["bundle"]
    files = bumping.bumped(before, wanted)
    if due.through or files == before:
        return {**told, "outcome": "through", "problem": _through(wanted, told, due.through)}

    def confirm(reader: CatalogReader) -> None:
        if _base(reader, bundle, alias).record.version != due.base.record.version:
            raise _Overtaken

    made = publish.published(
        context,
        caller,
        edits.unlabelled(files),
        publish.Succession(
            due.base.record.which, due.base.record.digest, {"bump": told["component"]}, confirm, gently=True
        ),
        bundle=bundle,
        message=message,
        alias=alias,
        allow=allow,
    )
    compared, move = compare(content_of(due.form), dict(made.content)), made.answer["move"]
    outcome = "refused" if made.refused else "published" if alias is None else "promoted"
    if move is not None and move["action"] == "request":
        outcome = "requested"
    return {
        **told,
        "to": made.answer["version"],
        "created": made.answer["created"],
        "outcome": outcome,
        "verdict": compared.verdict,
        "changes": len(compared.changes),
        "gates": made.gates,
        "findings": made.answer["findings"],
        "move": move,
        "problem": _problem(made.refused) if made.refused else None,
        "operation": made.answer["operation"] or (move["operation"] if move else None),
        "change": caller.change,
    }


def _component(reader: CatalogReader, text: str) -> tuple[ComponentReference, ComponentRow]:
    wanted = parse_component(text)
    row = reading.find_component(reader, wanted)
    if row is None:
        raise components.unknown(reader, wanted)
    reading.refuse_purged(row)
    return wanted, row


def _base(reader: CatalogReader, bundle: str, alias: str | None) -> ReleaseRow:
    """The release that is succeeded: what the alias serves, without one the newest that is not yanked."""
    if alias is not None:
        return reading.find_release(reader, Reference(bundle, Selector(SelectorKind.ALIAS, alias)))[0]
    row = reader.latest(bundle)
    if row is None:
        reading.need_bundle(reader, bundle)
        raise NotFound(f"{bundle} has no release that is not yanked", hint=f"see them: pinset releases {bundle}")
    return row


def _due(
    reader: CatalogReader, wanted: ComponentReference, version: int, bundle: str, alias: str | None
) -> _Due | ReleaseRow:
    """What is to be succeeded; the release itself where it holds nothing older."""
    base = _base(reader, bundle, alias)
    reading.refuse_purged(base)
    held = reader.components_of(bundle, base.record.version)
    mine = held.get(wanted.key)
    if mine is None or mine >= version:
        return base
    through = []
    for key, number in held.items():
        kind, _, name = key.partition("/")
        if key != wanted.key:
            form = reader.sealed_component(kind, name, number)
            if wanted.key in sealed.parse(form.manifest).get("components", {}):
                through.append(f"{key}@v{number}")
    return _Due(base, reader.sealed_release(bundle, base.record.version), mine, through)


def _told(row: ComponentRow, bundle: str, alias: str | None, due: _Due | ReleaseRow) -> BumpAnswer:
    """The answer as long as nothing is to be done."""
    base, held = (due.base, due.held) if isinstance(due, _Due) else (due, None)
    told: Any = {
        "bundle": bundle,
        "component": str(row.record.which),
        "alias": alias,
        "from": base.record.version,
        "held": held,
        "to": None,
        "created": False,
        "outcome": "current",
        "verdict": None,
        "changes": 0,
        "gates": [],
        "findings": [],
        "move": None,
        "problem": None,
        "operation": None,
        "change": None,
    }
    found: BumpAnswer = told
    return found


def _through(wanted: ComponentReference, told: BumpAnswer, through: Sequence[str]) -> ProblemAnswer:
    first = (through[0] if through else wanted.key).partition("@")[0]
    return {
        "code": "held_through",
        "message": f"{told['bundle']}@v{told['from']} holds {wanted.key} through {', '.join(through) or 'another file'}",
        "hint": f"publish {first} with {told['component']}, then bump that too: pinset bump {first}@vN",
    }


def _problem(error: PinsetError) -> ProblemAnswer:
    return {"code": error.code, "message": error.message, "hint": error.hint}


def _check_pattern(pattern: str) -> None:
    plain = pattern.replace("*", "")
    if not pattern or len(pattern) > _PATTERN_LIMIT or (plain and not set(plain) <= _LETTERS):
        raise InvalidInput(
            f"{names.show(pattern)} is no pattern of bundles", hint="write names, with * for any characters: payments.*"
        )


_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_.-")
