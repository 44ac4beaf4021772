"""Reviewing: what a promotion would change, what stands in front of it, and what the candidate lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import findings, names
from pinset.domain.access import Verb, may, permit, permit_anywhere
from pinset.domain.assembly import assemble_release
from pinset.domain.diff import as_json
from pinset.domain.document import content_of
from pinset.domain.moves import back_chain
from pinset.domain.references import parse
from pinset.domain.review import base as basing
from pinset.domain.review import commands, words
from pinset.domain.sealed import COMPONENTS, MANIFEST
from pinset.errors import PermissionDenied
from pinset.ports.registry import Caller
from pinset.services import approving, comparing, evidence, moving, policies, queries, reading, requests, versions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pinset.domain.answers import FindingAnswer, ReleaseSummary
    from pinset.domain.answers.requests import RequestAnswer
    from pinset.domain.answers.reviews import BaseAnswer, LackItem, ReviewAnswer, SinceAnswer
    from pinset.domain.diff.lacking import Lack
    from pinset.domain.records import MoveRecord
    from pinset.domain.review.base import Served
    from pinset.ports.catalog import CatalogReader, MoveRow, ReleaseRow
    from pinset.services.session import Context

_EVIDENCE: Final = 50
_CHARACTERS: Final = 3_000_000
"""Characters of all releases together that are held against each other for what is lacking."""
_MADE: Final = 20
"""Releases that were made from each other which are followed."""
_LEFT: Final = 3
"""Releases that rollbacks left behind which a candidate is held against, and moves that are looked through for them."""
_MOVES: Final = 100


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
        permit(self._context.grants, Verb.READ, bundle, names.alias_name(alias))
        with reading.view(self._context) as reader:
            row, move = reading.find_release(reader, wanted)
            called = move.record.alias if move else row.record.label
            looked = _Look(self._context, reader, bundle, alias)
            return _of_promotion(looked, row, source, called, caller or Caller(actor=""))

    def working_copy(self, files: Mapping[str, str], *, alias: str = "production") -> ReviewAnswer:
        """What the files of a bundle directory would change against what an alias serves."""
        names.alias_name(alias)
        permit_anywhere(self._context.grants, Verb.READ)
        with reading.view(self._context) as reader:
            result = assemble_release(files, versions.surroundings(reader, self._context.grants))
            bundle = result.draft.bundle or ""
            if bundle and names.is_bundle_name(bundle):
                permit(self._context.grants, Verb.READ, bundle, alias)
            looked = _Look(self._context, reader, bundle, alias)
            digest = result.sealed.digest if result.sealed is not None else None
            same = reader.releases_by_digest(bundle, digest)[-1:] if bundle and digest else ()
            ref = f"{bundle or 'bundle'} ({comparing.WORKING_COPY})"
            found = _found(looked, result.content, None, None, ref, published=same[0] if same else None)
            found["findings"] = findings.as_answers(result.findings)
            found["can"] = result.sealed is not None and not findings.refusing(result.findings)
            return found


@dataclass(frozen=True, slots=True)
class _Look:
    """One view of an alias."""

    context: Context
    reader: CatalogReader
    bundle: str
    alias: str

    @property
    def move(self) -> MoveRow | None:
        """The alias's newest move, None where it never moved."""
        return self.reader.alias(self.bundle, self.alias) if self.bundle else None

    @property
    def serves(self) -> int | None:
        """What the alias serves."""
        move = self.move
        return move.record.to_version if move else None


