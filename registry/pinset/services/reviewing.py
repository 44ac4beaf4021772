"""Reviewing: what a promotion would change, what stands in front of it, and what the candidate lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain import findings, names
from pinset.domain.access import Verb, permit_anywhere
from pinset.domain.assembly import assemble_release
from pinset.domain.diff import Files, as_json
from pinset.domain.document import content_of
from pinset.domain.references import parse
from pinset.domain.review import commands, words
from pinset.domain.sealed import COMPONENTS, MANIFEST
from pinset.errors import PermissionDenied
from pinset.ports.registry import Caller
from pinset.services import (
    approving,
    comparing,
    evidence,
    lacks,
    moving,
    naming,
    policies,
    queries,
    reading,
    requests,
    versions,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain.answers import FindingAnswer, ReleaseSummary
    from pinset.domain.answers.requests import RequestAnswer
    from pinset.domain.answers.reviews import ReviewAnswer
    from pinset.ports.catalog import ReleaseRow
    from pinset.services.lacks import Look
    from pinset.services.session import Context

_EVIDENCE: Final = 50


class LocalReviews:
    """Implements `ports.reviews.Reviews`."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def promotion(
        self, bundle: str, *, source: str = "staging", alias: str = "production", caller: Caller | None = None
    ) -> ReviewAnswer:
        """What making an alias serve a candidate would change."""
        wanted = parse(f"{names.bundle_name(bundle)}@{source}", default=None)
        reading.permit(self._context, wanted)
        naming.permit(self._context, Verb.READ, bundle, names.alias_name(alias))
        with reading.view(self._context) as reader:
            bundle = naming.named(reader).called(bundle)
            row, move = reading.find_release(reader, wanted)
            called = move.record.alias if move else row.record.label
            looked = lacks.Look(self._context, reader, bundle, alias)
            return _of_promotion(looked, row, source, called, caller or Caller(actor=""))

    def working_copy(self, files: Mapping[str, str], *, alias: str = "production") -> ReviewAnswer:
        """What the files of a bundle directory would change against what an alias serves."""
        names.alias_name(alias)
        permit_anywhere(self._context.grants, Verb.READ)
        with reading.view(self._context) as reader:
            result = assemble_release(files, versions.surroundings(reader, self._context.grants))
            bundle = result.draft.bundle or ""
            if bundle and names.is_bundle_name(bundle):
                naming.permit(self._context, Verb.READ, bundle, alias, reader=reader)
                bundle = naming.named(reader).called(bundle)
            looked = lacks.Look(self._context, reader, bundle, alias)
            digest = result.sealed.digest if result.sealed is not None else None
            same = reader.releases_by_digest(bundle, digest)[-1:] if bundle and digest else ()
            ref = f"{bundle or 'bundle'} ({comparing.WORKING_COPY})"
            texts = comparing.files_of(files, result.findings)
            found = _found(looked, result.content, texts, None, None, ref, published=same[0] if same else None)
            found["findings"] = findings.as_answers(result.findings)
            found["can"] = result.sealed is not None and not findings.refusing(result.findings)
            if _is_archived(looked):
                found |= {"can": False, "then": [commands.unarchive(bundle)]}
            return found


def _of_promotion(looked: Look, row: ReleaseRow, source: str, called: str | None, caller: Caller) -> ReviewAnswer:
    reader, record = looked.reader, row.record
    form = reader.sealed_release(record.bundle, record.version)
    ref = f"{record.which}" + (f" ({called})" if called else "")
    found = _found(looked, content_of(form), Files.of(form), row, source, ref)
    judged = policies.judged_now(looked.context, reader, caller, row, looked.alias)
    results = evidence.about(reader, record.bundle, record.version, _EVIDENCE)
    waiting = approving.waiting_at(looked.context, reader, looked.bundle, looked.alias)
    texts = {path: text for path, text in form.files.items() if path.partition("/")[0] != COMPONENTS}
    texts.pop(MANIFEST, None)
    archived = _is_archived(looked)
    barred = record.version in reader.bars(looked.bundle, looked.alias)
    serves = looked.serves
    told = commands.steps(
        commands.Case(
            bundle=looked.bundle,
            alias=looked.alias,
            serves=serves,
            version=record.version,
            message=record.message,
            yanked=row.yanked,
            archived=archived,
            barred=barred,
            ungranted=judged.ungranted,
            gates=judged.gates,
            request=_request_for(waiting, serves, record.version),
            who=caller.who,
            publishers=requests.publishers(reader, record),
            lacks=len(found["lacks"]),
        )
    )
    found |= {
        "candidate": _summary(looked, row),
        "gates": judged.answer,
        "can": judged.answer["can"] and not archived,
        "evidence": results["items"],
        "evidence_more": results["next"] is not None,
        "requests": waiting,
        "findings": _findings(looked, texts),
        "command": told.command,
        "then": told.then,
    }
    found["notes"] = [*_notes(looked, row, barred=barred), *found["notes"]]
    return found


