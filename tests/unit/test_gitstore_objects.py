"""Git's objects, refs and pipes as the store reads and writes them, without a repository."""

from __future__ import annotations

import errno
import os
import random
import threading
import zlib
from typing import TYPE_CHECKING

import pytest

from pinset import durable
from pinset.errors import (
    Conflict,
    Integrity,
    InvalidInput,
    InvalidName,
    NotFound,
    PinsetError,
    ReadOnly,
    Unavailable,
    all_errors,
)
from pinset.gitstore import faults, frames, loose, refs
from pinset.gitstore.objects import (
    EMPTY_TREE,
    OBJECT_LIMIT,
    ROOT_COMMIT,
    CommitFacts,
    Entry,
    encode_commit,
    encode_tree,
    is_id,
    make,
    object_id,
    parse_commit,
    parse_tree,
    tree_objects,
)
from pinset.gitstore.scanning import Kept, Scanner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinset.gitstore.objects import GitObject, Kind

BLOB, TREE = "ab" * 20, "cd" * 20
PARENTS = ("1" * 40, "2" * 40)

# -- ids, trees and commits ------------------------------------------------------------------------------------


def test_ids_are_those_of_git() -> None:
    assert object_id("blob", b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert EMPTY_TREE.id == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    assert make("blob", b"").id == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


@pytest.mark.parametrize(
    ("text", "whole"),
    [(BLOB, True), (BLOB[:-1], False), (BLOB + "a", False), (BLOB.upper(), False), ("", False), (BLOB + "\n", False)],
)
def test_only_a_whole_id_is_one(text: str, whole: bool) -> None:
    assert is_id(text) is whole


def test_a_tree_is_in_the_order_of_git() -> None:
    entries = [Entry("a", True, TREE), Entry("a-b", False, BLOB), Entry("a.txt", False, BLOB), Entry("a0", False, BLOB)]
    data = encode_tree(entries)
    assert [entry.name for entry in parse_tree(data)] == ["a-b", "a.txt", "a", "a0"]
    assert data == encode_tree(entries[::-1])
    assert data.startswith(b"100644 a-b\0" + bytes.fromhex(BLOB))
    assert b"40000 a\0" + bytes.fromhex(TREE) in data
    assert sorted(parse_tree(data), key=lambda e: e.name) == sorted(entries, key=lambda e: e.name)


def test_a_file_goes_before_another_whose_name_is_longer() -> None:
    data = encode_tree([Entry(name, False, BLOB) for name in ("b.d", "b0", "b-c", "b")])
    assert [entry.name for entry in parse_tree(data)] == ["b", "b-c", "b.d", "b0"]


def line(mode: bytes, name: bytes, raw: bytes = bytes.fromhex(BLOB)) -> bytes:
    return mode + b" " + name + b"\0" + raw


@pytest.mark.parametrize(
    "data",
    [
        line(b"100755", b"run"),
        line(b"120000", b"link"),
        line(b"160000", b"module"),
        line(b"040000", b"padded"),
        line(b"100644", b"a/b"),
        line(b"100644", "ä".encode()),
        line(b"100644", b"cut", b"\1" * 19),
        line(b"100644", b"a") + b"100644",
        b"100644 a",
        b"garbage\0",
        line(b"100644", b"b") + line(b"100644", b"a"),
        line(b"100644", b"a") * 2,
        line(b"100644", b"a") + line(b"100644", b"a-") + line(b"40000", b"a"),
        line(b"40000", b"a") + line(b"100644", b"a.b"),
    ],
)
def test_a_tree_that_no_registry_writes_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_tree(data)


def commit(message: str = "words\n", parents: tuple[str, ...] = PARENTS, author: str = "Ann", at: int = 1) -> bytes:
    return encode_commit(tree=TREE, parents=parents, message=message, author=author, at=at)


def test_a_commit_is_written_as_git_has_it() -> None:
    assert commit(at=1_700_000_000_999_999).decode() == (
        f"tree {TREE}\nparent {PARENTS[0]}\nparent {PARENTS[1]}\n"
        "author Ann <ann@pinset.invalid> 1700000000 +0000\n"
        "committer pinset <registry@pinset.invalid> 1700000000 +0000\n\nwords\n"
    )


def test_a_commit_may_be_as_old_as_times_are() -> None:
    assert b"author Ann <ann@pinset.invalid> 0 +0000\n" in commit(at=0)


@pytest.mark.parametrize("parents", [(), PARENTS[:1], PARENTS])
@pytest.mark.parametrize("message", ["", "one", "\n", "\n\na\n\n", "tree x\nparent y\n"])
def test_a_commit_says_what_was_written(parents: tuple[str, ...], message: str) -> None:
    assert parse_commit(commit(message, parents)) == CommitFacts(TREE, parents, message)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.replace(b"\n\n", b"\n"),
        lambda data: data.replace(b"\n\n", b"\nencoding ISO-8859-1\n\n"),
        lambda data: data.replace(b"\n\n", b"\ngpgsig x\n y\n\n"),
        lambda data: data.replace(b"author", b"parent"),
        lambda data: data.replace(b"tree cd", b"tree CD"),
        lambda data: data.replace(b"committer", b"author"),
        lambda data: b"\n" + data,
        lambda data: data[4:],
        lambda data: data + b"\xff",
        lambda data: b"",
    ],
)
def test_a_commit_that_no_registry_writes_is_refused(damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_commit(damage(commit()))


@pytest.mark.parametrize("make_it", [lambda: commit(at=-1), lambda: commit("a\0"), lambda: commit("\ud800")])
def test_what_git_could_not_keep_is_refused(make_it: Callable[[], bytes]) -> None:
    with pytest.raises(InvalidInput):
        make_it()


@pytest.mark.parametrize(
    ("author", "signature"),
    [
        ("Ann Bo", "Ann Bo <ann-bo@pinset.invalid>"),
        ("", "unknown <unknown@pinset.invalid>"),
        ("<>", "unknown <unknown@pinset.invalid>"),
        (" .,:;\"'\\", "unknown <unknown@pinset.invalid>"),
        ("Ann <ann@host>", "Ann ann@host <ann-ann-host@pinset.invalid>"),
        ("a\nparent 0", "aparent 0 <aparent-0@pinset.invalid>"),
        ("東京", "東京 <unknown@pinset.invalid>"),
        ("-ci.", "-ci <ci@pinset.invalid>"),
        ("x" * 101, "x" * 100 + " <" + "x" * 100 + "@pinset.invalid>"),
        ("x" * 99 + " yz", "x" * 99 + " <" + "x" * 99 + "@"),
    ],
)
def test_an_author_is_made_harmless_and_stays_readable(author: str, signature: str) -> None:
    assert f"\nauthor {signature}" in commit(author=author).decode()


def test_the_objects_of_a_tree_come_after_what_they_name_and_once() -> None:
    made = tree_objects({"a/b/c": "x", "a/d": "x", "e": "x", "f": "y"})
    assert [each.kind for each in made].count("blob") == 2
    assert [each.kind for each in made].count("tree") == 3
    seen: set[str] = set()
    for each in made:
        if each.kind == "tree":
            assert {entry.id for entry in parse_tree(each.data)} <= seen
        seen.add(each.id)
    assert [entry.name for entry in parse_tree(made[-1].data)] == ["a", "e", "f"]


@pytest.mark.parametrize("files", [{"a": "", "a/b": ""}, {"a/b": "", "a": ""}, {"a/b/c": "", "a/b": ""}])
def test_a_file_cannot_be_a_folder_too(files: dict[str, str]) -> None:
    with pytest.raises(InvalidName) as caught:
        tree_objects(files)
    assert "'a" in caught.value.message
    assert caught.value.hint


def test_a_text_that_is_none_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"b\.md"):
        tree_objects({"a/b.md": "\ud800"})


