"""What a power cut may leave of a directory, under strict POSIX, from strace's record of what was done to it.

Strict means: bytes of a file are there for certain only after an fsync of the file, and an entry of a directory only
after an fsync of the directory. Of everything else any part may be there, in any order. A rename within a directory
is one change of it; a link, an unlink, a making are one each.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_CHANGING: Final = (
    "creat,open,openat,openat2,close,dup,dup2,dup3,lseek,write,writev,pwrite64,pwritev,pwritev2,ftruncate,truncate,"
    "fallocate,copy_file_range,sendfile,splice,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,"
    "rmdir,symlink,symlinkat,fsync,fdatasync,sync,syncfs,sync_file_range,vfork,fork,clone,clone3"
)
OPTIONS: Final = ["-f", "-y", "-xx", "-s", "100000000", "-e", f"trace={_CHANGING}"]
"""What strace must be given for a record that can be replayed."""


@dataclass(slots=True, eq=False)
class File:
    """A file: what is on the disk for certain, and the writes since, each (offset, bytes), or (size, None) for a cut."""

    durable: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Link:
    """A symbolic link, which is one with its entry."""

    target: str


@dataclass(slots=True, eq=False)
class Folder:
    """A directory: its entries for certain, and the changes since; a change sets or removes some names at once."""

    durable: dict[str, Node] = field(default_factory=dict)
    pending: list[dict[str, Node | None]] = field(default_factory=list)

    def now(self) -> dict[str, Node]:
        return _entries(self, lambda _: "yes")


Node = File | Folder | Link
Choose = Callable[[str], str]
"""What becomes of a pending change, given its kind: ``yes``, ``no``; of data also ``zeros``, ``half``.

