"""The git store when processes die and files are damaged."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import pinset
from pinset.domain.records import ROOT
from pinset.errors import (
    AlreadyExists,
    Busy,
    Conflict,
    Integrity,
    NoRegistry,
    PermissionDenied,
    PinsetError,
    ReadOnly,
    Unavailable,
    UnknownFormat,
)
from pinset.gitstore import GitStore, packing
from pinset.ports.store import Files, NewCommit, RefMove, TreeOf, Written

RELEASES = "refs/heads/releases/support"
ALIAS = "refs/heads/aliases/support/production"
SOURCE = str(Path(pinset.__file__).parents[1])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "repository.git"


@pytest.fixture
def store(path: Path):
    made = GitStore.create(path, wait_seconds=5)
    yield made
    made.close()


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


def wait_until_gone(pid: int) -> None:
    """Wait for a process that is not our child to end, at most ten seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        os.sched_yield()
    pytest.fail(f"process {pid} is still there")


def child_pid(store: GitStore) -> int:
    pid = store._child.pid
    assert pid is not None
    return pid


def test_the_parent_never_imports_pygit2(path: Path) -> None:
    code = f"""
import sys, pathlib
from pinset.gitstore import GitStore
store = GitStore.create(pathlib.Path({str(path)!r}))
store.refs(); list(store.scan()); store.check(); store.pack(); store.close()
assert "pygit2" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env={**os.environ, "PYTHONPATH": SOURCE})


def test_after_the_child_was_killed_the_next_operation_works(store: GitStore) -> None:
    first = publish(store)
    os.kill(child_pid(store), signal.SIGKILL)
    with pytest.raises(Unavailable, match="SIGKILL"):  # no damage does that
        store.refs()
    assert store.refs() == {RELEASES: first.commit}
    publish(store, 2)


def test_a_child_that_dies_during_a_write_is_unavailable(store: GitStore) -> None:
    publish(store)
    with store.exclusive():
        os.kill(child_pid(store), signal.SIGKILL)
        with pytest.raises(Unavailable):
            store.write(NewCommit(tree=Files(), parents=(), message="m", author="a", at=1))
    publish(store, 2)


def test_what_is_done_meanwhile_is_not_taken_for_a_fault_of_the_child(store: GitStore) -> None:
    def broken() -> None:
        raise OSError(errno.EBADF, "of mine")

    first = publish(store)
    with store.exclusive():
        written = store.write(NewCommit(tree=Files(), parents=(first.commit,), message="v2\n", author="a", at=2))
        with pytest.raises(OSError, match="of mine") as raised:
            store.move([RefMove(RELEASES, first.commit, written.commit)], meanwhile=broken)
    assert type(raised.value) is OSError
    assert store._child.pid is None, "its answer is still in the pipe"
    assert store.ref(RELEASES) in {first.commit, written.commit}
    publish(store, 3)


def test_a_child_that_hangs_is_stopped_in_time(path: Path) -> None:
    store = GitStore.create(path, op_seconds=3)
    try:
        first = publish(store)
        hanging = child_pid(store)
        os.kill(hanging, signal.SIGSTOP)
        with pytest.raises(Unavailable, match="3 seconds"):
            store.refs()
        wait_until_gone(hanging)
        assert store.refs() == {RELEASES: first.commit}
    finally:
        store.close()


def test_an_interrupt_does_not_put_the_pipe_out_of_step(store: GitStore, monkeypatch: pytest.MonkeyPatch) -> None:
    first = publish(store)
    child = store._child._child
    assert child is not None

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(child, "receive", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.ref("refs/heads/releases/other")
    assert store.ref(RELEASES) == first.commit


def test_the_child_ends_when_its_parent_is_killed_and_frees_the_lock(path: Path) -> None:
    code = f"""
import pathlib, signal, sys
from pinset.gitstore import GitStore
store = GitStore.create(pathlib.Path({str(path)!r}))
with store.exclusive():
    store.refs()
    print(store._child.pid, flush=True)
    signal.pause()
