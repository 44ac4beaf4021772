"""Publish: the author's files become a release, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pinset.domain import findings, messages, names, provenance
from pinset.domain.access import Verb, permit_anywhere
from pinset.domain.assembly import assemble_release
from pinset.domain.records import BundleAction, MoveRecord, ReleaseRecord, RequestRecord, Stamp, Version
from pinset.domain.sealed import MANIFEST, parse
from pinset.errors import Refused
from pinset.ports.store import Files
from pinset.services import moving, naming, reading, requests, spelling, versions
from pinset.services.attempts import trying
from pinset.services.session import Session, Written, only, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pinset.domain import answers
    from pinset.domain.answers.policy import GateAnswer
    from pinset.domain.assembly import Assembled, Surroundings
    from pinset.domain.records import Record
    from pinset.domain.sealed import Sealed
    from pinset.ports.catalog import CatalogReader, ReleaseRow
    from pinset.ports.registry import Caller
    from pinset.services.session import Context


def check(context: Context, files: Mapping[str, str], *, label: str | None = None) -> answers.CheckAnswer:
    """What the checks say, without publishing."""
    permit_anywhere(context.grants, Verb.READ)
    if label is not None:
        names.label_name(label)
    with reading.view(context) as reader:
        result = assemble_release(files, versions.surroundings(reader, context.grants))
    ok = result.sealed is not None and not findings.refusing(result.findings)
    return {
        "ok": ok,
        "bundle": result.draft.bundle,
        "label": label or result.draft.label,
        "digest": result.sealed.digest if ok and result.sealed else None,
        "findings": findings.as_answers(result.findings),
        "content": result.content,
    }


def publish(
    context: Context,
    caller: Caller,
    files: Mapping[str, str],
    *,
    bundle: str | None = None,
    message: str = "",
    label: str | None = None,
    alias: str | None = None,
    source: Mapping[str, Any] | str | None = None,
    number: int | None = None,
    allow: Sequence[str] = (),
    spelled: str | None = None,
) -> answers.PublishAnswer:
    """Publish a release, and with ``alias`` promote it, with ``spelled`` give the bundle a spelling in the same write."""
    given = {"label": label, "alias": alias, "source": source, "number": number, "allow": allow, "spelled": spelled}
    return published(context, caller, files, None, bundle=bundle, message=message, **given).answer  # type: ignore[arg-type]


class Succession(NamedTuple):
    """How a release follows another one.

    made_from, digest: that one. asked: what was asked for, by which a retry is known. confirm: raises under the lock
    where the release is no longer what is to be followed. gently: where the move is refused the release is published
    all the same.
    """

    made_from: Version
    digest: str
    asked: Mapping[str, Any]
    confirm: Callable[[CatalogReader], None]
    gently: bool = False


class Published(NamedTuple):
    """A release, its content, and of one that was published gently: the gates before its move, and why that was refused."""

    answer: answers.PublishAnswer
    content: Mapping[str, Any]
    gates: list[GateAnswer]
    refused: Refused | None = None


def published(
    context: Context,
    caller: Caller,
    files: Mapping[str, str],
    follows: Succession | None,
    *,
    bundle: str | None = None,
    message: str = "",
    label: str | None = None,
    alias: str | None = None,
    source: Mapping[str, Any] | str | None = None,
    number: int | None = None,
    allow: Sequence[str] = (),
    spelled: str | None = None,
) -> Published:
    """The same, also of a release that follows another one."""
    for given, rule in ((bundle, names.bundle_name), (alias, names.alias_name), (label, names.label_name)):
        if given is not None:
            rule(given)
    _need(context, caller, bundle, alias)
    called = spelling.given(spelled) if spelled is not None else None
    words = messages.clean_words(message)
    origin = provenance.recorded(messages.clean_words(source) if isinstance(source, str) else source)
    versions.check_number(number)
    findings.check_allowed(allow, words)
    arguments = {
        "bundle": bundle,
        "files": dict(files),
        "allow": sorted(allow),
        "message": words,
        "label": label,
        "alias": alias,
        "number": number,
        "source": origin,
        **({"spelled": called} if called is not None else {}),
    }
    if follows is not None:  # what was asked for, whatever the reference names at a retry
        arguments = {**arguments, "files": None, **follows.asked}
    with trying(context, caller, "publish", arguments) as about:

        def assemble(around: Surroundings) -> Assembled:
            result = assemble_release(files, around, bundle=bundle)
            about["bundle"] = result.draft.bundle
            return result

        checked = versions.Checked(context, caller, assemble, allow)
        _need(context, caller, checked.result.draft.bundle, alias)
    with writing(context, caller, "publish", arguments, about) as session:
        before = session.done_before()
        if before:
            return Published(_answer_again(session, before, checked, label), checked.result.content or {}, [])
        if follows is not None:
            follows.confirm(session.catalog)
        asked = spelling.asked(session, checked.result.draft.bundle, called) if called is not None else None
        release, created = _stage(session, checked, label, words, origin, number, alias, follows)
        if asked is not None:
            spelling.describe(session, asked, BundleAction.SET, "")
        warnings = moving.new_alias(session.catalog, release.record.bundle, alias) if alias else []
        held = _components(checked) if created else None
        move, refused, before_it = None, None, []
        if alias and follows is not None and follows.gently:
            before_it = moving.gates_before(session, release.record, alias, held)
            move, refused = _gently(context, session, release, alias, words, held)
        elif alias:
            move = moving.stage_promotion(session, release, alias, words, held)
        session.commit()
        found = findings.as_answers(checked.result.findings)
        answer = _answer(release, found, session.operation_id if created or asked else None, created=created)
        answer["move"] = moving.answer(move, session, warnings) if isinstance(move, Written) else move
        return Published(answer, checked.result.content or {}, before_it, refused)


def _gently(
    context: Context,
    session: Session,
    release: Written[ReleaseRecord],
    alias: str,
    words: str,
    held: Mapping[str, int] | None,
) -> tuple[Written[MoveRecord] | answers.MoveAnswer | None, Refused | None]:
    """The move of an alias to a release that is published in any case, or why it is refused, which is recorded."""
    asked = {"bundle": release.record.bundle, "alias": alias, "message": words}
    try:
        with trying(context, session.caller, "promote", asked):
            return moving.stage_promotion(session, release, alias, words, held), None
    except Refused as error:
        return None, error


def _components(checked: versions.Checked) -> dict[str, int]:
    """The shared components that what was checked holds, by ``kind/name``."""
    form = checked.result.sealed
    held = parse(form.manifest).get("components", {}) if form else {}
    return {key: pin["version"] for key, pin in held.items()}


def _need(context: Context, caller: Caller, bundle: str | None, alias: str | None) -> None:
    """Raises PermissionDenied where the caller may not publish, or not move the alias; of a bundle as far as known."""
    if bundle is None:
        permit_anywhere(caller.grants, Verb.PUBLISH)
        return
    naming.need(context, caller, Verb.PUBLISH, bundle)
    if alias is not None:
        naming.need(context, caller, Verb.PROMOTE, bundle, alias)


def _stage(
    session: Session,
    checked: versions.Checked,
    label: str | None,
    words: str,
    source: str | None,
    number: int | None,
    alias: str | None,
    follows: Succession | None,
) -> tuple[Written[ReleaseRecord], bool]:
    """The release that has this content, staged where there is none; whether it is new."""
    result, reader = checked.confirm(session), session.catalog
    form, bundle = _sealed_of(reader, result)
    label = label or result.draft.label
    reading.refuse_archived(reader, bundle)
    versions.refuse_purged_texts(reader, form)
    known = _existing(reader, result, label)
    if known is not None:
        return Written(known.record, known.commit), False
    newest = reader.bundle(bundle)
    version = versions.next_number(newest.newest if newest else 0, number)
    waived = checked.waived()

    def record(stamp: Stamp) -> ReleaseRecord:
        return ReleaseRecord(
            stamp=stamp,
            bundle=bundle,
            version=version,
            label=label,
            digest=form.digest,
            message=words,
            source=source,
            rollback_to=result.rollback_to,
            allowed=waived,
            allow_reason=words if waived else "",
            made_from=follows.made_from if follows else None,
            made_from_digest=follows.digest if follows else None,
        )

    if alias is not None and (follows is None or not follows.gently):
        moving.refuse_early(session, record(session.next_stamp()), alias, _components(checked))
    files = {MANIFEST: form.manifest, **form.files}
    return session.stage(record, Files(files), lambda at: (at,) if at else (), files), True


def _sealed_of(reader: CatalogReader, result: Assembled) -> tuple[Sealed, str]:
    """What a release without errors holds, and what its bundle is called now."""
    if result.sealed is None or result.draft.bundle is None:
        raise AssertionError("a release without errors is sealed and has a bundle")
    return result.sealed, naming.named(reader).called(result.draft.bundle)


def _existing(reader: CatalogReader, result: Assembled, label: str | None) -> ReleaseRow | None:
    """The release that has this content; None where there is none. Raises AlreadyExists for a label of another one."""
    form, bundle = _sealed_of(reader, result)
    same = reader.releases_by_digest(bundle, form.digest)
    return versions.existing(same, label, lambda wanted: reader.release_by_label(bundle, wanted), form.digest)


def _answer(
    release: Written[ReleaseRecord], found: list[answers.FindingAnswer], operation: str | None, *, created: bool
) -> answers.PublishAnswer:
    record = release.record
    return {
        "ref": f"{record.bundle}@v{record.version}",
        "bundle": record.bundle,
        "version": record.version,
        "label": record.label,
        "digest": record.digest,
        "commit": release.commit,
        "serial": record.stamp.serial,
        "created": created,
        "findings": found,
        "operation": operation,
        "move": None,
    }


def there_already(release: ReleaseRow, move: answers.MoveAnswer | None) -> answers.PublishAnswer:
    """The answer about a release that was there, and to which an alias may have moved."""
    return {**_answer(Written(release.record, release.commit), [], None, created=False), "move": move}


def _answer_again(
    session: Session, before: Sequence[tuple[str, Record]], checked: versions.Checked, label: str | None
) -> answers.PublishAnswer:
    """The first answer of a write that happened already."""
    found = findings.as_answers(checked.result.findings)
    moved = any(isinstance(record, MoveRecord) for _, record in before)
    move = only(MoveRecord, before) if moved else None
    created = any(isinstance(record, ReleaseRecord) for _, record in before)
    if created:
        release = only(ReleaseRecord, before)
    else:  # the content was there, and only the alias moved, or that was asked for, or the bundle got a spelling
        asked = [record.binding for _, record in before if isinstance(record, RequestRecord)]
        about = move.record if move else asked[0] if asked else None
        result = checked.result
        row = (
            session.catalog.release(about.bundle, about.to_version or 0)
            if about is not None
            else _existing(session.catalog, result, label or result.draft.label)
        )
        if row is None:
            raise AssertionError("what was published before is there")
        release = Written(row.record, row.commit)
    answer = _answer(release, found, session.operation.id, created=created)
    record = move.record if move else None
    warnings = moving.new_alias(session.catalog, record.bundle, record.alias, first=record) if record else []
    waits = requests.asked_before(session, before)
    if waits is not None:
        return {**answer, "move": waits}
    return {**answer, "move": moving.answer(move, session, warnings) if move else None}
