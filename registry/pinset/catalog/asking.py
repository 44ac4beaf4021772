"""How rows are asked for: in one transaction, and proven before anything is made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.catalog import questions as q
from pinset.catalog.questions import t
from pinset.domain import messages, sealed
from pinset.domain.records import PurgeRecord
from pinset.errors import Integrity, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Executable, Row, Select

    from pinset.domain.records import Record
    from pinset.domain.sealed import Sealed
    from pinset.ports.catalog import ComponentRow, ReleaseRow


class Asking:
    """One connection in one transaction. What its rows say is proven: damage is Integrity, never an answer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def connection(self) -> Connection:
        """The connection, for what reads beside the port's questions."""
        return self._connection

    def raw(self, serial: int) -> str:
        """The commit's own text."""
        row = self._one(q.COMMIT, serial=serial)
        if row is None:
            raise NotFound(f"there is no write {serial}")
        return q.raw(q.part(row, t.Commit))

    def _listed(self, digest: str, ref: str) -> tuple[str, dict[str, str]]:
        """A manifest that is proven, and the SHA-256 of every file that it lists."""
        row = self._one(q.MANIFEST, digest=digest)
        text = row.text if row else None
        if not isinstance(text, str) or sealed.digest_of(text) != digest:
            raise Integrity(
                f"the catalog's manifest of {digest} ({ref}) is damaged",
                hint="run `pinset reindex`, then `pinset verify`",
            )
        return text, {path: entry["sha256"] for path, entry in sealed.parse(text)["files"].items()}

    def _sealed(self, digest: str, ref: str) -> Sealed:
        """Texts by a manifest, every byte checked: what is damaged is said, never served."""
        text, listed = self._listed(digest, ref)
        hashes = sorted(set(listed.values()))
        texts = {row.sha256: str(row.text) for row in self._rows(q.TEXTS, hashes=hashes)}
        form = sealed.Sealed(text, {path: texts.get(hashed, "") for path, hashed in listed.items()})
        try:
            sealed.verify(form, digest)
        except Integrity as error:
            raise Integrity(
                f"the catalog is damaged: {error.message}", hint="run `pinset reindex`, then `pinset verify`"
            ) from error
        return form

    def _release(self, row: Row[Any]) -> ReleaseRow:
        return q.release_row(row, self._purge)

    def _component(self, row: Row[Any]) -> ComponentRow:
        return q.component_row(row, self._purge)

    def _purge(self, serial: int | None) -> PurgeRecord | None:
        """The purge of a serial: few rows have one, so it is looked up apart."""
        if serial is None:
            return None
        record = next((record for _, record in self._records(q.AT, serial=serial)), None)
        if not isinstance(record, PurgeRecord):
            raise Integrity("the catalog takes another commit for a purge", hint="run `pinset reindex`")
        return record

    def _records(self, wanted: Select[Any], **values: Any) -> list[tuple[str, Record]]:
        parts = (q.part(row, t.Commit) for row in self._rows(wanted, **values))
        return [(part["id"], messages.decode(part["message"])) for part in parts]

    def _one(self, wanted: Select[Any], **values: Any) -> Row[Any] | None:
        rows = self._rows(wanted, **values)
        return rows[0] if rows else None

    def _rows(self, wanted: Executable, **values: Any) -> Sequence[Row[Any]]:
        try:
            return self._connection.execute(wanted, values).all()
        except (ValueError, TypeError, ArithmeticError) as error:  # a value that no column of its type can hold
            raise Integrity(f"the catalog is damaged: {error}", hint="run `pinset reindex`") from error
