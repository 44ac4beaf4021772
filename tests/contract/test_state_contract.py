"""What `ports.state` promises, held in memory, on SQLite and on PostgreSQL."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from pinset.catalog.memory import MemoryState
from pinset.catalog.state import SqlState
from pinset.errors import AlreadyExists, NotFound, UnknownFormat
from pinset.ports.state import Answer, Attempt, Scope, TokenRow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "memory":
        made: Any = MemoryState()
    elif request.param == "sqlite":
        made = SqlState(tmp_path)
    else:
        made = SqlState(request.getfixturevalue("postgres_url"))
    yield made
    made.close()


def _token(name: str = "ci", at: int = 1) -> TokenRow:
    return TokenRow(
        id=f"id{name}{at}", name=name, scope=Scope.WRITE, secret_sha256=b"\x00" * 32, created_at=at, expires_at=9
    )


def _answer(key: str = "k", *, body: str = "{}", at: int = 10) -> Answer:
    return Answer(key=key, principal="ci", request="r", operation="op_1", status=201, body=body, at=at)


def test_tokens_are_kept_and_found(state: Any) -> None:
    state.add_token(_token())
    assert state.token("idci1") == _token()
    assert state.token("nobody") is None
    state.add_token(_token("other", 2))
    assert [row.name for row in state.tokens()] == ["other", "ci"]


def test_looking_at_a_state_that_was_never_written_makes_none(tmp_path: Path) -> None:
    state = SqlState(tmp_path)
    assert (state.token("id"), state.tokens(), state.answer("k", "ci"), state.attempts()) == (None, [], None, [])
    assert list(tmp_path.iterdir()) == []
    state.add_token(_token())
    assert [token.name for token in state.tokens()] == ["ci"]
    state.close()


def test_a_name_is_free_again_once_revoked(state: Any) -> None:
    state.add_token(_token())
    with pytest.raises(AlreadyExists):
        state.add_token(_token(at=2))
    assert state.revoke_token("ci", 5).revoked_at == 5
    state.add_token(_token(at=2))
    assert state.token("idci1").revoked_at == 5


def test_revoking_what_is_not_there_says_so(state: Any) -> None:
    with pytest.raises(NotFound):
        state.revoke_token("ci", 5)


def test_use_is_remembered(state: Any) -> None:
    state.add_token(_token())
    state.touch_token("idci1", 7)
    state.touch_token("nobody", 7)
    assert state.token("idci1").last_used_at == 7


def test_the_first_answer_counts(state: Any) -> None:
    state.keep_answer(_answer(), forget_before=0)
    state.keep_answer(_answer(body="other"), forget_before=0)
    assert state.answer("k", "ci") == _answer()
    assert state.answer("k", "somebody else") is None


def test_old_answers_are_forgotten(state: Any) -> None:
    state.keep_answer(_answer("old", at=1), forget_before=0)
    state.keep_answer(_answer("new"), forget_before=5)
    assert state.answer("old", "ci") is None
    assert state.answer("new", "ci") is not None


def test_attempts_come_newest_first(state: Any) -> None:
    for at in range(3):
        state.add_attempt(Attempt(at=at, actor="a", action="promote", target="x@v1", code="barred", detail="no"))
    assert [one.at for one in state.attempts(limit=2)] == [2, 1]


def test_only_the_newest_attempts_are_kept_and_no_long_target(state: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("state", "memory"):
        monkeypatch.setattr(f"pinset.catalog.{module}.ATTEMPTS", 3)
    for at in range(8):
        state.add_attempt(Attempt(at=at, actor="a", action="PUT", target="\u00fc" * 5000, code="barred", detail="no"))
    kept = state.attempts()
    assert [one.at for one in kept] == [7, 6, 5]
    assert {one.target for one in kept} == {"\u00fc" * 200}


def test_a_backup_holds_everything(tmp_path: Path) -> None:
    state = SqlState(tmp_path)
    state.add_token(_token())
    (tmp_path / "copy").mkdir()
    state.backup(tmp_path / "copy" / "state.sqlite")
    with pytest.raises(AlreadyExists):
        state.backup(tmp_path / "copy" / "state.sqlite")
    copy = SqlState(tmp_path / "copy")
    assert copy.tokens() == state.tokens()
    state.close()
    copy.close()


def test_a_state_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    SqlState(tmp_path).add_token(_token())
    with sqlite3.connect(tmp_path / "state.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(UnknownFormat, match="9999"):
        SqlState(tmp_path).tokens()