# -- loose files and packs -------------------------------------------------------------------------------------


def packed(kind: str, data: bytes) -> bytes:
    return zlib.compress(f"{kind} {len(data)}".encode() + b"\0" + data)


def test_a_loose_file_is_read_whole() -> None:
    assert loose.inflate(packed("blob", b"a\0b")) == ("blob", b"a\0b")
    assert loose.inflate(packed("tree", b"")) == ("tree", b"")
    assert loose.inflate(packed("blob", b"x" * 100), 100) == ("blob", b"x" * 100)


@pytest.mark.parametrize(
    "data",
    [
        packed("blob", b"words")[:-1],
        packed("blob", b"words") + b"x",
        packed("blob", b"x" * 200),
        zlib.compress(b"blob 4\0words"),
        zlib.compress(b"blob 6\0words"),
        zlib.compress(b"blob 5words"),
        zlib.compress(b"blob 5 5\0words"),
        zlib.compress(b"blob \xb55\0words"),
        zlib.compress(b"blob"),
        zlib.compress(b"blob 0"),
        zlib.compress(b""),
        b"",
        b"no zlib at all",
    ],
)
def test_a_damaged_loose_file_is_refused(data: bytes) -> None:
    with pytest.raises((ValueError, zlib.error)):
        loose.inflate(data, 100)


