"""The refs of the repository as their files say. libgit2 leaves damaged refs out of a listing without a word."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from pinset.domain.names import show
from pinset.errors import Integrity, InvalidName
from pinset.gitstore.scanning import VERIFY_HINT

if TYPE_CHECKING:
    from pathlib import Path

_HEADS: Final = "refs/heads/"
_QUARANTINE: Final = "refs/quarantine/"
_REF = re.compile(r"refs/heads(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)+", re.ASCII)
_TARGET = re.compile(rb"([0-9a-f]{40})\n?")
_PACKED_LINE = re.compile(rb"([0-9a-f]{40}) (refs/[!-~]+)")
_PEELED_LINE = re.compile(rb"\^[0-9a-f]{40}")
_PACKED_HEAD: Final = b"# pack-refs with:"
_PACKED_TRAITS: Final = frozenset({b"peeled", b"fully-peeled", b"sorted"})


def checked_name(ref: str, *, quarantine: bool = False) -> str:
    """The ref, if it is one this store keeps. quarantine: also one set aside. Raises InvalidName."""
    if quarantine and ref.startswith(_QUARANTINE):
        checked_name(_HEADS + ref.removeprefix(_QUARANTINE))
        return ref
    segments = ref.split("/")
    if _REF.fullmatch(ref) is None or ".." in ref or any(s.endswith((".lock", ".")) for s in segments):
        raise InvalidName(f"{show(ref)} cannot be a ref of the registry", hint="use refs/heads/ and plain segments")
    return ref


def quarantine(ref: str, commit: str) -> str:
    """Where what was found on a ref is kept."""
    return f"{_QUARANTINE}{commit[:12]}/{ref.removeprefix(_HEADS)}"


def read_all(repository: Path) -> dict[str, str]:
    """Every ref under refs/heads and its target. Raises Integrity where one of the files is not as git writes it."""
    # Loose files first: `git pack-refs` renames its new file into place before it removes them.
    loose = read_loose_all(repository)
    return dict(sorted({**read_packed(repository), **loose}.items()))


def read_loose(repository: Path, ref: str) -> str | None:
    """The target in the ref's own file, None where it has none. Raises Integrity."""
    try:
        data = (repository / ref).read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
    match = _TARGET.fullmatch(data)
    if match is None:
        raise _damaged(ref, "its file does not hold one commit id")
    return match[1].decode("ascii")


def check_packed(repository: Path) -> None:
    """Raise Integrity where packed-refs cannot be what git wrote, judged by its two ends."""
    try:
        with (repository / "packed-refs").open("rb") as file:
            head = file.read(len(_PACKED_HEAD))
            file.seek(-1, os.SEEK_END)
            last = file.read(1)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _damaged("packed-refs", "it is empty or cannot be read") from error
    if head != _PACKED_HEAD or last != b"\n":
        raise _damaged("packed-refs", "it is cut off or overwritten")


def read_loose_all(repository: Path) -> dict[str, str]:
    """Every ref that has a file of its own, and its target. Raises Integrity."""
    found: dict[str, str] = {}
    for folder, _, names in os.walk(repository / "refs" / "heads", onerror=_refuse):
        for name in names:
            if not name.endswith(".lock"):
                ref = os.path.relpath(os.path.join(folder, name), repository)  # noqa: PTH118 - paths from os.walk
                target = read_loose(repository, _kept(ref))
                if target is not None:
                    found[ref] = target
    return found


def read_packed(repository: Path) -> dict[str, str]:
    """Every ref that packed-refs names, and its target there. Raises Integrity."""
    check_packed(repository)
    try:
        lines = (repository / "packed-refs").read_bytes().split(b"\n")
    except FileNotFoundError:
        return {}
    if not set(lines[0].removeprefix(_PACKED_HEAD).split()) <= _PACKED_TRAITS:
        raise _damaged("packed-refs", "its first line is not as git writes it")
    found: dict[str, str] = {}
    for line in lines[1:-1]:
        match = _PACKED_LINE.fullmatch(line)
        if match is None and _PEELED_LINE.fullmatch(line) is None:
            raise _damaged("packed-refs", f"it has the line {show(line.decode('ascii', 'replace'))}")
        if match is not None and match[2].startswith(_HEADS.encode()):
            found[_kept(match[2].decode("ascii"))] = match[1].decode("ascii")
    return found


def _kept(ref: str) -> str:
    try:
        return checked_name(ref)
    except InvalidName as error:
        raise _damaged(ref, "its name is none of the registry's") from error


def _refuse(error: OSError) -> None:
    # A directory that pack-refs has emptied and removed meanwhile holds no refs.
    if not isinstance(error, FileNotFoundError):
        raise error


def _damaged(where: str, what: str) -> Integrity:
    return Integrity(f"{show(where, 300)} is damaged: {what}", hint=VERIFY_HINT, details={"ref": where})
