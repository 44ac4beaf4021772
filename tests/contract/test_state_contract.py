"""What `ports.state` promises, held in memory, on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, create_engine, event, text

from pinset.catalog.memory import MemoryState
from pinset.catalog.state import SqlState, _migrate
from pinset.catalog.sums import sum_of
from pinset.domain.access import Grant
from pinset.domain.auditing import Outcome, Wanted
from pinset.errors import AlreadyExists, Integrity, NotFound, PermissionDenied, Unavailable, UnknownFormat
from pinset.ports.state import Answer, Attempt, Kind, TokenRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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
        id=f"id{name}{at}", name=name, grants=(Grant("write"),), secret_sha256=b"\x00" * 32, created_at=at, expires_at=9
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


def test_a_first_write_while_tokens_are_looked_for_is_no_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = SqlState(tmp_path)
    exists = state._exists

    def written_after() -> bool:
        found = exists()
        state.keep_answer(_answer(), forget_before=0)
        return found

    monkeypatch.setattr(state, "_exists", written_after)
    assert not state.has_tokens()
    monkeypatch.undo()
    assert not state.has_tokens()
    state.close()


def test_a_name_is_free_again_once_revoked(state: Any) -> None:
    state.add_token(_token())
    with pytest.raises(AlreadyExists):
        state.add_token(_token(at=2))
    assert state.revoke_token("ci", 5).revoked_at == 5
    state.add_token(_token(at=2))
    assert state.token("idci1").revoked_at == 5


def test_what_has_expired_counts_and_the_last_is_not_ended_by_accident(state: Any) -> None:
    assert not state.has_tokens()
    state.add_token(_token())
    with pytest.raises(PermissionDenied, match="the last token"):
        state.revoke_token("ci", 5, last=False)
    assert state.token("idci1").revoked_at is None
    state.add_token(_token("other"))
    assert state.revoke_token("ci", 5, last=False).revoked_at == 5
    assert state.has_tokens()  # that of 9 microseconds after 1970 among them
    state.revoke_token("other", 6)
    assert not state.has_tokens()


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


def _refused(at: int, actor: str = "a", kind: Kind = Kind.REFUSED, **more: Any) -> Attempt:
    return Attempt(at=at, actor=actor, action="promote", target="x", code="barred", detail="no", kind=kind, **more)


def test_strangers_flush_nobody_and_one_credential_flushes_no_other(
    state: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("state", "memory"):
        monkeypatch.setattr(f"pinset.catalog.{module}.ATTEMPTS", 4)
    state.add_attempt(_refused(0, "admin", Kind.DONE))
    state.add_attempt(_refused(1, "ann"))
    state.add_attempt(_refused(2, "anonymous", Kind.ANONYMOUS, address="10.0.0.1"))
    for at in range(10, 20):
        state.add_attempt(_refused(at, "anonymous", Kind.ANONYMOUS, address="10.0.0.2"))
        state.add_attempt(_refused(at, "ben"))
        state.add_attempt(_refused(at, "admin", Kind.DONE))
    kept = [(one.kind.value, one.holder, one.at) for one in state.attempts()]
    assert [one for one in kept if one[0] == "refused"] == [("refused", "ben", at) for at in (19, 18, 17)] + [
        ("refused", "ann", 1)
    ]
    assert {(who, at) for kind, who, at in kept if kind == "anonymous"} == {
        ("10.0.0.2", 19), ("10.0.0.2", 18), ("10.0.0.2", 17), ("10.0.0.1", 2),
    }  # fmt: skip
    assert len([one for one in kept if one[0] == "done"]) == 11, "what was done stays"


def test_numbers_rise_and_are_never_given_twice(state: Any) -> None:
    for at in range(5):
        state.add_attempt(_refused(at))
    numbers = [one.number for one in state.attempts(oldest_first=True)]
    assert numbers == sorted(set(numbers))
    assert [one.at for one in state.attempts(after=numbers[1], before=numbers[4])] == [3, 2]
    assert [one.at for one in state.attempts(after=numbers[1], oldest_first=True, limit=2)] == [2, 3]


def test_attempts_are_found_by_what_is_wanted(state: Any) -> None:
    state.add_attempt(_refused(1, bundle="support", alias="production", person="ada"))
    state.add_attempt(_refused(2, "b", bundle="support"))
    state.add_attempt(_refused(3, "ada", Kind.DONE))
    state.add_attempt(_refused(4, "anonymous", Kind.ANONYMOUS))

    def at(**wanted: Any) -> list[int]:
        return [one.at for one in state.attempts(Wanted(**wanted))]

    assert at() == [4, 3, 2, 1]
    assert (at(bundle="support"), at(alias="production"), at(actor="b")) == ([2, 1], [1], [2])
    assert (at(person="ada"), at(action="promote"), at(action="yank")) == ([3, 1], [4, 3, 2, 1], [])
    assert (at(outcome=Outcome.DONE), at(outcome=Outcome.REFUSED)) == ([3], [4, 2, 1])
    assert (at(since=2, until=4), at(bundle="support", since=2)) == ([3, 2], [2])


def test_what_a_row_says_is_kept_cleaned(state: Any) -> None:
    key, token = "sk-proj-" + "a1B2c3D4" * 5, "pst_8yhLij7fENBI_" + "sQUowe18" * 6
    told = {"reason": f"{key}\n", "deep": [key], "n": 7}
    dirty = replace(_refused(1, "a\x1b[2J\u202e\ud800b", via=f"oidc:{token}", details=told), detail="d" * 999)
    state.add_attempt(dirty)
    [kept] = state.attempts()
    assert (kept.actor, kept.via) == ("a[2Jb", "oidc:[Pinset token]")
    assert (len(kept.detail), kept.details["n"]) == (500, 7)
    assert key not in repr(kept)
    assert kept.details["reason"] == "[OpenAI key]"
    assert kept == replace(dirty.cleaned(), number=kept.number)


def test_a_token_and_its_row_are_kept_together_or_not_at_all(state: Any) -> None:
    def fails(_row: TokenRow) -> Attempt:
        raise Unavailable("the log is full", hint="make room")

    def told(row: TokenRow) -> Attempt:
        return _refused(5, "admin", Kind.DONE, details={"token": row.id, "revoked": row.revoked_at})

    with pytest.raises(Unavailable):
        state.add_token(_token(), fails)
    assert list(state.tokens()) == []
    state.add_token(_token(), told)
    with pytest.raises(Unavailable):
        state.revoke_token("ci", 5, fails)
    assert [row.revoked_at for row in state.tokens()] == [None]
    with pytest.raises(AlreadyExists):
        state.add_token(_token(at=2), told)
    state.revoke_token("ci", 5, told)
    with pytest.raises(NotFound):
        state.revoke_token("ci", 6, told)
    assert [one.details["revoked"] for one in state.attempts()] == [5, None]


def test_the_answer_of_the_write_takes_the_place_of_one_that_is_not(state: Any) -> None:
    refusal = replace(_answer(), status=404, operation="", body="no")
    nothing = replace(_answer(), status=200, operation="", body="nothing to do")
    made, later = _answer(body="made"), _answer(body="made, seen later")
    for first in (refusal, nothing):
        key = first.body
        for one, kept in ((first, first), (nothing, first), (made, made), (later, made), (refusal, made)):
            state.keep_answer(replace(one, key=key), forget_before=0)
            assert state.answer(key, "ci") == replace(kept, key=key)


# -- damage ----------------------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """What is below a state."""
    if request.param == "postgres":
        made = create_engine(request.getfixturevalue("postgres_url"))
    else:
        made = create_engine(f"sqlite:///{tmp_path / 'state.sqlite'}")
    yield made
    made.dispose()


@pytest.fixture
def kept(engine: Engine, tmp_path: Path) -> Iterator[SqlState]:
    """A state with rows, and what is behind it open to be spoilt."""
    sqlite = engine.dialect.name == "sqlite"
    state = SqlState(tmp_path if sqlite else engine.url.render_as_string(hide_password=False))
    state.add_token(_token())
    state.add_token(_token("other", 2))
    state.keep_answer(_answer(), forget_before=0)
    state.keep_answer(_answer("second"), forget_before=0)
    for at in range(2):
        state.add_attempt(Attempt(at=at, actor="a", action="promote", target="x@v1", code="barred", detail="no"))
    assert list(state.check()) == []
    yield state
    state.close()


def spoil(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        assert connection.execute(text(statement)).rowcount == 1
    engine.dispose()


TOKEN_DAMAGE = {
    "name": "'c1'",
    "grants": "'admin'",
    "person": "'eve'",
    "secret_sha256": "CAST('01234567890123456789012345678901' AS {bytes})",
    "created_at": "3",
    "expires_at": "900",
    "revoked_at": "7",
    "last_used_at": "8",
    "used_sum": "1",
    "sum": "1",
}


@pytest.mark.parametrize("column", TOKEN_DAMAGE)
def test_a_damaged_token_lets_nobody_in_and_others_go_on(engine: Engine, kept: SqlState, column: str) -> None:
    kept.touch_token("idci1", 7)
    value = TOKEN_DAMAGE[column].format(bytes="BYTEA" if engine.dialect.name == "postgresql" else "BLOB")
    spoil(engine, f"UPDATE token SET {column} = {value} WHERE id = 'idci1'")
    for question in (lambda: kept.token("idci1"), kept.tokens):
        with pytest.raises(Integrity) as caught:
            question()
        assert "pinset token revoke idci1" in caught.value.hint
    assert kept.token("idother2") == _token("other", 2)
    assert kept.has_tokens(), "a damaged one counts"
    assert [(one.where, one.hint) for one in kept.check()] == [("state token", caught.value.hint)]
    assert kept.revoke_token("idci1", 5).revoked_at == 5
    assert list(kept.check()) == []
    assert [row.name for row in kept.tokens()] == ["other"]
    kept.add_token(_token())
    assert kept.token("idci1") == _token()


def test_a_use_that_is_noted_does_not_make_a_damaged_token_sound(engine: Engine, kept: SqlState) -> None:
    spoil(engine, "UPDATE token SET grants = 'admin' WHERE id = 'idci1'")
    kept.touch_token("idci1", 7)
    with pytest.raises(Integrity):
        kept.token("idci1")


def test_revoking_ends_the_sound_token_before_a_damaged_one_of_its_name(engine: Engine, kept: SqlState) -> None:
    spoil(engine, "UPDATE token SET name = 'other' WHERE id = 'idci1'")
    assert kept.revoke_token("other", 5) == replace(_token("other", 2), revoked_at=5)
    assert len(kept.check()) == 1
    kept.revoke_token("other", 6)
    assert [row.id for row in kept.tokens()] == ["idother2"]
    with pytest.raises(NotFound):
        kept.revoke_token("other", 7)


def test_a_token_that_is_lost_is_missed(engine: Engine, kept: SqlState) -> None:
    for name in ("ci", "other"):
        spoil(engine, f"DELETE FROM token WHERE name = '{name}'")
        with pytest.raises(Integrity, match="tokens"):
            kept.tokens()
        assert kept.has_tokens(), "what is lost lets nobody in"
        assert [one.where for one in kept.check()] == ["state token"]
    assert kept.token("idci1") is None
    kept.add_token(_token("third", 3))
    assert kept.token("idthird3") == _token("third", 3)
    assert [one.where for one in kept.check()] == ["state token"], "a write does not make it forgotten"


@pytest.mark.parametrize("damage", ["changes = 0", "tokens = 1", "state_id = 'x'", "sum = 0"])
def test_damage_to_the_row_that_counts_tokens_is_found(engine: Engine, kept: SqlState, damage: str) -> None:
    spoil(engine, f"UPDATE state_meta SET {damage}")
    for use in (
        lambda: kept.token("idci1"),
        kept.tokens,
        kept.has_tokens,
        lambda: kept.revoke_token("ci", 1),
    ):
        with pytest.raises(Integrity) as caught:
            use()
        assert caught.value.hint
    assert kept.check()
    spoil(engine, "DELETE FROM state_meta")
    with pytest.raises(Integrity):
        kept.has_tokens()


@pytest.mark.parametrize(
    "damage", ["body = '[]'", "status = 200", "request = 'q'", "operation = ''", "at = 11", "sum = 1", "key = 'j'"]
)
def test_a_damaged_answer_is_never_given(engine: Engine, kept: SqlState, damage: str) -> None:
    spoil(engine, f"UPDATE answer SET {damage} WHERE key = 'k'")
    if not damage.startswith("key"):
        with pytest.raises(Integrity, match="kept for this Idempotency-Key") as caught:
            kept.answer("k", "ci")
        assert "pinset gc" in caught.value.hint
        kept.keep_answer(_answer(), forget_before=0)
    else:
        assert kept.answer("k", "ci") is None
    assert [one.where for one in kept.check()] == ["state answer"]
    assert kept.drop_damaged() == 1
    assert list(kept.check()) == []
    assert kept.answer("k", "ci") is None
    assert kept.answer("second", "ci") == _answer("second")


@pytest.mark.parametrize(
    "damage", ["actor = 'b'", "at = 9", "detail = ''", "kind = 'done'", "details = '{'", "sum = 1"]
)
def test_a_damaged_attempt_is_said_and_dropped(engine: Engine, kept: SqlState, damage: str) -> None:
    spoil(engine, f"UPDATE attempt SET {damage} WHERE at = 1")
    with pytest.raises(Integrity):
        kept.attempts()
    assert [(one.where, one.hint) for one in kept.check()] == [("state attempt", "pinset gc drops it")]
    assert kept.drop_damaged() == 1
    assert [one.at for one in kept.attempts()] == [0]
    assert list(kept.check()) == []


def test_looking_at_a_token_and_noting_its_use_are_one_statement_each(kept: SqlState) -> None:
    said: list[str] = []
    for side in {kept._reader, kept._writer}:
        event.listen(side, "before_cursor_execute", lambda _c, _k, statement, *_: said.append(statement.split()[0]))
    kept.token("idci1")
    kept.touch_token("idci1", 7)
    assert [word for word in said if word != "BEGIN"] == ["SELECT", "UPDATE"]


def test_rows_of_the_first_revision_are_summed_once(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite = engine.dialect.name == "sqlite"
    with monkeypatch.context() as patch:
        patch.setattr("pinset.catalog.state.REVISION", "0001")
        _migrate(engine)
    with engine.begin() as connection:
        for statement in FIRST_REVISION:
            connection.execute(text(statement).bindparams(**({"secret": b"\x00" * 32} if "token" in statement else {})))
    engine.dispose()
    state = SqlState(tmp_path if sqlite else engine.url.render_as_string(hide_password=False))
    assert state.tokens() == [replace(_token(), last_used_at=5)]
    assert state.answer("k", "ci") == _answer()
    assert [one.at for one in state.attempts()] == [1]
    assert list(state.check()) == []
    spoil(engine, "UPDATE token SET grants = 'admin'")
    with pytest.raises(Integrity):
        state.token("idci1")
    state.close()


def test_a_scope_becomes_a_grant_and_what_was_damaged_stays_so(engine: Engine, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pinset.catalog.state.REVISION", "0002")
        _migrate(engine)
    with engine.begin() as connection:
        for name, scope in (("ci", "write"), ("eve", "read")):
            told = ["token", f"id{name}", name, scope, b"\x00" * 32, 1, 9, None]
            connection.execute(
                text(SECOND_REVISION),
                {"id": told[1], "name": name, "scope": scope, "secret": told[4], "sum": sum_of(told)}
                | {"used": sum_of(["token use", told[1], None])},
            )
        connection.execute(text("UPDATE token SET scope = 'admin' WHERE name = 'eve'"))
        told = {"id": 1, "state_id": "s", "changes": 2, "tokens": 2}
        connection.execute(text("DELETE FROM state_meta"))
        named = "INSERT INTO state_meta (sum, id, state_id, changes, tokens) VALUES (:sum, :id, :state_id, :changes, :tokens)"
        connection.execute(text(named), {**told, "sum": sum_of(["state_meta", *told.values()])})
    engine.dispose()
    sqlite = engine.dialect.name == "sqlite"
    state = SqlState(tmp_path if sqlite else engine.url.render_as_string(hide_password=False))
    found = state.token("idci")
    assert found is not None
    assert (found.grants, found.person, found.who) == ((Grant("write"),), "", "ci")
    with pytest.raises(Integrity):
        state.token("ideve")
    mine = replace(_token("mine", 3), person="ana", grants=(Grant("promote", "a-*", "staging"), Grant("read")))
    state.add_token(mine)
    assert state.token(mine.id) == mine
    state.close()


SECOND_REVISION = """INSERT INTO token (id, name, scope, secret_sha256, created_at, expires_at, sum, used_sum)
VALUES (:id, :name, :scope, :secret, 1, 9, :sum, :used)"""
FIRST_REVISION = (
    """INSERT INTO token (id, name, scope, secret_sha256, created_at, expires_at, last_used_at)
    VALUES ('idci1', 'ci', 'write', :secret, 1, 9, 5)""",
    """INSERT INTO answer (principal, key, request, operation, status, body, at)
    VALUES ('ci', 'k', 'r', 'op_1', 201, '{}', 10)""",
    "INSERT INTO attempt (at, actor, action, target, code, detail) VALUES (1, 'a', 'promote', 'x', 'barred', 'no')",
)


# -- the file --------------------------------------------------------------------------------------------------


def _file_state(home: Path) -> None:
    """A state whose token ci was revoked last; ``older`` beside it is from before, ``copy`` is a backup."""
    with closing(SqlState(home)) as state:
        state.add_token(_token())
        state.add_token(_token("other", 2))
        state.backup(home / "older")
        state.revoke_token("ci", 5)
        state.backup(home / "copy")


SPOILERS: dict[str, Callable[[Path], Any]] = {
    "deleted": lambda file: file.unlink(),
    "emptied": lambda file: file.write_bytes(b""),
    "zeroed": lambda file: file.write_bytes(bytes(file.stat().st_size)),
    "cut off": lambda file: file.write_bytes(file.read_bytes()[:5000]),
    "an older one": lambda file: shutil.copyfile(file.with_name("older"), file),
    "no database": lambda file: file.write_bytes(b"text " * 9000),
}


@pytest.mark.parametrize("kind", SPOILERS)
@pytest.mark.parametrize("running", [True, False])
def test_a_state_that_was_lost_opens_no_door_and_a_backup_mends_it(tmp_path: Path, kind: str, *, running: bool) -> None:
    _file_state(tmp_path)
    state = SqlState(tmp_path)
    if running:
        assert state.has_tokens()
    SPOILERS[kind](tmp_path / "state.sqlite")
    for question in (state.has_tokens, lambda: state.token("idci1"), state.tokens):
        with pytest.raises((Integrity, Unavailable)) as caught:
            question()
        assert caught.value.hint
    assert state.check()
    state.close()
    with closing(SqlState(tmp_path)) as new, pytest.raises((Integrity, Unavailable)):
        new.add_token(_token("third"))
    for path in tmp_path.glob("state.*"):
        path.unlink()
    shutil.copyfile(tmp_path / "copy", tmp_path / "state.sqlite")
    with closing(SqlState(tmp_path)) as mended:
        assert [row.revoked_at for row in mended.tokens()] == [None, 5]
        assert list(mended.check()) == []


def test_a_state_whose_log_is_lost_lets_nobody_in_who_was_shut_out(tmp_path: Path) -> None:
    with closing(SqlState(tmp_path)) as state:
        state.add_token(_token())
        reader = sqlite3.connect(f"file:{tmp_path / 'state.sqlite'}?mode=ro", uri=True)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM token").fetchone()
        state.revoke_token("ci", 5)
        reader.close()
        for ending in ("-wal", "-shm"):
            (tmp_path / f"state.sqlite{ending}").unlink()
        with pytest.raises(Integrity, match="changes of tokens"):
            state.token("idci1")


@pytest.mark.parametrize("damage", [b"", b"x" * 50, None])
def test_a_witness_that_is_lost_is_written_again(tmp_path: Path, damage: bytes | None) -> None:
    _file_state(tmp_path)
    witness = tmp_path / "state.serial"
    said = witness.read_bytes()
    witness.unlink() if damage is None else witness.write_bytes(damage)
    with closing(SqlState(tmp_path)) as state:
        assert len(state.tokens()) == 2
    assert witness.read_bytes()[: len(said)] == said


def test_a_row_that_is_no_text_any_more_harms_no_other(tmp_path: Path) -> None:
    _file_state(tmp_path)
    with closing(sqlite3.connect(tmp_path / "state.sqlite")) as made:
        made.execute("UPDATE token SET name = CAST(x'ff63' AS TEXT), id = CAST(x'ff64' AS TEXT) WHERE id = 'idci1'")
        made.execute("UPDATE token SET secret_sha256 = 5 WHERE id = 'idother2'")
        made.commit()
    with closing(SqlState(tmp_path)) as state:
        assert [one.where for one in state.check()] == ["state token"] * 2
        assert state.token("idci1") is None
        with pytest.raises(Integrity):
            state.token("idother2")
        assert state.revoke_token("other", 9).name == "other"


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
