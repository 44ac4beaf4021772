"""A registry's directory as applications read it: `pinset.client.source.Source` without a server."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pinset.services.local import LocalRegistry


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
        new = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        return (None if new == tag else answer), new

    def forked(self) -> None:
        """Nothing to do: the catalog opens its connections anew in another process."""

    def close(self) -> None:
        """Release the catalog."""
        self._registry.close()