Kinds: ``data`` of a file, ``gone`` for a name that is removed, ``name`` for any other change of names.
"""


def _entries(folder: Folder, choose: Choose) -> dict[str, Node]:
    found = dict(folder.durable)
    for change in folder.pending:
        if choose("name" if any(change.values()) else "gone") != "no":
            for name, node in change.items():
                if node is None:
                    found.pop(name, None)
                else:
                    found[name] = node
    return found


def _content(file: File, choose: Choose) -> bytes:
    data = bytearray(file.durable)
    for at, written in file.pending:
        how = choose("data")
        if how == "no":
            continue
        if written is None:
            del data[at:]
            data.extend(bytes(at - len(data)))
            continue
        put = {"yes": written, "zeros": bytes(len(written)), "half": written[: len(written) // 2]}[how]
        data.extend(bytes(max(0, at - len(data))))
        data[at : at + len(put)] = put
    return bytes(data)


class Disk:
    """A directory and all in it, changed by the calls of a record. It begins as what is on the real disk, durable."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.top = _read(root)
        self._open: dict[tuple[str, int], tuple[Node, list[int]]] = {}
        self._tables: dict[str, str] = {}
        """Of a thread, whose descriptors it shares."""
        self.changes = 0
        """Rises with each call that changed what a power cut would leave."""

    def apply(self, pid: str, name: str, arguments: list[str], answer: str) -> None:
        """Do what a call did. Raises AssertionError for a call that is not understood."""
        if answer.startswith(("-1 ", "?")):
            return
        strings = [] if "write" in name else _paths(arguments)
        getattr(self, f"_{name}", self._unknown)(pid, name, arguments, strings, answer)

    def left(self, choose: Choose) -> dict[str, bytes | str | None]:
        """What a power cut leaves now: the bytes of files, the targets of links, None for directories, by path."""
        found: dict[str, bytes | str | None] = {}

        def walk(folder: Folder, path: str) -> None:
            for name, node in sorted(_entries(folder, choose).items()):
                here = f"{path}{name}"
                if isinstance(node, Folder):
                    found[here] = None
                    walk(node, f"{here}/")
                else:
                    found[here] = node.target if isinstance(node, Link) else _content(node, choose)

        walk(self.top, "")
        return found

    # -- calls ---------------------------------------------------------------------------------------------------

    def _openat(self, pid: str, name: str, arguments: list[str], strings: list[str], answer: str) -> None:
        place = self._place(strings[-1])
        number = int(re.match(r"\d+", answer)[0])  # type: ignore[index] # an open that did not fail answers a number
        self._open.pop((self._table(pid), number), None)
        if place is None:
            return None
        folder, entry = place
        flags = " ".join(arguments)
        node = folder.now().get(entry) if entry else folder
        if isinstance(node, Link):
            return self._openat(pid, name, arguments, [str(Path(strings[-1]).parent / node.target)], answer)
        if node is None:
            assert "O_CREAT" in flags, f"{strings} was opened and is not known"
            node = File()
            self._change(folder, {entry: node})
        elif "O_TRUNC" in flags and isinstance(node, File):
            self._put(node, 0, None)
        self._open[self._table(pid), number] = node, [0]
        return None

    _creat = _openat

    def _close(self, pid: str, _name: str, arguments: list[str], _strings: list[str], _answer: str) -> None:
        self._open.pop((self._table(pid), _number(arguments[0])), None)

    def _dup2(self, pid: str, _name: str, arguments: list[str], _strings: list[str], answer: str) -> None:
        known = self._open.get((self._table(pid), _number(arguments[0])))
        self._open.pop((self._table(pid), _number(answer)), None)
        if known is not None:
            self._open[self._table(pid), _number(answer)] = known

    _dup = _dup3 = _dup2

    def _lseek(self, pid: str, _name: str, arguments: list[str], _strings: list[str], answer: str) -> None:
        known = self._open.get((self._table(pid), _number(arguments[0])))
        if known is not None:
            known[1][0] = int(answer)

    def _write(self, pid: str, _name: str, arguments: list[str], _strings: list[str], answer: str) -> None:
        known = self._known(pid, arguments[0])
        if known is not None:
            assert isinstance(known[0], File)
            size = int(answer)
            self._put(known[0], known[1][0], _bytes(arguments[1])[:size])
            known[1][0] += size

    def _pwrite64(self, pid: str, _name: str, arguments: list[str], _strings: list[str], answer: str) -> None:
        known = self._known(pid, arguments[0])
        if known is not None:
            assert isinstance(known[0], File)
            self._put(known[0], int(arguments[3]), _bytes(arguments[1])[: int(answer)])

    def _ftruncate(self, pid: str, _name: str, arguments: list[str], _strings: list[str], _answer: str) -> None:
        known = self._known(pid, arguments[0])
        if known is not None:
            assert isinstance(known[0], File)
            self._put(known[0], int(arguments[1]), None)

    def _fsync(self, pid: str, _name: str, arguments: list[str], _strings: list[str], _answer: str) -> None:
        known = self._known(pid, arguments[0])
        if known is None:
            return
        node = known[0]
        self.changes += 1
        if isinstance(node, Folder):
            node.durable, node.pending = node.now(), []
        elif isinstance(node, File):
            node.durable, node.pending = _content(node, lambda _: "yes"), []

    _fdatasync = _fsync

    def _rename(self, _pid: str, _name: str, _arguments: list[str], strings: list[str], _answer: str) -> None:
        source, target = self._place(strings[0]), self._place(strings[1])
        if source is None and target is None:
            return
        assert source is not None, f"{strings} crosses the border"
        assert target is not None, f"{strings} crosses the border"
        node = source[0].now()[source[1]]
        if source[0] is target[0]:
            self._change(source[0], {source[1]: None, target[1]: node})
        else:
            self._change(source[0], {source[1]: None})
            self._change(target[0], {target[1]: node})

    _renameat = _renameat2 = _rename

    def _link(self, _pid: str, _name: str, _arguments: list[str], strings: list[str], _answer: str) -> None:
        source, target = self._place(strings[0]), self._place(strings[1])
        if target is not None:
            assert source is not None, f"{strings} crosses the border"
            self._change(target[0], {target[1]: source[0].now()[source[1]]})

    _linkat = _link

    def _unlink(self, _pid: str, _name: str, _arguments: list[str], strings: list[str], _answer: str) -> None:
        place = self._place(strings[-1])
        if place is not None:
            self._change(place[0], {place[1]: None})

    _rmdir = _unlinkat = _unlink

    def _mkdir(self, _pid: str, _name: str, _arguments: list[str], strings: list[str], _answer: str) -> None:
        place = self._place(strings[-1])
        if place is not None:
            self._change(place[0], {place[1]: Folder()})

    _mkdirat = _mkdir

    def _symlink(self, _pid: str, _name: str, _arguments: list[str], strings: list[str], _answer: str) -> None:
        place = self._place(strings[1])
        if place is not None:
            self._change(place[0], {place[1]: Link(strings[0])})

    def _symlinkat(self, pid: str, name: str, arguments: list[str], strings: list[str], answer: str) -> None:
        self._symlink(pid, name, arguments, strings, answer)

    def _sendfile(self, pid: str, _name: str, arguments: list[str], _strings: list[str], answer: str) -> None:
        self._copy(pid, arguments[1], arguments[2], arguments[0], "NULL", int(answer))

    def _copy_file_range(self, pid: str, _name: str, arguments: list[str], _strings: list[str], answer: str) -> None:
        self._copy(pid, arguments[0], arguments[1], arguments[2], arguments[3], int(answer))

    def _copy(self, pid: str, source: str, read_at: str, target: str, write_at: str, size: int) -> None:
        """Copy bytes from one file to another. Where a place is NULL, the file's own is used and moves on."""
        given, taker = self._known(pid, source), self._known(pid, target)
        if taker is None:
            return
        assert given is not None, f"{source} is outside, so its bytes are not known"
        assert isinstance(given[0], File)
        assert isinstance(taker[0], File)
        places = [
            known[1][0] if at == "NULL" else int(at.strip("[]").split("]")[0])
            for known, at in ((given, read_at), (taker, write_at))
        ]
        self._put(taker[0], places[1], _content(given[0], lambda _: "yes")[places[0] : places[0] + size])
        for known, at in ((given, read_at), (taker, write_at)):
            known[1][0] += size if at == "NULL" else 0

    def _vfork(self, pid: str, _name: str, arguments: list[str], _strings: list[str], answer: str) -> None:
        if any("CLONE_FILES" in text for text in arguments):
            self._tables[answer] = self._table(pid)
            return
        for (owner, number), known in list(self._open.items()):
            if owner == self._table(pid):
                self._open.setdefault((answer, number), known)  # it may have run, and opened some, before its parent

    _fork = _clone = _clone3 = _vfork

    def _unknown(self, _pid: str, name: str, arguments: list[str], strings: list[str], _answer: str) -> None:
        assert not any(self._place(text) for text in strings), f"{name} of {strings} is not understood"
        assert not any(self._inside(text) for text in arguments), f"{name} of {arguments} is not understood"

    # -- help ----------------------------------------------------------------------------------------------------

    def _put(self, file: File, at: int, data: bytes | None) -> None:
        file.pending.append((at, data))
        self.changes += 1

    def _change(self, folder: Folder, change: dict[str, Node | None]) -> None:
        folder.pending.append(change)
        self.changes += 1

    def _table(self, pid: str) -> str:
        return self._tables.get(pid, pid)

    def _known(self, pid: str, argument: str) -> tuple[Node, list[int]] | None:
        if not self._inside(argument):
            return None  # a program that was started closes files without a call, and uses their numbers anew
        known = self._open.get((self._table(pid), _number(argument)))
        assert known is not None, f"{argument} was opened before the record began"
        return known

    def _inside(self, argument: str) -> bool:
        match = re.match(r"\d+<([^>]*)>", argument)
        path = _unhex(f'"{match[1]}"') if match else ""
        return path == str(self.root) or path.startswith(f"{self.root}/")

    def _place(self, path: str) -> tuple[Folder, str] | None:
        """The directory of a path and its name in it; None outside of the root."""
        if path == str(self.root):
            return self.top, ""
        if not path.startswith(f"{self.root}/"):
            assert path.startswith("/"), f"{path} is relative"
            return None
        *above, entry = path.removeprefix(f"{self.root}/").split("/")
        folder = self.top
        for name in above:
            node = folder.now().get(name)
            if not isinstance(node, Folder):
                raise AssertionError(f"{path} was used and {name} is not known")
            folder = node
        return folder, entry


