"""Answers that are ready: what fetches got, as bytes, for as long as nothing became visible that could change them.

The ordinary route makes an answer once and leaves it here; from then on it is given ahead of the framework. Before
every answer the registry's mark is compared, so none is older than what a reader would find, whoever wrote. When the
mark has moved, the records since then say which bundles changed, and only their answers are made anew.
"""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import zstandard

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.ports.catalog import Mark
    from pinset.services.local import LocalRegistry

Encoding = Literal["identity", "gzip", "zstd"]
ROOM: Final = 64 * 1024 * 1024
"""Bytes of answers that a process keeps ready."""
_WORTH: Final = 1024
"""Bytes from which on a body is compressed."""
_BESIDE: Final = 2048
"""Bytes that an answer takes besides its body."""
_COMPRESSED: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": lambda body: gzip.compress(body, 6, mtime=0),
    "zstd": lambda body: zstandard.ZstdCompressor(level=9).compress(body),
}


@dataclass(frozen=True, slots=True)
class Variant:
    """An answer in one encoding. whole, unchanged: status line and headers of 200 and of 304, without a blank line."""

    tag: bytes
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    whole: bytes
    unchanged: bytes


@dataclass(slots=True)
class Prepared:
    """The answer to one fetch. alias: through which it was asked for. tag: of the plain encoding, quoted."""

    bundle: str
    alias: str | None
    version: int
    route: str
    body: bytes
    tag: str
    cache: str
    variants: dict[str, Variant] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes that it takes, all encodings made."""
        return 2 * len(self.body) + _BESIDE

    def variant(self, encoding: Encoding) -> Variant:
        """The answer in an encoding, made at most once, or nearly so where two ask at the same time."""
        found = self.variants.get(encoding)
        if found is None:
            found = self.variants[encoding] = self._made(encoding)
        return found

    def _made(self, encoding: Encoding) -> Variant:
        body, tag = self.body, self.tag
        said = [(b"cache-control", self.cache.encode()), (b"vary", b"accept-encoding")]
        if encoding != "identity":
            if len(body) < _WORTH:
                return self.variant("identity")
            body, tag = _COMPRESSED[encoding](body), f'{tag[:-1]}-{encoding}"'
        headers = [(b"etag", tag.encode()), *said]
        of_body = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        if encoding != "identity":
            of_body.append((b"content-encoding", encoding.encode()))
        return Variant(
            tag=tag.encode(),
            body=body,
            headers=(*headers, *of_body),
            whole=_lines(b"200 OK", [*headers, *of_body]),
            unchanged=_lines(b"304 Not Modified", headers),
        )


class Ready:
    """The answers of one registry. Threads may share it. room: bytes that are kept at most.

    Two halves: what was asked for since the older half was put away, and that one. So what nobody asks for goes, and
    finding costs no bookkeeping.
    """

    def __init__(self, registry: LocalRegistry, room: int = ROOM) -> None:
        self._registry = registry
        self._half = room // 2
        self._turn = threading.Lock()
        self._mark: Mark | None = None
        self._serial = 0
        self._identity: tuple[str, int] | None = None
        self._newer: dict[bytes, Prepared] = {}
        self._older: dict[bytes, Prepared] = {}
        self._size = 0
        self._making: dict[bytes, threading.Event] = {}

    def look(self, target: bytes) -> Prepared | None:
        """The answer to a request's target, where it is ready and still true: a few microseconds, no lock, no wait."""
        found = self._newer.get(target)
        if found is None:
            return None
        mark = self._registry.mark()
        # Compared in this order: an answer is taken out before the mark is set anew, so one that was found and a mark
        # that is still the same belong together.
        return found if mark is not None and mark == self._mark and self._newer.get(target) is found else None

    def find(self, target: bytes, make: Callable[[], Prepared]) -> Prepared:
        """The answer to a request's target, made where it is not ready. make: reads the registry; may raise.

        Of many who ask for the same at once one makes it, and the others wait.
        """
        while True:
            with self._turn:
                self._catch_up()
                found = self._newer.get(target) or self._older.get(target)
                mark, others = self._mark, self._making.get(target)
                if found is not None:
                    self._keep(target, found)
                    return found
                if others is None:
                    done = self._making[target] = threading.Event()
                    break
            others.wait()
        try:
            made = make()
            with self._turn:
                # What was read may be newer than the mark, and then the mark has moved too: never the other way round.
                if mark is not None and mark == self._mark:
                    self._keep(target, made)
            return made
        finally:
            with self._turn:
                del self._making[target]
            done.set()

    def _keep(self, target: bytes, prepared: Prepared) -> None:
        if target in self._newer:
            return
        if self._size + prepared.size > self._half:
            self._older, self._newer, self._size = self._newer, {}, 0
        if prepared.size <= self._half:
            self._newer[target] = prepared
            self._size += prepared.size

    def _catch_up(self) -> None:
        mark = self._registry.mark()
        if mark is not None and mark == self._mark:
            return
        since = self._registry.changes(self._serial)
        if since.bundles is None or since.identity != self._identity:
            self._newer, self._older, self._size = {}, {}, 0
        elif since.bundles:
            self._newer = {at: one for at, one in self._newer.items() if one.bundle not in since.bundles}
            self._older = {at: one for at, one in self._older.items() if one.bundle not in since.bundles}
            self._size = sum(one.size for one in self._newer.values())
        self._identity, self._serial, self._mark = since.identity, since.serial, mark


def encoding_of(accepted: str) -> Encoding:
    """The encoding to answer in, of those that an Accept-Encoding takes: the smallest first."""
    weights: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";")
        weights[name.strip()] = _weight(weight)
    best: Encoding
    for best in ("zstd", "gzip"):
        if weights.get(best, weights.get("*", 0.0) if best == "gzip" else 0.0) > 0:
            return best
    return "identity"


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0


def is_known(given: str, tag: str) -> bool:
    """Whether an If-None-Match names the tag that the client would get."""
    tags = [one.strip().removeprefix("W/") for one in given.split(",")]
    return tag in tags or tags == ["*"]


def _lines(status: bytes, headers: list[tuple[bytes, bytes]]) -> bytes:
    named = [b"%s: %s\r\n" % header for header in (*headers, (b"x-content-type-options", b"nosniff"))]
    return b"HTTP/1.1 %s\r\n" % status + b"".join(named)
