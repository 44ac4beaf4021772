"""A registry elsewhere behind the same interface as one near by.

Names are checked before they are sent, so that the same mistake is the same error near and far, and nothing that
a name holds becomes part of an address. Who acts is known to the server by the token; `Caller.actor` is not sent.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pinset.client import addresses, events
from pinset.client.bundles import bundles_query
from pinset.client.faces import Faces
from pinset.client.http import Http
from pinset.client.past import RemotePast, blame, cost
from pinset.client.requests import path_of
from pinset.domain import names
from pinset.domain.following import Wanted
from pinset.domain.moves import NONE, alias_moved, expected_release
from pinset.domain.references import comparable, parse, parse_component, parse_selector
from pinset.errors import InvalidManifest, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import httpx

    from pinset.domain import answers
    from pinset.domain.answers.blame import BlameAnswer
    from pinset.domain.answers.costs import CostAnswer
    from pinset.domain.answers.events import EventAnswer
    from pinset.domain.answers.searching import SearchAnswer
    from pinset.errors import AliasMoved
    from pinset.ports.registry import Caller

_NEVER: Final = "moved"
"""A revision that no alias ever has."""
VERIFY_SECONDS: Final = 600.0
"""Verify reads the whole repository."""


class RemoteRegistry(Faces):
    """Implements `pinset.ports.registry.Registry` on ``/v1`` of an ``http(s)://`` address.

    Raises InvalidInput for another address. A promotion is conditional even where the caller expects nothing: it
    applies to the alias as it was a moment ago, and a move made meanwhile is AliasMoved.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sleep = sleep
        self._http = Http(url, token, transport=transport, sleep=sleep)

    def describe(self) -> answers.RegistryAnswer:
        found: answers.RegistryAnswer = self._http.get(path_of("registry"))
        return found

    def whoami(self, caller: Caller) -> answers.WhoAnswer:  # noqa: ARG002 - the server knows who by the credential
        found: answers.WhoAnswer = self._http.get(path_of("whoami"))
        return found

    def check(self, files: Mapping[str, str], *, label: str | None = None) -> answers.CheckAnswer:
        found: answers.CheckAnswer = self._http.ask(path_of("check"), _body(files=dict(files), label=label))
        return found

    def publish(
        self,
        caller: Caller,
        files: Mapping[str, str],
        *,
        bundle: str | None = None,
        message: str = "",
        label: str | None = None,
        alias: str | None = None,
        source: Mapping[str, Any] | str | None = None,
        number: int | None = None,
        allow: Sequence[str] = (),
        spelled: str | None = None,
    ) -> answers.PublishAnswer:
        name = names.bundle_name(bundle) if bundle is not None else self._bundle_of(files)
        body = _body(
            files=dict(files),
            message=message,
            label=label,
            alias=alias,
            source=dict(source) if isinstance(source, Mapping) else source,
            number=number,
            allow=list(allow),
            spelled=spelled,
        )
        found: answers.PublishAnswer = self._change(caller, "POST", path_of("bundles", name, "releases"), body)
        return found

    def publish_component(
        self,
        caller: Caller,
        kind: str,
        name: str,
        files: Mapping[str, str],
        *,
        message: str = "",
        label: str | None = None,
        number: int | None = None,
        allow: Sequence[str] = (),
    ) -> answers.ComponentAnswer:
        body = _body(files=dict(files), message=message, label=label, number=number, allow=list(allow))
        found: answers.ComponentAnswer = self._change(caller, "POST", addresses.component(kind, name), body)
        return found

    def promote(
        self,
        caller: Caller,
        reference: str,
        alias: str,
        *,
        expect: str | None = None,
        revision: str | None = None,
        reason: str = "",
        again: bool = False,
        break_glass: bool = False,
    ) -> answers.MoveAnswer:
        wanted = parse(reference, default=None)
        path = addresses.alias(wanted.bundle, alias)
        if revision is None or expect is not None:
            now = self._now(wanted.bundle, alias)
            revision = revision or self._revision(now)
            moved = self._moved(wanted.bundle, alias, now, expect) if expect is not None else None
            if moved is not None:
                if caller.key is None:
                    raise moved
                revision = _NEVER  # refused, except where this key's request was done before
        body = {"release": str(wanted.selector), "reason": reason, "again": again}
        if break_glass:
            body["break_glass"] = True
        found: answers.MoveAnswer = self._change(caller, "PUT", path, body, _condition(revision))
        return found

    def rollback(
        self,
        caller: Caller,
        bundle: str,
        alias: str,
        *,
        serving: str | None = None,
        to: str | None = None,
        steps: int | None = None,
        at: str | None = None,
        revision: str | None = None,
        reason: str = "",
    ) -> answers.MoveAnswer:
        body = _body(to=to, steps=steps, at=at, reason=reason) | ({"from": serving} if serving is not None else {})
        condition = _condition(revision) if revision is not None else None
        path = addresses.alias(bundle, alias) + "/rollback"
        found: answers.MoveAnswer = self._change(caller, "POST", path, body, condition)
        return found

    def retire(
        self,
        caller: Caller,
        bundle: str,
        alias: str,
        *,
        revision: str | None = None,
        reason: str = "",
        break_glass: bool = False,
    ) -> answers.MoveAnswer:
        path = addresses.alias(bundle, alias)
        condition = _condition(revision or self._revision(self._now(bundle, alias)))
        query = {"reason": reason or None, "break_glass": "true" if break_glass else None}
        found: answers.MoveAnswer = self._change(caller, "DELETE", path, None, condition, **query)
        return found

    def yank(self, caller: Caller, reference: str, *, reason: str) -> answers.YankAnswer:
        path = addresses.release(reference, changing=True) + "/yank"
        found: answers.YankAnswer = self._change(caller, "POST", path, {"reason": reason})
        return found

    def unyank(self, caller: Caller, reference: str, *, reason: str = "") -> answers.YankAnswer:
        path = addresses.release(reference, changing=True) + "/unyank"
        found: answers.YankAnswer = self._change(caller, "POST", path, {"reason": reason})
        return found

    def release(self, reference: str) -> answers.ReleaseAnswer:
        found: answers.ReleaseAnswer = self._http.get(addresses.release(reference), form="document")
        return found

    def sealed(self, reference: str) -> answers.SealedAnswer:
        found: answers.SealedAnswer = self._http.get(addresses.release(reference), form="sealed")
        return found

    def summary(self, reference: str) -> answers.ReleaseSummary:
        found: answers.ReleaseSummary = self._http.get(addresses.release(reference), form="summary")
        return found

    def file(self, reference: str, path: str) -> str:
        segments = names.file_path(path).split("/")
        wanted = parse(reference)
        return self._http.text(path_of("bundles", wanted.bundle, "releases", str(wanted.selector), "files", *segments))

    def bundles(
        self,
        *,
        query: str = "",
        uses: str | None = None,
        alias: str | None = None,
        owner: str | None = None,
        archived: bool = False,
        cursor: str | None = None,
        limit: int = 100,
    ) -> answers.Page[answers.BundleAnswer]:
        asked = bundles_query(query, uses, alias, owner, archived=archived)
        found: answers.Page[answers.BundleAnswer] = self._http.get(
            path_of("bundles"), cursor=cursor, limit=limit, **asked
        )
        return found

    def bundle(self, name: str) -> answers.BundleAnswer:
        found: answers.BundleAnswer = self._http.get(path_of("bundles", names.bundle_name(name)))
        return found

    def spelled(self, name: str) -> str:
        return str(self._http.get(path_of("spelled"), name=name)["bundle"])

    def releases(
        self, bundle: str, *, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.ReleaseSummary]:
        path = path_of("bundles", names.bundle_name(bundle), "releases")
        found: answers.Page[answers.ReleaseSummary] = self._http.get(path, cursor=cursor, limit=limit)
        return found

    def aliases(self, bundle: str) -> answers.Page[answers.AliasAnswer]:
        path = path_of("bundles", names.bundle_name(bundle), "aliases")
        found: answers.Page[answers.AliasAnswer] = self._http.get(path)
        return found

    def alias(self, bundle: str, alias: str) -> answers.AliasAnswer:
        names.alias_name(alias)
        found = self.aliases(bundle)["items"]
        for item in found:
            if item["alias"] == alias:
                return item
        there = ", ".join(item["alias"] for item in found if item["version"] is not None)
        hint = f"its aliases are {there}" if there else f"it has none yet: pinset promote {bundle}@v1 {alias}"
        raise NotFound(f"the alias {bundle}@{alias} does not exist", hint=hint)

    def clients(self, bundle: str) -> answers.Page[answers.ClientsAnswer]:
        path = path_of("bundles", names.bundle_name(bundle), "clients")
        found: answers.Page[answers.ClientsAnswer] = self._http.get(path)
        return found

    def history(
        self, bundle: str, alias: str | None = None, *, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.HistoryItem]:
        place = path_of("bundles", names.bundle_name(bundle)) if alias is None else addresses.alias(bundle, alias)
        found: answers.Page[answers.HistoryItem] = self._http.get(place + "/history", cursor=cursor, limit=limit)
        return found

    def diff(
        self,
        old: str | Mapping[str, str],
        new: str | Mapping[str, str],
        *,
        old_at: str | None = None,
        new_at: str | None = None,
    ) -> dict[str, Any]:
        times = {name: at for name, at in (("old_at", old_at), ("new_at", new_at)) if at is not None}
        body = {"old": _side(old), "new": _side(new), **times}
        found: dict[str, Any] = self._http.ask(path_of("diff"), body)
        return found

    def component(self, kind: str, name: str, selector: str = "latest") -> answers.ComponentAnswer:
        path = addresses.component(kind, name, str(parse_selector(selector)))
        found: answers.ComponentAnswer = self._http.get(path)
        return found

    def component_versions(
        self, kind: str, name: str, *, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.ComponentAnswer]:
        found: answers.Page[answers.ComponentAnswer] = self._http.get(
            addresses.component(kind, name), cursor=cursor, limit=limit
        )
        return found

    def components(
        self, *, kind: str | None = None, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.ComponentAnswer]:
        if kind is not None:
            names.component_kind(kind)
        found: answers.Page[answers.ComponentAnswer] = self._http.get(
            path_of("components"), kind=kind, cursor=cursor, limit=limit
        )
        return found

    def where_used(
        self, reference: str, *, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.UseAnswer]:
        if "@" in reference:
            parse_component(reference)
        found: answers.Page[answers.UseAnswer] = self._http.get(
            path_of("where-used"), ref=reference, cursor=cursor, limit=limit
        )
        return found

    def search(self, text: str, *, cursor: str | None = None, limit: int = 20) -> SearchAnswer:
        found: SearchAnswer = self._http.get(path_of("search"), q=text, cursor=cursor, limit=limit)
        return found

    def resolve(self, references: Sequence[str]) -> answers.ResolveAnswer:
        found: answers.ResolveAnswer = self._http.ask(path_of("resolve"), {"references": list(references)})
        return found

    def cost(self, reference: str) -> CostAnswer:
        return cost(self._http, reference)

    def blame(self, reference: str, path: str) -> BlameAnswer:
        return blame(self._http, reference, path)

    def past(self, at: str) -> RemotePast:
        return RemotePast(self._http, at)

    def operation(self, operation: str) -> answers.OperationAnswer:
        found: answers.OperationAnswer = self._http.get(path_of("operations", operation))
        return found

    def events(
        self,
        *,
        after: int | None = None,
        bundles: Sequence[str] = (),
        aliases: Sequence[str] = (),
        wait: float | None = None,
    ) -> Iterator[EventAnswer]:
        wanted = Wanted.of(bundles, aliases)
        return events.follow(self._http, wanted, after=after, wait=wait, sleep=self._sleep)

    def create_token(
        self,
        caller: Caller,
        name: str,
        *,
        can: str,
        person: str | None = None,
        lifetime: int | None = 90 * 86_400,
    ) -> answers.TokenAnswer:
        body = _body(name=name, can=can, person=person) | _expiry(lifetime)
        found: answers.TokenAnswer = self._change(caller, "POST", path_of("tokens"), body)
        return found

    def tokens(self) -> answers.Page[answers.TokenAnswer]:
        found: answers.Page[answers.TokenAnswer] = self._http.get(path_of("tokens"))
        return found

    def revoke_token(self, caller: Caller, name: str) -> answers.TokenAnswer:
        found: answers.TokenAnswer = self._change(caller, "DELETE", path_of("tokens", name), None)
        return found

    def verify(self, bundle: str | None = None) -> answers.VerifyAnswer:
        if bundle is not None:
            names.bundle_name(bundle)
        found: answers.VerifyAnswer = self._http.ask(path_of("verify"), None, bundle=bundle, seconds=VERIFY_SECONDS)
        return found

    def close(self) -> None:
        self._http.close()

    def _change(
        self,
        caller: Caller,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None = None,
        **query: str | int | None,
    ) -> Any:
        return self._http.change(
            method,
            path,
            body,
            key=caller.key,
            dry_run=caller.dry_run,
            change=caller.change,
            headers=headers,
            query=query,
        )

    def _bundle_of(self, files: Mapping[str, str]) -> str:
        """The bundle that a manifest names. Only the server reads manifests here, so it is asked."""
        checked = self.check(files)
        if checked["bundle"] is None:
            raise InvalidManifest(
                "the manifest names no bundle",
                hint="mend it and try again",
                details={"findings": checked["findings"]},
            )
        return names.bundle_name(checked["bundle"])

    @staticmethod
    def _revision(now: answers.AliasAnswer | None) -> str:
        return now["revision"] if now is not None and now["version"] is not None else NONE

    def _now(self, bundle: str, alias: str) -> answers.AliasAnswer | None:
        """What an alias serves; None where it never moved."""
        return next((item for item in self.aliases(bundle)["items"] if item["alias"] == alias), None)

    def _moved(self, bundle: str, alias: str, now: answers.AliasAnswer | None, expect: str) -> AliasMoved | None:
        """The error where the alias does not serve what the caller says it does."""
        selector = expected_release(expect)
        # A version too is asked for: one that does not exist is not found, and no move by somebody else.
        wanted = self.summary(f"{bundle}@{selector}")["version"] if selector else None
        serves, revision = (now["version"], now["revision"]) if now else (None, None)
        if wanted == serves:
            return None
        return alias_moved(bundle, alias, serves=serves, expected=expect, revision=revision)


def _body(**fields: Any) -> dict[str, Any]:
    """A request's body: what was not said is left out."""
    return {name: value for name, value in fields.items() if value is not None}


def _expiry(lifetime: int | None) -> dict[str, int | None]:
    """How long a token lives: in days where that says it, as servers of before understand it."""
    days, rest = divmod(lifetime, 86_400) if lifetime is not None else (None, 0)
    return {"expires_in_seconds": lifetime} if rest else {"expires_in_days": days}


def _side(side: str | Mapping[str, str]) -> str | dict[str, str]:
    return comparable(side) if isinstance(side, str) else dict(side)


def _condition(revision: str) -> dict[str, str]:
    return {"If-None-Match": "*"} if revision == NONE else {"If-Match": f'"{revision}"'}
