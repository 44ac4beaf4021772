"""Git's object encoding in plain Python: ids of blobs, trees and commits, and what a new commit needs.

Both stores write exactly these bytes, so the same input gives the same ids everywhere. Reading is strict: only
what this module would have written passes.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

from pinset.domain import commits
from pinset.domain.keys import COMMITTER
from pinset.domain.names import file_path, show
from pinset.domain.records import ROOT
from pinset.errors import InvalidInput, InvalidName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Kind = Literal["blob", "tree", "commit"]

OBJECT_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of one object, inflated. Texts of a release are far below; anything larger was not written by us."""

_FILE_MODE: Final = b"100644"
_TREE_MODE: Final = b"40000"
_ID = re.compile(r"[0-9a-f]{40}")
_COMMITTER: Final = f"pinset <{COMMITTER}>"
_NAME_LIMIT: Final = 100


@dataclass(frozen=True, slots=True)
class GitObject:
    """One object: its kind, its bytes without git's header, its id."""

    kind: Kind
    data: bytes
    id: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a tree."""

    name: str
    is_tree: bool
    id: str


@dataclass(frozen=True, slots=True)
class CommitFacts:
    """What a commit says, without its author and times: those are in the message too. head: all before the message."""

    tree: str
    parents: tuple[str, ...]
    message: str
    head: str = field(default="", compare=False)


def is_id(text: str) -> bool:
    """Whether the text is a whole object id."""
    return _ID.fullmatch(text) is not None


def make(kind: Kind, data: bytes) -> GitObject:
    """The object with its id."""
    return GitObject(kind, data, object_id(kind, data))


def object_id(kind: Kind, data: bytes) -> str:
    """Git's SHA-1 of an object."""
    # Git's choice of hash, not ours; what a release is worth rests on the SHA-256 in its manifest.
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(data)) + data, usedforsecurity=False).hexdigest()


def encode_tree(entries: Sequence[Entry]) -> bytes:
    """A tree's bytes, its lines in git's order: as if the names of trees ended with a slash."""
    lines = sorted(entries, key=_order)
    return b"".join(
        b"%s %s\0%s" % (_TREE_MODE if e.is_tree else _FILE_MODE, e.name.encode(), bytes.fromhex(e.id)) for e in lines
    )


def parse_tree(data: bytes) -> list[Entry]:
    """The lines of a tree. ValueError where it holds anything but plain files and trees, or is out of order."""
    entries: list[Entry] = []
    at = 0
    while at < len(data):
        space, end = data.index(b" ", at), data.index(b"\0", at)
        mode, name, raw = data[at:space], data[space + 1 : end], data[end + 1 : end + 21]
        if mode not in {_FILE_MODE, _TREE_MODE} or len(raw) != 20 or b"/" in name:
            raise ValueError(f"the tree line {show(data[at:end].decode('ascii', 'replace'))}")
        entries.append(Entry(name.decode("ascii"), mode == _TREE_MODE, raw.hex()))
        at = end + 21
    if any(_order(a) >= _order(b) for a, b in pairwise(entries)):
        raise ValueError("tree lines doubled or out of order")
    if len({e.name for e in entries}) != len(entries):
        raise ValueError("tree names doubled")
    return entries


def encode_commit(*, tree: str, parents: Sequence[str], message: str, author: str, at: int) -> bytes:
    """A commit's bytes. The author is made harmless; at is in microseconds since 1970. Raises InvalidInput."""
    if at < 0 or "\0" in message:
        raise InvalidInput("a commit needs a time after 1970 and a message without NUL", hint="report this as a bug")
    seconds = at // 1_000_000
    lines = [f"tree {tree}", *(f"parent {p}" for p in parents)]
    lines += [f"author {_signature(author)} {seconds} +0000", f"committer {_COMMITTER} {seconds} +0000", "", message]
    return _utf8("\n".join(lines), "the message")


def parse_commit(data: bytes) -> CommitFacts:
    """What a commit says. ValueError where it is not one that this module would write."""
    text = data.decode("utf-8")
    raw = commits.parse_raw(text)
    return CommitFacts(raw.tree, raw.parents, raw.message, text.partition("\n\n")[0])


def said_by(data: bytes) -> str:
    """The author's line of a commit's bytes and the first line of its message, as far as they can be made out."""
    head, _, message = data[:4096].decode("utf-8", "replace").partition("\n\n")
    lines = [line for line in head.split("\n") if line.startswith("author ")]
    author = lines[0].removeprefix("author ").rpartition("> ")[0] + ">" if lines else "nobody"
    return f"{author}: {message.partition(chr(10))[0]}"


def parents_in(data: bytes) -> list[str]:
    """The parents that a commit's bytes name, whatever else they are like."""
    head = data.partition(b"\n\n")[0].decode("ascii", "replace")
    named = [line[7:] for line in head.split("\n") if line.startswith("parent ")]
    return [ROOT if each == ROOT_COMMIT.id else each for each in named if is_id(each)]


def tree_objects(files: Mapping[str, str]) -> list[GitObject]:
    """All blobs and trees of a new tree, each after what it names; the last one is the tree itself.

    Raises InvalidName for a path off the allow-list, InvalidInput for text that is not UTF-8.
    """
    nested: dict[str, object] = {}
    for path, text in files.items():
        *folders, name = file_path(path).split("/")
        where = nested
        for folder in folders:
            inner = where.setdefault(folder, {})
            if not isinstance(inner, dict):
                raise _doubled(path)
            where = inner
        if name in where:
            raise _doubled(path)
        where[name] = text
    return list({made.id: made for made in _tree(nested)}.values())


def commit_facts(
    *,
    tree: str,
    parents: Sequence[str],
    message: str,
    author: str,
    at: int,
    sign: Callable[[bytes], str] | None = None,
) -> GitObject:
    """The commit as an object; arguments as for `encode_commit`. sign: makes the signature of its bytes, armored."""
    data = encode_commit(tree=tree, parents=parents, message=message, author=author, at=at)
    return make("commit", commits.signed(data, sign(data)) if sign is not None else data)


def head_of(made: GitObject) -> str:
    """What a commit says before its message."""
    return made.data.partition(b"\n\n")[0].decode("utf-8")


def _tree(nested: Mapping[str, object]) -> Iterator[GitObject]:
    entries: list[Entry] = []
    for name, value in nested.items():
        if isinstance(value, dict):
            *inner, made = _tree(value)
            yield from inner
        else:
            made = make("blob", _utf8(str(value), show(name)))
        yield made
        entries.append(Entry(name, made.kind == "tree", made.id))
    yield make("tree", encode_tree(entries))


def _doubled(path: str) -> InvalidName:
    return InvalidName(f"{show(path)} is a file and a folder at once", hint="rename one of the two")


def _order(entry: Entry) -> bytes:
    return entry.name.encode() + (b"/" if entry.is_tree else b"")


def _signature(author: str) -> str:
    plain = "".join(c for c in author if c.isprintable() and c not in "<>").strip(" .,:;\"'\\")
    name = plain[:_NAME_LIMIT].strip() or "unknown"
    address = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-.") or "unknown"
    return f"{name} <{address}@pinset.invalid>"


def _utf8(text: str, what: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{what} is not valid Unicode text", hint="save it as UTF-8") from error


EMPTY_TREE: Final = make("tree", b"")
ROOT_COMMIT: Final = commit_facts(tree=EMPTY_TREE.id, parents=(), message="root\n", author="pinset", at=0)
"""What `ports.store.ROOT` stands for."""
