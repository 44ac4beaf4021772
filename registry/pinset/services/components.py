"""Shared components: published on their own, resolved when a release is published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.domain import messages, names, sealed
from pinset.domain.assembly import assemble_component
from pinset.domain.records import ComponentRecord, Stamp
from pinset.domain.references import ComponentReference, parse_selector
from pinset.errors import NotFound
from pinset.ports.store import Files
from pinset.services import publish as releases
from pinset.services import reading
from pinset.services.session import writing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain import answers
    from pinset.domain.assembly import Assembled
    from pinset.ports.catalog import CatalogReader, ComponentRow
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
    if label is not None:
        names.label_name(label)
    words = messages.clean_words(message)
    releases.check_allow(allow, words)
    arguments = {
        "kind": kind,
        "name": name,
        "files": dict(files),
        "allow": sorted(allow),
        "message": words,
        "label": label,
        "number": number,
    }
    with reading.view(context) as reader:
        result = assemble_component(kind, name, files, releases.surroundings(reader))
        releases.refuse(result.findings, allow, unsealed=result.sealed is None)
    with writing(context, caller, "publish-component", arguments) as session:
        before = session.done_before()
        if before:
            commit, record = before[0]
            if not isinstance(record, ComponentRecord):
                raise AssertionError("the operation published a component")
            return _published(record, commit, result, created=True, operation=session.operation.id)
        result = assemble_component(kind, name, files, releases.surroundings(session.catalog))
        releases.refuse(result.findings, allow, unsealed=result.sealed is None)
        return _publish(session, caller, kind, name, result, label, words, number, allow)


def _publish(
    session: Session,
    caller: Caller,
    kind: str,
    name: str,
    result: Assembled,
    label: str | None,
    words: str,
    number: int | None,
    allow: Sequence[str],
) -> answers.ComponentAnswer:
    form, reader = result.sealed, session.catalog
    if form is None:
        raise AssertionError("a component without errors is sealed")
    digest = form.digest
    known = releases.existing(
        reader.components_by_digest(kind, name, digest),
        label,
        lambda wanted: reader.component_by_label(kind, name, wanted),
        digest,
    )
    if known is not None:
        return _published(known.record, known.commit, result, created=False, operation=None)
    newest = reader.component_versions(kind, name, limit=1)
    version = releases.next_number(newest[0].record.version if newest else 0, number)
    waived = tuple(sorted({finding.code for finding in result.findings if finding.judgement} & set(allow)))

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

    if caller.dry_run:
        head = reader.head()
        would = record(Stamp(serial=head.serial + 1, prev=head.commit, at=head.at, actor=caller.actor, operation=""))
        return _published(would, "", result, created=True, operation=None)
    files = {sealed.COMPONENT: form.manifest, **form.files}
    entry = session.stage(record, Files(files), lambda at: (at,) if at else (), files)
    session.commit()
    if not isinstance(entry.record, ComponentRecord):
        raise AssertionError("a component was staged")
    return _published(entry.record, entry.commit, result, created=True, operation=session.operation.id)


def component(context: Context, kind: str, name: str, selector: str = "latest") -> answers.ComponentAnswer:
    """One version of a component with its part and files."""
    names.component_kind(kind)
    names.component_name(name)
    with reading.view(context) as reader:
        reference = ComponentReference(kind, name, parse_selector(selector))
        row = reading.find_component(reader, reference)
        if row is None:
            raise _unknown(reader, reference)
        stored = reader.sealed_component(kind, name, row.record.version)
        part = sealed.parse(stored.manifest)["part"]
        return {**_answer(row.record, row.commit), "part": part, "files": dict(stored.files)}


def component_versions(
    context: Context, kind: str, name: str, *, cursor: str | None = None, limit: int = 100
) -> answers.Page[answers.ComponentAnswer]:
    """Versions of a component, newest first."""
    names.component_kind(kind)
    names.component_name(name)
    with reading.view(context) as reader:
        rows = reader.component_versions(kind, name, before=reading.number(cursor), limit=limit + 1)
        if not rows and cursor is None:
            raise _unknown(reader, ComponentReference(kind, name, parse_selector("latest")))
        return reading.page(rows, limit, _row, lambda row: str(row.record.version))


def components(
    context: Context, *, kind: str | None = None, cursor: str | None = None, limit: int = 100
) -> answers.Page[answers.ComponentAnswer]:
    """The newest version of every component."""
    if kind is not None:
        names.component_kind(kind)
    with reading.view(context) as reader:
        rows = reader.components(kind=kind, after=cursor or "", limit=limit + 1)
        return reading.page(rows, limit, _row, lambda row: f"{row.record.kind}/{row.record.name}")


def where_used(context: Context, reference: str) -> answers.Page[answers.UseAnswer]:
    """The releases that hold a component."""
    kind, name, pinned = reading.component_key(reference)
    with reading.view(context) as reader:
        wanted = pinned or ComponentReference(kind, name, parse_selector("latest"))
        row = reading.find_component(reader, wanted)
        if row is None:
            raise _unknown(reader, wanted)
        uses = reader.where_used(kind, name, row.record.version if pinned else None)
        items: list[answers.UseAnswer] = [
            {
                "component": f"{use.kind}/{use.name}@v{use.component_version}",
                "bundle": use.bundle,
                "version": use.version,
                "aliases": list(use.aliases),
            }
            for use in uses
        ]
        return {"items": items, "next": None}


def _unknown(reader: CatalogReader, reference: ComponentReference) -> NotFound:
    there = [f"v{row.record.version}" for row in reader.component_versions(reference.kind, reference.name, limit=5)]
    if there:
        return NotFound(f"there is no {reference}", hint=f"its newest versions are {', '.join(there)}")
    return NotFound(
        f"there is no component {reference.key}",
        hint=f"see what there is: pinset component list; or publish it: pinset component publish {reference.key} FILE",
    )


def _row(row: ComponentRow) -> answers.ComponentAnswer:
    return _answer(row.record, row.commit)


def _published(
    record: ComponentRecord, commit: str, result: Assembled, *, created: bool, operation: str | None
) -> answers.ComponentAnswer:
    found = reading.finding_answers(result.findings)
    return {**_answer(record, commit), "created": created, "findings": found, "operation": operation}


def _answer(record: ComponentRecord, commit: str) -> answers.ComponentAnswer:
    answer: Any = {
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
    }
    found: answers.ComponentAnswer = answer
    return found
