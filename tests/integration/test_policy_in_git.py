"""A policy in a repository that somebody changes behind our back, and two who edit at once."""

from __future__ import annotations

import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from pinset import bootstrap
from pinset.errors import Integrity, PinsetError, PolicyMoved
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinset.services.local import LocalRegistry

ME = Caller(actor="ada")
STRICT = "format: 1\nrules: [{bundles: '*', aliases: production, approvals: 2}]\n"
LAX = "format: 1\nrules: []\n"


def git(home: Path, *words: str) -> str:
    repository = str(home / "repository.git")
    done = subprocess.run(["git", "-C", repository, *words], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def test_a_policy_that_is_taken_back_in_git_is_found(home: Path, manifest: Callable[..., dict[str, str]]) -> None:
    registry = bootstrap.local_registry(home)
    registry.policies.edit(ME, LAX, reason="lax")
    registry.policies.edit(ME, STRICT, reason="strict")
    git(home, "update-ref", "refs/heads/main", "refs/heads/main~1")
    registry.close()
    registry = bootstrap.local_registry(home)
    assert not registry.verify()["ok"]
    with pytest.raises(PinsetError):  # nothing is built on the older one
        registry.policies.edit(ME, LAX + "# again\n", reason="lax again")
    with pytest.raises(Integrity, match="lost"):
        registry.reindex()
    registry.close()


def test_a_new_policy_keeps_what_else_is_on_main(home: Path) -> None:
    registry = bootstrap.local_registry(home)
    registry.policies.edit(ME, STRICT, reason="strict")
    registry.reindex()
    assert registry.policies.show()["text"] == STRICT
    registry.close()
    assert git(home, "ls-tree", "--name-only", "main").split() == ["allowed_signers", "policy.yaml", "registry.yaml"]
    assert git(home, "show", "main:policy.yaml") == STRICT.strip()


def test_of_two_edits_at_once_one_wins(memory: LocalRegistry) -> None:
    ends: list[Any] = []

    def edit(text: str) -> None:
        try:
            ends.append(memory.policies.edit(ME, text, expect=0, reason="me first")["number"])
        except PolicyMoved as error:
            ends.append(error.code)

    threads = [threading.Thread(target=edit, args=(text,)) for text in (STRICT, LAX)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends, key=str) == [1, "policy_moved"]


def test_a_judgement_reads_a_bounded_number_of_rows(
    memory: LocalRegistry, manifest: Callable[..., dict[str, str]]
) -> None:
    wants = "after: staging, evidence: [{suite: a, passed: true}, {suite: b, passed: true}], approvals: 1, require: models/x"
    memory.policies.edit(ME, f"format: 1\nrules: [{{bundles: '*', aliases: production, {wants}}}]\n", reason="all")
    engine: Any = memory._context.catalog._engine  # type: ignore[attr-defined] # the one in memory has an engine

    def statements() -> int:
        asked: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            asked.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        try:
            assert not memory.policies.can_promote(ME, "support@v1", "production")["can"]
        finally:
            event.remove(engine, "before_cursor_execute", note)
        return len(asked)

    memory.publish(ME, manifest(words="1"))
    few = statements()
    for number in range(2, 12):
        memory.publish(ME, manifest(words=str(number)), alias="staging")
        memory.yank(ME, f"support@v{number}", reason="so that there are notes")
    assert statements() == few
    assert few <= 24
