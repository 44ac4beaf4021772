"""Changes over many bundles of a registry elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pinset.client.requests import path_of
from pinset.domain import names
from pinset.domain.references import parse, parse_component

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.client.http import Http
    from pinset.domain.answers import Page
    from pinset.domain.answers.changes import (
        BumpAnswer,
        ChangeAnswer,
        ChangeSummary,
        DerivedAnswer,
        HolderAnswer,
        UndoneChange,
    )
    from pinset.domain.edits import Edits
    from pinset.ports.registry import Caller


class RemoteChangesets:
    """Implements `pinset.ports.changesets.Changesets` on ``/v1``."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def derive(
        self,
        caller: Caller,
        reference: str,
        edits: Edits,
        *,
        message: str = "",
        label: str | None = None,
        alias: str | None = None,
        source: Mapping[str, Any] | str | None = None,
        number: int | None = None,
        allow: Sequence[str] = (),
    ) -> DerivedAnswer:
        """A release that is another one, with changes."""
        wanted = parse(reference, default=None)
        body = {
            "from": str(wanted.selector),
            "files": dict(edits.files),
            "set": dict(edits.set),
            "add": dict(edits.add),
            "unset": list(edits.unset),
            "message": message,
            "label": label,
            "alias": alias,
            "source": dict(source) if isinstance(source, Mapping) else source,
            "number": number,
            "allow": list(allow),
        }
        path = path_of("bundles", wanted.bundle, "releases")
        found: DerivedAnswer = self._change(caller, path, body)
        return found

    def holders(
        self,
        component: str,
        *,
        bundles: str = "*",
        alias: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page[HolderAnswer]:
        """The bundles that hold an older version."""
        wanted = parse_component(component)
        path = path_of("components", wanted.kind, wanted.name, str(wanted.selector), "holders")
        if alias is not None:
            names.alias_name(alias)
        found: Page[HolderAnswer] = self._http.get(path, bundles=bundles, alias=alias, cursor=cursor, limit=limit)
        return found

    def bump(
        self,
        caller: Caller,
        component: str,
        bundle: str,
        *,
        alias: str | None = None,
        message: str = "",
        allow: Sequence[str] = (),
    ) -> BumpAnswer:
        """A successor of one bundle's release."""
        body = {"component": str(parse_component(component)), "alias": alias, "message": message, "allow": list(allow)}
        found: BumpAnswer = self._change(caller, path_of("bundles", names.bundle_name(bundle), "bump"), body)
        return found

    def list(self, *, cursor: str | None = None, limit: int = 100) -> Page[ChangeSummary]:
        """Changes, newest write first."""
        found: Page[ChangeSummary] = self._http.get(path_of("changes"), cursor=cursor, limit=limit)
        return found

    def show(self, change: str, *, cursor: str | None = None, limit: int = 100) -> ChangeAnswer:
        """What was done under a change."""
        found: ChangeAnswer = self._http.get(path_of("changes", names.change_id(change)), cursor=cursor, limit=limit)
        return found

    def rollback(
        self, caller: Caller, change: str, *, reason: str = "", cursor: str | None = None, limit: int = 50
    ) -> UndoneChange:
        """Take a change back."""
        path = path_of("changes", names.change_id(change), "rollback")
        found: UndoneChange = self._change(caller, path, {"reason": reason}, cursor=cursor, limit=limit)
        return found

    def _change(self, caller: Caller, path: str, body: Mapping[str, Any], **query: str | int | None) -> Any:
        return self._http.change(
            "POST", path, body, key=caller.key, dry_run=caller.dry_run, change=caller.change, query=query
        )
