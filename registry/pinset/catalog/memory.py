"""The catalog and the state in memory: the same tables and queries, gone with the process."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from pinset.catalog.sql import SqlCatalog
from pinset.catalog.state_rows import last_token
from pinset.errors import AlreadyExists, NotFound
from pinset.ports.state import ATTEMPTS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import Any

    from pinset.domain.auditing import Wanted
    from pinset.ports.catalog import CatalogReader, CatalogWriter, Entry, Mark
    from pinset.ports.state import Answer, Attempt, TokenRow
    from pinset.ports.store import Damage


class MemoryCatalog(SqlCatalog):
    """Implements `ports.catalog.Catalog` on one SQLite database in memory, one user at a time."""

    def __init__(self) -> None:
        self._turn = threading.RLock()
        self._changes = 0
        super().__init__("sqlite://")

    def mark(self) -> Mark | None:
        """How often somebody could have changed something."""
        return self._changes

    def _make_engine(self, url: str) -> Engine:
        engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})

        @event.listens_for(engine, "connect")
        def _autocommit(connection: Any, _record: Any) -> None:
            connection.isolation_level = None

        @event.listens_for(engine, "begin")
        def _begin(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN")

        return engine

    @contextmanager
    def reading(self) -> Iterator[CatalogReader]:
        """A view; nobody else has one at the same time."""
        with self._turn, super().reading() as reader:
            yield reader

    @contextmanager
    def writing(self) -> Iterator[CatalogWriter]:
        """A connection that may write; nobody reads at the same time."""
        with self._turn, super().writing() as writer:
            try:
                yield writer
            finally:
                self._changes += 1

    def rebuild(self, entries: Iterable[Entry]) -> None:
        """Build the catalog anew; nobody reads at the same time."""
        with self._turn:
            super().rebuild(entries)
            self._changes += 1

    def usable(self) -> bool:
        """Whether there is a catalog of this format."""
        with self._turn:
            return super().usable()


class MemoryState:
    """Implements `ports.state.State`."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._tokens: dict[str, TokenRow] = {}
        self._answers: dict[tuple[str, str], Answer] = {}
        self._attempts: list[Attempt] = []
        self._number = 0

    def prepare(self) -> None:
        """Nothing is needed."""

    def add_token(self, token: TokenRow, record: Callable[[TokenRow], Attempt] | None = None) -> None:
        """Keep a new token."""
        with self._turn:
            if any(row.name == token.name and row.revoked_at is None for row in self._tokens.values()):
                raise AlreadyExists(f"there is a token {token.name}", hint="revoke it first, or choose another name")
            if record is not None:
                self._keep(record(token))
            self._tokens[token.id] = token

    def token(self, token_id: str) -> TokenRow | None:
        """A token by its id."""
        return self._tokens.get(token_id)

    def tokens(self) -> Sequence[TokenRow]:
        """All tokens, newest first."""
        return sorted(self._tokens.values(), key=lambda row: (-row.created_at, row.id))

    def has_tokens(self) -> bool:
        """Whether there is a token that nobody revoked."""
        return any(row.revoked_at is None for row in self._tokens.values())

    def revoke_token(
        self, name: str, at: int, record: Callable[[TokenRow], Attempt] | None = None, *, last: bool = True
    ) -> TokenRow:
        """Revoke the token of that name."""
        with self._turn:
            for row in self._tokens.values():
                if row.name == name and row.revoked_at is None:
                    if not last and sum(one.revoked_at is None for one in self._tokens.values()) == 1:
                        raise last_token(name)
                    revoked = replace(row, revoked_at=at)
                    if record is not None:
                        self._keep(record(revoked))
                    self._tokens[row.id] = revoked
                    return revoked
        raise NotFound(f"there is no token {name}", hint="see them: pinset token list")

    def mark(self) -> Mark | None:
        """The tokens as they are, but for their use."""
        return tuple((row.id, row.revoked_at) for row in self._tokens.values())

    def touch_token(self, token_id: str, at: int) -> None:
        """Remember a use."""
        with self._turn:
            if token_id in self._tokens:
                self._tokens[token_id] = replace(self._tokens[token_id], last_used_at=at)

    def answer(self, key: str, principal: str) -> Answer | None:
        """The kept answer."""
        return self._answers.get((principal, key))

    def keep_answer(self, answer: Answer, *, forget_before: int) -> None:
        """Keep an answer, and forget old ones."""
        with self._turn:
            self._answers = {key: kept for key, kept in self._answers.items() if kept.at >= forget_before}
            first = self._answers.setdefault((answer.principal, answer.key), answer)
            if answer.of_write and not first.of_write:
                self._answers[answer.principal, answer.key] = answer

    def forget_answers(self) -> None:
        """Forget every kept answer."""
        with self._turn:
            self._answers = {}

    def add_attempt(self, attempt: Attempt) -> None:
        """Keep a row; of those of its kind there may be too many."""
        with self._turn:
            self._keep(attempt)

    def _keep(self, attempt: Attempt) -> None:
        self._number += 1
        self._attempts.append(replace(attempt.cleaned(), number=self._number))
        alike = [one for one in self._attempts if one.kind is attempt.kind]
        if attempt.kind is not Kind.DONE and len(alike) > ATTEMPTS:
            most, _ = Counter(one.holder for one in alike).most_common(1)[0]
            self._attempts.remove(next(one for one in alike if one.holder == most))

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
        end = self._number + 1 if before is None else before
        kept = [one for one in self._attempts if after < one.number < end and (wanted is None or one.fits(wanted))]
        return (kept if oldest_first else kept[::-1])[:limit]

    def check(self) -> Sequence[Damage]:
        """Nothing is wrong."""
        return []

    def drop_damaged(self) -> int:
        """There is nothing to remove."""
        return 0

    def backup(self, target: Path) -> None:
        """An empty file stands for what is not kept."""
        if target.exists():
            raise AlreadyExists(f"{target} exists", hint="choose another file")
        target.touch()

    def close(self) -> None:
        """Nothing to release."""
