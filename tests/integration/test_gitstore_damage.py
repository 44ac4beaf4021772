"""What is damaged in a repository is said, and never served or taken for absence."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from gitstores import RELEASES, git, loose, overwrite, publish

from pinset.errors import (
    Integrity,
    PinsetError,
)
from pinset.ports.store import Files, NewCommit

if TYPE_CHECKING:
    from pathlib import Path

    from pinset.gitstore import GitStore


@pytest.mark.parametrize("kind", ["commit", "tree", "blob"])
@pytest.mark.parametrize("keep", [0, 1, 10, -1, -5])
def test_a_truncated_loose_object_is_an_integrity_error_and_no_hang(
    store: GitStore, path: Path, kind: str, keep: int
) -> None:
    written = publish(store)
    wanted = {
        "commit": written.commit,
        "tree": written.tree,
        "blob": git(path, "rev-parse", f"{RELEASES}:dir/b.txt"),
    }[kind]
    file = loose(path, wanted)
    overwrite(file, file.read_bytes()[:keep])
    with pytest.raises(Integrity) as caught:
        list(store.scan())
    assert wanted in caught.value.message
    assert caught.value.hint
    found = store.check()
    assert any(wanted in damage.what for damage in found)


def test_a_flipped_byte_and_a_missing_object_are_integrity_errors(store: GitStore, path: Path) -> None:
    written = publish(store)
    file = loose(path, written.tree)
    whole = file.read_bytes()
    overwrite(file, whole[:-6] + bytes([whole[-6] ^ 1]) + whole[-5:])
    with pytest.raises(Integrity, match=written.tree):
        list(store.scan())
    file.unlink()
    with pytest.raises(Integrity, match="missing"):
        list(store.scan())


def test_writing_over_a_damaged_object_is_refused(store: GitStore, path: Path) -> None:
    written = publish(store)
    file = loose(path, written.tree)
    overwrite(file, b"")
    with store.exclusive(), pytest.raises(Integrity, match=written.tree):
        store.write(
            NewCommit(
                tree=Files({"a.txt": "text 1\n" * 50, "dir/b.txt": "same\n" * 100}),
                parents=(),
                message="again\n",
                author="a",
                at=1,
            )
        )


def test_damage_inside_packs_is_an_integrity_error(store: GitStore, path: Path) -> None:
    for number in range(1, 4):
        publish(store, number)
    store.pack()
    assert len(list(store.scan())) == 3
    (pack,) = (path / "objects/pack").glob("*.pack")
    whole = pack.read_bytes()
    for at in range(12, len(whole) - 20, max(1, len(whole) // 12)):
        overwrite(pack, whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            assert len(list(store.scan())) == 3
        except PinsetError as error:
            assert isinstance(error, Integrity)  # noqa: PT017 - a flip in padding may go unseen
    overwrite(pack, whole[: len(whole) // 2])
    with pytest.raises(Integrity):
        list(store.scan())


@pytest.mark.parametrize(
    "content",
    [b"\0" * 200, b"", b"# pack-refs with: peeled \ngarbage\n", b"# pack-refs with: ", b"# pack-refs with: pedled\n"],
)
def test_damaged_packed_refs_are_never_no_releases(store: GitStore, path: Path, content: bytes) -> None:
    publish(store)
    store.pack()
    assert store.refs() != {}
    overwrite(path / "packed-refs", content)
    for read in (store.refs, lambda: list(store.scan())):
        with pytest.raises(Integrity, match="packed-refs"):
            read()


def test_zeroed_packed_refs_fail_single_reads_too(store: GitStore, path: Path) -> None:
    publish(store)
    store.pack()
    overwrite(path / "packed-refs", b"\0" * 200)
    with pytest.raises(Integrity):
        store.ref(RELEASES)
    with pytest.raises(Integrity):
        publish(store, 2)


@pytest.mark.parametrize("content", [b"", b"\0" * 41, b"ref: refs/heads/main\n", b"abc\n"])
def test_a_damaged_ref_file_is_an_integrity_error(store: GitStore, path: Path, content: bytes) -> None:
    publish(store)
    (path / RELEASES).write_bytes(content)
    for read in (store.refs, lambda: store.ref(RELEASES), lambda: publish(store, 2), lambda: list(store.scan())):
        with pytest.raises(Integrity, match="releases/support"):
            read()


@pytest.mark.parametrize(
    "line",
    [b"120000 link\0", b"160000 module\0", b"100755 script\0", b"100644 ..\0", b"100644 .git\0", b"100644 a/b\0"],
)
def test_a_tree_that_no_registry_writes_is_an_integrity_error(store: GitStore, path: Path, line: bytes) -> None:
    publish(store)
    blob = git(path, "rev-parse", f"{RELEASES}:a.txt")
    make = ["git", f"--git-dir={path}", "hash-object", "-t", "tree", "-w", "--literally", "--stdin"]
    tree = subprocess.run(make, input=line + bytes.fromhex(blob), check=True, capture_output=True).stdout.decode()
    who = ["-c", "user.name=x", "-c", "user.email=x@x"]
    done = subprocess.run(
        ["git", f"--git-dir={path}", *who, "commit-tree", tree.strip(), "-m", "x"], check=True, capture_output=True
    )
    (path / RELEASES).write_bytes(done.stdout)
    with pytest.raises(Integrity, match=tree.strip()):
        list(store.scan())


def test_an_object_that_inflates_without_end_is_refused(store: GitStore, path: Path) -> None:
    import hashlib
    import zlib

    publish(store)
    data = b"commit %d\0" % (64 << 20) + b"\0" * (64 << 20)
    wanted = hashlib.sha1(data).hexdigest()
    loose(path, wanted).write_bytes(zlib.compress(data, 9))
    (path / RELEASES).write_text(wanted + "\n")
    with pytest.raises(Integrity, match="too large"):
        list(store.scan())