def _of_promotion(looked: _Look, row: ReleaseRow, source: str, called: str | None, caller: Caller) -> ReviewAnswer:
    reader, record = looked.reader, row.record
    form = reader.sealed_release(record.bundle, record.version)
    ref = f"{record.which}" + (f" ({called})" if called else "")
    found = _found(looked, content_of(form), row, source, ref)
    judged = policies.judged_now(looked.context, reader, caller, row, looked.alias)
    results = evidence.about(reader, record.bundle, record.version, _EVIDENCE)
    waiting = approving.waiting_at(looked.context, reader, looked.bundle, looked.alias)
    texts = {path: text for path, text in form.files.items() if path.partition("/")[0] != COMPONENTS}
    texts.pop(MANIFEST, None)
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
        "can": judged.answer["can"],
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
    looked: _Look,
    content: dict[str, Any] | None,
    row: ReleaseRow | None,
    source: str | None,
    ref: str,
    *,
    published: ReleaseRow | None = None,
) -> ReviewAnswer:
    """A review as far as it is the same for a release and for a working copy.

    row: of a release. published: of a working copy, the release with exactly its content.
    """
    reader, move, serves = looked.reader, looked.move, looked.serves
    before: dict[str, Any] = {}
    from_ref = None
    if serves is not None:
        before = content_of(reader.sealed_release(looked.bundle, serves))
        from_ref = f"{looked.bundle}@v{serves} ({looked.alias})"
    after = content if content is not None else before
    changes = comparing.compared(looked.context, reader, before, after, own={looked.bundle})
    lacks, left_out, base, notes = _lacking(looked, content, row or published)
    is_new = not looked.bundle or reader.bundle(looked.bundle) is None
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
        "lacks": lacks,
        "lacks_left_out": left_out,
        "base": base,
        "candidate": None,
        "serving": queries.alias_answer(reader, move) if move else None,
        "notes": notes,
        "command": None,
        "then": [],
    }


def _lacking(
    looked: _Look, content: dict[str, Any] | None, row: ReleaseRow | None
) -> tuple[list[LackItem], int, BaseAnswer | None, list[str]]:
    """What the alias's release has and a candidate lacks, what both come from, and what is to be said of that."""
    version = row.record.version if row else None
    if content is None or looked.serves in (None, version):
        return [], 0, None, []
    room = _CHARACTERS - _size(content)
    line, origin = [], _origin(looked, row) if row else None
    for one, form_size in _line(looked):
        room -= form_size
        if room < 0:
            break
        line.append(one)
    if not line:
        return [], 0, None, ["the releases are too large to look for what one has and the other lacks"]
    recorded = next((one for one in line if origin and one.version in origin[1]), None)
    base = basing.base_of(content, origin[0] if origin else None, line, recorded)
    if base is None:
        return [], 0, None, _held_again(looked, content, row, line[0], room)
    found, left_out = basing.what_is_lacking(base, line, content)
    candidate = f"v{version}" if version else "this working copy"
    usual = next((one.version for one in line if row and one.moved < row.record.stamp.serial), line[0].version)
    told: BaseAnswer = {
        "version": base.release.version,
        "ref": f"{looked.bundle}@v{base.release.version}",
        "why": base.why,
        "words": words.why(base, looked.alias, candidate, version, usual),
    }
    items = [_item(lack, by, looked.alias, candidate) for lack, by in found]
    return items, left_out, told, _held_again(looked, content, row, line[0], room)


def _line(looked: _Look) -> Iterator[tuple[Served, int]]:
    """What an alias serves, then what it served before and no rollback undid, each once; with the size of its texts."""
    reader, move = looked.reader, looked.move
    if move is None:
        return

    def step(seq: int) -> MoveRecord | None:
        row = reader.move(looked.bundle, looked.alias, seq)
        return row.record if row else None

    seen: set[int] = set()
    for record in (move.record, *back_chain(move.record, step)):
        version = record.to_version
        if version is None or version in seen:
            continue
        seen.add(version)
        row = reader.release(looked.bundle, version)
        if row is not None and row.purged is None:
            content = content_of(reader.sealed_release(looked.bundle, version))
            yield _served(row, record, content), _size(content)
        if len(seen) == basing.LOOKED_AT:
            return


def _origin(looked: _Look, row: ReleaseRow) -> tuple[int, frozenset[int]]:
    """When the files that a release was made of were sent, as a serial; and itself and what it was made from."""
    made = [row.record.version]
    while len(made) < _MADE and row.record.made_from is not None and row.record.made_from.name == looked.bundle:
        older = looked.reader.release(looked.bundle, row.record.made_from.number)
        if older is None or older.record.version in made:
            break
        made.append(older.record.version)
        row = older
    return row.record.stamp.serial, frozenset(made)