def _found(
    looked: Look,
    content: dict[str, Any] | None,
    files: Files,
    row: ReleaseRow | None,
    source: str | None,
    ref: str,
    *,
    published: ReleaseRow | None = None,
) -> ReviewAnswer:
    """A review as far as it is the same for a release and for a working copy.

    files: what it is, or would be, published with. row: of a release. published: of a working copy, the release with exactly its content.
    """
    reader, move, serves = looked.reader, looked.move, looked.serves
    before, was = dict[str, Any](), Files()
    from_ref = None
    if serves is not None:
        form = reader.sealed_release(looked.bundle, serves)
        before, was = content_of(form), Files.of(form)
        from_ref = f"{looked.bundle}@v{serves} ({looked.alias})"
    after, now = (content, files) if content is not None else (before, was)
    changes = comparing.compared(looked.context, reader, before, after, own={looked.bundle}, files=(was, now))
    found, left_out, base, notes = lacks.lacking_of(looked, content, row or published)
    known = reader.bundle(looked.bundle) if looked.bundle else None
    is_new = known is None
    if known is not None and known.archived:
        notes.append(f"the bundle {known.name} is archived: nothing is published or promoted until it is in use again")
    if row is None and is_new:
        notes.append(f"{looked.bundle or 'this'} is a new bundle: the registry has none of this name")
    elif row is None and serves is None:
        notes.append(f"{looked.alias} {'is retired' if move else 'has never served anything of this bundle'}")
        notes += moving.new_alias(reader, looked.bundle, looked.alias)
    if published is not None:
        same = published.record.version == serves
        notes.append(
            f"{looked.alias} serves exactly this: v{serves}"
            if same
            else f"this content is published already: {published.record.which}"
        )
    return {
        "bundle": looked.bundle,
        "source": source,
        "alias": looked.alias,
        "from": serves,
        "to": row.record.version if row else None,
        "from_ref": from_ref,
        "to_ref": ref,
        "is_new": is_new,
        "is_readable": content is not None,
        "can": False,
        "diff": as_json(changes, old=from_ref or "nothing", new=ref),
        "gates": None,
        "evidence": [],
        "evidence_more": False,
        "requests": [],
        "findings": [],
        "lacks": found,
        "lacks_left_out": left_out,
        "base": base,
        "candidate": None,
        "serving": queries.alias_answer(reader, move) if move else None,
        "notes": notes,
        "command": None,
        "then": [],
    }


def _is_archived(looked: Look) -> bool:
    row = looked.reader.bundle(looked.bundle) if looked.bundle else None
    return row is not None and row.archived


def _notes(looked: Look, row: ReleaseRow, *, barred: bool) -> list[str]:
    """Sentences on what a promotion would be."""
    move, serves, version = looked.move, looked.serves, row.record.version
    told: list[str] = []
    if serves == version:
        return [f"{looked.alias} serves v{version} already"]
    if move is None:
        told = [f"{looked.alias} has never served anything of {looked.bundle}: this is its first release"]
        told += moving.new_alias(looked.reader, looked.bundle, looked.alias)
    elif serves is None:
        told = [f"{looked.alias} is retired; this makes it serve again"]
    else:
        now = looked.reader.release(looked.bundle, serves)
        if now is not None and now.record.digest == row.record.digest:
            told.append(f"v{version} and v{serves} are the same content under two numbers")
        elif looked.reader.served_before(looked.bundle, looked.alias, version, move.record.seq) is not None:
            told.append(f"{looked.alias} served v{version} before: this goes back to it")
        elif version < serves:
            told.append(f"v{version} was published before v{serves}, which {looked.alias} serves")
        if now is not None and now.yanked is not None:
            told.append(f"v{serves}, which {looked.alias} serves, is yanked: {words.quoted(now.yanked)}")
    if row.yanked is not None:
        told.append(f"v{version} is yanked: {words.quoted(row.yanked)}")
    if barred:
        told.append(f"v{version} was rolled back from {looked.alias}, and is barred from it")
    return told


def _findings(looked: Look, texts: Mapping[str, str]) -> list[FindingAnswer]:
    """What the checks say of a release's own files today; nothing for who may not read what they ask for."""
    try:
        result = assemble_release(texts, versions.surroundings(looked.reader, looked.context.grants))
    except PermissionDenied:
        return []
    return findings.as_answers(result.findings)


def _summary(looked: Look, row: ReleaseRow) -> ReleaseSummary:
    serving = reading.serving(looked.reader, looked.bundle).get(row.record.version, [])
    return reading.summary_answer(
        row,
        [
            name
            for name in serving
            if naming.may_any(looked.context.grants, Verb.READ, looked.reader, looked.bundle, name)
        ],
    )


def _request_for(waiting: Sequence[RequestAnswer], serves: int | None, version: int) -> tuple[int, str, str] | None:
    """Number, revision and person of the request for exactly this."""
    same = (one for one in waiting if (one["from"], one["to"], one["aim"]) == (serves, version, "promote"))
    return next(((one["number"], one["revision"], one["person"]) for one in same), None)
