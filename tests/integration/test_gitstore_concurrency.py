"""Many processes on one registry."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pygit2
import pytest

import pinset
from pinset.domain.records import ROOT
from pinset.gitstore import GitStore, git, writer
from pinset.gitstore.writer import Repository
from pinset.ports.store import Files, NewCommit, RefMove

if TYPE_CHECKING:
    from pygit2.enums import ObjectType

COUNTER = "refs/heads/aliases/support/production"
SOURCE = str(Path(pinset.__file__).parents[1])
PROCESSES, ROUNDS = 8, 50

WORKER = """
import pathlib, sys
from pinset.gitstore import GitStore
from pinset.domain.records import ROOT
from pinset.ports.store import Files, NewCommit, RefMove

store = GitStore.open(pathlib.Path(sys.argv[1]), wait_seconds=60)
ref = sys.argv[2]
for number in range(int(sys.argv[4])):
    with store.exclusive():
        previous = store.ref(ref)
        commit = NewCommit(tree=Files({"who": f"{sys.argv[3]} {number}"}), parents=(previous or ROOT,),
                           message=f"{sys.argv[3]}-{number}\\n", author=sys.argv[3], at=1)
        store.move([RefMove(ref, previous, store.write(commit).commit)])
store.close()
"""


def start(path: Path, name: str, rounds: int = ROUNDS) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(path), COUNTER, name, str(rounds)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": SOURCE},
    )


def test_no_update_of_eight_processes_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "repository.git"
    GitStore.create(path).close()
    workers = [start(path, f"w{n}") for n in range(PROCESSES)]
    for worker in workers:
        _, talk = worker.communicate(timeout=300)
        assert worker.returncode == 0, talk
    store = GitStore.open(path)
    messages = [c.message.strip() for c in store.scan()]
    assert sorted(messages) == sorted(f"w{n}-{m}" for n in range(PROCESSES) for m in range(ROUNDS))
    assert store.check() == []
    store.close()


def test_packing_beside_writers_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "repository.git"
    store = GitStore.create(path, wait_seconds=60)
    workers = [start(path, f"w{n}", 40) for n in range(2)]
    packed = 0
    while any(worker.poll() is None for worker in workers):
        store.pack()
        packed += 1
        for stored in store.scan():
            assert stored.files["who"].replace(" ", "-") == stored.message.strip()
    for worker in workers:
        _, talk = worker.communicate(timeout=60)
        assert worker.returncode == 0, talk
    assert packed > 0
    assert len(list(store.scan())) == 80
    assert store.check() == []
    store.close()


class RepackedMeanwhile:
    """An object database whose writes are overtaken, a few times, by a repack that removes emptied directories."""

    def __init__(self, path: Path, times: int) -> None:
        self._real = pygit2.Repository(str(path))
        self._path = path
        self.odb = self
        self.times = times

    def write(self, kind: ObjectType, data: bytes) -> object:
        made = self._real.odb.write(kind, data)
        if self.times:
            self.times -= 1
            git.run(self._path, "repack", "-d", "--quiet")
        return made

    def __getattr__(self, name: str) -> object:
        return getattr(self._real.odb, name)


@pytest.mark.parametrize("kept", [True, False], ids=["known", "new"])
def test_a_directory_that_a_repack_removes_under_a_write_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, kept: bool
) -> None:
    path = tmp_path / "repository.git"
    store = GitStore.create(path)
    commit = NewCommit(tree=Files({"a": "b"}), parents=(ROOT,), message="m\n", author="a", at=1)
    with store.exclusive():
        first = store.write(commit).commit
        store.move([RefMove(COUNTER, None, first)])
    overtaken = RepackedMeanwhile(path, times=3)
    repository = Repository(path)
    monkeypatch.setattr(repository, "_git", overtaken)
    text = "b" if kept else "c"
    written = repository.write(
        {
            "files": {"a": text},
            "tree_of": None,
            "parents": [first],
            "message": "n\n",
            "author": "a",
            "at": 2,
            "signer": None,
        }
    )
    assert overtaken.times == 0
    with store.exclusive():
        store.move([RefMove(COUNTER, first, written["commit"])])
    assert [stored.files for stored in store.scan()] == [{"a": "b"}, {"a": text}]
    assert store.check() == []
    store.close()


def test_a_folder_of_objects_that_is_made_anew_is_made_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "repository.git"
    store = GitStore.create(path)
    with store.exclusive():
        first = store.write(NewCommit(tree=Files({"a": "b"}), parents=(ROOT,), message="m\n", author="a", at=1)).commit
        store.move([RefMove(COUNTER, None, first)])
    store.close()
    git.run(path, "repack", "-d", "--quiet")  # as an administrator may, by hand
    folders = {folder.name for folder in (path / "objects").glob("??")}
    synced: list[Path] = []
    monkeypatch.setattr(writer, "sync", synced.append)
    repository = Repository(path)
    for number in range(3):
        repository.write(
            {
                "files": {"a": f"{number}"},
                "tree_of": None,
                "parents": [first],
                "message": "n\n",
                "author": "a",
                "at": 2,
                "signer": None,
            }
        )
    made = {folder.name for folder in (path / "objects").glob("??")} - folders
    assert made, "git removes folders, so writing makes some"
    assert synced.count(path / "objects") == len(made)


def test_a_fork_neither_shares_the_lock_nor_the_child(tmp_path: Path) -> None:
    code = """
import os, pathlib, sys
from pinset.errors import Busy
from pinset.gitstore import GitStore
store = GitStore.create(pathlib.Path(sys.argv[1]), wait_seconds=0.2)
with store.exclusive():
    store.refs()
    if os.fork() == 0:
        assert store.refs() == {}
        try:
            with store.exclusive():
                os._exit(1)
        except Busy:
            store.close()
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
    assert store.refs() == {}
store.close()
"""
    path = str(tmp_path / "repository.git")
    subprocess.run([sys.executable, "-c", code, path], check=True, timeout=60, env={**os.environ, "PYTHONPATH": SOURCE})


def test_a_replaced_lock_file_is_noticed(tmp_path: Path) -> None:
    store = GitStore.create(tmp_path / "repository.git", wait_seconds=5)
    with store.exclusive():
        store.refs()
    (tmp_path / "lock").unlink()
    with store.exclusive():
        written = store.write(NewCommit(tree=Files(), parents=(ROOT,), message="m\n", author="a", at=1))
        store.move([RefMove(COUNTER, None, written.commit)])
        assert (tmp_path / "lock").stat().st_ino == os.fstat(store._lock.fileno()).st_ino
    store.close()
