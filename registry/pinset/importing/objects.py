"""Objects of a repository out of one `git cat-file`: commits, folders, and contents within a limit."""

from __future__ import annotations

import re
import subprocess
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from pinset.errors import InvalidInput, TooLarge, Unavailable
from pinset.importing.gitting import binary, environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.importing.gitting import Repository

FOLDER, LINK, MODULE = "40000", "120000", "160000"
_META_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of a commit or a folder."""
_KEPT: Final = 256
"""Folders that are kept once they were read: states of a history share most of theirs."""
_BEGIN: Final = date(1970, 1, 1).toordinal()
_DIGITS: Final = 20
"""Of a time: more than any calendar has."""
_PIECE: Final = 1 << 20
_PERSON: Final = re.compile(rb"^(?P<kind>author|committer) (?P<who>.*?) ?(?P<at>-?\d+) [-+]?\d+$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a folder holds under a name. mode: as git writes it."""

    mode: str
    oid: str


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit. author: ``Name <mail>``. at: microseconds since 1970, when it was committed."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    author: str
    at: int
    message: str

    @property
    def day(self) -> str:
        """The day, in UTC. A commit may claim any time; what no calendar has is git's own zero, as git shows it."""
        try:
            return date.fromordinal(_BEGIN + self.at // 86_400_000_000).isoformat()
        except (ValueError, OverflowError):
            return date.fromordinal(_BEGIN).isoformat()


class Objects:
    """Reads objects one at a time. Raises Unavailable where git ends."""

    def __init__(self, repository: Repository, process: subprocess.Popen[bytes]) -> None:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("git has no pipes")
        self._bytes = repository.oid_bytes
        self._address = repository.address
        self._stdin, self._stdout = process.stdin, process.stdout
        self._folders: OrderedDict[str, dict[str, Entry]] = OrderedDict()

    def commit(self, oid: str) -> Commit:
        """A commit."""
        head, _, message = self._read(oid, _META_LIMIT).partition(b"\n\n")
        said = re.search(rb"^encoding (\S+)$", head, re.MULTILINE)
        encoding = said[1].decode("ascii", "replace") if said else "utf-8"
        people = {match["kind"]: match for match in _PERSON.finditer(head)}
        trees = re.findall(rb"^tree (\w+)$", head, re.MULTILINE)
        if not trees:
            raise InvalidInput(f"the commit {oid[:10]} is damaged", hint="check the repository: git fsck")
        # Git shows a commit that names nobody, or no time: as nobody's, of 1970.
        author, committer = people.get(b"author"), people.get(b"committer")
        return Commit(
            oid=oid,
            tree=trees[0].decode(),
            parents=tuple(one.decode() for one in re.findall(rb"^parent (\w+)$", head, re.MULTILINE)),
            author=_decoded(author["who"], encoding) if author else "",
            at=int(committer["at"][:_DIGITS]) * 1_000_000 if committer else 0,
            message=_decoded(message, encoding).strip(),
        )

    def at(self, tree: str, path: str) -> Entry | None:
        """What a path leads to from a folder; None where it leads nowhere. The empty path is the folder itself."""
        here = Entry(FOLDER, tree)
        for step in path.split("/") if path else []:
            found = self.folder(here.oid).get(step) if here.mode == FOLDER else None
            if found is None:
                return None
            here = found
        return here

    def folder(self, oid: str) -> dict[str, Entry]:
        """What a folder holds, by name."""
        known = self._folders.get(oid)
        if known is not None:
            self._folders.move_to_end(oid)
            return known
        data, at = self._read(oid, _META_LIMIT), 0
        found: dict[str, Entry] = {}
        try:
            while at < len(data):
                space, end = data.index(b" ", at), data.index(b"\0", at)
                name = data[space + 1 : end].decode("utf-8", "surrogateescape")
                found[name] = Entry(data[at:space].decode(), data[end + 1 : end + 1 + self._bytes].hex())
                at = end + 1 + self._bytes
        except ValueError as error:
            raise InvalidInput(f"the folder {oid[:10]} is damaged", hint="check the repository: git fsck") from error
        self._folders[oid] = found
        if len(self._folders) > _KEPT:
            self._folders.popitem(last=False)
        return found

    def text(self, oid: str, name: str, limit: int) -> str:
        """A file's text. Raises TooLarge, InvalidInput for what is no text."""
        try:
            return self._read(oid, limit, name).decode()
        except UnicodeDecodeError as error:
            raise InvalidInput(
                f"{name} is not UTF-8 text (byte {error.start})", hint="only text is a release's"
            ) from error

    def _read(self, oid: str, limit: int, name: str = "") -> bytes:
        """An object's bytes; of one that is too large nothing is kept."""
        try:
            self._stdin.write(f"{oid}\n".encode())
            self._stdin.flush()
            head = self._stdout.readline().split()
        except BrokenPipeError as error:
            raise self._ended() from error
        if len(head) != 3:
            if head[1:] == [b"missing"]:
                raise InvalidInput(
                    f"{name or oid[:10]} is missing from {self._address}", hint="make a whole clone of it"
                )
            raise self._ended()
        size = int(head[2])
        if size > limit:
            left = size + 1
            while left:
                left -= len(self._exactly(min(left, _PIECE)))
            raise TooLarge(
                f"{name or oid[:10]} has {size:,} bytes, and {limit:,} are read", hint="keep large data elsewhere"
            )
        return self._exactly(size + 1)[:-1]

    def _exactly(self, size: int) -> bytes:
        data = self._stdout.read(size)
        if len(data) != size:
            raise self._ended()
        return data

    def _ended(self) -> Unavailable:
        return Unavailable(
            f"git stopped reading {self._address}", hint="check the repository: git fsck; then try again"
        )


@contextmanager
def reading(repository: Repository) -> Iterator[Objects]:
    """The objects of a repository, while this lasts."""
    process = subprocess.Popen(  # noqa: S603 - our own arguments, none from outside
        [binary(), f"--git-dir={repository.folder}", "cat-file", "--batch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=repository.folder,
        env=environment(),
    )
    try:
        yield Objects(repository, process)
    finally:
        process.kill()
        process.communicate()


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding, "replace")
    except (LookupError, UnicodeError):  # no encoding of texts, or one that takes no bytes that are none of its
        return data.decode("utf-8", "replace")
