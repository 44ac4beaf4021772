"""The keys of a registry elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.client.requests import path_of
from pinset.domain import keys as k
from pinset.domain.references import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.client.http import Http
    from pinset.domain import answers
    from pinset.domain.answers.keys import KeyChange, KeysAnswer, SignatureAnswer, SignedAnswer
    from pinset.ports.registry import Caller


class RemoteKeys:
    """Implements `pinset.ports.keys.Keys` on ``/v1``."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def all(self) -> KeysAnswer:
        """Every key."""
        found: KeysAnswer = self._http.get(path_of("keys"))
        return found

    def add(self, caller: Caller, name: str, public: str, *, purpose: str, person: str, reason: str = "") -> KeyChange:
        """Make a key known. What is no public key is not sent."""
        body = {
            "name": k.key_name(name),
            "key": k.public_key(public),
            "purpose": purpose,
            "person": person,
            "reason": reason,
        }
        found: KeyChange = self._change(caller, "POST", path_of("keys"), body)
        return found

    def retire(self, caller: Caller, name: str, *, compromised: bool = False, reason: str = "") -> KeyChange:
        """Let a key count no more."""
        path = path_of("keys", k.key_name(name), "retire")
        found: KeyChange = self._change(caller, "POST", path, {"compromised": compromised, "reason": reason})
        return found

    def sign(self, caller: Caller, reference: str, signature: str) -> SignedAnswer:
        """Record an author's signature."""
        wanted = parse(reference, default=None)
        path = path_of("bundles", wanted.bundle, "releases", str(wanted.selector), "signatures")
        found: SignedAnswer = self._change(caller, "POST", path, {"signature": signature})
        return found

    def signatures(self, reference: str) -> answers.Page[SignatureAnswer]:
        """The signatures of a release."""
        wanted = parse(reference)
        path = path_of("bundles", wanted.bundle, "releases", str(wanted.selector), "signatures")
        found: answers.Page[SignatureAnswer] = self._http.get(path)
        return found

    def _change(self, caller: Caller, method: str, path: str, body: Mapping[str, Any]) -> Any:
        return self._http.change(
            method, path, body, key=caller.key, dry_run=caller.dry_run, change=caller.change, headers=None, query={}
        )
