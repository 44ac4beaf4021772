"""A server that was started with --closed: nobody is let in without a credential, even while there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.services.local import LocalRegistry

OPS = Caller(actor="ops")
ALIAS = "/v1/bundles/support/aliases/production"


def test_this_machine_too_needs_a_token_before_the_first_and_after_the_last(
    memory: LocalRegistry, manifest: Callable[..., dict[str, str]], api_of: Any
) -> None:
    memory.publish(OPS, manifest(), alias="production")
    api = api_of(memory, closed=True)

    def statuses(**given: Any) -> list[int]:
        return [
            api("GET", path, **given).status_code for path in (ALIAS, ALIAS, "/v1/bundles", "/metrics", "/v1/whoami")
        ]

    assert statuses() == [401] * 5
    assert api("POST", "/v1/tokens", json={"name": "me", "can": ["admin"]}).status_code == 401
    assert [api("GET", path).status_code for path in ("/healthz", "/readyz", "/openapi.json")] == [200] * 3
    known = {"Authorization": f"Bearer {memory.create_token(OPS, 'me', can='admin')['token']}"}
    assert (statuses(headers=known), statuses()) == ([200] * 5, [401] * 5)
    memory.revoke_token(OPS, "me")
    assert (statuses(headers=known), statuses()) == ([401] * 5, [401] * 5)
