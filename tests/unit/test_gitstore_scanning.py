"""What the store finds in a repository: commits, releases and refs, and what counts as damage."""

from __future__ import annotations

import errno
import os
import random
from typing import TYPE_CHECKING

import pytest

from pinset.errors import (
    Integrity,
    InvalidName,
)
from pinset.gitstore import refs
from pinset.gitstore.objects import (
    EMPTY_TREE,
    ROOT_COMMIT,
    Entry,
    encode_commit,
    encode_tree,
    make,
)
from pinset.gitstore.scanning import Kept, Scanner

if TYPE_CHECKING:
    from pathlib import Path

    from pinset.gitstore.objects import GitObject, Kind

BLOB, TREE = "ab" * 20, "cd" * 20


# -- scanning --------------------------------------------------------------------------------------------------


class Store:
    """Objects in a dictionary, each reading counted."""

    def __init__(self) -> None:
        self.objects: dict[str, GitObject] = {}
        self.reads: list[str] = []
        self.keep(EMPTY_TREE, ROOT_COMMIT)

    def keep(self, *objects: GitObject) -> str:
        self.objects |= {each.id: each for each in objects}
        return objects[-1].id

    def __call__(self, wanted: str, /) -> tuple[Kind, bytes]:
        self.reads.append(wanted)
        return self.objects[wanted].kind, self.objects[wanted].data

    def commit(self, serial: int, *parents: str, tree: str = EMPTY_TREE.id) -> str:
        message = f"m\n\nFormat: 1\nSerial: {serial}\n"
        data = encode_commit(tree=tree, parents=parents, message=message, author="a", at=serial)
        return self.keep(make("commit", data))


def test_commits_of_all_refs_come_by_serial_each_once() -> None:
    store = Store()
    one = store.commit(1)
    two = store.commit(2, one)
    up = store.commit(3, ROOT_COMMIT.id, one)
    three = store.commit(4, two)
    again = store.commit(5, up, three)
    scanned = list(Scanner(store).scan({"refs/heads/b": three, "refs/heads/a": again, "refs/heads/c": two}))
    assert [(each.ref[-1], each.commit) for each in scanned] == [
        ("b", one), ("b", two), ("a", up), ("b", three), ("a", again)
    ]  # fmt: skip
    assert len(store.reads) == len(set(store.reads)), "nothing is read twice"


def test_the_limits_of_a_release_hold_for_what_is_read() -> None:
    store = Store()
    text = store.keep(make("blob", b"x"))
    wide = [Entry(f"f{number:05}", False, text) for number in range(4097)]
    fits = store.keep(make("tree", encode_tree(wide[:4096])))
    assert len(Scanner(store).files(fits)) == 4096
    too_wide = store.keep(make("tree", encode_tree(wide)))
    with pytest.raises(Integrity, match=too_wide):
        Scanner(store).files(too_wide)


def nested(store: Store, depth: int) -> str:
    tree = store.keep(make("blob", b"x"))
    for level in range(depth + 1):
        tree = store.keep(make("tree", encode_tree([Entry("d", level > 0, tree)])))
    return tree


def test_folders_may_be_nested_so_deep_and_no_deeper() -> None:
    store = Store()
    assert list(Scanner(store).files(nested(store, 32))) == ["/".join("d" * 33)]
    with pytest.raises(Integrity):
        Scanner(store).files(nested(store, 33))


def test_a_release_larger_than_any_may_be_is_refused() -> None:
    store = Store()
    text = store.keep(make("blob", b"x" * (8 << 20)))
    entries = [Entry(f"f{number}", False, text) for number in range(9)]
    fits = store.keep(make("tree", encode_tree(entries[:8])))
    assert len(Scanner(store).files(fits)) == 8
    tree = store.keep(make("tree", encode_tree(entries)))
    with pytest.raises(Integrity, match=tree):
        Scanner(store).files(tree)


