"""What can be searched: each text of a place once, and its words in the engine's own index.

SQLite has FTS5, PostgreSQL its text search; both hold nothing but words and the number of the passage, whose text is
read, and proven, where every text is. The index is written in the transaction of the release that it is of.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import DDL, bindparam, event, select, text

from pinset.catalog import questions as q
from pinset.catalog.questions import t
from pinset.catalog.rows import ByPlace
from pinset.domain.records import ReleaseRecord
from pinset.ports.catalog import Passage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType

    from sqlalchemy import Connection, Row

    from pinset.domain import searching
    from pinset.domain.records import ComponentRecord

    Ask = Callable[..., Sequence[Row[Any]]]

_SPREAD: Final = 1024
"""Numbers that a serial has: more than the files of a release."""
_COPIES: Final = "components/"
"""Where a release holds shared components by value: they are found as themselves."""

_MAKE: Final = {
    # The words are ready made, so the tokenizer that only splits at spaces is the one that agrees with them.
    "sqlite": "CREATE VIRTUAL TABLE passage_words USING fts5(words, content='', columnsize=0, tokenize='ascii')",
    "postgresql": "CREATE TABLE passage_words (id bigint PRIMARY KEY, words tsvector NOT NULL)",
}
_KEEP: Final = {
    "sqlite": text("INSERT INTO passage_words (rowid, words) VALUES (:id, :words)"),
    "postgresql": text("INSERT INTO passage_words (id, words) VALUES (:id, to_tsvector('simple', :words))"),
}
_FIND: Final = {
    "sqlite": text(
        "SELECT rowid AS id FROM passage_words WHERE passage_words MATCH :asked AND rowid < :before ORDER BY rowid DESC LIMIT :limit"
    ),
    "postgresql": text(
        "SELECT id FROM passage_words WHERE words @@ to_tsquery('simple', :asked) AND id < :before ORDER BY id DESC LIMIT :limit"
    ),
}
_OF_IDS: Final = t.Passage.id.in_(bindparam("ids", expanding=True))
_NEW: Final = select(t.Passage.id).where(_OF_IDS)
_FOUND: Final = select(*t.Passage.__table__.columns).where(_OF_IDS).order_by(q.descending(t.Passage.id))
_ROW: Final = ByPlace(t.Passage)
_END: Final = 2**62

_ddl: Any = DDL  # SQLAlchemy gives it no types
for _dialect, _statement in _MAKE.items():
    event.listen(t.CATALOG, "after_create", _ddl(_statement).execute_if(dialect=_dialect))
event.listen(
    t.CATALOG,
    "after_create",
    _ddl("CREATE INDEX passage_words_words ON passage_words USING gin (words)").execute_if(dialect="postgresql"),
)
event.listen(t.CATALOG, "before_drop", _ddl("DROP TABLE IF EXISTS passage_words"))


def of(record: ReleaseRecord | ComponentRecord, manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of the passages of a version, of which some may be there already. manifest: {} of what was purged."""
    release = isinstance(record, ReleaseRecord)
    key = record.bundle if isinstance(record, ReleaseRecord) else f"{record.kind}/{record.name}"
    places: list[tuple[str, str]] = [
        (path, entry["sha256"])
        for path, entry in sorted(manifest.get("files", {}).items())
        if not (release and path.startswith(_COPIES))
    ]
    said = said_of(record)
    if manifest and said:
        places.append(("", hashlib.sha256(said.encode()).hexdigest()))
    first = record.stamp.serial * _SPREAD
    return [
        {"key": key, "path": path, "sha256": sha256, "version": record.version, "id": first + n}
        for n, (path, sha256) in enumerate(places)
    ]


def said_of(record: ReleaseRecord | ComponentRecord) -> str:
    """What a publisher said of a version, as it is searched; '' where that is nothing."""
    said: str = _searching().said(record.label, record.message)
    return said


def keep_words(connection: Connection, texts: Mapping[int, str]) -> None:
    """Make passages findable. texts: by the number of the passage; of passages that were there before nothing is kept."""
    if not texts:
        return
    indexed = _searching().indexed
    new = connection.execute(_NEW, {"ids": list(texts)}).scalars().all()
    words = [{"id": number, "words": indexed(texts[number])} for number in sorted(new)]
    if words:
        connection.execute(_KEEP[connection.dialect.name], words)


def search(ask: Ask, dialect: str, query: searching.Query, before: int | None, limit: int) -> list[Passage]:
    """Passages that hold a query, newest first. ask: runs a statement."""
    asked = _asked_of_sqlite(query) if dialect == "sqlite" else _asked_of_postgres(query)
    numbers = [
        row.id for row in ask(_FIND[dialect], asked=asked, before=_END if before is None else before, limit=limit)
    ]
    return [_passage(row) for row in ask(_FOUND, ids=numbers)] if numbers else []


def _searching() -> ModuleType:
    """What knows words: making its patterns takes as long as a fetch, and neither fetches nor moves need them."""
    from pinset.domain import searching  # noqa: PLC0415 - see above

    return searching


def _passage(row: Row[Any]) -> Passage:
    """A row of `_FOUND`. Raises Integrity where it is damaged."""
    key, path, sha256, version, number = _ROW(tuple(row))
    return Passage(number, key, path or None, sha256, version)


def _asked_of_sqlite(query: searching.Query) -> str:
    """FTS5's own language. A phrase is in quotes, and words hold none."""
    phrases = [f'"{" ".join(phrase)}"' for phrase in query.phrases]
    return " AND ".join(phrases) + (" *" if query.open else "")


def _asked_of_postgres(query: searching.Query) -> str:
    phrases = [" <-> ".join(f"'{word}'" for word in phrase) for phrase in query.phrases]
    if query.open:
        phrases[-1] += ":*"
    return " & ".join(f"({phrase})" for phrase in phrases)