def _held_again(looked: _Look, content: dict[str, Any], row: ReleaseRow | None, now: Served, room: int) -> list[str]:
    """Sentences on what rollbacks took back and the candidate has again."""
    barred = set(looked.reader.bars(looked.bundle, looked.alias)) - {row.record.version if row else 0}
    told: list[str] = []
    moves = looked.reader.moves(looked.bundle, looked.alias, limit=_MOVES) if barred else ()
    for move in moves:
        left = move.record.bars
        if left not in barred or len(told) == _LEFT:
            continue
        barred.discard(left)
        behind = looked.reader.release(looked.bundle, left)
        if behind is None or behind.purged is not None:
            continue
        was = content_of(looked.reader.sealed_release(looked.bundle, left))
        room -= _size(was)
        held, total = basing.held_again(now.content, was, content) if room > 0 else (0, 0)
        if held:
            why = f": {words.quoted(move.record.reason)}" if move.record.reason else ""
            told.append(
                f"v{left} was rolled back from {looked.alias} by {move.record.stamp.actor}{why}; "
                f"this has {held} of its {total} change{'' if total == 1 else 's'} again"
            )
    return told


def _notes(looked: _Look, row: ReleaseRow, *, barred: bool) -> list[str]:
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


def _findings(looked: _Look, texts: Mapping[str, str]) -> list[FindingAnswer]:
    """What the checks say of a release's own files today; nothing for who may not read what they ask for."""
    try:
        result = assemble_release(texts, versions.surroundings(looked.reader, looked.context.grants))
    except PermissionDenied:
        return []
    return findings.as_answers(result.findings)


def _summary(looked: _Look, row: ReleaseRow) -> ReleaseSummary:
    serving = reading.serving(looked.reader, looked.bundle).get(row.record.version, [])
    return reading.summary_answer(
        row, [name for name in serving if may(looked.context.grants, Verb.READ, looked.bundle, name)]
    )


def _request_for(waiting: Sequence[RequestAnswer], serves: int | None, version: int) -> tuple[int, str, str] | None:
    """Number, revision and person of the request for exactly this."""
    same = (one for one in waiting if (one["from"], one["to"], one["aim"]) == (serves, version, "promote"))
    return next(((one["number"], one["revision"], one["person"]) for one in same), None)


def _served(row: ReleaseRow, move: MoveRecord, content: Mapping[str, Any]) -> Served:
    return basing.Served(
        version=row.record.version,
        label=row.record.label,
        serial=row.record.stamp.serial,
        moved=move.stamp.serial,
        at=move.stamp.at,
        by=move.stamp.actor,
        reason=move.reason,
        message=row.record.message,
        published_by=row.record.stamp.actor,
        content=content,
    )


def _item(lack: Lack, by: Served, alias: str, candidate: str) -> LackItem:
    more = max(len(lack.added) - words.LINES, 0) + max(len(lack.removed) - words.LINES, 0)
    since: SinceAnswer = {
        "version": by.version,
        "label": by.label,
        "at": reading.time(by.at),
        "by": by.by,
        "reason": by.reason,
        "message": by.message,
        "published_by": by.published_by,
    }
    return {
        "kind": lack.kind,
        "component": lack.component,
        "name": lack.name,
        "path": lack.path,
        "line": lack.line,
        "candidate_line": lack.candidate_line,
        "added": list(lack.added[: words.LINES]),
        "removed": list(lack.removed[: words.LINES]),
        "left_out": more,
        "base": lack.base,
        "serves": lack.serves,
        "candidate": lack.candidate,
        "since": since,
        "sentence": words.sentence(lack, by, alias, candidate),
    }


def _size(content: Mapping[str, Any]) -> int:
    """Characters of a content, roughly."""
    total, stack = 0, [content]
    while stack:
        thing: Any = stack.pop()
        if isinstance(thing, dict):
            stack += thing.values()
        elif isinstance(thing, list):
            stack += thing
        total += len(thing) if isinstance(thing, str) else 8
    return total
