"""A kept head against a repository that somebody changed with git itself."""

from __future__ import annotations

import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

from pinset import bootstrap
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ME = Caller(actor="ada")
ALIAS, RELEASES = "refs/heads/aliases/support/production", "refs/heads/releases/support"


def git(home: Path, *words: str, text: str | None = None) -> str:
    command = ["git", "-C", str(home / "repository.git"), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, input=text).stdout


def rewritten(home: Path) -> str:
    """The newest move with another name in it."""
    said = git(home, "cat-file", "commit", ALIAS).replace("Actor: ada", "Actor: bob")
    return git(home, "hash-object", "-t", "commit", "-w", "--stdin", text=said).strip()


def test_what_was_done_with_git_is_named(home: Path, manifest: Callable[..., dict[str, str]]) -> None:
    with closing(bootstrap.local_registry(home)) as registry:
        registry.publish(ME, manifest(), alias="production")
        registry.publish(ME, manifest(words="two"), alias="production")
        head = registry.audit.head()["line"]
        registry.publish(ME, manifest("other"))
    tips = {ref: git(home, "rev-parse", ref).strip() for ref in (ALIAS, RELEASES, "refs/heads/releases/other")}

    def said(ref: str, commit: str | None) -> tuple[str, str, bool]:
        git(home, "update-ref", *([ref, commit] if commit else ["-d", ref]))
        with closing(bootstrap.local_registry(home)) as registry:
            found = registry.audit.verify(head)
        git(home, "update-ref", ref, tips[ref])
        return found["verdict"], found["says"], found["ok"]

    before = git(home, "rev-parse", f"{ALIAS}^1").strip()
    assert said(ALIAS, before) == ("lost", "serial 5 is on no branch", False)
    assert said(RELEASES, None) == ("lost", "serial 2 is on no branch", False)
    other = rewritten(home)
    assert said(ALIAS, other) == ("rewritten", f"serial 5 is {other}, and was {tips[ALIAS]}", False)
    verdict, says, ok = said("refs/heads/releases/other", None)
    assert (verdict, ok) == ("damaged", False), "what came after the head is missed too"
    assert "releases/other" in says
    assert said(ALIAS, tips[ALIAS])[0::2] == ("holds", True)
