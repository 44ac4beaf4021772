"""What `ports.store.Store` promises, held on every implementation."""

from __future__ import annotations

import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from pinset.domain.records import ROOT
from pinset.errors import Busy, Conflict, Integrity, InvalidInput, InvalidName, NotFound
from pinset.gitstore import GitStore, MemoryStore
from pinset.gitstore.objects import ROOT_COMMIT
from pinset.ports.store import Files, NewCommit, RefMove, TreeOf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pinset.ports.store import Store, Written

RELEASES = "refs/heads/releases/support"
ALIAS = "refs/heads/aliases/support/production"
TEXTS = {"release.yaml": "a: 1\n", "prompts/system.md": "Sei höflich.\n", "prompts.txt": "", "prompts/a/deep.md": "x"}


@pytest.fixture(params=["memory", "git"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore(wait_seconds=0.05)
        return
    made = GitStore.create(tmp_path / "repository.git", wait_seconds=0.05)
    yield made
    made.close()


def new(files: dict[str, str] | None = None, *, parents: tuple[str, ...] = (), message: str = "m\n") -> NewCommit:
    return NewCommit(tree=Files(files or {}), parents=parents, message=message, author="Ann", at=1_700_000_000_500_000)


def write(store: Store, commit: NewCommit) -> Written:
    with store.exclusive():
        return store.write(commit)


def move(store: Store, *moves: RefMove) -> None:
    with store.exclusive():
        store.move(moves)


def release(store: Store, number: int, parent: str | None = None) -> Written:
    """Publish one release and move its branch."""
    written = write(
        store, new({**TEXTS, "n": str(number)}, parents=(parent,) if parent else (), message=f"v{number}\n")
    )
    move(store, RefMove(RELEASES, parent, written.commit))
    return written


def promote(store: Store, previous: str | None, target: Written) -> Written:
    """Write a move and advance the alias."""
    commit = NewCommit(
        tree=TreeOf(target.commit),
        parents=(previous or ROOT, target.commit),
        message="promote\n",
        author="Ann",
        at=1_700_000_001_000_000,
    )
    written = write(store, commit)
    move(store, RefMove(ALIAS, previous, written.commit))
    return written


def test_writing_the_same_again_gives_the_same_id(store: Store) -> None:
    first = write(store, new(TEXTS))
    assert write(store, new(TEXTS)) == first
    assert write(store, new(dict(reversed(TEXTS.items())))) == first


def test_write_moves_no_ref(store: Store) -> None:
    write(store, new(TEXTS))
    assert store.refs() == {}


def test_same_files_have_the_same_tree_whatever_the_message(store: Store) -> None:
    one, two = write(store, new(TEXTS)), write(store, new(TEXTS, message="other\n"))
    assert one.tree == two.tree
    assert one.commit != two.commit


def test_no_files_make_the_empty_tree(store: Store) -> None:
    assert write(store, new()).tree == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def test_tree_of_takes_the_tree_of_the_commit(store: Store) -> None:
    first = release(store, 1)
    assert promote(store, None, first).tree == first.tree


def test_write_refuses_parents_and_trees_that_do_not_exist(store: Store) -> None:
    for missing in ("0" * 40, "nonsense"):
        with pytest.raises(NotFound):
            write(store, new(parents=(missing,)))
        with pytest.raises(NotFound):
            write(store, NewCommit(tree=TreeOf(missing), parents=(), message="m", author="a", at=1))


@pytest.mark.parametrize("path", ["../evil", "/etc/passwd", ".git/config", "a//b", "a b", "", "a/../b", "ü", "x\n"])
def test_write_refuses_paths_off_the_allow_list(store: Store, path: str) -> None:
    with pytest.raises(InvalidName):
        write(store, new({path: "x"}))


@pytest.mark.parametrize("files", [{"a": "x", "a/b": "y"}, {"a/b": "y", "a": "x"}])
def test_write_refuses_a_name_that_is_file_and_folder(store: Store, files: dict[str, str]) -> None:
    with pytest.raises(InvalidName):
        write(store, new(files))


@pytest.mark.parametrize("commit", [new({"a": "\ud800"}), new(message="a\0b"), new(message="\udcff")])
def test_write_refuses_what_is_no_text(store: Store, commit: NewCommit) -> None:
    with pytest.raises(InvalidInput):
        write(store, commit)


@pytest.mark.parametrize("author", ["", "<>", "a\nparent 0", "A <a@b>", "\0", "Ünal", "\ud800", "." * 500, "x" * 500])
def test_any_author_is_made_harmless(store: Store, author: str) -> None:
    written = write(store, NewCommit(tree=Files(), parents=(), message="m\n", author=author, at=1))
    move(store, RefMove(RELEASES, None, written.commit))
    assert [c.message for c in store.scan()] == ["m\n"]
    assert store.check() == []


def test_move_creates_and_advances_and_ref_reads_back(store: Store) -> None:
    first = release(store, 1)
    assert store.ref(RELEASES) == first.commit
    second = release(store, 2, first.commit)
    assert store.ref(RELEASES) == second.commit
    assert store.refs() == {RELEASES: second.commit}


def test_ref_is_none_where_it_does_not_exist(store: Store) -> None:
    assert store.ref("refs/heads/releases/none") is None


def test_move_refuses_when_ref_exists_already(store: Store) -> None:
    first, other = release(store, 1), write(store, new({"a": "b"}))
    with pytest.raises(Conflict) as caught:
        move(store, RefMove(RELEASES, None, other.commit))
    assert caught.value.details == {"ref": RELEASES, "expected": None, "found": first.commit}
    assert store.ref(RELEASES) == first.commit


def test_move_refuses_when_ref_is_elsewhere_or_absent(store: Store) -> None:
    first = release(store, 1)
    second = release(store, 2, first.commit)
    third = write(store, new(parents=(second.commit,)))
    with pytest.raises(Conflict):
        move(store, RefMove(RELEASES, first.commit, third.commit))
    with pytest.raises(Conflict):
        move(store, RefMove(ALIAS, first.commit, third.commit))
    assert store.refs() == {RELEASES: second.commit}


def test_after_a_refused_move_no_later_one_is_done_and_earlier_ones_stay(store: Store) -> None:
    one, two = write(store, new({"a": "1"})), write(store, new({"a": "2"}))
    moves = [RefMove(f"refs/heads/releases/{n}", None, one.commit) for n in ("a", "b", "c")]
    moves[1] = RefMove("refs/heads/releases/b", two.commit, one.commit)
    with pytest.raises(Conflict):
        move(store, *moves)
    assert store.refs() == {"refs/heads/releases/a": one.commit}


def test_move_refuses_targets_that_do_not_exist(store: Store) -> None:
    with pytest.raises(NotFound):
        move(store, RefMove(RELEASES, None, "1" * 40))
    assert store.refs() == {}


@pytest.mark.parametrize("ref", ["HEAD", "refs/tags/x", "refs/heads/../x", "refs/heads/a.lock", "refs/heads/", "x"])
def test_move_and_ref_refuse_names_off_the_allow_list(store: Store, ref: str) -> None:
    written = write(store, new())
    with pytest.raises(InvalidName):
        move(store, RefMove(ref, None, written.commit))
    with pytest.raises(InvalidName):
        store.ref(ref)


def test_move_refuses_a_ref_inside_another_and_around_another(store: Store) -> None:
    written = write(store, new())
    move(store, RefMove("refs/heads/releases/a", None, written.commit))
    move(store, RefMove("refs/heads/aliases/b/c", None, written.commit))
    for ref in ("refs/heads/releases/a/b", "refs/heads/aliases/b"):
        with pytest.raises(Conflict):
            move(store, RefMove(ref, None, written.commit))
    assert len(store.refs()) == 2


def test_scan_gives_every_commit_once_oldest_first_without_root(store: Store) -> None:
    one = release(store, 1)
    two = release(store, 2, one.commit)
    up = promote(store, None, one)
    down = promote(store, up.commit, two)
    seen = list(store.scan())
    assert [(c.ref, c.commit) for c in seen] == [
        (ALIAS, up.commit),
        (ALIAS, down.commit),
        (RELEASES, one.commit),
        (RELEASES, two.commit),
    ]


def test_scan_gives_content_parents_and_trees_as_written(store: Store) -> None:
    one = release(store, 1)
    up = promote(store, None, one)
    by_id = {c.commit: c for c in store.scan()}
    assert by_id[one.commit].files == {**TEXTS, "n": "1"}
    assert by_id[one.commit].message == "v1\n"
    assert by_id[one.commit].parents == ()
    assert by_id[up.commit].files == {}, "they are the release's"
    assert store.read(ALIAS, up.commit).files == by_id[one.commit].files
    assert by_id[up.commit].tree == one.tree
    assert by_id[up.commit].parents == (ROOT, one.commit)


def test_the_root_is_the_same_commit_in_every_registry() -> None:
    assert ROOT_COMMIT.id == "e8cfaf706869a680ae1a54300440a70a2c08b93f"


@pytest.mark.parametrize("message", ["", "one", "a\n\nb\n\n\n", "\n\nlate", "Key: v\n---\nü\n", "\r\n"])
def test_messages_come_back_byte_for_byte(store: Store, message: str) -> None:
    written = write(store, new(message=message))
    move(store, RefMove(RELEASES, None, written.commit))
    assert [c.message for c in store.scan()] == [message]


def test_scan_of_nothing_is_empty_and_reports_no_progress(store: Store) -> None:
    assert list(store.scan()) == []


def test_progress_counts_the_commits(store: Store) -> None:
    steps: list[tuple[str, int, int | None]] = []

    class Receiver:
        def step(self, what: str, done: int, total: int | None = None) -> None:
            steps.append((what, done, total))

    release(store, 1)
    list(store.scan(progress=Receiver()))
    assert steps == [("commits", 1, None)]


def test_keeping_says_how_far_it_is_and_when_it_is_done(store: Store) -> None:
    release(store, 1)
    for keep in (store.check, store.pack):
        told: list[tuple[str, int, int | None]] = []

        class Receiver:
            def step(self, what: str, done: int, total: int | None = None) -> None:
                told.append((what, done, total))  # noqa: B023 - used in this turn only

        keep(progress=Receiver())
        assert told
        assert all(what and isinstance(what, str) for what, _, _ in told)
        assert [done for _, done, _ in told] == sorted({done for _, done, _ in told})
        assert {total for _, _, total in told} == {told[-1][1]}, "the last step is the total"


def test_a_commit_that_is_read_is_of_the_ref_asked_for(store: Store) -> None:
    one = release(store, 1)
    found = store.read(RELEASES, one.commit)
    assert (found.ref, found.commit, found.tree, found.message) == (RELEASES, one.commit, one.tree, "v1\n")
    with pytest.raises(Integrity):
        store.read(RELEASES, "1" * 40)


def test_damage_in_memory_is_found_and_never_read() -> None:
    store = MemoryStore()
    one = release(store, 1)
    assert store.check() == []
    kind, data = store._objects[one.tree]
    store._objects[one.tree] = (kind, data[:-1] + b"\0")
    (damage,) = store.check()
    assert one.tree in damage.where
    assert "tree" in damage.where
    assert damage.what
    assert damage.hint
    for read in (lambda: store.read(RELEASES, one.commit), lambda: list(store.scan())):
        with pytest.raises(Integrity) as caught:
            read()
        assert caught.value.details == {"object": one.tree, "kind": "tree", "missing": False}


def test_a_scan_may_stop_half_way_and_other_calls_go_on(store: Store) -> None:
    first = release(store, 1)
    release(store, 2, first.commit)
    scan = iter(store.scan())
    assert next(scan).commit == first.commit
    assert store.ref(RELEASES) is not None
    del scan
    assert len(list(store.scan())) == 2


def test_check_of_a_sound_store_finds_nothing_and_pack_loses_nothing(store: Store) -> None:
    one = release(store, 1)
    up = promote(store, None, one)
    before = list(store.scan())
    store.pack()
    store.pack()
    assert list(store.scan()) == before
    assert store.refs() == {ALIAS: up.commit, RELEASES: one.commit}
    assert store.check() == []
    promote(store, up.commit, one)
    assert len(list(store.scan())) == 3


def test_write_and_move_want_the_lock(store: Store) -> None:
    with pytest.raises(RuntimeError):
        store.write(new())
    with pytest.raises(RuntimeError):
        store.move([])


def test_reentering_the_lock_is_a_mistake_of_the_caller(store: Store) -> None:
    with store.exclusive(), pytest.raises(RuntimeError), store.exclusive():
        pass
    with store.exclusive():
        pass


def test_another_thread_is_told_that_the_store_is_busy(store: Store) -> None:
    told: list[BaseException] = []

    def enter() -> None:
        try:
            with store.exclusive():
                pass
        except Busy as error:
            told.append(error)

    with store.exclusive():
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
    assert len(told) == 1


def test_close_is_idempotent(store: Store) -> None:
    store.close()
    store.close()


def test_both_stores_and_git_agree_on_every_id(tmp_path: Path) -> None:
    memory, real = MemoryStore(), GitStore.create(tmp_path / "repository.git")
    try:
        chains = []
        for each in (memory, real):
            one = release(each, 1)
            chains.append((one, promote(each, None, one), each.refs(), list(each.scan())))
    finally:
        real.close()
    assert chains[0] == chains[1]
    one, up = chains[0][:2]
    git = ["git", f"--git-dir={tmp_path / 'repository.git'}"]
    run = lambda *a: subprocess.run([*git, *a], check=True, capture_output=True, text=True).stdout  # noqa: E731 - a shorthand of one test
    assert run("rev-parse", ALIAS, f"{ALIAS}^{{tree}}", f"{ALIAS}^2").split() == [up.commit, one.tree, one.commit]
    assert run("cat-file", "-p", f"{ALIAS}:prompts/system.md") == TEXTS["prompts/system.md"]
    assert run("ls-tree", "-r", "--name-only", RELEASES).split() == sorted([*TEXTS, "n"])
    assert run("log", "--first-parent", "--format=%s", ALIAS).split() == ["promote", "root"]
    assert run("log", "-1", "--format=%an <%ae> %cn %at %ct", ALIAS) == (
        "Ann <ann@pinset.invalid> pinset 1700000001 1700000001\n"
    )
