"""What tests of a git store do to it: publish, promote, ask git itself, and damage files."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from pinset.domain.records import ROOT
from pinset.ports.store import Files, NewCommit, RefMove, TreeOf, Written

if TYPE_CHECKING:
    from pathlib import Path

    from pinset.gitstore import GitStore

RELEASES = "refs/heads/releases/support"
ALIAS = "refs/heads/aliases/support/production"


def publish(store: GitStore, number: int = 1, ref: str = RELEASES) -> Written:
    with store.exclusive():
        previous = store.ref(ref)
        files = Files({"a.txt": f"text {number}\n" * 50, "dir/b.txt": "same\n" * 100})
        commit = NewCommit(
            tree=files, parents=(previous,) if previous else (), message=f"v{number}\n", author="a", at=number
        )
        written = store.write(commit)
        store.move([RefMove(ref, previous, written.commit)])
    return written


def promote(store: GitStore, target: Written) -> Written:
    with store.exclusive():
        previous = store.ref(ALIAS)
        parents = (previous or ROOT, target.commit)
        written = store.write(
            NewCommit(tree=TreeOf(target.commit), parents=parents, message="promote\n", author="a", at=9)
        )
        store.move([RefMove(ALIAS, previous, written.commit)])
    return written


def git(path: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", f"--git-dir={path}", *arguments], check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout.strip()


def loose(path: Path, wanted: str) -> Path:
    return path / "objects" / wanted[:2] / wanted[2:]


def overwrite(file: Path, data: bytes) -> None:
    file.chmod(0o644)
    file.write_bytes(data)
