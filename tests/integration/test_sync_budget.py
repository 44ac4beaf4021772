"""How often a write waits for the disk, counted by strace beside the floor that git itself sets."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pinset

SOURCE = str(Path(pinset.__file__).parents[1])
EXTRA = 2
"""Syncs beyond the floor: the intent, and the rows that make the write visible."""

WRITES = """
import os, pathlib, sys
import pygit2
from pinset import bootstrap
from pinset.ports.registry import Caller

def files(n):
    text = f"release:\\n  feature: b\\n  model: {{name: m, pinned_version: '1'}}\\n  prompt: {{text: 'Text {n}.'}}\\n"
    return {"release.yaml": text}

def mark(name):
    os.path.exists(f"/pinset-mark-{name}-")

here, me = pathlib.Path(sys.argv[1]), Caller(actor="ada")
bootstrap.create_registry(here / "registry")
registry = bootstrap.local_registry(here / "registry", serving=True)
registry.publish(me, files(0), alias="production")
registry.publish(me, files(1), alias="production")
mark("publish")
published = registry.publish(me, files(2))
mark("promote")
moved = registry.promote(me, "b@v3", "production")
mark("other")
registry.close()

# The same objects and refs, by git's library alone.
pygit2.settings.enable_fsync_gitdir(True)
source = pygit2.Repository(str(here / "registry/repository.git"))
floor = pygit2.init_repository(str(here / "floor.git"), bare=True)
for n in range(256):
    (here / f"floor.git/objects/{n:02x}").mkdir()
objects = []
for name in (published["commit"], moved["revision"]):
    commit = source[name]
    objects.append((commit, list(commit.tree)))
first = floor.create_commit(None, *[pygit2.Signature("a", "a@b")] * 2, "first", floor.TreeBuilder().write(), [])
for ref in ("refs/heads/release", "refs/heads/alias"):
    floor.create_reference(ref, first)

def move(ref, commit):
    new = floor.odb.write(pygit2.enums.ObjectType.COMMIT, commit.read_raw())
    with floor.transaction() as change:
        change.lock_ref(ref)
        change.set_target(ref, new)

(release, texts), (alias, _) = objects
mark("floor-publish")
for blob in texts:
    floor.odb.write(pygit2.enums.ObjectType.BLOB, blob.data)
floor.odb.write(pygit2.enums.ObjectType.TREE, release.tree.read_raw())
move("refs/heads/release", release)
mark("floor-promote")
move("refs/heads/alias", alias)
mark("end")
"""


def test_a_write_waits_for_the_disk_twice_more_than_git_does(tmp_path: Path) -> None:
    log = tmp_path / "calls"
    strace = ["strace", "-f", "-qq", "-o", str(log), "-e", "trace=fsync,fdatasync,stat,newfstatat"]
    if shutil.which("strace") is None or subprocess.run([*strace, "true"], check=False, capture_output=True).returncode:
        pytest.skip("strace is not there, or may not trace here")
    command = [*strace, sys.executable, "-c", WRITES, str(tmp_path)]
    subprocess.run(command, check=True, timeout=120, env={**os.environ, "PYTHONPATH": SOURCE})
    counted: dict[str, int] = {}
    now = ""
    for line in log.read_text().splitlines():
        if "/pinset-mark-" in line:
            now = line.partition("/pinset-mark-")[2].partition('-"')[0]
        elif "sync(" in line and "resumed" not in line:
            counted[now] = counted.get(now, 0) + 1
    for write in ("publish", "promote"):
        assert 0 < counted[write] <= counted[f"floor-{write}"] + EXTRA, counted
    assert (counted["floor-publish"], counted["floor-promote"]) == (10, 4), counted
