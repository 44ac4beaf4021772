"""Taking in what was published elsewhere, by a registry elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.client.requests import path_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.client.http import Http
    from pinset.domain.answers.imports import ImportAnswer
    from pinset.ports.imports import Version
    from pinset.ports.registry import Caller

SECONDS: Final = 120.0
"""For one write of many versions, its retries included."""


class RemoteImports:
    """Implements `pinset.ports.imports.Imports` on ``/v1``."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def take(
        self, caller: Caller, versions: Sequence[Version], *, message: str = "", allow: Sequence[str] = ()
    ) -> ImportAnswer:
        """Publish versions in one write."""
        found: ImportAnswer = self._http.change(
            "POST",
            path_of("imports"),
            {"versions": [_sent(one) for one in versions], "message": message, "allow": list(allow)},
            key=caller.key,
            dry_run=caller.dry_run,
            change=caller.change,
            seconds=SECONDS,
        )
        return found


def _sent(one: Version) -> dict[str, Any]:
    """A version; what it does not say is left out."""
    said = {
        "digest": one.digest,
        "number": one.number,
        "label": one.label,
        "message": one.message or None,
        "source": dict(one.source) or None,
        "spelled": one.spelled,
    }
    return {
        "name": one.name,
        "files": dict(one.files),
        **{key: value for key, value in said.items() if value is not None},
    }
