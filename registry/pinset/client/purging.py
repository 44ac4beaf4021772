"""Purging, far: `pinset.ports.purging.Purging` on ``/v1/purge``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pinset.client.requests import path_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.client.http import Http
    from pinset.domain.answers.purging import PurgeAnswer
    from pinset.ports.registry import Caller

PURGE_SECONDS: Final = 600.0
"""A purge writes the history anew; a retry with the same key finds out what became of one that took longer."""


class RemotePurging:
    """Implements `pinset.ports.purging.Purging`."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def purge(
        self,
        caller: Caller,
        reference: str,
        *,
        files: Sequence[str] = (),
        all_files: bool = False,
        reason: str,
        expect: Sequence[str] | None = None,
    ) -> PurgeAnswer:
        """See the port."""
        body = {"ref": reference, "files": list(files), "all_files": all_files, "reason": reason}
        if expect is not None:
            body["expect"] = list(expect)
        path = path_of("purge")
        found: PurgeAnswer = self._http.change(
            "POST", path, body, key=caller.key, dry_run=caller.dry_run, change=caller.change, seconds=PURGE_SECONDS
        )
        return found
