"""What a candidate lacks that an alias serves: the releases it is held against, and what is said of each place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.document import content_of
from pinset.domain.moves import back_chain
from pinset.domain.review import base as basing
from pinset.domain.review import words
from pinset.services import reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinset.domain.answers.reviews import BaseAnswer, LackItem, SinceAnswer
    from pinset.domain.diff.lacking import Lack
    from pinset.domain.records import MoveRecord
    from pinset.domain.review.base import Served
    from pinset.ports.catalog import CatalogReader, MoveRow, ReleaseRow
    from pinset.services.session import Context

_CHARACTERS: Final = 3_000_000
"""Characters of all releases together that are held against each other for what is lacking."""
_MADE: Final = 20
"""Releases that were made from each other which are followed."""
_LEFT: Final = 3
"""Releases that rollbacks left behind which a candidate is held against, and moves that are looked through for them."""
_MOVES: Final = 100


@dataclass(frozen=True, slots=True)
class Look:
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


def lacking_of(
    looked: Look, content: dict[str, Any] | None, row: ReleaseRow | None
) -> tuple[list[LackItem], int, BaseAnswer | None, list[str]]:
    """What the alias's release has and a candidate lacks, what both come from, and what is to be said of that."""
    version = row.record.version if row else None
    if content is None or looked.serves in (None, version):
        return [], 0, None, []
    room = _CHARACTERS - _size(content)
    line, origin = [], origin_of(looked, row) if row else None
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
    if base.release.version == version:  # it was served before, which is more than that it was made from itself
        base = basing.Base(base.release, "served")
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


def _line(looked: Look) -> Iterator[tuple[Served, int]]:
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


def origin_of(looked: Look, row: ReleaseRow) -> tuple[int, frozenset[int]]:
    """When the files that a release was made of were sent, as a serial; and itself and what it was made from."""
    made = [row.record.version]
    while len(made) < _MADE and row.record.made_from is not None and row.record.made_from.name == looked.bundle:
        older = looked.reader.release(looked.bundle, row.record.made_from.number)
        if older is None or older.record.version in made:
            break
        made.append(older.record.version)
        row = older
    return row.record.stamp.serial, frozenset(made)


def _held_again(looked: Look, content: dict[str, Any], row: ReleaseRow | None, now: Served, room: int) -> list[str]:
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