@pytest.mark.parametrize("name", ["..", ".git", "a b", "x.lock"])
def test_a_tree_with_a_name_off_the_allow_list_is_damage(name: str) -> None:
    store = Store()
    text = store.keep(make("blob", b"x"))
    tree = store.keep(make("tree", encode_tree([Entry(name, False, text)])))
    with pytest.raises(Integrity, match=tree):
        Scanner(store).files(tree)


def test_one_kind_of_object_is_never_taken_for_another() -> None:
    store = Store()
    scanner = Scanner(store)
    blob = store.keep(make("blob", b""))
    wrong = store.keep(make("tree", encode_tree([Entry("a", False, EMPTY_TREE.id)])))
    for read in (lambda: scanner.commit(blob), lambda: scanner.files(blob), lambda: scanner.files(wrong)):
        with pytest.raises(Integrity):
            read()


def test_a_file_that_is_no_text_is_damage() -> None:
    store = Store()
    tree = store.keep(make("tree", encode_tree([Entry("a", False, store.keep(make("blob", b"\xff")))])))
    with pytest.raises(Integrity):
        Scanner(store).files(tree)


def test_what_was_used_last_is_kept_up_to_a_total_weight() -> None:
    made: list[str] = []

    def make_it(key: str) -> str:
        made.append(key)
        return key

    kept: Kept[str] = Kept(10, len)
    for key in ("aaaa", "bbbb", "aaaa", "cc", "aaaa", "bbbb"):
        assert kept.get(key, make_it) == key
    assert made == ["aaaa", "bbbb", "cc"], "ten are within ten"
    kept.get("d", make_it)
    kept.get("aaaa", make_it)
    kept.get("bbbb", make_it)
    assert made == ["aaaa", "bbbb", "cc", "d"], "the one that was not used for longest went"
    kept.get("cc", make_it)
    assert made == ["aaaa", "bbbb", "cc", "d", "cc"]
    for _ in range(2):
        kept.get("x" * 50, make_it)
    assert made.count("x" * 50) == 1, "one that is too heavy is kept alone"
    kept.get("cc", make_it)
    assert made.count("cc") == 3


def test_no_more_is_kept_than_the_limit_however_it_is_used() -> None:
    dice = random.Random(5)
    kept: Kept[str] = Kept(20, len)
    for key in range(12):
        kept.get("x" * (key + 1), str)
    for _ in range(500):
        kept.get("x" * dice.randint(1, 12), str)
        held = [len(value) for value in kept._values.values()]
        assert 8 < sum(held) <= 20, "and what there is room for is kept"


# -- refs ------------------------------------------------------------------------------------------------------

HEAD_LINE = "# pack-refs with: peeled fully-peeled sorted \n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "refs" / "heads" / "releases").mkdir(parents=True)
    return tmp_path


def put(repository: Path, ref: str, target: str) -> None:
    place = repository / ref
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(target)


def test_a_ref_is_what_its_own_file_says_else_what_is_packed(repository: Path) -> None:
    assert refs.read_all(repository) == {}
    put(repository, "refs/heads/releases/a", "1" * 40 + "\n")
    put(repository, "refs/heads/releases/c", "3" * 40)
    put(repository, "refs/heads/releases/a.lock", "")
    put(repository, "refs/tags/v1", "9" * 40)
    lines = [f"{'8' * 40} refs/heads/releases/a", f"{'2' * 40} refs/heads/releases/b", f"{'7' * 40} refs/tags/v1"]
    (repository / "packed-refs").write_text(HEAD_LINE + "\n".join(lines) + f"\n^{'6' * 40}\n")
    found = refs.read_all(repository)
    assert list(found.items()) == [
        ("refs/heads/releases/a", "1" * 40),
        ("refs/heads/releases/b", "2" * 40),
        ("refs/heads/releases/c", "3" * 40),
    ]
    assert refs.read_loose(repository, "refs/heads/releases/a") == "1" * 40
    assert refs.read_loose(repository, "refs/heads/releases/b") is None
    assert refs.read_loose(repository, "refs/heads/releases") is None
    assert refs.read_loose(repository, "refs/heads/releases/a/b") is None


