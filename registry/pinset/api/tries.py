"""What a request that is refused was about, as far as its path says: for the audit log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pinset.api import doors
from pinset.domain import names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope

_ABOUT: Final = re.compile(r"(?:/v1)?/bundles/([^/]+)(?:/aliases/([^/]+))?(?:/|$)")
_BY_END: Final[Mapping[tuple[str, str], str]] = {
    ("POST", "rollback"): "rollback",
    ("POST", "yank"): "yank",
    ("POST", "unyank"): "unyank",
    ("POST", "purge"): "purge",
    ("POST", "releases"): "publish",
    ("POST", "bump"): "publish",
    ("POST", "evidence"): "evidence",
    ("POST", "requests"): "request",
    ("POST", "approve"): "approve",
    ("POST", "reject"): "reject",
    ("POST", "withdraw"): "withdraw",
    ("POST", "archive"): "archive",
    ("POST", "unarchive"): "unarchive",
    ("POST", "rename"): "rename",
    ("POST", "tokens"): "token-create",
    ("POST", "verify"): "verify",
    ("POST", "check"): "read",
    ("POST", "diff"): "read",
    ("POST", "review"): "read",
    ("POST", "resolve"): "read",
    ("POST", "sign-in"): "sign-in",
}
"""What a request does, by its method and the end of its path."""
_BY_BEGINNING: Final = (
    ("PUT", re.compile(r"/v1/bundles/[^/]+/aliases/"), "promote"),
    ("DELETE", re.compile(r"/v1/bundles/[^/]+/aliases/"), "retire"),
    ("PATCH", re.compile(r"/v1/bundles/"), "bundle"),
    ("POST", re.compile(r"/v1/components/"), "component"),
    ("DELETE", re.compile(r"/v1/tokens/"), "token-revoke"),
    ("GET", re.compile(r"/v1/audit(?:/|$)"), "audit"),
    ("GET", re.compile(r"/v1/tokens(?:/|$)"), "tokens"),
    ("", re.compile(r"/v1/policy(?:/|$)"), "policy"),
    ("", re.compile(r"/v1/keys(?:/|$)"), "keys"),
)


def tried(scope: Scope) -> dict[str, str]:
    """The action, the bundle, the alias, and from which address."""
    path, method = scope["path"], scope["method"]
    found = _ABOUT.match(path)
    bundle, alias = (found[1], found[2] or "") if found else ("", "")
    client = scope.get("client")
    return {
        "action": "read" if scope.get(doors.READS) else _action(method, path),
        "bundle": bundle if names.is_bundle_name(bundle) else "",
        "alias": alias if names.is_alias(alias) else "",
        "address": str(client[0]) if client else "",
    }


def _action(method: str, path: str) -> str:
    named = _BY_END.get((method, path.rpartition("/")[2]))
    if named is not None:
        return named
    for only, beginning, action in _BY_BEGINNING:
        if only in ("", method) and beginning.match(path):
            return action
    return "read" if method in ("GET", "OPTIONS") else "change"
