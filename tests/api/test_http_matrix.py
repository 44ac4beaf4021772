"""Who may do what over HTTP: every route by every role, own and other bundles, good and bad credentials.

The routes are the application's own. One that is not in `ROUTES` fails, and is to be judged here: what it needs, and
where that is asked.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpx
import pytest
from fastapi.routing import APIRoute

from pinset import bootstrap
from pinset.api.app import create_app, describe
from pinset.auth.tokens import mint
from pinset.domain.access import Grant
from pinset.ports.registry import Caller
from pinset.ports.state import TokenRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.services.local import LocalRegistry

OPS: Final = Caller(actor="ops")
OWN, OTHER = "support", "payments"
ALIASES: Final = ("staging", "production")
READER = {"read"}
AUTHOR = {"read", "publish", "bundle", "component", "evidence"}
PROMOTER = {"read", "promote", "rollback", "retire"}
ROLES: Final = {
    "reader": READER,
    "author": AUTHOR,
    "promoter": PROMOTER,
    "approver": {"read", "approve"},
    "auditor": {"read", "audit", "verify"},
    "read": READER,
    "write": AUTHOR | PROMOTER | {"yank"},
    "admin": {*AUTHOR, *PROMOTER, "rename", "approve", "yank", "purge", "verify", "audit", "policy", "keys", "tokens"},
}


class Needs(NamedTuple):
    """What a route needs. where: asked of the bundle (and alias) in the path, of the whole registry, of a component,
    allowed anywhere, of any credential, or of nobody at all."""

    verb: str
    where: str = "place"
    body: dict[str, Any] | None = None
    query: str = ""


NOBODY, ANYBODY = Needs("", "nobody"), Needs("", "anybody")
READ, READ_ANYWHERE = Needs("read"), Needs("read", "anywhere")
ROUTES: Final[dict[tuple[str, str], Needs]] = {
    ("GET", "/git/info/refs"): Needs("read", "whole", query="?service=git-upload-pack"),
    ("GET", "/git/registry.git/info/refs"): Needs("read", "whole", query="?service=git-upload-pack"),
    ("POST", "/git/git-upload-pack"): Needs("read", "whole"),
    ("POST", "/git/registry.git/git-upload-pack"): Needs("read", "whole"),
    ("POST", "/git/git-receive-pack"): Needs("read", "whole"),
    ("POST", "/git/registry.git/git-receive-pack"): Needs("read", "whole"),
    ("GET", "/git/{path:path}"): Needs("read", "whole"),
    ("GET", "/healthz"): NOBODY,
    ("GET", "/readyz"): NOBODY,
    ("GET", "/openapi.json"): NOBODY,
    ("GET", "/metrics"): Needs("read", "whole"),
    ("GET", "/v1/registry"): ANYBODY,
    ("GET", "/v1/whoami"): ANYBODY,
    ("GET", "/v1/bundles"): READ_ANYWHERE,
    ("GET", "/v1/bundles/{bundle}"): READ,
    ("PATCH", "/v1/bundles/{bundle}"): Needs("bundle", body={}),
    ("POST", "/v1/bundles/{bundle}/archive"): Needs("retire", body={"reason": " "}),
    ("POST", "/v1/bundles/{bundle}/unarchive"): Needs("retire", body={}),
    ("POST", "/v1/bundles/{bundle}/rename"): Needs("rename", body={"reason": "no name"}),
    ("GET", "/v1/bundles/{bundle}/releases"): READ,
    ("POST", "/v1/bundles/{bundle}/releases"): Needs("publish", body={}),
    ("GET", "/v1/bundles/{bundle}/releases/{selector}"): READ,
    ("GET", "/v1/bundles/{bundle}/releases/{selector}/files/{path:path}"): READ,
    ("POST", "/v1/bundles/{bundle}/releases/{selector}/yank"): Needs("yank", body={}),
    ("POST", "/v1/bundles/{bundle}/releases/{selector}/unyank"): Needs("yank", body={}),
    ("GET", "/v1/bundles/{bundle}/evidence"): READ,
    ("GET", "/v1/bundles/{bundle}/releases/{selector}/evidence"): READ,
    ("POST", "/v1/bundles/{bundle}/releases/{selector}/evidence"): Needs("evidence", body={}),
    ("GET", "/v1/bundles/{bundle}/releases/{selector}/evidence/{suite}/report"): READ,
    ("GET", "/v1/requests"): READ_ANYWHERE,
    ("GET", "/v1/requests/{number}"): READ_ANYWHERE,
    ("POST", "/v1/requests/{number}/approve"): Needs("approve", "anywhere", body={}),
    ("POST", "/v1/requests/{number}/reject"): Needs("approve", "anywhere", body={"reason": "no"}),
    ("POST", "/v1/requests/{number}/withdraw"): Needs("read", "anywhere", body={}),
    ("POST", "/v1/requests/settle"): Needs("promote", "whole", body={}),
    ("GET", "/v1/bundles/{bundle}/clients"): READ,
    ("GET", "/v1/bundles/{bundle}/history"): READ,
    ("GET", "/v1/bundles/{bundle}/aliases"): READ,
    ("GET", "/v1/bundles/{bundle}/aliases/{alias}"): READ,
    ("PUT", "/v1/bundles/{bundle}/aliases/{alias}"): Needs("promote", body={}),
    ("DELETE", "/v1/bundles/{bundle}/aliases/{alias}"): Needs("retire"),
    ("POST", "/v1/bundles/{bundle}/aliases/{alias}/rollback"): Needs("rollback", body={"steps": 0}),
    ("GET", "/v1/bundles/{bundle}/aliases/{alias}/history"): READ,
    ("GET", "/v1/bundles/{bundle}/aliases/{alias}/blame"): Needs("read", query="?path=release.yaml"),
    ("GET", "/v1/bundles/{bundle}/releases/{selector}/cost"): Needs("read"),
    ("GET", "/v1/bundles/{bundle}/releases/{selector}/blame"): Needs("read", query="?path=release.yaml"),
    ("GET", "/v1/components"): READ_ANYWHERE,
    ("GET", "/v1/components/{kind}"): READ_ANYWHERE,
    ("GET", "/v1/components/{kind}/{name}"): READ_ANYWHERE,
    ("POST", "/v1/components/{kind}/{name}"): Needs("component", "component", body={}),
    ("GET", "/v1/components/{kind}/{name}/{selector}"): READ_ANYWHERE,
    ("GET", "/v1/components/{kind}/{name}/{selector}/holders"): READ_ANYWHERE,
    ("POST", "/v1/bundles/{bundle}/bump"): Needs("publish", body={}),
    ("POST", "/v1/imports"): Needs("publish", "anywhere", body={}),
    ("GET", "/v1/changes"): READ_ANYWHERE,
    ("GET", "/v1/changes/{change}"): READ_ANYWHERE,
    ("POST", "/v1/changes/{change}/rollback"): Needs("rollback", "anywhere", body={}),
    ("GET", "/v1/spelled"): Needs("read", "anywhere", query=f"?name={OWN}"),
    ("GET", "/v1/search"): Needs("read", "anywhere", query="?q=hello"),
    ("GET", "/v1/where-used"): Needs("read", "anywhere", query="?ref=prompts/tone"),
    ("GET", "/v1/diff"): Needs("read", query=f"?from={OWN}@production&to={OWN}@v1"),
    ("POST", "/v1/diff"): Needs("read", body={"old": f"{OWN}@v1", "new": f"{OWN}@v1"}),
    ("GET", "/v1/bundles/{bundle}/review"): Needs("read", query="?from=v1"),
    ("POST", "/v1/review"): Needs("read", "anywhere", body={"files": {"release.yaml": "-"}}),
    ("POST", "/v1/check"): Needs("read", "anywhere", body={"files": {"release.yaml": "-"}}),
    ("POST", "/v1/resolve"): Needs("read", "anywhere", body={"references": []}),
    ("GET", "/v1/events"): Needs("read", "anywhere", query="?wait=0&after=1"),
    ("GET", "/v1/operations/{operation}"): READ_ANYWHERE,
    ("POST", "/v1/purge"): Needs("purge", "anywhere", body={}),
    ("GET", "/v1/keys"): READ_ANYWHERE,
    ("POST", "/v1/keys"): Needs("keys", "whole", body={}),
    ("POST", "/v1/keys/{name}/retire"): Needs("keys", "whole", body={}),
    ("GET", "/v1/bundles/{bundle}/releases/{selector}/signatures"): READ,
    ("POST", "/v1/bundles/{bundle}/releases/{selector}/signatures"): Needs("publish", body={}),
    ("GET", "/v1/policy"): Needs("read", "whole"),
    ("PUT", "/v1/policy"): Needs("policy", "whole", body={}),
    ("GET", "/v1/policy/history"): Needs("read", "whole"),
    ("GET", "/v1/policy/{number}"): Needs("read", "whole"),
    ("POST", "/v1/policy/check"): Needs("read", "anywhere", body={"text": "format: 1\nrules: []"}),
    ("GET", "/v1/bundles/{bundle}/aliases/{alias}/gates"): Needs("read", query="?release=production"),
    ("POST", "/v1/verify"): Needs("verify", "whole"),
    ("GET", "/v1/audit"): Needs("audit", "anywhere"),
    ("GET", "/v1/audit/head"): ANYBODY,
    ("POST", "/v1/audit/verify"): Needs("verify", "whole", body={"head": "none"}),
    ("GET", "/v1/tokens"): Needs("tokens", "whole"),
    ("POST", "/v1/tokens"): Needs("tokens", "whole", body={}),
    ("DELETE", "/v1/tokens/{name}"): Needs("tokens", "whole"),
}
"""What each route needs. Bodies are such that who is allowed changes nothing either."""


class Holder(NamedTuple):
    """A credential: what it may, on which bundle, and on which alias; '' for any."""

    can: str
    verbs: set[str]
    bundle: str = ""
    alias: str = ""

    def may(self, needs: Needs, bundle: str, alias: str) -> bool:
        """Whether a route is allowed at a place: the rule in words of its own, not those of the program."""
        if needs.where in ("nobody", "anybody"):
            return True
        if needs.verb not in self.verbs:
            return False
        if needs.where == "anywhere":
            return True
        if needs.where in ("whole", "component"):
            return not self.bundle
        return self.bundle in ("", bundle) and self.alias in ("", alias)


HOLDERS: Final = [
    *(Holder(role, verbs) for role, verbs in ROLES.items()),
    *(Holder(f"{role}:{OWN}", verbs, OWN) for role, verbs in ROLES.items()),
    Holder(f"promote:{OWN}@staging", {"promote"}, OWN, "staging"),
    Holder(f"read:{OWN}@production", {"read"}, OWN, "production"),
    Holder("approve", {"approve"}),
]


class World:
    """A registry with two bundles, its application, and a token for each holder."""

    def __init__(self, registry: LocalRegistry) -> None:
        self.registry, self.app = registry, create_app(registry)
        self.loop = asyncio.new_event_loop()
        self.holders = [(one, self.token(f"t{number}", one.can)) for number, one in enumerate(HOLDERS)]
        self.bad = self._bad()

    def token(self, name: str, can: str) -> str:
        return str(self.registry.create_token(OPS, name, can=can)["token"])

    def ask(self, method: str, path: str, token: str | None, body: Any = None) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=("127.0.0.1", 1))
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as http:
                return await http.request(method, path, json=body)

        return self.loop.run_until_complete(send())

    def _bad(self) -> dict[str, str | None]:
        """Credentials that let nobody in."""
        good = self.token("mistyped", "admin")
        old = mint(id_bytes=b"e" * 9, secret_bytes=b"e" * 32)
        grants = (Grant("admin"),)
        self.registry._context.state.add_token(
            TokenRow(id=old.id, name="old", grants=grants, secret_sha256=old.sha256, created_at=0, expires_at=1)
        )
        found = {"revoked": self.token("gone", "admin"), "expired": old.text, "none": None}
        self.registry.revoke_token(OPS, "gone")
        with_other = bootstrap.memory_registry()
        found["foreign"] = str(with_other.create_token(OPS, "gone", can="admin")["token"])
        with_other.close()
        return {**found, "mistyped": good[:-7] + ("A" if good[-7] != "A" else "B") + good[-6:]}

    def trace(self) -> tuple[Any, ...]:
        """All that a change could leave, but for attempts."""
        with self.registry._context.catalog.reading() as reader:
            rows = list(reader.dump())
        tokens = [{**one, "last_used_at": None} for one in self.registry.tokens()["items"]]
        return rows, dict(self.registry._context.store.refs()), tokens

    def attempts(self) -> int:
        """How often somebody was refused."""
        self.registry._repeats.flush()
        kept = self.registry._context.state.attempts(limit=10_000)
        return sum(one.count for one in kept if one.code in ("permission_denied", "unauthenticated"))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    registry = bootstrap.memory_registry()
    text = 'release: {feature: %s, model: {name: m, pinned_version: "1"}, prompt: {text: Hi}}\n'
    for bundle in (OWN, OTHER):
        for alias in ALIASES:
            registry.publish(OPS, {"release.yaml": text % bundle}, alias=alias)
    made = World(registry)
    yield made
    made.loop.run_until_complete(_ended())
    made.loop.close()
    registry.close()


async def _ended() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def routes_of(app: Any) -> set[tuple[str, str]]:
    """Method and path of every route of the application."""
    found = set()
    for route in app.routes:
        if isinstance(route, APIRoute):
            found |= {(method, route.path) for method in route.methods}
    return found


def test_every_route_is_judged_here(world: World) -> None:
    assert routes_of(world.app) == set(ROUTES)
    described = {(method.upper(), path) for path, item in describe()["paths"].items() for method in item}
    assert described <= {(method, path.replace(":path", "")) for method, path in ROUTES}


def places(path: str) -> list[tuple[str, str, str]]:
    """Addresses for a route's path, each with its bundle and alias."""
    found = []
    for bundle in (OWN, OTHER) if "{bundle}" in path else (OWN,):
        aliases = ALIASES if "{alias}" in path else ("", "production") if "{selector}" in path else ("",)
        for alias in aliases:
            values = {"bundle": bundle, "alias": alias, "selector": alias or "v1", "path": "release.yaml"}
            named = {
                "kind": "prompts",
                "name": "none",
                "operation": "op_" + "0" * 24,
                "suite": "tone",
                "number": "9",
            } | {"change": "none"}
            found.append((path.replace(":path", "").format(**values, **named), bundle, alias))
    return found


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_route_does_what_the_credential_allows_and_nothing_else(world: World, method: str, path: str) -> None:
    needs, before, attempts, refused = ROUTES[method, path], world.trace(), world.attempts(), 0
    for address, bundle, alias in places(path):
        # A selector is an alias for reading alone: to yank through one is to yank a release.
        asked = "" if needs.verb in ("yank", "evidence") else alias
        for holder, token in world.holders:
            answer = world.ask(method, address + needs.query, token, needs.body)
            allowed = holder.may(needs, bundle, asked)
            assert (answer.status_code == 403) is not allowed, (address, holder.can, answer.text)
            assert answer.status_code not in (401, 500), (address, answer.text)
            if not allowed:
                assert answer.json()["code"] == "permission_denied"
                refused += 1
            if holder.bundle and bundle == OWN:
                assert OTHER not in answer.text, "nothing is said of what may not be read"
    assert world.trace() == before
    assert world.attempts() - attempts == refused


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_bad_credential_opens_nothing(world: World, method: str, path: str) -> None:
    needs, before, attempts = ROUTES[method, path], world.trace(), world.attempts()
    address = places(path)[0][0] + needs.query
    for what, token in world.bad.items():
        answer = world.ask(method, address, token, needs.body)
        if needs.where == "nobody":
            assert answer.status_code == 200, what
        else:
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), what
    assert world.trace() == before
    assert world.attempts() - attempts == (0 if needs.where == "nobody" else len(world.bad))
