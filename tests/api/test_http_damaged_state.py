"""A state whose rows are damaged, behind a server: nobody profits, everybody else goes on, and there is a way out."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from pinset import bootstrap
from pinset.errors import Integrity, Unauthenticated
from pinset.ports.registry import Caller
from pinset_cli.program import app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pinset.services.local import LocalRegistry

OPS = Caller(actor="ops")
RELEASES = "/v1/bundles/support/releases"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    bootstrap.create_registry(tmp_path / ".pinset")
    return tmp_path / ".pinset"


@pytest.fixture
def registry(home: Path) -> Iterator[LocalRegistry]:
    with closing(bootstrap.local_registry(home)) as opened:
        yield opened


def spoil(home: Path, statement: str) -> None:
    with closing(sqlite3.connect(home / "state.sqlite")) as made:
        assert made.execute(statement).rowcount >= 1
        made.commit()


def pinset(home: Path, *words: str) -> Any:
    return CliRunner().invoke(app, ["--registry", str(home), *words])


def test_a_damaged_token_is_said_and_revoked(home: Path, registry: LocalRegistry, api_of: Callable[..., Any]) -> None:
    secrets = {name: registry.create_token(OPS, name, can="read")["token"] for name in ("ann", "bob")}
    spoil(home, "UPDATE token SET grants = 'admin' WHERE name = 'ann'")
    api = api_of(registry)

    def ask(name: str, path: str = "/v1/bundles") -> tuple[int, str]:
        answer = api("GET", path, headers={"Authorization": f"Bearer {secrets[name]}"})
        return answer.status_code, answer.json().get("code", "")

    assert ask("ann") == (500, "integrity")
    assert ask("ann", "/v1/tokens") == (500, "integrity"), "and not as an admin"
    assert ask("bob") == (200, "")
    assert api("GET", "/v1/bundles").status_code == 401
    spoil(home, "UPDATE token SET revoked_at = 5 WHERE name = 'bob'")
    assert api("GET", "/v1/bundles").status_code == 401, "with damaged tokens only it is not open to all"
    problems = registry.verify()["problems"]
    assert len(problems) == 2
    assert isinstance(pinset(home, "token", "list").exception, Integrity)
    for problem in problems:
        command = problem["hint"].partition("pinset ")[2].partition(";")[0].split()
        assert command[:2] == ["token", "revoke"]
        done = pinset(home, *command)
        assert done.exit_code == 0, done.output
    assert registry.verify()["problems"] == []
    made = pinset(home, "token", "create", "--name", "ann", "--can", "read")
    assert made.exit_code == 0
    secrets["ann"] = made.stdout.split()[0]
    assert ask("ann") == (200, "")


def test_a_damaged_answer_is_neither_given_nor_made_twice(
    home: Path, registry: LocalRegistry, api_of: Callable[..., Any], manifest: Callable[..., dict[str, str]]
) -> None:
    api = api_of(registry)
    send = {"json": {"files": manifest()}, "headers": {"Idempotency-Key": "k"}}
    first = api("POST", RELEASES, **send)
    assert first.status_code == 201
    spoil(home, "UPDATE answer SET body = replace(body, '\"version\":1', '\"version\":7')")
    again = api("POST", RELEASES, **send)
    assert (again.status_code, again.json()["code"]) == (500, "integrity")
    assert [problem["where"] for problem in registry.verify()["problems"]] == ["state answer"]
    assert pinset(home, "gc").exit_code == 0
    assert registry.verify()["problems"] == []
    again = api("POST", RELEASES, **send)
    assert (again.status_code, again.json()) == (201, first.json()), "git knows the write"
    assert len(registry.releases("support")["items"]) == 1


def test_damaged_attempts_are_said_and_dropped(home: Path, registry: LocalRegistry) -> None:
    for code in ("barred", "yanked"):
        registry.record_attempt(actor="eve", action="PUT", target="/x", code=code, detail="no")
    spoil(home, "UPDATE attempt SET actor = 'adam' WHERE code = 'barred'")
    assert [problem["where"] for problem in registry.verify()["problems"]] == ["state attempt"]
    assert pinset(home, "gc").exit_code == 0
    assert registry.verify()["problems"] == []
    assert [one.code for one in registry._context.state.attempts()] == ["yanked"]


def test_a_backup_of_a_damaged_state_is_refused_and_so_is_a_restore(
    home: Path, registry: LocalRegistry, tmp_path: Path
) -> None:
    registry.create_token(OPS, "ann", can="read")
    bootstrap.backup_registry(home, tmp_path / "backup")
    for damaged, use in (
        (home, lambda: bootstrap.backup_registry(home, tmp_path / "second")),
        (tmp_path / "backup", lambda: bootstrap.restore_registry(tmp_path / "backup", tmp_path / "again")),
    ):
        spoil(damaged, "UPDATE token SET grants = 'admin'")
        with pytest.raises(Integrity, match="token"):
            use()


def test_a_registry_restored_from_its_own_directory_has_the_newest_tokens(
    home: Path, registry: LocalRegistry, tmp_path: Path
) -> None:
    secret = registry.create_token(OPS, "ann", can="read")["token"]
    reader = sqlite3.connect(f"file:{home / 'state.sqlite'}?mode=ro", uri=True)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM token").fetchone()
    registry.revoke_token(OPS, "ann")
    bootstrap.restore_registry(home, tmp_path / "again")
    reader.close()
    with closing(bootstrap.local_registry(tmp_path / "again")) as new, pytest.raises(Unauthenticated):
        new.authenticate(secret)
