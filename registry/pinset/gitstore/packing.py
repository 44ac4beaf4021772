"""Gathering objects into packs and refs into packed-refs, so that a power cut at any moment loses none of them.

git removes what it has packed before the directory that holds the pack is durable. So git only packs here; what a
pack or packed-refs replaces is removed by us, after both are durable.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from pinset.durable import sync
from pinset.errors import Busy, Integrity, PinsetError
from pinset.gitstore import git, refs
from pinset.gitstore.scanning import VERIFY_HINT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_INDEX_HEAD: Final = b"\xfftOc\x00\x00\x00\x02"
_FANOUT_END: Final = 8 + 256 * 4
_ID: Final = 20
_POLL_SECONDS: Final = 0.05
_BESIDE: Final = (".rev", ".bitmap", ".mtimes", ".pack")
"""What belongs to a pack beside its index, the pack itself last."""


@contextmanager
def alone(repository: Path, wait_seconds: float = 0.0) -> Iterator[None]:
    """Let nobody else gather objects meanwhile. The lock falls with the process.

    wait_seconds: how long to wait for another. Raises Busy, OSError where there is no folder of packs.
    """
    descriptor = os.open(repository / "objects" / "pack", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    deadline = time.monotonic() + wait_seconds
    try:
        while not _taken(descriptor):
            if time.monotonic() >= deadline:
                raise Busy("the repository is being packed", hint="try again when the other `pinset gc` is done")
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def repack(repository: Path) -> None:
    """Gather loose objects and small packs into packs. Safe beside writers and readers, and alone of its kind.

    Raises Busy, Integrity, ReadOnly, Unavailable, and OSError where what git packed cannot be made durable.
    """
    folder = repository / "objects" / "pack"
    with alone(repository):
        before = set(folder.iterdir())
        try:
            git.repack(repository)
        except PinsetError:
            # git leaves what it had begun, and most likely there is no room for it.
            for path in {*folder.glob("tmp_*"), *folder.glob(".tmp-*")} - before:
                path.unlink(missing_ok=True)
            raise
        _replace(repository, folder, before)


def _replace(repository: Path, folder: Path, before: set[Path]) -> None:
    """Make the packs durable, then remove what they replace. before: what was there before git packed."""
    indexes = sorted(folder.glob("pack-*.idx"))
    try:
        # Those from before too: whoever made them may have died before they were durable.
        found = [index for index in indexes if made_durable(index)]
        sync(folder)
    except OSError:
        # A sync that failed once may seem to succeed the next time, so nobody may rely on these.
        for index in indexes:
            if index not in before:
                remove_pack(index)
        raise
    packed: set[bytes] = set()
    redundant: list[Path] = []
    for index, held in sorted(((i, ids(i)) for i in found), key=lambda pair: (-len(pair[1]), pair[0].name)):
        if held <= packed and not index.with_suffix(".keep").exists():
            redundant.append(index)
        packed |= held
    _remove_loose(repository / "objects", packed)
    for index in redundant:
        index.unlink(missing_ok=True)
    if redundant:
        sync(folder)  # a pack without an index is passed over, an index without its pack is a complaint
        for index in redundant:
            remove_pack(index)


def pack_refs(repository: Path) -> None:
    """Move all refs into packed-refs. Only under the writer's lock. Raises as `repack` does."""
    git.pack_refs(repository)
    sync(repository / "packed-refs")
    sync(repository)
    packed = refs.read_packed(repository)
    for ref, target in refs.read_loose_all(repository).items():
        if packed.get(ref) == target:
            with _locked(repository / ref) as free:
                if free and refs.read_loose(repository, ref) == target:
                    (repository / ref).unlink()


def abandoned(repository: Path) -> Iterator[Path]:
    """Files that are no part of a repository any more once they are old: what somebody who died was making."""
    objects = repository / "objects"
    yield from (*objects.glob("tmp_*"), *objects.glob("*/tmp_*"), *objects.glob("pack/.tmp-*"))
    for path in objects.glob("pack/pack-*"):
        if path.suffix in _BESIDE and not path.with_suffix(".idx").exists():
            yield path


def made_durable(index: Path) -> bool:
    """Sync a pack; False where somebody else has found it redundant meanwhile."""
    try:
        sync(index)
        sync(index.with_suffix(".pack"))
    except FileNotFoundError:
        return False
    return True


def ids(index: Path) -> set[bytes]:
    """The objects of a pack as its index has them, none where somebody else has removed it meanwhile.

    Raises Integrity where pack and index cannot be relied on.
    """
    try:
        data = index.read_bytes()
        with index.with_suffix(".pack").open("rb") as pack:
            pack.seek(-_ID, os.SEEK_END)
            end = pack.read()
    except FileNotFoundError:
        return set()
    sound = data.startswith(_INDEX_HEAD) and hashlib.sha1(data[:-_ID], usedforsecurity=False).digest() == data[-_ID:]
    if not sound or data[-2 * _ID : -_ID] != end:
        raise Integrity(f"{index.name} is damaged, or is not of its pack", hint=VERIFY_HINT)
    count = int.from_bytes(data[_FANOUT_END - 4 : _FANOUT_END], "big")
    return {data[at : at + _ID] for at in range(_FANOUT_END, _FANOUT_END + count * _ID, _ID)}


def _remove_loose(objects: Path, packed: set[bytes]) -> None:
    """Remove the loose objects that a pack holds. Their directories stay: making one anew takes a sync."""
    for number in range(256):
        folder = objects / f"{number:02x}"
        with suppress(FileNotFoundError):
            for name in os.listdir(folder):  # noqa: PTH208 - there may be hundreds of thousands
                if len(name) == 2 * _ID - 2 and _bytes(folder.name + name) in packed:
                    (folder / name).unlink(missing_ok=True)


def _bytes(name: str) -> bytes:
    try:
        return bytes.fromhex(name)
    except ValueError:
        return b""


def remove_pack(index: Path) -> None:
    """Remove a pack, its index first: a pack without an index is passed over."""
    index.unlink(missing_ok=True)
    for ending in _BESIDE:
        index.with_suffix(ending).unlink(missing_ok=True)


@contextmanager
def _locked(ref: Path) -> Iterator[bool]:
    """Take git's own lock on a ref, for those who push by git; False where somebody else has it."""
    lock = ref.with_name(ref.name + ".lock")
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    except FileExistsError:
        yield False
        return
    try:
        yield True
    finally:
        lock.unlink(missing_ok=True)
