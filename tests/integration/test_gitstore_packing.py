"""Repacking beside readers and writers, and what is left where it cannot be made durable."""

from __future__ import annotations

import errno
import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from gitstores import ALIAS, RELEASES, git, promote, publish

from pinset.errors import (
    Busy,
    PinsetError,
    ReadOnly,
)
from pinset.gitstore import GitStore, packing
from pinset.ports.store import Files, NewCommit

if TYPE_CHECKING:
    from pathlib import Path


def objects_in(path: Path) -> tuple[set[str], set[str]]:
    """The loose objects and the files of packs."""
    loose = {f"{file.parent.name}{file.name}" for file in path.glob("objects/??/*")}
    return loose, {file.name for file in path.glob("objects/pack/*")}


def test_a_new_ref_gets_its_directories_also_after_packing_removed_them(store: GitStore, path: Path) -> None:
    deep = "refs/heads/aliases/other/staging"
    publish(store, 1, deep)
    store.pack()
    assert not (path / deep).exists()
    assert store.ref(deep) is not None
    publish(store, 2, deep)
    assert git(path, "rev-list", "--count", deep) == "2"


def test_pack_drops_old_garbage_and_keeps_fresh_objects(store: GitStore, path: Path) -> None:
    publish(store)
    with store.exclusive():
        orphan = store.write(NewCommit(tree=Files({"x": "orphan"}), parents=(), message="o\n", author="a", at=1))
    store.pack()
    assert git(path, "cat-file", "-t", orphan.commit) == "commit"
    leftover = path / "objects/tmp_object_git2_abcdef"
    leftover.write_bytes(b"")
    os.utime(leftover, (1, 1))
    store.pack()
    assert not leftover.exists()


def test_pack_drops_what_nothing_has_named_for_long(store: GitStore, path: Path) -> None:
    kept = publish(store)
    with store.exclusive():
        orphan = store.write(NewCommit(tree=Files({"x": "orphan"}), parents=(), message="o\n", author="a", at=1))
    for file in (path / "objects").glob("??/*"):
        os.utime(file, (1, 1))
    store.pack()
    with pytest.raises(subprocess.CalledProcessError):
        git(path, "cat-file", "-e", orphan.commit)
    assert [found.commit for found in store.scan()] == [kept.commit]
    assert store.check() == []


@pytest.mark.parametrize("what", ["pack", "directory"])
def test_a_pack_that_cannot_be_made_durable_replaces_nothing_and_stops_writing(
    store: GitStore, path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    promote(store, publish(store))
    store.pack()
    publish(store, 2)
    before = objects_in(path)

    def failing(synced: Path) -> None:
        if (synced.suffix == ".pack" and synced.name not in before[1]) if what == "pack" else synced.name == "pack":
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(packing, "sync", failing)
    with pytest.raises(ReadOnly) as caught:
        store.pack()
    assert caught.value.details == {"errno": "EIO"}
    assert objects_in(path) == before
    monkeypatch.undo()
    with pytest.raises(ReadOnly):
        publish(store, 3)


def test_packed_refs_that_cannot_be_made_durable_replace_nothing(
    store: GitStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store)
    loose = (path / RELEASES).read_text()

    def failing(synced: Path) -> None:
        if synced == path:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(packing, "sync", failing)
    with pytest.raises(ReadOnly) as caught:
        store.pack()
    assert caught.value.details == {"errno": "EIO"}
    assert (path / RELEASES).read_text() == loose


def test_a_ref_that_moves_while_refs_are_packed_keeps_its_file(
    store: GitStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publish(store)
    promote(store, first)
    real, other = packing.sync, "ab" * 20

    def moving(synced: Path) -> None:
        real(synced)
        if synced == path:  # by git itself, which knows nothing of our lock
            (path / ALIAS).write_text(f"{other}\n")
            (path / f"{RELEASES}.lock").touch()

    monkeypatch.setattr(packing, "sync", moving)
    store.pack()
    assert (path / ALIAS).read_text() == f"{other}\n"
    assert (path / RELEASES).exists(), "git was about to move it"
    (path / f"{RELEASES}.lock").unlink()


def test_a_pack_whose_index_is_damaged_replaces_nothing(store: GitStore, path: Path) -> None:
    publish(store)
    store.pack()
    [index] = path.glob("objects/pack/*.idx")
    data = bytearray(index.read_bytes())
    data[-30] ^= 1  # which pack it is of
    index.chmod(0o600)
    index.write_bytes(data)
    publish(store, 2)
    before = objects_in(path)[0]
    with pytest.raises(PinsetError):
        store.pack()
    assert objects_in(path)[0] == before


def test_a_repository_is_packed_by_one_at_a_time(store: GitStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(store)
    real = packing.git.repack

    def meanwhile(repository: Path) -> None:
        with pytest.raises(Busy):
            packing.repack(repository)
        real(repository)

    monkeypatch.setattr(packing.git, "repack", meanwhile)
    store.pack()
    assert objects_in(path)[0] == set()


def test_what_a_dead_packer_left_is_removed_once_it_is_old(store: GitStore, path: Path) -> None:
    publish(store)
    store.pack()
    folder = path / "objects/pack"
    left = [folder / name for name in ("tmp_pack_a", ".tmp-1-pack-a.pack", f"pack-{'0' * 40}.pack")]
    for file in left:
        file.touch()
    store.pack()
    assert all(file.exists() for file in left)
    for file in left:
        os.utime(file, (time.time() - 7200,) * 2)
    store.pack()
    assert not any(file.exists() for file in left)
    assert store.check() == []