def _paths(arguments: list[str]) -> list[str]:
    """The paths among the arguments of a call; a relative one is joined to the directory that comes before it."""
    found = []
    for before, text in zip(["", *arguments], arguments, strict=False):
        if text.startswith('"'):
            match = re.match(r"(?:AT_FDCWD|\d+)<([^>]*)>", before)
            base = _unhex(f'"{match[1]}"') if match else ""
            found.append(os.path.normpath(Path(base, _unhex(text))))
    return found


def records(trace: str) -> list[tuple[str, str, list[str], str]]:
    """The calls of strace's lines, in the order in which they ended: process, name, arguments, answer."""
    begun: dict[str, str] = {}
    found = []
    for line in trace.splitlines():
        pid, rest = line.split(" ", 1)
        rest = rest.lstrip()
        if rest.endswith("<unfinished ...>"):
            begun[pid] = rest.removesuffix("<unfinished ...>").rstrip()
            continue
        resumed = re.match(r"<\.\.\. \w+ resumed>", rest)
        if resumed:
            rest = begun.pop(pid) + rest[resumed.end() :]
        match = re.match(r"(\w+)\((.*?)\) += (.*)$", rest, re.DOTALL)
        if match:
            found.append((pid, match[1], match[2].split(", "), match[3]))
    return found


def make(left: dict[str, bytes | str | None], directory: Path) -> None:
    """Make a directory what a power cut left."""
    directory.mkdir()
    for path, what in left.items():
        here = directory / path
        if what is None:
            here.mkdir()
        elif isinstance(what, str):
            here.symlink_to(what)
        else:
            here.write_bytes(what)
            here.chmod(0o600)  # what a file may be is not replayed: nothing of it is for others


def on_disk(directory: Path) -> dict[str, bytes | str | None]:
    """What there is, as `Disk.left` gives it."""
    return {
        str(path.relative_to(directory)): str(path.readlink())
        if path.is_symlink()
        else None
        if path.is_dir()
        else path.read_bytes()
        for path in sorted(directory.rglob("*"))
    }


def _read(directory: Path) -> Folder:
    folder = Folder()
    for path in directory.iterdir():
        if path.is_symlink():
            folder.durable[path.name] = Link(str(path.readlink()))
        else:
            folder.durable[path.name] = _read(path) if path.is_dir() else File(path.read_bytes())
    return folder


def _number(argument: str) -> int:
    return int(re.match(r"\d+", argument)[0])  # type: ignore[index] # a descriptor


def _bytes(text: str) -> bytes:
    assert text.endswith('"'), "strace has cut what was written"
    return bytes.fromhex(text.strip('"').replace("\\x", ""))


def _unhex(text: str) -> str:
    return _bytes(text).decode()
