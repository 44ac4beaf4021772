"""A registry's directory as applications read it: `pinset.client.source.Source` without a server."""

from __future__ import annotations

import hashlib
import json
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.services.local import LocalRegistry

LOOK_SECONDS: Final = 0.1
"""From one look at whether anything became visible to the next."""


class DirectorySource:
    """Fetches from a registry of this machine. address: ``file://`` and its path."""

    def __init__(self, registry: LocalRegistry, address: str) -> None:
        self._registry = registry
        self.address = address

    def fetch(
        self,
        bundle: str,
        selector: str,
        tag: str | None,
        seconds: float,  # noqa: ARG002 - nothing is waited for
        holds: str | None = None,  # noqa: ARG002 - nobody counts who reads a directory
    ) -> tuple[dict[str, Any] | None, str | None]:
        """The sealed form and its tag; None where it is what the tag given stands for."""
        answer: dict[str, Any] = {**self._registry.sealed(f"{bundle}@{selector}")}
        told = [answer[name] for name in ("registry", "epoch", "digest", "version", "alias", "yanked")]
        told += [answer[name] for name in ("renamed", "names") if name in answer]
        new = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        return (None if new == tag else answer), new

    def listen(self, bundles: frozenset[str], after: int | None) -> MarkStream | None:  # noqa: ARG002 - a mark has no past
        """Tells of any change as one of each bundle; None where the registry cannot tell that."""
        return MarkStream(self._registry, bundles) if self._registry.mark() is not None else None

    def forked(self) -> None:
        """Nothing to do: the catalog opens its connections anew in another process."""

    def close(self) -> None:
        """Release the catalog."""
        self._registry.close()


class MarkStream:
    """Events of a registry of this machine, by looking whether anything became visible."""

    def __init__(self, registry: LocalRegistry, bundles: frozenset[str]) -> None:
        self._registry, self._bundles = registry, bundles
        self._ended = threading.Event()
        self.retry: float | None = None
        """Nobody says it."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """``ready``, then ``change`` of every bundle whenever there is anything new."""
        mark, count = self._registry.mark(), 0
        yield {"event": "ready", "serial": count, "data": {}}
        while not self._ended.wait(LOOK_SECONDS):
            before, mark = mark, self._registry.mark()
            if mark == before:
                continue
            count += 1
            if not self._bundles:
                yield {"event": "reset", "serial": count, "data": {}}
            for bundle in sorted(self._bundles):
                yield {"event": "change", "serial": count, "data": {"bundle": bundle}}

    def close(self) -> None:
        """End it."""
        self._ended.set()

    def forked(self) -> None:
        """Nothing to do: it has no connection."""
