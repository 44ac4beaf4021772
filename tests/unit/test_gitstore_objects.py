"""Git's objects as the store reads and writes them, without a repository."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import pytest

from pinset.errors import (
    Integrity,
    InvalidInput,
    InvalidName,
)
from pinset.gitstore import loose
from pinset.gitstore.objects import (
    EMPTY_TREE,
    OBJECT_LIMIT,
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

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinset.gitstore.objects import GitObject

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
