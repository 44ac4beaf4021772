"""The state on SQL: tokens, answers to retries, rows of the audit log. It migrates, for nothing can make it again.

Every row carries a sum, and none is given that is not what was written. What rows cannot say is said by `MetaTable`:
how many tokens there are, and how often they changed. On SQLite ``state.serial`` is the witness of the latter: an older
file in the place of this one, or one whose log was lost, would let in who was shut out.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from sqlalchemy import (
    Engine,
    create_engine,
    delete,
    event,
    insert,
    inspect,
    literal_column,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from pinset.catalog import witness
from pinset.catalog.engine import examine, sqlite_engine
from pinset.catalog.flock import flock
from pinset.catalog.sql import translated
from pinset.catalog.state_rows import (
    WAY_OUT,
    answer_of,
    attempt_of,
    attempt_values,
    how_to_revoke,
    is_sound,
    is_sound_token,
    last_token,
    lost,
    refuse_lost,
    refuse_older,
    t,
    token_of,
    token_values,
    which_token,
)
from pinset.catalog.watch import Watch
from pinset.errors import AlreadyExists, Integrity, NotFound, PinsetError, UnknownFormat
from pinset.ports.state import ATTEMPTS, Answer, Kind, TokenRow
from pinset.ports.store import Damage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from pinset.catalog.state_rows import Row
    from pinset.domain.auditing import Wanted
    from pinset.ports.catalog import Mark
    from pinset.ports.state import Attempt

_translated = partial(translated, "the state", WAY_OUT)
REVISION: Final = "0004"
"""The newest migration; `migrations/versions` has them all."""
_KNOWN: Final = frozenset({"0001", "0002", "0003", "0004"})
_WITNESS: Final = "state.serial"
_VACUUM_SECONDS: Final = 10.0
"""How long readers of the state are waited for."""
_TOKENS: Final = "SELECT state_id, changes FROM state_meta"


class SqlState:
    """Implements `ports.state.State` in a registry's directory on SQLite, or at a URL on another engine."""

    def __init__(self, where: Path | str) -> None:
        if isinstance(where, str):
            self._file, self._lock, self._witness_file, self._watch = None, None, None, None
            self._writer = self._reader = create_engine(where)
        else:
            self._file, self._lock = where / "state.sqlite", where / "state.lock"
            self._witness_file = where / _WITNESS
            self._watch = Watch(self._file, _TOKENS)
            self._writer = sqlite_engine(self._file, writable=True, create=True)
            self._reader = sqlite_engine(self._file, writable=False)
            for engine in (self._writer, self._reader):
                event.listen(engine, "connect", _any_text)
        self._ready = False

    def prepare(self) -> None:
        """Make the file and its tables, or bring them up to date."""
        self._make_ready()

    def add_token(self, token: TokenRow, record: Callable[[TokenRow], Attempt] | None = None) -> None:
        """Keep a new token."""
        with self._writing_tokens() as connection:
            same = (t.TokenTable.name == token.name, t.TokenTable.revoked_at.is_(None))
            if connection.execute(select(t.TokenTable.id).where(*same)).first():
                raise AlreadyExists(f"there is a token {token.name}", hint="revoke it first, or choose another name")
            connection.execute(insert(t.TokenTable).values(**token_values(token)))
            if record is not None:
                _add_attempt(connection, record(token))

    def token(self, token_id: str) -> TokenRow | None:
        """A token by its id."""
        rows, _ = self._tokens(t.ONE_TOKEN, id=token_id)
        return token_of(rows[0]) if rows else None

    def tokens(self) -> Sequence[TokenRow]:
        """All tokens, newest first."""
        rows, made = self._tokens(t.ALL_TOKENS)
        refuse_lost(rows, made)
        return sorted((token_of(row) for row in rows), key=lambda row: (-row.created_at, row.id))

    def has_tokens(self) -> bool:
        """Whether there is a token that nobody revoked; one that is damaged or lost counts."""
        try:
            return any(row.revoked_at is None for row in self.tokens())
        except Integrity as error:
            if error.details.get("rows"):
                return True
            raise

    def revoke_token(
        self, name: str, at: int, record: Callable[[TokenRow], Attempt] | None = None, *, last: bool = True
    ) -> TokenRow:
        """Revoke the token of that name, or remove the damaged ones of that name or id."""
        with self._writing_tokens() as connection:
            revoked = self._revoke(connection, name, at)
            held = t.TokenTable.revoked_at.is_(None)
            if not last and connection.execute(select(t.TokenTable.id).where(held).limit(1)).first() is None:
                raise last_token(name)
            if record is not None:
                _add_attempt(connection, record(revoked))
            return revoked

    def _revoke(self, connection: Connection, name: str, at: int) -> TokenRow:
        rows = connection.execute(select(self._row(t.TokenTable), t.TokenTable.__table__)).mappings().all()
        found = [row for row in rows if row["name"] == name and is_sound_token(row) and row["revoked_at"] is None]
        if found:
            revoked = {**found[0], "revoked_at": at}
            changed = {"revoked_at": at, "sum": t.sum_of(t.TokenTable.__table__, revoked)}
            wanted = t.TokenTable.id == revoked["id"]
            connection.execute(update(t.TokenTable).where(wanted).values(**changed))
            return token_of({**revoked, **changed})
        damaged = [row for row in rows if name in (row["name"], row["id"]) and not is_sound_token(row)]
        if not damaged:
            raise NotFound(f"there is no token {name}", hint="see them: pinset token list")
        for row in damaged:
            connection.execute(delete(t.TokenTable).where(self._row(t.TokenTable) == row["of_row"]))
        return TokenRow(id=name, name=name, grants=(), secret_sha256=b"", created_at=at, expires_at=at, revoked_at=at)

    def mark(self) -> Mark | None:
        """The file, and how often its tokens changed; None on a server."""
        return self._watch.mark() if self._watch is not None else None

    def touch_token(self, token_id: str, at: int) -> None:
        """Remember a use."""
        values = {"last_used_at": at, "used_sum": t.sum_of_use(token_id, at)}
        with self._writing() as connection:
            connection.execute(update(t.TokenTable).where(t.TokenTable.id == token_id).values(**values))

    def answer(self, key: str, principal: str) -> Answer | None:
        """The kept answer."""
        wanted = (t.AnswerTable.key == key, t.AnswerTable.principal == principal)
        rows = self._rows(select(t.AnswerTable.__table__).where(*wanted))
        if not rows:
            return None
        # A damaged index may lead to another row, which is sound in itself.
        if not is_sound(t.AnswerTable, rows[0]) or (rows[0]["key"], rows[0]["principal"]) != (key, principal):
            raise Integrity(
                "the answer that was kept for this Idempotency-Key is damaged",
                hint="see what is there before you send it with a new key; pinset gc drops damaged answers, "
                "and the same request finds the write in git then",
            )
        return answer_of(rows[0])

    def keep_answer(self, answer: Answer, *, forget_before: int) -> None:
        """Keep an answer, unless the key has one that counts; forget old ones."""
        values = {name: getattr(answer, name) for name in Answer.__slots__}
        values["sum"] = t.sum_of(t.AnswerTable.__table__, values)
        try:
            with self._writing() as connection:
                connection.execute(delete(t.AnswerTable).where(t.AnswerTable.at < forget_before))
                wanted = (t.AnswerTable.key == answer.key, t.AnswerTable.principal == answer.principal)
                first = connection.execute(select(t.AnswerTable.__table__).where(*wanted)).mappings().first()
                if first is None:
                    connection.execute(insert(t.AnswerTable).values(**values))
                elif answer.of_write and is_sound(t.AnswerTable, first) and not answer_of(first).of_write:
                    connection.execute(update(t.AnswerTable).where(*wanted).values(**values))
        except IntegrityError:  # another process kept one between the look and the write; the first counts
            return

    def forget_answers(self) -> None:
        """Forget every kept answer, also in what SQLite leaves in its file and its log."""
        if not self._exists():
            return
        with self._writing() as connection:
            connection.execute(delete(t.AnswerTable))
        if self._file is None:
            return
        where = f"file:{quote(str(self._file))}?mode=rw"
        with (
            _translated(),
            self._turn(),
            closing(sqlite3.connect(where, uri=True, timeout=_VACUUM_SECONDS, isolation_level=None)) as plain,
        ):
            plain.execute("VACUUM")
            plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def add_attempt(self, attempt: Attempt) -> None:
        """Keep a row; of those of its kind there may be too many."""
        with self._writing() as connection:
            # One after another on every engine: else one who follows the numbers could pass one that shows later.
            connection.execute(t.LOCKED)
            _add_attempt(connection, attempt)
            most = {"kind": attempt.kind.value}
            if attempt.kind is not Kind.DONE and connection.execute(t.COUNT_ATTEMPTS, most).scalar_one() > ATTEMPTS:
                connection.execute(t.DROP_ATTEMPT, most)

    def attempts(
        self,
        wanted: Wanted | None = None,
        *,
        before: int | None = None,
        after: int = 0,
        oldest_first: bool = False,
        limit: int = 100,
    ) -> Sequence[Attempt]:
        """Rows, newest first."""
        return [attempt_of(row) for row in self._rows(t.attempts(wanted, before, after, limit, oldest_first))]

    def check(self) -> Sequence[Damage]:
        """Everything that is wrong: the file, how old it is, and each row."""
        found: list[Damage] = []
        for look in (self._check_file, self._check_tokens, self._check_answers, self._check_attempts):
            try:
                found += look()
            except PinsetError as error:
                found.append(Damage("state", error.message, error.hint))
        return list(dict.fromkeys(found))

    def drop_damaged(self) -> int:
        """Remove the answers and attempts that are damaged."""
        if not self._exists():
            return 0
        dropped = 0
        with self._writing() as connection:
            for table in (t.AnswerTable, t.AttemptTable):
                rows = connection.execute(select(self._row(table), table.__table__)).mappings()
                for row in [row for row in rows if not is_sound(table, row)]:
                    connection.execute(delete(table).where(self._row(table) == row["of_row"]))
                    dropped += 1
        return dropped

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
        if self._watch is not None:
            self._watch.close()
        self._writer.dispose()
        self._reader.dispose()

    # -- What is wrong -------------------------------------------------------------------------------------------

    def _check_file(self) -> list[Damage]:
        if self._file is None or not self._exists():
            return []
        with self._reading() as connection:
            examine(connection, "the state", WAY_OUT)
        return []

    def _check_tokens(self) -> list[Damage]:
        rows, made = self._tokens(t.ALL_TOKENS)
        damaged = [row for row in rows if not is_sound_token(row)]
        found = [Damage("state token", which_token(row), how_to_revoke(row)) for row in damaged]
        try:
            refuse_lost(rows, made)
        except Integrity as error:
            found.append(Damage("state token", error.message, error.hint))
        return found

    def _check_answers(self) -> list[Damage]:
        hint = "pinset gc drops it; a retry of its request finds in git what was written"
        return self._check_rows(t.AnswerTable, "a kept answer is damaged", hint)

    def _check_attempts(self) -> list[Damage]:
        return self._check_rows(t.AttemptTable, "a row of the audit log is damaged", "pinset gc drops it")

    def _check_rows(self, table: Any, what: str, hint: str) -> list[Damage]:
        if not self._exists():
            return []
        with self._reading() as connection:
            rows = connection.execute(select(table.__table__)).mappings()
            count = sum(not is_sound(table, row) for row in rows)
        more = f" (and {count - 1} more)" if count > 1 else ""
        return [Damage(f"state {table.__tablename__}", what + more, hint)] if count else []

    # -- Reading and writing -------------------------------------------------------------------------------------

    def _row(self, table: Any) -> Any:
        """What a row is found by again, whatever its values are: SQLite's number of it, else its key."""
        if self._file is not None:
            return literal_column(f"{table.__tablename__}.rowid").label("of_row")
        key = table.id if hasattr(table, "id") else table.principal + " " + table.key
        return key.label("of_row")

    def _tokens(self, statement: Any, **values: str) -> tuple[list[Row], int]:
        """The tokens of a question, and how many were made.

        Raises Integrity where the state is older than its witness.
        """
        newest = self._witness()
        # Asked before the look: a first write may make the state meanwhile.
        exists = self._exists()
        rows = self._rows(statement, **values) if exists else []
        if exists and not rows:
            raise lost("it has lost the row that says how many tokens there are")
        if rows:
            refuse_older(rows[0], newest)
        made = rows[0]["meta_tokens"] if rows else 0
        return [row for row in rows if row["sum"] is not None or row["id"] is not None], made

    def _rows(self, statement: Any, **values: Any) -> Sequence[Any]:
        """What a question finds. A state that was never written holds nothing, and looking does not make one."""
        if not self._exists():
            return []
        with self._reading() as connection:
            return connection.execute(statement, values).mappings().all()

    def _exists(self) -> bool:
        """Whether there is a state. Raises Integrity where there was one."""
        if self._ready or self._revision(self._reader) is not None:
            return True
        if self._witness() is not None:
            raise lost("it is gone, and there was one with tokens")
        return False

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

    @contextmanager
    def _writing_tokens(self) -> Iterator[Connection]:
        """Writing that changes tokens: it is counted, and testified before anybody else has a turn."""
        self._make_ready()
        with _translated(), self._turn():
            newest = self._witness()
            with self._writer.begin() as connection:
                row = connection.execute(select(*t.META).with_for_update()).mappings().first()
                if row is None:
                    raise lost("it has lost the row that says how many tokens there are")
                refuse_older(row, newest)
                before = connection.execute(t.COUNT).scalar_one()
                yield connection
                # What was lost stays lost, and goes on being said.
                count = row["meta_tokens"] + connection.execute(t.COUNT).scalar_one() - before
                told = {"id": 1, "state_id": row["meta_state_id"], "changes": row["meta_changes"] + 1, "tokens": count}
                connection.execute(update(t.MetaTable).values(**told, sum=t.sum_of(t.MetaTable.__table__, told)))
            self._testify(told)

    def _turn(self) -> Any:
        return flock(self._lock) if self._lock is not None else nullcontext()

    def _testify(self, told: Mapping[str, Any]) -> None:
        if self._witness_file is not None:
            witness.write(self._witness_file, f"{told['state_id']} {told['changes']:020d}")

    def _witness(self) -> tuple[str, int] | None:
        """Which state this is, and how often its tokens had changed when they last did; None where nobody knows."""
        said = witness.read(self._witness_file) if self._witness_file is not None else None
        return (said[0], int(said[1])) if said else None

    def _make_ready(self) -> None:
        """Bring the tables to this program's revision, once; an up-to-date state costs one look."""
        if self._ready:
            return
        if self._revision(self._reader) != REVISION:
            with _translated(), self._turn():
                found = self._revision(self._writer) if self._file is None or self._file.exists() else None
                if found is not None and found not in _KNOWN:
                    raise UnknownFormat(
                        f"the state has revision {found}, and this program knows up to {REVISION}",
                        hint="upgrade pinset; a newer one wrote this registry",
                    )
                if found is None and self._witness() is not None:
                    raise lost("it is gone, and there was one with tokens")
                if found != REVISION:
                    _migrate(self._writer)
        self._ready = True
        self._find_witness()

    def _find_witness(self) -> None:
        """Write the witness of a state with tokens that has none: it was restored, or is older than witnesses."""
        if self._witness_file is None or self._witness() is not None:
            return
        with suppress(PinsetError), _translated(), self._turn(), self._reader.connect() as connection:
            row = connection.execute(select(*t.META)).mappings().first()
            if row is not None and row["meta_tokens"] and is_sound(t.MetaTable, row, "meta_"):
                self._testify({"state_id": row["meta_state_id"], "changes": row["meta_changes"]})

    def _revision(self, engine: Engine) -> str | None:
        if self._file is not None and engine is self._reader and not self._file.exists():
            return None
        with _translated(), engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
            return found


def _add_attempt(connection: Connection, attempt: Attempt) -> None:
    connection.execute(insert(t.AttemptTable).values(**attempt_values(attempt)))


def _migrate(engine: Engine) -> None:
    from alembic import command  # noqa: PLC0415 - 100 ms that only a new or old state needs
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", "pinset.catalog:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, REVISION)


def _any_text(connection: Any, _record: Any) -> None:
    """Text that is no UTF-8 any more must not keep the rows beside it from being read; its sum tells."""
    connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
