"""The catalog as it will be once a write is made: the notes and releases that the write has staged so far are in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.domain import messages
from pinset.domain.notes import note_of
from pinset.domain.records import ReleaseRecord
from pinset.ports.catalog import ReleaseRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.domain.records import Record
    from pinset.ports.catalog import CatalogReader, Entry


class Staged:
    """A reader of the catalog that also has the notes and releases a write has staged. All else is as the catalog has it.

    An approval or a result that passes the last gate is judged before it is written, with the move that it lets pass.
    """

    def __init__(self, reader: CatalogReader, entries: Sequence[Entry]) -> None:
        self._reader = reader
        self._entries = entries

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def release(self, bundle: str, version: int) -> ReleaseRow | None:
        """One release by its number."""
        for entry in self._entries:
            record = entry.record
            if isinstance(record, ReleaseRecord) and (record.bundle, record.version) == (bundle, version):
                return ReleaseRow(record=record, commit=entry.commit, yanked=None)
        return self._reader.release(bundle, version)

    def notes(
        self,
        kinds: Sequence[str],
        *,
        bundle: str | None = None,
        version: int | None = None,
        number: int | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> Sequence[tuple[str, Record]]:
        """Notes, newest first: see `ports.catalog.CatalogReader.notes`."""
        wanted = (bundle, version, number)
        found: list[tuple[str, Record]] = []
        for entry in reversed(self._entries):
            note = note_of(entry.record)
            if (
                note is not None
                and messages.kind_of(entry.record) in kinds
                and all(want is None or want == has for want, has in zip(wanted, note, strict=True))
                and (before is None or entry.record.stamp.serial < before)
            ):
                found.append((entry.commit, entry.record))
        older = self._reader.notes(kinds, bundle=bundle, version=version, number=number, before=before, limit=limit)
        return [*found, *older][:limit]