"""
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": SOURCE}
    )
    assert holder.stdout is not None
    with holder.stdout:
        child = int(holder.stdout.readline())
        holder.kill()
        holder.wait()
    wait_until_gone(child)
    after = GitStore.open(path, wait_seconds=5)
    publish(after)
    after.close()


def test_the_lock_outlives_a_killed_parent_while_its_child_works(path: Path) -> None:
    store = GitStore.create(path, wait_seconds=0.1)
    store.refs()
    lock = os.fstat(store._lock.fileno()).st_ino
    held = {f.stat().st_ino for f in Path(f"/proc/{child_pid(store)}/fd").iterdir() if f.exists()}
    store.close()
    assert lock in held


def test_a_stale_lock_file_of_a_ref_is_removed(store: GitStore, path: Path) -> None:
    publish(store)
    stale = path / f"{RELEASES}.lock"
    stale.write_bytes(b"")
    os.utime(stale, (1, 1))
    publish(store, 2)
    assert not stale.exists()
    assert git(path, "rev-list", "--count", RELEASES) == "2"


def test_a_lock_file_younger_than_ours_is_respected(store: GitStore, path: Path) -> None:
    first = publish(store)
    fresh = path / f"{RELEASES}.lock"
    fresh.write_bytes(b"")
    os.utime(fresh, (2**31, 2**31))
    with pytest.raises(Unavailable):
        publish(store, 2)
    assert store.ref(RELEASES) == first.commit


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


def test_a_new_ref_gets_its_directories_also_after_packing_removed_them(store: GitStore, path: Path) -> None:
    deep = "refs/heads/aliases/other/staging"
    publish(store, 1, deep)
    store.pack()
    assert not (path / deep).exists()
    assert store.ref(deep) is not None
    publish(store, 2, deep)
    assert git(path, "rev-list", "--count", deep) == "2"


def test_git_log_of_an_alias_shows_only_its_moves(store: GitStore, path: Path) -> None:
    first = publish(store, 1)
    second = publish(store, 2)
    for target in (first, second, first):
        promote(store, target)
    subjects = git(path, "log", "--first-parent", "--format=%s", ALIAS).split()
    assert subjects == ["promote"] * 3 + ["root"]
    assert git(path, "rev-parse", f"{ALIAS}^{{tree}}") == first.tree
    assert store.check() == []


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


def test_a_failed_sync_stops_writing_until_reopened(
    store: GitStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publish(store)
    child = store._child._child
    assert child is not None
    failed = {"error": {"code": "read_only", "message": "m", "hint": "h", "details": {"errno": "EIO"}}}
    with monkeypatch.context() as patch:
        patch.setattr(child, "send", lambda message, seconds: None)
        patch.setattr(child, "receive", lambda seconds: failed)
        with pytest.raises(ReadOnly), store.exclusive():
            store.write(NewCommit(tree=Files(), parents=(), message="m", author="a", at=1))
    with pytest.raises(ReadOnly):
        publish(store, 2)
    assert store.refs() == {RELEASES: first.commit}
    again = GitStore.open(path)
    publish(again, 2)
    again.close()


def test_a_write_the_disk_refuses_is_read_only_with_a_way_out(path: Path) -> None:
    code = f"""
import pathlib, resource, signal
from pinset.errors import ReadOnly
from pinset.gitstore import GitStore
from pinset.domain.records import ROOT
from pinset.ports.store import Files, NewCommit
store = GitStore.create(pathlib.Path({str(path)!r}))
store.refs()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.prlimit(store._child.pid, resource.RLIMIT_FSIZE, (4096, 4096))
import os
text = os.urandom(40000).hex()
with store.exclusive():
    try:
        store.write(NewCommit(tree=Files({{"a": text}}), parents=(), message="m", author="a", at=1))
    except ReadOnly as error:
        print(error.message, error.hint)
store.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": SOURCE},
    )
    assert "File too large" in done.stdout
    assert "ulimit" in done.stdout
    store = GitStore.open(path)
    assert store.refs() == {}
    assert store.check() == []
    publish(store)
    store.close()


def test_create_makes_what_is_promised(store: GitStore, path: Path) -> None:
    assert len([d for d in (path / "objects").iterdir() if len(d.name) == 2]) == 256
    assert (path / "refs/heads/components/guardrails").is_dir()
    assert not list((path / "hooks").iterdir())
    assert git(path, "config", "gc.auto") == "0"
    assert git(path, "rev-parse", "--is-bare-repository", "--show-object-format") == "true\nsha1"
    with pytest.raises(AlreadyExists):
        GitStore.create(path)


def test_open_refuses_what_is_missing_or_broken(tmp_path: Path, store: GitStore, path: Path) -> None:
    with pytest.raises(NoRegistry):
        GitStore.open(tmp_path / "none" / "repository.git")
    (path / "HEAD").unlink()
    with pytest.raises(Integrity):
        GitStore.open(path)


