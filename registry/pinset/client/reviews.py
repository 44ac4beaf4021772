"""Reviews by a registry elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset.client.requests import path_of
from pinset.domain import names
from pinset.domain.references import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.client.http import Http
    from pinset.domain.answers.reviews import ReviewAnswer
    from pinset.ports.registry import Caller


class RemoteReviews:
    """Implements `pinset.ports.reviews.Reviews` on ``/v1``."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def promotion(
        self,
        bundle: str,
        *,
        source: str = "staging",
        alias: str = "production",
        caller: Caller | None = None,  # noqa: ARG002 - the server knows who asks
    ) -> ReviewAnswer:
        """What making an alias serve a candidate would change."""
        wanted = parse(f"{names.bundle_name(bundle)}@{source}", default=None)
        query = {"from": str(wanted.selector), "to": names.alias_name(alias)}
        found: ReviewAnswer = self._http.get(path_of("bundles", bundle, "review"), **query)
        return found

    def working_copy(self, files: Mapping[str, str], *, alias: str = "production") -> ReviewAnswer:
        """What the files of a bundle directory would change against what an alias serves."""
        body = {"files": dict(files), "to": names.alias_name(alias)}
        found: ReviewAnswer = self._http.ask(path_of("review"), body)
        return found