class Packs:
    """Objects of packs in a dictionary."""

    def __init__(self, *objects: GitObject) -> None:
        self.known = {each.id: each for each in objects}
        self.lies: dict[str, tuple[str, bytes]] = {}

    def __call__(self, wanted: str, limit: int) -> tuple[str, bytes]:
        kind, data = self.lies.get(wanted) or (self.known[wanted].kind, self.known[wanted].data)
        if len(data) > limit:
            raise ValueError("too large")
        return kind, data


def test_an_object_is_read_from_its_file_else_from_the_packs(tmp_path: Path) -> None:
    one, two = make("blob", b"loose"), make("blob", b"packed")
    read = loose.CheckedObjects(tmp_path, Packs(one, two))
    place = read.loose_path(one.id)
    assert place == tmp_path / one.id[:2] / one.id[2:]
    place.parent.mkdir()
    place.write_bytes(packed("blob", b"loose"))
    assert read(one.id) == ("blob", b"loose")
    assert read(two.id) == ("blob", b"packed")
    place.write_bytes(packed("blob", b"other"))
    with pytest.raises(Integrity, match=one.id):
        read(one.id)


@pytest.mark.parametrize(
    "lie", [("blob", b"other"), ("tree", b"words"), ("tag", b"words"), ("blob", b"x" * (OBJECT_LIMIT + 1))]
)
def test_what_a_pack_holds_is_never_believed(tmp_path: Path, lie: tuple[str, bytes]) -> None:
    real = make("blob", b"words")
    packs = Packs(real)
    packs.lies[real.id] = lie
    with pytest.raises(Integrity) as caught:
        loose.CheckedObjects(tmp_path, packs)(real.id)
    assert caught.value.details["object"] == real.id
    assert not loose.is_missing(caught.value)


def test_a_tag_with_the_right_id_is_no_object_of_a_registry(tmp_path: Path) -> None:
    tag = make("tag", b"words")  # type: ignore[arg-type]
    with pytest.raises(Integrity):
        loose.CheckedObjects(tmp_path, Packs(tag))(tag.id)


def test_a_missing_object_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(Integrity) as caught:
        loose.CheckedObjects(tmp_path, Packs())(BLOB)
    assert loose.is_missing(caught.value)
    assert caught.value.details == {"object": BLOB, "kind": "object", "missing": True}
    assert BLOB in caught.value.message
    assert caught.value.hint


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


# -- the pipe --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message", [{}, {"a": "ü\0\U0001f600"}, {"text": "x" * 300_000, "list": [1, None, {"b": True}]}]
)
def test_a_message_goes_through_the_pipe_as_it_is(message: dict[str, object]) -> None:
    reading, writing = os.pipe()
    thread = threading.Thread(target=frames.write, args=(writing, message))
    thread.start()
    try:
        assert frames.read(reading) == message
    finally:
        thread.join()
        os.close(writing)
        os.close(reading)


def test_messages_that_follow_close_upon_each_other_are_kept_apart() -> None:
    sent = [{"n": number, "text": "x" * size} for number, size in enumerate([100_000, 3, 200_000, 0])]
    reading, writing = os.pipe()
    thread = threading.Thread(target=lambda: [frames.write(writing, message) for message in sent])
    thread.start()
    try:
        assert [frames.read(reading) for _ in sent] == sent
    finally:
        thread.join()
        os.close(writing)
        os.close(reading)


@pytest.mark.parametrize("cut", [0, 1, 3, 4, 5, 13])
def test_a_pipe_that_ends_in_a_message_has_ended(cut: int) -> None:
    whole = frames.pack({"op": "ref", "n": 1})
    assert cut < len(whole)
    reading, writing = os.pipe()
    os.write(writing, whole[:cut])
    os.close(writing)
    assert frames.read(reading) is None
    os.close(reading)


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"null", b"{", b"\xff"])
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        frames.unpack(body)


# -- failures --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, ReadOnly),
        (errno.EDQUOT, ReadOnly),
        (errno.EFBIG, ReadOnly),
        (errno.EROFS, ReadOnly),
        (errno.EACCES, ReadOnly),
        (errno.EPERM, ReadOnly),
        (errno.EIO, ReadOnly),
        (errno.EMFILE, Unavailable),
        (errno.ENOMEM, Unavailable),
    ],
)
def test_a_failed_system_call_says_whether_waiting_helps(number: int, kind: type[PinsetError]) -> None:
    told = faults.system_error(OSError(number, "x"), "it cannot be done")
    assert type(told) is kind
    assert told.details == {"errno": errno.errorcode[number]}
    assert os.strerror(number) in told.message
    assert "it cannot be done" in told.message
    assert told.hint
    for writing in (True, False):
        given = faults.translate(OSError(number, "x"), writing=writing)
        if writing or number in {errno.EACCES, errno.EPERM, errno.EMFILE}:
            assert type(given) is kind
            assert given.details == told.details
        else:
            assert type(given) is Integrity


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_no_room_has_one_way_out_wherever_it_is_noticed(number: int) -> None:
    hint = durable.way_out(OSError(number, "x"), "something else")
    assert hint == faults.system_error(OSError(number, "x"), "it cannot be done").hint
    assert hint != "something else"


