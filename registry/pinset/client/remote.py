"""The registry as a server elsewhere: the same interface as the directory, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.client.http import HttpConnection
from pinset.domain import names, references
from pinset.errors import AliasMoved, InvalidReference, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from pinset.domain import answers
    from pinset.ports.registry import Caller


class RemoteRegistry:
    """Implements `pinset.ports.registry.Registry`. The actor is who the token says, not who the caller says."""

    def __init__(self, url: str, token: str | None = None, *, transport: httpx.BaseTransport | None = None) -> None:
        self._http = HttpConnection(url, token, transport=transport)

    def describe(self) -> answers.RegistryAnswer:
        found: answers.RegistryAnswer = self._http.get("/v1/registry")
        return found

    def check(self, files: Mapping[str, str], *, label: str | None = None) -> answers.CheckAnswer:
        found: answers.CheckAnswer = self._http.change("POST", "/v1/check", {"files": dict(files), "label": label})
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
        source: str | None = None,
        number: int | None = None,
        allow: Sequence[str] = (),
    ) -> answers.PublishAnswer:
        body = {
            "files": dict(files),
            "message": message,
            "label": label,
            "alias": alias,
            "source": source,
            "number": number,
            "allow": list(allow),
        }
        named = names.bundle_name(bundle) if bundle is not None else self._bundle_of(files)
        found: answers.PublishAnswer = self._change(caller, "POST", f"/v1/bundles/{named}/releases", body)
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
        body = {"files": dict(files), "message": message, "label": label, "number": number, "allow": list(allow)}
        path = f"/v1/components/{names.component_kind(kind)}/{names.component_name(name)}"
        found: answers.ComponentAnswer = self._change(caller, "POST", path, body)
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
    ) -> answers.MoveAnswer:
        wanted = references.parse(reference, default=None)
        names.alias_name(alias)
        held = revision or self._held(wanted.bundle, alias, expect)
        found: answers.MoveAnswer = self._change(
            caller,
            "PUT",
            f"/v1/bundles/{wanted.bundle}/aliases/{alias}",
            {"release": str(wanted.selector), "reason": reason, "again": again},
            _expecting(held),
        )
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
        reason: str = "",
    ) -> answers.MoveAnswer:
        body = {"from": serving, "to": to, "steps": steps, "at": at, "reason": reason}
        path = f"/v1/bundles/{names.bundle_name(bundle)}/aliases/{names.alias_name(alias)}/rollback"
        found: answers.MoveAnswer = self._change(caller, "POST", path, body)
        return found

    def retire(
        self, caller: Caller, bundle: str, alias: str, *, revision: str | None = None, reason: str = ""
    ) -> answers.MoveAnswer:
        held = revision or self.alias(bundle, alias)["revision"]
        path = f"/v1/bundles/{bundle}/aliases/{alias}"
        found: answers.MoveAnswer = self._change(caller, "DELETE", path, None, _expecting(held), reason=reason)
        return found

    def yank(self, caller: Caller, reference: str, *, reason: str) -> answers.YankAnswer:
        found: answers.YankAnswer = self._change(
            caller, "POST", _release_path(reference, default=None) + "/yank", {"reason": reason}
        )
        return found

    def unyank(self, caller: Caller, reference: str, *, reason: str = "") -> answers.YankAnswer:
        found: answers.YankAnswer = self._change(
            caller, "POST", _release_path(reference, default=None) + "/unyank", {"reason": reason}
        )
        return found

    def release(self, reference: str) -> answers.ReleaseAnswer:
        found: answers.ReleaseAnswer = self._http.get(_release_path(reference))
        return found

    def sealed(self, reference: str) -> answers.SealedAnswer:
        found: answers.SealedAnswer = self._http.get(_release_path(reference), form="sealed")
        return found

    def summary(self, reference: str) -> answers.ReleaseSummary:
        found: answers.ReleaseSummary = self._http.get(_release_path(reference), form="summary")
        return found

    def file(self, reference: str, path: str) -> str:
        return self._http.text(f"{_release_path(reference)}/files/{names.file_path(path)}")

    def bundles(
        self,
        *,
        query: str = "",
        uses: str | None = None,
        alias: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> answers.Page[answers.BundleAnswer]:
        found: answers.Page[answers.BundleAnswer] = self._http.get(
            "/v1/bundles", q=query, uses=uses, alias=alias, cursor=cursor, limit=limit
        )
        return found

    def bundle(self, name: str) -> answers.BundleAnswer:
        found: answers.BundleAnswer = self._http.get(f"/v1/bundles/{names.bundle_name(name)}")
        return found

    def releases(
        self, bundle: str, *, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.ReleaseSummary]:
        found: answers.Page[answers.ReleaseSummary] = self._http.get(
            f"/v1/bundles/{names.bundle_name(bundle)}/releases", cursor=cursor, limit=limit
        )
        return found

    def aliases(self, bundle: str) -> answers.Page[answers.AliasAnswer]:
        found: answers.Page[answers.AliasAnswer] = self._http.get(f"/v1/bundles/{names.bundle_name(bundle)}/aliases")
        return found

    def alias(self, bundle: str, alias: str) -> answers.AliasAnswer:
        names.alias_name(alias)
        there = self.aliases(bundle)["items"]
        for found in there:
            if found["alias"] == alias:
                return found
        hint = "its aliases are " + ", ".join(one["alias"] for one in there) if there else "it has none yet"
        raise NotFound(f"the alias {bundle}@{alias} does not exist", hint=hint)

    def history(
        self, bundle: str, alias: str | None = None, *, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.HistoryItem]:
        base = f"/v1/bundles/{names.bundle_name(bundle)}"
        path = f"{base}/aliases/{names.alias_name(alias)}/history" if alias else f"{base}/history"
        found: answers.Page[answers.HistoryItem] = self._http.get(path, cursor=cursor, limit=limit)
        return found

    def diff(self, old: str | Mapping[str, str], new: str | Mapping[str, str]) -> dict[str, Any]:
        sides = {name: side if isinstance(side, str) else dict(side) for name, side in (("old", old), ("new", new))}
        found: dict[str, Any] = self._http.change("POST", "/v1/diff", sides)
        return found

    def component(self, kind: str, name: str, selector: str = "latest") -> answers.ComponentAnswer:
        key = f"{names.component_kind(kind)}/{names.component_name(name)}"
        references.parse_selector(selector)
        found: answers.ComponentAnswer = self._http.get(f"/v1/components/{key}/{selector}")
        return found

    def component_versions(
        self, kind: str, name: str, *, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.ComponentAnswer]:
        key = f"{names.component_kind(kind)}/{names.component_name(name)}"
        found: answers.Page[answers.ComponentAnswer] = self._http.get(
            f"/v1/components/{key}", cursor=cursor, limit=limit
        )
        return found

    def components(
        self, *, kind: str | None = None, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.ComponentAnswer]:
        found: answers.Page[answers.ComponentAnswer] = self._http.get(
            "/v1/components", kind=kind, cursor=cursor, limit=limit
        )
        return found

    def where_used(self, reference: str) -> answers.Page[answers.UseAnswer]:
        found: answers.Page[answers.UseAnswer] = self._http.get("/v1/where-used", ref=reference)
        return found

    def resolve(self, references: Sequence[str]) -> answers.ResolveAnswer:
        found: answers.ResolveAnswer = self._http.change("POST", "/v1/resolve", {"references": list(references)})
        return found

    def operation(self, operation: str) -> answers.OperationAnswer:
        found: answers.OperationAnswer = self._http.get(f"/v1/operations/{operation}")
        return found

    def create_token(
        self, caller: Caller, name: str, *, can: str, expires_in_days: int | None = 90
    ) -> answers.TokenAnswer:
        body = {"name": name, "can": can, "expires_in_days": expires_in_days}
        found: answers.TokenAnswer = self._change(caller, "POST", "/v1/tokens", body)
        return found

    def tokens(self) -> answers.Page[answers.TokenAnswer]:
        found: answers.Page[answers.TokenAnswer] = self._http.get("/v1/tokens")
        return found

    def revoke_token(self, caller: Caller, name: str) -> answers.TokenAnswer:
        found: answers.TokenAnswer = self._change(caller, "DELETE", f"/v1/tokens/{name}", None)
        return found

    def verify(self, bundle: str | None = None) -> answers.VerifyAnswer:
        found: answers.VerifyAnswer = self._http.change("POST", "/v1/verify", None, bundle=bundle)
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
        **query: Any,
    ) -> Any:
        dry = "true" if caller.dry_run else None
        return self._http.change(method, path, body, key=caller.key, headers=headers, dry_run=dry, **query)

    def _bundle_of(self, files: Mapping[str, str]) -> str:
        """The bundle that a manifest names, as the server reads it."""
        found = self.check(files)["bundle"]
        return found or "unnamed"

    def _held(self, bundle: str, alias: str, expect: str | None) -> str:
        """The alias's revision now, if it serves what the caller expects. ``none``: it serves nothing."""
        try:
            held = next((one for one in self.aliases(bundle)["items"] if one["alias"] == alias), None)
        except NotFound:
            held = None
        version = held["version"] if held else None
        if expect is not None:
            self._refuse_moved(bundle, alias, expect, version)
        return held["revision"] if held and version is not None else "none"

    def _refuse_moved(self, bundle: str, alias: str, expect: str, version: int | None) -> None:
        wanted = None
        if expect != "none":
            selector = references.parse_selector(expect)
            if selector.kind is references.SelectorKind.ALIAS:
                raise InvalidReference(
                    f"{expect} is an alias, and what is expected must be fixed", hint="say a version, a label or none"
                )
            wanted = self.summary(f"{bundle}@{expect}")["version"]
        if wanted != version:
            served = f"v{version}" if version else "nothing"
            raise AliasMoved(
                f"{bundle}@{alias} serves {served}, not {expect}",
                hint=f"look at what changed (pinset history {bundle}@{alias}) and decide again",
                details={"serves": version},
            )


def _release_path(reference: str, *, default: str | None = names.DEFAULT_ALIAS) -> str:
    wanted = references.parse(reference, default=default)
    place = "aliases" if wanted.selector.kind is references.SelectorKind.ALIAS and default else "releases"
    return f"/v1/bundles/{wanted.bundle}/{place}/{wanted.selector}"


def _expecting(revision: str) -> dict[str, str]:
    return {"If-None-Match": "*"} if revision == "none" else {"If-Match": f'"{revision}"'}
