"""Publish: the author's files become a release, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from pinset.domain import messages, names
from pinset.domain.assembly import Assembled, Found, Surroundings, assemble_release
from pinset.domain.findings import RULES, Finding, Severity, refusing
from pinset.domain.records import MoveRecord, ReleaseRecord, Stamp
from pinset.domain.sealed import MANIFEST, Sealed
from pinset.errors import AlreadyExists, ChecksFailed, Conflict, InvalidInput, InvalidManifest
from pinset.ports.store import Files
from pinset.services import moving, reading
from pinset.services.session import Session, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pinset.domain import answers
    from pinset.domain.references import ComponentReference, Selector
    from pinset.ports.catalog import CatalogReader, ComponentRow, ReleaseRow
    from pinset.ports.registry import Caller
    from pinset.services.session import Context

Row = TypeVar("Row", "ReleaseRow", "ComponentRow")
_Asked: TypeAlias = tuple[str, tuple[Any, ...], Any]
"""A question of `Surroundings` by name, what it was about, and its answer."""

MANIFEST_CODES = frozenset(
    code
    for code, rule in RULES.items()
    if rule.severity is Severity.ERROR
    and not rule.judgement
    and code not in ("reference-unresolved", "embedding-mismatch")
)
"""Findings that say the input is malformed, where the others say that its parts do not fit the registry or each other."""


def surroundings(reader: CatalogReader) -> Surroundings:
    """What one view of the registry knows."""

    def component(reference: ComponentReference) -> Found | None:
        row = reading.find_component(reader, reference)
        if row is None:
            return None
        stored = reader.sealed_component(reference.kind, reference.name, row.record.version)
        form = Sealed(stored.manifest, stored.files)
        return Found(version=row.record.version, digest=row.record.digest, sealed=form)

    def version(bundle: str, selector: Selector) -> int | None:
        row = reading.select(reader, bundle, selector)
        return row.record.version if row else None

    def serving(bundle: str) -> int | None:
        move = reader.alias(bundle, names.DEFAULT_ALIAS)
        return move.record.to_version if move else None

    return Surroundings(component=component, version=version, serving=serving)


def _noting(around: Surroundings, asked: list[_Asked]) -> Surroundings:
    """The same surroundings, which write down what they were asked."""

    def noted(what: str) -> Callable[..., Any]:
        def ask(*about: Any) -> Any:
            answer = getattr(around, what)(*about)
            asked.append((what, about, answer))
            return answer

        return ask

    return Surroundings(component=noted("component"), version=noted("version"), serving=noted("serving"))


def check(context: Context, files: Mapping[str, str], *, label: str | None = None) -> answers.CheckAnswer:
    """What the checks say, without publishing."""
    if label is not None:
        names.label_name(label)
    with reading.view(context) as reader:
        result = assemble_release(files, surroundings(reader))
    ok = result.sealed is not None and not refusing(result.findings)
    return {
        "ok": ok,
        "bundle": result.draft.bundle,
        "label": label or result.draft.label,
        "digest": result.sealed.digest if ok and result.sealed else None,
        "findings": reading.finding_answers(result.findings),
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
    source: str | None = None,
    number: int | None = None,
    allow: Sequence[str] = (),
) -> answers.PublishAnswer:
    """Publish a release, and with ``alias`` promote it in the same write."""
    if bundle is not None:
        names.bundle_name(bundle)
    if alias is not None:
        names.alias_name(alias)
    if label is not None:
        names.label_name(label)
    words = messages.clean_words(message)
    check_allow(allow, words)
    arguments = {
        "bundle": bundle,
        "files": dict(files),
        "allow": sorted(allow),
        "message": words,
        "label": label,
        "alias": alias,
        "number": number,
        "source": source,
    }
    # The checks take most of the time and need no lock; only what they lean on is looked up again under it.
    with reading.view(context) as reader:
        asked: list[_Asked] = []
        result = assemble_release(files, _noting(surroundings(reader), asked), bundle=bundle)
        refuse(result.findings, allow, unsealed=result.sealed is None)
    with writing(context, caller, "publish", arguments) as session:
        before = session.done_before()
        if before:
            return _answer_again(session, before, result.findings)
        around = surroundings(session.catalog)
        if any(getattr(around, what)(*about) != answer for what, about, answer in asked):
            result = assemble_release(files, around, bundle=bundle)
            refuse(result.findings, allow, unsealed=result.sealed is None)
        return _publish(session, caller, result, label or result.draft.label, words, alias, source, number, allow)


def _publish(
    session: Session,
    caller: Caller,
    result: Assembled,
    label: str | None,
    words: str,
    alias: str | None,
    source: str | None,
    number: int | None,
    allow: Sequence[str],
) -> answers.PublishAnswer:
    form, bundle = result.sealed, result.draft.bundle
    if form is None or bundle is None:
        raise AssertionError("a release without errors is sealed and has a bundle")
    digest, reader = form.digest, session.catalog
    known = existing(
        reader.releases_by_digest(bundle, digest), label, lambda wanted: reader.release_by_label(bundle, wanted), digest
    )
    findings = reading.finding_answers(result.findings)
    if known is not None:
        move = moving.stage_promotion(session, bundle, known, alias, words) if alias else None
        if not caller.dry_run and move is not None:
            session.commit()
        answer = _answer(known.record, known.commit, findings, None, created=False)
        return {**answer, "move": moving.answer(*move, session) if move else None}
    newest = reader.bundle(bundle)
    version = next_number(newest.newest if newest else 0, number)
    files = {MANIFEST: form.manifest, **form.files}
    waived = tuple(sorted({f.code for f in result.findings if f.judgement} & set(allow)))

    def record(stamp: Stamp) -> ReleaseRecord:
        return ReleaseRecord(
            stamp=stamp,
            bundle=bundle,
            version=version,
            label=label,
            digest=digest,
            message=words,
            source=messages.clean_words(source) if source else None,
            rollback_to=result.rollback_to,
            allowed=waived,
            allow_reason=words if waived else "",
        )

    if caller.dry_run:
        return _dry(session, record, findings)
    entry = session.stage(record, Files(files), lambda at: (at,) if at else (), files)
    written = entry.record
    if not isinstance(written, ReleaseRecord):
        raise AssertionError("a release was staged")
    move = moving.stage_first(session, written, entry.commit, alias, words) if alias else None
    session.commit()
    answer = _answer(written, entry.commit, findings, session.operation.id, created=True)
    return {**answer, "move": moving.answer(*move, session) if move else None}


def existing(same: Sequence[Row], label: str | None, by_label: Callable[[str], Row | None], digest: str) -> Row | None:
    """What is published already and answers for this content: None where a new version is due.

    Raises AlreadyExists where the label is held by other content.
    """
    holder = by_label(label) if label is not None else None
    if holder is not None and holder.record.digest != digest:
        raise AlreadyExists(
            f"the label {label} is taken by v{holder.record.version}, which has other content",
            hint="labels are never moved: choose another one",
            details={"version": holder.record.version, "digest": holder.record.digest},
        )
    if holder is not None:
        return holder
    return same[0] if same and label is None else None


def next_number(newest: int, wanted: int | None) -> int:
    """The number of a new version; a wanted one must be above all that exist."""
    if wanted is None:
        return newest + 1
    if not newest < wanted <= 999_999_999:
        raise Conflict(
            f"the number {wanted} is not free: the newest is v{newest}", hint=f"say a number from {newest + 1}"
        )
    return wanted


def check_allow(allow: Sequence[str], reason: str) -> None:
    """Raises InvalidInput for a code that is no judgement, or an override without a reason."""
    for code in allow:
        rule = RULES.get(code)
        if rule is None or not rule.judgement:
            known = ", ".join(sorted(code for code, rule in RULES.items() if rule.judgement))
            raise InvalidInput(f"{names.show(code)} cannot be allowed", hint=f"only these can: {known}")
    if allow and not reason:
        raise InvalidInput("an override wants a reason", hint="say it with -m TEXT; it is kept with the release")


def raise_for(answer: answers.CheckAnswer) -> None:
    """Raise what `publish` would for the same findings."""
    against = [finding for finding in answer["findings"] if finding["severity"] == Severity.ERROR]
    kind = InvalidManifest if any(finding["code"] in MANIFEST_CODES for finding in against) else ChecksFailed
    counted = f"{len(against)} error{'' if len(against) == 1 else 's'}"
    raise kind(f"the release has {counted}", hint="mend them and try again")


def refuse(findings: Sequence[Finding], allow: Sequence[str], *, unsealed: bool) -> None:
    """Raise what the findings amount to: InvalidManifest, ChecksFailed, or nothing."""
    against = refusing(findings, allow)
    if not against and not unsealed:
        return
    counted = f"{len(against)} error{'' if len(against) == 1 else 's'}"
    details = {"findings": reading.finding_answers(findings)}
    if any(finding.code in MANIFEST_CODES for finding in against):
        raise InvalidManifest(f"the manifest has {counted}", hint="mend them and try again", details=details)
    raise ChecksFailed(f"the release has {counted}", hint="mend them and try again", details=details)


def _answer(
    record: ReleaseRecord,
    commit: str,
    findings: list[answers.FindingAnswer],
    operation: str | None,
    *,
    created: bool,
) -> answers.PublishAnswer:
    return {
        "ref": f"{record.bundle}@v{record.version}",
        "bundle": record.bundle,
        "version": record.version,
        "label": record.label,
        "digest": record.digest,
        "commit": commit,
        "serial": record.stamp.serial,
        "created": created,
        "findings": findings,
        "operation": operation,
        "move": None,
    }


def _answer_again(
    session: Session, before: Sequence[tuple[str, Any]], findings: Sequence[Finding]
) -> answers.PublishAnswer:
    """The first answer of a write that happened already."""
    moves = [(record, commit) for commit, record in before if isinstance(record, MoveRecord)]
    released = [(record, commit) for commit, record in before if isinstance(record, ReleaseRecord)]
    if released:
        record, commit = released[0]
    else:  # the content was there, and only the alias moved
        moved = moves[0][0]
        row = session.catalog.release(moved.bundle, moved.to_version or 0)
        if row is None:
            raise AssertionError("a move names a release that exists")
        record, commit = row.record, row.commit
    answer = _answer(record, commit, reading.finding_answers(findings), session.operation.id, created=bool(released))
    return {**answer, "move": moving.answer(*moves[0], session) if moves else None}


def _dry(
    session: Session, record: Callable[[Stamp], ReleaseRecord], findings: list[answers.FindingAnswer]
) -> answers.PublishAnswer:
    head = session.catalog.head()
    would = record(Stamp(serial=head.serial + 1, prev=head.commit, at=head.at, actor=session.actor, operation=""))
    return _answer(would, "", findings, None, created=True)