def test_what_is_not_for_want_of_room_has_a_way_out_of_its_own() -> None:
    assert durable.way_out(OSError(errno.EIO, "x"), "something else") == "something else"
    assert durable.way_out(OSError("x"), "something else") == "something else"


@pytest.mark.parametrize("name", ["ENOSPC", "EIO", "EACCES"])
def test_the_words_of_libgit2_are_understood(name: str) -> None:
    words = f"failed to write to ref: {os.strerror(getattr(errno, name))}"
    assert faults.number_in(words) == getattr(errno, name)
    for told in (faults.translate(Exception(words), writing=True), faults.system_error(OSError(words), "x")):
        assert isinstance(told, ReadOnly)
        assert told.details == {"errno": name}


def test_files_that_may_not_be_read_are_not_called_damage() -> None:
    told = faults.translate(Exception(f"could not open: {os.strerror(errno.EACCES)}"), writing=False)
    assert isinstance(told, ReadOnly)
    assert "chown" in told.hint


def test_the_words_of_git_are_understood() -> None:
    assert faults.number_in("fatal: Out of diskspace") == errno.ENOSPC
    assert faults.number_in("who knows") is None


@pytest.mark.parametrize("writing", [True, False])
def test_what_nobody_knows_is_told_in_its_own_words(writing: bool) -> None:
    told = faults.translate(Exception("who knows"), writing=writing)
    assert type(told) is (Unavailable if writing else Integrity)
    assert told.details == {}
    assert "who knows" in told.message
    assert "None" not in told.message
    assert told.hint
    assert ("written" in told.message, "read" in told.message) == (writing, not writing)


def test_a_process_without_files_left_is_told_whether_it_wrote() -> None:
    for writing in (True, False):
        told = faults.translate(OSError(errno.EMFILE, "x"), writing=writing)
        assert ("written" in told.message, "read" in told.message) == (writing, not writing)


def test_what_is_not_there_or_in_the_way_is_named_with_a_way_out() -> None:
    missing = faults.no_such_commit(BLOB)
    assert missing.details == {"commit": BLOB}
    assert BLOB in missing.message
    blocked = faults.name_in_the_way("refs/heads/a/b")
    assert isinstance(blocked, Conflict)
    assert "refs/heads/a/b" in blocked.message
    assert missing.hint
    assert blocked.hint


@pytest.mark.parametrize("error", [TypeError("x"), AttributeError("x")])
def test_a_mistake_of_ours_is_not_called_damage(error: Exception) -> None:
    told = faults.translate(error, writing=False)
    assert type(told) is Unavailable
    assert type(error).__name__ in told.message
    assert told.hint
    assert type(faults.translate(ValueError("x"), writing=False)) is Integrity
    assert type(faults.translate(error, writing=True)) is Unavailable


def test_an_error_of_ours_stays_what_it_is() -> None:
    for writing in (True, False):
        error = NotFound("m", hint="h")
        assert faults.translate(error, writing=writing) is error


@pytest.mark.parametrize("kind", list(all_errors()))
def test_every_error_goes_through_the_pipe(kind: type[PinsetError]) -> None:
    sent = kind("message", hint="hint", details={"ref": "x"})
    got = faults.from_wire(faults.to_wire(sent))
    assert type(got) is kind
    assert (got.message, got.hint, got.details) == ("message", "hint", {"ref": "x"})


def test_an_error_of_an_unknown_code_is_not_lost() -> None:
    got = faults.from_wire({"code": "future", "message": "m", "hint": "h", "details": {}})
    assert type(got) is Unavailable
    assert got.message == "m"


@pytest.mark.parametrize(("expected", "found"), [(BLOB, TREE), (None, TREE), (BLOB, None)])
def test_a_ref_that_moved_meanwhile_says_from_where_to_where(expected: str | None, found: str | None) -> None:
    error = faults.moved_meanwhile("refs/heads/a", expected, found)
    assert isinstance(error, Conflict)
    assert error.details == {"ref": "refs/heads/a", "expected": expected, "found": found}
    for each in (expected, found):
        assert (each or "nothing") in error.message
    assert error.hint
