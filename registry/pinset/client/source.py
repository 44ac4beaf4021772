"""Where releases are fetched from: a registry's address, or a directory of this machine."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypedDict, runtime_checkable
from urllib.parse import urlsplit

from pinset.client.requests import address_of, path_of
from pinset.domain.references import SelectorKind, parse_selector
from pinset.errors import InvalidInput, Unauthenticated, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinset.client.http import Http

CONNECT_SECONDS: Final = 1.0
_INHERITED: Final[list[Http]] = []
_HOST = re.compile(r"[A-Za-z0-9.-]+:[0-9]{1,5}(/.*)?")
ENTRY_POINTS: Final = "pinset.sources"
"""Installed with ``pinset[cli]``: what opens a registry's directory."""


Fetched = tuple["Mapping[str, Any] | None", "str | None"]
"""An answer of a registry: the sealed form and its tag. The form is None where it is what the tag given stands for."""


class Source(Protocol):
    """A registry, as far as applications need it. address: tells registries apart."""

    address: str

    def fetch(self, bundle: str, selector: str, tag: str | None, seconds: float, holds: str | None = None) -> Fetched:
        """What a name means now, in one try of so many seconds at most. Raises PinsetError.

        holds: what the client has of that name, such as ``v7``, for the registry to know.
        """

    def forked(self) -> None:
        """This process is a copy of another one, whose connections are not ours."""

    def close(self) -> None:
        """Release connections. Idempotent."""


class Event(TypedDict):
    """One event of a registry.

    event: ``ready``, ``reset``, ``move``, ``release``, ``yank``, ``purge``; ``beat`` says that there was none up to a serial. data: as
    the API gives it.
    """

    event: str
    serial: int
    data: Mapping[str, Any]


class Stream(Protocol):
    """Events as they happen, ``ready`` first. One thread iterates, any may close.

    retry: within how many seconds a client should be back after its end, as the registry said last; None: it said nothing.
    """

    retry: float | None

    def __iter__(self) -> Iterator[Event]:
        """Raises PinsetError where nothing comes any more."""

    def close(self) -> None:
        """End the iteration. Idempotent."""

    def forked(self) -> None:
        """This process is a copy of the one that iterates."""


@runtime_checkable
class Listenable(Protocol):
    """A source that also tells what happens."""

    def listen(self, bundles: frozenset[str], after: int | None) -> Stream | None:
        """Events of some bundles, of all where there are none, from the next one after a serial. At once; None: it cannot."""


class HttpSource:
    """A registry that is served."""

    def __init__(self, url: str, token: str | None) -> None:
        self.address = address_of(url)
        self._token = token
        self._http: Http | None = None
        self._client = os.urandom(8).hex()
        """Who asks: another one in each client and each process, so that the registry can count them."""

    def fetch(self, bundle: str, selector: str, tag: str | None, seconds: float, holds: str | None = None) -> Fetched:
        """One conditional request, which says who asks and what it holds."""
        if self._http is None:
            self._knock()
            from pinset.client.http import Http  # noqa: PLC0415 - nothing speaks HTTP before it is known that somebody listens

            self._http = Http(self.address, self._token)
        alias = parse_selector(selector).kind is SelectorKind.ALIAS
        path = path_of("bundles", bundle, "aliases" if alias else "releases", selector)
        told = {"Pinset-Client": self._client, **({"Pinset-Holds": holds} if holds else {})} if alias else {}
        limits = {"seconds": seconds, "connect": CONNECT_SECONDS}
        try:
            return self._http.fetch(path, {"form": "sealed"}, tag=tag, headers=told, **limits)
        except Unauthenticated as error:
            raise Unauthenticated(
                error.message,
                hint="set PINSET_TOKEN to a token of this registry, or give it as token",
                details=error.details,
            ) from error

    def listen(self, bundles: frozenset[str], after: int | None) -> Stream | None:
        """The server-sent events."""
        from pinset.client.stream import HttpStream  # noqa: PLC0415 - those who do not listen need not load it

        return HttpStream(self.address, self._token, bundles, after)

    def forked(self) -> None:
        """Leave the other process its connections: to end one here could end it there."""
        if self._http is not None:
            _INHERITED.append(self._http)
        self._http, self._client = None, os.urandom(8).hex()

    def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            self._http.close()

    def _knock(self) -> None:
        """Whether anybody listens: found out in a moment, before what speaks HTTP is loaded."""
        parts = urlsplit(self.address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            socket.create_connection((parts.hostname or "", port), timeout=CONNECT_SECONDS).close()
        except OSError as error:
            raise Unavailable(
                f"{self.address} cannot be reached: {error.strerror or error}",
                hint="check the address, and that a registry is served there: pinset serve",
            ) from error


def source_of(registry: str, token: str | None) -> Source:
    """The source that an address or a directory names. Raises InvalidInput, and what opening a directory raises."""
    if "://" in registry:
        return HttpSource(registry, token)
    if _HOST.fullmatch(registry) and not Path(registry).exists():
        raise InvalidInput(f"{registry} is no address of a registry", hint=f"write http://{registry}")
    from importlib.metadata import entry_points  # noqa: PLC0415 - those with an address need not load it

    try:
        opening = next(iter(entry_points(group=ENTRY_POINTS, name="directory"))).load()
        made: Source = opening(registry)
    except (ImportError, StopIteration) as error:
        raise InvalidInput(
            "a registry's directory is read by what pinset[cli] installs",
            hint="pip install 'pinset[cli]', or give a URL",
        ) from error
    return made
