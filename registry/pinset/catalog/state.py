"""The state on SQL: tokens, answers to retries, refused attempts. It migrates, for nothing can make it again."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Engine, create_engine, delete, insert, inspect, select, update
from sqlalchemy.exc import IntegrityError

from pinset.catalog import state_tables
from pinset.catalog.flock import flock
from pinset.catalog.sql import translated
from pinset.catalog.sqlite import sqlite_engine
from pinset.errors import AlreadyExists, NotFound, UnknownFormat
from pinset.ports.state import ATTEMPTS, TARGET, Answer, Attempt, Scope, TokenRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

_translated = partial(
    translated,
    "the state",
    "stop what uses the registry and put a backup's state.sqlite in its place; or remove it: tokens, kept answers and "
    "attempts are gone then, and without tokens this machine may do everything",
)
REVISION: Final = "0001"
"""The newest migration; `migrations/versions` has them all."""
_KNOWN: Final = frozenset({"0001"})
t: Any = state_tables
"""SQLModel types columns as the values they hold, and SQLAlchemy wants columns."""


class SqlState:
    """Implements `ports.state.State` in a registry's directory on SQLite, or at a URL on another engine."""

    def __init__(self, where: Path | str) -> None:
        if isinstance(where, str):
            self._file, self._lock = None, None
            self._writer = self._reader = create_engine(where)
        else:
            self._file, self._lock = where / "state.sqlite", where / "state.lock"
            self._writer = sqlite_engine(self._file, writable=True, create=True)
            self._reader = sqlite_engine(self._file, writable=False)
        self._ready = False

    def add_token(self, token: TokenRow) -> None:
        """Keep a new token."""
        with self._writing() as connection:
            same = (t.TokenTable.name == token.name, t.TokenTable.revoked_at.is_(None))
            if connection.execute(select(t.TokenTable.id).where(*same)).first():
                raise AlreadyExists(f"there is a token {token.name}", hint="revoke it first, or choose another name")
            values = {name: getattr(token, name) for name in TokenRow.__slots__}
            connection.execute(insert(t.TokenTable).values(**{**values, "scope": token.scope.value}))

    def token(self, token_id: str) -> TokenRow | None:
        """A token by its id."""
        rows = self._rows(select(t.TokenTable.__table__).where(t.TokenTable.id == token_id))
        return _token(rows[0]) if rows else None

    def tokens(self) -> Sequence[TokenRow]:
        """All tokens, newest first."""
        rows = self._rows(select(t.TokenTable.__table__))
        return sorted((_token(row) for row in rows), key=lambda row: (-row.created_at, row.id))

    def revoke_token(self, name: str, at: int) -> TokenRow:
        """Revoke the token of that name."""
        with self._writing() as connection:
            valid = (t.TokenTable.name == name, t.TokenTable.revoked_at.is_(None))
            found = connection.execute(select(t.TokenTable.id).where(*valid)).scalar()
            if found is None:
                raise NotFound(f"there is no token {name}", hint="see them: pinset token list")
            connection.execute(update(t.TokenTable).where(t.TokenTable.id == found).values(revoked_at=at))
            return _token(connection.execute(select(t.TokenTable.__table__).where(t.TokenTable.id == found)).one())

    def touch_token(self, token_id: str, at: int) -> None:
        """Remember a use."""
        with self._writing() as connection:
            connection.execute(update(t.TokenTable).where(t.TokenTable.id == token_id).values(last_used_at=at))

    def answer(self, key: str, principal: str) -> Answer | None:
        """The kept answer."""
        wanted = (t.AnswerTable.key == key, t.AnswerTable.principal == principal)
        rows = self._rows(select(t.AnswerTable.__table__).where(*wanted))
        return Answer(**rows[0]._asdict()) if rows else None

    def keep_answer(self, answer: Answer, *, forget_before: int) -> None:
        """Keep an answer, unless the key has one; forget old ones."""
        values = {name: getattr(answer, name) for name in Answer.__slots__}
        try:
            with self._writing() as connection:
                connection.execute(delete(t.AnswerTable).where(t.AnswerTable.at < forget_before))
                wanted = (t.AnswerTable.key == answer.key, t.AnswerTable.principal == answer.principal)
                if connection.execute(select(t.AnswerTable.at).where(*wanted)).first() is None:
                    connection.execute(insert(t.AnswerTable).values(**values))
        except IntegrityError:  # another process kept one between the look and the write; the first counts
            return

    def add_attempt(self, attempt: Attempt) -> None:
        """Keep a refused attempt; forget the oldest by its number, which only grows."""
        values = {name: getattr(attempt, name) for name in Attempt.__slots__}
        values["target"] = attempt.target[:TARGET]
        with self._writing() as connection:
            key: Any = connection.execute(insert(t.AttemptTable).values(**values)).inserted_primary_key
            connection.execute(delete(t.AttemptTable).where(t.AttemptTable.id <= key[0] - ATTEMPTS))

    def attempts(self, *, limit: int = 100) -> Sequence[Attempt]:
        """Refused attempts, newest first."""
        newest: Any = t.AttemptTable.id
        rows = self._rows(select(t.AttemptTable.__table__).order_by(newest.desc()).limit(limit))
        return [Attempt(**{name: getattr(row, name) for name in Attempt.__slots__}) for row in rows]

    def backup(self, target: Path) -> None:
        """A consistent copy, made by SQLite itself."""
        if target.exists():
            raise AlreadyExists(f"{target} exists", hint="choose another file")
        if self._file is None:
            raise NotFound("the state is on a server", hint="use the server's own backup")
        with self._reading():
            pass
        with (
            _translated(),
            closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)

    def close(self) -> None:
        """Release connections."""
        self._writer.dispose()
        self._reader.dispose()

    def _rows(self, statement: Any) -> Sequence[Any]:
        """What a question finds. A state that was never written holds nothing, and looking does not make one."""
        if not self._ready and self._revision(self._reader) is None:
            return []
        with self._reading() as connection:
            return connection.execute(statement).all()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        self._make_ready()
        with _translated(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        self._make_ready()
        with _translated(), self._turn(), self._writer.begin() as connection:
            yield connection

    def _turn(self) -> Any:
        return flock(self._lock) if self._lock is not None else nullcontext()

    def _make_ready(self) -> None:
        """Bring the tables to this program's revision, once; an up-to-date state costs one look."""
        if self._ready:
            return
        if self._revision(self._reader) != REVISION:
            with _translated(), self._turn():
                found = self._revision(self._writer)
                if found is not None and found not in _KNOWN:
                    raise UnknownFormat(
                        f"the state has revision {found}, and this program knows up to {REVISION}",
                        hint="upgrade pinset; a newer one wrote this registry",
                    )
                if found != REVISION:
                    _migrate(self._writer)
        self._ready = True

    def _revision(self, engine: Engine) -> str | None:
        if self._file is not None and engine is self._reader and not self._file.exists():
            return None
        with _translated(), engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
            return found


def _migrate(engine: Engine) -> None:
    from alembic import command  # noqa: PLC0415 - 100 ms that only a new or old state needs
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", "pinset.catalog:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, REVISION)


def _token(row: Any) -> TokenRow:
    return TokenRow(**{**row._asdict(), "scope": Scope(row.scope)})
