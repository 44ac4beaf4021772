"""Shared components: published on their own, resolved when a release is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset.domain import findings, messages, names, sealed
from pinset.domain.access import Verb, bundles_of, permit_anywhere
from pinset.domain.assembly import assemble_component
from pinset.domain.records import ComponentRecord, Stamp
from pinset.domain.references import ComponentReference, parse_selector
from pinset.errors import NotFound
from pinset.ports.store import Files
from pinset.services import reading, versions
from pinset.services.attempts import trying
from pinset.services.session import Written, only, writing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain import answers
    from pinset.domain.records import PurgeRecord
    from pinset.ports.catalog import CatalogReader, ComponentRow, Use
    from pinset.ports.registry import Caller
    from pinset.services.session import Context, Session


def publish_component(
    context: Context,
    caller: Caller,
    kind: str,
    name: str,
    files: Mapping[str, str],
    *,
    message: str = "",
    label: str | None = None,
    number: int | None = None,
    allow: Sequence[str] = (),
) -> answers.ComponentAnswer:
    """Publish a version of a shared component."""
    names.component_kind(kind)
    names.component_name(name)
    caller.need(Verb.COMPONENT, f"{kind}/{name}")
    if label is not None:
        names.label_name(label)
    words = messages.clean_words(message)
    versions.check_number(number)
    findings.check_allowed(allow, words)
    arguments = {
        "kind": kind,
        "name": name,
        "files": dict(files),
        "allow": sorted(allow),
        "message": words,
        "label": label,
        "number": number,
    }
    with trying(context, caller, "publish-component", arguments):
        checked = versions.Checked(context, caller, lambda around: assemble_component(kind, name, files, around), allow)
    with writing(context, caller, "publish-component", arguments) as session:
        before = session.done_before()
        if before:
            published, created = only(ComponentRecord, before), True
        else:
            published, created = _stage(session, checked, kind, name, label, words, number)
            session.commit()
        return {
            **_answer(published.record, published.commit),
            "created": created,
            "findings": findings.as_answers(checked.result.findings),
            "operation": session.operation_id if created else None,
        }


def _stage(
    session: Session,
    checked: versions.Checked,
    kind: str,
    name: str,
    label: str | None,
    words: str,
    number: int | None,
) -> tuple[Written[ComponentRecord], bool]:
    """The version that has this content, staged where there is none; whether it is new."""
    form, reader = checked.confirm(session).sealed, session.catalog
    if form is None:
        raise AssertionError("a component without errors is sealed")
    digest = form.digest
    versions.refuse_purged_texts(reader, form)
    known = versions.existing(
        reader.components_by_digest(kind, name, digest),
        label,
        lambda wanted: reader.component_by_label(kind, name, wanted),
        digest,
    )
    if known is not None:
        return Written(known.record, known.commit), False
    newest = reader.component_versions(kind, name, limit=1)
    version = versions.next_number(newest[0].record.version if newest else 0, number)
    waived = checked.waived()

    def record(stamp: Stamp) -> ComponentRecord:
        return ComponentRecord(
            stamp=stamp,
            kind=kind,
            name=name,
            version=version,
            label=label,
            digest=digest,
            message=words,
            allowed=waived,
            allow_reason=words if waived else "",
        )

    files = {sealed.COMPONENT: form.manifest, **form.files}
    return session.stage(record, Files(files), lambda at: (at,) if at else (), files), True


def component(context: Context, kind: str, name: str, selector: str = "latest") -> answers.ComponentAnswer:
    """One version of a component with its part and files."""
    permit_anywhere(context.grants, Verb.READ)
    names.component_kind(kind)
    names.component_name(name)
    with reading.view(context) as reader:
        reference = ComponentReference(kind, name, parse_selector(selector))
        row = reading.find_component(reader, reference)
        if row is None:
            raise unknown(reader, reference)
        stored = reader.sealed_component(kind, name, row.record.version)
        part = sealed.parse(stored.manifest)["part"]
        texts = {"manifest": stored.manifest, "files": dict(stored.files)}
        return {**_answer(row.record, row.commit), "part": part, **texts}  # type: ignore[typeddict-item] # its keys


def component_versions(
    context: Context, kind: str, name: str, *, cursor: str | None = None, limit: int = 100
) -> answers.Page[answers.ComponentAnswer]:
    """Versions of a component, newest first."""
    permit_anywhere(context.grants, Verb.READ)
    names.component_kind(kind)
    names.component_name(name)
    with reading.view(context) as reader:
        rows = reader.component_versions(kind, name, before=reading.number(cursor), limit=limit + 1)
        if not rows and cursor is None:
            raise unknown(reader, ComponentReference(kind, name, parse_selector("latest")))
        return reading.page(rows, limit, _row, lambda row: str(row.record.version))


def components(
    context: Context, *, kind: str | None = None, cursor: str | None = None, limit: int = 100
) -> answers.Page[answers.ComponentAnswer]:
    """The newest version of every component."""
    permit_anywhere(context.grants, Verb.READ)
    if kind is not None:
        names.component_kind(kind)
    with reading.view(context) as reader:
        rows = reader.components(kind=kind, after=cursor or "", limit=limit + 1)
        return reading.page(rows, limit, _row, lambda row: f"{row.record.kind}/{row.record.name}")


def where_used(
    context: Context, reference: str, *, cursor: str | None = None, limit: int = 100
) -> answers.Page[answers.UseAnswer]:
    """The releases that hold a component and may be read: served ones first, then newest first."""
    permit_anywhere(context.grants, Verb.READ)
    kind, name, pinned = reading.component_key(reference)
    with reading.view(context) as reader:
        wanted = pinned or ComponentReference(kind, name, parse_selector("latest"))
        row = reading.find_component(reader, wanted)
        if row is None:
            raise unknown(reader, wanted)
        version = row.record.version if pinned else None
        fits = bundles_of(context.grants, Verb.READ)
        uses = reader.where_used(kind, name, version, fits=fits, after=_after(cursor), limit=limit + 1)
        return reading.page(uses, limit, _use, lambda use: f"{int(bool(use.aliases))}-{use.serial}")


def _use(use: Use) -> answers.UseAnswer:
    return {
        "component": f"{use.kind}/{use.name}@v{use.component_version}",
        "bundle": use.bundle,
        "version": use.version,
        "aliases": list(use.aliases),
    }


def _after(cursor: str | None) -> tuple[bool, int] | None:
    if cursor is None:
        return None
    served, dash, serial = cursor.partition("-")
    if served not in ("0", "1") or not dash:
        raise reading.bad_cursor(cursor)
    return served == "1", reading.number(serial) or 0


def unknown(reader: CatalogReader, reference: ComponentReference) -> NotFound:
    """The error for a component, or a version of one, that is not there."""
    there = [f"v{row.record.version}" for row in reader.component_versions(reference.kind, reference.name, limit=5)]
    if there:
        return NotFound(f"there is no {reference}", hint=f"its newest versions are {', '.join(there)}")
    return NotFound(
        f"there is no component {reference.key}",
        hint=f"see what there is: pinset component list; or publish it: pinset component publish {reference.key} FILE",
    )


def _row(row: ComponentRow) -> answers.ComponentAnswer:
    return _answer(row.record, row.commit, row.purged)


def _answer(record: ComponentRecord, commit: str, purged: PurgeRecord | None = None) -> answers.ComponentAnswer:
    return {
        "ref": f"{record.kind}/{record.name}@v{record.version}",
        "kind": record.kind,
        "name": record.name,
        "version": record.version,
        "label": record.label,
        "digest": record.digest,
        "commit": commit,
        "serial": record.stamp.serial,
        "published_at": reading.time(record.stamp.at),
        "published_by": record.stamp.actor,
        "message": record.message,
        "purged": reading.purged_answer(purged),
    }