@pytest.mark.parametrize(
    "target", ["", "1" * 39, "1" * 41, "1" * 40 + "\n\n", "A" * 40, "ref: refs/heads/main\n", "\0" * 41]
)
def test_a_ref_whose_file_is_damaged_is_never_no_ref(repository: Path, target: str) -> None:
    ref = "refs/heads/releases/a"
    put(repository, ref, target)
    for read in (lambda: refs.read_loose(repository, ref), lambda: refs.read_all(repository)):
        with pytest.raises(Integrity) as caught:
            read()
        assert caught.value.details == {"ref": ref}
        assert ref in caught.value.message
        assert caught.value.hint


@pytest.mark.parametrize("name", ["a b", "ü", ".hidden", "a..b"])
def test_a_ref_with_a_name_of_no_registry_is_damage(repository: Path, name: str) -> None:
    put(repository, f"refs/heads/releases/{name}", "1" * 40)
    with pytest.raises(Integrity) as caught:
        refs.read_all(repository)
    assert caught.value.details == {"ref": f"refs/heads/releases/{name}"}


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ENOENT])
def test_a_folder_of_refs_that_cannot_be_listed_is_never_an_empty_one(
    repository: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    real = os.scandir

    def fails(path: str) -> object:
        if str(path).endswith("releases"):
            raise OSError(number, "x", path)
        return real(path)

    put(repository, "refs/heads/main", "1" * 40)
    monkeypatch.setattr(os, "scandir", fails)
    if number == errno.ENOENT:
        assert refs.read_all(repository) == {"refs/heads/main": "1" * 40}, "packing has removed it meanwhile"
        return
    with pytest.raises(OSError, match="x"):
        refs.read_all(repository)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0" * 100,
        HEAD_LINE[:10],
        HEAD_LINE.rstrip(),
        HEAD_LINE + f"{'1' * 40} refs/heads/a",
        HEAD_LINE + "garbage\n",
        HEAD_LINE + "\n",
        HEAD_LINE + f"{'1' * 39} refs/heads/a\n",
        HEAD_LINE + f"{'1' * 40} refs/heads/a b\n",
        HEAD_LINE + f"{'1' * 40} refs/heads/.a\n",
        HEAD_LINE + f"{'1' * 40}  refs/heads/a\n",
        "# pack-refs with: peeled future \n",
        "# pack-refs without: peeled \n",
        f"{'1' * 40} refs/heads/a\n",
    ],
)
def test_damaged_packed_refs_are_never_fewer_refs(repository: Path, text: str) -> None:
    (repository / "packed-refs").write_text(text)
    with pytest.raises(Integrity):
        refs.read_all(repository)


def test_a_registry_without_packed_refs_is_sound(repository: Path) -> None:
    refs.check_packed(repository)
    (repository / "packed-refs").write_text(HEAD_LINE)
    refs.check_packed(repository)
    assert refs.read_all(repository) == {}


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/heads/releases/a.b-c", "refs/heads/components/prompts/_x"])
def test_a_ref_of_the_registry_is_kept_as_it_is(ref: str) -> None:
    assert refs.checked_name(ref) == ref


@pytest.mark.parametrize(
    "ref",
    ["HEAD", "refs/heads", "refs/heads/", "refs/tags/a", "refs/heads/a..b", "refs/heads/a.lock", "refs/heads/a.lock/b",
     "refs/heads/a.", "refs/heads/a./b", "refs/heads/.a", "refs/heads//a", "refs/heads/a ", "refs/heads/a\n", "refs/heads/ä"],
)  # fmt: skip
def test_any_other_ref_is_refused(ref: str) -> None:
    with pytest.raises(InvalidName):
        refs.checked_name(ref)