@pytest.mark.parametrize(
    ("more", "setting"),
    [
        ("[extensions]\n\tobjectFormat = sha256\n", "extensions.objectformat"),
        ("[extensions]\n\trefstorage = reftable\n", "extensions.refstorage"),
        ("[extensions]\n\tpartialClone = origin\n", "extensions.partialclone"),
        ('[remote "origin"]\n\tpromisor = true\n', "remote.promisor"),
        ("[extensions]\n\tfuture = 1\n", "extensions.future"),
        ("[core]\n\trepositoryformatversion = 2\n", "core.repositoryformatversion"),
        ("[core]\n\tbare = false\n", "core.bare"),
        ('[include]\n\tpath = "other"\n', "include."),
        ('[includeIf "gitdir:/"] path = x\n', "includeif."),
    ],
)
def test_open_refuses_formats_that_cannot_be_read(store: GitStore, path: Path, more: str, setting: str) -> None:
    with (path / "config").open("a") as file:
        file.write(more)
    with pytest.raises(UnknownFormat) as caught:
        GitStore.open(path)
    assert caught.value.details == {"setting": setting}


def test_open_refuses_a_real_sha256_repository(path: Path) -> None:
    subprocess.run(["git", "init", "--bare", "--object-format=sha256", str(path)], check=True, capture_output=True)
    with pytest.raises(UnknownFormat) as caught:
        GitStore.open(path)
    assert caught.value.details == {"setting": "extensions.objectformat"}


def test_open_takes_a_plain_mirror_clone_and_refuses_one_with_alternates(
    store: GitStore, path: Path, tmp_path: Path
) -> None:
    first = publish(store)
    for name, option in (("whole", "--no-hardlinks"), ("shared", "--shared")):
        target = tmp_path / name / "repository.git"
        subprocess.run(["git", "clone", "--mirror", option, str(path), str(target)], check=True, capture_output=True)
    clone = GitStore.open(tmp_path / "whole" / "repository.git")
    assert clone.refs() == {RELEASES: first.commit}
    publish(clone, 2)
    clone.close()
    with pytest.raises(Integrity) as caught:
        GitStore.open(tmp_path / "shared" / "repository.git")
    assert caught.value.details == {"file": "objects/info/alternates"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_open_refuses_another_users_registry(store: GitStore, path: Path) -> None:
    os.chown(path, 12345, 12345)
    with pytest.raises(PermissionDenied) as caught:
        GitStore.open(path)
    assert "chown" in caught.value.hint


def test_modules_in_the_registry_directory_are_not_imported(store: GitStore, path: Path) -> None:
    (path.parent / "json.py").write_text("raise SystemExit(3)\n")
    (path.parent / "pygit2.py").write_text("raise SystemExit(3)\n")
    publish(store)


def test_a_move_to_where_a_ref_is_makes_it_durable_and_is_still_a_compare_and_swap(
    store: GitStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pinset.gitstore import writer

    first, second = publish(store), publish(store, 2)
    synced: list[Path] = []
    monkeypatch.setattr(writer, "sync", synced.append)
    repository = writer.Repository(path)
    move = {"ref": RELEASES, "expected": second.commit, "new": second.commit}
    repository.move([move], 0.0)
    assert {path / RELEASES, (path / RELEASES).parent} <= set(synced)
    store.pack()
    synced.clear()
    repository.move([move], 0.0)
    assert {path / "packed-refs", path} <= set(synced)
    with pytest.raises(Conflict):
        repository.move([{"ref": RELEASES, "expected": first.commit, "new": first.commit}], 0.0)


def test_a_second_answer_to_one_request_is_not_taken_for_the_next(
    store: GitStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publish(store)
    child = store._child._child
    assert child is not None
    receive, late = (
        child.receive,
        [{"error": {"code": "integrity", "message": "m", "hint": "", "details": {}}, "of": 0}],
    )
    monkeypatch.setattr(child, "receive", lambda seconds: late.pop() if late else receive(seconds))
    assert store.ref(RELEASES) == first.commit
    assert late == []


def test_the_lock_is_free_after_it_could_not_be_looked_at(store: GitStore, monkeypatch: pytest.MonkeyPatch) -> None:
    from pinset.gitstore import locks

    def fails(_one: os.stat_result, _other: os.stat_result) -> bool:
        raise OSError(5, "Input/output error")

    publish(store)  # its child has inherited the lock
    with monkeypatch.context() as patch:
        patch.setattr(locks.os.path, "samestat", fails)
        with pytest.raises(ReadOnly), store.exclusive():
            pass
    other = GitStore.open(store._directory, wait_seconds=1)
    publish(other, 2)
    other.close()


# -- packing ---------------------------------------------------------------------------------------------------


def objects_in(path: Path) -> tuple[set[str], set[str]]:
    """The loose objects and the files of packs."""
    loose = {f"{file.parent.name}{file.name}" for file in path.glob("objects/??/*")}
    return loose, {file.name for file in path.glob("objects/pack/*")}


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
