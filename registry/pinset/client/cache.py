"""The disk cache: the last releases that each alias served here, for a start while the registry is down.

A folder that processes of one user share. ``sealed/<hash of the digest>.json`` holds sealed forms, proven by their digest
when they are read; ``names/<hash>.json`` says what a name meant, newest first, with a sum of its own; an empty file
``purged/<hash of the digest>`` says that a release is gone for good. Files are replaced whole.
Nothing here ever fails a fetch: what cannot be read is ignored, what cannot be written is said once in the log.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict

from pinset.client.ownfiles import locked, read_own

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

KEPT: Final = 5
"""Releases that are kept of each alias: with the registry down, the last good one may be the bad one."""
NOTED_SECONDS: Final = 300.0
"""How old a noted confirmation gets before it is written again."""
FORMAT: Final = 1
_BODY: Final = ("manifest", "files")
_log = logging.getLogger("pinset.client")


class Kept(TypedDict):
    """What a name meant once. answer: without manifest and files. confirmed: seconds since 1970, by the wall clock."""

    answer: dict[str, Any]
    tag: str | None
    confirmed: float


def default_directory() -> Path | None:
    """``PINSET_CACHE``, else ``pinset`` in the user's cache folder; None where the variable is empty."""
    named = os.environ.get("PINSET_CACHE")
    if named is not None:
        return Path(named).expanduser() if named else None
    base = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return Path(base) / "pinset"


