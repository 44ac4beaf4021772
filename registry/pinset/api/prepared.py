"""What a fetch is answered with, as bytes: one body in each encoding, and the head of 200 and of 304."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import zstandard

from pinset.api.conditional import cache_of, tag_of
from pinset.api.context import json_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.api.metrics import Fetched
    from pinset.domain.references import Selector
    from pinset.services.local import LocalRegistry

Encoding = Literal["identity", "gzip", "zstd"]
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
    """The answer to one fetch. alias: through which it was asked for, '' for none. tag: of the plain encoding, quoted.

    names: every name of the bundle, where it has several. again: makes the answer anew.
    """

    bundle: str
    alias: str
    version: int
    route: str
    body: bytes
    tag: str
    cache: str
    again: Callable[[], Prepared]
    names: tuple[str, ...] = ()
    variants: dict[Encoding, Variant] = field(default_factory=dict)

    @property
    def fetched(self) -> Fetched:
        """What it is counted as."""
        return self.bundle, self.alias, self.version

    @property
    def places(self) -> list[tuple[str, str]]:
        """What who is given it must be allowed to read one of: the bundle, and the alias, '' where it was asked for by none."""
        return [(name, self.alias) for name in self.names or (self.bundle,)]

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


def prepare(registry: LocalRegistry, bundle: str, selector: Selector, form: str, route: str) -> Prepared:
    """The answer to a fetch of a release, as a document or sealed. Raises what reading it raises.

    route: the template of the path it was asked for by. A release that is yanked may be taken back, so it is not kept
    for ever.
    """
    named = f"{bundle}@{selector.text}"
    answer: Any = registry.sealed(named) if form == "sealed" else registry.release(named)
    return Prepared(
        bundle=answer["bundle"],
        names=registry.names_of(bundle),
        alias=answer["alias"]["name"] if answer["alias"] else "",
        version=answer["version"],
        route=route,
        body=json_of(answer),
        tag=tag_of(answer, form, selector),
        cache=cache_of(selector, fixed=answer["yanked"] is None),
        again=partial(prepare, registry, bundle, selector, form, route),
    )


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


def _lines(status: bytes, headers: list[tuple[bytes, bytes]]) -> bytes:
    named = [b"%s: %s\r\n" % header for header in (*headers, (b"x-content-type-options", b"nosniff"))]
    return b"HTTP/1.1 %s\r\n" % status + b"".join(named)
