"""Blame: the states of a file, read from the catalog from the newest back, as far as there is room."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pinset.domain import names, provenance
from pinset.domain.blame import LONGEST, STATES, Budget, State, lines_of
from pinset.domain.blame import blame as attributed
from pinset.domain.records import Action
from pinset.domain.references import parse
from pinset.domain.sealed import MANIFEST
from pinset.errors import InvalidInput, Purged, TooLarge, Unavailable
from pinset.services import moments, queries, reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.domain.answers.blame import BlameAnswer, BlameMove, BlameOrigin
    from pinset.ports.catalog import CatalogReader, MoveRow, ReleaseRow
    from pinset.services.session import Context


@dataclass(frozen=True, slots=True)
class _Step:
    """A version, and the move to it where it is an alias that is looked at."""

    version: int
    move: MoveRow | None = None


def blame(context: Context, reference: str, path: str, *, at: str | None = None) -> BlameAnswer:
    """For each line of a file of a release, what brought it."""
    names.file_path(path)
    if path == MANIFEST:
        raise InvalidInput(f"{MANIFEST} is written by the registry, not by people", hint="name a file of the author's")
    wanted = parse(reference)
    reading.permit(context, wanted)
    with reading.view(context) as reader:
        then = moments.find(context, reader, at) if at is not None else None
        row, move = moments.release_at(reader, wanted, then) if then else reading.find_release(reader, wanted)
        steps, whole = _moves(reader, move) if move else _releases(reader, row)
        budget = Budget()
        states = _File(reader, row.record.bundle, path, budget).states(steps)
        lines = attributed(states, budget)
        looked_at = steps[len(steps) - len(states) :]
        used = sorted({position for line in lines for position in (line.origin, line.since)})
        place = {position: number for number, position in enumerate(used)}
        found: BlameAnswer = {
            "ref": f"{row.record.bundle}@v{row.record.version}",
            "bundle": row.record.bundle,
            "version": row.record.version,
            "alias": move.record.alias if move else None,
            "path": path,
            "complete": whole and len(states) == len(steps),
            "coarse": budget.coarse,
            "origins": [_origin(reader, row.record.bundle, looked_at[position]) for position in used],
            "lines": [
                {"number": number, "text": line.text, "origin": place[line.origin], "since": place[line.since]}
                for number, line in enumerate(lines, start=1)
            ],
        }
    return {**found, "at": then.text} if then else found


def _moves(reader: CatalogReader, current: MoveRow) -> tuple[list[_Step], bool]:
    """What an alias served until a move, the oldest first, and whether that is all. While it served nothing no line changed."""
    record = current.record
    rows = reader.moves(record.bundle, record.alias, before=record.stamp.serial + 1, limit=STATES)
    steps = [_Step(row.record.to_version, row) for row in reversed(rows) if row.record.to_version is not None]
    return steps, rows[-1].record.seq == 1


def _releases(reader: CatalogReader, row: ReleaseRow) -> tuple[list[_Step], bool]:
    """The releases of a bundle up to one, the oldest first, and whether these are all."""
    rows = reader.releases(row.record.bundle, before=row.record.version + 1, limit=STATES + 1)
    return [_Step(one.record.version) for one in reversed(rows[:STATES])], len(rows) <= STATES


@dataclass(slots=True)
class _File:
    """One file in the releases of a bundle."""

    reader: CatalogReader
    bundle: str
    path: str
    budget: Budget
    _hashes: dict[int, str | None] = field(default_factory=dict)
    _lines: dict[str, list[str]] = field(default_factory=dict)

    def states(self, steps: Sequence[_Step]) -> list[State]:
        """The states of the newest steps that there is room for, the oldest first. Raises NotFound, TooLarge for the newest."""
        found = [self._newest(steps[-1])]
        after = self._hash(steps[-1].version)
        for step in reversed(steps[:-1]):
            try:
                lines, hashed = self._text(step.version), self._hash(step.version)
            except Purged:
                break
            if lines is not None and hashed != after and not self.budget.load(lines):
                break
            found.append(_state(step, lines))
            after = hashed
        return found[::-1]

    def _newest(self, step: _Step) -> State:
        lines = self._text(step.version)
        if lines is None:
            there = list(self.reader.listed(self.bundle, step.version))
            raise queries.no_file(f"{self.bundle}@v{step.version}", self.path, there)
        if len(lines) > LONGEST:
            raise TooLarge(
                f"{self.path} has {len(lines):,} lines, and blame takes {LONGEST:,}", hint="look at it in git instead"
            )
        self.budget.load(lines)
        return _state(step, lines)

    def _text(self, version: int) -> list[str] | None:
        """The lines in a version; the same list for the same text."""
        hashed = self._hash(version)
        if hashed is not None and hashed not in self._lines:
            self._lines[hashed] = lines_of(self.reader.text(f"sha256:{hashed}"))
        return self._lines[hashed] if hashed is not None else None

    def _hash(self, version: int) -> str | None:
        if version not in self._hashes:
            self._hashes[version] = self.reader.listed(self.bundle, version).get(self.path)
        return self._hashes[version]


def _state(step: _Step, lines: list[str] | None) -> State:
    return State(step.version, lines, undoes=step.move is not None and step.move.record.action is Action.ROLLBACK)


def _origin(reader: CatalogReader, bundle: str, step: _Step) -> BlameOrigin:
    row = reader.release(bundle, step.version)
    if row is None:
        raise Unavailable(f"{bundle}@v{step.version} is not in the catalog", hint="run `pinset reindex`")
    record = row.record
    return {
        "ref": f"{bundle}@v{record.version}",
        "version": record.version,
        "label": record.label,
        "published_at": reading.time(record.stamp.at),
        "by": record.stamp.actor,
        "person": record.stamp.who,
        "message": record.message,
        "source": provenance.shown(record.source),
        "move": _move(step.move) if step.move else None,
    }


def _move(row: MoveRow) -> BlameMove:
    record = row.record
    return {
        "seq": record.seq,
        "action": record.action.value,
        "at": reading.time(record.stamp.at),
        "by": record.stamp.actor,
        "person": record.stamp.who,
        "reason": record.reason,
        "revision": row.commit,
    }