class DiskCache:
    """What was fetched from one registry. directory: None keeps nothing. address: the registry's."""

    def __init__(self, directory: Path | None, address: str) -> None:
        self._directory = directory
        self._address = address
        self._said = False
        self._purged: set[str] = set()
        self._noted: dict[tuple[str, str], tuple[str | None, float]] = {}
        """When a name was last written as confirmed, and as which tag; by the clock that never goes back."""

    def load(self, bundle: str, selector: str) -> Iterator[tuple[dict[str, Any], str | None, float]]:
        """What a name meant, newest first: the answer, whole but not proven, its tag, and seconds since it was so.

        A time to come means that the wall clock was moved: how far it is off counts as age.
        """
        for kept in self._read(bundle, selector):
            body = self._body(str(kept["answer"].get("digest")))
            if body is not None:
                yield {**kept["answer"], **body}, kept["tag"], abs(time.time() - kept["confirmed"])

    def newest(self, bundle: str, selector: str) -> tuple[str, int, int] | None:
        """The newest move that was taken of an alias: registry, epoch, seq. None where none is known."""
        answer: Mapping[str, Any] = next((kept["answer"] for kept in self._read(bundle, selector)), {})
        registry, epoch, seq = answer.get("registry"), answer.get("epoch"), (answer.get("alias") or {}).get("seq")
        if isinstance(registry, str) and isinstance(epoch, int) and isinstance(seq, int):
            return registry, epoch, seq
        return None

    def find(self, bundle: str, selector: str) -> dict[str, Any] | None:
        """An answer for a version, label or digest among all that any name of the bundle meant."""
        for entry in self._entries():
            for kept in entry.get("kept", []):
                answer = kept["answer"]
                names = (f"v{answer.get('version')}", answer.get("label"), answer.get("digest"))
                if entry.get("bundle") == bundle and selector in names:
                    body = self._body(str(answer.get("digest")))
                    if body is not None:
                        return {**answer, **body, "alias": None}
        return None

    def keep(self, bundle: str, selector: str, answer: Mapping[str, Any], tag: str | None) -> None:
        """Note what a name means now. An older move of an alias never takes the place of a newer one."""
        if self._directory is None:
            return
        head = {name: value for name, value in answer.items() if name not in _BODY}
        new: Kept = {"answer": head, "tag": tag, "confirmed": time.time()}
        with self._quietly(), self._locked():
            self._write(self._sealed(str(answer["digest"])), json.dumps({name: answer[name] for name in _BODY}))
            before = self._read(bundle, selector)
            older = bool(before) and _is_older(head, before[0]["answer"])
            unique: list[Kept] = []
            for kept in (*before[:older], new, *before):
                if all(kept["answer"].get("digest") != other["answer"].get("digest") for other in unique):
                    unique.append(kept)
            self._put(bundle, selector, unique[:KEPT])
            self._forget(unique[KEPT:])
        self._noted[bundle, selector] = (tag, time.monotonic())

    def confirm(self, bundle: str, selector: str, tag: str | None) -> None:
        """Note that the newest is still what the name means, where it is the one that the tag stands for.

        Written every few minutes only: until then the one on the disk seems older than it is.
        """
        noted, at = self._noted.get((bundle, selector), (None, 0.0))
        if self._directory is None or (noted == tag and time.monotonic() - at < NOTED_SECONDS):
            return
        self._noted[bundle, selector] = (tag, time.monotonic())
        with self._quietly(), self._locked():
            kept = self._read(bundle, selector)
            # Another client, which can use more, may have kept another release of this name.
            if kept and kept[0]["tag"] == tag:
                kept[0]["confirmed"] = time.time()
                self._put(bundle, selector, kept)

    def is_purged(self, digest: str) -> bool:
        """Whether the registry once said that this content is gone: no copy of it is given any more, wherever it is from."""
        if digest not in self._purged and self._directory is not None and self._tombstone(digest).exists():
            self._purged.add(digest)
        return digest in self._purged

    def drop(self, digest: str) -> None:
        """Forget a release that was purged, whatever it was known as, and remember that it was."""
        self._purged.add(digest)
        if self._directory is None:
            return
        with self._quietly(), self._locked():
            self._write(self._tombstone(digest), "")
            for entry in list(self._entries()):
                kept = [one for one in entry["kept"] if one["answer"].get("digest") != digest]
                if len(kept) < len(entry["kept"]):
                    self._put(entry["bundle"], entry["selector"], kept)
            self._sealed(digest).unlink(missing_ok=True)

    def _put(self, bundle: str, selector: str, kept: Sequence[Kept]) -> None:
        entry = {"format": FORMAT, "address": self._address, "bundle": bundle, "selector": selector}
        text = json.dumps({**entry, "kept": list(kept)})
        self._write(self._entry(bundle, selector), f"{_sum(text)}\n{text}")

    def _forget(self, gone: Sequence[Kept]) -> None:
        used = {str(kept["answer"].get("digest")) for entry in self._entries() for kept in entry.get("kept", [])}
        for kept in gone:
            digest = str(kept["answer"].get("digest"))
            if digest not in used:
                self._sealed(digest).unlink(missing_ok=True)

    def _read(self, bundle: str, selector: str) -> list[Kept]:
        found = _parsed(self._entry(bundle, selector)) if self._directory is not None else None
        if found is None or (found["address"], found["bundle"], found["selector"]) != (self._address, bundle, selector):
            return []
        return list(found["kept"])

    def _entries(self) -> Iterator[dict[str, Any]]:
        if self._directory is None:
            return
        with suppress(OSError):
            for path in sorted((self._directory / "names").glob("*.json")):
                found = _parsed(path)
                if found is not None and found.get("address") == self._address:
                    yield found

    def _body(self, digest: str) -> dict[str, Any] | None:
        if self._directory is None:
            return None
        try:
            found = json.loads(read_own(self._sealed(digest)))
        except (OSError, ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) and set(found) == set(_BODY) else None

    def _entry(self, bundle: str, selector: str) -> Path:
        named = hashlib.sha256("\n".join((self._address, bundle, selector)).encode()).hexdigest()[:40]
        return self._root() / "names" / f"{named}.json"

    def _sealed(self, digest: str) -> Path:
        return self._root() / "sealed" / f"{hashlib.sha256(digest.encode()).hexdigest()[:40]}.json"

    def _tombstone(self, digest: str) -> Path:
        return self._root() / "purged" / hashlib.sha256(digest.encode()).hexdigest()[:40]

    def _root(self) -> Path:
        assert self._directory is not None  # noqa: S101 - every caller has looked
        return self._directory

    @contextmanager
    def _locked(self) -> Iterator[None]:
        for folder in (self._root(), *(self._root() / name for name in ("names", "sealed", "purged"))):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self._root() / "lock"):
            yield

    def _write(self, path: Path, text: str) -> None:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".", delete=False, encoding="utf-8") as file:
            try:
                file.write(text)
                file.close()
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if not self._said:
                self._said = True
                _log.warning("releases are not kept in %s: %s", self._directory, error.strerror or error)


def _parsed(path: Path) -> dict[str, Any] | None:
    try:
        proof, _, text = read_own(path).decode().partition("\n")
        found = json.loads(text) if proof == _sum(text) else None
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.get("format") == FORMAT and _is_entry(found) else None


def _is_entry(found: Mapping[str, Any]) -> bool:
    """Whether a file says what a name meant, as `DiskCache` writes it."""
    kept = found.get("kept")
    named = all(isinstance(found.get(name), str) for name in ("address", "bundle", "selector"))
    return named and isinstance(kept, list) and all(map(_is_kept, kept))


def _is_kept(kept: object) -> bool:
    return (
        isinstance(kept, dict)
        and isinstance(kept.get("answer"), dict)
        and isinstance(kept["answer"].get("alias"), dict | None)
        and isinstance(kept.get("tag"), str | None)
        and isinstance(kept.get("confirmed"), int | float)
        and math.isfinite(kept["confirmed"])
    )


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _is_older(new: Mapping[str, Any], held: Mapping[str, Any]) -> bool:
    """Whether an answer is of an earlier move of the same registry's alias."""
    if not (new.get("alias") and held.get("alias")) or new.get("registry") != held.get("registry"):
        return False
    move = [one for answer in (new, held) for one in (answer.get("epoch"), answer["alias"].get("seq"))]
    return all(isinstance(one, int) for one in move) and move[:2] < move[2:]
