"""The bundles of a registry elsewhere: what a list is asked for, and changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset.client.requests import path_of
from pinset.domain import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.client.http import Http
    from pinset.domain.answers.bundles import BundleChangeAnswer
    from pinset.ports.registry import Caller


def bundles_query(
    query: str, uses: str | None, alias: str | None, owner: str | None, *, archived: bool
) -> dict[str, str | None]:
    """What a list of bundles is asked for. None is not sent."""
    wanted = {"q": query or None, "uses": uses, "alias": alias, "owner": owner}
    return {**wanted, "archived": "true" if archived else None}


class RemoteBundleChanges:
    """Implements `pinset.ports.bundle_changes.BundleChanges` on ``/v1``."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def set(
        self,
        caller: Caller,
        bundle: str,
        *,
        owner: str | None = None,
        description: str | None = None,
        also: Sequence[str] = (),
        not_also: Sequence[str] = (),
        reason: str = "",
    ) -> BundleChangeAnswer:
        """Say who owns a bundle, what it is for, or how other tools spell it."""
        spelled = {name: list(given) for name, given in (("also", also), ("not_also", not_also)) if given}
        body = {"owner": owner, "description": description, **spelled, "reason": reason}
        found: BundleChangeAnswer = self._http.change(
            "PATCH", path_of("bundles", names.bundle_name(bundle)), body, key=caller.key, dry_run=caller.dry_run
        )
        return found

    def archive(self, caller: Caller, bundle: str, *, reason: str) -> BundleChangeAnswer:
        """Take a bundle out of use."""
        return self._post(caller, bundle, "archive", reason=reason)

    def unarchive(self, caller: Caller, bundle: str, *, reason: str = "") -> BundleChangeAnswer:
        """Take a bundle into use again."""
        return self._post(caller, bundle, "unarchive", reason=reason)

    def rename(self, caller: Caller, bundle: str, name: str, *, reason: str) -> BundleChangeAnswer:
        """Give a bundle another name."""
        return self._post(caller, bundle, "rename", name=names.bundle_name(name), reason=reason)

    def _post(self, caller: Caller, bundle: str, what: str, **body: str) -> BundleChangeAnswer:
        found: BundleChangeAnswer = self._http.change(
            "POST", path_of("bundles", names.bundle_name(bundle), what), body, key=caller.key, dry_run=caller.dry_run
        )
        return found
